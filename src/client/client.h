/* Calls an operation. Today every call is answered in this process from the package index; the
 * daemon comes behind the same function. */
#ifndef OMG_CLIENT_CLIENT_H
#define OMG_CLIENT_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/schema.h"

struct client;

struct client_options {
    const char *root;        /* folder to answer for; NULL means "/" */
    bool no_cache;           /* neither read nor publish a kept index: build one in memory */
    struct str cache_folder; /* instead of the usual ones (cache.dir); empty: the usual ones */
    int verbose;             /* 1 and more: say on standard error what is being done */
};

/* Opens nothing yet; the index is opened, and built where it is missing or stale, by the first
 * call. The caller closes it. */
enum err client_open(const struct client_options *o, struct client **c, struct fault *f);
void client_close(struct client *c);

/* Calls op with the message its row names, and fills the message its row names. Views in the
 * result live until the next call or client_close. */
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
