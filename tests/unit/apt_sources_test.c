/* From sources.list(5) to list files: both formats, the names apt gives the files, what their
 * Release files say. */
#include "package_root.h"

#define LISTS "var/lib/apt/lists/"

static struct package_root r;
static struct apt_files files;

static int begin(void **state)
{
    (void)state;
    root_make(&r);
    root_write(&r, APT_CONF, "APT::Architecture \"amd64\"; APT::Architectures { \"amd64\"; };");
    return 0;
}

static int end(void **state)
{
    (void)state;
    root_free(&r);
    return 0;
}

static void read_files(void)
{
    struct apt_archs archs;
    assert_int_equal(apt_conf_read(&r.in, &r.conf), OK);
    assert_int_equal(apt_archs_read(&r.in, &r.conf, STR_NONE, &archs), OK);
    assert_int_equal(apt_files_read(&r.in, &r.conf, &archs, &files), OK);
}

static void source(const char *line)
{
    root_write(&r, "etc/apt/sources.list", line);
}

static void list(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, LISTS "%s", name);
    root_write(&r, path, "");
}

/* The files that were found, by the ends of their paths. */
static void assert_files(size_t count, const char *const ends[])
{
    assert_int_equal(files.len, count);
    for (size_t i = 0; i < count; i++)
        if (!str_ends(files.at[i].path, str_of(ends[i])))
            fail_msg("%.*s is not %s", STR_ARG(files.at[i].path), ends[i]);
}
#define FILES(...)                                                                                 \
    assert_files(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *),              \
                 (const char *const[]){ __VA_ARGS__ })

static void a_line_leads_to_its_lists(void **state)
{
    (void)state;
    source("deb http://deb.example.org/debian stable main contrib\n");
    list("deb.example.org_debian_dists_stable_main_binary-amd64_Packages");
    list("deb.example.org_debian_dists_stable_contrib_binary-amd64_Packages");
    read_files();
    FILES("stable_main_binary-amd64_Packages", "stable_contrib_binary-amd64_Packages");
    assert_str(files.at[0].uri, "http://deb.example.org/debian/");
    assert_str(files.at[0].site, "deb.example.org");
    assert_str(files.at[0].component, "main");
    assert_str(files.at[0].arch, "amd64");
    assert_str(files.at[0].repo, "stable/main");
}

static void lists_may_be_compressed(void **state)
{
    (void)state;
    static const char *const extensions[] = { ".lz4", ".gz", ".xz", ".zst", ".bz2" };
    source(
        "deb http://a/ 0 main\ndeb http://a/ 1 main\ndeb http://a/ 2 main\ndeb http://a/ 3 main\n"
        "deb http://a/ 4 main\n");
    for (int i = 0; i < 5; i++) {
        char name[128];
        snprintf(name, sizeof name, "a_dists_%d_main_binary-amd64_Packages%s", i, extensions[i]);
        list(name);
    }
    read_files();
    FILES(".lz4", ".gz", ".xz", ".zst", ".bz2");
}

static void the_plain_list_is_preferred(void **state)
{
    (void)state;
    source("deb http://a/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    list("a_dists_s_main_binary-amd64_Packages.lz4");
    read_files();
    FILES("Packages");
}

static void unusual_bytes_are_quoted_in_names(void **state)
{
    (void)state;
    source("deb http://a.b/x_y~z/$(ARCH) s a_b\n");
    list("a.b_x%5fy%7ez_amd64_dists_s_a%5fb_binary-amd64_Packages");
    read_files();
    FILES("a%5fb_binary-amd64_Packages");
}

static void credentials_show_nowhere(void **state)
{
    (void)state;
    source("deb https://user:secret@a.b:8443/d s main\n");
    list("a.b:8443_d_dists_s_main_binary-amd64_Packages");
    read_files();
    FILES("_Packages");
    assert_str(files.at[0].uri, "https://a.b:8443/d/");
    assert_str(files.at[0].site, "a.b");
}

static void a_file_uri_has_no_site(void **state)
{
    (void)state;
    source("deb file:/srv/repo s main\n");
    list("_srv_repo_dists_s_main_binary-amd64_Packages");
    read_files();
    FILES("_srv_repo_dists_s_main_binary-amd64_Packages");
    assert_str(files.at[0].site, "");
}

static void flat_repositories_have_one_list(void **state)
{
    (void)state;
    source("deb http://a/r ./\ndeb http://b/r /\ndeb http://c/r $(ARCH)/\n");
    list("a_r_._Packages");
    list("b_r_Packages");
    list("c_r_amd64_Packages");
    read_files();
    FILES("a_r_._Packages", "b_r_Packages", "c_r_amd64_Packages");
    assert_str(files.at[0].repo, "a/r");
    assert_str(files.at[2].repo, "c/r/amd64");
    assert_str(files.at[0].arch, "");
}

static void options_choose_architectures(void **state)
{
    (void)state;
    source("deb [ arch=i386,armhf signed-by=/k ] http://a/ s main\n"
           "deb [arch+=i386 arch-=amd64] http://b/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    list("a_dists_s_main_binary-i386_Packages");
    list("a_dists_s_main_binary-armhf_Packages");
    list("b_dists_s_main_binary-amd64_Packages");
    list("b_dists_s_main_binary-i386_Packages");
    read_files();
    FILES("a_dists_s_main_binary-i386_Packages", "a_dists_s_main_binary-armhf_Packages",
          "b_dists_s_main_binary-i386_Packages");
}

static void the_list_for_all_is_used_when_it_is_there(void **state)
{
    (void)state;
    source("deb http://a/ s main\ndeb [arch-=all] http://b/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    list("a_dists_s_main_binary-all_Packages");
    list("b_dists_s_main_binary-amd64_Packages");
    list("b_dists_s_main_binary-all_Packages");
    read_files();
    FILES("a_dists_s_main_binary-amd64_Packages", "a_dists_s_main_binary-all_Packages",
          "b_dists_s_main_binary-amd64_Packages");
}

static void a_list_named_twice_is_read_once(void **state)
{
    (void)state;
    source("deb http://a/ s main main\ndeb http://a s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    read_files();
    FILES("_Packages");
}

static void a_suite_keeps_its_first_place(void **state)
{
    (void)state;
    source("deb-src http://b/ s main\ndeb http://a/ s one\ndeb http://b/ s main\n"
           "deb http://a/ s two\n");
    list("a_dists_s_one_binary-amd64_Packages");
    list("a_dists_s_two_binary-amd64_Packages");
    list("b_dists_s_main_binary-amd64_Packages");
    read_files();
    FILES("b_dists_s_main_binary-amd64_Packages", "a_dists_s_one_binary-amd64_Packages",
          "a_dists_s_two_binary-amd64_Packages");
}

static void comments_and_sources_of_sources_lead_nowhere(void **state)
{
    (void)state;
    source("# deb http://a/ s main\n\ndeb-src http://a/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    read_files();
    assert_int_equal(files.len, 0);
    assert_int_equal(r.in.notes_len, 0);
}

static void a_stanza_names_every_combination(void **state)
{
    (void)state;
    root_write(&r, "etc/apt/sources.list.d/x.sources",
               "# first\nTypes: deb deb-src\nURIs: http://a/ http://b/\n# within\nSuites: s t\n"
               "Components: one\n two\nSigned-By:\n -----BEGIN PGP\n .\n");
    for (const char *c = "ab"; *c; c++) {
        static const char *const tails[] = { "s_one", "s_two", "t_one", "t_two" };
        for (int i = 0; i < 4; i++) {
            char name[128];
            snprintf(name, sizeof name, "%c_dists_%s_binary-amd64_Packages", *c, tails[i]);
            list(name);
        }
    }
    read_files();
    assert_int_equal(files.len, 8);
    assert_str(files.at[3].repo, "t/two");
    assert_str(files.at[7].site, "b");
}

static void a_stanza_may_be_disabled(void **state)
{
    (void)state;
    root_write(&r, "etc/apt/sources.list.d/x.sources",
               "Types: deb\nURIs: http://a/\nSuites: s\nComponents: main\nEnabled: no\n");
    list("a_dists_s_main_binary-amd64_Packages");
    read_files();
    assert_int_equal(files.len, 0);
}

static void a_stanza_has_options_too(void **state)
{
    (void)state;
    root_write(&r, "etc/apt/sources.list.d/x.sources",
               "Types: deb\nURIs: http://a/\nSuites: s\nComponents: main\n"
               "Architectures: i386\nArchitectures-Add: armhf\n\n"
               "Types: deb\nURIs: http://b/\nSuites: s\nComponents: main\nTargets: Sources\n");
    list("a_dists_s_main_binary-amd64_Packages");
    list("a_dists_s_main_binary-i386_Packages");
    list("a_dists_s_main_binary-armhf_Packages");
    list("b_dists_s_main_binary-amd64_Packages");
    read_files();
    FILES("binary-i386_Packages", "binary-armhf_Packages");
}

static void malformed_entries_are_noted_and_left_out(void **state)
{
    (void)state;
    source(
        "deb http://a/ s\nrpm http://a/ s main\ndeb nothing s main\ndeb [arch] http://a/ s main\n"
        "deb http://a/ s/ main\ndeb http://b/ s main\n");
    list("b_dists_s_main_binary-amd64_Packages");
    read_files();
    FILES("b_dists_s_main_binary-amd64_Packages");
    assert_int_equal(r.in.notes_len, 5);
    assert_true(root_noted(&r, "In line 3 the URI is malformed"));
}

static void a_missing_list_is_noted_with_the_command(void **state)
{
    (void)state;
    source("deb http://a/ s main\n");
    read_files();
    assert_int_equal(files.len, 0);
    assert_true(root_noted(&r, "please run apt-get update"));
}

static void an_empty_list_is_not_missed(void **state)
{
    (void)state;
    source("deb http://a/ s main\n");
    root_write(&r, LISTS "a_dists_s_InRelease",
               "Suite: s\nSHA256:\n abc 0 main/binary-amd64/Packages\n"
               " def 20 main/binary-amd64/Packages.gz\n");
    read_files();
    assert_int_equal(r.in.notes_len, 0);
}

static const char dressed[] = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
                              "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\n"
                              "Version: 12\nCodename: bookworm-security\nNotAutomatic: yes\n"
                              "ButAutomaticUpgrades: yes\nSHA256:\n abc 1 x\n"
                              "-----BEGIN PGP SIGNATURE-----\n\nSuite: wrong\n";

static void the_release_file_says_what_a_suite_is(void **state)
{
    (void)state;
    source("deb http://a/ bookworm-security main\n");
    list("a_dists_bookworm-security_main_binary-amd64_Packages");
    root_write(&r, LISTS "a_dists_bookworm-security_InRelease", dressed);
    read_files();
    FILES("_Packages");
    const struct apt_file *f = &files.at[0];
    assert_str(f->release, "bookworm-security");
    assert_str(f->archive, "oldstable-security");
    assert_str(f->codename, "bookworm-security");
    assert_str(f->version, "12");
    assert_str(f->origin, "Debian");
    assert_true(f->not_automatic && f->automatic_upgrades && f->security);
}

static void release_serves_where_inrelease_is_missing(void **state)
{
    (void)state;
    source("deb http://a/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    root_write(&r, LISTS "a_dists_s_Release", "Suite: from-release\n");
    read_files();
    assert_str(files.at[0].archive, "from-release");
    assert_false(files.at[0].security);
}

static void descriptions_are_english_unless_configured(void **state)
{
    (void)state;
    source("deb http://a/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    list("a_dists_s_main_i18n_Translation-en.xz");
    list("a_dists_s_main_i18n_Translation-de");
    read_files();
    assert_str(files.at[0].translation, LISTS "a_dists_s_main_i18n_Translation-en.xz");
}

static void the_first_configured_language_counts(void **state)
{
    (void)state;
    root_write(&r, APT_CONF,
               "APT::Architecture \"amd64\"; Acquire::Languages { \"fr\"; \"de\"; };");
    source("deb http://a/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    list("a_dists_s_main_i18n_Translation-en");
    list("a_dists_s_main_i18n_Translation-de");
    read_files();
    assert_str(files.at[0].translation, LISTS "a_dists_s_main_i18n_Translation-de");
}

static void no_language_is_no_translation(void **state)
{
    (void)state;
    root_write(&r, APT_CONF, "APT::Architecture \"amd64\"; Acquire::Languages \"none\";");
    source("deb http://a/ s main\n");
    list("a_dists_s_main_binary-amd64_Packages");
    list("a_dists_s_main_i18n_Translation-en");
    read_files();
    assert_str(files.at[0].translation, "");
}

static void sources_have_a_limit(void **state)
{
    (void)state;
    FILE *f = root_open(&r, "etc/apt/sources.list.d/x.sources");
    fputs("Types: deb\nURIs: http://a/\nSuites:", f);
    for (int i = 0; i < 300; i++) fprintf(f, " s%d", i);
    fputs("\nComponents:", f);
    for (int i = 0; i < 300; i++) fprintf(f, " c%d", i);
    fputs("\n", f);
    fclose(f);
    read_files();
    assert_true(root_noted(&r, "There are more than 10000 sources"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_leads_to_its_lists),
        TEST(lists_may_be_compressed),
        TEST(the_plain_list_is_preferred),
        TEST(unusual_bytes_are_quoted_in_names),
        TEST(credentials_show_nowhere),
        TEST(a_file_uri_has_no_site),
        TEST(flat_repositories_have_one_list),
        TEST(options_choose_architectures),
        TEST(the_list_for_all_is_used_when_it_is_there),
        TEST(a_list_named_twice_is_read_once),
        TEST(a_suite_keeps_its_first_place),
        TEST(comments_and_sources_of_sources_lead_nowhere),
        TEST(a_stanza_names_every_combination),
        TEST(a_stanza_may_be_disabled),
        TEST(a_stanza_has_options_too),
        TEST(malformed_entries_are_noted_and_left_out),
        TEST(a_missing_list_is_noted_with_the_command),
        TEST(an_empty_list_is_not_missed),
        TEST(the_release_file_says_what_a_suite_is),
        TEST(release_serves_where_inrelease_is_missing),
        TEST(descriptions_are_english_unless_configured),
        TEST(the_first_configured_language_counts),
        TEST(no_language_is_no_translation),
        TEST(sources_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
