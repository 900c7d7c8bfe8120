/* A line of the shell, parted into words. */
#include "door/words.h"

#include "test.h"

static struct words words;
static struct fault fault;

static enum err split(const char *line)
{
    fault.text[0] = 0;
    return words_split(str_of(line), &words, &fault);
}

static void blanks_part_words(void **state)
{
    (void)state;
    assert_int_equal(split("  search \t web  server"), OK);
    assert_int_equal(words.count, 3);
    assert_string_equal(words.at[0], "search");
    assert_string_equal(words.at[2], "server");
    assert_int_equal(words.last_from, 16);
    assert_int_equal(split(""), OK);
    assert_int_equal(words.count, 0);
    assert_int_equal(split(" \t "), OK);
    assert_int_equal(words.count, 0);
}

static void quotes_keep_as_in_a_posix_shell(void **state)
{
    (void)state;
    static const struct {
        const char *line, *word;
    } cases[] = {
        { "'a b'", "a b" },
        { "'a\\b\"$`'", "a\\b\"$`" },
        { "\"a b\"", "a b" },
        { "\"a'b\"", "a'b" },
        { "\"\\$\\`\\\"\\\\\"", "$`\"\\" },
        { "\"\\n\"", "\\n" },
        { "a\\ b", "a b" },
        { "\\'a", "'a" },
        { "\\\\", "\\" },
        { "a'b'\"c\"d", "abcd" },
        { "''", "" },
        { "\"\"", "" },
        { "a#b", "a#b" },
        { "'#'a", "#a" },
        { "\\|", "|" },
        { "'a;b'", "a;b" },
        { "\"$HOME\"", "$HOME" },
        { "\xC3\xA9", "\xC3\xA9" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(split(cases[i].line), OK);
        assert_int_equal(words.count, 1);
        assert_string_equal(words.at[0], cases[i].word);
    }
}

static void a_comment_begins_where_a_word_would(void **state)
{
    (void)state;
    assert_int_equal(split("# search"), OK);
    assert_int_equal(words.count, 0);
    assert_true(words.comment);
    assert_int_equal(split("status # 'not closed"), OK);
    assert_int_equal(words.count, 1);
}

static void what_is_not_closed_is_refused_and_told(void **state)
{
    (void)state;
    assert_int_equal(split("info 'a b"), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "a ' is not closed");
    assert_int_equal(words.open, '\'');
    assert_int_equal(words.count, 2);
    assert_string_equal(words.at[1], "a b");
    assert_int_equal(words.last_from, 5);
    assert_int_equal(split("info \"a\\\""), ERR_INVALID_PARAMS);
    assert_int_equal(split("info a\\"), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "the line ends behind a '\\'");
}

static void what_another_shell_would_do_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = { "search a | less", "status; status", "status>x", "status&",
                                         "<x status" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(split(lines[i]), ERR_INVALID_PARAMS);
}

static void a_line_has_its_limits(void **state)
{
    (void)state;
    static char line[LINE_MOST + 2];
    memset(line, 'a', LINE_MOST);
    assert_int_equal(split(line), OK);
    assert_int_equal(strlen(words.at[0]), LINE_MOST);
    line[LINE_MOST] = 'a';
    assert_int_equal(split(line), ERR_INVALID_PARAMS);
    for (size_t i = 0; i < LINE_MOST; i++) line[i] = i % 2 ? ' ' : 'a';
    line[LINE_MOST] = 0;
    assert_int_equal(split(line), ERR_INVALID_PARAMS);
    line[2 * WORDS_MOST - 2] = 0;
    assert_int_equal(split(line), OK);
    assert_int_equal(words.count, WORDS_MOST - 1);
    assert_int_equal(words_split(S("a\0b"), &words, &fault), ERR_INVALID_PARAMS);
    memset(line, '\\', LINE_MOST); /* as many bytes as can come of a line */
    line[0] = line[LINE_MOST - 1] = '"';
    split(line);
    for (size_t i = 1; i < LINE_MOST - 1; i++) line[i] = i % 2 ? '\\' : 'x';
    assert_int_equal(split(line), OK);
    assert_int_equal(strlen(words.at[0]), LINE_MOST - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_part_words),
        cmocka_unit_test(quotes_keep_as_in_a_posix_shell),
        cmocka_unit_test(a_comment_begins_where_a_word_would),
        cmocka_unit_test(what_is_not_closed_is_refused_and_told),
        cmocka_unit_test(what_another_shell_would_do_is_refused),
        cmocka_unit_test(a_line_has_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
