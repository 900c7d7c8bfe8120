/* Whether an installed package is the one on offer, or one of the same version that was built
 * apart: apt tells them apart by their relations, and so finds the one on offer to be an update. */
#ifndef OMG_PKG_SAME_BUILD_H
#define OMG_PKG_SAME_BUILD_H

#include "pkg/dpkg.h"
#include "pkg/index.h"

/* Compares Pre-Depends and Depends, as apt does: without white space and case, and with dpkg's old
 * operators "<" and ">" taken for "<=" and ">=". */
bool same_build(const struct index *ix, uint32_t row, const struct dpkg_package *p);

#endif
