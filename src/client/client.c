#include "client/client.h"

#include "base/file.h"
#include "client/ask.h"
#include "client/reach.h"
#include "pkg/answer.h"
#include "pkg/doctor.h"
#include "wire/pen.h"

#include <unistd.h>

/* Memory for the answer of one call; a large machine's explicit list takes some 100 KB. */
#define CALL_MEMORY ((size_t)1 << 30)

#define LOOK_NS UINT64_C(1000000000) /* how long an index that is open counts as fresh */

struct client {
    struct client_options options;
    struct arena arena;   /* of the last call */
    bool asks;            /* the daemon, where there is one */
    bool local;           /* the store is open */
    uint64_t looked;      /* when its index was seen to be fresh, ns */
    bool told;            /* why the daemon does not answer has been said */
    struct fault nowhere; /* why there is no place to look for the daemon; empty: there is one */
    struct store store;
    struct line line;
};

static enum err local_open(struct client *c, struct fault *f)
{
    const struct store_options o = { .root = c->options.root,
                                     .no_cache = c->options.no_cache,
                                     .cache_folder = c->options.cache_folder,
                                     .verbose = c->options.verbose };
    if (c->local) return OK;
    enum err e = store_open(&c->store, &o, f);
    c->local = !e;
    return e;
}

enum err client_open(const struct client_options *o, struct client **c, struct fault *f)
{
    static struct client only; /* one process asks through one client */
    only.options = *o;
    only.local = only.told = false;
    only.asks = !o->root && !o->no_cache && !o->no_daemon;
    *only.nowhere.text = 0;
    enum err e =
        line_open(&only.line, o->socket, o->timeout_ms, o->frame_most, o->verbose, &only.nowhere);
    only.line.cancel = o->cancel;
    if (e && only.asks && o->socket.len) return fail(f, e, "%s", only.nowhere.text);
    e = only.asks ? OK : local_open(&only, f);
    if (e) return e;
    e = arena_open(&only.arena, CALL_MEMORY);
    if (!e) *c = &only;
    else client_close(&only);
    return e;
}

void client_close(struct client *c)
{
    line_close(&c->line);
    if (c->local) store_close(&c->store);
    arena_close(&c->arena);
    c->local = false;
}

/* --- with a daemon ----------------------------------------------------------------------- */

/* Why there is no answer of the daemon's, and that there will be one all the same. Lateness is
 * always said, because it is felt. */
static void say_fallback(struct client *c, enum err e, bool answered, const struct fault *why)
{
    struct buf line = buf_make(4096);
    bool felt = e == ERR_TIMEOUT && !answered;
    if (c->told || (!felt && !c->options.verbose)) return;
    buf_str(&line, answered ? S("omg: the daemon says: ") : S("omg: "));
    pen_clean(&line, str_of(*why->text ? why->text : err_row(e)->sentence));
    buf_str(&line, S("; answering without it\n"));
    write_all(STDERR_FILENO, buf_view(&line), NULL);
    buf_free(&line);
    c->told = true;
}

/* What only the daemon answers, and does not. */
static enum err fail_alone(const struct client *c, enum op op, enum err e, const struct fault *why,
                           struct fault *f)
{
    const char *name = op_row(op)->name;
    if (!c->asks)
        return fail(f, ERR_SERVICE_UNAVAILABLE,
                    "'%s' is answered by the daemon alone, which is not asked with --no-daemon, "
                    "--root or --no-cache",
                    name);
    if (e == ERR_NOT_FOUND)
        return fail(f, ERR_SERVICE_UNAVAILABLE, "%s; `omg daemon` starts one", why->text);
    return fail(f, e, "%s", why->text);
}

/* Whether the daemon's error leaves something to try: it does not know the operation, or what it
 * needs for it is down. */
static bool is_unable(enum err e)
{
    return e == ERR_METHOD_NOT_FOUND || e == ERR_SERVICE_UNAVAILABLE;
}

/* --- without one ------------------------------------------------------------------------- */

/* What an earlier call opened may be stale by now, as a shell lives long. What cannot be made anew
 * is used as it is. */
static void local_renew(struct client *c)
{
    uint64_t now = reach_clock();
    unsigned parts;
    if (c->store.open && now - c->looked < LOOK_NS) return;
    if (c->store.open) store_refresh(&c->store, &parts, NULL);
    c->looked = now;
}

static enum err answer_here(struct client *c, enum op op, const void *request, void *result,
                            struct fault *f)
{
    bool doctor = op == OP_doctor;
    enum err e = local_open(c, f);
    if (e) return e;
    local_renew(c);
    e = store_need(&c->store, doctor || answer_texts(op), f);
    if (e) return e;
    if (!doctor)
        return answer_index(&c->store.ix, op, request, result,
                            c->options.root ? c->options.root : "/", &c->arena, f);
    e = doctor_look(&c->store, ASK_CHECKS, result, &c->arena, f);
    if (!e && c->asks && !*c->nowhere.text) ask_doctor(&c->line, result, &c->arena);
    return e;
}

enum err client_call(struct client *c, enum op op, const void *request, void *result,
                     struct fault *f)
{
    bool here = op == OP_doctor || answer_serves(op), answered = false;
    struct fault why = { "" };
    enum err e = OK;
    arena_reset(&c->arena, 1 << 20);
    if (c->asks && op != OP_doctor) {
        if (*c->nowhere.text) e = fail(&why, ERR_NOT_FOUND, "%s", c->nowhere.text);
        else e = ask_daemon(&c->line, op, request, !here, &c->arena, result, &answered, &why);
        if (answered && !(here && is_unable(e))) {
            c->told = false;
            if (e && f) *f = why;
            return e;
        }
        if (e == ERR_CANCELLED && !answered) return fail(f, e, "%s", why.text);
        if (here) say_fallback(c, e, answered, &why);
    }
    return here ? answer_here(c, op, request, result, f) : fail_alone(c, op, e, &why, f);
}

bool client_lost(struct client *c)
{
    return c->local && store_lost(&c->store);
}

enum err client_names(struct client *c, struct str prefix, size_t limit, struct str **names,
                      size_t *count)
{
    arena_reset(&c->arena, 1 << 20);
    enum err e = local_open(c, NULL);
    if (!e) e = store_need(&c->store, false, NULL);
    return e ? e : query_names(&c->store.ix, prefix, limit, names, count, &c->arena);
}
