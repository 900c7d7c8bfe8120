#include "pkg/bits.h"

bool bits_open(struct bits *b, struct arena *a, size_t limit)
{
    b->words = (limit + 63) / 64;
    b->uppers = (b->words + 63) / 64;
    b->tops = (b->uppers + 63) / 64;
    b->last = UINT64_MAX >> (-limit & 63);
    b->word = arena_array(a, b->words + 1, sizeof *b->word);
    b->upper = arena_array(a, b->uppers + 1, sizeof *b->upper);
    b->top = arena_array(a, b->tops + 1, sizeof *b->top);
    return b->word && b->upper && b->top;
}

size_t bits_word(const struct bits *b, size_t w)
{
    if (w >= b->words) return b->words;
    size_t u = w >> 6;
    uint64_t some = b->upper[u] >> (w & 63) << (w & 63);
    if (!some) {
        size_t t = ++u >> 6;
        if (u >= b->uppers) return b->words;
        uint64_t more = b->top[t] >> (u & 63) << (u & 63);
        while (!more && ++t < b->tops) more = b->top[t];
        if (!more) return b->words;
        u = t << 6 | (size_t)__builtin_ctzll(more);
        some = b->upper[u];
    }
    return u << 6 | (size_t)__builtin_ctzll(some);
}

void bits_clear(struct bits *b)
{
    for (size_t w = bits_word(b, 0); w < b->words; w = bits_word(b, w + 1)) b->word[w] = 0;
    for (size_t t = 0; t < b->tops; t++) {
        for (uint64_t left = b->top[t]; left; left &= left - 1)
            b->upper[t << 6 | (size_t)__builtin_ctzll(left)] = 0;
        b->top[t] = 0;
    }
}

/* After this and after bits_and the storeys above may name words that are zero: walking skips
 * those. */
void bits_or(struct bits *b, const uint64_t *plain)
{
    for (size_t w = 0; w < b->words; w++) {
        if (!plain[w]) continue;
        b->word[w] |= plain[w];
        bits_mark(b, w);
    }
    if (b->words) b->word[b->words - 1] &= b->last;
}

void bits_add(struct bits *b, const struct bits *other)
{
    for (size_t w = bits_word(other, 0); w < other->words; w = bits_word(other, w + 1)) {
        if (!b->word[w]) bits_mark(b, w);
        b->word[w] |= other->word[w];
    }
}

void bits_and(struct bits *b, const struct bits *other)
{
    for (size_t w = bits_word(b, 0); w < b->words; w = bits_word(b, w + 1))
        b->word[w] &= other->word[w];
}

static inline unsigned ones(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)(v * UINT64_C(0x0101010101010101) >> 56);
}

size_t bits_count(const struct bits *b)
{
    size_t n = 0;
    for (size_t w = bits_word(b, 0); w < b->words; w = bits_word(b, w + 1)) n += ones(b->word[w]);
    return n;
}
