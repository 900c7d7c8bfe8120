#include "door/commands.h"

#include "base/near.h"

static const struct row {
    const char *name, *operands, *help;
    command_main *main;
    enum power power;
} rows[] = {
#define COMMAND(name, main, power, operands, help) { name, operands, help, main, power },
#include "door/commands.def"
#undef COMMAND
};

enum { ROWS = sizeof rows / sizeof rows[0] };

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

/* Whether an operation can be asked for in words: it is answered at all, and no field holds other
 * messages. */
static bool in_words(const struct op_row *row)
{
    const struct shape *shape = shape_of(row->request);
    if (row->served > SERVED_PACKAGES) return false;
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].type > TYPE_str || shape->fields[i].many == MANY_list) return false;
    return true;
}

static void describe_op(enum op op, struct command *c)
{
    const struct op_row *row = op_row(op);
    const struct shape *shape = shape_of(row->request);
    *c = (struct command){ .help = row->help, .main = op_main, .power = POWER_NONE, .op = op };
    append(c->name, sizeof c->name, row->name, dashed);
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].many != MANY_one) continue;
        if (*c->operands) append(c->operands, sizeof c->operands, " ", NULL);
        append(c->operands, sizeof c->operands, shape->fields[i].name, capital);
    }
    if (*c->operands) append(c->operands, sizeof c->operands, "…", NULL);
}

/* The operations of the index before those of the daemon. */
static bool op_at(size_t place, struct command *c)
{
    for (enum op_served served = SERVED_INDEX; served < SERVED_NONE; served++) {
        for (enum op op = 0; op < OP_COUNT; op++) {
            if (op_row(op)->served != served || !in_words(op_row(op))) continue;
            if (place-- > 0) continue;
            describe_op(op, c);
            return true;
        }
    }
    return false;
}

static void describe_row(const struct row *row, struct command *c)
{
    *c = (struct command){
        .help = row->help, .main = row->main, .power = row->power, .op = OP_COUNT
    };
    append(c->name, sizeof c->name, row->name, NULL);
    append(c->operands, sizeof c->operands, row->operands, NULL);
}

bool command_at(size_t place, struct command *c)
{
    size_t ops = 0;
    for (enum op op = 0; op < OP_COUNT; op++) ops += in_words(op_row(op));
    if (place < ops) return op_at(place, c);
    if (place - ops >= ROWS) return false;
    describe_row(&rows[place - ops], c);
    return true;
}

enum err command_find(struct str name, struct command *c, struct fault *f)
{
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (!in_words(op_row(op)) || !args_names(name, op_row(op)->name)) continue;
        describe_op(op, c);
        return OK;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (!str_eq(str_of(rows[i].name), name)) continue;
        describe_row(&rows[i], c);
        return OK;
    }
    struct near n = near_make(name);
    char best[sizeof c->name] = "";
    for (size_t i = 0; command_at(i, c); i++) {
        size_t was = n.distance;
        if (*c->help) near_offer(&n, str_of(c->name));
        if (n.distance != was) memcpy(best, c->name, sizeof best);
    }
    if (!*best)
        return fail(f, ERR_INVALID_PARAMS, "there is no command '%.*s'",
                    STR_ARG(str_head(name, 64)));
    return fail(f, ERR_INVALID_PARAMS, "there is no command '%.*s'; did you mean '%s'?",
                STR_ARG(str_head(name, 64)), best);
}
