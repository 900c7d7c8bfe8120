/* The event loop: descriptors (epoll), timers, signals (signalfd), children (pidfd), and work put
 * off to the next turn. One thread; whoever embeds a watch, timer or job keeps it in place as long
 * as the loop knows it. The loop allocates nothing and owns no descriptor but its own.
 *
 * Callbacks may add, change and remove anything, themselves included. An event that came for a
 * watch which was removed in the same turn is dropped. */
#ifndef OMG_IO_LOOP_H
#define OMG_IO_LOOP_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct watch;
struct timer;
struct job;

/* events are epoll's: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. */
typedef void watch_fn(struct loop *l, struct watch *w, uint32_t events);
typedef void timer_fn(struct loop *l, struct timer *t);
typedef void job_fn(struct loop *l, struct job *j);

/* A descriptor, level-triggered. */
struct watch {
    int fd;
    uint32_t wanted;
    watch_fn *ready;
};

struct timer {
    uint64_t due_ns; /* CLOCK_MONOTONIC */
    timer_fn *fire;
    struct timer *before, *after;
    bool set;
};

struct job {
    job_fn *run;
    struct job *next;
    bool queued;
};

enum { LOOP_EVENTS = 64 };

struct loop {
    int epoll;
    bool stopped;
    uint64_t now_ns; /* when the present turn's events came */
    struct timer *first, *last;
    /* A timerfd_create(2) for the first of them: a time limit in epoll_wait costs more, every turn.
     */
    struct watch alarm;
    uint64_t alarm_ns; /* what it is set to; 0: to nothing */
    struct job *jobs, **jobs_end;
    void *pending[LOOP_EVENTS]; /* watches of this turn that are still to be told */
    size_t pending_len;
};

enum err loop_open(struct loop *l, struct fault *f);
void loop_close(struct loop *l);

/* Runs turns until loop_stop; without watches and timers it waits for ever. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn: what is ready now, timers that are due included, or else what comes within most_ms
 * (-1: for ever); then the jobs that were put off before. */
void loop_turn(struct loop *l, int most_ms);

/* CLOCK_MONOTONIC, in nanoseconds. */
uint64_t clock_ns(void);

/* Begins to watch w->fd for w->wanted. ERR_IO when the kernel refuses. */
enum err loop_add(struct loop *l, struct watch *w);
/* Changes what is watched for; no system call where it is the same. */
void loop_want(struct loop *l, struct watch *w, uint32_t events);
/* Before the descriptor is closed. */
void loop_remove(struct loop *l, struct watch *w);

/* Sets or moves a timer; it fires once, not before due_ns. Many timers of one length cost nothing
 * to keep in order. */
void timer_set(struct loop *l, struct timer *t, uint64_t due_ns);
void timer_clear(struct loop *l, struct timer *t);

/* Runs j once, after the next turn's events; a job that is queued already stays where it is. */
void job_put_off(struct loop *l, struct job *j);
void job_clear(struct loop *l, struct job *j);

/* Blocks these signals and gives a descriptor to watch that says which came (signalfd(2)). */
enum err signals_open(const int *numbers, size_t count, int *fd, struct fault *f);
/* The next signal; 0 when there is none. */
int signals_take(int fd);

/* Closes every descriptor from this one on. */
void descriptors_close(int from);

/* Starts this same program under another name: argv[0] is role, fds become descriptors 3 and up,
 * everything else is closed; with clean the environment is empty. It gets SIGTERM when its parent
 * ends, as long as it keeps its identity (PR_SET_PDEATHSIG in prctl(2)).
 * pidfd gets readable when the child has ended. */
struct child {
    pid_t pid;
    int pidfd;
};
enum err child_start(const char *role, const int *fds, size_t count, bool clean, struct child *c,
                     struct fault *f);
/* Takes the end of a child whose pidfd is readable, in words ("ended by signal 9"); closes it. */
struct fault child_end(struct child *c);

#endif
