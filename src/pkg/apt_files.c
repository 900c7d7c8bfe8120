/* From sources to the list files that are on disk, under the names and in the order apt gives
 * them: the suites as the sources first name them, within a suite entry by entry, within an entry
 * architecture by architecture. */
#include "pkg/apt_release.h"
#include "pkg/apt_sources.h"

/* Sources that share one Release file. */
struct suite {
    uint32_t first, last; /* its sources, as places plus one */
    struct apt_uri uri;
    struct str base;    /* quoted start of its files' names */
    struct str release; /* as the sources name it */
};

struct reader {
    struct inputs *in;
    const struct apt_conf *c;
    struct apt_sources sources;
    uint32_t *next; /* source of the same suite, as place plus one */
    struct suite *suites;
    size_t suites_len;
    struct str folder;  /* Dir::State::lists */
    struct names names; /* what is in it */
    struct str languages[32];
    size_t languages_len;
    struct apt_map seen; /* lists that were looked for */
    unsigned missing;    /* how many of them are not there */
    struct apt_file *at;
    size_t len, room;
};

/* What "apt" reads descriptions in, up to "none". "environment" is taken as English, so that an
 * answer does not depend on who asks. */
static void languages_read(struct reader *r)
{
    size_t at = 0;
    struct str word;
    bool any = false;
    while (r->languages_len < sizeof r->languages / sizeof *r->languages &&
           apt_conf_next(r->c, S("Acquire::Languages"), &at, &word)) {
        any = true;
        if (str_eq(word, S("none"))) break;
        if (str_eq(word, S("environment")) || str_eq(word, S("both"))) word = S("en");
        r->languages[r->languages_len++] = word;
    }
    if (!any) r->languages[r->languages_len++] = S("en");
}

static bool on_disk(const struct reader *r, struct str name)
{
    size_t low = 0, high = r->names.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(r->names.at[middle], name);
        if (order == 0) return true;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return false;
}

/* The path of a list as it is kept, plain or compressed, in apt's order of preference; length 0
 * when there is none. */
static enum err find_list(struct reader *r, struct str name, struct str *path)
{
    static const char *const extensions[] = { "", ".xz", ".bz2", ".gz", ".lz4", ".zst" };
    *path = STR_NONE;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        struct str found = arena_print(r->in->arena, "%.*s%s", STR_ARG(name), extensions[i]);
        if (!found.at) return ERR_RESOURCE_LIMIT;
        if (!on_disk(r, found)) continue;
        *path = arena_print(r->in->arena, "%.*s/%.*s", STR_ARG(r->folder), STR_ARG(found));
        return path->at ? OK : ERR_RESOURCE_LIMIT;
    }
    return OK;
}

static bool flat(struct str release)
{
    return str_ends(release, S("/"));
}

/* The quoted start of the names of a source's files. */
static enum err base_of(struct reader *r, const struct apt_source *s, struct suite *out)
{
    struct arena *a = r->in->arena;
    struct apt_uri u;
    struct str tail = flat(s->suite) ? s->suite : arena_print(a, "dists/%.*s/", STR_ARG(s->suite));
    if (str_eq(s->suite, S("/"))) tail = S("");
    if (!tail.at || !apt_uri_split(a, s->uri, &u)) return ERR_RESOURCE_LIMIT;
    struct str head = apt_uri_name(a, &u), rest = apt_uri_quote(a, tail);
    struct str base = arena_print(a, "%.*s%.*s", STR_ARG(head), STR_ARG(rest));
    if (!head.at || !rest.at || !base.at) return ERR_RESOURCE_LIMIT;
    *out = (struct suite){ .uri = u, .base = base, .release = s->suite };
    return OK;
}

/* Gathers the sources of each Release file. */
static enum err suites_make(struct reader *r)
{
    struct arena *a = r->in->arena;
    struct apt_map places = { 0 };
    r->suites = arena_array(a, r->sources.len, sizeof *r->suites);
    r->next = arena_array(a, r->sources.len, sizeof *r->next);
    if (!r->suites || !r->next) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0; i < r->sources.len; i++) {
        struct suite s;
        enum err e = base_of(r, &r->sources.at[i], &s);
        uint32_t *place = e ? NULL : apt_map_put(&places, a, s.base);
        if (!place) return ERR_RESOURCE_LIMIT;
        if (*place) {
            struct suite *known = &r->suites[*place - 1];
            r->next[known->last - 1] = (uint32_t)i + 1;
            known->last = (uint32_t)i + 1;
            continue;
        }
        s.first = s.last = (uint32_t)i + 1;
        r->suites[r->suites_len++] = s;
        *place = (uint32_t)r->suites_len;
    }
    return OK;
}

/* The Translation file that apt would show descriptions from; empty when there is none. */
static enum err translation_of(struct reader *r, const struct suite *s,
                               const struct apt_source *source, struct str *path)
{
    struct arena *a = r->in->arena;
    *path = STR_NONE;
    if (!source->translations) return OK;
    for (size_t i = 0; i < r->languages_len && !path->len; i++) {
        bool wanted = source->any_language;
        for (size_t k = 0; k < source->languages.len; k++)
            wanted = wanted || str_eq(source->languages.at[k], r->languages[i]);
        if (!wanted) continue;
        struct str key = flat(s->release)
                             ? r->languages[i]
                             : arena_print(a, "%.*s/i18n/Translation-%.*s",
                                           STR_ARG(source->component), STR_ARG(r->languages[i]));
        struct str quoted = key.at ? apt_uri_quote(a, key) : STR_NONE;
        struct str name = arena_print(a, "%.*s%.*s", STR_ARG(s->base), STR_ARG(quoted));
        enum err e = quoted.at && name.at ? find_list(r, name, path) : ERR_RESOURCE_LIMIT;
        if (e) return e;
    }
    return OK;
}

/* A list that ought to be there is one that the Release file lists, or any where there is no
 * Release file at all; the lists for "all" are only a bonus. */
static void note_missing(struct reader *r, const struct suite *s, const struct apt_release *release,
                         struct str key, struct str arch, bool bonus)
{
    enum { MOST = 1000 }; /* looked up in Release files, which takes a while each */
    if (bonus || r->missing++ >= MOST) return;
    if (!release->found || apt_release_offers(release, key))
        inputs_note(r->in, r->folder,
                    "The list %.*s of %.*s%.*s is not there, so its packages are not known: please "
                    "run apt-get update.",
                    STR_ARG(key), STR_ARG(s->uri.host), STR_ARG(s->uri.path));
    else if (!flat(s->release) && apt_release_has_arch(release, arch) &&
             !str_has(release->text, arena_print(r->in->arena, " %.*s",
                                                 STR_ARG(str_head(key, str_chr(key, '/') + 1)))))
        inputs_note(r->in, r->folder,
                    "%.*s%.*s offers no %.*s in %.*s: please correct the component in its source.",
                    STR_ARG(s->uri.host), STR_ARG(s->uri.path), STR_ARG(key), STR_ARG(s->release));
}

static struct apt_file *file_new(struct reader *r)
{
    if (r->len == r->room) {
        size_t room = r->room ? r->room * 2 : 64;
        struct apt_file *larger = arena_array(r->in->arena, room, sizeof *larger);
        if (!larger) return NULL;
        if (r->len) memcpy(larger, r->at, r->len * sizeof *larger);
        r->at = larger;
        r->room = room;
    }
    return &r->at[r->len++];
}

static struct str plain_uri(struct arena *a, const struct apt_uri *u)
{
    return arena_print(a, "%.*s:%s%.*s%s%.*s%.*s", STR_ARG(u->scheme), u->host.len ? "//" : "",
                       STR_ARG(u->host), u->port.len ? ":" : "", STR_ARG(u->port),
                       STR_ARG(u->path));
}

/* "bookworm-security/main", or for a flat repository where it is. */
static struct str repo_of(struct arena *a, const struct suite *s, struct str component)
{
    struct str path = s->uri.path, release = s->release;
    if (!flat(release)) return arena_print(a, "%.*s/%.*s", STR_ARG(release), STR_ARG(component));
    while (str_starts(release, S("./"))) release = str_from(release, 2);
    if (str_eq(release, S("/"))) release = STR_NONE;
    struct str whole =
        arena_print(a, "%.*s%.*s%.*s", STR_ARG(s->uri.host), STR_ARG(path), STR_ARG(release));
    while (whole.len > 1 && whole.at[whole.len - 1] == '/') whole.len--;
    return whole;
}

static enum err file_fill(struct reader *r, const struct suite *s, const struct apt_source *source,
                          const struct apt_release *release, struct apt_file *f)
{
    struct arena *a = r->in->arena;
    f->uri = plain_uri(a, &s->uri);
    f->site = s->uri.host.len ? s->uri.host : S("");
    f->release = s->release;
    f->archive = release->suite;
    f->codename = release->codename;
    f->version = release->version;
    f->origin = release->origin;
    f->label = release->label;
    f->component = source->component;
    f->repo = repo_of(a, s, source->component);
    f->not_automatic = release->not_automatic;
    f->automatic_upgrades = release->automatic_upgrades;
    f->security = release->security;
    return f->uri.at && f->repo.at ? OK : ERR_RESOURCE_LIMIT;
}

/* One list: "Packages" of a flat repository or of one architecture. */
static enum err list_read(struct reader *r, const struct suite *s, const struct apt_source *source,
                          const struct apt_release *release, struct str arch, bool bonus)
{
    struct arena *a = r->in->arena;
    struct str key = flat(s->release) ? S("Packages")
                                      : arena_print(a, "%.*s/binary-%.*s/Packages",
                                                    STR_ARG(source->component), STR_ARG(arch));
    struct str quoted = key.at ? apt_uri_quote(a, key) : STR_NONE;
    struct str name = arena_print(a, "%.*s%.*s", STR_ARG(s->base), STR_ARG(quoted));
    uint32_t *seen = quoted.at && name.at ? apt_map_put(&r->seen, a, name) : NULL;
    struct str path, translation;
    if (!seen) return ERR_RESOURCE_LIMIT;
    if (*seen) return OK;
    *seen = 1;
    enum err e = find_list(r, name, &path);
    if (e) return e;
    if (path.len == 0) {
        note_missing(r, s, release, key, arch, bonus);
        return OK;
    }
    e = translation_of(r, s, source, &translation);
    struct apt_file *f = e ? NULL : file_new(r);
    if (!f) return ERR_RESOURCE_LIMIT;
    *f = (struct apt_file){ .path = path, .translation = translation };
    if (!flat(s->release)) f->arch = arch;
    return file_fill(r, s, source, release, f);
}

static enum err source_read(struct reader *r, const struct suite *s,
                            const struct apt_source *source, const struct apt_release *release)
{
    enum err e = OK;
    if (!source->packages) return OK;
    if (flat(s->release)) {
        bool any = source->archs.len > 0 || source->all_too;
        return any ? list_read(r, s, source, release, STR_NONE, false) : OK;
    }
    for (size_t i = 0; !e && i < source->archs.len; i++)
        if (source->archs.at[i].len && r->seen.used < APT_LISTS)
            e = list_read(r, s, source, release, source->archs.at[i], false);
    if (!e && source->all_too && r->seen.used < APT_LISTS)
        e = list_read(r, s, source, release, S("all"), true);
    return e;
}

static enum err suite_read(struct reader *r, const struct suite *s)
{
    struct arena *a = r->in->arena;
    struct apt_release release = { 0 };
    struct str name = arena_print(a, "%.*sInRelease", STR_ARG(s->base));
    if (name.at && !on_disk(r, name)) name = arena_print(a, "%.*sRelease", STR_ARG(s->base));
    if (!name.at) return ERR_RESOURCE_LIMIT;
    enum err e = OK;
    if (on_disk(r, name)) {
        struct str path = arena_print(a, "%.*s/%.*s", STR_ARG(r->folder), STR_ARG(name));
        e = path.at ? apt_release_open(r->in, path, &release) : ERR_RESOURCE_LIMIT;
    }
    for (uint32_t i = s->first; !e && i; i = r->next[i - 1])
        e = source_read(r, s, &r->sources.at[i - 1], &release);
    apt_release_close(&release);
    return e;
}

enum err apt_files_read(struct inputs *in, const struct apt_conf *c, const struct apt_archs *archs,
                        struct apt_files *files)
{
    struct reader r = { .in = in, .c = c };
    *files = (struct apt_files){ 0 };
    enum err e = apt_sources_read(in, c, archs, &r.sources);
    if (e || r.sources.len == 0) return e;
    languages_read(&r);
    r.folder = apt_conf_path(c, in->arena, S("Dir::State::lists"));
    if (r.folder.len) inputs_folder(in, r.folder, &r.names);
    e = suites_make(&r);
    for (size_t i = 0; !e && i < r.suites_len; i++) e = suite_read(&r, &r.suites[i]);
    if (!e) *files = (struct apt_files){ r.at, r.len };
    return e;
}
