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
    { "ping", "With -v, and on a terminal, it tells how long the answer took." },
    { "metrics",
      "With --format openmetrics it prints OpenMetrics text, for Prometheus and others." },
    { "refresh", "The daemon looks for changes by itself; this waits until it has." },
    { "daemon",
      "It stays in the foreground unless --detach is given, and ends by Ctrl-C or SIGTERM. "
      "Started as omgd the program is the daemon." },
    { "shell",
      "A bare `omg` on a terminal is the same. Every command is there, with the same options, and "
      "words are quoted as in other shells. Tab completes, the arrow keys and Ctrl-R go through "
      "what was asked before, Ctrl-C drops a line or ends a command, Ctrl-D leaves. Lines "
      "that begin with a blank are not remembered. Options given to shell itself hold for "
      "every line. When standard input is no terminal, its lines are run one after the "
      "other; the exit status is the highest." },
    { "time", "It tells how long the calls took, from question to answer, and how long all took, "
              "printing included." },
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

/* What every command has (command is ""), or what only the one named has. */
static void option_items(struct pen *p, const char *command, bool *any)
{
    for (enum option o = 0; o < OPTION_COUNT; o++) {
        if (!str_eq(str_of(option_row(o)->command), str_of(command))) continue;
        if (!*any) heading(p, "Options");
        *any = true;
        option_item(p, option_row(o));
    }
}

static void all_help(struct pen *p, bool shell)
{
    static const char *const groups[] = {
        [GROUP_PACKAGES] = "Packages",
        [GROUP_DAEMON] = "The daemon",
        [GROUP_MORE] = "More",
        [GROUP_SHELL] = "In this shell",
    };
    struct command command;
    enum group group = GROUPS;
    bool options = false;
    if (!shell) sentence(p, "Usage: omg [OPTION…] COMMAND [OPERAND…]");
    sentence(p, "Answers questions about the packages of this machine.");
    for (size_t i = 0; command_at(i, &command); i++) {
        bool here = shell ? command_in_shell(&command) : command.group != GROUP_SHELL;
        if (!*command.help || !here) continue;
        if (command.group != group) heading(p, groups[command.group]);
        group = command.group;
        command_item(p, &command);
    }
    option_items(p, "", &options);
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

static void request_help(struct pen *p, const struct shape *shape, bool *options)
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
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].many != MANY_opt) continue;
        if (!*options) heading(p, "Options");
        *options = true;
        field_item(p, &shape->fields[i]);
    }
}

/* The operations of a command, by their words. */
static void words_help(struct pen *p, const struct command *command)
{
    struct str rest = command_words(command), word;
    enum op op;
    if (!command_word(command, STR_NONE, &op)) return;
    heading(p, "Operands");
    item(p, S("none"), op_row(op)->help);
    while (str_cut(&rest, '|', &word))
        if (command_word(command, word, &op)) item(p, word, op_row(op)->help);
}

static void command_help(struct pen *p, const struct command *command)
{
    pen_put(p, S("Usage: omg "), SIZE_MAX);
    pen_put(p, str_of(command->name), SIZE_MAX);
    pen_put(p, S(" [OPTION…]"), SIZE_MAX);
    if (*command->operands) pen_put(p, S(" "), SIZE_MAX);
    pen_put(p, str_of(command->operands), SIZE_MAX);
    pen_break(p, 0);
    sentence(p, command->help);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (!str_eq(str_of(notes[i].command), str_of(command->name))) continue;
        pen_break(p, 0);
        sentence(p, notes[i].text);
    }
    bool options = false;
    option_items(p, command->name, &options);
    words_help(p, command);
    if (command->op != OP_COUNT) {
        request_help(p, shape_of(op_row(command->op)->request), &options);
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
    else if (itself && c->args.count > 1)
        e = command_find(str_of(c->args.words[1]), c->shell, &about, &f);
    if (e) return cli_error(c, e, &f, NULL);
    if (about.main == help_main) all_help(&p, c->shell);
    else command_help(&p, &about);
    return 0;
}

int version_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    enum err e = cli_no_operands(c, command, &f);
    if (e) return cli_error(c, e, &f, NULL);
    if (c->screen.form == FORM_JSON) buf_str(&c->out, S("{\"version\":\"" OMG_VERSION "\"}\n"));
    else buf_str(&c->out, S("omg " OMG_VERSION "\n"));
    return 0;
}

int schema_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    enum err e = cli_no_operands(c, command, &f);
    if (e) return cli_error(c, e, &f, NULL);
    schema_print(&c->out, c->screen.form);
    return 0;
}
