/* The broker in this process, with all that it has around it played by whoever tests: the
 * supervisor, the packages service with indexes of its own, and any number of clients. What fails
 * here ends the program: it is the test that is broken then. */
#ifndef OMG_TESTS_BROKER_HOUSE_H
#define OMG_TESTS_BROKER_HOUSE_H

#define INDEX_ROOT_CHILD
#include "made_packages.h"

#include "broker/broker.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { SETS = 2, PARTS = 3, WHOLE_TURN = 12 };

/* Two indexes of different packages, as sealed memory. */
static int index_sets[SETS][PARTS] = { { -1, -1, -1 }, { -1, -1, -1 } };

static inline void index_write(const int fds[PARTS], size_t packages)
{
    struct index_root r;
    index_root_make(&r);
    made_packages(&r, packages);
    need(index_root_build(&r) == OK);
    const struct buf *made[PARTS] = { &r.out.catalogue, &r.out.overlay, &r.out.text };
    for (size_t i = 0; i < PARTS; i++) need(write_all(fds[i], buf_view(made[i]), NULL) == OK);
    index_root_free(&r);
}

/* In a child, as building gives up power; made once. */
static inline void index_sets_make(void)
{
    enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, PACKAGES = 60 };
    if (index_sets[0][0] >= 0) return;
    for (size_t set = 0; set < SETS; set++) {
        int status;
        for (size_t i = 0; i < PARTS; i++)
            index_sets[set][i] = memfd_create("test-index", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        pid_t pid = fork();
        if (pid == 0) {
            index_write(index_sets[set], PACKAGES * (set + 1));
            _exit(0);
        }
        need(waitpid(pid, &status, 0) == pid && status == 0);
        for (size_t i = 0; i < PARTS; i++) need(fcntl(index_sets[set][i], F_ADD_SEALS, SEALS) == 0);
    }
}

struct house {
    struct broker b;
    int supervisor, service, listener; /* our ends; -1: none */
    struct sockaddr_un address;
    socklen_t address_len;
    struct arena arena; /* what was decoded last; it stays until the next test */
};

/* --- the supervisor ---------------------------------------------------------------------- */

/* Until nothing more happens by itself. */
static inline void house_turns(struct house *h)
{
    for (int i = 0; i < WHOLE_TURN && !h->b.loop.stopped; i++) loop_turn(&h->b.loop, 0);
}

/* A non-blocking pair of which the broker gets the second. */
static inline void house_pair(int fd[2])
{
    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) == 0);
}

/* What the supervisor says whenever something changes; with link a new socket to the service. */
static inline void house_say(struct house *h, const char *settings, bool link)
{
    int fd[2] = { -1, -1 };
    struct buf frame = buf_make(1 << 20);
    struct service_state state = { .name = S("packages"), .state = S("running"), .restarts = 7 };
    struct house_result said = { .settings = str_of(settings),
                                 .link = link,
                                 .services = { &state, 1 } };
    struct response r = { .kind = RESPONSE_EVENT, .op = op_row(OP_house)->number, .body = &said };
    if (link) {
        house_pair(fd);
        if (h->service >= 0) close(h->service);
        h->service = fd[0];
    }
    size_t at = frame_begin(&frame);
    codec_write_response(&frame, &r);
    frame_end(&frame, at);
    need(sock_send(h->supervisor, buf_view(&frame), &fd[1], link) == (ssize_t)frame.len);
    if (link) close(fd[1]);
    buf_free(&frame);
    house_turns(h);
}

static inline void house_open(struct house *h, const char *settings)
{
    int pair[2];
    *h = (struct house){ .service = -1, .address = { .sun_family = AF_UNIX } };
    index_sets_make();
    need(arena_open(&h->arena, (size_t)1 << 30) == OK);
    h->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    h->address_len = sizeof h->address;
    need(bind(h->listener, (struct sockaddr *)&h->address, sizeof(sa_family_t)) == 0 &&
         listen(h->listener, 64) == 0 &&
         getsockname(h->listener, (struct sockaddr *)&h->address, &h->address_len) == 0);
    house_pair(pair);
    h->supervisor = pair[0];
    need(broker_open(&h->b, pair[1], h->listener, NULL) == OK);
    house_say(h, settings, true);
}

static inline void house_close(struct house *h)
{
    broker_close(&h->b);
    close(h->listener);
    if (h->supervisor >= 0) close(h->supervisor);
    if (h->service >= 0) close(h->service);
    arena_close(&h->arena);
}

/* Lets time pass: whatever happened lies further back, and what is due comes sooner. */
static inline void house_age(struct house *h, uint64_t ns)
{
    struct timer *at;
    for (at = h->b.loop.first; at; at = at->after)
        at->due_ns = at->due_ns > ns ? at->due_ns - ns : 0;
    for (struct conn *c = h->b.conns; c; c = c->next) {
        uint64_t *const when[] = { &c->seen_ns, &c->part_ns, &c->stuck_ns, &c->fast_ns,
                                   &c->slow_ns };
        for (size_t i = 0; i < sizeof when / sizeof *when; i++)
            *when[i] = *when[i] > ns ? *when[i] - ns : 0;
    }
    house_turns(h);
}

/* --- the service ------------------------------------------------------------------------- */

static inline void service_says(struct house *h, const struct response *r, const int *fds,
                                size_t count)
{
    struct buf frame = buf_make(64 << 20);
    size_t at = frame_begin(&frame);
    codec_write_response(&frame, r);
    frame_end(&frame, at);
    sock_send(h->service, buf_view(&frame), fds, count); /* the broker may have hung up */
    buf_free(&frame);
}

/* Hands over these parts of a set (as bits), as the packages service does. */
static inline void house_index(struct house *h, size_t set, unsigned parts, uint64_t generation)
{
    int fds[PARTS];
    size_t count = 0;
    struct refresh_result said = {
        .generation = generation, .catalogue = parts & 1, .overlay = parts & 2, .text = parts & 4
    };
    for (size_t i = 0; i < PARTS; i++)
        if (parts >> i & 1) fds[count++] = index_sets[set][i];
    service_says(h,
                 &(struct response){ .kind = RESPONSE_EVENT,
                                     .sequence = generation,
                                     .op = op_row(OP_refresh)->number,
                                     .body = &said },
                 fds, count);
    house_turns(h);
}

/* n bytes; for those that the socket had no room for the broker gets a few more turns. False where
 * they do not come. */
static inline bool take_exactly(struct house *h, int fd, char *to, size_t n, int fds[SOCK_FDS_MOST],
                                size_t *count)
{
    size_t got = 0, more;
    *count = 0;
    for (int tries = 0; got < n && tries < 1000; tries++) {
        ssize_t one = sock_receive(fd, to + got, n - got, fds + *count, &more);
        if (one == 0 || (one < 0 && errno != EAGAIN)) return false;
        if (one < 0) house_turns(h);
        else got += (size_t)one;
        *count += more;
    }
    return got == n;
}

/* The next frame that came on fd, as a payload in the arena; false where there is none. caller gets
 * the descriptor that came along, or -1. */
static inline bool take_frame(struct house *h, int fd, struct str *payload, int *caller)
{
    char head[FRAME_HEAD];
    int fds[2 * SOCK_FDS_MOST], more[SOCK_FDS_MOST];
    size_t count, others;
    struct pollfd p = { fd, POLLIN, 0 };
    *caller = -1;
    if (poll(&p, 1, 0) <= 0 || !take_exactly(h, fd, head, sizeof head, fds, &count)) return false;
    size_t len = 0;
    for (size_t i = 0; i < sizeof head; i++) len = len << 8 | (uint8_t)head[i];
    char *at = arena_alloc(&h->arena, len);
    need(at && take_exactly(h, fd, at, len, more, &others) && !others && count <= 1);
    if (count) *caller = fds[0];
    *payload = (struct str){ at, len };
    return true;
}

/* What the service was asked next; false where nothing. */
static inline bool service_hears(struct house *h, struct request *r, int *caller)
{
    struct str payload;
    if (!take_frame(h, h->service, &payload, caller)) return false;
    need(codec_read_request(payload, 100, &h->arena, r, NULL) == OK);
    return true;
}

/* As above, where a call has to be there. */
static inline struct request service_asked(struct house *h)
{
    struct request r;
    int caller;
    need(service_hears(h, &r, &caller));
    if (caller >= 0) close(caller);
    return r;
}

static inline void service_answers(struct house *h, uint64_t id)
{
    struct doctor_result nothing = { 0 };
    service_says(h,
                 &(struct response){ .id = id, .op = op_row(OP_doctor)->number, .body = &nothing },
                 NULL, 0);
    house_turns(h);
}

static inline void service_dies(struct house *h)
{
    close(h->service);
    h->service = -1;
    house_turns(h);
}

/* --- clients ----------------------------------------------------------------------------- */

static inline int client_comes(struct house *h)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    need(connect(fd, (struct sockaddr *)&h->address, h->address_len) == 0);
    house_turns(h);
    return fd;
}

static inline void client_says(struct house *h, int fd, struct str bytes)
{
    need(send(fd, bytes.at, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len);
    house_turns(h);
}

/* Appends a request as a frame. */
static inline void put_request(struct buf *out, enum op op, uint64_t id, const void *body)
{
    size_t at = frame_begin(out);
    codec_write_request(out, &(struct request){ .id = id, .op = op_row(op)->number, .body = body });
    frame_end(out, at);
}

static inline void client_asks(struct house *h, int fd, enum op op, uint64_t id, const void *body)
{
    struct buf out = buf_make(16 << 20);
    put_request(&out, op, id, body);
    client_says(h, fd, buf_view(&out));
    buf_free(&out);
}

/* The next answer; false where there is none (yet). */
static inline bool client_hears(struct house *h, int fd, struct response *r)
{
    struct str payload;
    int none;
    if (!take_frame(h, fd, &payload, &none)) return false;
    need(none < 0 && codec_read_response(payload, &h->arena, r, NULL) == OK);
    return true;
}

/* Whether the broker has hung up, once all it said is read. */
static inline bool client_is_left(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

#endif
