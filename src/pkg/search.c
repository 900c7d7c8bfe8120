#include "pkg/search.h"

#include "pkg/gram.h"
#include "pkg/lookup.h"

static enum err words_read(struct words *w, struct str query, struct arena *a, struct fault *f)
{
    struct str word;
    char *joined = arena_alloc(a, query.len * 2 + 2);
    *w = (struct words){ 0 };
    if (!joined) return fail(f, ERR_RESOURCE_LIMIT, "no memory for the query");
    char *lower = arena_alloc(a, query.len + 1);
    if (!lower) return fail(f, ERR_RESOURCE_LIMIT, "no memory for the query");
    if (str_chr(query, 0) < query.len) /* to the grams it is the end of a name */
        return fail(f, ERR_INVALID_PARAMS, "the query holds a NUL");
    ascii_lower_copy(lower, query);
    struct str rest = { lower, query.len };
    while (str_word(&rest, &word)) {
        size_t i = 0;
        while (i < w->len && !str_eq(w->at[i], word)) i++;
        if (i < w->len) continue;
        if (w->len == QUERY_WORDS)
            return fail(f, ERR_INVALID_PARAMS, "a search takes at most %d words", QUERY_WORDS);
        w->at[w->len++] = word;
    }
    if (!w->len) return fail(f, ERR_INVALID_PARAMS, "there is nothing to search for");
    for (w->phrases = 0; w->phrases < (w->len > 1 ? 2 : 1); w->phrases++) {
        struct str *phrase = &w->phrase[w->phrases];
        *phrase = (struct str){ joined, 0 };
        for (size_t i = 0; i < w->len; i++) {
            if (i && w->phrases == 0) joined[phrase->len++] = '-';
            memcpy(joined + phrase->len, w->at[i].at, w->at[i].len);
            phrase->len += w->at[i].len;
        }
        joined += phrase->len;
    }
    return OK;
}

/* Installed packages that no list offers; there are few, so they are looked at one by one. */
static enum err match_extras(const struct index *ix, const struct words *w, struct arena *a,
                             uint32_t **extras, size_t *len)
{
    *len = 0;
    *extras = arena_array(a, (size_t)ix->extras + 1, sizeof **extras);
    if (!*extras) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < ix->extras; i++) {
        size_t hit = 0;
        struct str name = any_name(ix, ix->names + i), summary = any_summary(ix, ix->names + i);
        while (hit < w->len && (text_holds(name, w->at[hit]) || text_holds(summary, w->at[hit])))
            hit++;
        if (hit == w->len) (*extras)[(*len)++] = ix->names + i;
    }
    return OK;
}

struct str shown_version(const struct index *ix, uint32_t any)
{
    uint32_t package, first, end, row = index_candidate(ix, any, 0, &package);
    if (row == NONE && package == NONE) {
        package = index_installed(ix, any);
        index_versions(ix, any, &first, &end);
        if (package == NONE && first < end) row = first;
    }
    if (row != NONE) return index_string(ix, index_version(ix, row)->version);
    return overlay_string(ix, index_package(ix, package)->version);
}

enum err query_search(struct index *ix, const struct search_request *q, struct search_result *r,
                      struct arena *a, struct fault *f)
{
    struct words w;
    struct search_memory *m;
    uint32_t *extras, *best;
    size_t extras_len, len;
    size_t limit = q->limit.there
                       ? (size_t)(q->limit.value < RESULTS_MOST ? q->limit.value : RESULTS_MOST)
                       : SEARCH_LIMIT;
    *r = (struct search_result){ 0 };
    enum err e = words_read(&w, q->query, a, f);
    if (!e) e = search_memory(ix, &m);
    if (e) return e;
    if (ix->names) match_words(ix, &w, m);
    e = match_extras(ix, &w, a, &extras, &extras_len);
    size_t found = bits_count(&m->found);
    if (!e) e = rank_found(ix, &w, m, extras, extras_len, limit, found, a, &best, &len);
    search_forget(m);
    if (!e && !(r->packages.at = arena_array(a, len + 1, sizeof *r->packages.at)))
        e = ERR_RESOURCE_LIMIT;
    if (e) return fail(f, e, "no memory for the answer");
    r->total = found + extras_len;
    r->packages.len = len;
    for (size_t i = 0; i < len; i++)
        r->packages.at[i] = (struct package_info){ .name = any_name(ix, best[i]),
                                                   .version = shown_version(ix, best[i]),
                                                   .description = any_summary(ix, best[i]),
                                                   .source = S("apt") };
    return OK;
}

struct prefix_list {
    struct str *at;
    size_t len;
};

static void names_sort(struct prefix_list *l)
{
    for (size_t gap = l->len / 2; gap; gap /= 2)
        for (size_t i = gap; i < l->len; i++)
            for (size_t k = i; k >= gap && str_cmp(l->at[k - gap], l->at[k]) > 0; k -= gap) {
                struct str swap = l->at[k];
                l->at[k] = l->at[k - gap];
                l->at[k - gap] = swap;
            }
}

enum err query_names(struct index *ix, struct str prefix, size_t limit, struct str **names,
                     size_t *count, struct arena *a)
{
    char pattern[258] = { 0 };
    struct search_memory *m;
    struct prefix_list l = { arena_array(a, limit + 1, sizeof *l.at), 0 };
    enum err e = search_memory(ix, &m);
    *count = 0;
    if (e) return e;
    if (!l.at) return ERR_RESOURCE_LIMIT;
    if (prefix.len > 255 || str_chr(prefix, 0) < prefix.len) return OK;
    ascii_lower_copy(pattern + 1, prefix);
    struct lookup lookup = lookup_names(ix);
    lookup_set(&lookup, (struct str){ pattern, prefix.len + 1 }, &m->found);
    for (size_t w = bits_word(&m->found, 0); w < m->found.words; w = bits_word(&m->found, w + 1))
        for (uint64_t left = m->found.word[w]; left && l.len < limit; left &= left - 1)
            l.at[l.len++] = index_name(ix, (uint32_t)(w << 6 | (size_t)__builtin_ctzll(left)));
    bits_clear(&m->found);
    for (uint32_t i = 0; i < ix->extras && l.len < limit; i++)
        if (str_eq_ascii(str_head(any_name(ix, ix->names + i), prefix.len), prefix))
            l.at[l.len++] = any_name(ix, ix->names + i);
    names_sort(&l);
    *names = l.at;
    *count = l.len;
    return OK;
}
