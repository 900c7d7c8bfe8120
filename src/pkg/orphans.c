/* Finds the packages that nothing needs any more, as `apt-get autoremove` does: from the packages
 * that have a reason of their own it follows the relations of each, every alternative of them,
 * and what it does not reach is an orphan. The rules are those of apt 2.6 (its depcache and
 * kernel protection); what it cannot see is the repositories' word on Essential and Priority. */
#include "pkg/control.h"
#include "pkg/deb_version.h"
#include "pkg/dpkg.h"
#include "pkg/kernels.h"
#include "pkg/patterns.h"
#include "pkg/providers.h"

/* Candidates looked at before giving up. A large system needs 200,000; only made-up ones, where
 * thousands provide a name and thousands ask for it, need millions. */
enum { WORK_MOST = 20 << 20 };

struct walk {
    struct dpkg_world *world;
    struct providers providers;
    struct kernels kernels;
    struct patterns never; /* APT::NeverAutoRemove */
    const struct apt_conf *conf;
    bool recommends, suggests, ignore_hold;
    uint8_t *marked;
    uint32_t *stack; /* marked packages whose relations are still to be followed */
    size_t depth;
    uint32_t round;
};

static void mark(struct walk *k, uint32_t package)
{
    if (k->marked[package]) return;
    k->marked[package] = 1;
    k->stack[k->depth++] = package;
}

/* Of the answers that come from one source package only those of its newest version count. */
static void newest_by_source(struct walk *k)
{
    const struct dpkg_package *at = k->world->at;
    struct providers *p = &k->providers;

    k->round++;
    for (size_t i = 0; i < p->found_len; i++) {
        struct provided *source = providers_source(p, p->found[i]);
        if (source->round != k->round) {
            source->round = k->round;
            source->best = p->found[i];
            source->kept = source->ordinary = source->safe = 0;
        } else if (deb_version_cmp(at[p->found[i]].source_version,
                                   at[source->best].source_version) >= 0) {
            source->best = p->found[i];
        }
    }
}

static bool is_newest(struct walk *k, const struct provided *source, uint32_t package)
{
    const struct dpkg_package *at = k->world->at;
    return str_eq(at[package].source_version, at[source->best].source_version);
}

/* Counts, for each source, its answers of the newest version; where there are several, also those
 * that belong to no kernel and those that belong to a protected one. */
static void sources_judge(struct walk *k)
{
    struct providers *p = &k->providers;

    for (size_t i = 0; i < p->found_len; i++) {
        struct provided *source = providers_source(p, p->found[i]);
        source->kept += is_newest(k, source, p->found[i]);
    }
    for (size_t i = 0; i < p->found_len; i++) {
        struct provided *source = providers_source(p, p->found[i]);
        struct str name = k->world->at[p->found[i]].name;
        if (source->kept < 2 || source->ordinary || !is_newest(k, source, p->found[i])) continue;
        if (!patterns_match(&k->kernels.versioned, name)) source->ordinary++;
        else source->safe += patterns_match(&k->kernels.kept, name);
    }
}

/* Where one source has several answers and all of them belong to kernels, those of protected
 * kernels count alone, if there are any. */
static void several_answers(struct walk *k)
{
    struct providers *p = &k->providers;

    newest_by_source(k);
    sources_judge(k);
    for (size_t i = 0; i < p->found_len; i++) {
        struct provided *source = providers_source(p, p->found[i]);
        bool choosy = source->kept > 1 && !source->ordinary && source->safe;
        if (!is_newest(k, source, p->found[i])) continue;
        if (choosy && !patterns_match(&k->kernels.kept, k->world->at[p->found[i]].name)) continue;
        mark(k, p->found[i]);
    }
}

static void ask(struct walk *k, const struct relation *r, enum qualifier q, uint16_t arch)
{
    if (k->providers.work > WORK_MOST) return;
    providers_find(&k->providers, r, q, arch);
    if (k->providers.found_len == 1) mark(k, k->providers.found[0]);
    else if (k->providers.found_len) several_answers(k);
}

static void alternative_follow(struct walk *k, uint32_t from, const struct relation *r)
{
    const struct trait *t = &k->providers.traits[from];
    if (r->arch.len == 0) {
        ask(k, r, ASK_PLAIN, t->arch);
    } else if (str_eq(r->arch, S("any"))) {
        ask(k, r, ASK_ANY, 0);
        if (!t->known) ask(k, r, ASK_PLAIN, t->arch);
    } else {
        ask(k, r, ASK_ARCH, providers_arch(&k->providers, r->arch));
    }
}

static void field_follow(struct walk *k, uint32_t from, struct str field)
{
    struct str relation, alternative;
    struct relation r;

    while (relation_next(&field, &relation))
        while (str_cut(&relation, '|', &alternative))
            if (relation_parse(alternative, &r)) alternative_follow(k, from, &r);
}

static bool follow(struct walk *k)
{
    while (k->depth) {
        uint32_t from = k->stack[--k->depth];
        const struct dpkg_package *p = &k->world->at[from];
        field_follow(k, from, p->pre_depends);
        field_follow(k, from, p->depends);
        if (k->recommends) field_follow(k, from, p->recommends);
        if (k->suggests) field_follow(k, from, p->suggests);
        if (k->providers.work > WORK_MOST) return false;
    }
    return true;
}

static bool required(const struct dpkg_package *p)
{
    return str_eq_ascii(p->priority, S("required"));
}

/* A name in one of apt's lists of names. */
static bool listed(const struct apt_conf *c, struct str list, struct str name)
{
    struct str value;
    for (size_t at = 0; apt_conf_next(c, list, &at, &value);)
        if (str_eq(value, name)) return true;
    return false;
}

/* apt holds itself for essential unless the list of such packages was replaced. */
static bool forced(const struct apt_conf *c, struct str name)
{
    struct str list = S("pkgCacheGen::ForceEssential"), value;
    size_t at = 0;
    bool replaced = apt_conf_next(c, list, &at, &value);
    if (replaced ? listed(c, list, name) : str_eq(name, S("apt"))) return true;
    return listed(c, S("pkgCacheGen::ForceImportant"), name);
}

static bool has_reason(struct walk *k, const struct dpkg_package *p)
{
    return !p->automatic || p->essential || p->important || required(p) ||
           (p->hold && !k->ignore_hold) || patterns_match(&k->kernels.kept, p->name) ||
           patterns_match(&k->never, p->name) || forced(k->conf, p->name);
}

static enum err never_read(struct walk *k, struct inputs *in)
{
    struct str list = S("APT::NeverAutoRemove"), pattern;
    size_t at = 0;
    enum err e = OK;

    while (!e && apt_conf_next(k->conf, list, &at, &pattern)) {
        if (pattern_valid(pattern)) e = patterns_add(&k->never, in->arena, pattern);
        else inputs_note(in, list, "A pattern is not valid and protects no package.");
    }
    return e;
}

static enum err walk_open(struct walk *k, struct str kernel, struct inputs *in)
{
    k->recommends = apt_conf_bool(k->conf, S("APT::AutoRemove::RecommendsImportant"), true);
    k->suggests = apt_conf_bool(k->conf, S("APT::AutoRemove::SuggestsImportant"), true);
    k->ignore_hold = apt_conf_bool(k->conf, S("APT::Ignore-Hold"), false);
    k->marked = arena_array(in->arena, k->world->len, sizeof *k->marked);
    k->stack = arena_array(in->arena, k->world->len, sizeof *k->stack);
    if (!k->marked || !k->stack) return ERR_RESOURCE_LIMIT;
    enum err e = never_read(k, in);
    if (!e) e = kernels_open(&k->kernels, k->world, k->conf, kernel, in);
    if (!e) e = providers_open(&k->providers, k->world, in->arena);
    return e;
}

enum err orphans_mark(struct dpkg_world *w, const struct apt_conf *c, struct str kernel,
                      struct inputs *in)
{
    struct walk k = { .world = w, .conf = c };
    bool all = true;
    enum err e = walk_open(&k, kernel, in);

    for (size_t i = 0; i < w->len; i++) w->at[i].orphan = 0;
    for (size_t i = 0; !e && all && i < w->len; i++) {
        if (!w->at[i].unpacked || k.marked[i] || !has_reason(&k, &w->at[i])) continue;
        mark(&k, (uint32_t)i);
        all = follow(&k);
    }
    if (!all)
        inputs_note(in, S("var/lib/dpkg/status"),
                    "The packages' relations are too many to follow, so none counts as orphaned.");
    for (size_t i = 0; !e && all && i < w->len; i++)
        w->at[i].orphan = w->at[i].unpacked && !k.marked[i] && !required(&w->at[i]);
    kernels_close(&k.kernels);
    patterns_free(&k.never);
    return e;
}
