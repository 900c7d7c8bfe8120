/* Builds the overlay: what this machine has of the catalogue. */
#ifndef OMG_PKG_OVERLAY_BUILD_H
#define OMG_PKG_OVERLAY_BUILD_H

#include "pkg/dpkg.h"
#include "pkg/index.h"

/* world is read already, its orphans are marked here; missing says that there is no status file.
 * catalogue is the one it is to go with; old is an earlier overlay whose licences are taken over
 * for packages that did not change (bytes.at NULL: none). kernel is the running release, empty
 * where it does not count. Writes the file behind what out holds. */
enum err overlay_build(struct inputs *in, struct arena *a, const struct apt_conf *conf,
                       struct dpkg_world *world, bool missing, const struct index_file *catalogue,
                       const struct index_file *old, struct str kernel, struct buf *out);

#endif
