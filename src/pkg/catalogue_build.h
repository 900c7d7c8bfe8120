/* Builds the catalogue: what the package lists offer. Two steps: every list is read once, stanza
 * by stanza, into a draft (all texts interned while they are warm); then names and versions are
 * put in order and what search reads is made. */
#ifndef OMG_PKG_CATALOGUE_BUILD_H
#define OMG_PKG_CATALOGUE_BUILD_H

#include "pkg/apt.h"
#include "pkg/format.h"
#include "pkg/intern.h"

/* One version as read. */
struct draft_version {
    struct version_record record; /* summary is an offset in draft.summaries */
    uint32_t name;                /* number in draft.names */
    uint32_t next;                /* next version of the same name, or NONE */
    uint32_t tokens, tokens_len;  /* of the summary, in draft.tokens */
};

/* Texts met lately, by hash; each is in draft.strings. */
enum { RECENT = 2048 };
struct recent {
    struct recent_text {
        uint32_t at, len;
    } at[RECENT];
};

struct draft {
    struct recent recent;
    struct inputs *in;
    struct arena *arena;
    const struct apt_archs *archs;
    const struct apt_files *files;
    struct intern strings, names, relations, vocabulary;
    struct buf versions;  /* struct draft_version */
    struct buf heads;     /* uint32_t by name: its last version read */
    struct buf tokens;    /* uint32_t: tokens of summaries */
    struct buf summaries; /* each ended by NUL */
    struct buf relation_lists;
    struct buf provided;  /* uint64_t: hashes of virtual names, */
    struct buf providers; /* uint32_t: and by whom, a number in names */
    uint32_t inline_texts, lists_missing;
};

enum err draft_open(struct draft *d, struct inputs *in, struct arena *a,
                    const struct apt_archs *archs, const struct apt_files *files);
void draft_close(struct draft *d);

/* Reads one list; its damage is noted. ERR_RESOURCE_LIMIT alone ends the build. */
enum err draft_read(struct draft *d, uint32_t file);

/* Writes the catalogue behind what out holds. */
enum err draft_write(struct draft *d, struct buf *out);

/* All of it. */
enum err catalogue_build(struct inputs *in, struct arena *a, const struct apt_archs *archs,
                         const struct apt_files *files, struct buf *out);

/* Maps or unpacks a list file; *text lives until list_close. */
struct list_text {
    struct map map;
    struct buf unpacked;
    struct str text;
};
enum err list_open(struct inputs *in, struct str path, struct list_text *l);
void list_close(struct list_text *l);

/* The key of a version's long text: the head of Description-md5, else a hash of the description.
 * Never 0. */
uint64_t text_key(struct str description_md5, struct str description);

static inline const struct draft_version *draft_version(const struct draft *d, uint32_t number)
{
    return (const struct draft_version *)(const void *)d->versions.at + number;
}

#endif
