#include "pkg/intern.h"

#include "base/hash.h"

static enum err slots_make(struct buf *slots, uint32_t count)
{
    size_t bytes = (size_t)count * sizeof(uint64_t);
    *slots = buf_make(SIZE_MAX / 2);
    if (!buf_more(slots, bytes)) return ERR_RESOURCE_LIMIT; /* fresh pages are zero */
    slots->len = bytes;
    return OK;
}

enum err intern_open(struct intern *t, uint32_t expected)
{
    uint32_t slots = 1024;
    while (slots < expected * 2 && slots < 1u << 30) slots *= 2;
    *t = (struct intern){ .text = buf_make(UINT32_MAX), .at = buf_make(UINT32_MAX) };
    t->mask = slots - 1;
    buf_byte(&t->text, 0);
    return slots_make(&t->slots, slots);
}

void intern_free(struct intern *t)
{
    buf_free(&t->text);
    buf_free(&t->at);
    buf_free(&t->slots);
}

static uint64_t *slots_of(struct buf *b)
{
    return (uint64_t *)(void *)b->at;
}

static bool grow(struct intern *t)
{
    struct buf larger;
    if (t->mask >= UINT32_MAX / 2 || slots_make(&larger, (t->mask + 1) * 2)) return false;
    uint32_t mask = t->mask * 2 + 1;
    for (uint32_t i = 0; i <= t->mask; i++) {
        uint64_t entry = slots_of(&t->slots)[i];
        if (!entry) continue;
        uint32_t to = (uint32_t)(entry >> 32) & mask;
        while (slots_of(&larger)[to]) to = (to + 1) & mask;
        slots_of(&larger)[to] = entry;
    }
    buf_free(&t->slots);
    t->slots = larger;
    t->mask = mask;
    return true;
}

uint32_t intern_number(struct intern *t, struct str s)
{
    uint64_t hash = hash_str(s) >> 32;
    uint32_t slot = (uint32_t)hash & t->mask;
    for (uint64_t entry; (entry = slots_of(&t->slots)[slot]); slot = (slot + 1) & t->mask) {
        if (entry >> 32 != hash) continue;
        uint32_t number = (uint32_t)entry - 1;
        if (str_eq(intern_text(t, number), s)) return number;
    }
    uint32_t from = (uint32_t)t->text.len;
    if (intern_full(t) || !buf_more(&t->text, s.len + 1) || !buf_more(&t->at, sizeof from))
        return UINT32_MAX;
    buf_str(&t->text, s);
    buf_byte(&t->text, 0);
    buf_put(&t->at, &from, sizeof from);
    slots_of(&t->slots)[slot] = hash << 32 | (t->count + 1);
    if (++t->count > t->mask / 2 && !grow(t)) t->slots.full = true;
    return t->count - 1;
}

uint32_t intern_offset(struct intern *t, struct str s)
{
    if (s.len == 0) return 0;
    uint32_t number = intern_number(t, s);
    return number == UINT32_MAX ? 0 : intern_at(t, number);
}
