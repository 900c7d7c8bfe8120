/* Which kernel packages apt keeps from being removed automatically: those of the running kernel
 * and of the newest installed ones (apt's own rule since 2.1; APT::Protect-Kernels,
 * APT::NeverAutoRemove::KernelCount, APT::VersionedKernelPackages). */
#ifndef OMG_PKG_KERNELS_H
#define OMG_PKG_KERNELS_H

#include "pkg/dpkg.h"
#include "pkg/patterns.h"

struct kernels {
    struct patterns versioned; /* names of packages that belong to some kernel */
    struct patterns kept;      /* names of those that belong to a protected one */
};

/* running is the release of the running kernel, empty where it does not count. */
enum err kernels_open(struct kernels *k, const struct dpkg_world *w, const struct apt_conf *c,
                      struct str running, struct inputs *in);
void kernels_close(struct kernels *k);

/* What `uname -r` says under a kernel package of this name; empty for any other package. */
struct str kernel_release(struct str name);

#endif
