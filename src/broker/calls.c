/* Calls that are under way: a fixed number of places, the free ones in a list. */
#include "broker/broker.h"

#include <sys/mman.h>

enum err calls_open(struct broker *b, struct fault *f)
{
    void *at = mmap(NULL, CALLS * sizeof *b->calls, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return fail(f, ERR_RESOURCE_LIMIT, "no memory for calls");
    b->calls = at;
    b->calls_made = 0;
    return OK;
}

void calls_close(struct broker *b)
{
    if (b->calls) munmap(b->calls, CALLS * sizeof *b->calls);
    b->calls = NULL;
}

static struct call *call_of_timer(struct timer *t)
{
    return (struct call *)(void *)((char *)t - offsetof(struct call, deadline));
}

static void call_late(struct loop *l, struct timer *t)
{
    struct call *call = call_of_timer(t);
    (void)l;
    service_cancel(call);
    call_fail(call, ERR_TIMEOUT, NULL);
}

static void call_job(struct loop *l, struct job *j)
{
    (void)l;
    dispatch_again((struct call *)(void *)((char *)j - offsetof(struct call, job)));
}

/* Places that were never used are not touched before they have to be. */
static struct call *place_take(struct broker *b)
{
    struct call *call = b->free_calls;
    if (call) b->free_calls = call->next;
    else if (b->calls_made < CALLS) call = &b->calls[b->calls_made++];
    return call;
}

struct call *call_make(struct conn *c, enum op op, uint64_t id, uint64_t deadline_ns)
{
    struct broker *b = c->b;
    struct call *call = c->calls_len < b->settings.calls_most ? place_take(b) : NULL;
    if (!call) return NULL;
    *call = (struct call){ .b = b,
                           .conn = c,
                           .next = c->calls,
                           .state = CALL_TURN,
                           .op = op,
                           .id = id,
                           .round = call->round + 1,
                           .since_ns = b->clock_ns,
                           .deadline.fire = call_late,
                           .job.run = call_job };
    if (c->calls) c->calls->before = call;
    c->calls = call;
    c->calls_len++;
    b->calls_len++;
    timer_set(&b->loop, &call->deadline,
              deadline_ns ? deadline_ns : b->clock_ns + b->settings.call_ms * 1000000);
    return call;
}

bool call_keep(struct call *call, struct pail *p, struct str bytes)
{
    enum { PART = 2 };
    struct conn *c = call->conn;
    size_t most = c->b->pool.most / PART;
    if (c->calls_bytes > most || bytes.len > most - c->calls_bytes) return false;
    if (!conn_keep(c, p, bytes)) return false;
    c->calls_bytes += bytes.len;
    return true;
}

/* What the pails of a call hold is its client's again. */
static void pails_free(struct call *call)
{
    struct pool *pool = &call->b->pool;
    call->conn->calls_bytes -= pail_view(&call->request).len + pail_view(&call->answer).len;
    pail_free(pool, &call->request);
    pail_free(pool, &call->answer);
}

void call_free(struct call *call)
{
    struct broker *b = call->b;
    struct conn *c = call->conn;
    if (call->item) {
        call->item->parent = NULL;
        call_free(call->item);
    }
    if (call->parent) call->parent->item = NULL;
    timer_clear(&b->loop, &call->deadline);
    job_clear(&b->loop, &call->job);
    pails_free(call);
    *(call->before ? &call->before->next : &c->calls) = call->next;
    if (call->next) call->next->before = call->before;
    c->calls_len--;
    b->calls_len--;
    *call = (struct call){ .state = CALL_FREE, .round = call->round, .next = b->free_calls };
    b->free_calls = call;
}

struct call *call_find(const struct conn *c, uint64_t id)
{
    for (struct call *call = c->calls; call; call = call->next)
        if (call->id == id && !call->parent) return call;
    return NULL;
}

void calls_index_came(struct broker *b)
{
    for (size_t i = 0; i < b->calls_made; i++) {
        struct call *call = &b->calls[i];
        if (call->state != CALL_INDEX) continue;
        if (call->texts ? b->has_texts : b->has_index) job_put_off(&b->loop, &call->job);
        else if (b->trouble) call_fail(call, b->trouble, b->trouble_text.text);
    }
}

void calls_service_gone(struct broker *b, enum service_id s)
{
    for (size_t i = 0; i < b->calls_made; i++) {
        struct call *call = &b->calls[i];
        if (call->state == CALL_SERVICE && call->service == s)
            call_fail(call, ERR_SERVICE_UNAVAILABLE, NULL);
    }
}
