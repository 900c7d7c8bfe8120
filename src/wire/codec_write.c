/* Messages to payloads. There is nothing to refuse: every message has a form on the wire, and text
 * that is not UTF-8 is mended on its way out, so that what was written can be read. */
#include "wire/codec.h"

#include <assert.h>
#include <endian.h>

static void write_fields(struct buf *out, const struct shape *shape, const void *message);

/* --- scalars ----------------------------------------------------------------------------- */

static inline void write_u32(struct buf *out, uint32_t v)
{
    v = htole32(v);
    buf_put(out, &v, sizeof v);
}

static inline void write_u64(struct buf *out, uint64_t v)
{
    v = htole64(v);
    buf_put(out, &v, sizeof v);
}

static void write_f64(struct buf *out, double number)
{
    uint64_t v;
    memcpy(&v, &number, sizeof v);
    write_u64(out, v);
}

static void write_bytes(struct buf *out, struct str s)
{
    write_u64(out, s.len);
    buf_str(out, s);
}

/* Copies s and tells whether it has no byte above 127. Messages are made of short texts, and the C
 * library's memcpy is made for long blocks. */
static inline bool copy_ascii(char *to, struct str s)
{
    size_t n = s.len, i = 0;
    uint64_t v, all = 0;
    if (n < sizeof v) {
        uint32_t half;
        for (; i + sizeof half <= n; i += sizeof half) {
            memcpy(&half, s.at + i, sizeof half);
            memcpy(to + i, &half, sizeof half);
            all |= half;
        }
        for (; i < n; i++) {
            to[i] = s.at[i];
            all |= (uint8_t)s.at[i];
        }
        return !(all & 0x80808080);
    }
    for (; n - i > sizeof v; i += sizeof v) {
        memcpy(&v, s.at + i, sizeof v);
        memcpy(to + i, &v, sizeof v);
        all |= v;
    }
    memcpy(&v, s.at + n - sizeof v, sizeof v);
    memcpy(to + n - sizeof v, &v, sizeof v);
    return !((all | v) & UINT64_C(0x8080808080808080));
}

/* As write_str, with U+FFFD in the place of each byte that is not part of UTF-8. */
static void write_mended(struct buf *out, struct str s)
{
    size_t head = out->len;
    write_u64(out, 0);
    while (s.len) {
        uint32_t point;
        size_t n = utf8_next(s, &point);
        bool bad = n == 1 && (uint8_t)s.at[0] >= 0x80;
        buf_str(out, bad ? S("\xEF\xBF\xBD") : str_head(s, n));
        s = str_from(s, n);
    }
    if (out->full) return;
    uint64_t len = htole64(out->len - head - sizeof len);
    memcpy(out->at + head, &len, sizeof len);
}

/* Inline wherever it is used: that alone makes an answer of many texts a third quicker. */
static inline __attribute__((always_inline)) void write_str(struct buf *out, struct str s)
{
    uint64_t len = htole64(s.len);
    size_t n = sizeof len + s.len;
    bool fits = n <= out->room - out->len && n <= out->limit - out->len && !out->full;
    char *to = fits ? out->at + out->len : buf_more(out, n);
    if (!to) return;
    memcpy(to, &len, sizeof len);
    if (copy_ascii(to + sizeof len, s) || utf8_valid(s)) out->len += n;
    else write_mended(out, s);
}

/* --- fields ------------------------------------------------------------------------------ */

static inline void write_value(struct buf *out, const struct field *f, const void *value)
{
    switch (f->type) {
    case TYPE_u8: buf_put(out, value, 1); break;
    case TYPE_u32:
    case TYPE_i32: write_u32(out, *(const uint32_t *)value); break;
    case TYPE_u64:
    case TYPE_i64: write_u64(out, *(const uint64_t *)value); break;
    case TYPE_f64: write_f64(out, *(const double *)value); break;
    case TYPE_bool: buf_put(out, *(const bool *)value ? "\1" : "\0", 1); break;
    case TYPE_str: write_str(out, *(const struct str *)value); break;
    case TYPE_bytes: write_bytes(out, *(const struct str *)value); break;
    case TYPE_request: codec_write_request(out, value); break;
    case TYPE_response: codec_write_response(out, value); break;
    case TYPE_message: write_fields(out, shape_of(f->of), value); break;
    }
}

static void write_list(struct buf *out, const struct field *f, const struct any_list *list)
{
    size_t size = f->size;
    const char *at = list->at;
    write_u64(out, list->len);
    for (size_t i = 0; i < list->len && !out->full; i++, at += size) write_value(out, f, at);
}

static void write_field(struct buf *out, const struct field *f, const void *message)
{
    const char *at = (const char *)message + f->offset;
    if (f->many == MANY_list) {
        write_list(out, f, (const void *)at);
        return;
    }
    bool there = f->many == MANY_one || *(const bool *)at;
    if (f->many == MANY_opt) buf_put(out, there ? "\1" : "\0", 1);
    if (there) write_value(out, f, (const char *)message + f->value_offset);
}

/* Most fields are one text each, and it pays not to ask further there. */
static void write_fields(struct buf *out, const struct shape *shape, const void *message)
{
    const struct field *end = shape->fields + shape->count;
    for (const struct field *f = shape->fields; f < end; f++) {
        const char *at = (const char *)message + f->offset;
        if (f->many == MANY_one && f->type == TYPE_str)
            write_str(out, *(const struct str *)(const void *)at);
        else write_field(out, f, message);
    }
}

/* --- requests and responses -------------------------------------------------------------- */

static const struct op_row *row_of(uint32_t number)
{
    enum op op = OP_COUNT;
    bool known = op_of_number(number, &op);
    assert(known);
    return op_row(op);
}

static void write_result(struct buf *out, const struct response *r)
{
    write_u32(out, r->op);
    write_fields(out, shape_of(row_of(r->op)->result), r->body);
}

static void write_error(struct buf *out, const struct response *r)
{
    write_u32(out, (uint32_t)r->code);
    write_str(out, r->message);
}

static void write_details(struct buf *out, const struct response *r)
{
    write_u64(out, r->details.len);
    for (size_t i = 0; i < r->details.len; i++) {
        write_str(out, r->details.at[i].name);
        write_str(out, r->details.at[i].value);
    }
}

/* --- whole payloads ---------------------------------------------------------------------- */

void codec_write_request(struct buf *out, const struct request *r)
{
    write_u32(out, r->op);
    write_u64(out, r->id);
    write_fields(out, shape_of(row_of(r->op)->request), r->body);
}

void codec_write_response(struct buf *out, const struct response *r)
{
    write_u32(out, r->kind);
    write_u64(out, r->id);
    switch (r->kind) {
    case RESPONSE_SUCCESS: write_result(out, r); break;
    case RESPONSE_ERROR: write_error(out, r); break;
    case RESPONSE_EVENT:
        write_u64(out, r->sequence);
        write_result(out, r);
        break;
    case RESPONSE_FAILURE:
        write_error(out, r);
        write_details(out, r);
        break;
    }
}

void codec_write_message(struct buf *out, enum message m, const void *message)
{
    write_fields(out, shape_of(m), message);
}
