#include "test.h"

#include "pkg/copyright.h"

#define FORMAT "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"

static struct arena arena;
static struct str *licenses;
static size_t count;

static int arena_make(void **state)
{
    (void)state;
    return arena_open(&arena, 1 << 20) != OK;
}

static int arena_forget(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static void read_text(const char *text)
{
    assert_int_equal(copyright_licenses(str_of(text), &arena, &licenses, &count), OK);
}

static void assert_license(size_t i, const char *expected)
{
    assert_true(i < count);
    assert_int_equal(licenses[i].len, strlen(expected));
    assert_memory_equal(licenses[i].at, expected, licenses[i].len);
}

static void licenses_come_in_order_and_once(void **state)
{
    (void)state;
    read_text(FORMAT "License: GPL-2+\n\nFiles: *\nLicense: Expat\n Text.\n\n"
                     "Files: a\nLicense: GPL-2+\n\nFiles: b\nLicense: BSD-3-clause\n");
    assert_int_equal(count, 3);
    assert_license(0, "GPL-2+");
    assert_license(1, "Expat");
    assert_license(2, "BSD-3-clause");
}

static void an_expression_is_kept_as_written(void **state)
{
    (void)state;
    read_text(FORMAT "\nFiles: *\nLicense: Expat or  Apache-2.0 \n Text\n");
    assert_license(0, "Expat or  Apache-2.0");
}

static void a_paragraph_of_text_alone_does_not_count(void **state)
{
    (void)state;
    read_text(FORMAT "\nFiles: *\nLicense: MIT\n\nLicense: Apache-2.0\n Text\n");
    assert_int_equal(count, 1);
}

static void a_license_without_a_short_name_does_not_count(void **state)
{
    (void)state;
    read_text(FORMAT "\nFiles: *\nLicense:\n Do what you like.\n");
    assert_int_equal(count, 0);
}

static void free_text_has_no_licenses(void **state)
{
    (void)state;
    read_text("This package was debianized.\n\nFiles: *\nLicense: GPL\n");
    assert_int_equal(count, 0);
    assert_null(licenses);
}

static void another_format_has_no_licenses(void **state)
{
    (void)state;
    read_text("Format: something else\nComment: copyright-format\n\nFiles: *\nLicense: GPL\n");
    assert_int_equal(count, 0);
}

static void what_is_no_utf8_does_not_count(void **state)
{
    (void)state;
    read_text(FORMAT "\nFiles: *\nLicense: G\xFFPL\n");
    assert_int_equal(count, 0);
}

static void a_long_name_does_not_count(void **state)
{
    char text[4096];
    (void)state;
    snprintf(text, sizeof text, FORMAT "\nFiles: *\nLicense: %0*d\n\nFiles: b\nLicense: %0*d\n",
             COPYRIGHT_LICENSE_MOST + 1, 1, COPYRIGHT_LICENSE_MOST, 1);
    read_text(text);
    assert_int_equal(count, 1);
    assert_int_equal(licenses[0].len, COPYRIGHT_LICENSE_MOST);
}

static void there_is_a_limit_to_their_number(void **state)
{
    static char text[32768] = FORMAT;
    size_t n = strlen(text);
    (void)state;
    for (unsigned i = 0; i < COPYRIGHT_LICENSES + 10; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "\nFiles: %u\nLicense: L%u\n", i, i);
    read_text(text);
    assert_int_equal(count, COPYRIGHT_LICENSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(licenses_come_in_order_and_once),
        cmocka_unit_test(an_expression_is_kept_as_written),
        cmocka_unit_test(a_paragraph_of_text_alone_does_not_count),
        cmocka_unit_test(a_license_without_a_short_name_does_not_count),
        cmocka_unit_test(free_text_has_no_licenses),
        cmocka_unit_test(another_format_has_no_licenses),
        cmocka_unit_test(what_is_no_utf8_does_not_count),
        cmocka_unit_test(a_long_name_does_not_count),
        cmocka_unit_test(there_is_a_limit_to_their_number),
    };
    return cmocka_run_group_tests(tests, arena_make, arena_forget);
}
