/* Queries over a sound index of many packages. A search finds what looking at every name and
 * summary finds, and shows it in the order that the classes give; names that begin with the query
 * are exactly those; a suggestion is one of the names. */
#include "../made_packages.h"

#include "pkg/query.h"
#include "pkg/search.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKAGES = 3000, QUERY_MOST = 500 };

static struct index_root root;

static const struct index *made(void)
{
    if (root.ix.names) return &root.ix;
    index_root_make(&root);
    made_packages(&root, PACKAGES);
    need(index_root_build(&root) == OK);
    nftw(root.path, index_root_forget, 16, FTW_DEPTH | FTW_PHYS);
    need(root.ix.names > 1024 && root.ix.extras > 10);
    need(file_count(&root.ix.catalogue, SECTION_DENSE_KEYS, sizeof(uint32_t)) > 0);
    return &root.ix;
}

/* The words as a search takes them, in memory of their own. */
static bool words_of(struct str query, struct words *w)
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

static bool matches(const struct index *ix, const struct words *w, uint32_t any)
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

static struct place place_of(const struct index *ix, const struct words *w, uint32_t any)
{
    return (struct place){ rank_class(w, any_name(ix, any)), !any_installed(ix, any),
                           any_name(ix, any) };
}

static bool before(struct place a, struct place b)
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

static uint32_t number_of(const struct index *ix, struct str name)
{
    uint32_t any = index_find(ix, name);
    if (any != NONE) return any;
    any = index_find_extra(ix, name);
    need(any != NONE);
    return ix->names + any;
}

static void check_search(struct index *ix, struct str query, uint64_t limit, struct arena *a)
{
    struct search_request q = { .query = query, .limit = { true, limit } };
    struct search_result r;
    struct words w;
    bool any_word = words_of(query, &w);
    enum err e = query_search(ix, &q, &r, a, NULL);
    if (!any_word || str_chr(query, 0) < query.len) {
        need(e == ERR_INVALID_PARAMS);
        return;
    }
    need(e == OK && r.packages.len == (r.total < limit ? r.total : limit));
    /* What is shown is in order; and of what is not shown nothing would come before its end. */
    struct place shown = { 0 };
    for (size_t i = 0; i < r.packages.len; i++) {
        uint32_t any = number_of(ix, r.packages.at[i].name);
        struct place p = place_of(ix, &w, any);
        need(matches(ix, &w, any) && (i == 0 || before(shown, p)));
        shown = p;
    }
    size_t total = 0, inside = 0;
    for (uint32_t any = 0; any < ix->names + ix->extras; any++) {
        if (!matches(ix, &w, any)) continue;
        total++;
        inside += r.packages.len && !before(shown, place_of(ix, &w, any));
    }
    need(r.total == total && inside == r.packages.len);
}

static void check_names(struct index *ix, struct str prefix, struct arena *a)
{
    struct str *names;
    size_t count, expected = 0;
    need(query_names(ix, prefix, PACKAGES * 2, &names, &count, a) == OK);
    need(count == 0 || str_chr(prefix, 0) == prefix.len);
    for (size_t i = 0; i < count; i++) {
        need(names[i].len >= prefix.len && str_eq_ascii(str_head(names[i], prefix.len), prefix));
        need(i == 0 || str_cmp(names[i - 1], names[i]) < 0);
    }
    for (uint32_t any = 0; any < ix->names + ix->extras; any++)
        expected += any_name(ix, any).len >= prefix.len &&
                    str_eq_ascii(str_head(any_name(ix, any), prefix.len), prefix);
    need(count == expected);
}

static void check_suggest(struct index *ix, struct str query, struct arena *a)
{
    struct suggest_request q = { .query = query };
    struct suggest_result r;
    enum err e = query_suggest(ix, &q, &r, a, NULL);
    if (e) need(query.len == 0 || query.len > 255);
    for (size_t i = 0; !e && i < r.suggestions.len; i++) number_of(ix, r.suggestions.at[i]);
    if (!e && index_find(ix, query) != NONE)
        need(r.suggestions.len && str_eq_ascii(r.suggestions.at[0], query));
}

static void check_info(struct index *ix, struct str package, struct arena *a)
{
    struct info_request q = { .package = package };
    struct detailed_package_info r;
    struct fault f = { "" };
    enum err e = query_info(ix, &q, &r, a, &f);
    need(e == OK || (e == ERR_PACKAGE_NOT_FOUND && f.text[0]));
    if (e) return;
    struct str name = str_head(package, str_chr(package, '='));
    name = str_head(name, str_chr(name, '/'));
    need(str_eq(r.name, str_head(name, str_chr(name, ':'))) && r.version.len);
}

/* The first byte chooses what is asked and how much is shown; the rest is the query. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t limits[] = { 50, 1000, 1, 0, 7 };
    static struct arena a;
    struct index *ix = &root.ix;
    made();
    if (!a.at) need(arena_open(&a, (size_t)1 << 30) == OK);
    if (!size || size > QUERY_MOST) return 0;
    struct str query = { (const char *)data + 1, size - 1 };
    if (!utf8_valid(query)) return 0; /* every door refuses it */
    switch (data[0] % 8) {
    case 0: check_names(ix, query, &a); break;
    case 1: check_suggest(ix, query, &a); break;
    case 2: check_info(ix, query, &a); break;
    default: check_search(ix, query, limits[data[0] % 8 - 3], &a); break;
    }
    arena_reset(&a, 1 << 20);
    return 0;
}
