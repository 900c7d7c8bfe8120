#include "test.h"

#include "pkg/intern.h"

#include <string.h>

enum { MANY = 20000 };

static struct str numbered(char text[32], unsigned i)
{
    int n = snprintf(text, 32, "text-%u", i * 2654435761u);
    return (struct str){ text, (size_t)n };
}

static void equal_texts_have_one_number(void **state)
{
    struct intern t;
    (void)state;
    assert_int_equal(intern_open(&t, 0), OK);
    assert_int_equal(intern_number(&t, S("one")), 0);
    assert_int_equal(intern_number(&t, S("other")), 1);
    assert_int_equal(intern_number(&t, S("one")), 0);
    assert_int_equal(t.count, 2);
    intern_free(&t);
}

static void numbers_count_up_and_lead_back(void **state)
{
    struct intern t;
    char text[32];
    (void)state;
    assert_int_equal(intern_open(&t, 0), OK);
    for (unsigned i = 0; i < MANY; i++) assert_int_equal(intern_number(&t, numbered(text, i)), i);
    for (unsigned i = 0; i < MANY; i++) {
        struct str s = numbered(text, i);
        assert_int_equal(intern_number(&t, s), i);
        assert_true(str_eq(intern_text(&t, i), s));
        assert_int_equal(t.text.at[intern_at(&t, i) + s.len], 0);
    }
    assert_false(intern_full(&t));
    intern_free(&t);
}

static void the_empty_text_is_a_text(void **state)
{
    struct intern t;
    (void)state;
    assert_int_equal(intern_open(&t, 0), OK);
    uint32_t empty = intern_number(&t, S(""));
    assert_int_equal(intern_number(&t, S("a")), empty + 1);
    assert_int_equal(intern_number(&t, S("")), empty);
    assert_int_equal(intern_text(&t, empty).len, 0);
    intern_free(&t);
}

static void offset_0_is_the_empty_text(void **state)
{
    struct intern t;
    (void)state;
    assert_int_equal(intern_open(&t, 0), OK);
    assert_int_equal(intern_offset(&t, S("")), 0);
    uint32_t at = intern_offset(&t, S("text"));
    assert_int_not_equal(at, 0);
    assert_int_equal(intern_offset(&t, S("text")), at);
    assert_string_equal(t.text.at, "");
    assert_string_equal(t.text.at + at, "text");
    intern_free(&t);
}

static void two_steps_give_what_one_does(void **state)
{
    struct intern t;
    char text[32];
    uint32_t hashes[16];
    (void)state;
    assert_int_equal(intern_open(&t, 0), OK);
    /* More come between the steps than the table had room for at first. */
    for (unsigned i = 0; i < 16; i++) hashes[i] = intern_hash(&t, numbered(text, i));
    for (unsigned i = 16; i < MANY; i++) intern_number(&t, numbered(text, i));
    for (unsigned i = 0; i < 16; i++) {
        uint32_t number = intern_hashed(&t, numbered(text, i), hashes[i]);
        assert_int_equal(number, MANY - 16 + i);
        assert_int_equal(intern_number(&t, numbered(text, i)), number);
    }
    intern_free(&t);
}

static void texts_of_all_lengths_keep_apart(void **state)
{
    struct intern t;
    char text[600];
    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(intern_open(&t, 0), OK);
    for (uint32_t n = 0; n < sizeof text; n++)
        assert_int_equal(intern_number(&t, (struct str){ text, n }), n);
    for (uint32_t n = 0; n < sizeof text; n++) assert_int_equal(intern_text(&t, n).len, n);
    intern_free(&t);
}

static void a_full_heap_is_told_and_harmless(void **state)
{
    struct intern t;
    char text[32];
    (void)state;
    assert_int_equal(intern_open(&t, 0), OK);
    t.text.limit = 1000;
    unsigned fit = 0;
    while (intern_number(&t, numbered(text, fit)) != UINT32_MAX) fit++;
    assert_true(fit > 10 && fit < 1000);
    assert_true(intern_full(&t));
    assert_int_equal(t.count, fit);
    assert_int_equal(intern_offset(&t, S("and another one")), 0);
    for (unsigned i = 0; i < fit; i++) assert_int_equal(intern_number(&t, numbered(text, i)), i);
    intern_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_have_one_number),
        cmocka_unit_test(numbers_count_up_and_lead_back),
        cmocka_unit_test(the_empty_text_is_a_text),
        cmocka_unit_test(offset_0_is_the_empty_text),
        cmocka_unit_test(two_steps_give_what_one_does),
        cmocka_unit_test(texts_of_all_lengths_keep_apart),
        cmocka_unit_test(a_full_heap_is_told_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
