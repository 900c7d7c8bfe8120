/* Any message as people see it, by its shape, its views and text.def. Nothing of a message reaches
 * a terminal unclean: see pen.h. */
#ifndef OMG_WIRE_TEXT_H
#define OMG_WIRE_TEXT_H

#include "base/buf.h"
#include "wire/schema.h"

struct text_options {
    size_t width;     /* columns of the terminal; 0: no limit, nothing is cut or wrapped */
    bool colour;      /* ignored with plain */
    bool plain;       /* for programs: see text_write */
    bool terminal;    /* closing lines ("showing 50 of 312") are wanted */
    struct str words; /* what was searched for, underlined in names where there is colour */
};

/* Appends the message, ending in a line break; nothing where there is nothing to say.
 *
 * For people: "Label: value" lines without the empty ones, lists of messages as columns.
 * Plain: a message that begins with a list as one line for each item, its fields parted by tabs;
 * another message as "field TAB value" lines, a list or paragraphs as several of them. Numbers are
 * exact, a list within a line is joined with ", ", and an item's inner items each have a line
 * that begins with the outer fields. */
void text_write(struct buf *out, enum message m, const void *message, const struct text_options *o);

/* Whether a message begins with a list, and so is a list of records rather than a record. */
bool text_is_list(enum message m);

#endif
