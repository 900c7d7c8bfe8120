/* Times the questions an index answers, in this process: query FOLDER ROUNDS SEARCHES [MISSPELT
 * NAMES], the last three being files of one question a line. Each round asks every question once,
 * so that between two times of one question lie all the others; nothing is kept from one to the
 * next but what the index itself keeps. A question's time is the median of its rounds and holds
 * the emptying of the answer's memory, which every call needs. After each round of searches come
 * the same searches by scanning all names and summaries: that is the peer, and its totals have to
 * be the same. */
#include "bench.h"

#include "base/file.h"
#include "pkg/query.h"

#include <fcntl.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROUNDS_MOST = 1000, STATUS_CALLS = 1000, WORDS_MOST = 16, PEER_ROUNDS = 5 };

struct questions {
    struct str *at;
    size_t len;
};

/* What came of one kind of question. times is [round][question]; total is a search's total or what
 * else shows that the answer was made. */
struct answers {
    uint64_t *times, *total;
    size_t len, rounds;
};

struct bench {
    struct index ix;
    struct arena arena;
    uint64_t checksum;
};

static struct str file_whole(const char *folder, const char *name)
{
    char path[512];
    struct map m;
    struct fault f = { "" };
    snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
    if (map_open(AT_FDCWD, path, &m, &f)) die("%s: %s", path, f.text);
    return m.text;
}

static struct questions lines_of(const char *path)
{
    struct str text = file_whole("", path), rest = text, line;
    struct questions q = { NULL, 0 };
    while (str_cut(&rest, '\n', &line)) q.len++;
    q.at = calloc(q.len + 1, sizeof *q.at);
    if (!q.at) die("no memory");
    for (size_t i = 0; str_cut(&text, '\n', &line); i++) q.at[i] = line;
    return q;
}

static struct answers answers_open(size_t len, size_t rounds)
{
    struct answers a = { calloc(len * rounds, sizeof(uint64_t)), calloc(len, sizeof(uint64_t)), len,
                         rounds };
    if (!a.times || !a.total) die("no memory");
    return a;
}

/* Reads the whole answer, so that none of it can be left out. */
static void consume(struct bench *b, struct str s)
{
    b->checksum = b->checksum * 31 + s.len;
    if (s.len) b->checksum += (uint8_t)s.at[0] + (uint8_t)s.at[s.len - 1];
}

/* --- one question of each kind -------------------------------------------------------------- */

typedef uint64_t ask_fn(struct bench *b, struct str question);

static uint64_t ask_search(struct bench *b, struct str question)
{
    struct search_request q = { .query = question };
    struct search_result r;
    struct fault f = { "" };
    if (query_search(&b->ix, &q, &r, &b->arena, &f)) die("search: %s", f.text);
    for (size_t i = 0; i < r.packages.len; i++) {
        consume(b, r.packages.at[i].name);
        consume(b, r.packages.at[i].version);
        consume(b, r.packages.at[i].description);
    }
    return r.total;
}

static uint64_t ask_suggest(struct bench *b, struct str question)
{
    struct suggest_request q = { .query = question };
    struct suggest_result r;
    struct fault f = { "" };
    if (query_suggest(&b->ix, &q, &r, &b->arena, &f)) die("suggest: %s", f.text);
    for (size_t i = 0; i < r.suggestions.len; i++) consume(b, r.suggestions.at[i]);
    return r.suggestions.len;
}

static uint64_t ask_info(struct bench *b, struct str question)
{
    struct info_request q = { .package = question };
    struct detailed_package_info r;
    struct fault f = { "" };
    if (query_info(&b->ix, &q, &r, &b->arena, &f)) die("info: %s", f.text);
    consume(b, r.name);
    consume(b, r.version);
    consume(b, r.description);
    for (size_t i = 0; i < r.depends.len; i++) consume(b, r.depends.at[i]);
    return r.description.len;
}

static void round_of(struct bench *b, ask_fn *ask, const struct questions *q, struct answers *a,
                     size_t round)
{
    uint64_t *times = a->times + round * q->len;
    for (size_t i = 0; i < q->len; i++) {
        uint64_t from = clock_ns(CLOCK_MONOTONIC);
        arena_reset(&b->arena, 1 << 20);
        a->total[i] = ask(b, q->at[i]);
        times[i] = clock_ns(CLOCK_MONOTONIC) - from;
    }
}

/* A status is quicker than a look at the clock: many are timed at once. */
static uint64_t status_ns(struct bench *b)
{
    uint64_t from = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < STATUS_CALLS; i++) {
        struct status_request q = { 0 };
        struct status_result r;
        arena_reset(&b->arena, 1 << 20);
        if (query_status(&b->ix, &q, &r, &b->arena, NULL)) die("status");
        b->checksum += r.total_packages + r.updates_available;
        __asm__ volatile("" : : "r"(&r) : "memory");
    }
    return (clock_ns(CLOCK_MONOTONIC) - from) * 10 / STATUS_CALLS; /* tenths */
}

static uint64_t clock_cost(void)
{
    uint64_t from = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < STATUS_CALLS; i++) clock_ns(CLOCK_MONOTONIC);
    return (clock_ns(CLOCK_MONOTONIC) - from) * 10 / STATUS_CALLS;
}

/* --- the peer: a scan ----------------------------------------------------------------------- */

/* All names and summaries in lower case behind one another, each ended by NUL. */
struct heap {
    struct str text;
    size_t *at; /* where each package begins; count + 1 of them */
    size_t count;
};

static size_t lower_put(char *to, struct str s)
{
    for (size_t i = 0; i < s.len; i++) to[i] = ascii_lower(s.at[i]);
    to[s.len] = 0;
    return s.len + 1;
}

static struct heap heap_make(const struct index *ix)
{
    struct heap h = { .count = ix->names + ix->extras };
    size_t bytes = 0, len = 0;
    for (uint32_t i = 0; i < h.count; i++)
        bytes += any_name(ix, i).len + any_summary(ix, i).len + 2;
    char *to = malloc(bytes + 64);
    h.at = calloc(h.count + 1, sizeof *h.at);
    if (!to || !h.at) die("no memory");
    for (uint32_t i = 0; i < h.count; i++) {
        h.at[i] = len;
        len += lower_put(to + len, any_name(ix, i));
        len += lower_put(to + len, any_summary(ix, i));
    }
    h.at[h.count] = len;
    h.text = (struct str){ to, len };
    return h;
}

#if defined(__x86_64__)
/* As str_find, thirty-two offsets at a time. */
__attribute__((target("avx2"))) static size_t find_avx2(struct str s, struct str needle)
{
    if (needle.len > s.len) return s.len;
    size_t last = s.len - needle.len, i = 0;
    __m256i first = _mm256_set1_epi8(needle.at[0]);
    __m256i final = _mm256_set1_epi8(needle.at[needle.len - 1]);
    for (; i + 32 <= last + 1; i += 32) {
        const char *at = s.at + i;
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i z = _mm256_loadu_si256((const __m256i *)(const void *)(at + needle.len - 1));
        unsigned hits = (unsigned)_mm256_movemask_epi8(
            _mm256_and_si256(_mm256_cmpeq_epi8(a, first), _mm256_cmpeq_epi8(z, final)));
        for (; hits; hits &= hits - 1) {
            size_t o = i + (size_t)__builtin_ctz(hits);
            if (memcmp(s.at + o, needle.at, needle.len) == 0) return o;
        }
    }
    return i + str_find(str_from(s, i), needle);
}
#endif

static size_t find(struct str s, struct str needle)
{
#if defined(__x86_64__)
    static int avx2 = -1;
    if (avx2 < 0) {
        __builtin_cpu_init();
        avx2 = __builtin_cpu_supports("avx2") != 0;
    }
    if (avx2) return find_avx2(s, needle);
#endif
    return str_find(s, needle);
}

/* How many packages hold every word: looks for the longest one, and where it is for the others. */
static uint64_t scan(const struct heap *h, struct str question)
{
    char lower[512];
    struct str word[WORDS_MOST], rest = { lower, question.len };
    size_t n = 0, longest = 0, package = 0, from = 0;
    uint64_t total = 0;
    if (question.len >= sizeof lower) die("a question is too long");
    lower_put(lower, question);
    while (n < WORDS_MOST && str_word(&rest, &word[n])) {
        if (word[n].len > word[longest].len) longest = n;
        n++;
    }
    while (from < h->text.len) {
        size_t hit = from + find(str_from(h->text, from), word[longest]);
        if (hit >= h->text.len) break;
        while (h->at[package + 1] <= hit) package++;
        from = h->at[package + 1];
        struct str own = { h->text.at + h->at[package], from - h->at[package] };
        size_t good = 0;
        while (good < n && (good == longest || str_has(own, word[good]))) good++;
        total += good == n;
    }
    return total;
}

static size_t round_of_scans(const struct heap *h, const struct questions *q,
                             const struct answers *a, struct answers *peer, size_t round)
{
    size_t same = 0;
    for (size_t i = 0; i < q->len; i++) {
        uint64_t from = clock_ns(CLOCK_MONOTONIC);
        peer->total[i] = scan(h, q->at[i]);
        peer->times[round * q->len + i] = clock_ns(CLOCK_MONOTONIC) - from;
        same += peer->total[i] == a->total[i];
    }
    return same;
}

/* --- what is printed ------------------------------------------------------------------------ */

static void print_array(const char *name, const char *what, const uint64_t *at, size_t n)
{
    printf("\"%s%s\": [", name, what);
    for (size_t i = 0; i < n; i++) printf("%s%llu", i ? "," : "", (unsigned long long)at[i]);
    printf("],\n");
}

/* The first round, in which the pages of the index were touched for the first time, is apart. */
static void print_answers(const char *name, struct answers *a)
{
    uint64_t rounds[ROUNDS_MOST];
    uint64_t *median = calloc(a->len, sizeof *median);
    size_t from = a->rounds > 1;
    if (!median) die("no memory");
    for (size_t i = 0; i < a->len; i++) {
        for (size_t r = from; r < a->rounds; r++) rounds[r - from] = a->times[r * a->len + i];
        median[i] = quantile(rounds, a->rounds - from, 500);
    }
    print_array(name, "", median, a->len);
    print_array(name, "_first", a->times, a->len);
    print_array(name, "_total", a->total, a->len);
}

static void bench_open(struct bench *b, const char *folder, bool texts)
{
    struct fault f = { "" };
    struct str catalogue = file_whole(folder, "catalogue"), overlay = file_whole(folder, "overlay");
    if (index_open(&b->ix, catalogue, overlay, true, &f)) die("%s: %s", folder, f.text);
    if (texts && index_text_open(&b->ix, file_whole(folder, "text"), true, &f))
        die("%s: %s", folder, f.text);
    if (arena_open(&b->arena, (size_t)1 << 30)) die("no memory");
}

static void searches_only(struct bench *b, const struct questions *q, size_t rounds)
{
    struct answers a = answers_open(q->len, rounds);
    for (size_t r = 0; r < rounds; r++) round_of(b, ask_search, q, &a, r);
    print_answers("search", &a);
}

static void everything(struct bench *b, const struct questions *q, char **argv, size_t rounds)
{
    struct questions misspelt = lines_of(argv[4]), names = lines_of(argv[5]);
    struct answers search = answers_open(q->len, rounds), peer = answers_open(q->len, PEER_ROUNDS),
                   suggest = answers_open(misspelt.len, rounds),
                   info = answers_open(names.len, rounds);
    struct heap h = heap_make(&b->ix);
    uint64_t status[ROUNDS_MOST], clock[ROUNDS_MOST];
    size_t same = 0;
    for (size_t r = 0; r < rounds; r++) {
        round_of(b, ask_search, q, &search, r);
        if (r < PEER_ROUNDS) same = round_of_scans(&h, q, &search, &peer, r);
        round_of(b, ask_suggest, &misspelt, &suggest, r);
        round_of(b, ask_info, &names, &info, r);
        status[r] = status_ns(b);
        clock[r] = clock_cost();
    }
    print_answers("search", &search);
    print_answers("scan", &peer);
    print_answers("suggest", &suggest);
    print_answers("info", &info);
    printf("\"same\": %zu, \"scanned_bytes\": %zu,\n", same, h.text.len);
    printf("\"status_tenths\": %llu, \"clock_tenths\": %llu,\n",
           (unsigned long long)quantile(status, rounds, 500),
           (unsigned long long)quantile(clock, rounds, 500));
}

int main(int argc, char **argv)
{
    static struct bench b;
    size_t rounds = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    if ((argc != 4 && argc != 6) || !rounds || rounds > ROUNDS_MOST)
        die("query FOLDER ROUNDS SEARCHES [MISSPELT NAMES]");
    struct questions q = lines_of(argv[3]);
    bench_open(&b, argv[1], argc == 6);
    printf("{");
    if (argc == 6) everything(&b, &q, argv, rounds);
    else searches_only(&b, &q, rounds);
    printf("\"names\": %u, \"checksum\": %llu}\n", b.ix.names, (unsigned long long)b.checksum);
    return 0;
}
