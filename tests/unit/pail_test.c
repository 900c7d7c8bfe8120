#include "test.h"

#include "broker/pail.h"

static char bytes[1 << 20];

static struct str some(size_t n)
{
    for (size_t i = 0; i < n; i++) bytes[i] = (char)(i * 7);
    return (struct str){ bytes, n };
}

static void what_goes_in_comes_out_in_order(void **state)
{
    struct pool pool = { 0, 1 << 20 };
    struct pail p = { 0 };
    (void)state;
    assert_true(pail_add(&pool, &p, S("one ")));
    assert_true(pail_add(&pool, &p, S("two ")));
    pail_taken(&pool, &p, 2);
    assert_true(pail_add(&pool, &p, S("three")));
    assert_true(str_eq(pail_view(&p), S("e two three")));
    pail_free(&pool, &p);
}

static void a_little_is_free_and_the_rest_is_counted(void **state)
{
    struct pool pool = { 0, 1 << 20 };
    struct pail p = { 0 };
    (void)state;
    assert_true(pail_add(&pool, &p, some(PAIL_FREE)));
    assert_int_equal(pool.used, 0);
    assert_true(pail_add(&pool, &p, some(1)));
    assert_int_equal(pool.used, p.room - PAIL_FREE);
    pail_free(&pool, &p);
    assert_int_equal(pool.used, 0);
}

static void a_full_pool_stops_only_those_who_want_much(void **state)
{
    struct pool pool = { 0, 64 << 10 };
    struct pail greedy = { 0 }, modest = { 0 };
    (void)state;
    while (pail_add(&pool, &greedy, some(4096))) assert_true(greedy.len < sizeof bytes);
    assert_true(pool.used <= pool.most);
    size_t had = greedy.len;
    assert_false(pail_add(&pool, &greedy, some(sizeof bytes)));
    assert_int_equal(greedy.len, had);
    assert_true(pail_add(&pool, &modest, some(PAIL_FREE)));
    pail_free(&pool, &greedy);
    pail_free(&pool, &modest);
}

static void an_emptied_pail_gives_back_what_was_large(void **state)
{
    struct pool pool = { 0, 8 << 20 };
    struct pail p = { 0 };
    (void)state;
    assert_true(pail_add(&pool, &p, some(sizeof bytes)));
    pail_taken(&pool, &p, sizeof bytes - 1);
    assert_true(pool.used > 0);
    pail_taken(&pool, &p, 1);
    assert_int_equal(pool.used, 0);
    assert_int_equal(p.room, 0);
    assert_true(pail_add(&pool, &p, S("again")));
    assert_true(str_eq(pail_view(&p), S("again")));
    pail_free(&pool, &p);
}

static void many_bytes_in_small_pieces_stay_what_they_were(void **state)
{
    struct pool pool = { 0, 8 << 20 };
    struct pail p = { 0 };
    size_t in = 0, out = 0;
    (void)state;
    struct str all = some(sizeof bytes);
    while (out < all.len) {
        size_t put = all.len - in < 777 ? all.len - in : 777;
        assert_true(pail_add(&pool, &p, (struct str){ all.at + in, put }));
        in += put;
        struct str seen = pail_view(&p);
        size_t take = seen.len < 500 || in == all.len ? seen.len : 500;
        assert_true(str_eq(str_head(seen, take), (struct str){ all.at + out, take }));
        pail_taken(&pool, &p, take);
        out += take;
    }
    pail_free(&pool, &p);
    assert_int_equal(pool.used, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(a_little_is_free_and_the_rest_is_counted),
        cmocka_unit_test(a_full_pool_stops_only_those_who_want_much),
        cmocka_unit_test(an_emptied_pail_gives_back_what_was_large),
        cmocka_unit_test(many_bytes_in_small_pieces_stay_what_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
