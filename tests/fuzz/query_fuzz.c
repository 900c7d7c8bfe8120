/* Queries over a sound index of many packages. A search finds what looking at every name and
 * summary finds, and shows it in the order that the classes give; names that begin with the query
 * are exactly those; a suggestion is one of the names. */
#include "../plain_search.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKAGES = 3000 };

static struct index_root root;

static void made(void)
{
    if (root.ix.names) return;
    index_root_make(&root);
    made_packages(&root, PACKAGES);
    need(index_root_build(&root) == OK);
    nftw(root.path, index_root_forget, 16, FTW_DEPTH | FTW_PHYS);
    need(root.ix.names > 1024 && root.ix.extras > 10);
    need(file_count(&root.ix.catalogue, SECTION_DENSE_KEYS, sizeof(uint32_t)) > 0);
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
    default: need(search_is_right(ix, query, limits[data[0] % 8 - 3], &a)); break;
    }
    arena_reset(&a, 1 << 20);
    return 0;
}
