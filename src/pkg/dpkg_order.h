/* A part of dpkg_read: puts the records of the status file and the journal into the order of
 * struct dpkg_world and leaves out those that later ones replace. */
#ifndef OMG_PKG_DPKG_ORDER_H
#define OMG_PKG_DPKG_ORDER_H

#include "pkg/dpkg.h"

struct dpkg_records {
    struct dpkg_package *at; /* in the order in which they were read */
    size_t len;
    size_t journal; /* where the records of the journal begin */
    /* Records of the status file that stand there several times. */
    uint64_t twice;
    struct str first_twice;
};

/* Fills w->at and w->len by w->archs; w may take over r->at. ERR_RESOURCE_LIMIT when the arena is
 * full. */
enum err dpkg_order(struct dpkg_records *r, struct arena *a, struct dpkg_world *w);

#endif
