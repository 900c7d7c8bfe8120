/* Pauses before something is tried again: each up to twice as long as the one before, and each cut
 * by a random part of up to a half, so that clients that were cut off together do not come back
 * together. */
#ifndef OMG_CLIENT_BACKOFF_H
#define OMG_CLIENT_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint64_t state;             /* of the random numbers, which nobody has to be unable to guess */
    uint64_t least_ms, most_ms; /* the first pause and the longest, before the cut */
    unsigned tries;
};

/* seed: 0 for one that differs from process to process. */
struct backoff backoff_make(uint64_t least_ms, uint64_t most_ms, uint64_t seed);

/* The next pause: from half of min(least_ms × 2^tries, most_ms) to all of it. */
uint64_t backoff_next_ms(struct backoff *b);

/* It worked: the next pause is the first again. */
static inline void backoff_reset(struct backoff *b)
{
    b->tries = 0;
}

#endif
