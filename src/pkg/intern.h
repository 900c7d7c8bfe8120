/* Keeps each distinct text once, and numbers them in the order of their coming. The texts lie
 * behind one another in one heap, each ended by NUL, so an offset is enough to find one again. */
#ifndef OMG_PKG_INTERN_H
#define OMG_PKG_INTERN_H

#include "base/buf.h"

struct intern {
    struct buf text;  /* the heap */
    struct buf at;    /* uint32_t: where each text begins */
    struct buf slots; /* an open-addressed table, half full at most */
    uint32_t count, mask;
};

/* begins with one NUL, so that offset 0 is the empty text and every text has one before it. */
enum err intern_open(struct intern *t, uint32_t expected);
void intern_free(struct intern *t);

/* The number of s; UINT32_MAX when there is no more room. s holds no NUL. */
uint32_t intern_number(struct intern *t, struct str s);

/* The same in two steps, for texts that come several at a time: the first fetches the table's
 * memory while the others' hashes are computed. */
uint32_t intern_hash(const struct intern *t, struct str s);
uint32_t intern_hashed(struct intern *t, struct str s, uint32_t hash);

/* The offset of s in the heap; 0 for an empty s, and when there is no more room. */
uint32_t intern_offset(struct intern *t, struct str s);

static inline uint32_t intern_at(const struct intern *t, uint32_t number)
{
    return ((const uint32_t *)(const void *)t->at.at)[number];
}
static inline struct str intern_text(const struct intern *t, uint32_t number)
{
    uint32_t from = intern_at(t, number);
    uint32_t to = number + 1 < t->count ? intern_at(t, number + 1) : (uint32_t)t->text.len;
    return (struct str){ t->text.at + from, to - from - 1 };
}
/* Whether it ran out of room at any time. */
static inline bool intern_full(const struct intern *t)
{
    return t->text.full || t->at.full || t->slots.full;
}

#endif
