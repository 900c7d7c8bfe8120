#include "test.h"

#include "pkg/bits.h"

#include <string.h>

/* Limits at which words, uppers and tops begin and end. */
static const size_t limits[] = { 1, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 262145, 600000 };
enum { LIMITS = sizeof limits / sizeof *limits };

struct sets {
    struct arena arena;
    struct bits a, b;
    uint8_t *in_a, *in_b; /* the same, plainly */
    size_t limit;
};

static void sets_open(struct sets *s, size_t limit)
{
    *s = (struct sets){ .limit = limit };
    assert_int_equal(arena_open(&s->arena, (size_t)1 << 26), OK);
    assert_true(bits_open(&s->a, &s->arena, limit) && bits_open(&s->b, &s->arena, limit));
    s->in_a = calloc(limit, 1);
    s->in_b = calloc(limit, 1);
    assert_true(s->in_a && s->in_b);
}

static void sets_close(struct sets *s)
{
    free(s->in_a);
    free(s->in_b);
    arena_close(&s->arena);
}

static void fill(struct sets *s, struct bits *set, uint8_t *plain, size_t step)
{
    for (size_t i = step % 7; i < s->limit; i += step) {
        bits_set(set, (uint32_t)i);
        plain[i] = 1;
    }
}

/* By walking and by asking. */
static void assert_same(const struct bits *set, const uint8_t *plain, size_t limit)
{
    size_t next = 0, count = 0;
    for (size_t w = bits_word(set, 0); w < set->words; w = bits_word(set, w + 1)) {
        for (uint64_t left = set->word[w]; left; left &= left - 1) {
            size_t number = w << 6 | (size_t)__builtin_ctzll(left);
            assert_true(number < limit);
            while (next < number) assert_int_equal(plain[next++], 0);
            assert_int_equal(plain[next++], 1);
            count++;
        }
    }
    while (next < limit) assert_int_equal(plain[next++], 0);
    assert_int_equal(bits_count(set), count);
    for (size_t i = 0; i < limit; i += 61) assert_int_equal(bits_has(set, (uint32_t)i), plain[i]);
}

static void a_set_holds_what_was_put_in(void **state)
{
    static const size_t steps[] = { 1, 3, 64, 1000, 4096, 70000, 300000 };
    struct sets s;
    (void)state;
    for (size_t l = 0; l < LIMITS; l++) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            sets_open(&s, limits[l]);
            fill(&s, &s.a, s.in_a, steps[i]);
            assert_same(&s.a, s.in_a, s.limit);
            sets_close(&s);
        }
    }
}

static void a_fresh_set_is_empty(void **state)
{
    struct sets s;
    (void)state;
    for (size_t l = 0; l < LIMITS; l++) {
        sets_open(&s, limits[l]);
        assert_int_equal(bits_word(&s.a, 0), s.a.words);
        assert_int_equal(bits_count(&s.a), 0);
        sets_close(&s);
    }
}

static void a_set_below_nothing_has_no_words(void **state)
{
    struct arena a;
    struct bits none;
    (void)state;
    assert_int_equal(arena_open(&a, 1 << 20), OK);
    assert_true(bits_open(&none, &a, 0));
    assert_int_equal(none.words, 0);
    assert_int_equal(bits_word(&none, 0), 0);
    assert_int_equal(bits_count(&none), 0);
    bits_clear(&none);
    arena_close(&a);
}

static void too_small_an_arena_is_told(void **state)
{
    struct arena a;
    struct bits b;
    (void)state;
    assert_int_equal(arena_open(&a, 4096), OK);
    assert_false(bits_open(&b, &a, 1 << 20));
    arena_close(&a);
}

static void clearing_leaves_nothing_behind(void **state)
{
    struct sets s;
    (void)state;
    for (size_t l = 0; l < LIMITS; l++) {
        sets_open(&s, limits[l]);
        fill(&s, &s.a, s.in_a, 5);
        bits_clear(&s.a);
        memset(s.in_a, 0, s.limit);
        for (size_t w = 0; w < s.a.words; w++) assert_int_equal(s.a.word[w], 0);
        for (size_t u = 0; u < s.a.uppers; u++) assert_int_equal(s.a.upper[u], 0);
        for (size_t t = 0; t < s.a.tops; t++) assert_int_equal(s.a.top[t], 0);
        fill(&s, &s.a, s.in_a, 11);
        assert_same(&s.a, s.in_a, s.limit);
        sets_close(&s);
    }
}

static void and_keeps_what_both_hold(void **state)
{
    struct sets s;
    (void)state;
    for (size_t l = 0; l < LIMITS; l++) {
        sets_open(&s, limits[l]);
        fill(&s, &s.a, s.in_a, 3);
        fill(&s, &s.b, s.in_b, 5);
        bits_and(&s.a, &s.b);
        for (size_t i = 0; i < s.limit; i++) s.in_a[i] &= s.in_b[i];
        assert_same(&s.a, s.in_a, s.limit);
        assert_same(&s.b, s.in_b, s.limit);
        sets_close(&s);
    }
}

static void add_holds_what_either_holds(void **state)
{
    struct sets s;
    (void)state;
    for (size_t l = 0; l < LIMITS; l++) {
        sets_open(&s, limits[l]);
        fill(&s, &s.a, s.in_a, 700);
        fill(&s, &s.b, s.in_b, 431);
        bits_add(&s.a, &s.b);
        for (size_t i = 0; i < s.limit; i++) s.in_a[i] |= s.in_b[i];
        assert_same(&s.a, s.in_a, s.limit);
        sets_close(&s);
    }
}

static void or_adds_a_plain_bitmap(void **state)
{
    struct sets s;
    (void)state;
    for (size_t l = 0; l < LIMITS; l++) {
        sets_open(&s, limits[l]);
        fill(&s, &s.a, s.in_a, 900);
        fill(&s, &s.b, s.in_b, 77);
        bits_or(&s.a, s.b.word);
        for (size_t i = 0; i < s.limit; i++) s.in_a[i] |= s.in_b[i];
        assert_same(&s.a, s.in_a, s.limit);
        sets_close(&s);
    }
}

static void or_leaves_out_what_lies_beyond_the_limit(void **state)
{
    struct sets s;
    (void)state;
    for (size_t l = 0; l < LIMITS; l++) {
        sets_open(&s, limits[l]);
        memset(s.b.word, 0xFF, s.b.words * sizeof *s.b.word);
        memset(s.in_a, 1, s.limit);
        bits_or(&s.a, s.b.word);
        assert_same(&s.a, s.in_a, s.limit);
        sets_close(&s);
    }
}

/* What search does all day: the storeys above may name words that became zero. */
static void a_set_can_be_filled_again_after_and(void **state)
{
    struct sets s;
    (void)state;
    sets_open(&s, 300000);
    fill(&s, &s.a, s.in_a, 64);
    bits_and(&s.a, &s.b);
    memset(s.in_a, 0, s.limit);
    assert_same(&s.a, s.in_a, s.limit);
    fill(&s, &s.a, s.in_a, 4099);
    assert_same(&s.a, s.in_a, s.limit);
    bits_clear(&s.a);
    assert_int_equal(bits_word(&s.a, 0), s.a.words);
    sets_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_holds_what_was_put_in),
        cmocka_unit_test(a_fresh_set_is_empty),
        cmocka_unit_test(a_set_below_nothing_has_no_words),
        cmocka_unit_test(too_small_an_arena_is_told),
        cmocka_unit_test(clearing_leaves_nothing_behind),
        cmocka_unit_test(and_keeps_what_both_hold),
        cmocka_unit_test(add_holds_what_either_holds),
        cmocka_unit_test(or_adds_a_plain_bitmap),
        cmocka_unit_test(or_leaves_out_what_lies_beyond_the_limit),
        cmocka_unit_test(a_set_can_be_filled_again_after_and),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
