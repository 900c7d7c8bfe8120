/* One package in full, and what is said of the whole machine. */
#include "base/hash.h"
#include "pkg/longtext.h"
#include "pkg/query.h"

#include "pkg/postings.h"

/* name[:arch][=version][/suite] */
struct wanted {
    struct str name, arch, version, suite;
};

static struct wanted wanted_read(struct str s)
{
    struct wanted w = { 0 };
    size_t n = str_chr(s, '/');
    size_t v = str_chr(s, '=');
    if (v < n) { /* a version may hold a slash no more than a suite an equals sign */
        w.version = str_from(s, v + 1);
        s = str_head(s, v);
    } else if (n < s.len) {
        w.suite = str_from(s, n + 1);
        s = str_head(s, n);
    }
    n = str_chr(s, ':');
    w.arch = str_from(s, n + 1);
    w.name = str_head(s, n);
    return w;
}

/* The answer is a row of the catalogue, or an installed package that it lacks. */
struct choice {
    uint32_t any, row, package;
};

static bool arch_find(const struct index *ix, struct str name, uint32_t *arch)
{
    *arch = 0;
    if (!name.len || str_eq(name, S("all")) || str_eq(name, S("native"))) return true;
    size_t n = file_count(&ix->catalogue, SECTION_ARCHS, sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++) {
        if (!str_eq(index_string(ix, file_u32(&ix->catalogue, SECTION_ARCHS, i)), name)) continue;
        *arch = i;
        return true;
    }
    return false;
}

static bool suite_is(const struct index *ix, uint32_t row, struct str suite)
{
    const struct file_record *f = index_file_row(ix, index_version(ix, row)->file);
    return str_eq(index_string(ix, f->archive), suite) ||
           str_eq(index_string(ix, f->codename), suite) ||
           str_eq(index_string(ix, f->release), suite);
}

/* The first installed package of a name with this architecture; NONE. */
static uint32_t installed_as(const struct index *ix, uint32_t any, uint32_t arch)
{
    struct str wanted = index_string(ix, file_u32(&ix->catalogue, SECTION_ARCHS, arch));
    uint32_t p = index_installed(ix, any);
    for (; p < ix->packages && index_package(ix, p)->name == any; p++) {
        struct str own = overlay_string(ix, index_package(ix, p)->arch);
        if (str_eq(own, wanted) || (arch == 0 && str_eq(own, S("all")))) return p;
    }
    return NONE;
}

static bool choose_exact(const struct index *ix, const struct wanted *w, uint32_t arch,
                         struct choice *c)
{
    uint32_t first, end;
    index_versions(ix, c->any, &first, &end);
    for (uint32_t row = first; row < end; row++) {
        if (index_version(ix, row)->arch != arch) continue;
        struct str version = index_string(ix, index_version(ix, row)->version);
        if (w->suite.len ? !suite_is(ix, row, w->suite) : !str_eq(version, w->version)) continue;
        c->row = row;
        return true;
    }
    uint32_t p = installed_as(ix, c->any, arch);
    if (p == NONE || w->suite.len ||
        !str_eq(overlay_string(ix, index_package(ix, p)->version), w->version))
        return false;
    c->package = p;
    return true;
}

static bool choose_candidate(const struct index *ix, uint32_t arch, bool any_arch, struct choice *c)
{
    uint32_t first, end;
    c->row = index_candidate(ix, c->any, arch, &c->package);
    if (c->row != NONE || c->package != NONE) return true;
    index_versions(ix, c->any, &first, &end);
    for (uint32_t row = first; row < end && c->row == NONE; row++)
        if (any_arch || index_version(ix, row)->arch == arch) c->row = row;
    if (c->row == NONE) c->package = any_arch ? index_installed(ix, c->any) : NONE;
    return c->row != NONE || c->package != NONE;
}

/* An installed version that the catalogue has too is better told by the catalogue. */
static void prefer_catalogue(const struct index *ix, struct choice *c)
{
    if (c->row == NONE) c->row = index_package(ix, c->package)->row;
}

static struct str joined(struct str summary, struct str text, struct arena *a)
{
    if (!text.len) return summary;
    char *to = arena_alloc(a, summary.len + 1 + text.len);
    if (!to) return summary;
    memcpy(to, summary.at, summary.len);
    to[summary.len] = '\n';
    memcpy(to + summary.len + 1, text.at, text.len);
    return (struct str){ to, summary.len + 1 + text.len };
}

static enum err fill_offered(const struct index *ix, const struct choice *c,
                             struct detailed_package_info *r, struct arena *a)
{
    const struct version_record *v = index_version(ix, c->row);
    struct str summary = v->summary ? index_string(ix, v->summary) : index_summary(ix, c->any);
    struct relation_walk w = index_relations(ix, v->relations);
    size_t most = w.left < (size_t)(w.end - w.at) ? w.left : (size_t)(w.end - w.at);
    r->version = index_string(ix, v->version);
    r->description = joined(summary, longtext_find(ix, version_text_key(v), a), a);
    r->url = index_string(ix, v->homepage);
    r->size = (uint64_t)v->installed_kib * 1024;
    r->download_size = version_size(v);
    r->repo = index_string(ix, index_file_row(ix, v->file)->repo);
    r->depends.at = arena_array(a, most + 1, sizeof *r->depends.at);
    if (!r->depends.at) return ERR_RESOURCE_LIMIT;
    while (r->depends.len < most && index_relation_next(ix, &w, &r->depends.at[r->depends.len]))
        r->depends.len++;
    return OK;
}

static enum err overlay_list(const struct index *ix, enum section s, uint32_t from, uint32_t len,
                             struct str **at, size_t *count, struct arena *a)
{
    size_t rows = file_count(&ix->overlay, s, sizeof(uint32_t));
    if (from > rows || len > rows - from) len = 0;
    *at = arena_array(a, (size_t)len + 1, sizeof **at);
    if (!*at) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < len; i++)
        (*at)[i] = overlay_string(ix, file_u32(&ix->overlay, s, (size_t)from + i));
    *count = len;
    return OK;
}

static enum err fill_installed(const struct index *ix, const struct choice *c,
                               struct detailed_package_info *r, struct arena *a)
{
    const struct package_record *p = index_package(ix, c->package);
    struct str text = overlay_string(ix, p->description);
    size_t line = str_chr(text, '\n');
    r->version = overlay_string(ix, p->version);
    r->description = joined(str_head(text, line), longtext_plain(str_from(text, line + 1), a), a);
    r->url = overlay_string(ix, p->homepage);
    r->size = p->installed_kib * 1024;
    return overlay_list(ix, SECTION_DEPENDS, p->depends, p->depends_len, &r->depends.at,
                        &r->depends.len, a);
}

/* A name that exists only as something that others provide. */
static enum err fail_virtual(const struct index *ix, struct str name, struct fault *f)
{
    const struct virtual_record *rows = file_rows(&ix->catalogue, SECTION_VIRTUAL);
    size_t from = 0, to = file_count(&ix->catalogue, SECTION_VIRTUAL, sizeof *rows), end = to;
    uint64_t hash = hash_str(name);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (rows[middle].hash < hash) from = middle + 1;
        else to = middle;
    }
    struct str bytes = file_section(&ix->catalogue, SECTION_PROVIDERS);
    if (from == end || rows[from].hash != hash || rows[from].providers > bytes.len ||
        rows[from].len > bytes.len - rows[from].providers)
        return fail(f, ERR_PACKAGE_NOT_FOUND, NO_SUCH_PACKAGE "'%.*s'", STR_ARG(name));
    const uint8_t *at = (const uint8_t *)bytes.at + rows[from].providers;
    struct postings walk = postings_open(at, at + rows[from].len, ix->names);
    char list[300];
    size_t len = 0, more = 0;
    while (postings_next(&walk)) {
        struct str one = index_name(ix, walk.number);
        if (more || len + one.len + 2 > sizeof list) {
            more++;
            continue;
        }
        if (len) memcpy(list + len, ", ", 2), len += 2;
        memcpy(list + len, one.at, one.len);
        len += one.len;
    }
    if (more)
        return fail(f, ERR_PACKAGE_NOT_FOUND,
                    "'%.*s' is a virtual package, provided by %.*s and %zu more", STR_ARG(name),
                    (int)len, list, more);
    return fail(f, ERR_PACKAGE_NOT_FOUND, "'%.*s' is a virtual package, provided by %.*s",
                STR_ARG(name), (int)len, list);
}

static enum err choose(const struct index *ix, const struct wanted *w, struct choice *c,
                       struct fault *f)
{
    uint32_t arch;
    *c = (struct choice){ index_find(ix, w->name), NONE, NONE };
    if (c->any == NONE) {
        uint32_t extra = index_find_extra(ix, w->name);
        if (extra == NONE) return fail_virtual(ix, w->name, f);
        c->any = ix->names + extra;
    }
    if (!arch_find(ix, w->arch, &arch))
        return fail(f, ERR_PACKAGE_NOT_FOUND, "this machine has no architecture '%.*s'",
                    STR_ARG(w->arch));
    bool exact = w->version.len || w->suite.len;
    if (exact ? choose_exact(ix, w, arch, c) : choose_candidate(ix, arch, !w->arch.len, c))
        return OK;
    if (w->suite.len)
        return fail(f, ERR_PACKAGE_NOT_FOUND, "'%.*s' is not on offer from '%.*s'",
                    STR_ARG(w->name), STR_ARG(w->suite));
    if (w->version.len) {
        struct str shown = shown_version(ix, c->any);
        return fail(f, ERR_PACKAGE_NOT_FOUND, "'%.*s' has no version '%.*s'; on offer is %.*s",
                    STR_ARG(w->name), STR_ARG(w->version), STR_ARG(shown));
    }
    return fail(f, ERR_PACKAGE_NOT_FOUND, "'%.*s' does not exist for architecture '%.*s'",
                STR_ARG(w->name), STR_ARG(w->arch));
}

enum err query_info(struct index *ix, const struct info_request *q, struct detailed_package_info *r,
                    struct arena *a, struct fault *f)
{
    struct wanted w = wanted_read(q->package);
    struct choice c;
    *r = (struct detailed_package_info){ .source = S("apt") };
    enum err e = choose(ix, &w, &c, f);
    if (e) return e;
    uint32_t installed = c.package;
    prefer_catalogue(ix, &c);
    if (installed == NONE && c.row != NONE)
        installed = installed_as(ix, c.any, index_version(ix, c.row)->arch);
    const struct package_record *p = index_package(ix, installed);
    r->name = any_name(ix, c.any);
    e = c.row != NONE ? fill_offered(ix, &c, r, a) : fill_installed(ix, &c, r, a);
    if (!e)
        e = overlay_list(ix, SECTION_LICENSES, p->licenses, p->licenses_len, &r->licenses.at,
                         &r->licenses.len, a);
    return e ? fail(f, e, "no memory for the answer") : OK;
}

enum err query_status(struct index *ix, const struct status_request *q, struct status_result *r,
                      struct arena *a, struct fault *f)
{
    (void)q, (void)a, (void)f;
    const struct overlay_meta *m = ix->overlay_meta;
    *r = (struct status_result){ .total_packages = m->total,
                                 .explicit_packages = m->explicit_,
                                 .orphan_packages = m->orphans,
                                 .updates_available = m->updates,
                                 .security_vulnerabilities = m->security };
    return OK;
}

enum err query_explicit(struct index *ix, const struct explicit_request *q,
                        struct explicit_result *r, struct arena *a, struct fault *f)
{
    (void)q;
    size_t n = file_count(&ix->overlay, SECTION_EXPLICIT, sizeof(uint32_t));
    struct str native = index_string(ix, file_u32(&ix->catalogue, SECTION_ARCHS, 0));
    *r = (struct explicit_result){ 0 };
    r->packages.at = arena_array(a, n + 1, sizeof *r->packages.at);
    if (!r->packages.at) return fail(f, ERR_RESOURCE_LIMIT, "no memory for the answer");
    for (size_t i = 0; i < n; i++) {
        const struct package_record *p =
            index_package(ix, file_u32(&ix->overlay, SECTION_EXPLICIT, i));
        struct str name = any_name(ix, p->name), arch = overlay_string(ix, p->arch);
        if (arch.len && !str_eq(arch, native) && !str_eq(arch, S("all")))
            name = arena_print(a, "%.*s:%.*s", STR_ARG(name), STR_ARG(arch));
        r->packages.at[r->packages.len++] = name;
    }
    return OK;
}
