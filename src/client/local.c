#include "client/local.h"

#include "base/guard.h"
#include "client/builder.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void take(struct client *c, enum cache_kind kind, struct map m)
{
    c->map[kind] = m;
    guard_add(m.text);
}

static void drop(struct client *c, enum cache_kind kind)
{
    guard_remove(c->map[kind].text);
    map_close(&c->map[kind]);
}

void local_close(struct client *c)
{
    index_close(&c->ix);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) drop(c, k);
    c->open = c->texts = false;
}

/* Finds what is kept and fresh; parts gets what is not. stale is an overlay for its licences. */
static void find(struct client *c, struct index_file file[CACHE_KINDS], struct map *stale,
                 bool texts, unsigned *parts)
{
    struct map m;
    uint64_t parent;
    bool use = !c->options.no_cache && !c->distrust;
    *parts = 0;
    if (!file[CACHE_CATALOGUE].header) {
        if (use && cache_find(&c->cache, CACHE_CATALOGUE, 0, &m, &file[CACHE_CATALOGUE], NULL))
            take(c, CACHE_CATALOGUE, m);
        else *parts |= PART_CATALOGUE;
    }
    parent = file[CACHE_CATALOGUE].header ? file[CACHE_CATALOGUE].header->checksum : 1;
    if (!file[CACHE_OVERLAY].header) {
        if (use && cache_find(&c->cache, CACHE_OVERLAY, parent, &m, &file[CACHE_OVERLAY], stale))
            take(c, CACHE_OVERLAY, m);
        else *parts |= PART_OVERLAY;
    }
    if (texts && !file[CACHE_TEXT].header) {
        if (use && cache_find(&c->cache, CACHE_TEXT, parent, &m, &file[CACHE_TEXT], NULL))
            take(c, CACHE_TEXT, m);
        else *parts |= PART_TEXT;
    }
}

static const unsigned part_of[CACHE_KINDS] = { PART_CATALOGUE, PART_OVERLAY, PART_TEXT };
static const enum format_kind kind_of[CACHE_KINDS] = { KIND_CATALOGUE, KIND_OVERLAY, KIND_TEXT };

/* Maps what the child wrote and checks it whole, before anybody else can see it. */
static enum err accept(struct client *c, enum cache_kind kind, int fd, struct index_file *file,
                       struct fault *f)
{
    struct map m;
    enum err e = map_fd(fd, &m, f);
    if (e) return e;
    e = index_file_open(file, m.text, kind_of[kind], true, f);
    if (e) {
        map_close(&m);
        return e;
    }
    take(c, kind, m);
    return OK;
}

static enum err build_into(struct client *c, const struct build *b, bool memory,
                           struct index_file file[CACHE_KINDS], struct fault *f)
{
    struct cache_draft draft[CACHE_KINDS] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } };
    enum err e = OK;
    for (enum cache_kind k = 0; !e && k < CACHE_KINDS; k++)
        if (b->parts & part_of[k]) e = cache_draft_open(&c->cache, k, memory, &draft[k], f);
    if (!e) e = builder_run(b, (int[3]){ draft[0].fd, draft[1].fd, draft[2].fd }, f);
    for (enum cache_kind k = 0; !e && k < CACHE_KINDS; k++)
        if (b->parts & part_of[k]) e = accept(c, k, draft[k].fd, &file[k], f);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        if (e) cache_draft_drop(&c->cache, &draft[k]);
        else if (draft[k].fd >= 0) cache_draft_publish(&c->cache, k, &draft[k]);
    }
    return e;
}

static void say(const struct client *c, unsigned parts, const struct timespec *from)
{
    static const char *const names[CACHE_KINDS] = { "catalogue", "overlay", "long texts" };
    struct timespec now;
    char list[64] = "";
    if (!c->options.verbose) return;
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        if (!(parts & part_of[k])) continue;
        if (list[0]) strcat(list, ", ");
        strcat(list, names[k]);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    double ms = (double)(now.tv_sec - from->tv_sec) * 1e3 +
                (double)(now.tv_nsec - from->tv_nsec) / 1e6;
    dprintf(STDERR_FILENO, "omg: the package index was built (%s) in %.0f ms\n", list, ms);
}

static enum err build(struct client *c, unsigned parts, const struct map *stale, bool texts,
                      struct index_file file[CACHE_KINDS], struct fault *f)
{
    struct timespec from;
    struct map unused = { STR_NONE };
    int lock = -1;
    bool kept = !c->options.no_cache && cache_lock(&c->cache, &lock);
    enum err e = OK;
    if (kept) find(c, file, &unused, texts, &parts); /* somebody may have built it meanwhile */
    map_close(&unused);
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (parts) {
        struct build b = { .root = c->root,
                           .kernel = c->cache.kernel,
                           .parts = parts,
                           .catalogue = file[CACHE_CATALOGUE] };
        if (stale->text.at) index_file_open(&b.overlay, stale->text, KIND_OVERLAY, true, NULL);
        e = build_into(c, &b, !kept, file, f);
        if (e == ERR_IO && kept) e = build_into(c, &b, true, file, f); /* the disk is full */
        if (!e) say(c, parts, &from);
    }
    if (lock >= 0) close(lock);
    return e;
}

enum err local_open(struct client *c, bool texts, struct fault *f)
{
    struct index_file file[CACHE_KINDS] = { c->ix.catalogue, c->ix.overlay, c->ix.text };
    struct map stale = { STR_NONE };
    unsigned parts;
    if (c->open && (c->texts || !texts)) return OK;
    find(c, file, &stale, texts, &parts);
    enum err e = parts ? build(c, parts, &stale, texts, file, f) : OK;
    map_close(&stale);
    if (!e && !c->open)
        e = index_open(&c->ix, c->map[CACHE_CATALOGUE].text, c->map[CACHE_OVERLAY].text, false, f);
    if (!e && texts) e = index_text_open(&c->ix, c->map[CACHE_TEXT].text, false, f);
    if (e) {
        local_close(c);
        return e;
    }
    c->open = true;
    c->texts = texts;
    return OK;
}
