/* The cache of answers: what was answered to the same bytes before, as the same bytes. Bounded in
 * entries and in bytes; the oldest make room for new ones. It is emptied whenever what it was made
 * from changes, so that a kept answer is always the one that would be given. */
#ifndef OMG_BROKER_ANSWERS_H
#define OMG_BROKER_ANSWERS_H

#include "base/err.h"
#include "base/str.h"

struct answer_entry;

struct answers {
    char *ring;                  /* entries one behind the other, the oldest at from */
    size_t room, from, to, end;  /* end: where the last entry before the wrap ends; 0: no wrap */
    struct answer_entry **slots; /* by hash, linear probing */
    size_t slots_room;           /* a power of two, at least twice the entries */
    size_t count, most;
    uint64_t hits, misses;
};

/* most entries that together take at most bytes. Either may be 0: nothing is kept then. Empties it
 * where it was open before. */
enum err answers_open(struct answers *a, uint64_t most, uint64_t bytes);
void answers_close(struct answers *a);
void answers_clear(struct answers *a);

/* Requests and responses are payloads; ids play no part. found's id is that of whoever asked first.
 */
bool answers_find(struct answers *a, struct str request, struct str *found);
void answers_keep(struct answers *a, struct str request, struct str response);

#endif
