#include "client/backoff.h"

#include "base/hash.h"

#include <time.h>
#include <unistd.h>

struct backoff backoff_make(uint64_t least_ms, uint64_t most_ms, uint64_t seed)
{
    struct timespec now;
    if (!seed) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        seed = hash_fold((uint64_t)now.tv_nsec, (uint64_t)getpid());
    }
    return (struct backoff){ .state = seed, .least_ms = least_ms, .most_ms = most_ms };
}

uint64_t backoff_next_ms(struct backoff *b)
{
    uint64_t pause = b->least_ms;
    for (unsigned i = 0; i < b->tries && pause < b->most_ms; i++) pause *= 2;
    if (pause > b->most_ms) pause = b->most_ms;
    if (b->tries < 63) b->tries++;
    b->state = hash_fold(b->state, b->tries);
    return pause - b->state % (pause / 2 + 1);
}
