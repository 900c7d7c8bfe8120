/* The command line: words to a request, an operation, its result to text or JSON. It knows no
 * operation by name but where people expect more than an answer (see cli.c). */
#ifndef OMG_DOOR_CLI_H
#define OMG_DOOR_CLI_H

#include "base/buf.h"
#include "base/settings.h"
#include "door/args.h"

struct command;

/* What standard output is. */
struct screen {
    bool terminal, colour;
    size_t width;   /* columns; 0 where there is no terminal */
    enum form form; /* FORM_AUTO until a command decides */
};

/* One run of omg. */
struct cli {
    struct args args; /* words[0] is the command */
    struct settings settings;
    struct screen screen;
    struct buf out; /* all that goes to standard output, in one write at the end */
};

/* Gives the exit status. */
typedef int command_main(struct cli *c, const struct command *command);

/* daemon_main is omg.c's: a door may not know the supervisor. */
command_main daemon_main;
command_main op_main, schema_main, completion_main, version_main, help_main, names_main;

/* Parses words and settings and looks at the terminal. */
enum err cli_open(struct cli *c, size_t count, char **argv, struct fault *f);

/* Writes c->out. The exit status: that given, or another where it could not be written. A reader
 * who went away is no error. */
int cli_flush(struct cli *c, int status);

/* Says an error in one line on standard error, and with --json on standard output too. remedy is
 * a sentence of its own; NULL for the table's. Gives the exit status. */
int cli_error(struct cli *c, enum err e, const struct fault *f, const char *remedy);

#endif
