/* A root folder for fuzz targets whose subject reads files: made once, gone at exit. */
#ifndef OMG_FUZZ_PACKAGE_ROOT_H
#define OMG_FUZZ_PACKAGE_ROOT_H

#include "pkg/apt.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char fuzz_path[] = "/tmp/omg-fuzz.XXXXXX";
static const char *const fuzz_folders[] = { "etc", "etc/apt", "etc/apt/sources.list.d" };
enum { FUZZ_FOLDERS = sizeof fuzz_folders / sizeof *fuzz_folders };
static const char *const fuzz_files[] = { "etc/apt/apt.conf", "etc/apt/sources.list",
                                          "etc/apt/sources.list.d/x.sources",
                                          "etc/apt/preferences" };
enum { FUZZ_CONF, FUZZ_LIST, FUZZ_SOURCES, FUZZ_PREFERENCES, FUZZ_FILES };

static inline void demand(int truth)
{
    if (!truth) abort();
}

static inline void fuzz_root_remove(void)
{
    int root = open(fuzz_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < FUZZ_FILES; i++) unlinkat(root, fuzz_files[i], 0);
    for (int i = FUZZ_FOLDERS; i > 0; i--) unlinkat(root, fuzz_folders[i - 1], AT_REMOVEDIR);
    close(root);
    rmdir(fuzz_path);
}

static inline int fuzz_root(void)
{
    static int root = -1;
    if (root >= 0) return root;
    demand(mkdtemp(fuzz_path) != NULL);
    atexit(fuzz_root_remove);
    root = open(fuzz_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < FUZZ_FOLDERS; i++) demand(mkdirat(root, fuzz_folders[i], 0700) == 0);
    return root;
}

/* Gives one of the files this content. */
static inline void fuzz_write(int file, struct str text)
{
    int fd = openat(fuzz_root(), fuzz_files[file], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    demand(fd >= 0 && write_all(fd, text, NULL) == OK);
    close(fd);
}

static inline void fuzz_inputs(struct arena *a, struct inputs *in)
{
    demand(arena_open(a, (size_t)1 << 30) == OK);
    demand(inputs_open(in, fuzz_root(), a) == OK);
}

#endif
