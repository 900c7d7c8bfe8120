#include "broker/way.h"

#include "wire/codec.h"
#include "wire/frame.h"

#include <stdarg.h>
#include <stdio.h>

enum { SLOW_BURST = 2, FAST_BURST_MS = 100 };

/* --- answers ----------------------------------------------------------------------------- */

void way_error(struct way *w, enum err e, const char *text, struct detail *details, size_t count)
{
    const struct err_row *row = err_row(e);
    struct response r = { .id = w->id,
                          .kind = w->c->hello ? RESPONSE_FAILURE : RESPONSE_ERROR,
                          .code = row->code,
                          .message = str_of(text && *text ? text : row->sentence),
                          .details = { details, w->c->hello ? count : 0 } };
    w->failed = true;
    codec_write_response(&w->c->b->out, &r);
}

void way_fault(struct way *w, enum err e, const struct fault *f)
{
    way_error(w, e, f->text, NULL, 0);
}

/* The answer to r, without a frame around it. One that does not fit into a frame, or into what its
 * batch leaves it, is an error. */
void way_result(struct way *w, const struct op_row *row, const void *result)
{
    struct buf *out = &w->c->b->out;
    struct response r = { .id = w->id, .op = row->number, .body = result };
    size_t from = out->len;
    codec_write_response(out, &r);
    if (!out->full && out->len - from <= w->c->b->settings.frame_most) return;
    out->full = false;
    out->len = from;
    way_error(w, ERR_RESOURCE_LIMIT, "the answer is larger than a message may be", NULL, 0);
}

void dispatch_refuse(struct conn *c, enum err e, uint64_t id, const char *format, ...)
{
    struct way w = { .c = c, .id = id };
    struct fault f;
    va_list args;
    va_start(args, format);
    vsnprintf(f.text, sizeof f.text, format, args);
    va_end(args);
    size_t at = frame_begin(&c->b->out);
    way_fault(&w, e, &f);
    frame_end(&c->b->out, at);
}

/* --- what holds for every request --------------------------------------------------------- */

/* The generic cell rate algorithm (ITU-T I.371): a request costs its share of a second; more than
 * burst_ns ahead of the clock is too much. */
static bool rate_holds(uint64_t *full_ns, uint64_t now_ns, uint64_t rate, uint64_t burst_ns,
                       uint64_t *wait_ms)
{
    uint64_t from = *full_ns > now_ns ? *full_ns : now_ns, cost = 1000000000 / rate;
    *wait_ms = 0;
    if (from - now_ns > burst_ns) {
        *wait_ms = (from - now_ns - burst_ns + 999999) / 1000000;
        return false;
    }
    *full_ns = from + cost;
    return true;
}

static bool within_rate(struct way *w, const struct op_row *row)
{
    struct conn *c = w->c;
    const struct settings *s = &c->b->settings;
    uint64_t wait_ms, now = c->b->clock_ns;
    bool slow = row->path != PATH_FAST;
    bool holds =
        slow ? rate_holds(&c->slow_ns, now, s->rate_slow,
                          SLOW_BURST * UINT64_C(1000000000) - 1000000000 / s->rate_slow, &wait_ms)
             : rate_holds(&c->fast_ns, now, s->rate_fast, FAST_BURST_MS * UINT64_C(1000000),
                          &wait_ms);
    if (holds) return true;
    char text[96], ms[24];
    snprintf(ms, sizeof ms, "%llu", (unsigned long long)wait_ms);
    snprintf(text, sizeof text, "too many requests; try again after %s ms", ms);
    way_error(w, ERR_RATE_LIMITED, text, &(struct detail){ S("retry_after_ms"), str_of(ms) }, 1);
    return false;
}

/* Whether the caller may have this operation run at all; else the answer is given. */
bool way_may(struct way *w, const struct op_row *row, enum op op)
{
    if (row->served == SERVED_NONE || row->served == SERVED_HOUSE) {
        way_error(w, ERR_METHOD_NOT_FOUND, NULL, NULL, 0);
        return false;
    }
    if (!(w->c->rights >> op & 1)) {
        way_error(w, ERR_FORBIDDEN, NULL, NULL, 0);
        return false;
    }
    if (w->c->calls && !w->in_batch && call_find(w->c, w->id)) {
        way_error(w, ERR_CONFLICT, "a call with this id is still under way", NULL, 0);
        return false;
    }
    return within_rate(w, row);
}

/* The bytes of r, for when it is run again. */
static bool keep_request(struct call *call, const struct request *r)
{
    struct broker *b = call->b;
    size_t from = b->out.len;
    codec_write_request(&b->out, r);
    bool kept = !b->out.full && call_keep(call, &call->request, str_from(buf_view(&b->out), from));
    b->out.full = false;
    b->out.len = from;
    return kept;
}

/* Makes a call of r, to be run again later (keep) or answered by a service. */
struct call *way_park(struct way *w, enum op op, const struct request *r, bool keep)
{
    if (w->c->b->stopping) {
        way_error(w, ERR_SERVICE_UNAVAILABLE, "the daemon is stopping", NULL, 0);
        return NULL;
    }
    struct call *call = call_make(w->c, op, w->id, w->deadline_ns);
    if (!call) {
        way_error(w, ERR_BUSY, "too many calls are under way; wait for some of them", NULL, 0);
        return NULL;
    }
    if (keep && !keep_request(call, r)) {
        call_free(call);
        way_error(w, ERR_RESOURCE_LIMIT, "too much of other requests is waiting", NULL, 0);
        return NULL;
    }
    w->parked = call;
    return call;
}
