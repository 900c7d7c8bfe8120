/* What the daemon has measured, in the forms of `omg metrics`. */
#include "door/measures.h"

#include "test.h"

#define BAR(m, c)                                                                                  \
    {                                                                                              \
        .most = m, .count = c                                                                      \
    }
static struct bucket latency[] = { BAR(95, 2), BAR(1023, 3), BAR(1279, 1), BAR(9999999999, 1) };
static struct bucket sizes[] = { BAR(15, 6), BAR(19, 1) };

static struct operation_metrics operations[] = {
    { .operation = { "ping", 4 },
      .calls = 7,
      .errors = 1,
      .hits = 2,
      .bytes_in = 84,
      .bytes_out = 2048,
      .half_ns = 4600,
      .most_99_ns = 1234567,
      .longest_ns = 9999999999,
      .total_ns = 10000004500,
      .latency = { latency, 4 },
      .requests = { sizes, 2 },
      .answers = { sizes, 2 } },
    { .operation = { "a\"b\\c", 5 } },
};
#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
#define READING(n, k, u, v, h)                                                                     \
    {                                                                                              \
        .name = TEXT(n), .kind = TEXT(k), .unit = TEXT(u), .value = v, .help = TEXT(h)             \
    }
static struct reading readings[] = {
    READING("uptime_seconds", "gauge", "seconds", 7200, "Time since start."),
    READING("index", "gauge", "bytes", 17690112, "A \"size\"\nand more."),
    READING("clients-seen_total", "counter", "", 3, "Clients."),
    READING("clients.seen", "counter", "", 4, "The same name, mended."),
    READING("operation_calls", "counter", "", 5, "A name that is taken."),
};
static struct metrics_result metrics = { .operations = { operations, 2 },
                                         .readings = { readings, 5 } };

static struct cli cli;

static const char *shown(enum form form, size_t width)
{
    buf_free(&cli.out);
    cli.out = buf_make(1 << 20);
    cli.screen = (struct screen){ .terminal = width > 0, .width = width, .form = form };
    measures_show(&cli, &metrics);
    buf_byte(&cli.out, 0);
    return cli.out.at;
}

static void has(const char *line)
{
    char whole[256] = "\n";
    strcat(whole, line);
    strcat(whole, "\n");
    if (!strstr(cli.out.at, whole)) fail_msg("'%s' is not in:\n%s", line, cli.out.at);
}

static void counters_have_total(void **state)
{
    (void)state;
    assert_ptr_equal(strstr(shown(FORM_OPENMETRICS, 0), "# TYPE omg_operation_calls counter\n"),
                     cli.out.at);
    has("omg_operation_calls_total{operation=\"ping\"} 7");
    has("omg_operation_calls_total{operation=\"a\\\"b\\\\c\"} 0");
    has("omg_operation_errors_total{operation=\"ping\"} 1");
    has("omg_operation_hits_total{operation=\"ping\"} 2");
}

static void histograms_add_up(void **state)
{
    (void)state;
    shown(FORM_OPENMETRICS, 0);
    has("# TYPE omg_operation_duration_seconds histogram");
    has("# UNIT omg_operation_duration_seconds seconds");
    has("omg_operation_duration_seconds_bucket{operation=\"ping\",le=\"2.55e-07\"} 2");
    has("omg_operation_duration_seconds_bucket{operation=\"ping\",le=\"1.023e-06\"} 5");
    has("omg_operation_duration_seconds_bucket{operation=\"ping\",le=\"2.047e-06\"} 6");
    has("omg_operation_duration_seconds_bucket{operation=\"ping\",le=\"8.589934591\"} 6");
    has("omg_operation_duration_seconds_bucket{operation=\"ping\",le=\"+Inf\"} 7");
    has("omg_operation_duration_seconds_count{operation=\"ping\"} 7");
    has("omg_operation_duration_seconds_sum{operation=\"ping\"} 10.0000045");
    has("omg_operation_duration_seconds_sum{operation=\"a\\\"b\\\\c\"} 0.0");
    has("omg_operation_request_bytes_bucket{operation=\"ping\",le=\"15.0\"} 6");
    has("omg_operation_request_bytes_bucket{operation=\"ping\",le=\"31.0\"} 7");
    has("omg_operation_request_bytes_bucket{operation=\"ping\",le=\"8.388607e+06\"} 7");
    has("omg_operation_request_bytes_sum{operation=\"ping\"} 84.0");
    has("omg_operation_answer_bytes_sum{operation=\"ping\"} 2048.0");
}

static void readings_have_their_unit_and_a_name_that_may_be(void **state)
{
    (void)state;
    shown(FORM_OPENMETRICS, 0);
    has("omg_uptime_seconds 7200");
    has("# UNIT omg_index_bytes bytes");
    has("# HELP omg_index_bytes A \\\"size\\\" and more.");
    has("omg_index_bytes 17690112");
    has("omg_clients_seen_total 3");
    assert_null(strstr(cli.out.at, "mended"));
    assert_null(strstr(cli.out.at, "taken"));
    assert_string_equal(cli.out.at + cli.out.len - sizeof "\n# EOF\n", "\n# EOF\n");
}

static void programs_get_exact_numbers(void **state)
{
    (void)state;
    assert_string_equal(
        shown(FORM_PLAIN, 0),
        "ping\t7\t1\t2\t84\t2048\t4600\t1234567\t9999999999\t10000004500\n"
        "a\"b\\c\t0\t0\t0\t0\t0\t0\t0\t0\t0\n"
        "uptime_seconds\t7200\nindex\t17690112\nclients-seen_total\t3\nclients.seen\t4\n"
        "operation_calls\t5\n");
    assert_int_equal(shown(FORM_AUTO, 0)[0], 'p'); /* into a pipe too */
}

static void people_get_a_table_or_blocks(void **state)
{
    (void)state;
    static const size_t widths[] = { 80, 60, 40, 20 };
    shown(FORM_AUTO, 80);
    assert_non_null(
        strstr(cli.out.at, "calls  errors  hits    in      out  median    99 %  longest\n"));
    assert_non_null(strstr(cli.out.at, "4.6 µs  1.2 ms   10.0 s\n"));
    has("index               16.9 MiB  A \"size\" and more.");
    assert_non_null(strstr(shown(FORM_AUTO, 40), "ping\n  7 calls, 1 errors, 2 hits\n"));
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        size_t columns = 0;
        for (const char *c = shown(FORM_AUTO, widths[i]); *c; c++) {
            columns = *c == '\n' ? 0 : columns + ((*c & 0xC0) != 0x80);
            if (widths[i] >= 40) assert_in_range(columns, 0, widths[i]);
        }
    }
}

static void nothing_measured_is_said(void **state)
{
    (void)state;
    static const struct metrics_result nothing = { .operations = { NULL, 0 } };
    cli.screen = (struct screen){ .form = FORM_TEXT };
    cli.out.len = 0;
    measures_show(&cli, &nothing);
    assert_true(str_eq(buf_view(&cli.out), S("no operation was called yet\n")));
    cli.out.len = 0;
    measures_openmetrics(&cli.out, &nothing);
    assert_true(str_ends(buf_view(&cli.out), S("# EOF\n")));
    buf_free(&cli.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_have_total),
        cmocka_unit_test(histograms_add_up),
        cmocka_unit_test(readings_have_their_unit_and_a_name_that_may_be),
        cmocka_unit_test(programs_get_exact_numbers),
        cmocka_unit_test(people_get_a_table_or_blocks),
        cmocka_unit_test(nothing_measured_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
