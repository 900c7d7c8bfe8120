/* JSON text to yyjson's tree, in an arena. */
#ifndef OMG_WIRE_JSON_TEXT_H
#define OMG_WIRE_JSON_TEXT_H

#include "base/arena.h"

#include <yyjson.h>

/* The tree lives as long as the arena's pieces. ERR_PARSE with the byte where it is not JSON,
 * ERR_RESOURCE_LIMIT when the arena is full. */
enum err json_text_parse(struct str text, struct arena *a, yyjson_val **root, struct fault *f);

#endif
