#include "test.h"

#include "broker/metrics.h"

static void every_value_falls_into_a_bar_that_ends_less_than_a_quarter_above_it(void **state)
{
    struct arena a;
    (void)state;
    assert_int_equal(arena_open(&a, 1 << 20), OK);
    for (uint64_t value = 1; value < (uint64_t)1 << 40; value += value / 7 + 1) {
        struct histogram h = { 0 };
        struct bucket *bars;
        size_t count;
        histogram_add(&h, value);
        histogram_add(&h, (uint64_t)1 << 41); /* so that the value's bar is not the last one */
        assert_int_equal(histogram_bars(&h, &a, &bars, &count), OK);
        assert_int_equal(count, 2);
        assert_true(bars[0].most >= value);
        assert_true(bars[0].most - value <= value / 4);
        arena_reset(&a, 0);
    }
    arena_close(&a);
}

static void bars_ascend_and_count_every_value(void **state)
{
    struct histogram h = { 0 };
    struct arena a;
    struct bucket *bars;
    size_t count, sum = 0;
    (void)state;
    assert_int_equal(arena_open(&a, 1 << 20), OK);
    for (uint64_t i = 0; i < 100000; i++) histogram_add(&h, i * i);
    assert_int_equal(histogram_bars(&h, &a, &bars, &count), OK);
    for (size_t i = 0; i < count; i++) {
        sum += bars[i].count;
        if (i) assert_true(bars[i].most > bars[i - 1].most);
    }
    assert_int_equal(sum, 100000);
    assert_int_equal(h.count, 100000);
    arena_close(&a);
}

static void a_share_is_where_it_is_within_a_bar(void **state)
{
    struct histogram h = { 0 };
    (void)state;
    for (uint64_t i = 1; i <= 1000; i++) histogram_add(&h, i * 100);
    uint64_t half = histogram_share(&h, 0.5), most = histogram_share(&h, 0.99);
    assert_in_range(half, 50000, 62500);
    assert_in_range(most, 99000, 100000);
    assert_int_equal(histogram_share(&h, 1), 100000);
}

static void nothing_is_nothing(void **state)
{
    struct histogram h = { 0 };
    (void)state;
    assert_int_equal(histogram_share(&h, 0.5), 0);
    assert_int_equal(histogram_share(&h, 1), 0);
}

static void what_is_too_large_is_counted_in_the_last_bar(void **state)
{
    struct histogram h = { 0 };
    struct arena a;
    struct bucket *bars;
    size_t count;
    (void)state;
    assert_int_equal(arena_open(&a, 1 << 20), OK);
    histogram_add(&h, UINT64_MAX);
    histogram_add(&h, 3);
    assert_int_equal(histogram_bars(&h, &a, &bars, &count), OK);
    assert_int_equal(count, 2);
    assert_true(bars[1].most == UINT64_MAX);
    arena_close(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_falls_into_a_bar_that_ends_less_than_a_quarter_above_it),
        cmocka_unit_test(bars_ascend_and_count_every_value),
        cmocka_unit_test(a_share_is_where_it_is_within_a_bar),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(what_is_too_large_is_counted_in_the_last_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
