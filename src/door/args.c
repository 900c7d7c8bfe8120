#include "door/args.h"

#include "base/buf.h"
#include "base/near.h"

static const struct option_row rows[OPTION_COUNT] = {
#define OPTION(id, letter, name, value, words, command, help)                                      \
    [OPTION_##id] = { name, value, words, help, command, letter },
#include "door/options.def"
#undef OPTION
};

const struct option_row *option_row(enum option o)
{
    return &rows[o];
}

bool args_names(struct str name, const char *field)
{
    for (size_t i = 0; i < name.len; i++)
        if (!field[i] || name.at[i] != (field[i] == '_' ? '-' : field[i])) return false;
    return !field[name.len];
}

bool op_in_words(enum op op)
{
    static const bool open[] = {
        [SERVED_INDEX] = true,       [SERVED_BROKER] = true, [SERVED_PACKAGES] = true,
        [SERVED_CONNECTION] = false, [SERVED_HOUSE] = false, [SERVED_NONE] = false,
    };
    const struct shape *shape = shape_of(op_row(op)->request);
    if (!open[op_row(op)->served]) return false;
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].type > TYPE_str || shape->fields[i].many == MANY_list) return false;
    return true;
}

/* The optional field of any operation's request that name stands for. */
static const struct field *find_field(struct str name)
{
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (!op_in_words(op)) continue;
        const struct shape *shape = shape_of(op_row(op)->request);
        for (size_t i = 0; i < shape->count; i++)
            if (shape->fields[i].many == MANY_opt && args_names(name, shape->fields[i].name))
                return &shape->fields[i];
    }
    return NULL;
}

static enum err unknown_option(struct str name, struct fault *f)
{
    struct near n = near_make(name);
    for (enum option o = 0; o < OPTION_COUNT; o++) near_offer(&n, str_of(rows[o].name));
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (!op_in_words(op)) continue;
        const struct shape *shape = shape_of(op_row(op)->request);
        for (size_t i = 0; i < shape->count; i++)
            if (shape->fields[i].many == MANY_opt) near_offer(&n, str_of(shape->fields[i].name));
    }
    if (!n.best.len)
        return fail(f, ERR_INVALID_PARAMS, "there is no option '--%.*s'", STR_ARG(name));
    return fail(f, ERR_INVALID_PARAMS, "there is no option '--%.*s'; did you mean '--%.*s'?",
                STR_ARG(name), STR_ARG(n.best));
}

/* --- sorting the words ------------------------------------------------------------------- */

struct sorter {
    struct args *args;
    char **next, **end;
    struct fault *fault;
};

/* The value of an option: behind its '=' or the next word. */
static enum err take_value(struct sorter *s, struct str name, struct str written, bool attached,
                           struct str *value)
{
    *value = written;
    if (attached) return OK;
    if (s->next == s->end)
        return fail(s->fault, ERR_INVALID_PARAMS, "option '--%.*s' needs a value", STR_ARG(name));
    *value = str_of(*s->next++);
    return OK;
}

static enum err no_value(struct sorter *s, struct str name, bool attached)
{
    if (!attached) return OK;
    return fail(s->fault, ERR_INVALID_PARAMS, "option '--%.*s' takes no value", STR_ARG(name));
}

static enum err take_field(struct sorter *s, const struct field *field, struct str name,
                           struct str written, bool attached)
{
    struct args *a = s->args;
    if (a->field_count == ARGS_FIELDS_MOST)
        return fail(s->fault, ERR_INVALID_PARAMS, "there are too many options");
    struct arg_field *to = &a->fields[a->field_count++];
    *to = (struct arg_field){ .name = name };
    if (field->type == TYPE_bool) return no_value(s, name, attached);
    return take_value(s, name, written, attached, &to->value);
}

static enum err take_long(struct sorter *s, struct str word)
{
    struct str name = str_head(word, str_chr(word, '='));
    struct str written = str_from(word, name.len + 1);
    bool attached = name.len < word.len;
    for (enum option o = 0; o < OPTION_COUNT; o++) {
        if (!str_eq(str_of(rows[o].name), name)) continue;
        s->args->times[o]++;
        return *rows[o].value ? take_value(s, name, written, attached, &s->args->value[o])
                              : no_value(s, name, attached);
    }
    const struct field *field = find_field(name);
    if (!field) return unknown_option(name, s->fault);
    return take_field(s, field, name, written, attached);
}

/* Short options take no values, so that several may share a dash. */
static enum err take_short(struct sorter *s, struct str letters)
{
    for (size_t i = 0; i < letters.len; i++) {
        enum option o = 0;
        while (o < OPTION_COUNT && rows[o].letter != letters.at[i]) o++;
        if (o == OPTION_COUNT)
            return fail(s->fault, ERR_INVALID_PARAMS, "there is no option '-%c'", letters.at[i]);
        s->args->times[o]++;
    }
    return OK;
}

enum err args_parse(size_t count, char **argv, struct args *a, struct fault *f)
{
    struct sorter s = { .args = a, .next = argv, .end = argv + count, .fault = f };
    enum err e = OK;
    bool options = true;

    *a = (struct args){ .words = argv };
    while (!e && s.next < s.end) {
        struct str word = str_of(*s.next);
        char *kept = *s.next++;
        if (options && str_eq(word, S("--"))) options = false;
        else if (options && str_starts(word, S("--"))) e = take_long(&s, str_from(word, 2));
        else if (options && word.len > 1 && word.at[0] == '-')
            e = take_short(&s, str_from(word, 1));
        else a->words[a->count++] = kept;
    }
    return e;
}

/* --- values ------------------------------------------------------------------------------ */

static bool take_unit(struct str unit, uint64_t *ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = { { "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "min", 60000 } };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!str_eq(str_of(units[i].name), unit)) continue;
        *ms = units[i].ms;
        return true;
    }
    return false;
}

bool args_time(struct str text, uint64_t *ms)
{
    enum { DIGITS = 9, DAY_MS = 86400000 };
    uint64_t whole = 0, part = 0, scale = 1, unit;
    size_t digits = 0, at = 0;
    while (at < text.len && ascii_digit(text.at[at])) at++;
    if (at > DIGITS || (at && !str_u64(str_head(text, at), &whole))) return false;
    digits = at;
    if (at < text.len && text.at[at] == '.') {
        for (at++; at < text.len && ascii_digit(text.at[at]); at++, digits++) {
            if (scale >= 1000000000) continue; /* beyond a nanosecond */
            part = part * 10 + (uint64_t)(text.at[at] - '0');
            scale *= 10;
        }
    }
    if (!digits || !take_unit(str_from(text, at), &unit)) return false;
    *ms = whole * unit + (part * unit + scale - 1) / scale;
    return *ms > 0 && *ms <= DAY_MS;
}

/* --- filling a request ------------------------------------------------------------------- */

void args_wants(const struct shape *shape, size_t *least, size_t *most)
{
    *least = *most = 0;
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        if (field->many == MANY_one) (*least)++;
        if (*most < SIZE_MAX) *most += field->many == MANY_one;
        if (field->many == MANY_list || (field->many == MANY_one && field->view == VIEW_TEXT))
            *most = SIZE_MAX;
    }
}

/* What a number may be, by its type; reads it into 64 bits. */
static bool read_whole(enum type type, struct str text, uint64_t *n)
{
    static const uint64_t most[] = {
        [TYPE_u8] = UINT8_MAX, [TYPE_u32] = UINT32_MAX, [TYPE_u64] = UINT64_MAX
    };
    int64_t i;
    if (type <= TYPE_u64) return str_u64(text, n) && *n <= most[type];
    if (!str_i64(text, &i) || (type == TYPE_i32 && (i < INT32_MIN || i > INT32_MAX))) return false;
    *n = (uint64_t)i;
    return true;
}

static enum err put_word(const char *what, const struct field *field, struct str text, void *to,
                         struct fault *f)
{
    uint64_t n = 0;
    switch (field->type) {
    case TYPE_str: *(struct str *)to = text; return OK;
    case TYPE_bool: *(bool *)to = true; return OK;
    case TYPE_u8:
    case TYPE_u32:
    case TYPE_u64:
    case TYPE_i32:
    case TYPE_i64: break;
    case TYPE_f64:
    case TYPE_bytes:
    case TYPE_request:
    case TYPE_response:
    case TYPE_message: return fail(f, ERR_UNSUPPORTED, "%s cannot be given in words", what);
    }
    if (!read_whole(field->type, text, &n))
        return fail(f, ERR_INVALID_PARAMS, "%s has to be a whole number, not '%.*s'", what,
                    STR_ARG(str_head(text, 64)));
    if (field->size == 1) *(uint8_t *)to = (uint8_t)n;
    else if (field->size == 4) *(uint32_t *)to = (uint32_t)n;
    else *(uint64_t *)to = n;
    return OK;
}

static enum err put_option(const struct arg_field *given, const char *command,
                           const struct shape *shape, void *request, struct fault *f)
{
    char what[40] = "--";
    struct str name = str_head(given->name, sizeof what - 3);
    memcpy(what + 2, name.at, name.len);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        if (field->many != MANY_opt || !args_names(given->name, field->name)) continue;
        *((bool *)((char *)request + field->offset)) = true;
        return put_word(what, field, given->value, (char *)request + field->value_offset, f);
    }
    return fail(f, ERR_INVALID_PARAMS, "%s has no option '%s'", command, what);
}

static struct str join(char *const *words, size_t count, struct buf *joined)
{
    if (count == 1) return str_of(words[0]);
    for (size_t i = 0; i < count; i++) {
        if (i) buf_byte(joined, ' ');
        buf_str(joined, str_of(words[i]));
    }
    return buf_view(joined);
}

static enum err count_operands(const char *command, const struct shape *shape, size_t count,
                               struct fault *f)
{
    size_t least, most;
    args_wants(shape, &least, &most);
    if (count > most && most == 0)
        return fail(f, ERR_INVALID_PARAMS, "%s takes no operands", command);
    if (count > most) return fail(f, ERR_INVALID_PARAMS, "%s has too many operands", command);
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].many == MANY_one && count < least)
            return fail(f, ERR_INVALID_PARAMS, "%s needs a %s", command, shape->fields[i].name);
    return OK;
}

enum err args_fill(const struct args *a, const char *command, const struct shape *shape,
                   char *const *operands, size_t count, struct buf *joined, void *request,
                   struct fault *f)
{
    size_t next = 0;
    enum err e = count_operands(command, shape, count, f);
    memset(request, 0, shape->size);
    for (size_t i = 0; i < shape->count && !e; i++) {
        const struct field *field = &shape->fields[i];
        if (field->many != MANY_one) continue;
        bool rest = field->view == VIEW_TEXT && field->type == TYPE_str;
        size_t taken = rest ? count - next : 1;
        struct str text = join(operands + next, taken, joined);
        if (joined->full) return fail(f, ERR_INVALID_PARAMS, "the %s is too long", field->name);
        e = put_word(field->name, field, text, (char *)request + field->value_offset, f);
        next += taken;
    }
    for (size_t i = 0; i < a->field_count && !e; i++)
        e = put_option(&a->fields[i], command, shape, request, f);
    return e;
}
