/* Bytes and descriptors to another process of the house, over a socket pair: buffered both ways,
 * never blocking. What the bytes mean is the caller's. */
#ifndef OMG_IO_STREAM_H
#define OMG_IO_STREAM_H

#include "base/buf.h"
#include "io/loop.h"
#include "io/sock.h"

enum { STREAM_FDS = 16 }; /* descriptors that wait on either side */

struct stream {
    struct watch watch; /* the caller's callback; it asks stream_fill and stream_flush */
    struct buf in, out;
    size_t in_from, out_from; /* bytes before these are done with */
    int fds[STREAM_FDS];      /* received, in order, and not taken yet */
    size_t fds_len;
    struct {
        size_t at; /* byte of out that they go with */
        size_t count;
        int fds[SOCK_FDS_MOST];
    } going[STREAM_FDS];
    size_t going_len;
};

/* Both ends of a new pair, close-on-exec and non-blocking. */
enum err stream_pair(int fd[2], struct fault *f);

/* Takes fd over and begins to watch it. limit: the most bytes that wait on either side. */
enum err stream_open(struct stream *s, struct loop *l, int fd, size_t limit, watch_fn *ready);
/* Closes everything, descriptors not taken included. Does nothing when it is not open. */
void stream_close(struct stream *s, struct loop *l);
static inline bool stream_is_open(const struct stream *s)
{
    return s->watch.ready != NULL;
}

/* Reads what has come, but nothing more while as many descriptors wait as may, so that none is lost
 * and none taken for another: taking them goes first. ERR_IO: the other end is gone, or descriptors
 * of its were lost; what came before that is there. ERR_RESOURCE_LIMIT: more waits to be taken than
 * may. */
enum err stream_fill(struct stream *s);
/* What has come and was not taken; stream_taken says how much of it is done with. */
struct str stream_view(const struct stream *s);
void stream_taken(struct stream *s, size_t n);
/* The next descriptor, now the caller's; -1: none came. */
int stream_fd(struct stream *s);

/* Sends bytes, and with their first one duplicates of fds. ERR_RESOURCE_LIMIT: too much waits. */
enum err stream_send(struct stream *s, struct loop *l, struct str bytes, const int *fds,
                     size_t count);
/* Goes on sending; to be called when the descriptor is writable. */
enum err stream_flush(struct stream *s, struct loop *l);

#endif
