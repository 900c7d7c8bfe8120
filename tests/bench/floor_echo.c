/* What a round trip costs when nothing is done for it: floor_echo SOCKET serves any number of
 * clients with one read, one write and one epoll_wait for all that a read brought. A request begins
 * with two u32 in the machine's order, how long it is and how long its answer shall be, so that the
 * same client can ask for exactly the bytes that it gets from the daemon. What is answered are
 * zeros; nothing is checked. Prints a line when it listens. */
#include "bench.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    EVENTS = 64,
    CLIENTS_MOST = 64,
    READ_ROOM = 64 << 10,
    ANSWERS_MOST = 1 << 20,
    BACKLOG = 128
};

struct client {
    size_t len; /* half a request */
    char in[READ_ROOM];
};

static struct client clients[CLIENTS_MOST]; /* by descriptor */
static char zeros[ANSWERS_MOST];

/* How many bytes the whole requests in c->in ask for; what is left of them moves to the front. */
static size_t requests_take(struct client *c)
{
    size_t at = 0, answer = 0;
    for (uint32_t head[2]; c->len - at >= sizeof head; at += head[0]) {
        memcpy(head, c->in + at, sizeof head);
        if (head[0] < sizeof head || head[0] > c->len - at) break;
        answer += head[1];
    }
    if (at != c->len) memmove(c->in, c->in + at, c->len - at);
    c->len -= at;
    return answer;
}

/* Blocks until the client has taken everything: it is one that does. */
static void answer(int fd, size_t bytes)
{
    while (bytes) {
        ssize_t n = write(fd, zeros, bytes < ANSWERS_MOST ? bytes : ANSWERS_MOST);
        if (n <= 0) return;
        bytes -= (size_t)n;
    }
}

static void client_ready(int fd)
{
    struct client *c = &clients[fd];
    ssize_t n = read(fd, c->in + c->len, READ_ROOM - c->len);
    if (n <= 0) {
        close(fd); /* and the epoll forgets it */
        return;
    }
    c->len += (size_t)n;
    answer(fd, requests_take(c));
}

static void client_make(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL);
    struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
    if (fd < 0 || fd >= CLIENTS_MOST || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
        die("a client is lost");
    clients[fd].len = 0;
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) die("%s is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0)
        die("cannot listen on %s", path);
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    if (argc != 2) die("floor_echo SOCKET");
    int listener = listen_on(argv[1]), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = { .events = EPOLLIN, .data.fd = listener };
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) != 0) die("no epoll");
    memset(zeros, 0, sizeof zeros); /* its pages are there before anybody asks */
    puts("listening");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) client_make(epoll, listener);
            else client_ready(events[i].data.fd);
        }
    }
}
