/* Messages as bytes and back, held to frames that bincode wrote and to frames written by hand. */
#include "test.h"

#include "base/file.h"
#include "wire/codec.h"
#include "wire/json.h"

#include <fcntl.h>
#include <unistd.h>

enum { BATCH_MOST = 100, GOLDEN_MOST = 256 };

static const char seeds_path[] = "../shared/vectors/golden-v1.tsv";
static const char own_path[] = "tests/golden/wire-v1.tsv";

static struct arena arena;
static struct buf out;
static struct fault fault;

/* A frame that is known to be right. */
struct golden {
    bool response;
    struct str shown, bytes; /* as text for people, and its payload */
};
static struct golden golden[GOLDEN_MOST];
static size_t golden_count;

/* A request or a response that was read. */
struct any {
    struct request request;
    struct response response;
};

/* The bytes are copied to a block of exactly their size, so that a sanitizer sees a look past their
 * end. Strings of what was read are lost with the block; whoever wants them keeps it. */
static enum err read_any(bool response, struct str bytes, struct any *to)
{
    fault.text[0] = 0;
    return response ? codec_read_response(bytes, &arena, &to->response, &fault)
                    : codec_read_request(bytes, BATCH_MOST, &arena, &to->request, &fault);
}

static void write_any(bool response, const struct any *from)
{
    out.len = 0;
    if (response) codec_write_response(&out, &from->response);
    else codec_write_request(&out, &from->request);
}

static char *exact(struct str s)
{
    char *block = malloc(s.len ? s.len : 1);
    if (!block) abort();
    if (s.len) memcpy(block, s.at, s.len);
    return block;
}

/* Reads bytes that may be anything; what can be read has to be written as the same bytes. */
static enum err read_and_compare(bool response, struct str bytes)
{
    struct any got;
    char *block = exact(bytes);
    arena_reset(&arena, 1 << 16);
    enum err e = read_any(response, (struct str){ block, bytes.len }, &got);
    if (!e) {
        write_any(response, &got);
        assert_int_equal(out.len, bytes.len);
        assert_memory_equal(out.at, block, bytes.len);
    } else {
        assert_true(fault.text[0] != 0);
    }
    free(block);
    return e;
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static struct str unhex(struct str hex, struct arena *a)
{
    char *at = arena_alloc(a, hex.len / 2 + 1);
    assert_non_null(at);
    for (size_t i = 0; i + 1 < hex.len; i += 2)
        at[i / 2] = (char)(hex_digit(hex.at[i]) << 4 | hex_digit(hex.at[i + 1]));
    return (struct str){ at, hex.len / 2 };
}

/* --- golden frames ----------------------------------------------------------------------- */

static struct arena golden_arena;

/* The last column is the payload. */
static void golden_read(const char *path, bool is_response(struct str), size_t shown)
{
    struct buf text = buf_make(1 << 20);
    struct fault f = { { 0 } };
    struct str rest, line, columns[3];
    if (file_read(AT_FDCWD, path, &text, &f)) fail_msg("%s: %s", path, f.text);
    rest = arena_copy(&golden_arena, buf_view(&text));
    buf_free(&text);
    while (str_cut(&rest, '\n', &line)) {
        if (!line.len || line.at[0] == '#') continue;
        for (size_t i = 0; i < 3; i++) assert_true(str_cut(&line, '\t', &columns[i]));
        assert_true(golden_count < GOLDEN_MOST);
        golden[golden_count++] = (struct golden){ .response = is_response(columns[0]),
                                                  .shown = columns[shown],
                                                  .bytes = unhex(columns[2], &golden_arena) };
    }
}

static bool is_seeds_response(struct str shown)
{
    return str_starts(shown, S("Success ")) || str_starts(shown, S("Error "));
}

static bool is_own_response(struct str kind)
{
    return str_eq(kind, S("response"));
}

static int set_up(void **state)
{
    (void)state;
    out = buf_make(64 << 20);
    return arena_open(&arena, 1 << 28) || arena_open(&golden_arena, 1 << 20) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&out);
    arena_close(&arena);
    arena_close(&golden_arena);
    return 0;
}

static int own_golden(void **state)
{
    (void)state;
    golden_count = 0;
    golden_read(own_path, is_own_response, 1);
    return 0;
}

static void the_frames_of_bincode_go_both_ways(void **state)
{
    (void)state;
    if (access(seeds_path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", seeds_path);
        skip();
    }
    golden_count = 0;
    golden_read(seeds_path, is_seeds_response, 0);
    assert_int_equal(golden_count, 30);
    for (size_t i = 0; i < golden_count; i++)
        if (read_and_compare(golden[i].response, golden[i].bytes))
            fail_msg("%.*s: %s", STR_ARG(golden[i].shown), fault.text);
}

static void our_frames_hold_what_their_json_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_count; i++) {
        const struct golden *g = &golden[i];
        struct any got;
        if (read_and_compare(g->response, g->bytes))
            fail_msg("%.*s: %s", STR_ARG(g->shown), fault.text);
        assert_int_equal(read_any(g->response, g->bytes, &got), OK);
        out.len = 0;
        if (g->response) json_write_response(&out, &got.response, false);
        else json_write_request(&out, &got.request, false);
        if (!str_eq(buf_view(&out), g->shown))
            fail_msg("%.*s is not %.*s", STR_ARG(buf_view(&out)), STR_ARG(g->shown));
    }
}

static void their_json_gives_our_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_count; i++) {
        const struct golden *g = &golden[i];
        struct any got;
        enum err e = g->response ? json_read_response(g->shown, &arena, &got.response, &fault)
                                 : json_read_request(g->shown, &arena, &got.request, &fault);
        if (e) fail_msg("%.*s: %s", STR_ARG(g->shown), fault.text);
        write_any(g->response, &got);
        assert_true(str_eq(buf_view(&out), g->bytes));
    }
}

static void every_number_has_its_frame(void **state)
{
    (void)state;
    bool requests[OP_COUNT] = { false }, results[OP_COUNT] = { false }, errors[ERR_COUNT] = { 0 };
    bool kinds[RESPONSE_FAILURE + 1] = { false };
    for (size_t i = 0; i < golden_count; i++) {
        struct any got;
        assert_int_equal(read_any(golden[i].response, golden[i].bytes, &got), OK);
        if (!golden[i].response) {
            requests[got.request.op] = true;
            continue;
        }
        kinds[got.response.kind] = true;
        if (got.response.body) results[got.response.op] = true;
        else errors[err_of_code(got.response.code)] = true;
    }
    for (enum op op = 0; op < OP_COUNT; op++)
        if (!requests[op] || !results[op]) fail_msg("%s has no frame", op_row(op)->name);
    for (enum err e = OK + 1; e < ERR_COUNT; e++)
        if (!errors[e]) fail_msg("%s has no frame", err_row(e)->name);
    for (size_t i = 0; i < sizeof kinds; i++) assert_true(kinds[i]);
}

/* --- damage ------------------------------------------------------------------------------ */

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_count; i++)
        for (size_t cut = 0; cut < golden[i].bytes.len; cut++)
            assert_int_equal(read_and_compare(golden[i].response, str_head(golden[i].bytes, cut)),
                             ERR_PARSE);
}

static void every_byte_left_over_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_count; i++) {
        char *longer = malloc(golden[i].bytes.len + 1);
        memcpy(longer, golden[i].bytes.at, golden[i].bytes.len);
        longer[golden[i].bytes.len] = 0;
        struct str bytes = { longer, golden[i].bytes.len + 1 };
        assert_int_equal(read_and_compare(golden[i].response, bytes), ERR_PARSE);
        free(longer);
    }
}

static void no_changed_byte_does_harm(void **state)
{
    (void)state;
    static const uint8_t changes[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF };
    for (size_t i = 0; i < golden_count; i++) {
        char *changed = exact(golden[i].bytes);
        for (size_t at = 0; at < golden[i].bytes.len; at++)
            for (size_t c = 0; c < sizeof changes; c++) {
                changed[at] = (char)((uint8_t)changed[at] ^ changes[c]);
                read_and_compare(golden[i].response, (struct str){ changed, golden[i].bytes.len });
                changed[at] = golden[i].bytes.at[at];
            }
        free(changed);
    }
}

/* Wherever a length or a count stands, it is one of these once. */
static void no_length_is_believed(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        UINT64_MAX,         UINT64_MAX - 7,         UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1,
        UINT64_C(1) << 62,  UINT64_C(1) << 61,      UINT64_C(1) << 60, (UINT64_C(1) << 60) + 1,
        UINT64_MAX / 24,    UINT64_MAX / 24 + 1,    UINT64_C(1) << 32, UINT64_C(1) << 31,
        UINT64_MAX / 3 + 1, UINT64_C(0x0101010101), 1 << 20,           1 << 10,
    };
    for (size_t i = 0; i < golden_count; i++)
        for (size_t at = 0; at + 8 <= golden[i].bytes.len; at++)
            for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
                char *changed = exact(golden[i].bytes);
                memcpy(changed + at, &lengths[n], 8);
                read_and_compare(golden[i].response, (struct str){ changed, golden[i].bytes.len });
                free(changed);
            }
}

static struct str request_head(uint32_t variant, uint64_t id)
{
    out.len = 0;
    buf_put(&out, &variant, sizeof variant);
    buf_put(&out, &id, sizeof id);
    return buf_view(&out);
}

static void put_u64(uint64_t v)
{
    buf_put(&out, &v, sizeof v);
}

static void assert_refused(struct str bytes, bool response, enum err wanted, const char *sentence)
{
    struct any got;
    assert_int_equal(read_any(response, bytes, &got), wanted);
    assert_string_equal(fault.text, sentence);
}

static void counts_are_held_against_what_remains(void **state)
{
    (void)state;
    for (uint64_t count = 1; count; count <<= 1) {
        size_t used = arena.used;
        request_head(OP_subscribe, 1);
        put_u64(count);
        put_u64(0); /* one empty topic */
        struct any got;
        enum err e = read_any(false, buf_view(&out), &got);
        assert_int_equal(e, count == 1 ? OK : ERR_PARSE);
        assert_true(arena.used - used < 256);
    }
    request_head(OP_subscribe, 1);
    put_u64(2);
    put_u64(0);
    assert_refused(buf_view(&out), false, ERR_PARSE,
                   "subscribe_request.topics, byte 20: has more items than the message has bytes "
                   "for");
    request_head(OP_info, 1);
    put_u64(UINT64_MAX);
    assert_refused(buf_view(&out), false, ERR_PARSE,
                   "info_request.package, byte 20: is longer than the message");
}

static void a_bool_is_0_or_1(void **state)
{
    (void)state;
    request_head(OP_search, 1);
    put_u64(0);
    buf_byte(&out, 2);
    put_u64(0);
    assert_refused(buf_view(&out), false, ERR_PARSE,
                   "search_request.limit, byte 20: has to be 0 or 1");
    uint8_t result[] = { 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 3, 0,
                         0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0 };
    assert_refused((struct str){ (char *)result, sizeof result }, true, ERR_PARSE,
                   "refresh_result.catalogue, byte 24: has to be 0 or 1");
}

static void an_unknown_variant_is_told_from_damage(void **state)
{
    (void)state;
    struct any got;
    assert_refused(request_head(OP_COUNT, 77), false, ERR_METHOD_NOT_FOUND,
                   "there is no operation with the number 19");
    assert_int_equal(read_any(false, buf_view(&out), &got), ERR_METHOD_NOT_FOUND);
    assert_int_equal(got.request.id, 77);
    assert_int_equal(got.request.op, OP_COUNT);
    assert_int_equal(read_any(false, request_head(UINT32_MAX, 1), &got), ERR_METHOD_NOT_FOUND);
    assert_refused(request_head(4, 9), true, ERR_PARSE,
                   "response, byte 12: there is no such kind of response");
    request_head(RESPONSE_SUCCESS, 9);
    buf_put(&out, "\x13\0\0", 4);
    assert_refused(buf_view(&out), true, ERR_PARSE, "response, byte 16: there is no such result");
    request_head(OP_batch, 5);
    put_u64(1);
    buf_put(&out, "\x13\0\0\0\1\0\0\0\0\0\0", 12);
    assert_refused(buf_view(&out), false, ERR_PARSE,
                   "batch_request.requests, byte 32: there is no such operation");
}

static void the_id_is_known_even_of_what_cannot_be_read(void **state)
{
    (void)state;
    struct any got;
    request_head(OP_info, 0x1122334455667788);
    assert_int_equal(read_any(false, buf_view(&out), &got), ERR_PARSE);
    assert_true(got.request.id == 0x1122334455667788);
    out.len = 11;
    assert_int_equal(read_any(false, buf_view(&out), &got), ERR_PARSE);
    assert_int_equal(got.request.id, 0);
    assert_int_equal(read_any(false, STR_NONE, &got), ERR_PARSE);
    assert_string_equal(fault.text, "request, byte 0: the message ends too early");
}

static void an_error_has_a_code(void **state)
{
    (void)state;
    request_head(RESPONSE_ERROR, 1);
    buf_put(&out, "\0\0\0", 4);
    put_u64(0);
    assert_refused(buf_view(&out), true, ERR_PARSE,
                   "response, byte 16: an error has a code other than 0");
}

/* --- text -------------------------------------------------------------------------------- */

static void put_info(struct str package)
{
    request_head(OP_info, 1);
    put_u64(package.len);
    buf_str(&out, package);
}

/* Every length around the words that are looked at at once, and every place in them. */
static void text_is_utf8_wherever_its_bytes_stand(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool good;
    } pieces[] = { { "\xC3\xA9", true },
                   { "\xE6\x97\xA5", true },
                   { "\xF0\x9F\xA6\x80", true },
                   { "\x7F", true },
                   { "\x80", false },
                   { "\xFF", false },
                   { "\xC3", false },
                   { "\xC0\xAF", false },
                   { "\xE6\x97", false },
                   { "\xED\xA0\x80", false },
                   { "\xE0\x80\x80", false },
                   { "\xF4\x90\x80\x80", false },
                   { "\xF0\x80\x80\x80", false },
                   { "\xF8\x88\x80\x80", false } };
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++)
        for (size_t before = 0; before < 20; before++)
            for (size_t behind = 0; behind < 20; behind++) {
                char text[64];
                size_t n = strlen(pieces[p].bytes);
                memset(text, 'a', sizeof text);
                memcpy(text + before, pieces[p].bytes, n);
                put_info((struct str){ text, before + n + behind });
                char *block = exact(buf_view(&out));
                struct any got;
                enum err e = read_any(false, (struct str){ block, out.len }, &got);
                free(block);
                assert_int_equal(e, pieces[p].good ? OK : ERR_PARSE);
                arena_reset(&arena, 1 << 16);
            }
    put_info(S("ab\xFF"));
    assert_refused(buf_view(&out), false, ERR_PARSE, "info_request.package, byte 23: is not UTF-8");
}

/* What was written can always be read. */
static void text_that_is_not_utf8_is_mended_on_its_way_out(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        { "a\xFFz", "a\xEF\xBF\xBDz" },
        { "\xC3", "\xEF\xBF\xBD" },
        { "caf\xC3\xA9 \xE6\x97", "caf\xC3\xA9 \xEF\xBF\xBD\xEF\xBF\xBD" },
        { "a long text with its end cut \xF0\x9F\xA6",
          "a long text with its end cut \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xEF\xBF\xBD", "\xEF\xBF\xBD" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct info_request body = { .package = str_of(texts[i][0]) };
        struct any got, sent = { .request = { .id = 1, .op = OP_info, .body = &body } };
        write_any(false, &sent);
        assert_int_equal(read_any(false, buf_view(&out), &got), OK);
        const struct info_request *back = got.request.body;
        assert_true(str_eq(back->package, str_of(texts[i][1])));
    }
}

static void strings_are_views_into_the_payload(void **state)
{
    (void)state;
    struct any got;
    put_info(S("bash"));
    assert_int_equal(read_any(false, buf_view(&out), &got), OK);
    const struct info_request *q = got.request.body;
    assert_ptr_equal(q->package.at, out.at + CODEC_HEAD + 8);
}

/* --- what stands in what ----------------------------------------------------------------- */

static struct ping_request nothing;

static struct request ping(uint64_t id)
{
    return (struct request){ .id = id, .op = OP_ping, .body = &nothing };
}

/* Writes it and reads what was written. */
static enum err send(const struct request *r)
{
    struct any got, sent = { .request = *r };
    write_any(false, &sent);
    return read_any(false, buf_view(&out), &got);
}

static void batches_and_envelopes_stand_in_each_other_but_not_in_themselves(void **state)
{
    (void)state;
    struct request item = ping(1), inner, outer;
    struct batch_request batch = { .requests = { &item, 1 } },
                         second = { .requests = { &inner, 1 } };
    struct with_request with = { .request = item }, around = { .request = { 0 } };

    inner = (struct request){ .id = 2, .op = OP_batch, .body = &batch };
    outer = (struct request){ .id = 3, .op = OP_batch, .body = &second };
    assert_int_equal(send(&inner), OK);
    assert_int_equal(send(&outer), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text, "batch_request.requests, byte 32: a batch cannot hold a batch");

    around.request = inner; /* an envelope around a batch */
    outer = (struct request){ .id = 3, .op = OP_with, .body = &around };
    assert_int_equal(send(&outer), OK);

    inner = (struct request){ .id = 2, .op = OP_with, .body = &with };
    outer = (struct request){ .id = 3, .op = OP_batch, .body = &second };
    assert_int_equal(send(&outer), OK); /* a batch of an envelope */

    around.request = inner; /* an envelope around an envelope */
    outer = (struct request){ .id = 3, .op = OP_with, .body = &around };
    assert_int_equal(send(&outer), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text,
                        "with_request.request, byte 28: an envelope cannot hold an envelope");
}

static void nesting_is_seen_through_what_is_in_between(void **state)
{
    (void)state;
    struct request item = ping(1), middle, inner, outer;
    struct batch_request innermost = { .requests = { &item, 1 } };
    struct with_request with = { .request = { .id = 2, .op = OP_batch, .body = &innermost } };
    struct batch_request batch = { .requests = { &middle, 1 } };
    middle = (struct request){ .id = 3, .op = OP_with, .body = &with };
    outer = (struct request){ .id = 4, .op = OP_batch, .body = &batch };
    assert_int_equal(send(&outer), ERR_INVALID_PARAMS); /* batch, envelope, batch */

    struct with_request around = { .request = { .id = 4, .op = OP_batch, .body = &batch } };
    with.request = item;
    inner = (struct request){ .id = 5, .op = OP_with, .body = &around };
    assert_int_equal(send(&inner), ERR_INVALID_PARAMS); /* envelope, batch, envelope */
}

static void a_batch_of_answers_holds_no_batch(void **state)
{
    (void)state;
    struct batch_result none = { 0 };
    struct response item = { .op = OP_batch, .body = &none };
    struct batch_result one = { .responses = { &item, 1 } };
    struct any got, sent = { .response = { .op = OP_batch, .body = &one } };
    write_any(true, &sent);
    assert_int_equal(read_any(true, buf_view(&out), &got), ERR_INVALID_PARAMS);
}

static void a_batch_is_as_long_as_it_may_be(void **state)
{
    (void)state;
    static struct request items[BATCH_MOST + 1];
    for (size_t i = 0; i <= BATCH_MOST; i++) items[i] = ping(i);
    struct batch_request batch = { .requests = { items, BATCH_MOST } };
    struct request r = { .id = 1, .op = OP_batch, .body = &batch };
    assert_int_equal(send(&r), OK);
    batch.requests.len++;
    assert_int_equal(send(&r), ERR_INVALID_PARAMS);
    assert_string_equal(fault.text,
                        "batch_request.requests, byte 20: has more items than are allowed");
}

/* --- room -------------------------------------------------------------------------------- */

static void a_full_arena_is_said(void **state)
{
    (void)state;
    static struct str topics[1000];
    struct arena small;
    struct subscribe_request body = { .topics = { topics, 1000 } };
    struct request got, sent = { .id = 1, .op = OP_subscribe, .body = &body };
    assert_int_equal(arena_open(&small, 4096), OK);
    out.len = 0;
    codec_write_request(&out, &sent);
    assert_int_equal(codec_read_request(buf_view(&out), BATCH_MOST, &small, &got, &fault),
                     ERR_RESOURCE_LIMIT);
    assert_string_equal(fault.text, "subscribe_request.topics, byte 20: is too large to be read");
    small.used = small.limit;
    assert_int_equal(codec_read_request(buf_view(&out), BATCH_MOST, &small, &got, NULL),
                     ERR_RESOURCE_LIMIT);
    arena_close(&small);
}

static void a_full_buffer_says_so_and_stays_within_its_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_count; i++) {
        struct any got;
        assert_int_equal(read_any(golden[i].response, golden[i].bytes, &got), OK);
        for (size_t limit = 0; limit <= golden[i].bytes.len; limit++) {
            char *room = malloc(limit ? limit : 1);
            struct buf b = { .at = room, .room = limit, .limit = limit };
            if (golden[i].response) codec_write_response(&b, &got.response);
            else codec_write_request(&b, &got.request);
            assert_true(b.full == (limit < golden[i].bytes.len));
            assert_true(b.len <= limit);
            free(room);
        }
    }
}

static void one_message_goes_alone(void **state)
{
    (void)state;
    struct service_state s = { .name = S("host"), .state = S("down"), .restarts = 3 }, back;
    out.len = 0;
    codec_write_message(&out, MESSAGE_service_state, &s);
    assert_int_equal(out.len, 8 + 4 + 8 + 4 + 8);
    assert_int_equal(
        codec_read_message(buf_view(&out), MESSAGE_service_state, &arena, &back, &fault), OK);
    assert_true(str_eq(back.state, s.state) && back.restarts == 3);
    buf_byte(&out, 0);
    assert_int_equal(
        codec_read_message(buf_view(&out), MESSAGE_service_state, &arena, &back, &fault),
        ERR_PARSE);
    assert_string_equal(fault.text, "service_state, byte 32: the message ends before its bytes do");
    struct status_request none;
    assert_int_equal(codec_read_message(STR_NONE, MESSAGE_status_request, &arena, &none, &fault),
                     OK);
}

static void the_head_is_peeked_at_and_patched(void **state)
{
    (void)state;
    uint32_t variant;
    uint64_t id;
    request_head(OP_status, 0x0102030405060708);
    assert_true(codec_peek(buf_view(&out), &variant, &id));
    assert_int_equal(variant, OP_status);
    assert_true(id == 0x0102030405060708);
    codec_patch_id(out.at, UINT64_MAX - 1);
    assert_true(codec_peek(buf_view(&out), &variant, &id));
    assert_int_equal(variant, OP_status);
    assert_true(id == UINT64_MAX - 1);
    out.len = CODEC_HEAD - 1;
    assert_false(codec_peek(buf_view(&out), &variant, &id));
    assert_int_equal(id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frames_of_bincode_go_both_ways),
        cmocka_unit_test_setup(our_frames_hold_what_their_json_says, own_golden),
        cmocka_unit_test_setup(their_json_gives_our_frames, own_golden),
        cmocka_unit_test_setup(every_number_has_its_frame, own_golden),
        cmocka_unit_test_setup(every_truncation_is_refused, own_golden),
        cmocka_unit_test_setup(every_byte_left_over_is_refused, own_golden),
        cmocka_unit_test_setup(no_changed_byte_does_harm, own_golden),
        cmocka_unit_test_setup(no_length_is_believed, own_golden),
        cmocka_unit_test(counts_are_held_against_what_remains),
        cmocka_unit_test(a_bool_is_0_or_1),
        cmocka_unit_test(an_unknown_variant_is_told_from_damage),
        cmocka_unit_test(the_id_is_known_even_of_what_cannot_be_read),
        cmocka_unit_test(an_error_has_a_code),
        cmocka_unit_test(text_is_utf8_wherever_its_bytes_stand),
        cmocka_unit_test(text_that_is_not_utf8_is_mended_on_its_way_out),
        cmocka_unit_test(strings_are_views_into_the_payload),
        cmocka_unit_test(batches_and_envelopes_stand_in_each_other_but_not_in_themselves),
        cmocka_unit_test(nesting_is_seen_through_what_is_in_between),
        cmocka_unit_test(a_batch_of_answers_holds_no_batch),
        cmocka_unit_test(a_batch_is_as_long_as_it_may_be),
        cmocka_unit_test(a_full_arena_is_said),
        cmocka_unit_test_setup(a_full_buffer_says_so_and_stays_within_its_limit, own_golden),
        cmocka_unit_test(one_message_goes_alone),
        cmocka_unit_test(the_head_is_peeked_at_and_patched),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
