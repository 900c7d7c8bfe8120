/* Builds parts of the index from a root folder, in a process that has given up its power. */
#ifndef OMG_PKG_BUILD_H
#define OMG_PKG_BUILD_H

#include "pkg/index.h"
#include "pkg/inputs.h"

struct build {
    int root;          /* descriptor of the root folder */
    struct str kernel; /* running release; empty where the root is not this machine's own */
    unsigned parts;    /* PART_CATALOGUE, PART_OVERLAY, PART_TEXT */
    /* What is there already: the catalogue where only other parts are built, and an earlier overlay
     * to take licences from; no header: none. */
    struct index_file catalogue, overlay;
};

/* Writes each part into its buffer, empty before. */
struct build_output {
    struct buf catalogue, overlay, text;
};
enum err build_parts(const struct build *b, struct build_output *out, struct fault *f);

/* Whether what a file was made from is unchanged below root. slash says that root is "/", where
 * paths need no care. */
bool build_fresh(const struct index_file *file, int root, bool slash);

#endif
