/* What is asked of the daemon: an operation, and how it is. */
#ifndef OMG_CLIENT_ASK_H
#define OMG_CLIENT_ASK_H

#include "client/line.h"

/* Fills result with the message that op's row names. *answered: what comes back is the daemon's own
 * word, an error of its included; else it is an error of line_call, with its sentence. */
enum err ask_daemon(struct line *l, enum op op, const void *request, bool patient, struct arena *a,
                    void *result, bool *answered, struct fault *f);

/* Adds at most ASK_CHECKS checks: whether a daemon listens, who it is, and how its services are.
 * There is room for them. */
enum { ASK_CHECKS = 8 };
void ask_doctor(struct line *l, struct doctor_result *r, struct arena *a);

#endif
