/* Bytes to a message, and back to the same bytes; through JSON they are the same as well. The
 * first byte chooses a request, a response or a message alone. */
#include "wire/codec.h"
#include "wire/json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUEST, RESPONSE, ALONE, KINDS = ALONE + MESSAGE_COUNT, BATCH_MOST = 100 };

/* Any message, request or response. */
struct any {
    _Alignas(16) char room[512];
};

static enum err read_any(struct str bytes, unsigned kind, struct arena *a, struct any *to)
{
    struct fault f = { { 0 } };
    enum err e;
    if (kind == REQUEST) e = codec_read_request(bytes, BATCH_MOST, a, (void *)to->room, &f);
    else if (kind == RESPONSE) e = codec_read_response(bytes, a, (void *)to->room, &f);
    else e = codec_read_message(bytes, (enum message)(kind - ALONE), a, to->room, &f);
    assert(!e || f.text[0]);
    return e;
}

static void write_any(struct buf *out, unsigned kind, const struct any *from)
{
    if (kind == REQUEST) codec_write_request(out, (const void *)from->room);
    else if (kind == RESPONSE) codec_write_response(out, (const void *)from->room);
    else codec_write_message(out, (enum message)(kind - ALONE), from->room);
}

static enum err read_json(struct str text, unsigned kind, struct arena *a, struct any *to)
{
    struct fault f;
    if (kind == REQUEST) return json_read_request(text, a, (void *)to->room, &f);
    if (kind == RESPONSE) return json_read_response(text, a, (void *)to->room, &f);
    return json_read(text, (enum message)(kind - ALONE), a, to->room, &f);
}

static void write_json(struct buf *out, unsigned kind, const struct any *from)
{
    if (kind == REQUEST) json_write_request(out, (const void *)from->room, false);
    else if (kind == RESPONSE) json_write_response(out, (const void *)from->room, false);
    else json_write(out, (enum message)(kind - ALONE), from->room, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct any first, second;
    struct buf bytes = buf_make(64 << 20), text = bytes, again = bytes;
    if (size == 0 || arena_open(&arena, 1 << 28)) return 0;
    unsigned kind = data[0] % KINDS;
    struct str payload = { (const char *)data + 1, size - 1 };
    assert(kind < ALONE || shape_of((enum message)(kind - ALONE))->size <= sizeof first.room);

    if (read_any(payload, kind, &arena, &first) == OK) {
        write_any(&bytes, kind, &first);
        assert(str_eq(buf_view(&bytes), payload));
        write_json(&text, kind, &first);
        assert(read_json(buf_view(&text), kind, &arena, &second) == OK);
        write_any(&again, kind, &second);
        assert(str_eq(buf_view(&again), payload));
    }
    arena_close(&arena);
    buf_free(&bytes);
    buf_free(&text);
    buf_free(&again);
    return 0;
}
