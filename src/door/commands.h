/* Every command: the rows of commands.def and the operations that can be asked for in words. */
#ifndef OMG_DOOR_COMMANDS_H
#define OMG_DOOR_COMMANDS_H

#include "door/cli.h"

enum power { POWER_NONE, POWER_ALL };

/* Parts of help, in its order. */
enum group { GROUP_PACKAGES, GROUP_DAEMON, GROUP_MORE, GROUP_SHELL, GROUPS };

struct command {
    char name[32];     /* '-' where the operation has '_' */
    char operands[48]; /* "QUERY…" */
    const char *help;  /* empty: not shown */
    command_main *main;
    enum power power;
    enum group group;
    enum op op; /* OP_COUNT for a command that is none */
};

/* The command at a place, counted from 0 in the order in which they are shown, those of the shell
 * last; false behind the last. */
bool command_at(size_t place, struct command *c);

/* ERR_INVALID_PARAMS, with the nearest name, where there is none; shell: those that only the shell
 * has count too. */
enum err command_find(struct str name, bool shell, struct command *c, struct fault *f);

/* Whether a shell runs it: one has given up its power, and is no place for another. */
bool command_in_shell(const struct command *c);

/* The words "a|b" that the first operand may be, and nothing else; empty where it is free. */
struct str command_words(const struct command *c);

/* Whether the operands are names of packages, or parts of them. */
bool command_takes_packages(const struct command *c);

/* The operation behind a command and a word (empty: no word); false where there is none. */
bool command_word(const struct command *c, struct str word, enum op *op);

#endif
