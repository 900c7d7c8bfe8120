/* What the broker answers itself: who it is, what it counts, what may be asked. */
#include "base/version.h"
#include "broker/broker.h"
#include "wire/codec.h"
#include "wire/limits.h"
#include "wire/schema_print.h"

enum { PROTOCOL = 1 };

/* Capabilities of ops.def that any user has who may open the socket at all. Root and the user that
 * the daemon runs for have every one. */
static const char *const everyones[] = { "", "package.read", "cache.read", "metrics.read" };

static bool is_everyones(const char *capability)
{
    for (size_t i = 0; i < sizeof everyones / sizeof *everyones; i++)
        if (str_eq(str_of(capability), str_of(everyones[i]))) return true;
    return false;
}

uint64_t own_rights(const struct broker *b, const struct peer *p)
{
    bool all = p->uid == 0 || p->uid == b->owner;
    uint64_t rights = 0;
    _Static_assert(OP_COUNT <= 64, "a bit for each operation");
    for (enum op op = 0; op < OP_COUNT; op++)
        if (all || is_everyones(op_row(op)->capability)) rights |= (uint64_t)1 << op;
    return rights;
}

/* --- one function for each operation ------------------------------------------------------ */

typedef enum err own_fn(struct conn *c, const void *request, void *result, struct fault *f);

static enum err answer_ping(struct conn *c, const void *request, void *result, struct fault *f)
{
    (void)c;
    (void)request;
    (void)f;
    *(struct ping_result *)result = (struct ping_result){ .text = S("pong") };
    return OK;
}

static enum err answer_cache_stats(struct conn *c, const void *request, void *result,
                                   struct fault *f)
{
    (void)request;
    (void)f;
    *(struct cache_stats_result *)result =
        (struct cache_stats_result){ .size = c->b->answers.count, .max_size = c->b->answers.most };
    return OK;
}

static enum err answer_cache_clear(struct conn *c, const void *request, void *result,
                                   struct fault *f)
{
    (void)request;
    (void)f;
    answers_clear(&c->b->answers);
    *(struct message_result *)result =
        (struct message_result){ .text = S("the cache of answers is empty now") };
    return OK;
}

static bool has_capability(const struct str *at, size_t len, struct str one)
{
    for (size_t i = 0; i < len; i++)
        if (str_eq(at[i], one)) return true;
    return false;
}

static enum err list_capabilities(const struct conn *c, struct hello_result *r, struct arena *a)
{
    r->capabilities.at = arena_array(a, OP_COUNT, sizeof *r->capabilities.at);
    r->capabilities.len = 0;
    if (!r->capabilities.at) return ERR_RESOURCE_LIMIT;
    for (enum op op = 0; op < OP_COUNT; op++) {
        struct str one = str_of(op_row(op)->capability);
        bool known = has_capability(r->capabilities.at, r->capabilities.len, one);
        if (one.len && !known && c->rights >> op & 1)
            r->capabilities.at[r->capabilities.len++] = one;
    }
    return OK;
}

static enum err list_limits(const struct settings *s, struct hello_result *r, struct arena *a)
{
    static const struct {
        const char *name;
        uint64_t value;
    } fixed[] = { { "package_name.max_bytes", PACKAGE_NAME_MOST },
                  { "version.max_bytes", VERSION_MOST },
                  { "results.max", RESULTS_MOST } };
    enum { FIXED = sizeof fixed / sizeof *fixed };
    r->limits.at = arena_array(a, setting_count + FIXED, sizeof *r->limits.at);
    r->limits.len = 0;
    if (!r->limits.at) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        const void *at = (const char *)s + row->offset;
        if (row->type != SETTING_LIMIT) continue;
        r->limits.at[r->limits.len++] =
            (struct limit){ .name = str_of(row->key), .value = *(const uint64_t *)at };
    }
    for (size_t i = 0; i < FIXED; i++)
        r->limits.at[r->limits.len++] =
            (struct limit){ .name = str_of(fixed[i].name), .value = fixed[i].value };
    return OK;
}

static enum err answer_hello(struct conn *c, const void *request, void *result, struct fault *f)
{
    const struct hello_request *q = request;
    struct hello_result *r = result;
    struct broker *b = c->b;
    if (q->version < PROTOCOL)
        return fail(f, ERR_UNSUPPORTED, "this daemon speaks version %d of the protocol", PROTOCOL);
    c->hello = true;
    broker_say(b, 1, "client %d: %.*s", c->watch.fd, STR_ARG(str_head(q->client, 128)));
    *r = (struct hello_result){ .version = PROTOCOL,
                                .server = S("omg " OMG_VERSION),
                                .schema = codec_schema_hash(),
                                .services = { b->states, SERVICES } };
    enum err e = list_capabilities(c, r, &b->arena);
    return e ? e : list_limits(&b->settings, r, &b->arena);
}

static enum err answer_metrics(struct conn *c, const void *request, void *result, struct fault *f)
{
    struct broker *b = c->b;
    struct metrics_result *r = result;
    size_t index = b->part[0].len + b->part[1].len + b->part[2].len;
    const struct {
        const char *name, *kind, *unit, *help;
        uint64_t value;
    } rows[] = {
        { "uptime_seconds", "gauge", "seconds", "Time since the broker started.",
          (b->clock_ns - b->started_ns) / 1000000000 },
        { "clients", "gauge", "", "Clients that are connected.", b->conns_len },
        { "clients_accepted", "counter", "", "Clients that ever connected.", b->accepted },
        { "clients_refused", "counter", "", "Clients that were turned away.", b->refused },
        { "clients_dropped", "counter", "", "Clients hung up on because they did not read.",
          b->dropped },
        { "calls", "gauge", "", "Calls that wait for an answer.", b->calls_len },
        { "bad_frames", "counter", "", "Messages that made no sense.", b->bad_frames },
        { "pool_bytes", "gauge", "bytes", "Half-read messages and unread answers.", b->pool.used },
        { "answers", "gauge", "", "Answers that are kept ready.", b->answers.count },
        { "answers_hits", "counter", "", "Requests that one was ready for.", b->answers.hits },
        { "answers_misses", "counter", "", "Requests that none was ready for.", b->answers.misses },
        { "index_generation", "gauge", "", "Number of the package index in use.", b->generation },
        { "index_bytes", "gauge", "bytes", "Size of the package index in use.", index },
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    (void)request;
    (void)f;
    enum err e = metrics_operations(b->counts, r, &b->arena);
    r->readings.at = arena_array(&b->arena, ROWS, sizeof *r->readings.at);
    if (e || !r->readings.at) return ERR_RESOURCE_LIMIT;
    for (r->readings.len = 0; r->readings.len < ROWS; r->readings.len++)
        r->readings.at[r->readings.len] =
            (struct reading){ .name = str_of(rows[r->readings.len].name),
                              .kind = str_of(rows[r->readings.len].kind),
                              .unit = str_of(rows[r->readings.len].unit),
                              .value = rows[r->readings.len].value,
                              .help = str_of(rows[r->readings.len].help) };
    return OK;
}

static enum err answer_schema(struct conn *c, const void *request, void *result, struct fault *f)
{
    struct buf *text = &c->b->schema;
    (void)request;
    (void)f;
    if (!text->len) schema_print(text, FORM_JSON);
    *(struct schema_result *)result =
        (struct schema_result){ .hash = codec_schema_hash(), .json = buf_view(text) };
    return OK;
}

static own_fn *const functions[OP_COUNT] = {
    [OP_ping] = answer_ping,       [OP_cache_stats] = answer_cache_stats,
    [OP_hello] = answer_hello,     [OP_cache_clear] = answer_cache_clear,
    [OP_metrics] = answer_metrics, [OP_schema] = answer_schema,
};

enum err own_answer(struct conn *c, enum op op, const void *request, void *result, struct fault *f)
{
    if (!functions[op]) return fail(f, ERR_METHOD_NOT_FOUND, "nobody serves this operation");
    return functions[op](c, request, result, f);
}
