/* JSON to messages, strictly: what the schema does not know is refused, with the path to it.
 * yyjson reads the text (without recursion); the walk below goes at most JSON_MOST_DEPTH deep, and
 * every list is as long as the text made it. */
#include "wire/json.h"

#include "base/base64.h"
#include "base/number.h"
#include "wire/json_text.h"

struct reader {
    struct arena *arena;
    struct fault *fault;
    size_t depth;
    size_t path_len;
    char path[256]; /* cut where it is longer */
};

static enum err read_message(struct reader *r, enum message m, yyjson_val *v, void *to);
static enum err read_request(struct reader *r, yyjson_val *v, struct request *to);
static enum err read_response(struct reader *r, yyjson_val *v, struct response *to);

/* --- the path ---------------------------------------------------------------------------- */

/* Appends a part; gives the length to go back to. */
static size_t path_push(struct reader *r, struct str part)
{
    size_t kept = r->path_len, room = sizeof r->path - 1 - kept;
    part = str_head(part, room);
    if (part.len) memcpy(r->path + kept, part.at, part.len);
    r->path_len += part.len;
    r->path[r->path_len] = 0;
    return kept;
}

static size_t path_member(struct reader *r, struct str name)
{
    size_t kept = path_push(r, S("."));
    path_push(r, name);
    return kept;
}

static size_t path_item(struct reader *r, size_t number)
{
    char room[24];
    struct buf b = { .at = room, .room = sizeof room, .limit = sizeof room };
    buf_byte(&b, '[');
    number_put(&b, number);
    buf_byte(&b, ']');
    return path_push(r, buf_view(&b));
}

static void path_pop(struct reader *r, size_t kept)
{
    r->path_len = kept;
    r->path[kept] = 0;
}

static enum err wrong(struct reader *r, const char *what)
{
    return fail(r->fault, ERR_INVALID_PARAMS, "%s: %s", r->path, what);
}

static enum err wrong_member(struct reader *r, struct str name, const char *what)
{
    size_t kept = path_member(r, name);
    enum err e = wrong(r, what);
    path_pop(r, kept);
    return e;
}

static enum err no_room(struct reader *r)
{
    return fail(r->fault, ERR_RESOURCE_LIMIT, "%s: too large to be read", r->path);
}

/* --- one value --------------------------------------------------------------------------- */

/* What an integer type holds. */
static const struct whole {
    int64_t least;
    uint64_t most;
    const char *wanted;
} wholes[] = {
    [TYPE_u8] = { 0, UINT8_MAX, "has to be a whole number from 0 to 255" },
    [TYPE_u32] = { 0, UINT32_MAX, "has to be a whole number from 0 to 4294967295" },
    [TYPE_u64] = { 0, UINT64_MAX, "has to be a whole number from 0 to 18446744073709551615" },
    [TYPE_i32] = { INT32_MIN, INT32_MAX,
                   "has to be a whole number from -2147483648 to 2147483647" },
    [TYPE_i64] = { INT64_MIN, INT64_MAX,
                   "has to be a whole number from -9223372036854775808 to 9223372036854775807" },
};

/* The value in two's complement. */
static enum err read_whole(struct reader *r, enum type type, yyjson_val *v, uint64_t *n)
{
    const struct whole *w = &wholes[type];
    *n = yyjson_get_uint(v);
    bool fits = yyjson_is_uint(v) ? *n <= w->most : yyjson_is_sint(v) && (int64_t)*n >= w->least;
    return fits ? OK : wrong(r, w->wanted);
}

static enum err read_str(struct reader *r, yyjson_val *v, struct str *s)
{
    if (!yyjson_is_str(v)) return wrong(r, "has to be a string");
    *s = (struct str){ yyjson_get_str(v), yyjson_get_len(v) };
    return OK;
}

static enum err read_bytes(struct reader *r, yyjson_val *v, struct str *s)
{
    struct str text;
    enum err e = read_str(r, v, &text);
    if (!e) e = base64_take(text, r->arena, s);
    if (e == ERR_PARSE) return wrong(r, "has to be base64");
    return e == ERR_RESOURCE_LIMIT ? no_room(r) : e;
}

static enum err read_value(struct reader *r, const struct field *f, yyjson_val *v, void *to)
{
    uint64_t n = 0;
    enum err e = OK;
    switch (f->type) {
    case TYPE_u8:
        e = read_whole(r, f->type, v, &n);
        *(uint8_t *)to = (uint8_t)n;
        return e;
    case TYPE_u32:
    case TYPE_i32:
        e = read_whole(r, f->type, v, &n);
        *(uint32_t *)to = (uint32_t)n;
        return e;
    case TYPE_u64:
    case TYPE_i64:
        e = read_whole(r, f->type, v, &n);
        *(uint64_t *)to = n;
        return e;
    case TYPE_f64:
        if (!yyjson_is_num(v)) return wrong(r, "has to be a number");
        *(double *)to = yyjson_get_num(v);
        return OK;
    case TYPE_bool:
        if (!yyjson_is_bool(v)) return wrong(r, "has to be true or false");
        *(bool *)to = yyjson_get_bool(v);
        return OK;
    case TYPE_str: return read_str(r, v, to);
    case TYPE_bytes: return read_bytes(r, v, to);
    case TYPE_request: return read_request(r, v, to);
    case TYPE_response: return read_response(r, v, to);
    case TYPE_message: return read_message(r, f->of, v, to);
    }
    return ERR_INTERNAL;
}

static enum err read_list(struct reader *r, const struct field *f, yyjson_val *v,
                          struct any_list *to)
{
    if (!yyjson_is_arr(v)) return wrong(r, "has to be an array");
    size_t size = f->size, count = yyjson_arr_size(v), i, most;
    char *at = arena_array(r->arena, count, size);
    if (!at) return no_room(r);
    if (++r->depth > JSON_MOST_DEPTH) return wrong(r, "is nested too deeply");
    yyjson_val *item;
    yyjson_arr_foreach(v, i, most, item)
    {
        size_t kept = path_item(r, i);
        enum err e = read_value(r, f, item, at + i * size);
        if (e) return e;
        path_pop(r, kept);
    }
    r->depth--;
    *to = (struct any_list){ at, count };
    return OK;
}

static enum err read_field(struct reader *r, const struct field *f, yyjson_val *v, void *message)
{
    char *at = (char *)message + f->offset;
    if (f->many == MANY_list) return read_list(r, f, v, (void *)at);
    if (f->many == MANY_opt) {
        *(bool *)at = !yyjson_is_null(v);
        if (yyjson_is_null(v)) return OK;
    }
    return read_value(r, f, v, (char *)message + f->value_offset);
}

/* --- objects ----------------------------------------------------------------------------- */

/* The members of an object that are not a message's fields: the envelope around one. */
enum { ENVELOPE_MOST = 5 };
struct envelope {
    const char *names[ENVELOPE_MOST];
    yyjson_val *values[ENVELOPE_MOST]; /* NULL where the object has none */
};

static bool take_member(struct envelope *e, struct str name, yyjson_val *v, bool *again)
{
    for (size_t i = 0; e && i < ENVELOPE_MOST && e->names[i]; i++) {
        if (!str_eq(str_of(e->names[i]), name)) continue;
        *again = e->values[i] != NULL;
        e->values[i] = v;
        return true;
    }
    return false;
}

static const struct field *find_field(const struct shape *shape, struct str name, size_t *index)
{
    for (size_t i = 0; shape && i < shape->count; i++) {
        if (!str_eq(str_of(shape->fields[i].name), name)) continue;
        *index = i;
        return &shape->fields[i];
    }
    return NULL;
}

static enum err missing_fields(struct reader *r, const struct shape *shape, uint64_t seen)
{
    for (size_t i = 0; shape && i < shape->count; i++)
        if (!(seen >> i & 1) && shape->fields[i].many != MANY_opt)
            return wrong_member(r, str_of(shape->fields[i].name), "is missing");
    return OK;
}

/* Reads v's members: those of the envelope are only noted, those of the shape (NULL: none) go to
 * message. Whatever else there is, is refused. */
static enum err read_object(struct reader *r, yyjson_val *v, struct envelope *envelope,
                            const struct shape *shape, void *message)
{
    if (!yyjson_is_obj(v)) return wrong(r, "has to be an object");
    if (++r->depth > JSON_MOST_DEPTH) return wrong(r, "is nested too deeply");
    uint64_t seen = 0;
    size_t i, most, index = 0;
    yyjson_val *key, *value;
    yyjson_obj_foreach(v, i, most, key, value)
    {
        struct str name = { yyjson_get_str(key), yyjson_get_len(key) };
        bool again = false;
        const struct field *f = NULL;
        if (!take_member(envelope, name, value, &again)) {
            f = find_field(shape, name, &index);
            if (!f) return wrong_member(r, str_head(name, 64), "is not known");
            again = seen >> index & 1;
            seen |= (uint64_t)1 << index;
        }
        if (again) return wrong_member(r, name, "is there twice");
        if (!f) continue;
        size_t kept = path_member(r, name);
        enum err e = read_field(r, f, value, message);
        if (e) return e;
        path_pop(r, kept);
    }
    r->depth--;
    return missing_fields(r, shape, seen);
}

static enum err read_message(struct reader *r, enum message m, yyjson_val *v, void *to)
{
    return read_object(r, v, NULL, shape_of(m), to);
}

static enum err read_op(struct reader *r, yyjson_val *v, enum op *op)
{
    struct str name = STR_NONE;
    if (!v) return wrong_member(r, S("operation"), "is missing");
    size_t kept = path_member(r, S("operation"));
    enum err e = read_str(r, v, &name);
    if (!e && !op_of_name(name, op))
        e = fail(r->fault, ERR_METHOD_NOT_FOUND, "%s: there is no operation '%.*s'", r->path,
                 STR_ARG(str_head(name, 64)));
    path_pop(r, kept);
    return e;
}

static enum err read_number(struct reader *r, const char *name, enum type type, yyjson_val *v,
                            uint64_t *n)
{
    if (!v) return wrong_member(r, str_of(name), "is missing");
    size_t kept = path_member(r, str_of(name));
    enum err e = read_whole(r, type, v, n);
    path_pop(r, kept);
    return e;
}

static enum err read_body(struct reader *r, enum message m, yyjson_val *v,
                          struct envelope *envelope, const void **body)
{
    const struct shape *shape = shape_of(m);
    void *to = arena_alloc(r->arena, shape->size);
    if (!to) return no_room(r);
    *body = to;
    return read_object(r, v, envelope, shape, to);
}

static enum err read_request(struct reader *r, yyjson_val *v, struct request *to)
{
    struct envelope known = { .names = { "operation", "id" } };
    enum op op = OP_COUNT;
    if (!yyjson_is_obj(v)) return wrong(r, "has to be an object");
    enum err e = read_op(r, yyjson_obj_get(v, "operation"), &op);
    if (!e) e = read_number(r, "id", TYPE_u64, yyjson_obj_get(v, "id"), &to->id);
    if (e) return e;
    to->op = op_row(op)->number;
    return read_body(r, op_row(op)->request, v, &known, &to->body);
}

/* Texts by name, as they come. */
static enum err read_details(struct reader *r, yyjson_val *v, struct response *to)
{
    size_t kept = path_member(r, S("details")), i, most;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(v)) return wrong(r, "has to be an object");
    struct detail *at = arena_array(r->arena, yyjson_obj_size(v), sizeof *at);
    if (!at) return no_room(r);
    yyjson_obj_foreach(v, i, most, key, value)
    {
        at[i].name = (struct str){ yyjson_get_str(key), yyjson_get_len(key) };
        size_t outer = path_member(r, str_head(at[i].name, 64));
        enum err e = read_str(r, value, &at[i].value);
        if (e) return e;
        path_pop(r, outer);
    }
    to->kind = RESPONSE_FAILURE;
    to->details.at = at;
    to->details.len = yyjson_obj_size(v);
    path_pop(r, kept);
    return OK;
}

static enum err read_error(struct reader *r, yyjson_val *v, struct response *to)
{
    enum { CODE, NAME, TEXT, DETAILS };
    struct envelope known = { .names = { "code", "name", "message", "details" } };
    uint64_t code = 0;
    size_t kept = path_member(r, S("error"));
    to->kind = RESPONSE_ERROR;
    enum err e = read_object(r, v, &known, NULL, NULL);
    if (!e) e = read_number(r, "code", TYPE_i32, known.values[CODE], &code);
    if (!e && known.values[NAME]) e = read_str(r, known.values[NAME], &to->message);
    if (!e && !known.values[TEXT]) e = wrong_member(r, S("message"), "is missing");
    if (!e) e = read_str(r, known.values[TEXT], &to->message);
    if (!e && code == 0) e = wrong(r, "has to have a code other than 0");
    if (!e && known.values[DETAILS]) e = read_details(r, known.values[DETAILS], to);
    to->code = (int32_t)(uint32_t)code;
    path_pop(r, kept);
    return e;
}

static enum err read_result(struct reader *r, yyjson_val *v, enum op op, struct response *to)
{
    size_t kept = path_member(r, S("result"));
    to->op = op_row(op)->number;
    r->depth++;
    enum err e = read_body(r, op_row(op)->result, v, NULL, &to->body);
    r->depth--;
    path_pop(r, kept);
    return e;
}

static enum err read_response(struct reader *r, yyjson_val *v, struct response *to)
{
    enum { ID, SEQUENCE, OPERATION, RESULT, ERROR };
    struct envelope known = { .names = { "id", "sequence", "operation", "result", "error" } };
    enum op op = OP_COUNT;
    enum err e = read_object(r, v, &known, NULL, NULL);
    if (!e) e = read_number(r, "id", TYPE_u64, known.values[ID], &to->id);
    if (e) return e;
    if (!known.values[RESULT] == !known.values[ERROR])
        return wrong(r, "has to have either a result or an error");
    if (known.values[ERROR] && (known.values[SEQUENCE] || known.values[OPERATION]))
        return wrong(r, "has to have neither a sequence nor an operation beside an error");
    if (known.values[ERROR]) return read_error(r, known.values[ERROR], to);
    if (known.values[SEQUENCE]) {
        to->kind = RESPONSE_EVENT;
        e = read_number(r, "sequence", TYPE_u64, known.values[SEQUENCE], &to->sequence);
    }
    if (!e) e = read_op(r, known.values[OPERATION], &op);
    return e ? e : read_result(r, known.values[RESULT], op, to);
}

/* --- whole texts ------------------------------------------------------------------------- */

enum err json_read(struct str text, enum message m, struct arena *a, void *message, struct fault *f)
{
    struct reader r = { .arena = a, .fault = f };
    yyjson_val *root;
    path_push(&r, str_of(shape_of(m)->name));
    enum err e = json_text_parse(text, a, &root, f);
    if (e) return e;
    memset(message, 0, shape_of(m)->size);
    return read_message(&r, m, root, message);
}

enum err json_read_request(struct str text, struct arena *a, struct request *to, struct fault *f)
{
    struct reader r = { .arena = a, .fault = f };
    yyjson_val *root;
    path_push(&r, S("request"));
    *to = (struct request){ 0 };
    enum err e = json_text_parse(text, a, &root, f);
    return e ? e : read_request(&r, root, to);
}

enum err json_read_response(struct str text, struct arena *a, struct response *to, struct fault *f)
{
    struct reader r = { .arena = a, .fault = f };
    yyjson_val *root;
    path_push(&r, S("response"));
    *to = (struct response){ 0 };
    enum err e = json_text_parse(text, a, &root, f);
    return e ? e : read_response(&r, root, to);
}
