#include "test.h"

#include "../plain_search.h"

#include "pkg/gram.h"
#include "pkg/lookup.h"

/* So many packages that for some letters a bitmap is kept ready. */
enum { PACKAGES = 6000, QUERIES = 500 };

static struct index_root root;
static struct arena arena;

/* A piece of a name or a summary of the index, or a word of our own, in any case. */
static void add_word(struct buf *b, uint64_t *state)
{
    static const char *const others[] = { "e", "-",   "qq", "++",   "\xC3", "LIBRARY", "zzzzz",
                                          "$", "lib", "x",  "-dev", "2.0",  "i/o" };
    struct index *ix = &root.ix;
    uint32_t any = made_number(state, ix->names + ix->extras);
    struct str text = made_number(state, 2) ? any_name(ix, any) : any_summary(ix, any), word;
    if (made_number(state, 6) == 0) text = str_of(MADE(others, state));
    for (uint32_t n = made_number(state, 4); n > 0 && str_word(&text, &word); n--) continue;
    if (!str_word(&text, &word)) word = S("a");
    size_t from = made_number(state, (uint32_t)word.len);
    size_t len = 1 + made_number(state, (uint32_t)(word.len - from));
    for (size_t i = from; i < from + len; i++)
        buf_byte(b, made_number(state, 8) || !ascii_alpha(word.at[i]) ? word.at[i]
                                                                      : (char)(word.at[i] ^ 0x20));
}

static void random_queries_find_what_looking_at_everything_finds(void **state)
{
    uint64_t random = 42;
    struct buf query = buf_make(4096);
    (void)state;
    for (size_t i = 0; i < QUERIES; i++) {
        query.len = 0;
        for (uint32_t words = 1 + made_number(&random, 3); words > 0; words--) {
            add_word(&query, &random);
            buf_str(&query, words > 1 ? S("  ") : S(""));
        }
        static const uint64_t limits[] = { 50, 1000, 3 };
        if (!search_is_right(&root.ix, buf_view(&query), limits[i % 3], &arena))
            fail_msg("query '%.*s'", STR_ARG(buf_view(&query)));
        arena_reset(&arena, 1 << 20);
    }
    buf_free(&query);
}

/* What is found by so many names that it is ranked class by class. */
static void every_letter_and_pair_of_letters_finds_and_ranks(void **state)
{
    static const char letters[] = "aeilnrtx-+.23";
    (void)state;
    for (const char *x = letters; *x; x++) {
        assert_true(search_is_right(&root.ix, (struct str){ x, 1 }, 1000, &arena));
        for (const char *y = letters; *y; y++) {
            char pair[2] = { *x, *y };
            if (!search_is_right(&root.ix, (struct str){ pair, 2 }, 50, &arena))
                fail_msg("query '%.2s'", pair);
        }
        arena_reset(&arena, 1 << 20);
    }
}

static struct search_result search(const char *query, uint64_t limit)
{
    struct search_request q = { .query = str_of(query), .limit = { true, limit } };
    struct search_result r;
    arena_reset(&arena, 1 << 20);
    assert_int_equal(query_search(&root.ix, &q, &r, &arena, NULL), OK);
    return r;
}

static void order_and_number_of_words_do_not_matter(void **state)
{
    (void)state;
    uint64_t total = search("library web", 1).total;
    assert_true(total > 0);
    assert_int_equal(search("web library", 1).total, total);
    assert_int_equal(search(" WEB\tLibrary web\nweb  ", 1).total, total);
}

static void a_limit_of_0_counts(void **state)
{
    (void)state;
    struct search_result r = search("lib", 0);
    assert_int_equal(r.packages.len, 0);
    assert_true(r.total > 100);
}

static void a_limit_changes_neither_order_nor_total(void **state)
{
    static struct str names[1000];
    (void)state;
    struct search_result all = search("data", 1000);
    for (size_t i = 0; i < all.packages.len; i++) names[i] = all.packages.at[i].name;
    for (uint64_t limit = 1; limit < 60; limit += 7) {
        struct search_result r = search("data", limit);
        assert_int_equal(r.total, all.total);
        assert_int_equal(r.packages.len, limit);
        for (size_t i = 0; i < limit; i++) assert_true(str_eq(r.packages.at[i].name, names[i]));
    }
}

static void a_name_comes_before_all_that_only_hold_it(void **state)
{
    (void)state;
    for (uint32_t any = 0; any < root.ix.names + root.ix.extras; any += 17) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", STR_ARG(any_name(&root.ix, any)));
        struct search_result r = search(name, 5);
        assert_true(r.total >= 1 && str_eq_ascii(r.packages.at[0].name, str_of(name)));
    }
}

static void packages_that_only_this_machine_has_are_found(void **state)
{
    (void)state;
    struct search_result r = search("local- .pkg", 1000);
    assert_int_equal(r.total, root.ix.extras);
    for (size_t i = 0; i < r.packages.len; i++) assert_true(r.packages.at[i].version.len > 0);
}

static void nothing_to_search_for_is_refused(void **state)
{
    static const struct str none[] = { S(""), S(" \t\n"), S("\0"), S("lib\0web"), S("web\0") };
    struct search_result r;
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct search_request q = { .query = none[i] };
        assert_int_equal(query_search(&root.ix, &q, &r, &arena, NULL), ERR_INVALID_PARAMS);
    }
}

static void two_hundred_and_fifty_words_are_searched_for(void **state)
{
    char query[500];
    (void)state;
    for (size_t i = 0; i < sizeof query; i++) query[i] = i % 2 ? ' ' : (char)('!' + i / 2 % 90);
    assert_true(search_is_right(&root.ix, (struct str){ query, sizeof query }, 50, &arena));
}

static void names_that_begin_with_a_prefix_come_in_order(void **state)
{
    static const char *const prefixes[] = { "",      "l",      "li", "lib",  "LIBWEB",
                                            "ruby-", "local-", "zz", "texte" };
    struct str *names;
    size_t count;
    (void)state;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct str prefix = str_of(prefixes[i]);
        size_t expected = 0;
        for (uint32_t any = 0; any < root.ix.names + root.ix.extras; any++) {
            struct str head = str_head(any_name(&root.ix, any), prefix.len);
            expected += str_eq_ascii(head, prefix);
        }
        assert_int_equal(query_names(&root.ix, prefix, 100000, &names, &count, &arena), OK);
        assert_int_equal(count, expected);
        for (size_t n = 0; n < count; n++) {
            assert_true(str_eq_ascii(str_head(names[n], prefix.len), prefix));
            assert_true(n == 0 || str_cmp(names[n - 1], names[n]) < 0);
        }
        assert_int_equal(query_names(&root.ix, prefix, 3, &names, &count, &arena), OK);
        assert_int_equal(count, expected < 3 ? expected : 3);
        arena_reset(&arena, 1 << 20);
    }
}

/* The grams alone, with the NUL that stands for the begin and the end of a name. */
static void a_lookup_finds_words_inside_and_at_the_ends_of_names(void **state)
{
    static const struct str words[] = {
        S("w"),     S("we"),      S("web"),           S("libweb"),     S("\0li"),
        S("\0l"),   S("\0"),      S("-dev\0"),        S("\0libweb\0"), S("ev\0"),
        S("v\0"),   S("+extra-"), S("\0python3-gtk"), S("qqq"),        S("2.0-1"),
        S("local-")
    };
    struct lookup l = lookup_names(&root.ix);
    struct bits found;
    (void)state;
    assert_true(bits_open(&found, &arena, root.ix.names));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        lookup_set(&l, words[i], &found);
        for (uint32_t n = 0; n < root.ix.names; n++) {
            char whole[258] = { 0 };
            struct str name = index_name(&root.ix, n);
            memcpy(whole + 1, name.at, name.len);
            bool holds = plainly_holds((struct str){ whole, name.len + 2 }, words[i]);
            if (bits_has(&found, n) != holds) fail_msg("word %zu and '%.*s'", i, STR_ARG(name));
        }
        bits_clear(&found);
    }
    arena_reset(&arena, 1 << 20);
}

/* Every bitmap that is kept ready damaged behind its last name, in a file that is open already: a
 * short-lived command has not looked at the checksum either. */
static void what_is_no_name_is_not_found(void **state)
{
    const struct format_section *dense = &root.ix.catalogue.header->section[SECTION_DENSE];
    char *bitmaps = root.out.catalogue.at + dense->at;
    size_t bytes = ((size_t)root.ix.names + 63) / 64 * 8;
    (void)state;
    assert_true(dense->len >= bytes && root.ix.names % 64 != 0);
    uint64_t total = search("e", 1).total, both = search("e i", 1).total;
    for (size_t end = bytes; end <= dense->len; end += bytes) bitmaps[end - 1] ^= (char)0x80;
    assert_int_equal(search("e", 1).total, total);
    assert_int_equal(search("e i", 1).total, both);
    for (size_t end = bytes; end <= dense->len; end += bytes) bitmaps[end - 1] ^= (char)0x80;
}

static int open_all(void **state)
{
    (void)state;
    index_root_make(&root);
    made_packages(&root, PACKAGES);
    return arena_open(&arena, (size_t)1 << 30) || index_root_build(&root) ? -1 : 0;
}

static int close_all(void **state)
{
    (void)state;
    index_root_free(&root);
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_queries_find_what_looking_at_everything_finds),
        cmocka_unit_test(every_letter_and_pair_of_letters_finds_and_ranks),
        cmocka_unit_test(order_and_number_of_words_do_not_matter),
        cmocka_unit_test(a_limit_of_0_counts),
        cmocka_unit_test(a_limit_changes_neither_order_nor_total),
        cmocka_unit_test(a_name_comes_before_all_that_only_hold_it),
        cmocka_unit_test(packages_that_only_this_machine_has_are_found),
        cmocka_unit_test(nothing_to_search_for_is_refused),
        cmocka_unit_test(two_hundred_and_fifty_words_are_searched_for),
        cmocka_unit_test(names_that_begin_with_a_prefix_come_in_order),
        cmocka_unit_test(a_lookup_finds_words_inside_and_at_the_ends_of_names),
        cmocka_unit_test(what_is_no_name_is_not_found),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
