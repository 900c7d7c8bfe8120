#include "pkg/lookup.h"

#include "pkg/gram.h"
#include "pkg/postings.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* first is the section that the grams and their postings follow. */
static struct lookup lookup_make(const struct index_file *f, enum section first, enum section heap,
                                 enum section at, uint32_t count)
{
    size_t rows = file_count(f, first + 1, sizeof(struct gram_record));
    size_t ats = file_count(f, at, sizeof(uint32_t));
    struct str postings = file_section(f, first + 2);
    return (struct lookup){ .row = file_rows(f, first + 1),
                            .rows = rows ? (uint32_t)(rows - 1) : 0,
                            .first = file_rows(f, first),
                            .firsts = file_count(f, first, sizeof(uint32_t)),
                            .postings = (const uint8_t *)postings.at,
                            .postings_len = postings.len,
                            .heap = file_section(f, heap),
                            .at = file_rows(f, at),
                            .count = ats && count > ats - 1 ? (uint32_t)(ats - 1) : count,
                            .safe = span_safe(f, heap) };
}

struct lookup lookup_names(const struct index *ix)
{
    return lookup_make(&ix->catalogue, SECTION_NAME_FIRST, SECTION_NAMES, SECTION_NAME_AT,
                       ix->names);
}

struct lookup lookup_tokens(const struct index *ix)
{
    size_t count = file_count(&ix->catalogue, SECTION_TOKEN_AT, sizeof(uint32_t));
    return lookup_make(&ix->catalogue, SECTION_TOKEN_FIRST, SECTION_TOKENS, SECTION_TOKEN_AT,
                       count ? (uint32_t)(count - 1) : 0);
}

/* Rows [from, to) of the gram table. */
struct range {
    uint32_t from, to;
};

static struct range pairs(const struct lookup *l, uint32_t from, uint32_t to)
{
    if (to >= l->firsts) return (struct range){ 0, 0 };
    struct range r = { l->first[from], l->first[to] };
    if (r.to > l->rows) r.to = l->rows;
    if (r.from > r.to) r.from = r.to;
    return r;
}

static struct range key_range(const struct lookup *l, uint32_t key)
{
    struct range r = pairs(l, key >> 6, (key >> 6) + 1);
    while (r.from < r.to) {
        uint32_t middle = r.from + (r.to - r.from) / 2;
        if (l->row[middle].key == key) return (struct range){ middle, middle + 1 };
        if (l->row[middle].key < key) r.from = middle + 1;
        else r.to = middle;
    }
    return (struct range){ 0, 0 };
}

static size_t range_bytes(const struct lookup *l, struct range r)
{
    if (r.from >= r.to || l->row[r.to].at < l->row[r.from].at) return 0;
    return l->row[r.to].at - l->row[r.from].at;
}

/* The rows whose texts can hold word: all grams that begin with it when it is short, else those of
 * its rarest gram. */
static struct range word_range(const struct lookup *l, struct str word, size_t *bytes)
{
    uint32_t a = word.len ? gram_class[(uint8_t)word.at[0]] : 0;
    uint32_t b = word.len > 1 ? gram_class[(uint8_t)word.at[1]] : 0;
    struct range best = { 0, 0 };
    if (word.len < 3) {
        best =
            word.len == 1 ? pairs(l, a << 6, (a + 1) << 6) : pairs(l, a << 6 | b, (a << 6 | b) + 1);
        *bytes = range_bytes(l, best);
        return best;
    }
    *bytes = SIZE_MAX;
    for (size_t i = 0; i + 3 <= word.len && *bytes; i++) {
        struct range r = key_range(
            l, gram_key((uint8_t)word.at[i], (uint8_t)word.at[i + 1], (uint8_t)word.at[i + 2]));
        size_t size = range_bytes(l, r);
        if (size >= *bytes) continue;
        *bytes = size;
        best = r;
    }
    return best;
}

size_t lookup_cost(const struct lookup *l, struct str word)
{
    size_t bytes;
    word_range(l, word, &bytes);
    return bytes;
}

static bool row_walk(const struct lookup *l, uint32_t row, struct postings *walk)
{
    uint32_t from = l->row[row].at, end = l->row[row + 1].at;
    if (from > end || end > l->postings_len) return false;
    *walk = postings_open(l->postings + from, l->postings + end, l->count);
    return true;
}

bool lookup_walk(const struct lookup *l, struct str gram, struct postings *walk)
{
    size_t bytes;
    struct range r = word_range(l, gram, &bytes);
    return r.from < r.to && row_walk(l, r.from, walk);
}

static void fold(char *to, struct str s)
{
    size_t i = 0;
#if defined(__SSE2__)
    for (; i + 16 <= s.len; i += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(s.at + i));
        __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('A' - 1)),
                                      _mm_cmplt_epi8(c, _mm_set1_epi8('Z' + 1)));
        c = _mm_or_si128(c, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
        _mm_storeu_si128((__m128i *)(void *)(to + i), c);
    }
#endif
    for (; i < s.len; i++) to[i] = ascii_lower(s.at[i]);
}

bool text_holds(struct str text, struct str word)
{
    char lower[SUMMARY_MOST];
    if (text.len < word.len) return false;
    text = str_head(text, sizeof lower);
    fold(lower, text);
    return str_has((struct str){ lower, text.len }, word);
}

size_t span_find(struct str text, struct str word)
{
#if defined(__SSE2__)
    if (word.len == 0) return 0;
    if (word.len > text.len) return text.len;
    size_t last = text.len - word.len;
    __m128i first = _mm_set1_epi8(word.at[0]), final = _mm_set1_epi8(word.at[word.len - 1]);
    for (size_t i = 0; i <= last; i += 16) {
        const char *at = text.at + i;
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(at + word.len - 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, final)));
        if (last - i < 15) hits &= (2u << (last - i)) - 1;
        for (; hits; hits &= hits - 1) {
            size_t o = i + (size_t)__builtin_ctz(hits);
            if (word.len <= 2 || bytes_eq(text.at + o, word.at, word.len)) return o;
        }
    }
    return text.len;
#else
    return str_find(text, word);
#endif
}

bool span_safe(const struct index_file *f, enum section heap)
{
    const struct format_section *s = &f->header->section[heap];
    return f->bytes.len - s->at - s->len >= SPAN_SLACK;
}

/* Whether a text holds word, which may begin or end with the NUL around the text. Names and tokens
 * are in lower case already. */
static bool holds(const struct lookup *l, uint32_t number, struct str word)
{
    uint32_t from = l->at[number], to = l->at[number + 1];
    bool begins = word.at[0] == 0, ends = word.at[word.len - 1] == 0;
    size_t n = word.len - begins - ends;
    if (from >= to || to > l->heap.len || n > to - from - 1) return false;
    struct str text = { l->heap.at + from, to - from - 1 };
    if (begins) return bytes_eq(text.at, word.at + 1, n) && (!ends || n == text.len);
    if (ends) return bytes_eq(text.at + text.len - n, word.at, n);
    return (l->safe ? span_find(text, word) : str_find(text, word)) < text.len;
}

static bool exact(struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (gram_class[(uint8_t)word.at[i]] >= GRAM_OTHER) return false;
    return word.len <= 3;
}

/* The texts of one row of grams that hold word. */
static void set_row(const struct lookup *l, struct postings walk, struct str word, bool sure,
                    struct bits *to)
{
    if (sure)
        while (postings_next(&walk)) bits_set(to, walk.number);
    else
        while (postings_next(&walk))
            if (holds(l, walk.number, word)) bits_set(to, walk.number);
}

/* The second rarest gram, where looking into it is cheaper than into all texts of the rarest: both
 * are rare among so many texts, and have little to do with one another. */
static bool second_row(const struct lookup *l, struct str word, struct range first,
                       struct postings *walk)
{
    enum { MANY = 64, RARE = 32 };
    struct range best = { 0, 0 };
    size_t least = l->count / RARE, own = range_bytes(l, first);
    if (own < MANY || own > least) return false;
    for (size_t i = 0; i + 3 <= word.len; i++) {
        struct range r = key_range(
            l, gram_key((uint8_t)word.at[i], (uint8_t)word.at[i + 1], (uint8_t)word.at[i + 2]));
        size_t size = range_bytes(l, r);
        if (r.from == first.from || size >= least) continue;
        least = size;
        best = r;
    }
    return best.to && least < own * 8 && row_walk(l, best.from, walk);
}

void lookup_set(const struct lookup *l, struct str word, struct bits *to)
{
    size_t bytes;
    struct range r = word_range(l, word, &bytes);
    struct postings walk, other;
    bool sure = exact(word);
    if (!sure && word.len > 3 && second_row(l, word, r, &other) && row_walk(l, r.from, &walk)) {
        bool more = postings_next(&walk) && postings_next(&other);
        while (more) {
            if (walk.number == other.number && holds(l, walk.number, word))
                bits_set(to, walk.number);
            more = walk.number <= other.number ? postings_next(&walk) : postings_next(&other);
        }
        return;
    }
    for (; r.from < r.to; r.from++)
        if (row_walk(l, r.from, &walk)) set_row(l, walk, word, sure, to);
}
