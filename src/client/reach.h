/* The way to the daemon: the places where it may listen, tried in order. */
#ifndef OMG_CLIENT_REACH_H
#define OMG_CLIENT_REACH_H

#include "io/sock.h"

#include <stdint.h>

/* A connection to the first place where a daemon answers that may be trusted. When there is none,
 * ERR_NOT_FOUND says that nobody listens at any of the places; any other error is that of the first
 * place where something was amiss. place is the one that is meant. The caller closes fd. */
enum err reach_daemon(const struct sock_places *p, uint64_t timeout_ms, int *fd, size_t *place,
                      struct fault *f);

/* Nanoseconds of CLOCK_MONOTONIC, for deadlines. */
uint64_t reach_clock(void);

#endif
