/* Text that is longer than the screen, one screen after the other: through $PAGER, else less where
 * there is one, else here. Under sudo(8) and pkexec(1) $PAGER is not run, and less starts nothing.
 */
#ifndef OMG_DOOR_PAGER_H
#define OMG_DOOR_PAGER_H

#include "door/cli.h"

/* How many rows of a screen of this width the text fills. */
size_t pager_rows(struct str text, size_t width);

/* Shows text on the terminal that s describes; waits until it was read or left. Texts that fit, and
 * all where $PAGER is empty or cat, are simply written. */
enum err pager_show(const struct screen *s, struct str text, struct fault *f);

#endif
