#include "test.h"

#include "../made_packages.h"

#include "pkg/query.h"

enum { PACKAGES = 2000, MOST = 1000 };

static struct index_root root;
static struct arena arena;

static struct suggest_result suggest(struct str query, uint64_t limit)
{
    struct suggest_request q = { .query = query, .limit = { true, limit } };
    struct suggest_result r;
    arena_reset(&arena, 1 << 20);
    assert_int_equal(query_suggest(&root.ix, &q, &r, &arena, NULL), OK);
    return r;
}

static bool offers(const struct suggest_result *r, struct str name)
{
    for (size_t i = 0; i < r->suggestions.len; i++)
        if (str_eq_ascii(r->suggestions.at[i], name)) return true;
    return false;
}

/* The ways to get one letter wrong: too many, missing, another, two swapped. */
enum { INSERTED, DELETED, REPLACED, SWAPPED, WAYS };

static struct str misspelt(struct str name, unsigned way, uint64_t *random, char to[300])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-+.";
    size_t at = made_number(random, (uint32_t)name.len), len = name.len;
    memcpy(to, name.at, len);
    char letter = letters[made_number(random, sizeof letters - 1)];
    if (way == INSERTED) {
        memmove(to + at + 1, to + at, len - at);
        to[at] = letter;
        return (struct str){ to, len + 1 };
    }
    if (way == DELETED) {
        memmove(to + at, to + at + 1, len - at - 1);
        return (struct str){ to, len - 1 };
    }
    if (way == REPLACED) to[at] = letter;
    if (way == SWAPPED && at + 1 < len) {
        to[at] = name.at[at + 1];
        to[at + 1] = name.at[at];
    }
    return (struct str){ to, len };
}

static void one_edit_away_is_found(void **state)
{
    uint64_t random = 7;
    char text[300];
    (void)state;
    for (uint32_t any = 0; any < root.ix.names + root.ix.extras; any += 3) {
        for (unsigned way = 0; way < WAYS; way++) {
            struct str name = any_name(&root.ix, any);
            struct str query = misspelt(name, way, &random, text);
            if (!query.len) continue;
            struct suggest_result r = suggest(query, MOST);
            if (!offers(&r, name))
                fail_msg("'%.*s' does not lead to '%.*s'", STR_ARG(query), STR_ARG(name));
        }
    }
}

static void a_name_itself_comes_first(void **state)
{
    (void)state;
    for (uint32_t any = 0; any < root.ix.names + root.ix.extras; any += 5) {
        struct suggest_result r = suggest(any_name(&root.ix, any), 10);
        assert_true(r.suggestions.len > 0);
        assert_true(str_eq_ascii(r.suggestions.at[0], any_name(&root.ix, any)));
    }
}

static void case_does_not_matter(void **state)
{
    (void)state;
    for (uint32_t any = 0; any < root.ix.names; any += 50) {
        char upper[256];
        struct str name = any_name(&root.ix, any);
        for (size_t i = 0; i < name.len; i++)
            upper[i] = ascii_alpha(name.at[i]) ? (char)(name.at[i] & ~0x20) : name.at[i];
        struct suggest_result r = suggest((struct str){ upper, name.len }, 10);
        assert_true(r.suggestions.len > 0 && str_eq(r.suggestions.at[0], name));
    }
}

static void no_name_is_offered_twice(void **state)
{
    static const char *const queries[] = {
        "libwebb", "gcore", "x", "aweb", "pythn3-gtk", "local-7"
    };
    (void)state;
    for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
        struct suggest_result r = suggest(str_of(queries[q]), MOST);
        for (size_t i = 0; i < r.suggestions.len; i++)
            for (size_t k = 0; k < i; k++)
                assert_false(str_eq(r.suggestions.at[i], r.suggestions.at[k]));
    }
}

static void a_limit_keeps_the_best(void **state)
{
    static struct str names[MOST];
    (void)state;
    struct suggest_result all = suggest(S("libweb-dve"), MOST);
    size_t count = all.suggestions.len;
    assert_true(count > 3);
    for (size_t i = 0; i < count; i++) names[i] = all.suggestions.at[i];
    for (size_t limit = 0; limit <= count + 2; limit++) {
        struct suggest_result r = suggest(S("libweb-dve"), limit);
        assert_int_equal(r.suggestions.len, limit < count ? limit : count);
        for (size_t i = 0; i < r.suggestions.len; i++)
            assert_true(str_eq(r.suggestions.at[i], names[i]));
    }
}

static void nothing_like_it_is_no_suggestion(void **state)
{
    (void)state;
    assert_int_equal(suggest(S("qqqqqqqqqqqqqqqq"), 10).suggestions.len, 0);
    assert_int_equal(suggest(S("\xE6\x97\xA5\xE6\x9C\xAC"), 10).suggestions.len, 0);
}

static void a_query_that_is_no_name_is_refused(void **state)
{
    char text[256];
    struct suggest_result r;
    (void)state;
    memset(text, 'a', sizeof text);
    struct suggest_request q = { .query = { text, 256 } };
    assert_int_equal(query_suggest(&root.ix, &q, &r, &arena, NULL), ERR_INVALID_PARAMS);
    q.query.len = 0;
    assert_int_equal(query_suggest(&root.ix, &q, &r, &arena, NULL), ERR_INVALID_PARAMS);
    q.query.len = 255;
    assert_int_equal(query_suggest(&root.ix, &q, &r, &arena, NULL), OK);
}

static void searches_and_suggestions_leave_each_other_alone(void **state)
{
    struct search_request q = { .query = S("lib"), .limit = { true, 0 } };
    struct search_result before, after;
    (void)state;
    assert_int_equal(query_search(&root.ix, &q, &before, &arena, NULL), OK);
    suggest(S("libweb"), 10);
    assert_int_equal(query_search(&root.ix, &q, &after, &arena, NULL), OK);
    assert_int_equal(before.total, after.total);
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
        cmocka_unit_test(one_edit_away_is_found),
        cmocka_unit_test(a_name_itself_comes_first),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(no_name_is_offered_twice),
        cmocka_unit_test(a_limit_keeps_the_best),
        cmocka_unit_test(nothing_like_it_is_no_suggestion),
        cmocka_unit_test(a_query_that_is_no_name_is_refused),
        cmocka_unit_test(searches_and_suggestions_leave_each_other_alone),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
