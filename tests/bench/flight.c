/* Counts calls a second, many in flight: flight CORE OTHER ROUNDS NAMES SERVER... with servers as
 * wire.h says. A client keeps WINDOW calls in flight on its connection: what one read brought as
 * answers it writes as new requests. Each figure of a round comes right after the others'. One
 * client's is the median of many short pieces, so that it is not other processes' time that is
 * measured; of a crowd there is only the whole. */
#include "wire.h"

#include "client/mux.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
    WINDOW = 64,
    CLIENTS = 16,
    SCRIPT = 640, /* requests: all different where they are infos */
    PIECES = 50,
    CROWD_MS = 60,
    ROUNDS_MOST = 64,
    VALUE = 1000
};

/* --- one client with frames made beforehand ------------------------------------------------- */

struct flight {
    const struct script *q;
    int fd;
    size_t sent, done, got; /* got: bytes of answers that are not whole yet */
};

/* As many requests as may be in flight, with one write where they lie in a row. */
static void flight_send(struct flight *f, size_t most)
{
    while (f->sent < most) {
        size_t from = f->sent % f->q->count, n = f->q->count - from;
        if (n > most - f->sent) n = most - f->sent;
        put(f->fd, f->q->bytes + f->q->at[from], f->q->at[from + n] - f->q->at[from]);
        f->sent += n;
    }
}

static void flight_take(struct flight *f)
{
    f->got += take(f->fd, in, sizeof in);
    while (f->done < f->sent && f->got >= f->q->answer[f->done % f->q->count])
        f->got -= f->q->answer[f->done++ % f->q->count];
}

static void flight_turn(struct flight *f, size_t calls)
{
    flight_send(f, f->done + WINDOW < calls ? f->done + WINDOW : calls);
    flight_take(f);
}

static uint64_t per_second(size_t calls, uint64_t ns)
{
    return (uint64_t)((double)calls * 1e9 / (double)ns);
}

/* fresh: none of the answers may be a kept one. */
static uint64_t flood(enum server_id s, const struct script *q, bool fresh)
{
    uint64_t took[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        struct flight f = { .q = q, .fd = servers[s].fd };
        if (fresh && s == DAEMON) answers_forget();
        uint64_t began = clock_ns(CLOCK_MONOTONIC);
        while (f.done < q->count) flight_turn(&f, q->count);
        took[i] = clock_ns(CLOCK_MONOTONIC) - began;
    }
    return per_second(q->count, quantile(took, PIECES, 500));
}

/* --- one client through src/client/mux ------------------------------------------------------- */

struct asker {
    struct mux *m;
    const struct questions *names; /* NULL: pings */
    size_t asked, answered;
    uint64_t began, took[PIECES];
};

static void ask(struct asker *a);

static void answered(struct mux *m, const struct mux_end *end, void *user)
{
    struct asker *a = user;
    (void)m;
    if (end->e) die("a call in flight was not answered: %s", err_row(end->e)->name);
    if (++a->answered % SCRIPT == 0) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        a->took[a->answered / SCRIPT - 1] = now - a->began;
        a->began = now;
    }
    if (a->asked < PIECES * SCRIPT) ask(a);
}

static void ask(struct asker *a)
{
    struct ping_request ping = { 0 };
    struct info_request info = { .package = a->names ? a->names->at[a->asked % SCRIPT] : STR_NONE };
    uint64_t id;
    enum err e = a->names ? mux_call(a->m, OP_info, &info, 0, answered, a, &id)
                          : mux_call(a->m, OP_ping, &ping, 0, answered, a, &id);
    if (e) die("a call cannot be made: %s", err_row(e)->name);
    a->asked++;
}

static uint64_t flood_mux(struct mux *m, const struct questions *names)
{
    struct asker a = { .m = m, .names = names, .began = clock_ns(CLOCK_MONOTONIC) };
    while (a.asked < WINDOW) ask(&a);
    while (a.answered < PIECES * SCRIPT)
        if (mux_turn(m, -1)) die("the daemon hung up");
    return per_second(SCRIPT, quantile(a.took, PIECES, 500));
}

/* --- many clients, each a process ----------------------------------------------------------- */

struct crowd {
    atomic_int ready, state; /* state: 0 wait, 1 ask, 2 stop */
    atomic_size_t calls;
};

static struct crowd *crowd; /* all of them see it */

static void crowd_client(const struct server *s, const struct script *q)
{
    struct flight f = { .q = q, .fd = server_connect(s) };
    atomic_fetch_add(&crowd->ready, 1);
    while (!atomic_load(&crowd->state)) usleep(1000);
    while (atomic_load(&crowd->state) == 1) flight_turn(&f, SIZE_MAX);
    atomic_fetch_add(&crowd->calls, f.done);
    _exit(0);
}

static uint64_t crowd_run(enum server_id s, const struct script *q, int clients)
{
    *crowd = (struct crowd){ 0 };
    fflush(stdout);
    for (int i = 0; i < clients; i++)
        if (fork() == 0) crowd_client(&servers[s], q);
    while (atomic_load(&crowd->ready) < clients) usleep(1000);
    uint64_t began = clock_ns(CLOCK_MONOTONIC);
    atomic_store(&crowd->state, 1);
    usleep(CROWD_MS * 1000);
    atomic_store(&crowd->state, 2);
    uint64_t took = clock_ns(CLOCK_MONOTONIC) - began;
    while (wait(NULL) > 0) continue;
    return per_second(atomic_load(&crowd->calls), took);
}

/* --- rows ----------------------------------------------------------------------------------- */

struct row {
    const char *name;
    struct script script[SERVERS];
    int clients; /* 0: this one */
    bool mux;    /* with src/client/mux; only the daemon */
    bool fresh;  /* the daemon's kept answers are forgotten before every round */
    uint64_t rates[SERVERS][ROUNDS_MOST];
};

enum { ROW_PING, ROW_INFO, ROW_INFO_KEPT, ROW_PING_MUX, ROW_INFO_MUX, ROW_ALONE, ROW_CROWD, ROWS };

static struct row rows[ROWS] = {
    [ROW_PING] = { .name = "ping" },
    [ROW_INFO] = { .name = "info", .fresh = true },
    [ROW_INFO_KEPT] = { .name = "info_kept" },
    [ROW_PING_MUX] = { .name = "ping_mux", .mux = true },
    [ROW_INFO_MUX] = { .name = "info_mux", .mux = true },
    [ROW_ALONE] = { .name = "alone", .clients = 1 },
    [ROW_CROWD] = { .name = "crowd", .clients = CLIENTS },
};
static struct questions names;
static struct mux *mux;

static void rows_open(void)
{
    struct script ping = script_of(OP_ping, NULL, SCRIPT),
                  info = script_of(OP_info, &names, SCRIPT);
    struct script redis = { 0 }, get = { 0 };
    if (servers[REDIS].pid) {
        redis_keep(VALUE);
        redis = script_same(REDIS_PING, 7, SCRIPT);
        get = script_same(REDIS_GET, VALUE + 9, SCRIPT);
    }
    for (size_t i = 0; i < ROWS; i++) {
        struct row *r = &rows[i];
        bool infos = i == ROW_INFO || i == ROW_INFO_KEPT || i == ROW_INFO_MUX;
        r->script[DAEMON] = infos ? info : ping;
        if (!r->mux) r->script[FLOOR] = script_floor(&r->script[DAEMON]);
        if (!r->mux) r->script[REDIS] = infos ? get : redis;
    }
}

static uint64_t row_rate(const struct row *r, enum server_id s)
{
    if (r->mux) return flood_mux(mux, r == &rows[ROW_INFO_MUX] ? &names : NULL);
    if (r->clients) return crowd_run(s, &r->script[s], r->clients);
    return flood(s, &r->script[s], r->fresh);
}

static void print_rates(const struct row *r, size_t rounds)
{
    const char *before = "";
    printf("\"%s\": {", r->name);
    for (size_t s = 0; s < SERVERS; s++) {
        uint64_t rates[ROUNDS_MOST];
        if (!r->script[s].count) continue;
        memcpy(rates, r->rates[s], sizeof rates);
        uint64_t median = quantile(rates, rounds, 500);
        printf("%s\"%s\": {\"median\": %llu, \"most\": %llu}", before, server_words[s],
               (unsigned long long)median, (unsigned long long)rates[rounds - 1]);
        before = ", ";
    }
    printf("}");
}

static void place_measure(const struct place *p, size_t rounds)
{
    place_take(p);
    for (size_t round = 0; round <= rounds; round++) /* the first is to warm up */
        for (size_t i = 0; i < ROWS; i++)
            for (enum server_id s = 0; s < SERVERS; s++)
                if (rows[i].script[s].count)
                    rows[i].rates[s][round ? round - 1 : 0] = row_rate(&rows[i], s);
    printf("\"%s\": {", p->name);
    for (size_t i = 0; i < ROWS; i++) {
        if (i) printf(",\n");
        print_rates(&rows[i], rounds);
    }
    printf("}");
}

int main(int argc, char **argv)
{
    struct fault f = { "" };
    size_t rounds = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
    if (argc < 7 || argc > 5 + SERVERS || !rounds || rounds > ROUNDS_MOST)
        die("flight CORE OTHER ROUNDS NAMES SERVER...");
    int core = atoi(argv[1]), other = atoi(argv[2]);
    crowd = mmap(NULL, sizeof *crowd, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crowd == MAP_FAILED) die("no memory");
    names = lines_of(argv[4]);
    if (names.len < SCRIPT) die("too few names");
    for (int i = 5; i < argc; i++) server_read(&servers[i - 5], argv[i]);
    struct mux_options o = { .socket = str_of(servers[DAEMON].path) };
    if (mux_open(&o, &mux, &f)) die("%s", f.text);
    rows_open();
    printf("{");
    place_measure(&(struct place){ "one", core, core }, rounds);
    printf(",\n");
    if (other >= 0) place_measure(&(struct place){ "two", core, other }, 1 + rounds / 2);
    if (other >= 0) printf(",\n");
    place_measure(&(struct place){ "free", -1, -1 }, 1 + rounds / 2);
    printf("}\n");
    mux_close(mux);
    return 0;
}
