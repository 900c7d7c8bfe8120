/* Messages as people want to see them when something is amiss: what -vv and -vvv print. */
#ifndef OMG_WIRE_TRACE_H
#define OMG_WIRE_TRACE_H

#include "base/arena.h"
#include "base/buf.h"

/* Appends lines that begin with direction ("> ", "client 4 < "): at level 2 the message on one line
 * of JSON, or what is wrong with it; at level 3 and above its bytes too; below 2 nothing. What
 * could steer a terminal is escaped, and a token is hidden in both forms. The arena is used and not
 * emptied; where it is full the sentence says so. */
void trace_message(struct buf *out, int level, const char *direction, struct str payload,
                   bool response, struct arena *a);

#endif
