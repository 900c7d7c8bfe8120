/* The package index of one root folder, for whoever has to have it: opened where a kept one is
 * whole and fresh, else built by a child without power and kept for the next. A command holds it
 * for one question, the daemon's service for as long as it runs.
 *
 * It opens paths, starts a process and waits for it, so it is nothing for a process without power;
 * such a one is handed the parts (store_sealed). */
#ifndef OMG_PKG_STORE_H
#define OMG_PKG_STORE_H

#include "pkg/cache.h"

struct store_options {
    const char *root;        /* folder to look into; NULL means "/" */
    bool no_cache;           /* neither read nor publish a kept index: build one in memory */
    struct str cache_folder; /* instead of the usual ones; empty: the usual ones */
    int verbose;             /* whether to say on standard error what was built */
    const char *name;        /* of who says it; NULL: omg */
};

struct store {
    struct store_options options;
    int root; /* descriptor */
    bool slash;
    char kernel[80];
    struct cache cache;
    struct store_files { /* what the index lies in */
        struct cache_file kept[CACHE_KINDS];
        struct index_file file[CACHE_KINDS];
    } files;
    struct index ix;
    bool open, texts, distrust; /* distrust: nothing kept may be used, it was changed under us */
};

/* Opens the folders, no index yet. The store stays where it is, its options' texts live as long;
 * the caller closes it. */
enum err store_open(struct store *s, const struct store_options *o, struct fault *f);
void store_close(struct store *s);

/* Opens the index, and builds what is missing or stale of it; with texts the long ones too. What
 * is open already is not looked at again. */
enum err store_need(struct store *s, bool texts, struct fault *f);

/* Whether a file of the index was changed or cut off while it was read; closes it then. */
bool store_lost(struct store *s);

/* Looks whether what is open is still fresh and puts new parts in the place of those that are not;
 * opens all three where nothing is open. parts gets the new ones (PART_CATALOGUE and so on). When
 * that fails, what was open stays open as it was. Waits for the builder. */
enum err store_refresh(struct store *s, unsigned *parts, struct fault *f);

/* One part of what is open as memory that nobody can write to any more (sealed.h); the caller
 * closes fd. ERR_BUSY when its file was changed meanwhile: a refresh makes it anew. */
enum err store_sealed(struct store *s, enum cache_kind kind, int *fd, struct fault *f);

/* The paths that what is open was made from, below the root and without a leading '/', to be
 * watched: the one at place i, counted from 0 over all parts, so that some come twice; false behind
 * the last. there: whether it was there; of a missing one the coming counts. */
bool store_input(const struct store *s, size_t i, struct str *path, bool *there);

#endif
