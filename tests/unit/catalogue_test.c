#include "test.h"

#include "../made_packages.h"

#include "pkg/deb_version.h"
#include "pkg/query.h"

static struct index_root root;
static struct arena arena;

static struct index *build(const char *list)
{
    index_root_write(&root, MAIN, str_of(list));
    arena_reset(&arena, 1 << 20);
    assert_int_equal(index_root_build(&root), OK);
    return &root.ix;
}

static void assert_str(struct str s, const char *expected)
{
    if (str_eq(s, str_of(expected))) return;
    fail_msg("\"%.*s\", not \"%s\"", STR_ARG(s), expected);
}

static struct str version_at(const struct index *ix, uint32_t row)
{
    return index_string(ix, index_version(ix, row)->version);
}

/* How often the notes say this. */
static uint64_t noted(const struct index_file *f, const char *words)
{
    const struct note_record *rows = file_rows(f, SECTION_NOTES);
    uint64_t count = 0;
    for (size_t i = 0; i < file_count(f, SECTION_NOTES, sizeof *rows); i++)
        if (str_has(file_text(f, SECTION_STRINGS, rows[i].text), str_of(words)))
            count += rows[i].count;
    return count;
}

static void a_record_is_kept_field_by_field(void **state)
{
    (void)state;
    struct index *ix =
        build("Package: bash\nVersion: 5.2-1\nArchitecture: amd64\nSource: shells (5)\n"
              "Multi-Arch: foreign\nEssential: yes\nPriority: required\nSize: 1491324\n"
              "Installed-Size: 7164\nHomepage: https://example.org/\n"
              "Phased-Update-Percentage: 30\nDescription: a shell\n\n");
    assert_int_equal(ix->names, 1);
    assert_str(index_name(ix, 0), "bash");
    assert_str(index_summary(ix, 0), "a shell");
    const struct version_record *v = index_version(ix, 0);
    assert_str(index_string(ix, v->version), "5.2-1");
    assert_str(index_string(ix, v->source), "shells");
    assert_str(index_string(ix, v->homepage), "https://example.org/");
    assert_int_equal(version_size(v), 1491324);
    assert_int_equal(v->installed_kib, 7164);
    assert_int_equal(v->phased, 30);
    assert_int_equal(v->flags, VERSION_FOREIGN | VERSION_ESSENTIAL | VERSION_REQUIRED);
    assert_str(index_string(ix, index_file_row(ix, v->file)->repo), "stable/main");
}

static void relations_keep_their_order_and_text(void **state)
{
    static const char *const expected[] = { "libc6 (>= 2.36)", "a | b (<< 2)", "c:any",
                                            "libc6 (>= 2.36)" };
    struct str one;
    size_t n = 0;
    (void)state;
    struct index *ix = build("Package: x\nVersion: 1\nPre-Depends: libc6 (>= 2.36)\n"
                             "Depends: a | b (<< 2),  c:any ,, libc6 (>= 2.36)\n\n"
                             "Package: y\nVersion: 1\n\n");
    struct relation_walk w = index_relations(ix, index_version(ix, 0)->relations);
    for (; index_relation_next(ix, &w, &one); n++) assert_str(one, expected[n]);
    assert_int_equal(n, 4);
    w = index_relations(ix, index_version(ix, 1)->relations);
    assert_false(index_relation_next(ix, &w, &one));
}

static void names_are_numbered_by_length_and_bytes(void **state)
{
    (void)state;
    struct index *ix = build("Package: bb\nVersion: 1\n\nPackage: c\nVersion: 1\n\n"
                             "Package: a.b\nVersion: 1\n\nPackage: a-b\nVersion: 1\n\n"
                             "Package: aa\nVersion: 1\n\n");
    static const char *const expected[] = { "c", "aa", "bb", "a-b", "a.b" };
    assert_int_equal(ix->names, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_str(index_name(ix, i), expected[i]);
        assert_int_equal(index_find(ix, str_of(expected[i])), i);
    }
    assert_int_equal(index_find(ix, S("b")), NONE);
    assert_int_equal(index_find(ix, S("")), NONE);
    assert_int_equal(index_find(ix, S("a-bb")), NONE);
}

static void names_are_in_lower_case_as_dpkg_has_them(void **state)
{
    (void)state;
    struct index *ix =
        build("Package: Mixed-Case\nVersion: 1\n\nPackage: mixed-case\nVersion: 2\n\n");
    assert_int_equal(ix->names, 1);
    assert_str(index_name(ix, 0), "mixed-case");
    assert_int_equal(ix->versions, 2);
}

static void versions_are_native_first_and_newest_first(void **state)
{
    (void)state;
    index_root_write(&root, FOREIGN, S("Package: x\nArchitecture: i386\nVersion: 9\n\n"));
    struct index *ix = build("Package: x\nArchitecture: amd64\nVersion: 1.9\n\n"
                             "Package: x\nArchitecture: all\nVersion: 1.10\n\n"
                             "Package: x\nArchitecture: amd64\nVersion: 1:0.1\n\n"
                             "Package: x\nArchitecture: amd64\nVersion: 1.9~rc1\n\n");
    static const char *const expected[] = { "1:0.1", "1.10", "1.9", "1.9~rc1", "9" };
    uint32_t first, end;
    index_versions(ix, 0, &first, &end);
    assert_int_equal(end - first, 5);
    for (uint32_t i = 0; i < 5; i++) assert_str(version_at(ix, first + i), expected[i]);
    index_root_write(&root, FOREIGN, S(""));
}

static void the_newest_summary_is_the_names_and_others_keep_theirs(void **state)
{
    (void)state;
    struct index *ix = build("Package: x\nVersion: 1\nDescription: old words\n\n"
                             "Package: x\nVersion: 3\nDescription: new words\n\n"
                             "Package: x\nVersion: 2\nDescription: new words\n\n");
    assert_str(index_summary(ix, 0), "new words");
    assert_int_equal(index_version(ix, 0)->summary, 0);
    assert_int_equal(index_version(ix, 1)->summary, 0);
    assert_str(index_string(ix, index_version(ix, 2)->summary), "old words");
}

static void a_bad_record_costs_itself_and_is_counted(void **state)
{
    (void)state;
    struct index *ix = build("Package: good\nVersion: 1\n\nPackage: no-version\n\n"
                             "Version: 1\nDescription: no name\n\nPackage: bad name\nVersion: 1\n\n"
                             "Package: -dash\nVersion: 1\n\nPackage: odd\nVersion: 1_2\n\n"
                             "Package: fine\nVersion: 2\n\n");
    assert_int_equal(ix->names, 2);
    assert_int_equal(noted(&ix->catalogue, "were left out"), 5);
}

static void lines_that_are_no_fields_and_fields_that_come_twice_are_counted(void **state)
{
    (void)state;
    struct index *ix = build("Package: a\nno field\nVersion: 1\nVersion: 2\n: empty\n\n");
    assert_int_equal(ix->names, 1);
    assert_str(version_at(ix, 0), "1");
    assert_int_equal(noted(&ix->catalogue, "passed over"), 3);
}

static void a_list_that_is_cut_off_keeps_what_came_before(void **state)
{
    static const char whole[] = "Package: a\nVersion: 1\nDescription: one\n\n"
                                "Package: b\nVersion: 2\nDescription: two\n\n";
    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        char part[sizeof whole] = "";
        memcpy(part, whole, n);
        struct index *ix = build(part);
        assert_true(ix->names <= 2);
        if (n >= 22) assert_int_not_equal(index_find(ix, S("a")), NONE);
        if (n < 41) assert_int_equal(index_find(ix, S("b")), NONE);
    }
}

/* Summaries longer than an index keeps, out of bytes that become longer when they are mended. */
static void a_summary_is_cut_between_characters(void **state)
{
    static const struct {
        const char *piece;
        size_t times, expected;
    } cases[] = {
        { "x", 5000, 4096 },    { "\xC3\xB6", 3000, 4096 }, { "\xE2\x82\xAC", 2000, 4095 },
        { "\xFF", 4096, 4095 }, { "x\xFF", 4000, 4096 },    { "\xF0\x9F\x90\xA7", 1024, 4096 }
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf list = buf_make(1 << 20);
        buf_str(&list, S("Package: a\nVersion: 1\nDescription: "));
        for (size_t n = 0; n < cases[i].times; n++) buf_str(&list, str_of(cases[i].piece));
        buf_put(&list, "\n\n", 3);
        struct index *ix = build(list.at);
        assert_int_equal(index_summary(ix, 0).len, cases[i].expected);
        assert_true(utf8_valid(index_summary(ix, 0)));
        buf_free(&list);
    }
}

static void bytes_that_are_no_text_are_mended(void **state)
{
    (void)state;
    index_root_write(&root, MAIN,
                     S("Package: a\nVersion: 1\nDescription: a\0b \xFF c\n"
                       "Depends: x\xFF\nHomepage: h\0\n\n"));
    assert_int_equal(index_root_build(&root), OK);
    struct str one;
    assert_str(index_summary(&root.ix, 0), "a\xEF\xBF\xBD"
                                           "b \xEF\xBF\xBD c");
    struct relation_walk w = index_relations(&root.ix, index_version(&root.ix, 0)->relations);
    assert_true(index_relation_next(&root.ix, &w, &one));
    assert_str(one, "x\xEF\xBF\xBD");
    assert_str(index_string(&root.ix, index_version(&root.ix, 0)->homepage), "h\xEF\xBF\xBD");
}

static void numbers_out_of_range_are_held_in_it(void **state)
{
    (void)state;
    struct index *ix = build("Package: a\nVersion: 1\nSize: 99999999999999999999\n"
                             "Installed-Size: 99999999999\nPhased-Update-Percentage: 300\n\n"
                             "Package: b\nVersion: 1\nSize: 1099511627775\nInstalled-Size: x\n\n"
                             "Package: c\nVersion: 1\nSize: 1099511627776\n\n");
    assert_int_equal(version_size(index_version(ix, 0)), 0);
    assert_int_equal(index_version(ix, 0)->installed_kib, UINT32_MAX);
    assert_int_equal(index_version(ix, 0)->phased, 100);
    assert_true(version_size(index_version(ix, 1)) == 1099511627775u);
    assert_int_equal(index_version(ix, 1)->installed_kib, 0);
    assert_int_equal(version_size(index_version(ix, 2)), 0);
}

static void a_virtual_package_names_its_providers(void **state)
{
    (void)state;
    struct index *ix = build("Package: exim\nVersion: 1\nProvides: mail, mail (= 1)\n\n"
                             "Package: postfix\nVersion: 1\nProvides: other, mail\n\n"
                             "Package: postfix\nVersion: 2\nProvides: mail\n\n");
    struct info_request q = { .package = S("mail") };
    struct detailed_package_info r;
    struct fault f = { "" };
    assert_int_equal(query_info(ix, &q, &r, &arena, &f), ERR_PACKAGE_NOT_FOUND);
    assert_string_equal(f.text, "'mail' is a virtual package, provided by exim, postfix");
}

static void no_lists_are_an_empty_catalogue(void **state)
{
    (void)state;
    struct index *ix = build("");
    struct search_request q = { .query = S("a") };
    struct search_result found;
    struct str *names;
    size_t count;
    assert_int_equal(ix->names, 0);
    assert_int_equal(query_search(ix, &q, &found, &arena, NULL), OK);
    assert_int_equal(found.total, 0);
    assert_int_equal(query_names(ix, S(""), 10, &names, &count, &arena), OK);
    assert_int_equal(count, 0);
    assert_int_equal(index_find(ix, S("a")), NONE);
}

static void lists_are_read_where_there_is_no_status_file(void **state)
{
    (void)state;
    unlinkat(root.fd, STATUS_, 0);
    struct index *ix = build("Package: a\nVersion: 1\n\n");
    assert_int_equal(ix->names, 1);
    assert_int_equal(ix->overlay_meta->status_missing, 1);
    index_root_write(&root, STATUS_, S(""));
}

static void the_same_lists_make_the_same_bytes(void **state)
{
    (void)state;
    made_packages(&root, 300);
    assert_int_equal(index_root_build(&root), OK);
    struct buf first = buf_make(UINT32_MAX);
    buf_str(&first, buf_view(&root.out.catalogue));
    assert_int_equal(index_root_build(&root), OK);
    assert_true(str_eq(buf_view(&first), buf_view(&root.out.catalogue)));
    buf_free(&first);
}

static void every_version_of_many_packages_is_there(void **state)
{
    (void)state;
    made_packages(&root, 2000);
    assert_int_equal(index_root_build(&root), OK);
    const struct index *ix = &root.ix;
    uint32_t row = 0, first, end;
    for (uint32_t name = 0; name < ix->names; name++) {
        assert_int_equal(index_find(ix, index_name(ix, name)), name);
        index_versions(ix, name, &first, &end);
        assert_true(first == row && end > first);
        for (row = first; row < end; row++) {
            assert_true(deb_version_valid(version_at(ix, row), NULL));
            if (row == first) continue;
            const struct version_record *a = index_version(ix, row - 1),
                                        *b = index_version(ix, row);
            assert_true(a->arch < b->arch ||
                        (a->arch == b->arch &&
                         deb_version_cmp(version_at(ix, row - 1), version_at(ix, row)) >= 0));
        }
    }
    assert_int_equal(row, ix->versions);
    assert_true(ix->versions > 2500);
}

static int open_all(void **state)
{
    (void)state;
    index_root_make(&root);
    index_root_write(&root, STATUS_, S(""));
    index_root_write(&root, FOREIGN, S(""));
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
        cmocka_unit_test(a_record_is_kept_field_by_field),
        cmocka_unit_test(relations_keep_their_order_and_text),
        cmocka_unit_test(names_are_numbered_by_length_and_bytes),
        cmocka_unit_test(names_are_in_lower_case_as_dpkg_has_them),
        cmocka_unit_test(versions_are_native_first_and_newest_first),
        cmocka_unit_test(the_newest_summary_is_the_names_and_others_keep_theirs),
        cmocka_unit_test(a_bad_record_costs_itself_and_is_counted),
        cmocka_unit_test(lines_that_are_no_fields_and_fields_that_come_twice_are_counted),
        cmocka_unit_test(a_list_that_is_cut_off_keeps_what_came_before),
        cmocka_unit_test(a_summary_is_cut_between_characters),
        cmocka_unit_test(bytes_that_are_no_text_are_mended),
        cmocka_unit_test(numbers_out_of_range_are_held_in_it),
        cmocka_unit_test(a_virtual_package_names_its_providers),
        cmocka_unit_test(no_lists_are_an_empty_catalogue),
        cmocka_unit_test(lists_are_read_where_there_is_no_status_file),
        cmocka_unit_test(the_same_lists_make_the_same_bytes),
        cmocka_unit_test(every_version_of_many_packages_is_there),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
