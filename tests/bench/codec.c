/* Times the encoder and the decoder in this process: codec ROUNDS. Of each kind there are many
 * different messages of about the size that the seeds give for it, and a round goes through all of
 * them, so that neither texts nor lengths come again at once. Decoding holds the emptying of the
 * memory for what was decoded, which every call needs. Beside it stands the floor: the same bytes
 * copied. */
#include "bench.h"

#include "wire/codec.h"

enum { MESSAGES = 64, TURNS = 16, ROUNDS_MOST = 10000, TEXT_ROOM = 1 << 16 };

/* One request or response, and its bytes. */
struct sample {
    bool response;
    struct request request;
    struct response answer;
    struct str bytes;
};

struct kind {
    const char *name;
    void (*make)(struct sample *s, struct arena *a);
};

static char letters[TEXT_ROOM];
static uint64_t seed = 1;

static size_t between(size_t least, size_t most)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return least + (seed >> 33) % (most - least + 1);
}

static struct str text(size_t least, size_t most)
{
    size_t len = between(least, most);
    return (struct str){ letters + between(0, TEXT_ROOM - 1 - len), len };
}

static void *room(struct arena *a, size_t count, size_t size)
{
    void *at = arena_array(a, count, size);
    if (!at) die("no memory");
    return at;
}

/* --- the messages --------------------------------------------------------------------------- */

static void ask(struct sample *s, enum op op, const void *body)
{
    s->request = (struct request){ .id = between(1, 1 << 20), .op = op, .body = body };
}

static void answer(struct sample *s, enum op op, const void *body)
{
    s->response = true;
    s->answer = (struct response){ .id = between(1, 1 << 20), .op = op, .body = body };
}

static void make_ping_request(struct sample *s, struct arena *a)
{
    ask(s, OP_ping, room(a, 1, sizeof(struct ping_request)));
}

static void make_ping_response(struct sample *s, struct arena *a)
{
    struct ping_result *r = room(a, 1, sizeof *r);
    r->text = S("pong");
    answer(s, OP_ping, r);
}

static void make_search_request(struct sample *s, struct arena *a)
{
    struct search_request *q = room(a, 1, sizeof *q);
    q->query = text(15, 27);
    q->limit.there = true;
    q->limit.value = 50;
    ask(s, OP_search, q);
}

static void make_packages(struct sample *s, struct arena *a, size_t count)
{
    struct search_result *r = room(a, 1, sizeof *r);
    r->packages.len = count;
    r->packages.at = room(a, count, sizeof *r->packages.at);
    for (size_t i = 0; i < count; i++)
        r->packages.at[i] = (struct package_info){ .name = text(4, 30),
                                                   .version = text(5, 22),
                                                   .description = text(20, 75),
                                                   .source = S("apt") };
    r->total = between(count, 5000);
    answer(s, OP_search, r);
}

static void make_search_response(struct sample *s, struct arena *a)
{
    make_packages(s, a, 17);
}

static void make_search_50(struct sample *s, struct arena *a)
{
    make_packages(s, a, 50);
}

static void make_info_response(struct sample *s, struct arena *a)
{
    struct detailed_package_info *r = room(a, 1, sizeof *r);
    *r = (struct detailed_package_info){ .name = text(4, 30),
                                         .version = text(5, 22),
                                         .description = text(100, 220),
                                         .url = text(20, 40),
                                         .size = between(0, 1 << 30),
                                         .download_size = between(0, 1 << 30),
                                         .repo = S("bookworm/main"),
                                         .source = S("apt") };
    r->depends.len = 5;
    r->depends.at = room(a, 5, sizeof *r->depends.at);
    for (size_t i = 0; i < 5; i++) r->depends.at[i] = text(5, 24);
    r->licenses.len = 2;
    r->licenses.at = room(a, 2, sizeof *r->licenses.at);
    for (size_t i = 0; i < 2; i++) r->licenses.at[i] = text(4, 12);
    answer(s, OP_info, r);
}

static void make_status_response(struct sample *s, struct arena *a)
{
    struct status_result *r = room(a, 1, sizeof *r);
    r->total_packages = between(0, 5000);
    r->updates_available = between(0, 500);
    r->runtime_versions.len = 32;
    r->runtime_versions.at = room(a, 32, sizeof *r->runtime_versions.at);
    for (size_t i = 0; i < 32; i++)
        r->runtime_versions.at[i] =
            (struct runtime_version){ .runtime = text(2, 8), .version = text(4, 12) };
    answer(s, OP_status, r);
}

static const struct kind kinds[] = {
    { "search request", make_search_request },   { "search response", make_search_response },
    { "info response", make_info_response },     { "status response", make_status_response },
    { "search response of 50", make_search_50 }, { "ping request", make_ping_request },
    { "ping response", make_ping_response },
};

/* What was made at this place counts as needed. */
static inline void use(const void *at)
{
    __asm__ volatile("" : : "r"(at) : "memory");
}

/* --- one turn over all messages ------------------------------------------------------------- */

static void encode_all(const struct sample *s, struct buf *out, struct arena *a)
{
    (void)a;
    for (size_t i = 0; i < MESSAGES; i++) {
        out->len = 0;
        if (s[i].response) codec_write_response(out, &s[i].answer);
        else codec_write_request(out, &s[i].request);
        use(out->at);
    }
}

static void decode_all(const struct sample *s, struct buf *out, struct arena *a)
{
    (void)out;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct request q;
        struct response r;
        struct fault f;
        arena_reset(a, 1 << 16);
        enum err e = s[i].response ? codec_read_response(s[i].bytes, a, &r, &f)
                                   : codec_read_request(s[i].bytes, 100, a, &q, &f);
        if (e) die("%s", f.text);
        use(s[i].response ? (void *)&r : (void *)&q);
    }
}

static void copy_all(const struct sample *s, struct buf *out, struct arena *a)
{
    (void)a;
    for (size_t i = 0; i < MESSAGES; i++) {
        out->len = 0;
        buf_str(out, s[i].bytes);
        use(out->at);
    }
}

typedef void turn_fn(const struct sample *s, struct buf *out, struct arena *a);

/* Nanoseconds for one message, the median of the rounds. */
static double measure(turn_fn *turn, const struct sample *s, size_t rounds, struct buf *out,
                      struct arena *a)
{
    static uint64_t times[ROUNDS_MOST];
    turn(s, out, a);
    for (size_t i = 0; i < rounds; i++) {
        uint64_t from = clock_ns(CLOCK_MONOTONIC);
        for (size_t t = 0; t < TURNS; t++) turn(s, out, a);
        times[i] = clock_ns(CLOCK_MONOTONIC) - from;
    }
    return (double)quantile(times, rounds, 500) / (MESSAGES * TURNS);
}

static void measure_kind(const struct kind *k, size_t rounds)
{
    static struct sample samples[MESSAGES];
    struct arena made, decoded;
    struct buf out = buf_make(1 << 20), kept = buf_make(16 << 20);
    size_t bytes = 0, starts[MESSAGES];
    if (arena_open(&made, 64 << 20) || arena_open(&decoded, 64 << 20)) die("no memory");
    for (size_t i = 0; i < MESSAGES; i++) {
        samples[i] = (struct sample){ 0 };
        k->make(&samples[i], &made);
        starts[i] = kept.len;
        if (samples[i].response) codec_write_response(&kept, &samples[i].answer);
        else codec_write_request(&kept, &samples[i].request);
        samples[i].bytes.len = kept.len - starts[i];
        bytes += samples[i].bytes.len;
    }
    for (size_t i = 0; i < MESSAGES; i++) samples[i].bytes.at = kept.at + starts[i];
    double encode = measure(encode_all, samples, rounds, &out, NULL);
    double decode = measure(decode_all, samples, rounds, NULL, &decoded);
    double copy = measure(copy_all, samples, rounds, &out, NULL);
    printf("\"%s\": {\"bytes\": %zu, \"encode\": %.2f, \"decode\": %.2f, \"copy\": %.2f}", k->name,
           bytes / MESSAGES, encode, decode, copy);
    arena_close(&made);
    arena_close(&decoded);
    buf_free(&out);
    buf_free(&kept);
}

int main(int argc, char **argv)
{
    size_t rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (!rounds || rounds > ROUNDS_MOST) die("codec ROUNDS");
    for (size_t i = 0; i < TEXT_ROOM; i++) letters[i] = (char)('a' + between(0, 25));
    printf("{");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (i) printf(", ");
        measure_kind(&kinds[i], rounds);
    }
    printf("}\n");
    return 0;
}
