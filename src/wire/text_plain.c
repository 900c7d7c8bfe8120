/* The printed form for programs: one record a line, fields parted by tabs, nothing rounded. */
#include "base/number.h"
#include "wire/pen.h"
#include "wire/text_part.h"

/* What stands in front of a line: the records around the one that is printed. */
struct prefix {
    const struct prefix *outer;
    const char *name; /* a word, or */
    enum message of;  /* the single values of a message */
    const void *message;
};

static void put_record(struct buf *out, enum message m, const void *message, bool *first);

static void put_tab(struct buf *out, bool *first)
{
    if (!*first) buf_byte(out, '\t');
    *first = false;
}

static void put_prefix(struct buf *out, const struct prefix *p, bool *first)
{
    if (!p) return;
    put_prefix(out, p->outer, first);
    if (!p->name) {
        put_record(out, p->of, p->message, first);
        return;
    }
    put_tab(out, first);
    buf_str(out, str_of(p->name));
}

static void put_line(struct buf *out, const struct prefix *p, struct str text)
{
    bool first = true;
    put_prefix(out, p, &first);
    put_tab(out, &first);
    pen_clean(out, text);
    buf_byte(out, '\n');
}

static const void *item_at(const struct field *f, const struct any_list *list, size_t i)
{
    return (const char *)list->at + i * f->size;
}

static bool is_group(const struct field *f)
{
    return f->type == TYPE_message || f->type == TYPE_request || f->type == TYPE_response;
}

/* The values of a message that fit in a line. */
static void put_record(struct buf *out, enum message m, const void *message, bool *first)
{
    const struct shape *shape = shape_of(m);
    char scratch[TEXT_SCRATCH];
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        const void *value = text_value(f, message);
        if (is_group(f)) continue;
        put_tab(out, first);
        if (f->many != MANY_list) {
            if (value) pen_clean(out, text_scalar(f, value, true, scratch));
            continue;
        }
        const struct any_list *list = value;
        for (size_t j = 0; j < list->len; j++) {
            if (j) buf_str(out, S(", "));
            pen_clean(out, text_scalar(f, item_at(f, list, j), true, scratch));
        }
    }
}

static void put_message(struct buf *out, const struct prefix *p, enum message m,
                        const void *message);

/* A record without inner records is a line; with them, each of them is. */
static void put_item(struct buf *out, const struct prefix *p, enum message m, const void *message)
{
    const struct shape *shape = shape_of(m);
    struct prefix here = { .outer = p, .of = m, .message = message };
    bool lines = false, first = true;
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        if (f->many != MANY_list || f->type != TYPE_message) continue;
        const struct any_list *list = text_value(f, message);
        for (size_t j = 0; j < list->len; j++) put_item(out, &here, f->of, item_at(f, list, j));
        lines = lines || list->len;
    }
    if (lines) return;
    put_prefix(out, &here, &first);
    buf_byte(out, '\n');
}

/* A request or response of a batch: its number and name in front of every line. */
static void put_call(struct buf *out, const struct prefix *p, const struct field *f,
                     const void *item)
{
    const struct request *q = item;
    const struct response *r = item;
    bool request = f->type == TYPE_request;
    const void *body = request ? q->body : r->body;
    char number[TEXT_SCRATCH] = { 0 };
    struct buf digits = { .at = number, .room = sizeof number - 1, .limit = sizeof number - 1 };
    enum op op;
    number_put(&digits, request ? q->id : r->id);
    struct prefix with_id = { .outer = p, .name = number };
    if (!body || !op_of_number(request ? q->op : r->op, &op)) {
        struct prefix error = { .outer = &with_id, .name = "error" };
        put_line(out, &error, request ? STR_NONE : r->message);
        return;
    }
    struct prefix with_name = { .outer = &with_id, .name = op_row(op)->name };
    put_message(out, &with_name, request ? op_row(op)->request : op_row(op)->result, body);
}

static void put_value(struct buf *out, const struct prefix *p, const struct field *f,
                      const void *value)
{
    char scratch[TEXT_SCRATCH];
    if (f->type == TYPE_message) put_item(out, p, f->of, value);
    else if (is_group(f)) put_call(out, p, f, value);
    else put_line(out, p, text_scalar(f, value, true, scratch));
}

static void put_list(struct buf *out, const struct prefix *p, const struct field *f,
                     const struct any_list *list)
{
    for (size_t i = 0; i < list->len; i++) put_value(out, p, f, item_at(f, list, i));
}

static void put_field(struct buf *out, const struct prefix *p, const struct field *f,
                      const void *value)
{
    struct prefix named = { .outer = p, .name = f->name };
    struct str line;
    if (f->many == MANY_list) {
        put_list(out, &named, f, value);
    } else if (f->type == TYPE_str && f->view == VIEW_PROSE) {
        struct str text = *(const struct str *)value;
        while (str_cut(&text, '\n', &line)) put_line(out, &named, line);
    } else {
        put_value(out, &named, f, value);
    }
}

static void put_message(struct buf *out, const struct prefix *p, enum message m,
                        const void *message)
{
    const struct shape *shape = shape_of(m);
    const struct closing *c = closing_of(m);
    if (text_is_list(m)) {
        const struct any_list *list = text_value(&shape->fields[0], message);
        put_list(out, p, &shape->fields[0], list);
        if (!c || list->len) return;
        static const struct field whole = { .type = TYPE_u64 };
        const uint64_t *total = (const void *)((const char *)message + c->total_offset);
        if (*total) put_value(out, p, &whole, total);
        return;
    }
    for (size_t i = 0; i < shape->count; i++) {
        const void *value = text_value(&shape->fields[i], message);
        if (value) put_field(out, p, &shape->fields[i], value);
    }
}

void text_plain(struct buf *out, enum message m, const void *message)
{
    put_message(out, NULL, m, message);
}
