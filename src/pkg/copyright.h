/* The licences of an installed package, from usr/share/doc/NAME/copyright when that is written in
 * Debian's machine-readable format (copyright-format 1.0, once DEP-5). Text that only people can
 * read is not guessed at. */
#ifndef OMG_PKG_COPYRIGHT_H
#define OMG_PKG_COPYRIGHT_H

#include "base/arena.h"

enum {
    COPYRIGHT_LICENSES = 256,      /* short names kept of one file */
    COPYRIGHT_LICENSE_MOST = 1024, /* bytes; what is longer is no short name */
};

/* The distinct short names of the License fields of the header and of the Files paragraphs, as
 * they are written ("Expat or Apache-2.0"), in order of appearance; copies in the arena. None for a
 * file in another format. ERR_RESOURCE_LIMIT when the arena is full. */
enum err copyright_licenses(struct str text, struct arena *a, struct str **licenses, size_t *count);

#endif
