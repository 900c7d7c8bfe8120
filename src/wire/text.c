/* The printed form for people. */
#include "wire/text.h"

#include "base/number.h"
#include "wire/pen.h"
#include "wire/text_part.h"

enum { GAP = 2, NARROW = 20, ROOMY = 60, COLUMNS_MOST = 12 };

/* --- what text.def says ------------------------------------------------------------------ */

static const struct label {
    enum message of;
    size_t offset;
    const char *text;
} labels[] = {
#define LABEL(message, field, label) { MESSAGE_##message, offsetof(struct message, field), label },
#define COLUMNS(message, fields)
#define CLOSING(message, list, total, more, alone, nothing)
#include "wire/text.def"
#undef LABEL
#undef COLUMNS
#undef CLOSING
};

static const struct layout {
    enum message of;
    const char *fields;
} layouts[] = {
#define LABEL(message, field, label)
#define COLUMNS(message, fields) { MESSAGE_##message, fields },
#define CLOSING(message, list, total, more, alone, nothing)
#include "wire/text.def"
#undef LABEL
#undef COLUMNS
#undef CLOSING
};

static void put_label(struct pen *p, enum message m, const struct field *f)
{
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (labels[i].of != m || labels[i].offset != f->offset) continue;
        pen_put(p, str_of(labels[i].text), SIZE_MAX);
        return;
    }
    for (const char *c = f->name; *c; c++) {
        char letter = *c == '_' ? ' ' : *c;
        if (c == f->name && letter >= 'a' && letter <= 'z') letter = (char)(letter - 'a' + 'A');
        buf_byte(p->out, letter);
        p->at++;
    }
}

/* --- values ------------------------------------------------------------------------------ */

static struct str value_text(const struct field *f, const void *message, char *scratch)
{
    const void *value = f->many == MANY_list ? NULL : text_value(f, message);
    return value ? text_scalar(f, value, false, scratch) : STR_NONE;
}

static const void *item_at(const struct field *f, const struct any_list *list, size_t i)
{
    return (const char *)list->at + i * f->size;
}

/* --- columns ----------------------------------------------------------------------------- */

struct column {
    const struct field *field;
    char how; /* 0, or the sign before the field in COLUMNS */
    size_t width;
};

struct table {
    struct column columns[COLUMNS_MOST];
    size_t count;
    bool stacked;              /* too narrow for the last column, which goes below the others */
    const struct field *field; /* the list */
    const struct any_list *rows;
};

static bool same_in_all(const struct table *t, const struct field *f)
{
    char one[TEXT_SCRATCH], other[TEXT_SCRATCH];
    for (size_t i = 1; i < t->rows->len; i++)
        if (!str_eq(value_text(f, item_at(t->field, t->rows, 0), one),
                    value_text(f, item_at(t->field, t->rows, i), other)))
            return false;
    return true;
}

static void add_column(struct table *t, const struct field *f, char how)
{
    bool list = f->many == MANY_list || f->type == TYPE_message;
    if (list || t->count == COLUMNS_MOST) return;
    if (how == '?' && same_in_all(t, f)) return;
    t->columns[t->count++] = (struct column){ .field = f, .how = how };
}

/* The fields that COLUMNS gives for a message; empty where it has no row. */
static struct str layout_of(enum message m)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (layouts[i].of == m) return str_of(layouts[i].fields);
    return STR_NONE;
}

static void choose_columns(struct table *t)
{
    const struct shape *shape = shape_of(t->field->of);
    struct str rest = layout_of(t->field->of), word;
    bool every = rest.len == 0;
    while (rest.len && str_word(&rest, &word)) {
        char how = ascii_alpha(word.at[0]) ? 0 : word.at[0];
        for (size_t i = 0; i < shape->count; i++)
            if (str_eq(str_of(shape->fields[i].name), str_from(word, how != 0)))
                add_column(t, &shape->fields[i], how);
    }
    for (size_t i = 0; every && i < shape->count; i++) add_column(t, &shape->fields[i], 0);
}

/* As wide as the widest, but one long name does not push all other rows aside. */
static void measure_columns(struct table *t, size_t width)
{
    char scratch[TEXT_SCRATCH];
    for (size_t c = 0; c < t->count; c++) {
        struct column *column = &t->columns[c];
        size_t most = width >= ROOMY ? width / (c ? 4 : 3) : SIZE_MAX;
        for (size_t i = 0; i < t->rows->len; i++) {
            const void *row = item_at(t->field, t->rows, i);
            size_t columns = pen_columns(value_text(column->field, row, scratch));
            if (columns > column->width && columns <= most) column->width = columns;
        }
    }
}

static size_t columns_left(const struct pen *p)
{
    if (!p->width) return SIZE_MAX;
    return p->width > p->at ? p->width - p->at : 0;
}

static bool is_elastic(const struct table *t, size_t c)
{
    size_t last = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->columns[i].how != '>') last = i;
    return c == last && c > 0;
}

static void decide_stacking(struct table *t, size_t width, size_t indent)
{
    size_t used = indent;
    for (size_t i = 0; i < t->count; i++)
        if (t->columns[i].how != '>' && !is_elastic(t, i)) used += t->columns[i].width + GAP;
    t->stacked = width && used + NARROW > width;
}

/* The last column of the line: cut or wrapped behind the others, or below them. */
static void put_elastic(struct pen *p, const struct table *t, const struct column *c,
                        struct str text, size_t column, size_t indent)
{
    if (!text.len) return;
    if (t->stacked || columns_left(p) < NARROW + GAP) pen_break(p, indent + GAP);
    else pen_pad(p, p->at + GAP < column ? column : p->at + GAP);
    if (c->how == '~') pen_wrap(p, text, p->at);
    else pen_value(p, c->field->view, text, columns_left(p));
}

/* A column of a width of its own; on the next line where it does not fit. */
static void put_fixed(struct pen *p, const struct table *t, const struct column *c, struct str text,
                      size_t column, size_t indent)
{
    if (c != t->columns) {
        size_t from = t->stacked || p->at + GAP > column ? p->at + GAP : column;
        if (p->width && from + pen_columns(text) > p->width) pen_break(p, indent + GAP);
        else pen_pad(p, from);
    }
    pen_value(p, c->field->view, text, columns_left(p));
}

static void put_row(struct pen *p, const struct table *t, const void *row, size_t indent)
{
    char scratch[TEXT_SCRATCH];
    size_t column = indent;
    pen_pad(p, indent);
    for (size_t i = 0; i < t->count; i++) {
        const struct column *c = &t->columns[i];
        struct str text = value_text(c->field, row, scratch);
        if (c->how == '>') {
            if (!text.len) continue;
            pen_break(p, indent + GAP);
            pen_wrap(p, text, indent + GAP);
        } else if (is_elastic(t, i)) {
            put_elastic(p, t, c, text, column, indent);
        } else {
            put_fixed(p, t, c, text, column, indent);
            column += c->width + GAP;
        }
    }
    buf_byte(p->out, '\n');
    p->at = 0;
}

static void put_list(struct pen *p, const struct field *f, const struct any_list *list,
                     size_t indent);

static bool is_laid_out(enum message m, const struct field *f)
{
    struct str rest = layout_of(m), word;
    bool every = rest.len == 0;
    while (rest.len && str_word(&rest, &word))
        if (str_eq(str_of(f->name), word)) return true;
    return every;
}

/* The lists inside a message, each below it. */
static void put_inner(struct pen *p, enum message m, const void *message, size_t indent)
{
    const struct shape *shape = shape_of(m);
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].many == MANY_list && is_laid_out(m, &shape->fields[i]))
            put_list(p, &shape->fields[i], text_value(&shape->fields[i], message), indent);
}

static void put_table(struct pen *p, const struct field *f, const struct any_list *list,
                      size_t indent)
{
    struct table t = { .field = f, .rows = list };
    if (!list->len) return;
    choose_columns(&t);
    measure_columns(&t, p->width);
    decide_stacking(&t, p->width, indent);
    for (size_t i = 0; i < list->len; i++) {
        const void *row = item_at(f, list, i);
        put_row(p, &t, row, indent);
        put_inner(p, f->of, row, indent + GAP);
    }
}

/* --- whole messages ---------------------------------------------------------------------- */

static void put_message(struct pen *p, enum message m, const void *message, size_t indent,
                        bool terminal);

/* A request or response of a batch: its number and name, and below it what it holds. */
static void put_call(struct pen *p, const struct field *f, const void *item, size_t indent)
{
    const struct request *q = item;
    const struct response *r = item;
    bool request = f->type == TYPE_request;
    const void *body = request ? q->body : r->body;
    enum op op = OP_COUNT;
    pen_pad(p, indent);
    number_put(p->out, request ? q->id : r->id);
    buf_str(p->out, S(" "));
    if (!body || !op_of_number(request ? q->op : r->op, &op)) {
        pen_begin(p, "31");
        pen_put(p, request ? STR_NONE : r->message, SIZE_MAX);
        pen_end(p, "31");
    } else {
        pen_put(p, str_of(op_row(op)->name), SIZE_MAX);
    }
    pen_break(p, 0);
    if (op != OP_COUNT)
        put_message(p, request ? op_row(op)->request : op_row(op)->result, body, indent + GAP,
                    false);
}

/* One item a line. */
static void put_list(struct pen *p, const struct field *f, const struct any_list *list,
                     size_t indent)
{
    char scratch[TEXT_SCRATCH];
    if (f->type == TYPE_message) {
        put_table(p, f, list, indent);
        return;
    }
    for (size_t i = 0; i < list->len; i++) {
        const void *item = item_at(f, list, i);
        if (f->type == TYPE_request || f->type == TYPE_response) {
            put_call(p, f, item, indent);
            continue;
        }
        pen_pad(p, indent);
        pen_value(p, f->view, text_scalar(f, item, false, scratch), SIZE_MAX);
        buf_byte(p->out, '\n');
        p->at = 0;
    }
}

/* Whether a field has anything to say to people. */
static bool is_said(const struct field *f, const void *message)
{
    const void *value = text_value(f, message);
    if (!value) return false;
    if (f->many == MANY_list) return ((const struct any_list *)value)->len > 0;
    if (f->view == VIEW_BYTES && f->type == TYPE_u64) return *(const uint64_t *)value > 0;
    if (f->type == TYPE_str || f->type == TYPE_bytes) return ((const struct str *)value)->len > 0;
    return true;
}

/* Values among others: parted by commas and wrapped between them, within them only where one is
 * wider than the column. */
static void put_commas(struct pen *p, const struct field *f, const struct any_list *list,
                       size_t indent)
{
    char scratch[TEXT_SCRATCH];
    for (size_t i = 0; i < list->len; i++) {
        struct str text = text_scalar(f, item_at(f, list, i), false, scratch);
        size_t columns = pen_columns(text) + 1; /* and its comma */
        bool wide = p->width && indent + columns > p->width;
        if (!wide && p->at > indent && p->width && p->at + 1 + columns > p->width)
            pen_break(p, indent);
        if (wide) pen_wrap(p, text, indent);
        else pen_piece(p, text, indent);
        if (i + 1 < list->len) pen_put(p, S(","), SIZE_MAX);
    }
}

static void put_field(struct pen *p, enum message m, const struct field *f, const void *message,
                      size_t indent, size_t column)
{
    char scratch[TEXT_SCRATCH];
    const void *value = text_value(f, message);
    pen_pad(p, indent);
    pen_begin(p, "1");
    put_label(p, m, f);
    buf_byte(p->out, ':');
    p->at++;
    pen_end(p, "1");
    if (f->type >= TYPE_request) {
        pen_break(p, 0);
        if (f->many == MANY_list) put_list(p, f, value, indent + GAP);
        else if (f->type == TYPE_message) put_message(p, f->of, value, indent + GAP, false);
        else put_call(p, f, value, indent + GAP);
        return;
    }
    pen_pad(p, column);
    if (f->many == MANY_list) {
        put_commas(p, f, value, column);
    } else {
        struct str text = text_scalar(f, value, false, scratch);
        if (f->view == VIEW_PROSE) text = str_head(text, str_chr(text, '\n'));
        pen_begin(p, pen_style(f->view, text));
        if (f->view == VIEW_LINK) pen_put(p, text, SIZE_MAX);
        else pen_wrap(p, text, column);
        pen_end(p, pen_style(f->view, text));
    }
    pen_break(p, 0);
}

/* The paragraphs of a PROSE field below its first line, which has its label. */
static void put_rest_of_prose(struct pen *p, const struct field *f, const void *message,
                              size_t indent)
{
    char scratch[TEXT_SCRATCH];
    struct str text = value_text(f, message, scratch);
    if (text.len) text = str_from(text, str_chr(text, '\n') + 1);
    if (!str_trim(text).len) return;
    pen_break(p, 0);
    pen_prose(p, text, indent + GAP);
    pen_break(p, 0);
}

static void put_record(struct pen *p, enum message m, const void *message, size_t indent,
                       size_t first)
{
    const struct shape *shape = shape_of(m);
    size_t column = 0;
    for (size_t i = first; i < shape->count; i++) {
        struct buf nowhere = { .limit = 0 };
        struct pen measure = { .out = &nowhere };
        if (!is_said(&shape->fields[i], message) || shape->fields[i].type >= TYPE_request) continue;
        put_label(&measure, m, &shape->fields[i]);
        if (measure.at > column) column = measure.at;
    }
    column += indent + 2;
    for (size_t i = first; i < shape->count; i++)
        if (is_said(&shape->fields[i], message))
            put_field(p, m, &shape->fields[i], message, indent, column);
    for (size_t i = first; i < shape->count; i++)
        if (shape->fields[i].view == VIEW_PROSE && shape->fields[i].many != MANY_list)
            put_rest_of_prose(p, &shape->fields[i], message, indent);
}

/* A sentence of CLOSING, with the numbers in it. */
static void put_sentence(struct pen *p, const char *sentence, size_t shown, uint64_t total)
{
    pen_begin(p, "2");
    for (const char *c = sentence; *c; c++) {
        if (*c == '#') number_put(p->out, shown);
        else if (*c == '*') number_put(p->out, total);
        else buf_byte(p->out, *c);
    }
    pen_end(p, "2");
    buf_byte(p->out, '\n');
}

static void put_closing(struct pen *p, const struct closing *c, const void *message, bool terminal)
{
    const struct any_list *list = (const void *)((const char *)message + c->list_offset);
    uint64_t total = *(const uint64_t *)(const void *)((const char *)message + c->total_offset);
    if (!list->len && total) put_sentence(p, c->alone, 0, total);
    else if (!list->len && terminal) put_sentence(p, c->nothing, 0, 0);
    else if (list->len < total && terminal) put_sentence(p, c->more, list->len, total);
}

static void put_message(struct pen *p, enum message m, const void *message, size_t indent,
                        bool terminal)
{
    const struct shape *shape = shape_of(m);
    const struct closing *c = closing_of(m);
    if (!text_is_list(m)) {
        put_record(p, m, message, indent, 0);
        return;
    }
    put_list(p, &shape->fields[0], text_value(&shape->fields[0], message), indent);
    if (c) put_closing(p, c, message, terminal);
    else put_record(p, m, message, indent, 1);
}

void text_write(struct buf *out, enum message m, const void *message, const struct text_options *o)
{
    struct pen p = { .out = out, .width = o->width, .colour = o->colour, .words = o->words };
    if (p.width && p.width < NARROW) p.width = NARROW;
    if (o->plain) text_plain(out, m, message);
    else put_message(&p, m, message, 0, o->terminal);
}
