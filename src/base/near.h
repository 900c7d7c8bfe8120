/* The nearest of several words to one that may be misspelt. */
#ifndef OMG_BASE_NEAR_H
#define OMG_BASE_NEAR_H

#include "base/str.h"

struct near {
    struct str wanted, best; /* best.len is 0 while nothing offered is near enough */
    size_t distance;
};

static inline struct near near_make(struct str wanted)
{
    return (struct near){ .wanted = wanted, .distance = SIZE_MAX };
}

/* Remembers candidate when it is nearer than what was offered before and near enough to be meant:
 * one change in three letters, or the word's beginning. The view is kept, not the bytes. */
void near_offer(struct near *n, struct str candidate);

/* Insertions, deletions, changes and swaps of neighbours that turn a into b (optimal string
 * alignment); SIZE_MAX when either is longer than 63 bytes. */
size_t near_distance(struct str a, struct str b);

#endif
