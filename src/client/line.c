#include "client/line.h"

#include "base/file.h"
#include "client/reach.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/trace.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 5, PAUSE_MS = 20, PAUSE_MOST_MS = 500, REST_MS = 1000, REST_MOST_MS = 60000 };

#define MS UINT64_C(1000000) /* in nanoseconds */

enum err line_open(struct line *l, struct str socket, uint64_t timeout_ms, uint64_t frame_most,
                   int verbose, struct fault *f)
{
    /* Field by field, so that the rooms stay untouched until they are used. */
    l->place = 0;
    l->fd = -1;
    l->timeout_ms = timeout_ms ? timeout_ms : LINE_TIMEOUT_MS;
    l->frame_most = frame_most ? (size_t)frame_most : LINE_FRAME_MOST;
    l->verbose = verbose;
    l->cancel = NULL;
    l->begun = false;
    l->id = l->not_before = 0;
    l->pauses = l->rests = (struct backoff){ 0 };
    l->large = buf_make(l->frame_most + FRAME_HEAD);
    l->from = l->len = 0;
    return sock_places(socket, true, &l->places, f);
}

static void hang_up(struct line *l)
{
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
    l->from = l->len = 0;
}

void line_close(struct line *l)
{
    hang_up(l);
    buf_free(&l->large);
}

/* --- one connection ---------------------------------------------------------------------- */

static enum err lost(const struct line *l, struct fault *f)
{
    return fail(f, ERR_SERVICE_UNAVAILABLE, "the connection to the daemon on %s was lost",
                line_path(l));
}

static enum err late(const struct line *l, struct fault *f)
{
    return fail(f, ERR_TIMEOUT, "the daemon on %s did not answer within %.3g s", line_path(l),
                (double)l->timeout_ms / 1e3);
}

/* What a signal that woke a call means for it. */
static enum err woken(const struct line *l, struct fault *f)
{
    return l->cancel && *l->cancel ? fail(f, ERR_CANCELLED, "the call was given up") : OK;
}

static enum err nonsense(const struct line *l, const char *what, struct fault *f)
{
    return fail(f, ERR_PARSE, "the daemon on %s %s", line_path(l), what);
}

static enum err connect_anew(struct line *l, struct fault *f)
{
    enum err e = reach_daemon(&l->places, l->timeout_ms, &l->fd, &l->place, f);
    if (e) l->fd = -1;
    l->begun = true;
    return e;
}

static void trace(const struct line *l, struct str payload, bool response, struct arena *a)
{
    struct buf text = buf_make((size_t)64 << 20);
    if (l->verbose < 2) return;
    trace_message(&text, l->verbose, response ? "< " : "> ", payload, response, a);
    write_all(STDERR_FILENO, buf_view(&text), NULL);
    buf_free(&text);
}

/* Sends the frame; *sent says whether any byte of it went. */
static enum err send_frame(struct line *l, struct str frame, bool *sent, struct fault *f)
{
    while (frame.len) {
        ssize_t n = send(l->fd, frame.at, frame.len, MSG_NOSIGNAL);
        if (n > 0) {
            *sent = true;
            frame = str_from(frame, (size_t)n);
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return late(l, f);
        } else if (n == 0 || errno != EINTR) {
            return lost(l, f);
        } else if (woken(l, f)) {
            return ERR_CANCELLED;
        }
    }
    return OK;
}

static enum err send_request(struct line *l, const struct request *q, struct arena *a, bool *sent,
                             struct fault *f)
{
    struct buf large = buf_make(l->frame_most + FRAME_HEAD);
    struct buf out = { .at = l->out, .room = sizeof l->out, .limit = sizeof l->out };
    struct buf *to = out.limit < large.limit ? &out : &large;
    frame_begin(to);
    codec_write_request(to, q);
    if (to->full && to == &out) {
        to = &large;
        frame_begin(to);
        codec_write_request(to, q);
    }
    frame_end(to, 0);
    enum err e = OK;
    if (to->full)
        e = fail(f, ERR_RESOURCE_LIMIT, "the request is longer than a message may be, %zu bytes",
                 l->frame_most);
    if (!e) trace(l, str_from(buf_view(to), FRAME_HEAD), false, a);
    if (!e) e = send_frame(l, buf_view(to), sent, f);
    buf_free(&large);
    return e;
}

/* --- the answer -------------------------------------------------------------------------- */

/* As poll; a signal is let in only while it waits, so that none comes unseen between the look at
 * cancel and the wait. */
static int poll_or_cancel(const struct line *l, struct pollfd *p, int ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
    sigset_t all, before;
    if (!l->cancel) return poll(p, 1, ms);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int n = -1, why = EINTR;
    if (!*l->cancel) {
        n = ppoll(p, 1, &t, &before);
        why = errno;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return n;
}

/* A first read waits as long as the socket does; whoever connects anew, sends an answer in pieces
 * or events before it does not get that long for each of them. */
static enum err wait_for_more(struct line *l, uint64_t deadline, struct fault *f)
{
    struct pollfd p = { .fd = l->fd, .events = POLLIN };
    for (;;) {
        uint64_t now = reach_clock();
        if (now >= deadline) return late(l, f);
        int n = poll_or_cancel(l, &p, (int)((deadline - now) / MS) + 1);
        if (n > 0) return OK;
        if (n < 0 && errno != EINTR) return lost(l, f);
        if (n < 0 && woken(l, f)) return ERR_CANCELLED;
    }
}

static enum err read_more(struct line *l, char *to, size_t room, uint64_t deadline, struct fault *f)
{
    for (;;) {
        ssize_t n = recv(l->fd, to + l->len, room - l->len, 0);
        if (n > 0) {
            l->len += (size_t)n;
            return OK;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return late(l, f);
        if (n == 0 || errno != EINTR) return lost(l, f);
        if (woken(l, f)) return ERR_CANCELLED;
        enum err e = wait_for_more(l, deadline, f);
        if (e) return e;
    }
}

/* Where an answer of this many bytes is gathered: what is there of it is moved to the front. */
static enum err make_room(struct line *l, size_t need, char **at, size_t *room, struct fault *f)
{
    struct str got = { *at + l->from, l->len - l->from };
    if (need > *room) {
        l->large.len = 0;
        l->large.full = false;
        char *large = buf_more(&l->large, need);
        if (!large) return fail(f, ERR_RESOURCE_LIMIT, "no memory for the answer");
        *at = large;
        *room = need;
    }
    memmove(*at, got.at, got.len);
    l->from = 0;
    l->len = got.len;
    return OK;
}

/* The next whole frame. What came behind it stays in l->in; an answer that is gathered elsewhere is
 * read to its end and no further. */
static enum err receive(struct line *l, uint64_t deadline, struct str *payload, struct fault *f)
{
    char *at = l->in;
    size_t room = sizeof l->in;
    for (;;) {
        enum frame state =
            frame_take((struct str){ at + l->from, l->len - l->from }, l->frame_most, payload);
        if (state == FRAME_REFUSED) return nonsense(l, "sent a message of a forbidden length", f);
        if (state == FRAME_WHOLE) break;
        enum err e = OK;
        if (l->from || payload->len + FRAME_HEAD > room)
            e = make_room(l, payload->len + FRAME_HEAD, &at, &room, f);
        if (!e && (l->len || l->begun || l->cancel)) e = wait_for_more(l, deadline, f);
        if (!e) e = read_more(l, at, room, deadline, f);
        if (e) return e;
    }
    l->from += FRAME_HEAD + payload->len;
    if (at != l->in || l->from == l->len) l->from = l->len = 0;
    return OK;
}

/* The operation whose result answers a request: an envelope is answered by what is in it. */
static uint32_t answered_op(const struct request *q)
{
    enum op op;
    bool with = op_of_number(q->op, &op) && op == OP_with;
    return with ? ((const struct with_request *)q->body)->request.op : q->op;
}

/* Reads until the answer is there; events before it are passed over, unread. */
static enum err receive_answer(struct line *l, const struct request *q, uint64_t deadline,
                               struct arena *a, struct response *r, struct fault *f)
{
    for (;;) {
        struct str payload;
        struct fault g = { "" };
        uint32_t kind;
        uint64_t id;
        enum err e = receive(l, deadline, &payload, f);
        if (e) return e;
        trace(l, payload, true, a);
        if (codec_peek(payload, &kind, &id) && kind == RESPONSE_EVENT && id == q->id) {
            if (reach_clock() >= deadline) return late(l, f);
            l->begun = true;
            continue;
        }
        e = codec_read_response(payload, a, r, &g);
        if (e)
            return fail(f, ERR_PARSE, "the answer of the daemon on %s cannot be read: %s",
                        line_path(l), *g.text ? g.text : err_row(e)->sentence);
        if (!r->id && r->kind == RESPONSE_ERROR)
            return fail(f, err_of_code(r->code), "the daemon on %s refused: %.*s", line_path(l),
                        STR_ARG(str_head(r->message, 256)));
        if (r->id != q->id) return nonsense(l, "answered something that was not asked", f);
        if (r->kind == RESPONSE_SUCCESS && r->op != answered_op(q))
            return nonsense(l, "answered another operation than was asked", f);
        return OK;
    }
}

/* --- a call ------------------------------------------------------------------------------ */

static enum err call_once(struct line *l, const struct request *q, uint64_t deadline,
                          struct arena *a, struct response *r, bool *sent, struct fault *f)
{
    enum err e = l->fd < 0 ? connect_anew(l, f) : OK;
    if (!e) e = send_request(l, q, a, sent, f);
    if (!e) e = receive_answer(l, q, deadline, a, r, f);
    /* More than was asked for is not to be taken for the next answer. */
    if (l->fd >= 0 && (e || l->len)) hang_up(l);
    return e;
}

static void sleep_ms(const struct line *l, uint64_t ms)
{
    struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000) };
    while (nanosleep(&t, &t) != 0 && errno == EINTR && !woken(l, NULL)) continue;
}

/* Waits before the call is made again; false when there is no time left for it. */
static bool pause_before(struct line *l, uint64_t deadline)
{
    if (!l->pauses.least_ms) l->pauses = backoff_make(PAUSE_MS, PAUSE_MOST_MS, 0);
    uint64_t ms = backoff_next_ms(&l->pauses), now = reach_clock();
    if (now >= deadline || (deadline - now) / MS <= ms) return false;
    sleep_ms(l, ms);
    return true;
}

static void rest(struct line *l)
{
    if (!l->rests.least_ms) l->rests = backoff_make(REST_MS, REST_MOST_MS, 0);
    l->not_before = reach_clock() + backoff_next_ms(&l->rests) * MS;
}

enum err line_call(struct line *l, enum op op, const void *request, bool patient, struct arena *a,
                   struct response *r, struct fault *f)
{
    struct request q = { .op = op_row(op)->number, .body = request };
    uint64_t now = reach_clock(), deadline = now + l->timeout_ms * MS;
    enum err e = ERR_TIMEOUT;
    if (!patient && now < l->not_before) return late(l, f);
    l->begun = false;
    for (int i = 0; i < TRIES; i++) {
        bool was_connected = l->fd >= 0, sent = false;
        q.id = ++l->id;
        e = call_once(l, &q, deadline, a, r, &sent, f);
        if (e == ERR_SERVICE_UNAVAILABLE && sent && op_row(op)->path == PATH_CHANGE)
            return fail(f, e,
                        "the connection to the daemon on %s was lost before it answered; whether "
                        "anything was changed is not known",
                        line_path(l));
        bool gone = i && patient && e == ERR_NOT_FOUND; /* it may be on its way back */
        if (e != ERR_SERVICE_UNAVAILABLE && !gone) break;
        /* One that was idle may have been closed long ago: that is no reason to wait. */
        if (!(was_connected && !i) && !pause_before(l, deadline)) break;
        if (woken(l, f)) return ERR_CANCELLED;
    }
    if (e == ERR_TIMEOUT) rest(l);
    if (e) return e;
    l->not_before = 0;
    backoff_reset(&l->pauses);
    backoff_reset(&l->rests);
    return OK;
}
