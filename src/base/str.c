#include "base/str.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len, i = 0;
    uint64_t x, y;
    for (; i + 8 <= n; i += 8) { /* musl's memcmp goes byte by byte */
        memcpy(&x, a.at + i, 8), memcpy(&y, b.at + i, 8);
        if (x != y) break;
    }
    for (; i < n; i++)
        if (a.at[i] != b.at[i]) return (unsigned char)a.at[i] < (unsigned char)b.at[i] ? -1 : 1;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool str_eq_ascii(struct str a, struct str b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i])) return false;
    return true;
}

size_t str_find(struct str s, struct str needle)
{
    if (needle.len == 0) return 0;
    if (needle.len > s.len) return s.len;
    size_t last = s.len - needle.len; /* the last offset where it fits */
    size_t i = 0;
#if defined(__SSE2__)
    /* Sixteen offsets at a time: those where both the first and the last byte agree are compared
     * whole. */
    __m128i first = _mm_set1_epi8(needle.at[0]);
    __m128i final = _mm_set1_epi8(needle.at[needle.len - 1]);
    for (; i + 16 <= last + 1; i += 16) {
        const char *at = s.at + i;
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(at + needle.len - 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, final)));
        for (; hits; hits &= hits - 1) {
            size_t o = (size_t)__builtin_ctz(hits);
            if (bytes_eq(at + o, needle.at, needle.len)) return i + o;
        }
    }
#endif
    for (; i <= last; i++)
        if (s.at[i] == needle.at[0] && bytes_eq(s.at + i, needle.at, needle.len)) return i;
    return s.len;
}

struct str str_trim(struct str s)
{
    while (s.len && ascii_space(s.at[0])) s = str_from(s, 1);
    while (s.len && ascii_space(s.at[s.len - 1])) s.len--;
    return s;
}

bool str_cut(struct str *rest, char c, struct str *part)
{
    if (rest->len == 0) return false;
    size_t n = str_chr(*rest, c);
    *part = str_head(*rest, n);
    *rest = str_from(*rest, n + 1);
    return true;
}

bool str_word(struct str *rest, struct str *word)
{
    struct str s = *rest;
    while (s.len && ascii_space(s.at[0])) s = str_from(s, 1);
    size_t n = 0;
    while (n < s.len && !ascii_space(s.at[n])) n++;
    *word = str_head(s, n);
    *rest = str_from(s, n);
    return n > 0;
}

bool str_u64(struct str s, uint64_t *value)
{
    uint64_t v = 0;
    if (s.len == 0) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_digit(s.at[i])) return false;
        if (__builtin_mul_overflow(v, 10u, &v)) return false;
        if (__builtin_add_overflow(v, (uint64_t)(s.at[i] - '0'), &v)) return false;
    }
    *value = v;
    return true;
}

bool str_i64(struct str s, int64_t *value)
{
    uint64_t v;
    bool minus = s.len && s.at[0] == '-';
    if (s.len && (s.at[0] == '-' || s.at[0] == '+')) s = str_from(s, 1);
    if (!str_u64(s, &v) || v > (uint64_t)INT64_MAX) return false;
    *value = minus ? -(int64_t)v : (int64_t)v;
    return true;
}

/* Length of the well-formed sequence at s[0] and its code point; 0 when there is none. */
static size_t sequence(struct str s, uint32_t *point)
{
    const unsigned char *b = (const unsigned char *)s.at;
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = b[0] < 0x80 ? 1 : (b[0] & 0xE0) == 0xC0 ? 2 : (b[0] & 0xF0) == 0xE0 ? 3 : 4;
    if (n == 1) {
        *point = b[0];
        return 1;
    }
    if (n == 4 && (b[0] & 0xF8) != 0xF0) return 0;
    if (n > s.len) return 0;
    uint32_t v = b[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xC0) != 0x80) return 0;
        v = v << 6 | (b[i] & 0x3Fu);
    }
    if (v < least[n] || v > 0x10FFFF || (v >= 0xD800 && v < 0xE000)) return 0;
    *point = v;
    return n;
}

size_t utf8_next(struct str s, uint32_t *point)
{
    size_t n = sequence(s, point);
    if (n) return n;
    *point = 0xFFFD;
    return 1;
}

bool utf8_valid(struct str s)
{
    while (s.len) {
        uint64_t eight;
        while (s.len >= sizeof eight) {
            memcpy(&eight, s.at, sizeof eight);
            if (eight & 0x8080808080808080u) break;
            s = str_from(s, sizeof eight);
        }
        if (!s.len) break;
        uint32_t point;
        size_t n = sequence(s, &point);
        if (!n) return false;
        s = str_from(s, n);
    }
    return true;
}
