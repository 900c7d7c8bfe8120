/* Has parts of the index built by a child without power. */
#ifndef OMG_PKG_BUILDER_H
#define OMG_PKG_BUILDER_H

#include "pkg/build.h"

/* Runs build_parts in a child and has it write each part into its descriptor (-1: not wanted).
 * What the child says is checked by the caller when it opens the files. A child that falls over
 * because a list was cut off under its hands is tried once more. */
enum err builder_run(const struct build *b, const int fd[3], struct fault *f);

#endif
