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

struct str text_scalar(const struct field *f, const void *value, bool exact,
                       char scratch[TEXT_SCRATCH])
{
    struct buf b = { .at = scratch, .room = TEXT_SCRATCH, .limit = TEXT_SCRATCH };
    switch (f->type) {
    case TYPE_u8: number_put(&b, *(const uint8_t *)value); break;
    case TYPE_u32: number_put(&b, *(const uint32_t *)value); break;
    case TYPE_u64:
        if (f->view == VIEW_BYTES && !exact) number_put_bytes(&b, *(const uint64_t *)value);
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
