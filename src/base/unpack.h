/* Whole-buffer decompression, told by content and not by name. Formats: gzip (RFC 1952), bzip2,
 * lz4 frames (lz4_Frame_format.md), xz (xz-file-format.txt), zstd (RFC 8878). Nothing of the input
 * is trusted: a size that it states is a hint, itself held against the limits. */
#ifndef OMG_BASE_UNPACK_H
#define OMG_BASE_UNPACK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum packing {
    PACKING_NONE,
    PACKING_GZIP,
    PACKING_BZIP2,
    PACKING_LZ4,
    PACKING_XZ,
    PACKING_ZSTD,
    PACKING_COUNT
};

/* What a file that begins with head is packed with; PACKING_NONE when that is none of the above.
 * Six bytes are enough. */
enum packing packing_of(struct str head);

/* "none", "gzip"…; "none" for unknown numbers. */
const char *packing_name(enum packing p);

/* Unpacks in and appends what comes out, at most limit bytes, to out; PACKING_NONE appends in
 * itself. Several members or frames in a row are all unpacked; behind the first, zero bytes are
 * padding and anything else is damage.
 *
 * ERR_DAMAGED: in is not whole or not well-formed. ERR_RESOURCE_LIMIT: more would come out than
 * limit or out allow, or the decoder would need more memory than is reasonable. ERR_UNSUPPORTED: a
 * filter or a dictionary that this build does not have. After an error what came out before stays
 * in out, for callers that can use a part; its last bytes may be wrong. */
enum err unpack(struct str in, enum packing p, size_t limit, struct buf *out);

#endif
