/* Watches the folders of the index's sources (inotify(7)), the missing ones by the nearest folder
 * that is there, and tells when something has happened in them and has settled a little. */
#ifndef OMG_SERVICE_WATCHER_H
#define OMG_SERVICE_WATCHER_H

#include "io/loop.h"
#include "pkg/store.h"

struct watcher;
typedef void watcher_fn(struct watcher *w);

struct watcher {
    struct watch watch;
    struct timer settle;
    uint64_t first_ns;      /* when the first change of those came that are not told yet */
    uint64_t not_before_ns; /* the caller's: no sooner is it told */
    watcher_fn *changed;
    struct loop *loop;
};

/* Without inotify nothing is told, ever; the caller looks for itself now and then. */
void watcher_open(struct watcher *w, struct loop *l, watcher_fn *changed);

/* Watches whatever the store's index was made from; what is watched already stays so. root is the
 * store's folder as a path, "" for "/". */
void watcher_follow(struct watcher *w, const struct store *s, const char *root);

#endif
