/* Views of text: a start and a length, no terminator, no ownership. NUL-terminated strings are
 * made only beside a system call. All comparisons are of bytes; "ASCII" functions leave every byte
 * above 127 alone. */
#ifndef OMG_BASE_STR_H
#define OMG_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

struct str {
    const char *at;
    size_t len;
};

#define S(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE   ((struct str){ NULL, 0 })
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).at ? (s).at : ""

static inline struct str str_of(const char *cstr)
{
    return cstr ? (struct str){ cstr, strlen(cstr) } : STR_NONE;
}

/* Whether n bytes are the same. musl's memcmp goes byte by byte; this takes eight at a time, the
 * last eight overlapping. */
static inline bool bytes_eq(const char *a, const char *b, size_t n)
{
    uint64_t x, y;
    if (n < 8) {
        uint32_t v, w;
        if (n < 4) {
            for (size_t i = 0; i < n; i++)
                if (a[i] != b[i]) return false;
            return true;
        }
        memcpy(&v, a, 4), memcpy(&w, b, 4);
        if (v != w) return false;
        memcpy(&v, a + n - 4, 4), memcpy(&w, b + n - 4, 4);
        return v == w;
    }
    for (size_t i = 0; i + 8 < n; i += 8) {
        memcpy(&x, a + i, 8), memcpy(&y, b + i, 8);
        if (x != y) return false;
    }
    memcpy(&x, a + n - 8, 8), memcpy(&y, b + n - 8, 8);
    return x == y;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && bytes_eq(a.at, b.at, a.len);
}

static inline bool str_starts(struct str s, struct str head)
{
    return s.len >= head.len && bytes_eq(s.at, head.at, head.len);
}

static inline bool str_ends(struct str s, struct str tail)
{
    return s.len >= tail.len && bytes_eq(s.at + s.len - tail.len, tail.at, tail.len);
}

/* The rest after the first n bytes; empty when there are fewer. */
static inline struct str str_from(struct str s, size_t n)
{
    if (n > s.len) n = s.len;
    return n ? (struct str){ s.at + n, s.len - n } : s; /* NULL + 0 is undefined in C */
}

/* The first n bytes, or all when there are fewer. */
static inline struct str str_head(struct str s, size_t n)
{
    return (struct str){ s.at, n < s.len ? n : s.len };
}

static inline bool ascii_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static inline bool ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Less than, equal to or greater than zero, as memcmp; a shorter string sorts before its
 * continuations. */
int str_cmp(struct str a, struct str b);
bool str_eq_ascii(struct str a, struct str b); /* ignoring ASCII case */

/* Offset of the first c; s.len when there is none. Inline, as reading lists is little else. */
static inline size_t str_chr(struct str s, char c)
{
    size_t i = 0;
#if defined(__SSE2__)
    __m128i wanted = _mm_set1_epi8(c);
    for (; i + 16 <= s.len; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(s.at + i));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, wanted));
        if (hits) return i + (size_t)__builtin_ctz(hits);
    }
#endif
    for (; i < s.len; i++)
        if (s.at[i] == c) return i;
    return s.len;
}

/* Offset of the first occurrence of needle; s.len when there is none. An empty one is found at 0.
 */
size_t str_find(struct str s, struct str needle);
static inline bool str_has(struct str s, struct str needle)
{
    return needle.len == 0 || str_find(s, needle) < s.len;
}

struct str str_trim(struct str s); /* without white space at both ends */

/* Takes the part before the next c from *rest, and c with it. False when *rest is used up; the
 * last part may be empty only if *rest ended in c ("a," gives "a" alone). */
bool str_cut(struct str *rest, char c, struct str *part);

/* Takes the next run of bytes that are not white space from *rest. False when there is none. */
bool str_word(struct str *rest, struct str *word);

/* A decimal number that fills s whole. False on anything else and on overflow. */
bool str_u64(struct str s, uint64_t *value);
bool str_i64(struct str s, int64_t *value);

/* Whether s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool utf8_valid(struct str s);

/* Decodes the code point at s[0] and gives its length in bytes; a byte that begins none counts as
 * U+FFFD of length 1. s is not empty. */
size_t utf8_next(struct str s, uint32_t *point);

#endif
