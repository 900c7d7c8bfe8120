/* JSON to messages and back. */
#include "wire/json.h"

#include "base/base64.h"
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    out = buf_make(64 << 20);
    return arena_open(&arena, 1 << 28) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&out);
    arena_close(&arena);
    return 0;
}

static void assert_text(const char *wanted)
{
    buf_byte(&out, 0);
    assert_string_equal(out.at, wanted);
    out.len = 0;
}

static void assert_refused(const char *text, enum message m, enum err wanted, const char *sentence)
{
    _Alignas(16) char message[512];
    struct fault f = { 0 };
    assert_int_equal(json_read(str_of(text), m, &arena, message, &f), wanted);
    if (sentence) assert_string_equal(f.text, sentence);
}

static void a_message_is_an_object_in_the_schemas_order(void **state)
{
    (void)state;
    struct search_request q = { .query = S("web server") };
    json_write(&out, MESSAGE_search_request, &q, false);
    assert_text("{\"query\":\"web server\",\"limit\":null}");
    q.limit.there = true;
    q.limit.value = UINT64_MAX;
    json_write(&out, MESSAGE_search_request, &q, true);
    assert_text("{\n  \"query\": \"web server\",\n  \"limit\": 18446744073709551615\n}");
}

static void lists_and_empty_messages_have_their_brackets(void **state)
{
    (void)state;
    struct str names[] = { S("a"), S("b") };
    struct explicit_result some = { .packages = { names, 2 } }, none = { 0 };
    struct status_request nothing = { 0 };
    json_write(&out, MESSAGE_explicit_result, &some, false);
    assert_text("{\"packages\":[\"a\",\"b\"]}");
    json_write(&out, MESSAGE_explicit_result, &none, true);
    assert_text("{\n  \"packages\": []\n}");
    json_write(&out, MESSAGE_status_request, &nothing, true);
    assert_text("{}");
}

static void strings_are_always_utf8_and_steer_no_terminal(void **state)
{
    (void)state;
    json_write_string(&out,
                      S("a\"b\\c\n\x01\x1b\x7f \xff \xc3\xa9 \xc2\x9b \xe2\x80\xae \xed\xa0\x80"));
    assert_text("\"a\\\"b\\\\c\\n\\u0001\\u001b\\u007f \xef\xbf\xbd \xc3\xa9 \\u009b \\u202e "
                "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void a_message_comes_back_as_it_was(void **state)
{
    (void)state;
    struct str depends[] = { S("libc6 (>= 2.36)"), S("\xE6\x97\xA5") };
    struct detailed_package_info info = { .name = S("bash"),
                                          .size = UINT64_MAX,
                                          .depends = { depends, 2 } };
    struct detailed_package_info back;
    json_write(&out, MESSAGE_detailed_package_info, &info, false);
    assert_int_equal(json_read(buf_view(&out), MESSAGE_detailed_package_info, &arena, &back, NULL),
                     OK);
    assert_true(str_eq(back.name, info.name));
    assert_true(back.size == UINT64_MAX);
    assert_int_equal(back.depends.len, 2);
    assert_true(str_eq(back.depends.at[1], depends[1]));
    assert_int_equal(back.licenses.len, 0);
    out.len = 0;
}

static void what_the_schema_does_not_know_is_refused_with_its_path(void **state)
{
    (void)state;
    enum message m = MESSAGE_search_request;
    assert_refused("{\"query\":\"x\",\"limit\":\"5\"}", m, ERR_INVALID_PARAMS,
                   "search_request.limit: has to be a whole number from 0 to 18446744073709551615");
    assert_refused("{\"query\":\"x\",\"limit\":1.0}", m, ERR_INVALID_PARAMS, NULL);
    assert_refused("{\"query\":\"x\",\"limit\":-1}", m, ERR_INVALID_PARAMS, NULL);
    assert_refused("{\"query\":\"x\",\"limit\":18446744073709551616}", m, ERR_INVALID_PARAMS, NULL);
    assert_refused("{\"query\":\"x\",\"limit\":1e3}", m, ERR_INVALID_PARAMS, NULL);
    assert_refused("{\"query\":1}", m, ERR_INVALID_PARAMS,
                   "search_request.query: has to be a string");
    assert_refused("{\"query\":null}", m, ERR_INVALID_PARAMS, NULL);
    assert_refused("{}", m, ERR_INVALID_PARAMS, "search_request.query: is missing");
    assert_refused("{\"query\":\"x\",\"Query\":\"y\"}", m, ERR_INVALID_PARAMS,
                   "search_request.Query: is not known");
    assert_refused("{\"query\":\"x\",\"query\":\"x\"}", m, ERR_INVALID_PARAMS,
                   "search_request.query: is there twice");
    assert_refused("[]", m, ERR_INVALID_PARAMS, "search_request: has to be an object");
    assert_refused("{\"packages\":[\"a\",2]}", MESSAGE_explicit_result, ERR_INVALID_PARAMS,
                   "explicit_result.packages[1]: has to be a string");
    assert_refused("{\"packages\":{}}", MESSAGE_explicit_result, ERR_INVALID_PARAMS,
                   "explicit_result.packages: has to be an array");
}

static void what_is_not_json_is_a_parse_error(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       " ",
                                       "{",
                                       "{\"query\":\"x\"} x",
                                       "{'query':'x'}",
                                       "{\"query\":\"\xff\"}",
                                       "{\"query\":\"\\ud800\"}",
                                       "{\"query\":\"x\",}",
                                       "{\"query\":\"a\nb\"}" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(bad[i], MESSAGE_search_request, ERR_PARSE, NULL);
}

static void an_optional_member_may_be_left_out(void **state)
{
    (void)state;
    struct search_request q;
    assert_int_equal(json_read(S("{\"query\":\"x\"}"), MESSAGE_search_request, &arena, &q, NULL),
                     OK);
    assert_false(q.limit.there);
}

static void requests_and_responses_carry_their_operation(void **state)
{
    (void)state;
    struct request q;
    struct response r;
    struct str request = S("{\"operation\":\"search\",\"id\":7,\"query\":\"x\",\"limit\":3}");
    struct str answer =
        S("{\"id\":7,\"operation\":\"suggest\",\"result\":{\"suggestions\":[\"a\"]}}");
    struct str error =
        S("{\"id\":7,\"error\":{\"code\":-32602,\"name\":\"INVALID_PARAMS\",\"message\":\"m\"}}");
    assert_int_equal(json_read_request(request, &arena, &q, NULL), OK);
    assert_int_equal(q.op, 0);
    assert_int_equal(q.id, 7);
    json_write_request(&out, &q, false);
    assert_text(request.at);
    assert_int_equal(json_read_response(answer, &arena, &r, NULL), OK);
    assert_int_equal(r.op, 9);
    json_write_response(&out, &r, false);
    assert_text(answer.at);
    assert_int_equal(json_read_response(error, &arena, &r, NULL), OK);
    assert_null(r.body);
    assert_int_equal(r.code, -32602);
    json_write_response(&out, &r, false);
    assert_text(error.at);
}

static void every_kind_of_response_goes_both_ways(void **state)
{
    (void)state;
    static const struct {
        enum response_kind kind;
        const char *text;
    } kinds[] = {
        { RESPONSE_SUCCESS, "{\"id\":7,\"operation\":\"ping\",\"result\":{\"text\":\"pong\"}}" },
        { RESPONSE_ERROR,
          "{\"id\":7,\"error\":{\"code\":-1007,\"name\":\"BUSY\",\"message\":\"m\"}}" },
        { RESPONSE_EVENT, "{\"id\":7,\"sequence\":18446744073709551615,\"operation\":\"ping\","
                          "\"result\":{\"text\":\"\"}}" },
        { RESPONSE_FAILURE,
          "{\"id\":7,\"error\":{\"code\":-1002,\"name\":\"RATE_LIMITED\",\"message\":\"m\","
          "\"details\":{\"retry_ms\":\"120\",\"retry_ms\":\"again\"}}}" },
        { RESPONSE_FAILURE, "{\"id\":7,\"error\":{\"code\":-1002,\"name\":\"RATE_LIMITED\","
                            "\"message\":\"m\",\"details\":{}}}" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct response r;
        assert_int_equal(json_read_response(str_of(kinds[i].text), &arena, &r, NULL), OK);
        assert_int_equal(r.kind, kinds[i].kind);
        json_write_response(&out, &r, false);
        assert_text(kinds[i].text);
    }
}

static void details_are_an_object_of_texts(void **state)
{
    (void)state;
    struct response r = { .kind = RESPONSE_FAILURE,
                          .code = -1002,
                          .details = { (struct detail[]){ { S("a"), S("1") } }, 1 } };
    struct fault f;
    json_write_response(&out, &r, true);
    assert_text("{\n  \"id\": 0,\n  \"error\": {\n    \"code\": -1002,\n"
                "    \"name\": \"RATE_LIMITED\",\n    \"message\": \"\",\n"
                "    \"details\": {\n      \"a\": \"1\"\n    }\n  }\n}");
    assert_int_equal(json_read_response(S("{\"id\":1,\"error\":{\"code\":-1,\"message\":\"\","
                                          "\"details\":{\"a\":1}}}"),
                                        &arena, &r, &f),
                     ERR_INVALID_PARAMS);
    assert_string_equal(f.text, "response.error.details.a: has to be a string");
    assert_int_equal(json_read_response(S("{\"id\":1,\"error\":{\"code\":-1,\"message\":\"\","
                                          "\"details\":[]}}"),
                                        &arena, &r, &f),
                     ERR_INVALID_PARAMS);
}

static void an_error_has_no_sequence(void **state)
{
    (void)state;
    struct response r;
    assert_int_equal(
        json_read_response(S("{\"id\":1,\"sequence\":2,\"error\":{\"code\":-1,\"message\":\"\"}}"),
                           &arena, &r, NULL),
        ERR_INVALID_PARAMS);
}

static void envelopes_are_read_as_strictly(void **state)
{
    (void)state;
    struct request q;
    struct response r;
    struct fault f;
    assert_int_equal(json_read_request(S("{\"operation\":\"fly\",\"id\":1}"), &arena, &q, &f),
                     ERR_METHOD_NOT_FOUND);
    assert_string_equal(f.text, "request.operation: there is no operation 'fly'");
    assert_int_equal(json_read_request(S("{\"id\":1}"), &arena, &q, &f), ERR_INVALID_PARAMS);
    assert_int_equal(json_read_request(S("{\"operation\":\"ping\"}"), &arena, &q, &f),
                     ERR_INVALID_PARAMS);
    assert_int_equal(
        json_read_request(S("{\"operation\":\"ping\",\"id\":1,\"id\":1}"), &arena, &q, &f),
        ERR_INVALID_PARAMS);
    assert_int_equal(json_read_response(S("{\"id\":1}"), &arena, &r, &f), ERR_INVALID_PARAMS);
    assert_int_equal(
        json_read_response(S("{\"id\":1,\"error\":{\"code\":0,\"message\":\"\"}}"), &arena, &r, &f),
        ERR_INVALID_PARAMS);
}

static void a_batch_goes_both_ways(void **state)
{
    (void)state;
    struct str text = S("{\"operation\":\"batch\",\"id\":1,\"requests\":["
                        "{\"operation\":\"ping\",\"id\":2},"
                        "{\"operation\":\"info\",\"id\":3,\"package\":\"bash\"}]}");
    struct request q;
    assert_int_equal(json_read_request(text, &arena, &q, NULL), OK);
    json_write_request(&out, &q, false);
    assert_text(text.at);
}

static void nesting_ends_at_a_depth(void **state)
{
    (void)state;
    struct request q;
    struct fault f;
    struct buf b = buf_make(1 << 20);
    for (int i = 0; i < 20; i++) buf_str(&b, S("{\"operation\":\"batch\",\"id\":1,\"requests\":["));
    for (int i = 0; i < 20; i++) buf_str(&b, S("]}"));
    assert_int_equal(json_read_request(buf_view(&b), &arena, &q, &f), ERR_INVALID_PARAMS);
    assert_true(str_has(str_of(f.text), S("nested too deeply")));
    b.len = 0;
    for (int i = 0; i < 100000; i++) buf_byte(&b, '[');
    assert_int_equal(json_read_request(buf_view(&b), &arena, &q, &f), ERR_PARSE);
    buf_free(&b);
}

static void a_full_arena_is_said(void **state)
{
    (void)state;
    struct arena small;
    struct search_request q;
    assert_int_equal(arena_open(&small, 4096), OK);
    struct buf b = buf_make(1 << 20);
    buf_str(&b, S("{\"query\":\""));
    buf_repeat(&b, 'x', 100000);
    buf_str(&b, S("\"}"));
    assert_int_equal(json_read(buf_view(&b), MESSAGE_search_request, &small, &q, NULL),
                     ERR_RESOURCE_LIMIT);
    buf_free(&b);
    arena_close(&small);
}

static void base64_is_strict(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }
    };
    static const char *const bad[] = { "Z",    "Zg",   "Zg=",  "Zg==Zg==", "Zh==",
                                       "Zm9=", "Z===", "====", "Zm 9",     "Zm9v\n" };
    struct str back;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        base64_put(&out, str_of(good[i][0]));
        assert_text(good[i][1]);
        assert_int_equal(base64_take(str_of(good[i][1]), &arena, &back), OK);
        assert_true(str_eq(back, str_of(good[i][0])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(base64_take(str_of(bad[i]), &arena, &back), ERR_PARSE);
}

/* JSONTestSuite: y_ has to be read as JSON (whatever message it then is not), n_ has not. */
static void the_public_test_suite_agrees(void **state)
{
    (void)state;
    static const char folder[] = "../shared/data/json/test_parsing";
    struct names names;
    struct fault f = { 0 };
    if (access(folder, R_OK) != 0) {
        print_message("skipped: %s is not there\n", folder);
        skip();
    }
    assert_int_equal(folder_names(AT_FDCWD, folder, &arena, &names, &f), OK);
    for (size_t i = 0; i < names.len; i++) {
        _Alignas(16) char message[512];
        char path[512];
        struct buf text = buf_make(1 << 20);
        snprintf(path, sizeof path, "%s/%.*s", folder, STR_ARG(names.at[i]));
        assert_int_equal(file_read(AT_FDCWD, path, &text, &f), OK);
        size_t used = arena.used;
        enum err e = json_read(buf_view(&text), MESSAGE_search_request, &arena, message, &f);
        if (names.at[i].at[0] == 'y' && e == ERR_PARSE) fail_msg("%s: %s", path, f.text);
        if (names.at[i].at[0] == 'n' && e != ERR_PARSE) fail_msg("%s was read", path);
        arena.used = used;
        buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_an_object_in_the_schemas_order),
        cmocka_unit_test(lists_and_empty_messages_have_their_brackets),
        cmocka_unit_test(strings_are_always_utf8_and_steer_no_terminal),
        cmocka_unit_test(a_message_comes_back_as_it_was),
        cmocka_unit_test(what_the_schema_does_not_know_is_refused_with_its_path),
        cmocka_unit_test(what_is_not_json_is_a_parse_error),
        cmocka_unit_test(an_optional_member_may_be_left_out),
        cmocka_unit_test(requests_and_responses_carry_their_operation),
        cmocka_unit_test(every_kind_of_response_goes_both_ways),
        cmocka_unit_test(details_are_an_object_of_texts),
        cmocka_unit_test(an_error_has_no_sequence),
        cmocka_unit_test(envelopes_are_read_as_strictly),
        cmocka_unit_test(a_batch_goes_both_ways),
        cmocka_unit_test(nesting_ends_at_a_depth),
        cmocka_unit_test(a_full_arena_is_said),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(the_public_test_suite_agrees),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
