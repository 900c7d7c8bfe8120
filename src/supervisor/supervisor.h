/* The daemon: binds and listens, starts the other processes of the house, watches over them, and
 * stops them. It parses nothing that comes from outside, not even from its own processes: it tells
 * them what they have to know and looks only at whether they live. */
#ifndef OMG_SUPERVISOR_SUPERVISOR_H
#define OMG_SUPERVISOR_SUPERVISOR_H

#include "base/settings.h"

struct daemon_options {
    struct settings settings;
    struct str socket; /* instead of that of the settings; empty: that one */
    struct str root;   /* instead of daemon.root; empty: that one */
    int verbose;       /* at least this much, whatever the settings say */
    bool detach;       /* return to the caller once clients are served, and go on alone */
};

/* Serves until it is told to end. The fault says why it could not begin. */
enum err daemon_run(const struct daemon_options *o, struct fault *f);

#endif
