/* The part of the catalogue that is kept ready for words of one or two letters. */
#include "pkg/catalogue_order.h"
#include "pkg/gram.h"
#include "pkg/postings.h"

/* Words of one or two letters match so much that reading their postings takes too long. For those
 * whose postings would be many, what they match in names and summaries is kept ready. */
struct dense {
    const struct ordered *o;
    const struct token_postings *postings;
    uint64_t *bitmap; /* of the key at hand */
};

/* Calls visit for every text that holds a gram beginning with the key's classes; one that holds
 * several comes several times. */
typedef void dense_fn(struct dense *x, uint32_t text);

static void dense_walk(struct dense *x, const struct gram_index *g, uint32_t key, dense_fn *visit)
{
    uint32_t from = key < 64 ? key << 6 : key - 64, to = key < 64 ? (key + 1) << 6 : key - 63;
    for (uint32_t row = g->first[from]; row < g->first[to]; row++) {
        struct postings walk =
            postings_open(g->postings + g->rows[row].at, g->postings + g->rows[row + 1].at, NONE);
        while (postings_next(&walk)) visit(x, walk.number);
    }
}

static void set_name(struct dense *x, uint32_t name)
{
    x->bitmap[name >> 6] |= UINT64_C(1) << (name & 63);
}

static void set_token(struct dense *x, uint32_t token)
{
    const struct token_postings *p = x->postings;
    struct postings walk =
        postings_open(p->bytes + p->at[token], p->bytes + p->at[token + 1], NONE);
    while (postings_next(&walk)) set_name(x, walk.number);
}

/* How many postings a query for each key would read, about. */
static uint32_t *dense_weights(const struct ordered *o, const struct gram_index *names,
                               const struct gram_index *tokens, const struct token_postings *p)
{
    uint32_t *weight = arena_array(o->d->arena, GRAM_DENSE_KEYS, sizeof *weight);
    for (uint32_t pair = 0; weight && pair < GRAM_PAIRS; pair++) {
        uint32_t *own = &weight[64 + pair], *first = &weight[pair >> 6];
        for (uint32_t row = tokens->first[pair]; row < tokens->first[pair + 1]; row++) {
            struct postings walk = postings_open(tokens->postings + tokens->rows[row].at,
                                                 tokens->postings + tokens->rows[row + 1].at, NONE);
            while (postings_next(&walk)) *own += p->df[walk.number];
        }
        *own += names->rows[names->first[pair + 1]].at - names->rows[names->first[pair]].at;
        *first += *own;
    }
    return weight;
}

/* Classes that stand for several bytes are never kept ready: a query through them has to look at
 * the texts. */
static bool dense_exact(uint32_t key)
{
    uint32_t low = key < 64 ? key : (key - 64) & 63, high = key < 64 ? key : (key - 64) >> 6;
    return low && high && low < GRAM_OTHER && high < GRAM_OTHER;
}

enum err dense_write(struct writer *w, struct ordered *o, const struct gram_index *names,
                     const struct gram_index *tokens, const struct token_postings *p)
{
    enum { LEAST = 8192 };
    size_t words = ((size_t)o->count + 63) / 64;
    struct dense x = { o, p, arena_array(o->d->arena, words + 1, sizeof *x.bitmap) };
    struct buf keys = buf_make(UINT32_MAX), bitmaps = buf_make(UINT32_MAX);
    const uint32_t *weight = dense_weights(o, names, tokens, p);
    if (!x.bitmap || !weight) return ERR_RESOURCE_LIMIT;
    for (uint32_t key = 0; key < GRAM_DENSE_KEYS; key++) {
        if (weight[key] < LEAST || weight[key] < o->count / 6 || !dense_exact(key)) continue;
        memset(x.bitmap, 0, words * sizeof *x.bitmap);
        dense_walk(&x, names, key, set_name);
        dense_walk(&x, tokens, key, set_token);
        buf_put(&keys, &key, sizeof key);
        buf_put(&bitmaps, x.bitmap, words * sizeof *x.bitmap);
    }
    writer_buf(w, SECTION_DENSE_KEYS, &keys);
    writer_buf(w, SECTION_DENSE, &bitmaps);
    enum err e = keys.full || bitmaps.full ? ERR_RESOURCE_LIMIT : OK;
    buf_free(&keys);
    buf_free(&bitmaps);
    return e;
}
