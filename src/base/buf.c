#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

enum { LEAST = 64 << 10, LARGE = 2 << 20 };

void buf_free(struct buf *b)
{
    if (b->room) munmap(b->at, b->room);
    *b = (struct buf){ .limit = b->limit };
}

static bool grow(struct buf *b, size_t need)
{
    size_t room = b->room ? b->room : LEAST;
    while (room < need)
        if (__builtin_mul_overflow(room, 2u, &room)) return false;
    void *at = b->room
                   ? mremap(b->at, b->room, room, MREMAP_MAYMOVE)
                   : mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return false;
    b->at = at;
    b->room = room;
    /* Half the time of filling a large buffer is page faults; large pages take most of it away. */
    if (room >= LARGE) madvise(at, room, MADV_HUGEPAGE);
    return true;
}

char *buf_more(struct buf *b, size_t n)
{
    if (!b->full && n <= b->limit && b->len <= b->limit - n &&
        (b->len + n <= b->room || grow(b, b->len + n)))
        return b->at + b->len;
    b->full = true;
    return NULL;
}

void buf_byte(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_str(struct buf *b, struct str s)
{
    buf_put(b, s.at, s.len);
}

void buf_repeat(struct buf *b, char c, size_t n)
{
    char *to = n ? buf_more(b, n) : NULL;
    if (!to) return;
    memset(to, c, n);
    b->len += n;
}

void buf_print(struct buf *b, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) return;
    if ((size_t)n < sizeof small) {
        buf_put(b, small, (size_t)n);
        return;
    }
    char *to = buf_more(b, (size_t)n + 1);
    if (!to) return;
    va_start(args, format);
    vsnprintf(to, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
}
