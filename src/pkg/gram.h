/* Grams: runs of three bytes, folded to 64 classes each, by which names and tokens are found.
 *
 * Every byte has a class; ASCII letters of both cases share one. A class that stands for one byte
 * (or one letter) is exact; the two classes for "other" are not, and matches through them are
 * verified. Class 0 is the NUL around every name and token, so a gram can say "begins with". */
#ifndef OMG_PKG_GRAM_H
#define OMG_PKG_GRAM_H

#include "base/str.h"

enum {
    GRAM_CLASSES = 64,
    GRAM_PAIRS = 64 * 64,
    GRAM_KEYS = 64 * 64 * 64,
    GRAM_OTHER = 62,
    GRAM_NAME = 40
};

/* Classes 1 to GRAM_NAME are those of what package names are made of. */
extern const uint8_t gram_class[256];

static inline uint32_t gram_key(uint8_t a, uint8_t b, uint8_t c)
{
    return (uint32_t)gram_class[a] << 12 | (uint32_t)gram_class[b] << 6 | gram_class[c];
}

/* Keys of the dense bitmaps: one class, or two; they cannot be taken for one another. */
static inline uint32_t gram_dense_key(struct str word)
{
    uint32_t a = gram_class[(uint8_t)word.at[0]];
    return word.len == 1 ? a : 64 + (a << 6 | gram_class[(uint8_t)word.at[1]]);
}
enum { GRAM_DENSE_KEYS = 64 + 64 * 64 };

/* Lower case, in place of tolower(3) and its locale. */
static inline void ascii_lower_copy(char *to, struct str from)
{
    for (size_t i = 0; i < from.len; i++) to[i] = ascii_lower(from.at[i]);
}

#endif
