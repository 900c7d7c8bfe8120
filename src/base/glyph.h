/* How many columns a code point takes on a terminal, and which must never reach one. */
#ifndef OMG_BASE_GLYPH_H
#define OMG_BASE_GLYPH_H

#include "base/str.h"

/* 0, 1 or 2 columns. */
unsigned glyph_width(uint32_t point);

/* Whether a terminal could be steered with it or a reader deceived: control characters (C0, DEL,
 * C1), line and paragraph separators, and the marks that turn the direction of writing. */
bool glyph_hostile(uint32_t point);

#endif
