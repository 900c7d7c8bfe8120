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
        if (to) g->size[key] = (uint32_t)(varint_put(to + g->size[key], step) - to);
        else g->size[key] += (uint32_t)varint_size(step);
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

enum err gram_build(struct gram_index *x, struct arena *a, const char *heap, const uint32_t *at,
                    uint32_t count)
{
    struct grams g = { arena_array(a, GRAM_KEYS, sizeof *g.last),
                       arena_array(a, GRAM_KEYS, sizeof *g.size) };
    *x = (struct gram_index){ .first = arena_array(a, GRAM_PAIRS + 1, sizeof *x->first) };
    if (!g.last || !g.size || !x->first) return ERR_RESOURCE_LIMIT;
    all_grams(&g, heap, at, count, NULL);

    uint32_t rows = 0;
    for (uint32_t key = 0; key < GRAM_KEYS; key++) rows += g.size[key] != 0;
    x->rows = arena_array(a, (size_t)rows + 1, sizeof *x->rows);
    if (!x->rows) return ERR_RESOURCE_LIMIT;
    uint64_t total = 0;
    for (uint32_t key = 0; key < GRAM_KEYS; key++) {
        if ((key & 63) == 0) x->first[key >> 6] = x->count;
        uint32_t size = g.size[key];
        g.size[key] = (uint32_t)total;
        if (!size) continue;
        x->rows[x->count++] = (struct gram_record){ key, (uint32_t)total };
        total += size;
    }
    x->first[GRAM_PAIRS] = x->count;
    x->rows[x->count] = (struct gram_record){ GRAM_KEYS, (uint32_t)total };
    x->postings = total < UINT32_MAX ? arena_alloc(a, (size_t)total + 1) : NULL;
    if (!x->postings) return ERR_RESOURCE_LIMIT;
    x->size = (size_t)total;
    memset(g.last, 0, GRAM_KEYS * sizeof *g.last);
    all_grams(&g, heap, at, count, x->postings);
    return OK;
}

void gram_write(struct writer *w, const struct gram_index *g, enum section first)
{
    writer_section(w, first, g->first, (GRAM_PAIRS + 1) * sizeof *g->first);
    writer_section(w, first + 1, g->rows, ((size_t)g->count + 1) * sizeof *g->rows);
    writer_section(w, first + 2, g->postings, g->size);
}
