#include "base/guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GUARDS = 16 };

/* A signal handler has no other way to its data. */
static struct str guarded[GUARDS];
static volatile sig_atomic_t lost;
static uintptr_t page; /* bytes */

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    const char *at = info->si_addr;
    for (size_t i = 0; i < GUARDS; i++) {
        struct str g = guarded[i];
        if (!g.at || at < g.at || at >= g.at + g.len) continue;
        void *start = (void *)((uintptr_t)at & ~(page - 1));
        void *zeros = mmap(start, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros == MAP_FAILED) break;
        lost = 1;
        return;
    }
    signal(number, SIG_DFL); /* comes again at once and ends the process */
}

void guard_add(struct str map)
{
    static size_t next;
    static bool installed;
    if (!map.at) return;
    if (!installed) {
        page = (uintptr_t)sysconf(_SC_PAGESIZE);
        struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
        sigaction(SIGBUS, &action, NULL);
        installed = true;
    }
    for (size_t i = 0; i < GUARDS && guarded[next % GUARDS].at; i++) next++;
    guarded[next++ % GUARDS] = map;
}

void guard_remove(struct str map)
{
    for (size_t i = 0; i < GUARDS; i++)
        if (guarded[i].at == map.at) guarded[i] = STR_NONE;
}

bool guard_lost(void)
{
    bool was = lost;
    lost = 0;
    return was;
}
