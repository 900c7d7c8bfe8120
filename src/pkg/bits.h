/* A set of numbers as a bitmap of three storeys, each storey saying which words of the one below
 * are not zero: filling, walking and emptying it cost what it holds, not what it could hold. */
#ifndef OMG_PKG_BITS_H
#define OMG_PKG_BITS_H

#include "base/arena.h"

struct bits {
    uint64_t *word, *upper, *top;
    size_t words, uppers, tops;
    uint64_t last; /* the bits of the last word that are numbers below the limit */
};

/* An empty set of numbers below limit; false when the arena has no room. */
bool bits_open(struct bits *b, struct arena *a, size_t limit);
void bits_clear(struct bits *b);
/* Adds a plain bitmap of as many words, without the bits that its last word has at the limit or
 * above it: a damaged file may have set some. */
void bits_or(struct bits *b, const uint64_t *plain);
/* Adds what other holds. */
void bits_add(struct bits *b, const struct bits *other);
/* Keeps what other holds too. */
void bits_and(struct bits *b, const struct bits *other);
size_t bits_count(const struct bits *b);
/* The first word from w on that is not zero; b->words when there is none. */
size_t bits_word(const struct bits *b, size_t w);

static inline bool bits_has(const struct bits *b, uint32_t number)
{
    return b->word[number >> 6] >> (number & 63) & 1;
}

static inline void bits_mark(struct bits *b, size_t w)
{
    b->upper[w >> 6] |= UINT64_C(1) << (w & 63);
    b->top[w >> 12] |= UINT64_C(1) << (w >> 6 & 63);
}

static inline void bits_set(struct bits *b, uint32_t number)
{
    size_t w = number >> 6;
    if (!b->word[w]) bits_mark(b, w);
    b->word[w] |= UINT64_C(1) << (number & 63);
}

#endif
