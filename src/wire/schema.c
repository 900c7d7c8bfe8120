#include "wire/schema.h"

/* TYPE_IS(type) is the enum type of a word: its own for a scalar, TYPE_message for a message. */
enum {
#define MESSAGE(message, help) TYPE_##message = TYPE_message,
#define FIELD(message, type, name, view, help)
#define OPT(message, type, name, view, help)
#define LIST(message, type, name, view, help)
#define END(message)
#include "wire/schema.def"
#undef MESSAGE
#undef FIELD
#undef OPT
#undef LIST
#undef END
};

/* Scalars have no message; the number is never looked at. */
enum {
    MESSAGE_u8,
    MESSAGE_u32 = 0,
    MESSAGE_u64 = 0,
    MESSAGE_i32 = 0,
    MESSAGE_i64 = 0,
    MESSAGE_f64 = 0,
    MESSAGE_bool = 0,
    MESSAGE_str = 0,
    MESSAGE_bytes = 0,
    MESSAGE_request = 0,
    MESSAGE_response = 0
};

#define ROW(m, t, n, v, h, many, value)                                                            \
    { #n,                                                                                          \
      #t,                                                                                          \
      h,                                                                                           \
      many,                                                                                        \
      (enum type)TYPE_##t,                                                                         \
      (enum message)MESSAGE_##t,                                                                   \
      VIEW_##v,                                                                                    \
      offsetof(struct m, n),                                                                       \
      offsetof(struct m, value),                                                                   \
      sizeof(type_##t) },

#define MESSAGE(message, help) static const struct field fields_##message[] = {
#define FIELD(m, t, n, v, h)   ROW(m, t, n, v, h, MANY_one, n)
#define OPT(m, t, n, v, h)     ROW(m, t, n, v, h, MANY_opt, n.value)
#define LIST(m, t, n, v, h)    ROW(m, t, n, v, h, MANY_list, n)
#define END(message)                                                                               \
    {                                                                                              \
        0                                                                                          \
    }                                                                                              \
    }                                                                                              \
    ;
#include "wire/schema.def"
#undef MESSAGE
#undef FIELD
#undef OPT
#undef LIST
#undef END

static const struct shape shapes[MESSAGE_COUNT] = {
#define MESSAGE(message, help)                                                                     \
    [MESSAGE_##message] = { #message, help, fields_##message,                                      \
                            sizeof fields_##message / sizeof(struct field) - 1,                    \
                            sizeof(struct message) },
#define FIELD(message, type, name, view, help)
#define OPT(message, type, name, view, help)
#define LIST(message, type, name, view, help)
#define END(message)
#include "wire/schema.def"
#undef MESSAGE
#undef FIELD
#undef OPT
#undef LIST
#undef END
};

static const struct op_row ops[OP_COUNT] = {
#define OP(number, name, capability, path, served, request, result, help)                          \
    { number,      #name,           capability,        help,                                       \
      PATH_##path, SERVED_##served, MESSAGE_##request, MESSAGE_##result },
#include "wire/ops.def"
#undef OP
};

const struct shape *shape_of(enum message m)
{
    return &shapes[m];
}

const struct op_row *op_row(enum op op)
{
    return &ops[op];
}

bool op_of_number(uint32_t number, enum op *op)
{
    for (enum op o = 0; o < OP_COUNT; o++) {
        if (ops[o].number != number) continue;
        *op = o;
        return true;
    }
    return false;
}

bool op_of_name(struct str name, enum op *op)
{
    for (enum op o = 0; o < OP_COUNT; o++) {
        if (!str_eq(str_of(ops[o].name), name)) continue;
        *op = o;
        return true;
    }
    return false;
}
