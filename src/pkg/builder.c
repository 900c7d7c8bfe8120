#include "pkg/builder.h"

#include "base/file.h"
#include "base/power.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child tells; in memory both share. */
struct word {
    enum err e;
    struct fault fault;
};

enum { CPU_SECONDS = 300 }; /* a build that takes longer will never end */

/* Whoever takes the child over gets no descriptor but those that a build takes. */
static void child_close(const struct build *b, const int fd[3])
{
    int most = fd[0] > fd[1] ? fd[0] : fd[1];
    if (fd[2] > most) most = fd[2];
    if (b->root > most) most = b->root;
    for (int i = 3; i <= most; i++)
        if (i != fd[0] && i != fd[1] && i != fd[2] && i != b->root) close(i);
#ifdef SYS_close_range
    syscall(SYS_close_range, (unsigned)most + 1, ~0u, 0);
#endif
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; null >= 0 && i < 3; i++) dup2(null, i); /* it has nothing to say there */
    if (null > 2) close(null);
}

static enum err child_write(int fd, const struct buf *b, struct fault *f)
{
    if (fd < 0) return OK;
    return write_all(fd, buf_view(b), f);
}

__attribute__((noreturn)) static void child(const struct build *b, const int fd[3], uint32_t uid,
                                            uint32_t gid, struct word *word)
{
    struct build_output out = { buf_make(UINT32_MAX), buf_make(UINT32_MAX), buf_make(UINT32_MAX) };
    struct rlimit seconds = { CPU_SECONDS, CPU_SECONDS };
    static const int ends[] = { SIGBUS, SIGSEGV, SIGPIPE };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) signal(ends[i], SIG_DFL);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to tell */
    setrlimit(RLIMIT_CPU, &seconds);
    child_close(b, fd);
    word->e = power_drop_to_reading(uid, gid, &word->fault);
    if (!word->e) word->e = build_parts(b, &out, &word->fault);
    if (!word->e) word->e = child_write(fd[0], &out.catalogue, &word->fault);
    if (!word->e) word->e = child_write(fd[1], &out.overlay, &word->fault);
    if (!word->e) word->e = child_write(fd[2], &out.text, &word->fault);
    _exit(0);
}

static enum err wait_for(pid_t pid, const struct word *word, bool *again, struct fault *f)
{
    int status;
    *again = false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return fail_errno(f, "cannot wait for the builder of the index");
    if (WIFEXITED(status)) { /* the child may have been taken over: its word is data */
        enum err e = word->e;
        if (e && f) {
            *f = word->fault;
            f->text[sizeof f->text - 1] = 0;
        }
        *again = e == ERR_BUSY;
        return e > ERR_COUNT ? ERR_INTERNAL : e;
    }
    int number = WTERMSIG(status);
    *again = number == SIGBUS; /* a list was cut off while it was mapped */
    if (number == SIGBUS)
        return fail(f, ERR_BUSY, "the package lists changed while they were being read");
    if (number == SIGXCPU || number == SIGKILL)
        return fail(f, ERR_RESOURCE_LIMIT,
                    "building the package index took too much time or memory");
    return fail(f, ERR_INTERNAL, "building the package index ended by signal %d", number);
}

static enum err run_once(const struct build *b, const int fd[3], bool *again, struct fault *f)
{
    uint32_t uid, gid;
    struct word *word =
        mmap(NULL, sizeof *word, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *again = false;
    if (word == MAP_FAILED) return fail(f, ERR_RESOURCE_LIMIT, "no memory to build the index");
    *word = (struct word){ .e = ERR_INTERNAL };
    power_user(&uid, &gid);
    signal(SIGCHLD, SIG_DFL); /* who ignores it cannot wait, and that is inherited */
    pid_t pid = fork();
    if (pid == 0) child(b, fd, uid, gid, word);
    enum err e = pid < 0 ? fail_errno(f, "cannot start the builder of the index")
                         : wait_for(pid, word, again, f);
    munmap(word, sizeof *word);
    return e;
}

enum err builder_run(const struct build *b, const int fd[3], struct fault *f)
{
    bool again;
    enum err e = run_once(b, fd, &again, f);
    return again ? run_once(b, fd, &again, f) : e;
}
