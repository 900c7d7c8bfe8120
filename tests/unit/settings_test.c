/* The settings file. */
#include "base/buf.h"
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_refused(const char *text, const char *sentence)
{
    struct settings s;
    struct fault f = { 0 };
    settings_standard(&s);
    assert_int_equal(settings_parse(str_of(text), "f", &s, &f), ERR_INVALID_PARAMS);
    assert_string_equal(f.text, sentence);
}

static void nothing_said_is_the_standard(void **state)
{
    (void)state;
    struct settings s;
    settings_standard(&s);
    assert_int_equal(settings_parse(S("\n  \n# comment\n"), "f", &s, NULL), OK);
    assert_int_equal(s.search_limit, 50);
    assert_int_equal(s.suggest_limit, 10);
    assert_int_equal(s.color, WHEN_AUTO);
    assert_string_equal(s.cache_dir, "");
}

static void lines_change_what_they_name(void **state)
{
    (void)state;
    struct settings s;
    settings_standard(&s);
    assert_int_equal(settings_parse(S("search.limit = 7\r\n color=never\ncache.dir = /a b\n"
                                      "output = json"),
                                    "f", &s, NULL),
                     OK);
    assert_int_equal(s.search_limit, 7);
    assert_int_equal(s.color, WHEN_NEVER);
    assert_int_equal(s.output, FORM_JSON);
    assert_string_equal(s.cache_dir, "/a b");
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused("# x\nsearch.limits = 1\n",
                   "f:2: there is no setting 'search.limits'; did you mean 'search.limit'?");
    assert_refused("zzzzzzzzzz = 1", "f:1: there is no setting 'zzzzzzzzzz'");
    assert_refused("search.limit = 1001",
                   "f:1: search.limit has to be a number from 0 to 1000, not '1001'");
    assert_refused("search.limit = -1",
                   "f:1: search.limit has to be a number from 0 to 1000, not '-1'");
    assert_refused("search.limit = 5 # five",
                   "f:1: search.limit has to be a number from 0 to 1000, not '5 # five'");
    assert_refused("search.limit =", "f:1: search.limit has to be a number from 0 to 1000, not ''");
    assert_refused("suggest.limit = 0",
                   "f:1: suggest.limit has to be a number from 1 to 1000, not '0'");
    assert_refused("color = red", "f:1: color has to be one of auto|always|never, not 'red'");
    assert_refused("color = auto|always",
                   "f:1: color has to be one of auto|always|never, not 'auto|always'");
    assert_refused("cache.dir = here", "f:1: cache.dir has to be an absolute path or empty");
    assert_refused("color", "f:1: a line has to be 'key = value'");
    assert_refused("color = auto\n\ncolor = auto", "f:3: color is set a second time");
}

static void an_unfit_path_is_refused(void **state)
{
    (void)state;
    struct settings s;
    char text[SETTING_PATH_ROOM + 32] = "cache.dir = /";
    memset(text + 13, 'x', SETTING_PATH_ROOM);
    settings_standard(&s);
    assert_int_equal(settings_parse(str_of(text), "f", &s, NULL), ERR_INVALID_PARAMS);
    assert_int_equal(settings_parse(S("cache.dir = /a\0b"), "f", &s, NULL), ERR_INVALID_PARAMS);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void files_are_found_by_the_environment(void **state)
{
    (void)state;
    char folder[] = "/tmp/settings.XXXXXX", path[128];
    struct settings s;
    struct fault f;
    assert_non_null(mkdtemp(folder));
    unsetenv("OMG_CONFIG");
    setenv("XDG_CONFIG_HOME", folder, 1);
    assert_int_equal(settings_read(&s, &f), OK);
    assert_int_equal(s.suggest_limit, 10);
    snprintf(path, sizeof path, "%s/omg", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/omg/omg.conf", folder);
    write_file(path, "suggest.limit = 3\n");
    assert_int_equal(settings_read(&s, &f), OK);
    assert_int_equal(s.suggest_limit, 3);
    setenv("OMG_CONFIG", "", 1);
    assert_int_equal(settings_read(&s, &f), OK);
    assert_int_equal(s.suggest_limit, 10);
    setenv("OMG_CONFIG", path, 1);
    unsetenv("XDG_CONFIG_HOME");
    assert_int_equal(settings_read(&s, &f), OK);
    assert_int_equal(s.suggest_limit, 3);
    unlink(path);
    assert_int_equal(settings_read(&s, &f), ERR_NOT_FOUND);
    setenv("OMG_CONFIG", folder, 1);
    assert_int_not_equal(settings_read(&s, &f), OK);
    setenv("OMG_CONFIG", "/dev/zero", 1);
    assert_int_equal(settings_read(&s, &f), ERR_INVALID_PARAMS);
    unsetenv("OMG_CONFIG");
    unsetenv("HOME");
    assert_int_equal(settings_read(&s, &f), OK);
    snprintf(path, sizeof path, "%s/omg", folder);
    rmdir(path);
    rmdir(folder);
}

static void what_is_printed_is_read_back_the_same(void **state)
{
    struct settings one, two;
    struct buf text = buf_make(1 << 16);
    (void)state;
    settings_standard(&one);
    settings_print(&one, &text);
    assert_int_equal(text.len, 0);
    one.search_limit = 7;
    one.color = WHEN_NEVER;
    one.output = FORM_JSON;
    one.frame_most = 65536;
    strcpy(one.socket, "/run/a = b # c.sock");
    settings_print(&one, &text);
    settings_standard(&two);
    assert_int_equal(settings_parse(buf_view(&text), "printed", &two, NULL), OK);
    assert_int_equal(two.search_limit, 7);
    assert_int_equal(two.color, WHEN_NEVER);
    assert_int_equal(two.output, FORM_JSON);
    assert_int_equal(two.frame_most, 65536);
    assert_string_equal(two.socket, one.socket);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_the_standard),
        cmocka_unit_test(lines_change_what_they_name),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
        cmocka_unit_test(an_unfit_path_is_refused),
        cmocka_unit_test(files_are_found_by_the_environment),
        cmocka_unit_test(what_is_printed_is_read_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
