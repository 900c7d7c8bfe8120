#include "service/packages.h"

#include "pkg/doctor.h"
#include "pkg/store.h"
#include "service/watcher.h"

#include "base/settings.h"
#include "io/stream.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    HOUSE_FD = 3,
    STREAM_MOST = 64 << 20,
    CALL_MEMORY = 256 << 20,
    /* While one update follows the other there is none for REST times as long as the last one took,
     * and at most REST_MOST_MS: what changes at once is brought up to date at once. */
    REST = 3,
    REST_MOST_MS = 1000,
    FOLLOWS_MS = 2000,
};

struct packages {
    struct loop loop;
    struct settings settings;
    struct stream house, broker;
    struct store store;
    struct watcher watcher;
    struct timer now_and_then;
    struct job start;
    struct arena arena;
    int sealed[CACHE_KINDS]; /* what the broker has; kept for the next broker */
    uint64_t updated_ns;     /* when the last update was done */
    uint64_t generation;     /* how often this service was started again in the upper half */
    bool ready;              /* the settings have come */
    bool failed;             /* it cannot go on */
};

static struct packages *here; /* one service in a process; callbacks find it here */

static void complain(const char *text)
{
    dprintf(STDERR_FILENO, "omgd: packages: %s\n", text);
}

/* --- to the broker ----------------------------------------------------------------------- */

static void send(struct packages *p, const struct response *r, const int *fds, size_t count)
{
    struct buf frame = buf_make(STREAM_MOST);
    if (!stream_is_open(&p->broker)) return;
    size_t at = frame_begin(&frame);
    codec_write_response(&frame, r);
    frame_end(&frame, at);
    if (frame.full || stream_send(&p->broker, &p->loop, buf_view(&frame), fds, count)) {
        complain("the broker takes no answer");
        stream_close(&p->broker, &p->loop); /* it gets a new link, and by that all that it missed */
    }
    buf_free(&frame);
}

static void send_error(struct packages *p, uint64_t id, enum err e, const struct fault *f)
{
    send(p,
         &(struct response){ .id = id,
                             .kind = RESPONSE_ERROR,
                             .code = err_row(e)->code,
                             .message = str_of(*f->text ? f->text : err_row(e)->sentence) },
         NULL, 0);
}

/* Hands over the parts that are sealed and wanted, as an event with their descriptors. */
static void hand_over(struct packages *p, const bool wanted[CACHE_KINDS])
{
    struct refresh_result r = { .generation = p->generation };
    int fds[CACHE_KINDS];
    size_t count = 0;
    bool *const flags[CACHE_KINDS] = { &r.catalogue, &r.overlay, &r.text };
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        if (!wanted[k] || p->sealed[k] < 0) continue;
        *flags[k] = true;
        fds[count++] = p->sealed[k];
    }
    if (!count) return;
    send(p,
         &(struct response){ .kind = RESPONSE_EVENT,
                             .sequence = p->generation,
                             .op = op_row(OP_refresh)->number,
                             .body = &r },
         fds, count);
}

/* --- the index --------------------------------------------------------------------------- */

static enum err seal(struct packages *p, const bool wanted[CACHE_KINDS], struct fault *f)
{
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        int fd;
        if (!wanted[k]) continue;
        enum err e = store_sealed(&p->store, k, &fd, f);
        if (e) return e;
        if (p->sealed[k] >= 0) close(p->sealed[k]);
        p->sealed[k] = fd;
    }
    p->generation++;
    hand_over(p, wanted);
    return OK;
}

/* The first time: search and the rest need not wait for the long texts. */
static enum err open_first(struct packages *p, struct fault *f)
{
    enum err e = store_need(&p->store, false, f);
    if (!e) e = seal(p, (bool[CACHE_KINDS]){ true, true, false }, f);
    if (!e) e = store_need(&p->store, true, f);
    if (!e) e = seal(p, (bool[CACHE_KINDS]){ false, false, true }, f);
    return e;
}

static enum err refresh(struct packages *p, unsigned *parts, struct fault *f)
{
    *parts = 0;
    enum err e = store_refresh(&p->store, parts, f);
    bool wanted[CACHE_KINDS] = { *parts & PART_CATALOGUE, *parts & PART_OVERLAY,
                                 *parts & PART_TEXT };
    return e || !*parts ? e : seal(p, wanted, f);
}

static const char *root_of(const struct packages *p)
{
    return p->settings.daemon_root[0] ? p->settings.daemon_root : NULL;
}

/* Brings the index up to date and tells the broker; parts gets what is new. */
static enum err update(struct packages *p, unsigned *parts, struct fault *f)
{
    uint64_t from = clock_ns();
    bool first = !p->store.open;
    *parts = PART_CATALOGUE | PART_OVERLAY | PART_TEXT;
    enum err e = first ? open_first(p, f) : refresh(p, parts, f);
    if (e == ERR_BUSY) e = refresh(p, parts, f); /* it changed under our hands: once more */
    uint64_t now = clock_ns(), rest = REST * (now - from);
    bool follows = from - p->updated_ns < FOLLOWS_MS * UINT64_C(1000000);
    if (rest > REST_MOST_MS * UINT64_C(1000000)) rest = REST_MOST_MS * UINT64_C(1000000);
    p->watcher.not_before_ns = follows && (e || *parts) ? now + rest : 0;
    p->updated_ns = now;
    if (p->store.open && (first || *parts)) {
        watcher_follow(&p->watcher, &p->store, root_of(p) ? root_of(p) : "");
        job_put_off(&p->loop, &p->start); /* for what changed before it was watched */
    }
    timer_set(&p->loop, &p->now_and_then, now + p->settings.refresh_ms * 1000000);
    return e;
}

/* As above, when nobody asked for it. */
static void update_quietly(struct packages *p)
{
    struct fault f = { "" };
    unsigned parts;
    enum err e = update(p, &parts, &f);
    if (!e) return;
    complain(*f.text ? f.text : err_row(e)->sentence);
    send_error(p, 0, e, &f);
}

static void sources_changed(struct watcher *w)
{
    (void)w;
    update_quietly(here);
}

static void look_again(struct loop *l, struct timer *t)
{
    (void)l;
    (void)t;
    update_quietly(here);
}

static void start(struct loop *l, struct job *j)
{
    (void)l;
    (void)j;
    update_quietly(here);
}

/* --- requests ---------------------------------------------------------------------------- */

/* Who asks, by the caller's own socket (-1: none came): the broker's word alone changes nothing. */
static enum err check_caller(int caller, struct fault *f)
{
    struct peer peer;
    if (caller < 0) return fail(f, ERR_UNAUTHENTICATED, "the caller's socket did not come along");
    enum err e = sock_caller(caller, &peer);
    if (e) return fail(f, ERR_UNAUTHENTICATED, "the caller's socket says nothing");
    if (peer.uid != 0 && peer.uid != geteuid())
        return fail(f, ERR_FORBIDDEN, "only root and the user of the daemon may do this");
    return OK;
}

static enum err answer_refresh(struct packages *p, struct refresh_result *r, struct fault *f)
{
    uint64_t from = clock_ns();
    unsigned parts;
    enum err e = update(p, &parts, f);
    *r = (struct refresh_result){ .generation = p->generation,
                                  .catalogue = parts & PART_CATALOGUE,
                                  .overlay = parts & PART_OVERLAY,
                                  .text = parts & PART_TEXT,
                                  .took_ns = clock_ns() - from };
    return e;
}

static enum err answer_doctor(struct packages *p, struct doctor_result *r, struct fault *f)
{
    enum err e = store_need(&p->store, true, f);
    return e ? e : doctor_look(&p->store, 0, r, &p->arena, f);
}

static enum err answer(struct packages *p, enum op op, int caller, void *result, struct fault *f)
{
    enum err e = op_row(op)->path == PATH_CHANGE ? check_caller(caller, f) : OK;
    if (e) return e;
    if (op == OP_refresh) return answer_refresh(p, result, f);
    if (op == OP_doctor) return answer_doctor(p, result, f);
    return fail(f, ERR_METHOD_NOT_FOUND, "the packages service has no such operation");
}

/* With each request that changes something its caller's socket comes, whatever else it says. */
static int take_caller(struct packages *p, struct str payload)
{
    uint32_t number;
    uint64_t id;
    enum op op;
    bool known = codec_peek(payload, &number, &id) && op_of_number(number, &op);
    return known && op_row(op)->path == PATH_CHANGE ? stream_fd(&p->broker) : -1;
}

static void take_request(struct packages *p, struct str payload, int caller)
{
    _Alignas(16) char result[256] = { 0 };
    struct request q;
    struct fault f = { "" };
    enum op op;
    arena_reset(&p->arena, 1 << 16);
    payload = arena_copy(&p->arena, payload); /* the stream may be closed before we are done */
    enum err e = codec_read_request(payload, 1, &p->arena, &q, &f);
    if (!e && q.id == 0) return; /* Cancel: by now it is answered or about to be */
    if (!e && !op_of_number(q.op, &op)) e = ERR_METHOD_NOT_FOUND;
    if (!e) e = answer(p, op, caller, result, &f);
    if (!e && store_lost(&p->store))
        e = fail(&f, ERR_BUSY, "the package data changed while it was read");
    if (e) send_error(p, q.id, e, &f);
    else send(p, &(struct response){ .id = q.id, .op = q.op, .body = result }, NULL, 0);
}

static void broker_ready(struct loop *l, struct watch *w, uint32_t events)
{
    struct packages *p = here;
    struct str payload;
    (void)w;
    enum err e = events & EPOLLOUT ? stream_flush(&p->broker, l) : OK;
    if (!e && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) e = stream_fill(&p->broker);
    while (stream_is_open(&p->broker) &&
           frame_take(stream_view(&p->broker), STREAM_MOST, &payload) == FRAME_WHOLE) {
        int caller = take_caller(p, payload);
        stream_taken(&p->broker, FRAME_HEAD + payload.len);
        take_request(p, payload, caller);
        if (caller >= 0) close(caller);
    }
    if (e) stream_close(&p->broker, l);
}

/* --- the supervisor ---------------------------------------------------------------------- */

static enum err settings_came(struct packages *p, struct str text, struct fault *f)
{
    struct settings s;
    settings_standard(&s);
    enum err e = settings_parse(text, "settings", &s, f);
    if (e) return e;
    p->settings = s;
    p->store.options.verbose = s.verbose > 0;
    if (p->ready) {
        timer_set(&p->loop, &p->now_and_then, clock_ns() + s.refresh_ms * 1000000);
        return OK;
    }
    struct store_options o = { .root = root_of(p),
                               .cache_folder = str_of(p->settings.cache_dir),
                               .verbose = s.verbose > 0,
                               .name = "omgd: packages" };
    e = store_open(&p->store, &o, f);
    if (e) return e;
    p->ready = true;
    p->start.run = start;
    job_put_off(&p->loop, &p->start);
    return OK;
}

static void take_house(struct packages *p, struct str payload)
{
    struct response r;
    struct fault f = { "" };
    arena_reset(&p->arena, 1 << 16);
    if (codec_read_response(payload, &p->arena, &r, NULL) || r.kind != RESPONSE_EVENT ||
        r.op != op_row(OP_house)->number)
        return;
    const struct house_result *h = r.body;
    if (!p->generation && h->services.len) p->generation = h->services.at[0].restarts << 32;
    int fd = h->link ? stream_fd(&p->house) : -1;
    if (fd >= 0) {
        stream_close(&p->broker, &p->loop);
        if (stream_open(&p->broker, &p->loop, fd, STREAM_MOST, broker_ready))
            complain("the broker cannot be watched");
        hand_over(p, (bool[CACHE_KINDS]){ true, true, true });
    }
    if (!settings_came(p, h->settings, &f)) return;
    complain(f.text);
    p->failed = true;
    loop_stop(&p->loop);
}

static void house_ready(struct loop *l, struct watch *w, uint32_t events)
{
    struct packages *p = here;
    struct str payload;
    (void)w;
    (void)events;
    enum err e = stream_fill(&p->house);
    while (frame_take(stream_view(&p->house), STREAM_MOST, &payload) == FRAME_WHOLE) {
        take_house(p, payload);
        stream_taken(&p->house, FRAME_HEAD + payload.len);
    }
    if (e) loop_stop(l); /* the supervisor is gone or wants us to end */
}

int packages_main(void)
{
    static struct packages p = { .sealed = { -1, -1, -1 } };
    struct fault f = { "" };
    here = &p;
    signal(SIGPIPE, SIG_IGN);
    settings_standard(&p.settings);
    p.now_and_then.fire = look_again;
    enum err e = loop_open(&p.loop, &f);
    if (!e) e = arena_open(&p.arena, CALL_MEMORY);
    if (!e) e = stream_open(&p.house, &p.loop, HOUSE_FD, STREAM_MOST, house_ready);
    if (e) {
        complain(*f.text ? f.text : err_row(e)->sentence);
        return err_row(e)->exit_status;
    }
    watcher_open(&p.watcher, &p.loop, sources_changed);
    loop_run(&p.loop);
    return p.failed ? err_row(ERR_SERVICE_UNAVAILABLE)->exit_status : 0;
}
