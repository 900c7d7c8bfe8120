#include "door/offer.h"

#include "base/number.h"
#include "door/commands.h"
#include "door/words.h"
#include "wire/limits.h"
#include "wire/pen.h"

enum {
    OFFERS_MOST = 5000,
    ARENA_MOST = 4 << 20,
    GAP = 2,
};

/* --- where the line ends ----------------------------------------------------------------- */

enum where { NOWHERE, AT_COMMAND, AT_TOPIC, AT_WORD, AT_PACKAGE, AT_OPTION, AT_VALUE };

struct place {
    enum where where;
    struct command command; /* where there is one before */
    bool command_there;
    size_t operands;
    struct str stem;   /* what the word is so far */
    size_t from;       /* where it begins, for AT_VALUE behind a '=' where the value does */
    struct str words;  /* for AT_VALUE and AT_WORD: what there is, parted by '|' */
    struct str needed; /* for AT_VALUE: the name of the value */
};

/* The value that an option takes; false for a switch, and for what is none. */
static bool takes_value(struct str name, struct place *p)
{
    for (enum option o = 0; o < OPTION_COUNT; o++) {
        const struct option_row *row = option_row(o);
        if (!str_eq(str_of(row->name), name)) continue;
        p->words = str_of(row->words);
        p->needed = str_of(row->value);
        return p->needed.len > 0;
    }
    for (enum op op = 0; op < OP_COUNT; op++) {
        const struct shape *shape = shape_of(op_row(op)->request);
        for (size_t i = 0; op_in_words(op) && i < shape->count; i++) {
            const struct field *f = &shape->fields[i];
            if (f->many != MANY_opt || !args_names(name, f->name)) continue;
            p->words = STR_NONE;
            p->needed = f->type == TYPE_str ? S("TEXT") : S("N");
            return f->type != TYPE_bool;
        }
    }
    return false;
}

/* Takes the words before the last into account; gives whether the last is an option's value. */
static bool walk(const struct words *w, size_t before, struct place *p, bool *options)
{
    bool value = false;
    *options = true;
    for (size_t i = 0; i < before; i++) {
        struct str word = str_of(w->at[i]);
        if (value) value = false;
        else if (*options && str_eq(word, S("--"))) *options = false;
        else if (*options && str_starts(word, S("--")))
            value = str_chr(word, '=') == word.len && takes_value(str_from(word, 2), p);
        else if (*options && word.len > 1 && word.at[0] == '-') continue;
        else if (p->command_there) p->operands++;
        else if (command_find(word, true, &p->command, NULL)) p->operands++; /* no such command */
        else p->command_there = p->command.main != time_main; /* behind `time` comes another */
        if (!p->command_there && p->operands) return false;
    }
    return value;
}

static enum where where_of(struct place *p)
{
    if (!p->command_there) return p->operands ? NOWHERE : AT_COMMAND;
    if (command_takes_packages(&p->command)) return AT_PACKAGE;
    if (p->operands) return NOWHERE;
    if (p->command.main == help_main) return AT_TOPIC;
    p->words = command_words(&p->command);
    return p->words.len ? AT_WORD : NOWHERE;
}

static struct place find_place(struct str line, struct words *w)
{
    struct place p = { .where = NOWHERE };
    bool options;
    if (words_split(line, w, NULL) && !w->open) return p;
    bool fresh = w->last_from == line.len; /* a new word would begin */
    if (w->comment || (!fresh && !w->count)) return p;
    size_t before = fresh ? w->count : w->count - 1;
    p.stem = fresh ? STR_NONE : str_of(w->at[before]);
    p.from = w->last_from;
    bool value = walk(w, before, &p, &options);
    size_t equals = str_chr(p.stem, '=');
    if (value) {
        p.where = AT_VALUE;
    } else if (options && str_starts(p.stem, S("--")) && equals < p.stem.len) {
        struct str name = str_from(str_head(p.stem, equals), 2);
        p.where = takes_value(name, &p) ? AT_VALUE : NOWHERE;
        p.from += str_chr(str_from(line, p.from), '=') + 1;
        p.stem = str_from(p.stem, equals + 1);
    } else if (options && str_starts(p.stem, S("-"))) {
        p.where = AT_OPTION;
    } else {
        p.where = where_of(&p);
    }
    return p;
}

/* --- what may stand there ---------------------------------------------------------------- */

static void add(struct offers *o, struct str stem, struct str name, const char *help)
{
    if (!str_starts(name, stem) || o->count == OFFERS_MOST) return;
    for (size_t i = 0; i < o->count && *help; i++) /* options of several commands */
        if (str_eq(o->at[i].name, name)) return;
    struct str copy = arena_copy(&o->arena, name);
    if (copy.at) o->at[o->count++] = (struct offer){ copy, help };
}

static void add_commands(struct offers *o, struct str stem)
{
    struct command c;
    for (size_t i = 0; command_at(i, &c); i++)
        if (*c.help && command_in_shell(&c)) add(o, stem, str_of(c.name), c.help);
}

static void add_words(struct offers *o, struct str stem, struct str words)
{
    struct str word;
    while (str_cut(&words, '|', &word)) add(o, stem, word, "");
}

static void add_option(struct offers *o, struct str stem, const char *name, const char *help)
{
    char room[64] = "--";
    size_t at = 2;
    for (; *name && at + 1 < sizeof room; name++) room[at++] = *name == '_' ? '-' : *name;
    add(o, stem, (struct str){ room, at }, help);
}

static void add_options(struct offers *o, const struct place *p)
{
    bool any = p->command_there;
    if (any && p->command.op != OP_COUNT) {
        const struct shape *shape = shape_of(op_row(p->command.op)->request);
        for (size_t i = 0; i < shape->count; i++)
            if (shape->fields[i].many == MANY_opt)
                add_option(o, p->stem, shape->fields[i].name, shape->fields[i].help);
    }
    for (enum option i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_row(i);
        if (*row->command && !(any && str_eq(str_of(row->command), str_of(p->command.name))))
            continue;
        add_option(o, p->stem, row->name, row->help);
    }
}

static void add_packages(struct offers *o, struct str stem, offer_names *names, void *data)
{
    struct str *found;
    size_t count;
    if (!names || names(data, stem, OFFERS_MOST, &found, &count)) return;
    for (size_t i = 0; i < count; i++)
        if (!limits_name(found[i], NULL)) add(o, stem, found[i], "");
    o->more = count == OFFERS_MOST;
}

static struct str common_of(const struct offers *o, struct str stem)
{
    if (!o->count || o->more) return stem;
    struct str common = o->at[0].name;
    for (size_t i = 1; i < o->count; i++) {
        size_t n = 0;
        struct str name = o->at[i].name;
        while (n < common.len && n < name.len && common.at[n] == name.at[n]) n++;
        common.len = n;
    }
    return common;
}

enum err offers_find(struct offers *o, struct str line, offer_names *names, void *data)
{
    struct words w;
    struct place p = find_place(line, &w);
    *o = (struct offers){ .from = p.from };
    enum err e = arena_open(&o->arena, ARENA_MOST);
    if (e) return e;
    o->at = arena_array(&o->arena, OFFERS_MOST, sizeof o->at[0]);
    if (!o->at) return ERR_RESOURCE_LIMIT;
    switch (p.where) {
    case NOWHERE: break;
    case AT_COMMAND:
    case AT_TOPIC: add_commands(o, p.stem); break;
    case AT_WORD:
    case AT_VALUE: add_words(o, p.stem, p.words); break;
    case AT_PACKAGE: add_packages(o, p.stem, names, data); break;
    case AT_OPTION: add_options(o, &p); break;
    }
    o->common = arena_copy(&o->arena, common_of(o, p.stem));
    return OK;
}

void offers_close(struct offers *o)
{
    if (o->arena.at) arena_close(&o->arena);
    *o = (struct offers){ 0 };
}

/* --- as people see them ------------------------------------------------------------------ */

static size_t widest(const struct offers *o)
{
    size_t most = 0;
    for (size_t i = 0; i < o->count; i++)
        if (o->at[i].name.len > most) most = o->at[i].name.len;
    return most;
}

static void put_explained(struct pen *p, const struct offer *offer, size_t margin)
{
    pen_put(p, offer->name, p->width - 1);
    if (p->at + GAP < p->width && margin + 3 * GAP < p->width) {
        pen_pad(p, margin);
        pen_begin(p, "2");
        pen_put(p, str_of(offer->help), p->width - 1 - p->at);
        pen_end(p, "2");
    }
    pen_break(p, 0);
}

void offers_print(const struct offers *o, const struct screen *s, size_t rows, struct buf *out)
{
    struct pen p = { .out = out, .width = s->width > GAP ? s->width : 80, .colour = s->colour };
    size_t wide = widest(o) + GAP, columns = o->count && *o->at[0].help ? 1 : (p.width - 1) / wide;
    if (!columns) columns = 1;
    size_t lines = (o->count + columns - 1) / columns, shown = lines > rows ? rows - 1 : lines;
    for (size_t row = 0; row < shown; row++) {
        if (*o->at[row].help) {
            put_explained(&p, &o->at[row], wide);
            continue;
        }
        for (size_t i = 0; i < columns && i * shown + row < o->count; i++) {
            pen_pad(&p, i * wide);
            pen_put(&p, o->at[i * shown + row].name, p.width - 1);
        }
        pen_break(&p, 0);
    }
    if (shown == lines && !o->more) return;
    pen_begin(&p, "2");
    buf_str(out, o->more ? S("… and more than ") : S("… and "));
    number_put(out, o->count > shown * columns ? o->count - shown * columns : 0);
    buf_str(out, S(" more"));
    pen_end(&p, "2");
    pen_break(&p, 0);
}

void offers_hint(struct str line, struct buf *out)
{
    struct words w;
    struct command c;
    struct place p = find_place(line, &w);
    if (w.open) return;
    if (p.where == AT_VALUE) {
        if (!p.stem.len) buf_str(out, p.words.len ? p.words : p.needed);
    } else if (p.where == AT_COMMAND && p.stem.len && !command_find(p.stem, true, &c, NULL)) {
        if (*c.operands) buf_byte(out, ' ');
        buf_str(out, str_of(c.operands));
    } else if (p.command_there && !p.operands && !p.stem.len) {
        buf_str(out, str_of(p.command.operands));
    } else if (!p.command_there && w.count == 1 && p.where == AT_COMMAND && !p.stem.len) {
        buf_str(out, S("COMMAND…")); /* behind `time` */
    }
}
