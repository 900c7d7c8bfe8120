#include "test.h"

#include "io/stream.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

struct two {
    struct loop loop;
    struct stream a, b;
};

static void nothing(struct loop *l, struct watch *w, uint32_t events)
{
    (void)l;
    (void)w;
    (void)events;
}

static void two_open(struct two *t)
{
    int fd[2];
    assert_int_equal(loop_open(&t->loop, NULL), OK);
    assert_int_equal(stream_pair(fd, NULL), OK);
    assert_int_equal(stream_open(&t->a, &t->loop, fd[0], LIMIT, nothing), OK);
    assert_int_equal(stream_open(&t->b, &t->loop, fd[1], LIMIT, nothing), OK);
}

static void two_close(struct two *t)
{
    stream_close(&t->a, &t->loop);
    stream_close(&t->b, &t->loop);
    stream_close(&t->b, &t->loop);
    loop_close(&t->loop);
}

/* A descriptor of a file that holds one letter, to tell them apart. */
static int letter(char c)
{
    char name[] = "/tmp/stream-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(pwrite(fd, &c, 1, 0), 1);
    return fd;
}

static char letter_of(int fd)
{
    char c = 0;
    assert_int_equal(pread(fd, &c, 1, 0), 1);
    close(fd);
    return c;
}

static void bytes_arrive_whole_and_in_order(void **state)
{
    struct two t;
    (void)state;
    two_open(&t);
    assert_int_equal(stream_send(&t.a, &t.loop, S("hello "), NULL, 0), OK);
    assert_int_equal(stream_send(&t.a, &t.loop, S("world"), NULL, 0), OK);
    assert_int_equal(stream_fill(&t.b), OK);
    assert_true(str_eq(stream_view(&t.b), S("hello world")));
    stream_taken(&t.b, 6);
    assert_true(str_eq(stream_view(&t.b), S("world")));
    two_close(&t);
}

static void descriptors_arrive_in_order_with_whoever_they_were_sent(void **state)
{
    struct two t;
    int fds[] = { letter('a'), letter('b'), letter('c') };
    (void)state;
    two_open(&t);
    assert_int_equal(stream_send(&t.a, &t.loop, S("1"), fds, 2), OK);
    assert_int_equal(stream_send(&t.a, &t.loop, S("2"), NULL, 0), OK);
    assert_int_equal(stream_send(&t.a, &t.loop, S("3"), fds + 2, 1), OK);
    for (size_t i = 0; i < 3; i++) close(fds[i]);
    assert_int_equal(stream_fill(&t.b), OK);
    assert_true(str_eq(stream_view(&t.b), S("123")));
    for (char c = 'a'; c <= 'c'; c++) assert_int_equal(letter_of(stream_fd(&t.b)), c);
    assert_int_equal(stream_fd(&t.b), -1);
    two_close(&t);
}

static void descriptors_beyond_what_may_wait_come_when_there_is_room(void **state)
{
    enum { MANY = 60 };
    struct two t;
    int seen = 0;
    (void)state;
    two_open(&t);
    for (int i = 0; i < MANY; i++) {
        int fd = letter((char)('A' + i));
        assert_int_equal(stream_send(&t.a, &t.loop, S("x"), &fd, 1), OK);
        close(fd);
    }
    while (seen < MANY) {
        assert_int_equal(stream_fill(&t.b), OK);
        assert_true(t.b.fds_len > 0 && stream_view(&t.b).len == t.b.fds_len);
        while (t.b.fds_len) assert_int_equal(letter_of(stream_fd(&t.b)), 'A' + seen++);
        stream_taken(&t.b, stream_view(&t.b).len);
    }
    two_close(&t);
}

static void who_takes_none_of_them_is_told(void **state)
{
    struct two t;
    int fd = letter('x');
    (void)state;
    two_open(&t);
    for (int i = 0; i < 2 * STREAM_FDS; i++)
        assert_int_equal(stream_send(&t.a, &t.loop, S("x"), &fd, 1), OK);
    close(fd);
    assert_int_equal(stream_fill(&t.b), OK);
    assert_int_equal(stream_fill(&t.b), ERR_RESOURCE_LIMIT);
    two_close(&t);
}

static void descriptors_that_are_lost_are_an_error(void **state)
{
    struct two t;
    struct rlimit all, few;
    int fds[] = { letter('a'), letter('b') };
    (void)state;
    two_open(&t);
    assert_int_equal(stream_send(&t.a, &t.loop, S("x"), fds, 2), OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    few = (struct rlimit){ (rlim_t)dup(0), all.rlim_max };
    close((int)few.rlim_cur++);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0); /* one more, and no second one */
    assert_int_equal(stream_fill(&t.b), ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
    assert_int_equal(dup(0), (int)few.rlim_cur - 1);
    close((int)few.rlim_cur - 1);
    close(fds[0]);
    close(fds[1]);
    two_close(&t);
}

/* The socket takes only so much: the rest waits here, with its descriptors. */
static void what_the_other_does_not_take_waits(void **state)
{
    static char block[64 << 10];
    struct two t;
    int fd = letter('x');
    size_t sent = 0, got = 0;
    (void)state;
    two_open(&t);
    while (!t.a.out.len) {
        assert_int_equal(stream_send(&t.a, &t.loop, (struct str){ block, sizeof block }, NULL, 0),
                         OK);
        sent += sizeof block;
    }
    assert_int_equal(t.a.watch.wanted, EPOLLIN | EPOLLOUT);
    assert_int_equal(stream_send(&t.a, &t.loop, S("end"), &fd, 1), OK);
    sent += 3;
    close(fd);
    while (got < sent) {
        stream_fill(&t.b);
        got += stream_view(&t.b).len;
        if (got == sent) assert_true(str_ends(stream_view(&t.b), S("end")));
        stream_taken(&t.b, stream_view(&t.b).len);
        assert_int_equal(stream_flush(&t.a, &t.loop), OK);
    }
    assert_int_equal(letter_of(stream_fd(&t.b)), 'x');
    assert_int_equal(t.a.watch.wanted, EPOLLIN);
    two_close(&t);
}

static void more_than_may_wait_is_refused_and_the_rest_stays_whole(void **state)
{
    static char block[LIMIT];
    struct two t;
    (void)state;
    two_open(&t);
    enum err e = OK;
    for (int i = 0; !e && i < 10; i++)
        e = stream_send(&t.a, &t.loop, (struct str){ block, sizeof block }, NULL, 0);
    assert_int_equal(e, ERR_RESOURCE_LIMIT);
    assert_true(t.a.out.len <= LIMIT);
    two_close(&t);
}

static void the_others_end_is_an_error_after_its_last_bytes(void **state)
{
    struct two t;
    (void)state;
    two_open(&t);
    assert_int_equal(stream_send(&t.a, &t.loop, S("last"), NULL, 0), OK);
    stream_close(&t.a, &t.loop);
    assert_int_equal(stream_fill(&t.b), ERR_IO);
    assert_true(str_eq(stream_view(&t.b), S("last")));
    two_close(&t);
}

static int descriptors_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void closing_leaves_no_descriptor_open(void **state)
{
    int before = descriptors_open();
    struct two t;
    int fds[] = { letter('a'), letter('b') };
    (void)state;
    two_open(&t);
    for (int i = 0; i < 2 * STREAM_FDS; i++) stream_send(&t.a, &t.loop, S("x"), fds, 2);
    stream_fill(&t.b);
    close(fds[0]);
    close(fds[1]);
    two_close(&t);
    assert_int_equal(descriptors_open(), before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_whole_and_in_order),
        cmocka_unit_test(descriptors_arrive_in_order_with_whoever_they_were_sent),
        cmocka_unit_test(descriptors_beyond_what_may_wait_come_when_there_is_room),
        cmocka_unit_test(who_takes_none_of_them_is_told),
        cmocka_unit_test(descriptors_that_are_lost_are_an_error),
        cmocka_unit_test(what_the_other_does_not_take_waits),
        cmocka_unit_test(more_than_may_wait_is_refused_and_the_rest_stays_whole),
        cmocka_unit_test(the_others_end_is_an_error_after_its_last_bytes),
        cmocka_unit_test(closing_leaves_no_descriptor_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
