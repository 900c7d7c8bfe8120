/* OpenMetrics text, version 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/). */
#include "base/number.h"
#include "door/measures.h"
#include "wire/pen.h"

enum { NAME_ROOM = 128, TEXT_MOST = 256, NANO = 9 /* decimal places of nanoseconds in seconds */ };

/* The families of the operations. A counter takes its number from offset; a histogram its sum, and
 * its bars from list. Its bounds are always the same, as those who compute rates want them: the
 * numbers of first to last bits, which are ends of the daemon's own bars. */
static const struct family {
    const char *name, *unit, *help;
    size_t offset, list; /* list is 0 for a counter */
    int scale;           /* decimal places from the number to the unit */
    int first, last;
} families[] = {
#define AT(field) offsetof(struct operation_metrics, field)
    { "omg_operation_calls", "", "Requests answered.", AT(calls), 0, 0, 0, 0 },
    { "omg_operation_errors", "", "Requests answered by an error.", AT(errors), 0, 0, 0, 0 },
    { "omg_operation_hits", "", "Requests answered from the cache.", AT(hits), 0, 0, 0, 0 },
    { "omg_operation_duration_seconds", "seconds", "How long requests took to be answered.",
      AT(total_ns), AT(latency), NANO, 8, 33 }, /* 255 ns to 8.6 s */
    { "omg_operation_request_bytes", "bytes", "How large requests were.", AT(bytes_in),
      AT(requests), 0, 4, 23 }, /* 15 bytes to 8 MiB */
    { "omg_operation_answer_bytes", "bytes", "How large answers were.", AT(bytes_out), AT(answers),
      0, 4, 23 },
#undef AT
};

/* n times ten to the minus scale, exactly, written as Go's %g would with ".0" behind a whole
 * number: the specification's canonical form. */
static void put_float(struct buf *out, uint64_t n, int scale)
{
    char digits[24] = { 0 };
    struct buf b = { .at = digits, .room = sizeof digits, .limit = sizeof digits };
    number_put(&b, n);
    int len = (int)b.len, exponent = len - 1 - scale;
    while (len > 1 && digits[len - 1] == '0') len--;
    if (!n) exponent = 0;
    if (exponent < -4 || exponent >= 6) {
        buf_byte(out, digits[0]);
        if (len > 1) buf_byte(out, '.');
        buf_put(out, digits + 1, (size_t)(len - 1));
        buf_print(out, "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
        return;
    }
    if (exponent < 0) buf_str(out, S("0."));
    for (int i = exponent; i < -1; i++) buf_byte(out, '0');
    for (int i = 0; i < len || i <= exponent; i++) {
        if (i == exponent + 1 && exponent >= 0) buf_byte(out, '.');
        buf_byte(out, i < len ? digits[i] : '0');
    }
    if (exponent >= 0 && len <= exponent + 1) buf_str(out, S(".0"));
}

/* Text inside quotes, or behind HELP; clean, so that it has no line break. */
static void put_escaped(struct buf *out, struct str s)
{
    char room[4 * TEXT_MOST];
    struct buf clean = { .at = room, .room = sizeof room, .limit = sizeof room };
    pen_clean(&clean, str_head(s, TEXT_MOST));
    for (size_t i = 0; i < clean.len; i++) {
        if (room[i] == '"' || room[i] == '\\') buf_byte(out, '\\');
        buf_byte(out, room[i]);
    }
}

static void put_head(struct buf *out, struct str name, const char *type, struct str unit,
                     struct str help)
{
    buf_print(out, "# TYPE %.*s %s\n", STR_ARG(name), type);
    if (unit.len) buf_print(out, "# UNIT %.*s %.*s\n", STR_ARG(name), STR_ARG(unit));
    buf_print(out, "# HELP %.*s ", STR_ARG(name));
    put_escaped(out, help);
    buf_byte(out, '\n');
}

static void put_label(struct buf *out, const char *name, const char *suffix, struct str operation)
{
    buf_print(out, "%s%s{operation=\"", name, suffix);
    put_escaped(out, operation);
    buf_byte(out, '"');
}

/* A line of a histogram up to its number. */
static void put_bar(struct buf *out, const struct family *f, struct str operation, uint64_t bound)
{
    put_label(out, f->name, "_bucket", operation);
    buf_str(out, S(",le=\""));
    if (bound < UINT64_MAX) put_float(out, bound, f->scale);
    else buf_str(out, S("+Inf"));
    buf_str(out, S("\"} "));
}

/* How many values are at most as large as the bound. */
static uint64_t count_to(const struct any_list *list, uint64_t bound)
{
    const struct bucket *bars = list->at;
    uint64_t count = 0;
    for (size_t i = 0; i < list->len; i++)
        if (bars[i].most <= bound) count += bars[i].count;
    return count;
}

static void put_histogram(struct buf *out, const struct family *f,
                          const struct operation_metrics *o)
{
    const struct any_list *list = (const void *)((const char *)o + f->list);
    for (int bits = f->first; bits <= f->last + 1; bits++) {
        uint64_t bound = bits > f->last ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
        put_bar(out, f, o->operation, bound);
        number_put(out, count_to(list, bound));
        buf_byte(out, '\n');
    }
    put_label(out, f->name, "_count", o->operation);
    buf_print(out, "} %llu\n", (unsigned long long)count_to(list, UINT64_MAX));
    put_label(out, f->name, "_sum", o->operation);
    buf_str(out, S("} "));
    put_float(out, *(const uint64_t *)(const void *)((const char *)o + f->offset), f->scale);
    buf_byte(out, '\n');
}

static void put_family(struct buf *out, const struct family *f, const struct metrics_result *m)
{
    put_head(out, str_of(f->name), f->list ? "histogram" : "counter", str_of(f->unit),
             str_of(f->help));
    for (size_t i = 0; i < m->operations.len; i++) {
        const struct operation_metrics *o = &m->operations.at[i];
        if (f->list) {
            put_histogram(out, f, o);
            continue;
        }
        put_label(out, f->name, "_total", o->operation);
        buf_print(out, "} %llu\n",
                  *(const unsigned long long *)(const void *)((const char *)o + f->offset));
    }
}

/* --- readings ---------------------------------------------------------------------------- */

static void take_unit(struct buf *name, struct str unit)
{
    struct str have = buf_view(name);
    size_t before = have.len - unit.len - 1;
    if (!unit.len || (have.len > unit.len && str_ends(have, unit) && have.at[before] == '_'))
        return;
    buf_byte(name, '_');
    buf_str(name, unit);
}

/* The family's name: with the prefix and the unit, and with letters that a name may have. */
static struct str family_name(const struct reading *r, char room[NAME_ROOM])
{
    struct buf name = { .at = room, .room = NAME_ROOM, .limit = NAME_ROOM };
    struct str given = str_head(r->name, 64), unit = str_head(r->unit, 16);
    if (str_ends(given, S("_total"))) given.len -= 6;
    buf_str(&name, S("omg_"));
    buf_str(&name, given);
    take_unit(&name, unit);
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_alpha(room[i]) && !ascii_digit(room[i])) room[i] = '_';
    return buf_view(&name);
}

static bool is_taken(const struct metrics_result *m, size_t place, struct str name)
{
    char room[NAME_ROOM];
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (str_eq(str_of(families[i].name), name)) return true;
    for (size_t i = 0; i < place; i++)
        if (str_eq(family_name(&m->readings.at[i], room), name)) return true;
    return false;
}

static void put_reading(struct buf *out, const struct reading *r, struct str name)
{
    bool counter = str_eq(r->kind, S("counter"));
    size_t unit = str_head(r->unit, 16).len; /* as the name ends, mended with it */
    put_head(out, name, counter ? "counter" : "gauge", str_from(name, name.len - unit), r->help);
    buf_print(out, "%.*s%s %llu\n", STR_ARG(name), counter ? "_total" : "",
              (unsigned long long)r->value);
}

void measures_openmetrics(struct buf *out, const struct metrics_result *m)
{
    char room[NAME_ROOM];
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        put_family(out, &families[i], m);
    for (size_t i = 0; i < m->readings.len; i++) {
        struct str name = family_name(&m->readings.at[i], room);
        if (!is_taken(m, i, name)) put_reading(out, &m->readings.at[i], name);
    }
    buf_str(out, S("# EOF\n"));
}
