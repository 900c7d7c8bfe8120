#include "test.h"

#include "io/sock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A folder of its own for each test, and a path in it. */
struct place {
    char folder[32], path[64], lock[72];
};

static int setup(void **state)
{
    static struct place p;
    strcpy(p.folder, "/tmp/sock-test-XXXXXX");
    if (!mkdtemp(p.folder)) return -1;
    snprintf(p.path, sizeof p.path, "%s/s", p.folder);
    snprintf(p.lock, sizeof p.lock, "%s.lock", p.path);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    unlink(p->path);
    unlink(p->lock);
    return rmdir(p->folder);
}

static void the_socket_is_its_owners_alone_whatever_the_umask(void **state)
{
    struct place *p = *state;
    struct stat st;
    int fd, lock;
    mode_t was = umask(0);
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), OK);
    umask(was);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(p->lock, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    close(fd);
    close(lock);
}

static void who_connects_and_who_listens_know_each_other(void **state)
{
    struct place *p = *state;
    struct peer peer;
    int fd, lock, client;
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), OK);
    assert_int_equal(sock_connect(p->path, 1000, &client, NULL), OK);
    int server = accept(fd, NULL, NULL);
    assert_int_equal(sock_peer(server, &peer), OK);
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(sock_peer(client, &peer), OK);
    assert_int_equal(peer.uid, geteuid());
    close(server);
    close(client);
    close(fd);
    close(lock);
}

static void a_live_daemon_is_not_displaced(void **state)
{
    struct place *p = *state;
    struct fault f;
    int fd, lock, other, other_lock;
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), OK);
    assert_int_equal(sock_listen(p->path, &other, &other_lock, &f), ERR_CONFLICT);
    assert_non_null(strstr(f.text, "another omg daemon serves"));
    assert_non_null(strstr(f.text, p->path));
    assert_null(strstr(f.text, ".lock"));
    close(fd);
    close(lock);
}

/* Something that listens there without our lock: a service manager's socket, say. */
static void another_program_is_not_displaced(void **state)
{
    struct place *p = *state;
    int fd, lock, other, other_lock;
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), OK);
    close(lock);
    assert_int_equal(sock_listen(p->path, &other, &other_lock, NULL), ERR_CONFLICT);
    close(fd);
}

static void what_a_dead_one_left_is_taken_over(void **state)
{
    struct place *p = *state;
    int fd, lock, client;
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), OK);
    close(fd);
    close(lock);
    assert_int_equal(sock_connect(p->path, 1000, &client, NULL), ERR_NOT_FOUND);
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), OK);
    assert_int_equal(sock_connect(p->path, 1000, &client, NULL), OK);
    close(client);
    close(fd);
    close(lock);
}

static void a_socket_of_another_kind_is_not_displaced(void **state)
{
    static const int kinds[] = { SOCK_DGRAM, SOCK_SEQPACKET };
    struct place *p = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd, lock;
    strcpy(address.sun_path, p->path);
    for (size_t i = 0; i < 2; i++) {
        int other = socket(AF_UNIX, kinds[i], 0);
        assert_int_equal(bind(other, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), ERR_CONFLICT);
        assert_int_equal(access(p->path, F_OK), 0);
        close(other);
        unlink(p->path);
    }
}

static void who_may_not_listen_leaves_no_lock(void **state)
{
    struct place *p = *state;
    int fd, lock;
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), ERR_INVALID_PARAMS);
    assert_int_equal(access(p->lock, F_OK), -1);
    assert_int_equal(rmdir(p->path), 0);
}

static void a_file_in_the_way_stays(void **state)
{
    struct place *p = *state;
    struct stat st;
    int fd = open(p->path, O_CREAT | O_WRONLY, 0600), lock;
    close(fd);
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), ERR_INVALID_PARAMS);
    assert_int_equal(stat(p->path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void a_lock_that_is_a_link_is_refused(void **state)
{
    struct place *p = *state;
    int fd, lock;
    assert_int_equal(symlink("/tmp/elsewhere", p->lock), 0);
    assert_int_equal(sock_listen(p->path, &fd, &lock, NULL), ERR_FORBIDDEN);
}

static void a_path_that_is_too_long_is_told(void **state)
{
    char path[200];
    struct sock_places places;
    struct fault f;
    int fd, lock;
    (void)state;
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    assert_int_equal(sock_listen(path, &fd, &lock, &f), ERR_INVALID_PARAMS);
    assert_int_equal(sock_places(str_of(path), true, &places, &f), ERR_INVALID_PARAMS);
    path[SOCK_PATH_ROOM - 1] = 0;
    assert_int_equal(sock_places(str_of(path), true, &places, &f), OK);
    assert_string_equal(places.path[0], path);
}

static void a_chosen_place_is_the_only_one(void **state)
{
    struct sock_places p;
    (void)state;
    setenv("OMG_SOCKET", "/x/named", 1);
    assert_int_equal(sock_places(S("/x/chosen"), true, &p, NULL), OK);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.path[0], "/x/chosen");
    assert_int_equal(sock_places(STR_NONE, true, &p, NULL), OK);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.path[0], "/x/named");
    unsetenv("OMG_SOCKET");
}

static void descriptors_come_along_with_the_first_byte(void **state)
{
    int pair[2], fds[SOCK_FDS_MOST];
    size_t count;
    char c[8];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(sock_send(pair[0], S("a"), (int[]){ 0, 1, 2, 0 }, 4), 1);
    assert_int_equal(sock_send(pair[0], S("b"), NULL, 0), 1);
    assert_int_equal(sock_receive(pair[1], c, sizeof c, fds, &count), 1);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        close(fds[i]);
    }
    assert_int_equal(sock_receive(pair[1], c, sizeof c, fds, &count), 1);
    assert_int_equal(count, 0);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_socket_is_its_owners_alone_whatever_the_umask, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_connects_and_who_listens_know_each_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_live_daemon_is_not_displaced, setup, teardown),
        cmocka_unit_test_setup_teardown(another_program_is_not_displaced, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_dead_one_left_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_of_another_kind_is_not_displaced, setup, teardown),
        cmocka_unit_test_setup_teardown(who_may_not_listen_leaves_no_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_in_the_way_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_that_is_a_link_is_refused, setup, teardown),
        cmocka_unit_test(a_path_that_is_too_long_is_told),
        cmocka_unit_test(a_chosen_place_is_the_only_one),
        cmocka_unit_test(descriptors_come_along_with_the_first_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
