#include "pkg/lookup.h"

#include "pkg/gram.h"
#include "pkg/postings.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

struct lookup lookup_names(const struct index *ix)
{
    return (struct lookup){ &ix->catalogue,     SECTION_NAME_FIRST,
                            SECTION_NAME_GRAMS, SECTION_NAME_POSTINGS,
                            SECTION_NAMES,      SECTION_NAME_AT,
                            ix->names };
}

struct lookup lookup_tokens(const struct index *ix)
{
    size_t count = file_count(&ix->catalogue, SECTION_TOKEN_AT, sizeof(uint32_t));
    return (struct lookup){ &ix->catalogue,
                            SECTION_TOKEN_FIRST,
                            SECTION_TOKEN_GRAMS,
                            SECTION_TOKEN_POSTINGS,
                            SECTION_TOKENS,
                            SECTION_TOKEN_AT,
                            count ? (uint32_t)count - 1 : 0 };
}

/* Rows [from, to) of the gram table. */
struct range {
    uint32_t from, to;
};

static const struct gram_record *rows_of(const struct lookup *l, uint32_t *count)
{
    size_t n = file_count(l->file, l->grams, sizeof(struct gram_record));
    *count = n ? (uint32_t)(n - 1) : 0; /* the last row only ends the one before */
    return file_rows(l->file, l->grams);
}

static struct range pairs(const struct lookup *l, uint32_t from, uint32_t to)
{
    uint32_t rows;
    rows_of(l, &rows);
    struct range r = { file_u32(l->file, l->first, from), file_u32(l->file, l->first, to) };
    if (r.to > rows) r.to = rows;
    if (r.from > r.to) r.from = r.to;
    return r;
}

static struct range key_range(const struct lookup *l, uint32_t key)
{
    uint32_t rows;
    const struct gram_record *row = rows_of(l, &rows);
    struct range r = pairs(l, key >> 6, (key >> 6) + 1);
    while (r.from < r.to) {
        uint32_t middle = r.from + (r.to - r.from) / 2;
        if (row[middle].key == key) return (struct range){ middle, middle + 1 };
        if (row[middle].key < key) r.from = middle + 1;
        else r.to = middle;
    }
    return (struct range){ 0, 0 };
}

static size_t range_bytes(const struct lookup *l, struct range r)
{
    uint32_t rows;
    const struct gram_record *row = rows_of(l, &rows);
    return r.from < r.to && row[r.to].at > row[r.from].at ? row[r.to].at - row[r.from].at : 0;
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

bool lookup_walk(const struct lookup *l, struct str gram, struct postings *walk)
{
    uint32_t rows;
    size_t bytes;
    const struct gram_record *row = rows_of(l, &rows);
    struct range r = word_range(l, gram, &bytes);
    struct str postings = file_section(l->file, l->postings);
    if (r.from >= r.to) return false;
    uint32_t from = row[r.from].at, end = row[r.from + 1].at;
    if (from > end || end > postings.len) return false;
    const uint8_t *base = (const uint8_t *)postings.at;
    *walk = postings_open(base + from, base + end, l->count);
    return true;
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
    char lower[4096];
    if (text.len < word.len) return false;
    text = str_head(text, sizeof lower);
    fold(lower, text);
    return str_has((struct str){ lower, text.len }, word);
}

/* As text_holds, for a word that may begin or end with the NUL around the text. */
static bool holds(const struct lookup *l, uint32_t number, struct str word)
{
    struct str text = file_span(l->file, l->heap, l->at, number);
    struct str heap = file_section(l->file, l->heap);
    if (word.len && word.at[0] == 0 && text.at > heap.at) text.at--, text.len++;
    if (word.len && word.at[word.len - 1] == 0) text.len++;
    if (text.len > (size_t)(heap.at + heap.len - text.at)) return false;
    return text_holds(text, word);
}

static bool exact(struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (gram_class[(uint8_t)word.at[i]] >= GRAM_OTHER) return false;
    return word.len <= 3;
}

void lookup_set(const struct lookup *l, struct str word, struct bits *to)
{
    uint32_t rows;
    size_t bytes;
    const struct gram_record *row = rows_of(l, &rows);
    struct range r = word_range(l, word, &bytes);
    struct str postings = file_section(l->file, l->postings);
    const uint8_t *base = (const uint8_t *)postings.at;
    bool sure = exact(word);
    for (; r.from < r.to; r.from++) {
        uint32_t from = row[r.from].at, end = row[r.from + 1].at;
        if (from > end || end > postings.len) continue;
        struct postings walk = postings_open(base + from, base + end, l->count);
        if (sure)
            while (postings_next(&walk)) bits_set(to, walk.number);
        else
            while (postings_next(&walk))
                if (holds(l, walk.number, word)) bits_set(to, walk.number);
    }
}
