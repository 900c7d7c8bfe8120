#include "pkg/doctor.h"

#include "base/power.h"

#include <unistd.h>

struct checks {
    const struct store *s;
    struct arena *a;
    struct doctor_result *r;
    size_t room;
};

static void add(struct checks *k, const char *name, const char *state, uint64_t count,
                struct str detail, const char *remedy)
{
    if (k->r->checks.len == k->room) return;
    k->r->checks.at[k->r->checks.len++] = (struct check){ .name = str_of(name),
                                                          .state = str_of(state),
                                                          .detail = detail,
                                                          .remedy = str_of(remedy),
                                                          .count = count };
}

/* A number of something, good when it is none. */
static void add_count(struct checks *k, const char *name, const char *state, uint64_t count,
                      const char *some, const char *none, const char *remedy)
{
    struct str detail =
        count ? arena_print(k->a, "%llu %s", (unsigned long long)count, some) : str_of(none);
    add(k, name, count ? state : "ok", count, detail, count ? remedy : "");
}

static void check_packages(struct checks *k)
{
    const struct overlay_meta *m = k->s->ix.overlay_meta;
    if (m->status_missing) {
        add(k, "installed packages", "problem", 0, S("there is no dpkg status file"),
            "If this is a Debian system, restore var/lib/dpkg/status, for example from "
            "var/backups.");
        return;
    }
    add(k, "installed packages", "ok", m->total,
        arena_print(k->a, "%llu are installed, %llu of them asked for",
                    (unsigned long long)m->total, (unsigned long long)m->explicit_),
        "");
    add_count(k, "unfinished packages", "problem", m->broken, "are not fully installed",
              "every package is fully installed",
              "Run `dpkg --configure -a`, then `apt-get -f install`.");
    add_count(k, "security updates", "warning", m->security, "installed packages have one",
              "none is missing", "Run `apt-get upgrade`.");
    add_count(k, "updates", "note", m->updates, "installed packages have a newer version",
              "every package is up to date", "Run `apt-get upgrade`.");
    add_count(k, "orphans", "note", m->orphans, "packages are needed by nothing any more",
              "every package is needed", "Run `apt-get autoremove`.");
    add_count(k, "holds", "note", m->held, "packages are held back", "no package is held back",
              "`apt-mark showhold` lists them.");
}

static void check_lists(struct checks *k)
{
    const struct catalogue_meta *m = k->s->ix.catalogue_meta;
    if (!k->s->ix.names) {
        add(k, "package lists", "problem", 0, S("there are none"), "Run `apt-get update`.");
        return;
    }
    add(k, "package lists", "ok", m->names,
        arena_print(k->a, "%u lists offer %u packages in %u versions", m->files, m->names,
                    m->versions),
        "");
}

static void check_notes(struct checks *k, const struct index_file *file)
{
    const struct note_record *rows = file->header ? file_rows(file, SECTION_NOTES) : NULL;
    size_t n = file_count(file, SECTION_NOTES, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        struct str path = file_text(file, SECTION_STRINGS, rows[i].path);
        struct str text = file_text(file, SECTION_STRINGS, rows[i].text);
        add(k, "what was read", "warning", rows[i].count,
            arena_print(k->a, "/%.*s: %.*s", STR_ARG(path), STR_ARG(text)), "");
    }
}

static void check_index(struct checks *k)
{
    const struct store *s = k->s;
    size_t bytes = 0;
    for (enum cache_kind i = 0; i < CACHE_KINDS; i++) bytes += s->files.kept[i].map.text.len;
    const char *where = "memory, and is built anew by every command";
    for (size_t i = s->cache.folders; i-- > 0;)
        if (s->cache.writable[i]) where = s->cache.path[i];
    if (s->options.no_cache) add(k, "index", "ok", 0, S("built in memory, as --no-cache asks"), "");
    else if (!s->cache.folders)
        add(k, "index", "warning", 0,
            S("there is no cache folder: it is built anew by every command"),
            "Set HOME or XDG_CACHE_HOME, or cache.dir in omg.conf.");
    else
        add(k, "index", "ok", 0,
            arena_print(k->a, "%.1f MB; kept in %s", (double)bytes / 1e6, where), "");
}

static void check_isolation(struct checks *k)
{
    uint32_t uid, gid;
    struct str missing = power_missing();
    if (missing.len)
        add(k, "isolation", "note", 0,
            arena_print(k->a,
                        "this kernel has no %.*s; package lists are read with less of "
                        "a wall around the reader",
                        STR_ARG(missing)),
            "");
    else
        add(k, "isolation", "ok", 0,
            S("package lists are read by a process that can do nothing else"), "");
    if (geteuid() == 0 && !power_user(&uid, &gid))
        add(k, "user", "note", 0, S("there is no user omg; powerless processes run as nobody"),
            "`useradd --system --shell /usr/sbin/nologin omg` makes one.");
}

enum err doctor_look(const struct store *s, size_t spare, struct doctor_result *r, struct arena *a,
                     struct fault *f)
{
    enum { OWN = 16 };
    struct checks k = { s, a, r, OWN };
    for (enum cache_kind i = 0; i < CACHE_KINDS; i++)
        k.room += file_count(&s->files.file[i], SECTION_NOTES, sizeof(struct note_record));
    *r = (struct doctor_result){ 0 };
    r->checks.at = arena_array(a, k.room + spare, sizeof *r->checks.at);
    if (!r->checks.at) return fail(f, ERR_RESOURCE_LIMIT, "no memory for the answer");
    check_packages(&k);
    check_lists(&k);
    for (enum cache_kind i = 0; i < CACHE_KINDS; i++) check_notes(&k, &s->files.file[i]);
    check_index(&k);
    check_isolation(&k);
    return OK;
}
