#include "client/local.h"

#include "base/guard.h"
#include "client/builder.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void local_close(struct client *c)
{
    index_close(&c->ix);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) cache_file_close(&c->kept[k]);
    c->open = c->texts = false;
}

/* Finds what is kept and fresh; parts gets what is not. stale is an overlay for its licences. */
static void find(struct client *c, struct index_file file[CACHE_KINDS], struct cache_file *stale,
                 bool texts, unsigned *parts)
{
    struct cache *from = &c->cache;
    struct cache_file *kept = c->kept;
    uint64_t parent;
    bool use = !c->options.no_cache && !c->distrust;
    *parts = 0;
    if (!file[CACHE_CATALOGUE].header &&
        !(use && cache_find(from, CACHE_CATALOGUE, 0, &kept[CACHE_CATALOGUE],
                            &file[CACHE_CATALOGUE], NULL)))
        *parts |= PART_CATALOGUE;
    parent = file[CACHE_CATALOGUE].header ? file[CACHE_CATALOGUE].header->checksum : 1;
    if (!file[CACHE_OVERLAY].header &&
        !(use && cache_find(from, CACHE_OVERLAY, parent, &kept[CACHE_OVERLAY], &file[CACHE_OVERLAY],
                            stale)))
        *parts |= PART_OVERLAY;
    if (texts && !file[CACHE_TEXT].header &&
        !(use && cache_find(from, CACHE_TEXT, parent, &kept[CACHE_TEXT], &file[CACHE_TEXT], NULL)))
        *parts |= PART_TEXT;
}

static const unsigned part_of[CACHE_KINDS] = { PART_CATALOGUE, PART_OVERLAY, PART_TEXT };
static const enum format_kind kind_of[CACHE_KINDS] = { KIND_CATALOGUE, KIND_OVERLAY, KIND_TEXT };

/* Maps what the child wrote and checks it whole, before anybody else can see it. */
static enum err accept(struct client *c, enum cache_kind kind, int fd, struct index_file *file,
                       struct fault *f)
{
    struct cache_file *k = &c->kept[kind];
    cache_file_close(k);
    enum err e = cache_file_map(fd, k, f);
    if (!e) e = index_file_open(file, k->map.text, kind_of[kind], true, f);
    if (!e) cache_file_seal(k, file->header->checksum);
    return e;
}

/* Whether a kept file that the child read was changed meanwhile: then what it made is worth
 * nothing. */
static bool changed(const struct client *c, const struct cache_file *stale)
{
    bool any = cache_file_changed(stale);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) any |= cache_file_changed(&c->kept[k]);
    return any;
}

static enum err build_into(struct client *c, const struct build *b, bool memory,
                           const struct cache_file *stale, struct index_file file[CACHE_KINDS],
                           struct fault *f)
{
    struct cache_draft draft[CACHE_KINDS] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } };
    enum err e = OK;
    for (enum cache_kind k = 0; !e && k < CACHE_KINDS; k++)
        if (b->parts & part_of[k]) e = cache_draft_open(&c->cache, k, memory, &draft[k], f);
    if (!e) e = builder_run(b, (int[3]){ draft[0].fd, draft[1].fd, draft[2].fd }, f);
    if (!e && changed(c, stale))
        e = fail(f, ERR_BUSY, "the package index changed under the builder");
    for (enum cache_kind k = 0; !e && k < CACHE_KINDS; k++)
        if (b->parts & part_of[k]) e = accept(c, k, draft[k].fd, &file[k], f);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        if (e) cache_draft_drop(&c->cache, k, &draft[k]);
        else if (draft[k].fd >= 0) cache_draft_publish(&c->cache, k, &draft[k]);
    }
    return e;
}

static void say(const struct client *c, unsigned parts, const struct timespec *from)
{
    static const char *const names[CACHE_KINDS] = { "catalogue", "overlay", "long texts" };
    struct timespec now;
    char list[64] = "";
    size_t len = 0;
    if (!c->options.verbose) return;
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++)
        if (parts & part_of[k])
            len +=
                (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", names[k]);
    clock_gettime(CLOCK_MONOTONIC, &now);
    double ms =
        (double)(now.tv_sec - from->tv_sec) * 1e3 + (double)(now.tv_nsec - from->tv_nsec) / 1e6;
    dprintf(STDERR_FILENO, "omg: the package index was built (%s) in %.0f ms\n", list, ms);
}

static enum err build(struct client *c, unsigned parts, const struct cache_file *stale, bool texts,
                      struct index_file file[CACHE_KINDS], struct fault *f)
{
    struct timespec from;
    struct cache_file unused = { 0 };
    int lock = -1;
    bool kept = !c->options.no_cache && cache_lock(&c->cache, &lock);
    enum err e = OK;
    if (kept) find(c, file, &unused, texts, &parts); /* somebody may have built it meanwhile */
    cache_file_close(&unused);
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (parts) {
        struct build b = { .root = c->root,
                           .kernel = c->cache.kernel,
                           .parts = parts,
                           .catalogue = file[CACHE_CATALOGUE] };
        if (stale->map.text.at)
            index_file_open(&b.overlay, stale->map.text, KIND_OVERLAY, true, NULL);
        e = build_into(c, &b, !kept, stale, file, f);
        if (e == ERR_IO && kept) e = build_into(c, &b, true, stale, file, f); /* the disk is full */
        if (!e) say(c, parts, &from);
    }
    if (lock >= 0) close(lock);
    return e;
}

static enum err open_once(struct client *c, bool texts, struct fault *f)
{
    struct index_file file[CACHE_KINDS] = { c->ix.catalogue, c->ix.overlay, c->ix.text };
    struct cache_file stale = { 0 };
    unsigned parts;
    find(c, file, &stale, texts, &parts);
    enum err e = parts ? build(c, parts, &stale, texts, file, f) : OK;
    cache_file_close(&stale);
    const struct cache_file *kept = c->kept;
    if (!e && !c->open)
        e = index_open(&c->ix, kept[CACHE_CATALOGUE].map.text, kept[CACHE_OVERLAY].map.text, false,
                       f);
    if (!e && texts) e = index_text_open(&c->ix, kept[CACHE_TEXT].map.text, false, f);
    if (e) {
        local_close(c);
        return e;
    }
    c->open = true;
    c->texts = texts;
    return OK;
}

enum err local_open(struct client *c, bool texts, struct fault *f)
{
    if (c->open && (c->texts || !texts)) return OK;
    if (!c->open) guard_lost(); /* what was lost before has been closed */
    enum err e = open_once(c, texts, f);
    bool pulled_away = e == ERR_BUSY || e == ERR_DAMAGED || e == ERR_CONFLICT;
    if (!pulled_away || c->distrust) return e;
    c->distrust = true;
    return open_once(c, texts, f);
}

bool local_lost(struct client *c)
{
    if (!guard_lost() && !changed(c, &(struct cache_file){ 0 })) return false;
    local_close(c);
    c->distrust = true;
    return true;
}
