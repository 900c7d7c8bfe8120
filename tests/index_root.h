/* A root folder of a test's own and the index that is built from it, in this process. What fails
 * here ends the program: it is the test that is broken then. */
#ifndef OMG_TESTS_INDEX_ROOT_H
#define OMG_TESTS_INDEX_ROOT_H

#include "base/power.h"
#include "pkg/build.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes the place of the one in base/power.c: a test writes on after a build, which a confined
 * process cannot. One that builds in a child defines INDEX_ROOT_CHILD before. */
#ifndef INDEX_ROOT_CHILD
enum err power_confine(int root, const struct str *paths, size_t count, struct fault *f)
{
    (void)root, (void)paths, (void)count, (void)f;
    return OK;
}
#endif

#define need(truth) need_at((truth), __FILE__, __LINE__)
static inline void need_at(bool truth, const char *file, int line)
{
    if (truth) return;
    fprintf(stderr, "%s:%d: this does not hold\n", file, line);
    abort();
}

struct index_root {
    char path[64];
    int fd;
    struct build_output out; /* what ix lies in */
    struct index ix;
};

#define LISTS    "var/lib/apt/lists/deb.example.org_debian_dists_stable_"
#define MAIN     LISTS "main_binary-amd64_Packages"
#define FOREIGN  LISTS "main_binary-i386_Packages"
#define ENGLISH  LISTS "main_i18n_Translation-en"
#define STATUS_  "var/lib/dpkg/status"
#define EXTENDED "var/lib/apt/extended_states"

/* Opens a file for writing, emptied, and makes the folders on the way to it. */
static inline int index_root_open(const struct index_root *r, const char *path)
{
    char folder[256];
    need(strlen(path) < sizeof folder);
    for (size_t i = 0; path[i]; i++) {
        folder[i] = path[i];
        folder[i + 1] = 0;
        if (path[i] != '/') continue;
        folder[i] = 0;
        mkdirat(r->fd, folder, 0755);
        folder[i] = '/';
    }
    int fd = openat(r->fd, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    need(fd >= 0);
    return fd;
}

static inline void index_root_write(const struct index_root *r, const char *path, struct str text)
{
    int fd = index_root_open(r, path);
    need(write_all(fd, text, NULL) == OK);
    close(fd);
}

/* A folder with one source of two architectures, amd64 being the native one, and no lists yet. */
static inline void index_root_make(struct index_root *r)
{
    const char *folder = getenv("TMPDIR");
    *r = (struct index_root){ 0 };
    snprintf(r->path, sizeof r->path, "%.40s/index-XXXXXX", folder ? folder : "/tmp");
    need(mkdtemp(r->path) != NULL);
    r->fd = open(r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    need(r->fd >= 0);
    index_root_write(r, "etc/apt/sources.list",
                     S("deb http://deb.example.org/debian stable main\n"));
    index_root_write(r, "var/lib/dpkg/arch", S("amd64\ni386\n"));
    index_root_write(r, LISTS "InRelease", S("Suite: stable\nCodename: thirteen\n"));
}

static inline void index_root_drop(struct index_root *r)
{
    index_close(&r->ix);
    buf_free(&r->out.catalogue);
    buf_free(&r->out.overlay);
    buf_free(&r->out.text);
}

/* Builds all three parts and opens them, in place of those built before. */
static inline enum err index_root_build(struct index_root *r)
{
    struct build b = { .root = r->fd, .parts = PART_CATALOGUE | PART_OVERLAY | PART_TEXT };
    struct fault f = { "" };
    index_root_drop(r);
    r->out.catalogue = r->out.overlay = r->out.text = buf_make(UINT32_MAX);
    enum err e = build_parts(&b, &r->out, &f);
    if (!e)
        e = index_open(&r->ix, buf_view(&r->out.catalogue), buf_view(&r->out.overlay), true, &f);
    if (!e) e = index_text_open(&r->ix, buf_view(&r->out.text), true, &f);
    return e;
}

static inline int index_root_forget(const char *path, const struct stat *st, int kind,
                                    struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static inline void index_root_free(struct index_root *r)
{
    nftw(r->path, index_root_forget, 16, FTW_DEPTH | FTW_PHYS);
    close(r->fd);
    index_root_drop(r);
}

#endif
