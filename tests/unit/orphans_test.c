/* Each rule of apt's for itself, in a world of few packages: "root" was asked for by hand, every
 * other package came along. */
#include "package_root.h"

#include <time.h>

#define PACKAGE(name, fields)                                                                      \
    "Package: " name "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n" fields "\n"
#define FOREIGN(name, fields)                                                                      \
    "Package: " name "\nStatus: install ok installed\nArchitecture: i386\nVersion: 1\n" fields "\n"

static struct package_root root;

static int root_begin(void **state)
{
    (void)state;
    root_make(&root);
    return 0;
}

static int root_end(void **state)
{
    (void)state;
    root_free(&root);
    return 0;
}

static void mark(const char *conf, const char *kernel)
{
    FILE *f = root_open(&root, APT_CONF);
    fprintf(f, "APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; \"i386\"; };\n%s",
            conf);
    fclose(f);
    assert_int_equal(root_read(&root), OK);
    for (size_t i = 0; i < root.world.len; i++)
        root.world.at[i].automatic = !str_eq(root.world.at[i].name, S("root"));
    assert_int_equal(orphans_mark(&root.world, &root.conf, str_of(kernel), &root.in), OK);
}

/* The orphans of this world, with a blank behind each. */
static void assert_orphans(const char *conf, const char *kernel, const char *packages,
                           const char *expected)
{
    char got[512] = "";
    size_t n = 0;
    root_write(&root, STATUS, packages);
    mark(conf, kernel);
    for (size_t i = 0; i < root.world.len; i++)
        if (root.world.at[i].orphan)
            n += (size_t)snprintf(got + n, sizeof got - n, "%.*s ", STR_ARG(root.world.at[i].name));
    assert_string_equal(got, expected);
}

static void what_nobody_needs_is_an_orphan(void **state)
{
    (void)state;
    assert_orphans("", "", PACKAGE("root", "Depends: a\n") PACKAGE("a", "") PACKAGE("b", ""), "b ");
}

static void every_kind_of_relation_is_followed(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Pre-Depends: a\nDepends: b\nRecommends: c\nSuggests: d\n"
                                   "Enhances: e\n") PACKAGE("a", "") PACKAGE("b", "")
                       PACKAGE("c", "") PACKAGE("d", "") PACKAGE("e", ""),
                   "e ");
}

static void recommends_and_suggests_may_be_unimportant(void **state)
{
    (void)state;
    assert_orphans(
        "APT::AutoRemove::RecommendsImportant \"false\";\n"
        "APT::AutoRemove::SuggestsImportant \"false\";\n",
        "", PACKAGE("root", "Recommends: c\nSuggests: d\n") PACKAGE("c", "") PACKAGE("d", ""),
        "c d ");
}

static void every_alternative_is_followed(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Depends: a | b, c | none\n") PACKAGE("a", "") PACKAGE("b", "")
                       PACKAGE("c", ""),
                   "");
}

static void a_version_that_does_not_fit_is_not_followed(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Recommends: a (>= 2), b (<= 1), c (<< 1) | c (>> 1)\n")
                       PACKAGE("a", "") PACKAGE("b", "") PACKAGE("c", ""),
                   "a c ");
}

static void providers_are_followed(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Depends: v\nRecommends: w (= 2)\n")
                       PACKAGE("a", "Provides: v\n") PACKAGE("b", "Provides: x, w (= 2)\n")
                           PACKAGE("c", "Provides: w\n") PACKAGE("d", "Provides: w (= 3)\n"),
                   "c d ");
}

static void of_one_source_only_the_newest_provider_counts(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Depends: v\n") PACKAGE("a", "Provides: v\nSource: s (1)\n")
                       PACKAGE("b", "Provides: v\nSource: s (2)\n")
                           PACKAGE("c", "Provides: v\nSource: s (2)\n")
                               PACKAGE("d", "Provides: v\nSource: t (1)\n"),
                   "a ");
}

static void circles_and_chains_end(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Depends: a\n") PACKAGE("a", "Depends: b\n")
                       PACKAGE("b", "Depends: a, b\n") PACKAGE("c", "Depends: d\n")
                           PACKAGE("d", "Depends: c\n"),
                   "c d ");
}

static void some_packages_are_their_own_reason(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("a", "Essential: yes\n") PACKAGE("b", "Protected: yes\n")
                       PACKAGE("c", "Important: yes\n") PACKAGE("d", "Priority: required\n")
                           PACKAGE("e", "Priority: important\n") PACKAGE("apt", ""),
                   "e ");
}

static void held_packages_stay(void **state)
{
    static const char held[] =
        "Package: a\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1\n\n";
    (void)state;
    assert_orphans("", "", held, "");
    assert_orphans("APT::Ignore-Hold \"true\";\n", "", held, "a ");
}

static void never_auto_remove_names_reasons(void **state)
{
    (void)state;
    assert_orphans("APT::NeverAutoRemove { \"^FIRM.*x$\"; \"(\"; \"[0-9]b|q\"; };\n", "",
                   PACKAGE("firmware-x", "Depends: a\n") PACKAGE("firmware-y", "") PACKAGE("a", "")
                       PACKAGE("c1b2", "") PACKAGE("c", ""),
                   "c firmware-y ");
    assert_true(root_noted(&root, "not valid"));
}

static void configuration_files_alone_are_no_package(void **state)
{
    (void)state;
    assert_orphans("", "",
                   "Package: a\nStatus: deinstall ok config-files\nArchitecture: amd64\n"
                   "Version: 1\n\n" PACKAGE("root", "Depends: a | b\n") PACKAGE("b", ""),
                   "");
}

#define KERNEL(release, version)                                                                   \
    "Package: linux-image-" release "\nStatus: install ok installed\nArchitecture: amd64\n"        \
    "Version: " version "\n\n"
#define KERNELS "APT::VersionedKernelPackages { \"linux-.*\"; \".*-modules\"; };\n"

static void the_running_and_the_newest_kernel_stay(void **state)
{
    (void)state;
    assert_orphans(KERNELS, "6.1.0-1-amd64",
                   KERNEL("6.1.0-1-amd64", "1") KERNEL("6.1.0-2-amd64", "2")
                       KERNEL("6.1.0-3-amd64", "3") PACKAGE("zfs-modules-6.1.0-1-amd64", "")
                           PACKAGE("zfs-modules-6.1.0-2-amd64", ""),
                   "linux-image-6.1.0-2-amd64 zfs-modules-6.1.0-2-amd64 ");
}

static void two_kernels_stay_where_none_runs(void **state)
{
    (void)state;
    assert_orphans(KERNELS, "",
                   KERNEL("6.1.0-1-amd64", "1") KERNEL("6.1.0-2-amd64", "2")
                       KERNEL("6.1.0-10-amd64", "10"),
                   "linux-image-6.1.0-1-amd64 ");
}

static void newer_versions_of_apt_count_kernels_as_told(void **state)
{
    static const char kernels[] =
        KERNEL("6.1.0-1-amd64", "1") KERNEL("6.1.0-2-amd64", "2") KERNEL("6.1.0-3-amd64", "3")
            KERNEL("6.1.0-4-amd64", "4") "Package: apt\nStatus: install ok "
                                         "installed\nArchitecture: amd64\nVersion: 3.0\n\n";
    (void)state;
    assert_orphans(KERNELS "APT::NeverAutoRemove::KernelCount \"3\";\n", "", kernels,
                   "linux-image-6.1.0-1-amd64 ");
}

static void kernels_need_not_be_protected(void **state)
{
    (void)state;
    assert_orphans(KERNELS "APT::Protect-Kernels \"false\";\n", "6.1.0-1-amd64",
                   KERNEL("6.1.0-1-amd64", "1"), "linux-image-6.1.0-1-amd64 ");
}

static void the_architecture_of_a_dependency_is_ones_own(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Recommends: a, b, c\n") FOREIGN("a", "")
                       FOREIGN("b", "Multi-Arch: foreign\n") FOREIGN("c", "Multi-Arch: allowed\n"),
                   "a c ");
}

static void any_asks_for_packages_that_allow_it(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Recommends: a:any, b:any, c:any\n") FOREIGN("a", "")
                       FOREIGN("b", "Multi-Arch: foreign\n") FOREIGN("c", "Multi-Arch: allowed\n"),
                   "a b ");
}

static void a_named_architecture_is_asked_for(void **state)
{
    (void)state;
    assert_orphans("", "",
                   PACKAGE("root", "Recommends: a:i386, b:native, c:amd64, v:i386\n")
                       FOREIGN("a", "") PACKAGE("b", "") FOREIGN("c", "")
                           FOREIGN("d", "Provides: v\n"),
                   "c ");
}

/* A thousand ask for what a thousand provide in a version that none wants. */
static void a_made_up_tangle_is_given_up(void **state)
{
    (void)state;
    FILE *f = root_open(&root, STATUS);
    for (unsigned i = 0; i < 6000; i++)
        fprintf(f, PACKAGE("p%u", "Provides: v (= 1)\nRecommends: v (>= 2.%u), p%u\n"), i, i,
                i + 1);
    fputs(PACKAGE("root", "Depends: p0\n") PACKAGE("z", ""), f);
    fclose(f);
    clock_t before = clock();
    mark("", "");
    assert_true(clock() - before < 20 * CLOCKS_PER_SEC);
    assert_true(root_noted(&root, "too many to follow"));
    assert_false(root_find(&root, "z", NULL)->orphan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, root_begin, root_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_nobody_needs_is_an_orphan),
        TEST(every_kind_of_relation_is_followed),
        TEST(recommends_and_suggests_may_be_unimportant),
        TEST(every_alternative_is_followed),
        TEST(a_version_that_does_not_fit_is_not_followed),
        TEST(providers_are_followed),
        TEST(of_one_source_only_the_newest_provider_counts),
        TEST(circles_and_chains_end),
        TEST(some_packages_are_their_own_reason),
        TEST(held_packages_stay),
        TEST(never_auto_remove_names_reasons),
        TEST(configuration_files_alone_are_no_package),
        TEST(the_running_and_the_newest_kernel_stay),
        TEST(two_kernels_stay_where_none_runs),
        TEST(newer_versions_of_apt_count_kernels_as_told),
        TEST(kernels_need_not_be_protected),
        TEST(the_architecture_of_a_dependency_is_ones_own),
        TEST(any_asks_for_packages_that_allow_it),
        TEST(a_named_architecture_is_asked_for),
        TEST(a_made_up_tangle_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
