/* Builds the gram index over a list of texts. */
#ifndef OMG_PKG_GRAM_BUILD_H
#define OMG_PKG_GRAM_BUILD_H

#include "pkg/writer.h"

/* The three sections, in the arena. */
struct gram_index {
    uint32_t *first;          /* GRAM_PAIRS + 1 */
    struct gram_record *rows; /* count + 1: the last only ends the one before */
    uint32_t count;
    uint8_t *postings;
    size_t size; /* of the postings, bytes */
};

/* heap holds a NUL and then count texts, each ended by NUL, beginning at at[i]; at[count] is where
 * the next would begin. */
enum err gram_build(struct gram_index *g, struct arena *a, const char *heap, const uint32_t *at,
                    uint32_t count);

/* Writes the three sections; first is the one of them that the others follow. */
void gram_write(struct writer *w, const struct gram_index *g, enum section first);

#endif
