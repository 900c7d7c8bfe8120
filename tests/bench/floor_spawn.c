/* Times whole processes, interleaved: floor_spawn ROUNDS EVERY [NAME=VALUE]... PROGRAM
 * [ARGUMENT]...
 * [-- EVERY ...]... runs each command once in every EVERY-th round, from spawn to exit, and prints
 * what it took and the last exit status. Their standard output and error go to /dev/null. */
#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMANDS_MOST = 32, ENVIRON_MOST = 256, ROUNDS_MOST = 10000 };

extern char **environ;

struct command {
    char **argv;
    char *environment[ENVIRON_MOST];
    size_t every, runs;
    uint64_t *wall, *cpu;
    int status;
};

static uint64_t timeval_ns(struct timeval t)
{
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_usec * 1000;
}

static void command_run(struct command *c, const posix_spawn_file_actions_t *quiet)
{
    pid_t pid;
    struct rusage used;
    uint64_t from = clock_ns(CLOCK_MONOTONIC);
    if (posix_spawn(&pid, c->argv[0], quiet, NULL, c->argv, c->environment) != 0)
        die("%s cannot be run", c->argv[0]);
    if (wait4(pid, &c->status, 0, &used) != pid) die("%s is lost", c->argv[0]);
    c->wall[c->runs] = clock_ns(CLOCK_MONOTONIC) - from;
    c->cpu[c->runs++] = timeval_ns(used.ru_utime) + timeval_ns(used.ru_stime);
    if (!WIFEXITED(c->status)) die("%s was killed", c->argv[0]);
}

/* Takes one command off the arguments. */
static char **command_read(struct command *c, char **at)
{
    size_t n = 0;
    c->every = (size_t)strtoul(*at++, NULL, 10);
    for (char **e = environ; *e && n < ENVIRON_MOST / 2; e++) c->environment[n++] = *e;
    for (; *at && strchr(*at, '=') && n < ENVIRON_MOST - 1; at++) c->environment[n++] = *at;
    c->argv = at;
    while (*at && strcmp(*at, "--") != 0) at++;
    if (!c->every || c->argv == at) die("a command is missing");
    if (*at) *at++ = NULL;
    return at;
}

int main(int argc, char **argv)
{
    static struct command commands[COMMANDS_MOST];
    posix_spawn_file_actions_t quiet;
    size_t rounds = argc > 2 ? (size_t)strtoul(argv[1], NULL, 10) : 0, n = 0;
    if (!rounds || rounds > ROUNDS_MOST) die("floor_spawn ROUNDS EVERY PROGRAM...");
    for (char **at = argv + 2; *at && n < COMMANDS_MOST; n++) at = command_read(&commands[n], at);
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < n; i++) {
        commands[i].wall = calloc(rounds, sizeof(uint64_t));
        commands[i].cpu = calloc(rounds, sizeof(uint64_t));
        if (!commands[i].wall || !commands[i].cpu) die("no memory");
        for (int warm = 0; warm < 2; warm++) command_run(&commands[i], &quiet);
        commands[i].runs = 0;
    }
    for (size_t r = 0; r < rounds; r++)
        for (size_t i = 0; i < n; i++)
            if (r % commands[i].every == 0) command_run(&commands[i], &quiet);
    printf("[");
    for (size_t i = 0; i < n; i++) {
        printf("%s{\"runs\": %zu, \"status\": %d, ", i ? ", " : "", commands[i].runs,
               WEXITSTATUS(commands[i].status));
        print_quantiles("wall", commands[i].wall, commands[i].runs);
        printf(", ");
        print_quantiles("cpu", commands[i].cpu, commands[i].runs);
        printf("}");
    }
    printf("]\n");
    return 0;
}
