#include "test.h"

#include "pkg/gram.h"
#include "pkg/gram_build.h"
#include "pkg/postings.h"

#include <string.h>

/* Texts as gram_build takes them. */
struct texts {
    struct arena arena;
    struct buf heap;
    uint32_t at[600];
    uint32_t count;
    struct gram_index grams;
};

static void texts_open(struct texts *t)
{
    *t = (struct texts){ .heap = buf_make(1 << 20) };
    assert_int_equal(arena_open(&t->arena, (size_t)1 << 28), OK);
    buf_byte(&t->heap, 0);
    t->at[0] = 1;
}

static void texts_add(struct texts *t, struct str s)
{
    buf_str(&t->heap, s);
    buf_byte(&t->heap, 0);
    t->at[++t->count] = (uint32_t)t->heap.len;
}

static void texts_build(struct texts *t)
{
    assert_int_equal(gram_build(&t->grams, &t->arena, t->heap.at, t->at, t->count), OK);
}

static void texts_close(struct texts *t)
{
    buf_free(&t->heap);
    arena_close(&t->arena);
}

/* Whether a text, with the NUL before it and two behind, holds three bytes of these classes. */
static bool holds_key(const struct texts *t, uint32_t text, uint32_t key)
{
    char whole[64] = { 0 };
    size_t len = t->at[text + 1] - t->at[text] - 1;
    if (len == 0) return false;
    memcpy(whole + 1, t->heap.at + t->at[text], len);
    for (size_t i = 0; i + 3 <= len + 3; i++)
        if (gram_key((uint8_t)whole[i], (uint8_t)whole[i + 1], (uint8_t)whole[i + 2]) == key)
            return true;
    return false;
}

static void some_texts(struct texts *t)
{
    static const char letters[] = "abcxyzABC019+-._ $~\xC3\xB6";
    uint32_t seed = 7;
    texts_open(t);
    for (uint32_t i = 0; i < 500; i++) {
        char text[24];
        size_t len = 0, most = i % 20;
        while (len < most) {
            seed = seed * 1664525u + 1013904223u;
            text[len++] = letters[(seed >> 16) % (sizeof letters - 1)];
        }
        texts_add(t, (struct str){ text, len });
    }
    texts_build(t);
}

static void postings_name_every_text_that_holds_a_gram_and_no_other(void **state)
{
    static struct texts t;
    size_t total = 0;
    (void)state;
    some_texts(&t);
    for (uint32_t row = 0; row < t.grams.count; row++) {
        const struct gram_record *r = &t.grams.rows[row];
        struct postings walk =
            postings_open(t.grams.postings + r->at, t.grams.postings + r[1].at, t.count);
        bool more = postings_next(&walk);
        assert_true(more);
        for (uint32_t text = 0; text < t.count; text++) {
            bool named = more && walk.number == text;
            assert_int_equal(named, holds_key(&t, text, r->key));
            if (named) more = postings_next(&walk);
            total += named;
        }
        assert_false(more);
    }
    assert_true(total > 3000);
    texts_close(&t);
}

static void every_gram_of_every_text_has_a_row(void **state)
{
    static struct texts t;
    static uint8_t there[GRAM_KEYS];
    (void)state;
    some_texts(&t);
    for (uint32_t row = 0; row < t.grams.count; row++) there[t.grams.rows[row].key] = 1;
    for (uint32_t text = 0; text < t.count; text++) {
        char whole[64] = { 0 };
        size_t len = t.at[text + 1] - t.at[text] - 1;
        memcpy(whole + 1, t.heap.at + t.at[text], len);
        for (size_t i = 0; len && i < len + 1; i++)
            assert_true(
                there[gram_key((uint8_t)whole[i], (uint8_t)whole[i + 1], (uint8_t)whole[i + 2])]);
    }
    texts_close(&t);
}

static void rows_are_ordered_and_found_by_their_first_two_classes(void **state)
{
    static struct texts t;
    (void)state;
    some_texts(&t);
    for (uint32_t pair = 0; pair < GRAM_PAIRS; pair++) {
        assert_true(t.grams.first[pair] <= t.grams.first[pair + 1]);
        for (uint32_t row = t.grams.first[pair]; row < t.grams.first[pair + 1]; row++) {
            assert_int_equal(t.grams.rows[row].key >> 6, pair);
            assert_true(t.grams.rows[row].key < t.grams.rows[row + 1].key);
            assert_true(t.grams.rows[row].at < t.grams.rows[row + 1].at);
        }
    }
    assert_int_equal(t.grams.first[GRAM_PAIRS], t.grams.count);
    assert_int_equal(t.grams.rows[t.grams.count].at, t.grams.size);
    texts_close(&t);
}

static void no_texts_and_empty_texts_have_no_grams(void **state)
{
    static struct texts t;
    (void)state;
    texts_open(&t);
    texts_build(&t);
    assert_int_equal(t.grams.count, 0);
    texts_add(&t, S(""));
    texts_add(&t, S(""));
    texts_build(&t);
    assert_int_equal(t.grams.count, 0);
    assert_int_equal(t.grams.size, 0);
    texts_close(&t);
}

static void letters_of_both_cases_share_a_class(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        assert_true(gram_class[c] < GRAM_CLASSES);
        assert_int_equal(gram_class[c], gram_class[(uint8_t)ascii_lower((char)c)]);
    }
}

static void a_class_below_other_stands_for_one_byte(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < a; b++) {
            if (gram_class[a] != gram_class[b] || gram_class[a] >= GRAM_OTHER) continue;
            assert_int_equal(ascii_lower((char)a), ascii_lower((char)b));
        }
    }
}

static void only_nul_is_class_0(void **state)
{
    (void)state;
    assert_int_equal(gram_class[0], 0);
    for (unsigned c = 1; c < 256; c++) assert_int_not_equal(gram_class[c], 0);
}

static void what_names_are_made_of_is_exact(void **state)
{
    (void)state;
    for (const char *c = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789+-._"; *c; c++)
        assert_true(gram_class[(uint8_t)*c] < GRAM_OTHER);
}

static void dense_keys_of_one_and_two_letters_differ(void **state)
{
    static uint8_t seen[GRAM_DENSE_KEYS];
    (void)state;
    for (unsigned a = 1; a < 128; a++) {
        for (unsigned b = 0; b < 128; b++) {
            char text[2] = { (char)a, (char)b };
            uint32_t key = gram_dense_key((struct str){ text, b ? 2 : 1 });
            assert_true(key < GRAM_DENSE_KEYS && seen[key] != (b ? 1 : 2));
            seen[key] = b ? 2 : 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postings_name_every_text_that_holds_a_gram_and_no_other),
        cmocka_unit_test(every_gram_of_every_text_has_a_row),
        cmocka_unit_test(rows_are_ordered_and_found_by_their_first_two_classes),
        cmocka_unit_test(no_texts_and_empty_texts_have_no_grams),
        cmocka_unit_test(letters_of_both_cases_share_a_class),
        cmocka_unit_test(a_class_below_other_stands_for_one_byte),
        cmocka_unit_test(only_nul_is_class_0),
        cmocka_unit_test(what_names_are_made_of_is_exact),
        cmocka_unit_test(dense_keys_of_one_and_two_letters_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
