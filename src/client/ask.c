#include "client/ask.h"

#include "base/version.h"
#include "wire/codec.h"

#include <unistd.h>

enum err ask_daemon(struct line *l, enum op op, const void *request, bool patient, struct arena *a,
                    void *result, bool *answered, struct fault *f)
{
    struct response r;
    enum err e = line_call(l, op, request, patient, a, &r, f);
    *answered = !e;
    if (e) return e;
    if (r.kind != RESPONSE_SUCCESS) {
        enum err theirs = err_of_code(r.code);
        return fail(f, theirs ? theirs : ERR_INTERNAL, "%.*s", STR_ARG(r.message));
    }
    memcpy(result, r.body, shape_of(op_row(op)->result)->size);
    return OK;
}

static void add(struct doctor_result *r, const char *state, struct str detail, const char *remedy)
{
    r->checks.at[r->checks.len++] = (struct check){
        .name = S("daemon"), .state = str_of(state), .detail = detail, .remedy = str_of(remedy)
    };
}

/* What a daemon that did not answer may want. */
static const struct {
    enum err e;
    const char *state, *remedy;
} unanswered[] = {
    { ERR_NOT_FOUND, "note", "`omg daemon` starts one; every command but a few works without." },
    { ERR_FORBIDDEN, "warning", "Remove that socket, or name another with --socket." },
    { ERR_TIMEOUT, "warning", "Start it anew, or allow more time with --timeout." },
    { ERR_METHOD_NOT_FOUND, "warning", "It is another version than this command: start it anew." },
    { OK, "warning", "Start it anew." },
};

static void add_unanswered(const struct line *l, enum err e, const struct fault *f,
                           struct doctor_result *r, struct arena *a)
{
    size_t i = 0;
    while (unanswered[i].e && unanswered[i].e != e) i++;
    /* Somebody else's own daemon is nothing to be warned of; somebody else in one's place is. */
    bool closed = e == ERR_FORBIDDEN && access(line_path(l), W_OK) != 0;
    add(r, closed ? "note" : unanswered[i].state, arena_copy(a, str_of(f->text)),
        closed ? "" : unanswered[i].remedy);
}

static void add_service(struct doctor_result *r, const struct service_state *s, struct arena *a)
{
    if (str_eq(s->state, S("down")))
        add(r, "warning",
            arena_print(a, "its service %.*s keeps dying (so far: %llu) and is tried again later",
                        STR_ARG(s->name), (unsigned long long)s->restarts),
            "Its output says why: `journalctl -u omgd`, or the terminal it was started from.");
    else if (s->restarts)
        add(r, "note",
            arena_print(a, "its service %.*s died and was started again (so far: %llu)",
                        STR_ARG(s->name), (unsigned long long)s->restarts),
            "");
}

void ask_doctor(struct line *l, struct doctor_result *r, struct arena *a)
{
    const struct hello_request q = { .version = 1, .client = S("omg " OMG_VERSION) };
    size_t room = r->checks.len + ASK_CHECKS;
    struct hello_result hello;
    struct fault f = { "" };
    bool answered;
    enum err e = ask_daemon(l, OP_hello, &q, true, a, &hello, &answered, &f);
    if (e) {
        add_unanswered(l, e, &f, r, a);
        return;
    }
    bool same = hello.schema == codec_schema_hash();
    add(r, same ? "ok" : "warning",
        arena_print(a, "%.*s answers on %s%s", STR_ARG(hello.server), line_path(l),
                    same ? "" : " and speaks by other tables than this command"),
        same ? "" : "It is another version than this command: start it anew.");
    for (size_t i = 0; i < hello.services.len && r->checks.len < room; i++)
        add_service(r, &hello.services.at[i], a);
}
