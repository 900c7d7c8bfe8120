/* One connection to the daemon with one call on it at a time: one write for the request, one read
 * for nearly every answer. What comes back is believed only as far as it was asked for: its length
 * is judged before it is stored, its id and its operation have to be those of the call. */
#ifndef OMG_CLIENT_LINE_H
#define OMG_CLIENT_LINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "client/backoff.h"
#include "io/sock.h"
#include "wire/schema.h"

#include <signal.h>

enum {
    LINE_WRITE_ROOM = 16 << 10, /* a longer request gets memory of its own */
    LINE_READ_ROOM = 256 << 10, /* as much as a socket holds; pages are used as answers need them */
    LINE_TIMEOUT_MS = 5000,
    LINE_FRAME_MOST = 8 << 20
};

struct line {
    struct sock_places places;
    size_t place;        /* the one that is connected, or was */
    int fd;              /* -1: none */
    uint64_t timeout_ms; /* of a whole call */
    size_t frame_most;   /* bytes */
    int verbose;
    const volatile sig_atomic_t *cancel; /* as in client_options; line_open sets none */
    bool begun;            /* some of the call's time is used: a read does not have all of it */
    uint64_t id;           /* of the last call */
    uint64_t not_before;   /* after a call that was not answered in time: when to ask again, ns */
    struct backoff pauses; /* between connections that are lost */
    struct backoff rests;  /* after calls that are not answered */
    struct buf large;      /* for what does not fit below */
    size_t from, len;      /* what was read and not used: bytes [from, len) */
    char out[LINE_WRITE_ROOM], in[LINE_READ_ROOM];
};

/* Connects to nothing yet. timeout_ms and frame_most: 0 for the standard. ERR_INVALID_PARAMS when a
 * socket's path is too long. */
enum err line_open(struct line *l, struct str socket, uint64_t timeout_ms, uint64_t frame_most,
                   int verbose, struct fault *f);
void line_close(struct line *l);

/* Calls op, connecting where there is no connection. OK: it was answered, by a success with the
 * operation's own result or by an error; texts in r live until the next call, the rest in the
 * arena. A lost connection is made anew with growing pauses, and the call made again unless it
 * might be made twice and changes something. patient: whether to wait also for a daemon that left
 * while it was asked, and for one that did not answer lately.
 * ERR_NOT_FOUND: nobody listens. ERR_FORBIDDEN: somebody who is not to be trusted, or does not
 * serve us. ERR_TIMEOUT. ERR_CANCELLED: see cancel. ERR_SERVICE_UNAVAILABLE: the connection was
 * lost. ERR_PARSE: the answer is none, and the connection was given up. */
enum err line_call(struct line *l, enum op op, const void *request, bool patient, struct arena *a,
                   struct response *r, struct fault *f);

/* The socket that is connected, or was last. */
static inline const char *line_path(const struct line *l)
{
    return l->places.path[l->place];
}

#endif
