/* dpkg's version numbers: [epoch:]upstream[-revision] (deb-version(7)). */
#ifndef OMG_PKG_DEB_VERSION_H
#define OMG_PKG_DEB_VERSION_H

#include "base/err.h"
#include "base/str.h"

/* Less than, equal to or greater than zero: exactly dpkg --compare-versions. Any bytes compare. */
int deb_version_cmp(struct str a, struct str b);

/* Whether dpkg's parseversion() takes it; the sentence in f says why not. */
bool deb_version_valid(struct str version, struct fault *f);

/* `a op b` for the operators of relation fields: << <= = >= >> and the old < and >. */
bool deb_version_holds(struct str a, struct str op, struct str b);

#endif
