/* The kept index: where it lies, whether it may be trusted, and how a new one takes its place.
 *
 * A cache folder holds one folder for each root folder. Files in it are taken only from root or
 * from oneself, and only when nobody else may write them; what is damaged, of another version, or
 * made from other sources is made anew. New files are put in place by rename, so a reader has the
 * old or the new one, whole. Nothing here is worth an fsync: it can be built again.
 *
 * A checksum over some megabytes costs as much as a whole command. So whoever has found it right
 * seals the file: the nanoseconds of its time of modification are made from the checksum. Any write
 * moves that time, and the next reader, who does not find the seal, computes the checksum. */
#ifndef OMG_PKG_CACHE_H
#define OMG_PKG_CACHE_H

#include "base/file.h"
#include "pkg/build.h"

#include <time.h>

enum cache_kind { CACHE_CATALOGUE, CACHE_OVERLAY, CACHE_TEXT, CACHE_KINDS };
enum format_kind cache_format(enum cache_kind kind);

struct cache {
    int root;   /* descriptor of the root folder */
    bool slash; /* the root folder is "/" */
    struct str kernel;
    int folder[2]; /* descriptors of this root's folders: the system's, one's own; -1: none */
    size_t folders;
    bool writable[2];
    char path[2][256]; /* of those folders, for people */
};

/* Opens what there is; makes the folders that it may. chosen is a folder to use instead of the
 * usual two, empty for those. Never fails: without any folder an index lives in memory. */
void cache_open(struct cache *c, int root, bool slash, struct str kernel, struct str chosen);
void cache_close(struct cache *c);

/* A file of the index in use: mapped under guard, and held open to see whether anybody writes to
 * it meanwhile. All zero: none. */
struct cache_file {
    struct map map;
    bool held;
    int fd;                   /* where it is held */
    struct timespec modified; /* when it was last written to, as far as we know */
};

/* Maps what fd has; fd stays the caller's. */
enum err cache_file_map(int fd, struct cache_file *k, struct fault *f);
/* Whether it was written to or cut off since; what was read from it is then not to be used. */
bool cache_file_changed(const struct cache_file *k);
void cache_file_close(struct cache_file *k);

/* Marks a file whose checksum was found right as whole: until somebody writes to it, nobody has to
 * look again. */
void cache_file_seal(struct cache_file *k, uint64_t checksum);

/* Whether what f was made from is as it was: the files below the root, and the running kernel. */
bool cache_fresh(const struct cache *c, enum cache_kind kind, const struct index_file *f);

/* A kept file that is sound, fresh, and has this parent where parent is not 0; false: none. It is
 * the caller's to close. stale gets a sound one that is not fresh, where there is one. */
bool cache_find(struct cache *c, enum cache_kind kind, uint64_t parent, struct cache_file *k,
                struct index_file *f, struct cache_file *stale);

/* Waits for its turn to build, so that two builders do not both work; false when there is no
 * folder to lock, or after some seconds. */
bool cache_lock(struct cache *c, int *lock);

/* A descriptor to build a file into: a draft in the cache folder, or memory. A draft has one name,
 * as only the holder of the lock makes one: what a killed builder left is overwritten. */
struct cache_draft {
    int fd;
    bool kept; /* has a folder to go to */
};
enum err cache_draft_open(struct cache *c, enum cache_kind kind, bool memory, struct cache_draft *d,
                          struct fault *f);
/* Puts the draft in its place (where it has one). */
void cache_draft_publish(struct cache *c, enum cache_kind kind, struct cache_draft *d);
void cache_draft_drop(struct cache *c, enum cache_kind kind, struct cache_draft *d);

#endif
