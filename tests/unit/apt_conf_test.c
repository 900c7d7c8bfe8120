/* apt.conf(5): the grammar, the tree and the architectures, on files in a root of their own. */
#include "package_root.h"

static struct package_root r;

static int begin(void **state)
{
    (void)state;
    root_make(&r);
    return 0;
}

static int end(void **state)
{
    (void)state;
    root_free(&r);
    return 0;
}

static void read_conf(const char *text)
{
    root_write(&r, APT_CONF, text);
    assert_int_equal(apt_conf_read(&r.in, &r.conf), OK);
}

static struct str value(const char *name)
{
    return apt_conf_find(&r.conf, str_of(name), STR_NONE);
}

/* The items of a list with a bar behind each. */
static void assert_list(const char *list, const char *expected)
{
    char text[512] = "";
    struct str item;
    for (size_t at = 0; apt_conf_next(&r.conf, str_of(list), &at, &item);)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s|", STR_ARG(item));
    assert_string_equal(text, expected);
}

static void without_files_the_defaults_stand(void **state)
{
    (void)state;
    assert_int_equal(apt_conf_read(&r.in, &r.conf), OK);
    assert_str(value("Dir::State"), "var/lib/apt");
    assert_str(value("Dir::State::status"), "/var/lib/dpkg/status");
    assert_str(value("APT::Install-Recommends"), "1");
}

static void names_compare_without_case(void **state)
{
    (void)state;
    read_conf("Some::Name \"a\"; SOME::name \"b\";");
    assert_str(value("sOME::nAME"), "b");
}

static void blocks_nest(void **state)
{
    (void)state;
    read_conf("A { B { C \"deep\"; }; D \"flat\"; };\nE\n{\n F \"g\"\n;\n}\n");
    assert_str(value("A::B::C"), "deep");
    assert_str(value("A::D"), "flat");
    assert_str(value("E::F"), "g");
}

static void a_block_may_have_a_value(void **state)
{
    (void)state;
    read_conf("A \"own\" { B \"c\"; };");
    assert_str(value("A"), "own");
    assert_str(value("A::B"), "c");
}

static void lists_keep_their_order(void **state)
{
    (void)state;
    read_conf("L { \"one\"; \"two\"; }; L:: \"three\"; l { \"four\"; named \"five\"; };");
    assert_list("L", "one|two|three|four|five|");
}

static void a_list_with_a_value_is_split_at_commas(void **state)
{
    (void)state;
    read_conf("L \"a,,b,\";");
    assert_list("L", "a||b|");
}

static void clear_takes_a_tree_away(void **state)
{
    (void)state;
    read_conf("A \"v\"; A::B::C \"x\"; A:: \"item\"; #clear a;\nA::B::D \"y\";");
    assert_str(value("A"), "");
    assert_str(value("A::B::C"), "");
    assert_str(value("A::B::D"), "y");
}

static void comments_of_all_kinds_do_not_count(void **state)
{
    (void)state;
    read_conf(
        "// A \"no\";\n# B \"no\";\nC \"c\"; // D \"no\";\n/* E \"no\";\n F \"no\"; */ G \"g\";"
        " H /* i */ \"h\";");
    assert_str(value("A"), "");
    assert_str(value("D"), "");
    assert_str(value("F"), "");
    assert_str(value("C"), "c");
    assert_str(value("G"), "g");
    assert_str(value("H"), "h");
}

static void quotes_protect_what_looks_like_a_comment(void **state)
{
    (void)state;
    read_conf("A \"http://a#b\"; B \"/* b */\"; C \"a;b{c}\";");
    assert_str(value("A"), "http://a#b");
    assert_str(value("B"), "/* b */");
    assert_str(value("C"), "a;b{c}");
}

static void quoted_words_join(void **state)
{
    (void)state;
    read_conf("A \"x\" \"y\"\"z\";\nB \"%41\"; C %41;");
    assert_str(value("A"), "x yz");
    assert_str(value("B"), "%41");
    assert_str(value("C"), "A");
}

static void an_error_ends_its_file_and_is_noted(void **state)
{
    (void)state;
    read_conf("A \"before\";\nB c d;\nE \"after\";");
    assert_str(value("A"), "before");
    assert_str(value("E"), "");
    assert_true(root_noted(&r, "In line 2 something stands behind a value"));
}

static void the_parts_come_first_and_by_name(void **state)
{
    (void)state;
    root_write(&r, "etc/apt/apt.conf.d/90late", "A \"late\"; B \"part\";");
    root_write(&r, "etc/apt/apt.conf.d/10early.conf", "A \"early\";");
    read_conf("B \"main\";");
    assert_str(value("A"), "late");
    assert_str(value("B"), "main");
}

static void parts_with_other_names_are_not_read(void **state)
{
    (void)state;
    static const char *const names[] = { "a.bak", "b~", "c.dpkg-old", ".d", "e,f", "g." };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "etc/apt/apt.conf.d/%s", names[i]);
        root_write(&r, path, "Wrong \"1\";");
    }
    read_conf("");
    assert_str(value("Wrong"), "");
}

static void a_file_may_include_others(void **state)
{
    (void)state;
    root_write(&r, "etc/more.conf", "A \"included\";");
    root_write(&r, "etc/folder/x.conf", "B \"too\";");
    read_conf("#include \"/etc/more.conf\";\n#include \"/etc/folder/\";");
    assert_str(value("A"), "included");
    assert_str(value("B"), "too");
}

static void a_file_that_includes_itself_ends(void **state)
{
    (void)state;
    read_conf("A:: \"x\";\n#include \"/etc/apt/apt.conf\";");
    assert_true(root_noted(&r, "files include each other too deep"));
}

static void paths_are_put_together(void **state)
{
    (void)state;
    read_conf("Dir::State \"srv//apt/./state/\"; Dir::Cache::archives \"/abs/debs/\";");
    assert_str(apt_conf_path(&r.conf, &r.arena, S("Dir::State::lists")), "srv/apt/state/lists");
    assert_str(apt_conf_path(&r.conf, &r.arena, S("Dir::Cache::archives")), "abs/debs");
    assert_str(apt_conf_path(&r.conf, &r.arena, S("Dir::Nothing")), "");
}

static void dev_null_is_no_path(void **state)
{
    (void)state;
    read_conf("Dir::Etc::sourceparts \"/dev/null\";");
    assert_str(apt_conf_path(&r.conf, &r.arena, S("Dir::Etc::sourceparts")), "");
}

static void truth_has_many_words(void **state)
{
    (void)state;
    read_conf("A \"yes\"; B \"Disable\"; C \"1\"; D \"perhaps\";");
    assert_true(apt_conf_bool(&r.conf, S("A"), false));
    assert_false(apt_conf_bool(&r.conf, S("B"), true));
    assert_true(apt_conf_bool(&r.conf, S("C"), false));
    assert_true(apt_conf_bool(&r.conf, S("D"), true));
    assert_false(apt_conf_bool(&r.conf, S("E"), false));
}

static void blocks_have_a_deepest_level(void **state)
{
    (void)state;
    char text[201] = "";
    for (size_t i = 0; i < sizeof text - 1; i++) text[i] = i % 2 ? '{' : 'a';
    read_conf(text);
    assert_true(root_noted(&r, "blocks stand too deep in each other"));
}

static void the_native_architecture_comes_first(void **state)
{
    (void)state;
    struct apt_archs archs;
    root_write(&r, "var/lib/dpkg/arch", "amd64\ni386\n");
    read_conf("");
    assert_int_equal(apt_archs_read(&r.in, &r.conf, S("amd64"), &archs), OK);
    assert_int_equal(archs.len, 2);
    assert_str(archs.at[0], "amd64");
    assert_str(archs.at[1], "i386");
}

static void the_configuration_decides_about_architectures(void **state)
{
    (void)state;
    struct apt_archs archs;
    root_write(&r, "var/lib/dpkg/arch", "amd64\ni386\n");
    read_conf("APT::Architecture \"arm64\"; APT::Architectures { \"armhf\"; \"arm64\"; };");
    assert_int_equal(apt_archs_read(&r.in, &r.conf, S("amd64"), &archs), OK);
    assert_int_equal(archs.len, 2);
    assert_str(archs.at[0], "arm64");
    assert_str(archs.at[1], "armhf");
}

static void an_architecture_is_always_found(void **state)
{
    (void)state;
    struct apt_archs archs;
    read_conf("");
    assert_int_equal(apt_archs_read(&r.in, &r.conf, STR_NONE, &archs), OK);
    assert_int_equal(archs.len, 1);
    assert_true(archs.at[0].len > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_files_the_defaults_stand),
        TEST(names_compare_without_case),
        TEST(blocks_nest),
        TEST(a_block_may_have_a_value),
        TEST(lists_keep_their_order),
        TEST(a_list_with_a_value_is_split_at_commas),
        TEST(clear_takes_a_tree_away),
        TEST(comments_of_all_kinds_do_not_count),
        TEST(quotes_protect_what_looks_like_a_comment),
        TEST(quoted_words_join),
        TEST(an_error_ends_its_file_and_is_noted),
        TEST(the_parts_come_first_and_by_name),
        TEST(parts_with_other_names_are_not_read),
        TEST(a_file_may_include_others),
        TEST(a_file_that_includes_itself_ends),
        TEST(paths_are_put_together),
        TEST(dev_null_is_no_path),
        TEST(truth_has_many_words),
        TEST(blocks_have_a_deepest_level),
        TEST(the_native_architecture_comes_first),
        TEST(the_configuration_decides_about_architectures),
        TEST(an_architecture_is_always_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
