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
