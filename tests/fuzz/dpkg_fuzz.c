/* A status file, behind the first NUL extended_states, behind the second one a journal file.
 * What comes out is sorted, without doubles, well-formed UTF-8, and its orphans are installed. */
#include "pkg/dpkg.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/dpkg-fuzz-XXXXXX";
static int root_fd = -1;

static void root_remove(void)
{
    static const char *const paths[] = { "var/lib/dpkg/updates/0000", "var/lib/dpkg/status",
                                         "var/lib/apt/extended_states", "etc/apt/apt.conf" };
    static const char *const folders[] = {
        "var/lib/dpkg/updates", "var/lib/dpkg", "var/lib/apt", "var/lib", "var", "etc/apt", "etc"
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) unlinkat(root_fd, paths[i], 0);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        unlinkat(root_fd, folders[i], AT_REMOVEDIR);
    rmdir(root);
}

static void put(const char *path, struct str text)
{
    int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert(fd >= 0);
    assert(write_all(fd, text, NULL) == OK);
    close(fd);
}

static void root_make(void)
{
    static const char *const folders[] = {
        "etc", "etc/apt", "var", "var/lib", "var/lib/apt", "var/lib/dpkg", "var/lib/dpkg/updates"
    };
    if (root_fd >= 0) return;
    assert(mkdtemp(root));
    root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert(mkdirat(root_fd, folders[i], 0755) == 0);
    put("etc/apt/apt.conf", S("APT::Architecture \"amd64\";\n"
                              "APT::Architectures { \"amd64\"; \"i386\"; };\n"
                              "APT::NeverAutoRemove { \"^a.*\"; };\n"
                              "APT::VersionedKernelPackages { \"linux-.*\"; };\n"));
    atexit(root_remove);
}

static void check(const struct dpkg_world *w)
{
    for (size_t i = 0; i < w->len; i++) {
        const struct dpkg_package *p = &w->at[i];
        const struct str texts[] = { p->name,           p->arch,    p->version,  p->source,
                                     p->source_version, p->section, p->priority, p->homepage,
                                     p->description,    p->depends, p->provides, p->multi_arch };
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) assert(utf8_valid(texts[k]));
        assert(p->name.len && (!p->installed || (p->unpacked && p->version.len)));
        assert(!p->orphan || (p->unpacked && p->automatic && !p->essential && !p->important));
        if (i == 0) continue;
        int order = str_cmp(p[-1].name, p->name);
        assert(order < 0 || (order == 0 && !str_eq(p[-1].arch, p->arch)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size }, parts[3] = { { 0 } };
    struct arena arena;
    struct inputs in;
    struct apt_conf conf = { 0 };
    struct dpkg_world world;

    root_make();
    for (size_t i = 0; i < 2; i++)
        if (!str_cut(&rest, 0, &parts[i])) parts[i] = STR_NONE;
    parts[2] = rest;
    put("var/lib/dpkg/status", parts[0]);
    put("var/lib/apt/extended_states", parts[1]);
    put("var/lib/dpkg/updates/0000", parts[2]);
    assert(arena_open(&arena, (size_t)256 << 20) == OK);
    assert(inputs_open(&in, root_fd, &arena) == OK);
    assert(apt_conf_read(&in, &conf) == OK);
    if (dpkg_read(&in, &conf, &world) == OK &&
        orphans_mark(&world, &conf, S("6.1.0-1-amd64"), &in) == OK)
        check(&world);
    for (size_t i = 0; i < in.notes_len; i++) assert(utf8_valid(in.notes[i].text));
    arena_close(&arena);
    return 0;
}
