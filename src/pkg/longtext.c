#include "pkg/longtext.h"

#include "pkg/postings.h"

struct codes {
    const uint8_t *at, *end;
};

static void put(char *to, size_t *len, struct str s)
{
    if (s.len > TEXT_MOST - *len) return;
    memcpy(to + *len, s.at, s.len);
    *len += s.len;
}

static void paragraph(const struct index *ix, struct codes c, char *to, size_t *len)
{
    bool line_start = true;
    while (c.at < c.end) {
        uint32_t code, n;
        struct str word;
        c.at = varint_get(c.at, c.end, &code);
        if (code == TEXT_LINE || code == TEXT_BLANK) {
            put(to, len, code == TEXT_LINE ? S("\n") : S(" "));
            line_start |= code == TEXT_LINE;
            continue;
        }
        if (code == TEXT_LITERAL) {
            c.at = varint_get(c.at, c.end, &n);
            if (n > (size_t)(c.end - c.at)) return;
            word = (struct str){ (const char *)c.at, n };
            c.at += n;
        } else {
            word = file_span(&ix->text, SECTION_WORDS, SECTION_WORD_AT, code - TEXT_WORDS);
        }
        if (!line_start) put(to, len, S(" "));
        put(to, len, word);
        line_start = false;
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
        if (keys[middle] < key)
            from = middle + 1;
        else
            to = middle;
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
    size_t len = 0;
    char *to = arena_alloc(a, TEXT_MOST);
    if (!to) return STR_NONE;
    list.at = varint_get(list.at, list.end, &count);
    for (uint32_t i = 0; i < count && list.at < list.end; i++) {
        list.at = varint_get(list.at, list.end, &at);
        if (at >= heap.len) break;
        struct codes c = { (const uint8_t *)heap.at + at, (const uint8_t *)heap.at + heap.len };
        c.at = varint_get(c.at, c.end, &size);
        if (size > (size_t)(c.end - c.at)) break;
        c.end = c.at + size;
        if (i) put(to, &len, S("\n\n"));
        paragraph(ix, c, to, &len);
    }
    a->used = (size_t)(to - a->at) + len; /* the rest of the piece goes back */
    return (struct str){ to, len };
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
