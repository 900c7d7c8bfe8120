#include "broker/metrics.h"

enum { STEP = 4 }; /* bars in a power of two */

static size_t bar_of(uint64_t value)
{
    if (value < STEP) return (size_t)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    size_t bar = (power - 1) * STEP + (size_t)(value >> (power - 2) & (STEP - 1));
    return bar < HISTOGRAM_BARS ? bar : HISTOGRAM_BARS - 1;
}

/* The largest value that falls into a bar. */
static uint64_t bar_most(size_t bar)
{
    if (bar < STEP) return bar;
    unsigned power = (unsigned)(bar / STEP) + 1;
    return ((STEP + bar % STEP + 1) << (power - 2)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
    uint32_t *bar = &h->bars[bar_of(value)];
    *bar += *bar < UINT32_MAX;
    h->count++;
    h->total += value;
    if (value > h->largest) h->largest = value;
}

uint64_t histogram_share(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->count + 0.5), seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BARS; i++) {
        seen += h->bars[i];
        if (seen && seen >= wanted) return bar_most(i) < h->largest ? bar_most(i) : h->largest;
    }
    return h->largest;
}

enum err histogram_bars(const struct histogram *h, struct arena *a, struct bucket **at, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_BARS; i++) n += h->bars[i] != 0;
    *at = arena_array(a, n, sizeof **at);
    *len = 0;
    if (!*at) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0; i < HISTOGRAM_BARS; i++)
        if (h->bars[i])
            (*at)[(*len)++] = (struct bucket){ .most = bar_most(i), .count = h->bars[i] };
    if (n && (*at)[n - 1].most < h->largest)
        (*at)[n - 1].most = h->largest; /* the last has no end */
    return OK;
}

static enum err one(const struct op_count *c, enum op op, struct operation_metrics *m,
                    struct arena *a)
{
    *m = (struct operation_metrics){ .operation = str_of(op_row(op)->name),
                                     .calls = c->ns.count,
                                     .errors = c->errors,
                                     .hits = c->hits,
                                     .bytes_in = c->in.total,
                                     .bytes_out = c->out.total,
                                     .half_ns = histogram_share(&c->ns, 0.5),
                                     .most_99_ns = histogram_share(&c->ns, 0.99),
                                     .longest_ns = c->ns.largest,
                                     .total_ns = c->ns.total };
    enum err e = histogram_bars(&c->ns, a, &m->latency.at, &m->latency.len);
    if (!e) e = histogram_bars(&c->in, a, &m->requests.at, &m->requests.len);
    if (!e) e = histogram_bars(&c->out, a, &m->answers.at, &m->answers.len);
    return e;
}

enum err metrics_operations(const struct op_count counts[OP_COUNT], struct metrics_result *r,
                            struct arena *a)
{
    enum err e = OK;
    r->operations.at = arena_array(a, OP_COUNT, sizeof *r->operations.at);
    r->operations.len = 0;
    if (!r->operations.at) return ERR_RESOURCE_LIMIT;
    for (enum op op = 0; !e && op < OP_COUNT; op++)
        if (counts[op].ns.count)
            e = one(&counts[op], op, &r->operations.at[r->operations.len++], a);
    return e;
}
