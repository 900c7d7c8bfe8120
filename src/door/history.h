/* The lines of a shell, in memory and across sessions in $XDG_STATE_HOME/omg/history, else
 * ~/.local/state/omg/history (XDG Base Directory).
 *
 * The file is its owner's alone (0600) and is used only where it and its folder are: no link is
 * followed to either. Each line is appended at once and under a lock, so that shells that run at
 * the same time keep each other's; what grows too long is written anew aside, with the newest
 * lines, and renamed. A file that cannot be used is no error: there is then no memory of lines
 * across sessions. */
#ifndef OMG_DOOR_HISTORY_H
#define OMG_DOOR_HISTORY_H

#include "base/buf.h"

enum { HISTORY_MOST = 1000 /* lines */ };

struct history {
    struct buf lines; /* each with a NUL behind it, the oldest first */
    size_t count;
    int folder; /* -1: nothing is kept across sessions */
};

/* Opens the folder, which is made where it is missing, and reads the newest lines. */
void history_open(struct history *h);
void history_close(struct history *h);

/* Remembers a line, in memory and in the file; not what begins with a blank, is the same as the one
 * before, or would not come back as it is. */
void history_add(struct history *h, struct str line);

/* The line behind the given one, NULL for the oldest; NULL behind the newest. */
const char *history_next(const struct history *h, const char *line);

#endif
