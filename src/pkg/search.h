/* Search: which names match, and in which order they are shown. */
#ifndef OMG_PKG_SEARCH_H
#define OMG_PKG_SEARCH_H

#include "pkg/bits.h"
#include "pkg/query.h"

/* Words in lower case, each once, at least one. The phrases are the words joined by "-" and by
 * nothing; one word is its own and only phrase. */
struct words {
    struct str at[QUERY_WORDS];
    size_t len;
    struct str phrase[2];
    size_t phrases;
};

/* How well a name fits, the best first. For several words: class_inside + 1 + the number of words
 * the name lacks. */
enum { CLASS_EXACT, CLASS_PREFIX, CLASS_WORD_START, CLASS_INSIDE };
unsigned rank_class(const struct words *w, struct str name);

/* Memory of searches, kept with the index so that a search needs to clear only what it set. All
 * sets are empty between searches. */
enum { SEARCH_HELD = 3 };
struct search_memory {
    struct bits found, word, tokens, class_;
    /* For the words whose names had to be looked up anyway: the names that hold them. */
    struct bits held[SEARCH_HELD];
    size_t held_word[SEARCH_HELD], held_len;
};
enum err search_memory(struct index *ix, struct search_memory **m);

/* Fills m->found with the catalogue's names that match every word, and m->held. */
void match_words(const struct index *ix, const struct words *w, struct search_memory *m);

/* Empties all sets. */
void search_forget(struct search_memory *m);

/* Numbers (any_name) of the best limit of m->found and of the matching extras, in order. */
enum err rank_found(const struct index *ix, const struct words *w, struct search_memory *m,
                    const uint32_t *extras, size_t extras_len, size_t limit, size_t found,
                    struct arena *a, uint32_t **best, size_t *len);

#endif
