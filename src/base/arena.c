#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

enum err arena_open(struct arena *a, size_t limit)
{
    void *at = mmap(NULL, limit, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return ERR_RESOURCE_LIMIT;
    *a = (struct arena){ .at = at, .limit = limit };
    return OK;
}

void arena_close(struct arena *a)
{
    if (a->at) munmap(a->at, a->limit);
    *a = (struct arena){ 0 };
}

void arena_reset(struct arena *a, size_t keep)
{
    keep = (keep + 4095) & ~(size_t)4095;
    if (a->used > keep) madvise(a->at + keep, a->used - keep, MADV_DONTNEED);
    memset(a->at, 0, a->used < keep ? a->used : keep);
    a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t from = (a->used + 15) & ~(size_t)15;
    if (from > a->limit || size > a->limit - from) return NULL;
    a->used = from + size;
    return a->at + from;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return arena_alloc(a, bytes);
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *at = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;
    if (!at) return STR_NONE;
    if (s.len) memcpy(at, s.at, s.len);
    return (struct str){ at, s.len };
}

struct str arena_print(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *at = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (!at) return STR_NONE;
    va_start(args, format);
    vsnprintf(at, (size_t)n + 1, format, args);
    va_end(args);
    return (struct str){ at, (size_t)n };
}

const char *arena_cstr(struct arena *a, struct str s)
{
    if (s.len && memchr(s.at, 0, s.len)) return NULL;
    return arena_copy(a, s).at;
}
