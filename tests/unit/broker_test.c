#include "test.h"

#include "../broker_house.h"

#define MS UINT64_C(1000000)

static struct house h;
static int client;
static struct ping_request ping;
static struct doctor_request doctor;
static struct status_request status;

static int with_settings(const char *settings, bool index)
{
    house_open(&h, settings);
    if (index) house_index(&h, 0, 7, 1);
    client = client_comes(&h);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return with_settings("", true);
}

static int setup_without_index(void **state)
{
    (void)state;
    return with_settings("", false);
}

static int setup_tight(void **state)
{
    (void)state;
    return with_settings("frame.max_bytes = 65536\nbatch.max = 8\ncalls.max = 3\nrate.slow = 10\n"
                         "pool.max_bytes = 1048576\nclients.max = 3\nframe.timeout_ms = 1000\n"
                         "idle.timeout_ms = 5000\ncall.timeout_ms = 2000\n",
                         true);
}

static int teardown(void **state)
{
    (void)state;
    close(client);
    house_close(&h);
    return 0;
}

/* The next answer, which has to be there. */
static struct response answer(void)
{
    struct response r;
    assert_true(client_hears(&h, client, &r));
    return r;
}

static void no_answer(void)
{
    struct response r;
    assert_false(client_hears(&h, client, &r));
}

static void assert_error(struct response r, uint64_t id, enum err e)
{
    assert_true(r.kind == RESPONSE_ERROR || r.kind == RESPONSE_FAILURE);
    assert_int_equal(r.id, id);
    assert_int_equal(err_of_code(r.code), e);
}

static void assert_success(struct response r, uint64_t id, enum op op)
{
    assert_int_equal(r.kind, RESPONSE_SUCCESS);
    assert_int_equal(r.id, id);
    assert_int_equal(r.op, op_row(op)->number);
}

static void ask(enum op op, uint64_t id, const void *body)
{
    client_asks(&h, client, op, id, body);
}

static uint64_t total_packages(struct response r)
{
    assert_success(r, r.id, OP_status);
    return ((const struct status_result *)r.body)->total_packages;
}

/* --- frames ------------------------------------------------------------------------------ */

static void pipelined_requests_are_answered_in_their_order(void **state)
{
    struct buf out = buf_make(1 << 20);
    (void)state;
    for (uint64_t id = 1; id <= 1000; id++)
        put_request(&out, id % 2 ? OP_ping : OP_status, id, &ping);
    client_says(&h, client, buf_view(&out));
    for (uint64_t id = 1; id <= 1000; id++)
        assert_success(answer(), id, id % 2 ? OP_ping : OP_status);
    no_answer();
    buf_free(&out);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct buf out = buf_make(1 << 20);
    struct search_request q = { .query = S("web") };
    (void)state;
    put_request(&out, OP_search, 77, &q);
    put_request(&out, OP_ping, 78, &ping);
    for (size_t i = 0; i < out.len; i++) {
        if (i + 1 < out.len - (FRAME_HEAD + CODEC_HEAD)) no_answer();
        client_says(&h, client, (struct str){ out.at + i, 1 });
    }
    assert_success(answer(), 77, OP_search);
    assert_success(answer(), 78, OP_ping);
    buf_free(&out);
}

static void what_is_no_frame_closes_the_connection_behind_the_answers(void **state)
{
    struct buf out = buf_make(1 << 20);
    (void)state;
    put_request(&out, OP_ping, 5, &ping);
    buf_put(&out, "\0\0\0\0", 4);
    put_request(&out, OP_ping, 6, &ping);
    client_says(&h, client, buf_view(&out));
    assert_success(answer(), 5, OP_ping);
    assert_error(answer(), 0, ERR_PARSE);
    assert_true(client_is_left(client));
    assert_int_equal(h.b.conns_len, 0);
    buf_free(&out);
}

static void a_payload_without_an_id_is_answered_under_none(void **state)
{
    (void)state;
    client_says(&h, client,
                (struct str){ "\0\0\0\x0B"
                              "01234567890",
                              15 });
    assert_error(answer(), 0, ERR_PARSE);
    ask(OP_ping, 1, &ping);
    assert_success(answer(), 1, OP_ping);
}

static void a_message_that_never_ends_is_given_up(void **state)
{
    (void)state;
    client_says(&h, client,
                (struct str){ "\0\0\0\x64"
                              "half",
                              8 });
    house_age(&h, 900 * MS);
    assert_false(client_is_left(client));
    house_age(&h, 200 * MS);
    assert_error(answer(), 0, ERR_TIMEOUT);
    assert_true(client_is_left(client));
}

static void who_is_silent_for_long_is_hung_up_on(void **state)
{
    (void)state;
    house_age(&h, 3000 * MS);
    ask(OP_ping, 1, &ping);
    assert_success(answer(), 1, OP_ping);
    house_age(&h, 4000 * MS);
    assert_false(client_is_left(client));
    house_age(&h, 1100 * MS);
    assert_true(client_is_left(client));
}

static void too_many_clients_are_told(void **state)
{
    int more[3];
    (void)state;
    for (size_t i = 0; i < 3; i++) more[i] = client_comes(&h);
    struct response r;
    assert_false(client_hears(&h, more[1], &r));
    assert_true(client_hears(&h, more[2], &r));
    assert_error(r, 0, ERR_RESOURCE_LIMIT);
    assert_true(client_is_left(more[2]));
    for (size_t i = 0; i < 3; i++) close(more[i]);
}

static void who_waits_longest_makes_room_in_the_pool(void **state)
{
    static char half[700000] = "\0\x0D\xBB\xA0"; /* of 900,000 bytes */
    (void)state;
    int other = client_comes(&h);
    house_say(&h, "pool.max_bytes = 1048576\n", false);
    for (size_t at = 0; at < sizeof half; at += 50000) {
        client_says(&h, other, (struct str){ half + at, 50000 });
        assert_false(client_is_left(other));
    }
    for (size_t at = 0; at < sizeof half; at += 50000)
        client_says(&h, client, (struct str){ half + at, 50000 });
    struct response r;
    assert_true(client_hears(&h, other, &r));
    assert_error(r, 0, ERR_RESOURCE_LIMIT);
    assert_true(client_is_left(other));
    assert_false(client_is_left(client));
    close(other);
}

/* --- ids, rates, rights ------------------------------------------------------------------ */

static void an_id_that_is_under_way_may_not_be_used_again(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    ask(OP_ping, 5, &ping);
    assert_error(answer(), 5, ERR_CONFLICT);
    service_answers(&h, service_asked(&h).id);
    assert_success(answer(), 5, OP_doctor);
    ask(OP_ping, 5, &ping);
    assert_success(answer(), 5, OP_ping);
}

static void two_clients_may_use_one_id(void **state)
{
    (void)state;
    int other = client_comes(&h);
    struct response r;
    ask(OP_doctor, 5, &doctor);
    client_asks(&h, other, OP_doctor, 5, &doctor);
    uint64_t first = service_asked(&h).id, second = service_asked(&h).id;
    assert_int_not_equal(first, second);
    service_answers(&h, second);
    no_answer();
    assert_true(client_hears(&h, other, &r));
    service_answers(&h, first);
    assert_success(answer(), 5, OP_doctor);
    close(other);
}

static void too_many_slow_requests_are_told_when_to_come_back(void **state)
{
    struct hello_request hello = { .version = 1, .client = S("a test") };
    (void)state;
    ask(OP_hello, 1, &hello);
    assert_success(answer(), 1, OP_hello);
    uint64_t id = 2;
    struct response r = { .kind = RESPONSE_SUCCESS };
    while (r.kind == RESPONSE_SUCCESS) {
        struct request q;
        int caller;
        ask(OP_doctor, id++, &doctor);
        if (service_hears(&h, &q, &caller)) service_answers(&h, q.id);
        r = answer();
    }
    assert_int_equal(id, 2 + 21); /* twice 10 at once, and the one that is refused */
    assert_error(r, id - 1, ERR_RATE_LIMITED);
    assert_int_equal(r.details.len, 1);
    assert_true(str_eq(r.details.at[0].name, S("retry_after_ms")));
    uint64_t wait_ms;
    assert_true(str_u64(r.details.at[0].value, &wait_ms) && wait_ms > 0 && wait_ms <= 100);
    house_age(&h, wait_ms * MS);
    ask(OP_doctor, id, &doctor);
    service_answers(&h, service_asked(&h).id);
    assert_success(answer(), id, OP_doctor);
}

static void each_item_of_a_batch_counts_for_its_rate(void **state)
{
    struct request items[30];
    (void)state;
    house_say(&h, "rate.slow = 10\n", false);
    for (size_t i = 0; i < 30; i++)
        items[i] = (struct request){ i, op_row(OP_doctor)->number, &doctor };
    ask(OP_batch, 1, &(struct batch_request){ .requests = { items, 30 } });
    for (size_t i = 0; i < 20; i++) service_answers(&h, service_asked(&h).id);
    const struct batch_result *said = answer().body;
    assert_int_equal(said->responses.len, 30);
    assert_success(said->responses.at[19], 19, OP_doctor);
    assert_error(said->responses.at[20], 20, ERR_RATE_LIMITED);
}

static void strangers_may_read_and_change_nothing(void **state)
{
    (void)state;
    h.b.owner = 1000;
    uint64_t root = own_rights(&h.b, &(struct peer){ .uid = 0 });
    uint64_t owner = own_rights(&h.b, &(struct peer){ .uid = 1000 });
    uint64_t other = own_rights(&h.b, &(struct peer){ .uid = 1001 });
    assert_int_equal(root, owner);
    assert_int_equal(root & ~other, UINT64_C(1) << OP_cache_clear | UINT64_C(1) << OP_refresh);
    h.b.conns->rights = other;
    ask(OP_cache_clear, 1, &(struct cache_clear_request){ 0 });
    assert_error(answer(), 1, ERR_FORBIDDEN);
    struct request inner = { 9, op_row(OP_refresh)->number, &(struct refresh_request){ 0 } };
    ask(OP_with, 2, &(struct with_request){ .request = inner });
    assert_error(answer(), 2, ERR_FORBIDDEN);
}

static void more_calls_than_may_be_under_way_are_refused(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 4; id++) ask(OP_doctor, id, &doctor);
    assert_error(answer(), 4, ERR_BUSY);
    for (uint64_t id = 1; id <= 3; id++) {
        service_answers(&h, service_asked(&h).id);
        assert_success(answer(), id, OP_doctor);
    }
    assert_int_equal(h.b.calls_len, 0);
}

/* --- envelopes --------------------------------------------------------------------------- */

static void an_envelope_is_answered_under_its_own_id(void **state)
{
    struct request inner = { 9, op_row(OP_ping)->number, &ping };
    struct with_request q = { .trace = { true, { .trace = 1, .span = 2 } },
                              .key = { true, S("k") },
                              .request = inner };
    (void)state;
    ask(OP_with, 4, &q);
    assert_success(answer(), 4, OP_ping);
}

static void a_token_is_known_by_nobody_yet(void **state)
{
    struct with_request q = { .token = { true, S("secret") },
                              .request = { 9, op_row(OP_ping)->number, &ping } };
    (void)state;
    ask(OP_with, 4, &q);
    assert_error(answer(), 4, ERR_UNAUTHENTICATED);
}

static void a_call_ends_at_the_deadline_of_its_envelope(void **state)
{
    struct with_request q = { .deadline_ms = { true, 300 },
                              .request = { 9, op_row(OP_doctor)->number, &doctor } };
    (void)state;
    ask(OP_with, 4, &q);
    uint64_t asked = service_asked(&h).id;
    house_age(&h, 200 * MS);
    no_answer();
    house_age(&h, 200 * MS);
    assert_error(answer(), 4, ERR_TIMEOUT);
    struct request cancel = service_asked(&h);
    assert_int_equal(cancel.op, op_row(OP_cancel)->number);
    assert_int_equal(((const struct cancel_request *)cancel.body)->target, asked);
}

static void a_deadline_cannot_be_later_than_the_settings_say(void **state)
{
    struct with_request q = { .deadline_ms = { true, UINT64_MAX },
                              .request = { 9, op_row(OP_doctor)->number, &doctor } };
    (void)state;
    ask(OP_with, 4, &q);
    house_age(&h, 2100 * MS);
    assert_error(answer(), 4, ERR_TIMEOUT);
}

/* --- cancelling -------------------------------------------------------------------------- */

static void a_cancelled_call_says_so_and_its_late_answer_is_dropped(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    uint64_t asked = service_asked(&h).id;
    ask(OP_cancel, 6, &(struct cancel_request){ .target = 5 });
    assert_success(answer(), 6, OP_cancel);
    assert_error(answer(), 5, ERR_CANCELLED);
    assert_int_equal(service_asked(&h).op, op_row(OP_cancel)->number);
    service_answers(&h, asked);
    no_answer();
    assert_int_equal(h.b.calls_len, 0);
}

static void what_is_not_under_way_cannot_be_cancelled(void **state)
{
    (void)state;
    ask(OP_ping, 5, &ping);
    assert_success(answer(), 5, OP_ping);
    for (uint64_t target = 5; target <= 7; target++) {
        ask(OP_cancel, 6, &(struct cancel_request){ .target = target });
        assert_error(answer(), 6, ERR_NOT_FOUND);
    }
}

static void anothers_call_cannot_be_cancelled(void **state)
{
    struct response r;
    (void)state;
    int other = client_comes(&h);
    ask(OP_doctor, 5, &doctor);
    client_asks(&h, other, OP_cancel, 6, &(struct cancel_request){ .target = 5 });
    assert_true(client_hears(&h, other, &r));
    assert_error(r, 6, ERR_NOT_FOUND);
    close(other);
}

static void a_batch_is_cancelled_with_its_item(void **state)
{
    struct request items[2] = { { 1, op_row(OP_ping)->number, &ping },
                                { 2, op_row(OP_doctor)->number, &doctor } };
    struct buf both = buf_make(1 << 16);
    (void)state;
    ask(OP_batch, 5, &(struct batch_request){ .requests = { items, 2 } });
    uint64_t asked = service_asked(&h).id;
    /* The service answers and the client gives up in the same turn. */
    put_request(&both, OP_cancel, 6, &(struct cancel_request){ .target = 5 });
    assert_int_equal(send(client, both.at, both.len, 0), both.len);
    service_answers(&h, asked);
    struct response first = answer(), second = answer();
    assert_success(first.id == 6 ? first : second, 6, OP_cancel);
    struct response batch = first.id == 5 ? first : second;
    if (batch.kind != RESPONSE_SUCCESS) assert_error(batch, 5, ERR_CANCELLED);
    no_answer();
    assert_int_equal(h.b.calls_len, 0);
    buf_free(&both);
}

static void a_batch_can_cancel_itself(void **state)
{
    struct request items[4] = { { 1, op_row(OP_doctor)->number, &doctor },
                                { 2, op_row(OP_cancel)->number,
                                  &(struct cancel_request){ .target = 5 } },
                                { 3, op_row(OP_doctor)->number, &doctor },
                                { 4, op_row(OP_ping)->number, &ping } };
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct request r;
        int caller;
        ask(OP_batch, 5, &(struct batch_request){ .requests = { items, 4 } });
        while (service_hears(&h, &r, &caller)) {
            if (r.id) service_answers(&h, r.id);
            house_turns(&h);
        }
        struct response said = answer();
        if (said.kind != RESPONSE_SUCCESS) assert_error(said, 5, ERR_CANCELLED);
        else assert_int_equal(((const struct batch_result *)said.body)->responses.len, 4);
        no_answer();
        assert_int_equal(h.b.calls_len, 0);
    }
}

/* --- batches ----------------------------------------------------------------------------- */

static void a_hundred_items_are_answered_in_their_order(void **state)
{
    struct request items[100];
    struct search_request q = { .query = S("web") };
    (void)state;
    for (size_t i = 0; i < 100; i++)
        items[i] = (struct request){ 500 - i, op_row(i % 2 ? OP_search : OP_ping)->number, &q };
    for (size_t i = 0; i < 100; i += 2) items[i].body = &ping;
    ask(OP_batch, 1, &(struct batch_request){ .requests = { items, 100 } });
    const struct batch_result *said = answer().body;
    assert_int_equal(said->responses.len, 100);
    for (size_t i = 0; i < 100; i++)
        assert_success(said->responses.at[i], 500 - i, i % 2 ? OP_search : OP_ping);
}

static void an_empty_batch_has_an_empty_answer(void **state)
{
    (void)state;
    ask(OP_batch, 1, &(struct batch_request){ .requests = { NULL, 0 } });
    struct response r = answer();
    assert_success(r, 1, OP_batch);
    assert_int_equal(((const struct batch_result *)r.body)->responses.len, 0);
}

static void items_fail_one_by_one(void **state)
{
    struct request items[] = {
        { 1, op_row(OP_info)->number,
          &(struct info_request){ .package = S("no-such-package-is-there") } },
        { 2, op_row(OP_search)->number, &(struct search_request){ .query = S("  ") } },
        { 3, op_row(OP_security_audit)->number, &(struct security_audit_request){ 0 } },
        { 4, op_row(OP_cancel)->number, &(struct cancel_request){ .target = 4711 } },
        { 5, op_row(OP_ping)->number, &ping },
    };
    static const enum err expected[] = { ERR_PACKAGE_NOT_FOUND, ERR_INVALID_PARAMS,
                                         ERR_METHOD_NOT_FOUND, ERR_NOT_FOUND };
    (void)state;
    ask(OP_batch, 1, &(struct batch_request){ .requests = { items, 5 } });
    const struct batch_result *said = answer().body;
    for (size_t i = 0; i < 4; i++) assert_error(said->responses.at[i], i + 1, expected[i]);
    assert_success(said->responses.at[4], 5, OP_ping);
}

static void a_batch_waits_for_the_items_that_a_service_answers(void **state)
{
    struct request items[] = { { 1, op_row(OP_doctor)->number, &doctor },
                               { 2, op_row(OP_ping)->number, &ping },
                               { 3, op_row(OP_doctor)->number, &doctor } };
    (void)state;
    ask(OP_batch, 9, &(struct batch_request){ .requests = { items, 3 } });
    ask(OP_ping, 10, &ping);
    assert_success(answer(), 10, OP_ping);
    service_answers(&h, service_asked(&h).id);
    no_answer();
    service_answers(&h, service_asked(&h).id);
    struct response r = answer();
    assert_success(r, 9, OP_batch);
    const struct batch_result *said = r.body;
    assert_success(said->responses.at[0], 1, OP_doctor);
    assert_success(said->responses.at[1], 2, OP_ping);
    assert_success(said->responses.at[2], 3, OP_doctor);
    assert_int_equal(h.b.calls_len, 0);
}

/* The answers so far and the request that is kept do not fit into the room that there was. */
static void what_a_batch_has_answered_outlives_the_growth_of_the_buffer(void **state)
{
    static char text[501];
    struct request items[100];
    struct search_request q = { .query = { text, 500 }, .limit = { true, 0 } };
    (void)state;
    memset(text, 'x', 500);
    for (size_t pings = 0; pings < 98; pings += 7) {
        for (size_t i = 0; i < 100; i++)
            items[i] = (struct request){ i, op_row(OP_search)->number, &q };
        for (size_t i = 0; i < pings; i++)
            items[i] = (struct request){ i, op_row(i % 8 ? OP_ping : OP_schema)->number, &ping };
        items[pings] = (struct request){ pings, op_row(OP_doctor)->number, &doctor };
        ask(OP_batch, 9, &(struct batch_request){ .requests = { items, 100 } });
        service_answers(&h, service_asked(&h).id);
        const struct batch_result *said = answer().body;
        for (size_t i = 0; i < pings; i++)
            assert_success(said->responses.at[i], i, i % 8 ? OP_ping : OP_schema);
        assert_success(said->responses.at[pings], pings, OP_doctor);
        assert_success(said->responses.at[99], 99, OP_search);
        buf_free(&h.b.out);
    }
}

static void an_item_whose_service_dies_fails_alone(void **state)
{
    struct request items[] = { { 1, op_row(OP_doctor)->number, &doctor },
                               { 2, op_row(OP_ping)->number, &ping } };
    (void)state;
    ask(OP_batch, 9, &(struct batch_request){ .requests = { items, 2 } });
    service_dies(&h);
    const struct batch_result *said = answer().body;
    assert_error(said->responses.at[0], 1, ERR_SERVICE_UNAVAILABLE);
    assert_success(said->responses.at[1], 2, OP_ping);
}

static void a_heavy_batch_leaves_turns_to_others(void **state)
{
    struct request items[100];
    struct suggest_request q = { .query = S("pythn3-webb-dco") };
    struct response r;
    uint64_t most_waiting = 0;
    (void)state;
    int other = client_comes(&h);
    for (size_t i = 0; i < 100; i++)
        items[i] = (struct request){ i, op_row(OP_suggest)->number, &q };
    struct buf out = buf_make(1 << 20);
    for (uint64_t id = 1; id <= 20; id++)
        put_request(&out, OP_batch, id, &(struct batch_request){ .requests = { items, 100 } });
    assert_int_equal(send(client, out.at, out.len, 0), out.len);
    for (uint64_t answered = 0; answered < 20;) {
        loop_turn(&h.b.loop, 0);
        if (h.b.calls_len > most_waiting) most_waiting = h.b.calls_len;
        if (!client_hears(&h, client, &r)) continue;
        assert_success(r, r.id, OP_batch);
        assert_int_equal(((const struct batch_result *)r.body)->responses.len, 100);
        client_asks(&h, other, OP_ping, ++answered, &ping);
        assert_true(client_hears(&h, other, &r));
    }
    assert_true(most_waiting > 0);
    close(other);
    buf_free(&out);
}

static void items_that_overrun_the_message_are_told_one_by_one(void **state)
{
    struct request items[8];
    struct schema_request q;
    (void)state;
    for (size_t i = 0; i < 8; i++)
        items[i] = (struct request){ i, op_row(i == 1 || i > 5 ? OP_ping : OP_schema)->number, &q };
    ask(OP_schema, 3, &q);
    assert_success(answer(), 3, OP_schema);
    ask(OP_batch, 1, &(struct batch_request){ .requests = { items, 8 } });
    struct response r = answer();
    assert_success(r, 1, OP_batch);
    const struct batch_result *said = r.body;
    assert_success(said->responses.at[0], 0, OP_schema);
    assert_success(said->responses.at[1], 1, OP_ping);
    for (size_t i = 4; i < 6; i++) assert_error(said->responses.at[i], i, ERR_RESOURCE_LIMIT);
    for (size_t i = 6; i < 8; i++) assert_success(said->responses.at[i], i, OP_ping);
}

/* --- services ---------------------------------------------------------------------------- */

static void a_service_that_never_answers_is_waited_for_only_so_long(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    uint64_t asked = service_asked(&h).id;
    house_age(&h, 1900 * MS);
    no_answer();
    house_age(&h, 200 * MS);
    assert_error(answer(), 5, ERR_TIMEOUT);
    service_asked(&h); /* the cancelling */
    service_answers(&h, asked);
    no_answer();
    ask(OP_doctor, 6, &doctor);
    service_answers(&h, service_asked(&h).id);
    assert_success(answer(), 6, OP_doctor);
}

static void calls_end_with_their_service(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    ask(OP_doctor, 6, &doctor);
    service_dies(&h);
    struct response a = answer(), b = answer();
    assert_error(a.id == 5 ? a : b, 5, ERR_SERVICE_UNAVAILABLE);
    assert_error(a.id == 5 ? b : a, 6, ERR_SERVICE_UNAVAILABLE);
    ask(OP_doctor, 7, &doctor);
    assert_error(answer(), 7, ERR_SERVICE_UNAVAILABLE);
    house_say(&h, "", true);
    ask(OP_doctor, 8, &doctor);
    service_answers(&h, service_asked(&h).id);
    assert_success(answer(), 8, OP_doctor);
}

static void a_link_that_broke_is_asked_for_again(void **state)
{
    char said[8];
    (void)state;
    service_dies(&h);
    assert_int_equal(read(h.supervisor, said, sizeof said), -1);
    house_age(&h, 250 * MS);
    assert_true(read(h.supervisor, said, sizeof said) > 0);
    house_say(&h, "", true);
    house_age(&h, 5000 * MS);
    assert_int_equal(read(h.supervisor, said, sizeof said), -1);
}

static void a_change_brings_its_callers_own_socket_along(void **state)
{
    struct request r;
    struct peer peer;
    int caller;
    (void)state;
    ask(OP_refresh, 5, &(struct refresh_request){ 0 });
    assert_true(service_hears(&h, &r, &caller));
    assert_true(caller >= 0);
    assert_int_equal(sock_peer(caller, &peer), OK);
    assert_int_equal(peer.pid, getpid());
    close(caller);
    ask(OP_doctor, 6, &doctor);
    assert_true(service_hears(&h, &r, &caller));
    assert_int_equal(caller, -1);
}

static void an_answer_that_is_too_large_is_an_error(void **state)
{
    static char text[70000];
    struct check check = { .name = { text, sizeof text } };
    struct doctor_result large = { .checks = { &check, 1 } };
    (void)state;
    memset(text, 'x', sizeof text);
    ask(OP_doctor, 5, &doctor);
    struct response r = { .id = service_asked(&h).id,
                          .op = op_row(OP_doctor)->number,
                          .body = &large };
    service_says(&h, &r, NULL, 0);
    house_turns(&h);
    assert_error(answer(), 5, ERR_RESOURCE_LIMIT);
}

static void a_services_own_error_reaches_the_client(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    struct response r = { .id = service_asked(&h).id,
                          .kind = RESPONSE_ERROR,
                          .code = err_row(ERR_NO_DATA)->code,
                          .message = S("nothing there") };
    service_says(&h, &r, NULL, 0);
    house_turns(&h);
    assert_error(answer(), 5, ERR_NO_DATA);
    assert_int_equal(h.b.counts[OP_doctor].errors, 1);
}

static void answers_to_nothing_are_ignored(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    uint64_t asked = service_asked(&h).id;
    service_answers(&h, asked + 1);
    service_answers(&h, asked + (UINT64_C(1) << 32));
    service_answers(&h, UINT64_MAX);
    no_answer();
    service_answers(&h, asked);
    assert_success(answer(), 5, OP_doctor);
    service_answers(&h, asked);
    no_answer();
}

static void a_service_that_sends_nonsense_gets_a_new_link(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    assert_int_equal(write(h.service, "\xFF\xFF\xFF\xFF", 4), 4);
    house_turns(&h);
    assert_error(answer(), 5, ERR_SERVICE_UNAVAILABLE);
    assert_false(stream_is_open(&h.b.services[0].stream));
}

static void a_client_that_leaves_takes_its_calls_along(void **state)
{
    (void)state;
    int other = client_comes(&h);
    struct request items[] = { { 1, op_row(OP_doctor)->number, &doctor } };
    client_asks(&h, other, OP_doctor, 5, &doctor);
    client_asks(&h, other, OP_batch, 6, &(struct batch_request){ .requests = { items, 1 } });
    uint64_t asked[] = { service_asked(&h).id, service_asked(&h).id };
    close(other);
    house_turns(&h);
    assert_int_equal(h.b.calls_len, 0);
    assert_int_equal(h.b.conns_len, 1);
    for (size_t i = 0; i < 2; i++) service_answers(&h, asked[i]);
    no_answer();
}

static void who_only_listens_any_more_gets_its_answer(void **state)
{
    (void)state;
    ask(OP_doctor, 5, &doctor);
    shutdown(client, SHUT_WR);
    house_turns(&h);
    assert_false(client_is_left(client));
    service_answers(&h, service_asked(&h).id);
    assert_success(answer(), 5, OP_doctor);
    assert_true(client_is_left(client));
}

/* --- the index --------------------------------------------------------------------------- */

static void questions_wait_for_the_index(void **state)
{
    struct search_request q = { .query = S("web") };
    (void)state;
    ask(OP_search, 5, &q);
    ask(OP_status, 6, &status);
    ask(OP_ping, 7, &ping);
    assert_success(answer(), 7, OP_ping);
    no_answer();
    house_index(&h, 0, 3, 1);
    struct response a = answer(), b = answer();
    assert_success(a.id == 5 ? a : b, 5, OP_search);
    assert_success(a.id == 5 ? b : a, 6, OP_status);
}

static void only_info_waits_for_the_long_texts(void **state)
{
    struct info_request q = { .package = S("no-such-package") };
    (void)state;
    house_index(&h, 0, 3, 1);
    ask(OP_info, 5, &q);
    ask(OP_status, 6, &status);
    assert_success(answer(), 6, OP_status);
    no_answer();
    house_index(&h, 0, 4, 2);
    assert_error(answer(), 5, ERR_PACKAGE_NOT_FOUND);
}

static void a_question_that_waits_in_a_batch_is_answered_in_its_place(void **state)
{
    struct request items[] = { { 1, op_row(OP_ping)->number, &ping },
                               { 2, op_row(OP_status)->number, &status },
                               { 3, op_row(OP_ping)->number, &ping } };
    (void)state;
    ask(OP_batch, 5, &(struct batch_request){ .requests = { items, 3 } });
    no_answer();
    house_index(&h, 0, 7, 1);
    const struct batch_result *said = answer().body;
    assert_int_equal(said->responses.len, 3);
    assert_success(said->responses.at[1], 2, OP_status);
    assert_success(said->responses.at[2], 3, OP_ping);
}

static void who_waits_for_the_index_can_give_up(void **state)
{
    (void)state;
    ask(OP_status, 5, &status);
    ask(OP_cancel, 6, &(struct cancel_request){ .target = 5 });
    assert_success(answer(), 6, OP_cancel);
    assert_error(answer(), 5, ERR_CANCELLED);
    ask(OP_status, 7, &status);
    house_age(&h, 31000 * MS);
    assert_error(answer(), 7, ERR_TIMEOUT);
}

static void without_an_index_the_trouble_is_told(void **state)
{
    struct response trouble = { .kind = RESPONSE_ERROR,
                                .code = err_row(ERR_DAMAGED)->code,
                                .message = S("the lists are damaged") };
    (void)state;
    ask(OP_status, 5, &status);
    service_says(&h, &trouble, NULL, 0);
    house_turns(&h);
    struct response r = answer();
    assert_error(r, 5, ERR_DAMAGED);
    assert_true(str_eq(r.message, S("the lists are damaged")));
    ask(OP_status, 6, &status);
    assert_error(answer(), 6, ERR_DAMAGED);
    house_index(&h, 0, 7, 1);
    ask(OP_status, 7, &status);
    assert_success(answer(), 7, OP_status);
}

static void trouble_with_a_new_index_leaves_the_old_one(void **state)
{
    struct response trouble = { .kind = RESPONSE_ERROR,
                                .code = err_row(ERR_DAMAGED)->code,
                                .message = S("the lists are damaged") };
    (void)state;
    service_says(&h, &trouble, NULL, 0);
    house_turns(&h);
    ask(OP_status, 6, &status);
    assert_success(answer(), 6, OP_status);
}

static void a_new_index_changes_every_answer_at_once(void **state)
{
    struct search_request q = { .query = S("e"), .limit = { true, 0 } };
    uint64_t totals[2], packages[2];
    (void)state;
    for (size_t set = 0; set < 2; set++) {
        house_index(&h, set, 7, set + 2);
        for (int i = 0; i < 2; i++) { /* the second time it is a kept answer */
            ask(OP_search, 5, &q);
            totals[set] = ((const struct search_result *)answer().body)->total;
            ask(OP_status, 6, &status);
            packages[set] = total_packages(answer());
        }
        assert_int_equal(h.b.answers.hits, 2 * (set + 1));
        assert_int_equal(h.b.generation, set + 2);
    }
    assert_int_not_equal(totals[0], totals[1]);
    assert_int_not_equal(packages[0], packages[1]);
}

static void an_index_is_swapped_while_calls_wait(void **state)
{
    struct request items[] = { { 1, op_row(OP_status)->number, &status },
                               { 2, op_row(OP_doctor)->number, &doctor },
                               { 3, op_row(OP_status)->number, &status } };
    (void)state;
    ask(OP_batch, 5, &(struct batch_request){ .requests = { items, 3 } });
    house_index(&h, 1, 7, 2);
    service_answers(&h, service_asked(&h).id);
    const struct batch_result *said = answer().body;
    assert_true(total_packages(said->responses.at[0]) < total_packages(said->responses.at[2]));
}

static void parts_that_do_not_belong_together_are_refused(void **state)
{
    (void)state;
    ask(OP_status, 1, &status);
    uint64_t before = total_packages(answer());
    house_index(&h, 1, 2, 9); /* an overlay of another catalogue */
    ask(OP_status, 2, &status);
    assert_int_equal(total_packages(answer()), before);
    assert_int_equal(h.b.generation, 1);
}

static void memory_that_is_not_sealed_is_refused(void **state)
{
    struct refresh_result said = { .generation = 2, .overlay = true };
    struct response r = { .kind = RESPONSE_EVENT, .op = op_row(OP_refresh)->number, .body = &said };
    (void)state;
    int loose = memfd_create("loose", MFD_CLOEXEC);
    assert_int_equal(ftruncate(loose, 4096), 0);
    service_says(&h, &r, &loose, 1);
    house_turns(&h);
    assert_int_equal(h.b.generation, 1);
    assert_false(stream_is_open(&h.b.services[0].stream));
    close(loose);
}

static void a_part_that_is_lost_is_brought_by_a_new_link(void **state)
{
    struct refresh_result said = { .generation = 2, .catalogue = true, .overlay = true };
    struct response r = { .kind = RESPONSE_EVENT, .op = op_row(OP_refresh)->number, .body = &said };
    char asked[8];
    (void)state;
    service_says(&h, &r, index_sets[1], 1);
    house_turns(&h);
    assert_int_equal(h.b.generation, 1);
    house_age(&h, 250 * MS);
    assert_true(read(h.supervisor, asked, sizeof asked) > 0);
    house_say(&h, "", true);
    house_index(&h, 1, 7, 2);
    assert_int_equal(h.b.generation, 2);
}

static void many_indexes_at_once_leave_the_last(void **state)
{
    (void)state;
    ask(OP_status, 1, &status);
    uint64_t first = total_packages(answer());
    struct refresh_result said = { .catalogue = true, .overlay = true, .text = true };
    struct response r = { .kind = RESPONSE_EVENT, .op = op_row(OP_refresh)->number, .body = &said };
    for (said.generation = 2; said.generation <= 41; said.generation++)
        service_says(&h, &r, index_sets[said.generation % 2], 3);
    for (int i = 0; i < 10; i++) house_turns(&h);
    assert_int_equal(h.b.generation, 41);
    ask(OP_status, 2, &status);
    assert_true(total_packages(answer()) > first);
}

/* --- settings and the end ---------------------------------------------------------------- */

static void settings_take_effect_at_once(void **state)
{
    struct request items[3] = { { 1, op_row(OP_ping)->number, &ping },
                                { 2, op_row(OP_ping)->number, &ping },
                                { 3, op_row(OP_ping)->number, &ping } };
    (void)state;
    house_say(&h, "batch.max = 2\nanswers.max = 0\n", false);
    ask(OP_batch, 1, &(struct batch_request){ .requests = { items, 3 } });
    assert_error(answer(), 1, ERR_INVALID_PARAMS);
    ask(OP_status, 2, &status);
    assert_success(answer(), 2, OP_status);
    assert_int_equal(h.b.answers.count, 0);
}

static void hello_tells_limits_rights_and_services(void **state)
{
    struct hello_request q = { .version = 1, .client = S("a test") };
    (void)state;
    ask(OP_hello, 1, &q);
    struct response r = answer();
    assert_success(r, 1, OP_hello);
    const struct hello_result *said = r.body;
    bool batch = false;
    for (size_t i = 0; i < said->limits.len; i++)
        batch |= str_eq(said->limits.at[i].name, S("batch.max")) && said->limits.at[i].value == 8;
    assert_true(batch);
    assert_int_equal(said->services.len, 1);
    assert_true(str_eq(said->services.at[0].state, S("running")));
    assert_int_equal(said->services.at[0].restarts, 7);
    assert_true(said->capabilities.len >= 5);
    q.version = 0;
    ask(OP_hello, 2, &q);
    assert_error(answer(), 2, ERR_UNSUPPORTED);
}

static void only_after_hello_errors_have_details(void **state)
{
    struct search_request empty = { .query = STR_NONE };
    (void)state;
    ask(OP_search, 1, &empty);
    assert_int_equal(answer().kind, RESPONSE_ERROR);
    ask(OP_hello, 2, &(struct hello_request){ .version = 1, .client = S("a test") });
    assert_success(answer(), 2, OP_hello);
    ask(OP_search, 3, &empty);
    assert_int_equal(answer().kind, RESPONSE_FAILURE);
}

static void what_is_counted_is_what_was_asked(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 5; id++) {
        ask(OP_status, id, &status);
        assert_success(answer(), id, OP_status);
    }
    ask(OP_info, 6, &(struct info_request){ .package = S("no-such-package") });
    assert_error(answer(), 6, ERR_PACKAGE_NOT_FOUND);
    assert_int_equal(h.b.counts[OP_status].ns.count, 5);
    assert_int_equal(h.b.counts[OP_status].hits, 4);
    assert_int_equal(h.b.counts[OP_status].in.total, 5 * CODEC_HEAD);
    assert_int_equal(h.b.counts[OP_info].errors, 1);
}

static void when_it_ends_everybody_is_answered(void **state)
{
    struct request items[] = { { 1, op_row(OP_doctor)->number, &doctor } };
    struct buf out = buf_make(1 << 16);
    (void)state;
    ask(OP_doctor, 5, &doctor);
    ask(OP_batch, 6, &(struct batch_request){ .requests = { items, 1 } });
    put_request(&out, OP_ping, 7, &ping); /* sent, and not read yet */
    assert_int_equal(send(client, out.at, out.len, 0), out.len);
    close(h.supervisor);
    h.supervisor = -1;
    for (int i = 0; i < WHOLE_TURN; i++) loop_turn(&h.b.loop, 0);
    bool seen[8] = { false };
    for (int i = 0; i < 3; i++) {
        struct response r = answer();
        assert_true(r.id >= 5 && r.id <= 7 && !seen[r.id]);
        seen[r.id] = true;
        if (r.id == 7) assert_success(r, 7, OP_ping);
        else assert_error(r, r.id, ERR_SERVICE_UNAVAILABLE);
    }
    assert_true(client_is_left(client));
    assert_int_equal(h.b.conns_len, 0);
    buf_free(&out);
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, setup, teardown)
#define WITHOUT(name)    cmocka_unit_test_setup_teardown(name, setup_without_index, teardown)
#define WITH_LIMIT(name) cmocka_unit_test_setup_teardown(name, setup_tight, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(pipelined_requests_are_answered_in_their_order),
        TEST(a_request_may_come_byte_by_byte),
        TEST(what_is_no_frame_closes_the_connection_behind_the_answers),
        TEST(a_payload_without_an_id_is_answered_under_none),
        WITH_LIMIT(a_message_that_never_ends_is_given_up),
        WITH_LIMIT(who_is_silent_for_long_is_hung_up_on),
        WITH_LIMIT(too_many_clients_are_told),
        TEST(who_waits_longest_makes_room_in_the_pool),
        TEST(an_id_that_is_under_way_may_not_be_used_again),
        TEST(two_clients_may_use_one_id),
        WITH_LIMIT(too_many_slow_requests_are_told_when_to_come_back),
        TEST(each_item_of_a_batch_counts_for_its_rate),
        TEST(strangers_may_read_and_change_nothing),
        WITH_LIMIT(more_calls_than_may_be_under_way_are_refused),
        TEST(an_envelope_is_answered_under_its_own_id),
        TEST(a_token_is_known_by_nobody_yet),
        TEST(a_call_ends_at_the_deadline_of_its_envelope),
        WITH_LIMIT(a_deadline_cannot_be_later_than_the_settings_say),
        TEST(a_cancelled_call_says_so_and_its_late_answer_is_dropped),
        TEST(what_is_not_under_way_cannot_be_cancelled),
        TEST(anothers_call_cannot_be_cancelled),
        TEST(a_batch_is_cancelled_with_its_item),
        TEST(a_batch_can_cancel_itself),
        TEST(a_hundred_items_are_answered_in_their_order),
        TEST(an_empty_batch_has_an_empty_answer),
        TEST(items_fail_one_by_one),
        TEST(a_batch_waits_for_the_items_that_a_service_answers),
        TEST(what_a_batch_has_answered_outlives_the_growth_of_the_buffer),
        TEST(an_item_whose_service_dies_fails_alone),
        TEST(a_heavy_batch_leaves_turns_to_others),
        WITH_LIMIT(items_that_overrun_the_message_are_told_one_by_one),
        WITH_LIMIT(a_service_that_never_answers_is_waited_for_only_so_long),
        TEST(calls_end_with_their_service),
        TEST(a_link_that_broke_is_asked_for_again),
        TEST(a_change_brings_its_callers_own_socket_along),
        WITH_LIMIT(an_answer_that_is_too_large_is_an_error),
        TEST(a_services_own_error_reaches_the_client),
        TEST(answers_to_nothing_are_ignored),
        TEST(a_service_that_sends_nonsense_gets_a_new_link),
        TEST(a_client_that_leaves_takes_its_calls_along),
        TEST(who_only_listens_any_more_gets_its_answer),
        WITHOUT(questions_wait_for_the_index),
        WITHOUT(only_info_waits_for_the_long_texts),
        WITHOUT(a_question_that_waits_in_a_batch_is_answered_in_its_place),
        WITHOUT(who_waits_for_the_index_can_give_up),
        WITHOUT(without_an_index_the_trouble_is_told),
        TEST(trouble_with_a_new_index_leaves_the_old_one),
        TEST(a_new_index_changes_every_answer_at_once),
        TEST(an_index_is_swapped_while_calls_wait),
        TEST(parts_that_do_not_belong_together_are_refused),
        TEST(memory_that_is_not_sealed_is_refused),
        TEST(a_part_that_is_lost_is_brought_by_a_new_link),
        TEST(many_indexes_at_once_leave_the_last),
        TEST(settings_take_effect_at_once),
        WITH_LIMIT(hello_tells_limits_rights_and_services),
        TEST(only_after_hello_errors_have_details),
        TEST(what_is_counted_is_what_was_asked),
        TEST(when_it_ends_everybody_is_answered),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
