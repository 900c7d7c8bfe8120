/* Help, made from the tables: commands, options, the fields of requests. */
#include "base/version.h"
#include "door/commands.h"
#include "wire/json.h"
#include "wire/pen.h"
#include "wire/schema_print.h"

/* What the tables do not say. */
static const struct {
    const char *command, *text;
} notes[] = {
    { "search", "All words have to match. The exit status is 1 when nothing does." },
    { "info", "Several packages are shown one after the other; with --json each is a document of "
              "its own. The exit status is 1 when one of them does not exist." },
    { "suggest", "The exit status is 1 when no name is like it." },
    { "doctor", "The exit status is 10 when a check found a problem, else 0." },
    { "schema", "--format is text, json, markdown or mdoc (tables for a manual page)." },
    { "completion",
      "For bash: eval \"$(omg completion bash)\" in ~/.bashrc. For zsh: omg completion "
      "zsh > ~/.zfunc/_omg, in a folder of $fpath. For fish: omg completion fish > "
      "~/.config/fish/completions/omg.fish." },
};

enum { INDENT = 2, MARGIN = 18 };

static struct pen pen_of(struct cli *c)
{
    return (struct pen){ .out = &c->out, .width = c->screen.width, .colour = c->screen.colour };
}

static void heading(struct pen *p, const char *text)
{
    pen_break(p, 0);
    pen_begin(p, "1");
    pen_put(p, str_of(text), SIZE_MAX);
    pen_end(p, "1");
    pen_break(p, 0);
}

/* "  term    what it is", the sentence on a line of its own where the term is too long. */
static void item(struct pen *p, struct str term, const char *text)
{
    size_t margin = p->width && p->width < 60 ? 2 * INDENT : MARGIN + INDENT;
    pen_pad(p, INDENT);
    pen_put(p, term, SIZE_MAX);
    if (p->at + 2 > margin) pen_break(p, margin);
    pen_pad(p, margin);
    pen_wrap(p, str_of(text), margin);
    pen_break(p, 0);
}

static void sentence(struct pen *p, const char *text)
{
    pen_wrap(p, str_of(text), 0);
    pen_break(p, 0);
}

static void option_item(struct pen *p, const struct option_row *row)
{
    char room[64];
    struct buf term = { .at = room, .room = sizeof room, .limit = sizeof room };
    if (row->letter) {
        buf_byte(&term, '-');
        buf_byte(&term, row->letter);
        buf_str(&term, S(", "));
    }
    buf_str(&term, S("--"));
    buf_str(&term, str_of(row->name));
    if (*row->value) buf_byte(&term, ' ');
    buf_str(&term, str_of(row->value));
    item(p, buf_view(&term), row->help);
}

/* An optional field of a request, as the option that it is. */
static void field_item(struct pen *p, const struct field *f)
{
    char room[64];
    struct buf term = { .at = room, .room = sizeof room, .limit = sizeof room };
    buf_str(&term, S("--"));
    for (const char *at = f->name; *at; at++) buf_byte(&term, *at == '_' ? '-' : *at);
    if (f->type == TYPE_str) buf_str(&term, S(" TEXT"));
    else if (f->type != TYPE_bool) buf_str(&term, S(" N"));
    item(p, buf_view(&term), f->help);
}

static void command_item(struct pen *p, const struct command *command)
{
    char room[96];
    struct buf term = { .at = room, .room = sizeof room, .limit = sizeof room };
    buf_str(&term, str_of(command->name));
    if (*command->operands) buf_byte(&term, ' ');
    buf_str(&term, str_of(command->operands));
    item(p, buf_view(&term), command->help);
}

static enum op_served group_of(const struct command *command)
{
    return command->op == OP_COUNT ? SERVED_NONE : op_row(command->op)->served;
}

static void all_help(struct pen *p)
{
    static const char *const groups[] = {
        [SERVED_INDEX] = "Packages",
        [SERVED_BROKER] = "The daemon, where it runs",
        [SERVED_NONE] = "More",
    };
    sentence(p, "Usage: omg [OPTION…] COMMAND [OPERAND…]");
    sentence(p, "Answers questions about the packages of this machine.");
    struct command command;
    enum op_served group = SERVED_NONE;
    for (size_t i = 0; command_at(i, &command); i++) {
        if (!*command.help) continue;
        if (i == 0 || group_of(&command) != group) heading(p, groups[group_of(&command)]);
        group = group_of(&command);
        command_item(p, &command);
    }
    heading(p, "Options");
    for (enum option o = 0; o < OPTION_COUNT; o++) option_item(p, option_row(o));
    heading(p, "Exit status");
    item(p, S("0"), "Found, or done.");
    item(p, S("1"), "Nothing found.");
    item(p, S("2"), "Wrong usage or settings.");
    item(p, S("3 and more"), "Errors: see the last table of `omg schema`.");
    pen_break(p, 0);
    sentence(p,
             "`omg help COMMAND` says more about a command. Settings are read from /etc/omg.conf "
             "and ~/.config/omg/omg.conf.");
}

static void request_help(struct pen *p, const struct shape *shape)
{
    bool any = false;
    for (size_t i = 0; i < shape->count; i++) {
        char room[64];
        struct buf term = { .at = room, .room = sizeof room, .limit = sizeof room };
        if (shape->fields[i].many != MANY_one) continue;
        for (const char *at = shape->fields[i].name; *at; at++)
            buf_byte(&term, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
        if (!any) heading(p, "Operands");
        any = true;
        item(p, buf_view(&term), shape->fields[i].help);
    }
    any = false;
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].many != MANY_opt) continue;
        if (!any) heading(p, "Options");
        any = true;
        field_item(p, &shape->fields[i]);
    }
}

static void command_help(struct pen *p, const struct command *command)
{
    pen_put(p, S("Usage: omg "), SIZE_MAX);
    pen_put(p, str_of(command->name), SIZE_MAX);
    pen_put(p, S(" [OPTION…] "), SIZE_MAX);
    pen_put(p, str_of(command->operands), SIZE_MAX);
    pen_break(p, 0);
    sentence(p, command->help);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (!str_eq(str_of(notes[i].command), str_of(command->name))) continue;
        pen_break(p, 0);
        sentence(p, notes[i].text);
    }
    if (command->op != OP_COUNT) {
        request_help(p, shape_of(op_row(command->op)->request));
        pen_break(p, 0);
        pen_wrap(p, S("With --json it prints the message"), 0);
        pen_piece(p, str_of(shape_of(op_row(command->op)->result)->name), 0);
        pen_wrap(p, S("of `omg schema`."), 0);
    } else {
        pen_break(p, 0);
    }
    sentence(p, "The options of every command are in `omg help`.");
}

/* `omg help`, `omg help COMMAND` and `omg COMMAND --help`. */
int help_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    struct command about = *command;
    struct pen p = pen_of(c);
    enum err e = OK;
    bool itself = about.main == help_main;
    if (itself && c->args.count > 2)
        e = fail(&f, ERR_INVALID_PARAMS, "help is about one command at a time");
    else if (itself && c->args.count > 1) e = command_find(str_of(c->args.words[1]), &about, &f);
    if (e) return cli_error(c, e, &f, NULL);
    if (about.main == help_main) all_help(&p);
    else command_help(&p, &about);
    return 0;
}

/* Refuses operands and options that a command without a request does not have. */
static enum err refuse_rest(struct cli *c, const struct command *command, struct fault *f)
{
    if (c->args.count > 1)
        return fail(f, ERR_INVALID_PARAMS, "%s takes no operands", command->name);
    if (c->args.field_count)
        return fail(f, ERR_INVALID_PARAMS, "%s has no option '--%.*s'", command->name,
                    STR_ARG(c->args.fields[0].name));
    return OK;
}

int version_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    enum err e = refuse_rest(c, command, &f);
    if (e) return cli_error(c, e, &f, NULL);
    if (c->screen.form == FORM_JSON) buf_str(&c->out, S("{\"version\":\"" OMG_VERSION "\"}\n"));
    else buf_str(&c->out, S("omg " OMG_VERSION "\n"));
    return 0;
}

int schema_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    enum err e = refuse_rest(c, command, &f);
    if (e) return cli_error(c, e, &f, NULL);
    schema_print(&c->out, c->screen.form);
    return 0;
}
