/* Many calls under way at once on one connection to the daemon, without waiting for any of them.
 *
 * Requests are gathered and written together; one read brings many answers. Nothing is allocated
 * for a call and the clock is read once a turn. An answer that nobody asked for ends the
 * connection. When that is lost, calls whose request was under way end in ERR_SERVICE_UNAVAILABLE,
 * those that were not sent yet go out on the next connection, which is made after a pause. */
#ifndef OMG_CLIENT_MUX_H
#define OMG_CLIENT_MUX_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/schema.h"

enum {
    MUX_CALLS = 256, /* as many as a daemon takes from one client (calls.max) */
    MUX_CALLS_MOST = 1 << 16,
    MUX_QUEUE_BYTES = 1 << 20,
    MUX_DEADLINE_MS = 30000,
    MUX_LATE_MS = 10000 /* how long the daemon may take to answer what was given up */
};

struct mux;

struct mux_options {
    struct str socket;   /* as in client_options */
    bool connected;      /* there is a socket already, fd; without it there will be no other */
    int fd;              /* closed by mux_close; non-blocking or not */
    uint32_t calls;      /* the most under way at once; 0: MUX_CALLS */
    size_t queue_bytes;  /* the most requests that wait to be written; 0: MUX_QUEUE_BYTES */
    uint64_t frame_most; /* bytes of the longest message; 0: 8 MiB */
};

/* Connects; the error is that of line_call. The caller closes it. */
enum err mux_open(const struct mux_options *o, struct mux **m, struct fault *f);

/* Ends everything; calls under way are told ERR_CANCELLED. Not from within a callback. */
void mux_close(struct mux *m);

/* How a call ended. Lives until the callback returns. */
struct mux_end {
    uint64_t id;
    enum err e;          /* OK; what the daemon answered; ERR_TIMEOUT; ERR_SERVICE_UNAVAILABLE */
    struct str sentence; /* of an error; may be empty */
    struct str payload;  /* of an answer, success or error: for mux_read; else empty */
};
typedef void mux_done(struct mux *m, const struct mux_end *end, void *user);

/* Queues a call and gives its id; nothing is written before the next mux_turn. The request is not
 * looked at after this returns. done is called once, from within mux_turn or mux_close, and may
 * make calls. deadline_ms: from now (the clock of the last turn), 0: MUX_DEADLINE_MS; then the call
 * ends in ERR_TIMEOUT and the daemon is told to give it up. ERR_BUSY when as many calls or bytes
 * wait as may: a turn makes room. */
enum err mux_call(struct mux *m, enum op op, const void *request, uint64_t deadline_ms,
                  mux_done *done, void *user, uint64_t *id);

/* Ends a call in ERR_CANCELLED, at once, and has the daemon give it up. False when there is none of
 * this id. */
bool mux_cancel(struct mux *m, uint64_t id);

/* The answer as a message, in memory that is the mux's own and emptied with the next mux_read; for
 * use within the callback. */
enum err mux_read(struct mux *m, const struct mux_end *end, struct response *r, struct fault *f);

/* One turn: connects where it is time to, writes what is queued, waits for answers at most
 * timeout_ms (-1: until there is one, or a deadline), and calls back for all that came or ended.
 * ERR_SERVICE_UNAVAILABLE when there is no connection and none is to come; while one is only to
 * come again it is OK. */
enum err mux_turn(struct mux *m, int timeout_ms);

/* For whoever waits elsewhere: the descriptor to wait on for reading (-1: none at present), whether
 * it is to be waited on for writing too, and after how many milliseconds a turn is due without
 * either (-1: none is). */
int mux_fd(const struct mux *m);
bool mux_wants_write(const struct mux *m);
int mux_due_ms(const struct mux *m);

/* Calls whose callbacks are still to come. */
size_t mux_pending(const struct mux *m);

#endif
