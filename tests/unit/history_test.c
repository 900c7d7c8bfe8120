/* The lines of a shell, in memory and in their file. */
#include "door/history.h"
#include "door/words.h"

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/omg-history-XXXXXX";
static char path[128], state[64];

static int set_up(void **unused)
{
    (void)unused;
    assert_non_null(mkdtemp(folder));
    snprintf(state, sizeof state, "%s/state", folder);
    snprintf(path, sizeof path, "%s/omg/history", state);
    return setenv("XDG_STATE_HOME", state, 1);
}

static int tear_down(void **unused)
{
    char command[128];
    (void)unused;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Each test begins without a file. */
static int forget(void **unused)
{
    (void)unused;
    unlink(path);
    return 0;
}

static void add(struct history *h, const char *line)
{
    history_add(h, str_of(line));
}

/* The lines in memory, each with a ';' behind it. */
static const char *lines_of(const struct history *h)
{
    static char all[4096];
    all[0] = 0;
    for (const char *at = history_next(h, NULL); at; at = history_next(h, at)) {
        strcat(all, at);
        strcat(all, ";");
    }
    return all;
}

static const char *file_text(void)
{
    static char text[4096];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    return text;
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void lines_come_back(void **unused)
{
    (void)unused;
    struct history h;
    struct stat st;
    history_open(&h);
    add(&h, "search vim");
    add(&h, "info bash");
    history_close(&h);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    history_open(&h);
    assert_string_equal(lines_of(&h), "search vim;info bash;");
    history_close(&h);
}

static void some_lines_are_not_remembered(void **unused)
{
    (void)unused;
    struct history h;
    history_open(&h);
    add(&h, " secret");
    add(&h, "");
    add(&h, "a");
    add(&h, "a");
    add(&h, "a ");
    add(&h, "esc\033[31m");
    add(&h, "\xFF");
    add(&h, "bidi \xE2\x80\xAE");
    add(&h, "b");
    assert_string_equal(lines_of(&h), "a;b;");
    assert_string_equal(file_text(), "a\nb\n");
    history_close(&h);
}

static void what_a_file_holds_is_not_trusted(void **unused)
{
    (void)unused;
    struct history h;
    history_open(&h);
    write_file("good\n\033]0;title\007\n\n good\nraw \xFF\ngood\nlast");
    history_close(&h);
    history_open(&h);
    assert_string_equal(lines_of(&h), "good;last;");
    add(&h, "next");
    assert_true(strstr(file_text(), "last\nnext\n"));
    history_close(&h);
}

static void shells_at_the_same_time_keep_each_others_lines(void **unused)
{
    (void)unused;
    enum { SHELLS = 4, LINES = 50 };
    char line[32];
    for (int s = 0; s < SHELLS; s++) {
        if (fork()) continue;
        struct history h;
        history_open(&h);
        for (int i = 0; i < LINES; i++) {
            snprintf(line, sizeof line, "shell %d line %d", s, i);
            add(&h, line);
        }
        _exit(0);
    }
    while (wait(NULL) > 0) continue;
    struct history h;
    history_open(&h);
    assert_int_equal(h.count, SHELLS * LINES);
    history_close(&h);
}

static void only_the_newest_lines_are_kept(void **unused)
{
    (void)unused;
    struct history h;
    struct stat st;
    char line[32];
    history_open(&h);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 2 * HISTORY_MOST; i++) fprintf(f, "line %d\n", i);
    fclose(f);
    chmod(path, 0644);
    add(&h, "last");
    history_close(&h);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    history_open(&h);
    assert_int_equal(h.count, HISTORY_MOST);
    snprintf(line, sizeof line, "line %d", HISTORY_MOST + 1);
    assert_string_equal(history_next(&h, NULL), line);
    for (int i = 0; i < HISTORY_MOST; i++) {
        snprintf(line, sizeof line, "more %d", i);
        add(&h, line);
    }
    assert_int_equal(h.count, HISTORY_MOST);
    assert_string_equal(history_next(&h, NULL), "more 0");
    history_close(&h);
}

static void a_large_file_is_read_from_its_end(void **unused)
{
    (void)unused;
    struct history h;
    static char line[LINE_MOST];
    history_open(&h);
    FILE *f = fopen(path, "w");
    memset(line, 'x', sizeof line - 2);
    for (int i = 0; i < 400; i++) fprintf(f, "%d %s\n", i, line);
    fputs("newest\n", f);
    fclose(f);
    history_close(&h);
    history_open(&h);
    assert_true(h.count > 0 && h.count < 400);
    const char *last = NULL;
    for (const char *at = history_next(&h, NULL); at; at = history_next(&h, at)) last = at;
    assert_string_equal(last, "newest");
    history_close(&h);
}

static void no_link_is_followed(void **unused)
{
    (void)unused;
    struct history h;
    struct stat st;
    char other[128];
    snprintf(other, sizeof other, "%s/other", folder);
    assert_int_equal(symlink(other, path), 0);
    history_open(&h);
    add(&h, "a");
    assert_string_equal(lines_of(&h), "a;");
    history_close(&h);
    assert_int_not_equal(stat(other, &st), 0);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    history_open(&h);
    add(&h, "a");
    history_close(&h);
}

static void nowhere_to_keep_it_is_no_error(void **unused)
{
    (void)unused;
    struct history h;
    const char *home = getenv("HOME");
    char kept[256];
    snprintf(kept, sizeof kept, "%s", home ? home : "/");
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    history_open(&h);
    assert_int_equal(h.folder, -1);
    add(&h, "a");
    assert_string_equal(lines_of(&h), "a;");
    history_close(&h);
    setenv("XDG_STATE_HOME", "relative", 1);
    history_open(&h);
    assert_int_equal(h.folder, -1);
    history_close(&h);
    setenv("HOME", kept, 1);
    setenv("XDG_STATE_HOME", state, 1);
}

static void a_folder_that_others_may_write_to_is_not_used(void **unused)
{
    (void)unused;
    struct history h;
    char place[128];
    snprintf(place, sizeof place, "%s/omg", state);
    assert_int_equal(chmod(place, 0777), 0);
    history_open(&h);
    assert_int_equal(h.folder, -1);
    history_close(&h);
    assert_int_equal(chmod(place, 0700), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_come_back, forget),
        cmocka_unit_test_setup(some_lines_are_not_remembered, forget),
        cmocka_unit_test_setup(what_a_file_holds_is_not_trusted, forget),
        cmocka_unit_test_setup(shells_at_the_same_time_keep_each_others_lines, forget),
        cmocka_unit_test_setup(only_the_newest_lines_are_kept, forget),
        cmocka_unit_test_setup(a_large_file_is_read_from_its_end, forget),
        cmocka_unit_test_setup_teardown(no_link_is_followed, forget, forget),
        cmocka_unit_test(nowhere_to_keep_it_is_no_error),
        cmocka_unit_test(a_folder_that_others_may_write_to_is_not_used),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
