/* A line parted into words as a POSIX shell parts a simple command: blanks part, '…' keeps all,
 * "…" keeps all but \ before one of $ ` " \, and \ keeps the next character. A # that begins a word
 * begins a comment. Nothing is expanded; what a shell would do with | & ; < and > is refused, so
 * that nobody waits for it. */
#ifndef OMG_DOOR_WORDS_H
#define OMG_DOOR_WORDS_H

#include "base/err.h"
#include "base/str.h"

enum { LINE_MOST = 8192, WORDS_MOST = 256 }; /* bytes; words */

struct words {
    char text[LINE_MOST + WORDS_MOST]; /* the words, each with a NUL behind it */
    char *at[WORDS_MOST + 1];
    size_t count;
    /* How the line ends, for whoever completes it: */
    size_t last_from; /* where its last word begins; the line's length where a new one would */
    char open;        /* a quote, or \, that is not closed; 0: none */
    bool comment;
};

/* ERR_INVALID_PARAMS for a quote that is not closed (everything is filled in nevertheless), for
 * what a shell would do more, for a NUL, and for a line that is too long. */
enum err words_split(struct str line, struct words *w, struct fault *f);

#endif
