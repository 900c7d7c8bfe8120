#include "test.h"

#include "pkg/control.h"

static struct stanza stanza;
static struct control reader;

static bool first(const char *text)
{
    stanza = (struct stanza){ 0 };
    reader = (struct control){ .rest = str_of(text) };
    return control_next(&reader, &stanza);
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    if (s.len) assert_memory_equal(s.at, expected, s.len);
}

static void every_field_is_found_by_its_name(void **state)
{
    (void)state;
#define CONTROL(id, name, first, second, last, length)                                             \
    assert_int_equal(control_field(S(name)), CONTROL_##id);
#include "pkg/control.def"
#undef CONTROL
}

static void field_names_ignore_case(void **state)
{
    (void)state;
    assert_true(first("pAcKaGe: a\n"));
    assert_str(stanza.field[CONTROL_package], "a");
}

static void an_unknown_field_is_none_of_ours(void **state)
{
    (void)state;
    assert_int_equal(control_field(S("Packagf")), CONTROL_COUNT);
    assert_int_equal(control_field(S("")), CONTROL_COUNT);
}

static void a_value_loses_the_white_space_around_it(void **state)
{
    (void)state;
    assert_true(first("Package: \t a b \t\r\n"));
    assert_str(stanza.field[CONTROL_package], "a b");
}

static void continuation_lines_belong_to_the_value(void **state)
{
    (void)state;
    assert_true(first("Description: one\n two\n .\n three\nPackage: a\n"));
    assert_str(stanza.field[CONTROL_description], "one\n two\n .\n three");
    assert_str(stanza.field[CONTROL_package], "a");
}

static void a_blank_line_ends_a_paragraph(void **state)
{
    (void)state;
    assert_true(first("\n\nPackage: a\n \t\nPackage: b\n\n"));
    assert_str(stanza.field[CONTROL_package], "a");
    assert_true(control_next(&reader, &stanza));
    assert_str(stanza.field[CONTROL_package], "b");
    assert_false(control_next(&reader, &stanza));
}

static void a_field_of_the_last_paragraph_is_forgotten(void **state)
{
    (void)state;
    assert_true(first("Package: a\nVersion: 1\n\nPackage: b\n"));
    assert_true(control_next(&reader, &stanza));
    assert_null(stanza.field[CONTROL_version].at);
}

static void comments_are_skipped(void **state)
{
    (void)state;
    assert_true(first("# Package: x\nPackage: a\n# no\nVersion: 1\n"));
    assert_str(stanza.field[CONTROL_package], "a");
    assert_str(stanza.field[CONTROL_version], "1");
    assert_int_equal(reader.bad, 0);
}

static void of_a_field_that_stands_twice_the_first_counts(void **state)
{
    (void)state;
    assert_true(first("Package: a\nPackage: b\n"));
    assert_str(stanza.field[CONTROL_package], "a");
    assert_int_equal(reader.bad, 1);
}

static void a_line_without_colon_is_counted_and_skipped(void **state)
{
    (void)state;
    assert_true(first("Package: a\nnonsense\n more\nVersion: 1\n"));
    assert_str(stanza.field[CONTROL_package], "a");
    assert_str(stanza.field[CONTROL_version], "1");
    assert_int_equal(reader.bad, 1);
}

static void the_last_line_needs_no_newline(void **state)
{
    (void)state;
    assert_true(first("Package: a"));
    assert_str(stanza.field[CONTROL_package], "a");
    assert_false(control_next(&reader, &stanza));
}

static void nothing_has_no_paragraph(void **state)
{
    (void)state;
    assert_false(first(""));
    assert_false(first("\n \n\t\n# only this\n"));
}

static void relations_are_cut_at_commas(void **state)
{
    struct str rest = S(" a (>= 1) ,, b|c,\n d ,"), one;
    (void)state;
    assert_true(relation_next(&rest, &one));
    assert_str(one, "a (>= 1)");
    assert_true(relation_next(&rest, &one));
    assert_str(one, "b|c");
    assert_true(relation_next(&rest, &one));
    assert_str(one, "d");
    assert_false(relation_next(&rest, &one));
}

static void a_relation_has_four_parts(void **state)
{
    struct relation r;
    (void)state;
    assert_true(relation_parse(S("gcc:any (>= 4:12.2~) [amd64] <!nocheck>"), &r));
    assert_str(r.name, "gcc");
    assert_str(r.arch, "any");
    assert_str(r.op, ">=");
    assert_str(r.version, "4:12.2~");
}

static void a_relation_needs_only_a_name(void **state)
{
    struct relation r;
    (void)state;
    assert_true(relation_parse(S(" libc6 "), &r));
    assert_str(r.name, "libc6");
    assert_int_equal(r.arch.len | r.op.len | r.version.len, 0);
}

static void a_version_may_stand_close(void **state)
{
    struct relation r;
    (void)state;
    assert_true(relation_parse(S("a(<<2)"), &r));
    assert_str(r.op, "<<");
    assert_str(r.version, "2");
}

static void malformed_relations_are_refused(void **state)
{
    static const char *const bad[] = { "",         " ",         "(>= 1)", "a (>= 1", "a ()",
                                       "a (1)",    "a (>= )",   "a:",     "a b",     "a (>>> 1)",
                                       "a (= 1)x", "a:any (=1", ":any",   "a | b" };
    struct relation r;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(relation_parse(str_of(bad[i]), &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_found_by_its_name),
        cmocka_unit_test(field_names_ignore_case),
        cmocka_unit_test(an_unknown_field_is_none_of_ours),
        cmocka_unit_test(a_value_loses_the_white_space_around_it),
        cmocka_unit_test(continuation_lines_belong_to_the_value),
        cmocka_unit_test(a_blank_line_ends_a_paragraph),
        cmocka_unit_test(a_field_of_the_last_paragraph_is_forgotten),
        cmocka_unit_test(comments_are_skipped),
        cmocka_unit_test(of_a_field_that_stands_twice_the_first_counts),
        cmocka_unit_test(a_line_without_colon_is_counted_and_skipped),
        cmocka_unit_test(the_last_line_needs_no_newline),
        cmocka_unit_test(nothing_has_no_paragraph),
        cmocka_unit_test(relations_are_cut_at_commas),
        cmocka_unit_test(a_relation_has_four_parts),
        cmocka_unit_test(a_relation_needs_only_a_name),
        cmocka_unit_test(a_version_may_stand_close),
        cmocka_unit_test(malformed_relations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
