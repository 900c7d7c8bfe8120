#include "io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST = 3, FDS_MOST = 8 };

/* The descriptors become 3, 4 and so on. They are moved out of that range first, so that none is
 * overwritten before its turn. */
static bool place(const int *fds, size_t count)
{
    int high[FDS_MOST];
    for (size_t i = 0; i < count; i++)
        if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST + FDS_MOST)) < 0) return false;
    for (size_t i = 0; i < count; i++)
        if (dup2(high[i], FIRST + (int)i) < 0) return false;
    return true;
}

void descriptors_close(int from)
{
    unsigned first = (unsigned)from;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int i = from; i < most; i++) close(i);
}

/* The program as it was when it was started, even where another version has taken its name since;
 * without /proc by the name it was started under. */
static void become(const char *role, char **environment)
{
    char *argv[] = { (char *)(uintptr_t)role, NULL };
    execve("/proc/self/exe", argv, environment);
    const char *name = (const char *)getauxval(AT_EXECFN);
    if (name) execve(name, argv, environment);
}

__attribute__((noreturn)) static void child(const char *role, const int *fds, size_t count,
                                            bool clean, pid_t parent)
{
    extern char **environ;
    char *nothing[] = { NULL };
    sigset_t none;
    sigemptyset(&none);
    signal(SIGINT, SIG_IGN); /* a terminal sends these to all of its programs, */
    signal(SIGHUP, SIG_IGN); /* and it is the parent who decides */
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent && place(fds, count)) {
        descriptors_close(FIRST + (int)count);
        become(role, clean ? nothing : environ);
    }
    _exit(127);
}

enum err child_start(const char *role, const int *fds, size_t count, bool clean, struct child *c,
                     struct fault *f)
{
    pid_t parent = getpid(), pid;
    if (count > FDS_MOST) return fail(f, ERR_INTERNAL, "too many descriptors for '%s'", role);
    pid = fork();
    if (pid == 0) child(role, fds, count, clean, parent);
    if (pid < 0) return fail_errno(f, "cannot start '%s'", role);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        enum err e = fail_errno(f, "cannot watch over '%s'", role);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return e;
    }
    fcntl(pidfd, F_SETFD, FD_CLOEXEC);
    *c = (struct child){ pid, pidfd };
    return OK;
}

struct fault child_end(struct child *c)
{
    struct fault said;
    int status = 0;
    pid_t got;
    while ((got = waitpid(c->pid, &status, 0)) < 0 && errno == EINTR) continue;
    if (got < 0) fault_print(&said, "is gone");
    else if (WIFSIGNALED(status)) fault_print(&said, "was ended by signal %d", WTERMSIG(status));
    else fault_print(&said, "ended with status %d", WEXITSTATUS(status));
    close(c->pidfd);
    *c = (struct child){ .pidfd = -1 };
    return said;
}
