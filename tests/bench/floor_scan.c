/* What reading some files once costs at the least: every newline in them is found, and nothing is
 * done with it. floor_scan FILE... prints the nanoseconds of processor time of each way. */
#include "bench.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { FILES_MOST = 64, ROUNDS = 5 };

struct text {
    const char *at;
    size_t len;
};

static uint64_t scan_memchr(struct text t)
{
    uint64_t lines = 0;
    const char *end = t.at + t.len;
    for (const char *at = t.at; (at = memchr(at, '\n', (size_t)(end - at))); at++) lines++;
    return lines;
}

#if defined(__x86_64__)
static uint64_t scan_tail(struct text t, size_t from)
{
    uint64_t lines = 0;
    for (; from < t.len; from++) lines += t.at[from] == '\n';
    return lines;
}

static uint64_t scan_sse2(struct text t)
{
    uint64_t lines = 0;
    size_t i = 0;
    for (; i + 16 <= t.len; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(t.at + i));
        int hits = _mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n')));
        for (; hits; hits &= hits - 1) lines++;
    }
    return lines + scan_tail(t, i);
}

__attribute__((target("avx2,popcnt"))) static uint64_t scan_avx2(struct text t)
{
    uint64_t lines = 0;
    size_t i = 0;
    for (; i + 32 <= t.len; i += 32) {
        __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)(t.at + i));
        int hits = _mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8('\n')));
        lines += (uint64_t)_mm_popcnt_u32((unsigned)hits);
    }
    return lines + scan_tail(t, i);
}
#endif

typedef uint64_t scan_fn(struct text t);

static void measure(const char *name, scan_fn *scan, const struct text *text, size_t n)
{
    uint64_t took[ROUNDS], lines = 0;
    for (size_t r = 0; r < ROUNDS; r++) {
        uint64_t from = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t i = 0; i < n; i++) lines += scan(text[i]);
        took[r] = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - from;
    }
    printf("\"%s\": %llu, \"%s_lines\": %llu, ", name,
           (unsigned long long)quantile(took, ROUNDS, 500), name,
           (unsigned long long)(lines / ROUNDS));
}

static struct text map(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) die("%s cannot be read", path);
    if (!st.st_size) return (struct text){ "", 0 };
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED) die("%s cannot be mapped", path);
    close(fd);
    return (struct text){ at, (size_t)st.st_size };
}

int main(int argc, char **argv)
{
    struct text text[FILES_MOST];
    size_t n = 0, bytes = 0;
    for (int i = 1; i < argc && n < FILES_MOST; i++) {
        text[n] = map(argv[i]);
        bytes += text[n++].len;
    }
    printf("{");
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) measure("avx2", scan_avx2, text, n);
    measure("sse2", scan_sse2, text, n);
#endif
    measure("memchr", scan_memchr, text, n);
    printf("\"bytes\": %zu}\n", bytes);
    return 0;
}
