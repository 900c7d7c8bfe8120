/* Frames in a stream of bytes. */
#include "test.h"

#include "wire/frame.h"

enum { LIMIT = 8 << 20 };

static struct str bytes_of(const void *at, size_t len)
{
    return (struct str){ at, len };
}

static void a_frame_is_its_length_and_its_payload(void **state)
{
    (void)state;
    struct buf out = buf_make(1 << 20);
    size_t at = frame_begin(&out);
    buf_str(&out, S("hello"));
    frame_end(&out, at);
    at = frame_begin(&out);
    buf_repeat(&out, 'x', 0x10203);
    frame_end(&out, at);
    assert_memory_equal(out.at, "\0\0\0\5hello\0\1\2\3xx", 15);
    struct str payload, rest = buf_view(&out);
    assert_int_equal(frame_take(rest, LIMIT, &payload), FRAME_WHOLE);
    assert_true(str_eq(payload, S("hello")));
    assert_ptr_equal(payload.at, out.at + FRAME_HEAD);
    rest = str_from(rest, FRAME_HEAD + payload.len);
    assert_int_equal(frame_take(rest, LIMIT, &payload), FRAME_WHOLE);
    assert_int_equal(payload.len, 0x10203);
    assert_int_equal(rest.len, FRAME_HEAD + payload.len);
    buf_free(&out);
}

static void a_part_says_how_long_the_whole_will_be(void **state)
{
    (void)state;
    static const char frame[] = "\0\0\1\2and so on";
    struct str payload;
    for (size_t n = 0; n < FRAME_HEAD; n++) {
        assert_int_equal(frame_take(bytes_of(frame, n), LIMIT, &payload), FRAME_PART);
        assert_int_equal(payload.len, 0);
    }
    for (size_t n = FRAME_HEAD; n < sizeof frame; n++) {
        assert_int_equal(frame_take(bytes_of(frame, n), LIMIT, &payload), FRAME_PART);
        assert_int_equal(payload.len, 258);
    }
    assert_int_equal(frame_take(STR_NONE, LIMIT, &payload), FRAME_PART);
}

static void lengths_of_zero_and_above_the_limit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        size_t limit;
        enum frame wanted;
    } heads[] = {
        { "\0\0\0\0", LIMIT, FRAME_REFUSED },
        { "\0\0\0\1", LIMIT, FRAME_PART },
        { "\0\x80\0\0", LIMIT, FRAME_PART },
        { "\0\x80\0\1", LIMIT, FRAME_REFUSED },
        { "\x80\0\0\0", LIMIT, FRAME_REFUSED },
        { "\xFF\xFF\xFF\xFF", LIMIT, FRAME_REFUSED },
        { "\xFF\xFF\xFF\xFF", UINT32_MAX, FRAME_PART },
        { "\0\0\0\2", 1, FRAME_REFUSED },
    };
    struct str payload;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        assert_int_equal(frame_take(bytes_of(heads[i].head, 4), heads[i].limit, &payload),
                         heads[i].wanted);
}

static void a_frame_that_does_not_fit_leaves_the_buffer_full(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < FRAME_HEAD + 5; limit++) {
        char room[16];
        struct buf out = { .at = room, .room = limit, .limit = limit };
        size_t at = frame_begin(&out);
        buf_str(&out, S("hello"));
        frame_end(&out, at);
        assert_true(out.full);
        assert_true(out.len <= limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_its_length_and_its_payload),
        cmocka_unit_test(a_part_says_how_long_the_whole_will_be),
        cmocka_unit_test(lengths_of_zero_and_above_the_limit_are_refused),
        cmocka_unit_test(a_frame_that_does_not_fit_leaves_the_buffer_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
