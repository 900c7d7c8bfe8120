/* What a process can still do once it has given up its power: each system call is tried in a child
 * of its own, which has to be ended by SIGSYS for those that nobody needs. Built as the release is,
 * as sanitizers make calls of their own and go without the filter. */
#include "base/power.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TALKING = 1, READING = 2, NEITHER = 0, BOTH = 3, FAILED = 1, SECONDS = 20 };

/* What the children find: made before they are. */
static int listener, pair[2], file, folder;
static char *page;
static char folder_name[] = "/tmp/confined-XXXXXX";
static bool landlock;

/* Each tries one thing, and gives whether it worked where it is allowed. */
typedef bool try_fn(void);

/* --- what is forbidden: harmless even where it is not -------------------------------------- */

#define CALL(name)                                                                                 \
    static bool try_##name(void)                                                                   \
    {                                                                                              \
        return syscall(SYS_##name, 0, 0, 0, 0, 0, 0) != 0 || true;                                 \
    }
#include "calls.def"
#undef CALL

static bool try_execve_of_a_program(void)
{
    char *argv[] = { (char[]){ "true" }, NULL }, *environment[] = { NULL };
    return execve("/bin/true", argv, environment) != 0 || true;
}

static bool try_another_users_signal(void)
{
    return syscall(SYS_kill, getppid(), 0) == 0 || true;
}

static bool try_being_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 || true;
}

static bool try_mapping_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) || true;
}

static bool try_making_code(void)
{
    return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 || true;
}

static bool try_signals_by_descriptor(void)
{
    return fcntl(pair[0], F_SETOWN, getpid()) == 0 || true;
}

#if defined(__x86_64__)
static bool try_another_abi(void)
{
    return syscall(0x40000000 | SYS_getpid) != 0 || true;
}
#endif

/* --- what has to work ---------------------------------------------------------------------- */

static bool try_accepting(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    return fd >= 0 && close(fd) == 0;
}

static bool try_talking(void)
{
    char c;
    return write(pair[0], "x", 1) == 1 && read(pair[1], &c, 1) == 1 && c == 'x';
}

static bool try_passing_descriptors(void)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .room = { 0 } };
    char byte = 'x';
    struct iovec part = { &byte, 1 };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = control.room,
                        .msg_controllen = sizeof control.room };
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &file, sizeof file);
    return sendmsg(pair[0], &m, MSG_NOSIGNAL) == 1 && recvmsg(pair[1], &m, MSG_CMSG_CLOEXEC) == 1;
}

static bool try_memory(void)
{
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return false;
    at[0] = 1;
    return mprotect(at, 4096, PROT_READ) == 0 && munmap(at, 4096) == 0;
}

static bool try_reading_what_is_open(void)
{
    char c;
    struct stat st;
    return read(file, &c, 1) == 1 && fstat(file, &st) == 0;
}

static bool try_opening(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && close(fd) == 0;
}

/* It may be tried, and is refused; without Landlock only where the file's own mode says so. */
static bool try_writing_to_files(void)
{
    int there = open("/etc/passwd", O_WRONLY | O_CLOEXEC), why = errno;
    int made = openat(folder, "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return there < 0 && (why == EACCES || why == EPERM || why == EROFS) && (made < 0 || !landlock);
}

static const struct row {
    const char *what;
    try_fn *try;
    unsigned may; /* which kinds of process */
} rows[] = {
    { "connections are accepted", try_accepting, TALKING },
    { "bytes go both ways", try_talking, BOTH },
    { "descriptors are passed", try_passing_descriptors, TALKING },
    { "memory comes and goes", try_memory, BOTH },
    { "open files are read", try_reading_what_is_open, BOTH },
    { "files are opened", try_opening, READING },
    { "files are not written", try_writing_to_files, READING },
    { "no program is run", try_execve_of_a_program, NEITHER },
    { "no parent is signalled", try_another_users_signal, NEITHER },
    { "dumpable it never is again", try_being_dumpable, NEITHER },
    { "no code is mapped", try_mapping_code, NEITHER },
    { "no memory becomes code", try_making_code, NEITHER },
    { "no descriptor sends signals", try_signals_by_descriptor, NEITHER },
#if defined(__x86_64__)
    { "no other numbers of calls", try_another_abi, NEITHER },
#endif
#define CALL(name) { "no " #name, try_##name, NEITHER },
#include "calls.def"
#undef CALL
};

/* --- running ------------------------------------------------------------------------------- */

static void make_world(void)
{
    struct sockaddr_un any = { .sun_family = AF_UNIX };
    socklen_t len = sizeof any;
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bool made = bind(listener, (struct sockaddr *)&any, sizeof(sa_family_t)) == 0 &&
                listen(listener, 4096) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
    file = open("/etc/passwd", O_RDONLY);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool has_folder = mkdtemp(folder_name) && chmod(folder_name, 0777) == 0;
    folder = has_folder ? open(folder_name, O_PATH | O_DIRECTORY) : -1;
    landlock = !str_has(power_missing(), S("Landlock"));
    if (!made || file < 0 || page == MAP_FAILED || folder < 0 ||
        getsockname(listener, (struct sockaddr *)&any, &len) != 0) {
        perror("confined");
        exit(FAILED);
    }
}

/* The one to be accepted; it stays open until the process ends. */
static void knock(void)
{
    struct sockaddr_un to;
    socklen_t len = sizeof to;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (getsockname(listener, (struct sockaddr *)&to, &len) != 0 ||
        connect(fd, (struct sockaddr *)&to, len) != 0)
        perror("connect");
}

static void be_nobody(void)
{
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        _exit(FAILED);
}

/* How the child that tried it ended (wait(2)). */
static int ended(const struct row *row, unsigned kind, bool nobody)
{
    uint32_t uid, gid;
    int status = 0;
    knock();
    pid_t pid = fork();
    if (pid == 0) {
        alarm(SECONDS);
        power_user(&uid, &gid);
        if (nobody) be_nobody();
        enum err e = kind == TALKING ? power_drop_to_talking(uid, gid, NULL)
                                     : power_drop_to_reading(uid, gid, NULL);
        _exit(!e && row->try() ? 0 : FAILED);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

static bool is_right(const struct row *row, unsigned kind, int status)
{
    if (row->may & kind) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

int main(void)
{
    static const char *const kinds[] = { [TALKING] = "talking", [READING] = "reading" };
    size_t count = sizeof rows / sizeof *rows, n = 0;
    int failed = 0;
    make_world();
    printf("1..%zu\n", 4 * count);
    for (unsigned kind = TALKING; kind <= READING; kind++) {
        for (size_t i = 0; i < 2 * count; i++) {
            bool nobody = i >= count;
            const struct row *row = &rows[i % count];
            fflush(stdout);
            int status = ended(row, kind, nobody);
            bool right = is_right(row, kind, status);
            printf("%sok %zu - %s%s: %s (status 0x%x)\n", right ? "" : "not ", ++n, kinds[kind],
                   nobody ? " as an ordinary user" : "", row->what, (unsigned)status);
            failed |= !right;
        }
    }
    unlinkat(folder, "made", 0);
    rmdir(folder_name);
    return failed;
}
