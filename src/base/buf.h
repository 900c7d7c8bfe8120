/* A bounded buffer of bytes that grows at its end. Growth moves pages (mremap), not bytes. Writing
 * is sticky: once the limit is reached the buffer is full for good and later writes do nothing, so
 * that a writer asks once, at the end. */
#ifndef OMG_BASE_BUF_H
#define OMG_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *at;
    size_t len, room, limit; /* bytes; room is what is mapped, limit the most it may become */
    bool full;
};

/* An empty buffer that owns nothing yet. */
static inline struct buf buf_make(size_t limit)
{
    return (struct buf){ .limit = limit };
}
void buf_free(struct buf *b);

/* At least n writable bytes behind len; NULL (and full) when that would pass the limit or the
 * system has no memory. The caller adds what it wrote to len. */
char *buf_more(struct buf *b, size_t n);

/* Inline, so that a fixed n costs a store and not a call. */
static inline void buf_put(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0) return;
    bool fits = n <= b->room - b->len && n <= b->limit - b->len && !b->full;
    char *to = fits ? b->at + b->len : buf_more(b, n);
    if (!to) return;
    memcpy(to, bytes, n);
    b->len += n;
}
void buf_byte(struct buf *b, char c);
void buf_str(struct buf *b, struct str s);
void buf_repeat(struct buf *b, char c, size_t n);
__attribute__((format(printf, 2, 3))) void buf_print(struct buf *b, const char *format, ...);

static inline struct str buf_view(const struct buf *b)
{
    return (struct str){ b->at, b->len };
}

#endif
