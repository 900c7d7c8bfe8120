/* The messages as C structs, and their shapes for whoever walks them (codec, JSON, text). Both
 * follow from schema.def and ops.def. Strings and lists are views; whoever fills a message says
 * how long they live. */
#ifndef OMG_WIRE_SCHEMA_H
#define OMG_WIRE_SCHEMA_H

#include "base/str.h"

/* Any operation's request or response, as a batch holds them. body is the message that the
 * operation's row names. */
struct request {
    uint64_t id;
    uint32_t op; /* number, not row */
    const void *body;
};
/* The numbers are the variants on the wire. */
enum response_kind { RESPONSE_SUCCESS, RESPONSE_ERROR, RESPONSE_EVENT, RESPONSE_FAILURE };
/* One machine-readable fact about a failure. */
struct detail {
    struct str name, value;
};
struct response {
    uint64_t id;
    enum response_kind kind;
    uint32_t op;        /* number, not row; of a success or an event */
    const void *body;   /* of a success or an event, else NULL */
    uint64_t sequence;  /* of an event */
    int32_t code;       /* of an error or a failure */
    struct str message; /* of an error or a failure */
    struct {
        struct detail *at;
        size_t len;
    } details; /* of a failure */
};

/* The rows name types by one word; these give the words their C types. */
typedef uint8_t type_u8;
typedef uint32_t type_u32;
typedef uint64_t type_u64;
typedef int32_t type_i32;
typedef int64_t type_i64;
typedef double type_f64;
typedef bool type_bool;
typedef struct str type_str;
typedef struct str type_bytes;
typedef struct request type_request;
typedef struct response type_response;
#define MESSAGE(message, help) typedef struct message type_##message;
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

/* A message without fields still has a member: C11 has no empty struct. */
#define MESSAGE(message, help)                                                                     \
    struct message {                                                                               \
        uint8_t reserved_;
#define FIELD(message, type, name, view, help) type_##type name;
#define OPT(message, type, name, view, help)                                                       \
    struct {                                                                                       \
        bool there;                                                                                \
        type_##type value;                                                                         \
    } name;
#define LIST(message, type, name, view, help)                                                      \
    struct {                                                                                       \
        type_##type *at;                                                                           \
        size_t len;                                                                                \
    } name;
#define END(message)                                                                               \
    }                                                                                              \
    ;
#include "wire/schema.def"
#undef MESSAGE
#undef FIELD
#undef OPT
#undef LIST
#undef END

/* What every LIST member looks like to code that does not know its type. */
struct any_list {
    void *at;
    size_t len;
};

enum { RESULTS_MOST = 1000 }; /* a larger limit counts as this one */

/* How the sentence of PACKAGE_NOT_FOUND begins when a name exists in no form, and may be misspelt;
 * other misses say what does exist. */
#define NO_SUCH_PACKAGE "there is no package "

enum message {
#define MESSAGE(message, help) MESSAGE_##message,
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
    MESSAGE_COUNT
};

enum type {
    TYPE_u8,
    TYPE_u32,
    TYPE_u64,
    TYPE_i32,
    TYPE_i64,
    TYPE_f64,
    TYPE_bool,
    TYPE_str,
    TYPE_bytes,
    TYPE_request,
    TYPE_response,
    TYPE_message
};
enum many { MANY_one, MANY_opt, MANY_list };
enum view {
    VIEW_NAME,
    VIEW_VERSION,
    VIEW_TEXT,
    VIEW_PROSE,
    VIEW_LINK,
    VIEW_ORIGIN,
    VIEW_COUNT,
    VIEW_BYTES,
    VIEW_SPAN,
    VIEW_STATE,
    VIEW_MARK,
    VIEW_GROUP
};

struct field {
    const char *name, *type_name, *help;
    enum many many;
    enum type type;
    enum message of; /* where type is TYPE_message */
    enum view view;
    size_t offset;       /* of the value, the list, or the opt's flag */
    size_t value_offset; /* of the value; for an opt behind its flag */
    size_t size;         /* of one value, bytes */
};

struct shape {
    const char *name, *help;
    const struct field *fields;
    size_t count;
    size_t size; /* of the struct, bytes */
};

const struct shape *shape_of(enum message m);

/* The rows of ops.def, by row and not by number. */
enum op {
#define OP(number, name, capability, path, served, request, result, help) OP_##name,
#include "wire/ops.def"
#undef OP
    OP_COUNT
};
enum op_path { PATH_FAST, PATH_SLOW, PATH_CHANGE };
enum op_served {
    SERVED_INDEX,
    SERVED_BROKER,
    SERVED_PACKAGES,
    SERVED_CONNECTION,
    SERVED_HOUSE,
    SERVED_NONE
};

struct op_row {
    uint32_t number;
    const char *name, *capability, *help;
    enum op_path path;
    enum op_served served;
    enum message request, result;
};
const struct op_row *op_row(enum op op);
bool op_of_number(uint32_t number, enum op *op);
bool op_of_name(struct str name, enum op *op);

#endif
