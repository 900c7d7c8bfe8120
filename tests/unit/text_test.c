/* The printed form of messages. */
#include "wire/text.h"

#include "base/glyph.h"
#include "base/number.h"
#include "wire/pen.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct buf out;

static int set_up(void **state)
{
    (void)state;
    out = buf_make(1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&out);
    return 0;
}

static void assert_text(const char *wanted)
{
    buf_byte(&out, 0);
    assert_string_equal(out.at, wanted);
    out.len = 0;
}

static struct package_info packages[] = {
    { .name = S("firefox-esr"),
      .version = S("128.3.0esr-1"),
      .description = S("Mozilla Firefox web browser"),
      .source = S("apt") },
    { .name = S("w3m"),
      .version = S("0.5"),
      .description = S("WWW browsable pager, a text browser that has a long summary here"),
      .source = S("apt") },
};
static struct search_result found = { .packages = { packages, 2 }, .total = 9 };

static void a_list_has_columns_and_a_closing_line(void **state)
{
    (void)state;
    struct text_options o = { .width = 60, .terminal = true };
    text_write(&out, MESSAGE_search_result, &found, &o);
    assert_text("firefox-esr  128.3.0esr-1  Mozilla Firefox web browser\n"
                "w3m          0.5           WWW browsable pager, a text brow\xE2\x80\xA6\n"
                "showing 2 of 9; --limit N shows more\n");
}

static void a_narrow_terminal_has_the_summary_below(void **state)
{
    (void)state;
    struct text_options o = { .width = 40 };
    text_write(&out, MESSAGE_search_result, &found, &o);
    assert_text("firefox-esr  128.3.0esr-1\n"
                "  Mozilla Firefox web browser\n"
                "w3m  0.5\n"
                "  WWW browsable pager, a text browser t\xE2\x80\xA6\n");
}

static void programs_get_tabs_and_no_more(void **state)
{
    (void)state;
    struct text_options o = { .width = 40, .plain = true, .colour = true, .terminal = true };
    text_write(&out, MESSAGE_search_result, &found, &o);
    assert_text(
        "firefox-esr\t128.3.0esr-1\tMozilla Firefox web browser\tapt\n"
        "w3m\t0.5\tWWW browsable pager, a text browser that has a long summary here\tapt\n");
}

static void colour_marks_what_was_searched_for(void **state)
{
    (void)state;
    struct search_result one = { .packages = { packages, 1 }, .total = 1 };
    struct text_options o = { .width = 80, .colour = true, .words = S("FOX esr zzz") };
    text_write(&out, MESSAGE_search_result, &one, &o);
    assert_text(
        "\033[1mfire\033[4mfox\033[24m-\033[4mesr\033[24m\033[0m  \033[32m128.3.0esr-1\033[0m  "
        "Mozilla Firefox web browser\n");
}

static void nothing_and_the_total_alone_are_said(void **state)
{
    (void)state;
    struct search_result none = { 0 }, total = { .total = 7 };
    struct text_options terminal = { .width = 80, .terminal = true }, pipe = { .plain = true };
    text_write(&out, MESSAGE_search_result, &none, &terminal);
    assert_text("no package matches\n");
    text_write(&out, MESSAGE_search_result, &none, &pipe);
    assert_text("");
    text_write(&out, MESSAGE_search_result, &total, &terminal);
    assert_text("7 packages match\n");
    text_write(&out, MESSAGE_search_result, &total, &pipe);
    assert_text("7\n");
}

static void a_record_has_labels_and_its_prose_below(void **state)
{
    (void)state;
    struct str depends[] = { S("libc6 (>= 2.36)"), S("libtinfo6 (>= 6)") };
    struct detailed_package_info info = {
        .name = S("bash"),
        .description = S("A shell\nOne line\nand more.\n\n  kept   as is\n* first\n* second"),
        .download_size = 1536,
        .depends = { depends, 2 },
    };
    struct text_options o = { .width = 34 };
    text_write(&out, MESSAGE_detailed_package_info, &info, &o);
    assert_text("Name:          bash\n"
                "Description:   A shell\n"
                "Download size: 1.5 KiB\n"
                "Depends:       libc6 (>= 2.36),\n"
                "               libtinfo6 (>= 6)\n"
                "\n"
                "  One line and more.\n"
                "\n"
                "    kept   as is\n"
                "  * first\n"
                "  * second\n");
    o.plain = true;
    text_write(&out, MESSAGE_detailed_package_info, &info, &o);
    assert_text(
        "name\tbash\nversion\t\ndescription\tA shell\ndescription\tOne line\n"
        "description\tand more.\ndescription\t\ndescription\t  kept   as is\n"
        "description\t* first\ndescription\t* second\nurl\t\nsize\t0\ndownload_size\t1536\nrepo\t\n"
        "depends\tlibc6 (>= 2.36)\ndepends\tlibtinfo6 (>= 6)\nsource\t\n");
}

static void inner_records_are_below_or_repeat_the_outer(void **state)
{
    (void)state;
    struct vulnerability v[] = {
        { .id = S("CVE-1"), .summary = S("bad"), .score = { true, S("high") } },
        { .id = S("CVE-2"), .summary = S("worse") }
    };
    struct package_vulnerabilities p[] = { { .package = S("openssl"),
                                             .vulnerabilities = { v, 2 } } };
    struct security_audit_result r = { .total_vulnerabilities = 2, .vulnerabilities = { p, 1 } };
    text_write(&out, MESSAGE_security_audit_result, &r, &(struct text_options){ .width = 80 });
    assert_text("Total vulnerabilities: 2\nHigh severity:         0\nVulnerabilities:\n"
                "  openssl\n    CVE-1  high  bad\n    CVE-2        worse\n");
    text_write(&out, MESSAGE_security_audit_result, &r, &(struct text_options){ .plain = true });
    assert_text("total_vulnerabilities\t2\nhigh_severity\t0\n"
                "vulnerabilities\topenssl\tCVE-1\tbad\thigh\n"
                "vulnerabilities\topenssl\tCVE-2\tworse\t\n");
}

static void spans_are_rounded_for_people_alone(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *shown;
    } spans[] = {
        { 0, "0 ns" },
        { 999, "999 ns" },
        { 1000, "1.0 \xC2\xB5s" },
        { 4649, "4.6 \xC2\xB5s" },
        { 99949, "99.9 \xC2\xB5s" },
        { 99950, "100 \xC2\xB5s" },
        { 999499, "999 \xC2\xB5s" },
        { 999500, "1.0 ms" },
        { 1234567, "1.2 ms" },
        { UINT64_C(119499999999), "119 s" },
        { UINT64_C(119500000000), "2.0 min" },
        { UINT64_C(7200000000000), "2.0 h" },
        { UINT64_MAX, "5124096 h" },
    };
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        struct refresh_result r = { .generation = 3, .overlay = true, .took_ns = spans[i].ns };
        struct buf wanted = buf_make(1 << 16);
        text_write(&out, MESSAGE_refresh_result, &r, &(struct text_options){ 0 });
        buf_print(&wanted,
                  "Generation:           3\nCatalogue read anew:  no\n"
                  "Installed read anew:  yes\nLong texts read anew: no\n"
                  "Took:                 %s\n",
                  spans[i].shown);
        buf_byte(&wanted, 0);
        assert_text(wanted.at);
        wanted.len = 0;
        text_write(&out, MESSAGE_refresh_result, &r, &(struct text_options){ .plain = true });
        buf_print(&wanted, "generation\t3\ncatalogue\tno\noverlay\tyes\ntext\tno\ntook_ns\t%llu\n",
                  (unsigned long long)spans[i].ns);
        buf_byte(&wanted, 0);
        assert_text(wanted.at);
        buf_free(&wanted);
    }
}

static void inner_lists_are_shown_where_columns_name_them(void **state)
{
    (void)state;
    struct bucket bars[] = { { .most = 511, .count = 3 } };
    struct operation_metrics ping = { .operation = S("ping"),
                                      .calls = 7,
                                      .half_ns = 400,
                                      .most_99_ns = 2500,
                                      .longest_ns = 3000000,
                                      .latency = { bars, 1 } };
    struct reading reading = {
        .name = S("clients"), .kind = S("gauge"), .value = 3, .help = S("Connected now.")
    };
    struct metrics_result m = { .operations = { &ping, 1 }, .readings = { &reading, 1 } };
    text_write(&out, MESSAGE_metrics_result, &m, &(struct text_options){ 0 });
    assert_text("ping  7  0  0  400 ns  2.5 \xC2\xB5s  3.0 ms\n"
                "Readings:\n  clients  3  Connected now.\n");
}

static void a_batch_names_its_calls(void **state)
{
    (void)state;
    struct suggest_result s = { .suggestions = { (struct str[]){ S("bash") }, 1 } };
    struct response list[] = { { .id = 1, .op = 9, .body = &s },
                               { .id = 2, .code = -1001, .message = S("no such package") } };
    struct batch_result b = { .responses = { list, 2 } };
    text_write(&out, MESSAGE_batch_result, &b, &(struct text_options){ 0 });
    assert_text("1 suggest\n  bash\n2 no such package\n");
    text_write(&out, MESSAGE_batch_result, &b, &(struct text_options){ .plain = true });
    assert_text("1\tsuggest\tbash\n2\terror\tno such package\n");
}

static void hostile_text_steers_no_terminal(void **state)
{
    (void)state;
    struct explicit_result r = {
        .packages = { (struct str[]){ S("a\033]0;x\a\xC2\x9b\x7f\xE2\x80\xAE\xff\r\tb\nc\0d") }, 1 }
    };
    const char *wanted =
        "a\xEF\xBF\xBD]0;x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
        "\xEF\xBF\xBD b c\xEF\xBF\xBD"
        "d\n";
    text_write(&out, MESSAGE_explicit_result, &r, &(struct text_options){ 0 });
    assert_text(wanted);
    text_write(&out, MESSAGE_explicit_result, &r, &(struct text_options){ .plain = true });
    assert_text(wanted);
}

static void wide_and_combining_letters_are_counted(void **state)
{
    (void)state;
    struct pen p = { .out = &out };
    assert_int_equal(glyph_width('a'), 1);
    assert_int_equal(glyph_width(0xE9), 1);
    assert_int_equal(glyph_width(0x301), 0);
    assert_int_equal(glyph_width(0x200D), 0);
    assert_int_equal(glyph_width(0x65E5), 2);
    assert_int_equal(glyph_width(0xFF21), 2);
    assert_int_equal(glyph_width(0x1F600), 2);
    assert_int_equal(glyph_width(0x2026), 1);
    assert_int_equal(glyph_width(0xFFFD), 1);
    assert_int_equal(glyph_width(0x10FFFF), 1);
    assert_int_equal(pen_columns(S("e\xCC\x81\xE6\x97\xA5")), 3);
    pen_put(&p, S("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"), 4);
    assert_text("\xE6\x97\xA5\xE2\x80\xA6");
    assert_int_equal(p.at, 3);
}

static void sizes_are_rounded_for_people(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = { { 0, "0 B" },
                  { 1023, "1023 B" },
                  { 1024, "1.0 KiB" },
                  { 1536, "1.5 KiB" },
                  { 1048575, "1.0 MiB" },
                  { 1258291, "1.2 MiB" },
                  { UINT64_MAX, "16.0 EiB" } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        number_put_bytes(&out, sizes[i].bytes);
        assert_text(sizes[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_columns_and_a_closing_line),
        cmocka_unit_test(a_narrow_terminal_has_the_summary_below),
        cmocka_unit_test(programs_get_tabs_and_no_more),
        cmocka_unit_test(colour_marks_what_was_searched_for),
        cmocka_unit_test(nothing_and_the_total_alone_are_said),
        cmocka_unit_test(a_record_has_labels_and_its_prose_below),
        cmocka_unit_test(inner_records_are_below_or_repeat_the_outer),
        cmocka_unit_test(spans_are_rounded_for_people_alone),
        cmocka_unit_test(inner_lists_are_shown_where_columns_name_them),
        cmocka_unit_test(a_batch_names_its_calls),
        cmocka_unit_test(hostile_text_steers_no_terminal),
        cmocka_unit_test(wide_and_combining_letters_are_counted),
        cmocka_unit_test(sizes_are_rounded_for_people),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
