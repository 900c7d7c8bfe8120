#include "base/hash.h"

uint64_t hash_bytes(struct str s)
{
    uint64_t lane[4] = { 1, 2, 3, s.len };
    while (s.len >= 64) {
        for (size_t i = 0; i < 4; i++)
            lane[i] =
                hash_fold(lane[i] ^ hash_load(s.at + 16 * i, 8), hash_load(s.at + 16 * i + 8, 8));
        s = str_from(s, 64);
    }
    return hash_fold(hash_fold(lane[0], lane[1]), hash_fold(lane[2], lane[3]) ^ hash_str(s));
}
