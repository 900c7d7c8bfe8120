/* One request on its way through the broker: what dispatch.c, batch.c and way.c share. */
#ifndef OMG_BROKER_WAY_H
#define OMG_BROKER_WAY_H

#include "broker/broker.h"

/* Under which id it is answered, how long it is wanted, and the call that it has become where it
 * was not answered at once. */
struct way {
    struct conn *c;
    uint64_t id, deadline_ns; /* 0: as long as the settings say */
    bool in_batch;
    struct call *parked;
    struct call *again; /* a batch that goes on: the call that it is, to be parked once more */
    struct str key;     /* the payload, where its answer may be kept */
    bool hit, failed;
};

/* Append an answer to b->out, without a frame around it. text may be empty: the table's sentence.
 * An answer that does not fit into a frame is an error. */
void way_error(struct way *w, enum err e, const char *text, struct detail *details, size_t count);
void way_fault(struct way *w, enum err e, const struct fault *f);
void way_result(struct way *w, const struct op_row *row, const void *result);

/* Whether the caller may have this operation run at all, now and under this id; else the answer is
 * given. */
bool way_may(struct way *w, const struct op_row *row, enum op op);

/* Makes a call of r, to be run again later (keep) or answered by a service; NULL when the answer is
 * given instead. */
struct call *way_park(struct way *w, enum op op, const struct request *r, bool keep);

/* Answers or parks r, or first asks whether the caller may have it run. */
void way_perform(struct way *w, enum op op, const struct request *r);
void way_run(struct way *w, const struct request *r);

/* A batch from its beginning, and one that goes on behind what it has answered already. */
void batch_run(struct way *w, const struct request *r);
void batch_again(struct way *w, struct call *call, const struct request *r);
/* Puts an item's answer behind those that its batch has, and has the batch go on. */
void batch_item(struct call *item, struct str payload);

#endif
