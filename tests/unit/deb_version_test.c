/* dpkg's ordering and its idea of what a version is: what its own tests state, and where the
 * vectors collected from other projects lie beside this one, every line of those. */
#include "test.h"

#include "pkg/deb_version.h"

#include <glob.h>

static int cmp(const char *a, const char *b)
{
    int order = deb_version_cmp(str_of(a), str_of(b));
    return order < 0 ? -1 : order > 0;
}

static bool valid(const char *version)
{
    return deb_version_valid(str_of(version), NULL);
}

static void numbers_compare_as_numbers(void **state)
{
    (void)state;
    assert_int_equal(cmp("1.9", "1.10"), -1);
    assert_int_equal(cmp("1.09", "1.9"), 0);
    assert_int_equal(cmp("99999999999999999999999", "100000000000000000000000"), -1);
}

static void a_tilde_sorts_before_the_end(void **state)
{
    (void)state;
    assert_int_equal(cmp("1.0~rc1", "1.0"), -1);
    assert_int_equal(cmp("1.0~~", "1.0~"), -1);
    assert_int_equal(cmp("1.0", "1.0a"), -1);
}

static void letters_sort_before_other_characters(void **state)
{
    (void)state;
    assert_int_equal(cmp("1.0a", "1.0+"), -1);
    assert_int_equal(cmp("1.0z", "1.0\xff"), -1);
}

static void the_epoch_counts_first(void **state)
{
    (void)state;
    assert_int_equal(cmp("1:0.1", "9.9"), 1);
    assert_int_equal(cmp("0:1", "1"), 0);
    assert_int_equal(cmp("010:1", "9:2"), 1);
}

static void the_revision_counts_last(void **state)
{
    (void)state;
    assert_int_equal(cmp("1.0-1", "1.0-2"), -1);
    assert_int_equal(cmp("1.0-1-9", "1.0-2-1"), -1);
}

static void no_revision_is_revision_zero(void **state)
{
    (void)state;
    assert_int_equal(cmp("1.0", "1.0-0"), 0);
    assert_int_equal(cmp("1.0", "1.0-1"), -1);
}

static void blanks_around_a_version_do_not_count(void **state)
{
    (void)state;
    assert_int_equal(cmp(" \t1.0-1 ", "1.0-1"), 0);
}

static void the_empty_version_is_the_smallest_number(void **state)
{
    (void)state;
    assert_int_equal(cmp("", ""), 0);
    assert_int_equal(cmp("", "0"), 0);
    assert_int_equal(cmp("", "1"), -1);
    assert_int_equal(cmp("~", ""), -1);
}

static void a_colon_behind_no_number_ends_no_epoch(void **state)
{
    (void)state;
    assert_int_equal(cmp("a:1", "b:0"), -1);
    assert_int_equal(cmp(":1", ":1"), 0);
}

static void a_refused_version_says_why(void **state)
{
    (void)state;
    struct fault f = { "" };
    assert_false(deb_version_valid(S("1:"), &f));
    assert_string_equal(f.text, "there is nothing after the colon");
}

static void a_version_starts_with_a_digit(void **state)
{
    (void)state;
    assert_true(valid("1.0"));
    assert_false(valid("v1.0"));
    assert_false(valid("1:v1.0"));
}

static void an_epoch_fits_an_int(void **state)
{
    (void)state;
    assert_true(valid("2147483647:1"));
    assert_false(valid("2147483648:1"));
}

static void operators_hold_as_in_relation_fields(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        bool less, equal, more;
    } rows[] = {
        { "<<", true, false, false }, { "<=", true, true, false },   { "=", false, true, false },
        { ">=", false, true, true },  { ">>", false, false, true },  { "<", true, true, false },
        { ">", false, true, true },   { "==", false, false, false }, { "", false, false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str op = str_of(rows[i].op);
        assert_int_equal(deb_version_holds(S("1"), op, S("2")), rows[i].less);
        assert_int_equal(deb_version_holds(S("2"), op, S("2-0")), rows[i].equal);
        assert_int_equal(deb_version_holds(S("3"), op, S("2")), rows[i].more);
    }
}

/* Gives each line of the files to check. */
static void each_line(const char *files, void (*check)(char *line))
{
    char line[512];
    glob_t found;
    if (glob(files, 0, NULL, &found) != 0) {
        printf("# skipped: there is no %s\n", files);
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *f = fopen(found.gl_pathv[i], "r");
        assert_non_null(f);
        while (fgets(line, sizeof line, f)) {
            line[strcspn(line, "\n")] = 0;
            if (line[0] != '#') check(line);
        }
        fclose(f);
    }
    globfree(&found);
}

static void check_order(char *line)
{
    char *a = strtok(line, " "), *op = strtok(NULL, " "), *b = strtok(NULL, " ");
    if (!a || !op || !b) return;
    int expected = *op == '<' ? -1 : *op == '>';
    if (cmp(a, b) != expected || cmp(b, a) != -expected) fail_msg("%s %s %s", a, op, b);
}

static void check_validity(char *line)
{
    char *tab = strchr(line, '\t'), *to, *from;
    if (!tab) return;
    *tab = 0;
    for (to = from = tab + 1; *from; from++) {
        bool escaped = from[0] == '\\' && from[1] == 't';
        *to++ = escaped ? '\t' : *from;
        from += escaped;
    }
    *to = 0;
    if (valid(tab + 1) != (strcmp(line, "ok") == 0)) fail_msg("%s: %s", tab + 1, line);
}

static void the_collected_orders_agree(void **state)
{
    (void)state;
    each_line("../shared/data/versions/deb-*.txt", check_order);
}

static void the_collected_verdicts_agree(void **state)
{
    (void)state;
    each_line("../shared/data/versions/dpkg-parse.txt", check_validity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_compare_as_numbers),
        cmocka_unit_test(a_tilde_sorts_before_the_end),
        cmocka_unit_test(letters_sort_before_other_characters),
        cmocka_unit_test(the_epoch_counts_first),
        cmocka_unit_test(the_revision_counts_last),
        cmocka_unit_test(no_revision_is_revision_zero),
        cmocka_unit_test(blanks_around_a_version_do_not_count),
        cmocka_unit_test(the_empty_version_is_the_smallest_number),
        cmocka_unit_test(a_colon_behind_no_number_ends_no_epoch),
        cmocka_unit_test(a_refused_version_says_why),
        cmocka_unit_test(a_version_starts_with_a_digit),
        cmocka_unit_test(an_epoch_fits_an_int),
        cmocka_unit_test(operators_hold_as_in_relation_fields),
        cmocka_unit_test(the_collected_orders_agree),
        cmocka_unit_test(the_collected_verdicts_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
