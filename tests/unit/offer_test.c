/* What Tab offers at the end of a line of the shell, and what is hinted at. */
#include "door/offer.h"

#include "test.h"

/* omg.c's, which is no part of the library. */
int daemon_main(struct cli *c, const struct command *command)
{
    (void)c, (void)command;
    return 0;
}

/* Stands for the package index. */
static enum err some_names(void *data, struct str prefix, size_t limit, struct str **names,
                           size_t *count)
{
    static struct str all[] = {
        { "bash", 4 }, { "bash-completion", 15 }, { "bad name", 8 }, { "bat", 3 }
    };
    static struct str found[sizeof all / sizeof all[0]];
    (void)data;
    *count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && *count < limit; i++)
        if (str_starts(all[i], prefix)) found[(*count)++] = all[i];
    *names = found;
    return OK;
}

/* The offers for a line, each with a ' ' behind it; then what all begin with. */
static const char *offered(const char *line)
{
    static char text[4096];
    struct buf b = { .at = text, .room = sizeof text - 1, .limit = sizeof text - 1 };
    struct offers o;
    assert_int_equal(offers_find(&o, str_of(line), some_names, NULL), OK);
    for (size_t i = 0; i < o.count; i++) {
        buf_str(&b, o.at[i].name);
        buf_byte(&b, ' ');
    }
    if (o.count) buf_print(&b, "%zu:%.*s", o.from, STR_ARG(o.common));
    text[b.len] = 0;
    offers_close(&o);
    return text;
}

static const char *hinted(const char *line)
{
    static char text[256];
    struct buf b = { .at = text, .room = sizeof text - 1, .limit = sizeof text - 1 };
    offers_hint(str_of(line), &b);
    text[b.len] = 0;
    return text;
}

static void commands_come_first(void **state)
{
    (void)state;
    assert_string_equal(offered("sea"), "search 0:search");
    assert_string_equal(offered("  se"), "search 2:search");
    assert_string_equal(offered("s"), "search status suggest schema 0:s");
    assert_string_equal(offered("xyz"), "");
    assert_string_equal(offered("time sea"), "search 5:search");
    assert_string_equal(offered("-v sea"), "search 3:search");
    assert_string_equal(offered("exi"), "exit 0:exit");
    assert_string_equal(offered("daem"), ""); /* not from here */
    assert_string_equal(offered("help sea"), "search 5:search");
    assert_string_equal(offered("help search "), "");
}

static void packages_stand_where_they_may(void **state)
{
    (void)state;
    assert_string_equal(offered("info bas"), "bash bash-completion 5:bash");
    assert_string_equal(offered("info bash ba"), "bash bash-completion bat 10:ba");
    assert_string_equal(offered("search --limit 3 bat"), "bat 17:bat");
    assert_string_equal(offered("info 'bat"), "bat 5:bat");
    assert_string_equal(offered("status ba"), "");
    assert_string_equal(offered("nonsense ba"), "");
    assert_string_equal(offered("info bash # ba"), "");
    assert_string_equal(offered("info bash | ba"), "");
}

static void options_are_those_of_the_command(void **state)
{
    (void)state;
    assert_string_equal(offered("search --li"), "--limit 7:--limit");
    assert_string_equal(offered("info --li"), "");
    assert_string_equal(offered("ping --cou"), "--count 5:--count");
    assert_string_equal(offered("status --cou"), "");
    assert_string_equal(offered("--no"), "--no-cache --no-daemon 0:--no-");
    assert_string_equal(offered("search -- --li"), "");
    assert_string_equal(offered("search --token"), ""); /* a field of what is no command */
}

static void values_and_words_are_those_of_their_rows(void **state)
{
    (void)state;
    assert_string_equal(offered("status --color "), "auto always never 15:");
    assert_string_equal(offered("status --color=al"), "always 15:always");
    assert_string_equal(offered("status --format op"), "openmetrics 16:openmetrics");
    assert_string_equal(offered("search --limit "), "");
    assert_string_equal(offered("cache "), "clear 6:clear");
    assert_string_equal(offered("cache clear c"), "");
    assert_string_equal(offered("completion z"), "zsh 11:zsh");
}

static void a_hint_is_what_is_still_to_come(void **state)
{
    (void)state;
    assert_string_equal(hinted("info"), " PACKAGE…");
    assert_string_equal(hinted("info "), "PACKAGE…");
    assert_string_equal(hinted("info b"), "");
    assert_string_equal(hinted("info bash "), "");
    assert_string_equal(hinted("inf"), "");
    assert_string_equal(hinted("status "), "");
    assert_string_equal(hinted("cache "), "[clear]");
    assert_string_equal(hinted("search --limit "), "N");
    assert_string_equal(hinted("search --limit 3 "), "QUERY…");
    assert_string_equal(hinted("--color "), "auto|always|never");
    assert_string_equal(hinted("time "), "COMMAND…");
    assert_string_equal(hinted("info 'a"), "");
    assert_string_equal(hinted(""), "");
}

static void lists_fit_the_screen(void **state)
{
    (void)state;
    static char text[8192];
    struct screen s = { .terminal = true, .width = 40, .rows = 10 };
    static const char *const lines[] = { "", "info ba", "search --", "completion " };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct buf b = { .at = text, .room = sizeof text, .limit = sizeof text };
        struct offers o;
        struct str rest, line;
        size_t rows = 0;
        assert_int_equal(offers_find(&o, str_of(lines[i]), some_names, NULL), OK);
        offers_print(&o, &s, 8, &b);
        for (rest = buf_view(&b); str_cut(&rest, '\n', &line); rows++) {
            size_t columns = 0;
            for (size_t c = 0; c < line.len; c++) columns += (line.at[c] & 0xC0) != 0x80;
            assert_in_range(columns, 1, s.width);
        }
        assert_in_range(rows, 1, 8);
        offers_close(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_come_first),
        cmocka_unit_test(packages_stand_where_they_may),
        cmocka_unit_test(options_are_those_of_the_command),
        cmocka_unit_test(values_and_words_are_those_of_their_rows),
        cmocka_unit_test(a_hint_is_what_is_still_to_come),
        cmocka_unit_test(lists_fit_the_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
