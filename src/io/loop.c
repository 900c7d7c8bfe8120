#include "io/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void alarm_came(struct loop *l, struct watch *w, uint32_t events);

enum err loop_open(struct loop *l, struct fault *f)
{
    *l = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC), .now_ns = clock_ns() };
    l->jobs_end = &l->jobs;
    l->alarm = (struct watch){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                               .wanted = EPOLLIN,
                               .ready = alarm_came };
    if (l->epoll >= 0 && l->alarm.fd >= 0 && loop_add(l, &l->alarm) == OK) return OK;
    enum err e = fail_errno(f, "cannot wait for events");
    loop_close(l);
    return e;
}

void loop_close(struct loop *l)
{
    if (l->epoll >= 0) close(l->epoll);
    if (l->alarm.fd >= 0) close(l->alarm.fd);
    l->epoll = l->alarm.fd = -1;
}

uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- descriptors ------------------------------------------------------------------------- */

enum err loop_add(struct loop *l, struct watch *w)
{
    struct epoll_event e = { .events = w->wanted, .data.ptr = w };
    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &e) == 0 ? OK : ERR_IO;
}

void loop_want(struct loop *l, struct watch *w, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = w };
    if (w->wanted == events) return;
    w->wanted = events;
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &e);
}

void loop_remove(struct loop *l, struct watch *w)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    for (size_t i = 0; i < l->pending_len; i++)
        if (l->pending[i] == w) l->pending[i] = NULL;
}

/* --- timers: a list in the order in which they are due ------------------------------------ */

void timer_clear(struct loop *l, struct timer *t)
{
    if (!t->set) return;
    *(t->before ? &t->before->after : &l->first) = t->after;
    *(t->after ? &t->after->before : &l->last) = t->before;
    t->set = false;
}

void timer_set(struct loop *l, struct timer *t, uint64_t due_ns)
{
    timer_clear(l, t);
    struct timer *before = l->last;
    while (before && before->due_ns > due_ns) before = before->before;
    t->due_ns = due_ns;
    t->set = true;
    t->before = before;
    t->after = before ? before->after : l->first;
    *(t->after ? &t->after->before : &l->last) = t;
    *(before ? &before->after : &l->first) = t;
}

static void alarm_came(struct loop *l, struct watch *w, uint32_t events)
{
    uint64_t times, now = clock_ns();
    (void)events;
    if (read(w->fd, &times, sizeof times) < 0) return;
    l->alarm_ns = 0;
    while (l->first && l->first->due_ns <= now) {
        struct timer *t = l->first;
        timer_clear(l, t);
        t->fire(l, t);
    }
}

/* Sets the alarm where it would come too late; one that comes too early finds nothing to do and is
 * set again. */
static void set_alarm(struct loop *l)
{
    if (!l->first || (l->alarm_ns && l->alarm_ns <= l->first->due_ns)) return;
    l->alarm_ns = l->first->due_ns ? l->first->due_ns : 1; /* 0 would be never */
    struct itimerspec at = { .it_value = { .tv_sec = (time_t)(l->alarm_ns / 1000000000),
                                           .tv_nsec = (long)(l->alarm_ns % 1000000000) } };
    timerfd_settime(l->alarm.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* --- work put off ------------------------------------------------------------------------ */

void job_put_off(struct loop *l, struct job *j)
{
    if (j->queued) return;
    j->queued = true;
    j->next = NULL;
    *l->jobs_end = j;
    l->jobs_end = &j->next;
}

void job_clear(struct loop *l, struct job *j)
{
    if (!j->queued) return;
    struct job **at = &l->jobs;
    while (*at != j) at = &(*at)->next;
    *at = j->next;
    if (l->jobs_end == &j->next) l->jobs_end = at;
    j->queued = false;
}

/* The jobs that are queued now; those that they put off in turn have to wait. */
static void run_jobs(struct loop *l)
{
    struct job fence = { 0 };
    if (!l->jobs) return;
    job_put_off(l, &fence);
    while (l->jobs != &fence) {
        struct job *j = l->jobs;
        job_clear(l, j);
        j->run(l, j);
    }
    job_clear(l, &fence);
}

/* --- turns ------------------------------------------------------------------------------- */

void loop_turn(struct loop *l, int most_ms)
{
    struct epoll_event events[LOOP_EVENTS];
    set_alarm(l);
    int n = epoll_wait(l->epoll, events, LOOP_EVENTS, l->jobs ? 0 : most_ms);
    l->now_ns = clock_ns();
    l->pending_len = n > 0 ? (size_t)n : 0;
    for (size_t i = 0; i < l->pending_len; i++) l->pending[i] = events[i].data.ptr;
    for (size_t i = 0; i < l->pending_len; i++) {
        struct watch *w = l->pending[i];
        l->pending[i] = NULL;
        if (w) w->ready(l, w, events[i].events);
    }
    l->pending_len = 0;
    run_jobs(l);
}

void loop_run(struct loop *l)
{
    while (!l->stopped) loop_turn(l, -1);
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

/* --- signals ----------------------------------------------------------------------------- */

enum err signals_open(const int *numbers, size_t count, int *fd, struct fault *f)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, numbers[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return fail_errno(f, "cannot block signals");
    *fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return *fd < 0 ? fail_errno(f, "cannot wait for signals") : OK;
}

int signals_take(int fd)
{
    struct signalfd_siginfo s;
    return read(fd, &s, sizeof s) == sizeof s ? (int)s.ssi_signo : 0;
}
