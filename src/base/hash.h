/* Hashes for tables and checksums, neither secret nor cryptographic: two 64-bit words at a time are
 * multiplied to 128 bits and folded. The values are the same on every machine of one byte order. */
#ifndef OMG_BASE_HASH_H
#define OMG_BASE_HASH_H

#include "base/str.h"

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xD1B54A32D192ED03));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_load(const char *at, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, at, n);
    return v;
}

/* For short keys. */
static inline uint64_t hash_str(struct str s)
{
    uint64_t h = s.len;
    while (s.len > 16) {
        h = hash_fold(hash_load(s.at, 8) ^ h, hash_load(s.at + 8, 8));
        s = str_from(s, 16);
    }
    uint64_t a = 0, b = 0;
    if (s.len >= 8) {
        a = hash_load(s.at, 8);
        b = hash_load(s.at + s.len - 8, 8);
    } else if (s.len >= 4) {
        a = hash_load(s.at, 4);
        b = hash_load(s.at + s.len - 4, 4);
    } else if (s.len) {
        a = (uint64_t)(uint8_t)s.at[0] << 16 | (uint64_t)(uint8_t)s.at[s.len / 2] << 8 |
            (uint8_t)s.at[s.len - 1];
    }
    return hash_fold(a ^ h, b);
}

/* For whole files: four lanes at once. */
uint64_t hash_bytes(struct str s);

#endif
