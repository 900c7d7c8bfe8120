#include "pkg/intern.h"

#include "base/hash.h"

struct slot {
    uint32_t hash, at, len, number; /* at 0: empty; the texts begin at 1 */
};

static enum err slots_make(struct buf *slots, uint32_t count)
{
    size_t bytes = (size_t)count * sizeof(struct slot);
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

static struct slot *slots_of(const struct buf *b)
{
    return (struct slot *)(void *)b->at;
}

static bool grow(struct intern *t)
{
    struct buf larger;
    if (t->mask >= UINT32_MAX / 2 || slots_make(&larger, (t->mask + 1) * 2)) return false;
    uint32_t mask = t->mask * 2 + 1;
    for (uint32_t i = 0; i <= t->mask; i++) {
        struct slot entry = slots_of(&t->slots)[i];
        if (!entry.at) continue;
        uint32_t to = entry.hash & mask;
        while (slots_of(&larger)[to].at) to = (to + 1) & mask;
        slots_of(&larger)[to] = entry;
    }
    buf_free(&t->slots);
    t->slots = larger;
    t->mask = mask;
    return true;
}

uint32_t intern_hash(const struct intern *t, struct str s)
{
    uint32_t hash = (uint32_t)(hash_str(s) >> 32);
    __builtin_prefetch(&slots_of(&t->slots)[hash & t->mask]);
    return hash;
}

uint32_t intern_number(struct intern *t, struct str s)
{
    return intern_hashed(t, s, intern_hash(t, s));
}

uint32_t intern_hashed(struct intern *t, struct str s, uint32_t hash)
{
    uint32_t i = hash & t->mask;
    struct slot *slot = slots_of(&t->slots);
    for (; slot[i].at; i = (i + 1) & t->mask)
        if (slot[i].hash == hash && slot[i].len == s.len &&
            bytes_eq(t->text.at + slot[i].at, s.at, s.len))
            return slot[i].number;
    uint32_t from = (uint32_t)t->text.len;
    char *to = buf_more(&t->text, s.len + 1);
    if (!to || intern_full(t) || s.len >= UINT32_MAX || t->count == UINT32_MAX) return UINT32_MAX;
    buf_put(&t->at, &from, sizeof from);
    if (t->at.full) return UINT32_MAX;
    if (s.len) memcpy(to, s.at, s.len);
    to[s.len] = 0;
    t->text.len += s.len + 1;
    slot[i] = (struct slot){ hash, from, (uint32_t)s.len, t->count };
    if (++t->count > t->mask / 2 && !grow(t)) t->slots.full = true;
    return t->count - 1;
}

uint32_t intern_offset(struct intern *t, struct str s)
{
    if (s.len == 0) return 0;
    uint32_t number = intern_number(t, s);
    return number == UINT32_MAX ? 0 : intern_at(t, number);
}
