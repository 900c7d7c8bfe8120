/* Finding texts that hold a word, through the grams: exact, whatever the word. */
#ifndef OMG_PKG_LOOKUP_H
#define OMG_PKG_LOOKUP_H

#include "pkg/bits.h"
#include "pkg/index.h"

/* What is searched: the names, or the vocabulary of the summaries. */
struct lookup {
    const struct index_file *file;
    enum section first, grams, postings, heap, at;
    uint32_t count;
};
struct lookup lookup_names(const struct index *ix);
struct lookup lookup_tokens(const struct index *ix);

/* About how many postings lookup_each would read; 0 when nothing can match. */
size_t lookup_cost(const struct lookup *l, struct str word);

/* The postings of a gram (a word of three bytes), not verified; false when there are none. */
struct postings;
bool lookup_walk(const struct lookup *l, struct str gram, struct postings *walk);

/* Sets the numbers of the texts that hold word. word is in lower case; a NUL at its begin or end
 * stands for that of the text. */
void lookup_set(const struct lookup *l, struct str word, struct bits *to);

/* Whether a text (any case) holds word (lower case, no NUL). */
bool text_holds(struct str text, struct str word);

#endif
