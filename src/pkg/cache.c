#include "pkg/cache.h"

#include "base/guard.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char *const names[CACHE_KINDS] = { "catalogue", "overlay", "text" };
static const char *const drafts[CACHE_KINDS] = { "catalogue.draft", "overlay.draft", "text.draft" };

#define SYSTEM_FOLDER "/var/cache/omg"

enum format_kind cache_format(enum cache_kind kind)
{
    static const enum format_kind formats[CACHE_KINDS] = { KIND_CATALOGUE, KIND_OVERLAY,
                                                           KIND_TEXT };
    return formats[kind];
}

static void print_path(char *to, const char *folder, const char *below)
{
    int n = snprintf(to, 256, "%s%s", folder, below);
    if (n < 0 || n >= 256) to[0] = 0;
}

/* One's own cache folder: $XDG_CACHE_HOME/omg, else ~/.cache/omg (XDG Base Directory). */
static void own_folder(char *to)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    to[0] = 0;
    if (xdg && xdg[0] == '/') print_path(to, xdg, "/omg");
    else if (home && home[0] == '/') print_path(to, home, "/.cache/omg");
}

/* Makes the folder and the one above it where they are missing. */
static void folder_make(const char *path, mode_t mode)
{
    char above[256];
    if (mkdir(path, mode) == 0 || errno != ENOENT) return;
    print_path(above, path, "");
    char *slash = strrchr(above, '/');
    if (!slash || slash == above) return;
    *slash = 0;
    if (mkdir(above, 0700) == 0 || errno == EEXIST) mkdir(path, mode);
}

/* A folder whose content, or a file whose bytes, nobody but root and oneself can have put there. */
static bool trusted(const struct stat *st)
{
    return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static void add_folder(struct cache *c, const char *base, const char *key, mode_t mode, bool make)
{
    char path[256];
    if (!base[0]) return;
    print_path(path, base, key);
    if (!path[0]) return;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && make) {
        folder_make(base, mode);
        mkdir(path, mode);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0) return;
    struct stat st;
    if (fstat(fd, &st) != 0 || !trusted(&st)) {
        close(fd);
        return;
    }
    size_t i = c->folders++;
    c->folder[i] = fd;
    c->writable[i] = st.st_uid == geteuid();
    memcpy(c->path[i], path, sizeof path);
}

void cache_open(struct cache *c, int root, bool slash, struct str kernel, struct str chosen)
{
    char key[40] = "/root", own[256] = "";
    struct stat st;
    *c = (struct cache){ .root = root, .slash = slash, .kernel = kernel, .folder = { -1, -1 } };
    if (!slash) {
        if (fstat(root, &st) != 0) return;
        uint64_t hash = hash_fold((uint64_t)st.st_dev, (uint64_t)st.st_ino);
        snprintf(key, sizeof key, "/%016llx", (unsigned long long)hash);
    }
    if (chosen.len) {
        if (chosen.len >= sizeof own) return;
        memcpy(own, chosen.at, chosen.len);
        own[chosen.len] = 0;
        add_folder(c, own, key, 0700, true);
        return;
    }
    own_folder(own);
    add_folder(c, SYSTEM_FOLDER, key, 0755, geteuid() == 0);
    if (geteuid() != 0) add_folder(c, own, key, 0700, true);
}

void cache_close(struct cache *c)
{
    for (size_t i = 0; i < c->folders; i++) close(c->folder[i]);
    c->folders = 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool hold(int fd, const struct stat *st, struct cache_file *k)
{
    if (!S_ISREG(st->st_mode) || st->st_size <= 0) return false;
    void *at = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return false;
    *k = (struct cache_file){ { { at, (size_t)st->st_size } }, true, fd, st->st_mtim };
    guard_add(k->map.text);
    return true;
}

enum err cache_file_map(int fd, struct cache_file *k, struct fault *f)
{
    struct stat st;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    *k = (struct cache_file){ 0 };
    if (own >= 0 && fstat(own, &st) == 0 && hold(own, &st, k)) return OK;
    enum err e = fail_errno(f, "cannot map the package index");
    if (own >= 0) close(own);
    return e;
}

bool cache_file_changed(const struct cache_file *k)
{
    struct stat st;
    return k->held && (fstat(k->fd, &st) != 0 || (size_t)st.st_size != k->map.text.len ||
                       !same_time(st.st_mtim, k->modified));
}

void cache_file_close(struct cache_file *k)
{
    guard_remove(k->map.text);
    map_close(&k->map);
    if (k->held) close(k->fd);
    *k = (struct cache_file){ 0 };
}

static long seal_of(uint64_t checksum)
{
    return (long)(checksum % 1000000000);
}

void cache_file_seal(struct cache_file *k, uint64_t checksum)
{
    struct stat st;
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = seal_of(checksum) } };
    if (!k->held) return;
    times[1].tv_sec = k->modified.tv_sec;
    if (futimens(k->fd, times) == 0 && fstat(k->fd, &st) == 0) k->modified = st.st_mtim;
}

static bool kernel_same(const struct cache *c, const struct index_file *f, enum cache_kind kind)
{
    if (kind != CACHE_OVERLAY) return true;
    if (!file_count(f, SECTION_META, sizeof(struct overlay_meta))) return false;
    const struct overlay_meta *m = file_rows(f, SECTION_META);
    return str_eq(file_text(f, SECTION_STRINGS, m->kernel), c->kernel);
}

bool cache_fresh(const struct cache *c, enum cache_kind kind, const struct index_file *f)
{
    return kernel_same(c, f, kind) && build_fresh(f, c->root, c->slash);
}

/* One folder's file, mapped, where it is trusted and its bytes are those that were written. */
static bool sound(int folder, enum cache_kind kind, struct cache_file *k, struct index_file *f)
{
    struct stat st;
    int fd = openat(folder, names[kind], O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    if (fstat(fd, &st) != 0 || !trusted(&st) || !hold(fd, &st, k)) {
        close(fd);
        return false;
    }
    bool ok = index_file_open(f, k->map.text, cache_format(kind), false, NULL) == OK;
    if (ok && st.st_mtim.tv_nsec != seal_of(f->header->checksum))
        ok = index_file_open(f, k->map.text, cache_format(kind), true, NULL) == OK;
    if (!ok) cache_file_close(k);
    return ok;
}

bool cache_find(struct cache *c, enum cache_kind kind, uint64_t parent, struct cache_file *k,
                struct index_file *f, struct cache_file *stale)
{
    for (size_t i = 0; i < c->folders; i++) {
        if (!sound(c->folder[i], kind, k, f)) continue;
        if ((!parent || f->header->parent == parent) && cache_fresh(c, kind, f)) return true;
        if (stale && !stale->map.text.at) *stale = *k;
        else cache_file_close(k);
    }
    *f = (struct index_file){ 0 };
    *k = (struct cache_file){ 0 };
    return false;
}

static size_t writable_folder(const struct cache *c)
{
    size_t i = 0;
    while (i < c->folders && !c->writable[i]) i++;
    return i;
}

bool cache_lock(struct cache *c, int *lock)
{
    enum { TRIES = 1000, WAIT_NS = 10 * 1000 * 1000 };
    size_t i = writable_folder(c);
    *lock = -1;
    if (i == c->folders) return false;
    int fd = openat(c->folder[i], "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    for (int n = 0; n < TRIES; n++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            *lock = fd;
            return true;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) break;
        nanosleep(&(struct timespec){ 0, WAIT_NS }, NULL);
    }
    close(fd);
    return false;
}

enum err cache_draft_open(struct cache *c, enum cache_kind kind, bool memory, struct cache_draft *d,
                          struct fault *f)
{
    size_t i = writable_folder(c);
    *d = (struct cache_draft){ .fd = -1 };
    if (i < c->folders && !memory) {
        unlinkat(c->folder[i], drafts[kind], 0);
        d->fd = openat(c->folder[i], drafts[kind],
                       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        d->kept = d->fd >= 0;
    }
    if (d->fd < 0) d->fd = memfd_create(names[kind], MFD_CLOEXEC);
    return d->fd < 0 ? fail_errno(f, "cannot make room for the package index") : OK;
}

void cache_draft_publish(struct cache *c, enum cache_kind kind, struct cache_draft *d)
{
    size_t i = writable_folder(c);
    if (d->kept && i < c->folders) {
        bool system = str_starts(str_of(c->path[i]), S(SYSTEM_FOLDER "/"));
        if (system) fchmod(d->fd, 0644);
        if (renameat(c->folder[i], drafts[kind], c->folder[i], names[kind]) != 0)
            unlinkat(c->folder[i], drafts[kind], 0);
    }
    close(d->fd);
    d->fd = -1;
}

void cache_draft_drop(struct cache *c, enum cache_kind kind, struct cache_draft *d)
{
    size_t i = writable_folder(c);
    if (d->fd < 0) return;
    if (d->kept && i < c->folders) unlinkat(c->folder[i], drafts[kind], 0);
    close(d->fd);
    d->fd = -1;
}
