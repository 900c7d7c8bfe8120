#include "test.h"

#include "client/line.h"
#include "client/reach.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The daemon is a child that serves one connection after the other, the nth by serve[n - 1], the
 * last of these again and again. What a connection does gets the id of its first request. */
typedef void serve_fn(int fd, uint64_t id);

static char folder[64], path[96];
static pid_t daemon_pid;
static struct arena arena;
static struct line line;
static struct fault fault;

static void put(int fd, const void *bytes, size_t n)
{
    if (send(fd, bytes, n, MSG_NOSIGNAL) < 0) _exit(1);
}

/* The next request's id and operation; ends the child's connection when there is none. */
static bool take(int fd, uint32_t *op, uint64_t *id)
{
    char in[64 << 10];
    size_t len = 0;
    struct str payload;
    while (frame_take((struct str){ in, len }, sizeof in, &payload) != FRAME_WHOLE) {
        ssize_t n = recv(fd, in + len, sizeof in - len, 0);
        if (n <= 0) return false;
        len += (size_t)n;
    }
    return codec_peek(payload, op, id);
}

static void answer(int fd, const struct response *r)
{
    struct buf out = buf_make(64 << 20);
    size_t at = frame_begin(&out);
    codec_write_response(&out, r);
    frame_end(&out, at);
    put(fd, out.at, out.len);
    buf_free(&out);
}

static void pong(int fd, uint64_t id)
{
    const struct ping_result p = { .text = S("pong") };
    answer(fd, &(struct response){ .id = id, .op = OP_ping, .body = &p });
}

static void silence(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) continue;
}

__attribute__((noreturn)) static void be_daemon(int listener, serve_fn *const *serve)
{
    for (size_t n = 0;; n += serve[n + 1] != NULL) {
        uint32_t op;
        uint64_t id;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) _exit(0);
        if (take(fd, &op, &id)) serve[n](fd, id);
        close(fd);
    }
}

static void start(serve_fn *const *serve)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    daemon_pid = fork();
    if (daemon_pid == 0) be_daemon(fd, serve);
    assert_true(daemon_pid > 0);
    close(fd);
}

static void stop(void)
{
    if (daemon_pid > 0) {
        kill(daemon_pid, SIGKILL);
        waitpid(daemon_pid, NULL, 0);
    }
    daemon_pid = 0;
    unlink(path);
}

#define START(...) start((serve_fn *const[]){ __VA_ARGS__, NULL })

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/line-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/omg.sock", folder);
    assert_int_equal(arena_open(&arena, 64 << 20), OK);
    assert_int_equal(line_open(&line, str_of(path), 300, 0, 0, NULL), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    line_close(&line);
    stop();
    rmdir(folder);
    arena_close(&arena);
    return 0;
}

static enum err ping(bool patient)
{
    const struct ping_request q = { 0 };
    struct response r;
    fault.text[0] = 0;
    enum err e = line_call(&line, OP_ping, &q, patient, &arena, &r, &fault);
    if (!e && r.kind == RESPONSE_SUCCESS)
        assert_true(str_eq(((const struct ping_result *)r.body)->text, S("pong")));
    return e;
}

static uint64_t ms_since(uint64_t from)
{
    return (reach_clock() - from) / 1000000;
}

/* --- what a connection does ---------------------------------------------------------------- */

static void honest(int fd, uint64_t id)
{
    uint32_t op;
    do pong(fd, id);
    while (take(fd, &op, &id));
}

static void once(int fd, uint64_t id)
{
    pong(fd, id);
}

static void leave(int fd, uint64_t id)
{
    (void)fd, (void)id;
}

static void say_nothing(int fd, uint64_t id)
{
    (void)id;
    silence(fd);
}

static void half(int fd, uint64_t id)
{
    (void)id;
    put(fd, "\0\0\0\x1c\0\0\0", 7);
    silence(fd);
}

static void too_long(int fd, uint64_t id)
{
    (void)id;
    put(fd, "\xff\xff\xff\xff", 4);
    silence(fd);
}

static void another_id(int fd, uint64_t id)
{
    pong(fd, id + 1);
    silence(fd);
}

static void twice(int fd, uint64_t id)
{
    uint32_t op;
    const struct ping_result p = { .text = S("pong") };
    struct buf out = buf_make(1 << 20);
    do {
        out.len = 0;
        for (int i = 0; i < 2; i++) {
            size_t at = frame_begin(&out);
            codec_write_response(&out, &(struct response){ .id = id, .op = OP_ping, .body = &p });
            frame_end(&out, at);
        }
        put(fd, out.at, out.len);
    } while (take(fd, &op, &id));
}

/* A million answers are more than a read, and more than the room that is there at first. */
static void many_names(int fd, uint64_t id)
{
    enum { NAMES = 200000 };
    static struct str names[NAMES];
    for (size_t i = 0; i < NAMES; i++) names[i] = S("a-name-of-a-package");
    const struct explicit_result x = { .packages = { names, NAMES } };
    answer(fd, &(struct response){ .id = id, .op = OP_explicit, .body = &x });
    silence(fd);
}

static void events_first(int fd, uint64_t id)
{
    const struct ping_result p = { .text = S("not yet") };
    for (uint64_t i = 1; i < 4; i++)
        answer(fd,
               &(struct response){
                   .id = id, .kind = RESPONSE_EVENT, .sequence = i, .op = OP_ping, .body = &p });
    pong(fd, id);
    silence(fd);
}

static void events_only(int fd, uint64_t id)
{
    const struct ping_result p = { .text = S("not yet") };
    for (uint64_t i = 1;; i++) {
        answer(fd,
               &(struct response){
                   .id = id, .kind = RESPONSE_EVENT, .sequence = i, .op = OP_ping, .body = &p });
        usleep(1000);
    }
}

static void leave_late(int fd, uint64_t id)
{
    (void)fd, (void)id;
    usleep(200000);
}

/* --- facts --------------------------------------------------------------------------------- */

static void calls_share_a_connection(void **state)
{
    (void)state;
    START(honest);
    assert_int_equal(ping(true), OK);
    int fd = line.fd;
    for (int i = 0; i < 100; i++) assert_int_equal(ping(true), OK);
    assert_int_equal(line.fd, fd);
    assert_int_equal(line.id, 101);
}

static void nobody_listens(void **state)
{
    (void)state;
    assert_int_equal(ping(true), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, path));
}

static void a_connection_that_was_closed_between_calls_is_made_anew(void **state)
{
    (void)state;
    START(once);
    for (int i = 0; i < 20; i++) {
        uint64_t from = reach_clock();
        assert_int_equal(ping(true), OK);
        assert_in_range(ms_since(from), 0, 100);
        usleep(2000); /* so that the other end has hung up */
    }
}

static void a_lost_call_is_made_again_with_growing_pauses(void **state)
{
    (void)state;
    START(leave, leave, leave, honest);
    uint64_t from = reach_clock();
    line.timeout_ms = 2000;
    assert_int_equal(ping(true), OK);
    assert_in_range(ms_since(from), 70, 600); /* at least half of 20, 40 and 80 */
}

static void a_call_that_is_always_lost_ends(void **state)
{
    (void)state;
    START(leave);
    uint64_t from = reach_clock();
    line.timeout_ms = 5000;
    assert_int_equal(ping(true), ERR_SERVICE_UNAVAILABLE);
    assert_int_equal(line.id, 5);
    assert_in_range(ms_since(from), 100, 2000);
}

static void tries_end_with_the_time(void **state)
{
    (void)state;
    START(leave);
    uint64_t from = reach_clock();
    line.timeout_ms = 30;
    enum err e = ping(true);
    assert_true(e == ERR_SERVICE_UNAVAILABLE || e == ERR_TIMEOUT); /* whichever the last try met */
    assert_in_range(ms_since(from), 0, 600);
}

static void a_change_that_was_sent_is_not_made_again(void **state)
{
    (void)state;
    const struct refresh_request q = { 0 };
    struct response r;
    START(leave, honest);
    assert_int_equal(line_call(&line, OP_refresh, &q, true, &arena, &r, &fault),
                     ERR_SERVICE_UNAVAILABLE);
    assert_int_equal(line.id, 1);
    assert_non_null(strstr(fault.text, "not known"));
}

static void a_change_that_was_not_sent_is(void **state)
{
    (void)state;
    const struct refresh_request q = { 0 };
    struct response r;
    START(once, another_id);
    assert_int_equal(ping(true), OK);
    usleep(20000);
    assert_int_equal(line_call(&line, OP_refresh, &q, true, &arena, &r, &fault), ERR_PARSE);
    assert_int_equal(line.id, 3);
}

static void what_does_not_answer_is_late(void **state)
{
    (void)state;
    static serve_fn *const hung[] = { say_nothing, half };
    for (size_t i = 0; i < 2; i++) {
        start((serve_fn *const[]){ hung[i], NULL });
        uint64_t from = reach_clock();
        line.not_before = 0;
        assert_int_equal(ping(false), ERR_TIMEOUT);
        assert_in_range(ms_since(from), 290, 500);
        assert_int_equal(line.fd, -1);
        stop();
    }
}

static void who_was_late_is_left_alone_for_a_while(void **state)
{
    (void)state;
    START(say_nothing, honest);
    assert_int_equal(ping(false), ERR_TIMEOUT);
    uint64_t from = reach_clock();
    assert_int_equal(ping(false), ERR_TIMEOUT);
    assert_in_range(ms_since(from), 0, 50);
    assert_int_equal(ping(true), OK); /* who has no other way asks all the same */
    assert_int_equal(ping(false), OK);
}

static void what_is_no_answer_ends_the_connection(void **state)
{
    (void)state;
    static serve_fn *const mad[] = { another_id, too_long };
    for (size_t i = 0; i < 2; i++) {
        start((serve_fn *const[]){ mad[i], NULL });
        assert_int_equal(ping(true), ERR_PARSE);
        assert_non_null(strstr(fault.text, path));
        assert_int_equal(line.fd, -1);
        stop();
    }
}

static void more_than_an_answer_is_not_the_next_one(void **state)
{
    (void)state;
    START(twice);
    for (int i = 0; i < 10; i++) assert_int_equal(ping(true), OK);
}

static void an_answer_larger_than_the_room(void **state)
{
    (void)state;
    const struct explicit_request q = { 0 };
    struct response r;
    line.timeout_ms = 20000;
    START(many_names);
    assert_int_equal(line_call(&line, OP_explicit, &q, true, &arena, &r, &fault), OK);
    const struct explicit_result *x = r.body;
    assert_int_equal(x->packages.len, 200000);
    for (size_t i = 0; i < x->packages.len; i++)
        assert_true(str_eq(x->packages.at[i], S("a-name-of-a-package")));
}

static void an_answer_above_the_limit_is_refused_by_its_head(void **state)
{
    (void)state;
    const struct explicit_request q = { 0 };
    struct response r;
    assert_int_equal(line_open(&line, str_of(path), 5000, 1 << 20, 0, NULL), OK);
    START(many_names);
    assert_int_equal(line_call(&line, OP_explicit, &q, true, &arena, &r, &fault), ERR_PARSE);
    assert_int_equal(line.large.room, 0);
}

static void events_are_passed_over(void **state)
{
    (void)state;
    START(events_first);
    assert_int_equal(ping(true), OK);
}

static void events_do_not_put_off_the_end(void **state)
{
    (void)state;
    START(events_only);
    uint64_t from = reach_clock();
    size_t used = arena.used;
    assert_int_equal(ping(true), ERR_TIMEOUT);
    assert_in_range(ms_since(from), 290, 500);
    assert_int_equal(arena.used, used);
}

static void a_new_connection_does_not_put_off_the_end(void **state)
{
    (void)state;
    START(leave_late, say_nothing);
    uint64_t from = reach_clock();
    assert_int_equal(ping(true), ERR_TIMEOUT);
    assert_in_range(ms_since(from), 290, 400);
}

static volatile sig_atomic_t unwanted;

static void note_signal(int number)
{
    unwanted = number;
}

static void a_signal_gives_up_a_call(void **state)
{
    (void)state;
    const struct sigaction heeded = { .sa_handler = note_signal };
    struct sigaction before;
    START(say_nothing);
    line.timeout_ms = 20000;
    line.cancel = &unwanted;
    unwanted = SIGALRM; /* one that came before the wait */
    assert_int_equal(ping(true), ERR_CANCELLED);
    unwanted = 0;
    assert_int_equal(sigaction(SIGALRM, &heeded, &before), 0);
    alarm(1);
    uint64_t from = reach_clock();
    assert_int_equal(ping(true), ERR_CANCELLED);
    assert_in_range(ms_since(from), 0, 5000);
    assert_int_equal(line.fd, -1);
    sigaction(SIGALRM, &before, NULL);
}

static void a_request_above_the_limit_is_not_sent(void **state)
{
    (void)state;
    static char words[100 << 10];
    struct response r;
    memset(words, 'w', sizeof words);
    const struct search_request q = { .query = { words, sizeof words } };
    START(honest);
    assert_int_equal(line_open(&line, str_of(path), 0, 64 << 10, 0, NULL), OK);
    assert_int_equal(line_call(&line, OP_search, &q, true, &arena, &r, &fault), ERR_RESOURCE_LIMIT);
    assert_int_equal(line_open(&line, str_of(path), 0, 0, 0, NULL), OK);
    assert_int_equal(line_call(&line, OP_search, &q, true, &arena, &r, &fault),
                     ERR_SERVICE_UNAVAILABLE);
}

static void another_user_is_not_believed(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    START(honest);
    stop();
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int ready[2], status;
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(chown(folder, 65534, 65534), 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    pid_t pid = fork();
    if (pid == 0) {
        if (setuid(65534) != 0) _exit(1);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 4) != 0) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        int c = accept(fd, NULL, NULL);
        _exit(recv(c, &byte, 1, 0) == 0 ? 42 : 1); /* not a byte comes */
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(ping(true), ERR_FORBIDDEN);
    assert_non_null(strstr(fault.text, "65534"));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    close(ready[0]);
    close(ready[1]);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(calls_share_a_connection),
        test(nobody_listens),
        test(a_connection_that_was_closed_between_calls_is_made_anew),
        test(a_lost_call_is_made_again_with_growing_pauses),
        test(a_call_that_is_always_lost_ends),
        test(tries_end_with_the_time),
        test(a_change_that_was_sent_is_not_made_again),
        test(a_change_that_was_not_sent_is),
        test(what_does_not_answer_is_late),
        test(who_was_late_is_left_alone_for_a_while),
        test(what_is_no_answer_ends_the_connection),
        test(more_than_an_answer_is_not_the_next_one),
        test(an_answer_larger_than_the_room),
        test(an_answer_above_the_limit_is_refused_by_its_head),
        test(events_are_passed_over),
        test(events_do_not_put_off_the_end),
        test(a_new_connection_does_not_put_off_the_end),
        test(a_signal_gives_up_a_call),
        test(a_request_above_the_limit_is_not_sent),
        test(another_user_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
