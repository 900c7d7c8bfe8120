#include "pkg/gram_build.h"

#include "pkg/gram.h"
#include "pkg/postings.h"

struct grams {
    uint32_t *last; /* per key: the number after the last text that holds it; 0 for none */
    uint32_t *size; /* per key: bytes of its postings; then where they are written */
};

/* Calls for every distinct key of text `number` would be two loops written twice; the one loop
 * measures when to is NULL and writes otherwise. */
static void text_grams(struct grams *g, const char *from, const char *end, uint32_t number,
                       uint8_t *to)
{
    /* The text with one NUL before and two behind; the second is the next text's first. */
    uint32_t key = (uint32_t)gram_class[(uint8_t)from[-1]] << 6 | gram_class[(uint8_t)from[0]];
    for (const char *c = from + 1; c <= end + 1; c++) {
        key = (key << 6 | (c > end ? 0 : gram_class[(uint8_t)*c])) & (GRAM_KEYS - 1);
        if (g->last[key] == number + 1) continue;
        uint32_t step = number + 1 - g->last[key];
        g->last[key] = number + 1;
        if (to)
            g->size[key] = (uint32_t)(varint_put(to + g->size[key], step) - to);
        else
            g->size[key] += (uint32_t)varint_size(step);
    }
}

static void all_grams(struct grams *g, const char *heap, const uint32_t *at, uint32_t count,
                      uint8_t *to)
{
    for (uint32_t i = 0; i < count; i++) {
        if (at[i + 1] - at[i] < 2) continue; /* an empty text holds nothing */
        text_grams(g, heap + at[i], heap + at[i + 1] - 1, i, to);
    }
}

enum err gram_build(struct writer *w, struct arena *a, const char *heap, const uint32_t *at,
                    uint32_t count, enum section first, enum section grams, enum section postings)
{
    struct grams g = { arena_array(a, GRAM_KEYS, sizeof *g.last),
                       arena_array(a, GRAM_KEYS, sizeof *g.size) };
    uint32_t *pair_first = arena_array(a, GRAM_PAIRS + 1, sizeof *pair_first);
    if (!g.last || !g.size || !pair_first) return ERR_RESOURCE_LIMIT;
    all_grams(&g, heap, at, count, NULL);

    struct buf rows = buf_make(UINT32_MAX);
    uint64_t total = 0;
    uint32_t n = 0;
    for (uint32_t key = 0; key < GRAM_KEYS; key++) {
        if ((key & 63) == 0) pair_first[key >> 6] = n;
        uint32_t size = g.size[key];
        g.size[key] = (uint32_t)total;
        if (!size) continue;
        struct gram_record r = { key, (uint32_t)total };
        buf_put(&rows, &r, sizeof r);
        total += size;
        n++;
    }
    pair_first[GRAM_PAIRS] = n;
    struct gram_record last = { GRAM_KEYS, (uint32_t)total };
    buf_put(&rows, &last, sizeof last);

    uint8_t *out = total < UINT32_MAX ? arena_alloc(a, (size_t)total + 1) : NULL;
    if (out && !rows.full) {
        memset(g.last, 0, GRAM_KEYS * sizeof *g.last);
        all_grams(&g, heap, at, count, out);
        writer_section(w, first, pair_first, (GRAM_PAIRS + 1) * sizeof *pair_first);
        writer_buf(w, grams, &rows);
        writer_section(w, postings, out, (size_t)total);
    }
    enum err e = out && !rows.full ? OK : ERR_RESOURCE_LIMIT;
    buf_free(&rows);
    return e;
}
