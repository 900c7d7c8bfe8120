/* The broker among several clients, a service and a supervisor, all of which do what the input
 * says: come, talk, stop reading, leave, die, hand over an index, let time pass. Whatever they do,
 * every whole message is answered once under its id as long as its client is there, nothing else is
 * answered, and when all have left nothing is left of them. */
#include "../broker_house.h"

#include <signal.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 4, HEARD = 64, IDS = 256, FRAME_MOST = 65536 };

#define SECOND UINT64_C(1000000000)

/* What was said to the broker and what it still owes. */
struct guest {
    int fd; /* -1: not there */
    bool reads, said_nonsense, said_all, left;
    struct buf out, in; /* sent and not understood yet; received and not understood yet */
    struct {
        uint64_t id;
        unsigned count;
    } owed[IDS];
    size_t owed_len;
};

struct world {
    struct house h;
    struct guest guests[CLIENTS];
    uint64_t heard[HEARD]; /* what the service was asked and has not answered */
    size_t heard_len;
    uint64_t generation;
    const uint8_t *at, *end;
};

static uint64_t take(struct world *w, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v = v << 8 | (w->at < w->end ? *w->at++ : 0);
    return v;
}

static struct str take_bytes(struct world *w, size_t n)
{
    struct str s = { (const char *)w->at,
                     n < (size_t)(w->end - w->at) ? n : (size_t)(w->end - w->at) };
    w->at += s.len;
    return s;
}

/* --- what is owed ------------------------------------------------------------------------ */

static void owe(struct guest *g, uint64_t id)
{
    size_t i = 0;
    while (i < g->owed_len && g->owed[i].id != id) i++;
    if (i == IDS) {
        g->said_nonsense = true; /* more than we can remember: it is not judged any more */
        return;
    }
    if (i == g->owed_len) {
        g->owed[i].id = id;
        g->owed[i].count = 0;
        g->owed_len++;
    }
    g->owed[i].count++;
}

static bool settle(struct guest *g, uint64_t id)
{
    for (size_t i = 0; i < g->owed_len; i++)
        if (g->owed[i].id == id && g->owed[i].count) return g->owed[i].count--;
    return false;
}

/* Reads what was sent as the broker has to: from the first length on that cannot be it is nonsense.
 */
static void understand(struct guest *g)
{
    size_t from = 0;
    struct str payload;
    enum frame state = FRAME_PART;
    while (!g->said_nonsense && (state = frame_take(str_from(buf_view(&g->out), from), FRAME_MOST,
                                                    &payload)) == FRAME_WHOLE) {
        uint32_t variant;
        uint64_t id;
        codec_peek(payload, &variant, &id);
        owe(g, id);
        from += FRAME_HEAD + payload.len;
    }
    if (state == FRAME_REFUSED) g->said_nonsense = true;
    memmove(g->out.at, g->out.at + from, g->out.len - from);
    g->out.len -= from;
}

/* Under no id an error may come that ends the connection: nonsense, too slow, too much. */
static void judge(struct world *w, struct guest *g, struct str payload)
{
    struct response r;
    need(codec_read_response(payload, &w->h.arena, &r, NULL) == OK);
    if (settle(g, r.id)) return;
    if (g->said_nonsense && r.id) return;
    need(r.id == 0 && (r.kind == RESPONSE_ERROR || r.kind == RESPONSE_FAILURE));
    enum err e = err_of_code(r.code);
    need(e == ERR_PARSE || e == ERR_TIMEOUT || e == ERR_RESOURCE_LIMIT);
    need(e != ERR_PARSE || g->said_nonsense);
    g->left = true;
}

/* --- guests ------------------------------------------------------------------------------ */

/* Gives whether anything came. */
static bool guest_reads(struct world *w, struct guest *g)
{
    struct str payload;
    size_t all = 0;
    ssize_t n = 1;
    while (g->fd >= 0 && n > 0) {
        char *to = buf_more(&g->in, 1 << 16);
        need(to != NULL);
        n = recv(g->fd, to, 1 << 16, MSG_DONTWAIT);
        if (n > 0) all += (size_t)n;
        if (n > 0) g->in.len += (size_t)n;
        size_t from = 0;
        while (frame_take(str_from(buf_view(&g->in), from), 64 << 20, &payload) == FRAME_WHOLE) {
            judge(w, g, payload);
            from += FRAME_HEAD + payload.len;
        }
        memmove(g->in.at, g->in.at + from, g->in.len - from);
        g->in.len -= from;
        arena_reset(&w->h.arena, 1 << 16);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN)) g->left = true;
    return all > 0;
}

static void guest_leaves(struct guest *g)
{
    if (g->fd >= 0) close(g->fd);
    buf_free(&g->out);
    buf_free(&g->in);
    *g = (struct guest){ .fd = -1, .out = buf_make(1 << 24), .in = buf_make(1 << 28) };
}

static void guest_comes(struct world *w, struct guest *g)
{
    guest_leaves(g);
    if (w->h.b.stopping) return; /* nobody would open */
    g->fd = client_comes(&w->h);
    g->reads = true;
}

static void guest_says(struct guest *g, struct str bytes)
{
    if (g->fd < 0 || g->left || g->said_all) return;
    ssize_t n = send(g->fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) return;
    buf_str(&g->out, str_head(bytes, (size_t)n));
    understand(g);
}

/* --- requests ---------------------------------------------------------------------------- */

static struct str word(struct world *w)
{
    static const char *const words[] = { "web",     "lib",   "e",         "",       "python3-web",
                                         "x*",      "-dev",  "a b",       "Gr\xC3", "lbw",
                                         "libwebx", "sql=1", "gtk/stable" };
    return str_of(words[take(w, 1) % (sizeof words / sizeof *words)]);
}

/* What operations without anything to say, and those with a body, are asked with. */
union body {
    struct ping_request ping;
    struct search_request search;
    struct info_request info;
    struct suggest_request suggest;
    struct hello_request hello;
    struct cancel_request cancel;
};

static struct request simple(struct world *w, union body *body)
{
    uint64_t number = take(w, 1) % 20;
    struct request r = { .id = take(w, 1) % 8, .op = (uint32_t)number, .body = body };
    memset(body, 0, sizeof *body);
    enum op op = OP_COUNT;
    bool known = op_of_number(r.op, &op);
    if (!known || op == OP_batch || op == OP_with || op == OP_subscribe) op = OP_doctor;
    if (op == OP_search)
        body->search =
            (struct search_request){ .query = word(w), .limit = { true, take(w, 1) * 8 } };
    if (op == OP_info) body->info.package = word(w);
    if (op == OP_suggest) body->suggest.query = word(w);
    if (op == OP_hello) body->hello = (struct hello_request){ .version = 1, .client = word(w) };
    if (op == OP_cancel) body->cancel.target = take(w, 1) % 8;
    r.op = op_row(op)->number;
    return r;
}

static void put_any(struct world *w, struct buf *out)
{
    enum { ITEMS = 12 };
    static union body bodies[ITEMS];
    struct request items[ITEMS];
    uint64_t kind = take(w, 1), n = kind / 8 % (ITEMS + 1), id = take(w, 1) % 8;
    if (kind % 4 == 0) {
        for (size_t i = 0; i < n; i++) items[i] = simple(w, &bodies[i]);
        struct batch_request batch = { .requests = { items, n } };
        put_request(out, OP_batch, id, &batch);
    } else if (kind % 4 == 1) {
        struct with_request with = { .request = simple(w, bodies) };
        with.deadline_ms.there = n & 1;
        with.deadline_ms.value = take(w, 1);
        with.token.there = n == 6;
        put_request(out, OP_with, id, &with);
    } else {
        struct request r = simple(w, bodies);
        enum op op;
        need(op_of_number(r.op, &op));
        put_request(out, op, r.id, r.body);
    }
}

static void guest_asks(struct world *w, struct guest *g)
{
    struct buf out = buf_make(1 << 20);
    uint64_t how = take(w, 1);
    for (uint64_t i = 0; i <= how % 4; i++) put_any(w, &out);
    if (how & 64 && out.len) out.at[take(w, 1) % out.len] ^= (char)(1 << take(w, 1) % 8);
    if (how & 128 && out.len) out.len = (size_t)take(w, 1) % out.len;
    guest_says(g, buf_view(&out));
    buf_free(&out);
}

/* So much of it that it does not fit into a turn, nor its answers where they are not read. */
static void guest_asks_much(struct world *w, struct guest *g)
{
    struct buf one = buf_make(1 << 20), out = buf_make(1 << 22);
    uint64_t how = take(w, 1), times = how % 64;
    put_any(w, &one);
    if (how & 64)
        buf_put(&one, "\0\0\xEA\x60 and no more", 16); /* half a message of 60,000 bytes */
    for (uint64_t i = 0; i <= times && out.len < 1 << 19; i++) buf_str(&out, buf_view(&one));
    guest_says(g, buf_view(&out));
    buf_free(&one);
    buf_free(&out);
}

/* --- the service ------------------------------------------------------------------------- */

static void service_listens(struct world *w)
{
    struct request r;
    int caller;
    while (w->h.service >= 0 && service_hears(&w->h, &r, &caller)) {
        if (caller >= 0) close(caller);
        if (r.id && w->heard_len < HEARD) w->heard[w->heard_len++] = r.id;
    }
}

static void service_speaks(struct world *w)
{
    uint64_t how = take(w, 1);
    struct check check = { .name = S("a check"), .state = S("ok") };
    struct doctor_result done = { .checks = { &check, how & 1 } };
    struct response r = { .op = op_row(OP_doctor)->number, .body = &done };
    if (w->h.service < 0) return;
    if (how & 2)
        r = (struct response){ .kind = RESPONSE_ERROR, .code = -32603, .message = S("no") };
    if (how & 4 || !w->heard_len) {
        r.id = take(w, 8);
        if (how & 8) r.id = 0;
    } else {
        size_t i = (size_t)take(w, 1) % w->heard_len;
        r.id = w->heard[i];
        w->heard[i] = w->heard[--w->heard_len];
    }
    service_says(&w->h, &r, NULL, 0);
}

static void index_comes(struct world *w)
{
    uint64_t how = take(w, 1);
    if (w->h.service >= 0) house_index(&w->h, how & 1, how >> 1 & 7, ++w->generation);
}

static void house_changes(struct world *w, bool link)
{
    static const char *const settings[] = {
        "frame.max_bytes = 65536\n",
        "frame.max_bytes = 65536\nbatch.max = 3\nanswers.max = 2\n",
        "frame.max_bytes = 65536\npool.max_bytes = 1048576\ncalls.max = 2\n",
        "frame.max_bytes = 65536\nanswers.max = 0\nrate.slow = 1\ncall.timeout_ms = 50\n",
        "frame.max_bytes = 65536\nanswers.max_bytes = 4096\nidle.timeout_ms = 100\nrate.fast = 1\n",
        "frame.max_bytes = 65536\nclients.max = 2\n",
    };
    const char *one = settings[take(w, 1) % (sizeof settings / sizeof *settings)];
    if (w->h.supervisor < 0) return;
    if (link) w->heard_len = 0;
    house_say(&w->h, one, link);
}

/* The supervisor wants it to end: from here on only what is answered is looked at. */
static void house_ends(struct world *w)
{
    if (w->h.supervisor >= 0) close(w->h.supervisor);
    w->h.supervisor = -1;
    for (size_t i = 0; i < CLIENTS; i++) w->guests[i].said_nonsense = true;
}

/* --- a run ------------------------------------------------------------------------------- */

static void one_step(struct world *w)
{
    uint64_t what = take(w, 1);
    struct guest *g = &w->guests[what / 16 % CLIENTS];
    switch (what % 16) {
    case 0: guest_comes(w, g); break;
    case 1: guest_says(g, take_bytes(w, (size_t)take(w, 1))); break;
    case 2: guest_leaves(g); break;
    case 3:
        if (g->fd >= 0) shutdown(g->fd, SHUT_WR);
        g->said_all = true;
        break;
    case 4: g->reads = !g->reads; break;
    case 5:
    case 6: service_speaks(w); break;
    case 7:
        if (what == 0xF7) house_ends(w);
        else if (what & 16) service_dies(&w->h);
        else house_changes(w, true);
        break;
    case 8: index_comes(w); break;
    case 9: house_age(&w->h, (uint64_t)1 << (take(w, 1) % 36)); break;
    case 10: house_changes(w, false); break;
    case 11:
        if (w->h.service >= 0)
            sock_send(w->h.service, take_bytes(w, (size_t)take(w, 1) % 32), NULL, 0);
        break;
    case 12: guest_asks_much(w, g); break;
    default: guest_asks(w, g); break;
    }
}

/* Gives whether anybody got anything. */
static bool everybody_listens(struct world *w)
{
    char any[64];
    bool more = false;
    house_turns(&w->h);
    service_listens(w);
    while (w->h.supervisor >= 0 && read(w->h.supervisor, any, sizeof any) > 0) continue;
    for (size_t i = 0; i < CLIENTS; i++)
        if (w->guests[i].reads) more |= guest_reads(w, &w->guests[i]);
    return more;
}

/* After all deadlines nobody is owed anything any more who did not leave or was hung up on. */
static void final_account(struct world *w)
{
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < CLIENTS; i++) w->guests[i].reads = w->guests[i].fd >= 0;
        while (everybody_listens(w)) continue;
        house_age(&w->h, 31 * SECOND);
    }
    while (everybody_listens(w)) continue;
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct guest *g = &w->guests[i];
        bool owed = !g->left && !g->said_nonsense && !w->h.b.stopping;
        for (size_t k = 0; k < g->owed_len && owed; k++) need(g->owed[k].count == 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) guest_leaves(&w->guests[i]);
    house_turns(&w->h);
    if (w->h.b.stopping) return;
    need(w->h.b.conns_len == 0 && w->h.b.calls_len == 0 && w->h.b.pool.used == 0);
}

static int highest_descriptor(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    signal(SIGPIPE, SIG_IGN);
    index_sets_make();
    int before = highest_descriptor();
    w = (struct world){ .at = data, .end = data + size };
    house_open(&w.h, "frame.max_bytes = 65536\n");
    for (size_t i = 0; i < CLIENTS; i++) {
        w.guests[i].fd = -1;
        guest_leaves(&w.guests[i]);
    }
    while (w.at < w.end) {
        one_step(&w);
        everybody_listens(&w);
    }
    final_account(&w);
    house_close(&w.h);
    need(highest_descriptor() == before);
    return 0;
}
