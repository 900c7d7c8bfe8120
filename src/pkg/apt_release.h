/* Release and InRelease files: what a suite says of itself. */
#ifndef OMG_PKG_APT_RELEASE_H
#define OMG_PKG_APT_RELEASE_H

#include "pkg/inputs.h"

struct apt_release {
    struct str suite, codename, version, origin, label; /* the arena's; absent: at is NULL */
    bool not_automatic, automatic_upgrades;
    bool security; /* it is a security archive */
    struct map map;
    struct str text; /* the signed part of map */
    bool found;
};

/* Reads the file; where there is none, found stays false. Close it in any case. */
enum err apt_release_open(struct inputs *in, struct str path, struct apt_release *r);
void apt_release_close(struct apt_release *r);

/* Whether it lists a file of this name (as "main/binary-amd64/Packages", compressed or not) that
 * is not empty, and so one that apt-get update would have brought. */
bool apt_release_offers(const struct apt_release *r, struct str name);

/* Whether it says so of an architecture, or says nothing of architectures. */
bool apt_release_has_arch(const struct apt_release *r, struct str arch);

#endif
