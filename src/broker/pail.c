#include "broker/pail.h"

#include <stdlib.h>

/* The room that a pail gets for need bytes; 0 where there is no such number. */
static size_t room_for(const struct pail *p, size_t need)
{
    enum { LEAST = 512 };
    size_t room = p->room ? p->room : LEAST;
    while (room < need)
        if (__builtin_mul_overflow(room, 2u, &room)) return 0;
    return room;
}

bool pail_may(const struct pool *pool, const struct pail *p, size_t n)
{
    struct pail whole = { .room = room_for(p, p->len - p->from + n) };
    return whole.room && pail_counted(&whole) <= pool->most;
}

static bool grow(struct pool *pool, struct pail *p, size_t need)
{
    size_t room = room_for(p, need);
    if (!room) return false;
    size_t more = pail_counted(&(struct pail){ .room = room }) - pail_counted(p);
    if (more && (pool->used > pool->most || more > pool->most - pool->used)) return false;
    char *at = realloc(p->at, room);
    if (!at) return false;
    pool->used += more;
    p->at = at;
    p->room = room;
    return true;
}

bool pail_add(struct pool *pool, struct pail *p, struct str bytes)
{
    if (!bytes.len) return true;
    if (p->from) {
        memmove(p->at, p->at + p->from, p->len - p->from);
        p->len -= p->from;
        p->from = 0;
    }
    if (bytes.len > p->room - p->len && !grow(pool, p, p->len + bytes.len)) return false;
    memcpy(p->at + p->len, bytes.at, bytes.len);
    p->len += bytes.len;
    return true;
}

void pail_taken(struct pool *pool, struct pail *p, size_t n)
{
    p->from += n;
    if (p->from < p->len) return;
    p->from = p->len = 0;
    if (p->room > PAIL_FREE) pail_free(pool, p);
}

void pail_free(struct pool *pool, struct pail *p)
{
    pool->used -= pail_counted(p);
    free(p->at);
    *p = (struct pail){ .at = NULL };
}
