#include "test.h"

#include "io/loop.h"

#include <errno.h>

#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

/* What happened, in order, as letters. */
static char said[64];

static void say(char c)
{
    size_t n = strlen(said);
    if (n + 1 < sizeof said) said[n] = c;
}

static struct loop *fresh(struct loop *l)
{
    memset(said, 0, sizeof said);
    assert_int_equal(loop_open(l, NULL), OK);
    return l;
}

struct named {
    struct timer timer;
    struct job job;
    struct watch watch;
    char name;
    struct named *other;
};

static void timer_says(struct loop *l, struct timer *t)
{
    (void)l;
    say(((struct named *)(void *)((char *)t - offsetof(struct named, timer)))->name);
}

static void job_says(struct loop *l, struct job *j)
{
    (void)l;
    say(((struct named *)(void *)((char *)j - offsetof(struct named, job)))->name);
}

static void timers_fire_once_and_in_order(void **state)
{
    struct loop l;
    struct named a[] = { { .name = 'c' }, { .name = 'a' }, { .name = 'b' }, { .name = 'z' } };
    uint64_t now = clock_ns();
    (void)state;
    fresh(&l);
    for (size_t i = 0; i < 4; i++) a[i].timer.fire = timer_says;
    timer_set(&l, &a[0].timer, now + 3);
    timer_set(&l, &a[1].timer, now + 1);
    timer_set(&l, &a[2].timer, now + 2);
    timer_set(&l, &a[3].timer, now + 3600 * 1000 * MS);
    loop_turn(&l, 20);
    loop_turn(&l, 0);
    assert_string_equal(said, "abc");
    timer_clear(&l, &a[3].timer);
    timer_clear(&l, &a[3].timer);
    assert_null(l.first);
    loop_close(&l);
}

static void a_timer_does_not_fire_early(void **state)
{
    struct loop l;
    struct named a = { .name = 'a', .timer.fire = timer_says };
    uint64_t due = clock_ns() + 5 * MS;
    (void)state;
    fresh(&l);
    timer_set(&l, &a.timer, due);
    while (!said[0]) {
        loop_turn(&l, -1);
        if (said[0]) assert_true(clock_ns() >= due);
    }
    loop_close(&l);
}

static void a_timer_that_is_moved_keeps_the_order(void **state)
{
    struct loop l;
    struct named a[50];
    uint64_t now = clock_ns(), random = 1;
    (void)state;
    fresh(&l);
    for (size_t i = 0; i < 50; i++) a[i] = (struct named){ .timer.fire = timer_says, .name = 'x' };
    for (size_t step = 0; step < 5000; step++) {
        random = random * 6364136223846793005u + 1;
        struct timer *t = &a[random >> 33 & 31].timer;
        if (random >> 40 & 3) timer_set(&l, t, now + 3600 * 1000 * MS + (random >> 50));
        else timer_clear(&l, t);
        size_t set = 0, seen = 0;
        for (size_t i = 0; i < 50; i++) set += a[i].timer.set;
        for (struct timer *x = l.first; x; x = x->after, seen++) {
            if (x->after) assert_true(x->due_ns <= x->after->due_ns && x->after->before == x);
            else assert_ptr_equal(l.last, x);
        }
        assert_int_equal(seen, set);
    }
    loop_close(&l);
}

static void job_again(struct loop *l, struct job *j)
{
    say('j');
    job_put_off(l, j);
}

static void a_job_that_puts_itself_off_has_to_wait_for_the_next_turn(void **state)
{
    struct loop l;
    struct job j = { .run = job_again };
    (void)state;
    fresh(&l);
    job_put_off(&l, &j);
    job_put_off(&l, &j);
    loop_turn(&l, 0);
    assert_string_equal(said, "j");
    loop_turn(&l, -1);
    assert_string_equal(said, "jj");
    loop_close(&l);
}

static void a_job_that_was_cleared_does_not_run(void **state)
{
    struct loop l;
    struct named a[] = { { .name = 'a' }, { .name = 'b' }, { .name = 'c' } };
    (void)state;
    fresh(&l);
    for (size_t i = 0; i < 3; i++) {
        a[i].job.run = job_says;
        job_put_off(&l, &a[i].job);
    }
    job_clear(&l, &a[2].job);
    job_clear(&l, &a[0].job);
    job_put_off(&l, &a[0].job);
    loop_turn(&l, 0);
    assert_string_equal(said, "ba");
    loop_close(&l);
}

static void removes_the_other(struct loop *l, struct watch *w, uint32_t events)
{
    struct named *n = (struct named *)(void *)((char *)w - offsetof(struct named, watch));
    (void)events;
    say(n->name);
    loop_remove(l, &n->other->watch);
    loop_remove(l, w);
}

static void an_event_of_a_watch_removed_in_the_same_turn_is_dropped(void **state)
{
    struct loop l;
    int one[2], two[2];
    (void)state;
    fresh(&l);
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    struct named a = { .name = 'x', .watch = { one[0], EPOLLIN, removes_the_other } };
    struct named b = { .name = 'x', .watch = { two[0], EPOLLIN, removes_the_other }, .other = &a };
    a.other = &b;
    assert_int_equal(loop_add(&l, &a.watch), OK);
    assert_int_equal(loop_add(&l, &b.watch), OK);
    assert_int_equal(write(one[1], "1", 1) + write(two[1], "2", 1), 2);
    loop_turn(&l, 0);
    loop_turn(&l, 0);
    assert_string_equal(said, "x");
    for (int i = 0; i < 2; i++) assert_int_equal(close(one[i]) + close(two[i]), 0);
    loop_close(&l);
}

static void signals_are_read_one_by_one(void **state)
{
    static const int numbers[] = { SIGHUP, SIGUSR1 };
    int fd;
    (void)state;
    assert_int_equal(signals_open(numbers, 2, &fd, NULL), OK);
    assert_int_equal(signals_take(fd), 0);
    raise(SIGUSR1);
    assert_int_equal(signals_take(fd), SIGUSR1);
    assert_int_equal(signals_take(fd), 0);
    close(fd);
}

static void ended(struct loop *l, struct watch *w, uint32_t events)
{
    (void)events;
    loop_remove(l, w);
    say('e');
}

/* The program under test started anew would run these tests: it is told by its name not to. */
static void a_childs_end_is_told_in_words(void **state)
{
    struct loop l;
    struct child c;
    (void)state;
    fresh(&l);
    assert_int_equal(child_start("child: ends with 7", NULL, 0, false, &c, NULL), OK);
    struct watch w = { c.pidfd, EPOLLIN, ended };
    assert_int_equal(loop_add(&l, &w), OK);
    while (!said[0]) loop_turn(&l, 10000);
    assert_string_equal(child_end(&c).text, "ended with status 7");
    assert_int_equal(child_start("child: waits", NULL, 0, true, &c, NULL), OK);
    kill(c.pid, SIGKILL);
    assert_string_equal(child_end(&c).text, "was ended by signal 9");
    assert_int_equal(c.pidfd, -1);
    loop_close(&l);
}

static void a_child_has_the_descriptors_it_was_given_and_no_others(void **state)
{
    struct child c;
    int ends[2], other[2];
    char text[2] = "";
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(other), 0); /* inherited by a child that does not close it */
    assert_int_equal(
        child_start("child: tells 3 and 4", (int[]){ other[0], ends[1] }, 2, true, &c, NULL), OK);
    close(ends[1]);
    assert_int_equal(read(ends[0], text, 1), 1);
    assert_string_equal(text, "y");
    child_end(&c);
    close(ends[0]);
    close(other[0]);
    close(other[1]);
}

static bool is_open(int fd)
{
    return lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
}

static int be_child(const char *role)
{
    if (strstr(role, "ends with 7")) return 7;
    if (strstr(role, "waits")) pause();
    bool right = is_open(3) && is_open(4) && !is_open(5) && !is_open(6) && !is_open(7);
    return write(4, right ? "y" : "n", 1) != 1;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_once_and_in_order),
        cmocka_unit_test(a_timer_does_not_fire_early),
        cmocka_unit_test(a_timer_that_is_moved_keeps_the_order),
        cmocka_unit_test(a_job_that_puts_itself_off_has_to_wait_for_the_next_turn),
        cmocka_unit_test(a_job_that_was_cleared_does_not_run),
        cmocka_unit_test(an_event_of_a_watch_removed_in_the_same_turn_is_dropped),
        cmocka_unit_test(signals_are_read_one_by_one),
        cmocka_unit_test(a_childs_end_is_told_in_words),
        cmocka_unit_test(a_child_has_the_descriptors_it_was_given_and_no_others),
    };
    if (argc && !strncmp(argv[0], "child: ", 7)) return be_child(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
