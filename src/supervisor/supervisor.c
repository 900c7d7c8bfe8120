#include "supervisor/supervisor.h"

#include "io/stream.h"
#include "supervisor/notify.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    HOUSE_MOST = 1 << 20,
    STOP_MS = 3000,   /* after which who still lives is killed */
    BACKOFF_MS = 100, /* before the first new start; doubles with each */
    BACKOFF_MOST_MS = 30000,
    STEADY_MS = 60000, /* who lives this long has not failed */
    DOWN_AFTER = 5,    /* deaths in a row */
};

enum process_id { PROCESS_BROKER, PROCESS_PACKAGES, PROCESSES };

static const struct process_row {
    const char *name, *role;
    bool clean; /* needs no environment */
} rows[PROCESSES] = {
    [PROCESS_BROKER] = { "broker", "omgd: broker", true },
    [PROCESS_PACKAGES] = { "packages", "omgd: packages", false },
};

struct process {
    struct supervisor *s;
    enum process_id id;
    struct child child; /* pidfd is -1 while it does not live */
    struct watch watch;
    struct stream house;
    struct timer again;
    uint64_t started_ns, restarts;
    unsigned failures; /* in a row */
};

struct supervisor {
    struct loop loop;
    struct daemon_options options;
    struct settings settings;
    struct process processes[PROCESSES];
    struct watch signals;
    struct timer patience, rejoin;
    char path[SOCK_PATH_ROOM];
    int listener, lock; /* lock: -1 where the socket was handed over */
    bool stopping;
};

static void say(const struct supervisor *s, uint64_t level, const char *what, const char *how)
{
    if (s->settings.verbose < level) return;
    dprintf(STDERR_FILENO, "omgd: %s%s%s\n", what, *how ? " " : "", how);
}

/* --- telling the processes how the house stands -------------------------------------------- */

static struct service_state state_of(const struct process *p)
{
    bool lives = p->child.pidfd >= 0;
    return (struct service_state){ .name = str_of(rows[p->id].name),
                                   .state = p->s->stopping              ? S("stopped")
                                            : lives                     ? S("running")
                                            : p->failures >= DOWN_AFTER ? S("down")
                                                                        : S("starting"),
                                   .restarts = p->restarts };
}

/* Tells one process; link is its end of a new socket to the broker, or to packages; -1: none. */
static void tell(struct process *p, int link)
{
    struct supervisor *s = p->s;
    struct buf text = buf_make(HOUSE_MOST / 2), frame = buf_make(HOUSE_MOST);
    struct service_state states[] = { state_of(&s->processes[PROCESS_PACKAGES]) };
    if (!stream_is_open(&p->house)) return;
    settings_print(&s->settings, &text);
    struct house_result h = { .settings = buf_view(&text),
                              .link = link >= 0,
                              .services = { states, sizeof states / sizeof *states } };
    struct response r = { .kind = RESPONSE_EVENT, .op = op_row(OP_house)->number, .body = &h };
    size_t at = frame_begin(&frame);
    codec_write_response(&frame, &r);
    frame_end(&frame, at);
    if (stream_send(&p->house, &s->loop, buf_view(&frame), &link, link >= 0 ? 1 : 0))
        say(s, 0, rows[p->id].name, "does not listen any more");
    buf_free(&text);
    buf_free(&frame);
}

/* Both live: a new socket between them, as one of them has none yet. */
static void join(struct supervisor *s)
{
    int fd[2];
    struct process *broker = &s->processes[PROCESS_BROKER];
    struct process *packages = &s->processes[PROCESS_PACKAGES];
    if (broker->child.pidfd < 0 || packages->child.pidfd < 0) return;
    if (stream_pair(fd, NULL)) {
        timer_set(&s->loop, &s->rejoin, clock_ns() + BACKOFF_MS * UINT64_C(1000000));
        return;
    }
    tell(broker, fd[0]);
    tell(packages, fd[1]);
    close(fd[0]);
    close(fd[1]);
}

/* --- starting, and starting again ----------------------------------------------------------- */

static void process_ended(struct loop *l, struct watch *w, uint32_t events);

static void join_again(struct loop *l, struct timer *t)
{
    (void)l;
    join((struct supervisor *)(void *)((char *)t - offsetof(struct supervisor, rejoin)));
}

/* What a process says here is thrown away unread; what it says by its end comes by the pidfd. That
 * the broker says anything means that its link to packages broke while both live. */
static void house_ready(struct loop *l, struct watch *w, uint32_t events)
{
    struct process *p = (struct process *)(void *)((char *)w - offsetof(struct process, house));
    struct supervisor *s = p->s;
    enum err e = events & EPOLLOUT ? stream_flush(&p->house, l) : OK;
    if (!e && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) e = stream_fill(&p->house);
    size_t said = stream_view(&p->house).len;
    stream_taken(&p->house, said);
    if (said && p->id == PROCESS_BROKER && !s->rejoin.set)
        timer_set(l, &s->rejoin, clock_ns() + BACKOFF_MS * UINT64_C(1000000));
    if (!e) return;
    stream_close(&p->house, l); /* who cannot be told anything any more is started anew */
    if (p->child.pidfd >= 0) kill(p->child.pid, SIGKILL);
}

static enum err process_start(struct process *p, struct fault *f)
{
    struct supervisor *s = p->s;
    int pair[2];
    enum err e = stream_pair(pair, f);
    if (e) return e;
    int fds[] = { pair[1], s->listener };
    e = child_start(rows[p->id].role, fds, p->id == PROCESS_BROKER ? 2 : 1, rows[p->id].clean,
                    &p->child, f);
    close(pair[1]);
    if (e) {
        close(pair[0]);
        return e;
    }
    p->started_ns = clock_ns();
    p->watch = (struct watch){ p->child.pidfd, EPOLLIN, process_ended };
    e = stream_open(&p->house, &s->loop, pair[0], HOUSE_MOST, house_ready);
    if (!e) e = loop_add(&s->loop, &p->watch);
    if (!e) return OK;
    stream_close(&p->house, &s->loop);
    kill(p->child.pid, SIGKILL);
    child_end(&p->child);
    return fail(f, e, "the process %s cannot be watched", rows[p->id].name);
}

static void start_later(struct process *p)
{
    uint64_t ms = BACKOFF_MS;
    for (unsigned i = 1; i < p->failures && ms < BACKOFF_MOST_MS; i++) ms *= 2;
    if (ms > BACKOFF_MOST_MS) ms = BACKOFF_MOST_MS;
    timer_set(&p->s->loop, &p->again, clock_ns() + ms * 1000000);
}

static void start_again(struct loop *l, struct timer *t)
{
    struct process *p = (struct process *)(void *)((char *)t - offsetof(struct process, again));
    struct fault f = { "" };
    (void)l;
    p->restarts++;
    if (process_start(p, &f)) {
        say(p->s, 0, f.text, "");
        p->failures++;
        start_later(p);
        return;
    }
    join(p->s);
}

static void stop_if_empty(struct supervisor *s)
{
    for (size_t i = 0; i < PROCESSES; i++)
        if (s->processes[i].child.pidfd >= 0) return;
    loop_stop(&s->loop);
}

static void process_ended(struct loop *l, struct watch *w, uint32_t events)
{
    struct process *p = (struct process *)(void *)((char *)w - offsetof(struct process, watch));
    struct supervisor *s = p->s;
    (void)events;
    loop_remove(l, w);
    struct fault how = child_end(&p->child);
    stream_close(&p->house, l);
    if (s->stopping) {
        stop_if_empty(s);
        return;
    }
    say(s, 0, rows[p->id].name, how.text);
    p->failures = clock_ns() - p->started_ns >= STEADY_MS * UINT64_C(1000000) ? 1 : p->failures + 1;
    start_later(p);
    if (p->id != PROCESS_BROKER) tell(&s->processes[PROCESS_BROKER], -1);
}

/* --- signals ----------------------------------------------------------------------------- */

static void kill_all(struct loop *l, struct timer *t)
{
    struct supervisor *s =
        (struct supervisor *)(void *)((char *)t - offsetof(struct supervisor, patience));
    (void)l;
    for (size_t i = 0; i < PROCESSES; i++)
        if (s->processes[i].child.pidfd >= 0) kill(s->processes[i].child.pid, SIGKILL);
}

/* A process whose stream from here is closed finishes what it has and ends. The socket goes first:
 * who comes now is not to wait. */
static void stop(struct supervisor *s)
{
    if (s->stopping) return;
    s->stopping = true;
    notify_manager("STOPPING=1");
    say(s, 1, "stopping", "");
    if (s->lock >= 0) unlink(s->path);
    for (size_t i = 0; i < PROCESSES; i++) {
        timer_clear(&s->loop, &s->processes[i].again);
        stream_close(&s->processes[i].house, &s->loop);
    }
    timer_clear(&s->loop, &s->rejoin);
    timer_set(&s->loop, &s->patience, clock_ns() + STOP_MS * UINT64_C(1000000));
    stop_if_empty(s);
}

/* What was said on the command line holds, whatever the settings say. */
static void take_options(struct supervisor *s)
{
    struct str root = s->options.root;
    if (root.len && root.len < SETTING_PATH_ROOM) {
        memcpy(s->settings.daemon_root, root.at, root.len);
        s->settings.daemon_root[root.len] = 0;
    }
    uint64_t least = (uint64_t)s->options.verbose;
    if (s->settings.verbose < least) s->settings.verbose = least > 3 ? 3 : least;
}

static void reload(struct supervisor *s)
{
    struct settings fresh;
    struct fault f;
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)(clock_ns() / 1000));
    notify_manager(state);
    if (settings_read(&fresh, &f)) {
        say(s, 0, f.text, "(the settings stay as they were)");
    } else {
        s->settings = fresh;
        take_options(s);
        for (size_t i = 0; i < PROCESSES; i++) tell(&s->processes[i], -1);
        say(s, 1, "the settings were read again", "");
    }
    notify_manager("READY=1");
}

static void signal_came(struct loop *l, struct watch *w, uint32_t events)
{
    struct supervisor *s =
        (struct supervisor *)(void *)((char *)w - offsetof(struct supervisor, signals));
    int number;
    (void)l;
    (void)events;
    while ((number = signals_take(w->fd))) {
        if (number == SIGHUP) reload(s);
        else stop(s);
    }
}

/* --- beginning --------------------------------------------------------------------------- */

static enum err listen_on(struct supervisor *s, struct fault *f)
{
    struct sock_places places;
    struct str chosen = s->options.socket;
    s->listener = notify_listener();
    if (s->listener >= 0) return OK;
    if (!chosen.len && !getenv("OMG_SOCKET")) chosen = str_of(s->settings.socket);
    enum err e = sock_places(chosen, false, &places, f);
    if (e) return e;
    memcpy(s->path, places.path[0], sizeof s->path);
    return sock_listen(s->path, &s->listener, &s->lock, f);
}

/* From here on a signal is something to do, so that it leaves no socket behind. */
static enum err take_signals(struct supervisor *s, struct fault *f)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* who ignores it cannot wait, and that is inherited */
    enum err e = loop_open(&s->loop, f);
    if (!e) e = signals_open(numbers, sizeof numbers / sizeof *numbers, &s->signals.fd, f);
    return e ? e : loop_add(&s->loop, &s->signals);
}

static enum err begin(struct supervisor *s, struct fault *f)
{
    enum err e = take_signals(s, f);
    if (!e) e = listen_on(s, f);
    for (size_t i = 0; !e && i < PROCESSES; i++) e = process_start(&s->processes[i], f);
    if (!e) join(s);
    return e;
}

/* Nobody reads the log: that is no reason to stop. What it does not take at once is lost, for all
 * processes of the house. It is opened anew, as others may use the terminal or file too; a socket
 * cannot be, but is ours alone. */
static void never_wait_for_log(void)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        dup2(fd, STDERR_FILENO);
        close(fd);
    } else if (errno == ENXIO) {
        fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK);
    }
}

/* Whoever waits for the end of what the caller's terminal or pipe takes is not to wait for us, nor
 * for the processes that inherit from us. */
static void let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; null >= 0 && i < 3; i++) dup2(null, i);
    if (null > 2) close(null);
}

/* For --detach: the caller waits until clients are served, and gets the sentence where they are
 * not. Gives true in the process that goes on; told is where to write when it is so far. */
static bool detach(int *told, enum err *e, struct fault *f)
{
    struct {
        enum err e;
        struct fault f;
    } word = { ERR_INTERNAL, { "the daemon ended before it began" } };
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        *e = fail_errno(f, "cannot start the daemon");
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        setsid();
        if (chdir("/") != 0) close(ends[1]); /* there always is one; no file system is held */
        let_go();
        *told = ends[1];
        return true;
    }
    close(ends[1]);
    if (pid > 0 && read(ends[0], &word, sizeof word) != sizeof word) word.e = ERR_INTERNAL;
    close(ends[0]);
    *e = word.e;
    if (*e) *f = word.f;
    return false;
}

/* Tells the one who waits. */
static void detached(int told, enum err e, const struct fault *f)
{
    struct {
        enum err e;
        struct fault f;
    } word = { e, *f };
    ssize_t n = write(told, &word, sizeof word);
    (void)n; /* whoever waited is gone: so be it */
    close(told);
}

enum err daemon_run(const struct daemon_options *o, struct fault *f)
{
    static struct supervisor s;
    int told = -1;
    enum err e = OK;
    descriptors_close(3 + notify_count()); /* who waits on an inherited pipe would wait for ever */
    if (o->detach && !detach(&told, &e, f)) return e;
    s = (struct supervisor){ .options = *o,
                             .settings = o->settings,
                             .signals = { -1, EPOLLIN, signal_came },
                             .patience.fire = kill_all,
                             .rejoin.fire = join_again,
                             .listener = -1,
                             .lock = -1 };
    for (enum process_id i = 0; i < PROCESSES; i++)
        s.processes[i] =
            (struct process){ .s = &s, .id = i, .child.pidfd = -1, .again.fire = start_again };
    take_options(&s);
    never_wait_for_log();
    e = begin(&s, f);
    if (told >= 0) detached(told, e, f);
    if (e && s.listener >= 0 && s.lock >= 0) {
        unlink(s.path);
        sock_unlock(s.path, s.lock);
    }
    if (e && told >= 0) _exit(err_row(e)->exit_status); /* who waited has the sentence */
    if (e) return e;
    say(&s, isatty(STDERR_FILENO) ? 0 : 1, "serving on",
        s.lock >= 0 ? s.path : "the socket that was handed over");
    notify_manager("READY=1");
    loop_run(&s.loop);
    if (s.lock >= 0) sock_unlock(s.path, s.lock);
    return OK;
}
