/* Calls on behalf of a command: the client that runs share, how long calls took, and how a span of
 * time is said. */
#ifndef OMG_DOOR_CALL_H
#define OMG_DOOR_CALL_H

#include "door/cli.h"

/* The client for this run: that of the run before where the options are the same. */
enum err call_client(struct cli *c, struct client **client, struct fault *f);

/* Closes it; does nothing where there is none. */
void call_close(struct cli *c);

/* client_call, counted and timed in c. */
enum err call_op(struct cli *c, struct client *client, enum op op, const void *request,
                 void *result, struct fault *f);

/* CLOCK_MONOTONIC. */
uint64_t call_now_ns(void);

/* Appends a span for people: "4.6 µs". */
void call_put_span(struct buf *out, uint64_t ns);

#endif
