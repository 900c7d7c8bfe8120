/* Messages to JSON. There is nothing to refuse: every message has a JSON form. */
#include "wire/json.h"

#include "base/base64.h"
#include "base/glyph.h"
#include "base/number.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct writer {
    struct buf *out;
    bool indented, first; /* first: nothing stands in the innermost object or array yet */
    size_t depth;
};

static void write_message(struct writer *w, enum message m, const void *message);
static void write_request(struct writer *w, const struct request *r);
static void write_response(struct writer *w, const struct response *r);

static void escape(struct buf *out, uint32_t point)
{
    static const char hex[] = "0123456789abcdef";
    static const char plain[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *p = plain; *p; p += 2) {
        if ((uint32_t)*p != point) continue;
        buf_byte(out, '\\');
        buf_byte(out, p[1]);
        return;
    }
    buf_str(out, S("\\u"));
    for (unsigned shift = 16; shift; shift -= 4) buf_byte(out, hex[point >> (shift - 4) & 15]);
}

void json_write_string(struct buf *out, struct str s)
{
    buf_byte(out, '"');
    size_t clean = 0; /* bytes at the front of s that stand for themselves */
    while (clean < s.len) {
        unsigned char c = (unsigned char)s.at[clean];
        uint32_t point = c;
        size_t n = 1;
        if (c >= 0x80) n = utf8_next(str_from(s, clean), &point);
        bool bad = n == 1 && c >= 0x80;
        if (!bad && c != '"' && c != '\\' && !glyph_hostile(point)) {
            clean += n;
            continue;
        }
        buf_put(out, s.at, clean);
        if (bad) buf_str(out, S("\xEF\xBF\xBD"));
        else escape(out, point);
        s = str_from(s, clean + n);
        clean = 0;
    }
    buf_put(out, s.at, clean);
    buf_byte(out, '"');
}

static void break_line(struct writer *w)
{
    if (!w->indented) return;
    buf_byte(w->out, '\n');
    buf_repeat(w->out, ' ', 2 * w->depth);
}

static void open_with(struct writer *w, char c)
{
    buf_byte(w->out, c);
    w->depth++;
    w->first = true;
}

static void close_with(struct writer *w, char c)
{
    w->depth--;
    if (!w->first) break_line(w);
    buf_byte(w->out, c);
    w->first = false;
}

static void next_item(struct writer *w)
{
    if (!w->first) buf_byte(w->out, ',');
    break_line(w);
    w->first = false;
}

static void next_member(struct writer *w, const char *name)
{
    next_item(w);
    buf_byte(w->out, '"');
    buf_str(w->out, str_of(name));
    buf_str(w->out, w->indented ? S("\": ") : S("\":"));
}

/* JSON knows neither infinity nor "not a number": both become null. */
static void write_f64(struct buf *out, double v)
{
    char text[32];
    if (!(v - v == 0)) {
        buf_str(out, S("null"));
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (!(strtod(text, NULL) < v) && !(strtod(text, NULL) > v)) break;
    }
    buf_str(out, str_of(text));
}

static void write_value(struct writer *w, const struct field *f, const void *value)
{
    struct buf *out = w->out;
    switch (f->type) {
    case TYPE_u8: number_put(out, *(const uint8_t *)value); break;
    case TYPE_u32: number_put(out, *(const uint32_t *)value); break;
    case TYPE_u64: number_put(out, *(const uint64_t *)value); break;
    case TYPE_i32: number_put_signed(out, *(const int32_t *)value); break;
    case TYPE_i64: number_put_signed(out, *(const int64_t *)value); break;
    case TYPE_f64: write_f64(out, *(const double *)value); break;
    case TYPE_bool: buf_str(out, *(const bool *)value ? S("true") : S("false")); break;
    case TYPE_str: json_write_string(out, *(const struct str *)value); break;
    case TYPE_bytes:
        buf_byte(out, '"');
        base64_put(out, *(const struct str *)value);
        buf_byte(out, '"');
        break;
    case TYPE_request: write_request(w, value); break;
    case TYPE_response: write_response(w, value); break;
    case TYPE_message: write_message(w, f->of, value); break;
    }
}

static void write_list(struct writer *w, const struct field *f, const struct any_list *list)
{
    size_t size = f->size;
    open_with(w, '[');
    for (size_t i = 0; i < list->len; i++) {
        next_item(w);
        write_value(w, f, (const char *)list->at + i * size);
    }
    close_with(w, ']');
}

static void write_fields(struct writer *w, enum message m, const void *message)
{
    const struct shape *shape = shape_of(m);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        const char *at = (const char *)message + f->offset;
        next_member(w, f->name);
        if (f->many == MANY_list) write_list(w, f, (const void *)at);
        else if (f->many == MANY_opt && !*(const bool *)at) buf_str(w->out, S("null"));
        else write_value(w, f, (const char *)message + f->value_offset);
    }
}

static void write_message(struct writer *w, enum message m, const void *message)
{
    open_with(w, '{');
    write_fields(w, m, message);
    close_with(w, '}');
}

static const struct op_row *row_of(uint32_t number)
{
    enum op op = OP_COUNT;
    bool known = op_of_number(number, &op);
    assert(known);
    return op_row(op);
}

static void write_request(struct writer *w, const struct request *r)
{
    const struct op_row *row = row_of(r->op);
    open_with(w, '{');
    next_member(w, "operation");
    json_write_string(w->out, str_of(row->name));
    next_member(w, "id");
    number_put(w->out, r->id);
    write_fields(w, row->request, r->body);
    close_with(w, '}');
}

static void write_details(struct writer *w, const struct response *r)
{
    next_member(w, "details");
    open_with(w, '{');
    for (size_t i = 0; i < r->details.len; i++) {
        next_item(w);
        json_write_string(w->out, r->details.at[i].name);
        buf_str(w->out, w->indented ? S(": ") : S(":"));
        json_write_string(w->out, r->details.at[i].value);
    }
    close_with(w, '}');
}

static void write_refusal(struct writer *w, const struct response *r)
{
    next_member(w, "error");
    open_with(w, '{');
    next_member(w, "code");
    number_put_signed(w->out, r->code);
    next_member(w, "name");
    json_write_string(w->out, str_of(err_row(err_of_code(r->code))->name));
    next_member(w, "message");
    json_write_string(w->out, r->message);
    if (r->kind == RESPONSE_FAILURE) write_details(w, r);
    close_with(w, '}');
}

static void write_result(struct writer *w, const struct response *r)
{
    const struct op_row *row = row_of(r->op);
    if (r->kind == RESPONSE_EVENT) {
        next_member(w, "sequence");
        number_put(w->out, r->sequence);
    }
    next_member(w, "operation");
    json_write_string(w->out, str_of(row->name));
    next_member(w, "result");
    write_message(w, row->result, r->body);
}

static void write_response(struct writer *w, const struct response *r)
{
    open_with(w, '{');
    next_member(w, "id");
    number_put(w->out, r->id);
    if (r->kind == RESPONSE_ERROR || r->kind == RESPONSE_FAILURE) write_refusal(w, r);
    else write_result(w, r);
    close_with(w, '}');
}

void json_write(struct buf *out, enum message m, const void *message, bool indented)
{
    write_message(&(struct writer){ .out = out, .indented = indented }, m, message);
}

void json_write_request(struct buf *out, const struct request *r, bool indented)
{
    write_request(&(struct writer){ .out = out, .indented = indented }, r);
}

void json_write_response(struct buf *out, const struct response *r, bool indented)
{
    write_response(&(struct writer){ .out = out, .indented = indented }, r);
}

void json_write_error(struct buf *out, enum err e, struct str message, bool indented)
{
    struct writer w = { .out = out, .indented = indented };
    struct response r = { .kind = RESPONSE_ERROR, .code = err_row(e)->code, .message = message };
    open_with(&w, '{');
    write_refusal(&w, &r);
    close_with(&w, '}');
}
