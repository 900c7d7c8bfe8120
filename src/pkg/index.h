/* The index as its readers see it: three immutable files, mapped or in memory, and accessors that
 * never leave them, whatever the files say. */
#ifndef OMG_PKG_INDEX_H
#define OMG_PKG_INDEX_H

#include "base/arena.h"
#include "pkg/format.h"

struct index_file {
    struct str bytes;
    const struct format_header *header;
};

struct search_memory; /* search.c's own, kept from query to query */

struct index {
    struct index_file catalogue, overlay, text; /* text may be absent: bytes.at is NULL */
    const struct catalogue_meta *catalogue_meta;
    const struct overlay_meta *overlay_meta;
    uint32_t names, versions, packages, extras;
    uint32_t cased;      /* names that are not all in lower case; Debian has none */
    struct arena memory; /* for search_memory */
    struct search_memory *search;
};

/* What the checksum of a file of at least a header has to be. */
uint64_t index_checksum(struct str bytes);

/* Checks a file's header and the bounds of its sections, and with whole its checksum too.
 * ERR_DAMAGED when it is not a file of this kind and version. bytes must stay as long as it. */
enum err index_file_open(struct index_file *f, struct str bytes, enum format_kind kind, bool whole,
                         struct fault *fault);

/* Puts the parts together. ERR_CONFLICT when the overlay belongs to another catalogue. */
enum err index_open(struct index *ix, struct str catalogue, struct str overlay, bool whole,
                    struct fault *f);
/* One part alone, for the builders; the other may be NULL. */
enum err index_attach(struct index *ix, const struct index_file *catalogue,
                      const struct index_file *overlay);
/* Adds the long text. */
enum err index_text_open(struct index *ix, struct str text, bool whole, struct fault *f);
void index_close(struct index *ix);

/* A section's bytes, and how many rows of a size it holds. */
static inline struct str file_section(const struct index_file *f, enum section s)
{
    if (!f->header) return STR_NONE;
    const struct format_section *x = &f->header->section[s];
    return (struct str){ f->bytes.at + x->at, (size_t)x->len };
}
static inline const void *file_rows(const struct index_file *f, enum section s)
{
    return f->bytes.at + f->header->section[s].at;
}
static inline size_t file_count(const struct index_file *f, enum section s, size_t size)
{
    return f->header ? (size_t)f->header->section[s].len / size : 0;
}

/* The number at row i of a section of uint32_t; NONE past its end. */
static inline uint32_t file_u32(const struct index_file *f, enum section s, size_t i)
{
    if (i >= file_count(f, s, sizeof(uint32_t))) return NONE;
    return ((const uint32_t *)file_rows(f, s))[i];
}

/* The text at an offset of a heap, up to its NUL. */
struct str file_text(const struct index_file *f, enum section heap, uint32_t offset);
/* The text between two consecutive offsets of an array of them, the NUL left out. */
static inline struct str file_span(const struct index_file *f, enum section heap, enum section at,
                                   uint32_t i)
{
    struct str bytes = file_section(f, heap);
    uint32_t from = file_u32(f, at, i), to = file_u32(f, at, (size_t)i + 1);
    if (from >= to || to > bytes.len) return (struct str){ bytes.at, 0 };
    return (struct str){ bytes.at + from, to - from - 1 };
}

/* A name in lower case, and as it is written. */
static inline struct str index_lower_name(const struct index *ix, uint32_t name)
{
    return file_span(&ix->catalogue, SECTION_NAMES, SECTION_NAME_AT, name);
}
struct str index_cased_name(const struct index *ix, uint32_t name);
static inline struct str index_name(const struct index *ix, uint32_t name)
{
    if (ix->cased) return index_cased_name(ix, name);
    return index_lower_name(ix, name);
}
static inline struct str index_summary(const struct index *ix, uint32_t name)
{
    return file_text(&ix->catalogue, SECTION_SUMMARIES,
                     file_u32(&ix->catalogue, SECTION_SUMMARY_AT, name));
}
static inline struct str index_string(const struct index *ix, uint32_t offset)
{
    return file_text(&ix->catalogue, SECTION_STRINGS, offset);
}
static inline struct str overlay_string(const struct index *ix, uint32_t offset)
{
    return file_text(&ix->overlay, SECTION_STRINGS, offset);
}

/* The versions of a name: rows [*first, *end). */
void index_versions(const struct index *ix, uint32_t name, uint32_t *first, uint32_t *end);
/* A row; never NULL, an empty one past the end. */
const struct version_record *index_version(const struct index *ix, uint32_t row);
const struct file_record *index_file_row(const struct index *ix, uint32_t file);
const struct package_record *index_package(const struct index *ix, uint32_t row);
const struct extra_record *index_extra(const struct index *ix, uint32_t row);

/* The number of a name, exactly; NONE when the catalogue lacks it. */
uint32_t index_find(const struct index *ix, struct str name);
/* The row in EXTRA of an installed name that the catalogue lacks; NONE. */
uint32_t index_find_extra(const struct index *ix, struct str name);

/* A name of either kind: below ix->names one of the catalogue's, from there on one in EXTRA. */
struct str any_name(const struct index *ix, uint32_t any);
struct str any_summary(const struct index *ix, uint32_t any);
bool any_installed(const struct index *ix, uint32_t any);

/* The first installed package of a name; NONE. */
uint32_t index_installed(const struct index *ix, uint32_t any);

/* What would be installed of a name and architecture (number in ARCHS): a row in VERSIONS; or NONE
 * with *package set to the installed package that stays, or NONE in both. */
uint32_t index_candidate(const struct index *ix, uint32_t any, uint32_t arch, uint32_t *package);

/* Takes the next of a version's relations. *list starts as version_record.relations; 0 at the end.
 */
struct relation_walk {
    const uint8_t *at, *end;
    uint32_t left;
};
struct relation_walk index_relations(const struct index *ix, uint32_t list);
bool index_relation_next(const struct index *ix, struct relation_walk *w, struct str *relation);

#endif
