#include "pkg/providers.h"

#include "pkg/deb_version.h"

#include <assert.h>
#include <sys/auxv.h>

/* The seed keeps a stranger from choosing names that all fall together. */
static uint64_t seed_make(void)
{
    uint64_t seed = 0;
    const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    if (random) memcpy(&seed, random, sizeof seed);
    return seed | 1;
}

static uint32_t hash(const struct providers *p, struct str s)
{
    uint64_t h = p->seed, block;
    for (; s.len >= 8; s = str_from(s, 8)) {
        memcpy(&block, s.at, 8);
        h = (h ^ block) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    block = s.len;
    for (size_t i = 0; i < s.len; i++) block = block << 8 | (unsigned char)s.at[i];
    h = (h ^ block) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32);
}

static struct provided *find(struct providers *p, struct str name, uint32_t h, size_t *slot)
{
    for (*slot = h & p->mask; p->table[*slot]; *slot = (*slot + 1) & p->mask) {
        struct provided *one = &p->names[p->table[*slot] - 1];
        if (one->hash == h && str_eq(one->name, name)) return one;
    }
    return NULL;
}

/* The entry for a name, made when there is none. The table has room for all that can come. */
static struct provided *entry(struct providers *p, struct str name)
{
    size_t slot;
    uint32_t h = hash(p, name);
    struct provided *one = find(p, name, h, &slot);
    if (one) return one;
    assert(p->names_len < p->names_room);
    one = &p->names[p->names_len++];
    p->table[slot] = (uint32_t)p->names_len;
    one->name = name;
    one->hash = h;
    return one;
}

uint16_t providers_arch(const struct providers *p, struct str arch)
{
    if (arch.len == 0) arch = S("none");
    if (str_eq(arch, S("all")) || str_eq(arch, S("native"))) return 0;
    for (size_t i = 0; i < p->archs_len; i++)
        if (str_eq(p->archs[i], arch)) return (uint16_t)i;
    return p->archs_len == PROVIDERS_ARCHS ? PROVIDERS_ARCHS - 1 : PROVIDERS_NONE;
}

static uint16_t arch_entry(struct providers *p, struct str arch)
{
    uint16_t found = providers_arch(p, arch);
    if (found != PROVIDERS_NONE) return found;
    p->archs[p->archs_len] = arch.len ? arch : S("none");
    return (uint16_t)p->archs_len++;
}

static void trait_set(struct providers *p, const struct dpkg_package *package, struct trait *t)
{
    t->arch = arch_entry(p, package->arch);
    t->known = t->arch < p->archs_known;
    t->foreign = t->known && str_eq(package->multi_arch, S("foreign"));
    t->allowed = t->known && str_eq(package->multi_arch, S("allowed"));
}

static void offer_add(struct providers *p, uint32_t package, const struct relation *r)
{
    const struct trait *t = &p->traits[package];
    struct offer o = { .package = package,
                       .version = r->version,
                       .plain = PROVIDERS_NONE,
                       .qualified = PROVIDERS_NONE };

    if (r->op.len && !str_eq(r->op, S("="))) return;
    if (str_eq(r->arch, S("any"))) {
        o.any = 1;
    } else if (r->arch.len) {
        o.plain = o.qualified = arch_entry(p, r->arch);
    } else {
        o.qualified = t->arch;
        o.everywhere = t->foreign;
        o.any = t->allowed;
        if (!t->foreign) o.plain = t->arch;
    }
    assert(p->offers_len < p->offers_room);
    struct provided *name = entry(p, r->name);
    o.next = name->offer;
    p->offers[p->offers_len++] = o;
    name->offer = (uint32_t)p->offers_len;
}

static size_t items(struct str list)
{
    size_t n = list.len > 0;
    for (size_t i = 0; i < list.len; i++) n += list.at[i] == ',';
    return n;
}

static bool rooms_make(struct providers *p, struct arena *a)
{
    const struct dpkg_world *w = p->world;
    size_t slots = 64;

    for (size_t i = 0; i < w->len; i++)
        if (w->at[i].unpacked) p->offers_room += items(w->at[i].provides);
    p->names_room = 2 * w->len + p->offers_room;
    while (slots < 2 * p->names_room) slots *= 2;
    p->mask = slots - 1;
    p->traits = arena_array(a, w->len, sizeof *p->traits);
    p->names = arena_array(a, p->names_room, sizeof *p->names);
    p->offers = arena_array(a, p->offers_room, sizeof *p->offers);
    p->table = arena_array(a, slots, sizeof *p->table);
    p->found = arena_array(a, w->len + p->offers_room, sizeof *p->found);
    return p->traits && p->names && p->offers && p->table && p->found;
}

enum err providers_open(struct providers *p, const struct dpkg_world *w, struct arena *a)
{
    *p = (struct providers){ .world = w, .seed = seed_make() };
    if (!rooms_make(p, a)) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0; i < w->archs.len; i++) arch_entry(p, w->archs.at[i]);
    p->archs_known = p->archs_len;

    for (size_t i = 0; i < w->len; i++) {
        const struct dpkg_package *package = &w->at[i];
        struct str rest = package->provides, item;
        struct relation r;
        if (!package->unpacked) continue;
        trait_set(p, package, &p->traits[i]);
        struct provided *name = entry(p, package->name);
        if (!name->first) name->first = (uint32_t)i + 1;
        while (relation_next(&rest, &item))
            if (relation_parse(item, &r)) offer_add(p, (uint32_t)i, &r);
    }
    return OK;
}

static bool satisfies(const struct relation *r, struct str version)
{
    if (r->version.len == 0) return true;
    return version.len && deb_version_holds(version, r->op, r->version);
}

static bool package_answers(const struct trait *t, enum qualifier q, uint16_t arch)
{
    return q == ASK_ANY ? t->allowed : t->arch == arch || (q == ASK_PLAIN && t->foreign);
}

static bool offer_answers(const struct offer *o, enum qualifier q, uint16_t arch)
{
    if (q == ASK_ANY) return o->any;
    if (q == ASK_ARCH) return o->qualified == arch;
    return o->everywhere || o->plain == arch;
}

static uint64_t question_bit(enum qualifier q, uint16_t arch)
{
    if (q == ASK_ANY) return (uint64_t)1 << 63;
    return (uint64_t)1 << (q == ASK_PLAIN ? arch : arch + PROVIDERS_ARCHS);
}

void providers_find(struct providers *p, const struct relation *r, enum qualifier q, uint16_t arch)
{
    const struct dpkg_world *w = p->world;
    bool unsatisfied = false;
    size_t slot;

    p->found_len = 0;
    if (q != ASK_ANY && arch == PROVIDERS_NONE) return;
    struct provided *name = find(p, r->name, hash(p, r->name), &slot);
    uint64_t bit = question_bit(q, arch);
    if (!name || name->explored & bit) return;

    for (size_t i = name->first; i && i <= w->len && str_eq(w->at[i - 1].name, name->name); i++) {
        p->work++;
        if (!w->at[i - 1].unpacked || !package_answers(&p->traits[i - 1], q, arch)) continue;
        if (satisfies(r, w->at[i - 1].version)) p->found[p->found_len++] = (uint32_t)i - 1;
        else unsatisfied = true;
    }
    for (size_t i = name->offer; i; i = p->offers[i - 1].next) {
        const struct offer *o = &p->offers[i - 1];
        p->work++;
        if (!offer_answers(o, q, arch)) continue;
        if (satisfies(r, o->version)) p->found[p->found_len++] = o->package;
        else unsatisfied = true;
    }
    if (!unsatisfied) name->explored |= bit;
}

struct provided *providers_source(struct providers *p, uint32_t package)
{
    return entry(p, p->world->at[package].source);
}
