/* From a frame's payload to its answer. What an operation is and who serves it says ops.def; this
 * file checks what holds for all of them (rights, rates, ids, limits) and knows by name only those
 * that are about the connection itself. */
#include "broker/broker.h"
#include "pkg/answer.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include "wire/trace.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { RESULT_ROOM = 512, SLOW_BURST = 2, FAST_BURST_MS = 100 };

/* One request on its way: under which id it is answered, how long it is wanted, and the call that
 * it has become where it was not answered at once. */
struct way {
    struct conn *c;
    uint64_t id, deadline_ns; /* 0: as long as the settings say */
    bool in_batch;
    struct call *parked;
    struct str key; /* the payload, where its answer may be kept */
    bool hit, failed;
};

static void perform(struct way *w, enum op op, const struct request *r);

/* --- answers ----------------------------------------------------------------------------- */

static void put_error(struct way *w, enum err e, const char *text, struct detail *details,
                      size_t count)
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

static void put_fault(struct way *w, enum err e, const struct fault *f)
{
    put_error(w, e, f->text, NULL, 0);
}

/* The answer to r, without a frame around it. One that does not fit into a frame, or into what its
 * batch leaves it, is an error. */
static void put_result(struct way *w, const struct op_row *row, const void *result)
{
    struct buf *out = &w->c->b->out;
    struct response r = { .id = w->id, .op = row->number, .body = result };
    size_t from = out->len;
    codec_write_response(out, &r);
    if (!out->full && out->len - from <= w->c->b->settings.frame_most) return;
    out->full = false;
    out->len = from;
    put_error(w, ERR_RESOURCE_LIMIT, "the answer is larger than a message may be", NULL, 0);
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
    put_fault(&w, e, &f);
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
    put_error(w, ERR_RATE_LIMITED, text, &(struct detail){ S("retry_after_ms"), str_of(ms) }, 1);
    return false;
}

/* Whether the caller may have this operation run at all; else the answer is given. */
static bool may(struct way *w, const struct op_row *row, enum op op)
{
    if (row->served == SERVED_NONE || row->served == SERVED_HOUSE) {
        put_error(w, ERR_METHOD_NOT_FOUND, NULL, NULL, 0);
        return false;
    }
    if (!(w->c->rights >> op & 1)) {
        put_error(w, ERR_FORBIDDEN, NULL, NULL, 0);
        return false;
    }
    if (w->c->calls && !w->in_batch && call_find(w->c, w->id)) {
        put_error(w, ERR_CONFLICT, "a call with this id is still under way", NULL, 0);
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
    bool kept =
        !b->out.full && pail_add(&b->pool, &call->request, str_from(buf_view(&b->out), from));
    b->out.full = false;
    b->out.len = from;
    return kept;
}

/* Makes a call of r, to be run again later (keep) or answered by a service. */
static struct call *park(struct way *w, enum op op, const struct request *r, bool keep)
{
    struct call *call = call_make(w->c, op, w->id, w->deadline_ns);
    if (!call) {
        put_error(w, ERR_BUSY, "too many calls are under way; wait for some of them", NULL, 0);
        return NULL;
    }
    if (keep && !keep_request(call, r)) {
        call_free(call);
        put_error(w, ERR_RESOURCE_LIMIT, "too much of other requests is waiting", NULL, 0);
        return NULL;
    }
    w->parked = call;
    return call;
}

/* --- who serves it ----------------------------------------------------------------------- */

static void run_index(struct way *w, enum op op, const struct request *r)
{
    struct broker *b = w->c->b;
    _Alignas(16) char result[RESULT_ROOM];
    struct fault f;
    bool texts = answer_texts(op);
    if (!(texts ? b->has_texts : b->has_index)) {
        if (b->trouble) {
            put_fault(w, b->trouble, &b->trouble_text);
            return;
        }
        struct call *call = park(w, op, r, true);
        if (!call) return;
        call->state = CALL_INDEX;
        call->texts = texts;
        return;
    }
    size_t from = b->out.len;
    f.text[0] = 0;
    assert(shape_of(op_row(op)->result)->size <= RESULT_ROOM);
    enum err e = answer_index(&b->ix, op, r->body, result, "/", &b->arena, &f);
    if (e) {
        put_fault(w, e, &f);
        return;
    }
    put_result(w, op_row(op), result);
    if (w->key.len && !w->failed)
        answers_keep(&b->answers, w->key, str_from(buf_view(&b->out), from));
}

static void run_own(struct way *w, enum op op, const struct request *r)
{
    assert(shape_of(op_row(op)->result)->size <= RESULT_ROOM);
    _Alignas(16) char result[RESULT_ROOM];
    struct fault f;
    f.text[0] = 0;
    enum err e = own_answer(w->c, op, r->body, result, &f);
    if (e) put_fault(w, e, &f);
    else put_result(w, op_row(op), result);
}

static void run_service(struct way *w, enum op op, const struct request *r)
{
    struct fault f;
    struct call *call = park(w, op, r, false);
    f.text[0] = 0;
    if (!call) return;
    call->state = CALL_SERVICE;
    call->service = SERVICE_PACKAGES;
    enum err e = service_ask(call, r, &f);
    if (!e) return;
    w->parked = NULL;
    call_free(call);
    put_fault(w, e, &f);
}

/* --- the connection's own operations ------------------------------------------------------ */

/* A request inside another one: what holds for every request holds for it. */
static void run(struct way *w, const struct request *r)
{
    enum op op = OP_COUNT;
    bool known = op_of_number(r->op, &op);
    assert(known);
    if (may(w, op_row(op), op)) perform(w, op, r);
}

static void run_with(struct way *w, const struct request *r)
{
    const struct with_request *q = r->body;
    if (q->token.there) {
        put_error(w, ERR_UNAUTHENTICATED, "this daemon knows no such token", NULL, 0);
        return;
    }
    if (q->deadline_ms.there) {
        uint64_t ms = q->deadline_ms.value, most = w->c->b->settings.call_ms;
        w->deadline_ns = w->c->b->clock_ns + (ms < most ? ms : most) * 1000000;
    }
    if (q->trace.there)
        broker_say(w->c->b, 1, "client %d: request %llu is span %llx of trace %llx", w->c->watch.fd,
                   (unsigned long long)w->id, (unsigned long long)q->trace.value.span,
                   (unsigned long long)q->trace.value.trace);
    run(w, &q->request);
}

static void run_cancel(struct way *w, const struct request *r)
{
    const struct cancel_request *q = r->body;
    struct call *call = call_find(w->c, q->target);
    if (!call || call->state == CALL_CANCELLED) {
        put_error(w, ERR_NOT_FOUND, "no call of that id is under way", NULL, 0);
        return;
    }
    struct message_result said = { .text = S("cancelled") };
    service_cancel(call);
    call->state = CALL_CANCELLED; /* it is answered by a frame of its own, after this one */
    job_put_off(&w->c->b->loop, &call->job);
    put_result(w, op_row(OP_cancel), &said);
}

/* How long a batch's answer may be while left items are still to be answered: the shortest error
 * has to fit for each of them. */
static size_t batch_room(const struct broker *b, size_t left)
{
    enum { SHORT_ERROR = 64 };
    size_t most = (size_t)b->settings.frame_most, reserve = left * SHORT_ERROR;
    return reserve < most ? most - reserve : 0;
}

static void batch_head(struct buf *out, uint64_t id, size_t count)
{
    uint64_t n = count;
    struct batch_result none = { 0 };
    struct response r = { .id = id, .op = op_row(OP_batch)->number, .body = &none };
    codec_write_response(out, &r);
    if (out->full) return;
    for (size_t i = 0; i < sizeof n; i++) out->at[out->len - sizeof n + i] = (char)(n >> (8 * i));
}

/* Parks a batch: behind one of its items, or until its next turn. What it has for an answer so far
 * begins at from. */
static void batch_park(struct way *w, const struct request *r, size_t from, size_t done,
                       struct call *item)
{
    struct broker *b = w->c->b;
    struct way own = { .c = w->c, .id = w->id, .deadline_ns = w->deadline_ns, .in_batch = true };
    struct str so_far = str_from(buf_view(&b->out), from);
    size_t keep = b->out.len;
    struct call *call = park(&own, OP_batch, r, true);
    bool kept = call && pail_add(&b->pool, &call->answer, so_far);
    b->out.len = kept ? from : keep;
    if (!kept) {
        if (item) call_free(item);
        if (call) call_free(call);
        b->out.len = from;
        put_error(w, ERR_RESOURCE_LIMIT, "there is no room to go on with the batch later", NULL, 0);
        return;
    }
    call->done = done;
    call->item = item;
    call->state = item ? CALL_BATCH : CALL_TURN;
    if (item) item->parent = call;
    else job_put_off(&b->loop, &call->job);
    w->parked = call;
}

/* Runs the items from done on; their answers go behind what is in out since from. */
static void batch_go_on(struct way *w, const struct request *r, size_t from, size_t done)
{
    struct broker *b = w->c->b;
    const struct batch_request *q = r->body;
    for (; done < q->requests.len; done++) {
        const struct request *one = &q->requests.at[done];
        struct way item = {
            .c = w->c, .id = one->id, .deadline_ns = w->deadline_ns, .in_batch = true
        };
        size_t at = b->out.len;
        if (done && b->clock_ns - b->turn_from_ns > TURN_NS) {
            batch_park(w, r, from, done, NULL);
            return;
        }
        run(&item, one);
        b->clock_ns = clock_ns();
        if (item.parked) {
            batch_park(w, r, from, done, item.parked);
            return;
        }
        if (b->out.len - from <= batch_room(b, q->requests.len - done - 1)) continue;
        b->out.len = at;
        put_error(&item, ERR_RESOURCE_LIMIT, "the batch's answer is full", NULL, 0);
    }
    if (b->out.len - from <= b->settings.frame_most) return;
    b->out.len = from;
    put_error(w, ERR_RESOURCE_LIMIT, "the batch's answer is larger than a message may be", NULL, 0);
}

static void run_batch(struct way *w, const struct request *r)
{
    const struct batch_request *q = r->body;
    size_t from = w->c->b->out.len;
    batch_head(&w->c->b->out, w->id, q->requests.len);
    batch_go_on(w, r, from, 0);
}

/* --- one request ------------------------------------------------------------------------- */

static void perform(struct way *w, enum op op, const struct request *r)
{
    const struct op_row *row = op_row(op);
    struct fault f;
    f.text[0] = 0; /* and not all of it: this is on every request's way */
    enum err e = limits_apply(&w->c->b->settings, row->request, (void *)(uintptr_t)r->body, &f);
    if (e) put_fault(w, e, &f);
    else if (op == OP_with) run_with(w, r);
    else if (op == OP_batch) run_batch(w, r);
    else if (op == OP_cancel) run_cancel(w, r);
    else if (row->served == SERVED_INDEX) run_index(w, op, r);
    else if (row->served == SERVED_PACKAGES) run_service(w, op, r);
    else run_own(w, op, r);
}

/* The same bytes were answered before: the same answer, under this id. */
static bool answer_kept(struct way *w, struct str payload)
{
    struct buf *out = &w->c->b->out;
    struct str kept;
    if (!answers_find(&w->c->b->answers, payload, &kept)) return false;
    size_t at = out->len;
    buf_str(out, kept);
    if (!out->full) codec_patch_id(out->at + at, w->id);
    w->hit = true;
    return true;
}

static void answer(struct way *w, enum op op, struct str payload)
{
    struct broker *b = w->c->b;
    const struct op_row *row = op_row(op);
    struct request r;
    struct fault f;
    if (!may(w, row, op)) return;
    if (row->served == SERVED_INDEX) {
        if (answer_kept(w, payload)) return;
        w->key = payload;
    }
    f.text[0] = 0;
    arena_reset(&b->arena, ARENA_KEPT);
    enum err e = codec_read_request(payload, (size_t)b->settings.batch_most, &b->arena, &r, &f);
    if (e) put_fault(w, e, &f);
    else perform(w, op, &r);
}

/* --- frames ------------------------------------------------------------------------------ */

static void trace(struct broker *b, const char *direction, struct str payload, bool response)
{
    struct buf line = buf_make(1 << 20);
    arena_reset(&b->arena, ARENA_KEPT);
    trace_message(&line, (int)b->settings.verbose, direction, payload, response, &b->arena);
    ssize_t n = line.len ? write(STDERR_FILENO, line.at, line.len) : 0;
    (void)n; /* nobody reads the log: that is no reason to stop */
    buf_free(&line);
}

/* Closes the frame that began at, counts it and looks at the clock. */
static void finish(struct way *w, size_t at, enum op op, uint64_t since_ns, size_t in)
{
    struct broker *b = w->c->b;
    frame_end(&b->out, at);
    size_t bytes = b->out.len - at - FRAME_HEAD;
    b->clock_ns = clock_ns();
    op_counted(&b->counts[op], b->clock_ns - since_ns, in, bytes);
    b->counts[op].errors += w->failed;
    b->counts[op].hits += w->hit;
    if (b->settings.verbose > 1)
        trace(b, "sent", (struct str){ b->out.at + at + FRAME_HEAD, bytes }, true);
}

void dispatch_frame(struct conn *c, struct str payload)
{
    struct broker *b = c->b;
    struct way w = { .c = c };
    uint32_t variant;
    enum op op;
    if (b->settings.verbose > 1) trace(b, "received", payload, false);
    if (!codec_peek(payload, &variant, &w.id)) {
        b->bad_frames++;
        dispatch_refuse(c, ERR_PARSE, 0, "a request has at least %d bytes", CODEC_HEAD);
        return;
    }
    if (!op_of_number(variant, &op)) {
        b->bad_frames++;
        dispatch_refuse(c, ERR_METHOD_NOT_FOUND, w.id, "there is no operation %u", variant);
        return;
    }
    uint64_t since_ns = b->clock_ns;
    size_t at = frame_begin(&b->out);
    answer(&w, op, payload);
    if (w.parked) {
        b->out.len = at;
        w.parked->since_ns = since_ns;
        w.parked->bytes_in = payload.len;
        b->clock_ns = clock_ns();
    } else {
        finish(&w, at, op, since_ns, payload.len);
    }
}

/* --- calls ------------------------------------------------------------------------------- */

/* Puts an item's answer behind those that its batch has, and has the batch go on. */
static void item_answered(struct call *item, struct str payload)
{
    struct call *batch = item->parent;
    struct broker *b = item->b;
    struct way w = { .c = item->conn, .id = item->id, .in_batch = true };
    size_t at = b->out.len;
    if (batch->answer.len + payload.len > batch_room(b, (size_t)b->settings.batch_most)) {
        put_error(&w, ERR_RESOURCE_LIMIT, "the batch's answer is full", NULL, 0);
        payload = str_from(buf_view(&b->out), at);
    }
    bool kept = pail_add(&b->pool, &batch->answer, payload);
    b->out.len = at;
    call_free(item);
    batch->item = NULL;
    batch->done++;
    batch->state = CALL_TURN;
    if (kept) job_put_off(&b->loop, &batch->job);
    else call_fail(batch, ERR_RESOURCE_LIMIT, "there is no room to go on with the batch");
}

static void answer_out(struct call *call, struct str payload, bool failed)
{
    struct broker *b = call->b;
    struct way w = { .c = call->conn, .id = call->id, .failed = failed };
    size_t at = frame_begin(&b->out);
    buf_str(&b->out, payload);
    b->clock_ns = clock_ns();
    finish(&w, at, call->op, call->since_ns, (size_t)call->bytes_in);
    struct conn *c = call->conn;
    call_free(call);
    conn_send(c);
}

void call_answer(struct call *call, struct str payload)
{
    uint32_t kind;
    uint64_t id;
    struct broker *b = call->b;
    if (!codec_peek(payload, &kind, &id) || payload.len > b->settings.frame_most) {
        call_fail(call, ERR_RESOURCE_LIMIT, "the answer is larger than a message may be");
        return;
    }
    codec_patch_id((char *)(uintptr_t)payload.at, call->id);
    if (call->parent) item_answered(call, payload);
    else answer_out(call, payload, kind == RESPONSE_ERROR || kind == RESPONSE_FAILURE);
}

void call_fail(struct call *call, enum err e, const char *text)
{
    struct broker *b = call->b;
    struct way w = { .c = call->conn, .id = call->id };
    char room[ERROR_ROOM];
    size_t at = b->out.len;
    put_error(&w, e, text, NULL, 0);
    struct str payload = str_from(buf_view(&b->out), at);
    assert(payload.len <= sizeof room);
    memcpy(room, payload.at, payload.len);
    b->out.len = at;
    call_answer(call, (struct str){ room, payload.len });
}

/* A batch goes on behind what it has answered already. */
static void batch_again(struct way *w, const struct call *call, const struct request *r)
{
    struct buf *out = &w->c->b->out;
    size_t from = out->len;
    buf_str(out, pail_view(&call->answer));
    batch_go_on(w, r, from, call->done);
}

void dispatch_again(struct call *call)
{
    struct broker *b = call->b;
    struct conn *c = call->conn;
    struct way w = { .c = c,
                     .id = call->id,
                     .deadline_ns = call->deadline.due_ns,
                     .in_batch = call->parent != NULL };
    struct request r;
    if (call->state == CALL_CANCELLED) {
        call_fail(call, ERR_CANCELLED, NULL);
        return;
    }
    b->turn_from_ns = b->clock_ns = clock_ns();
    arena_reset(&b->arena, ARENA_KEPT);
    enum err e = codec_read_request(pail_view(&call->request), SIZE_MAX, &b->arena, &r, NULL);
    assert(!e); /* we wrote it */
    size_t at = call->parent ? b->out.len : frame_begin(&b->out);
    if (call->op == OP_batch) batch_again(&w, call, &r);
    else perform(&w, call->op, &r);
    if (w.parked) { /* it waits once more */
        b->out.len = at;
        w.parked->since_ns = call->since_ns;
        w.parked->bytes_in = call->bytes_in;
        w.parked->parent = call->parent;
        if (call->parent) call->parent->item = w.parked;
        call->parent = NULL;
        call_free(call);
    } else if (call->parent) {
        struct str payload = str_from(buf_view(&b->out), at);
        b->out.len = at; /* item_answered takes it away before anything is put there */
        item_answered(call, payload);
    } else {
        finish(&w, at, call->op, call->since_ns, (size_t)call->bytes_in);
        call_free(call);
        conn_send(c);
    }
}
