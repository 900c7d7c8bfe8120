/* Base64 with the standard alphabet and padding (RFC 4648, section 4). */
#ifndef OMG_BASE_BASE64_H
#define OMG_BASE_BASE64_H

#include "base/arena.h"
#include "base/buf.h"

void base64_put(struct buf *b, struct str bytes);

/* Strict: no white space, padding where it belongs, no bits left over. ERR_PARSE otherwise;
 * ERR_RESOURCE_LIMIT when the arena is full. */
enum err base64_take(struct str text, struct arena *a, struct str *bytes);

#endif
