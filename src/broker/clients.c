/* Connections: accepting, reading, sending, and hanging up on those that take more than their part.
 */
#include "broker/broker.h"
#include "wire/frame.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define NO_DESCRIPTORS "the daemon has no descriptors for another client"

enum { ACCEPTS_MOST = 64 }; /* in one turn */

static void conn_ready(struct loop *l, struct watch *w, uint32_t events);
static void conn_job(struct loop *l, struct job *j);

static struct conn *conn_of_watch(struct watch *w)
{
    return (struct conn *)(void *)((char *)w - offsetof(struct conn, watch));
}

/* --- time -------------------------------------------------------------------------------- */

/* When this client has been waited for long enough; 0: never. */
static uint64_t conn_due(const struct conn *c)
{
    const struct settings *s = &c->b->settings;
    if (c->out.len) return c->stuck_ns + s->frame_ms * 1000000;
    if (c->job.queued) return 0; /* it is our turn */
    if (c->in.len) return c->part_ns + s->frame_ms * 1000000;
    if (c->calls || !s->idle_ms) return 0;
    return c->seen_ns + s->idle_ms * 1000000;
}

/* The timer is moved only where it would fire too late; fired too early, it looks again. */
static void conn_arm(struct conn *c)
{
    uint64_t due = conn_due(c);
    if (due && (!c->timer.set || c->timer.due_ns > due)) timer_set(&c->b->loop, &c->timer, due);
}

static void conn_late(struct loop *l, struct timer *t)
{
    struct conn *c = (struct conn *)(void *)((char *)t - offsetof(struct conn, timer));
    uint64_t due = conn_due(c), now = clock_ns();
    if (!due) return;
    if (due > now) {
        timer_set(l, t, due);
        return;
    }
    if (c->out.len || c->closing) {
        c->b->dropped++;
        conn_drop(c);
        return;
    }
    if (c->in.len) dispatch_refuse(c, ERR_TIMEOUT, 0, "half a message came, and then nothing");
    c->closing = true;
    conn_send(c);
}

/* --- room for what has to wait ------------------------------------------------------------- */

/* Since when the client has had something of the pool in its hands and has not gone on with it. */
static uint64_t conn_waits_since(const struct conn *c)
{
    uint64_t in = pail_counted(&c->in) ? c->part_ns : UINT64_MAX;
    uint64_t out = pail_counted(&c->out) ? c->stuck_ns : UINT64_MAX;
    return in < out ? in : out;
}

/* Takes everything from the one that waits the longest, which is hung up on by a job of its own;
 * false where that would be c itself. */
static bool make_room(struct conn *c)
{
    struct broker *b = c->b;
    struct conn *x = b->conns;
    assert(x); /* c at least */
    for (struct conn *at = b->conns; at; at = at->next)
        if (conn_waits_since(at) < conn_waits_since(x)) x = at;
    if (x == c || conn_waits_since(x) == UINT64_MAX) return false;
    x->closing = x->greedy = true;
    x->cut = x->out.len > 0;
    pail_free(&b->pool, &x->in);
    pail_free(&b->pool, &x->out);
    job_put_off(&b->loop, &x->job);
    b->dropped++;
    return true;
}

bool conn_keep(struct conn *c, struct pail *p, struct str bytes)
{
    while (!pail_add(&c->b->pool, p, bytes))
        if (!pail_may(&c->b->pool, p, bytes.len) || !make_room(c)) return false;
    return true;
}

/* --- accepting --------------------------------------------------------------------------- */

/* A connection that cannot be kept is told why. */
static void turn_away(struct broker *b, int fd, const char *why)
{
    struct conn c = { .b = b, .watch = { .fd = fd } };
    b->refused++;
    b->out.len = 0;
    dispatch_refuse(&c, ERR_RESOURCE_LIMIT, 0, "%s", why);
    ssize_t sent = write(fd, b->out.at, b->out.len);
    (void)sent; /* there is nobody to tell */
    b->out.len = 0;
    close(fd);
}

static void conn_make(struct broker *b, int fd)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c) {
        turn_away(b, fd, "the daemon has no memory for another client");
        return;
    }
    *c = (struct conn){ .b = b,
                        .watch = { .fd = fd, .wanted = EPOLLIN, .ready = conn_ready },
                        .next = b->conns,
                        .timer.fire = conn_late,
                        .job.run = conn_job,
                        .seen_ns = b->loop.now_ns };
    if (sock_peer(fd, &c->peer) != OK || loop_add(&b->loop, &c->watch) != OK) {
        free(c);
        turn_away(b, fd, "the daemon cannot watch another client");
        return;
    }
    c->rights = own_rights(b, &c->peer);
    if (b->conns) b->conns->before = c;
    b->conns = c;
    b->conns_len++;
    b->accepted++;
    broker_say(b, 1, "client %d: process %d of user %u", fd, (int)c->peer.pid,
               (unsigned)c->peer.uid);
    conn_arm(c);
}

/* Without a descriptor for the next client it would wait for ever, and wake us for ever: one that
 * is kept for this is given up for a moment, to tell it. */
static bool accept_and_tell(struct broker *b)
{
    if (b->reserve < 0) return false;
    close(b->reserve);
    int fd = accept4(b->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) turn_away(b, fd, NO_DESCRIPTORS);
    b->reserve = fcntl(b->listener.fd, F_DUPFD_CLOEXEC, 3);
    return fd >= 0;
}

static void accept_again(struct loop *l, struct timer *t)
{
    struct broker *b = (struct broker *)(void *)((char *)t - offsetof(struct broker, pause));
    loop_want(l, &b->listener, EPOLLIN);
}

/* The system has nothing to accept with: waiting for the next client would only spin. */
static void accept_later(struct broker *b)
{
    enum { PAUSE_MS = 100 };
    loop_want(&b->loop, &b->listener, 0);
    b->pause.fire = accept_again;
    timer_set(&b->loop, &b->pause, clock_ns() + PAUSE_MS * UINT64_C(1000000));
}

void clients_accept(struct loop *l, struct watch *w, uint32_t events)
{
    struct broker *b = (struct broker *)(void *)((char *)w - offsetof(struct broker, listener));
    (void)l;
    (void)events;
    for (int i = 0; i < ACCEPTS_MOST; i++) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE) && accept_and_tell(b)) continue;
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK) accept_later(b);
            return;
        }
        if (b->conns_len >= b->settings.clients_most)
            turn_away(b, fd, "as many clients as may be are connected already (clients.max)");
        else if (fd >= b->fd_most) turn_away(b, fd, NO_DESCRIPTORS);
        else conn_make(b, fd);
    }
}

/* --- sending ----------------------------------------------------------------------------- */

void conn_drop(struct conn *c)
{
    struct broker *b = c->b;
    broker_say(b, 1, "client %d: gone", c->watch.fd);
    while (c->calls) {
        service_cancel(c->calls);
        call_free(c->calls);
    }
    loop_remove(&b->loop, &c->watch);
    timer_clear(&b->loop, &c->timer);
    job_clear(&b->loop, &c->job);
    close(c->watch.fd);
    pail_free(&b->pool, &c->in);
    pail_free(&b->pool, &c->out);
    *(c->before ? &c->before->next : &b->conns) = c->next;
    if (c->next) c->next->before = c->before;
    b->conns_len--;
    free(c);
}

/* What the connection is waited for; whoever has answers to take is not read from. */
static void conn_want(struct conn *c)
{
    bool reads = !c->out.len && !c->closing && !c->ended && !c->job.queued;
    loop_want(&c->b->loop, &c->watch,
              (reads ? (uint32_t)EPOLLIN : 0) | (c->out.len ? (uint32_t)EPOLLOUT : 0));
}

/* Sends as much of bytes as is taken; -1 when the client is gone. */
static ssize_t send_now(const struct conn *c, struct str bytes)
{
    size_t sent = 0;
    while (sent < bytes.len) {
        ssize_t n = write(c->watch.fd, bytes.at + sent, bytes.len - sent);
        if (n >= 0) sent += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        else if (errno != EINTR) return -1;
    }
    return (ssize_t)sent;
}

/* Whether the connection has nothing more to give or take. */
static bool is_done(const struct conn *c)
{
    return !c->out.len && !c->job.queued && (c->closing || (c->ended && !c->calls));
}

/* Adds b->out to what goes to the client; false when the client was dropped. */
static bool push(struct conn *c)
{
    struct broker *b = c->b;
    struct str bytes = buf_view(&b->out);
    if (c->cut) { /* behind half an answer nothing makes sense */
        b->out.len = 0;
        return true;
    }
    ssize_t sent = b->out.full ? -1 : c->out.len ? 0 : send_now(c, bytes);
    b->out.full = false; /* the system had no memory for this client's answers */
    b->out.len = 0;      /* the bytes stay where they are until the next answer */
    if (sent >= 0 && (size_t)sent < bytes.len && !c->out.len) c->stuck_ns = b->loop.now_ns;
    if (sent < 0 || !conn_keep(c, &c->out, str_from(bytes, (size_t)sent))) {
        b->dropped++;
        conn_drop(c);
        return false;
    }
    if (b->out.room > WRITE_KEPT) buf_free(&b->out);
    return true;
}

void conn_send(struct conn *c)
{
    if (c->b->out.len && !push(c)) return;
    if (is_done(c)) {
        conn_drop(c);
        return;
    }
    conn_want(c);
    conn_arm(c);
}

void conn_close(struct conn *c)
{
    c->closing = true;
    conn_send(c);
}

/* --- a turn ------------------------------------------------------------------------------ */

static bool turn_is_over(const struct broker *b)
{
    return b->clock_ns - b->turn_from_ns > TURN_NS || b->out.len > WRITE_ROOM;
}

static void refuse_greedy(struct conn *c)
{
    dispatch_refuse(c, ERR_RESOURCE_LIMIT, 0,
                    "too much of unfinished messages is waiting (pool.max_bytes)");
    c->closing = true;
}

/* Answers the frames in bytes; gives how many bytes that took. What is left is half a frame, or
 * whole ones where the turn is over (*more) or the connection is to be closed. */
static size_t take_frames(struct conn *c, struct str bytes, bool *more)
{
    struct broker *b = c->b;
    size_t done = 0;
    *more = false;
    while (!c->closing) {
        struct str payload;
        enum frame state = frame_take(str_from(bytes, done), b->settings.frame_most, &payload);
        if (state == FRAME_PART) {
            if (!pail_may(&b->pool, &(struct pail){ 0 }, payload.len)) refuse_greedy(c);
            break;
        }
        if (state == FRAME_REFUSED) {
            b->bad_frames++;
            dispatch_refuse(c, ERR_PARSE, 0,
                            "a message has 1 to %llu bytes; after this the stream makes no sense",
                            (unsigned long long)b->settings.frame_most);
            c->closing = true;
            break;
        }
        if (turn_is_over(b)) {
            *more = true;
            break;
        }
        dispatch_frame(c, payload);
        done += FRAME_HEAD + payload.len;
    }
    return done;
}

/* Keeps what is left for the next turn. */
static void keep_rest(struct conn *c, struct str rest, bool more)
{
    struct broker *b = c->b;
    bool had = c->in.len > 0;
    if (c->closing) return;
    if (!conn_keep(c, &c->in, rest)) {
        refuse_greedy(c);
        return;
    }
    if (c->in.len && !had) c->part_ns = b->loop.now_ns;
    if (more) job_put_off(&b->loop, &c->job);
}

/* New bytes, or none when it goes on with those it has. */
static void conn_turn(struct conn *c, struct str fresh)
{
    struct broker *b = c->b;
    bool more;
    if (b->clock_ns < b->loop.now_ns) b->clock_ns = b->loop.now_ns;
    b->turn_from_ns = b->clock_ns;
    c->seen_ns = b->turn_from_ns;
    if (!c->in.len) {
        size_t done = take_frames(c, fresh, &more);
        keep_rest(c, str_from(fresh, done), more);
    } else {
        keep_rest(c, fresh, false);
        size_t done = take_frames(c, pail_view(&c->in), &more);
        pail_taken(&b->pool, &c->in, done);
        if (done && c->in.len) c->part_ns = b->loop.now_ns;
        if (more) job_put_off(&b->loop, &c->job);
    }
    conn_send(c);
}

void conn_resume(struct conn *c)
{
    if (!c->out.len) conn_turn(c, STR_NONE);
}

static void conn_job(struct loop *l, struct job *j)
{
    struct conn *c = (struct conn *)(void *)((char *)j - offsetof(struct conn, job));
    (void)l;
    if (!c->greedy) {
        conn_resume(c);
        return;
    }
    if (!c->cut) refuse_greedy(c);
    conn_send(c);
}

/* Sends what waited; once it is gone, frames that came before are answered. */
static void drain(struct conn *c)
{
    ssize_t sent = send_now(c, pail_view(&c->out));
    if (sent < 0) {
        conn_drop(c);
        return;
    }
    if (sent) c->stuck_ns = c->b->loop.now_ns;
    pail_taken(&c->b->pool, &c->out, (size_t)sent);
    if (!c->out.len && c->in.len && !c->closing) {
        c->part_ns = c->b->loop.now_ns; /* nothing was read from it meanwhile */
        job_put_off(&c->b->loop, &c->job);
    }
    conn_send(c);
}

static void conn_ready(struct loop *l, struct watch *w, uint32_t events)
{
    struct conn *c = conn_of_watch(w);
    struct broker *b = c->b;
    (void)l;
    if (c->out.len && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
        drain(c);
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
        conn_drop(c);
        return;
    }
    if (c->ended || c->closing || c->job.queued) return;
    ssize_t n = read(w->fd, b->read, READ_ROOM);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (n < 0) {
        conn_drop(c);
        return;
    }
    if (n == 0) {
        c->ended = true; /* it may still read: what is under way is answered */
        conn_send(c);
        return;
    }
    conn_turn(c, (struct str){ b->read, (size_t)n });
}

/* The daemon stops: what has been sent is read and answered, calls under way are ended, and what
 * comes from now on is not heard any more. */
void clients_finish(struct broker *b)
{
    clients_accept(&b->loop, &b->listener, EPOLLIN);
    for (struct conn *c = b->conns; c; c = c->next) shutdown(c->watch.fd, SHUT_RD);
    for (size_t i = 0; i < b->calls_made; i++)
        if (b->calls[i].state != CALL_FREE && !b->calls[i].parent)
            call_fail(&b->calls[i], ERR_SERVICE_UNAVAILABLE, "the daemon is stopping");
}
