/* Postings: ascending numbers as differences in base 128 (LEB128: seven bits a byte, least first,
 * the top bit says that more follow). */
#ifndef OMG_PKG_POSTINGS_H
#define OMG_PKG_POSTINGS_H

#include <stddef.h>
#include <stdint.h>

static inline size_t varint_size(uint32_t v)
{
    return v < 1u << 7 ? 1 : v < 1u << 14 ? 2 : v < 1u << 21 ? 3 : v < 1u << 28 ? 4 : 5;
}

static inline uint8_t *varint_put(uint8_t *to, uint32_t v)
{
    for (; v >= 128; v >>= 7) *to++ = (uint8_t)(v | 128);
    *to++ = (uint8_t)v;
    return to;
}

/* Reads one number; at end, and for a number cut off by it, gives what there is. */
static inline const uint8_t *varint_get(const uint8_t *at, const uint8_t *end, uint32_t *v)
{
    uint32_t value = 0;
    for (unsigned shift = 0; at < end; shift += 7) {
        uint8_t byte = *at++;
        if (shift < 32) value |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) break;
    }
    *v = value;
    return at;
}

/* A walk over postings; number is the last one taken, limit what it must stay below (numbers that
 * do not end the walk, so that a damaged file cannot lead outside an array). */
struct postings {
    const uint8_t *at, *end;
    uint32_t number, limit;
};

/* The first difference is from -1, so that every difference is at least 1 and 0 never occurs. */
static inline struct postings postings_open(const uint8_t *at, const uint8_t *end, uint32_t limit)
{
    return (struct postings){ at, end, UINT32_MAX, limit };
}

static inline int postings_next(struct postings *p)
{
    uint32_t step;
    if (p->at >= p->end) return 0;
    step = *p->at++;
    if (step >= 128) p->at = varint_get(p->at - 1, p->end, &step);
    p->number += step;
    if (p->number < p->limit && step) return 1;
    p->at = p->end;
    return 0;
}

#endif
