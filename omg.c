/* omg answers questions about the packages of a Linux machine. This file finds the command, by the
 * first word or by the name the program was started under, gives up the power that the command
 * does not need, and runs it. */
#include "broker/broker.h"
#include "door/commands.h"
#include "service/packages.h"
#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Descriptors 0 to 2 that are closed are held by /dev/null, so that no file of ours is given one of
 * them and is written to as if it were standard output. Reading only: printing still fails. */
static void hold_standard_descriptors(void)
{
    struct pollfd fds[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };
    if (poll(fds, 3, 0) <= 0) return;
    for (int i = 0; i < 3; i++)
        if (fds[i].revents & POLLNVAL) open("/dev/null", O_RDONLY);
}

/* Whether the program was started as omgd. */
static bool is_daemon(const char *name)
{
    const char *slash = strrchr(name, '/');
    return str_eq(str_of(slash ? slash + 1 : name), S("omgd"));
}

/* Takes the words. Without any, omgd is the daemon, and omg the shell where somebody sits at a
 * terminal. */
static enum err begin(struct cli *c, int argc, char **argv, struct fault *f)
{
    static char daemon[] = "daemon", shell[] = "shell";
    static char *instead[1];
    enum err e = cli_begin(c, argc > 0 ? (size_t)argc - 1 : 0, argv + (argc > 0), f);
    const struct args *a = &c->args;
    if (e || a->count || a->times[OPTION_version]) return e;
    if (argc > 0 && is_daemon(argv[0])) instead[0] = daemon;
    else if (!a->times[OPTION_help] && c->screen.terminal && isatty(STDIN_FILENO))
        instead[0] = shell;
    if (!instead[0]) return OK;
    c->args.words = instead;
    c->args.count = 1;
    return OK;
}

/* A path as it stays right in another working folder; the paths of a system's own root may have
 * links in them. */
static enum err make_absolute(struct str path, char room[SETTING_PATH_ROOM], struct str *to,
                              struct fault *f)
{
    *to = path;
    if (!path.len || path.at[0] == '/') return OK;
    size_t len = getcwd(room, SETTING_PATH_ROOM) ? strlen(room) : SETTING_PATH_ROOM;
    if (len + path.len + 2 > SETTING_PATH_ROOM)
        return fail(f, ERR_INVALID_PARAMS, "the path '%.*s' is too long",
                    STR_ARG(str_head(path, 64)));
    room[len] = '/';
    memcpy(room + len + 1, path.at, path.len);
    room[len + 1 + path.len] = 0;
    *to = (struct str){ room, len + 1 + path.len };
    return OK;
}

/* Options that mean nothing to a daemon would be thought to be heeded. */
static enum err refuse_options(const struct args *a, struct fault *f)
{
    static const enum option refused[] = { OPTION_no_cache, OPTION_no_daemon, OPTION_timeout };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (a->times[refused[i]])
            return fail(f, ERR_INVALID_PARAMS, "daemon has no option --%s",
                        option_row(refused[i])->name);
    return OK;
}

int daemon_main(struct cli *c, const struct command *command)
{
    static char socket[SETTING_PATH_ROOM], root[SETTING_PATH_ROOM];
    struct daemon_options o = { .settings = c->settings,
                                .verbose = (int)c->args.times[OPTION_verbose],
                                .detach = c->args.times[OPTION_detach] > 0 };
    struct fault f = { "" };
    enum err e = cli_no_operands(c, command, &f);
    prctl(PR_SET_NAME, "omgd");
    if (!e) e = settings_read(&o.settings, &f); /* without words they are not looked at before */
    if (!e) e = refuse_options(&c->args, &f);
    if (!e) e = make_absolute(c->args.value[OPTION_socket], socket, &o.socket, &f);
    if (!e) e = make_absolute(c->args.value[OPTION_root], root, &o.root, &f);
    if (!e) e = daemon_run(&o, &f);
    return e ? cli_error(c, e, &f, NULL) : 0;
}

/* The daemon's processes are this program under another name; the supervisor starts them. */
static const struct {
    const char *name;
    int (*main)(void);
} roles[] = { { "omgd: broker", broker_main }, { "omgd: packages", packages_main } };

int main(int argc, char **argv)
{
    static struct cli c;
    struct command command;
    struct fault f = { 0 };
    int status = 0;

    hold_standard_descriptors();
    for (size_t i = 0; argc > 0 && i < sizeof roles / sizeof *roles; i++)
        if (str_eq(str_of(argv[0]), str_of(roles[i].name))) {
            prctl(PR_SET_NAME, roles[i].name);
            return roles[i].main();
        }
    enum err e = begin(&c, argc, argv, &f);
    if (!e) e = cli_choose(&c, &command, &f);
    if (e) return cli_end(&c, cli_error(&c, e, &f, NULL));
    if (command.power == POWER_NONE) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (command.main) status = command.main(&c, &command);
    status = cli_end(&c, status);
    cli_close(&c);
    return status;
}
