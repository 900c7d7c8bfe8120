/* Builds parts of an index once and says what each step cost: build ROOT FOLDER PARTS, where PARTS
 * are letters of "cot" (catalogue, overlay, long text). The build runs in a child, as omg's own
 * does; parts that are not built are taken from FOLDER, and with 'l' too the licences of the
 * overlay there. */
#include "bench.h"

#include "base/file.h"
#include "pkg/cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[CACHE_KINDS] = { "catalogue", "overlay", "text" };
static const unsigned part_of[CACHE_KINDS] = { PART_CATALOGUE, PART_OVERLAY, PART_TEXT };
static const enum format_kind kind_of[CACHE_KINDS] = { KIND_CATALOGUE, KIND_OVERLAY, KIND_TEXT };

/* What the child tells; in memory that both share. */
struct told {
    bool good;
    uint64_t cpu, wall, write, size[CACHE_KINDS];
};

struct bench {
    const char *folder;
    struct build build;
    struct told *told;
    int fd[CACHE_KINDS];
};

static void path_of(const struct bench *b, const char *name, const char *ending, char path[512])
{
    int n = snprintf(path, 512, "%s/%s%s", b->folder, name, ending);
    if (n < 0 || n >= 512) die("%s is too long", b->folder);
}

static void child(struct bench *b)
{
    struct build_output out = { buf_make(UINT32_MAX), buf_make(UINT32_MAX), buf_make(UINT32_MAX) };
    const struct buf *made[] = { &out.catalogue, &out.overlay, &out.text };
    struct fault f = { "" };
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);
    if (build_parts(&b->build, &out, &f)) die("%s", f.text);
    b->told->cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    b->told->wall = clock_ns(CLOCK_MONOTONIC) - wall;
    wall = clock_ns(CLOCK_MONOTONIC);
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        b->told->size[k] = made[k]->len;
        if (b->fd[k] >= 0 && write_all(b->fd[k], buf_view(made[k]), &f)) die("%s", f.text);
    }
    b->told->write = clock_ns(CLOCK_MONOTONIC) - wall;
    b->told->good = true;
}

/* Maps and checks what the child wrote, as whoever publishes it does. */
static void check(const struct bench *b)
{
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        struct map m;
        struct index_file file;
        struct fault f = { "" };
        if (b->fd[k] < 0) continue;
        if (map_fd(b->fd[k], &m, &f) || index_file_open(&file, m.text, kind_of[k], true, &f))
            die("%s", f.text);
        map_close(&m);
    }
}

static void publish(const struct bench *b)
{
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        char from[512], to[512];
        path_of(b, names[k], ".new", from);
        path_of(b, names[k], "", to);
        if (b->fd[k] >= 0 && rename(from, to) != 0) die("%s cannot be put in its place", to);
    }
}

static struct index_file kept(const struct bench *b, enum cache_kind k)
{
    char path[512];
    struct map m;
    struct index_file file;
    struct fault f = { "" };
    path_of(b, names[k], "", path);
    if (map_open(AT_FDCWD, path, &m, &f) || index_file_open(&file, m.text, kind_of[k], true, &f))
        die("%s: %s", path, f.text);
    return file;
}

static void drafts_open(struct bench *b)
{
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++) {
        char path[512];
        path_of(b, names[k], ".new", path);
        b->fd[k] = -1;
        if (!(b->build.parts & part_of[k])) continue;
        unlink(path);
        b->fd[k] = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (b->fd[k] < 0) die("%s cannot be made", path);
    }
}

int main(int argc, char **argv)
{
    struct bench b = { 0 };
    int status;
    if (argc != 4) die("build ROOT FOLDER PARTS");
    b.folder = argv[2];
    b.build.root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (b.build.root < 0) die("there is no folder %s", argv[1]);
    if (strchr(argv[3], 'c')) b.build.parts |= PART_CATALOGUE;
    if (strchr(argv[3], 'o')) b.build.parts |= PART_OVERLAY;
    if (strchr(argv[3], 't')) b.build.parts |= PART_TEXT;
    if (!(b.build.parts & PART_CATALOGUE)) b.build.catalogue = kept(&b, CACHE_CATALOGUE);
    if (strchr(argv[3], 'l')) b.build.overlay = kept(&b, CACHE_OVERLAY);
    b.told = mmap(NULL, sizeof *b.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b.told == MAP_FAILED) die("no memory");
    drafts_open(&b);
    pid_t pid = fork();
    if (pid == 0) {
        child(&b);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !b.told->good) die("the build failed");
    uint64_t checked = clock_ns(CLOCK_MONOTONIC);
    check(&b);
    uint64_t renamed = clock_ns(CLOCK_MONOTONIC);
    publish(&b);
    uint64_t end = clock_ns(CLOCK_MONOTONIC);
    printf("{\"cpu\": %llu, \"wall\": %llu, \"write\": %llu, \"check\": %llu, \"rename\": %llu",
           (unsigned long long)b.told->cpu, (unsigned long long)b.told->wall,
           (unsigned long long)b.told->write, (unsigned long long)(renamed - checked),
           (unsigned long long)(end - renamed));
    for (enum cache_kind k = 0; k < CACHE_KINDS; k++)
        printf(", \"%s\": %llu", names[k], (unsigned long long)b.told->size[k]);
    printf("}\n");
    return 0;
}
