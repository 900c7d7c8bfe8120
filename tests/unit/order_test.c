#include "test.h"

#include "pkg/order.h"

enum { MOST = 3000 };

struct counted {
    const uint32_t *value;
    size_t compared;
};

static int by_value(uint32_t a, uint32_t b, const void *context)
{
    struct counted *c = (struct counted *)(uintptr_t)context;
    c->compared++;
    return c->value[a] < c->value[b] ? -1 : c->value[a] > c->value[b];
}

static uint32_t value[MOST], order[MOST], spare[MOST];

/* Sorts the numbers below n by their values, gives how often two were compared. */
static size_t sort(size_t n)
{
    struct counted c = { value, 0 };
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    order_sort(order, spare, n, by_value, &c);
    return c.compared;
}

static void assert_sorted(size_t n)
{
    static uint8_t seen[MOST];
    for (size_t i = 0; i < n; i++) seen[i] = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(order[i] < n && !seen[order[i]]);
        seen[order[i]] = 1;
        if (i == 0) continue;
        uint32_t before = value[order[i - 1]], now = value[order[i]];
        assert_true(before < now || (before == now && order[i - 1] < order[i]));
    }
}

static uint32_t pseudo(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void any_numbers_are_sorted_and_equal_ones_stay(void **state)
{
    static const uint32_t ranges[] = { 1, 2, 10, 1000, 65536 };
    uint32_t seed = 1;
    (void)state;
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        for (size_t n = 0; n < 200; n++) {
            for (size_t i = 0; i < n; i++) value[i] = pseudo(&seed) % ranges[r];
            sort(n);
            assert_sorted(n);
        }
        for (size_t i = 0; i < MOST; i++) value[i] = pseudo(&seed) % ranges[r];
        sort(MOST);
        assert_sorted(MOST);
    }
}

static void every_order_of_six_is_sorted(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 46656; code++) { /* 6 to the 6th */
        for (uint32_t i = 0, left = code; i < 6; i++, left /= 6) value[i] = left % 6;
        sort(6);
        assert_sorted(6);
    }
}

static void sorted_input_takes_one_walk(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MOST; i++) value[i] = i / 3;
    assert_int_equal(sort(MOST), MOST - 1);
    assert_sorted(MOST);
}

static void falling_input_is_sorted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MOST; i++) value[i] = MOST - i;
    assert_true(sort(MOST) < MOST * 40);
    assert_sorted(MOST);
}

static void a_few_runs_are_merged_in_a_few_walks(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MOST; i++) value[i] = i % (MOST / 4);
    assert_true(sort(MOST) < MOST * 6);
    assert_sorted(MOST);
}

static void none_and_one_are_left_alone(void **state)
{
    (void)state;
    assert_int_equal(sort(0), 0);
    assert_int_equal(sort(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_numbers_are_sorted_and_equal_ones_stay),
        cmocka_unit_test(every_order_of_six_is_sorted),
        cmocka_unit_test(sorted_input_takes_one_walk),
        cmocka_unit_test(falling_input_is_sorted),
        cmocka_unit_test(a_few_runs_are_merged_in_a_few_walks),
        cmocka_unit_test(none_and_one_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
