/* Numbers as text, without printf: they are written in loops over results. */
#ifndef OMG_BASE_NUMBER_H
#define OMG_BASE_NUMBER_H

#include "base/buf.h"

/* In decimal. */
void number_put(struct buf *b, uint64_t n);
void number_put_signed(struct buf *b, int64_t n);

/* A size in bytes for people, in binary units: "0 B", "1023 B", "1.0 KiB", "12.3 MiB". */
void number_put_bytes(struct buf *b, uint64_t bytes);

#endif
