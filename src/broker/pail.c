#include "broker/pail.h"

#include <stdlib.h>

static size_t counted(size_t room)
{
    return room > PAIL_FREE ? room - PAIL_FREE : 0;
}

static bool grow(struct pool *pool, struct pail *p, size_t need)
{
    enum { LEAST = 512 };
    size_t room = p->room ? p->room : LEAST;
    while (room < need)
        if (__builtin_mul_overflow(room, 2u, &room)) return false;
    size_t more = counted(room) - counted(p->room);
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
    pool->used -= counted(p->room);
    free(p->at);
    *p = (struct pail){ .at = NULL };
}
