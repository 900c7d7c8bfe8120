/* Unix stream sockets (unix(7)): where the daemon's lies, listening so that nobody else ever gets
 * in, connecting so that nobody else can answer, and descriptors sent along. */
#ifndef OMG_IO_SOCK_H
#define OMG_IO_SOCK_H

#include "base/err.h"
#include "base/str.h"

#include <sys/types.h>

enum {
    SOCK_PATH_ROOM = 108, /* sun_path, with its NUL */
    SOCK_PLACES = 4,
    SOCK_FDS_MOST = 4 /* descriptors with one message */
};

/* Where to look for the daemon, first the place where one's own is: chosen alone where it is not
 * empty, else $OMG_SOCKET alone, else for root /run/omg.sock, for others
 * $XDG_RUNTIME_DIR/omg.sock, or /run/user/UID/omg.sock where that folder is there, or
 * /tmp/omg.sock; and for a client (not for a daemon) the system's behind one's own.
 * ERR_INVALID_PARAMS where a path is too long for a socket. */
struct sock_places {
    char path[SOCK_PLACES][SOCK_PATH_ROOM];
    size_t count;
};
enum err sock_places(struct str chosen, bool client, struct sock_places *p, struct fault *f);

/* A listening socket at path, mode 0600 from its first instant, non-blocking and close-on-exec; and
 * a lock beside it (path.lock), held as long as lock is open, so that a live daemon is never
 * displaced. What a dead one left is taken over. ERR_CONFLICT when another daemon has it,
 * ERR_FORBIDDEN when the folder or what lies there is another user's, ERR_INVALID_PARAMS when
 * something else than a socket lies there. */
enum err sock_listen(const char *path, int *fd, int *lock, struct fault *f);

/* Lets go of the lock and removes its file. The socket's own file is whoever's to remove who does
 * so before. */
void sock_unlock(const char *path, int lock);

/* Connected, blocking, close-on-exec; connecting, sending and receiving each wait at most
 * timeout_ms (1 and more), then they end in ERR_TIMEOUT here and EAGAIN later. ERR_NOT_FOUND:
 * nobody listens there. ERR_FORBIDDEN: no right, or the one who listens is neither root nor
 * oneself. */
enum err sock_connect(const char *path, uint64_t timeout_ms, int *fd, struct fault *f);

struct peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
/* Who is at the other end (SO_PEERCRED). */
enum err sock_peer(int fd, struct peer *p);

/* Who is at the other end of a connection that was accepted on a named socket; any other descriptor
 * is ERR_UNAUTHENTICATED. A pair, or a listener, would name its maker as the peer. */
enum err sock_caller(int fd, struct peer *p);

/* As write and read, with descriptors along; -1 and errno on failure. What is received is
 * close-on-exec; *count is how many came (0 to SOCK_FDS_MOST). Descriptors go with the first byte,
 * and a read does not go past the message of the next ones. EMFILE from a receiving end that has no
 * room for what came: it is lost, and the bytes with it. */
ssize_t sock_send(int fd, struct str bytes, const int *fds, size_t count);
ssize_t sock_receive(int fd, char *to, size_t room, int fds[SOCK_FDS_MOST], size_t *count);

#endif
