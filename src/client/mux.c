#include "client/mux.h"

#include "base/buf.h"
#include "client/backoff.h"
#include "client/line.h"
#include "client/mux_queue.h"
#include "client/reach.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS    UINT64_C(1000000) /* in nanoseconds */
#define NEVER UINT64_MAX

enum { READ_BYTES = 64 << 10, PAUSE_MS = 10, PAUSE_MOST_MS = 5000 };

/* --- opening and closing ----------------------------------------------------------------- */

static struct mux *mux_make(uint32_t count)
{
    uint32_t size = 1;
    while (size < count) size *= 2;
    size_t bytes = sizeof(struct mux) + (size_t)count * sizeof(struct slot);
    struct mux *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED) return NULL;
    m->mapped = bytes;
    m->count = count;
    m->mask = size - 1;
    m->free = MUX_NO_SLOT;
    m->swept = NEVER;
    m->fd = -1;
    m->earliest = NEVER;
    return m;
}

static enum err connect_now(struct mux *m, struct fault *f)
{
    size_t place;
    enum err e = reach_daemon(&m->places, LINE_TIMEOUT_MS, &m->fd, &place, f);
    if (e) {
        m->fd = -1;
        m->connect_at = m->now + backoff_next_ms(&m->pauses) * MS;
    }
    return e;
}

enum err mux_open(const struct mux_options *o, struct mux **made, struct fault *f)
{
    uint32_t count = o->calls ? o->calls : MUX_CALLS;
    if (count > MUX_CALLS_MOST) count = MUX_CALLS_MOST;
    struct mux *m = mux_make(count);
    if (!m) return fail(f, ERR_RESOURCE_LIMIT, "no memory for calls");
    m->frame_most = o->frame_most ? (size_t)o->frame_most : LINE_FRAME_MOST;
    m->out = buf_make(o->queue_bytes ? o->queue_bytes : MUX_QUEUE_BYTES);
    m->in = buf_make(m->frame_most + FRAME_HEAD + READ_BYTES);
    m->pauses = backoff_make(PAUSE_MS, PAUSE_MOST_MS, 0);
    m->now = reach_clock();
    m->once = o->connected;
    enum err e = arena_open(&m->arena, 8 * m->frame_most);
    if (e) e = fail(f, e, "no memory for answers");
    if (!e && o->connected) m->fd = o->fd;
    else if (!e) e = sock_places(o->socket, true, &m->places, f);
    if (!e && !o->connected) e = connect_now(m, f);
    if (e) mux_close(m);
    else *made = m;
    return e;
}

static void end_call(struct mux *m, struct slot *s, const struct mux_end *end);

void mux_close(struct mux *m)
{
    assert(!m->turning);
    m->turning = true;
    if (m->fd >= 0) close(m->fd);
    m->fd = -1;
    m->once = true; /* callbacks may not ask for more */
    for (uint32_t i = 0; i < m->high; i++) {
        if (m->slots[i].state != SLOT_ASKED) continue;
        end_call(m, &m->slots[i],
                 &(struct mux_end){ .id = m->slots[i].id,
                                    .e = ERR_CANCELLED,
                                    .sentence = S("the connection to the daemon was closed") });
    }
    buf_free(&m->out);
    buf_free(&m->in);
    arena_close(&m->arena);
    munmap(m, m->mapped);
}

/* --- asking ------------------------------------------------------------------------------ */

static void end_call(struct mux *m, struct slot *s, const struct mux_end *end)
{
    mux_done *done = s->done;
    void *user = s->user;
    slot_free(m, s);
    m->pending--;
    done(m, end, user);
}

static void set_deadline(struct mux *m, struct slot *s, uint64_t ms)
{
    s->deadline = m->now + (ms < UINT32_MAX ? ms : UINT32_MAX) * MS;
    if (s->deadline < m->earliest) m->earliest = s->deadline;
}

enum err mux_call(struct mux *m, enum op op, const void *request, uint64_t deadline_ms,
                  mux_done *done, void *user, uint64_t *id)
{
    if (m->fd < 0 && m->once) return ERR_SERVICE_UNAVAILABLE;
    struct slot *s = slot_take(m);
    if (!s) return ERR_BUSY;
    if (!queue_put(m, s, op, request)) {
        slot_free(m, s);
        return m->out.len > m->out_from ? ERR_BUSY : ERR_RESOURCE_LIMIT;
    }
    s->state = SLOT_ASKED;
    s->done = done;
    s->user = user;
    set_deadline(m, s, deadline_ms ? deadline_ms : MUX_DEADLINE_MS);
    m->pending++;
    *id = s->id;
    return OK;
}

/* The caller is told. A call that was sent keeps its slot until the daemon has said something to
 * it, and so does its Cancel; where there is no room for a Cancel there is none. Of a call that was
 * not sent the daemon never hears: queue_sweep is to follow. */
static void give_up(struct mux *m, struct slot *s, enum err e, struct str sentence)
{
    const struct cancel_request q = { .target = s->id };
    const struct mux_end end = { .id = s->id, .e = e, .sentence = sentence };
    if (m->fd < 0 || !slot_sent(s, m->written)) {
        end_call(m, s, &end);
        return;
    }
    struct slot *cancel = slot_take(m);
    if (cancel && queue_put(m, cancel, OP_cancel, &q)) {
        cancel->state = SLOT_GIVEN_UP;
        set_deadline(m, cancel, MUX_LATE_MS);
    } else if (cancel) {
        slot_free(m, cancel);
    }
    s->state = SLOT_GIVEN_UP;
    set_deadline(m, s, MUX_LATE_MS);
    m->pending--;
    s->done(m, &end, s->user);
}

bool mux_cancel(struct mux *m, uint64_t id)
{
    struct slot *s = slot_find(m, id);
    if (!s || s->state != SLOT_ASKED) return false;
    give_up(m, s, ERR_CANCELLED, STR_NONE);
    queue_sweep(m);
    return true;
}

/* --- losing the connection --------------------------------------------------------------- */

/* What was given up is over with the connection, and so are the Cancels that still wait: none is
 * left while there is no connection. */
static void lose(struct mux *m, struct str why)
{
    uint64_t written = m->written;
    assert(m->fd >= 0);
    close(m->fd);
    m->fd = -1;
    m->in.len = m->in_from = 0;
    m->in.full = false;
    m->connect_at = m->now + backoff_next_ms(&m->pauses) * MS;
    if (!m->once) queue_keep_unsent(m);
    for (uint32_t i = 0, high = m->high; i < high; i++) {
        struct slot *s = &m->slots[i];
        if (s->state == SLOT_GIVEN_UP) slot_free(m, s);
        if (s->state == SLOT_FREE || (!slot_sent(s, written) && !m->once)) continue;
        end_call(m, s,
                 &(struct mux_end){ .id = s->id, .e = ERR_SERVICE_UNAVAILABLE, .sentence = why });
    }
    queue_sweep(m);
}

/* --- a turn ------------------------------------------------------------------------------ */

static void write_out(struct mux *m)
{
    while (m->fd >= 0 && m->out.len > m->out_from) {
        ssize_t n = send(m->fd, m->out.at + m->out_from, m->out.len - m->out_from,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) {
            lose(m, S("the connection to the daemon was lost"));
            return;
        }
        m->out_from += (size_t)n;
        m->written += (uint64_t)n;
    }
    if (m->out_from == m->out.len) {
        m->out_from = m->out.len = 0;
    } else if (m->out_from > m->out.limit / 2) {
        m->out.len -= m->out_from;
        memmove(m->out.at, m->out.at + m->out_from, m->out.len);
        m->out_from = 0;
    }
}

/* One answer; false when it is none. */
static bool take_answer(struct mux *m, struct str payload)
{
    uint32_t kind;
    struct mux_end end = { .payload = payload };
    if (!codec_peek(payload, &kind, &end.id)) return false;
    struct slot *s = slot_find(m, end.id);
    if (!s || !slot_sent(s, m->written)) return false;
    if (kind == RESPONSE_EVENT) return true;
    if (s->state == SLOT_GIVEN_UP) {
        slot_free(m, s);
        return true;
    }
    if (kind != RESPONSE_SUCCESS) {
        struct response r;
        if (mux_read(m, &end, &r, NULL)) return false;
        end.e = err_of_code(r.code);
        end.sentence = r.message;
    }
    backoff_reset(&m->pauses);
    end_call(m, s, &end);
    return true;
}

/* All whole frames of what was read. */
static void take_answers(struct mux *m)
{
    for (;;) {
        struct str payload, rest = { m->in.at + m->in_from, m->in.len - m->in_from };
        enum frame state = frame_take(rest, m->frame_most, &payload);
        if (state == FRAME_PART) break;
        if (state == FRAME_REFUSED || !take_answer(m, payload)) {
            lose(m, S("the daemon answered what was not asked"));
            return;
        }
        m->in_from += FRAME_HEAD + payload.len;
    }
    if (!m->in_from) return;
    m->in.len -= m->in_from;
    if (m->in.len) memmove(m->in.at, m->in.at + m->in_from, m->in.len);
    m->in_from = 0;
}

static void read_in(struct mux *m)
{
    for (;;) {
        char *to = buf_more(&m->in, READ_BYTES);
        ssize_t n = to ? recv(m->fd, to, m->in.room - m->in.len, MSG_DONTWAIT) : 0;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n <= 0) {
            lose(m, S("the connection to the daemon was lost"));
            return;
        }
        m->in.len += (size_t)n;
        take_answers(m);
        return;
    }
}

/* Ends what has waited too long. A daemon that does not even answer what was given up is given up
 * itself. */
static void look_at_deadlines(struct mux *m)
{
    bool dead = false;
    if (m->now < m->earliest) return;
    m->earliest = NEVER;
    for (uint32_t i = 0; i < m->high; i++) {
        struct slot *s = &m->slots[i];
        if (s->state == SLOT_FREE) continue;
        if (s->deadline > m->now) {
            if (s->deadline < m->earliest) m->earliest = s->deadline;
        } else if (s->state == SLOT_ASKED) {
            give_up(m, s, ERR_TIMEOUT, S("the daemon did not answer in time"));
        } else if (slot_sent(s, m->written)) {
            dead = true;
        } else {
            slot_free(m, s);
        }
    }
    queue_sweep(m);
    if (dead) lose(m, S("the daemon does not answer"));
}

static int due_ms(const struct mux *m, uint64_t now)
{
    uint64_t at = m->earliest;
    if (m->fd < 0 && !m->once && m->connect_at < at) at = m->connect_at;
    if (at == NEVER) return -1;
    uint64_t ms = at > now ? (at - now + MS - 1) / MS : 0;
    return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

/* Waits for the descriptor, or for nothing but time. */
static void wait_for(struct mux *m, int timeout_ms, bool *readable)
{
    struct pollfd p = { .fd = m->fd, .events = POLLIN };
    int due = due_ms(m, m->now);
    if (timeout_ms < 0 || (due >= 0 && due < timeout_ms)) timeout_ms = due;
    if (mux_wants_write(m)) p.events |= POLLOUT;
    int n = poll(&p, 1, timeout_ms);
    *readable = n > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR));
}

enum err mux_turn(struct mux *m, int timeout_ms)
{
    bool readable = true;
    assert(!m->turning);
    m->turning = true;
    m->now = reach_clock();
    if (m->fd < 0 && !m->once && m->now >= m->connect_at) connect_now(m, NULL);
    write_out(m);
    if (timeout_ms) {
        wait_for(m, timeout_ms, &readable);
        m->now = reach_clock();
    }
    if (m->fd >= 0 && readable) read_in(m);
    look_at_deadlines(m);
    m->turning = false;
    return m->fd < 0 && m->once ? ERR_SERVICE_UNAVAILABLE : OK;
}

/* --- the rest ---------------------------------------------------------------------------- */

enum err mux_read(struct mux *m, const struct mux_end *end, struct response *r, struct fault *f)
{
    arena_reset(&m->arena, 1 << 20);
    return codec_read_response(end->payload, &m->arena, r, f);
}

int mux_due_ms(const struct mux *m)
{
    return due_ms(m, reach_clock());
}

int mux_fd(const struct mux *m)
{
    return m->fd;
}

bool mux_wants_write(const struct mux *m)
{
    return m->fd >= 0 && m->out.len > m->out_from;
}

size_t mux_pending(const struct mux *m)
{
    return m->pending;
}
