#include "door/cli.h"

#include "base/file.h"
#include "client/client.h"
#include "door/commands.h"
#include "wire/json.h"
#include "wire/limits.h"
#include "wire/pen.h"
#include "wire/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    OUT_MOST = 64 << 20,
    JOINED_MOST = 64 << 10,
    NAMES_MOST = 1000000,
    SUGGESTED = 3,  /* names offered instead of one that is not there */
    CALLS_MOST = 3, /* when the index is taken away while an answer is printed */
    STATUS_NOTHING = 1,
    STATUS_PROBLEM = 10,
};

/* --- standard output and error ----------------------------------------------------------- */

static size_t columns_of(const char *text)
{
    uint64_t n;
    return text && str_u64(str_of(text), &n) && n > 0 && n <= 10000 ? (size_t)n : 80;
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

/* Whether no setting matters: help, version and the like. */
static bool only_tells(const struct args *a)
{
    struct command command;
    if (a->times[OPTION_help] || a->times[OPTION_version] || !a->count) return true;
    return !command_find(str_of(a->words[0]), &command, NULL) && command.op == OP_COUNT;
}

/* Settings with an error stop everything but what tells how to mend them. */
static enum err take_settings(struct cli *c, struct fault *f)
{
    enum err e = settings_read(&c->settings, f);
    if (!e || !only_tells(&c->args)) return e;
    settings_standard(&c->settings);
    return OK;
}

enum err cli_open(struct cli *c, size_t count, char **argv, struct fault *f)
{
    struct winsize size = { 0 };
    c->out = buf_make(OUT_MOST);
    c->screen = (struct screen){ .terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 };
    if (c->screen.terminal)
        c->screen.width = size.ws_col ? size.ws_col : columns_of(getenv("COLUMNS"));
    settings_standard(&c->settings);
    enum err e = args_parse(count, argv, &c->args, f);
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

int cli_flush(struct cli *c, int status)
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

int cli_error(struct cli *c, enum err e, const struct fault *f, const char *remedy)
{
    const struct err_row *row = err_row(e);
    struct str said = str_of(f && *f->text ? f->text : row->sentence);
    struct buf line = buf_make(16 << 10);
    while (str_ends(said, S("."))) said.len--;
    bool asks = str_ends(said, S("?")); /* names the remedy itself */
    buf_str(&line, S("omg: "));
    pen_clean(&line, said);
    if (!asks) buf_str(&line, S(". "));
    if (!asks) pen_clean(&line, str_of(remedy ? remedy : row->remedy));
    line.len -= str_ends(buf_view(&line), S(" ")); /* there was nothing to advise */
    buf_byte(&line, '\n');
    write_all(STDERR_FILENO, buf_view(&line), NULL);
    buf_free(&line);
    if (c->screen.form == FORM_JSON || c->args.times[OPTION_json]) {
        json_write_error(&c->out, e, said, c->screen.terminal);
        buf_byte(&c->out, '\n');
    }
    return row->exit_status;
}

/* --- what people expect beyond an answer --------------------------------------------------- */

static int judge_search(const void *result)
{
    return ((const struct search_result *)result)->total ? 0 : STATUS_NOTHING;
}

static int judge_suggest(const void *result)
{
    return ((const struct suggest_result *)result)->suggestions.len ? 0 : STATUS_NOTHING;
}

static int judge_doctor(const void *result)
{
    const struct doctor_result *r = result;
    for (size_t i = 0; i < r->checks.len; i++)
        if (str_eq(r->checks.at[i].state, S("problem"))) return STATUS_PROBLEM;
    return 0;
}

/* The exit status of an answer, where it is not always 0. */
static int (*const judges[OP_COUNT])(const void *) = {
    [OP_search] = judge_search,
    [OP_suggest] = judge_suggest,
    [OP_doctor] = judge_doctor,
};

/* A remedy for a package that is not there: names like it. */
static const char *suggest_names(struct client *client, struct str name, char *text, size_t room)
{
    size_t end = 0;
    while (end < name.len && !strchr(":=/", name.at[end])) end++;
    struct suggest_request q = { .query = str_head(name, end), .limit = { true, SUGGESTED } };
    struct suggest_result r;
    struct buf b = { .at = text, .room = room, .limit = room };
    if (client_call(client, OP_suggest, &q, &r, NULL) || !r.suggestions.len) return NULL;
    buf_str(&b, S("Did you mean "));
    for (size_t i = 0; i < r.suggestions.len && i < SUGGESTED; i++) {
        if (i) buf_str(&b, i + 1 < r.suggestions.len && i + 1 < SUGGESTED ? S(", ") : S(" or "));
        buf_str(&b, str_head(r.suggestions.at[i], PACKAGE_NAME_MOST));
    }
    buf_put(&b, "?", 2); /* and its NUL */
    return b.full || client_lost(client) ? NULL : text;
}

/* Only a name that does not exist at all can be a misspelt one. */
static int no_package(struct cli *c, struct client *client, struct str name, const struct fault *f)
{
    char names[1024];
    const char *remedy = ""; /* the sentence says what there is instead */
    if (str_starts(str_of(f->text), S(NO_SUCH_PACKAGE)))
        remedy = suggest_names(client, name, names, sizeof names);
    return cli_error(c, ERR_PACKAGE_NOT_FOUND, f, remedy);
}

/* --- operations -------------------------------------------------------------------------- */

static enum err open_client(const struct cli *c, struct client **client, struct fault *f)
{
    struct client_options o = {
        .root = c->args.times[OPTION_root] ? c->args.value[OPTION_root].at : NULL,
        .no_cache = c->args.times[OPTION_no_cache] > 0,
        .cache_folder = str_of(c->settings.cache_dir),
        .verbose = (int)c->args.times[OPTION_verbose],
    };
    return client_open(&o, client, f);
}

/* The words that were searched for, to be shown in what was found. */
static struct str searched_words(const struct shape *shape, const void *request)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        if (f->many == MANY_one && f->type == TYPE_str && f->view == VIEW_TEXT)
            return *(const struct str *)(const void *)((const char *)request + f->value_offset);
    }
    return STR_NONE;
}

static void render(struct cli *c, enum message m, const void *result, struct str words)
{
    const struct screen *s = &c->screen;
    if (s->form == FORM_JSON) {
        json_write(&c->out, m, result, s->terminal);
        buf_byte(&c->out, '\n');
        return;
    }
    bool pipe = !s->terminal && !s->colour;
    struct text_options o = {
        .width = s->width,
        .colour = s->colour,
        .plain = s->form == FORM_PLAIN || (s->form == FORM_AUTO && pipe && text_is_list(m)),
        .terminal = s->terminal,
        .words = words,
    };
    text_write(&c->out, m, result, &o);
}

/* One call, printed; made again while its answer is pulled away from under the printing. */
static int call_once(struct cli *c, struct client *client, enum op op, const void *request)
{
    const struct op_row *row = op_row(op);
    _Alignas(16) char result[512] = { 0 };
    struct fault f = { 0 };
    size_t kept = c->out.len;
    assert(shape_of(row->result)->size <= sizeof result);
    for (int i = 0; i < CALLS_MOST; i++) {
        enum err e = client_call(client, op, request, result, &f);
        if (e && client_lost(client)) continue;
        if (e == ERR_PACKAGE_NOT_FOUND && op == OP_info)
            return no_package(c, client, ((const struct info_request *)request)->package, &f);
        if (e) return cli_error(c, e, &f, NULL);
        render(c, row->result, result, searched_words(shape_of(row->request), request));
        int status = judges[op] ? judges[op](result) : 0;
        if (!client_lost(client)) return status;
        c->out.len = kept;
    }
    fault_print(&f, "the package data changed while it was read");
    return cli_error(c, ERR_BUSY, &f, NULL);
}

/* Whether each operand is a call of its own: the request has a single field that takes one. */
static bool is_one_by_one(const struct shape *shape)
{
    size_t least, most;
    args_wants(shape, &least, &most);
    return least == 1 && most == 1;
}

static int call_all(struct cli *c, const struct command *command, struct client *client,
                    struct buf *joined)
{
    enum message m = op_row(command->op)->request;
    const struct shape *shape = shape_of(m);
    char **operands = c->args.words + 1;
    size_t count = c->args.count - 1;
    size_t calls = is_one_by_one(shape) && count > 1 ? count : 1;
    _Alignas(16) char request[256];
    int worst = 0;
    assert(shape->size <= sizeof request);
    for (size_t i = 0; i < calls; i++) {
        struct fault f = { 0 };
        enum err e = args_fill(&c->args, command->name, shape, operands + i, calls > 1 ? 1 : count,
                               joined, request, &f);
        if (!e) e = limits_apply(&c->settings, m, request, &f);
        if (i && c->screen.form != FORM_JSON && c->out.len) buf_byte(&c->out, '\n');
        int status = e ? cli_error(c, e, &f, NULL) : call_once(c, client, command->op, request);
        if (status > worst) worst = status;
    }
    return worst;
}

int op_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    struct client *client = NULL;
    struct buf joined = buf_make(JOINED_MOST);
    enum err e = OK;
    if (c->screen.form > FORM_JSON)
        e = fail(&f, ERR_INVALID_PARAMS, "%s has no form '%.*s'", command->name,
                 STR_ARG(c->args.value[OPTION_format]));
    if (!e) e = open_client(c, &client, &f);
    if (e) return cli_error(c, e, &f, NULL);
    int status = call_all(c, command, client, &joined);
    client_close(client);
    buf_free(&joined);
    return status;
}

/* Names that begin with the operand, for completions: silent about errors, and only names that a
 * shell takes as they are. */
int names_main(struct cli *c, const struct command *command)
{
    (void)command;
    struct client *client;
    struct str prefix = c->args.count > 1 ? str_of(c->args.words[1]) : STR_NONE, *names;
    size_t count;
    if (open_client(c, &client, NULL)) return STATUS_NOTHING;
    if (client_names(client, prefix, NAMES_MOST, &names, &count)) count = 0;
    for (size_t i = 0; i < count; i++) {
        if (limits_name(names[i], NULL)) continue;
        buf_str(&c->out, names[i]);
        buf_byte(&c->out, '\n');
    }
    if (client_lost(client)) c->out.len = 0;
    client_close(client);
    return count ? 0 : STATUS_NOTHING;
}
