/* Which installed packages stand for a name in a relation field, by apt's rules: packages of that
 * name, packages that provide it, and what Multi-Arch, ":any" and ":ARCH" make of them. */
#ifndef OMG_PKG_PROVIDERS_H
#define OMG_PKG_PROVIDERS_H

#include "pkg/control.h"
#include "pkg/dpkg.h"

enum {
    PROVIDERS_ARCHS = 31, /* told apart; further ones count as one */
    PROVIDERS_NONE = 0xFFFF,
};

/* Every name that is installed, provided or a source. */
struct provided {
    struct str name;
    uint32_t hash;
    uint32_t first;    /* package of that name, counted from 1; they stand together */
    uint32_t offer;    /* first of the chain, counted from 1 */
    uint64_t explored; /* questions about it that need not be asked again, by a bit each */
    /* For whoever asks, about packages of this source. */
    uint32_t round, best, kept, ordinary, safe;
};

/* One item of a Provides: field. */
struct offer {
    uint32_t package, next;
    struct str version; /* empty for none */
    uint16_t plain;     /* architecture under which "name" finds it */
    uint16_t qualified; /* architecture under which "name:ARCH" finds it */
    uint8_t everywhere; /* "name" finds it under every architecture */
    uint8_t any;        /* "name:any" finds it */
};

struct trait {
    uint16_t arch;   /* "all" is the native one */
    uint8_t known;   /* one of apt's architectures */
    uint8_t foreign; /* Multi-Arch: foreign, for a known architecture */
    uint8_t allowed; /* Multi-Arch: allowed, likewise */
};

struct providers {
    const struct dpkg_world *world;
    struct trait *traits; /* of each package */
    struct provided *names;
    struct offer *offers;
    uint32_t *table; /* by hash; a name counted from 1 */
    uint32_t *found; /* answers; the same package may stand in it more than once */
    size_t found_len, names_len, names_room, offers_len, offers_room, mask;
    struct str archs[PROVIDERS_ARCHS];
    size_t archs_len, archs_known;
    uint64_t seed, work; /* work: packages looked at so far */
};

/* Which names a relation's qualifier asks for. */
enum qualifier { ASK_PLAIN, ASK_ANY, ASK_ARCH };

enum err providers_open(struct providers *p, const struct dpkg_world *w, struct arena *a);

/* Leaves in found the packages that satisfy name (op version). Empty for a question that cannot
 * add to what earlier ones found. arch is the asking package's for ASK_PLAIN. */
void providers_find(struct providers *p, const struct relation *r, enum qualifier q, uint16_t arch);

/* The number of an architecture; PROVIDERS_NONE for one that no package has. */
uint16_t providers_arch(const struct providers *p, struct str arch);

/* The entry of a package's source. */
struct provided *providers_source(struct providers *p, uint32_t package);

#endif
