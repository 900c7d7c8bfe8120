/* Search once more, by looking at everything: what the index's answers are compared with. */
#ifndef OMG_TESTS_PLAIN_SEARCH_H
#define OMG_TESTS_PLAIN_SEARCH_H

#include "made_packages.h"

#include "pkg/query.h"
#include "pkg/search.h"

enum { QUERY_MOST = 500 }; /* bytes */

/* The words as a search takes them, in memory of their own. */
static inline bool words_of(struct str query, struct words *w)
{
    static char lower[QUERY_MOST], joined[2][2 * QUERY_MOST];
    struct str rest = { lower, query.len }, word;
    *w = (struct words){ 0 };
    for (size_t i = 0; i < query.len; i++) lower[i] = ascii_lower(query.at[i]);
    while (str_word(&rest, &word)) {
        bool again = false;
        for (size_t i = 0; i < w->len; i++) again |= str_eq(w->at[i], word);
        if (!again) w->at[w->len++] = word;
    }
    w->phrases = w->len > 1 ? 2 : 1;
    for (size_t p = 0; p < w->phrases; p++) {
        size_t n = 0;
        for (size_t i = 0; i < w->len; i++) {
            if (i && p == 0) joined[p][n++] = '-';
            memcpy(joined[p] + n, w->at[i].at, w->at[i].len);
            n += w->at[i].len;
        }
        w->phrase[p] = (struct str){ joined[p], n };
    }
    return w->len > 0;
}

static inline bool matches(const struct index *ix, const struct words *w, uint32_t any)
{
    for (size_t i = 0; i < w->len; i++)
        if (!plainly_holds(any_name(ix, any), w->at[i]) &&
            !plainly_holds(any_summary(ix, any), w->at[i]))
            return false;
    return true;
}

/* A name's place among the found: class, installed first, length, bytes without their case. */
struct place {
    unsigned class_;
    bool other;
    struct str name;
};

static inline struct place place_of(const struct index *ix, const struct words *w, uint32_t any)
{
    return (struct place){ rank_class(w, any_name(ix, any)), !any_installed(ix, any),
                           any_name(ix, any) };
}

static inline bool before(struct place a, struct place b)
{
    if (a.class_ != b.class_) return a.class_ < b.class_;
    if (a.other != b.other) return b.other;
    if (a.name.len != b.name.len) return a.name.len < b.name.len;
    for (size_t i = 0; i < a.name.len; i++) {
        char x = ascii_lower(a.name.at[i]), y = ascii_lower(b.name.at[i]);
        if (x != y) return x < y;
    }
    return str_cmp(a.name, b.name) < 0;
}

static inline uint32_t number_of(const struct index *ix, struct str name)
{
    uint32_t any = index_find(ix, name);
    if (any != NONE) return any;
    any = index_find_extra(ix, name);
    need(any != NONE);
    return ix->names + any;
}

/* Whether a search finds and shows what it has to; what is wrong goes to standard error. */
static inline bool search_is_right(struct index *ix, struct str query, uint64_t limit,
                                   struct arena *a)
{
    struct search_request q = { .query = query, .limit = { true, limit } };
    struct search_result r;
    struct words w;
    bool any_word = words_of(query, &w);
    enum err e = query_search(ix, &q, &r, a, NULL);
    if (!any_word || str_chr(query, 0) < query.len) return e == ERR_INVALID_PARAMS;
    if (e || r.packages.len != (r.total < limit ? r.total : limit)) {
        fprintf(stderr, "error %d, %zu shown of %zu\n", (int)e, r.packages.len, (size_t)r.total);
        return false;
    }
    /* What is shown is in order; and of what is not shown nothing would come before its end. */
    struct place shown = { 0 };
    for (size_t i = 0; i < r.packages.len; i++) {
        uint32_t any = number_of(ix, r.packages.at[i].name);
        struct place p = place_of(ix, &w, any);
        if (!matches(ix, &w, any) || (i > 0 && !before(shown, p))) {
            fprintf(stderr, "'%.*s' is out of place\n", STR_ARG(p.name));
            return false;
        }
        shown = p;
    }
    size_t total = 0, inside = 0;
    for (uint32_t any = 0; any < ix->names + ix->extras; any++) {
        if (!matches(ix, &w, any)) continue;
        total++;
        inside += r.packages.len && !before(shown, place_of(ix, &w, any));
    }
    if (r.total == total && inside == r.packages.len) return true;
    fprintf(stderr, "%zu found and %zu before the end, not %zu and %zu\n", (size_t)r.total,
            r.packages.len, total, inside);
    return false;
}

#endif
