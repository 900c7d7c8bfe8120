#include "test.h"

#include "broker/answers.h"
#include "wire/codec.h"

/* Requests are ten thousand different ones; an answer's bytes follow from its request, so that a
 * wrong one is seen. */
static struct str request_of(char *room, uint32_t which, uint64_t id)
{
    memset(room, 0, CODEC_HEAD);
    room[0] = (char)(which % 3);
    codec_patch_id(room, id);
    int n = snprintf(room + CODEC_HEAD, 32, "%u", which);
    return (struct str){ room, CODEC_HEAD + (size_t)n };
}

static struct str answer_of(char *room, uint32_t which)
{
    size_t len = CODEC_HEAD + which * 37 % 900;
    for (size_t i = 0; i < len; i++) room[i] = (char)(which + i);
    return (struct str){ room, len };
}

static void assert_holds(struct answers *a, uint32_t which)
{
    char room[64], wanted[1024];
    struct str found;
    if (!answers_find(a, request_of(room, which, 7), &found)) fail_msg("%u is not kept", which);
    assert_true(str_eq(found, answer_of(wanted, which)));
}

static bool keeps(struct answers *a, uint32_t which)
{
    char room[64];
    struct str found;
    return answers_find(a, request_of(room, which, 1), &found);
}

static void add(struct answers *a, uint32_t which)
{
    char request[64], answer[1024];
    answers_keep(a, request_of(request, which, 9), answer_of(answer, which));
}

static void the_same_request_gets_the_same_bytes_under_any_id(void **state)
{
    struct answers a = { 0 };
    (void)state;
    assert_int_equal(answers_open(&a, 100, 1 << 20), OK);
    add(&a, 5);
    assert_holds(&a, 5);
    assert_false(keeps(&a, 6));
    assert_int_equal(a.hits, 1);
    assert_int_equal(a.misses, 1);
    answers_close(&a);
}

static void the_oldest_make_room_in_entries(void **state)
{
    struct answers a = { 0 };
    (void)state;
    assert_int_equal(answers_open(&a, 10, 1 << 20), OK);
    for (uint32_t i = 0; i < 25; i++) add(&a, i);
    assert_int_equal(a.count, 10);
    for (uint32_t i = 0; i < 15; i++) assert_false(keeps(&a, i));
    for (uint32_t i = 15; i < 25; i++) assert_holds(&a, i);
    answers_close(&a);
}

static void the_oldest_make_room_in_bytes(void **state)
{
    struct answers a = { 0 };
    (void)state;
    assert_int_equal(answers_open(&a, 100000, 16 << 10), OK);
    for (uint32_t i = 0; i < 10000; i++) {
        add(&a, i);
        assert_holds(&a, i);
    }
    assert_in_range(a.count, 8, 400);
    for (uint32_t i = 10000 - (uint32_t)a.count; i < 10000; i++) assert_holds(&a, i);
    assert_false(keeps(&a, 10000 - (uint32_t)a.count - 1));
    answers_close(&a);
}

static void what_is_too_large_is_not_kept(void **state)
{
    static char large[5000];
    struct answers a = { 0 };
    char request[64];
    (void)state;
    assert_int_equal(answers_open(&a, 100, 16 << 10), OK);
    add(&a, 1);
    answers_keep(&a, request_of(request, 2, 1), (struct str){ large, sizeof large });
    assert_false(keeps(&a, 2));
    assert_holds(&a, 1);
    answers_close(&a);
}

static void nothing_is_kept_where_nothing_may_be(void **state)
{
    static const uint64_t bounds[][2] = { { 0, 1 << 20 }, { 100, 0 } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct answers a = { 0 };
        assert_int_equal(answers_open(&a, bounds[i][0], bounds[i][1]), OK);
        add(&a, 1);
        assert_false(keeps(&a, 1));
        answers_clear(&a);
        answers_close(&a);
    }
}

static void cleared_it_begins_again(void **state)
{
    struct answers a = { 0 };
    (void)state;
    assert_int_equal(answers_open(&a, 50, 16 << 10), OK);
    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < 200; i++) add(&a, i);
        assert_holds(&a, 199);
        answers_clear(&a);
        assert_int_equal(a.count, 0);
        for (uint32_t i = 0; i < 200; i++) assert_false(keeps(&a, i));
    }
    answers_close(&a);
}

/* What it says it holds it holds, whatever order requests come in. */
static void it_agrees_with_a_plain_list(void **state)
{
    enum { KINDS = 300, STEPS = 40000, ENTRIES = 40 };
    struct answers a = { 0 };
    uint32_t order[ENTRIES] = { 0 }, random = 12345;
    size_t held = 0;
    (void)state;
    assert_int_equal(answers_open(&a, ENTRIES, 1 << 20), OK);
    for (size_t step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t which = (random >> 8) % KINDS;
        bool wanted = false;
        for (size_t i = 0; i < held; i++) wanted |= order[i] == which;
        assert_int_equal(keeps(&a, which), wanted);
        if (wanted) continue;
        add(&a, which);
        if (held == ENTRIES) memmove(order, order + 1, --held * sizeof *order);
        order[held++] = which;
    }
    answers_close(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_request_gets_the_same_bytes_under_any_id),
        cmocka_unit_test(the_oldest_make_room_in_entries),
        cmocka_unit_test(the_oldest_make_room_in_bytes),
        cmocka_unit_test(what_is_too_large_is_not_kept),
        cmocka_unit_test(nothing_is_kept_where_nothing_may_be),
        cmocka_unit_test(cleared_it_begins_again),
        cmocka_unit_test(it_agrees_with_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
