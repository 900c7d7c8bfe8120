/* Parts of the index as sealed memory (memfd_create(2), F_ADD_SEALS in fcntl(2)): it can be handed
 * to a process that opens no path, and neither end can change or shorten it under the other. */
#ifndef OMG_PKG_SEALED_H
#define OMG_PKG_SEALED_H

#include "pkg/cache.h"

/* Copies a file of the index, seals the copy, and only then checks it whole. ERR_BUSY when it is
 * not the file with this checksum any more. fd is the caller's. */
enum err sealed_copy(const struct cache_file *k, enum cache_kind kind, uint64_t checksum, int *fd,
                     struct fault *f);

/* Maps what fd has. ERR_FORBIDDEN unless it is sealed against every change. fd stays the caller's
 * and need not stay open. */
enum err sealed_map(int fd, struct map *m, struct fault *f);

#endif
