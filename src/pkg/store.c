#include "pkg/store.h"

#include "base/guard.h"
#include "pkg/builder.h"
#include "pkg/sealed.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const unsigned part_of[CACHE_KINDS] = { PART_CATALOGUE, PART_OVERLAY, PART_TEXT };

/* --- opening and closing ----------------------------------------------------------------- */

static enum err root_open(struct store *s, struct fault *f)
{
    const char *path = s->options.root ? s->options.root : "/";
    struct stat slash, st;
    s->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->root < 0 || fstat(s->root, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return fail(f, ERR_INVALID_PARAMS, "there is no folder '%s' to look into", path);
        return fail_errno(f, "cannot open the folder '%s'", path);
    }
    s->slash = !s->options.root ||
               (stat("/", &slash) == 0 && st.st_dev == slash.st_dev && st.st_ino == slash.st_ino);
    return OK;
}

enum err store_open(struct store *s, const struct store_options *o, struct fault *f)
{
    struct utsname machine;
    *s = (struct store){ .options = *o, .root = -1 };
    enum err e = root_open(s, f);
    if (e) {
        if (s->root >= 0) close(s->root);
        return e;
    }
    if (s->slash && uname(&machine) == 0)
        snprintf(s->kernel, sizeof s->kernel, "%.*s", (int)sizeof s->kernel - 1, machine.release);
    if (!o->no_cache) cache_open(&s->cache, s->root, s->slash, str_of(s->kernel), o->cache_folder);
    s->cache.root = s->root;
    s->cache.slash = s->slash;
    s->cache.kernel = str_of(s->kernel);
    return OK;
}

static void index_shut(struct store *s)
{
    index_close(&s->ix);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) cache_file_close(&s->files.kept[k]);
    s->files = (struct store_files){ 0 };
    s->open = s->texts = false;
}

void store_close(struct store *s)
{
    index_shut(s);
    cache_close(&s->cache);
    close(s->root);
}

/* --- finding and building ---------------------------------------------------------------- */

/* Adds to now what is kept and fresh; gives the parts that are not. stale is an overlay for its
 * licences. */
static unsigned find(struct store *s, struct store_files *now, struct cache_file *stale, bool texts)
{
    bool use = !s->options.no_cache && !s->distrust;
    unsigned parts = 0;
    uint64_t parent = 0;
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        if (k == CACHE_TEXT && !texts) break;
        if (!now->file[k].header &&
            !(use && cache_find(&s->cache, k, parent, &now->kept[k], &now->file[k],
                                k == CACHE_OVERLAY ? stale : NULL)))
            parts |= part_of[k];
        if (k == CACHE_CATALOGUE) /* 1 is none's */
            parent = now->file[k].header ? now->file[k].header->checksum : 1;
    }
    return parts;
}

/* Maps what the child wrote and checks it whole, before anybody else can see it. */
static enum err accept(struct store_files *now, enum cache_kind kind, int fd, struct fault *f)
{
    struct cache_file *k = &now->kept[kind];
    struct index_file *file = &now->file[kind];
    cache_file_close(k);
    enum err e = cache_file_map(fd, k, f);
    if (!e) e = index_file_open(file, k->map.text, cache_format(kind), true, f);
    if (!e) cache_file_seal(k, file->header->checksum);
    return e;
}

/* Whether a kept file that the child read was changed meanwhile: then what it made is worth
 * nothing. */
static bool changed(const struct store_files *now, const struct cache_file *stale)
{
    bool any = stale && cache_file_changed(stale);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) any |= cache_file_changed(&now->kept[k]);
    return any;
}

static enum err build_into(struct store *s, const struct build *b, bool memory,
                           const struct cache_file *stale, struct store_files *now, struct fault *f)
{
    struct cache_draft draft[CACHE_KINDS] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } };
    enum err e = OK;
    for (enum cache_kind k = 0; !e && k < CACHE_KINDS; k++)
        if (b->parts & part_of[k]) e = cache_draft_open(&s->cache, k, memory, &draft[k], f);
    if (!e) e = builder_run(b, (int[3]){ draft[0].fd, draft[1].fd, draft[2].fd }, f);
    if (!e && changed(now, stale))
        e = fail(f, ERR_BUSY, "the package index changed under the builder");
    for (enum cache_kind k = 0; !e && k < CACHE_KINDS; k++)
        if (b->parts & part_of[k]) e = accept(now, k, draft[k].fd, f);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        if (e) cache_draft_drop(&s->cache, k, &draft[k]);
        else if (draft[k].fd >= 0) cache_draft_publish(&s->cache, k, &draft[k]);
    }
    return e;
}

static void say(const struct store *s, unsigned parts, const struct timespec *from)
{
    static const char *const names[CACHE_KINDS] = { "catalogue", "overlay", "long texts" };
    struct timespec now;
    char list[64] = "";
    size_t len = 0;
    if (!s->options.verbose) return;
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++)
        if (parts & part_of[k])
            len +=
                (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", names[k]);
    clock_gettime(CLOCK_MONOTONIC, &now);
    double ms =
        (double)(now.tv_sec - from->tv_sec) * 1e3 + (double)(now.tv_nsec - from->tv_nsec) / 1e6;
    dprintf(STDERR_FILENO, "%s: the package index was built (%s) in %.0f ms\n",
            s->options.name ? s->options.name : "omg", list, ms);
}

static enum err build(struct store *s, unsigned parts, const struct cache_file *stale, bool texts,
                      struct store_files *now, struct fault *f)
{
    struct timespec from;
    struct cache_file unused = { 0 };
    int lock = -1;
    bool kept = !s->options.no_cache && cache_lock(&s->cache, &lock);
    enum err e = OK;
    if (kept) parts = find(s, now, &unused, texts); /* somebody may have built it meanwhile */
    cache_file_close(&unused);
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (parts) {
        struct build b = { .root = s->root,
                           .kernel = s->cache.kernel,
                           .parts = parts,
                           .catalogue = now->file[CACHE_CATALOGUE] };
        if (stale->map.text.at)
            index_file_open(&b.overlay, stale->map.text, KIND_OVERLAY, true, NULL);
        e = build_into(s, &b, !kept, stale, now, f);
        if (e == ERR_IO && kept) e = build_into(s, &b, true, stale, now, f); /* the disk is full */
        if (!e) say(s, parts, &from);
    }
    if (lock >= 0) close(lock);
    return e;
}

/* Adds to now what it lacks: from the cache, or else built. */
static enum err obtain(struct store *s, struct store_files *now, bool texts, struct fault *f)
{
    struct cache_file stale = { 0 };
    const struct cache_file *overlay = &s->files.kept[CACHE_OVERLAY];
    unsigned parts = find(s, now, &stale, texts);
    if (!parts) return OK;
    if (stale.map.text.at || cache_file_changed(overlay)) overlay = &stale;
    enum err e = build(s, parts, overlay, texts, now, f);
    cache_file_close(&stale);
    return e;
}

/* Whether nothing is wrong but what was kept, so that without it there is an answer. */
static bool pulled_away(enum err e)
{
    return e == ERR_BUSY || e == ERR_DAMAGED || e == ERR_CONFLICT;
}

/* --- for a command ----------------------------------------------------------------------- */

static enum err open_once(struct store *s, bool texts, struct fault *f)
{
    const struct cache_file *kept = s->files.kept;
    enum err e = obtain(s, &s->files, texts, f);
    if (!e && !s->open)
        e = index_open(&s->ix, kept[CACHE_CATALOGUE].map.text, kept[CACHE_OVERLAY].map.text, false,
                       f);
    if (!e && texts) e = index_text_open(&s->ix, kept[CACHE_TEXT].map.text, false, f);
    if (e) {
        index_shut(s);
        return e;
    }
    s->open = true;
    s->texts = texts;
    return OK;
}

enum err store_need(struct store *s, bool texts, struct fault *f)
{
    if (s->open && (s->texts || !texts)) return OK;
    if (!s->open) guard_lost(); /* what was lost before has been closed */
    enum err e = open_once(s, texts, f);
    if (!pulled_away(e) || s->distrust) return e;
    s->distrust = true;
    return open_once(s, texts, f);
}

bool store_lost(struct store *s)
{
    if (!guard_lost() && !changed(&s->files, NULL)) return false;
    index_shut(s);
    s->distrust = true;
    return true;
}

/* --- for the daemon ---------------------------------------------------------------------- */

enum { ALL_PARTS = PART_CATALOGUE | PART_OVERLAY | PART_TEXT };

/* The parts that need no other in their place. What goes with another catalogue is as stale as
 * that one. */
static unsigned fresh_parts(const struct store *s)
{
    unsigned fresh = 0;
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        const struct index_file *file = &s->files.file[k];
        if (k && !(fresh & PART_CATALOGUE)) break;
        if (file->header && !cache_file_changed(&s->files.kept[k]) &&
            cache_fresh(&s->cache, k, file))
            fresh |= part_of[k];
    }
    return fresh;
}

/* Puts new files in the place of those that are not in fresh, once they are whole. */
static enum err replace(struct store *s, unsigned fresh, struct fault *f)
{
    struct store_files now = { 0 };
    struct index ix = { 0 };
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        if (!(fresh & part_of[k])) continue;
        now.kept[k] = s->files.kept[k];
        now.file[k] = s->files.file[k];
    }
    enum err e = obtain(s, &now, true, f);
    if (!e)
        e = index_open(&ix, now.kept[CACHE_CATALOGUE].map.text, now.kept[CACHE_OVERLAY].map.text,
                       false, f);
    if (!e) e = index_text_open(&ix, now.kept[CACHE_TEXT].map.text, false, f);
    struct store_files *gone = e ? &now : &s->files;
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++)
        if (!(fresh & part_of[k])) cache_file_close(&gone->kept[k]);
    if (e) return e;
    index_close(&s->ix);
    s->ix = ix;
    s->files = now;
    s->open = s->texts = true;
    return OK;
}

enum err store_refresh(struct store *s, unsigned *parts, struct fault *f)
{
    unsigned fresh = s->open ? fresh_parts(s) : 0;
    *parts = 0;
    if (fresh == ALL_PARTS) return OK;
    s->distrust = false;
    enum err e = replace(s, fresh, f);
    if (pulled_away(e)) {
        s->distrust = true;
        e = replace(s, fresh, f);
        s->distrust = false;
    }
    if (!e) *parts = ALL_PARTS & ~fresh;
    return e;
}

enum err store_sealed(struct store *s, enum cache_kind kind, int *fd, struct fault *f)
{
    assert(s->open && s->files.file[kind].header);
    return sealed_copy(&s->files.kept[kind], kind, s->files.file[kind].header->checksum, fd, f);
}

bool store_input(const struct store *s, size_t i, struct str *path, bool *there)
{
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        const struct index_file *file = &s->files.file[k];
        const struct input_record *rows = file->header ? file_rows(file, SECTION_INPUTS) : NULL;
        size_t n = file_count(file, SECTION_INPUTS, sizeof *rows);
        if (i >= n) {
            i -= n;
            continue;
        }
        *path = file_text(file, SECTION_STRINGS, rows[i].path);
        *there = rows[i].inode != 0;
        return true;
    }
    return false;
}
