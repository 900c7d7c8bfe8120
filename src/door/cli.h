/* The command line: words to a request, an operation, its result to text or JSON. It knows no
 * operation by name but where people expect more than an answer (see answers in call.c).
 *
 * A run is cli_begin, cli_choose, the command's main, cli_end; one process may make many of them
 * with one struct cli, and they share the client that call_client opened. */
#ifndef OMG_DOOR_CLI_H
#define OMG_DOOR_CLI_H

#include "base/buf.h"
#include "base/settings.h"
#include "client/client.h"
#include "door/args.h"

#include <signal.h>

struct command;

/* Exit statuses that are no error's. */
enum { STATUS_NOTHING = 1, STATUS_PROBLEM = 10, STATUS_INTERRUPTED = 130 };

/* What standard output is. */
struct screen {
    bool terminal, colour;
    size_t width, rows; /* 0 where there is no terminal */
    enum form form;     /* FORM_AUTO until a command decides */
};

/* The client that runs share, and what it was opened with. */
struct kept {
    struct client *client; /* NULL: none */
    struct client_options options;
    struct buf texts; /* of the options, which live as long as the client */
};

struct cli {
    struct args args;            /* words[0] is the command */
    const struct args *standing; /* options that hold where args has none; NULL: none */
    struct settings settings;
    struct screen screen;
    struct buf out; /* all that goes to standard output, in one write at the end */
    struct kept kept;
    uint64_t call_ns; /* how long this run's calls took, and how many they were */
    size_t calls;
    bool timed;                          /* the shell is to tell how long this run took */
    bool shell, over;                    /* runs are lines of a shell; which is to end */
    const volatile sig_atomic_t *cancel; /* the user wants the run to end; NULL: never */
};

/* Gives the exit status. */
typedef int command_main(struct cli *c, const struct command *command);

/* daemon_main is omg.c's: a door may not know the supervisor. */
command_main daemon_main;
command_main op_main, words_main, ping_main, schema_main, completion_main, version_main, help_main,
    names_main, shell_main, time_main, exit_main;

/* Parses words and settings and looks at the terminal; c is all zero before the first run. */
enum err cli_begin(struct cli *c, size_t count, char **words, struct fault *f);

/* The command that the first word names; --version and --help count before it. ERR_INVALID_PARAMS
 * for options and forms that it does not have. */
enum err cli_choose(struct cli *c, struct command *command, struct fault *f);

/* Refuses operands, and options of requests, where a command has neither. */
enum err cli_no_operands(const struct cli *c, const struct command *command, struct fault *f);

/* Writes c->out. The exit status: that given, or another where it could not be written. A reader
 * who went away is no error. */
int cli_end(struct cli *c, int status);

/* Gives back all that runs share. */
void cli_close(struct cli *c);

/* Says an error in one line on standard error, and with --json on standard output too. remedy is
 * a sentence of its own; NULL for the table's. Gives the exit status. */
int cli_error(struct cli *c, enum err e, const struct fault *f, const char *remedy);

static inline bool cli_cancelled(const struct cli *c)
{
    return c->cancel && *c->cancel;
}

#endif
