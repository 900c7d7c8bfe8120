#include "client/mux_queue.h"

#include "wire/codec.h"
#include "wire/frame.h"

#include <assert.h>

struct slot *slot_take(struct mux *m)
{
    struct slot *s;
    if (m->free != MUX_NO_SLOT) {
        s = &m->slots[m->free];
        m->free = s->next;
        s->id += (uint64_t)m->mask + 1;
    } else if (m->high < m->count) {
        s = &m->slots[m->high];
        s->id = m->high++ + (uint64_t)m->mask + 1;
    } else {
        return NULL;
    }
    m->used++;
    return s;
}

/* Where the next byte that is queued will stand. */
static uint64_t queue_end(const struct mux *m)
{
    return m->written + (m->out.len - m->out_from);
}

void slot_free(struct mux *m, struct slot *s)
{
    bool queued = !slot_sent(s, m->written) && s->frame < queue_end(m);
    if (queued && s->frame < m->swept) m->swept = s->frame;
    s->state = SLOT_FREE;
    s->next = m->free;
    m->free = (uint32_t)(s - m->slots);
    m->used--;
}

struct slot *slot_find(struct mux *m, uint64_t id)
{
    uint64_t i = id & m->mask;
    struct slot *s = &m->slots[i];
    return i < m->high && s->id == id && s->state != SLOT_FREE ? s : NULL;
}

bool queue_put(struct mux *m, struct slot *s, enum op op, const void *request)
{
    const struct request q = { .id = s->id, .op = op_row(op)->number, .body = request };
    struct buf *out = &m->out;
    s->frame = queue_end(m);
    size_t at = frame_begin(out);
    codec_write_request(out, &q);
    frame_end(out, at);
    if (!out->full && out->len - at - FRAME_HEAD <= m->frame_most) return true;
    out->len = at;
    out->full = false;
    return false;
}

void queue_keep_unsent(struct mux *m)
{
    uint64_t first = queue_end(m);
    for (uint32_t i = 0; i < m->high; i++) {
        const struct slot *s = &m->slots[i];
        if (s->state != SLOT_FREE && !slot_sent(s, m->written) && s->frame < first)
            first = s->frame;
    }
    m->out_from += (size_t)(first - m->written);
    m->written = first;
}

void queue_sweep(struct mux *m)
{
    uint64_t end = queue_end(m), frame = m->swept, kept = frame;
    m->swept = UINT64_MAX;
    while (frame < end) {
        char *base = m->out.at + m->out_from, *at = base + (frame - m->written);
        uint32_t op;
        uint64_t id;
        struct str payload;
        struct str rest = { at, (size_t)(end - frame) };
        bool ours = frame_take(rest, m->frame_most, &payload) == FRAME_WHOLE &&
                    codec_peek(payload, &op, &id);
        assert(ours);
        size_t len = FRAME_HEAD + payload.len;
        struct slot *s = slot_find(m, id);
        frame += len;
        if (!s) continue;
        memmove(base + (kept - m->written), at, len);
        s->frame = kept;
        kept += len;
    }
    if (kept < end) m->out.len -= (size_t)(end - kept);
}
