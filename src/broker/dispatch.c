/* From a frame's payload to its answer. What an operation is and who serves it says ops.def; this
 * file checks what holds for all of them (rights, rates, ids, limits) and knows by name only those
 * that are about the connection itself. */
#include "broker/way.h"
#include "pkg/answer.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include "wire/trace.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

enum { RESULT_ROOM = 512 };

/* --- who serves it ----------------------------------------------------------------------- */

static void run_index(struct way *w, enum op op, const struct request *r)
{
    struct broker *b = w->c->b;
    _Alignas(16) char result[RESULT_ROOM];
    struct fault f;
    bool texts = answer_texts(op);
    if (!(texts ? b->has_texts : b->has_index)) {
        if (b->trouble) {
            way_fault(w, b->trouble, &b->trouble_text);
            return;
        }
        struct call *call = way_park(w, op, r, true);
        if (!call) return;
        call->state = CALL_INDEX;
        call->texts = texts;
        return;
    }
    size_t from = b->out.len;
    const char *root = b->settings.daemon_root[0] ? b->settings.daemon_root : "/";
    f.text[0] = 0;
    assert(shape_of(op_row(op)->result)->size <= RESULT_ROOM);
    enum err e = answer_index(&b->ix, op, r->body, result, root, &b->arena, &f);
    if (e) {
        way_fault(w, e, &f);
        return;
    }
    way_result(w, op_row(op), result);
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
    if (e) way_fault(w, e, &f);
    else way_result(w, op_row(op), result);
}

static void run_service(struct way *w, enum op op, const struct request *r)
{
    struct fault f;
    struct call *call = way_park(w, op, r, false);
    f.text[0] = 0;
    if (!call) return;
    call->state = CALL_SERVICE;
    call->service = SERVICE_PACKAGES;
    enum err e = service_ask(call, r, &f);
    if (!e) return;
    w->parked = NULL;
    call_free(call);
    way_fault(w, e, &f);
}

/* --- the connection's own operations ------------------------------------------------------ */

/* A request inside another one: what holds for every request holds for it. */
void way_run(struct way *w, const struct request *r)
{
    enum op op = OP_COUNT;
    bool known = op_of_number(r->op, &op);
    assert(known);
    if (way_may(w, op_row(op), op)) way_perform(w, op, r);
}

static void run_with(struct way *w, const struct request *r)
{
    const struct with_request *q = r->body;
    if (q->token.there) {
        way_error(w, ERR_UNAUTHENTICATED, "this daemon knows no such token", NULL, 0);
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
    way_run(w, &q->request);
}

static void run_cancel(struct way *w, const struct request *r)
{
    const struct cancel_request *q = r->body;
    struct call *call = call_find(w->c, q->target);
    if (!call || call->state == CALL_CANCELLED) {
        way_error(w, ERR_NOT_FOUND, "no call of that id is under way", NULL, 0);
        return;
    }
    struct message_result said = { .text = S("cancelled") };
    service_cancel(call);
    call->state = CALL_CANCELLED; /* it is answered by a frame of its own, after this one */
    job_put_off(&w->c->b->loop, &call->job);
    way_result(w, op_row(OP_cancel), &said);
}

/* --- one request ------------------------------------------------------------------------- */

void way_perform(struct way *w, enum op op, const struct request *r)
{
    const struct op_row *row = op_row(op);
    struct fault f;
    f.text[0] = 0; /* and not all of it: this is on every request's way */
    enum err e = limits_apply(&w->c->b->settings, row->request, (void *)(uintptr_t)r->body, &f);
    if (e) way_fault(w, e, &f);
    else if (op == OP_with) run_with(w, r);
    else if (op == OP_batch) batch_run(w, r);
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
    if (!way_may(w, row, op)) return;
    if (row->served == SERVED_INDEX) {
        if (answer_kept(w, payload)) return;
        w->key = payload;
    }
    f.text[0] = 0;
    arena_reset(&b->arena, ARENA_KEPT);
    enum err e = codec_read_request(payload, (size_t)b->settings.batch_most, &b->arena, &r, &f);
    b->bad_frames += e == ERR_PARSE;
    if (e) way_fault(w, e, &f);
    else way_perform(w, op, &r);
}

/* --- frames ------------------------------------------------------------------------------ */

static void trace(const struct conn *c, struct str payload, bool response)
{
    struct broker *b = c->b;
    char direction[32];
    struct buf line = buf_make(1 << 20);
    arena_reset(&b->arena, ARENA_KEPT);
    snprintf(direction, sizeof direction, "client %d %s ", c->watch.fd, response ? "<" : ">");
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
        trace(w->c, (struct str){ b->out.at + at + FRAME_HEAD, bytes }, true);
}

void dispatch_frame(struct conn *c, struct str payload)
{
    struct broker *b = c->b;
    struct way w = { .c = c };
    uint32_t variant;
    enum op op;
    if (b->settings.verbose > 1) trace(c, payload, false);
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
    if (call->parent) batch_item(call, payload);
    else answer_out(call, payload, kind == RESPONSE_ERROR || kind == RESPONSE_FAILURE);
}

void call_fail(struct call *call, enum err e, const char *text)
{
    struct broker *b = call->b;
    struct way w = { .c = call->conn, .id = call->id };
    char room[ERROR_ROOM];
    struct buf own = { .at = room, .room = sizeof room, .limit = sizeof room }, out = b->out;
    b->out = own; /* which needs no memory of the system */
    way_error(&w, e, text, NULL, 0);
    own = b->out;
    b->out = out;
    assert(!own.full);
    call_answer(call, buf_view(&own));
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
    else way_perform(&w, call->op, &r);
    if (call->state == CALL_CANCELLED || w.parked == call) {
        b->out.len = at; /* a batch that cancelled itself, or that waits once more */
    } else if (w.parked) {
        b->out.len = at;
        w.parked->since_ns = call->since_ns;
        w.parked->bytes_in = call->bytes_in;
        w.parked->parent = call->parent;
        if (call->parent) call->parent->item = w.parked;
        call->parent = NULL;
        call_free(call);
    } else if (call->parent) {
        struct str payload = str_from(buf_view(&b->out), at);
        b->out.len = at; /* batch_item takes it away before anything is put there */
        batch_item(call, payload);
    } else {
        finish(&w, at, call->op, call->since_ns, (size_t)call->bytes_in);
        call_free(call);
        conn_send(c);
    }
}
