/* The words of a command line, and the limits of what they ask for. */
#include "base/buf.h"
#include "base/near.h"
#include "door/args.h"
#include "wire/limits.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MOST = 16 };

static char *words[MOST];
static struct args args;
static struct fault fault;

/* Parses the words up to a NULL. */
static enum err parse(const char *first, ...)
{
    static char room[MOST][64];
    size_t count = 0;
    va_list list;
    va_start(list, first);
    for (const char *w = first; w && count < MOST; w = va_arg(list, const char *)) {
        strncpy(room[count], w, sizeof room[0] - 1);
        words[count] = room[count];
        count++;
    }
    va_end(list);
    return args_parse(count, words, &args, &fault);
}

static void options_may_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(parse("--json", "search", "--limit", "3", "web", "-v", "server", "-v", NULL),
                     OK);
    assert_int_equal(args.count, 3);
    assert_string_equal(args.words[2], "server");
    assert_int_equal(args.times[OPTION_json], 1);
    assert_int_equal(args.times[OPTION_verbose], 2);
    assert_int_equal(args.field_count, 1);
    assert_true(str_eq(args.fields[0].value, S("3")));
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    assert_int_equal(parse("search", "--", "--json", "-v", NULL), OK);
    assert_int_equal(args.count, 3);
    assert_int_equal(args.times[OPTION_json], 0);
}

static void values_stand_behind_a_sign_or_a_blank(void **state)
{
    (void)state;
    assert_int_equal(parse("--root=/a", "--color=", "-", "--limit=4", NULL), OK);
    assert_true(str_eq(args.value[OPTION_root], S("/a")));
    assert_int_equal(args.value[OPTION_color].len, 0);
    assert_int_equal(args.count, 1);
    assert_int_equal(parse("-vvv", NULL), OK);
    assert_int_equal(args.times[OPTION_verbose], 3);
}

static void what_is_not_an_option_is_refused(void **state)
{
    (void)state;
    assert_int_equal(parse("--jsn", NULL), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "there is no option '--jsn'; did you mean '--json'?");
    assert_int_equal(parse("--limt", "3", NULL), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "there is no option '--limt'; did you mean '--limit'?");
    assert_int_equal(parse("-x", NULL), ERR_INVALID_PARAMS);
    assert_int_equal(parse("--root", NULL), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "option '--root' needs a value");
    assert_int_equal(parse("--json=1", NULL), ERR_INVALID_PARAMS);
}

static void only_commands_give_options(void **state)
{
    (void)state;
    assert_true(op_in_words(OP_search) && op_in_words(OP_ping) && op_in_words(OP_refresh));
    assert_false(op_in_words(OP_batch) || op_in_words(OP_with) || op_in_words(OP_house) ||
                 op_in_words(OP_hello) || op_in_words(OP_subscribe));
    assert_int_equal(parse("search", "--deadline-ms", "3", NULL), ERR_INVALID_PARAMS);
}

static void times_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        { "5", 5000 },
        { "0.5", 500 },
        { "5s", 5000 },
        { "200ms", 200 },
        { ".25", 250 },
        { "2.", 2000 },
        { "1.5min", 90000 },
        { "0.0001", 1 },
        { "0.0015ms", 1 },
        { "86400", 86400000 },
        { "0.123456789123", 124 },
    };
    static const char *const bad[] = { "",  "0",   "0ms", "-1",    "+1",    "1x",  "s",
                                       ".", "1 s", "1e3", "86401", "1.2.3", "inf", "9999999999" };
    uint64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(args_time(str_of(good[i].text), &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(args_time(str_of(bad[i]), &ms));
}

static enum err fill(enum op op, void *request)
{
    static struct buf joined;
    buf_free(&joined);
    joined = buf_make(4096);
    return args_fill(&args, op_row(op)->name, shape_of(op_row(op)->request), args.words + 1,
                     args.count - 1, &joined, request, &fault);
}

static void words_become_a_request(void **state)
{
    (void)state;
    struct search_request q;
    struct info_request i;
    struct status_request s;
    assert_int_equal(parse("search", "web", "server", "--limit", "3", NULL), OK);
    assert_int_equal(fill(OP_search, &q), OK);
    assert_true(str_eq(q.query, S("web server")));
    assert_true(q.limit.there && q.limit.value == 3);
    assert_int_equal(parse("info", "bash", NULL), OK);
    assert_int_equal(fill(OP_info, &i), OK);
    assert_true(str_eq(i.package, S("bash")));
    assert_int_equal(parse("status", NULL), OK);
    assert_int_equal(fill(OP_status, &s), OK);
}

static void words_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct search_request q;
    struct info_request i;
    struct status_request s;
    parse("search", NULL);
    assert_int_equal(fill(OP_search, &q), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "search needs a query");
    parse("status", "x", NULL);
    assert_int_equal(fill(OP_status, &s), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "status takes no operands");
    parse("info", "a", "--limit", "3", NULL);
    assert_int_equal(fill(OP_info, &i), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "info has no option '--limit'");
    static const char *const bad[] = { "",    "x",   "-1",
                                       "+1",  "1x",  " 1",
                                       "1.0", "0x1", "18446744073709551616" };
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        parse("search", "a", "--limit", bad[n], NULL);
        assert_int_equal(fill(OP_search, &q), ERR_INVALID_PARAMS);
    }
}

static enum err limit_name(const char *name)
{
    struct settings s;
    struct info_request q = { .package = str_of(name) };
    settings_standard(&s);
    return limits_apply(&s, MESSAGE_info_request, &q, &fault);
}

static void package_names_have_their_letters(void **state)
{
    (void)state;
    static const char *const good[] = { "bash",
                                        "libc6:i386",
                                        "g++",
                                        "a=1:2.0~rc1-1",
                                        "bash/bookworm-updates",
                                        "perl/stable/updates",
                                        "@x",
                                        "python3.11",
                                        "x_y" };
    static const char *const bad[] = { "",         "-x",  "a b",   "a\n",      "a=", "a/",
                                       "\xC3\xA9", "a;b", "a=b c", "a\x1b[0m", "=1", "../x" };
    char longest[260];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(limit_name(good[i]), OK);
    for (size_t i = 0; i + 1 < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(limit_name(bad[i]), ERR_INVALID_PARAMS);
    memset(longest, 'a', sizeof longest);
    longest[256] = 0;
    assert_int_equal(limit_name(longest), ERR_INVALID_PARAMS);
    longest[255] = 0;
    assert_int_equal(limit_name(longest), OK);
}

static void queries_have_a_length_and_limits_a_most(void **state)
{
    (void)state;
    struct settings s;
    char text[502];
    struct search_request q = { .query = { text, 500 } };
    settings_standard(&s);
    memset(text, 'x', sizeof text);
    assert_int_equal(limits_apply(&s, MESSAGE_search_request, &q, &fault), OK);
    assert_true(q.limit.there && q.limit.value == 50);
    q.limit.value = 5000;
    q.query.len = 501;
    assert_int_equal(limits_apply(&s, MESSAGE_search_request, &q, &fault), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "the query is longer than 500 bytes");
    assert_int_equal(q.limit.value, 1000);
    q.query = S("  ");
    assert_int_equal(limits_apply(&s, MESSAGE_search_request, &q, &fault), ERR_INVALID_PARAMS);
    q.query = S("\xff");
    assert_int_equal(limits_apply(&s, MESSAGE_search_request, &q, &fault), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "the query is not UTF-8");
}

static void nearness_is_counted_in_changes(void **state)
{
    (void)state;
    assert_int_equal(near_distance(S("serach"), S("search")), 1);
    assert_int_equal(near_distance(S(""), S("abc")), 3);
    assert_int_equal(near_distance(S("kitten"), S("sitting")), 3);
    assert_int_equal(near_distance(S("same"), S("same")), 0);
    struct near n = near_make(S("x"));
    near_offer(&n, S("y"));
    assert_int_equal(n.best.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(values_stand_behind_a_sign_or_a_blank),
        cmocka_unit_test(what_is_not_an_option_is_refused),
        cmocka_unit_test(only_commands_give_options),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(words_become_a_request),
        cmocka_unit_test(words_that_do_not_fit_are_refused),
        cmocka_unit_test(package_names_have_their_letters),
        cmocka_unit_test(queries_have_a_length_and_limits_a_most),
        cmocka_unit_test(nearness_is_counted_in_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
