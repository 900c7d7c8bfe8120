/* Words of a command line, sorted into options and the rest. Options may stand anywhere, "--" ends
 * them. What is not known is refused with the nearest that is. */
#ifndef OMG_DOOR_ARGS_H
#define OMG_DOOR_ARGS_H

#include "base/err.h"
#include "wire/schema.h"

enum option {
#define OPTION(id, letter, name, value, words, command, help) OPTION_##id,
#include "door/options.def"
#undef OPTION
    OPTION_COUNT
};

struct option_row {
    const char *name, *value, *words, *help;
    const char *command; /* the only one that has it; empty: every command has */
    char letter;
};
const struct option_row *option_row(enum option o);

/* Whether an operation can be asked for in words: a door may call it, and no field holds other
 * messages. The optional fields of such a one are options. */
bool op_in_words(enum op op);

enum { ARGS_FIELDS_MOST = 16 };

/* A request's optional field, named on the command line. */
struct arg_field {
    struct str name;  /* as it was written */
    struct str value; /* empty for a switch */
};

struct args {
    char **words; /* the command and its operands */
    size_t count;
    unsigned times[OPTION_COUNT];
    struct str value[OPTION_COUNT]; /* the last one given */
    struct arg_field fields[ARGS_FIELDS_MOST];
    size_t field_count;
};

/* argv, without its first word; its pointers are moved about. */
enum err args_parse(size_t count, char **argv, struct args *a, struct fault *f);

/* Whether name, in which '-' stands for '_', is that of field. */
bool args_names(struct str name, const char *field);

/* Fills request from the operands, in the order of its fields, and from the options. A last TEXT
 * field takes all operands that are left, joined by blanks in joined. command names it in errors.
 */
struct buf;
enum err args_fill(const struct args *a, const char *command, const struct shape *shape,
                   char *const *operands, size_t count, struct buf *joined, void *request,
                   struct fault *f);

/* A time as people write it, "5", "0.5", "5s", "200ms" or "2min", in whole milliseconds, a begun
 * one counted as one. False for anything else, for none at all and for more than a day. */
bool args_time(struct str text, uint64_t *ms);

/* How many operands a request takes: SIZE_MAX for any number above least. */
void args_wants(const struct shape *shape, size_t *least, size_t *most);

#endif
