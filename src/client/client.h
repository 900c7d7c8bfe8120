/* Calls an operation: the daemon where it answers, else, for what the package index answers, this
 * process itself, with the same result. */
#ifndef OMG_CLIENT_CLIENT_H
#define OMG_CLIENT_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/schema.h"

#include <signal.h>

struct client;

struct client_options {
    const char *root;        /* folder to answer for; NULL means "/" */
    bool no_cache;           /* neither read nor publish a kept index: build one in memory */
    struct str cache_folder; /* instead of the usual ones (cache.dir); empty: the usual ones */
    struct str socket;       /* the daemon's socket; empty: OMG_SOCKET, else the usual places */
    bool no_daemon;          /* answer in this process, whether a daemon is there or not */
    uint64_t timeout_ms;     /* how long to wait for the daemon's answer; 0: five seconds */
    uint64_t frame_most;     /* bytes of the longest message to take (frame.max_bytes); 0: 8 MiB */
    /* What to say on standard error: 1 what is being done, 2 each message too, 3 its bytes too. */
    int verbose;
    /* Set by a signal's handler when the answer is not wanted any more: a call that waits for the
     * daemon then ends with ERR_CANCELLED. NULL: never. */
    const volatile sig_atomic_t *cancel;
};

/* Opens nothing yet; the first call connects to the daemon, or opens the index and builds it where
 * it is missing or stale. With a root or without a cache the daemon is not asked: it knows neither.
 * The caller closes it. */
enum err client_open(const struct client_options *o, struct client **c, struct fault *f);
void client_close(struct client *c);

/* Calls op with the message its row names, and fills the message its row names. Views in the
 * result live until the next call or client_close. A connection that was lost is made anew, with
 * growing pauses, and a call that changes nothing is made again on it. */
enum err client_call(struct client *c, enum op op, const void *request, void *result,
                     struct fault *f);

/* Whether the ground was pulled from under the last result (its file was truncated while it was
 * mapped): what was printed from it is not to be used, and the call must be made again. Asking
 * clears it. */
bool client_lost(struct client *c);

/* Names of packages that begin with prefix, at most limit, for completions. */
enum err client_names(struct client *c, struct str prefix, size_t limit, struct str **names,
                      size_t *count);

#endif
