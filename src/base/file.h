/* Files below a root folder. A path is relative to the root and never leaves it, whatever links
 * lie on the way (openat2 with RESOLVE_IN_ROOT, Linux 5.6; on older kernels only the root "/" may
 * hold links). */
#ifndef OMG_BASE_FILE_H
#define OMG_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <sys/stat.h>

/* Opens path below the folder root, with O_CLOEXEC added; -1 and errno on failure. A leading "/"
 * of path is ignored. root is AT_FDCWD or a descriptor of a folder. */
int file_open(int root, const char *path, int flags);

/* fstatat that stays below root. False and errno on failure. */
bool file_stat(int root, const char *path, struct stat *st);

/* Appends the whole file to out. ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_IO; ERR_RESOURCE_LIMIT when it
 * is larger than out may become. Only regular files are read. */
enum err file_read(int root, const char *path, struct buf *out, struct fault *f);

/* A file mapped for reading. Losing its end while it is mapped raises SIGBUS on access. */
struct map {
    struct str text;
};
enum err map_fd(int fd, struct map *m, struct fault *f);
enum err map_open(int root, const char *path, struct map *m, struct fault *f);
void map_close(struct map *m);

/* Writes all of s, through interruptions and short writes. */
enum err write_all(int fd, struct str s, struct fault *f);

/* The names in a folder, sorted by bytes, without "." and ".."; views into the arena. */
struct arena;
struct names {
    struct str *at;
    size_t len;
};
enum err folder_names(int root, const char *path, struct arena *a, struct names *names,
                      struct fault *f);

#endif
