#include "service/watcher.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    QUIET_MS = 25,  /* this long nothing more may happen */
    LATEST_MS = 100 /* but after this long it is told all the same */
};

#define EVENTS                                                                                     \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY |            \
     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static void settled(struct loop *l, struct timer *t)
{
    struct watcher *w = (struct watcher *)(void *)((char *)t - offsetof(struct watcher, settle));
    (void)l;
    w->first_ns = 0;
    w->changed(w);
}

/* What happened does not matter: the caller compares every source with what it was. */
static void happened(struct loop *l, struct watch *watch, uint32_t events)
{
    struct watcher *w = (struct watcher *)(void *)((char *)watch - offsetof(struct watcher, watch));
    _Alignas(struct inotify_event) char some[4096];
    uint64_t now = l->now_ns, due = now + QUIET_MS * UINT64_C(1000000);
    (void)events;
    while (read(watch->fd, some, sizeof some) > 0) continue;
    if (!w->first_ns) w->first_ns = now;
    if (due > w->first_ns + LATEST_MS * UINT64_C(1000000))
        due = w->first_ns + LATEST_MS * UINT64_C(1000000);
    if (due < w->not_before_ns) due = w->not_before_ns;
    timer_set(l, &w->settle, due);
}

void watcher_open(struct watcher *w, struct loop *l, watcher_fn *changed)
{
    *w = (struct watcher){ .watch = { .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
                                      .wanted = EPOLLIN,
                                      .ready = happened },
                           .settle.fire = settled,
                           .changed = changed,
                           .loop = l };
    if (w->watch.fd >= 0 && loop_add(l, &w->watch) == OK) return;
    if (w->watch.fd >= 0) close(w->watch.fd);
    w->watch.fd = -1;
}

/* The folder of path, or the nearest one above it that is there. */
static void follow(const struct watcher *w, char *path)
{
    char *slash;
    while ((slash = strrchr(path, '/'))) {
        *slash = 0;
        if (inotify_add_watch(w->watch.fd, *path ? path : "/", EVENTS) >= 0) return;
        if (errno != ENOENT && errno != ENOTDIR) return;
    }
}

void watcher_follow(struct watcher *w, const struct store *s, const char *root)
{
    struct str path, last = STR_NONE;
    bool there;
    if (w->watch.fd < 0) return;
    for (size_t i = 0; store_input(s, i, &path, &there); i++) {
        char full[4096];
        size_t end = path.len;
        while (end && path.at[end - 1] != '/') end--;
        if (there && last.at && str_eq(str_head(path, end), last)) continue;
        last = str_head(path, end);
        int n = snprintf(full, sizeof full, "%s/%.*s", root, STR_ARG(path));
        if (n > 0 && (size_t)n < sizeof full) follow(w, full);
    }
}
