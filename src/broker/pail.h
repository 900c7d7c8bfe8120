/* Bytes that one client's connection or call has to keep between turns: half a frame, answers that
 * are not read yet, a request that waits. All pails draw on one pool; the first PAIL_FREE bytes of
 * each are not counted, so that a full pool stops the greedy and nobody else. */
#ifndef OMG_BROKER_PAIL_H
#define OMG_BROKER_PAIL_H

#include "base/str.h"

enum { PAIL_FREE = 16 << 10 };

struct pool {
    size_t used, most; /* bytes */
};

struct pail {
    char *at;
    size_t from, len, room; /* bytes before from are done with */
};

static inline struct str pail_view(const struct pail *p)
{
    return (struct str){ p->at ? p->at + p->from : NULL, p->len - p->from };
}

/* How much of the pool it takes. */
static inline size_t pail_counted(const struct pail *p)
{
    return p->room > PAIL_FREE ? p->room - PAIL_FREE : 0;
}

/* Whether n bytes more could be added if no other pail had anything of the pool. */
bool pail_may(const struct pool *pool, const struct pail *p, size_t n);
/* False, and nothing added, when the pool or the system has no more. */
bool pail_add(struct pool *pool, struct pail *p, struct str bytes);
/* Removes n bytes from the front; an empty pail gives back what is more than PAIL_FREE. */
void pail_taken(struct pool *pool, struct pail *p, size_t n);
void pail_free(struct pool *pool, struct pail *p);

#endif
