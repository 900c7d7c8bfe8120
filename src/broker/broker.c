/* The broker as a process: starting, giving up its power, and what the supervisor tells it. */
#include "broker/broker.h"

#include "base/power.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/pen.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    HOUSE_FD = 3,
    LISTENER_FD = 4,
    HOUSE_MOST = 1 << 20,
    FINISH_MS = 1000, /* for clients to take their last answers */
};

void broker_say(const struct broker *b, uint64_t level, const char *format, ...)
{
    char text[768];
    va_list args;
    if (b->settings.verbose < level) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct buf line = buf_make(1 << 12);
    buf_str(&line, S("omgd: broker: "));
    pen_clean(&line, str_of(text)); /* some of it are strangers' words */
    buf_byte(&line, '\n');
    ssize_t put = line.len ? write(STDERR_FILENO, line.at, line.len) : 0;
    (void)put; /* nobody reads the log: that is no reason to stop */
    buf_free(&line);
}

/* --- what the supervisor says ------------------------------------------------------------- */

static const struct service_row {
    const char *name;
} service_rows[SERVICES] = { [SERVICE_PACKAGES] = { "packages" } };

static const char *const state_words[] = { "starting", "running", "stopped", "down" };

/* Without an index and without the one who would bring it nobody need wait. */
static void packages_state(struct broker *b)
{
    bool down = str_eq(b->states[SERVICE_PACKAGES].state, S("down"));
    if (!b->has_index && down) {
        b->trouble = ERR_SERVICE_UNAVAILABLE;
        fault_print(&b->trouble_text, "there is no package index: the service packages dies again "
                                      "and again");
        calls_index_came(b);
    } else if (b->trouble == ERR_SERVICE_UNAVAILABLE && !down) {
        b->trouble = OK;
    }
}

/* Texts of an event do not outlive it: what is kept points at constants. SERVICES where there is no
 * such service. */
static enum service_id take_state(struct broker *b, const struct service_state *said)
{
    for (enum service_id id = 0; id < SERVICES; id++) {
        if (!str_eq(said->name, str_of(service_rows[id].name))) continue;
        b->states[id].restarts = said->restarts;
        for (size_t i = 0; i < sizeof state_words / sizeof *state_words; i++)
            if (str_eq(said->state, str_of(state_words[i])))
                b->states[id].state = str_of(state_words[i]);
        return id;
    }
    return SERVICES;
}

static void take_settings(struct broker *b, struct str text)
{
    struct settings s;
    struct fault f;
    settings_standard(&s);
    if (settings_parse(text, "settings", &s, &f)) {
        broker_say(b, 0, "%s", f.text);
        return;
    }
    bool resized = s.answers_most != b->settings.answers_most ||
                   s.answers_bytes != b->settings.answers_bytes || !b->answers.ring;
    b->settings = s;
    b->pool.most = (size_t)s.pool_most;
    b->out.limit = 2 * (size_t)s.frame_most + 4 * WRITE_ROOM;
    answers_clear(&b->answers); /* a limit may have changed what is answered */
    if (resized && answers_open(&b->answers, s.answers_most, s.answers_bytes))
        broker_say(b, 0, "there is no memory for kept answers");
}

/* From the first word on there are settings, and clients are served. */
static void take_house(struct broker *b, struct str payload)
{
    struct response r;
    arena_reset(&b->arena, ARENA_KEPT);
    if (codec_read_response(payload, &b->arena, &r, NULL) || r.kind != RESPONSE_EVENT ||
        r.op != op_row(OP_house)->number)
        return;
    const struct house_result *h = r.body;
    int fd = h->link ? stream_fd(&b->house) : -1;
    take_settings(b, h->settings);
    enum service_id first = SERVICES;
    for (size_t i = h->services.len; i-- > 0;) first = take_state(b, &h->services.at[i]);
    /* From here on h may be gone: what waits is answered, and that takes the arena. */
    packages_state(b);
    if (fd >= 0 && first < SERVICES) service_link(b, first, fd);
    else if (fd >= 0) close(fd);
    if (!b->listener.ready && !b->stopping) {
        b->listener.ready = clients_accept;
        b->listener.wanted = EPOLLIN;
        if (loop_add(&b->loop, &b->listener)) loop_stop(&b->loop);
    }
}

static void finished(struct loop *l, struct timer *t)
{
    (void)t;
    loop_stop(l);
}

static void finish(struct broker *b)
{
    if (b->stopping) return;
    b->stopping = true;
    stream_close(&b->house, &b->loop);
    if (b->listener.ready) {
        clients_finish(b);
        loop_remove(&b->loop, &b->listener);
    }
    b->patience.fire = finished;
    timer_set(&b->loop, &b->patience, clock_ns() + FINISH_MS * UINT64_C(1000000));
}

/* The supervisor's end of the stream closed means: finish. */
static void house_ready(struct loop *l, struct watch *w, uint32_t events)
{
    struct broker *b = (struct broker *)(void *)((char *)w - offsetof(struct broker, house));
    struct str payload;
    enum err e = events & EPOLLOUT ? stream_flush(&b->house, l) : OK;
    if (!e) e = stream_fill(&b->house);
    while (frame_take(stream_view(&b->house), HOUSE_MOST, &payload) == FRAME_WHOLE) {
        take_house(b, payload);
        stream_taken(&b->house, FRAME_HEAD + payload.len);
    }
    if (e) finish(b);
}

/* --- the process ------------------------------------------------------------------------- */

static enum err memory_open(struct broker *b, struct fault *f)
{
    enum err e = arena_open(&b->arena, CALL_MEMORY);
    if (!e) e = calls_open(b, f);
    b->read = e ? NULL : malloc(READ_ROOM);
    if (!e && !b->read) e = ERR_RESOURCE_LIMIT;
    return e ? fail(f, e, "there is no memory for the broker") : OK;
}

/* Below which clients' descriptors have to be: some are left for an index and for links. */
static int descriptors_most(void)
{
    enum { LEFT = STREAM_FDS + 2 * SOCK_FDS_MOST };
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur > INT32_MAX) return INT32_MAX;
    int most = (int)r.rlim_cur;
    return most > 2 * LEFT ? most - LEFT : most / 2;
}

enum err broker_open(struct broker *b, int house, int listener, struct fault *f)
{
    *b = (struct broker){ .listener.fd = listener, .reserve = -1, .owner = geteuid() };
    b->schema = buf_make(1 << 20);
    settings_standard(&b->settings);
    for (enum service_id id = 0; id < SERVICES; id++)
        b->states[id] = (struct service_state){ .name = str_of(service_rows[id].name),
                                                .state = str_of(state_words[0]) };
    enum err e = loop_open(&b->loop, f);
    if (!e) e = memory_open(b, f);
    if (!e) e = stream_open(&b->house, &b->loop, house, HOUSE_MOST, house_ready);
    b->reserve = fcntl(listener, F_DUPFD_CLOEXEC, 3);
    b->fd_most = descriptors_most();
    b->started_ns = b->clock_ns = clock_ns();
    return e;
}

void broker_close(struct broker *b)
{
    while (b->conns) conn_drop(b->conns);
    services_close(b);
    stream_close(&b->house, &b->loop);
    loop_close(&b->loop);
    calls_close(b);
    answers_close(&b->answers);
    arena_close(&b->arena);
    buf_free(&b->out);
    buf_free(&b->schema);
    free(b->read);
    if (b->reserve >= 0) close(b->reserve);
}

static void raise_descriptors(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0) return;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

/* Waits for events; when stopping, only until every client has its answers. */
static void serve(struct broker *b)
{
    while (!b->loop.stopped && !(b->stopping && !b->conns)) loop_turn(&b->loop, -1);
}

int broker_main(void)
{
    static struct broker b;
    struct fault f = { "" };
    uint32_t uid, gid;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN); /* the supervisor says when to finish */
    raise_descriptors();
    power_user(&uid, &gid);
    enum err e = broker_open(&b, HOUSE_FD, LISTENER_FD, &f);
    if (!e) e = power_drop_to_talking(uid, gid, &f);
    if (e) {
        broker_say(&b, 0, "%s", f.text);
        return err_row(e)->exit_status;
    }
    serve(&b);
    broker_close(&b);
    return 0;
}
