/* The broker: the process that strangers talk to. It has no power (base/power.h); it knows who is
 * calling, what they may do and how much, answers from memory what it can, and passes the rest on
 * to the services. This header is the room's own: what its files share.
 *
 * One thread. A frame is answered within its client's turn; answers are put together in one buffer
 * (out) and leave with one write. What cannot be answered at once becomes a call, which is kept
 * until it is answered, cancelled or too late. Nothing here opens a path. */
#ifndef OMG_BROKER_BROKER_H
#define OMG_BROKER_BROKER_H

#include "base/arena.h"
#include "base/settings.h"
#include "broker/answers.h"
#include "broker/metrics.h"
#include "broker/pail.h"
#include "io/stream.h"
#include "pkg/index.h"
#include "wire/schema.h"

enum {
    CALLS = 4096,            /* under way at once, all clients together */
    TURN_NS = 1000000,       /* what one client may take before the others have their turn */
    READ_ROOM = 64 << 10,    /* bytes taken from a client in one turn */
    WRITE_ROOM = 256 << 10,  /* answers are sent before they are more than that */
    WRITE_KEPT = 1 << 20,    /* what stays mapped for them */
    CALL_MEMORY = 256 << 20, /* address space for one answer */
    ARENA_KEPT = 1 << 20,    /* what of it stays mapped */
    ERROR_ROOM = 640,        /* an error's answer, with the longest sentence (struct fault) */
};

enum parts { BROKER_CATALOGUE, BROKER_OVERLAY, BROKER_TEXT, BROKER_PARTS };
enum service_id { SERVICE_PACKAGES, SERVICES };

struct broker;
struct conn;

/* Why a call is not answered yet. */
enum call_state {
    CALL_FREE,
    CALL_INDEX,   /* there is no index, or no long texts, yet */
    CALL_SERVICE, /* a service has it */
    CALL_BATCH,   /* a batch, one of whose items is a call */
    CALL_TURN,    /* its turn was over; it goes on in the next one */
    CALL_CANCELLED,
};

struct call {
    struct broker *b;
    struct conn *conn;
    struct call *next, *before; /* of the same client; next also links the free ones */
    struct call *parent,
        *item; /* the batch that this is an item of; the item that this batch awaits */
    enum call_state state;
    enum op op;
    uint64_t id;    /* the client's */
    uint32_t round; /* how often this place has been used */
    enum service_id service;
    bool texts; /* CALL_INDEX: waits for the long texts */
    uint64_t since_ns, bytes_in;
    struct timer deadline;
    struct job job;
    struct pail request; /* to be run again: the encoded request */
    struct pail answer;  /* of a batch: what is answered so far */
    size_t done;         /* of a batch: items answered */
};

struct conn {
    struct broker *b;
    struct watch watch;
    struct conn *next, *before;
    struct timer timer;
    struct job job; /* frames that were left when the turn was over */
    struct pail in, out;
    struct peer peer;
    uint64_t rights;                     /* a bit for each row of ops.def */
    uint64_t fast_ns, slow_ns;           /* when the client's allowance is full again (way.c) */
    uint64_t seen_ns, part_ns, stuck_ns; /* last frame; since when half a frame, unread answers */
    struct call *calls;
    size_t calls_len, calls_bytes; /* calls, and what their pails hold */
    bool hello, closing, ended;    /* closing: once out is sent; ended: sends no more */
    bool greedy, cut; /* had to make room for others; and lost half an answer by that */
};

struct service {
    struct stream stream;
    struct broker *b;
    bool incomplete;    /* something that it sent was lost: only a new link brings it again */
    struct timer again; /* until a new link is asked for */
};

struct broker {
    struct loop loop;
    struct settings settings;
    struct stream house;
    struct watch listener;
    int reserve; /* a descriptor to give up when there are no others (accept(2), EMFILE) */
    int fd_most; /* clients' are below; the others are for what the house sends */
    uid_t owner;
    struct arena arena; /* of the frame that is being answered */
    struct buf out;     /* answers of the turn */
    char *read;         /* READ_ROOM bytes */
    struct conn *conns;
    size_t conns_len;
    struct pool pool;
    struct call *calls, *free_calls; /* CALLS of them */
    size_t calls_made, calls_len;    /* places that were ever used; calls under way */
    struct service services[SERVICES];
    struct service_state states[SERVICES]; /* names and words are constants */
    struct index ix;
    struct str part[BROKER_PARTS]; /* maps; at is NULL where there is none */
    bool has_index, has_texts;
    enum err trouble; /* why there is no index */
    struct fault trouble_text;
    struct answers answers;
    struct op_count counts[OP_COUNT];
    uint64_t generation, started_ns, accepted, refused, dropped, bad_frames;
    uint64_t turn_from_ns, clock_ns; /* this client's turn, and the last look at the clock */
    struct buf schema;               /* as JSON, made when it is first asked for */
    bool stopping;
    struct timer patience; /* how long stopping may take */
    struct timer pause;    /* until accepting is tried again */
};

/* --- clients.c: connections --------------------------------------------------------------- */

void clients_accept(struct loop *l, struct watch *w, uint32_t events);
/* Sends what stands in b->out, and keeps what the client does not take yet; may drop it. */
void conn_send(struct conn *c);
void conn_drop(struct conn *c);
/* Ends the connection once everything is sent. */
void conn_close(struct conn *c);
/* Goes on with what was put off. */
void conn_resume(struct conn *c);
void clients_finish(struct broker *b);
/* Adds to a pail of a call's: of these one client may fill a part of the pool only. */
bool call_keep(struct call *call, struct pail *p, struct str bytes);
/* Adds to a pail of the client's. Where the pool is full, the other clients that have kept us
 * waiting the longest with something of it in their hands go first. */
bool conn_keep(struct conn *c, struct pail *p, struct str bytes);

/* --- dispatch.c, way.c, batch.c: from a payload to its answer ------------------------------ */

/* Answers a frame's payload into b->out, as a frame, or parks it. */
void dispatch_frame(struct conn *c, struct str payload);
/* Runs the request that a call keeps once more; the answer is sent. */
void dispatch_again(struct call *call);
/* An error outside of any request, as a frame in b->out. */
__attribute__((format(printf, 4, 5))) void dispatch_refuse(struct conn *c, enum err e, uint64_t id,
                                                           const char *format, ...);
/* Answers a call: with a payload whose id is put right, or with an error. The call is over. */
void call_answer(struct call *call, struct str payload);
void call_fail(struct call *call, enum err e, const char *text);

/* --- calls.c: what is under way ------------------------------------------------------------ */

enum err calls_open(struct broker *b, struct fault *f);
void calls_close(struct broker *b);
/* A new call of this client; NULL when there are too many. */
struct call *call_make(struct conn *c, enum op op, uint64_t id, uint64_t deadline_ns);
/* Forgets it, and its item, without an answer. */
void call_free(struct call *call);
struct call *call_find(const struct conn *c, uint64_t id);
/* Runs those that waited for the index, or ends them with the trouble there is. */
void calls_index_came(struct broker *b);
void calls_service_gone(struct broker *b, enum service_id s);

/* --- services.c ---------------------------------------------------------------------------- */

/* Passes a request on; the call waits for the answer. */
enum err service_ask(struct call *call, const struct request *r, struct fault *f);
/* Tells the service that nobody waits any more. */
void service_cancel(struct call *call);
/* Takes the socket to a service over. */
void service_link(struct broker *b, enum service_id s, int fd);
/* Lets go of the services and of the index. */
void services_close(struct broker *b);

/* --- own.c: what the broker answers itself -------------------------------------------------- */

/* Fills the result of an operation that no index and no service answers. */
enum err own_answer(struct conn *c, enum op op, const void *request, void *result, struct fault *f);
/* The rows of ops.def that a caller may use, as bits. */
uint64_t own_rights(const struct broker *b, const struct peer *p);

/* The whole process: descriptor 3 is the supervisor's, 4 the listening socket. The exit status. */
int broker_main(void);
/* For tests, which bring their own descriptors and keep their power. */
enum err broker_open(struct broker *b, int house, int listener, struct fault *f);
void broker_close(struct broker *b);

/* A line on standard error, when settings.verbose is at least level. */
__attribute__((format(printf, 3, 4))) void broker_say(const struct broker *b, uint64_t level,
                                                      const char *format, ...);

#endif
