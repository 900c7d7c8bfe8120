/* The services behind the broker: requests to them, their answers, and the index that the packages
 * service hands over. They are spoken to in the protocol's own frames; a call's id there says which
 * place it has in the table, and how often that place was used, so that late answers are known. */
#include "broker/broker.h"
#include "pkg/answer.h"
#include "pkg/sealed.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <assert.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    STREAM_MOST = 64 << 20,
    AGAIN_MS = 200, /* a service that ended is told by the supervisor sooner than that */
    AGAIN_LATER_MS = 1000,
};

static uint64_t number_of(const struct call *call)
{
    return (uint64_t)call->round << 32 | (uint64_t)(call - call->b->calls);
}

static struct call *call_of_number(const struct broker *b, uint64_t number, enum service_id s)
{
    size_t place = (size_t)(number & UINT32_MAX);
    if (place >= b->calls_made) return NULL;
    struct call *call = &b->calls[place];
    bool is_it = call->state == CALL_SERVICE && call->service == s && call->round == number >> 32;
    return is_it ? call : NULL;
}

/* --- asking ------------------------------------------------------------------------------ */

static enum err send(struct service *s, const struct request *r, const int *fd)
{
    struct broker *b = s->b;
    struct buf frame = buf_make(STREAM_MOST);
    size_t at = frame_begin(&frame);
    codec_write_request(&frame, r);
    frame_end(&frame, at);
    enum err e = frame.full ? ERR_RESOURCE_LIMIT
                            : stream_send(&s->stream, &b->loop, buf_view(&frame), fd, fd ? 1 : 0);
    buf_free(&frame);
    return e;
}

enum err service_ask(struct call *call, const struct request *r, struct fault *f)
{
    struct broker *b = call->b;
    struct service *s = &b->services[call->service];
    struct request own = { .id = number_of(call), .op = r->op, .body = r->body };
    bool proves = op_row(call->op)->path == PATH_CHANGE;
    if (!stream_is_open(&s->stream))
        return fail(f, ERR_SERVICE_UNAVAILABLE, "the service %.*s is not running",
                    STR_ARG(b->states[call->service].name));
    if (send(s, &own, proves ? &call->conn->watch.fd : NULL))
        return fail(f, ERR_SERVICE_UNAVAILABLE, "the service %.*s takes no more requests",
                    STR_ARG(b->states[call->service].name));
    return OK;
}

void service_cancel(struct call *call)
{
    struct service *s = &call->b->services[call->service];
    if (call->item) {
        service_cancel(call->item);
        return;
    }
    if (call->state != CALL_SERVICE || !stream_is_open(&s->stream)) return;
    struct cancel_request q = { .target = number_of(call) };
    send(s, &(struct request){ .id = 0, .op = op_row(OP_cancel)->number, .body = &q }, NULL);
}

/* --- the index --------------------------------------------------------------------------- */

static void unmap(struct str *part)
{
    if (part->at) munmap((void *)(uintptr_t)part->at, part->len);
    *part = STR_NONE;
}

/* Puts the new parts in use, or, where they do not fit together, keeps the old ones. */
static enum err adopt(struct broker *b, struct str fresh[BROKER_PARTS])
{
    struct index ix = { 0 };
    struct str part[BROKER_PARTS];
    for (size_t i = 0; i < BROKER_PARTS; i++) part[i] = fresh[i].at ? fresh[i] : b->part[i];
    enum err e =
        index_open(&ix, part[BROKER_CATALOGUE], part[BROKER_OVERLAY], false, &b->trouble_text);
    if (!e) e = answer_prepare(&ix);
    bool texts = !e && part[BROKER_TEXT].at &&
                 index_text_open(&ix, part[BROKER_TEXT], false, &b->trouble_text) == OK;
    if (e) {
        index_close(&ix);
        return e;
    }
    if (!texts) { /* they are another catalogue's */
        unmap(&fresh[BROKER_TEXT]);
        part[BROKER_TEXT] = STR_NONE;
    }
    if (b->has_index) index_close(&b->ix);
    for (size_t i = 0; i < BROKER_PARTS; i++) {
        if (part[i].at != b->part[i].at) unmap(&b->part[i]);
        b->part[i] = part[i];
    }
    b->ix = ix;
    b->has_index = true;
    b->has_texts = texts;
    b->trouble = OK;
    answers_clear(&b->answers);
    return OK;
}

/* Maps the parts that came along: all that are said to be there, or an error. */
static enum err map_parts(struct service *s, const struct refresh_result *r,
                          struct str fresh[BROKER_PARTS])
{
    struct fault *f = &s->b->trouble_text;
    bool there[BROKER_PARTS] = { r->catalogue, r->overlay, r->text };
    enum err e = OK;
    for (size_t i = 0; i < BROKER_PARTS; i++) {
        int fd = there[i] ? stream_fd(&s->stream) : -1;
        struct map m = { STR_NONE };
        if (!there[i]) continue;
        if (fd < 0) e = fail(f, ERR_IO, "a part of it did not come along");
        else if (!e) e = sealed_map(fd, &m, f);
        if (fd >= 0) close(fd);
        fresh[i] = m.text;
    }
    return e;
}

static void take_index(struct service *s, const struct refresh_result *r)
{
    struct broker *b = s->b;
    struct str fresh[BROKER_PARTS] = { STR_NONE };
    enum err e = map_parts(s, r, fresh);
    s->incomplete |= e != OK;
    if (!e) e = adopt(b, fresh);
    if (e) {
        broker_say(b, 0, "a new index cannot be used: %s", b->trouble_text.text);
        b->trouble = b->has_index ? OK : e;
        for (size_t i = 0; i < BROKER_PARTS; i++) unmap(&fresh[i]);
    } else {
        b->generation = r->generation;
        broker_say(b, 1, "index %llu is in use%s", (unsigned long long)r->generation,
                   b->has_texts ? "" : ", its long texts are still to come");
    }
    calls_index_came(b);
}

/* --- what services say ------------------------------------------------------------------- */

/* Something that is no answer: a new index, or why there is none. */
static void take_news(struct service *s, struct str payload)
{
    struct broker *b = s->b;
    struct response r;
    arena_reset(&b->arena, ARENA_KEPT);
    if (codec_read_response(payload, &b->arena, &r, NULL)) {
        s->incomplete = true;
        return;
    }
    if (r.kind == RESPONSE_EVENT && r.op == op_row(OP_refresh)->number) {
        take_index(s, r.body);
    } else if (r.kind == RESPONSE_ERROR) {
        broker_say(b, 0, "the package index could not be made: %.*s", STR_ARG(r.message));
        if (b->has_index) return;
        b->trouble = err_of_code(r.code);
        fault_print(&b->trouble_text, "%.*s", STR_ARG(r.message));
        calls_index_came(b);
    }
}

static void take_frames(struct service *s, enum service_id id)
{
    struct str payload;
    uint32_t kind;
    uint64_t number;
    enum frame state = FRAME_PART;
    while (stream_is_open(&s->stream) &&
           (state = frame_take(stream_view(&s->stream), STREAM_MOST, &payload)) == FRAME_WHOLE) {
        if (codec_peek(payload, &kind, &number) && number) {
            struct call *call = call_of_number(s->b, number, id);
            if (call) call_answer(call, payload); /* else nobody waits any more */
        } else {
            take_news(s, payload);
        }
        stream_taken(&s->stream, FRAME_HEAD + payload.len);
    }
    s->incomplete |= state == FRAME_REFUSED;
}

/* The link broke, but neither end did: the supervisor makes another one. What it is told is that
 * something is said, no matter what. */
static void ask_again(struct loop *l, struct timer *t)
{
    struct service *s = (struct service *)(void *)((char *)t - offsetof(struct service, again));
    struct broker *b = s->b;
    if (stream_is_open(&s->stream) || !stream_is_open(&b->house)) return;
    stream_send(&b->house, l, S("?"), NULL, 0);
    timer_set(l, t, clock_ns() + AGAIN_LATER_MS * UINT64_C(1000000));
}

static void service_lost(struct service *s, enum service_id id)
{
    stream_close(&s->stream, &s->b->loop);
    s->incomplete = false;
    s->again.fire = ask_again;
    timer_set(&s->b->loop, &s->again, clock_ns() + AGAIN_MS * UINT64_C(1000000));
    calls_service_gone(s->b, id);
}

static void service_ready(struct loop *l, struct watch *w, uint32_t events)
{
    struct service *s = (struct service *)(void *)((char *)w - offsetof(struct service, stream));
    enum service_id id = (enum service_id)(s - s->b->services);
    enum err e = events & EPOLLOUT ? stream_flush(&s->stream, l) : OK;
    if (!e && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) e = stream_fill(&s->stream);
    take_frames(s, id);
    if (e || s->incomplete) service_lost(s, id);
}

void service_link(struct broker *b, enum service_id id, int fd)
{
    struct service *s = &b->services[id];
    if (stream_is_open(&s->stream)) {
        stream_close(&s->stream, &b->loop);
        calls_service_gone(b, id);
    }
    s->b = b;
    if (!stream_open(&s->stream, &b->loop, fd, STREAM_MOST, service_ready)) return;
    broker_say(b, 0, "the service %.*s cannot be watched", STR_ARG(b->states[id].name));
    service_lost(s, id);
}

void services_close(struct broker *b)
{
    for (enum service_id id = 0; id < SERVICES; id++)
        stream_close(&b->services[id].stream, &b->loop);
    if (b->has_index) index_close(&b->ix);
    for (size_t i = 0; i < BROKER_PARTS; i++) unmap(&b->part[i]);
}
