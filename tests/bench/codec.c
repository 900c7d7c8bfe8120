/* Times the codec with messages like the four for which seed 003 names times: a search request of
 * some 50 bytes, a search response of 2 KB, an info response of 500 bytes and a status response of
 * 1 KB. codec ROUNDS prints the nanoseconds of one encoding and of one decoding. */
#include "bench.h"

#include "wire/codec.h"

enum { CALLS = 2000, ROUNDS_MOST = 1000, PACKAGES = 15, DEPENDS = 8, RUNTIMES = 30 };

struct example {
    const char *name;
    bool is_request;
    struct request request;
    struct response response;
};

static struct arena arena;
static struct buf out;

static void encode(const struct example *x)
{
    out.len = 0;
    if (x->is_request) codec_write_request(&out, &x->request);
    else codec_write_response(&out, &x->response);
    __asm__ volatile("" : : "r"(out.at) : "memory");
}

static void decode(const struct example *x)
{
    struct request request;
    struct response response;
    arena_reset(&arena, 1 << 20);
    enum err e = x->is_request ? codec_read_request(buf_view(&out), 100, &arena, &request, NULL)
                               : codec_read_response(buf_view(&out), &arena, &response, NULL);
    if (e) die("%s cannot be decoded", x->name);
    __asm__ volatile("" : : "r"(&request), "r"(&response) : "memory");
}

static void measure(const struct example *x, size_t rounds, const char *end)
{
    uint64_t to[ROUNDS_MOST], from[ROUNDS_MOST];
    for (size_t r = 0; r < rounds; r++) {
        uint64_t began = clock_ns(CLOCK_MONOTONIC);
        for (size_t i = 0; i < CALLS; i++) encode(x);
        uint64_t middle = clock_ns(CLOCK_MONOTONIC);
        for (size_t i = 0; i < CALLS; i++) decode(x);
        to[r] = (middle - began) / CALLS;
        from[r] = (clock_ns(CLOCK_MONOTONIC) - middle) / CALLS;
    }
    printf("\"%s\": {\"bytes\": %zu, \"encode\": %llu, \"decode\": %llu}%s", x->name, out.len,
           (unsigned long long)quantile(to, rounds, 500),
           (unsigned long long)quantile(from, rounds, 500), end);
}

static void fill(struct package_info packages[PACKAGES], struct runtime_version runtimes[RUNTIMES],
                 struct str depends[DEPENDS])
{
    for (size_t i = 0; i < PACKAGES; i++)
        packages[i] = (struct package_info){
            .name = S("libreoffice-calc-nogui"),
            .version = S("4:7.4.7-1+deb12u8"),
            .description = S("office productivity suite -- spreadsheet, without GUI"),
            .source = S("apt"),
        };
    for (size_t i = 0; i < RUNTIMES; i++)
        runtimes[i] = (struct runtime_version){ .runtime = S("python3"), .version = S("3.11.2") };
    for (size_t i = 0; i < DEPENDS; i++) depends[i] = S("libc6 (>= 2.34)");
}

int main(int argc, char **argv)
{
    static struct package_info packages[PACKAGES];
    static struct runtime_version runtimes[RUNTIMES];
    static struct str depends[DEPENDS];
    size_t rounds = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 0;
    if (!rounds || rounds > ROUNDS_MOST || arena_open(&arena, 1 << 24)) die("codec ROUNDS");
    fill(packages, runtimes, depends);
    out = buf_make(1 << 16);
    struct search_request query = { .query = S("firefox esr l10n"), .limit = { true, 50 } };
    struct search_result found = { .packages = { packages, PACKAGES }, .total = 112 };
    struct detailed_package_info info = {
        .name = S("curl"),
        .version = S("7.88.1-10+deb12u12"),
        .description = S("command line tool for transferring data with URL syntax"),
        .url = S("https://curl.se/"),
        .size = 500000,
        .download_size = 300000,
        .repo = S("main"),
        .depends = { depends, DEPENDS },
        .licenses = { depends, 1 },
        .source = S("apt"),
    };
    struct status_result status = { .total_packages = 838,
                                    .runtime_versions = { runtimes, RUNTIMES } };
    const struct example examples[] = {
        { "search request", true, .request = { 1, op_row(OP_search)->number, &query } },
        { "search response", .response = { 1, .op = op_row(OP_search)->number, .body = &found } },
        { "info response", .response = { 1, .op = op_row(OP_info)->number, .body = &info } },
        { "status response", .response = { 1, .op = op_row(OP_status)->number, .body = &status } },
    };
    enum { EXAMPLES = sizeof examples / sizeof *examples };
    printf("{");
    for (size_t i = 0; i < EXAMPLES; i++)
        measure(&examples[i], rounds, i + 1 < EXAMPLES ? ",\n" : "}\n");
    return 0;
}
