/* Reads what dpkg and apt keep about installed packages: the status file, the journal beside it
 * (updates/, one changed record a file, replayed in the order of their names) and apt's list of
 * automatically installed packages. Damage costs the record it is in, never the whole file; a
 * record that dpkg itself could not use is left out and counted. */
#include "pkg/dpkg.h"

#include "pkg/control.h"
#include "pkg/deb_version.h"
#include "pkg/dpkg_order.h"

enum {
    FILE_MOST = 64 << 20,   /* bytes of a status file; a large system has 5 MiB */
    JOURNAL_MOST = 4 << 20, /* bytes of one journal file; it holds one record */
    JOURNAL_FILES = 1024,   /* dpkg merges its journal after 250 */
    JOURNAL_DIGITS = 10,    /* dpkg refuses longer names */
    RECORDS_MOST = 1 << 18, /* Debian has 70,000 packages */
    RECORD_USUAL = 400, /* bytes; records are longer on average, and an untouched page is free */
    NAME_MOST = 250,    /* dpkg keeps info/NAME.list, and a file name has 255 bytes */
    TWINS_MOST = 64,    /* packages of one name, by architecture, that extended_states marks */
    EXCERPT_MOST = 60,
};

enum trouble {
    NO_NAME,
    BAD_NAME,
    NO_VERSION,
    BAD_VERSION,
    ODD_VERSION,
    BAD_ARCH,
    BAD_STATUS,
    TWICE,
    TOO_MANY,
    TROUBLES
};

static const char *const sentences[TROUBLES] = {
    [NO_NAME] = "Records without a package name were left out.",
    [BAD_NAME] = "Records whose package name is not valid were left out, the first being",
    [NO_VERSION] = "Installed packages without a version were left out, the first being",
    [BAD_VERSION] = "Installed packages whose version is not valid were left out, the first being",
    [ODD_VERSION] = "Installed packages have versions that dpkg warns of, the first being",
    [BAD_ARCH] = "Packages have no architecture, or one that is not valid, the first being",
    [BAD_STATUS] = "Records whose Status is unknown count as not installed, the first being",
    [TWICE] = "Packages have several records, of which the last one counts; the first is",
    [TOO_MANY] = "There are more packages than are read; the first one left out is",
};

struct reader {
    struct inputs *in;
    struct str path;
    struct dpkg_package *at;
    size_t len, room;
    size_t journal; /* where the records of the journal begin */
    struct str dpkg_arch;
    bool valid; /* the text being read is well-formed UTF-8 throughout, and holds no NUL */
    bool full;  /* the arena has no room left */
    uint64_t count[TROUBLES];
    struct str first[TROUBLES];
};

/* What the third word of Status: means. */
static const struct state {
    const char *name;
    uint8_t installed, unpacked, broken;
} states[] = {
    { "installed", 1, 1, 0 },        { "config-files", 0, 0, 0 },
    { "not-installed", 0, 0, 0 },    { "half-installed", 0, 1, 1 },
    { "unpacked", 0, 1, 1 },         { "half-configured", 0, 1, 1 },
    { "triggers-awaited", 0, 1, 1 }, { "triggers-pending", 0, 1, 1 },
};

/* s with every NUL and every byte that is not part of well-formed UTF-8 replaced by U+FFFD. */
static struct str repaired(struct reader *r, struct str s)
{
    if (r->valid || (utf8_valid(s) && str_chr(s, 0) == s.len)) return s;
    char *to = s.len < SIZE_MAX / 3 ? arena_alloc(r->in->arena, s.len * 3) : NULL;
    size_t len = 0;
    if (!to) {
        r->full = true;
        return STR_NONE;
    }
    while (s.len) {
        uint32_t point;
        size_t n = utf8_next(s, &point);
        bool bad = (point == 0xFFFD && n == 1) || point == 0;
        memcpy(to + len, bad ? "\xEF\xBF\xBD" : s.at, bad ? 3 : n);
        len += bad ? 3 : n;
        s = str_from(s, n);
    }
    return (struct str){ to, len };
}

static void trouble(struct reader *r, enum trouble t, struct str example)
{
    if (r->count[t]++ == 0) r->first[t] = example;
}

/* The beginning of s up to EXCERPT_MOST bytes or a control character, cut between characters. */
static struct str excerpt(struct reader *r, struct str s)
{
    size_t n = 0;
    while (n < s.len && n < EXCERPT_MOST && (unsigned char)s.at[n] >= ' ' && s.at[n] != 127) n++;
    r->valid = false;
    s = repaired(r, str_head(s, n));
    while (s.len && !utf8_valid(s)) s.len--;
    return s;
}

static void troubles_note(struct reader *r)
{
    for (enum trouble t = 0; t < TROUBLES; t++) {
        if (!r->count[t]) continue;
        struct str first = excerpt(r, r->first[t]);
        struct str text =
            t == NO_NAME ? str_of(sentences[t])
                         : arena_print(r->in->arena, "%s \"%.*s\".", sentences[t], STR_ARG(first));
        inputs_note_many(r->in, r->path, r->count[t], text);
        r->count[t] = 0;
    }
}

/* Letters, digits and "-+._", beginning with a letter or a digit: dpkg's rule. */
static bool name_valid(struct str s)
{
    if (s.len == 0 || s.len > NAME_MOST) return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (ascii_alpha(c) || ascii_digit(c)) continue;
        if (i == 0 || !(c == '-' || c == '+' || c == '.' || c == '_')) return false;
    }
    return true;
}

/* dpkg and apt both take package names in lower case. */
static struct str lowered(struct reader *r, struct str s)
{
    size_t n = 0;
    while (n < s.len && ascii_lower(s.at[n]) == s.at[n]) n++;
    if (n == s.len) return s;
    char *to = arena_alloc(r->in->arena, s.len);
    if (!to) {
        r->full = true;
        return STR_NONE;
    }
    for (size_t i = 0; i < s.len; i++) to[i] = ascii_lower(s.at[i]);
    return (struct str){ to, s.len };
}

static bool yes(struct str s)
{
    return str_eq_ascii(s, S("yes"));
}

/* The digits at the start; some tools write a unit behind them. */
static uint64_t leading_number(struct str s)
{
    size_t n = 0;
    uint64_t value;
    while (n < s.len && ascii_digit(s.at[n])) n++;
    return str_u64(str_head(s, n), &value) ? value : 0;
}

/* "want flag state". A record without the field is one of a package that is not installed. */
static bool status_read(struct dpkg_package *p, struct str status)
{
    struct str rest = status, want, flag, state, more;
    if (status.len == 0) return true;
    if (!str_word(&rest, &want) || !str_word(&rest, &flag) || !str_word(&rest, &state))
        return false;
    if (str_word(&rest, &more)) return false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        const struct state *s = &states[i];
        if (!str_eq_ascii(str_of(s->name), state)) continue;
        p->installed = s->installed;
        p->unpacked = s->unpacked;
        p->broken = s->broken || str_eq_ascii(flag, S("reinstreq"));
        p->hold = str_eq_ascii(want, S("hold"));
        return true;
    }
    return false;
}

/* "name (version)"; the version in parentheses is there when it is not the package's own. */
static void source_read(struct dpkg_package *p, struct str source)
{
    p->source = p->name;
    p->source_version = p->version;
    if (source.len == 0) return;
    size_t open = str_chr(source, '(');
    struct str name = str_trim(str_head(source, open));
    struct str inside = str_from(source, open + 1);
    struct str version = str_trim(str_head(inside, str_chr(inside, ')')));
    if (name.len) p->source = name;
    if (version.len) p->source_version = version;
}

static void fields_read(struct reader *r, const struct stanza *s, struct dpkg_package *p)
{
    p->arch = repaired(r, s->field[CONTROL_architecture]);
    p->version = repaired(r, s->field[CONTROL_version]);
    p->section = repaired(r, s->field[CONTROL_section]);
    p->priority = repaired(r, s->field[CONTROL_priority]);
    p->homepage = repaired(r, s->field[CONTROL_homepage]);
    p->description = repaired(r, s->field[CONTROL_description]);
    p->depends = repaired(r, s->field[CONTROL_depends]);
    p->pre_depends = repaired(r, s->field[CONTROL_pre_depends]);
    p->recommends = repaired(r, s->field[CONTROL_recommends]);
    p->suggests = repaired(r, s->field[CONTROL_suggests]);
    p->provides = repaired(r, s->field[CONTROL_provides]);
    p->multi_arch = repaired(r, s->field[CONTROL_multi_arch]);
    p->installed_kib = leading_number(s->field[CONTROL_installed_size]);
    p->essential = yes(s->field[CONTROL_essential]);
    p->important = yes(s->field[CONTROL_important]) || yes(s->field[CONTROL_protected_]);
    source_read(p, repaired(r, s->field[CONTROL_source]));
}

/* What dpkg only warns of in its own files: strange letters, or none that is a digit in front. */
static bool version_odd(struct str version)
{
    size_t epoch = str_chr(version, ':');
    uint64_t number;
    for (size_t i = 0; i < version.len; i++)
        if (ascii_space(version.at[i])) return false;
    if (epoch == version.len) return true;
    return str_u64(str_head(version, epoch), &number) && epoch + 1 < version.len;
}

static bool version_usable(struct reader *r, struct dpkg_package *p)
{
    struct fault f;
    if (p->version.len == 0) {
        if (p->installed) trouble(r, NO_VERSION, p->name);
        p->unpacked = 0;
        return !p->installed;
    }
    if (!p->unpacked || deb_version_valid(p->version, &f)) return true;
    bool odd = version_odd(p->version);
    trouble(r, odd ? ODD_VERSION : BAD_VERSION, p->name);
    return odd;
}

/* Letters, digits and "-", beginning with a letter or a digit: dpkg's rule. */
static bool arch_valid(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_alpha(s.at[i]) && !ascii_digit(s.at[i]) && (i == 0 || s.at[i] != '-'))
            return false;
    return s.len > 0;
}

/* dpkg only warns of any other, and shows it as it stands, several lines and all; its audit names
 * the package. */
static void arch_check(struct reader *r, struct dpkg_package *p)
{
    if (arch_valid(p->arch)) return;
    p->arch = STR_NONE;
    if (!p->unpacked) return;
    p->broken = 1;
    trouble(r, BAD_ARCH, p->name);
}

static bool room_for_one(struct reader *r)
{
    if (r->at && r->len < r->room) return true;
    size_t room = r->room * 2;
    struct dpkg_package *larger = arena_array(r->in->arena, room, sizeof *larger);
    if (!larger) {
        r->full = true;
        return false;
    }
    if (r->at) memcpy(larger, r->at, r->len * sizeof *larger);
    r->at = larger;
    r->room = room;
    return true;
}

static void record_read(struct reader *r, const struct stanza *s)
{
    struct str name = s->field[CONTROL_package];
    struct dpkg_package p = { 0 };

    if (name.len == 0) {
        trouble(r, NO_NAME, name);
        return;
    }
    if (!name_valid(name)) {
        trouble(r, BAD_NAME, name);
        return;
    }
    if (r->len == RECORDS_MOST) {
        trouble(r, TOO_MANY, name);
        return;
    }
    p.name = lowered(r, name);
    if (!status_read(&p, s->field[CONTROL_status])) trouble(r, BAD_STATUS, p.name);
    fields_read(r, s, &p);
    if (!version_usable(r, &p)) return;
    arch_check(r, &p);
    if (p.installed && str_eq(p.name, S("dpkg"))) r->dpkg_arch = p.arch;
    if (room_for_one(r)) r->at[r->len++] = p;
}

static void text_read(struct reader *r, struct str text)
{
    struct control c = { .rest = text };
    struct stanza s = { 0 };

    if (!r->room) r->room = text.len / RECORD_USUAL / 2 + 16;
    r->valid = utf8_valid(text) && str_chr(text, 0) == text.len;
    while (!r->full && control_next(&c, &s)) record_read(r, &s);
    if (c.bad)
        inputs_note_many(r->in, r->path, c.bad,
                         S("Lines that are no fields, or fields that stand twice, were left out."));
    troubles_note(r);
}

static struct str folder_of(struct str path)
{
    size_t n = path.len;
    while (n && path.at[n - 1] != '/') n--;
    return str_head(path, n);
}

/* dpkg's own choice of files: names of digits only, all of one length. */
static bool journal_name(struct str name, size_t len)
{
    if (name.len == 0 || name.len > JOURNAL_DIGITS || (len && name.len != len)) return false;
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_digit(name.at[i])) return false;
    return true;
}

static enum err journal_read(struct reader *r, struct str status_path)
{
    struct str folder = folder_of(status_path);
    struct str path = arena_print(r->in->arena, "%.*supdates", STR_ARG(folder));
    struct names names;
    size_t len = 0, files = 0;

    if (!path.at) return ERR_RESOURCE_LIMIT;
    enum err e = inputs_folder(r->in, path, &names);
    if (e == ERR_RESOURCE_LIMIT) return e;
    if (e) return OK;
    for (size_t i = 0; i < names.len; i++) {
        struct str text;
        if (!journal_name(names.at[i], len) || files++ == JOURNAL_FILES) continue;
        len = names.at[i].len;
        r->path = arena_print(r->in->arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(names.at[i]));
        if (!r->path.at) return ERR_RESOURCE_LIMIT;
        e = inputs_read(r->in, r->path, JOURNAL_MOST, &text);
        if (e == OK) text_read(r, text);
    }
    return OK;
}

/* The first package of that name; w->len when there is none. */
static size_t find_name(const struct dpkg_world *w, struct str name)
{
    size_t low = 0, high = w->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(w->at[middle].name, name) < 0) low = middle + 1;
        else high = middle;
    }
    return low < w->len && str_eq(w->at[low].name, name) ? low : w->len;
}

static struct str native_for_all(const struct dpkg_world *w, struct str arch)
{
    return str_eq(arch, S("all")) && w->archs.len ? w->archs.at[0] : arch;
}

/* apt's own file: a record without an architecture speaks of every package of its name. */
static void automatic_read(struct dpkg_world *w, struct str text)
{
    struct control c = { .rest = text };
    struct stanza s = { 0 };

    while (control_next(&c, &s)) {
        struct str name = s.field[CONTROL_package];
        struct str arch = native_for_all(w, s.field[CONTROL_architecture]);
        if (leading_number(s.field[CONTROL_auto_installed]) == 0) continue;
        size_t i = find_name(w, name), end = i + TWINS_MOST;
        for (; i < w->len && i < end && str_eq(w->at[i].name, name); i++)
            if (arch.len == 0 || str_eq(native_for_all(w, w->at[i].arch), arch))
                w->at[i].automatic = 1;
    }
}

enum err dpkg_read(struct inputs *in, const struct apt_conf *c, struct dpkg_world *w)
{
    struct reader r = { .in = in, .path = apt_conf_path(c, in->arena, S("Dir::State::status")) };
    struct str status_path = r.path, text;

    *w = (struct dpkg_world){ 0 };
    enum err e = inputs_read(in, status_path, FILE_MOST, &text);
    if (e == ERR_NOT_FOUND)
        inputs_note(in, status_path, "There is no such file, so no package counts as installed.");
    if (e) return e;
    text_read(&r, text);
    r.journal = r.len;
    e = journal_read(&r, status_path);
    if (!e) e = apt_archs_read(in, c, r.dpkg_arch, &w->archs);
    r.path = status_path;
    struct dpkg_records records = { .at = r.at, .len = r.len, .journal = r.journal };
    if (!e) e = r.full ? ERR_RESOURCE_LIMIT : dpkg_order(&records, in->arena, w);
    if (e) return e;
    r.count[TWICE] = records.twice;
    r.first[TWICE] = records.first_twice;
    troubles_note(&r);

    struct str path = apt_conf_path(c, in->arena, S("Dir::State::extended_states"));
    e = inputs_read(in, path, FILE_MOST, &text);
    if (e == OK) automatic_read(w, text);
    return e == ERR_RESOURCE_LIMIT ? e : OK;
}
