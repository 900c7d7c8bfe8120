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

/* The words of a row are joined and named here and nowhere deeper: bool is a macro of C's own and
 * would arrive there as what it stands for. */
#define FIELD(m, t, n, v, h)                                                                       \
    ROW(m, n, #n, #t, h, v, MANY_one, TYPE_##t, MESSAGE_##t, n, sizeof(type_##t))
#define OPT(m, t, n, v, h)                                                                         \
    ROW(m, n, #n, #t, h, v, MANY_opt, TYPE_##t, MESSAGE_##t, n.value, sizeof(type_##t))
#define LIST(m, t, n, v, h)                                                                        \
    ROW(m, n, #n, #t, h, v, MANY_list, TYPE_##t, MESSAGE_##t, n, sizeof(type_##t))
#define ROW(m, n, name, word, help, view, many, scalar, message_of, value, size)                   \
    { name,                                                                                        \
      word,                                                                                        \
      help,                                                                                        \
      many,                                                                                        \
      (enum type)(scalar),                                                                         \
      (enum message)(message_of),                                                                  \
      VIEW_##view,                                                                                 \
      offsetof(struct m, n),                                                                       \
      offsetof(struct m, value),                                                                   \
      size },

#define MESSAGE(message, help) static const struct field fields_##message[] = {
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

/* No number is left out, so that a number is its row. */
#define OP(number, name, capability, path, served, request, result, help)                          \
    _Static_assert((int)OP_##name == (number), "the rows of ops.def are in order, without a gap");
#include "wire/ops.def"
#undef OP

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
    if (number >= OP_COUNT) return false;
    *op = (enum op)number;
    return true;
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
