/* A root folder of its own for one test: files are written into it, the readers read it. */
#ifndef OMG_TESTS_PACKAGE_ROOT_H
#define OMG_TESTS_PACKAGE_ROOT_H

#include "test.h"

#include "pkg/dpkg.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

struct package_root {
    char path[64];
    int fd;
    struct arena arena;
    struct inputs in;
    struct apt_conf conf;
    struct dpkg_world world;
};

static inline void root_make(struct package_root *r)
{
    const char *folder = getenv("TMPDIR");
    *r = (struct package_root){ 0 };
    snprintf(r->path, sizeof r->path, "%.40s/packages-XXXXXX", folder ? folder : "/tmp");
    assert_non_null(mkdtemp(r->path));
    r->fd = open(r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(r->fd >= 0);
    assert_int_equal(arena_open(&r->arena, (size_t)1 << 30), OK);
    assert_int_equal(inputs_open(&r->in, r->fd, &r->arena), OK);
}

static inline int root_forget_one(const char *path, const struct stat *st, int kind,
                                  struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static inline void root_free(struct package_root *r)
{
    nftw(r->path, root_forget_one, 16, FTW_DEPTH | FTW_PHYS);
    close(r->fd);
    arena_close(&r->arena);
}

/* Opens a file for writing and makes the folders on the way to it. */
static inline FILE *root_open(struct package_root *r, const char *path)
{
    char whole[256];
    int n = snprintf(whole, sizeof whole, "%s/%s", r->path, path);
    assert_true(n > 0 && (size_t)n < sizeof whole);
    for (char *p = whole + strlen(r->path) + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        mkdir(whole, 0755);
        *p = '/';
    }
    FILE *f = fopen(whole, "w");
    assert_non_null(f);
    return f;
}

static inline void root_write(struct package_root *r, const char *path, const char *text)
{
    FILE *f = root_open(r, path);
    assert_int_not_equal(fputs(text, f), EOF);
    assert_int_equal(fclose(f), 0);
}

#define STATUS          "var/lib/dpkg/status"
#define EXTENDED_STATES "var/lib/apt/extended_states"
#define APT_CONF        "etc/apt/apt.conf"

static inline enum err root_read(struct package_root *r)
{
    enum err e = apt_conf_read(&r->in, &r->conf);
    return e ? e : dpkg_read(&r->in, &r->conf, &r->world);
}

/* The package of that name and architecture (NULL: any); NULL for none. */
static inline struct dpkg_package *root_find(struct package_root *r, const char *name,
                                             const char *arch)
{
    for (size_t i = 0; i < r->world.len; i++) {
        struct dpkg_package *p = &r->world.at[i];
        if (str_eq(p->name, str_of(name)) && (!arch || str_eq(p->arch, str_of(arch)))) return p;
    }
    return NULL;
}

/* Whether some note says this. */
static inline bool root_noted(const struct package_root *r, const char *words)
{
    for (size_t i = 0; i < r->in.notes_len; i++)
        if (str_has(r->in.notes[i].text, str_of(words))) return true;
    return false;
}

static inline void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    if (s.len) assert_memory_equal(s.at, expected, s.len);
}

#endif
