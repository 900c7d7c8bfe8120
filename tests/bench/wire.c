/* Times calls, one at a time: wire CORE OTHER ROUNDS SEARCHES MISSPELT NAMES SERVER... with servers
 * as wire.h says, and files of one question a line. A block of calls of one server is followed by
 * the same calls of the others. Everything is measured with client and servers on CORE; then, with
 * fewer rounds, with the servers on OTHER (-1: there is none), and unpinned. */
#include "wire.h"

enum {
    BLOCK = 50,     /* calls of one server before it is the other's turn */
    PINGS = 1000,   /* calls of one question in a round */
    CONNECTS = 200, /* in a round */
    KEPT = 200,     /* questions that fit into the cache of answers together */
    ROUNDS_MOST = 64,
    FEWER = 3,
    VALUE = 1000 /* bytes of what redis keeps */
};

struct row {
    const char *name;
    struct script script[SERVERS];
    bool fresh;   /* the daemon's kept answers are forgotten before every round */
    bool steady;  /* one question: quantiles of each round, and then the median of those */
    bool connect; /* a connection for each call */
    uint64_t *times[SERVERS]; /* [round][call] */
};

static void row_open(struct row *r, struct script script)
{
    r->script[FLOOR] = script_floor(&script);
    r->script[DAEMON] = script;
    for (size_t s = 0; s < SERVERS; s++) {
        r->times[s] = calloc(ROUNDS_MOST * script.count, sizeof **r->times);
        if (!r->times[s]) die("no memory");
    }
}

static void call_anew(enum server_id s, const char *request, size_t len, size_t answer)
{
    int fd = server_connect(&servers[s]);
    call(fd, request, len, answer);
    close(fd);
}

static void block_run(const struct row *r, enum server_id s, size_t from, size_t to,
                      uint64_t *times)
{
    const struct script *q = &r->script[s];
    for (size_t i = from; i < to; i++) {
        const char *request = q->bytes + q->at[i];
        size_t len = q->at[i + 1] - q->at[i];
        uint64_t began = clock_ns(CLOCK_MONOTONIC);
        if (r->connect) call_anew(s, request, len, q->answer[i]);
        else call(servers[s].fd, request, len, q->answer[i]);
        times[i] = clock_ns(CLOCK_MONOTONIC) - began;
        if (s == DAEMON && in[FRAME_HEAD] != RESPONSE_SUCCESS) die("%s: an error", r->name);
    }
}

static void row_round(struct row *r, size_t round)
{
    size_t count = r->script[DAEMON].count;
    if (r->fresh) answers_forget();
    for (size_t from = 0; from < count; from += BLOCK) {
        size_t to = from + BLOCK < count ? from + BLOCK : count;
        for (enum server_id s = 0; s < SERVERS; s++)
            if (r->script[s].count) block_run(r, s, from, to, r->times[s] + round * count);
    }
}

/* --- what is printed ------------------------------------------------------------------------ */

static void print_figures(const char *name, uint64_t half, uint64_t most, uint64_t least)
{
    printf(", \"%s\": {\"p50\": %llu, \"p99\": %llu, \"least\": %llu}", name,
           (unsigned long long)half, (unsigned long long)most, (unsigned long long)least);
}

/* Quantiles of each round; of those the median over the rounds, and the best p50. */
static void print_steady(const char *name, uint64_t *times, size_t count, size_t rounds)
{
    uint64_t half[ROUNDS_MOST], most[ROUNDS_MOST];
    for (size_t i = 0; i < rounds; i++) {
        half[i] = quantile(times + i * count, count, 500);
        most[i] = quantile(times + i * count, count, 990);
    }
    uint64_t median = quantile(half, rounds, 500);
    print_figures(name, median, quantile(most, rounds, 500), half[0]);
}

/* Quantiles over the questions, each of which is the median of its rounds. */
static void print_questions(const char *name, uint64_t *times, size_t count, size_t rounds)
{
    uint64_t one[ROUNDS_MOST];
    uint64_t *median = calloc(count, sizeof *median), *least = calloc(count, sizeof *least);
    if (!median || !least) die("no memory");
    for (size_t i = 0; i < count; i++) {
        for (size_t r = 0; r < rounds; r++) one[r] = times[r * count + i];
        median[i] = quantile(one, rounds, 500);
        least[i] = one[0];
    }
    uint64_t half = quantile(median, count, 500), most = quantile(median, count, 990);
    print_figures(name, half, most, quantile(least, count, 500));
    free(median);
    free(least);
}

static void row_print(const struct row *r, size_t rounds)
{
    const struct script *q = &r->script[DAEMON];
    uint64_t *bytes = calloc(q->count, sizeof *bytes);
    if (!bytes) die("no memory");
    for (size_t i = 0; i < q->count; i++) bytes[i] = q->answer[i];
    printf("\"%s\": {\"calls\": %zu, \"bytes\": %llu", r->name, q->count,
           (unsigned long long)quantile(bytes, q->count, 500));
    free(bytes);
    for (size_t s = 0; s < SERVERS; s++) {
        if (!r->script[s].count) continue;
        if (r->steady) print_steady(server_words[s], r->times[s], q->count, rounds);
        else print_questions(server_words[s], r->times[s], q->count, rounds);
    }
    printf("}");
}

/* --- the rows ------------------------------------------------------------------------------- */

enum {
    ROW_PING,
    ROW_CONNECT,
    ROW_STATUS,
    ROW_INFO,
    ROW_INFO_KEPT,
    ROW_SEARCH,
    ROW_SEARCH_KEPT,
    ROW_SUGGEST,
    ROWS
};

static struct row rows[ROWS] = {
    [ROW_PING] = { .name = "ping", .steady = true },
    [ROW_CONNECT] = { .name = "connect", .steady = true, .connect = true },
    [ROW_STATUS] = { .name = "status", .steady = true },
    [ROW_INFO] = { .name = "info", .fresh = true },
    [ROW_INFO_KEPT] = { .name = "info_kept" },
    [ROW_SEARCH] = { .name = "search", .fresh = true },
    [ROW_SEARCH_KEPT] = { .name = "search_kept" },
    [ROW_SUGGEST] = { .name = "suggest", .fresh = true },
};

static void rows_open(char **argv)
{
    struct questions searches = lines_of(argv[0]), misspelt = lines_of(argv[1]),
                     names = lines_of(argv[2]);
    struct questions few = first_of(searches, KEPT), some = first_of(names, KEPT);
    row_open(&rows[ROW_PING], script_of(OP_ping, NULL, PINGS));
    row_open(&rows[ROW_CONNECT], script_of(OP_ping, NULL, CONNECTS));
    row_open(&rows[ROW_STATUS], script_of(OP_status, NULL, PINGS));
    row_open(&rows[ROW_INFO], script_of(OP_info, &names, names.len));
    row_open(&rows[ROW_INFO_KEPT], script_of(OP_info, &some, some.len));
    row_open(&rows[ROW_SEARCH], script_of(OP_search, &searches, searches.len));
    row_open(&rows[ROW_SEARCH_KEPT], script_of(OP_search, &few, few.len));
    row_open(&rows[ROW_SUGGEST], script_of(OP_suggest, &misspelt, misspelt.len));
    if (!servers[REDIS].pid) return;
    redis_keep(VALUE);
    rows[ROW_PING].script[REDIS] = script_same(REDIS_PING, 7, PINGS);
    rows[ROW_CONNECT].script[REDIS] = script_same(REDIS_PING, 7, CONNECTS);
    rows[ROW_STATUS].script[REDIS] = script_same(REDIS_GET, VALUE + 9, PINGS);
}

static void place_measure(const struct place *p, size_t rounds)
{
    place_take(p);
    for (size_t i = 0; i < ROWS; i++) row_round(&rows[i], 0); /* to warm up */
    for (size_t r = 0; r < rounds; r++)
        for (size_t i = 0; i < ROWS; i++) row_round(&rows[i], r);
    printf("\"%s\": {", p->name);
    for (size_t i = 0; i < ROWS; i++) {
        if (i) printf(",\n");
        row_print(&rows[i], rounds);
    }
    printf("}");
}

int main(int argc, char **argv)
{
    size_t rounds = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
    if (argc < 9 || argc > 7 + SERVERS || !rounds || rounds > ROUNDS_MOST)
        die("wire CORE OTHER ROUNDS SEARCHES MISSPELT NAMES SERVER...");
    int core = atoi(argv[1]), other = atoi(argv[2]);
    for (int i = 7; i < argc; i++) server_read(&servers[i - 7], argv[i]);
    rows_open(argv + 4);
    printf("{");
    place_measure(&(struct place){ "one", core, core }, rounds);
    printf(",\n");
    if (other >= 0) place_measure(&(struct place){ "two", core, other }, 1 + rounds / FEWER);
    if (other >= 0) printf(",\n");
    place_measure(&(struct place){ "free", -1, -1 }, 1 + rounds / FEWER);
    printf("}\n");
    return 0;
}
