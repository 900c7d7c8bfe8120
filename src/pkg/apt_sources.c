/* sources.list(5) in both its formats. apt refuses a file at its first error; here only the entry
 * goes, since a machine with one bad line still has packages to show. */
#include "pkg/apt_sources.h"

#include "pkg/control.h"

struct reader {
    struct inputs *in;
    const struct apt_archs *archs;
    struct apt_sources *s;
    struct str path; /* of the file at hand */
};

/* The options that matter, each with what is added to it and taken from it. Values are lists that
 * commas part. */
enum option { ARCH, LANG, TARGET, OPTIONS };
struct options {
    struct str set[OPTIONS], plus[OPTIONS], minus[OPTIONS];
    struct str packages, translations; /* the older Packages=no */
    bool given[OPTIONS];
};

static const struct {
    const char *list, *field; /* as the two formats name it */
} option_names[OPTIONS] = { { "arch", "Architectures" },
                            { "lang", "Languages" },
                            { "target", "Targets" } };

/* What one entry names: everything that its sources have in common. */
struct entry {
    struct names archs, languages;
    bool any_language, all_too, packages, translations;
};

static void note(struct reader *r, size_t place, const char *unit, const char *fault)
{
    inputs_note(r->in, r->path, "In %s %zu %s; the entry was left out: please correct it.", unit,
                place, fault);
}

static bool has(const struct names *n, struct str item)
{
    for (size_t i = 0; i < n->len; i++)
        if (str_eq(n->at[i], item)) return true;
    return false;
}

static size_t items(struct str list)
{
    size_t n = list.len > 0;
    for (size_t i = 0; i < list.len; i++) n += list.at[i] == ',';
    return n;
}

/* The list it sets, or the standing one without it, with plus and without minus. */
static bool combine(struct arena *a, const struct options *o, enum option which,
                    const struct names *standing, struct names *out)
{
    enum { MOST = 64 }; /* architectures, languages or targets of one entry */
    struct str item, rest = o->set[which];
    size_t room = standing->len + items(rest) + items(o->plus[which]);
    if (room > MOST) room = MOST;
    *out = (struct names){ arena_array(a, room, sizeof *out->at), 0 };
    if (!out->at) return false;
    if (!o->given[which])
        for (size_t i = 0; i < standing->len && i < room; i++)
            out->at[out->len++] = standing->at[i];
    while (out->len < room && str_cut(&rest, ',', &item)) out->at[out->len++] = item;
    rest = o->plus[which];
    while (out->len < room && str_cut(&rest, ',', &item))
        if (!has(out, item)) out->at[out->len++] = item;
    rest = o->minus[which];
    while (str_cut(&rest, ',', &item)) {
        size_t kept = 0;
        for (size_t i = 0; i < out->len; i++)
            if (!str_eq(out->at[i], item)) out->at[kept++] = out->at[i];
        out->len = kept;
    }
    return true;
}

static bool listed(struct str list, struct str wanted)
{
    struct str item;
    while (str_cut(&list, ',', &item))
        if (str_eq(item, wanted)) return true;
    return false;
}

static enum err entry_make(struct reader *r, const struct options *o, bool binary, struct entry *e)
{
    struct arena *a = r->in->arena;
    struct str standing_targets[] = { S("Packages"), S("Translations") };
    struct str standing_archs[sizeof r->archs->at / sizeof *r->archs->at];
    struct names archs = { standing_archs, r->archs->len }, none = { 0 }, targets;

    memcpy(standing_archs, r->archs->at, sizeof standing_archs);
    *e = (struct entry){ 0 };
    if (!combine(a, o, ARCH, &archs, &e->archs) || !combine(a, o, LANG, &none, &e->languages) ||
        !combine(a, o, TARGET, &(struct names){ standing_targets, 2 }, &targets))
        return ERR_RESOURCE_LIMIT;
    e->any_language = !o->given[LANG];
    e->all_too = !listed(o->minus[ARCH], S("all")) && !has(&e->archs, S("all"));
    e->packages = binary && apt_truth(o->packages, has(&targets, S("Packages"))) != 0;
    e->translations = apt_truth(o->translations, has(&targets, S("Translations"))) != 0;
    return OK;
}

static struct str native(const struct reader *r, struct str s)
{
    return apt_replace(r->in->arena, s, S("$(ARCH)"), r->archs->at[0]);
}

/* A URI with a '/' at its end; empty when it is none. */
static struct str uri_fix(const struct reader *r, struct str uri)
{
    if (str_chr(uri, ':') == uri.len) return STR_NONE;
    uri = native(r, uri);
    if (uri.len == 0 || str_ends(uri, S("/"))) return uri;
    return arena_print(r->in->arena, "%.*s/", STR_ARG(uri));
}

/* OK also when the limit is reached, which is noted. */
static enum err source_add(struct reader *r, const struct entry *e, struct str uri,
                           struct str suite, struct str component)
{
    struct apt_sources *s = r->s;
    if (s->len == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        struct apt_source *larger = arena_array(r->in->arena, room, sizeof *larger);
        if (!larger) return ERR_RESOURCE_LIMIT;
        if (s->len) memcpy(larger, s->at, s->len * sizeof *larger);
        s->at = larger;
        s->room = room;
    }
    s->at[s->len++] = (struct apt_source){
        .uri = uri,
        .suite = suite,
        .component = component,
        .archs = e->archs,
        .languages = e->languages,
        .any_language = e->any_language,
        .all_too = e->all_too,
        .packages = e->packages,
        .translations = e->translations,
    };
    return OK;
}

static bool full(const struct reader *r)
{
    if (r->s->len < APT_SOURCES) return false;
    inputs_note(r->in, r->path, "There are more than %d sources; the rest was left out.",
                (int)APT_SOURCES);
    return true;
}

static bool flat(struct str suite)
{
    return str_ends(suite, S("/"));
}

/* [ arch=amd64 signed-by=/path ], behind the '['. */
static const char *list_options(struct reader *r, struct str *rest, struct options *o)
{
    struct str word;
    while (rest->len && ascii_space(rest->at[0])) *rest = str_from(*rest, 1);
    while (!str_starts(*rest, S("]"))) {
        struct str before = *rest;
        if (!apt_word(r->in->arena, rest, &word) || word.len < 3) return "an option is malformed";
        if (str_ends(word, S("]"))) {
            while (!str_starts(*rest, S("]")) && rest->at > before.at) {
                rest->at--;
                rest->len++;
            }
            word.len--;
        }
        size_t n = str_chr(word, '=');
        struct str name = str_head(word, n), value = str_from(word, n + 1);
        if (name.len == 0 || value.len == 0) return "an option has no name or no value";
        if (str_eq(name, S("Packages"))) o->packages = value;
        if (str_eq(name, S("Translations"))) o->translations = value;
        for (int i = 0; i < OPTIONS; i++) {
            struct str known = str_of(option_names[i].list);
            if (!str_starts(name, known)) continue;
            struct str sign = str_from(name, known.len);
            if (sign.len == 0) {
                o->set[i] = value;
                o->given[i] = true;
            }
            if (str_eq(sign, S("+"))) o->plus[i] = value;
            if (str_eq(sign, S("-"))) o->minus[i] = value;
        }
    }
    *rest = str_from(*rest, 1);
    while (rest->len && ascii_space(rest->at[0])) *rest = str_from(*rest, 1);
    return NULL;
}

/* What follows the type in a line; *fault is set when it is malformed. */
static enum err list_entry(struct reader *r, struct str rest, bool binary, const char **fault)
{
    struct arena *a = r->in->arena;
    struct options o = { 0 };
    struct entry e;
    struct str uri, suite, component;

    while (rest.len && ascii_space(rest.at[0])) rest = str_from(rest, 1);
    if (str_starts(rest, S("["))) {
        rest = str_from(rest, 1);
        if ((*fault = list_options(r, &rest, &o))) return OK;
    }
    if (!apt_word(a, &rest, &uri) || !apt_word(a, &rest, &suite)) *fault = "something is missing";
    else if (!(uri = uri_fix(r, uri)).len) *fault = "the URI is malformed";
    if (*fault) return OK;
    enum err err = entry_make(r, &o, binary, &e);
    if (err) return err;
    if (flat(suite)) {
        if (apt_word(a, &rest, &component)) *fault = "a component follows a flat repository";
        return *fault ? OK : source_add(r, &e, uri, native(r, suite), STR_NONE);
    }
    if (!apt_word(a, &rest, &component)) *fault = "there is no component";
    if (*fault) return OK;
    do err = source_add(r, &e, uri, suite, component);
    while (!err && !full(r) && apt_word(a, &rest, &component));
    return err;
}

/* Where the comment begins; a '#' within an open bracket begins none. */
static size_t comment_start(struct str line)
{
    size_t open = 0, closed = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '#' && open <= closed) return i;
        open += line.at[i] == '[';
        closed += line.at[i] == ']';
    }
    return line.len;
}

static enum err read_list(struct reader *r, struct str text)
{
    struct str line;
    enum err e = OK;
    for (size_t number = 1; !e && !full(r) && str_cut(&text, '\n', &line); number++) {
        const char *fault = NULL;
        line = str_trim(str_head(line, comment_start(line)));
        if (line.len == 0) continue;
        size_t n = 0;
        while (n < line.len && line.at[n] != ' ' && line.at[n] != '\t' && line.at[n] != '\v') n++;
        struct str type = str_head(line, n);
        bool binary = str_eq(type, S("deb"));
        if (binary || str_eq(type, S("deb-src")))
            e = list_entry(r, str_from(line, n), binary, &fault);
        else fault = "the type is not known";
        if (fault) note(r, number, "line", fault);
    }
    return e;
}

/* The value of a field that control.def does not have; the last one counts. */
static struct str field(struct str paragraph, const char *name, const char *suffix)
{
    struct str line, value = STR_NONE, first = str_of(name), last = str_of(suffix);
    bool open = false;
    while (str_cut(&paragraph, '\n', &line)) {
        if (str_starts(line, S("#"))) continue;
        if (str_starts(line, S(" ")) || str_starts(line, S("\t"))) {
            if (open) value.len = (size_t)(line.at + line.len - value.at);
            continue;
        }
        struct str head = str_head(line, str_chr(line, ':'));
        open = str_eq_ascii(str_head(head, first.len), first) &&
               str_eq_ascii(str_trim(str_from(head, first.len)), last);
        if (open) value = str_from(line, head.len + 1);
    }
    return value;
}

/* The words of a field as the list with commas that an option is. */
static bool with_commas(struct arena *a, struct str words, struct str *list)
{
    struct str word;
    char *to = arena_alloc(a, words.len + 1);
    size_t n = 0;
    if (!to) return false;
    while (apt_field_word(&words, &word)) {
        if (n) to[n++] = ',';
        memcpy(to + n, word.at, word.len);
        n += word.len;
    }
    *list = (struct str){ to, n };
    return true;
}

static bool stanza_options(struct reader *r, const struct stanza *s, struct options *o)
{
    static const enum control_field fields[OPTIONS] = { CONTROL_architectures, CONTROL_languages,
                                                        CONTROL_targets };
    struct arena *a = r->in->arena;
    for (int i = 0; i < OPTIONS; i++) {
        o->given[i] = s->field[fields[i]].at != NULL;
        if (!with_commas(a, s->field[fields[i]], &o->set[i]) ||
            !with_commas(a, field(s->text, option_names[i].field, "-Add"), &o->plus[i]) ||
            !with_commas(a, field(s->text, option_names[i].field, "-Remove"), &o->minus[i]))
            return false;
    }
    return true;
}

/* All suites and components of one URI. */
static enum err stanza_uri(struct reader *r, const struct stanza *s, const struct entry *e,
                           struct str uri, const char **fault)
{
    struct str suite, component, suites = s->field[CONTROL_suites];
    enum err err = OK;
    if (!(uri = uri_fix(r, uri)).len) *fault = "a URI is malformed";
    while (!*fault && !err && !full(r) && apt_field_word(&suites, &suite)) {
        struct str components = s->field[CONTROL_components];
        bool any = apt_field_word(&components, &component);
        suite = native(r, suite);
        if (flat(suite)) {
            if (any) *fault = "a component stands beside a flat repository";
            else err = source_add(r, e, uri, suite, STR_NONE);
            continue;
        }
        if (!any) *fault = "there is no component";
        while (any && !err && !full(r)) {
            err = source_add(r, e, uri, suite, component);
            any = apt_field_word(&components, &component);
        }
    }
    return err;
}

/* Whether binary packages are among the types. */
static bool is_binary(struct str types, const char **fault)
{
    struct str type;
    bool binary = false, any = false;
    while (apt_field_word(&types, &type)) {
        any = true;
        if (str_eq(type, S("deb"))) binary = true;
        else if (!str_eq(type, S("deb-src"))) *fault = "the type is not known";
    }
    if (!any) *fault = "there is no type";
    return binary;
}

static enum err read_stanza(struct reader *r, const struct stanza *s, const char **fault)
{
    struct options o = { 0 };
    struct entry e;
    struct str uri, uris = s->field[CONTROL_uris], suites = s->field[CONTROL_suites];

    bool binary = is_binary(s->field[CONTROL_types], fault);
    if (*fault || apt_truth(s->field[CONTROL_enabled], 1) == 0) return OK;
    if (!str_trim(uris).len) *fault = "there is no URI";
    else if (!str_trim(suites).len) *fault = "there is no suite";
    if (*fault) return OK;
    enum err err = stanza_options(r, s, &o) ? entry_make(r, &o, binary, &e) : ERR_RESOURCE_LIMIT;
    while (!err && !*fault && !full(r) && apt_field_word(&uris, &uri))
        err = stanza_uri(r, s, &e, uri, fault);
    return err;
}

static enum err read_stanzas(struct reader *r, struct str text)
{
    struct control c = { .rest = text };
    struct stanza s = { 0 };
    enum err e = OK;
    for (size_t number = 1; !e && !full(r) && control_next(&c, &s); number++) {
        const char *fault = NULL;
        e = read_stanza(r, &s, &fault);
        if (fault) note(r, number, "stanza", fault);
    }
    return e;
}

static enum err read_source_file(struct reader *r, struct str path)
{
    enum { LARGEST = 16 << 20 };
    struct str text;
    if (!apt_text_read(r->in, path, LARGEST, &text)) return OK;
    r->path = path;
    return str_ends(path, S(".sources")) ? read_stanzas(r, text) : read_list(r, text);
}

enum err apt_sources_read(struct inputs *in, const struct apt_conf *c,
                          const struct apt_archs *archs, struct apt_sources *s)
{
    struct reader r = { .in = in, .archs = archs, .s = s };
    struct names names;
    *s = (struct apt_sources){ 0 };
    enum err e = read_source_file(&r, apt_conf_path(c, in->arena, S("Dir::Etc::sourcelist")));
    struct str folder = apt_conf_path(c, in->arena, S("Dir::Etc::sourceparts"));
    if (e || folder.len == 0 || inputs_folder(in, folder, &names) != OK) return e;
    for (size_t i = 0; !e && i < names.len; i++) {
        if (!apt_part_name(names.at[i], "list", "sources")) continue;
        struct str path =
            arena_print(in->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(names.at[i]));
        e = path.at ? read_source_file(&r, path) : ERR_RESOURCE_LIMIT;
    }
    return e;
}
