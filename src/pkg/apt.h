/* What apt believes about this machine, read from its files without running it: configuration,
 * sources, which list files they lead to, and preferences. */
#ifndef OMG_PKG_APT_H
#define OMG_PKG_APT_H

#include "pkg/apt_text.h"
#include "pkg/inputs.h"

/* apt.conf(5): a tree of names, in the order of definition. Names compare without case. */
struct apt_conf {
    struct apt_item {
        struct str name; /* "APT::NeverAutoRemove::" for an item of a list; empty: cleared */
        struct str value;
        uint32_t first, last, next; /* children and sibling as places in the list plus one */
    } * at;
    size_t len, room;
    struct apt_map names; /* to places in the list plus one */
};

/* Reads etc/apt/apt.conf.d/ and etc/apt/apt.conf as apt does, on top of apt's built-in defaults as
 * far as omg uses them. Errors in a file become notes. */
enum err apt_conf_read(struct inputs *in, struct apt_conf *c);
/* otherwise stands for a name that is not there and for an empty value. */
struct str apt_conf_find(const struct apt_conf *c, struct str name, struct str otherwise);
bool apt_conf_bool(const struct apt_conf *c, struct str name, bool otherwise);
/* The next value of a list ("APT::NeverAutoRemove"); *at starts at 0. A list that has a value of
 * its own is that value, split at its commas. */
bool apt_conf_next(const struct apt_conf *c, struct str list, size_t *at, struct str *value);
/* A path of apt's, such as "Dir::State::lists", put together as apt does from Dir, Dir::State and
 * so on; relative to the root, without '/' at either end. Empty where apt has none. */
struct str apt_conf_path(const struct apt_conf *c, struct arena *a, struct str name);

/* The architectures of this root, native first: from APT::Architecture(s), var/lib/dpkg/arch, the
 * Architecture of the installed package dpkg, or else that of this machine. */
struct apt_archs {
    struct str at[16];
    size_t len;
};

/* dpkg_arch is the Architecture of the installed package dpkg; it may be empty. */
enum err apt_archs_read(struct inputs *in, const struct apt_conf *c, struct str dpkg_arch,
                        struct apt_archs *archs);

/* One package list (Packages file) on disk and what its Release file says of it. */
struct apt_file {
    struct str path;        /* below the root, as it is on disk, with its .lz4 … */
    struct str translation; /* path of the Translation file that apt would read; empty for none */
    struct str uri;         /* of the source, as written, without credentials */
    struct str site;        /* host part of the URI, what "Pin: origin" compares; empty for file: */
    struct str release;     /* the suite as the source names it ("bookworm-updates", "./") */
    struct str archive;     /* Suite: */
    struct str codename, version, origin, label; /* of the Release file */
    struct str component;                        /* "main" */
    struct str arch; /* the list's architecture; empty in a flat repository, as component */
    struct str repo; /* for people: "bookworm-security/main"; flat: "host/path" */
    uint8_t not_automatic, automatic_upgrades;
    uint8_t security; /* comes from a security archive, as omg status counts them */
    int32_t priority; /* filled by apt_pins_apply */
};
struct apt_files {
    struct apt_file *at;
    size_t len;
};

/* Reads sources.list and sources.list.d/ (both formats), finds the list files that are there, and
 * reads each one's InRelease or Release. The order is apt's. Lists that a source names and that
 * are not on disk are noted. */
enum err apt_files_read(struct inputs *in, const struct apt_conf *c, const struct apt_archs *archs,
                        struct apt_files *files);

/* apt_preferences(5). */
struct apt_pin {
    struct str package; /* "*", a name, a glob, /regex/, src:name */
    struct str type;    /* "release", "origin" or "version" */
    struct str data;    /* what follows it */
    int32_t priority;
};
struct apt_pins {
    struct apt_pin *at;
    size_t len;
};
enum { APT_NEVER = -32768 }; /* apt's NEVER_PIN */

enum err apt_pins_read(struct inputs *in, const struct apt_conf *c, struct apt_pins *pins);

/* Sets files->at[].priority from Release flags, Default-Release and the pins for "*". */
void apt_pins_apply(const struct apt_pins *pins, const struct apt_conf *c, struct apt_files *files);

/* The priority of the status file (what is installed), usually 100. */
int32_t apt_pins_status(const struct apt_pins *pins, const struct apt_conf *c,
                        const struct apt_files *files);

/* Whether any pin speaks of single packages at all (usually none does: skip the next functions). */
bool apt_pins_specific(const struct apt_pins *pins);

/* The first pin, in the order of preferences, that means this package in this version from this
 * file (NULL: the status file). apt pins versions, not files: of a version that stands in several
 * files the pin counts that comes first for any of them, which is the one at the lowest address.
 * source is the source package's name. */
const struct apt_pin *apt_pins_find(const struct apt_pins *pins, struct str name, struct str arch,
                                    struct str native, struct str source, struct str version,
                                    const struct apt_file *file);

/* Its priority; false for none. */
bool apt_pins_version(const struct apt_pins *pins, struct str name, struct str arch,
                      struct str native, struct str source, struct str version,
                      const struct apt_file *file, int32_t *priority);

#endif
