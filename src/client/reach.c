#include "client/reach.h"

#include <stdio.h>
#include <time.h>

static enum err nobody(const struct sock_places *p, struct fault *f)
{
    char list[SOCK_PLACES * (SOCK_PATH_ROOM + 4)] = "";
    size_t len = 0;
    for (size_t i = 0; i < p->count; i++) {
        const char *before = !i ? "" : i + 1 < p->count ? ", " : " or ";
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", before, p->path[i]);
    }
    return fail(f, ERR_NOT_FOUND, "no daemon listens on %s", list);
}

enum err reach_daemon(const struct sock_places *p, uint64_t timeout_ms, int *fd, size_t *place,
                      struct fault *f)
{
    enum err first = ERR_NOT_FOUND;
    *place = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct fault g;
        g.text[0] = 0;
        enum err e = sock_connect(p->path[i], timeout_ms, fd, &g);
        if (!e) {
            *place = i;
            return OK;
        }
        if (first != ERR_NOT_FOUND || e == ERR_NOT_FOUND) continue;
        first = e;
        *place = i;
        if (f) *f = g;
    }
    return first == ERR_NOT_FOUND ? nobody(p, f) : first;
}

uint64_t reach_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
