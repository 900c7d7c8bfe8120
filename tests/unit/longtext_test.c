#include "test.h"

#include "../index_root.h"

#include "pkg/catalogue_build.h"
#include "pkg/longtext.h"

enum { TEXTS = 400 };

static struct index_root root;
static struct arena arena;

/* What is to be shown of a description: its lines without the blank in front, without white space
 * behind, and empty where there is a dot alone. Written down once more, and plainly. */
static struct str shown(struct str lines)
{
    static char to[2 << 20];
    size_t len = 0, from = 0;
    while (from < lines.len) {
        size_t end = from;
        while (end < lines.len && lines.at[end] != '\n') end++;
        size_t last = end;
        while (last > from + 1 && strchr(" \t\r\f\v", lines.at[last - 1])) last--;
        if (from) to[len++] = '\n';
        if (last - from != 2 || lines.at[from + 1] != '.')
            for (size_t i = from + 1; i < last; i++) to[len++] = lines.at[i];
        from = end + 1;
    }
    return (struct str){ to, len };
}

static uint64_t key_of(unsigned i)
{
    return (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u;
}

static void stanza_put(struct buf *b, unsigned i, struct str lines)
{
    buf_print(b, "Package: p%u\nDescription-md5: %016llx0000000000000000\n", i,
              (unsigned long long)key_of(i));
    buf_print(b, "Description-en: summary %u\n", i);
    buf_str(b, lines);
    buf_str(b, S("\n\n"));
}

/* Builds an index whose Translation holds these, and compares each. */
static void assert_round_trip(const struct str *lines, unsigned count)
{
    struct buf translation = buf_make(1 << 26);
    for (unsigned i = 0; i < count; i++) stanza_put(&translation, i, lines[i]);
    index_root_write(&root, MAIN, S("Package: p0\nVersion: 1\nDescription: summary 0\n\n"));
    index_root_write(&root, ENGLISH, buf_view(&translation));
    buf_free(&translation);
    assert_int_equal(index_root_build(&root), OK);
    for (unsigned i = 0; i < count; i++) {
        struct str expected = shown(lines[i]);
        struct str found = longtext_find(&root.ix, key_of(i), &arena);
        struct str plain = longtext_plain(lines[i], &arena);
        if (!str_eq(plain, expected))
            fail_msg("plain %u: \"%.*s\", not \"%.*s\"", i, STR_ARG(plain), STR_ARG(expected));
        if (!str_eq(found, expected))
            fail_msg("found %u: \"%.*s\", not \"%.*s\"", i, STR_ARG(found), STR_ARG(expected));
    }
    arena_reset(&arena, 0);
}

static void odd_texts_are_shown_as_they_are(void **state)
{
    static const struct str lines[] = {
        S(" One line."),
        S(" Two\n lines."),
        S(" A paragraph.\n .\n Another one."),
        S(" Verbatim:\n   $ omg search\n     indented\n  once"),
        S(" several  blanks   between    words"),
        S(" a\tb\n \tc\n  \td \t e"),
        S(" white space behind  \t\n .  \n . \t\n end"),
        S(" .\n begins with an empty line"),
        S(" .\n .\n .\n with three"),
        S(" ends with an empty line\n ."),
        S(" empty\n .\n .\n .\n paragraphs"),
        S(" ."),
        S(" .\n ."),
        S(" ..\n .x\n  .\n x ."),
        S("\tbehind a tab\n\t.\n\tand a dot"),
        S(" carriage\r\n return\r\n .\r\n too\r"),
        S(" \xC3\xA4\xC3\xB6\xC3\xBC \xE2\x82\xAC \xF0\x9F\x90\xA7\n \xE6\x97\xA5"),
        S(" #not a comment\n %s %n %d"),
        S("  * an item\n    that goes on\n  * another"),
        S("                                                               far"),
        S(" twice twice twice\n .\n twice"),
        S(" twice twice twice\n .\n twice"),
    };
    (void)state;
    assert_round_trip(lines, sizeof lines / sizeof *lines);
}

static void very_long_words_and_lines_are_kept(void **state)
{
    static char word[300001], line[400001];
    struct str lines[2] = { { word, sizeof word - 1 }, { line, sizeof line - 1 } };
    (void)state;
    memset(word, 'w', sizeof word);
    memset(line, 'l', sizeof line);
    for (size_t i = 0; i < sizeof line; i += 7) line[i] = ' ';
    word[0] = ' ';
    assert_round_trip(lines, 2);
}

/* Many texts out of few words, so that words, lines and paragraphs repeat and get codes of every
 * length. */
static void texts_of_all_sorts_are_shown_as_they_are(void **state)
{
    static const char *const pieces[] = { "word",     "other", "x",  ".", "..", "a-longer-word",
                                          "\xC3\xA9", "12",    "\t", "%", "#",  "(paren)" };
    static struct buf text[TEXTS];
    static struct str lines[TEXTS];
    uint32_t seed = 3;
    (void)state;
#define PSEUDO(below) ((seed = seed * 1664525u + 1013904223u) >> 16) % (below)
    for (unsigned i = 0; i < TEXTS; i++) {
        text[i] = buf_make(1 << 20);
        for (unsigned n = 1 + PSEUDO(12); n > 0; n--) {
            buf_repeat(&text[i], ' ', 1 + PSEUDO(3));
            for (unsigned words = 1 + PSEUDO(6); words > 0; words--) {
                buf_str(&text[i], str_of(pieces[PSEUDO(sizeof pieces / sizeof *pieces)]));
                if (PSEUDO(40) == 0) buf_print(&text[i], "%u", PSEUDO(100000));
                buf_repeat(&text[i], ' ', PSEUDO(3));
            }
            while (text[i].len && ascii_space(text[i].at[text[i].len - 1])) text[i].len--;
            if (!text[i].len || text[i].at[text[i].len - 1] == '\n') buf_str(&text[i], S(" x"));
            buf_str(&text[i], PSEUDO(3) ? S("\n .\n") : S("\n"));
        }
        buf_str(&text[i], S(" end"));
        lines[i] = buf_view(&text[i]);
    }
    assert_round_trip(lines, TEXTS);
    for (unsigned i = 0; i < TEXTS; i++) buf_free(&text[i]);
}

static void a_list_with_texts_of_its_own_needs_no_translation(void **state)
{
    struct str lines = S(" Its own text.\n .\n In the list.");
    struct buf list = buf_make(1 << 20);
    (void)state;
    buf_str(&list, S("Package: a\nVersion: 1\nDescription: short\n"));
    buf_str(&list, lines);
    buf_str(&list, S("\n\n"));
    index_root_write(&root, MAIN, buf_view(&list));
    index_root_write(&root, ENGLISH, S(""));
    assert_int_equal(index_root_build(&root), OK);
    uint64_t key = version_text_key(index_version(&root.ix, 0));
    assert_true(str_eq(longtext_find(&root.ix, key, &arena), shown(lines)));
    buf_free(&list);
}

static void a_key_that_is_not_there_has_no_text(void **state)
{
    struct str lines[TEXTS];
    (void)state;
    for (unsigned i = 0; i < TEXTS; i++) lines[i] = S(" text");
    assert_round_trip(lines, TEXTS);
    for (unsigned i = 0; i < TEXTS; i++) {
        assert_int_equal(longtext_find(&root.ix, key_of(i) + 1, &arena).len, 0);
        assert_int_equal(longtext_find(&root.ix, key_of(i) - 1, &arena).len, 0);
    }
    assert_int_equal(longtext_find(&root.ix, 0, &arena).len, 0);
    assert_int_equal(longtext_find(&root.ix, 1, &arena).len, 0);
    assert_int_equal(longtext_find(&root.ix, UINT64_MAX, &arena).len, 0);
}

static void what_is_no_text_is_left_out(void **state)
{
    struct buf translation = buf_make(8 << 20);
    (void)state;
    index_root_write(&root, MAIN, S(""));
    stanza_put(&translation, 0, S(" not \xFF UTF-8"));
    stanza_put(&translation, 1, S(" with a \0 in it"));
    buf_print(&translation, "Package: p2\nDescription-md5: %016llx0000000000000000\n",
              (unsigned long long)key_of(2));
    buf_str(&translation, S("Description-en: no long text\n\n"));
    stanza_put(&translation, 3, S(" good"));
    index_root_write(&root, ENGLISH, buf_view(&translation));
    assert_int_equal(index_root_build(&root), OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(longtext_find(&root.ix, key_of(i), &arena).len, 0);
    assert_true(str_eq(longtext_find(&root.ix, key_of(3), &arena), S("good")));
    buf_free(&translation);
}

static void the_first_text_of_a_key_counts(void **state)
{
    struct buf translation = buf_make(1 << 20);
    (void)state;
    stanza_put(&translation, 7, S(" first"));
    stanza_put(&translation, 7, S(" second"));
    index_root_write(&root, ENGLISH, buf_view(&translation));
    assert_int_equal(index_root_build(&root), OK);
    assert_true(str_eq(longtext_find(&root.ix, key_of(7), &arena), S("first")));
    buf_free(&translation);
}

static int open_all(void **state)
{
    (void)state;
    index_root_make(&root);
    return arena_open(&arena, (size_t)1 << 30) ? -1 : 0;
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
        cmocka_unit_test(odd_texts_are_shown_as_they_are),
        cmocka_unit_test(very_long_words_and_lines_are_kept),
        cmocka_unit_test(texts_of_all_sorts_are_shown_as_they_are),
        cmocka_unit_test(a_list_with_texts_of_its_own_needs_no_translation),
        cmocka_unit_test(a_key_that_is_not_there_has_no_text),
        cmocka_unit_test(what_is_no_text_is_left_out),
        cmocka_unit_test(the_first_text_of_a_key_counts),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
