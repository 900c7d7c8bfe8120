/* Lists of POSIX extended regular expressions on package names, as apt's configuration holds them
 * (APT::NeverAutoRemove, APT::VersionedKernelPackages). Case does not count. An expression is
 * compiled only when a name comes by that its literal beginning and end do not rule out. */
#ifndef OMG_PKG_PATTERNS_H
#define OMG_PKG_PATTERNS_H

#include "base/arena.h"

#include <regex.h>

enum {
    PATTERNS_MOST = 1024, /* in one list */
    PATTERN_MOST = 400,   /* bytes */
    PATTERN_NAME = 255,   /* bytes of a name; longer ones match nothing */
};

struct pattern {
    const char *text;
    struct str head, tail; /* every name that matches begins and ends so; views into text */
    enum { PATTERN_NEW, PATTERN_READY, PATTERN_BAD } state;
    regex_t regex;
};

/* Zero-initialise. What is compiled lies outside the arena: patterns_free gives it back. */
struct patterns {
    struct pattern *at;
    size_t len, room;
};

/* Whether text is an expression that may be added: not too long, not too many repetitions, and
 * understood by regcomp. */
bool pattern_valid(struct str text);

/* Adds an expression, of which a copy is made. ERR_RESOURCE_LIMIT when there are too many or the
 * arena is full. One that is not valid matches nothing. */
enum err patterns_add(struct patterns *p, struct arena *a, struct str text);

bool patterns_match(struct patterns *p, struct str name);
void patterns_free(struct patterns *p);

#endif
