/* Names for a misspelt one: those that share grams with it or are one edit away, ordered by how
 * many edits (a letter too many, missing, wrong, or two swapped) lie between. */
#include "pkg/gram.h"
#include "pkg/lookup.h"
#include "pkg/postings.h"
#include "pkg/search.h"

enum {
    NAME_MOST = 255,
    COMPARED = 192,        /* names whose edits are counted, of those that share the most grams */
    COMPARED_LETTERS = 64, /* of longer names only these count */
    COMMON = 16384,        /* bytes: a gram with longer postings tells little */
    SHORT_MOST = 5         /* letters up to which every name one edit away is looked up */
};

struct guess {
    uint32_t any, score;
};

struct guesses {
    const struct index *ix;
    struct str query; /* lower case */
    uint32_t most;    /* worst score worth showing */
    struct bits *seen;
    struct guess *at;
    size_t len, room;
    uint64_t place[256]; /* by letter: where the query has it */
};

/* Counts the edits from the query to the name, and to each part of it that ends before a
 * separator, which costs half an edit more: "fierfox" means firefox-esr. Optimal string alignment
 * in halves of edits, a column of its table at a time: a bit says how a cell differs from its
 * neighbour (Hyyrö, "A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances",
 * 2003). */
static uint32_t edits(const struct guesses *g, struct str name)
{
    uint64_t plus = ~UINT64_C(0), minus = 0, diagonal = 0, before = 0;
    uint64_t end = UINT64_C(1) << (g->query.len - 1);
    uint32_t best = UINT32_MAX, score = (uint32_t)g->query.len;
    for (size_t j = 0; j < name.len; j++) {
        uint64_t match = g->place[(uint8_t)ascii_lower(name.at[j])];
        uint64_t swapped = (~diagonal & match) << 1 & before;
        diagonal = (((match & plus) + plus) ^ plus) | match | minus | swapped;
        uint64_t up = minus | ~(diagonal | plus), down = plus & diagonal;
        score += (up & end) != 0;
        score -= (down & end) != 0;
        up = up << 1 | 1;
        down <<= 1;
        plus = down | ~(diagonal | up);
        minus = up & diagonal;
        before = match;
        bool whole = j + 1 == name.len;
        if (!whole && (ascii_alpha(name.at[j + 1]) || ascii_digit(name.at[j + 1]))) continue;
        if (score * 2 + !whole < best) best = score * 2 + !whole;
    }
    return best;
}

static void consider(struct guesses *g, uint32_t any)
{
    struct str name = any_name(g->ix, any);
    if (any < g->ix->names) {
        if (bits_has(g->seen, any)) return;
        bits_set(g->seen, any);
    }
    if (!name.len || name.len > NAME_MOST || g->len == g->room) return;
    uint32_t score = edits(g, str_head(name, COMPARED_LETTERS));
    if (score <= g->most) g->at[g->len++] = (struct guess){ any, score };
}

/* All strings one edit away from a short query, looked up exactly: they share few grams with it. */
static void one_edit_away(struct guesses *g)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-+.";
    char text[NAME_MOST + 2];
    struct str q = g->query;
    uint32_t found;
#define TRY(length)                                                                                \
    if ((found = index_find(g->ix, (struct str){ text, length })) != NONE) consider(g, found)
    for (size_t i = 0; i <= q.len; i++) {
        memcpy(text, q.at, i);
        if (i + 1 < q.len) {
            memcpy(text + i, q.at + i, q.len - i);
            text[i] = q.at[i + 1];
            text[i + 1] = q.at[i];
            TRY(q.len);
        }
        if (i < q.len) {
            memcpy(text + i, q.at + i + 1, q.len - i - 1);
            TRY(q.len - 1);
        }
        if (q.len > SHORT_MOST) continue;
        for (const char *c = letters; *c; c++) {
            text[i] = *c;
            if (i < q.len) {
                memcpy(text + i + 1, q.at + i + 1, q.len - i - 1);
                TRY(q.len);
            }
            memcpy(text + i + 1, q.at + i, q.len - i);
            TRY(q.len + 1);
        }
    }
#undef TRY
}

/* How much a shared gram tells: the rarer, the more. 1 to 12, from the length of its postings. */
static uint8_t weight(size_t bytes)
{
    unsigned log2 = 0;
    while (bytes >>= 1) log2++;
    return log2 > 12 ? 1 : (uint8_t)(13 - log2);
}

/* What every name has in common with the query. */
struct shared {
    uint8_t *weight;   /* by name, up to 255 */
    uint32_t *touched; /* names with any */
    size_t len;
};

static void share_gram(const struct lookup *l, struct str gram, struct shared *s)
{
    struct postings walk;
    size_t bytes = lookup_cost(l, gram);
    if (bytes > COMMON || !lookup_walk(l, gram, &walk)) return;
    unsigned more = weight(bytes);
    while (postings_next(&walk)) {
        uint8_t *w = &s->weight[walk.number];
        if (!*w) s->touched[s->len++] = walk.number;
        *w = *w + more < UINT8_MAX ? (uint8_t)(*w + more) : UINT8_MAX;
    }
}

/* Compares the names that have the most in common with the query. */
static enum err sharing_grams(struct guesses *g, struct arena *a)
{
    char text[NAME_MOST + 4] = { 0 };
    struct lookup l = lookup_names(g->ix);
    struct shared s = { arena_alloc(a, (size_t)g->ix->names + 1),
                        arena_array(a, (size_t)g->ix->names + 1, sizeof *s.touched), 0 };
    size_t having[UINT8_MAX + 1] = { 0 }, taken = 0;
    if (!s.weight || !s.touched) return ERR_RESOURCE_LIMIT;
    memcpy(text + 1, g->query.at, g->query.len);
    for (size_t i = 0; i < g->query.len; i++) share_gram(&l, (struct str){ text + i, 3 }, &s);
    for (size_t i = 0; i < s.len; i++) having[s.weight[s.touched[i]]]++;
    unsigned least = UINT8_MAX;
    while (least > 1 && taken + having[least] < COMPARED) taken += having[least--];
    size_t last = COMPARED - taken; /* how many of those that have just least */
    for (size_t i = 0; i < s.len; i++) {
        unsigned w = s.weight[s.touched[i]];
        if (w > least || (w == least && last && last--)) consider(g, s.touched[i]);
    }
    return OK;
}

static bool better(const struct guesses *g, struct guess a, struct guess b)
{
    if (a.score != b.score) return a.score < b.score;
    bool x = any_installed(g->ix, a.any), y = any_installed(g->ix, b.any);
    if (x != y) return x;
    struct str one = any_name(g->ix, a.any), other = any_name(g->ix, b.any);
    if (one.len != other.len) return one.len < other.len;
    return str_cmp(one, other) < 0;
}

enum err query_suggest(struct index *ix, const struct suggest_request *q, struct suggest_result *r,
                       struct arena *a, struct fault *f)
{
    char lower[NAME_MOST];
    struct search_memory *m;
    size_t limit = q->limit.there
                       ? (size_t)(q->limit.value < RESULTS_MOST ? q->limit.value : RESULTS_MOST)
                       : SUGGEST_LIMIT;
    *r = (struct suggest_result){ 0 };
    if (q->query.len == 0 || q->query.len > NAME_MOST)
        return fail(f, ERR_INVALID_PARAMS, "a package's name has 1 to %d letters", NAME_MOST);
    enum err e = search_memory(ix, &m);
    if (e) return fail(f, e, "no memory for the answer");
    ascii_lower_copy(lower, q->query);
    struct guesses g = { .ix = ix, .query = { lower, q->query.len }, .seen = &m->found };
    g.query = str_head(g.query, COMPARED_LETTERS);
    for (size_t i = 0; i < g.query.len; i++) g.place[(uint8_t)lower[i]] |= UINT64_C(1) << i;
    g.most = q->query.len < 3 ? 2 : q->query.len < 6 ? 3 : q->query.len < 9 ? 5 : 7;
    g.room = (size_t)ix->extras + ix->names;
    if (g.room > 65536) g.room = 65536;
    g.at = arena_array(a, g.room + 1, sizeof *g.at);
    if (!g.at) return fail(f, ERR_RESOURCE_LIMIT, "no memory for the answer");
    if (ix->names) {
        one_edit_away(&g);
        e = sharing_grams(&g, a);
    }
    for (uint32_t i = 0; i < ix->extras; i++) consider(&g, ix->names + i);
    bits_clear(&m->found);
    if (e) return fail(f, e, "no memory for the answer");
    if (limit > g.len) limit = g.len;
    r->suggestions.at = arena_array(a, limit + 1, sizeof *r->suggestions.at);
    if (!r->suggestions.at) return fail(f, ERR_RESOURCE_LIMIT, "no memory for the answer");
    for (size_t i = 0; i < limit; i++) { /* few of few: the best of the rest each time */
        size_t best = i;
        for (size_t k = i + 1; k < g.len; k++)
            if (better(&g, g.at[k], g.at[best])) best = k;
        struct guess swap = g.at[i];
        g.at[i] = g.at[best];
        g.at[best] = swap;
        r->suggestions.at[i] = any_name(ix, g.at[i].any);
    }
    r->suggestions.len = limit;
    return OK;
}
