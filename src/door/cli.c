#include "door/cli.h"

#include "base/file.h"
#include "door/call.h"
#include "door/commands.h"
#include "wire/json.h"
#include "wire/pen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { OUT_MOST = 64 << 20 };

/* --- what the words and the terminal say ------------------------------------------------- */

static size_t columns_of(const char *text)
{
    uint64_t n;
    return text && str_u64(str_of(text), &n) && n > 0 && n <= 10000 ? (size_t)n : 80;
}

static void look_at_screen(struct screen *s)
{
    struct winsize size = { 0 };
    *s = (struct screen){ .terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 };
    if (!s->terminal) return;
    s->width = size.ws_col ? size.ws_col : columns_of(getenv("COLUMNS"));
    s->rows = size.ws_row;
}

static bool wants_colour(const struct cli *c)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (c->settings.color != WHEN_AUTO) return c->settings.color == WHEN_ALWAYS;
    return c->screen.terminal && !(no && *no) && !(term && str_eq(str_of(term), S("dumb")));
}

static enum err choose_form(struct cli *c, struct fault *f)
{
    const struct args *a = &c->args;
    uint64_t place = 0;
    bool json = a->times[OPTION_json], plain = a->times[OPTION_plain];
    if (json + plain + (a->times[OPTION_format] > 0) > 1)
        return fail(f, ERR_INVALID_PARAMS, "only one of --json, --plain and --format can be given");
    if (!a->times[OPTION_format]) {
        c->screen.form = json ? FORM_JSON : plain ? FORM_PLAIN : (enum form)c->settings.output;
        return OK;
    }
    if (!choice_place(option_row(OPTION_format)->words, a->value[OPTION_format], &place))
        return fail(f, ERR_INVALID_PARAMS, "--format has to be one of %s",
                    option_row(OPTION_format)->words);
    c->screen.form = (enum form)(FORM_TEXT + place);
    return OK;
}

static bool gives_form(const struct args *a)
{
    return a->times[OPTION_json] || a->times[OPTION_plain] || a->times[OPTION_format];
}

/* What a shell was started with holds for each of its lines that does not say otherwise. */
static void add_standing(struct args *a, const struct args *standing)
{
    bool form = gives_form(a);
    for (enum option o = 0; standing && o < OPTION_COUNT; o++) {
        bool of_form = o == OPTION_json || o == OPTION_plain || o == OPTION_format;
        if (a->times[o] || (form && of_form)) continue;
        a->times[o] = standing->times[o];
        a->value[o] = standing->value[o];
    }
}

/* Whether no setting matters: help, version and the like. */
static bool only_tells(const struct cli *c)
{
    const struct args *a = &c->args;
    struct command command;
    if (a->times[OPTION_help] || a->times[OPTION_version] || !a->count) return true;
    return !command_find(str_of(a->words[0]), c->shell, &command, NULL) &&
           command.group >= GROUP_MORE && command.power == POWER_NONE;
}

/* Settings with an error stop everything but what tells how to mend them. */
static enum err take_settings(struct cli *c, struct fault *f)
{
    enum err e = settings_read(&c->settings, f);
    if (!e || !only_tells(c)) return e;
    settings_standard(&c->settings);
    return OK;
}

enum err cli_begin(struct cli *c, size_t count, char **words, struct fault *f)
{
    c->out = buf_make(OUT_MOST);
    c->call_ns = c->calls = 0;
    c->timed = false;
    look_at_screen(&c->screen);
    settings_standard(&c->settings);
    enum err e = args_parse(count, words, &c->args, f);
    add_standing(&c->args, c->standing);
    if (!e) e = take_settings(c, f);
    if (!e && c->args.times[OPTION_color] &&
        !choice_place(option_row(OPTION_color)->words, c->args.value[OPTION_color],
                      &c->settings.color))
        e = fail(f, ERR_INVALID_PARAMS, "--color has to be one of %s",
                 option_row(OPTION_color)->words);
    if (!e) e = choose_form(c, f);
    c->screen.colour = wants_colour(c);
    return e;
}

/* --- which command ----------------------------------------------------------------------- */

/* Options of another command, and forms that only another one has. */
static enum err check_fitness(const struct cli *c, const struct command *command, struct fault *f)
{
    const char *owner = c->screen.form == FORM_OPENMETRICS ? "metrics" : "schema";
    struct str name = str_of(command->name);
    for (enum option o = 0; o < OPTION_COUNT; o++) {
        const struct option_row *row = option_row(o);
        if (*row->command && c->args.times[o] && !str_eq(str_of(row->command), name))
            return fail(f, ERR_INVALID_PARAMS, "%s has no option '--%s'", command->name, row->name);
    }
    if (c->screen.form > FORM_JSON && !str_eq(str_of(owner), name))
        return fail(f, ERR_INVALID_PARAMS, "%s has no form '%.*s'", command->name,
                    STR_ARG(c->args.value[OPTION_format]));
    return OK;
}

enum err cli_choose(struct cli *c, struct command *command, struct fault *f)
{
    static char help[] = "help", version[] = "version";
    static char *instead[1];
    if (c->args.times[OPTION_version]) instead[0] = version;
    else if (!c->args.count) instead[0] = help;
    else instead[0] = NULL;
    if (instead[0]) {
        c->args.words = instead;
        c->args.count = 1;
    }
    enum err e = command_find(str_of(c->args.words[0]), c->shell, command, f);
    if (e) return e;
    if (c->args.times[OPTION_help] && command->main != help_main) {
        c->args.count = 1;
        help_main(c, command);
        command->main = NULL;
        return OK;
    }
    return command->group == GROUP_SHELL ? OK : check_fitness(c, command, f);
}

enum err cli_no_operands(const struct cli *c, const struct command *command, struct fault *f)
{
    if (c->args.count > 1)
        return fail(f, ERR_INVALID_PARAMS, "%s takes no operands", command->name);
    if (c->args.field_count)
        return fail(f, ERR_INVALID_PARAMS, "%s has no option '--%.*s'", command->name,
                    STR_ARG(c->args.fields[0].name));
    return OK;
}

/* --- standard output and error ----------------------------------------------------------- */

int cli_end(struct cli *c, int status)
{
    struct fault f = { 0 };
    enum err e = OK;
    if (c->out.full) e = fail(&f, ERR_RESOURCE_LIMIT, "the answer is too large to be printed");
    else if (c->out.len) e = write_all(STDOUT_FILENO, buf_view(&c->out), &f);
    bool left = e && errno == EPIPE && !c->out.full;
    buf_free(&c->out);
    if (!e || left) return status;
    c->args.times[OPTION_json] = 0; /* there is nowhere to print to */
    c->screen.form = FORM_TEXT;
    return cli_error(c, e, &f, NULL);
}

void cli_close(struct cli *c)
{
    call_close(c);
}

/* The line for people; on a terminal it is broken between words. */
static void say_error(const struct cli *c, struct str said, struct str remedy)
{
    struct buf out = buf_make(16 << 10);
    struct pen p = { .out = &out };
    bool asks = str_ends(said, S("?")); /* names the remedy itself */
    if (c->screen.terminal && isatty(STDERR_FILENO)) p.width = c->screen.width;
    pen_wrap(&p, S("omg:"), 0);
    if (p.width) pen_wrap(&p, said, 0);
    else buf_byte(&out, ' '), pen_clean(&out, said);
    if (!asks) pen_put(&p, S("."), SIZE_MAX);
    if (!asks && remedy.len && p.width) pen_wrap(&p, remedy, 0);
    else if (!asks && remedy.len) buf_byte(&out, ' '), pen_clean(&out, remedy);
    pen_break(&p, 0);
    write_all(STDERR_FILENO, buf_view(&out), NULL);
    buf_free(&out);
}

int cli_error(struct cli *c, enum err e, const struct fault *f, const char *remedy)
{
    const struct err_row *row = err_row(e);
    struct str said = str_of(f && *f->text ? f->text : row->sentence);
    if (cli_cancelled(c)) return STATUS_INTERRUPTED; /* who asked for the end need not be told */
    while (str_ends(said, S("."))) said.len--;
    say_error(c, said, str_of(remedy ? remedy : row->remedy));
    if (c->screen.form == FORM_JSON || c->args.times[OPTION_json]) {
        json_write_error(&c->out, e, said, c->screen.terminal);
        buf_byte(&c->out, '\n');
    }
    return row->exit_status;
}
