/* For mux.c alone: what a mux consists of, its slots, and the queue of their requests. */
#ifndef OMG_CLIENT_MUX_QUEUE_H
#define OMG_CLIENT_MUX_QUEUE_H

#include "base/buf.h"
#include "client/backoff.h"
#include "client/mux.h"
#include "io/sock.h"

#define MUX_NO_SLOT UINT32_MAX

/* A call: free, asked for, or given up by its caller while the daemon may still answer it. */
enum slot_state { SLOT_FREE, SLOT_ASKED, SLOT_GIVEN_UP };

struct slot {
    uint64_t id; /* its place among the slots in the lower bits, how often it was used above */
    uint64_t deadline; /* ns */
    uint64_t frame;    /* where its frame begins, counted from the first byte ever queued */
    mux_done *done;
    void *user;
    enum slot_state state;
    uint32_t next; /* free slot */
};
_Static_assert(sizeof(struct slot) <= 64, "a call takes a line of the processor's cache");

struct mux {
    struct sock_places places;
    bool once;                          /* the connection was given, there will be no other */
    int fd;                             /* -1: none */
    uint64_t now, earliest, connect_at; /* ns; earliest: no deadline lies before it */
    size_t frame_most;
    struct backoff pauses;
    struct buf out, in;
    size_t out_from, in_from;         /* bytes before these are done with */
    uint64_t written;                 /* bytes ever written: where the one at out_from stands */
    uint64_t swept;                   /* no frame of a free slot is queued before this one */
    struct arena arena;               /* of the last mux_read */
    size_t pending, used;             /* callbacks to come; slots that are not free */
    uint32_t count, mask, free, high; /* slots; those from high on were never used */
    bool turning;
    size_t mapped; /* bytes */
    struct slot slots[];
};

/* NULL when all are taken. */
struct slot *slot_take(struct mux *m);
/* A request of it that was not sent stays queued until the next queue_sweep. */
void slot_free(struct mux *m, struct slot *s);
/* The one that has this id and is not free; else NULL. */
struct slot *slot_find(struct mux *m, uint64_t id);

/* Whether any byte of its request is among the first that were written. */
static inline bool slot_sent(const struct slot *s, uint64_t written)
{
    return s->frame < written;
}

/* Queues a frame; false, and nothing queued, when there is no room for it. */
bool queue_put(struct mux *m, struct slot *s, enum op op, const void *request);

/* Keeps of the queue what begins behind the frame that was being written. */
void queue_keep_unsent(struct mux *m);

/* Takes the requests of free slots out of the queue, before their answers come to nobody. */
void queue_sweep(struct mux *m);

#endif
