/* Commands that are operations: words to a request, calls, answers to text or JSON. */
#include "base/near.h"
#include "door/call.h"
#include "door/commands.h"
#include "door/measures.h"
#include "wire/json.h"
#include "wire/limits.h"
#include "wire/pen.h"
#include "wire/text.h"

#include <assert.h>
#include <stdio.h>

enum {
    JOINED_MOST = 64 << 10,
    NAMES_MOST = 1000000,
    SUGGESTED = 3,  /* names offered instead of one that is not there */
    CALLS_MOST = 3, /* when the index is taken away while an answer is printed */
};

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

/* A sentence needs no name in front of it. */
static void show_message(struct cli *c, const void *result)
{
    pen_clean(&c->out, ((const struct message_result *)result)->text);
    buf_byte(&c->out, '\n');
}

static const struct {
    int (*judge)(const void *result); /* the exit status of an answer, where it is not always 0 */
    void (*show)(struct cli *c, const void *result); /* every form but JSON, where it has its own */
} manners[OP_COUNT] = {
    [OP_search] = { .judge = judge_search },     [OP_suggest] = { .judge = judge_suggest },
    [OP_doctor] = { .judge = judge_doctor },     [OP_metrics] = { .show = measures_show },
    [OP_cache_clear] = { .show = show_message },
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

/* --- one call ---------------------------------------------------------------------------- */

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

static void render(struct cli *c, enum op op, const void *request, const void *result)
{
    const struct op_row *row = op_row(op);
    const struct screen *s = &c->screen;
    if (s->form == FORM_JSON) {
        json_write(&c->out, row->result, result, s->terminal);
        buf_byte(&c->out, '\n');
        return;
    }
    if (manners[op].show) {
        manners[op].show(c, result);
        return;
    }
    bool pipe = !s->terminal && !s->colour;
    struct text_options o = {
        .width = s->width,
        .colour = s->colour,
        .plain =
            s->form == FORM_PLAIN || (s->form == FORM_AUTO && pipe && text_is_list(row->result)),
        .terminal = s->terminal,
        .words = searched_words(shape_of(row->request), request),
    };
    text_write(&c->out, row->result, result, &o);
}

/* One call, printed; made again while its answer is pulled away from under the printing. */
static int call_once(struct cli *c, struct client *client, enum op op, const void *request)
{
    _Alignas(16) char result[512] = { 0 };
    struct fault f = { 0 };
    size_t kept = c->out.len;
    assert(shape_of(op_row(op)->result)->size <= sizeof result);
    for (int i = 0; i < CALLS_MOST; i++) {
        enum err e = call_op(c, client, op, request, result, &f);
        if (e && client_lost(client)) continue;
        if (e == ERR_PACKAGE_NOT_FOUND && op == OP_info)
            return no_package(c, client, ((const struct info_request *)request)->package, &f);
        if (e) return cli_error(c, e, &f, NULL);
        render(c, op, request, result);
        int status = manners[op].judge ? manners[op].judge(result) : 0;
        if (!client_lost(client)) return status;
        c->out.len = kept;
    }
    fault_print(&f, "the package data changed while it was read");
    return cli_error(c, ERR_BUSY, &f, NULL);
}

/* --- the commands ------------------------------------------------------------------------ */

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
    for (size_t i = 0; i < calls && !cli_cancelled(c); i++) {
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
    struct client *client;
    struct buf joined = buf_make(JOINED_MOST);
    enum err e = call_client(c, &client, &f);
    if (e) return cli_error(c, e, &f, NULL);
    int status = call_all(c, command, client, &joined);
    buf_free(&joined);
    return status;
}

/* A command whose operations are told apart by a word: `omg cache clear`. */
int words_main(struct cli *c, const struct command *command)
{
    struct command one = *command;
    struct fault f = { 0 };
    struct str word = c->args.count > 1 ? str_of(c->args.words[1]) : STR_NONE, known, offered;
    if (!command_word(command, word, &one.op)) {
        struct near n = near_make(word);
        known = command_words(command);
        while (str_cut(&known, '|', &offered)) near_offer(&n, offered);
        enum err e = n.best.len
                         ? fail(&f, ERR_INVALID_PARAMS, "%s has no '%.*s'; did you mean '%.*s'?",
                                command->name, STR_ARG(str_head(word, 64)), STR_ARG(n.best))
                         : fail(&f, ERR_INVALID_PARAMS, "%s has no '%.*s'", command->name,
                                STR_ARG(str_head(word, 64)));
        return cli_error(c, e, &f, NULL);
    }
    if (word.len) {
        size_t at = strlen(one.name);
        snprintf(one.name + at, sizeof one.name - at, " %.*s", STR_ARG(word));
        c->args.words++;
        c->args.count--;
    }
    return op_main(c, &one);
}

/* Names that begin with the operand, for completions: silent about errors, and only names that a
 * shell takes as they are. */
int names_main(struct cli *c, const struct command *command)
{
    (void)command;
    struct client *client;
    struct str prefix = c->args.count > 1 ? str_of(c->args.words[1]) : STR_NONE, *names;
    size_t count;
    if (call_client(c, &client, NULL)) return STATUS_NOTHING;
    if (client_names(client, prefix, NAMES_MOST, &names, &count)) count = 0;
    for (size_t i = 0; i < count; i++) {
        if (limits_name(names[i], NULL)) continue;
        buf_str(&c->out, names[i]);
        buf_byte(&c->out, '\n');
    }
    if (client_lost(client)) c->out.len = 0;
    return count ? 0 : STATUS_NOTHING;
}
