#include "base/power.h"

#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCH AUDIT_ARCH_RISCV64
#elif defined(__arm__)
#define THIS_ARCH AUDIT_ARCH_ARM
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* landlock(7): everything that version 1 of the interface knows, and of that what reads. */
#define HANDLED (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)
#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

static int ruleset_make(void)
{
    struct landlock_ruleset_attr attr = { .handled_access_fs = HANDLED };
    return (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
}

static void ruleset_allow(int ruleset, int path)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = READING, .parent_fd = path };
    struct stat st;
    if (fstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void ruleset_enter(int ruleset)
{
    syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
}

enum err power_confine(int root, const struct str *paths, size_t count, struct fault *f)
{
    char path[4096];
    int ruleset = ruleset_make();
    enum err e = OK;
    if (ruleset < 0) return OK;
    for (size_t i = 0; i < count; i++) {
        if (!paths[i].len || paths[i].len >= sizeof path) continue;
        memcpy(path, paths[i].at, paths[i].len);
        path[paths[i].len] = 0;
        int fd = file_open(root, path, O_PATH);
        bool absent = fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES ||
                                 errno == ELOOP || errno == ENAMETOOLONG);
        if (fd < 0 && !absent) e = fail_errno(f, "cannot open %s", path);
        if (fd < 0) continue;
        ruleset_allow(ruleset, fd);
        close(fd);
    }
    ruleset_enter(ruleset);
    return e;
}

/* What a powerless process keeps. */
struct keep {
    bool files;            /* may read files; else it reaches none by name */
    uint32_t capabilities; /* of the first 32 */
    const uint16_t *calls;
    size_t count;
};

static void files_bound(bool reading)
{
    int ruleset = ruleset_make(), root;
    if (ruleset < 0) return;
    root = reading ? open("/", O_PATH | O_CLOEXEC) : -1;
    if (root >= 0) {
        ruleset_allow(ruleset, root);
        close(root);
    }
    ruleset_enter(ruleset);
}

/* Effective and permitted alike; for a user who is not root there is nothing to keep. */
static bool capabilities_keep(uint32_t kept)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[2] = { { 0 } };
    data[0].effective = data[0].permitted = kept;
    return syscall(SYS_capset, &header, data) == 0;
}

static enum err identity_drop(uint32_t uid, uint32_t gid, uint32_t kept, struct fault *f)
{
    if (geteuid() != 0) {
        capabilities_keep(0); /* what a service manager may have lent */
        return OK;
    }
    /* In some containers even root may not change its identity; the rest still holds there. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail_errno(f, "cannot keep capabilities");
    if (setgroups(0, NULL) != 0 && errno != EPERM)
        return fail_errno(f, "cannot leave root's groups");
    if (syscall(SYS_setresgid, gid, gid, gid) != 0 && errno != EPERM && errno != EINVAL)
        return fail_errno(f, "cannot leave root's group");
    if (syscall(SYS_setresuid, uid, uid, uid) != 0 && errno != EPERM && errno != EINVAL)
        return fail_errno(f, "cannot leave root's identity");
    capabilities_keep(kept);
    return OK;
}

/* System calls that reading files, growing memory and ending take. */
static const uint16_t reading_calls[] = {
    SYS_read,
    SYS_pread64,
    SYS_write,
    SYS_writev,
    SYS_lseek,
    SYS_close,
    SYS_fstat,
    SYS_openat,
    SYS_getdents64,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_fcntl,
    SYS_uname,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigreturn,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_clock_gettime,
    SYS_getpid,
    SYS_gettid,
    SYS_landlock_create_ruleset,
    SYS_landlock_add_rule,
    SYS_landlock_restrict_self,
#ifdef SYS_openat2
    SYS_openat2,
#endif
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_open
    SYS_open,
#endif
#ifdef SYS_stat
    SYS_stat,
#endif
};

/* And those that talking over descriptors that are there takes; writev is a failed assert's. */
static const uint16_t talking_calls[] = {
    SYS_read,
    SYS_write,
    SYS_writev,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_accept4,
    SYS_shutdown,
    SYS_getsockopt,
    SYS_close,
    SYS_fstat,
    SYS_fcntl,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait,
    SYS_epoll_ctl,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_clock_gettime,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigreturn,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_getpid,
    SYS_gettid,
    SYS_restart_syscall,
    SYS_timerfd_settime,
};

/* seccomp(2): the lower half of an argument is what the calls below look at; all machines above are
 * little-endian. */
#define LOAD(field)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(k, jt, jf) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, jt, jf)
#define HAS(k, jt, jf)   BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, k, jt, jf)
#define KILL             BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

enum { CALLS_MOST = 64 };

static void calls_bound(const uint16_t *calls, size_t count)
{
#ifdef THIS_ARCH
    static const struct sock_filter head[] = {
        LOAD(arch),
        EQUAL(THIS_ARCH, 1, 0),
        KILL,
        LOAD(nr),
        /* No memory is run as code but what the program began with. */
        EQUAL(SYS_mmap, 1, 0),
        EQUAL(SYS_mprotect, 0, 3),
        LOAD(args[2]),
        HAS(PROT_EXEC, 0, 1),
        KILL,
        LOAD(nr),
        /* No descriptor sends signals to others. */
        EQUAL(SYS_fcntl, 0, 4),
        LOAD(args[1]),
        EQUAL(F_SETOWN, 1, 0),
        EQUAL(F_SETOWN_EX, 0, 1),
        KILL,
        LOAD(nr),
    };
    enum { HEAD = sizeof head / sizeof *head };
    struct sock_filter program[HEAD + CALLS_MOST + 2];
    size_t n = HEAD;
    assert(count <= CALLS_MOST);
    if (SANITIZED) return; /* sanitizers make calls of their own */
    memcpy(program, head, sizeof head);
    for (size_t i = 0; i < count; i++)
        program[n++] = (struct sock_filter)EQUAL(calls[i], (uint8_t)(count - i), 0);
    program[n++] = (struct sock_filter)KILL;
    program[n++] = (struct sock_filter)ALLOW;
    struct sock_fprog filter = { (unsigned short)n, program };
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
#else
    (void)calls;
    (void)count;
#endif
}

static enum err drop(const struct keep *keep, uint32_t uid, uint32_t gid, struct fault *f)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    enum err e = identity_drop(uid, gid, keep->capabilities, f);
    if (e) return e;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno(f, "cannot give up new privileges");
    files_bound(keep->files);
    calls_bound(keep->calls, keep->count);
    return OK;
}

enum err power_drop_to_reading(uint32_t uid, uint32_t gid, struct fault *f)
{
    static const struct keep keep = { true, 1u << CAP_DAC_READ_SEARCH, reading_calls,
                                      sizeof reading_calls / sizeof *reading_calls };
    return drop(&keep, uid, gid, f);
}

enum err power_drop_to_talking(uint32_t uid, uint32_t gid, struct fault *f)
{
    static const struct keep keep = { false, 0, talking_calls,
                                      sizeof talking_calls / sizeof *talking_calls };
    return drop(&keep, uid, gid, f);
}

/* passwd(5): name:password:uid:gid:… */
static bool passwd_find(struct str text, struct str name, uint32_t *uid, uint32_t *gid)
{
    struct str line, field;
    while (str_cut(&text, '\n', &line)) {
        uint64_t u, g;
        if (!str_cut(&line, ':', &field) || !str_eq(field, name)) continue;
        if (!str_cut(&line, ':', &field) || !str_cut(&line, ':', &field) || !str_u64(field, &u))
            return false;
        if (!str_cut(&line, ':', &field) || !str_u64(field, &g)) return false;
        if (u == 0 || g == 0 || u > INT32_MAX || g > INT32_MAX) return false;
        *uid = (uint32_t)u;
        *gid = (uint32_t)g;
        return true;
    }
    return false;
}

bool power_user(uint32_t *uid, uint32_t *gid)
{
    enum { NOBODY = 65534, MOST = 1 << 20 };
    struct buf text = buf_make(MOST);
    *uid = *gid = NOBODY;
    bool own = false;
    if (!file_read(AT_FDCWD, "/etc/passwd", &text, NULL)) {
        own = passwd_find(buf_view(&text), S("omg"), uid, gid);
        if (!own) passwd_find(buf_view(&text), S("nobody"), uid, gid);
    }
    buf_free(&text);
    return own;
}

struct str power_missing(void)
{
    int ruleset = ruleset_make();
    bool seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
    if (ruleset >= 0) close(ruleset);
    return ruleset < 0 ? (seccomp ? S("Landlock") : S("Landlock and seccomp"))
           : seccomp   ? S("")
                       : S("seccomp");
}
