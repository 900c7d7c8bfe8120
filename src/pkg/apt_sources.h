/* sources.list(5): what this machine's sources name, before anything is known of the lists. */
#ifndef OMG_PKG_APT_SOURCES_H
#define OMG_PKG_APT_SOURCES_H

#include "pkg/apt.h"

enum {
    APT_SOURCES = 10000, /* machines have a dozen */
    APT_LISTS = 65536,   /* list files that these may lead to */
};

/* One URI with one suite and one component. Those of source packages want nothing, but where they
 * stand first they decide in which order apt takes the suites. */
struct apt_source {
    struct str uri;              /* with a '/' at its end */
    struct str suite;            /* with a '/' at its end: a flat repository */
    struct str component;        /* empty in a flat repository */
    struct names archs;          /* those it names, or all of this machine */
    struct names languages;      /* those it names */
    bool any_language;           /* it names none: the configuration decides */
    bool all_too;                /* the list for "all" is used when it is there */
    bool packages, translations; /* which targets it wants */
};
struct apt_sources {
    struct apt_source *at;
    size_t len, room;
};

/* Reads sources.list and sources.list.d/ in apt's order. Entries that are malformed are noted and
 * left out, and so are those beyond the limit. */
enum err apt_sources_read(struct inputs *in, const struct apt_conf *c,
                          const struct apt_archs *archs, struct apt_sources *s);

#endif
