#include "test.h"

#include "../made_packages.h"

#include "pkg/longtext.h"
#include "pkg/query.h"

enum { PACKAGES = 60 };

static struct index_root root;
static struct arena arena;

static const char list[] =
    "Package: apple\nVersion: 2\nArchitecture: amd64\nDescription: a fruit\n\n"
    "Package: apple\nVersion: 1\nArchitecture: amd64\nDescription: a fruit\n\n"
    "Package: pear\nVersion: 1\nArchitecture: amd64\nDescription: another\n\n"
    "Package: plum\nVersion: 3\nArchitecture: all\nDescription: a third\n\n";
static const char foreign[] =
    "Package: pear\nVersion: 7\nArchitecture: i386\nDescription: another\n\n";
static const char status[] =
    "Package: apple\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
    "Description: a fruit\n\n"
    "Package: pear\nStatus: install ok installed\nArchitecture: i386\nVersion: 7\n"
    "Description: another\n\n"
    "Package: own\nStatus: install ok installed\nArchitecture: all\nVersion: 0.1\nHomepage: h\n"
    "Depends: apple, pear\nDescription: nowhere on offer\n Its text.\n .\n More.\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n";

static void build(void)
{
    index_root_write(&root, MAIN, str_of(list));
    index_root_write(&root, FOREIGN, str_of(foreign));
    index_root_write(&root, STATUS_, str_of(status));
    index_root_write(&root, EXTENDED, S("Package: own\nAuto-Installed: 1\n\n"));
    arena_reset(&arena, 1 << 20);
    assert_int_equal(index_root_build(&root), OK);
}

static void assert_str(struct str s, const char *expected)
{
    if (str_eq(s, str_of(expected))) return;
    fail_msg("\"%.*s\", not \"%s\"", STR_ARG(s), expected);
}

/* A copy that may be damaged, aligned as a map is. */
static struct str copy(struct str s)
{
    void *at = NULL;
    assert_int_equal(posix_memalign(&at, 64, s.len + 64), 0);
    memcpy(at, s.at, s.len);
    return (struct str){ at, s.len };
}

static void drop(struct str s)
{
    free((void *)(uintptr_t)s.at);
}

static enum err open_catalogue(struct str bytes, bool whole)
{
    struct index_file f;
    return index_file_open(&f, bytes, KIND_CATALOGUE, whole, NULL);
}

static void a_changed_byte_never_goes_unnoticed(void **state)
{
    (void)state;
    build();
    const struct buf *files[] = { &root.out.catalogue, &root.out.overlay, &root.out.text };
    for (size_t k = 0; k < 3; k++) {
        struct str bytes = copy(buf_view(files[k]));
        char *at = (char *)(uintptr_t)bytes.at;
        struct index_file f;
        enum format_kind kind = (enum format_kind)(KIND_CATALOGUE + k);
        size_t step = bytes.len > 20000 ? 7 : 1; /* tables of zeros */
        for (size_t i = 0; i < bytes.len; i += i < sizeof(struct format_header) ? 1 : step) {
            at[i] = (char)(at[i] ^ 1 << i % 8);
            assert_int_equal(index_file_open(&f, bytes, kind, true, NULL), ERR_DAMAGED);
            at[i] = (char)(at[i] ^ 1 << i % 8);
        }
        assert_int_equal(index_file_open(&f, bytes, kind, true, NULL), OK);
        drop(bytes);
    }
}

static void a_file_that_is_cut_or_has_grown_is_refused(void **state)
{
    (void)state;
    build();
    struct str bytes = copy(buf_view(&root.out.catalogue));
    for (size_t n = 0; n < bytes.len; n += n < 2000 ? 1 : 61)
        assert_int_equal(open_catalogue(str_head(bytes, n), false), ERR_DAMAGED);
    assert_int_equal(open_catalogue((struct str){ bytes.at, bytes.len + 1 }, false), ERR_DAMAGED);
    assert_int_equal(open_catalogue(STR_NONE, false), ERR_DAMAGED);
    drop(bytes);
}

static void a_file_of_another_kind_version_or_byte_order_is_refused(void **state)
{
    (void)state;
    build();
    struct str bytes = copy(buf_view(&root.out.catalogue));
    struct format_header *h = (struct format_header *)(uintptr_t)bytes.at, good = *h;
    struct index_file f;
    assert_int_equal(index_file_open(&f, bytes, KIND_OVERLAY, false, NULL), ERR_DAMAGED);
    h->version--;
    assert_int_equal(open_catalogue(bytes, false), ERR_DAMAGED);
    *h = good;
    h->magic = __builtin_bswap64(h->magic);
    assert_int_equal(open_catalogue(bytes, false), ERR_DAMAGED);
    *h = good;
    assert_int_equal(open_catalogue(bytes, false), OK);
    drop(bytes);
}

static void a_section_outside_the_file_is_refused(void **state)
{
    (void)state;
    build();
    struct str bytes = copy(buf_view(&root.out.catalogue));
    struct format_header *h = (struct format_header *)(uintptr_t)bytes.at;
    for (size_t s = 0; s < SECTION_COUNT; s++) {
        const struct format_section good = h->section[s];
        const struct format_section bad[] = { { h->size + 64, 0 },     { 0, h->size + 1 },
                                              { h->size & ~63u, 65 },  { UINT64_MAX & ~63u, 64 },
                                              { 64, UINT64_MAX - 32 }, { good.at + 8, 0 } };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            h->section[s] = bad[i];
            assert_int_equal(open_catalogue(bytes, false), ERR_DAMAGED);
        }
        h->section[s] = good;
    }
    assert_int_equal(open_catalogue(bytes, true), OK);
    drop(bytes);
}

static void an_overlay_goes_with_its_own_catalogue_alone(void **state)
{
    struct index ix;
    (void)state;
    build();
    struct str overlay = copy(buf_view(&root.out.overlay)), text = copy(buf_view(&root.out.text));
    index_root_write(&root, MAIN, S("Package: other\nVersion: 1\n\n"));
    assert_int_equal(index_root_build(&root), OK);
    assert_int_equal(index_open(&ix, buf_view(&root.out.catalogue), overlay, true, NULL),
                     ERR_CONFLICT);
    assert_int_equal(index_text_open(&root.ix, text, true, NULL), ERR_CONFLICT);
    drop(overlay);
    drop(text);
}

static void rows_past_the_end_are_empty(void **state)
{
    uint32_t first, end, package;
    struct str one;
    (void)state;
    build();
    const struct index *ix = &root.ix;
    static const uint32_t far[] = { 1000, NONE - 1, NONE };
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        assert_int_equal(index_name(ix, far[i]).len, 0);
        assert_int_equal(index_summary(ix, far[i]).len, 0);
        assert_int_equal(index_string(ix, NONE - (uint32_t)i).len, 0);
        assert_int_equal(index_version(ix, far[i])->version, 0);
        assert_int_equal(index_file_row(ix, far[i])->repo, 0);
        assert_int_equal(index_package(ix, far[i])->row, NONE);
        assert_int_equal(index_extra(ix, far[i])->name, 0);
        assert_int_equal(file_u32(&ix->catalogue, SECTION_FIRST, far[i]), NONE);
        index_versions(ix, far[i], &first, &end);
        assert_int_equal(first, end);
        struct relation_walk w = index_relations(ix, far[i]);
        assert_false(index_relation_next(ix, &w, &one));
        assert_int_equal(index_candidate(ix, far[i], 0, &package), NONE);
    }
}

static void what_is_installed_is_known(void **state)
{
    (void)state;
    build();
    const struct index *ix = &root.ix;
    assert_true(any_installed(ix, index_find(ix, S("apple"))));
    assert_true(any_installed(ix, index_find(ix, S("pear"))));
    assert_false(any_installed(ix, index_find(ix, S("plum"))));
    assert_int_equal(index_installed(ix, index_find(ix, S("plum"))), NONE);
    const struct package_record *p =
        index_package(ix, index_installed(ix, index_find(ix, S("apple"))));
    assert_str(overlay_string(ix, p->version), "1");
    assert_int_equal(p->flags, PACKAGE_INSTALLED | PACKAGE_EXPLICIT | PACKAGE_UPDATE);
}

static void an_installed_package_that_is_on_offer_nowhere_is_an_extra(void **state)
{
    (void)state;
    build();
    const struct index *ix = &root.ix;
    assert_int_equal(ix->extras, 1);
    assert_int_equal(index_find(ix, S("own")), NONE);
    assert_int_equal(index_find_extra(ix, S("own")), 0);
    assert_int_equal(index_find_extra(ix, S("ow")), NONE);
    assert_str(any_name(ix, ix->names), "own");
    assert_str(any_summary(ix, ix->names), "nowhere on offer");
    assert_true(any_installed(ix, ix->names));
    const struct package_record *p = index_package(ix, index_installed(ix, ix->names));
    assert_int_equal(p->flags, PACKAGE_INSTALLED | PACKAGE_ORPHAN);
}

static void a_package_that_is_gone_is_not_installed(void **state)
{
    (void)state;
    build();
    assert_int_equal(index_find_extra(&root.ix, S("gone")), NONE);
    assert_int_equal(root.ix.overlay_meta->total, 3);
}

static struct detailed_package_info info(const char *package)
{
    struct info_request q = { .package = str_of(package) };
    struct detailed_package_info r;
    struct fault f = { "" };
    if (query_info(&root.ix, &q, &r, &arena, &f)) fail_msg("%s: %s", package, f.text);
    return r;
}

static void info_chooses_by_architecture_version_and_suite(void **state)
{
    (void)state;
    build();
    assert_str(info("apple").version, "2");
    assert_str(info("apple=1").version, "1");
    assert_str(info("apple:amd64=1").version, "1");
    assert_str(info("apple/stable").version, "2");
    assert_str(info("apple/thirteen").version, "2");
    assert_str(info("pear").version, "1");
    assert_str(info("pear:i386").version, "7");
    assert_str(info("pear:i386=7").version, "7");
    assert_str(info("plum:all").version, "3");
    assert_str(info("plum:native").version, "3");
}

static void info_of_an_extra_comes_from_this_machine(void **state)
{
    (void)state;
    build();
    struct detailed_package_info r = info("own");
    assert_str(r.version, "0.1");
    assert_str(r.description, "nowhere on offer\nIts text.\n\nMore.");
    assert_str(r.url, "h");
    assert_str(r.repo, "");
    assert_int_equal(r.depends.len, 2);
    assert_str(r.depends.at[1], "pear");
}

static void what_does_not_exist_is_said(void **state)
{
    static const char *const none[] = { "grape",       "apple=9",   "apple/other", "apple:i386",
                                        "apple:s390x", "",          "=1",          "/stable",
                                        ":amd64",      "own/stable" };
    struct detailed_package_info r;
    (void)state;
    build();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct info_request q = { .package = str_of(none[i]) };
        struct fault f = { "" };
        enum err e = query_info(&root.ix, &q, &r, &arena, &f);
        if (e != ERR_PACKAGE_NOT_FOUND || !f.text[0]) fail_msg("'%s': %d", none[i], (int)e);
    }
}

static void explicit_ones_are_listed_alphabetically(void **state)
{
    struct explicit_result r;
    (void)state;
    build();
    assert_int_equal(query_explicit(&root.ix, NULL, &r, &arena, NULL), OK);
    assert_int_equal(r.packages.len, 2);
    assert_str(r.packages.at[0], "apple");
    assert_str(r.packages.at[1], "pear:i386");
}

static void of_an_explicit_one_without_an_architecture_the_name_is_listed(void **state)
{
    struct explicit_result r;
    (void)state;
    build();
    index_root_write(&root, STATUS_,
                     S("Package: pear\nStatus: install ok installed\nVersion: 7\n"
                       "Architecture: amd64\n i386\n\n"));
    assert_int_equal(index_root_build(&root), OK);
    assert_int_equal(query_explicit(&root.ix, NULL, &r, &arena, NULL), OK);
    assert_int_equal(r.packages.len, 1);
    assert_str(r.packages.at[0], "pear");
}

static void status_counts(void **state)
{
    struct status_result r;
    (void)state;
    build();
    assert_int_equal(query_status(&root.ix, NULL, &r, &arena, NULL), OK);
    assert_int_equal(r.total_packages, 3);
    assert_int_equal(r.explicit_packages, 2);
    assert_int_equal(r.orphan_packages, 1);
    assert_int_equal(r.updates_available, 1);
}

static void a_pin_chooses_another_candidate(void **state)
{
    uint32_t package;
    (void)state;
    index_root_write(&root, "etc/apt/preferences",
                     S("Package: apple\nPin: version 1\nPin-Priority: 1001\n\n"
                       "Package: plum\nPin: version *\nPin-Priority: -1\n"));
    build();
    assert_int_equal(root.ix.overlay_meta->updates, 0);
    assert_int_equal(index_candidate(&root.ix, index_find(&root.ix, S("plum")), 0, &package), NONE);
    assert_int_equal(package, NONE);
    unlinkat(root.fd, "etc/apt/preferences", 0);
}

static void a_foreign_architecture_that_is_not_configured_gets_no_native_version(void **state)
{
    (void)state;
    index_root_write(&root, "var/lib/dpkg/arch", S("amd64\n"));
    build();
    assert_int_equal(root.ix.overlay_meta->updates, 1); /* apple's */
    assert_str(info("pear:amd64").version, "1");
    index_root_write(&root, STATUS_,
                     S("Package: apple\nStatus: install ok installed\nArchitecture: s390x\n"
                       "Version: 1\n\n"));
    assert_int_equal(index_root_build(&root), OK);
    assert_int_equal(root.ix.overlay_meta->updates, 0);
    index_root_write(&root, "var/lib/dpkg/arch", S("amd64\ni386\n"));
}

static void an_index_is_fresh_until_an_input_changes(void **state)
{
    (void)state;
    build();
    const struct index_file *catalogue = &root.ix.catalogue, *overlay = &root.ix.overlay;
    assert_true(build_fresh(catalogue, root.fd, false) && build_fresh(overlay, root.fd, false));
    index_root_write(&root, STATUS_, S(""));
    assert_true(build_fresh(catalogue, root.fd, false));
    assert_false(build_fresh(overlay, root.fd, false));
    index_root_write(&root, LISTS "contrib_binary-amd64_Packages", S(""));
    assert_false(build_fresh(catalogue, root.fd, false));
    unlinkat(root.fd, LISTS "contrib_binary-amd64_Packages", 0);
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
        cmocka_unit_test(a_changed_byte_never_goes_unnoticed),
        cmocka_unit_test(a_file_that_is_cut_or_has_grown_is_refused),
        cmocka_unit_test(a_file_of_another_kind_version_or_byte_order_is_refused),
        cmocka_unit_test(a_section_outside_the_file_is_refused),
        cmocka_unit_test(an_overlay_goes_with_its_own_catalogue_alone),
        cmocka_unit_test(rows_past_the_end_are_empty),
        cmocka_unit_test(what_is_installed_is_known),
        cmocka_unit_test(an_installed_package_that_is_on_offer_nowhere_is_an_extra),
        cmocka_unit_test(a_package_that_is_gone_is_not_installed),
        cmocka_unit_test(info_chooses_by_architecture_version_and_suite),
        cmocka_unit_test(info_of_an_extra_comes_from_this_machine),
        cmocka_unit_test(what_does_not_exist_is_said),
        cmocka_unit_test(explicit_ones_are_listed_alphabetically),
        cmocka_unit_test(of_an_explicit_one_without_an_architecture_the_name_is_listed),
        cmocka_unit_test(status_counts),
        cmocka_unit_test(a_pin_chooses_another_candidate),
        cmocka_unit_test(a_foreign_architecture_that_is_not_configured_gets_no_native_version),
        cmocka_unit_test(an_index_is_fresh_until_an_input_changes),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
