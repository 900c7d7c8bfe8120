/* Every command: the rows of commands.def and the operations that can be asked for in words. */
#ifndef OMG_DOOR_COMMANDS_H
#define OMG_DOOR_COMMANDS_H

#include "door/cli.h"

enum power { POWER_NONE, POWER_ALL };

struct command {
    char name[32];     /* '-' where the operation has '_' */
    char operands[48]; /* "QUERY…" */
    const char *help;  /* empty: not shown */
    command_main *main;
    enum power power;
    enum op op; /* OP_COUNT for a command that is none */
};

/* The command at a place, counted from 0 in the order in which they are shown; false behind the
 * last. */
bool command_at(size_t place, struct command *c);

/* ERR_INVALID_PARAMS, with the nearest name, where there is none. */
enum err command_find(struct str name, struct command *c, struct fault *f);

#endif
