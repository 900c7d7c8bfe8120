/* `omg ping`: a sign of life, and how long it took. */
#include "door/call.h"
#include "door/commands.h"
#include "wire/json.h"
#include "wire/pen.h"

#include <stdlib.h>

enum { COUNT_MOST = 1000000, JOINED_MOST = 4096 };

struct round {
    uint64_t *at; /* nanoseconds of each call */
    size_t len;
    struct str text; /* what the daemon said last */
};

static enum err read_count(const struct cli *c, uint64_t *count, struct fault *f)
{
    *count = 1;
    if (!c->args.times[OPTION_count]) return OK;
    if (!str_u64(c->args.value[OPTION_count], count) || !*count || *count > COUNT_MOST)
        return fail(f, ERR_INVALID_PARAMS, "--count has to be a number from 1 to %d, not '%.*s'",
                    COUNT_MOST, STR_ARG(str_head(c->args.value[OPTION_count], 64)));
    return OK;
}

static enum err ask(struct cli *c, struct client *client, uint64_t count, struct round *r,
                    struct fault *f)
{
    struct ping_request request = { 0 };
    struct ping_result result = { 0 };
    enum err e = OK;
    /* With a count, none of those that are told has to connect first. */
    if (c->args.times[OPTION_count]) e = call_op(c, client, OP_ping, &request, &result, f);
    while (!e && r->len < count && !cli_cancelled(c)) {
        uint64_t from = c->call_ns;
        e = call_op(c, client, OP_ping, &request, &result, f);
        r->at[r->len++] = c->call_ns - from;
    }
    r->text = result.text;
    return e;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void show_many(struct cli *c, struct round *r)
{
    struct buf *out = &c->out;
    qsort(r->at, r->len, sizeof r->at[0], compare);
    const struct {
        const char *name;
        uint64_t ns;
    } told[] = { { "shortest", r->at[0] },
                 { "median", r->at[r->len / 2] },
                 { "longest", r->at[r->len - 1] } };
    bool json = c->screen.form == FORM_JSON, plain = c->screen.form == FORM_PLAIN;
    if (json) buf_print(out, "{\"count\":%zu", r->len);
    else if (plain) buf_print(out, "count\t%zu\n", r->len);
    else buf_print(out, "%zu times pong:", r->len);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (json || plain) {
            buf_print(out, json ? ",\"%s_ns\":%llu" : "%s_ns\t%llu\n", told[i].name,
                      (unsigned long long)told[i].ns);
            continue;
        }
        buf_print(out, "%s %s ", i ? "," : "", told[i].name);
        call_put_span(out, told[i].ns);
    }
    if (!plain) buf_str(out, json ? S("}\n") : S("\n"));
}

static void show_one(struct cli *c, const struct round *r)
{
    struct ping_result result = { .text = r->text };
    bool timed = c->screen.terminal || c->args.times[OPTION_verbose];
    if (c->screen.form == FORM_JSON) {
        json_write(&c->out, MESSAGE_ping_result, &result, c->screen.terminal);
    } else {
        pen_clean(&c->out, r->text);
        if (timed && c->screen.form != FORM_PLAIN) {
            buf_str(&c->out, S(" in "));
            call_put_span(&c->out, r->at[0]);
        }
    }
    buf_byte(&c->out, '\n');
}

int ping_main(struct cli *c, const struct command *command)
{
    struct fault f = { 0 };
    struct client *client;
    struct ping_request request;
    struct buf joined = buf_make(JOINED_MOST), times = buf_make(COUNT_MOST * sizeof(uint64_t));
    struct round r = { 0 };
    uint64_t count;
    enum err e = args_fill(&c->args, command->name, shape_of(MESSAGE_ping_request),
                           c->args.words + 1, c->args.count - 1, &joined, &request, &f);
    if (!e) e = read_count(c, &count, &f);
    if (!e) e = call_client(c, &client, &f);
    if (!e) {
        r.at = (uint64_t *)(void *)buf_more(&times, (size_t)count * sizeof(uint64_t));
        if (r.at) e = ask(c, client, count, &r, &f);
        else e = fail(&f, ERR_RESOURCE_LIMIT, "there is no memory for so many");
    }
    int status = 0;
    if (e) status = cli_error(c, e, &f, NULL);
    else if (r.len && c->args.times[OPTION_count]) show_many(c, &r);
    else if (r.len) show_one(c, &r);
    buf_free(&times);
    buf_free(&joined);
    return status;
}
