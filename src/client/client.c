#include "client/client.h"

#include "client/local.h"
#include "pkg/query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Memory for the answer of one call; a large machine's explicit list takes some 100 KB. */
#define CALL_MEMORY ((size_t)1 << 30)

static enum err root_open(struct client *c, struct fault *f)
{
    const char *path = c->options.root ? c->options.root : "/";
    struct stat slash, st;
    c->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (c->root < 0 || fstat(c->root, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return fail(f, ERR_INVALID_PARAMS, "there is no folder '%s' to look into", path);
        return fail_errno(f, "cannot open the folder '%s'", path);
    }
    c->slash = !c->options.root ||
               (stat("/", &slash) == 0 && st.st_dev == slash.st_dev && st.st_ino == slash.st_ino);
    return OK;
}

enum err client_open(const struct client_options *o, struct client **c, struct fault *f)
{
    static struct client only; /* one process asks through one client */
    struct utsname machine;
    only = (struct client){ .options = *o, .root = -1 };
    enum err e = root_open(&only, f);
    if (!e) e = arena_open(&only.arena, CALL_MEMORY);
    if (e) {
        if (only.root >= 0) close(only.root);
        return e;
    }
    if (only.slash && uname(&machine) == 0)
        snprintf(only.kernel, sizeof only.kernel, "%.*s", (int)sizeof only.kernel - 1,
                 machine.release);
    if (!o->no_cache)
        cache_open(&only.cache, only.root, only.slash, str_of(only.kernel), o->cache_folder);
    only.cache.root = only.root;
    only.cache.slash = only.slash;
    only.cache.kernel = str_of(only.kernel);
    *c = &only;
    return OK;
}

void client_close(struct client *c)
{
    local_close(c);
    cache_close(&c->cache);
    arena_close(&c->arena);
    close(c->root);
}

/* How the index answers an operation; the request and result are those of its row. */
typedef enum err answer_fn(struct client *c, const void *request, void *result, struct fault *f);

#define ANSWER(op)                                                                                 \
    static enum err answer_##op(struct client *c, const void *request, void *result,               \
                                struct fault *f)                                                   \
    {                                                                                              \
        return query_##op(&c->ix, request, result, &c->arena, f);                                  \
    }
ANSWER(search)
ANSWER(info)
ANSWER(status)
ANSWER(explicit)
ANSWER(suggest)

static enum err answer_doctor(struct client *c, const void *request, void *result, struct fault *f)
{
    (void)request;
    return local_doctor(c, result, f);
}

/* By row of ops.def; an operation without an answer here is not served without a daemon. */
static const struct {
    answer_fn *answer;
    bool texts; /* needs the long texts */
} answers[OP_COUNT] = {
    [OP_search] = { answer_search, false },   [OP_info] = { answer_info, true },
    [OP_status] = { answer_status, false },   [OP_explicit] = { answer_explicit, false },
    [OP_suggest] = { answer_suggest, false }, [OP_doctor] = { answer_doctor, true },
};

/* Without lists nothing can be found that is not installed: say so instead of "nothing found". */
static enum err check_data(const struct client *c, enum op op, const void *result, enum err e,
                           struct fault *f)
{
    const struct search_result *found = result;
    bool nothing = op == OP_search ? !e && found->total == 0 : op == OP_info && e;
    if (c->ix.overlay_meta->status_missing && !c->ix.names && op != OP_doctor)
        return fail(f, ERR_NO_DATA, "there is no package database that omg can read below '%s'",
                    c->options.root ? c->options.root : "/");
    if (!nothing || c->ix.names) return e;
    return fail(f, ERR_NO_DATA,
                "nothing installed matches, and there are no package lists to look "
                "into; `apt-get update` brings them");
}

enum err client_call(struct client *c, enum op op, const void *request, void *result,
                     struct fault *f)
{
    if (!answers[op].answer)
        return fail(f, ERR_METHOD_NOT_FOUND, "'%s' is not answered without the daemon",
                    op_row(op)->name);
    arena_reset(&c->arena, 1 << 20);
    enum err e = local_open(c, answers[op].texts, f);
    if (e) return e;
    e = answers[op].answer(c, request, result, f);
    return check_data(c, op, result, e, f);
}

bool client_lost(struct client *c)
{
    return local_lost(c);
}

enum err client_names(struct client *c, struct str prefix, size_t limit, struct str **names,
                      size_t *count)
{
    arena_reset(&c->arena, 1 << 20);
    enum err e = local_open(c, false, NULL);
    return e ? e : query_names(&c->ix, prefix, limit, names, count, &c->arena);
}
