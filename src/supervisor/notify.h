/* What a service manager wants to be told, and what it hands over (sd_notify(3),
 * sd_listen_fds(3)): both are plain environment variables and datagrams. */
#ifndef OMG_SUPERVISOR_NOTIFY_H
#define OMG_SUPERVISOR_NOTIFY_H

#include "base/str.h"

/* Sends state ("READY=1") where $NOTIFY_SOCKET says; nothing where there is none. */
void notify_manager(const char *state);

/* How many descriptors, from 3 on, a service manager has handed over. */
int notify_count(void);

/* The listening socket that was handed over, made non-blocking; -1 where there is none. Takes the
 * variables away, so that no child thinks they are for it. */
int notify_listener(void);

#endif
