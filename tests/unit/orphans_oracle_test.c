/* Compares orphans_mark with `apt-get -s autoremove` itself, on roots made from seeds: this
 * machine's packages with other ones marked automatic, and made-up worlds full of what is rare.
 * Without apt-get there is nothing to compare with and the test is skipped. */
#include "package_root.h"

#include <sys/utsname.h>

enum { SEEDS = 40, PACKAGES = 120, NAMES = 40, VIRTUALS = 8 };

struct made {
    char name[64];
    const char *arch, *multi_arch, *status, *extra;
    char provided[32]; /* one of the names it provides without a version */
    int version, source;
    bool automatic, usable;
};

struct maker {
    uint64_t state;
    struct package_root root;
    struct made at[PACKAGES];
    size_t len;
    bool deviant;    /* packages of one source may differ in its version */
    bool repeatable; /* SOURCE_DATE_EPOCH is set, so that the running kernel does not count */
};

static uint32_t dice(struct maker *m, uint32_t sides)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return (uint32_t)(m->state >> 32) % sides;
}

static bool chance(struct maker *m, uint32_t percent)
{
    return dice(m, 100) < percent;
}

static const char *pick(struct maker *m, const char *const *from, size_t len)
{
    return from[dice(m, (uint32_t)len)];
}
#define PICK(m, ...)                                                                               \
    pick(m, (const char *const[]){ __VA_ARGS__ },                                                  \
         sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* --- configuration ------------------------------------------------------------------------- */

static void conf_write(struct maker *m)
{
    FILE *f = root_open(&m->root, APT_CONF);
    fputs("APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; \"i386\"; };\n", f);
    fputs("APT::NeverAutoRemove { \"^firmware-linux.*\"; \"^linux-image-[a-z0-9]*$\"; };\n", f);
    fputs("APT::VersionedKernelPackages { \"linux-.*\"; \".*-modules\"; \".*-kernel\"; };\n", f);
    if (chance(m, 25)) fputs("APT::AutoRemove::RecommendsImportant \"false\";\n", f);
    if (chance(m, 50)) fputs("APT::AutoRemove::SuggestsImportant \"no\";\n", f);
    if (chance(m, 15)) fputs("APT::Protect-Kernels \"false\";\n", f);
    if (chance(m, 10)) fputs("APT::Ignore-Hold \"true\";\n", f);
    if (chance(m, 20)) fputs("APT::NeverAutoRemove:: \"^PKG1[0-3]$|^lib.*(ssl|xml)\";\n", f);
    if (chance(m, 20)) fputs("APT::NeverAutoRemove:: \"n2\";\n", f);
    if (chance(m, 4)) fputs("APT::NeverAutoRemove:: \"(\";\n", f);
    if (chance(m, 10)) fputs("pkgCacheGen::ForceImportant { \"pkg17\"; \"bash\"; };\n", f);
    assert_int_equal(fclose(f), 0);

    f = root_open(&m->root, "oracle.conf");
    fprintf(f, "Dir \"%s/\";\nDir::State::status \"%s/" STATUS "\";\n", m->root.path, m->root.path);
    fputs("Dir::Bin::dpkg \"/usr/bin/dpkg\";\nDebug::NoLocking \"true\";\n", f);
    fputs("Dir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\n", f);
    fputs("Dir::State::lists \"/nonexistent\";\nDir::Log \"/nonexistent\";\n", f);
    assert_int_equal(fclose(f), 0);
}

/* --- this machine's packages ------------------------------------------------------------------ */

static bool copy_status(struct maker *m)
{
    FILE *from = fopen("/" STATUS, "r");
    char *line = NULL, name[256] = "", arch[32] = "";
    size_t room = 0;
    uint32_t percent = 50 + dice(m, 50);
    if (!from) return false;
    FILE *to = root_open(&m->root, STATUS);
    FILE *states = root_open(&m->root, EXTENDED_STATES);
    while (getline(&line, &room, from) > 0) {
        if (sscanf(line, "Package: %255s", name) == 1) arch[0] = 0;
        if (sscanf(line, "Architecture: %31s", arch) == 1 && chance(m, percent))
            fprintf(states, "Package: %s\nArchitecture: %s\nAuto-Installed: 1\n\n", name, arch);
        fputs(line, to);
    }
    free(line);
    fclose(from);
    assert_int_equal(fclose(to) | fclose(states), 0);
    return true;
}

/* --- made-up packages ------------------------------------------------------------------------- */

static struct made *add(struct maker *m, const char *before, const char *name, const char *behind)
{
    struct made *p = &m->at[m->len++];
    assert_true(m->len <= PACKAGES);
    *p = (struct made){ .arch = "amd64",
                        .multi_arch = "no",
                        .status = "install ok installed",
                        .extra = "",
                        .usable = true };
    snprintf(p->name, sizeof p->name, "%s%s%s", before, name, behind);
    p->version = 1 + (int)dice(m, 9);
    p->source = (int)dice(m, 12);
    p->automatic = chance(m, 85);
    return p;
}

static void add_ordinary(struct maker *m, unsigned number)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%u", number);
    struct made *p = add(m, "pkg", digits, "");
    p->arch = PICK(m, "amd64", "amd64", "all", "all", "i386");
    p->multi_arch = PICK(m, "no", "no", "foreign", "allowed");
    if (chance(m, 3)) p->status = "hold ok installed";
    if (chance(m, 2)) p->status = "install ok triggers-pending";
    if (chance(m, 5)) {
        p->status = "deinstall ok config-files";
        p->usable = false;
    }
    if (chance(m, 8))
        p->extra = PICK(m, "Essential: yes\n", "Priority: required\n", "Protected: yes\n",
                        "Important: yes\n", "Priority: important\n");
    if (p->usable && !strcmp(p->arch, "amd64") && chance(m, 20)) {
        struct made twin = *p;
        p->multi_arch = twin.multi_arch = "same";
        twin.arch = "i386";
        twin.automatic = chance(m, 60);
        m->at[m->len++] = twin;
    }
}

static void add_kernels(struct maker *m)
{
    struct utsname uts;
    uname(&uts);
    for (unsigned i = 0, count = dice(m, 6); i < count; i++) {
        bool running = i == 2;
        char release[80];
        snprintf(release, sizeof release, "6.%u.0-%u-amd64", 1 + i, dice(m, 4));
        if (running) snprintf(release, sizeof release, "%.40s", uts.release);
        int version = 1 + (int)dice(m, 4);
        for (unsigned k = 0; k < 4; k++) {
            static const char *const heads[] = { "linux-image-", "linux-headers-", "zfs-modules-",
                                                 "linux-image-" };
            if (k && chance(m, 50)) continue;
            struct made *p = add(m, heads[k], release, k == 3 ? "-dbg" : "");
            p->version = version;
            p->source = k == 2 ? 20 : 21;
            p->automatic = chance(m, 95);
            snprintf(p->provided, sizeof p->provided, "%s",
                     k == 2 ? "zfs-modules" : "linux-anything");
        }
    }
}

static const struct made *some_usable(struct maker *m, const char *arch)
{
    for (;;) {
        const struct made *p = &m->at[dice(m, (uint32_t)m->len)];
        bool same = !strcmp(p->arch, arch) || (!strcmp(p->arch, "all") && !strcmp(arch, "amd64"));
        if (p->usable && (same || !strcmp(p->arch, "all"))) return p;
    }
}

/* An alternative that is certainly satisfied for a package of this architecture. */
static void write_safe(struct maker *m, FILE *f, const struct made *of)
{
    const char *arch = strcmp(of->arch, "all") ? of->arch : "amd64";
    const struct made *p = some_usable(m, "amd64");
    if (strcmp(arch, "amd64")) {
        fprintf(f, "%s", of->name); /* itself: nothing else is sure to be there for it */
        return;
    }
    if (p->provided[0] && chance(m, 50)) fprintf(f, "%s", p->provided);
    else fprintf(f, "%s", p->name);
}

/* A relation of any kind, satisfied or not, but for those where the answer of apt 2.6 depends on
 * the order in which it comes by things: versioned ones on "VIRTUAL:ARCH", which it compares with
 * the provider's own version if they stand in the status file before it, and versioned ones on a
 * virtual package that several versions of a source provide, of which it may ask once only. */
static void write_any(struct maker *m, FILE *f)
{
    bool virtual = chance(m, 40);
    const char *qualifier = "";
    if (virtual && chance(m, 75)) fprintf(f, "virtual%u", dice(m, VIRTUALS));
    else if (virtual) fputs(PICK(m, "linux-anything", "zfs-modules", "nothing"), f);
    else fprintf(f, "%s", m->at[dice(m, (uint32_t)m->len)].name);
    if (chance(m, 25)) qualifier = PICK(m, ":any", ":any", ":amd64", ":i386", ":native");
    fputs(qualifier, f);
    if (virtual && (m->deviant || (qualifier[0] && strcmp(qualifier, ":any")))) return;
    if (chance(m, 35))
        fprintf(f, " (%s 1.%u)", PICK(m, "=", ">=", "<=", ">>", "<<"), 1 + dice(m, 9));
}

static void write_relations(struct maker *m, FILE *f, const struct made *of, const char *field,
                            bool safe)
{
    fprintf(f, "%s: ", field);
    for (uint32_t i = 0, groups = 1 + dice(m, 3); i < groups; i++) {
        uint32_t alternatives = 1 + dice(m, 3), good = dice(m, alternatives);
        for (uint32_t k = 0; k < alternatives; k++) {
            fputs(k ? " | " : i ? ", " : "", f);
            if (safe && k == good) write_safe(m, f, of);
            else write_any(m, f);
        }
    }
    fputs("\n", f);
}

static void write_provides(struct maker *m, FILE *f, const struct made *p)
{
    fprintf(f, "Provides: %s", p->provided);
    for (uint32_t i = 0, count = p->source < 20 ? 1 + dice(m, 2) : 0; i < count; i++) {
        fprintf(f, "%svirtual%u", i || p->provided[0] ? ", " : "", dice(m, VIRTUALS));
        if (chance(m, 15)) fputs(PICK(m, ":any", ":i386", ":amd64"), f);
        if (chance(m, 40)) fprintf(f, " (= 1.%u)", 1 + dice(m, 9));
    }
    fputs("\n", f);
}

static void write_package(struct maker *m, FILE *f, struct made *p)
{
    fprintf(f, "Package: %s\nStatus: %s\n", p->name, p->status);
    if (!strstr(p->extra, "Priority")) fputs("Priority: optional\n", f);
    fprintf(f, "%sMaintainer: nobody\nArchitecture: %s\nVersion: 1.%d\n", p->extra, p->arch,
            p->version);
    if (strcmp(p->multi_arch, "no")) fprintf(f, "Multi-Arch: %s\n", p->multi_arch);
    if (chance(m, 70)) {
        fprintf(f, "Source: source%d", p->source);
        if (m->deviant && chance(m, 30)) fprintf(f, " (2.%u)", dice(m, 3));
        else if (p->source < 20) fprintf(f, " (2.%d)", p->source);
        fputs("\n", f);
    }
    if (chance(m, 30) || p->provided[0]) write_provides(m, f, p);
    if (chance(m, 10)) write_relations(m, f, p, "Pre-Depends", true);
    if (chance(m, 40)) write_relations(m, f, p, "Depends", true);
    if (chance(m, 25)) write_relations(m, f, p, "Recommends", false);
    if (chance(m, 25)) write_relations(m, f, p, "Suggests", false);
    fputs("Description: made up\n\n", f);
}

static void make_up(struct maker *m)
{
    for (unsigned i = 0; i < NAMES; i++) add_ordinary(m, i);
    add_kernels(m);
    for (size_t i = 0; i < m->len; i++)
        if (m->at[i].usable && !m->at[i].provided[0] && strcmp(m->at[i].arch, "i386") &&
            chance(m, 20))
            snprintf(m->at[i].provided, sizeof m->at[i].provided, "virtual%u", dice(m, VIRTUALS));

    FILE *status = root_open(&m->root, STATUS);
    for (size_t i = 0; i < m->len; i++) write_package(m, status, &m->at[i]);
    assert_int_equal(fclose(status), 0);
    FILE *states = root_open(&m->root, EXTENDED_STATES);
    for (size_t i = 0; i < m->len; i++)
        if (m->at[i].automatic)
            fprintf(states, "Package: %s\nArchitecture: %s\nAuto-Installed: 1\n\n", m->at[i].name,
                    strcmp(m->at[i].arch, "all") ? m->at[i].arch : "amd64");
    assert_int_equal(fclose(states), 0);
}

/* --- the comparison --------------------------------------------------------------------------- */

static struct dpkg_package *find_full(struct maker *m, char *name)
{
    char *colon = strchr(name, ':');
    if (colon) {
        *colon = 0;
        return root_find(&m->root, name, colon + 1);
    }
    struct dpkg_package *p = root_find(&m->root, name, "amd64");
    return p ? p : root_find(&m->root, name, "all");
}

/* Takes apt's answer from the marks: what then is left differs. */
static size_t compare(struct maker *m, FILE *oracle, size_t *removed)
{
    char line[512], name[256];
    size_t differ = 0;

    while (fgets(line, sizeof line, oracle)) {
        if (line[0] == 'E' && line[1] == ':') fail_msg("apt-get: %s", line);
        if (sscanf(line, "Remv %255s", name) != 1) continue;
        ++*removed;
        struct dpkg_package *p = find_full(m, name);
        if (p && p->orphan) {
            p->orphan = 0;
            continue;
        }
        print_error("apt-get removes %s, omg keeps it\n", name);
        differ++;
    }
    for (size_t i = 0; i < m->root.world.len; i++) {
        struct dpkg_package *p = &m->root.world.at[i];
        if (!p->orphan) continue;
        print_error("omg removes %.*s:%.*s, apt-get keeps it\n", STR_ARG(p->name),
                    STR_ARG(p->arch));
        differ++;
    }
    return differ;
}

static size_t one_seed(uint64_t seed, size_t *removed)
{
    struct maker m = { .state = seed * 0x9E3779B97F4A7C15u + 1 };
    struct utsname uts;
    char command[256];

    for (int i = 0; i < 8; i++) dice(&m, 2);
    root_make(&m.root);
    conf_write(&m);
    m.deviant = chance(&m, 30);
    if (seed % 4 != 0 || !copy_status(&m)) make_up(&m);
    m.repeatable = chance(&m, 30);
    snprintf(command, sizeof command,
             "%s LC_ALL=C APT_CONFIG=%s/oracle.conf apt-get -s autoremove 2>&1",
             m.repeatable ? "SOURCE_DATE_EPOCH=1" : "env -u SOURCE_DATE_EPOCH", m.root.path);
    assert_int_equal(root_read(&m.root), OK);
    uname(&uts);
    assert_int_equal(orphans_mark(&m.root.world, &m.root.conf,
                                  m.repeatable ? STR_NONE : str_of(uts.release), &m.root.in),
                     OK);
    FILE *oracle = popen(command, "r");
    assert_non_null(oracle);
    size_t differ = compare(&m, oracle, removed);
    int status = pclose(oracle);
    if (status || differ) print_error("seed %u: %s\n", (unsigned)seed, command);
    if (!getenv("KEEP_ROOTS")) root_free(&m.root);
    assert_int_equal(status, 0);
    return differ;
}

static void orphans_are_what_apt_would_remove(void **state)
{
    const char *first = getenv("FIRST_SEED"), *count = getenv("SEEDS");
    uint64_t from = first ? strtoull(first, NULL, 10) : 0;
    uint64_t seeds = count ? strtoull(count, NULL, 10) : SEEDS;
    size_t differ = 0, removed = 0;

    (void)state;
    if (system("apt-get --version >/dev/null 2>&1") != 0) {
        print_message("there is no apt-get to compare with\n");
        skip();
    }
    for (uint64_t seed = from; seed < from + seeds; seed++) differ += one_seed(seed, &removed);
    assert_int_equal(differ, 0);
    assert_true(removed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(orphans_are_what_apt_would_remove) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
