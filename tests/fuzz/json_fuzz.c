/* JSON to a message, back to JSON and to a message again: what was read once comes back the same.
 * The first byte chooses the message; the two numbers behind the last choose request and
 * response. What was read is also printed, in both forms. */
#include "wire/json.h"
#include "wire/text.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = MESSAGE_COUNT + 2 };

/* Any message, request or response. */
struct any {
    _Alignas(16) char room[512];
};

static enum err read_any(struct str text, unsigned kind, struct arena *a, struct any *to)
{
    struct fault f;
    if (kind == MESSAGE_COUNT) return json_read_request(text, a, (void *)to->room, &f);
    if (kind > MESSAGE_COUNT) return json_read_response(text, a, (void *)to->room, &f);
    assert(shape_of((enum message)kind)->size <= sizeof to->room);
    return json_read(text, (enum message)kind, a, to->room, &f);
}

static void write_any(struct buf *out, unsigned kind, const struct any *from, bool indented)
{
    if (kind == MESSAGE_COUNT) json_write_request(out, (const void *)from->room, indented);
    else if (kind > MESSAGE_COUNT) json_write_response(out, (const void *)from->room, indented);
    else json_write(out, (enum message)kind, from->room, indented);
}

static void print(unsigned kind, const struct any *message)
{
    struct buf out = buf_make(64 << 20);
    struct text_options narrow = {
        .width = 40, .colour = true, .terminal = true, .words = S("a b")
    };
    struct text_options plain = { .plain = true };
    if (kind >= MESSAGE_COUNT) return;
    text_write(&out, (enum message)kind, message->room, &plain);
    text_write(&out, (enum message)kind, message->room, &narrow);
    assert(utf8_valid(buf_view(&out)));
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct any first, second;
    struct buf once = buf_make(64 << 20), twice = once, indented = once;
    if (size == 0 || arena_open(&arena, 1 << 28)) return 0;
    unsigned kind = data[0] % KINDS;
    struct str text = { (const char *)data + 1, size - 1 };

    if (read_any(text, kind, &arena, &first) == OK) {
        write_any(&once, kind, &first, false);
        write_any(&indented, kind, &first, true);
        assert(utf8_valid(buf_view(&once)));
        assert(read_any(buf_view(&once), kind, &arena, &second) == OK);
        write_any(&twice, kind, &second, false);
        assert(str_eq(buf_view(&once), buf_view(&twice)));
        assert(read_any(buf_view(&indented), kind, &arena, &second) == OK);
        twice.len = 0;
        write_any(&twice, kind, &second, false);
        assert(str_eq(buf_view(&once), buf_view(&twice)));
        print(kind, &first);
    }
    arena_close(&arena);
    buf_free(&once);
    buf_free(&twice);
    buf_free(&indented);
    return 0;
}
