/* Builds the gram index over a list of texts. */
#ifndef OMG_PKG_GRAM_BUILD_H
#define OMG_PKG_GRAM_BUILD_H

#include "pkg/writer.h"

/* heap holds a NUL and then count texts, each ended by NUL, beginning at at[i]; at[count] is where
 * the next would begin. Writes the three sections. */
enum err gram_build(struct writer *w, struct arena *a, const char *heap, const uint32_t *at,
                    uint32_t count, enum section first, enum section grams,
                    enum section postings);

#endif
