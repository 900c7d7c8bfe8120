/* A bounded arena: memory that is given out piece by piece and taken back all at once. The address
 * space for the whole limit is reserved at once, pages are used as they are touched, so pieces
 * never move and nothing is copied when it grows. */
#ifndef OMG_BASE_ARENA_H
#define OMG_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct arena {
    char *at;
    size_t used, limit; /* bytes */
};

/* Reserves limit bytes of address space; ERR_RESOURCE_LIMIT when the system refuses. */
enum err arena_open(struct arena *a, size_t limit);
void arena_close(struct arena *a);

/* Forgets every piece; keeps the first keep bytes' pages and gives the others back. */
void arena_reset(struct arena *a, size_t keep);

/* size bytes aligned for any type, zeroed; NULL when the limit is reached. */
void *arena_alloc(struct arena *a, size_t size);
/* The same for count items of size bytes, checked for overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy of s, with a NUL behind it that its length does not count; at is NULL on no room. */
struct str arena_copy(struct arena *a, struct str s);
/* printf into the arena; at is NULL on no room. */
__attribute__((format(printf, 2, 3))) struct str arena_print(struct arena *a, const char *format,
                                                             ...);
/* A NUL-terminated copy, for a system call; NULL on no room or when s holds a NUL. */
const char *arena_cstr(struct arena *a, struct str s);

#endif
