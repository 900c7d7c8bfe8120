/* `omg shell`: the same commands, line after line, with one client for all. On a terminal lines are
 * edited, completed and remembered, and what is longer than the screen is paged; elsewhere lines
 * are read from standard input and run as they are. */
#include "base/file.h"
#include "door/call.h"
#include "door/commands.h"
#include "door/edit.h"
#include "door/offer.h"
#include "door/pager.h"
#include "door/words.h"
#include "wire/pen.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { ROWS_UNKNOWN = 20, ROWS_LEAST = 4 };

struct shell {
    struct cli *c;
    struct args standing;
    struct history history;
    bool interactive;
    int last, worst; /* exit statuses */
};

/* --- one command ------------------------------------------------------------------------- */

/* Runs what the words ask for. The shell has given up its power: what needs some is not for here.
 */
static int run_words(struct cli *c)
{
    struct command command;
    struct fault f = { 0 };
    enum err e = cli_choose(c, &command, &f);
    if (!e && !command_in_shell(&command))
        e = fail(&f, ERR_UNSUPPORTED, "%s is not for the shell", command.name);
    if (e == ERR_UNSUPPORTED) return cli_error(c, e, &f, "`exit` leaves it.");
    if (e) return cli_error(c, e, &f, NULL);
    return command.main ? command.main(c, &command) : 0;
}

int time_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    if (c->args.count < 2) {
        enum err e = fail(&f, ERR_INVALID_PARAMS, "%s needs a command", command->name);
        return cli_error(c, e, &f, NULL);
    }
    c->timed = true;
    c->args.words++;
    c->args.count--;
    return run_words(c);
}

int exit_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    enum err e = cli_no_operands(c, command, &f);
    if (e) return cli_error(c, e, &f, NULL);
    c->over = true;
    return 0;
}

/* --- one line ---------------------------------------------------------------------------- */

static void tell_time(const struct cli *c, uint64_t from_ns)
{
    char room[128];
    struct buf said = { .at = room, .room = sizeof room, .limit = sizeof room };
    if (c->calls) buf_print(&said, "%zu call%s in ", c->calls, c->calls == 1 ? "" : "s");
    if (c->calls) call_put_span(&said, c->call_ns);
    if (c->calls) buf_str(&said, S(", "));
    call_put_span(&said, call_now_ns() - from_ns);
    buf_str(&said, S(" in all\n"));
    write_all(STDERR_FILENO, buf_view(&said), NULL);
}

/* Shows what the run has printed; gives its exit status. */
static int finish(struct shell *s, int status)
{
    struct cli *c = s->c;
    struct fault f = { 0 };
    if (cli_cancelled(c)) {
        buf_free(&c->out);
        write_all(STDOUT_FILENO, S("\n"), NULL); /* behind the terminal's ^C */
        return STATUS_INTERRUPTED;
    }
    if (!s->interactive || c->out.full) return cli_end(c, status);
    enum err e = pager_show(&c->screen, buf_view(&c->out), &f);
    buf_free(&c->out);
    return e ? cli_error(c, e, &f, NULL) : status;
}

static void run_line(struct shell *s, struct str line)
{
    struct cli *c = s->c;
    struct words w;
    struct fault f = { 0 };
    uint64_t from = call_now_ns();
    int status;
    enum err e = words_split(line, &w, &f);
    if (!e && !w.count) return;
    if (s->interactive) *edit_cancel() = 0;
    if (e) cli_begin(c, 0, w.at, NULL);
    else e = cli_begin(c, w.count, w.at, &f);
    status = e ? cli_error(c, e, &f, NULL) : run_words(c);
    s->last = finish(s, status);
    if (s->last > s->worst) s->worst = s->last;
    if (c->timed && s->last != STATUS_INTERRUPTED) tell_time(c, from);
}

/* --- from a file or a pipe --------------------------------------------------------------- */

/* Lines that are too long arrive cut, and words_split refuses them. */
static void run_script(struct shell *s)
{
    char text[2 * LINE_MOST];
    size_t len = 0;
    ssize_t n = 1;
    bool cut = false;
    while (n > 0 && !s->c->over) {
        n = read(STDIN_FILENO, text + len, sizeof text - len);
        if (n < 0 && errno == EINTR) n = 1;
        else if (n > 0) len += (size_t)n;
        struct str rest = { text, len };
        while (!s->c->over && rest.len) {
            size_t end = str_chr(rest, '\n');
            if (end == rest.len && n > 0 && end <= LINE_MOST) break; /* there is more to come */
            if (!cut) run_line(s, str_head(rest, end));
            cut = end == rest.len;
            rest = str_from(rest, end + 1);
        }
        memmove(text, rest.at, rest.len);
        len = rest.len;
    }
    if (n < 0) s->worst = cli_error(s->c, ERR_IO, NULL, NULL);
}

/* --- on a terminal ----------------------------------------------------------------------- */

static enum err find_names(void *data, struct str prefix, size_t limit, struct str **names,
                           size_t *count)
{
    struct shell *s = data;
    struct client *client;
    enum err e = call_client(s->c, &client, NULL);
    return e ? e : client_names(client, prefix, limit, names, count);
}

static void list_offers(const struct shell *s, const struct offers *o)
{
    struct buf out = buf_make(1 << 20);
    size_t rows = s->c->screen.rows;
    buf_str(&out, S("\033[K\n"));
    offers_print(o, &s->c->screen, rows > ROWS_LEAST ? rows - 2 : ROWS_UNKNOWN, &out);
    write_all(STDOUT_FILENO, buf_view(&out), NULL);
    buf_free(&out);
}

static bool complete(void *data, struct str line, struct buf *to)
{
    struct shell *s = data;
    struct offers o;
    char *none[1] = { NULL };
    cli_begin(s->c, 0, none, NULL); /* the standing options, and the present size of the screen */
    enum err e = offers_find(&o, line, find_names, s);
    if (s->c->kept.client && client_lost(s->c->kept.client)) o.count = 0;
    bool any = !e && o.count;
    if (any) {
        buf_str(to, str_head(line, o.from));
        buf_str(to, o.common);
        if (o.count == 1 && !o.more) buf_byte(to, ' ');
        if (str_eq(buf_view(to), line)) list_offers(s, &o);
    }
    offers_close(&o);
    return any;
}

static void hint(void *data, struct str line, struct buf *to)
{
    (void)data;
    offers_hint(line, to);
}

static void greet(struct cli *c)
{
    struct pen p = { .out = &c->out, .width = c->screen.width, .colour = c->screen.colour };
    pen_begin(&p, "2");
    pen_wrap(&p, S("`help` shows the commands, Tab completes, Ctrl-D leaves."), 0);
    pen_end(&p, "2");
    pen_break(&p, 0);
    cli_end(c, 0);
}

static void run_terminal(struct shell *s)
{
    struct cli *c = s->c;
    struct str line;
    char prompt[64];
    enum edit_end end = EDIT_ENTERED;
    signal(SIGPIPE, SIG_IGN); /* a pager may be left */
    edit_signals_begin();
    c->cancel = edit_cancel();
    history_open(&s->history);
    greet(c);
    while (!c->over && end != EDIT_OVER) {
        bool colour = c->screen.colour;
        struct edit_helper helper = {
            .data = s, .hints = colour, .complete = complete, .hint = hint
        };
        if (!s->last) snprintf(prompt, sizeof prompt, "omg> ");
        else
            snprintf(prompt, sizeof prompt, "omg %s[%d]%s> ", colour ? "\033[31m" : "", s->last,
                     colour ? "\033[0m" : "");
        end = edit_line(prompt, &s->history, &helper, &line);
        if (end == EDIT_DROPPED) s->last = 0;
        if (end != EDIT_ENTERED) continue;
        history_add(&s->history, line);
        run_line(s, line);
        if (edit_signal()) break;
    }
    history_close(&s->history);
    s->worst = 0;
}

int shell_main(struct cli *c, const struct command *command)
{
    struct shell s = { .c = c, .standing = c->args };
    struct fault f = { 0 };
    enum err e = cli_no_operands(c, command, &f);
    if (e) return cli_error(c, e, &f, NULL);
    s.interactive = c->screen.terminal && isatty(STDIN_FILENO);
    c->shell = true;
    c->standing = &s.standing;
    if (s.interactive) run_terminal(&s);
    else run_script(&s);
    c->out = buf_make(0);
    c->standing = NULL;
    c->cancel = NULL;
    if (s.interactive) edit_signals_end();
    return s.worst;
}
