/* Maps that may lose their end while they are read. A file cut off by its owner raises SIGBUS in
 * whoever has it mapped; under guard the lost page reads as zeros instead, and the loss is
 * remembered, so that the reader finishes, notices, and throws its answer away. */
#ifndef OMG_BASE_GUARD_H
#define OMG_BASE_GUARD_H

#include "base/str.h"

/* Guards these bytes of a map; the oldest of more than 16 is forgotten. The handler of SIGBUS is
 * installed by the first call, and ends the process as before on any other address. */
void guard_add(struct str map);
void guard_remove(struct str map);

/* Whether a page was lost since the last call. */
bool guard_lost(void);

#endif
