/* The gate through which every reader of a package database reads. It stays below the root folder,
 * remembers the identity of each file and folder it was asked for, the missing ones too (their
 * coming changes the answer), and collects what was wrong with them. */
#ifndef OMG_PKG_INPUTS_H
#define OMG_PKG_INPUTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"

/* Which part of the index an input belongs to; an input may belong to several. */
enum part { PART_CATALOGUE = 1, PART_OVERLAY = 2, PART_TEXT = 4 };

/* What tells one content of a path from another without reading it. All zero: not there. */
struct identity {
    uint64_t inode, size;
    int64_t mtime_ns, ctime_ns;
};

struct input {
    struct str path; /* below the root, no leading '/', NUL-terminated */
    struct identity identity;
    unsigned parts;
};

/* Something that was wrong and what it cost, for `omg doctor`. */
struct note {
    struct str path;
    unsigned part;   /* the part that it is told with */
    struct str text; /* one sentence: what is wrong, what was left out, what to do */
    uint64_t count;  /* how many records it happened to */
};

struct inputs {
    int root; /* descriptor of the root folder */
    struct arena *arena;
    unsigned part; /* given to what is asked for from now on */
    struct input *at;
    size_t len, room;
    struct note *notes;
    size_t notes_len;
    /* The first that is there, is forbidden by nothing, and still could not be read: whatever is
     * built without it would tell an untruth. */
    enum err failed;
    struct fault fault;
};

enum { INPUTS_NOTES = 256 }; /* notes kept; further ones only raise the last one's count */

enum err inputs_open(struct inputs *in, int root, struct arena *a);

/* The present identity of a path below root; for AT_FDCWD, of the path as it stands. */
struct identity identity_of(int root, const char *path);

/* Remembers path without reading it. */
void inputs_watch(struct inputs *in, struct str path);

/* Remembers and reads or maps. A missing file is ERR_NOT_FOUND; the caller decides whether that
 * matters. Texts and names are the arena's. */
enum err inputs_read(struct inputs *in, struct str path, size_t limit, struct str *text);
enum err inputs_map(struct inputs *in, struct str path, struct map *m);
enum err inputs_folder(struct inputs *in, struct str path, struct names *names);

/* Something else could not be read that may be there the next time: what is built is never fresh.
 */
void inputs_incomplete(struct inputs *in);

/* Adds to the note of the same path and text, or makes one. */
__attribute__((format(printf, 3, 4))) void inputs_note(struct inputs *in, struct str path,
                                                       const char *format, ...);
void inputs_note_many(struct inputs *in, struct str path, uint64_t count, struct str text);

#endif
