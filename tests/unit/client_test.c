#include "test.h"

#define INDEX_ROOT_CHILD
#include "../index_root.h"

#include "client/client.h"

static struct index_root root;
static struct client *client;
static char cache[80];

#define APPLE                                                                                      \
    "Package: apple\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"              \
    "Description: a fruit\n\n"
#define PEAR                                                                                       \
    "Package: pear\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"               \
    "Description: another\n\n"

static int set_up(void **state)
{
    (void)state;
    index_root_make(&root);
    index_root_write(&root, STATUS_, S(APPLE));
    snprintf(cache, sizeof cache, "%s.cache", root.path);
    const struct client_options o = { .root = root.path, .cache_folder = str_of(cache) };
    assert_int_equal(client_open(&o, &client, NULL), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_close(client);
    nftw(cache, index_root_forget, 16, FTW_DEPTH | FTW_PHYS);
    index_root_free(&root);
    return 0;
}

static uint64_t installed(void)
{
    const struct status_request q = { 0 };
    struct status_result r;
    assert_int_equal(client_call(client, OP_status, &q, &r, NULL), OK);
    return r.total_packages;
}

static void a_client_that_lives_long_sees_changes(void **state)
{
    (void)state;
    assert_int_equal(installed(), 1);
    index_root_write(&root, STATUS_, S(APPLE PEAR));
    usleep(1100 * 1000);
    assert_int_equal(installed(), 2);
    assert_false(client_lost(client));
}

static void what_cannot_be_answered_says_why(void **state)
{
    (void)state;
    const struct ping_request q = { 0 };
    struct ping_result r;
    struct fault f = { "" };
    assert_int_equal(client_call(client, OP_ping, &q, &r, &f), ERR_SERVICE_UNAVAILABLE);
    assert_non_null(strstr(f.text, "'ping'"));
    assert_non_null(strstr(f.text, "--root"));
}

static void a_bad_folder_or_socket_is_said_at_once(void **state)
{
    (void)state;
    struct client *c;
    struct fault f = { "" };
    char path[200];
    assert_int_equal(client_open(&(struct client_options){ .root = "/no/such/folder" }, &c, &f),
                     ERR_INVALID_PARAMS);
    memset(path, 'x', sizeof path);
    const struct client_options long_path = { .socket = { path, sizeof path } };
    assert_int_equal(client_open(&long_path, &c, &f), ERR_INVALID_PARAMS);
    assert_non_null(strstr(f.text, "longer than"));
}

static void names_for_completions(void **state)
{
    (void)state;
    struct str *names;
    size_t count;
    assert_int_equal(client_names(client, S("app"), 10, &names, &count), OK);
    assert_int_equal(count, 1);
    assert_true(str_eq(names[0], S("apple")));
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_client_that_lives_long_sees_changes),
        test(what_cannot_be_answered_says_why),
        test(names_for_completions),
        cmocka_unit_test(a_bad_folder_or_socket_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
