/* A stream of frames, read at once and in pieces that the first two bytes cut it into: both ways
 * the same frames come out, and put into frames again they are the bytes that went in. */
#include "wire/codec.h"
#include "wire/frame.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 4096, BATCH_MOST = 100 };

/* Takes all whole frames from the front of bytes and puts them into out again; gives what ended
 * it, and how much it took. */
static enum frame take_all(struct str bytes, struct buf *out, size_t *taken)
{
    struct str payload;
    enum frame got;
    *taken = 0;
    while ((got = frame_take(str_from(bytes, *taken), LIMIT, &payload)) == FRAME_WHOLE) {
        assert(payload.len > 0 && payload.len <= LIMIT);
        assert(payload.at == bytes.at + *taken + FRAME_HEAD);
        size_t at = frame_begin(out);
        buf_str(out, payload);
        frame_end(out, at);
        *taken += FRAME_HEAD + payload.len;
        assert(*taken <= bytes.len);
    }
    if (got == FRAME_PART && bytes.len - *taken >= FRAME_HEAD)
        assert(payload.len > 0 && payload.len > bytes.len - *taken - FRAME_HEAD);
    return got;
}

/* The same with the bytes arriving piece by piece, each moved to the front of what is kept. */
static enum frame take_in_pieces(struct str bytes, uint32_t cuts, struct buf *out, size_t *taken)
{
    enum frame got = FRAME_PART;
    size_t arrived = 0, n;
    *taken = 0;
    while (got == FRAME_PART && arrived < bytes.len) {
        cuts = cuts * 1103515245 + 12345;
        arrived += 1 + (cuts >> 16) % 61;
        if (arrived > bytes.len) arrived = bytes.len;
        struct str kept = str_from(str_head(bytes, arrived), *taken);
        char *block = malloc(kept.len ? kept.len : 1);
        assert(block);
        if (kept.len) memcpy(block, kept.at, kept.len);
        got = take_all((struct str){ block, kept.len }, out, &n);
        *taken += n;
        free(block);
    }
    return got;
}

/* Every payload is a request to somebody. */
static void read_requests(struct str bytes)
{
    struct arena arena;
    struct str payload;
    if (arena_open(&arena, 1 << 24)) return;
    while (frame_take(bytes, LIMIT, &payload) == FRAME_WHOLE) {
        struct request r;
        struct fault f;
        uint32_t variant;
        uint64_t id;
        enum err e = codec_read_request(payload, BATCH_MOST, &arena, &r, &f);
        bool head = codec_peek(payload, &variant, &id);
        assert(head ? r.id == id && r.op == variant : e == ERR_PARSE);
        bytes = str_from(bytes, FRAME_HEAD + payload.len);
        arena_reset(&arena, 1 << 16);
    }
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = buf_make(64 << 20), pieces = once;
    size_t taken, taken_in_pieces;
    if (size < 3) return 0;
    struct str bytes = { (const char *)data + 2, size - 2 };
    enum frame end = take_all(bytes, &once, &taken);
    enum frame same =
        take_in_pieces(bytes, data[0] | (uint32_t)data[1] << 8, &pieces, &taken_in_pieces);
    assert(end == same && taken == taken_in_pieces);
    assert(str_eq(buf_view(&once), str_head(bytes, taken)));
    assert(str_eq(buf_view(&pieces), buf_view(&once)));
    read_requests(bytes);
    buf_free(&once);
    buf_free(&pieces);
    return 0;
}
