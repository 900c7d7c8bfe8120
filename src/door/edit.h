/* One line from a terminal, edited by linenoise, and the signals of whoever reads lines.
 *
 * Between the terminal and the editor stands a filter: keys are told to the editor in the form that
 * it knows, what is not UTF-8 or could steer the terminal becomes U+FFFD, and a line that is too
 * long takes no more. While a line is edited the terminal is raw; it is put back whatever ends the
 * line, SIGTERM and SIGHUP included. */
#ifndef OMG_DOOR_EDIT_H
#define OMG_DOOR_EDIT_H

#include "door/history.h"

#include <signal.h>

/* What helps with a line. */
struct edit_helper {
    void *data;
    bool hints; /* the terminal can show a hint as one */
    /* Tab behind the line: appends what the line becomes. False: there is nothing to say. It may
     * print; the line is drawn again below. */
    bool (*complete)(void *data, struct str line, struct buf *to);
    /* Appends what is to be shown behind the line. */
    void (*hint)(void *data, struct str line, struct buf *to);
};

enum edit_end {
    EDIT_ENTERED,
    EDIT_DROPPED, /* by Ctrl-C */
    EDIT_OVER     /* Ctrl-D on an empty line, the terminal is gone, or a signal ends the program */
};

/* Shows the prompt and has a line edited; text lives until the next call. */
enum edit_end edit_line(const char *prompt, const struct history *h, struct edit_helper *helper,
                        struct str *text);

/* The next byte of the terminal, which is the caller's to make raw; -1: there will be none, or
 * SIGINT or a signal that is to end the program came first. */
int edit_byte(void);

/* From here on SIGINT sets what edit_cancel points to, and SIGTERM, SIGHUP and SIGQUIT are kept for
 * edit_signals_end, so that a terminal is left as it was found; a child that was forked and did not
 * care ends by any of them. */
void edit_signals_begin(void);
volatile sig_atomic_t *edit_cancel(void);
/* The signal that is to end the program; 0: none. */
int edit_signal(void);
/* Puts the signals back, and ends the program where one of them came that is to end it. */
void edit_signals_end(void);

#endif
