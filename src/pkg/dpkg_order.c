#include "pkg/dpkg_order.h"

#include <stdlib.h>

/* The first eight bytes of the name decide nearly always. */
struct key {
    uint64_t head;
    uint8_t foreign;
    const struct dpkg_package *package;
};

static struct key key_of(const struct dpkg_package *p, struct str native)
{
    struct key k = { 0, !str_eq(p->arch, native) && !str_eq(p->arch, S("all")), p };
    for (size_t i = 0; i < 8; i++)
        k.head = k.head << 8 | (i < p->name.len ? (unsigned char)p->name.at[i] : 0);
    return k;
}

static int key_cmp(const struct key *a, const struct key *b)
{
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    int order = str_cmp(a->package->name, b->package->name);
    if (order) return order;
    if (a->foreign != b->foreign) return a->foreign - b->foreign;
    return str_cmp(a->package->arch, b->package->arch);
}

/* Equal ones stay in the order in which they were read. */
static int key_order(const void *left, const void *right)
{
    const struct key *a = left, *b = right;
    int order = key_cmp(a, b);
    return order ? order : (a->package > b->package) - (a->package < b->package);
}

/* Whether the journal says that the package is now one of another architecture. */
static bool crossed(const struct dpkg_records *r, const struct dpkg_package *p,
                    const struct dpkg_package *newest)
{
    return newest > p && newest >= r->at + r->journal && newest->unpacked &&
           !str_eq(newest->multi_arch, S("same")) && !str_eq(p->multi_arch, S("same"));
}

/* Takes those records of one name that are still true. */
static void take(struct dpkg_records *r, const struct key *from, const struct key *end,
                 struct dpkg_world *w)
{
    const struct dpkg_package *newest = from->package;
    for (const struct key *k = from; k < end; k++)
        if (k->package > newest) newest = k->package;
    for (const struct key *k = from; k < end; k++) {
        if (k + 1 < end && key_cmp(k, k + 1) == 0) {
            bool journal = k[1].package >= r->at + r->journal;
            if (!journal && r->twice++ == 0) r->first_twice = k->package->name;
        } else if (!crossed(r, k->package, newest)) {
            w->at[w->len++] = *k->package;
        }
    }
}

enum err dpkg_order(struct dpkg_records *r, struct arena *a, struct dpkg_world *w)
{
    struct str native = w->archs.len ? w->archs.at[0] : STR_NONE;
    struct key *keys = arena_array(a, r->len + 1, sizeof *keys);
    bool sorted = r->journal == r->len;

    if (!keys) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0; i < r->len; i++) {
        keys[i] = key_of(&r->at[i], native);
        if (i && key_cmp(&keys[i - 1], &keys[i]) >= 0) sorted = false;
    }
    w->at = r->at;
    w->len = r->len;
    if (sorted) return OK;

    qsort(keys, r->len, sizeof *keys, key_order);
    w->at = arena_array(a, r->len, sizeof *w->at);
    w->len = 0;
    if (!w->at) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0, end; i < r->len; i = end) {
        end = i + 1;
        while (end < r->len && str_eq(keys[i].package->name, keys[end].package->name)) end++;
        take(r, &keys[i], &keys[end], w);
    }
    return OK;
}
