#include "pkg/overlay_build.h"

#include "base/hash.h"
#include "pkg/control.h"
#include "pkg/copyright.h"
#include "pkg/deb_version.h"
#include "pkg/order.h"
#include "pkg/same_build.h"
#include "pkg/writer.h"

#include <stdio.h>

enum { COPYRIGHT_MOST = 16 << 20 }; /* bytes; those of Boost have 2 MB */

struct overlay {
    struct inputs *in;
    struct arena *arena;
    struct index ix;  /* the catalogue alone */
    struct index old; /* an earlier overlay alone, for its licences */
    const struct apt_conf *conf;
    struct apt_files files;
    struct apt_pins pins;
    int32_t status_priority;
    bool specific; /* a pin speaks of single packages */
    struct dpkg_world world;
    uint32_t *name;  /* by package of the world: number in the catalogue or of an extra */
    uint32_t *order; /* packages of the world with a state worth keeping, by name, native first */
    size_t len;
    struct intern strings;
    struct buf packages, extras, candidates, licenses, depends, explicit_;
    uint64_t *installed;
    struct overlay_meta meta;
};

/* The catalogue's files with the priorities that today's preferences give them. */
static enum err files_read(struct overlay *o)
{
    size_t n = o->ix.catalogue_meta->files;
    o->files.at = arena_array(o->arena, n + 1, sizeof *o->files.at);
    if (!o->files.at) return ERR_RESOURCE_LIMIT;
    o->files.len = n;
    for (uint32_t i = 0; i < n; i++) {
        const struct file_record *r = index_file_row(&o->ix, i);
#define TEXT(member) .member = index_string(&o->ix, r->member)
        o->files.at[i] = (struct apt_file){ TEXT(path),
                                            TEXT(uri),
                                            TEXT(site),
                                            TEXT(release),
                                            TEXT(archive),
                                            TEXT(codename),
                                            TEXT(version),
                                            TEXT(origin),
                                            TEXT(label),
                                            TEXT(component),
                                            TEXT(arch),
                                            TEXT(repo),
                                            .not_automatic = r->not_automatic,
                                            .automatic_upgrades = r->automatic_upgrades,
                                            .security = r->security };
#undef TEXT
    }
    enum err e = apt_pins_read(o->in, o->conf, &o->pins);
    if (e) return e;
    apt_pins_apply(&o->pins, o->conf, &o->files);
    o->status_priority = apt_pins_status(&o->pins, o->conf, &o->files);
    o->specific = apt_pins_specific(&o->pins);
    return OK;
}

/* The pin for this package alone, for a version as one file offers it; NULL for none. */
static const struct apt_pin *pin_of(const struct overlay *o, struct str name, uint32_t row)
{
    const struct version_record *v = index_version(&o->ix, row);
    struct str source = v->source ? index_string(&o->ix, v->source) : name;
    struct str arch = index_string(&o->ix, file_u32(&o->ix.catalogue, SECTION_ARCHS, v->arch));
    if (v->file >= o->files.len) return NULL;
    return apt_pins_find(&o->pins, name, arch, o->world.archs.at[0], source,
                         index_string(&o->ix, v->version), &o->files.at[v->file]);
}

/* apt's pkgPolicy::GetPriority for one version: rows [first, end) offer it, p has it installed
 * (NULL: nobody). A pin for the package counts before those of its archives. */
static int32_t priority_of(const struct overlay *o, struct str name, const struct dpkg_package *p,
                           uint32_t first, uint32_t end)
{
    const struct apt_pin *pin = NULL, *own;
    int32_t best = p ? o->status_priority : INT32_MIN;
    if (o->specific && p)
        pin = apt_pins_find(&o->pins, p->name, p->arch, o->world.archs.at[0], p->source, p->version,
                            NULL);
    for (uint32_t row = first; row < end; row++) {
        uint16_t file = index_version(&o->ix, row)->file;
        int32_t priority = file < o->files.len ? o->files.at[file].priority : 0;
        if (priority > best) best = priority;
        own = o->specific ? pin_of(o, name, row) : NULL;
        if (own && (!pin || own < pin)) pin = own;
    }
    return pin && best != APT_NEVER ? pin->priority : best;
}

static struct str version_of(const struct overlay *o, uint32_t row)
{
    return index_string(&o->ix, index_version(&o->ix, row)->version);
}

/* The end of the rows that offer the same version as the first one. */
static uint32_t same_version(const struct overlay *o, uint32_t first, uint32_t end)
{
    uint32_t row = first + 1;
    while (row < end && deb_version_cmp(version_of(o, row), version_of(o, first)) == 0) row++;
    return row;
}

/* apt's pkgPolicy::GetCandidateVer: the highest priority wins, of equals the newest; below 1000
 * nothing older than the installed version; one of the same version that was built apart is another
 * version and has its turn first. *row is NONE where the installed version stays. False when
 * nothing may be installed. [first, end) are the versions of one architecture. */
static bool choose(const struct overlay *o, struct str name, const struct dpkg_package *p,
                   uint32_t first, uint32_t end, uint32_t *row)
{
    int32_t best = 0;
    bool seen = !p; /* the installed version had its turn */
    *row = NONE;
    while (first < end || !seen) {
        int order = first == end ? -1 : p ? deb_version_cmp(version_of(o, first), p->version) : 1;
        bool apart = order == 0 && p && !seen && !same_build(&o->ix, first, p);
        bool current = !seen && (order < 0 || (order == 0 && !apart));
        uint32_t next =
            first == end || (current && order < 0) ? first : same_version(o, first, end);
        int32_t priority = priority_of(o, name, current ? p : NULL, first, next);
        if (priority > best && (current || order >= 0 || priority >= 1000)) {
            best = priority;
            *row = current ? NONE : first;
        }
        seen |= current;
        first = next;
    }
    return best > 0;
}

/* The versions of one architecture among those of a name; none where the architecture is not one
 * of this machine's any more. */
static void arch_rows(const struct overlay *o, uint32_t name, struct str arch, uint32_t *first,
                      uint32_t *end)
{
    uint32_t from, to, number = str_eq(arch, S("all")) ? 0 : NONE;
    index_versions(&o->ix, name, &from, &to);
    for (uint32_t i = 0; i < o->ix.catalogue_meta->archs; i++)
        if (str_eq(index_string(&o->ix, file_u32(&o->ix.catalogue, SECTION_ARCHS, i)), arch))
            number = i;
    while (from < to && index_version(&o->ix, from)->arch != number) from++;
    *first = *end = from;
    while (*end < to && index_version(&o->ix, *end)->arch == number) ++*end;
}

/* For a version that a list has too, apt believes the list about what may not be removed. */
static void listed_flags(struct overlay *o)
{
    for (size_t i = 0; i < o->world.len; i++) {
        struct dpkg_package *p = &o->world.at[i];
        uint32_t first, end, name = p->unpacked ? index_find(&o->ix, p->name) : NONE;
        arch_rows(o, name, p->arch, &first, &end);
        bool same = false;
        for (uint32_t row = first; row < end; row++) {
            uint8_t flags = index_version(&o->ix, row)->flags;
            p->essential |= (flags & VERSION_ESSENTIAL) != 0;
            p->important |= (flags & VERSION_IMPORTANT) != 0;
            if (same || !str_eq(version_of(o, row), p->version)) continue;
            same = true;
            p->priority = flags & VERSION_REQUIRED ? S("required") : S("optional");
        }
    }
}

static bool is_security(const struct overlay *o, uint32_t row, uint32_t end)
{
    struct str version = index_string(&o->ix, index_version(&o->ix, row)->version);
    for (; row < end; row++) {
        const struct version_record *v = index_version(&o->ix, row);
        if (!str_eq(index_string(&o->ix, v->version), version)) return false;
        if (v->file < o->files.len && o->files.at[v->file].security) return true;
    }
    return false;
}

/* What dpkg and apt call installed: state "installed", and files on disk. */
static void package_flags(struct overlay *o, const struct dpkg_package *p, struct package_record *r,
                          uint32_t end)
{
    if (p->installed) r->flags |= PACKAGE_INSTALLED, o->meta.total++;
    if (p->unpacked && !p->automatic) r->flags |= PACKAGE_EXPLICIT, o->meta.explicit_++;
    if (p->hold) r->flags |= PACKAGE_HELD, o->meta.held++;
    if (p->orphan) r->flags |= PACKAGE_ORPHAN, o->meta.orphans++;
    if (p->broken) r->flags |= PACKAGE_BROKEN, o->meta.broken++;
    if (p->essential) r->flags |= PACKAGE_ESSENTIAL;
    if (r->candidate == NONE || !p->unpacked) return;
    struct str offered = index_string(&o->ix, index_version(&o->ix, r->candidate)->version);
    if (deb_version_cmp(offered, p->version) < 0) return;
    r->flags |= PACKAGE_UPDATE;
    o->meta.updates++;
    if (is_security(o, r->candidate, end)) r->flags |= PACKAGE_SECURITY, o->meta.security++;
}

/* Licences change only with their package: an earlier overlay's are as good as the file's. */
struct kept {
    uint32_t *slot; /* rows of the earlier overlay's packages + 1, by key */
    uint32_t mask;
};

static uint64_t package_key(const struct dpkg_package *p)
{
    return hash_fold(hash_str(p->name), hash_fold(hash_str(p->arch), hash_str(p->version)));
}

static enum err kept_open(struct kept *k, const struct overlay *o)
{
    uint32_t slots = 64;
    while (slots < o->old.packages * 2 && slots < 1u << 30) slots *= 2;
    k->mask = slots - 1;
    k->slot = arena_array(o->arena, slots, sizeof *k->slot);
    if (!k->slot) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < o->old.packages && i < slots / 2; i++) {
        uint32_t at = (uint32_t)index_package(&o->old, i)->key & k->mask;
        while (k->slot[at]) at = (at + 1) & k->mask;
        k->slot[at] = i + 1;
    }
    return OK;
}

static void add_license(struct overlay *o, struct package_record *r, struct str license)
{
    uint32_t at = intern_offset(&o->strings, license);
    buf_put(&o->licenses, &at, sizeof at);
    r->licenses_len++;
}

static void licenses_of(struct overlay *o, const struct kept *k, const struct dpkg_package *p,
                        struct package_record *r, struct buf *text)
{
    r->licenses = (uint32_t)(o->licenses.len / sizeof(uint32_t));
    for (uint32_t at = (uint32_t)r->key & k->mask; k->slot[at]; at = (at + 1) & k->mask) {
        const struct package_record *x = index_package(&o->old, k->slot[at] - 1);
        if (x->key != r->key) continue;
        for (uint32_t i = 0; i < x->licenses_len && i < COPYRIGHT_LICENSES; i++)
            add_license(o, r,
                        overlay_string(&o->old, file_u32(&o->old.overlay, SECTION_LICENSES,
                                                         (size_t)x->licenses + i)));
        return;
    }
    char path[320];
    struct str *license;
    size_t count;
    snprintf(path, sizeof path, "usr/share/doc/%.*s/copyright", STR_ARG(p->name));
    text->len = 0;
    text->full = false;
    enum err e = file_read(o->in->root, path, text, NULL);
    struct stat st;
    bool large = e == ERR_RESOURCE_LIMIT && file_stat(o->in->root, path, &st) &&
                 st.st_size >= COPYRIGHT_MOST;
    if (e == ERR_IO || (e == ERR_RESOURCE_LIMIT && !large)) inputs_incomplete(o->in);
    if (e && e != ERR_NOT_FOUND) r->key = 0; /* to be read again, and not taken over */
    if (e) return;
    if (copyright_licenses(buf_view(text), o->arena, &license, &count)) return;
    for (size_t i = 0; i < count; i++) add_license(o, r, license[i]);
}

/* What the catalogue does not know of an installed version. */
static void own_texts(struct overlay *o, const struct dpkg_package *p, struct package_record *r)
{
    struct str lists[] = { p->pre_depends, p->depends }, one;
    r->description = intern_offset(&o->strings, p->description);
    r->homepage = intern_offset(&o->strings, p->homepage);
    r->depends = (uint32_t)(o->depends.len / sizeof(uint32_t));
    for (size_t i = 0; i < 2; i++) {
        while (relation_next(&lists[i], &one)) {
            uint32_t at = intern_offset(&o->strings, one);
            buf_put(&o->depends, &at, sizeof at);
            r->depends_len++;
        }
    }
}

static void add_package(struct overlay *o, const struct kept *k, uint32_t number, struct buf *text)
{
    const struct dpkg_package *p = &o->world.at[number];
    uint32_t first = 0, end = 0;
    struct package_record r = { .name = o->name[number],
                                .version = intern_offset(&o->strings, p->version),
                                .row = NONE,
                                .candidate = NONE,
                                .arch = intern_offset(&o->strings, p->arch),
                                .installed_kib = p->installed_kib,
                                .key = package_key(p) };
    if (r.name < o->ix.names) {
        arch_rows(o, r.name, p->arch, &first, &end);
        for (uint32_t row = first; row < end && r.row == NONE; row++)
            if (str_eq(version_of(o, row), p->version) && same_build(&o->ix, row, p)) r.row = row;
        choose(o, p->name, p, first, end, &r.candidate);
        o->installed[r.name >> 6] |= UINT64_C(1) << (r.name & 63);
    }
    if (r.row == NONE) own_texts(o, p, &r);
    package_flags(o, p, &r, end);
    licenses_of(o, k, p, &r, text);
    buf_put(&o->packages, &r, sizeof r);
}

/* Every name that is not installed, where preferences could choose another version than the first:
 * with one priority for all files and no pin for single packages they cannot. */
static void add_candidates(struct overlay *o)
{
    bool same = !o->specific;
    for (size_t i = 0; i < o->files.len; i++)
        same = same && o->files.at[i].priority > 0 &&
               o->files.at[i].priority == o->files.at[0].priority;
    if (same) return;
    for (uint32_t name = 0; name < o->ix.names; name++) {
        uint32_t from, to;
        index_versions(&o->ix, name, &from, &to);
        while (from < to) {
            uint32_t end = from + 1, row;
            uint8_t arch = index_version(&o->ix, from)->arch;
            while (end < to && index_version(&o->ix, end)->arch == arch) end++;
            choose(o, index_name(&o->ix, name), NULL, from, end, &row);
            if (row != from) {
                struct candidate_record c = { name, arch, row };
                buf_put(&o->candidates, &c, sizeof c);
            }
            from = end;
        }
    }
}

static int by_name_number(uint32_t a, uint32_t b, const void *context)
{
    const uint32_t *name = context;
    if (name[a] != name[b]) return name[a] < name[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

static int by_length(uint32_t a, uint32_t b, const void *context)
{
    const struct dpkg_world *w = context;
    struct str x = w->at[a].name, y = w->at[b].name;
    if (x.len != y.len) return x.len < y.len ? -1 : 1;
    int order = memcmp(x.at, y.at, x.len);
    return order ? order : a < b ? -1 : a > b;
}

/* Numbers the names that the catalogue lacks, and puts the packages in order. */
static enum err order_packages(struct overlay *o)
{
    uint32_t *spare = arena_array(o->arena, o->world.len + 1, sizeof *spare);
    uint32_t *lacking = arena_array(o->arena, o->world.len + 1, sizeof *lacking);
    o->name = arena_array(o->arena, o->world.len + 1, sizeof *o->name);
    o->order = arena_array(o->arena, o->world.len + 1, sizeof *o->order);
    if (!spare || !lacking || !o->name || !o->order) return ERR_RESOURCE_LIMIT;
    size_t n = 0;
    for (uint32_t i = 0; i < o->world.len; i++) {
        if (!o->world.at[i].unpacked && !o->world.at[i].installed) continue;
        o->order[o->len++] = i;
        o->name[i] = index_find(&o->ix, o->world.at[i].name);
        if (o->name[i] == NONE) lacking[n++] = i;
    }
    order_sort(lacking, spare, n, by_length, &o->world);
    for (size_t i = 0; i < n; i++) {
        const struct dpkg_package *p = &o->world.at[lacking[i]];
        if (i == 0 || !str_eq(p->name, o->world.at[lacking[i - 1]].name)) {
            struct str line = str_head(p->description, str_chr(p->description, '\n'));
            struct str summary = summary_head(line);
            struct extra_record r = { intern_offset(&o->strings, p->name),
                                      intern_offset(&o->strings, summary), 0 };
            buf_put(&o->extras, &r, sizeof r);
        }
        o->name[lacking[i]] =
            o->ix.names + (uint32_t)(o->extras.len / sizeof(struct extra_record)) - 1;
    }
    order_sort(o->order, spare, o->len, by_name_number, o->name);
    return OK;
}

static enum err add_packages(struct overlay *o)
{
    struct kept k;
    struct buf text = buf_make(COPYRIGHT_MOST);
    uint32_t *row = arena_array(o->arena, o->world.len + 1, sizeof *row);
    size_t words = ((size_t)o->ix.names + 63) / 64;
    o->installed = arena_array(o->arena, words + 1, sizeof *o->installed);
    enum err e = kept_open(&k, o);
    if (e || !row || !o->installed) return ERR_RESOURCE_LIMIT;
    struct extra_record *extra = (struct extra_record *)(void *)o->extras.at;
    for (size_t i = o->len; i-- > 0;)
        if (o->name[o->order[i]] >= o->ix.names)
            extra[o->name[o->order[i]] - o->ix.names].package = (uint32_t)i;
    for (size_t i = 0; i < o->len; i++) {
        row[o->order[i]] = (uint32_t)i;
        add_package(o, &k, o->order[i], &text);
    }
    for (uint32_t i = 0; i < o->world.len; i++) /* the world is in alphabetical order */
        if (o->world.at[i].unpacked && !o->world.at[i].automatic)
            buf_put(&o->explicit_, &row[i], sizeof row[i]);
    buf_free(&text);
    return OK;
}

static enum err overlay_write(struct overlay *o, struct str kernel, struct buf *out)
{
    struct writer w;
    o->meta.kernel = intern_offset(&o->strings, kernel);
    o->meta.packages = (uint32_t)(o->packages.len / sizeof(struct package_record));
    o->meta.extras = (uint32_t)(o->extras.len / sizeof(struct extra_record));
    writer_open(&w, out, KIND_OVERLAY);
    writer_section(&w, SECTION_META, &o->meta, sizeof o->meta);
    writer_section(&w, SECTION_INSTALLED, o->installed, ((size_t)o->ix.names + 63) / 64 * 8);
    writer_buf(&w, SECTION_PACKAGES, &o->packages);
    writer_buf(&w, SECTION_EXTRA, &o->extras);
    writer_buf(&w, SECTION_CANDIDATES, &o->candidates);
    writer_buf(&w, SECTION_EXPLICIT, &o->explicit_);
    writer_buf(&w, SECTION_LICENSES, &o->licenses);
    writer_buf(&w, SECTION_DEPENDS, &o->depends);
    writer_inputs(&w, o->in, PART_OVERLAY, &o->strings);
    writer_buf(&w, SECTION_STRINGS, &o->strings.text);
    if (intern_full(&o->strings)) return ERR_RESOURCE_LIMIT;
    return writer_finish(&w, o->ix.catalogue.header->checksum);
}

enum err overlay_build(struct inputs *in, struct arena *a, const struct apt_conf *conf,
                       struct dpkg_world *world, bool missing, const struct index_file *catalogue,
                       const struct index_file *old, struct str kernel, struct buf *out)
{
    struct overlay o = { .in = in, .arena = a, .conf = conf, .world = *world };
    o.meta.status_missing = missing;
    struct buf *bufs[] = { &o.packages, &o.extras,  &o.candidates,
                           &o.licenses, &o.depends, &o.explicit_ };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) *bufs[i] = buf_make(UINT32_MAX);
    enum err e = index_attach(&o.ix, catalogue, NULL);
    if (!e && old->header) e = index_attach(&o.old, NULL, old);
    if (!e) e = intern_open(&o.strings, 1 << 13);
    if (!e) e = files_read(&o);
    if (!e) listed_flags(&o);
    if (!e) e = orphans_mark(&o.world, conf, kernel, in);
    if (!e) e = order_packages(&o);
    if (!e) e = add_packages(&o);
    if (!e) add_candidates(&o);
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        if (bufs[i]->full) e = ERR_RESOURCE_LIMIT;
    if (!e) e = overlay_write(&o, kernel, out);
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_free(bufs[i]);
    intern_free(&o.strings);
    return e;
}
