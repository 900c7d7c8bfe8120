/* Messages as bytes and back, by their shapes: the fixed layout of bincode 1.3 with its standard
 * settings (little-endian, fixed width, u64 lengths, u32 variants), which seed clients speak.
 *
 * Reading checks every length against the bytes that remain before anything is allocated; text has
 * to be UTF-8, a bool 0 or 1, the code of an error other than 0, and no byte may be left over.
 * Strings in what was read are views into the payload; lists and bodies live in the arena. */
#ifndef OMG_WIRE_CODEC_H
#define OMG_WIRE_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "wire/schema.h"

/* Every request and every response begins with a u32 variant and a u64 id. */
enum { CODEC_HEAD = 12 };

/* The variant (number of the operation, or kind of the response) and the id at the front; false
 * where there are fewer than CODEC_HEAD bytes, both are then 0. */
static inline bool codec_peek(struct str payload, uint32_t *variant, uint64_t *id)
{
    *variant = 0;
    *id = 0;
    if (payload.len < CODEC_HEAD) return false;
    const uint8_t *b = (const uint8_t *)payload.at;
    for (int i = 3; i >= 0; i--) *variant = *variant << 8 | b[i];
    for (int i = 11; i >= 4; i--) *id = *id << 8 | b[i];
    return true;
}

/* Puts another id into a payload. */
static inline void codec_patch_id(char *payload, uint64_t id)
{
    for (int i = 0; i < 8; i++) payload[4 + i] = (char)(id >> (8 * i));
}

/* ERR_METHOD_NOT_FOUND for an unknown request, ERR_PARSE with a sentence that names the place (an
 * unknown kind of response or of result is one, too), ERR_RESOURCE_LIMIT when the arena is full.
 * r->id and r->op are set as far as they are there, also on errors. What stands inside a batch or
 * an envelope is read with it: an unknown variant there is ERR_PARSE, as its end is not known; a
 * batch within a batch, or an envelope within an envelope, is refused with ERR_INVALID_PARAMS; most
 * is how many requests a batch may hold (more: ERR_INVALID_PARAMS). */
enum err codec_read_request(struct str payload, size_t most, struct arena *a, struct request *r,
                            struct fault *f);
enum err codec_read_response(struct str payload, struct arena *a, struct response *r,
                             struct fault *f);

/* Appends the payload. Whether it fitted is the buffer's to say (buf.full). Text that is not UTF-8
 * is written with U+FFFD in the place of each byte that is wrong, so that it can be read. */
void codec_write_request(struct buf *out, const struct request *r);
void codec_write_response(struct buf *out, const struct response *r);

/* One message alone, without variant and id. */
enum err codec_read_message(struct str bytes, enum message m, struct arena *a, void *message,
                            struct fault *f);
void codec_write_message(struct buf *out, enum message m, const void *message);

/* Hash of ops.def and schema.def as they stand (names, types, numbers, order; not the help): what
 * Hello gives, so that two builds see at once whether they speak the same tables. */
uint64_t codec_schema_hash(void);

#endif
