/* Writes text for people into a buffer: cleaned of what could steer a terminal, counted in
 * columns, cut, wrapped and coloured. */
#ifndef OMG_WIRE_PEN_H
#define OMG_WIRE_PEN_H

#include "base/buf.h"
#include "wire/schema.h"

struct pen {
    struct buf *out;
    size_t width; /* columns of the terminal; 0: no limit */
    size_t at;    /* column of the next letter */
    bool colour;
    struct str words; /* what to underline in a name, where there is colour */
};

/* Bytes that are not UTF-8 and what glyph_hostile() names become U+FFFD, tabs and line breaks
 * blanks. */
void pen_clean(struct buf *out, struct str s);

/* Columns of s once it is clean. */
size_t pen_columns(struct str s);

/* Writes s, cut to at most the given columns (SIZE_MAX: whole), with an ellipsis for the rest. */
void pen_put(struct pen *p, struct str s, size_t columns);
void pen_pad(struct pen *p, size_t column);
void pen_break(struct pen *p, size_t indent);

/* Begins and ends a style: the number of a terminal's attribute, or NULL for none. */
void pen_begin(struct pen *p, const char *style);
void pen_end(struct pen *p, const char *style);

/* The style of a value; s is looked at for its state. */
const char *pen_style(enum view view, struct str s);

/* A value in its style, the words underlined where it is a name; cut as by pen_put. */
void pen_value(struct pen *p, enum view view, struct str s, size_t columns);

/* A piece that is never parted: on this line behind a blank, or on the next behind the indent. */
void pen_piece(struct pen *p, struct str piece, size_t indent);

/* All words of s as pieces. */
void pen_wrap(struct pen *p, struct str s, size_t indent);

/* Paragraphs: an empty line parts them, a line that begins with a blank stays as it is, the
 * others are filled. Begins on a line of its own and ends in the middle of one. */
void pen_prose(struct pen *p, struct str s, size_t indent);

#endif
