#include "door/commands.h"

#include "base/near.h"

static const struct row {
    const char *name, *operands, *help;
    command_main *main;
    enum power power;
    enum group group;
} rows[] = {
#define COMMAND(name, main, power, group, operands, help)                                          \
    { name, operands, help, main, POWER_##power, GROUP_##group },
#define WORD(command, word, op)
#define MAIN(op, main)
#include "door/commands.def"
#undef COMMAND
#undef WORD
#undef MAIN
};

static const struct word {
    const char *command, *word;
    enum op op;
} words[] = {
#define COMMAND(name, main, power, group, operands, help)
#define WORD(command, word, op) { command, word, OP_##op },
#define MAIN(op, main)
#include "door/commands.def"
#undef COMMAND
#undef WORD
#undef MAIN
};

static command_main *const mains[OP_COUNT] = {
#define COMMAND(name, main, power, group, operands, help)
#define WORD(command, word, op)
#define MAIN(op, main) [OP_##op] = main,
#include "door/commands.def"
#undef COMMAND
#undef WORD
#undef MAIN
};

enum { ROWS = sizeof rows / sizeof rows[0], WORDS = sizeof words / sizeof words[0] };

static void append(char *to, size_t room, const char *text, char (*change)(char))
{
    size_t at = strlen(to);
    for (; *text && at + 1 < room; text++) to[at++] = change ? change(*text) : *text;
    to[at] = 0;
}

static char dashed(char c)
{
    return c == '_' ? '-' : c;
}

static char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Whether an operation is a command of its own. */
static bool stands_alone(enum op op)
{
    for (size_t i = 0; i < WORDS; i++)
        if (words[i].op == op) return false;
    return op_in_words(op);
}

static enum group group_of(enum op op)
{
    return str_starts(str_of(op_row(op)->capability), S("package.")) ? GROUP_PACKAGES
                                                                     : GROUP_DAEMON;
}

static void describe_op(enum op op, struct command *c)
{
    const struct op_row *row = op_row(op);
    const struct shape *shape = shape_of(row->request);
    *c = (struct command){
        .help = row->help, .main = mains[op] ? mains[op] : op_main, .group = group_of(op), .op = op
    };
    append(c->name, sizeof c->name, row->name, dashed);
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].many != MANY_one) continue;
        if (*c->operands) append(c->operands, sizeof c->operands, " ", NULL);
        append(c->operands, sizeof c->operands, shape->fields[i].name, capital);
    }
    if (*c->operands) append(c->operands, sizeof c->operands, "…", NULL);
}

static void describe_row(const struct row *row, struct command *c)
{
    *c = (struct command){ .help = row->help,
                           .main = row->main,
                           .power = row->power,
                           .group = row->group,
                           .op = OP_COUNT };
    append(c->name, sizeof c->name, row->name, NULL);
    append(c->operands, sizeof c->operands, row->operands, NULL);
}

bool command_at(size_t place, struct command *c)
{
    for (enum group g = 0; g < GROUPS; g++) {
        for (enum op op = 0; op < OP_COUNT; op++) {
            if (!stands_alone(op) || group_of(op) != g || place-- > 0) continue;
            describe_op(op, c);
            return true;
        }
        for (size_t i = 0; i < ROWS; i++) {
            if (rows[i].group != g || place-- > 0) continue;
            describe_row(&rows[i], c);
            return true;
        }
    }
    return false;
}

enum err command_find(struct str name, bool shell, struct command *c, struct fault *f)
{
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (!stands_alone(op) || !args_names(name, op_row(op)->name)) continue;
        describe_op(op, c);
        return OK;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (!str_eq(str_of(rows[i].name), name)) continue;
        if (rows[i].group == GROUP_SHELL && !shell) continue;
        describe_row(&rows[i], c);
        return OK;
    }
    struct near n = near_make(name);
    char best[sizeof c->name] = "";
    for (size_t i = 0; command_at(i, c); i++) {
        size_t was = n.distance;
        if (*c->help && (shell || c->group != GROUP_SHELL)) near_offer(&n, str_of(c->name));
        if (n.distance != was) memcpy(best, c->name, sizeof best);
    }
    if (!*best)
        return fail(f, ERR_INVALID_PARAMS, "there is no command '%.*s'",
                    STR_ARG(str_head(name, 64)));
    return fail(f, ERR_INVALID_PARAMS, "there is no command '%.*s'; did you mean '%s'?",
                STR_ARG(str_head(name, 64)), best);
}

bool command_in_shell(const struct command *c)
{
    return c->power == POWER_NONE && c->main != shell_main;
}

struct str command_words(const struct command *c)
{
    struct str s = str_of(c->operands);
    if (str_starts(s, S("[")) && str_ends(s, S("]"))) s = (struct str){ s.at + 1, s.len - 2 };
    return s.len && s.at[0] >= 'a' && s.at[0] <= 'z' ? s : STR_NONE;
}

bool command_takes_packages(const struct command *c)
{
    if (c->op == OP_COUNT || c->group != GROUP_PACKAGES) return false;
    const struct shape *shape = shape_of(op_row(c->op)->request);
    return shape->count && shape->fields[0].many == MANY_one && shape->fields[0].type == TYPE_str;
}

bool command_word(const struct command *c, struct str word, enum op *op)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (!str_eq(str_of(words[i].command), str_of(c->name))) continue;
        if (!str_eq(str_of(words[i].word), word)) continue;
        *op = words[i].op;
        return true;
    }
    return false;
}
