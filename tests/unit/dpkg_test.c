#include "package_root.h"

#define RECORD(name, status, arch, version)                                                        \
    "Package: " name "\nStatus: " status "\nArchitecture: " arch "\nVersion: " version "\n"
#define INSTALLED "install ok installed"

static struct package_root root;

static int root_begin(void **state)
{
    (void)state;
    root_make(&root);
    root_write(&root, APT_CONF,
               "APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; \"i386\"; };\n");
    return 0;
}

static int root_end(void **state)
{
    (void)state;
    root_free(&root);
    return 0;
}

static void read_status(const char *text)
{
    root_write(&root, STATUS, text);
    assert_int_equal(root_read(&root), OK);
}

static void every_field_arrives(void **state)
{
    (void)state;
    read_status(
        RECORD("a", INSTALLED, "amd64",
               "1:2-3") "Source: s (4)\nSection: net\n"
                        "Priority: optional\nInstalled-Size: 123\nDepends: b\nPre-Depends: c\n"
                        "Recommends: d\nSuggests: e\nProvides: f\nMulti-Arch: same\nHomepage: h\n"
                        "Essential: yes\nProtected: yes\nDescription: short\n long\n");
    struct dpkg_package *p = root_find(&root, "a", "amd64");
    assert_non_null(p);
    assert_str(p->version, "1:2-3");
    assert_str(p->source, "s");
    assert_str(p->source_version, "4");
    assert_str(p->section, "net");
    assert_str(p->priority, "optional");
    assert_int_equal(p->installed_kib, 123);
    assert_str(p->depends, "b");
    assert_str(p->pre_depends, "c");
    assert_str(p->recommends, "d");
    assert_str(p->suggests, "e");
    assert_str(p->provides, "f");
    assert_str(p->multi_arch, "same");
    assert_str(p->homepage, "h");
    assert_str(p->description, "short\n long");
    assert_true(p->essential && p->important && p->installed && p->unpacked);
    assert_false(p->hold || p->automatic || p->broken);
}

static void without_source_a_package_is_its_own(void **state)
{
    (void)state;
    read_status(RECORD("a", INSTALLED, "amd64", "1"));
    assert_str(root_find(&root, "a", NULL)->source, "a");
    assert_str(root_find(&root, "a", NULL)->source_version, "1");
}

static void the_state_says_what_is_on_disk(void **state)
{
    static const struct {
        const char *word;
        int installed, unpacked, broken;
    } rows[] = {
        { "installed", 1, 1, 0 },        { "half-installed", 0, 1, 1 },
        { "unpacked", 0, 1, 1 },         { "half-configured", 0, 1, 1 },
        { "triggers-awaited", 0, 1, 1 }, { "triggers-pending", 0, 1, 1 },
        { "config-files", 0, 0, 0 },     { "not-installed", 0, 0, 0 },
    };
    (void)state;
    FILE *f = root_open(&root, STATUS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(f, "Package: %s\nStatus: install ok %s\nArchitecture: all\nVersion: 1\n\n",
                rows[i].word, rows[i].word);
    fclose(f);
    assert_int_equal(root_read(&root), OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dpkg_package *p = root_find(&root, rows[i].word, "all");
        assert_int_equal(p->installed, rows[i].installed);
        assert_int_equal(p->unpacked, rows[i].unpacked);
        assert_int_equal(p->broken, rows[i].broken);
    }
}

static void a_hold_and_a_needed_reinstallation_are_seen(void **state)
{
    (void)state;
    read_status(RECORD("a", "hold reinstreq installed", "amd64", "1"));
    assert_true(root_find(&root, "a", NULL)->hold);
    assert_true(root_find(&root, "a", NULL)->broken);
}

static void packages_are_sorted_native_first(void **state)
{
    static const char *const order[] = { "a", "amd64", "b", "amd64", "b", "arm64", "b", "i386" };
    (void)state;
    read_status(
        RECORD("b", INSTALLED, "i386", "1") "\n" RECORD("b", INSTALLED, "arm64", "1") "\n" RECORD(
            "a", INSTALLED, "amd64", "1") "\n" RECORD("b", INSTALLED, "amd64", "1"));
    assert_int_equal(root.world.len, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_str(root.world.at[i].name, order[2 * i]);
        assert_str(root.world.at[i].arch, order[2 * i + 1]);
    }
}

static void of_two_records_the_last_counts(void **state)
{
    (void)state;
    read_status(RECORD("a", INSTALLED, "amd64", "1") "\n" RECORD("a", INSTALLED, "amd64", "2"));
    assert_int_equal(root.world.len, 1);
    assert_str(root.world.at[0].version, "2");
    assert_true(root_noted(&root, "several records"));
}

static void the_journal_replaces_records(void **state)
{
    (void)state;
    root_write(&root, "var/lib/dpkg/updates/0000", RECORD("a", INSTALLED, "amd64", "2"));
    root_write(&root, "var/lib/dpkg/updates/0001", RECORD("a", INSTALLED, "amd64", "3"));
    root_write(&root, "var/lib/dpkg/updates/tmp.i", RECORD("a", INSTALLED, "amd64", "4"));
    read_status(RECORD("a", INSTALLED, "amd64", "1"));
    assert_int_equal(root.world.len, 1);
    assert_str(root.world.at[0].version, "3");
    assert_int_equal(root.in.notes_len, 0);
}

static void the_journal_may_change_the_architecture(void **state)
{
    (void)state;
    root_write(&root, "var/lib/dpkg/updates/0000", RECORD("a", INSTALLED, "all", "2"));
    read_status(RECORD("a", INSTALLED, "amd64", "1"));
    assert_int_equal(root.world.len, 1);
    assert_str(root.world.at[0].arch, "all");
}

static void extended_states_mark_by_architecture(void **state)
{
    (void)state;
    root_write(&root, EXTENDED_STATES,
               "Package: a\nArchitecture: i386\nAuto-Installed: 1\n\n"
               "Package: c\nArchitecture: amd64\nAuto-Installed: 1\n\n"
               "Package: d\nArchitecture: amd64\nAuto-Installed: 0\n");
    read_status(
        RECORD("a", INSTALLED, "amd64", "1") "\n" RECORD("a", INSTALLED, "i386", "1") "\n" RECORD(
            "c", INSTALLED, "all", "1") "\n" RECORD("d", INSTALLED, "amd64", "1"));
    assert_false(root_find(&root, "a", "amd64")->automatic);
    assert_true(root_find(&root, "a", "i386")->automatic);
    assert_true(root_find(&root, "c", "all")->automatic);
    assert_false(root_find(&root, "d", "amd64")->automatic);
}

static void without_architecture_they_mark_every_one(void **state)
{
    (void)state;
    root_write(&root, EXTENDED_STATES, "Package: a\nAuto-Installed: 1\n");
    read_status(RECORD("a", INSTALLED, "amd64", "1") "\n" RECORD("a", INSTALLED, "i386", "1"));
    assert_true(root_find(&root, "a", "amd64")->automatic);
    assert_true(root_find(&root, "a", "i386")->automatic);
}

static void unusable_records_cost_only_themselves(void **state)
{
    (void)state;
    read_status("Status: " INSTALLED "\n\n" RECORD("-bad", INSTALLED, "amd64", "1") "\n" RECORD(
        "void", INSTALLED, "amd64",
        "") "\n" RECORD("space", INSTALLED, "amd64",
                        "1 2") "\n" RECORD("strange", "install ok dancing", "amd64",
                                           "1") "\n" RECORD("good", INSTALLED, "amd64", "1"));
    assert_int_equal(root.world.len, 2);
    assert_true(root_find(&root, "good", NULL)->installed);
    assert_false(root_find(&root, "strange", NULL)->installed);
    assert_true(root_noted(&root, "without a package name"));
    assert_true(root_noted(&root, "\"-bad\""));
    assert_true(root_noted(&root, "\"void\""));
    assert_true(root_noted(&root, "\"space\""));
    assert_true(root_noted(&root, "\"strange\""));
}

static void a_version_that_dpkg_warns_of_is_kept(void **state)
{
    (void)state;
    read_status(RECORD("a", INSTALLED, "amd64", "1.0_x"));
    assert_str(root_find(&root, "a", NULL)->version, "1.0_x");
    assert_true(root_noted(&root, "dpkg warns of"));
}

/* As dpkg's audit counts them, which shows such text as it stands. */
static void an_architecture_that_is_not_valid_is_none_and_broken(void **state)
{
    static const struct {
        const char *name, *field, *arch;
    } rows[] = {
        { "a", "", "" },
        { "b", " ", "" },
        { "c", "\n 4", "" },
        { "d", " amd64\n i386", "" },
        { "e", " a b", "" },
        { "f", " 4_4", "" },
        { "g", " -a", "" },
        { "h", " \xC3\xA4", "" },
        { "i", " 4 ", "4" },
        { "j", " kfreebsd-amd64", "kfreebsd-amd64" },
        { "k", " AMD64", "AMD64" },
    };
    (void)state;
    FILE *f = root_open(&root, STATUS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(f, "Package: %s\nStatus: " INSTALLED "\nVersion: 1\nArchitecture:%s\n\n",
                rows[i].name, rows[i].field);
    fclose(f);
    assert_int_equal(root_read(&root), OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dpkg_package *p = root_find(&root, rows[i].name, NULL);
        assert_str(p->arch, rows[i].arch);
        assert_int_equal(p->broken, !*rows[i].arch);
    }
    assert_true(root_noted(&root, "no architecture"));
    assert_int_equal(root.in.notes_len, 1);
}

static void names_are_in_lower_case(void **state)
{
    (void)state;
    read_status(RECORD("BiG", INSTALLED, "amd64", "1"));
    assert_non_null(root_find(&root, "big", NULL));
}

static void damaged_bytes_are_replaced(void **state)
{
    (void)state;
    read_status(RECORD("a", INSTALLED, "amd64", "1") "Description: x\xFFy\xC3\xA4\n");
    assert_str(root_find(&root, "a", NULL)->description, "x\xEF\xBF\xBDy\xC3\xA4");
}

static void a_size_may_have_a_unit(void **state)
{
    (void)state;
    read_status(RECORD("a", INSTALLED, "amd64", "1") "Installed-Size: 4KB\n");
    assert_int_equal(root_find(&root, "a", NULL)->installed_kib, 4);
}

static void no_status_file_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(root_read(&root), ERR_NOT_FOUND);
    assert_int_equal(root.in.notes_len, 1);
}

static void an_empty_status_file_has_no_packages(void **state)
{
    (void)state;
    read_status("");
    assert_int_equal(root.world.len, 0);
}

static void the_native_architecture_is_the_configured_one(void **state)
{
    (void)state;
    read_status("");
    assert_str(root.world.archs.at[0], "amd64");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, root_begin, root_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_arrives),
        TEST(without_source_a_package_is_its_own),
        TEST(the_state_says_what_is_on_disk),
        TEST(a_hold_and_a_needed_reinstallation_are_seen),
        TEST(packages_are_sorted_native_first),
        TEST(of_two_records_the_last_counts),
        TEST(the_journal_replaces_records),
        TEST(the_journal_may_change_the_architecture),
        TEST(extended_states_mark_by_architecture),
        TEST(without_architecture_they_mark_every_one),
        TEST(unusable_records_cost_only_themselves),
        TEST(a_version_that_dpkg_warns_of_is_kept),
        TEST(an_architecture_that_is_not_valid_is_none_and_broken),
        TEST(names_are_in_lower_case),
        TEST(damaged_bytes_are_replaced),
        TEST(a_size_may_have_a_unit),
        TEST(no_status_file_is_an_error),
        TEST(an_empty_status_file_has_no_packages),
        TEST(the_native_architecture_is_the_configured_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
