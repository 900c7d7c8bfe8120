/* Batches: items are answered one behind the other into one answer; where one has to wait, or the
 * turn is over, the batch waits with it. */
#include "broker/way.h"
#include "wire/codec.h"

/* How long a batch's answer may be while left items are still to be answered: the shortest error
 * has to fit for each of them. */
static size_t batch_room(const struct broker *b, size_t left)
{
    enum { SHORT_ERROR = 64 };
    size_t most = (size_t)b->settings.frame_most, reserve = left * SHORT_ERROR;
    return reserve < most / 2 ? most - reserve : most / 2;
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
    size_t keep = b->out.len;
    struct call *call = w->again;
    if (call && call->state == CALL_CANCELLED) { /* by one of its own items */
        if (item) call_free(item);
        w->parked = call;
        return;
    }
    if (!call) call = way_park(&own, OP_batch, r, true); /* what is in out may move by this */
    struct str so_far = str_from(str_head(buf_view(&b->out), keep), from);
    bool kept = call && call_keep(call, &call->answer, so_far);
    b->out.len = kept ? from : keep;
    if (!kept) {
        if (item) call_free(item);
        if (call && !w->again) call_free(call);
        b->out.len = from;
        way_error(w, ERR_RESOURCE_LIMIT, "there is no room to go on with the batch later", NULL, 0);
        return;
    }
    call->done = done;
    call->item = item;
    call->state = item ? CALL_BATCH : CALL_TURN;
    if (item) item->parent = call;
    else job_put_off(&b->loop, &call->job);
    w->parked = call;
}

/* One of its own items was that it be cancelled. */
static void batch_give_up(struct way *w, size_t from, struct call *item)
{
    if (item) {
        service_cancel(item);
        call_free(item);
    }
    w->c->b->out.len = from;
    way_error(w, ERR_CANCELLED, NULL, NULL, 0);
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
        way_run(&item, one);
        b->clock_ns = clock_ns();
        if (w->again && w->again->state == CALL_CANCELLED) {
            batch_give_up(w, from, item.parked);
            return;
        }
        if (item.parked) {
            batch_park(w, r, from, done, item.parked);
            return;
        }
        if (b->out.len - from <= batch_room(b, q->requests.len - done - 1)) continue;
        b->out.len = at;
        way_error(&item, ERR_RESOURCE_LIMIT, "the batch's answer is full", NULL, 0);
    }
    if (b->out.len - from <= b->settings.frame_most) return;
    b->out.len = from;
    way_error(w, ERR_RESOURCE_LIMIT, "the batch's answer is larger than a message may be", NULL, 0);
}

void batch_run(struct way *w, const struct request *r)
{
    const struct batch_request *q = r->body;
    size_t from = w->c->b->out.len;
    batch_head(&w->c->b->out, w->id, q->requests.len);
    batch_go_on(w, r, from, 0);
}

/* A batch goes on behind what it has answered already. */
void batch_again(struct way *w, struct call *call, const struct request *r)
{
    struct buf *out = &w->c->b->out;
    size_t from = out->len;
    buf_str(out, pail_view(&call->answer));
    call->conn->calls_bytes -= pail_view(&call->answer).len;
    pail_free(&call->b->pool, &call->answer);
    w->again = call;
    batch_go_on(w, r, from, call->done);
}

/* Puts an item's answer behind those that its batch has, and has the batch go on. */
void batch_item(struct call *item, struct str payload)
{
    struct call *batch = item->parent;
    struct broker *b = item->b;
    struct way w = { .c = item->conn, .id = item->id, .in_batch = true };
    size_t at = b->out.len;
    if (batch->answer.len + payload.len > batch_room(b, (size_t)b->settings.batch_most)) {
        way_error(&w, ERR_RESOURCE_LIMIT, "the batch's answer is full", NULL, 0);
        payload = str_from(buf_view(&b->out), at);
    }
    bool kept = call_keep(batch, &batch->answer, payload);
    b->out.len = at;
    call_free(item);
    batch->item = NULL;
    batch->done++;
    if (batch->state == CALL_CANCELLED) return;
    batch->state = CALL_TURN;
    if (kept) job_put_off(&b->loop, &batch->job);
    else call_fail(batch, ERR_RESOURCE_LIMIT, "there is no room to go on with the batch");
}
