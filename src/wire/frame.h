/* Frames: a big-endian u32 of the payload's length, then the payload. Length 0 and lengths above
 * the limit are refused before anything is stored. */
#ifndef OMG_WIRE_FRAME_H
#define OMG_WIRE_FRAME_H

#include "base/buf.h"

enum { FRAME_HEAD = 4 };

enum frame { FRAME_WHOLE, FRAME_PART, FRAME_REFUSED };

/* Looks at the front of bytes. FRAME_WHOLE: payload is a view into them, the frame took
 * FRAME_HEAD + payload->len bytes. FRAME_PART: there is more to come; payload->len is what is known
 * of its length, 0 when not even the head is whole. FRAME_REFUSED: length 0 or above limit. */
static inline enum frame frame_take(struct str bytes, size_t limit, struct str *payload)
{
    *payload = STR_NONE;
    if (bytes.len < FRAME_HEAD) return FRAME_PART;
    const uint8_t *b = (const uint8_t *)bytes.at;
    uint32_t len = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    if (!len || len > limit) return FRAME_REFUSED;
    *payload = (struct str){ bytes.at + FRAME_HEAD, len };
    return bytes.len - FRAME_HEAD < len ? FRAME_PART : FRAME_WHOLE;
}

/* Leaves room for the head and gives the place where the frame begins; frame_end fills it in. What
 * was written in between is the payload. */
static inline size_t frame_begin(struct buf *out)
{
    size_t at = out->len;
    buf_put(out, "\0\0\0", FRAME_HEAD);
    return at;
}
static inline void frame_end(struct buf *out, size_t at)
{
    if (out->full) return;
    size_t len = out->len - at - FRAME_HEAD;
    char head[FRAME_HEAD] = { (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len };
    memcpy(out->at + at, head, FRAME_HEAD);
}

#endif
