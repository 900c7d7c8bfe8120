#include "door/pager.h"

#include "base/file.h"
#include "door/edit.h"
#include "wire/pen.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

/* --- how long it is ---------------------------------------------------------------------- */

/* The sequence for a style (ESC [ … m) at the front of s; 0: there is none. */
static size_t style_length(struct str s)
{
    size_t n = 2;
    if (!str_starts(s, S("\033["))) return 0;
    while (n < s.len && (ascii_digit(s.at[n]) || s.at[n] == ';')) n++;
    return n < s.len && s.at[n] == 'm' ? n + 1 : 0;
}

static size_t line_rows(struct str line, size_t width)
{
    size_t columns = 0;
    while (line.len) {
        size_t escape = str_chr(line, '\033'), style;
        columns += pen_columns(str_head(line, escape));
        line = str_from(line, escape);
        style = style_length(line);
        line = str_from(line, style ? style : line.len > 0);
    }
    return width && columns ? (columns + width - 1) / width : 1;
}

size_t pager_rows(struct str text, size_t width)
{
    struct str line;
    size_t rows = 0;
    while (str_cut(&text, '\n', &line)) rows += line_rows(line, width);
    return rows;
}

/* --- another program --------------------------------------------------------------------- */

/* Writes until the reader has had enough. */
static void feed(int fd, struct str text)
{
    while (text.len) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        text = str_from(text, (size_t)n);
    }
}

static bool start(char *const argv[], int in, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t standard;
    sigfillset(&standard);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &standard);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    bool ok = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return ok;
}

/* False where the program cannot be had. Whatever it does to the terminal is undone. */
static bool show_through(char *const argv[], struct str text)
{
    enum { NOT_FOUND = 127, NO_RIGHT = 126 };
    struct termios before;
    int fd[2], status = 0;
    pid_t pid;
    bool known = tcgetattr(STDOUT_FILENO, &before) == 0;
    if (pipe2(fd, O_CLOEXEC) != 0) return false;
    bool started = start(argv, fd[0], &pid);
    close(fd[0]);
    if (started) feed(fd[1], text);
    close(fd[1]);
    if (!started) return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return true;
    if (known) tcsetattr(STDOUT_FILENO, TCSADRAIN, &before);
    return !WIFEXITED(status) ||
           (WEXITSTATUS(status) != NOT_FOUND && WEXITSTATUS(status) != NO_RIGHT);
}

/* --- here -------------------------------------------------------------------------------- */

/* How much of text fits into rows: at least a line. */
static size_t page_length(struct str text, size_t rows, size_t width)
{
    size_t used = 0, taken = 0;
    while (taken < text.len) {
        struct str rest = str_from(text, taken);
        size_t end = str_chr(rest, '\n');
        used += line_rows(str_head(rest, end), width);
        if (used > rows && taken) break;
        taken += end + (end < rest.len);
    }
    return taken;
}

static enum err show_here(const struct screen *s, struct str text, struct fault *f)
{
    enum { CTRL_D = 4 };
    struct termios before, keys;
    size_t page = s->rows > 1 ? s->rows - 1 : 1;
    enum err e = OK;
    int key = ' ';
    if (tcgetattr(STDIN_FILENO, &before) != 0) return write_all(STDOUT_FILENO, text, f);
    keys = before;
    keys.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
    while (!e && text.len && key >= 0 && key != 'q' && key != CTRL_D) {
        size_t n = page_length(text, key == '\n' || key == '\r' ? 1 : page, s->width);
        e = write_all(STDOUT_FILENO, str_head(text, n), f);
        text = str_from(text, n);
        if (e || !text.len) break;
        write_all(STDOUT_FILENO, S("\033[7m-- more --\033[0m"), NULL);
        key = edit_byte();
        write_all(STDOUT_FILENO, S("\r\033[K"), NULL);
    }
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    return e;
}

/* What may not run for a user who got root's power lent to be root's: whatever less can be told to
 * start by its environment or its keys (less(1), SECURITY). */
static void restrict_less(void)
{
    static const char *const others[] = { "LESSOPEN", "LESSCLOSE", "LESSSECURE_ALLOW" };
    setenv("LESSSECURE", "1", 1);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) unsetenv(others[i]);
}

/* Whether root's power was lent, by sudo(8) or pkexec(1), to somebody whose environment may have
 * come along. */
static bool power_is_lent(void)
{
    return geteuid() == 0 && (getenv("SUDO_UID") || getenv("PKEXEC_UID"));
}

enum err pager_show(const struct screen *s, struct str text, struct fault *f)
{
    static char shell[] = "sh", option[] = "-c", less[] = "less", less_options[] = "-FRX";
    const char *chosen = getenv("PAGER");
    char command[1024];
    bool none = chosen && (!*chosen || str_eq(str_of(chosen), S("cat")));
    if (!s->terminal || !s->rows || none || pager_rows(text, s->width) < s->rows)
        return write_all(STDOUT_FILENO, text, f);
    if (power_is_lent()) {
        restrict_less();
        chosen = NULL;
    }
    setenv("LESS", "FRX", 0); /* for a $PAGER that is less: colours, and no paging of one screen */
    if (chosen && strlen(chosen) < sizeof command) {
        memcpy(command, chosen, strlen(chosen) + 1);
        if (show_through((char *[]){ shell, option, command, NULL }, text)) return OK;
    }
    if (show_through((char *[]){ less, less_options, NULL }, text)) return OK;
    return show_here(s, text, f);
}
