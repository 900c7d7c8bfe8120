/* In which order the found names are shown. */
#include "pkg/gram.h"
#include "pkg/lookup.h"
#include "pkg/search.h"

/* Names are classified one by one up to here; of more, only as many as are shown. */
enum { FEW = 1024 };

static bool starts_word(struct str name, size_t at)
{
    return at && !ascii_alpha(name.at[at - 1]) && !ascii_digit(name.at[at - 1]);
}

static unsigned phrase_class(struct str phrase, struct str name)
{
    unsigned best = CLASS_INSIDE + 1;
    for (size_t from = 0; from + phrase.len <= name.len; from++) {
        size_t at = from + str_find(str_from(name, from), phrase);
        if (at + phrase.len > name.len) break;
        if (at == 0) return name.len == phrase.len ? CLASS_EXACT : CLASS_PREFIX;
        if (starts_word(name, at)) return CLASS_WORD_START;
        best = CLASS_INSIDE;
        from = at;
    }
    return best;
}

unsigned rank_class(const struct words *w, struct str name)
{
    char lower[256];
    struct str folded = { lower, name.len < sizeof lower ? name.len : sizeof lower };
    ascii_lower_copy(lower, (struct str){ name.at, folded.len });
    unsigned best = CLASS_INSIDE + 1;
    for (size_t i = 0; i < w->phrases; i++) {
        unsigned class_ = phrase_class(w->phrase[i], folded);
        if (class_ < best) best = class_;
    }
    if (best <= CLASS_INSIDE) return best;
    for (size_t i = 0; i < w->len; i++) best += !str_has(folded, w->at[i]);
    return best;
}

/* The list that grows towards the limit, and the extras still to be merged into it. */
struct picks {
    const struct index *ix;
    uint32_t *at;
    size_t len, limit;
    const uint32_t *extras; /* ordered as names are */
    const unsigned *extra_class;
    size_t extras_len;
};

static bool before(struct str a, struct str b)
{
    return a.len != b.len ? a.len < b.len : str_cmp(a, b) < 0;
}

static void pick(struct picks *p, uint32_t any)
{
    if (p->len < p->limit) p->at[p->len++] = any;
}

/* Picks the catalogue's names and the extras of one class that are installed, in one order. Takes
 * the names by calling next until it gives NONE. */
struct walk {
    const uint32_t *at; /* a list, or */
    size_t len;
    const struct bits *bits; /* a set, of which */
    const struct index *ix;  /* those installed (or not) */
    bool installed;
    size_t word;
    uint64_t left;
};

static uint32_t walk_next(struct walk *k)
{
    if (!k->bits) return k->len ? (k->len--, *k->at++) : NONE;
    for (;;) {
        while (!k->left) {
            k->word = bits_word(k->bits, k->word);
            if (k->word >= k->bits->words) return NONE;
            k->left = k->bits->word[k->word++];
        }
        uint32_t number = (uint32_t)((k->word - 1) << 6 | (size_t)__builtin_ctzll(k->left));
        k->left &= k->left - 1;
        if (any_installed(k->ix, number) == k->installed) return number;
    }
}

static void pick_class(struct picks *p, struct walk k, unsigned class_, bool installed)
{
    size_t e = 0;
    uint32_t next = walk_next(&k);
    while (p->len < p->limit) {
        while (e < p->extras_len && (!installed || p->extra_class[e] != class_)) e++;
        if (next == NONE && e == p->extras_len) return;
        bool extra = next == NONE || (e < p->extras_len &&
                                      before(any_name(p->ix, p->extras[e]), any_name(p->ix, next)));
        if (extra) {
            pick(p, p->extras[e++]);
        } else {
            pick(p, next);
            next = walk_next(&k);
        }
    }
}

/* All of found, classified one by one and sorted by counting; the classes from first on. */
static enum err rank_all(struct picks *p, const struct words *w, const struct bits *found,
                         size_t count, unsigned first, struct arena *a)
{
    enum { BUCKETS = 2 * (CLASS_INSIDE + 2 + QUERY_WORDS) };
    uint32_t *sorted = arena_array(a, count + 1, sizeof *sorted);
    uint16_t *bucket = arena_array(a, count + 1, sizeof *bucket);
    size_t starts[BUCKETS + 1] = { 0 };
    if (!sorted || !bucket) return ERR_RESOURCE_LIMIT;
    struct walk k = { .bits = found, .ix = p->ix };
    size_t n = 0;
    for (unsigned side = 0; side < 2; side++) {
        k = (struct walk){ .bits = found, .ix = p->ix, .installed = side == 0 };
        for (uint32_t number; (number = walk_next(&k)) != NONE && n < count; n++) {
            bucket[n] = (uint16_t)(rank_class(w, index_name(p->ix, number)) * 2 + side);
            starts[bucket[n] + 1]++;
        }
    }
    for (size_t b = 1; b <= BUCKETS; b++) starts[b] += starts[b - 1];
    size_t at[BUCKETS];
    memcpy(at, starts, sizeof at);
    n = 0;
    for (unsigned side = 0; side < 2; side++) {
        k = (struct walk){ .bits = found, .ix = p->ix, .installed = side == 0 };
        for (uint32_t number; (number = walk_next(&k)) != NONE && n < count; n++)
            sorted[at[bucket[n]]++] = number;
    }
    for (unsigned b = first * 2; b < BUCKETS && p->len < p->limit; b++)
        pick_class(p, (struct walk){ .at = sorted + starts[b], .len = starts[b + 1] - starts[b] },
                   b / 2, b % 2 == 0);
    return OK;
}

/* The names of one class of the phrases: those that hold one of them with these around it. */
static void class_set(const struct words *w, const struct lookup *names, unsigned class_,
                      struct bits *to)
{
    static const char separators[] = "-.+_";
    char pattern[512 + 2];
    for (size_t i = 0; i < w->phrases; i++) {
        struct str phrase = w->phrase[i];
        size_t n = phrase.len;
        if (n > sizeof pattern - 2) continue;
        memcpy(pattern + 1, phrase.at, n);
        pattern[0] = pattern[n + 1] = 0;
        switch (class_) {
        case CLASS_EXACT: lookup_set(names, (struct str){ pattern, n + 2 }, to); break;
        case CLASS_PREFIX: lookup_set(names, (struct str){ pattern, n + 1 }, to); break;
        case CLASS_WORD_START:
            for (const char *s = separators; *s; s++) {
                pattern[0] = *s;
                lookup_set(names, (struct str){ pattern, n + 1 }, to);
            }
            break;
        default: lookup_set(names, phrase, to); break;
        }
    }
}

/* Class by class, each taken out of found, until enough are picked. */
static enum err rank_best(struct picks *p, const struct words *w, struct search_memory *m,
                          size_t count, struct arena *a)
{
    struct lookup names = lookup_names(p->ix);
    for (unsigned class_ = 0; class_ <= CLASS_INSIDE && p->len < p->limit; class_++) {
        class_set(w, &names, class_, &m->class_);
        bits_and(&m->class_, &m->found);
        for (unsigned side = 0; side < 2; side++)
            pick_class(p, (struct walk){ .bits = &m->class_, .ix = p->ix, .installed = side == 0 },
                       class_, side == 0);
        for (size_t i = bits_word(&m->class_, 0); i < m->class_.words;
             i = bits_word(&m->class_, i + 1))
            m->found.word[i] &= ~m->class_.word[i];
        bits_clear(&m->class_);
    }
    return p->len < p->limit ? rank_all(p, w, &m->found, count, CLASS_INSIDE + 1, a) : OK;
}

enum err rank_found(const struct index *ix, const struct words *w, struct search_memory *m,
                    const uint32_t *extras, size_t extras_len, size_t limit, size_t found,
                    struct arena *a, uint32_t **best, size_t *len)
{
    struct picks p = { .ix = ix, .limit = limit, .extras = extras, .extras_len = extras_len };
    size_t most = found + extras_len < limit ? found + extras_len : limit;
    unsigned *classes = arena_array(a, extras_len + 1, sizeof *classes);
    p.at = arena_array(a, most + 1, sizeof *p.at);
    if (!p.at || !classes) return ERR_RESOURCE_LIMIT;
    p.limit = most;
    for (size_t i = 0; i < extras_len; i++) classes[i] = rank_class(w, any_name(ix, extras[i]));
    p.extra_class = classes;
    enum err e = found <= FEW ? rank_all(&p, w, &m->found, found, CLASS_EXACT, a)
                              : rank_best(&p, w, m, found, a);
    *best = p.at;
    *len = p.len;
    return e;
}
