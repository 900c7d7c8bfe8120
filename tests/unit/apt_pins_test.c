/* apt_preferences(5): the priorities of whole lists and the pins of single versions. */
#include "package_root.h"

static struct package_root r;
static struct apt_pins pins;

/* Three lists to pin. */
static struct apt_file lists[3];
static struct apt_files files = { lists, 3 };
enum { STABLE, BACKPORTS, LOCAL };

static int begin(void **state)
{
    (void)state;
    root_make(&r);
    lists[STABLE] = (struct apt_file){
        .site = S("deb.example.org"),
        .archive = S("stable"),
        .codename = S("bookworm"),
        .version = S("12.5"),
        .origin = S("Debian"),
        .label = S("Debian"),
        .component = S("main"),
        .arch = S("amd64"),
    };
    lists[BACKPORTS] = lists[STABLE];
    lists[BACKPORTS].archive = S("stable-backports");
    lists[BACKPORTS].codename = S("bookworm-backports");
    lists[BACKPORTS].version = STR_NONE;
    lists[BACKPORTS].not_automatic = lists[BACKPORTS].automatic_upgrades = 1;
    lists[LOCAL] = (struct apt_file){ .site = S("") };
    return 0;
}

static int end(void **state)
{
    (void)state;
    root_free(&r);
    return 0;
}

static void read_pins(const char *text)
{
    root_write(&r, "etc/apt/preferences", text);
    assert_int_equal(apt_conf_read(&r.in, &r.conf), OK);
    assert_int_equal(apt_pins_read(&r.in, &r.conf, &pins), OK);
    apt_pins_apply(&pins, &r.conf, &files);
}

static void assert_priorities(int stable, int backports, int local)
{
    assert_int_equal(lists[STABLE].priority, stable);
    assert_int_equal(lists[BACKPORTS].priority, backports);
    assert_int_equal(lists[LOCAL].priority, local);
}

/* Whether one general pin with this data takes a list. */
static bool takes(const char *data, int list)
{
    char text[256];
    snprintf(text, sizeof text, "Package: *\nPin: %s\nPin-Priority: 42\n", data);
    read_pins(text);
    return lists[list].priority == 42;
}

/* The priority that pins for these names give foo, of source foo-src, in version 1.2-3 for amd64
 * from stable; 0 for none. */
static int pin_of(const char *names, const char *data)
{
    char text[256];
    int32_t priority = 0;
    snprintf(text, sizeof text, "Package: %s\nPin: %s\nPin-Priority: 77\n", names, data);
    read_pins(text);
    apt_pins_version(&pins, S("foo"), S("amd64"), S("amd64"), S("foo-src"), S("1.2-3"),
                     &lists[STABLE], &priority);
    return priority;
}

static void without_pins_the_flags_decide(void **state)
{
    (void)state;
    read_pins("");
    assert_priorities(500, 100, 500);
    lists[BACKPORTS].automatic_upgrades = 0;
    apt_pins_apply(&pins, &r.conf, &files);
    assert_priorities(500, 1, 500);
    assert_false(apt_pins_specific(&pins));
    assert_int_equal(apt_pins_status(&pins, &r.conf, &files), 100);
}

static void release_expressions_ask_for_all_their_parts(void **state)
{
    (void)state;
    assert_true(takes("release a=stable", STABLE));
    assert_true(takes("release o=Debian, n=bookworm,c=main ,b=amd64", STABLE));
    assert_false(takes("release o=Debian, n=trixie", STABLE));
    assert_false(takes("release a=stable", LOCAL));
    assert_true(takes("release l=debian", STABLE));
}

static void a_bare_release_is_a_suite_a_codename_or_a_version(void **state)
{
    (void)state;
    assert_true(takes("release stable", STABLE));
    assert_true(takes("release bookworm", STABLE));
    assert_false(takes("release 12", STABLE));
    assert_true(takes("release 12*", STABLE));
    assert_true(takes("release v=12.5", STABLE));
    assert_false(takes("release v=12.5", BACKPORTS));
}

static void expressions_may_be_globs_and_regular(void **state)
{
    (void)state;
    assert_true(takes("release a=stable-*", BACKPORTS));
    assert_false(takes("release a=stable-*", STABLE));
    assert_true(takes("release n=/^book/", STABLE));
    assert_false(takes("release n=/(/", STABLE));
    assert_true(takes("release *", LOCAL));
}

static void an_origin_is_a_site(void **state)
{
    (void)state;
    assert_true(takes("origin deb.example.org", STABLE));
    assert_true(takes("origin \"deb.example.org\"", STABLE));
    assert_true(takes("origin *.example.org", STABLE));
    assert_false(takes("origin \"\"", STABLE));
    assert_true(takes("origin \"\"", LOCAL));
}

static void the_first_pin_that_fits_counts(void **state)
{
    (void)state;
    read_pins("Package: *\nPin: release a=stable\nPin-Priority: 700\n\n"
              "Package: *\nPin: release o=Debian\nPin-Priority: 800\n");
    assert_priorities(700, 800, 500);
}

static void never_counts_wherever_it_stands(void **state)
{
    (void)state;
    read_pins("Package: *\nPin: release a=stable\nPin-Priority: 700\n\n"
              "Package: *\nPin: release o=Debian\nPin-Priority: never\n");
    assert_priorities(APT_NEVER, APT_NEVER, 500);
}

static void the_default_release_comes_first(void **state)
{
    (void)state;
    root_write(&r, APT_CONF, "APT::Default-Release \"bookworm*\";");
    read_pins("Package: *\nPin: release o=Debian\nPin-Priority: 300\n");
    assert_priorities(990, 990, 500);
}

static void an_unknown_default_release_counts_for_nothing(void **state)
{
    (void)state;
    root_write(&r, APT_CONF, "APT::Default-Release \"sid\";");
    read_pins("");
    assert_priorities(500, 100, 500);
}

static void preferences_come_before_their_parts(void **state)
{
    (void)state;
    root_write(&r, "etc/apt/preferences.d/a.pref",
               "Package: *\nPin: release *\nPin-Priority: 10\n");
    root_write(&r, "etc/apt/preferences.d/b.disabled",
               "Package: *\nPin: release *\nPin-Priority: 20\n");
    read_pins("Package: *\nPin: release a=stable\nPin-Priority: 700\n");
    assert_priorities(700, 10, 10);
}

static void malformed_pins_are_noted_and_left_out(void **state)
{
    (void)state;
    read_pins("Pin: release *\nPin-Priority: 1\n\nPackage: *\nPin: release *\nPin-Priority: 0\n\n"
              "Package: *\nPin: version 1\nPin-Priority: 1\n\nPackage: *\nPin-Priority: 1\n\n"
              "Package: *\nPin: release *\nPin-Priority: 40000\n\n"
              "Package: x\nPin: release *\nPin-Priority: never\n");
    assert_int_equal(pins.len, 0);
    assert_int_equal(r.in.notes_len, 6);
}

static void the_status_file_is_pinned_as_now(void **state)
{
    (void)state;
    read_pins("Package: *\nPin: release a=now\nPin-Priority: 1001\n");
    assert_int_equal(apt_pins_status(&pins, &r.conf, &files), 1001);
    assert_priorities(500, 100, 500);
}

static void names_are_matched_whole(void **state)
{
    (void)state;
    assert_int_equal(pin_of("foo", "release a=stable"), 77);
    assert_int_equal(pin_of("foo-bar", "release a=stable"), 0);
    assert_int_equal(pin_of("bar foo", "release a=stable"), 77);
    assert_true(apt_pins_specific(&pins));
}

static void names_may_be_expressions(void **state)
{
    (void)state;
    assert_int_equal(pin_of("f*", "release *"), 77);
    assert_int_equal(pin_of("[a-e]*", "release *"), 0);
    assert_int_equal(pin_of("/^f.o$/", "release *"), 77);
    assert_int_equal(pin_of("/bar|O/", "release *"), 77);
    assert_int_equal(pin_of("/^bar+/", "release *"), 0);
    assert_int_equal(pin_of("x *", "release *"), 77);
}

static void names_may_be_those_of_sources(void **state)
{
    (void)state;
    assert_int_equal(pin_of("src:foo-src", "release *"), 77);
    assert_int_equal(pin_of("src:foo", "release *"), 0);
    assert_int_equal(pin_of("src:*-src", "release *"), 77);
}

static void names_may_have_an_architecture(void **state)
{
    (void)state;
    assert_int_equal(pin_of("foo:amd64", "release *"), 77);
    assert_int_equal(pin_of("foo:i386", "release *"), 0);
    assert_int_equal(pin_of("foo:any", "release *"), 77);
    assert_int_equal(pin_of("foo:linux-any", "release *"), 77);
    assert_int_equal(pin_of("foo:any-i386", "release *"), 0);
}

static void a_plain_name_means_the_native_architecture(void **state)
{
    (void)state;
    int32_t priority = 0;
    read_pins("Package: foo\nPin: release *\nPin-Priority: 77\n");
    assert_false(apt_pins_version(&pins, S("foo"), S("i386"), S("amd64"), S("foo"), S("1"),
                                  &lists[STABLE], &priority));
    assert_true(apt_pins_version(&pins, S("foo"), S("all"), S("amd64"), S("foo"), S("1"),
                                 &lists[STABLE], &priority));
}

static void versions_may_be_expressions(void **state)
{
    (void)state;
    assert_int_equal(pin_of("foo", "version 1.2-3"), 77);
    assert_int_equal(pin_of("foo", "version 1.2"), 0);
    assert_int_equal(pin_of("foo", "version 1.2*"), 77);
    assert_int_equal(pin_of("foo", "version *-3"), 77);
    assert_int_equal(pin_of("foo", "version /^1\\.[0-9]+-3$/"), 77);
}

static void the_place_of_a_pin_can_be_told(void **state)
{
    (void)state;
    read_pins("Package: foo\nPin: release a=stable-backports\nPin-Priority: 1\n\n"
              "Package: foo\nPin: release a=stable\nPin-Priority: 2\n");
    const struct apt_pin *first =
        apt_pins_find(&pins, S("foo"), S("amd64"), S("amd64"), S("foo"), S("1"), &lists[BACKPORTS]);
    const struct apt_pin *second =
        apt_pins_find(&pins, S("foo"), S("amd64"), S("amd64"), S("foo"), S("1"), &lists[STABLE]);
    assert_non_null(first);
    assert_true(first < second);
}

static void an_expression_that_would_explode_matches_nothing(void **state)
{
    (void)state;
    assert_int_equal(pin_of("/((.{1,200}){1,200}){1,200}/", "release *"), 0);
    assert_int_equal(pin_of("/^fo{2}$/", "release *"), 77);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_pins_the_flags_decide),
        TEST(release_expressions_ask_for_all_their_parts),
        TEST(a_bare_release_is_a_suite_a_codename_or_a_version),
        TEST(expressions_may_be_globs_and_regular),
        TEST(an_origin_is_a_site),
        TEST(the_first_pin_that_fits_counts),
        TEST(never_counts_wherever_it_stands),
        TEST(the_default_release_comes_first),
        TEST(an_unknown_default_release_counts_for_nothing),
        TEST(preferences_come_before_their_parts),
        TEST(malformed_pins_are_noted_and_left_out),
        TEST(the_status_file_is_pinned_as_now),
        TEST(names_are_matched_whole),
        TEST(names_may_be_expressions),
        TEST(names_may_be_those_of_sources),
        TEST(names_may_have_an_architecture),
        TEST(a_plain_name_means_the_native_architecture),
        TEST(versions_may_be_expressions),
        TEST(the_place_of_a_pin_can_be_told),
        TEST(an_expression_that_would_explode_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
