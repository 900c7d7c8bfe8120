/* What the measuring programs share: a clock, quantiles, lines of a file. Results go to standard
 * output as JSON, which run.py reads; pinning to a core is run.py's, who hands it down. */
#ifndef OMG_TESTS_BENCH_H
#define OMG_TESTS_BENCH_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorts what it is given. thousandth: 500 is the median, 1000 the largest. */
static inline uint64_t quantile(uint64_t *at, size_t n, size_t thousandth)
{
    if (!n) return 0;
    qsort(at, n, sizeof *at, by_value);
    size_t i = n * thousandth / 1000;
    return at[i < n ? i : n - 1];
}

static inline void print_quantiles(const char *name, uint64_t *at, size_t n)
{
    printf("\"%s\": {\"p50\": %llu, \"p99\": %llu, \"max\": %llu}", name,
           (unsigned long long)quantile(at, n, 500), (unsigned long long)quantile(at, n, 990),
           (unsigned long long)quantile(at, n, 1000));
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

#endif
