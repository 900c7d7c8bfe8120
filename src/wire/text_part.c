#include "wire/text_part.h"

#include "base/number.h"

static const struct closing closings[] = {
#define LABEL(message, field, label)
#define COLUMNS(message, fields)
#define CLOSING(message, list, total, more, alone, nothing)                                        \
    { MESSAGE_##message,                                                                           \
      offsetof(struct message, list),                                                              \
      offsetof(struct message, total),                                                             \
      more,                                                                                        \
      alone,                                                                                       \
      nothing },
#include "wire/text.def"
#undef LABEL
#undef COLUMNS
#undef CLOSING
};

const struct closing *closing_of(enum message m)
{
    for (size_t i = 0; i < sizeof closings / sizeof closings[0]; i++)
        if (closings[i].of == m) return &closings[i];
    return NULL;
}

const void *text_value(const struct field *f, const void *message)
{
    const char *at = (const char *)message + f->offset;
    if (f->many == MANY_opt && !*(const bool *)at) return NULL;
    return (const char *)message + f->value_offset;
}

bool text_is_list(enum message m)
{
    return shape_of(m)->count && shape_of(m)->fields[0].many == MANY_list;
}

/* A span for people: tenths below 100 of a unit, whole ones above. */
static void put_span(struct buf *out, uint64_t ns)
{
    static const struct {
        uint64_t size, end; /* in nanoseconds; the next unit begins where this one would read end */
        const char *name;
    } units[] = {
        { 1, 1000, " ns" },
        { 1000, 1000000, " \xC2\xB5s" },
        { 1000000, 1000000000, " ms" },
        { 1000000000, UINT64_C(120000000000), " s" },
        { UINT64_C(60000000000), UINT64_C(7200000000000), " min" },
        { UINT64_C(3600000000000), UINT64_MAX, " h" },
    };
    size_t u = 0;
    while (u + 1 < sizeof units / sizeof units[0] && ns >= units[u].end - units[u].size / 2) u++;
    uint64_t size = units[u].size;
    if (u > 0 && ns < 100 * size - size / 20) {
        uint64_t tenths = (ns + size / 20) / (size / 10);
        number_put(out, tenths / 10);
        buf_byte(out, '.');
        number_put(out, tenths % 10);
    } else {
        number_put(out, ns / size + (ns % size >= size - size / 2));
    }
    buf_str(out, str_of(units[u].name));
}

struct str text_scalar(const struct field *f, const void *value, bool exact,
                       char scratch[TEXT_SCRATCH])
{
    struct buf b = { .at = scratch, .room = TEXT_SCRATCH, .limit = TEXT_SCRATCH };
    switch (f->type) {
    case TYPE_u8: number_put(&b, *(const uint8_t *)value); break;
    case TYPE_u32: number_put(&b, *(const uint32_t *)value); break;
    case TYPE_u64:
        if (f->view == VIEW_BYTES && !exact) number_put_bytes(&b, *(const uint64_t *)value);
        else if (f->view == VIEW_SPAN && !exact) put_span(&b, *(const uint64_t *)value);
        else number_put(&b, *(const uint64_t *)value);
        break;
    case TYPE_i32: number_put_signed(&b, *(const int32_t *)value); break;
    case TYPE_i64: number_put_signed(&b, *(const int64_t *)value); break;
    case TYPE_f64: buf_print(&b, exact ? "%.17g" : "%.3g", *(const double *)value); break;
    case TYPE_bool: buf_str(&b, *(const bool *)value ? S("yes") : S("no")); break;
    case TYPE_str:
    case TYPE_bytes: return *(const struct str *)value;
    case TYPE_request:
    case TYPE_response:
    case TYPE_message: break;
    }
    return buf_view(&b);
}
