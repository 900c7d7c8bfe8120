#include "base/file.h"

#include "base/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *relative(const char *path)
{
    while (*path == '/') path++;
    return *path ? path : ".";
}

/* Where there is no openat2: folder by folder, following no link at all. From "/" nothing leads
 * outside, so there links are as good as anything. */
static int open_by_steps(int root, const char *path, int flags)
{
    char name[NAME_MAX + 1];
    struct stat st, slash;
    int at = root;
    if (fstat(root, &st) == 0 && stat("/", &slash) == 0 && st.st_dev == slash.st_dev &&
        st.st_ino == slash.st_ino)
        return openat(root, path, flags | O_CLOEXEC);
    for (;;) {
        size_t n = strcspn(path, "/");
        const char *rest = path + n;
        while (*rest == '/') rest++;
        bool up = n == 2 && path[0] == '.' && path[1] == '.';
        int next = -1, how = *rest ? O_PATH | O_DIRECTORY : flags;
        errno = up ? ELOOP : ENAMETOOLONG;
        if (n < sizeof name && !up) {
            memcpy(name, path, n);
            name[n] = 0;
            next = openat(at, name, how | O_NOFOLLOW | O_CLOEXEC);
        }
        int kept = errno;
        if (at != root) close(at);
        errno = kept;
        if (next < 0 || !*rest) return next;
        at = next;
        path = rest;
    }
}

int file_open(int root, const char *path, int flags)
{
    enum { TRIES = 1000 }; /* while folders on the way are moved about */
    if (root == AT_FDCWD) return open(path, flags | O_CLOEXEC);
    struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                            .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
    long fd = -1;
    for (int n = 0; n < TRIES; n++) {
        fd = syscall(SYS_openat2, root, relative(path), &how, sizeof how);
        if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) break;
    }
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return (int)fd;
    return open_by_steps(root, relative(path), flags);
}

bool file_stat(int root, const char *path, struct stat *st)
{
    int fd = file_open(root, path, O_PATH);
    if (fd < 0) return false;
    bool ok = fstat(fd, st) == 0;
    int kept = errno;
    close(fd);
    errno = kept;
    return ok;
}

static enum err read_fd(int fd, const char *path, struct buf *out, struct fault *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return fail_errno(f, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode)) return fail(f, ERR_NOT_FOUND, "%s is not a regular file", path);
    size_t want = (size_t)st.st_size + 1;
    for (;;) {
        char *to = buf_more(out, want);
        if (!to && want <= out->limit && out->len <= out->limit - want)
            return fail(f, ERR_RESOURCE_LIMIT, "no memory to read %s", path);
        if (!to)
            return fail(f, ERR_RESOURCE_LIMIT, "%s is larger than %zu bytes", path, out->limit);
        ssize_t n = read(fd, to, want);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(f, "cannot read %s", path);
        if (n == 0) return OK;
        out->len += (size_t)n;
        want = want > (size_t)n ? want - (size_t)n : 4096;
    }
}

enum err file_read(int root, const char *path, struct buf *out, struct fault *f)
{
    int fd = file_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fail_errno(f, "cannot open %s", path);
    enum err e = read_fd(fd, path, out, f);
    close(fd);
    return e;
}

enum err map_fd(int fd, struct map *m, struct fault *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return fail_errno(f, "cannot look at the file");
    if (!S_ISREG(st.st_mode)) return fail(f, ERR_NOT_FOUND, "not a regular file");
    m->text = STR_NONE;
    if (st.st_size == 0) return OK;
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return fail_errno(f, "cannot map the file");
    m->text = (struct str){ at, (size_t)st.st_size };
    return OK;
}

enum err map_open(int root, const char *path, struct map *m, struct fault *f)
{
    int fd = file_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fail_errno(f, "cannot open %s", path);
    enum err e = map_fd(fd, m, f);
    close(fd);
    return e;
}

void map_close(struct map *m)
{
    if (m->text.at) munmap((void *)(uintptr_t)m->text.at, m->text.len);
    m->text = STR_NONE;
}

enum err write_all(int fd, struct str s, struct fault *f)
{
    while (s.len) {
        ssize_t n = write(fd, s.at, s.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail_errno(f, "cannot write");
        s = str_from(s, (size_t)n);
    }
    return OK;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

enum err folder_names(int root, const char *path, struct arena *a, struct names *names,
                      struct fault *f)
{
    enum { MOST = 100000 }; /* a folder with more is not one of ours */
    *names = (struct names){ 0 };
    int fd = file_open(root, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return fail_errno(f, "cannot open %s", path);
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return fail(f, ERR_RESOURCE_LIMIT, "no memory to read %s", path);
    }
    size_t room = 64, len = 0;
    struct str *at = arena_array(a, room, sizeof *at);
    for (struct dirent *entry; at && (errno = 0, entry = readdir(d));) {
        struct str name = str_of(entry->d_name);
        if (str_eq(name, S(".")) || str_eq(name, S(".."))) continue;
        if (len == room) {
            struct str *larger = room < MOST ? arena_array(a, room * 2, sizeof *at) : NULL;
            if (larger) memcpy(larger, at, len * sizeof *at);
            at = larger;
            room *= 2;
        }
        if (at) at[len] = arena_copy(a, name);
        if (at && !at[len++].at) at = NULL;
    }
    enum err e = at && errno ? fail_errno(f, "cannot read %s", path) : OK;
    closedir(d);
    if (e) return e;
    if (!at) return fail(f, ERR_RESOURCE_LIMIT, "%s holds too many files", path);
    qsort(at, len, sizeof *at, by_bytes);
    *names = (struct names){ at, len };
    return OK;
}
