#include "pkg/order.h"

#include <string.h>

static size_t run_end(const uint32_t *at, size_t from, size_t n, order_fn *compare,
                      const void *context)
{
    size_t i = from + 1;
    while (i < n && compare(at[i - 1], at[i], context) <= 0) i++;
    return i;
}

/* Merges [from, middle) and [middle, end) of at into the same places of to. */
static void merge(uint32_t *to, const uint32_t *at, size_t from, size_t middle, size_t end,
                  order_fn *compare, const void *context)
{
    size_t a = from, b = middle, o = from;
    while (a < middle && b < end) to[o++] = compare(at[a], at[b], context) <= 0 ? at[a++] : at[b++];
    memcpy(to + o, at + a, (middle - a) * sizeof *to);
    memcpy(to + o + (middle - a), at + b, (end - b) * sizeof *to);
}

void order_sort(uint32_t *at, uint32_t *spare, size_t n, order_fn *compare, const void *context)
{
    uint32_t *from = at, *to = spare;
    if (n < 2) return;
    for (;;) {
        for (size_t i = 0; i < n;) {
            size_t middle = run_end(from, i, n, compare, context);
            if (i == 0 && middle == n) {
                if (from != at) memcpy(at, from, n * sizeof *at);
                return;
            }
            size_t end = middle < n ? run_end(from, middle, n, compare, context) : n;
            merge(to, from, i, middle, end, compare, context);
            i = end;
        }
        uint32_t *other = from;
        from = to;
        to = other;
    }
}

static int by_hash(uint32_t a, uint32_t b, const void *context)
{
    const uint64_t *keys = context;
    if (keys[a] != keys[b]) return keys[a] < keys[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

enum err order_hashes(uint32_t *order, const uint64_t *keys, uint32_t count, struct arena *a)
{
    enum { BUCKETS = 1 << 16 };
    uint32_t *ends = arena_array(a, BUCKETS + 1, sizeof *ends);
    uint32_t *spare = arena_array(a, (size_t)count + 1, sizeof *spare);
    if (!ends || !spare) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < count; i++) ends[(keys[i] >> 48) + 1]++;
    for (size_t b = 1; b <= BUCKETS; b++) ends[b] += ends[b - 1];
    for (uint32_t i = 0; i < count; i++) order[ends[keys[i] >> 48]++] = i;
    for (uint32_t from = 0, b = 0; b < BUCKETS; from = ends[b++])
        order_sort(order + from, spare, ends[b] - from, by_hash, keys);
    return OK;
}
