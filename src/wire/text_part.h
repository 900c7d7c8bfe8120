/* What the two printed forms of a message share: text.c for people, text_plain.c for programs. */
#ifndef OMG_WIRE_TEXT_PART_H
#define OMG_WIRE_TEXT_PART_H

#include "wire/text.h"

enum { TEXT_SCRATCH = 32 };

/* A row of CLOSING. */
struct closing {
    enum message of;
    size_t list_offset, total_offset;
    const char *more, *alone, *nothing;
};
/* NULL where a message has none. */
const struct closing *closing_of(enum message m);

/* Where the value of field f in message lies; NULL for an OPT that is not there. */
const void *text_value(const struct field *f, const void *message);

/* A scalar as text, in scratch where it is a number; exact: nothing is rounded. Empty for
 * whatever is no scalar. */
struct str text_scalar(const struct field *f, const void *value, bool exact,
                       char scratch[TEXT_SCRATCH]);

void text_plain(struct buf *out, enum message m, const void *message);

#endif
