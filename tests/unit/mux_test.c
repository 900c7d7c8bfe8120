#include "test.h"

#include "client/backoff.h"
#include "client/mux.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CALLS = 64 };

/* The other end of a mux's connection, played by the test itself. */
struct peer {
    int fd;
    char in[1 << 20];
    size_t len;
};
static struct peer peer;
static struct mux *mux;

/* What calls ended in, in the order they did. */
static struct {
    uint64_t id;
    enum err e;
    char text[64];
} ended[4096];
static size_t ends;

static void note(struct mux *m, const struct mux_end *end, void *user)
{
    struct response r;
    size_t *count = user;
    assert_true(ends < sizeof ended / sizeof *ended);
    ended[ends].id = end->id;
    ended[ends].e = end->e;
    ended[ends].text[0] = 0;
    if (!end->e) {
        assert_int_equal(mux_read(m, end, &r, NULL), OK);
        const struct ping_result *p = r.body;
        snprintf(ended[ends].text, sizeof ended[ends].text, "%.*s", STR_ARG(p->text));
    }
    ends++;
    if (count) (*count)++;
}

static void open_pair(uint32_t calls, size_t queue_bytes)
{
    int fd[2];
    struct fault f;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    const struct mux_options o = {
        .connected = true, .fd = fd[0], .calls = calls, .queue_bytes = queue_bytes
    };
    assert_int_equal(mux_open(&o, &mux, &f), OK);
    peer = (struct peer){ .fd = fd[1] };
    ends = 0;
}

static int set_up(void **state)
{
    (void)state;
    open_pair(CALLS, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (mux) mux_close(mux);
    if (peer.fd >= 0) close(peer.fd);
    mux = NULL;
    return 0;
}

static enum err ping(uint64_t deadline_ms, uint64_t *id)
{
    const struct ping_request q = { 0 };
    return mux_call(mux, OP_ping, &q, deadline_ms, note, NULL, id);
}

/* Whether a whole request has come; takes it off the front. */
static bool take(uint32_t *op, uint64_t *id, uint64_t *target)
{
    struct str payload;
    for (;;) {
        if (frame_take((struct str){ peer.in, peer.len }, 1 << 20, &payload) == FRAME_WHOLE) break;
        ssize_t n = recv(peer.fd, peer.in + peer.len, sizeof peer.in - peer.len, MSG_DONTWAIT);
        if (n <= 0) return false;
        peer.len += (size_t)n;
    }
    assert_true(codec_peek(payload, op, id));
    if (target) *target = payload.len >= CODEC_HEAD + 8 ? *(const uint8_t *)(payload.at + 12) : 0;
    size_t used = FRAME_HEAD + payload.len;
    memmove(peer.in, peer.in + used, peer.len -= used);
    return true;
}

static void put(struct buf *out, const struct response *r)
{
    size_t at = frame_begin(out);
    codec_write_response(out, r);
    frame_end(out, at);
}

static void put_pong(struct buf *out, uint64_t id, const char *text)
{
    const struct ping_result p = { .text = str_of(text) };
    put(out, &(struct response){ .id = id, .op = OP_ping, .body = &p });
}

static void deliver(struct buf *out)
{
    assert_int_equal(send(peer.fd, out->at, out->len, MSG_NOSIGNAL), out->len);
    buf_free(out);
}

static void pong(uint64_t id, const char *text)
{
    struct buf out = buf_make(1 << 20);
    put_pong(&out, id, text);
    deliver(&out);
}

static void answers_come_in_any_order(void **state)
{
    (void)state;
    uint64_t id[CALLS], got;
    uint32_t op;
    struct buf out = buf_make(1 << 20);
    for (size_t i = 0; i < CALLS; i++) assert_int_equal(ping(0, &id[i]), OK);
    assert_int_equal(mux_pending(mux), CALLS);
    assert_int_equal(mux_turn(mux, 0), OK);
    for (size_t i = 0; i < CALLS; i++) {
        assert_true(take(&op, &got, NULL));
        assert_int_equal(op, OP_ping);
        assert_int_equal(got, id[i]);
    }
    for (size_t i = CALLS; i-- > 0;) {
        char text[16];
        snprintf(text, sizeof text, "%zu", i);
        put_pong(&out, id[i], text);
    }
    deliver(&out);
    assert_int_equal(mux_turn(mux, 1000), OK);
    assert_int_equal(ends, CALLS);
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(ended[i].id, id[CALLS - 1 - i]);
        assert_int_equal(atoi(ended[i].text), CALLS - 1 - i);
    }
    assert_int_equal(mux_pending(mux), 0);
}

static void all_requests_go_in_one_write(void **state)
{
    (void)state;
    uint64_t id;
    char bytes[CALLS * 64];
    for (size_t i = 0; i < CALLS; i++) assert_int_equal(ping(0, &id), OK);
    assert_int_equal(recv(peer.fd, bytes, sizeof bytes, MSG_DONTWAIT), -1);
    mux_turn(mux, 0);
    assert_int_equal(recv(peer.fd, bytes, sizeof bytes, MSG_DONTWAIT),
                     CALLS * (FRAME_HEAD + CODEC_HEAD));
}

static void answers_come_in_pieces(void **state)
{
    (void)state;
    uint64_t id[2];
    struct buf out = buf_make(1 << 20);
    ping(0, &id[0]);
    ping(0, &id[1]);
    mux_turn(mux, 0);
    put_pong(&out, id[0], "one");
    put_pong(&out, id[1], "two");
    for (size_t i = 0; i < out.len; i++) {
        assert_int_equal(send(peer.fd, out.at + i, 1, 0), 1);
        assert_int_equal(mux_turn(mux, 100), OK);
    }
    buf_free(&out);
    assert_int_equal(ends, 2);
    assert_string_equal(ended[0].text, "one");
    assert_string_equal(ended[1].text, "two");
}

static void an_id_is_never_used_twice(void **state)
{
    (void)state;
    uint64_t id, last = 0, got;
    uint32_t op;
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(ping(0, &id), OK);
        assert_true(id != last && id != 0);
        mux_turn(mux, 0);
        assert_true(take(&op, &got, NULL));
        pong(got, "x");
        mux_turn(mux, 100);
        assert_int_equal(ends, i + 1);
        last = id;
    }
    pong(last, "again"); /* answered already */
    assert_int_equal(mux_turn(mux, 100), ERR_SERVICE_UNAVAILABLE);
}

static void an_answer_to_nothing_ends_the_connection(void **state)
{
    (void)state;
    uint64_t id;
    ping(0, &id);
    ping(0, &id);
    mux_turn(mux, 0);
    pong(id + 1000, "surprise");
    assert_int_equal(mux_turn(mux, 100), ERR_SERVICE_UNAVAILABLE);
    assert_int_equal(ends, 2);
    for (size_t i = 0; i < 2; i++) assert_int_equal(ended[i].e, ERR_SERVICE_UNAVAILABLE);
    assert_int_equal(mux_fd(mux), -1);
    assert_int_equal(ping(0, &id), ERR_SERVICE_UNAVAILABLE);
}

static void an_answer_before_the_question_ends_the_connection(void **state)
{
    (void)state;
    static char words[200 << 10];
    uint64_t id;
    memset(words, 'w', sizeof words);
    const struct search_request q = { .query = { words, sizeof words } };
    for (int i = 0; i < 4; i++)
        assert_int_equal(mux_call(mux, OP_search, &q, 0, note, NULL, &id), OK);
    assert_int_equal(ping(0, &id), OK);
    mux_turn(mux, 0); /* more than a socket holds, so the last one still waits */
    assert_true(mux_wants_write(mux));
    pong(id, "too early");
    assert_int_equal(mux_turn(mux, 0), ERR_SERVICE_UNAVAILABLE);
    assert_int_equal(ends, 5);
}

static void forbidden_lengths_end_the_connection(void **state)
{
    (void)state;
    static const char *const heads[] = { "\0\0\0\0", "\xff\xff\xff\xff", "\0\x80\0\1" };
    for (size_t i = 0; i < 3; i++) {
        uint64_t id;
        tear_down(NULL);
        open_pair(CALLS, 0);
        ping(0, &id);
        mux_turn(mux, 0);
        assert_int_equal(send(peer.fd, heads[i], 4, 0), 4);
        assert_int_equal(mux_turn(mux, 100), ERR_SERVICE_UNAVAILABLE);
        assert_int_equal(ends, 1);
    }
}

static void a_daemon_that_leaves_ends_every_call(void **state)
{
    (void)state;
    uint64_t id;
    for (size_t i = 0; i < CALLS; i++) ping(0, &id);
    mux_turn(mux, 0);
    close(peer.fd);
    peer.fd = -1;
    assert_int_equal(mux_turn(mux, 1000), ERR_SERVICE_UNAVAILABLE);
    assert_int_equal(ends, CALLS);
    assert_int_equal(mux_pending(mux), 0);
}

static void errors_of_the_daemon_keep_their_code(void **state)
{
    (void)state;
    uint64_t id;
    struct buf out = buf_make(1 << 20);
    struct detail detail = { S("wait_ms"), S("20") };
    ping(0, &id);
    ping(0, &id);
    mux_turn(mux, 0);
    put(&out, &(struct response){
                  .id = id - 1, .kind = RESPONSE_ERROR, .code = -1002, .message = S("slower") });
    put(&out, &(struct response){ .id = id,
                                  .kind = RESPONSE_FAILURE,
                                  .code = -1011,
                                  .message = S("gone"),
                                  .details = { &detail, 1 } });
    deliver(&out);
    assert_int_equal(mux_turn(mux, 100), OK);
    assert_int_equal(ended[0].e, ERR_RATE_LIMITED);
    assert_int_equal(ended[1].e, ERR_NOT_FOUND);
}

static void as_many_calls_as_may_and_no_more(void **state)
{
    (void)state;
    uint64_t id, one;
    assert_int_equal(ping(0, &one), OK);
    for (size_t i = 1; i < CALLS; i++) assert_int_equal(ping(0, &id), OK);
    assert_int_equal(ping(0, &id), ERR_BUSY);
    mux_turn(mux, 0);
    assert_int_equal(ping(0, &id), ERR_BUSY);
    pong(one, "x");
    mux_turn(mux, 100);
    assert_int_equal(ping(0, &id), OK);
    assert_int_equal(ping(0, &id), ERR_BUSY);
}

static void as_many_bytes_as_may_and_no_more(void **state)
{
    (void)state;
    static char words[4000];
    uint64_t id;
    size_t fit = 0;
    tear_down(NULL);
    open_pair(0, 64 << 10);
    memset(words, 'w', sizeof words);
    struct search_request q = { .query = { words, sizeof words } };
    enum err e;
    while (!(e = mux_call(mux, OP_search, &q, 0, note, NULL, &id))) fit++;
    assert_int_equal(e, ERR_BUSY);
    assert_true(fit > 10 && fit <= 16);
    mux_turn(mux, 0);
    assert_int_equal(mux_call(mux, OP_search, &q, 0, note, NULL, &id), OK);
    assert_int_equal(mux_pending(mux), fit + 1);
}

static void a_request_that_never_fits(void **state)
{
    (void)state;
    static char words[128 << 10];
    uint64_t id;
    tear_down(NULL);
    open_pair(0, 64 << 10);
    memset(words, 'w', sizeof words);
    struct search_request q = { .query = { words, sizeof words } };
    assert_int_equal(mux_call(mux, OP_search, &q, 0, note, NULL, &id), ERR_RESOURCE_LIMIT);
    assert_int_equal(mux_pending(mux), 0);
    assert_int_equal(ping(0, &id), OK);
}

static void what_is_late_ends_and_is_cancelled(void **state)
{
    (void)state;
    uint64_t soon, later, id, target;
    uint32_t op;
    assert_int_equal(ping(30, &soon), OK);
    assert_int_equal(ping(60000, &later), OK);
    mux_turn(mux, 0);
    while (take(&op, &id, NULL)) continue;
    assert_in_range(mux_due_ms(mux), 0, 31);
    assert_int_equal(mux_turn(mux, -1), OK);
    assert_int_equal(ends, 1);
    assert_int_equal(ended[0].id, soon);
    assert_int_equal(ended[0].e, ERR_TIMEOUT);
    mux_turn(mux, 0);
    assert_true(take(&op, &id, &target));
    assert_int_equal(op, OP_cancel);
    assert_int_equal(target, soon & 0xff);
    /* Neither the late answer nor that to the Cancel is anybody's. */
    struct buf out = buf_make(1 << 20);
    const struct message_result done = { .text = S("given up") };
    put_pong(&out, soon, "late");
    put(&out, &(struct response){ .id = id, .op = OP_cancel, .body = &done });
    put_pong(&out, later, "fine");
    deliver(&out);
    assert_int_equal(mux_turn(mux, 100), OK);
    assert_int_equal(ends, 2);
    assert_string_equal(ended[1].text, "fine");
    assert_int_equal(mux_pending(mux), 0);
}

static void cancelling_is_at_once(void **state)
{
    (void)state;
    uint64_t id, got, target;
    uint32_t op;
    ping(0, &id);
    mux_turn(mux, 0);
    assert_true(take(&op, &got, NULL));
    assert_true(mux_cancel(mux, id));
    assert_int_equal(ended[0].e, ERR_CANCELLED);
    assert_false(mux_cancel(mux, id));
    assert_false(mux_cancel(mux, id + 1));
    mux_turn(mux, 0);
    assert_true(take(&op, &got, &target));
    assert_int_equal(op, OP_cancel);
}

static void what_is_cancelled_before_it_is_sent_never_is(void **state)
{
    (void)state;
    static char words[200 << 10];
    uint64_t large[4], small[3], got;
    uint32_t op;
    memset(words, 'w', sizeof words);
    const struct search_request q = { .query = { words, sizeof words } };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(mux_call(mux, OP_search, &q, 0, note, NULL, &large[i]), OK);
    mux_turn(mux, 0); /* more than a socket holds: a part of one is under way */
    assert_true(mux_wants_write(mux));
    for (size_t i = 0; i < 3; i++) assert_int_equal(ping(0, &small[i]), OK);
    assert_true(mux_cancel(mux, small[0]));
    assert_true(mux_cancel(mux, large[3]));
    assert_true(mux_cancel(mux, small[1]));
    assert_int_equal(ends, 3);
    for (size_t i = 0; i < 4; i++) {
        while (!take(&op, &got, NULL)) mux_turn(mux, 10);
        assert_int_equal(got, i < 3 ? large[i] : small[2]);
    }
    mux_turn(mux, 0);
    assert_false(take(&op, &got, NULL));
}

static void deadlines_of_many_lengths(void **state)
{
    (void)state;
    uint64_t id;
    tear_down(NULL);
    open_pair(1000, 0);
    for (size_t i = 0; i < 500; i++) assert_int_equal(ping(1 + (i * 37) % 50, &id), OK);
    while (mux_pending(mux)) assert_int_equal(mux_turn(mux, -1), OK);
    assert_int_equal(ends, 500);
    for (size_t i = 0; i < ends; i++) assert_int_equal(ended[i].e, ERR_TIMEOUT);
}

static void again(struct mux *m, const struct mux_end *end, void *user)
{
    uint64_t *left = user, id;
    const struct ping_request q = { 0 };
    assert_int_equal(end->e, OK);
    if ((*left)-- > 1) assert_int_equal(mux_call(m, OP_ping, &q, 0, again, user, &id), OK);
}

static void a_callback_makes_the_next_call(void **state)
{
    (void)state;
    uint64_t left = 500, id;
    uint32_t op;
    const struct ping_request q = { 0 };
    assert_int_equal(mux_call(mux, OP_ping, &q, 0, again, &left, &id), OK);
    while (mux_pending(mux)) {
        mux_turn(mux, 0);
        while (take(&op, &id, NULL)) pong(id, "x");
    }
    assert_int_equal(left, 0);
}

static void closing_ends_what_is_under_way(void **state)
{
    (void)state;
    uint64_t id;
    size_t told = 0;
    const struct ping_request q = { 0 };
    for (int i = 0; i < 3; i++)
        assert_int_equal(mux_call(mux, OP_ping, &q, 0, note, &told, &id), OK);
    mux_close(mux);
    mux = NULL;
    assert_int_equal(told, 3);
    assert_int_equal(ended[2].e, ERR_CANCELLED);
}

/* --- with a socket to come back to --------------------------------------------------------- */

static char folder[64], path[96];

static int listen_on_path(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int open_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/mux-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/omg.sock", folder);
    peer = (struct peer){ .fd = -1 };
    ends = 0;
    return 0;
}

static int drop_folder(void **state)
{
    tear_down(state);
    unlink(path);
    rmdir(folder);
    return 0;
}

static void open_path(void)
{
    struct fault f = { "" };
    const struct mux_options o = { .socket = str_of(path), .calls = CALLS };
    assert_int_equal(mux_open(&o, &mux, &f), OK);
}

static void what_was_not_sent_goes_out_on_the_next_connection(void **state)
{
    (void)state;
    int listener = listen_on_path();
    uint64_t sent, unsent, got;
    uint32_t op;
    open_path();
    peer.fd = accept(listener, NULL, NULL);
    assert_int_equal(ping(0, &sent), OK);
    mux_turn(mux, 0);
    close(peer.fd);
    assert_int_equal(ping(0, &unsent), OK);
    assert_int_equal(mux_turn(mux, 0), OK);
    assert_int_equal(ends, 1);
    assert_int_equal(ended[0].id, sent);
    assert_int_equal(ended[0].e, ERR_SERVICE_UNAVAILABLE);
    for (int i = 0; i < 100 && mux_fd(mux) < 0; i++) assert_int_equal(mux_turn(mux, 20), OK);
    peer = (struct peer){ .fd = accept(listener, NULL, NULL) };
    mux_turn(mux, 0);
    assert_true(take(&op, &got, NULL));
    assert_int_equal(got, unsent);
    assert_false(take(&op, &got, NULL));
    pong(unsent, "back");
    mux_turn(mux, 1000);
    assert_int_equal(ends, 2);
    assert_string_equal(ended[1].text, "back");
    close(listener);
}

/* A frame of which a part went out cannot be sent again from its middle. */
static void half_a_request_is_not_taken_up_again(void **state)
{
    (void)state;
    static char words[200 << 10];
    int listener = listen_on_path();
    uint64_t large[8], small, got;
    uint32_t op;
    size_t calls = 0;
    memset(words, 'w', sizeof words);
    const struct search_request q = { .query = { words, sizeof words } };
    open_path();
    peer.fd = accept(listener, NULL, NULL);
    while (calls < 4)
        assert_int_equal(mux_call(mux, OP_search, &q, 0, note, NULL, &large[calls++]), OK);
    assert_int_equal(ping(0, &small), OK);
    mux_turn(mux, 0); /* more than a socket holds */
    assert_true(mux_wants_write(mux));
    close(peer.fd);
    mux_turn(mux, 0);
    assert_in_range(ends, 1, 4);
    size_t lost = ends;
    for (size_t i = 0; i < lost; i++) assert_int_equal(ended[i].id, large[i]);
    for (int i = 0; i < 100 && mux_fd(mux) < 0; i++) assert_int_equal(mux_turn(mux, 20), OK);
    peer = (struct peer){ .fd = accept(listener, NULL, NULL) };
    for (size_t i = lost; i <= calls; i++) {
        while (!take(&op, &got, NULL)) mux_turn(mux, 10);
        assert_int_equal(op, i < calls ? OP_search : OP_ping);
        assert_int_equal(got, i < calls ? large[i] : small);
    }
    close(listener);
}

static void nobody_there_is_an_error_at_first_and_a_pause_later(void **state)
{
    (void)state;
    struct fault f = { "" };
    const struct mux_options o = { .socket = str_of(path) };
    uint64_t id;
    assert_int_equal(mux_open(&o, &mux, &f), ERR_NOT_FOUND);
    assert_non_null(strstr(f.text, path));
    int listener = listen_on_path();
    open_path();
    peer.fd = accept(listener, NULL, NULL);
    close(peer.fd);
    close(listener);
    peer.fd = -1;
    assert_int_equal(mux_turn(mux, 10), OK);
    assert_int_equal(ping(100, &id), OK);
    for (int i = 0; i < 200 && mux_pending(mux); i++) assert_int_equal(mux_turn(mux, -1), OK);
    assert_int_equal(ended[0].e, ERR_TIMEOUT);
    assert_int_equal(mux_fd(mux), -1);
}

/* Nothing stays of calls that ended while there was no daemon, and one that comes back is asked
 * only what is still wanted. */
static void who_was_away_is_not_asked_what_is_late(void **state)
{
    (void)state;
    int listener = listen_on_path();
    uint64_t id, wanted, got;
    uint32_t op;
    open_path();
    close(accept(listener, NULL, NULL));
    close(listener);
    unlink(path);
    assert_int_equal(mux_turn(mux, 10), OK);
    assert_int_equal(mux_fd(mux), -1);
    assert_int_equal(ping(0, &wanted), OK);
    for (size_t round = 1; round < 6; round++) {
        for (size_t i = 1; i < CALLS; i++) assert_int_equal(ping(1, &id), OK);
        assert_int_equal(ping(1, &id), ERR_BUSY);
        while (mux_pending(mux) > 1) assert_int_equal(mux_turn(mux, -1), OK);
        assert_int_equal(ends, round * (CALLS - 1));
        assert_int_equal(ended[ends - 1].e, ERR_TIMEOUT);
    }
    assert_int_equal(ping(0, &id), OK);
    assert_true(mux_cancel(mux, id));
    assert_int_equal(ping(0, &id), OK);
    listener = listen_on_path();
    for (int i = 0; i < 1000 && mux_fd(mux) < 0; i++) assert_int_equal(mux_turn(mux, 20), OK);
    peer = (struct peer){ .fd = accept(listener, NULL, NULL) };
    mux_turn(mux, 0);
    assert_true(take(&op, &got, NULL));
    assert_int_equal(got, wanted);
    assert_true(take(&op, &got, NULL));
    assert_int_equal(got, id);
    assert_false(take(&op, &got, NULL));
    pong(id, "back");
    pong(wanted, "back");
    while (mux_pending(mux)) assert_int_equal(mux_turn(mux, 1000), OK);
    assert_string_equal(ended[ends - 1].text, "back");
    close(listener);
}

/* --- pauses -------------------------------------------------------------------------------- */

static void pauses_grow_and_differ(void **state)
{
    (void)state;
    struct backoff a = backoff_make(10, 1000, 1), b = backoff_make(10, 1000, 2);
    uint64_t most = 10;
    size_t same = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t x = backoff_next_ms(&a), y = backoff_next_ms(&b);
        assert_in_range(x, most - most / 2, most);
        assert_in_range(y, most - most / 2, most);
        same += x == y;
        most = most < 1000 ? most * 2 : 1000;
        if (most > 1000) most = 1000;
    }
    assert_true(same < 20);
    backoff_reset(&a);
    assert_in_range(backoff_next_ms(&a), 5, 10);
}

#define pair_test(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define folder_test(name) cmocka_unit_test_setup_teardown(name, open_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        pair_test(answers_come_in_any_order),
        pair_test(all_requests_go_in_one_write),
        pair_test(answers_come_in_pieces),
        pair_test(an_id_is_never_used_twice),
        pair_test(an_answer_to_nothing_ends_the_connection),
        pair_test(an_answer_before_the_question_ends_the_connection),
        pair_test(forbidden_lengths_end_the_connection),
        pair_test(a_daemon_that_leaves_ends_every_call),
        pair_test(errors_of_the_daemon_keep_their_code),
        pair_test(as_many_calls_as_may_and_no_more),
        pair_test(as_many_bytes_as_may_and_no_more),
        pair_test(a_request_that_never_fits),
        pair_test(what_is_late_ends_and_is_cancelled),
        pair_test(cancelling_is_at_once),
        pair_test(deadlines_of_many_lengths),
        pair_test(a_callback_makes_the_next_call),
        pair_test(closing_ends_what_is_under_way),
        folder_test(what_was_not_sent_goes_out_on_the_next_connection),
        folder_test(half_a_request_is_not_taken_up_again),
        folder_test(nobody_there_is_an_error_at_first_and_a_pause_later),
        folder_test(who_was_away_is_not_asked_what_is_late),
        pair_test(what_is_cancelled_before_it_is_sent_never_is),
        cmocka_unit_test(pauses_grow_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
