/* What the daemon has counted and measured (metrics_result), as people, programs and OpenMetrics
 * have it. */
#ifndef OMG_DOOR_MEASURES_H
#define OMG_DOOR_MEASURES_H

#include "door/cli.h"
#include "wire/schema.h"

/* In the form that c's screen asks for. For people a table of the operations, or blocks where the
 * screen is too narrow for it, then the readings; plain is a line for each operation with its
 * numbers in the schema's order, then one for each reading with its name and value. */
void measures_show(struct cli *c, const void *result);

/* OpenMetrics text 1.0: families of the operations, with a label for each operation, then those of
 * the readings. Whatever the message holds, the text is valid: names are mended, and readings that
 * repeat a name are left out. */
void measures_openmetrics(struct buf *out, const struct metrics_result *m);

#endif
