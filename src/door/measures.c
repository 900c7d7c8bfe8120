#include "door/measures.h"

#include "base/number.h"
#include "wire/pen.h"
#include "wire/text_part.h"

enum { GAP = 2, CELL_ROOM = TEXT_SCRATCH };

/* The numbers of an operation in the schema's order; head: above its column, NULL: in no table. */
static const struct number {
    const char *head;
    size_t offset;
    enum view view;
    const char *said; /* what stands behind it in a block */
} numbers[] = {
    { "calls", offsetof(struct operation_metrics, calls), VIEW_COUNT, "calls," },
    { "errors", offsetof(struct operation_metrics, errors), VIEW_COUNT, "errors," },
    { "hits", offsetof(struct operation_metrics, hits), VIEW_COUNT, "hits" },
    { "in", offsetof(struct operation_metrics, bytes_in), VIEW_BYTES, "in," },
    { "out", offsetof(struct operation_metrics, bytes_out), VIEW_BYTES, "out" },
    { "median", offsetof(struct operation_metrics, half_ns), VIEW_SPAN, "median," },
    { "99 %", offsetof(struct operation_metrics, most_99_ns), VIEW_SPAN, "99 %," },
    { "longest", offsetof(struct operation_metrics, longest_ns), VIEW_SPAN, "longest" },
    { NULL, offsetof(struct operation_metrics, total_ns), VIEW_SPAN, NULL },
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static struct str cell(const struct operation_metrics *o, const struct number *n, bool exact,
                       char scratch[CELL_ROOM])
{
    const struct field field = { .type = TYPE_u64, .view = n->view };
    return text_scalar(&field, (const char *)o + n->offset, exact, scratch);
}

/* --- for programs ------------------------------------------------------------------------ */

static void put_plain(struct buf *out, const struct metrics_result *m)
{
    char scratch[CELL_ROOM];
    for (size_t i = 0; i < m->operations.len; i++) {
        pen_clean(out, m->operations.at[i].operation);
        for (size_t n = 0; n < NUMBERS; n++) {
            buf_byte(out, '\t');
            buf_str(out, cell(&m->operations.at[i], &numbers[n], true, scratch));
        }
        buf_byte(out, '\n');
    }
    for (size_t i = 0; i < m->readings.len; i++) {
        pen_clean(out, m->readings.at[i].name);
        buf_byte(out, '\t');
        number_put(out, m->readings.at[i].value);
        buf_byte(out, '\n');
    }
}

/* --- the operations for people ------------------------------------------------------------- */

static void put_right(struct pen *p, struct str s, size_t width)
{
    size_t columns = pen_columns(s);
    pen_pad(p, p->at + GAP + (columns < width ? width - columns : 0));
    pen_put(p, s, SIZE_MAX);
}

/* The widths of the name (first) and of each number; gives that of the whole table. */
static size_t measure(const struct metrics_result *m, size_t widths[NUMBERS + 1])
{
    char scratch[CELL_ROOM];
    size_t whole = 0;
    memset(widths, 0, (NUMBERS + 1) * sizeof widths[0]);
    for (size_t i = 0; i < m->operations.len; i++) {
        const struct operation_metrics *o = &m->operations.at[i];
        size_t columns = pen_columns(o->operation);
        if (columns > widths[0]) widths[0] = columns;
        for (size_t n = 0; n < NUMBERS; n++) {
            if (!numbers[n].head) continue;
            columns = pen_columns(cell(o, &numbers[n], false, scratch));
            if (columns > widths[n + 1]) widths[n + 1] = columns;
            columns = pen_columns(str_of(numbers[n].head));
            if (columns > widths[n + 1]) widths[n + 1] = columns;
        }
    }
    for (size_t n = 0; n <= NUMBERS; n++) whole += widths[n] + (n && widths[n] ? GAP : 0);
    return whole;
}

static void put_table(struct pen *p, const struct metrics_result *m, const size_t *widths)
{
    char scratch[CELL_ROOM];
    pen_begin(p, "2");
    pen_pad(p, widths[0]);
    for (size_t n = 0; n < NUMBERS; n++)
        if (numbers[n].head) put_right(p, str_of(numbers[n].head), widths[n + 1]);
    pen_end(p, "2");
    pen_break(p, 0);
    for (size_t i = 0; i < m->operations.len; i++) {
        const struct operation_metrics *o = &m->operations.at[i];
        pen_value(p, VIEW_NAME, o->operation, SIZE_MAX);
        pen_pad(p, widths[0]);
        for (size_t n = 0; n < NUMBERS; n++)
            if (numbers[n].head) put_right(p, cell(o, &numbers[n], false, scratch), widths[n + 1]);
        pen_break(p, 0);
    }
}

/* A number and what it is are never parted. */
static void put_blocks(struct pen *p, const struct metrics_result *m)
{
    char scratch[CELL_ROOM], room[2 * CELL_ROOM];
    for (size_t i = 0; i < m->operations.len; i++) {
        const struct operation_metrics *o = &m->operations.at[i];
        pen_value(p, VIEW_NAME, o->operation, SIZE_MAX);
        for (size_t n = 0; n < NUMBERS; n++) {
            struct buf piece = { .at = room, .room = sizeof room, .limit = sizeof room };
            if (!numbers[n].head) continue;
            if (n == 0 || numbers[n].view != numbers[n - 1].view) pen_break(p, GAP);
            buf_str(&piece, cell(o, &numbers[n], false, scratch));
            buf_byte(&piece, ' ');
            buf_str(&piece, str_of(numbers[n].said));
            pen_piece(p, buf_view(&piece), GAP);
        }
        pen_break(p, 0);
    }
}

/* --- the readings for people --------------------------------------------------------------- */

static struct str reading_value(const struct reading *r, char scratch[CELL_ROOM])
{
    enum { FEW = 120 };
    static const uint64_t second = 1000000000;
    bool bytes = str_eq(r->unit, S("bytes")), seconds = str_eq(r->unit, S("seconds"));
    bool span = seconds && r->value >= FEW && r->value <= UINT64_MAX / second;
    uint64_t value = span ? r->value * second : r->value;
    const struct field field = { .type = TYPE_u64,
                                 .view = bytes  ? VIEW_BYTES
                                         : span ? VIEW_SPAN
                                                : VIEW_COUNT };
    struct str text = text_scalar(&field, &value, false, scratch);
    if (!seconds || span || text.len + 2 > CELL_ROOM) return text;
    memcpy(scratch + text.len, " s", 2);
    return (struct str){ scratch, text.len + 2 };
}

/* The name without its unit, which the value shows, and with blanks. */
static struct str reading_name(const struct reading *r, char *room, size_t size)
{
    struct str name = str_head(r->name, size), unit = r->unit;
    if (unit.len && unit.len < name.len && str_ends(name, unit) &&
        name.at[name.len - unit.len - 1] == '_')
        name.len -= unit.len + 1;
    for (size_t i = 0; i < name.len; i++) room[i] = name.at[i] == '_' ? ' ' : name.at[i];
    return (struct str){ room, name.len };
}

static void put_readings(struct pen *p, const struct metrics_result *m)
{
    enum { NARROW = 60 };
    char scratch[CELL_ROOM], room[64];
    size_t names = 0, values = 0, columns;
    for (size_t i = 0; i < m->readings.len; i++) {
        columns = pen_columns(reading_name(&m->readings.at[i], room, sizeof room));
        if (columns > names) names = columns;
        columns = pen_columns(reading_value(&m->readings.at[i], scratch));
        if (columns > values) values = columns;
    }
    for (size_t i = 0; i < m->readings.len; i++) {
        const struct reading *r = &m->readings.at[i];
        pen_value(p, VIEW_NAME, reading_name(r, room, sizeof room), SIZE_MAX);
        pen_pad(p, names);
        put_right(p, reading_value(r, scratch), values);
        if (!p->width || p->width >= NARROW) {
            size_t left = p->width ? p->width - p->at : SIZE_MAX;
            pen_pad(p, p->at + GAP);
            pen_begin(p, "2");
            pen_put(p, r->help, left > GAP ? left - GAP : 0);
            pen_end(p, "2");
        }
        pen_break(p, 0);
    }
}

void measures_show(struct cli *c, const void *result)
{
    const struct metrics_result *m = result;
    const struct screen *s = &c->screen;
    struct pen p = { .out = &c->out, .width = s->width, .colour = s->colour };
    size_t widths[NUMBERS + 1];
    bool pipe = !s->terminal && !s->colour;
    if (s->form == FORM_OPENMETRICS) {
        measures_openmetrics(&c->out, m);
        return;
    }
    if (s->form == FORM_PLAIN || (s->form == FORM_AUTO && pipe)) {
        put_plain(&c->out, m);
        return;
    }
    size_t whole = measure(m, widths);
    if (!m->operations.len) buf_str(&c->out, S("no operation was called yet\n"));
    else if (!p.width || whole <= p.width) put_table(&p, m, widths);
    else put_blocks(&p, m);
    if (m->readings.len) buf_byte(&c->out, '\n');
    put_readings(&p, m);
}
