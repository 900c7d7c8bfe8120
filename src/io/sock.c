#include "io/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SYSTEM_SOCKET "/run/omg.sock"

enum { BACKLOG = 4096, LOCK_ROOM = SOCK_PATH_ROOM + 8 };

static enum err add_place(struct sock_places *p, const char *folder, struct str name,
                          struct fault *f)
{
    int n = snprintf(p->path[p->count], SOCK_PATH_ROOM, "%s%.*s", folder, STR_ARG(name));
    if (n < 0 || n >= SOCK_PATH_ROOM)
        return fail(f, ERR_INVALID_PARAMS,
                    "the path of the socket, %s%.*s, is longer than %d bytes", folder,
                    STR_ARG(str_head(name, 256)), SOCK_PATH_ROOM - 1);
    p->count++;
    return OK;
}

/* The place for a user's own daemon (XDG Base Directory; pam_systemd makes /run/user/UID). */
static enum err add_own_place(struct sock_places *p, struct fault *f)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    char folder[32];
    struct stat st;
    if (xdg && xdg[0] == '/') return add_place(p, xdg, S("/omg.sock"), f);
    snprintf(folder, sizeof folder, "/run/user/%u", (unsigned)geteuid());
    if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
        return add_place(p, folder, S("/omg.sock"), f);
    return add_place(p, "/tmp", S("/omg.sock"), f);
}

enum err sock_places(struct str chosen, bool client, struct sock_places *p, struct fault *f)
{
    const char *named = getenv("OMG_SOCKET");
    *p = (struct sock_places){ .count = 0 };
    if (chosen.len) return add_place(p, "", chosen, f);
    if (named && *named) return add_place(p, "", str_of(named), f);
    if (geteuid() == 0) return add_place(p, SYSTEM_SOCKET, S(""), f);
    enum err e = add_own_place(p, f);
    if (!e && client) e = add_place(p, SYSTEM_SOCKET, S(""), f);
    return e;
}

static enum err address_of(const char *path, struct sockaddr_un *to, struct fault *f)
{
    size_t len = strlen(path);
    *to = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (!len || len >= sizeof to->sun_path)
        return fail(f, ERR_INVALID_PARAMS, "a socket's path has 1 to %zu bytes, not %zu",
                    sizeof to->sun_path - 1, len);
    memcpy(to->sun_path, path, len + 1);
    return OK;
}

/* --- listening --------------------------------------------------------------------------- */

static enum err lock_refused(const char *path, struct fault *f)
{
    if (errno == EWOULDBLOCK)
        return fail(f, ERR_CONFLICT, "another omg daemon serves %.*s already",
                    (int)strlen(path) - 5, path);
    if (errno == ELOOP || errno == EACCES || errno == EPERM || errno == EROFS)
        return fail(f, ERR_FORBIDDEN, "%s cannot be opened: it, or its folder, is not yours", path);
    if (errno == ENOENT || errno == ENOTDIR)
        return fail(f, ERR_INVALID_PARAMS, "there is no folder for %s", path);
    return fail_errno(f, "cannot lock %s", path);
}

static void lock_name(const char *path, char name[LOCK_ROOM])
{
    snprintf(name, LOCK_ROOM, "%s.lock", path);
}

/* The lock is held on the file that has the name; one that was removed meanwhile is none. */
static enum err lock_take(const char *path, int *lock, struct fault *f)
{
    enum { TRIES = 16 };
    char name[LOCK_ROOM];
    struct stat held, there;
    lock_name(path, name);
    for (int i = 0; i < TRIES; i++) {
        int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd < 0) return lock_refused(name, f);
        bool own = fstat(fd, &held) == 0 && held.st_uid == geteuid() && S_ISREG(held.st_mode);
        errno = EACCES;
        if (!own || flock(fd, LOCK_EX | LOCK_NB) != 0) {
            enum err e = lock_refused(name, f);
            close(fd);
            return e;
        }
        *lock = fd;
        if (stat(name, &there) == 0 && there.st_ino == held.st_ino && there.st_dev == held.st_dev)
            return OK;
        close(fd);
    }
    return fail(f, ERR_CONFLICT, "other daemons come and go on %s", path);
}

/* Connects and leaves: 0, or why not. */
static int knock(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return errno;
    int said = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    close(fd);
    return said;
}

/* Whether somebody has the socket open: only a refused connection says that nobody has. The
 * processes of a daemon that was killed may have it for a moment still. */
static bool is_alive(const struct sockaddr_un *address)
{
    enum { TRIES = 40, PAUSE_MS = 50 };
    int said = knock(address);
    for (int i = 0; i < TRIES && (said == 0 || said == EAGAIN); i++) {
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000 }, NULL);
        said = knock(address);
    }
    return said != ECONNREFUSED && said != ENOENT;
}

/* Makes the path free where what lies there is a socket that nobody serves. */
static enum err take_over(const char *path, const struct sockaddr_un *address, struct fault *f)
{
    struct stat st;
    if (lstat(path, &st) != 0) return OK;
    if (!S_ISSOCK(st.st_mode))
        return fail(f, ERR_INVALID_PARAMS, "%s is there and is not a socket", path);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return fail(f, ERR_FORBIDDEN, "the socket %s belongs to another user", path);
    if (is_alive(address)) return fail(f, ERR_CONFLICT, "another program serves %s already", path);
    if (unlink(path) == 0 || errno == ENOENT) return OK;
    if (errno == EACCES || errno == EPERM)
        return fail(f, ERR_FORBIDDEN, "the old socket %s cannot be removed: it is not yours", path);
    return fail_errno(f, "cannot remove the old socket %s", path);
}

static enum err bind_to(const char *path, const struct sockaddr_un *address, int *fd,
                        struct fault *f)
{
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) return fail_errno(f, "cannot make a socket");
    mode_t was = umask((mode_t)0177);
    int refused = bind(made, (const struct sockaddr *)address, sizeof *address);
    umask(was);
    if (refused == 0 && listen(made, BACKLOG) == 0) {
        *fd = made;
        return OK;
    }
    bool forbidden = errno == EACCES || errno == EPERM || errno == EROFS;
    enum err e = fail_errno(f, "cannot listen on %s", path);
    close(made);
    if (forbidden) return fail(f, ERR_FORBIDDEN, "no socket may be made at %s", path);
    return e;
}

void sock_unlock(const char *path, int lock)
{
    char name[LOCK_ROOM];
    lock_name(path, name);
    unlink(name);
    close(lock);
}

enum err sock_listen(const char *path, int *fd, int *lock, struct fault *f)
{
    struct sockaddr_un address;
    int held;
    enum err e = address_of(path, &address, f);
    if (!e) e = lock_take(path, &held, f);
    if (e) return e;
    e = take_over(path, &address, f);
    if (!e) e = bind_to(path, &address, fd, f);
    if (e) sock_unlock(path, held);
    else *lock = held;
    return e;
}

/* --- connecting -------------------------------------------------------------------------- */

static enum err connect_refused(const char *path, struct fault *f)
{
    if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
        return fail(f, ERR_NOT_FOUND, "no daemon listens on %s", path);
    if (errno == EACCES || errno == EPERM)
        return fail(f, ERR_FORBIDDEN, "you may not use the socket %s", path);
    if (errno == EAGAIN)
        return fail(f, ERR_TIMEOUT, "the daemon on %s takes no more clients", path);
    return fail_errno(f, "cannot connect to %s", path);
}

enum err sock_connect(const char *path, uint64_t timeout_ms, int *fd, struct fault *f)
{
    struct sockaddr_un address;
    struct timeval patience = { .tv_sec = (time_t)(timeout_ms / 1000),
                                .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };
    struct peer peer;
    enum err e = address_of(path, &address, f);
    if (e) return e;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0) return fail_errno(f, "cannot make a socket");
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(s, (const struct sockaddr *)&address, sizeof address) != 0)
        e = connect_refused(path, f);
    if (!e) e = sock_peer(s, &peer);
    if (!e && peer.uid != 0 && peer.uid != geteuid())
        e = fail(f, ERR_FORBIDDEN, "user %u serves %s, who is neither root nor you",
                 (unsigned)peer.uid, path);
    if (e) close(s);
    else *fd = s;
    return e;
}

enum err sock_peer(int fd, struct peer *p)
{
    struct ucred who;
    socklen_t len = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0) return ERR_IO;
    *p = (struct peer){ who.pid, who.uid, who.gid };
    return OK;
}

enum err sock_caller(int fd, struct peer *p)
{
    struct sockaddr_un own;
    socklen_t len = sizeof own, size = sizeof(int);
    int listens = 1;
    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0 || own.sun_family != AF_UNIX ||
        len <= offsetof(struct sockaddr_un, sun_path) ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens)
        return ERR_UNAUTHENTICATED;
    return sock_peer(fd, p);
}

/* --- descriptors along ------------------------------------------------------------------- */

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int) * SOCK_FDS_MOST)];
};

ssize_t sock_send(int fd, struct str bytes, const int *fds, size_t count)
{
    union control control = { .room = { 0 } };
    struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.len };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > SOCK_FDS_MOST) {
        errno = EINVAL;
        return -1;
    }
    if (count) {
        m.msg_control = control.room;
        m.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * count);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * count);
    }
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

ssize_t sock_receive(int fd, char *to, size_t room, int fds[SOCK_FDS_MOST], size_t *count)
{
    union control control;
    struct iovec part = { to, room };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = control.room,
                        .msg_controllen = sizeof control.room };
    *count = 0;
    ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    if (n < 0) return n;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m); /* the kernel puts all descriptors into one */
    bool rights = c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS;
    size_t came = rights ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    if (came > SOCK_FDS_MOST) came = SOCK_FDS_MOST;
    if (came) memcpy(fds, CMSG_DATA(c), came * sizeof(int));
    if (!(m.msg_flags & MSG_CTRUNC)) {
        *count = came;
        return n;
    }
    while (came) close(fds[--came]);
    errno = EMFILE;
    return -1;
}
