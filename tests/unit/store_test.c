#include "test.h"

#define INDEX_ROOT_CHILD
#include "../index_root.h"

#include "pkg/answer.h"
#include "pkg/doctor.h"
#include "pkg/sealed.h"
#include "pkg/store.h"

#include <sys/mman.h>
#include <sys/resource.h>

enum { ALL = PART_CATALOGUE | PART_OVERLAY | PART_TEXT };

static struct index_root root;
static struct arena arena;
static char cache[80];
static struct store store;

static const char list[] =
    "Package: apple\nVersion: 2\nArchitecture: amd64\nDescription: a fruit\n\n"
    "Package: pear\nVersion: 1\nArchitecture: amd64\nDescription: another\n\n";
static const char longer[] =
    "Package: apple\nVersion: 3\nArchitecture: amd64\nDescription: a fruit\n\n"
    "Package: pear\nVersion: 1\nArchitecture: amd64\nDescription: another\n\n"
    "Package: plum\nVersion: 1\nArchitecture: amd64\nDescription: a third\n\n";
#define APPLE                                                                                      \
    "Package: apple\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"              \
    "Description: a fruit\n\n"
#define PEAR                                                                                       \
    "Package: pear\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"               \
    "Description: another\n\n"

static enum err open_store(bool no_cache)
{
    const struct store_options o = { .root = root.path,
                                     .no_cache = no_cache,
                                     .cache_folder = str_of(cache) };
    return store_open(&store, &o, NULL);
}

static int set_up(void **state)
{
    (void)state;
    index_root_make(&root);
    index_root_write(&root, MAIN, str_of(list));
    index_root_write(&root, STATUS_, S(APPLE));
    snprintf(cache, sizeof cache, "%s.cache", root.path);
    assert_int_equal(arena_open(&arena, 64 << 20), OK);
    assert_int_equal(open_store(false), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(&store);
    nftw(cache, index_root_forget, 16, FTW_DEPTH | FTW_PHYS);
    index_root_free(&root);
    arena_close(&arena);
    return 0;
}

/* How many packages are installed, as the open index says it. */
static uint64_t installed(void)
{
    const struct status_request q = { 0 };
    struct status_result r;
    arena_reset(&arena, 0);
    assert_int_equal(answer_index(&store.ix, OP_status, &q, &r, "/", &arena, NULL), OK);
    return r.total_packages;
}

static uint64_t found(const char *word)
{
    const struct search_request q = { .query = str_of(word) };
    struct search_result r;
    arena_reset(&arena, 0);
    assert_int_equal(answer_index(&store.ix, OP_search, &q, &r, "/", &arena, NULL), OK);
    return r.total;
}

static unsigned refreshed(void)
{
    unsigned parts = 77;
    struct fault f = { "" };
    enum err e = store_refresh(&store, &parts, &f);
    if (e) fail_msg("%d: %s", e, f.text);
    return parts;
}

/* The path of a kept file. */
static const char *kept(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", store.cache.path[0], name);
    return path;
}

static ino_t inode(const char *name)
{
    struct stat st;
    assert_int_equal(stat(kept(name), &st), 0);
    return st.st_ino;
}

static void what_is_built_is_kept(void **state)
{
    (void)state;
    assert_int_equal(store_need(&store, true, NULL), OK);
    assert_int_equal(installed(), 1);
    assert_int_equal(found("a"), 2);
    ino_t catalogue = inode("catalogue"), overlay = inode("overlay"), text = inode("text");
    store_close(&store);
    assert_int_equal(open_store(false), OK);
    assert_int_equal(store_need(&store, true, NULL), OK);
    assert_int_equal(inode("catalogue"), catalogue);
    assert_int_equal(inode("overlay"), overlay);
    assert_int_equal(inode("text"), text);
}

static void a_refresh_makes_only_what_is_stale(void **state)
{
    (void)state;
    assert_int_equal(refreshed(), ALL);
    assert_int_equal(refreshed(), 0);
    ino_t catalogue = inode("catalogue"), text = inode("text");
    index_root_write(&root, STATUS_, S(APPLE PEAR));
    assert_int_equal(installed(), 1);
    assert_int_equal(refreshed(), PART_OVERLAY);
    assert_int_equal(installed(), 2);
    assert_int_equal(inode("catalogue"), catalogue);
    assert_int_equal(inode("text"), text);
    index_root_write(&root, MAIN, str_of(longer));
    assert_int_equal(refreshed(), ALL);
    assert_int_equal(found("a"), 3);
    assert_int_equal(refreshed(), 0);
}

static void a_refresh_without_a_cache(void **state)
{
    (void)state;
    store_close(&store);
    assert_int_equal(open_store(true), OK);
    assert_int_equal(refreshed(), ALL);
    index_root_write(&root, STATUS_, S(APPLE PEAR));
    assert_int_equal(refreshed(), PART_OVERLAY);
    assert_int_equal(installed(), 2);
    assert_int_equal(store.cache.folders, 0);
}

static void what_another_process_built_is_taken(void **state)
{
    (void)state;
    struct store other;
    const struct store_options o = { .root = root.path, .cache_folder = str_of(cache) };
    assert_int_equal(refreshed(), ALL);
    index_root_write(&root, STATUS_, S(APPLE PEAR));
    assert_int_equal(store_open(&other, &o, NULL), OK);
    assert_int_equal(store_need(&other, true, NULL), OK);
    ino_t overlay = inode("overlay");
    assert_int_equal(refreshed(), PART_OVERLAY);
    assert_int_equal(inode("overlay"), overlay);
    assert_int_equal(installed(), 2);
    store_close(&other);
}

static void limit_descriptors(rlim_t most)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void what_cannot_be_refreshed_stays(void **state)
{
    (void)state;
    unsigned parts = 77;
    struct fault f = { "" };
    struct rlimit was;
    assert_int_equal(refreshed(), ALL);
    index_root_write(&root, STATUS_, S(APPLE PEAR));
    getrlimit(RLIMIT_NOFILE, &was);
    limit_descriptors(3);
    enum err e = store_refresh(&store, &parts, &f);
    limit_descriptors(was.rlim_cur);
    assert_int_not_equal(e, OK);
    assert_int_equal(parts, 0);
    assert_int_equal(installed(), 1);
    assert_int_equal(found("a"), 2);
    assert_int_equal(refreshed(), PART_OVERLAY);
    assert_int_equal(installed(), 2);
}

static void overwrite(const char *name, const char *text)
{
    int fd = open(kept(name), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), 4096), strlen(text));
    close(fd);
}

static void a_kept_file_that_was_written_to_is_made_anew(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_equal(refreshed(), ALL);
    overwrite("catalogue", "not what was built");
    assert_int_equal(store_sealed(&store, CACHE_CATALOGUE, &fd, NULL), ERR_BUSY);
    assert_int_equal(fd, -1);
    assert_int_equal(refreshed(), ALL);
    assert_int_equal(found("a"), 2);
    assert_int_equal(store_sealed(&store, CACHE_CATALOGUE, &fd, NULL), OK);
    close(fd);
}

static void a_kept_file_that_was_cut_off_is_lost(void **state)
{
    (void)state;
    assert_int_equal(store_need(&store, true, NULL), OK);
    assert_false(store_lost(&store));
    assert_int_equal(truncate(kept("catalogue"), 4096), 0);
    found("a");
    assert_true(store_lost(&store));
    assert_int_equal(store_need(&store, true, NULL), OK);
    assert_int_equal(found("a"), 2);
    assert_false(store_lost(&store));
}

static void a_refresh_survives_a_file_that_was_cut_off(void **state)
{
    (void)state;
    assert_int_equal(refreshed(), ALL);
    assert_int_equal(truncate(kept("overlay"), 0), 0);
    assert_int_equal(refreshed(), PART_OVERLAY);
    assert_int_equal(installed(), 1);
    assert_int_equal(refreshed(), 0);
}

/* --- sealed ------------------------------------------------------------------------------ */

static void what_is_sealed_is_the_part_and_stays_it(void **state)
{
    (void)state;
    static const char *const names[] = { "catalogue", "overlay", "text" };
    assert_int_equal(refreshed(), ALL);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        int fd;
        struct map m, file;
        struct index_file part;
        assert_int_equal(store_sealed(&store, k, &fd, NULL), OK);
        assert_int_equal(pwrite(fd, "x", 1, 0), -1);
        assert_int_equal(ftruncate(fd, 0), -1);
        assert_int_equal(ftruncate(fd, 1 << 30), -1);
        assert_true(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
        assert_int_equal(sealed_map(fd, &m, NULL), OK);
        close(fd);
        assert_int_equal(map_open(AT_FDCWD, kept(names[k]), &file, NULL), OK);
        assert_true(str_eq(m.text, file.text));
        assert_int_equal(index_file_open(&part, m.text, cache_format(k), true, NULL), OK);
        map_close(&m);
        map_close(&file);
    }
}

static void only_what_is_sealed_is_mapped(void **state)
{
    (void)state;
    struct map m;
    struct fault f = { "" };
    assert_int_equal(refreshed(), ALL);
    int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, 8192), 0);
    assert_int_equal(sealed_map(fd, &m, &f), ERR_FORBIDDEN);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
    assert_int_equal(sealed_map(fd, &m, &f), ERR_FORBIDDEN);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
    assert_int_equal(sealed_map(fd, &m, &f), OK);
    map_close(&m);
    close(fd);
    fd = open(kept("catalogue"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(sealed_map(fd, &m, &f), ERR_FORBIDDEN);
    close(fd);
}

/* --- the rest ---------------------------------------------------------------------------- */

static bool has_input(const char *wanted, bool *there)
{
    struct str path;
    for (size_t i = 0; store_input(&store, i, &path, there); i++)
        if (str_eq(path, str_of(wanted))) return true;
    return false;
}

static void inputs_are_told_with_those_that_are_missing(void **state)
{
    (void)state;
    struct str path;
    bool there;
    size_t count = 0;
    assert_false(store_input(&store, 0, &path, &there));
    assert_int_equal(refreshed(), ALL);
    assert_true(has_input(STATUS_, &there) && there);
    assert_true(has_input(MAIN, &there) && there);
    assert_true(has_input("etc/apt/sources.list", &there) && there);
    assert_true(has_input("etc/apt/preferences", &there) && !there);
    while (store_input(&store, count, &path, &there)) {
        assert_true(path.len == 0 || path.at[0] != '/');
        count++;
    }
    assert_false(store_input(&store, count + 1000, &path, &there));
}

static void doctor_leaves_room(void **state)
{
    (void)state;
    struct doctor_result r;
    assert_int_equal(store_need(&store, true, NULL), OK);
    assert_int_equal(doctor_look(&store, 3, &r, &arena, NULL), OK);
    assert_in_range(r.checks.len, 5, 100);
    for (int i = 0; i < 3; i++) r.checks.at[r.checks.len++] = (struct check){ .name = S("x") };
}

static void what_the_index_answers(void **state)
{
    (void)state;
    assert_true(answer_serves(OP_search) && answer_serves(OP_info) && answer_serves(OP_status));
    assert_true(answer_serves(OP_explicit) && answer_serves(OP_suggest));
    assert_false(answer_serves(OP_ping) || answer_serves(OP_batch) || answer_serves(OP_doctor));
    for (enum op op = 0; op < OP_COUNT; op++) {
        assert_int_equal(answer_serves(op), op_row(op)->served == SERVED_INDEX);
        assert_int_equal(answer_texts(op), op == OP_info);
    }
    assert_int_equal(store_need(&store, false, NULL), OK);
    assert_int_equal(answer_prepare(&store.ix), OK);
    assert_non_null(store.ix.search);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: cmocka takes SIGBUS for itself before each test, and the guard does so once. */
        test(a_kept_file_that_was_cut_off_is_lost),
        test(what_is_built_is_kept),
        test(a_refresh_makes_only_what_is_stale),
        test(a_refresh_without_a_cache),
        test(what_another_process_built_is_taken),
        test(what_cannot_be_refreshed_stays),
        test(a_kept_file_that_was_written_to_is_made_anew),
        test(a_refresh_survives_a_file_that_was_cut_off),
        test(what_is_sealed_is_the_part_and_stays_it),
        test(only_what_is_sealed_is_mapped),
        test(inputs_are_told_with_those_that_are_missing),
        test(doctor_leaves_room),
        test(what_the_index_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
