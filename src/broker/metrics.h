/* What the broker counts and measures of each operation. */
#ifndef OMG_BROKER_METRICS_H
#define OMG_BROKER_METRICS_H

#include "base/arena.h"
#include "wire/schema.h"

/* A bounded log-linear histogram: four bars for each power of two, so that a bar's largest value is
 * less than a quarter above its smallest. */
enum { HISTOGRAM_BARS = 160 }; /* up to 2^41; what is larger is counted in the last one */

struct histogram {
    uint64_t count, total, largest;
    uint32_t bars[HISTOGRAM_BARS];
};

void histogram_add(struct histogram *h, uint64_t value);
/* The largest value of the bar in which the given share of the values (0 to 1) ends; never more
 * than the largest value there was. */
uint64_t histogram_share(const struct histogram *h, double share);
/* The bars that are not empty, as a list in the arena. ERR_RESOURCE_LIMIT. */
enum err histogram_bars(const struct histogram *h, struct arena *a, struct bucket **at,
                        size_t *len);

struct op_count {
    uint64_t errors, hits;
    struct histogram ns, in, out;
};

static inline void op_counted(struct op_count *c, uint64_t ns, size_t in, size_t out)
{
    histogram_add(&c->ns, ns);
    histogram_add(&c->in, in);
    histogram_add(&c->out, out);
}

/* Fills operations for those that were called. */
enum err metrics_operations(const struct op_count counts[OP_COUNT], struct metrics_result *r,
                            struct arena *a);

#endif
