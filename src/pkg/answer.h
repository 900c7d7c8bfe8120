/* The operations that the index answers, with or without a daemon. */
#ifndef OMG_PKG_ANSWER_H
#define OMG_PKG_ANSWER_H

#include "pkg/query.h"

/* Whether the index answers op, and whether it needs the long texts for it. */
bool answer_serves(enum op op);
bool answer_texts(enum op op);

/* Reserves what answers need besides an arena, so that none of them asks the system for memory. */
enum err answer_prepare(struct index *ix);

/* Calls an operation that answer_serves with the messages that its row names; the request is
 * checked already (wire/limits.h). ERR_NO_DATA where there is nothing to look into; root names the
 * folder in that sentence. Texts in the result are views into the index, the request or the arena.
 */
enum err answer_index(struct index *ix, enum op op, const void *request, void *result,
                      const char *root, struct arena *a, struct fault *f);

#endif
