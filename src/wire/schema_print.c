#include "wire/schema_print.h"

#include "base/number.h"
#include "base/version.h"
#include "wire/json.h"
#include "wire/schema.h"
#include "wire/schema_code.h"

static const char *const many_names[] = {
    [MANY_one] = "", [MANY_opt] = "opt ", [MANY_list] = "list "
};
static const char *const path_names[] = {
    [PATH_FAST] = "fast", [PATH_SLOW] = "slow", [PATH_CHANGE] = "change"
};
static const char *const served_names[] = {
    [SERVED_INDEX] = "index",           [SERVED_BROKER] = "daemon", [SERVED_PACKAGES] = "packages",
    [SERVED_CONNECTION] = "connection", [SERVED_HOUSE] = "house",   [SERVED_NONE] = "nobody",
};
static const char *const view_names[] = {
    [VIEW_NAME] = "name",   [VIEW_VERSION] = "version", [VIEW_TEXT] = "text",
    [VIEW_PROSE] = "prose", [VIEW_LINK] = "link",       [VIEW_ORIGIN] = "origin",
    [VIEW_COUNT] = "count", [VIEW_BYTES] = "bytes",     [VIEW_SPAN] = "span",
    [VIEW_STATE] = "state", [VIEW_MARK] = "mark",       [VIEW_GROUP] = "group",
};

/* A table has a title, the names of its columns and its rows; a form says how they are put down. */
enum { CELLS = 6 };

struct printer {
    struct buf *out;
    void (*title)(struct printer *, const char *title, const char *help);
    void (*head)(struct printer *, const char *const *names, size_t count);
    void (*row)(struct printer *, const struct str *cells, size_t count);
    void (*end)(struct printer *);
};

/* --- text -------------------------------------------------------------------------------- */

static void text_title(struct printer *p, const char *title, const char *help)
{
    if (p->out->len) buf_byte(p->out, '\n');
    buf_str(p->out, str_of(title));
    if (*help) buf_str(p->out, S(": "));
    buf_str(p->out, str_of(help));
    buf_byte(p->out, '\n');
}

static void text_head(struct printer *p, const char *const *names, size_t count)
{
    (void)p;
    (void)names;
    (void)count;
}

static void text_row(struct printer *p, const struct str *cells, size_t count)
{
    static const size_t stops[CELLS] = { 2, 26, 42, 50, 62, 0 };
    size_t start = p->out->len;
    for (size_t i = 0; i < count; i++) {
        size_t at = p->out->len - start, stop = i + 1 == count && i < 3 ? 50 : stops[i];
        if (!cells[i].len) continue;
        buf_repeat(p->out, ' ', at + 1 < stop ? stop - at : 2);
        buf_str(p->out, cells[i]);
    }
    buf_byte(p->out, '\n');
}

static void no_end(struct printer *p)
{
    (void)p;
}

/* --- markdown ---------------------------------------------------------------------------- */

static void markdown_title(struct printer *p, const char *title, const char *help)
{
    if (p->out->len) buf_byte(p->out, '\n');
    buf_str(p->out, S("### "));
    buf_str(p->out, str_of(title));
    buf_str(p->out, S("\n\n"));
    if (!*help) return;
    buf_str(p->out, str_of(help));
    buf_str(p->out, S("\n\n"));
}

static void markdown_row(struct printer *p, const struct str *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_str(p->out, i ? S(" | ") : S("| "));
        for (size_t j = 0; j < cells[i].len; j++) {
            if (cells[i].at[j] == '|') buf_byte(p->out, '\\');
            buf_byte(p->out, cells[i].at[j]);
        }
    }
    buf_str(p->out, S(" |\n"));
}

static void markdown_head(struct printer *p, const char *const *names, size_t count)
{
    struct str cells[CELLS] = { STR_NONE };
    for (size_t i = 0; i < count; i++) cells[i] = str_of(names[i]);
    markdown_row(p, cells, count);
    for (size_t i = 0; i < count; i++) cells[i] = S("---");
    markdown_row(p, cells, count);
}

/* --- mdoc (mdoc(7)) ---------------------------------------------------------------------- */

static void mdoc_put(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '\\') buf_str(out, S("\\e"));
        else if (s.at[i] == '"') buf_str(out, S("\\(dq"));
        else buf_byte(out, s.at[i]);
    }
}

/* Each sentence on a line of its own, guarded where it would read as a request or a macro. */
static void mdoc_line(struct printer *p, struct str s)
{
    while (s.len) {
        size_t end = str_find(s, S(". "));
        struct str sentence = str_head(s, end + 1);
        if (sentence.at[0] == '.' || sentence.at[0] == '\'') buf_str(p->out, S("\\&"));
        mdoc_put(p->out, sentence);
        buf_byte(p->out, '\n');
        s = str_from(s, end + 2);
    }
}

static void mdoc_title(struct printer *p, const char *title, const char *help)
{
    buf_str(p->out, S(".Ss "));
    mdoc_put(p->out, str_of(title));
    buf_byte(p->out, '\n');
    if (*help) mdoc_line(p, str_of(help));
}

static void mdoc_head(struct printer *p, const char *const *names, size_t count)
{
    (void)names;
    (void)count;
    buf_str(p->out, S(".Bl -tag -width Ds\n"));
}

/* The last cell says what the others are. */
static void mdoc_row(struct printer *p, const struct str *cells, size_t count)
{
    buf_str(p->out, S(".It"));
    for (size_t i = 0; i + 1 < count; i++) {
        if (!cells[i].len) continue;
        buf_str(p->out, i ? S(" \"") : S(" Sy \""));
        mdoc_put(p->out, cells[i]);
        buf_str(p->out, i ? S("\"") : S("\" No"));
    }
    buf_byte(p->out, '\n');
    mdoc_line(p, cells[count - 1]);
}

static void mdoc_end(struct printer *p)
{
    buf_str(p->out, S(".El\n"));
}

/* --- the tables -------------------------------------------------------------------------- */

static struct str number_cell(int64_t n, char *room, size_t size)
{
    struct buf b = { .at = room, .room = size, .limit = size };
    number_put_signed(&b, n);
    return buf_view(&b);
}

static void print_ops(struct printer *p)
{
    static const char *const names[] = { "operation",   "number", "path",
                                         "answered by", "result", "help" };
    char room[24];
    p->title(p, "Operations", "");
    p->head(p, names, CELLS);
    for (enum op op = 0; op < OP_COUNT; op++) {
        const struct op_row *row = op_row(op);
        struct str cells[CELLS] = { str_of(row->name),
                                    number_cell(row->number, room, sizeof room),
                                    str_of(path_names[row->path]),
                                    str_of(served_names[row->served]),
                                    str_of(shape_of(row->result)->name),
                                    str_of(row->help) };
        p->row(p, cells, CELLS);
    }
    p->end(p);
}

static void print_message(struct printer *p, enum message m)
{
    static const char *const names[] = { "field", "type", "view", "help" };
    const struct shape *shape = shape_of(m);
    char room[64];
    p->title(p, shape->name, shape->help);
    if (!shape->count) return;
    p->head(p, names, 4);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        struct buf type = { .at = room, .room = sizeof room, .limit = sizeof room };
        buf_str(&type, str_of(many_names[f->many]));
        buf_str(&type, str_of(f->type_name));
        struct str cells[] = { str_of(f->name), buf_view(&type), str_of(view_names[f->view]),
                               str_of(f->help) };
        p->row(p, cells, 4);
    }
    p->end(p);
}

static void print_errors(struct printer *p)
{
    static const char *const names[] = { "error", "code", "exit status", "HTTP status",
                                         "sentence" };
    char code[24], exit_status[24], http[24];
    p->title(p, "Errors", "");
    p->head(p, names, 5);
    for (enum err e = OK + 1; e < ERR_COUNT; e++) {
        const struct err_row *row = err_row(e);
        struct str cells[] = { str_of(row->name), number_cell(row->code, code, sizeof code),
                               number_cell(row->exit_status, exit_status, sizeof exit_status),
                               number_cell(row->http_status, http, sizeof http),
                               str_of(row->sentence) };
        p->row(p, cells, 5);
    }
    p->end(p);
}

/* --- JSON -------------------------------------------------------------------------------- */

static void json_text(struct buf *out, const char *name, const char *value)
{
    if (out->len && out->at[out->len - 1] != '{') buf_byte(out, ',');
    json_write_string(out, str_of(name));
    buf_byte(out, ':');
    json_write_string(out, str_of(value));
}

static void json_whole(struct buf *out, const char *name, int64_t value)
{
    if (out->len && out->at[out->len - 1] != '{') buf_byte(out, ',');
    json_write_string(out, str_of(name));
    buf_byte(out, ':');
    number_put_signed(out, value);
}

static void json_op(struct buf *out, const struct op_row *row)
{
    buf_byte(out, '{');
    json_whole(out, "number", row->number);
    json_text(out, "name", row->name);
    json_text(out, "capability", row->capability);
    json_text(out, "path", path_names[row->path]);
    json_text(out, "served_by", served_names[row->served]);
    json_text(out, "request", shape_of(row->request)->name);
    json_text(out, "result", shape_of(row->result)->name);
    json_text(out, "help", row->help);
    buf_byte(out, '}');
}

static void json_shape(struct buf *out, const struct shape *shape)
{
    static const char *const many[] = {
        [MANY_one] = "one", [MANY_opt] = "opt", [MANY_list] = "list"
    };
    buf_byte(out, '{');
    json_text(out, "name", shape->name);
    json_text(out, "help", shape->help);
    buf_str(out, S(",\"fields\":["));
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        buf_str(out, i ? S(",{") : S("{"));
        json_text(out, "name", f->name);
        json_text(out, "type", f->type_name);
        json_text(out, "many", many[f->many]);
        json_text(out, "view", view_names[f->view]);
        json_text(out, "help", f->help);
        buf_byte(out, '}');
    }
    buf_str(out, S("]}"));
}

static void json_error(struct buf *out, const struct err_row *row)
{
    buf_byte(out, '{');
    json_whole(out, "code", row->code);
    json_text(out, "name", row->name);
    json_whole(out, "http_status", row->http_status);
    json_whole(out, "exit_status", row->exit_status);
    json_text(out, "sentence", row->sentence);
    json_text(out, "remedy", row->remedy);
    buf_byte(out, '}');
}

static void print_json(struct buf *out)
{
    buf_byte(out, '{');
    json_text(out, "version", OMG_VERSION);
    buf_str(out, S(",\"operations\":["));
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (op) buf_byte(out, ',');
        json_op(out, op_row(op));
    }
    buf_str(out, S("],\"messages\":["));
    for (enum message m = 0; m < MESSAGE_COUNT; m++) {
        if (m) buf_byte(out, ',');
        json_shape(out, shape_of(m));
    }
    buf_str(out, S("],\"errors\":["));
    for (enum err e = OK + 1; e < ERR_COUNT; e++) {
        if (e > OK + 1) buf_byte(out, ',');
        json_error(out, err_row(e));
    }
    buf_str(out, S("]}\n"));
}

static void print_tables(struct printer *p)
{
    print_ops(p);
    for (enum message m = 0; m < MESSAGE_COUNT; m++) print_message(p, m);
    print_errors(p);
}

static void print_text(struct buf *out)
{
    print_tables(&(struct printer){ out, text_title, text_head, text_row, no_end });
}

static void print_markdown(struct buf *out)
{
    print_tables(&(struct printer){ out, markdown_title, markdown_head, markdown_row, no_end });
}

static void print_mdoc(struct buf *out)
{
    print_tables(&(struct printer){ out, mdoc_title, mdoc_head, mdoc_row, mdoc_end });
}

void schema_print(struct buf *out, enum form form)
{
    static void (*const forms[])(struct buf *) = {
        [FORM_AUTO] = print_text,  [FORM_TEXT] = print_text,         [FORM_PLAIN] = print_text,
        [FORM_JSON] = print_json,  [FORM_MARKDOWN] = print_markdown, [FORM_MDOC] = print_mdoc,
        [FORM_RUST] = schema_rust, [FORM_PYTHON] = schema_python,
    };
    forms[form](out);
}
