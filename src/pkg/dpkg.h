/* What is installed: dpkg's status with its journal (updates/), and apt's extended_states. */
#ifndef OMG_PKG_DPKG_H
#define OMG_PKG_DPKG_H

#include "pkg/apt.h"
#include "pkg/inputs.h"

/* One package of the status file, whatever its state. Views live as long as the arena of the
 * inputs; texts are valid UTF-8 (damaged bytes are U+FFFD). An architecture that is not valid is
 * none: empty. */
struct dpkg_package {
    struct str name, arch, version;
    struct str source, source_version;                   /* of Source:, else name and version */
    struct str section, priority, homepage, description; /* description: summary, then long text */
    struct str depends, pre_depends, recommends, suggests, provides;
    struct str multi_arch;
    uint64_t installed_kib;
    uint8_t installed; /* state is "installed" (dpkg-query's db:Status-Status) */
    uint8_t
        unpacked; /* has files on disk: apt's CurrentVer is set (not config-files, not-installed) */
    uint8_t hold; /* want is "hold" */
    uint8_t essential; /* Essential: yes */
    uint8_t important; /* Important: yes or Protected: yes */
    uint8_t automatic; /* Auto-Installed: 1 in extended_states */
    uint8_t orphan;    /* filled by orphans_mark */
    uint8_t broken; /* half-installed, reinst-required, triggers-pending …: dpkg --audit would speak
                       of it */
};
struct dpkg_world {
    struct dpkg_package *at;
    size_t len;
    struct apt_archs archs;
};

/* Reads status, updates/ and extended_states; sorted by name, then native architecture first, then
 * architecture. Also finds the architectures. A record without a name, with a name that is not
 * valid, or (when installed) without a valid version is left out and noted; of two records of the
 * same name and architecture the last one counts and the first is noted. No status file at all is
 * ERR_NOT_FOUND with a note. */
enum err dpkg_read(struct inputs *in, const struct apt_conf *c, struct dpkg_world *w);

/* Sets orphan on exactly the packages that `apt-get autoremove` would remove, with apt's own rules:
 * APT::NeverAutoRemove, the protected kernels of this root (kernel is the running release, empty
 * where it does not count), APT::AutoRemove::RecommendsImportant and SuggestsImportant, essential
 * and important packages, providers, multi-arch. */
enum err orphans_mark(struct dpkg_world *w, const struct apt_conf *c, struct str kernel,
                      struct inputs *in);

#endif
