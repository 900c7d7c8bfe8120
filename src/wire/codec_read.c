/* Payloads to messages. Nothing is believed: a length or a count is held against the bytes that
 * remain before it is used. How deep it goes is bounded by the tables: a message holds only those
 * above it, and what holds requests or responses is refused within itself. */
#include "wire/codec.h"

#include <endian.h>

struct reader {
    const char *start, *at, *end;
    struct arena *arena;
    const char *what; /* what is wrong, until the place is known too */
    struct fault *fault;
    size_t most;          /* requests in a batch */
    bool batch, envelope; /* whether what is read stands in one */
};

static enum err read_fields(struct reader *r, const struct shape *shape, void *message);
static enum err read_request(struct reader *r, struct request *to);
static enum err read_response(struct reader *r, struct response *to);

/* --- how few bytes a value can take ------------------------------------------------------ */

enum {
    LEAST_u8 = 1,
    LEAST_u32 = 4,
    LEAST_u64 = 8,
    LEAST_i32 = 4,
    LEAST_i64 = 8,
    LEAST_f64 = 8,
    LEAST_bool = 1,
    LEAST_str = 8,
    LEAST_bytes = 8,
    LEAST_request = CODEC_HEAD,
    LEAST_response = CODEC_HEAD + 4,
#define MESSAGE(message, help)        LEAST_##message = 0
#define FIELD(message, type, n, v, h) +LEAST_##type
#define OPT(message, type, n, v, h)   +1
#define LIST(message, type, n, v, h)  +8
#define END(message)                  ,
#include "wire/schema.def"
#undef MESSAGE
#undef FIELD
#undef OPT
#undef LIST
#undef END
};

static const uint8_t least_of_type[] = {
    [TYPE_u8] = LEAST_u8,           [TYPE_u32] = LEAST_u32,           [TYPE_u64] = LEAST_u64,
    [TYPE_i32] = LEAST_i32,         [TYPE_i64] = LEAST_i64,           [TYPE_f64] = LEAST_f64,
    [TYPE_bool] = LEAST_bool,       [TYPE_str] = LEAST_str,           [TYPE_bytes] = LEAST_bytes,
    [TYPE_request] = LEAST_request, [TYPE_response] = LEAST_response,
};

static const uint16_t least_of_message[MESSAGE_COUNT] = {
#define MESSAGE(message, help) [MESSAGE_##message] = LEAST_##message,
#define FIELD(message, type, n, v, h)
#define OPT(message, type, n, v, h)
#define LIST(message, type, n, v, h)
#define END(message)
#include "wire/schema.def"
#undef MESSAGE
#undef FIELD
#undef OPT
#undef LIST
#undef END
};

/* Never 0, so that a count is bounded by the bytes even for a message without fields. */
static size_t least_bytes(const struct field *f)
{
    size_t least = f->type == TYPE_message ? least_of_message[f->of] : least_of_type[f->type];
    return least ? least : 1;
}

/* --- scalars ----------------------------------------------------------------------------- */

static enum err wrong(struct reader *r, enum err e, const char *what)
{
    r->what = what;
    return e;
}

static enum err cut_off(struct reader *r)
{
    return wrong(r, ERR_PARSE, "the message ends too early");
}

static size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

static enum err read_u32(struct reader *r, void *to)
{
    uint32_t v;
    if (left(r) < sizeof v) return cut_off(r);
    memcpy(&v, r->at, sizeof v);
    v = le32toh(v);
    memcpy(to, &v, sizeof v);
    r->at += sizeof v;
    return OK;
}

static enum err read_u64(struct reader *r, void *to)
{
    uint64_t v;
    if (left(r) < sizeof v) return cut_off(r);
    memcpy(&v, r->at, sizeof v);
    v = le64toh(v);
    memcpy(to, &v, sizeof v);
    r->at += sizeof v;
    return OK;
}

static enum err read_u8(struct reader *r, uint8_t *to)
{
    if (r->at == r->end) return cut_off(r);
    *to = (uint8_t)*r->at++;
    return OK;
}

static enum err read_bool(struct reader *r, bool *to)
{
    if (r->at == r->end) return cut_off(r);
    if ((uint8_t)*r->at > 1) return wrong(r, ERR_PARSE, "has to be 0 or 1");
    *to = *r->at++ != 0;
    return OK;
}

static enum err read_bytes(struct reader *r, struct str *to)
{
    uint64_t len;
    enum err e = read_u64(r, &len);
    if (e) return e;
    if (len > left(r)) return wrong(r, ERR_PARSE, "is longer than the message");
    *to = (struct str){ r->at, (size_t)len };
    r->at += len;
    return OK;
}

/* Whether s has no byte above 127. The eight bytes in front of it have to be readable: of a text
 * shorter than that they are loaded with it. */
static bool is_ascii(struct str s)
{
    const char *end = s.at + s.len;
    uint64_t v, all = 0;
    for (const char *at = s.at; end - at > 8; at += 8) {
        memcpy(&v, at, sizeof v);
        all |= v;
    }
    memcpy(&v, end - 8, sizeof v);
    v = le64toh(v);
    if (s.len < 8) v = v >> 1 >> (63 - 8 * s.len);
    return !((all | v) & UINT64_C(0x8080808080808080));
}

static inline enum err read_str(struct reader *r, struct str *to)
{
    struct str s;
    enum err e = read_bytes(r, &s);
    if (e) return e;
    if (!is_ascii(s) && !utf8_valid(s)) return wrong(r, ERR_PARSE, "is not UTF-8");
    *to = s;
    return OK;
}

/* --- fields ------------------------------------------------------------------------------ */

static inline enum err read_value(struct reader *r, const struct field *f, void *to)
{
    switch (f->type) {
    case TYPE_u8: return read_u8(r, to);
    case TYPE_u32:
    case TYPE_i32: return read_u32(r, to);
    case TYPE_u64:
    case TYPE_i64:
    case TYPE_f64: return read_u64(r, to);
    case TYPE_bool: return read_bool(r, to);
    case TYPE_str: return read_str(r, to);
    case TYPE_bytes: return read_bytes(r, to);
    case TYPE_request: return read_request(r, to);
    case TYPE_response: return read_response(r, to);
    case TYPE_message: return read_fields(r, shape_of(f->of), to);
    }
    return ERR_INTERNAL;
}

static enum err read_list(struct reader *r, const struct field *f, struct any_list *to)
{
    uint64_t count;
    size_t size = f->size;
    enum err e = read_u64(r, &count);
    if (e) return e;
    if (count > left(r) / least_bytes(f))
        return wrong(r, ERR_PARSE, "has more items than the message has bytes for");
    if (f->type == TYPE_request && count > r->most)
        return wrong(r, ERR_INVALID_PARAMS, "has more items than are allowed");
    char *at = arena_array(r->arena, (size_t)count, size);
    if (!at) return wrong(r, ERR_RESOURCE_LIMIT, "is too large to be read");
    *to = (struct any_list){ at, (size_t)count };
    for (char *end = at + count * size; at < end; at += size)
        if ((e = read_value(r, f, at))) return e;
    return OK;
}

static enum err read_field(struct reader *r, const struct field *f, void *message)
{
    char *at = (char *)message + f->offset;
    if (f->many == MANY_list) return read_list(r, f, (void *)at);
    if (f->many == MANY_opt) {
        enum err e = read_bool(r, (void *)at);
        if (e || !*(bool *)at) return e;
    }
    return read_value(r, f, (char *)message + f->value_offset);
}

/* Says once, for the innermost field, where it went wrong. */
static enum err place(struct reader *r, const char *outer, const char *inner, enum err e)
{
    if (r->what)
        fault_print(r->fault, "%s%s%s, byte %zu: %s", outer, *inner ? "." : "", inner,
                    (size_t)(r->at - r->start), r->what);
    r->what = NULL;
    return e;
}

/* Most fields are one text each, and it pays not to ask further there. */
static enum err read_fields(struct reader *r, const struct shape *shape, void *message)
{
    const struct field *end = shape->fields + shape->count;
    for (const struct field *f = shape->fields; f < end; f++) {
        char *at = (char *)message + f->offset;
        bool text = f->many == MANY_one && f->type == TYPE_str;
        enum err e = text ? read_str(r, (void *)at) : read_field(r, f, message);
        if (e) return place(r, shape->name, f->name, e);
    }
    return OK;
}

/* --- requests and responses -------------------------------------------------------------- */

static enum err read_body(struct reader *r, enum message m, const void **body)
{
    const struct shape *shape = shape_of(m);
    void *to = arena_alloc(r->arena, shape->size);
    if (!to) return wrong(r, ERR_RESOURCE_LIMIT, "is too large to be read");
    *body = to;
    return read_fields(r, shape, to);
}

static enum err read_head(struct reader *r, uint32_t *variant, uint64_t *id)
{
    struct str payload = { r->at, left(r) };
    if (!codec_peek(payload, variant, id)) return cut_off(r);
    r->at += CODEC_HEAD;
    return OK;
}

/* What stands in a batch or an envelope is marked while that is read. */
static enum err read_holder(struct reader *r, enum op op, const void **body)
{
    bool *mark = op == OP_batch ? &r->batch : &r->envelope;
    if (*mark)
        return wrong(r, ERR_INVALID_PARAMS,
                     op == OP_batch ? "a batch cannot hold a batch"
                                    : "an envelope cannot hold an envelope");
    *mark = true;
    enum err e = read_body(r, op_row(op)->request, body);
    *mark = false;
    return e;
}

/* A request whose number is not known has no end that could be found. */
static enum err read_request(struct reader *r, struct request *to)
{
    enum op op;
    enum err e = read_head(r, &to->op, &to->id);
    if (e) return e;
    if (!op_of_number(to->op, &op)) return wrong(r, ERR_PARSE, "there is no such operation");
    if (op == OP_batch || op == OP_with) return read_holder(r, op, &to->body);
    return read_body(r, op_row(op)->request, &to->body);
}

static enum err read_result(struct reader *r, struct response *to)
{
    enum op op;
    enum err e = read_u32(r, &to->op);
    if (e) return e;
    if (!op_of_number(to->op, &op)) return wrong(r, ERR_PARSE, "there is no such result");
    if (op != OP_batch) return read_body(r, op_row(op)->result, &to->body);
    if (r->batch) return wrong(r, ERR_INVALID_PARAMS, "a batch cannot hold a batch");
    r->batch = true;
    e = read_body(r, op_row(op)->result, &to->body);
    r->batch = false;
    return e;
}

static enum err read_details(struct reader *r, struct response *to)
{
    uint64_t count;
    enum err e = read_u64(r, &count);
    if (e) return e;
    if (count > left(r) / (2 * LEAST_str))
        return wrong(r, ERR_PARSE, "has more details than the message has bytes for");
    struct detail *at = arena_array(r->arena, (size_t)count, sizeof *at);
    if (!at) return wrong(r, ERR_RESOURCE_LIMIT, "is too large to be read");
    to->details.at = at;
    to->details.len = (size_t)count;
    for (struct detail *end = at + count; at < end && !e; at++) {
        e = read_str(r, &at->name);
        if (!e) e = read_str(r, &at->value);
    }
    return e;
}

static enum err read_error(struct reader *r, struct response *to)
{
    enum err e = read_u32(r, &to->code);
    if (!e && to->code == 0) return wrong(r, ERR_PARSE, "an error has a code other than 0");
    return e ? e : read_str(r, &to->message);
}

static enum err read_response(struct reader *r, struct response *to)
{
    uint32_t kind;
    enum err e = read_head(r, &kind, &to->id);
    if (e) return e;
    to->kind = (enum response_kind)kind;
    switch (to->kind) {
    case RESPONSE_SUCCESS: return read_result(r, to);
    case RESPONSE_ERROR: return read_error(r, to);
    case RESPONSE_EVENT: e = read_u64(r, &to->sequence); return e ? e : read_result(r, to);
    case RESPONSE_FAILURE: e = read_error(r, to); return e ? e : read_details(r, to);
    }
    to->kind = RESPONSE_SUCCESS;
    return wrong(r, ERR_PARSE, "there is no such kind of response");
}

/* --- whole payloads ---------------------------------------------------------------------- */

static struct reader reader_of(struct str bytes, struct arena *a, struct fault *f)
{
    const char *end = str_from(bytes, bytes.len).at;
    return (struct reader){ .start = bytes.at, .at = bytes.at, .end = end, .arena = a, .fault = f };
}

static enum err finish(struct reader *r, const char *whole, enum err e)
{
    if (!e && r->at != r->end) e = wrong(r, ERR_PARSE, "the message ends before its bytes do");
    return e ? place(r, whole, "", e) : OK;
}

enum err codec_read_request(struct str payload, size_t most, struct arena *a, struct request *to,
                            struct fault *f)
{
    struct reader r = reader_of(payload, a, f);
    enum op op;
    r.most = most;
    *to = (struct request){ 0 };
    if (codec_peek(payload, &to->op, &to->id) && !op_of_number(to->op, &op))
        return fail(f, ERR_METHOD_NOT_FOUND, "there is no operation with the number %u",
                    (unsigned)to->op);
    return finish(&r, "request", read_request(&r, to));
}

enum err codec_read_response(struct str payload, struct arena *a, struct response *to,
                             struct fault *f)
{
    struct reader r = reader_of(payload, a, f);
    r.most = SIZE_MAX;
    *to = (struct response){ 0 };
    return finish(&r, "response", read_response(&r, to));
}

enum err codec_read_message(struct str bytes, enum message m, struct arena *a, void *message,
                            struct fault *f)
{
    struct reader r = reader_of(bytes, a, f);
    r.most = SIZE_MAX;
    memset(message, 0, shape_of(m)->size);
    return finish(&r, shape_of(m)->name, read_fields(&r, shape_of(m), message));
}
