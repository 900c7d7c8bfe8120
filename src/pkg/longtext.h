/* Long descriptions: built apart from the catalogue, read only by info.
 *
 * A text is a list of paragraphs; each distinct paragraph is kept once, as a run of base-128 codes:
 * 0 ends a line, 1 is a blank more than the one between two words, 2 is a word of its own (its
 * length and bytes follow), 3 and up are words that occur more than once, the most frequent first.
 * So a text is read in a microsecond, from a third of its size, without unpacking its neighbours.
 */
#ifndef OMG_PKG_LONGTEXT_H
#define OMG_PKG_LONGTEXT_H

#include "pkg/apt.h"
#include "pkg/index.h"

enum { TEXT_LINE, TEXT_BLANK, TEXT_LITERAL, TEXT_WORDS };
enum { TEXT_MOST = 1 << 20 }; /* bytes of one text; Debian's longest have some 20 KB */

/* The long text with this key; empty when there is none. Its paragraphs are parted by empty lines,
 * and lines that begin with a blank are to be shown as they are. */
struct str longtext_find(const struct index *ix, uint64_t key, struct arena *a);

/* The same form from the continuation lines of a Description field. */
struct str longtext_plain(struct str continuation, struct arena *a);

/* Reads the Translation files of the lists, and the lists themselves where they hold long texts,
 * and writes the file behind what out holds. parent is the checksum of their catalogue. */
enum err longtext_build(struct inputs *in, struct arena *a, const struct apt_files *files,
                        bool inline_texts, uint64_t parent, struct buf *out);

#endif
