#include "pkg/longtext.h"

#include "pkg/postings.h"

struct codes {
    const uint8_t *at, *end;
};

/* Where a text is written: as long as at is below full, the longest word and a blank still fit. */
struct written {
    char *at, *full;
    bool line_start;
};
enum { WORD_MOST = TEXT_MOST, SLACK = WORD_MOST + 32 };

/* A word is rarely longer than sixteen bytes: those are copied whatever its length, where as many
 * can be read. */
static void put_word(struct written *to, const char *from, size_t n, bool sixteen)
{
    *to->at = ' ';
    to->at += !to->line_start;
    if (sixteen && n <= 16) memcpy(to->at, from, 16);
    else memcpy(to->at, from, n);
    to->at += n;
    to->line_start = false;
}

static void paragraph(const struct index *ix, struct codes c, struct written *to)
{
    struct str heap = file_section(&ix->text, SECTION_WORDS);
    const uint32_t *word_at = file_rows(&ix->text, SECTION_WORD_AT);
    size_t words = file_count(&ix->text, SECTION_WORD_AT, sizeof *word_at);
    to->line_start = true;
    while (c.at < c.end && to->at < to->full) {
        uint32_t code, n;
        c.at = varint_get(c.at, c.end, &code);
        if (code >= TEXT_WORDS) {
            size_t word = code - TEXT_WORDS;
            if (word + 1 >= words) continue;
            uint32_t from = word_at[word], end = word_at[word + 1];
            if (from >= end || end > heap.len || end - from > WORD_MOST) continue;
            put_word(to, heap.at + from, end - from - 1, heap.len - from >= 16);
        } else if (code == TEXT_LITERAL) {
            c.at = varint_get(c.at, c.end, &n);
            if (n > (size_t)(c.end - c.at) || n > WORD_MOST) return;
            put_word(to, (const char *)c.at, n, c.end - c.at >= 16);
            c.at += n;
        } else {
            *to->at++ = code == TEXT_LINE ? '\n' : ' ';
            to->line_start |= code == TEXT_LINE;
        }
    }
}

/* Keys are hashes and spread evenly, so a key's size tells about where it is: a few steps instead
 * of one for every halving. */
static size_t key_row(const struct index *ix, uint64_t key)
{
    enum { NEAR = 64 };
    const uint64_t *keys = file_rows(&ix->text, SECTION_TEXT_KEYS);
    size_t from = 0, count = file_count(&ix->text, SECTION_TEXT_KEYS, sizeof key), to = count;
    size_t guess = (size_t)((double)key * 0x1p-64 * (double)count);
    for (size_t step = NEAR; guess < count && to - from > step; step *= 4) {
        size_t low = guess > step ? guess - step : 0;
        size_t high = guess + step < count ? guess + step : count - 1;
        if (keys[low] > key) to = low;
        else if (keys[high] < key) from = high + 1;
        else {
            from = low;
            to = high + 1;
            break;
        }
    }
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (keys[middle] < key) from = middle + 1;
        else to = middle;
    }
    return from < count && keys[from] == key ? from : SIZE_MAX;
}

struct str longtext_find(const struct index *ix, uint64_t key, struct arena *a)
{
    if (!ix->text.header || !key) return STR_NONE;
    size_t row = key_row(ix, key);
    struct str lists = file_section(&ix->text, SECTION_TEXT_LISTS);
    struct str heap = file_section(&ix->text, SECTION_PARAGRAPHS);
    uint32_t at = row == SIZE_MAX ? NONE : file_u32(&ix->text, SECTION_TEXT_AT, row), count, size;
    if (at >= lists.len) return STR_NONE;
    struct codes list = { (const uint8_t *)lists.at + at, (const uint8_t *)lists.at + lists.len };
    char *start = arena_alloc(a, TEXT_MOST + SLACK);
    if (!start) return STR_NONE;
    struct written to = { start, start + TEXT_MOST, true };
    list.at = varint_get(list.at, list.end, &count);
    for (uint32_t i = 0; i < count && list.at < list.end && to.at < to.full; i++) {
        list.at = varint_get(list.at, list.end, &at);
        if (at >= heap.len) break;
        struct codes c = { (const uint8_t *)heap.at + at, (const uint8_t *)heap.at + heap.len };
        c.at = varint_get(c.at, c.end, &size);
        if (size > (size_t)(c.end - c.at)) break;
        c.end = c.at + size;
        if (i) *to.at++ = '\n', *to.at++ = '\n';
        paragraph(ix, c, &to);
    }
    size_t len = (size_t)(to.at - start);
    memset(to.at, 0, 16);              /* what the last word's copy left */
    a->used = (size_t)(to.at - a->at); /* the rest of the piece goes back */
    return (struct str){ start, len };
}

struct str longtext_plain(struct str continuation, struct arena *a)
{
    char *to = arena_alloc(a, continuation.len + 1);
    struct str line;
    size_t len = 0;
    if (!to) return STR_NONE;
    for (bool first = true; str_cut(&continuation, '\n', &line); first = false) {
        line = str_from(line, 1);
        while (line.len && ascii_space(line.at[line.len - 1])) line.len--;
        if (str_eq(line, S("."))) line.len = 0;
        if (!first) to[len++] = '\n';
        if (line.len) memcpy(to + len, line.at, line.len);
        len += line.len;
    }
    return (struct str){ to, len };
}
