#include "test.h"

#include "wire/codec.h"
#include "wire/trace.h"

static struct arena arena;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    out = buf_make(1 << 20);
    return arena_open(&arena, 1 << 20) ? 1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&out);
    arena_close(&arena);
    return 0;
}

static const char *trace(int level, const struct request *q)
{
    struct buf payload = buf_make(1 << 20);
    codec_write_request(&payload, q);
    trace_message(&out, level, "> ", buf_view(&payload), false, &arena);
    buf_byte(&out, 0);
    buf_free(&payload);
    return out.at;
}

static void the_level_says_how_much(void **state)
{
    (void)state;
    const struct search_request s = { .query = S("web") };
    const struct request q = { .id = 7, .op = OP_search, .body = &s };
    assert_string_equal(trace(1, &q), "");
    out.len = 0;
    assert_string_equal(trace(2, &q),
                        "> {\"operation\":\"search\",\"id\":7,\"query\":\"web\",\"limit\":null}\n");
    out.len = 0;
    assert_string_equal(
        trace(3, &q),
        "> {\"operation\":\"search\",\"id\":7,\"query\":\"web\",\"limit\":null}\n"
        "> 000000  00 00 00 00 07 00 00 00  00 00 00 00 03 00 00 00  ................\n"
        "> 000010  00 00 00 00 77 65 62 00                           ....web.\n");
}

static void a_token_is_hidden(void **state)
{
    (void)state;
    const struct ping_request p = { 0 };
    const struct with_request w = { .token = { true, S("s3cret-s3cret-s3cret") },
                                    .request = { .id = 9, .op = OP_ping, .body = &p } };
    const char *said = trace(3, &(struct request){ .id = 9, .op = OP_with, .body = &w });
    assert_non_null(strstr(said, "\"hidden\""));
    assert_null(strstr(said, "s3cret"));
    assert_null(strstr(said, "33 63 72")); /* its bytes */
    assert_non_null(strstr(said, "-- --"));
}

static void what_cannot_be_read_is_shown_as_bytes(void **state)
{
    (void)state;
    const struct str bytes = S("\xff\xff\xff\xff\x1b[31m\xe2\x80\xae");
    trace_message(&out, 3, "< ", bytes, true, &arena);
    buf_byte(&out, 0);
    assert_non_null(strstr(out.at, "< 12 bytes that cannot be read: "));
    assert_non_null(strstr(out.at, "< 000000  ff ff ff ff 1b 5b"));
    assert_null(strchr(out.at, '\x1b'));
    assert_null(strstr(out.at, "\xe2\x80\xae"));
}

static void every_cut_is_shown(void **state)
{
    (void)state;
    struct buf payload = buf_make(1 << 20);
    const struct ping_result p = { .text = S("pong") };
    codec_write_response(&payload, &(struct response){ .id = 1, .op = OP_ping, .body = &p });
    for (size_t n = 0; n < payload.len; n++) {
        out.len = 0;
        trace_message(&out, 3, "< ", str_head(buf_view(&payload), n), true, &arena);
        assert_in_range(out.len, 1, 1000);
    }
    buf_free(&payload);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_level_says_how_much),
        test(a_token_is_hidden),
        test(what_cannot_be_read_is_shown_as_bytes),
        test(every_cut_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
