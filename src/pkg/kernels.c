#include "pkg/kernels.h"

#include "pkg/deb_version.h"

#include <stdlib.h>

enum { KERNELS_MOST = 512, KEPT_LEAST = 2 };

struct kernel {
    struct str version, release;
};

struct str kernel_release(struct str name)
{
    static const char *const heads[] = { "linux-image-", "kfreebsd-image-", "gnumach-image-" };
    struct str release = STR_NONE;
    size_t digits = 0;

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (str_starts(name, str_of(heads[i]))) release = str_from(name, strlen(heads[i]));
    if (str_ends(name, S("-dbg")) || str_ends(name, S("-dbgsym"))) return STR_NONE;
    while (digits < release.len && ascii_digit(release.at[digits])) digits++;
    if (digits == 0 || digits == release.len || release.at[digits] != '.') return STR_NONE;
    return release;
}

static int newest_first(const void *left, const void *right)
{
    const struct kernel *a = left, *b = right;
    int order = deb_version_cmp(b->version, a->version);
    return order ? order : str_cmp(a->release, b->release);
}

static size_t installed_kernels(const struct dpkg_world *w, struct kernel *found)
{
    size_t len = 0;
    for (size_t i = 0; i < w->len && len < KERNELS_MOST; i++) {
        struct str release = kernel_release(w->at[i].name);
        if (w->at[i].unpacked && release.len)
            found[len++] = (struct kernel){ w->at[i].version, release };
    }
    qsort(found, len, sizeof *found, newest_first);
    return len;
}

/* How many versions to keep: two, or since apt 2.7.12 what the configuration says. apt reads that
 * number as strtol does and lets a negative one be huge. */
static size_t kept_count(const struct dpkg_world *w, const struct apt_conf *c)
{
    struct str s = str_trim(apt_conf_find(c, S("APT::NeverAutoRemove::KernelCount"), S("2")));
    uint64_t value;
    size_t digits = 0;
    bool asked = false;

    for (size_t i = 0; i < w->len && !asked; i++)
        asked = w->at[i].unpacked && str_eq(w->at[i].name, S("apt")) &&
                deb_version_cmp(w->at[i].version, S("2.7.12")) >= 0;
    if (!asked) return KEPT_LEAST;
    if (s.len && s.at[0] == '-') return SIZE_MAX;
    while (digits < s.len && ascii_digit(s.at[digits])) digits++;
    if (!str_u64(str_head(s, digits), &value) || value < KEPT_LEAST) return KEPT_LEAST;
    return (size_t)value;
}

/* Cuts the list, newest version first, down to the protected ones: the booted version and the
 * newest others, until count versions are kept. */
static size_t protect(struct kernel *at, size_t len, struct str running, size_t count)
{
    struct str booted = STR_NONE;
    size_t out = 0;
    bool keep = false;

    for (size_t i = 0; i < len; i++)
        if (running.len && str_eq(at[i].release, running)) booted = at[i].version;
    if (booted.len) count--;
    for (size_t i = 0; i < len; i++) {
        if (i == 0 || deb_version_cmp(at[i - 1].version, at[i].version) != 0) {
            bool is_booted = booted.len && deb_version_cmp(at[i].version, booted) == 0;
            keep = is_booted || count > 0;
            if (!is_booted && count) count--;
        }
        if (keep) at[out++] = at[i];
    }
    return out;
}

/* The packages of one release, for one of apt's patterns. apt takes '.' and '+' of a release
 * literally, and no other letter. */
static enum err release_add(struct patterns *p, struct arena *a, struct str pattern,
                            struct str release)
{
    char text[2 * PATTERN_MOST];
    size_t n = 0;

    if (release.len > PATTERN_MOST) return OK;
    for (size_t i = 0; i < release.len; i++) {
        if (release.at[i] == '.' || release.at[i] == '+') text[n++] = '\\';
        text[n++] = release.at[i];
    }
    struct str whole = arena_print(a, "^%.*s-%.*s$", STR_ARG(pattern), (int)n, text);
    return whole.at ? patterns_add(p, a, whole) : ERR_RESOURCE_LIMIT;
}

static enum err kept_add(struct kernels *k, struct arena *a, struct str pattern,
                         const struct kernel *at, size_t len, struct str running)
{
    enum err e = running.len ? release_add(&k->kept, a, pattern, running) : OK;
    for (size_t i = 0; i < len && !e; i++) e = release_add(&k->kept, a, pattern, at[i].release);
    return e;
}

static enum err versioned_add(struct kernels *k, struct arena *a, struct str pattern)
{
    struct str whole = arena_print(a, "^%.*s-.*$", STR_ARG(pattern));
    return whole.at ? patterns_add(&k->versioned, a, whole) : ERR_RESOURCE_LIMIT;
}

enum err kernels_open(struct kernels *k, const struct dpkg_world *w, const struct apt_conf *c,
                      struct str running, struct inputs *in)
{
    struct str list = S("APT::VersionedKernelPackages"), pattern;
    struct kernel *found = arena_array(in->arena, KERNELS_MOST, sizeof *found);
    size_t at = 0;
    enum err e = OK;

    *k = (struct kernels){ 0 };
    if (!found) return ERR_RESOURCE_LIMIT;
    size_t installed = installed_kernels(w, found);
    size_t len = protect(found, installed, running, kept_count(w, c));
    bool protecting = installed && apt_conf_bool(c, S("APT::Protect-Kernels"), true);
    while (!e && apt_conf_next(c, list, &at, &pattern)) {
        if (!pattern_valid(pattern)) {
            inputs_note(in, list, "A pattern is not valid and protects no package.");
            continue;
        }
        if (protecting) e = kept_add(k, in->arena, pattern, found, len, running);
        if (!e) e = versioned_add(k, in->arena, pattern);
    }
    if (e) kernels_close(k);
    return e;
}

void kernels_close(struct kernels *k)
{
    patterns_free(&k->versioned);
    patterns_free(&k->kept);
}
