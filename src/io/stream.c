#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, KEPT = 1 << 20 };

enum err stream_pair(int fd[2], struct fault *f)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) == 0) return OK;
    return fail_errno(f, "cannot make a pair of sockets");
}

enum err stream_open(struct stream *s, struct loop *l, int fd, size_t limit, watch_fn *ready)
{
    *s = (struct stream){ .watch = { .fd = fd, .wanted = EPOLLIN, .ready = ready },
                          .in = buf_make(limit),
                          .out = buf_make(limit) };
    enum err e = loop_add(l, &s->watch);
    if (!e) return OK;
    close(fd);
    s->watch.ready = NULL;
    return e;
}

void stream_close(struct stream *s, struct loop *l)
{
    if (!stream_is_open(s)) return;
    loop_remove(l, &s->watch);
    close(s->watch.fd);
    for (size_t i = 0; i < s->fds_len; i++) close(s->fds[i]);
    for (size_t i = 0; i < s->going_len; i++)
        for (size_t k = 0; k < s->going[i].count; k++) close(s->going[i].fds[k]);
    buf_free(&s->in);
    buf_free(&s->out);
    *s = (struct stream){ .watch.ready = NULL };
}

/* --- receiving --------------------------------------------------------------------------- */

/* Moves what is still wanted to the front, so that the buffer does not grow for ever; what was much
 * is given back once it is empty. */
static void settle(struct buf *b, size_t *from)
{
    if (!*from) return;
    memmove(b->at, b->at + *from, b->len - *from);
    b->len -= *from;
    *from = 0;
    if (!b->len && b->room > KEPT) buf_free(b);
}

/* Whether the descriptors of one more message can be kept. */
static bool fds_fit(const struct stream *s)
{
    return s->fds_len + SOCK_FDS_MOST <= STREAM_FDS;
}

enum err stream_fill(struct stream *s)
{
    if (!fds_fit(s)) return ERR_RESOURCE_LIMIT;
    settle(&s->in, &s->in_from);
    while (fds_fit(s)) {
        int fds[SOCK_FDS_MOST];
        size_t count, room = s->in.limit - s->in.len;
        if (room > CHUNK) room = CHUNK;
        char *to = room ? buf_more(&s->in, room) : NULL;
        if (!to) return ERR_RESOURCE_LIMIT;
        ssize_t n = sock_receive(s->watch.fd, to, room, fds, &count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? OK : ERR_IO;
        for (size_t i = 0; i < count; i++) s->fds[s->fds_len++] = fds[i];
        if (n == 0) return ERR_IO;
        s->in.len += (size_t)n;
    }
    return OK;
}

struct str stream_view(const struct stream *s)
{
    return str_from(buf_view(&s->in), s->in_from);
}

void stream_taken(struct stream *s, size_t n)
{
    s->in_from += n;
}

int stream_fd(struct stream *s)
{
    if (!s->fds_len) return -1;
    int fd = s->fds[0];
    s->fds_len--;
    memmove(s->fds, s->fds + 1, s->fds_len * sizeof *s->fds);
    return fd;
}

/* --- sending ----------------------------------------------------------------------------- */

static enum err queue_fds(struct stream *s, const int *fds, size_t count)
{
    if (!count) return OK;
    if (s->going_len == STREAM_FDS || count > SOCK_FDS_MOST) return ERR_RESOURCE_LIMIT;
    size_t i = s->going_len;
    s->going[i].at = s->out.len;
    s->going[i].count = 0;
    for (size_t k = 0; k < count; k++) {
        int own = fcntl(fds[k], F_DUPFD_CLOEXEC, 3);
        if (own < 0) {
            while (s->going[i].count) close(s->going[i].fds[--s->going[i].count]);
            return ERR_RESOURCE_LIMIT;
        }
        s->going[i].fds[s->going[i].count++] = own;
    }
    s->going_len++;
    return OK;
}

enum err stream_send(struct stream *s, struct loop *l, struct str bytes, const int *fds,
                     size_t count)
{
    if (bytes.len > s->out.limit - s->out.len) return ERR_RESOURCE_LIMIT;
    enum err e = queue_fds(s, fds, count);
    if (e) return e;
    buf_str(&s->out, bytes);
    return s->out.full ? ERR_RESOURCE_LIMIT : stream_flush(s, l);
}

/* One message: up to the next byte that descriptors go with. */
static ssize_t send_some(struct stream *s)
{
    struct str rest = str_from(buf_view(&s->out), s->out_from);
    size_t now = s->going_len && s->going[0].at == s->out_from ? 1 : 0;
    if (s->going_len > now) rest = str_head(rest, s->going[now].at - s->out_from);
    ssize_t n =
        sock_send(s->watch.fd, rest, now ? s->going[0].fds : NULL, now ? s->going[0].count : 0);
    if (n <= 0 || !now) return n;
    for (size_t k = 0; k < s->going[0].count; k++) close(s->going[0].fds[k]);
    s->going_len--;
    memmove(s->going, s->going + 1, s->going_len * sizeof *s->going);
    return n;
}

enum err stream_flush(struct stream *s, struct loop *l)
{
    enum err e = OK;
    while (!e && s->out_from < s->out.len) {
        ssize_t n = send_some(s);
        if (n >= 0) s->out_from += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        else if (errno != EINTR) e = ERR_IO;
    }
    size_t done = s->out_from;
    settle(&s->out, &s->out_from);
    for (size_t i = 0; i < s->going_len; i++) s->going[i].at -= done;
    loop_want(l, &s->watch, s->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return e;
}
