#include "door/call.h"

#include "wire/text_part.h"

#include <stdlib.h>
#include <time.h>

enum { VERBOSE_MOST = 3, TEXTS_MOST = 64 << 10 };

/* What the options and settings of this run ask for; texts are views into them. */
static enum err choose_options(const struct cli *c, struct client_options *o, struct fault *f)
{
    const struct args *a = &c->args;
    const char *named = getenv("OMG_SOCKET");
    unsigned verbose = a->times[OPTION_verbose];
    *o = (struct client_options){
        .root = a->times[OPTION_root] ? a->value[OPTION_root].at : NULL,
        .no_cache = a->times[OPTION_no_cache] > 0,
        .cache_folder = str_of(c->settings.cache_dir),
        .no_daemon = a->times[OPTION_no_daemon] > 0,
        .timeout_ms = c->settings.timeout_ms,
        .frame_most = c->settings.frame_most,
        .cancel = c->cancel,
        .verbose = (int)(verbose < VERBOSE_MOST ? verbose : VERBOSE_MOST),
    };
    /* The environment counts before the settings; the client asks it where it is given nothing. */
    if (a->times[OPTION_socket]) o->socket = a->value[OPTION_socket];
    else if (!named || !*named) o->socket = str_of(c->settings.socket);
    if (a->times[OPTION_socket] && !o->socket.len)
        return fail(f, ERR_INVALID_PARAMS, "--socket has to name a path");
    if (a->times[OPTION_timeout] && !args_time(a->value[OPTION_timeout], &o->timeout_ms))
        return fail(f, ERR_INVALID_PARAMS,
                    "--timeout has to be a time of at most a day, as 2, 0.5s or 200ms, not '%.*s'",
                    STR_ARG(str_head(a->value[OPTION_timeout], 64)));
    return OK;
}

static bool same_options(const struct client_options *a, const struct client_options *b)
{
    return !a->root == !b->root && str_eq(str_of(a->root), str_of(b->root)) &&
           a->no_cache == b->no_cache && str_eq(a->cache_folder, b->cache_folder) &&
           str_eq(a->socket, b->socket) && a->no_daemon == b->no_daemon &&
           a->timeout_ms == b->timeout_ms && a->frame_most == b->frame_most &&
           a->verbose == b->verbose;
}

static struct str keep(struct buf *texts, struct str s)
{
    size_t at = texts->len;
    buf_str(texts, s);
    buf_byte(texts, 0);
    return (struct str){ texts->at + at, s.len };
}

/* Copies the texts to where they live as long as the client. */
static enum err keep_options(struct kept *k, const struct client_options *o, struct fault *f)
{
    size_t need = str_of(o->root).len + o->cache_folder.len + o->socket.len + 3;
    k->texts = buf_make(TEXTS_MOST);
    k->options = *o;
    if (!buf_more(&k->texts, need)) /* in one piece, so that it does not move */
        return fail(f, ERR_INVALID_PARAMS, "the options are too long");
    if (o->root) k->options.root = keep(&k->texts, str_of(o->root)).at;
    k->options.cache_folder = keep(&k->texts, o->cache_folder);
    k->options.socket = keep(&k->texts, o->socket);
    return OK;
}

enum err call_client(struct cli *c, struct client **client, struct fault *f)
{
    struct kept *k = &c->kept;
    struct client_options o;
    enum err e = choose_options(c, &o, f);
    if (e) return e;
    if (!k->client || !same_options(&k->options, &o)) {
        call_close(c);
        e = keep_options(k, &o, f);
        if (!e) e = client_open(&k->options, &k->client, f);
        if (e) {
            k->client = NULL;
            buf_free(&k->texts);
            return e;
        }
    }
    *client = k->client;
    return OK;
}

void call_close(struct cli *c)
{
    if (!c->kept.client) return;
    client_close(c->kept.client);
    buf_free(&c->kept.texts);
    c->kept = (struct kept){ 0 };
}

uint64_t call_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

enum err call_op(struct cli *c, struct client *client, enum op op, const void *request,
                 void *result, struct fault *f)
{
    uint64_t from = call_now_ns();
    enum err e = client_call(client, op, request, result, f);
    c->call_ns += call_now_ns() - from;
    c->calls++;
    return e;
}

void call_put_span(struct buf *out, uint64_t ns)
{
    static const struct field span = { .type = TYPE_u64, .view = VIEW_SPAN };
    char scratch[TEXT_SCRATCH];
    buf_str(out, text_scalar(&span, &ns, false, scratch));
}
