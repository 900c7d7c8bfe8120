/* Finding texts that hold a word, through the grams: exact, whatever the word. */
#ifndef OMG_PKG_LOOKUP_H
#define OMG_PKG_LOOKUP_H

#include "pkg/bits.h"
#include "pkg/index.h"

/* What is searched, the names or the vocabulary of the summaries: the sections, resolved once. */
struct lookup {
    const struct gram_record *row;
    uint32_t rows; /* besides the last, which only ends the one before */
    const uint32_t *first;
    size_t firsts;
    const uint8_t *postings;
    size_t postings_len;
    struct str heap;
    const uint32_t *at; /* count + 1 */
    uint32_t count;
    bool safe; /* span_safe of the heap */
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

/* Offset of word in a text of a heap, or text.len; both in lower case. At least SPAN_SLACK bytes
 * behind the text can be read: what a heap holds is followed by more of its file. */
enum { SPAN_SLACK = 16 };
size_t span_find(struct str text, struct str word);

/* Whether that can be said of the heap; a file that was tampered with may end in one. */
bool span_safe(const struct index_file *f, enum section heap);

/* Whether a text (any case) holds word (lower case, no NUL). */
bool text_holds(struct str text, struct str word);

#endif
