/* Puts an index file together in a buffer: sections in, one file out. */
#ifndef OMG_PKG_WRITER_H
#define OMG_PKG_WRITER_H

#include "base/buf.h"
#include "pkg/format.h"
#include "pkg/inputs.h"
#include "pkg/intern.h"

/* The part of a summary that an index keeps: SUMMARY_MOST bytes of well-formed text, cut between
 * characters. */
static inline struct str summary_head(struct str s)
{
    size_t n = SUMMARY_MOST;
    while (n < s.len && n && ((uint8_t)s.at[n] & 0xC0) == 0x80) n--;
    return str_head(s, n);
}

struct writer {
    struct buf *out;
    enum format_kind kind;
    size_t start; /* where the file begins in out */
};

void writer_open(struct writer *w, struct buf *out, enum format_kind kind);
void writer_section(struct writer *w, enum section s, const void *bytes, size_t len);
static inline void writer_buf(struct writer *w, enum section s, const struct buf *b)
{
    writer_section(w, s, b->at, b->len);
}

/* The inputs of these parts and their notes, their texts going into strings. */
void writer_inputs(struct writer *w, const struct inputs *in, unsigned parts,
                   struct intern *strings);

/* Fills in the header; parent as in format_header. ERR_RESOURCE_LIMIT when anything did not fit. */
enum err writer_finish(struct writer *w, uint64_t parent);

#endif
