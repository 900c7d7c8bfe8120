/* Any message as JSON (RFC 8259) and back, by its shape.
 *
 * A message is an object with the fields in the schema's order; an absent OPT is null, a LIST an
 * array, bytes are base64, numbers are exact. A request is
 *   {"operation":"search","id":1,"query":"x","limit":null}
 * and the four kinds of response, success, error, event and failure, are
 *   {"id":1,"operation":"search","result":{…}}
 *   {"id":1,"error":{"code":-32602,"name":"INVALID_PARAMS","message":"…"}}
 *   {"id":1,"sequence":7,"operation":"search","result":{…}}
 *   {"id":1,"error":{"code":-1002,"name":"RATE_LIMITED","message":"…","details":{"name":"value"}}}
 * alone or in a batch. The name of an error follows from its code: read, it may be left out. */
#ifndef OMG_WIRE_JSON_H
#define OMG_WIRE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "wire/schema.h"

enum { JSON_MOST_DEPTH = 16 };

/* Appends the message on one line or, indented, on many; no line break at the end. Bytes that are
 * not UTF-8 become U+FFFD; what could steer a terminal is escaped. */
void json_write(struct buf *out, enum message m, const void *message, bool indented);
void json_write_request(struct buf *out, const struct request *r, bool indented);
void json_write_response(struct buf *out, const struct response *r, bool indented);

/* {"error":{"code":…,"name":…,"message":…}} */
void json_write_error(struct buf *out, enum err e, struct str message, bool indented);

/* s in quotes. */
void json_write_string(struct buf *out, struct str s);

/* Fills message from text, which has to be its object and nothing else. ERR_PARSE when it is not
 * JSON; ERR_INVALID_PARAMS when a member is unknown, missing (an OPT may be), given twice or of
 * the wrong type or size; ERR_METHOD_NOT_FOUND for an unknown operation; ERR_RESOURCE_LIMIT when
 * the arena is full. The fault begins with the path to the place: "search_request.limit: …".
 * Strings and lists live in the arena. */
enum err json_read(struct str text, enum message m, struct arena *a, void *message,
                   struct fault *f);
enum err json_read_request(struct str text, struct arena *a, struct request *r, struct fault *f);
enum err json_read_response(struct str text, struct arena *a, struct response *r, struct fault *f);

#endif
