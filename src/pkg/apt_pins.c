/* apt_preferences(5) as apt 2.6 understands it: pins in the order of the files, the first one that
 * fits counting. The general ones ("Package: *") give whole lists their priority, the others single
 * versions. */
#include "pkg/apt.h"
#include "pkg/control.h"

#include <fnmatch.h>

enum {
    PINS = 10000,       /* of all files; people have a few, and every version meets them all */
    LARGEST = 16 << 20, /* bytes of one file */
    SPECIFICATION = 299 /* bytes of a release expression that apt looks at */
};

struct reader {
    struct inputs *in;
    struct apt_pins *pins;
    size_t room;
    struct str path;
};

static const struct str general = { "*", 1 };

static bool is_general(const struct apt_pin *p)
{
    return str_eq(p->package, general);
}

static enum err pin_add(struct reader *r, struct apt_pin pin)
{
    struct apt_pins *pins = r->pins;
    if (pins->len == PINS) {
        inputs_note(r->in, r->path, "There are more than %d pins; the rest was left out.", PINS);
        return OK;
    }
    if (pins->len == r->room) {
        size_t room = r->room ? r->room * 2 : 64;
        struct apt_pin *larger = arena_array(r->in->arena, room, sizeof *larger);
        if (!larger) return ERR_RESOURCE_LIMIT;
        if (pins->len) memcpy(larger, pins->at, pins->len * sizeof *larger);
        pins->at = larger;
        r->room = room;
    }
    pins->at[pins->len++] = pin;
    return OK;
}

/* The number a value starts with, as strtol reads it; false when it starts with none or it does
 * not fit a priority. */
static bool priority_of(struct str value, int32_t *priority)
{
    enum { LEAST = -32768, MOST = 32767 };
    bool minus = value.len && value.at[0] == '-';
    int32_t n = 0;
    if (value.len && (minus || value.at[0] == '+')) value = str_from(value, 1);
    for (size_t i = 0; i < value.len && ascii_digit(value.at[i]); i++) {
        n = n * 10 + (value.at[i] - '0');
        if (n > MOST + minus) return false;
    }
    *priority = minus ? -n : n;
    if (*priority == LEAST) *priority = LEAST + 1;
    return n != 0;
}

/* Leaves what Pin: and Pin-Priority: say in *pin; NULL, or what is wrong. */
static const char *pin_parse(const struct stanza *s, bool for_all, struct apt_pin *pin)
{
    struct str data = str_trim(s->field[CONTROL_pin]), priority = s->field[CONTROL_pin_priority];
    if (data.len == 0 || !str_word(&data, &pin->type)) return "there is no Pin";
    pin->data = str_trim(data);
    bool release = str_eq_ascii(pin->type, S("release"));
    bool origin = str_eq_ascii(pin->type, S("origin"));
    bool version = str_eq_ascii(pin->type, S("version"));
    if (!release && !origin && !(version && !for_all)) return "the type of the Pin is not known";
    pin->type = release ? S("release") : origin ? S("origin") : S("version");
    if (str_eq(priority, S("never"))) {
        pin->priority = APT_NEVER;
        return for_all ? NULL : "a priority of \"never\" stands with single packages";
    }
    return priority_of(priority, &pin->priority) ? NULL : "there is no valid Pin-Priority";
}

static enum err pin_stanza(struct reader *r, const struct stanza *s, size_t number)
{
    struct str name, names = s->field[CONTROL_package];
    struct apt_pin pin = { 0 };
    bool for_all = str_eq(names, general);
    const char *fault = names.len ? pin_parse(s, for_all, &pin) : "there is no Package";
    enum err e = OK;

    if (fault)
        inputs_note(r->in, r->path, "In stanza %zu %s; it was left out: please correct it.", number,
                    fault);
    while (!fault && !e && apt_field_word(&names, &name)) {
        /* A star among other names is a glob over names, which another star does not change. */
        pin.package = str_eq(name, general) && !for_all ? S("**") : name;
        e = pin_add(r, pin);
    }
    return e;
}

static enum err read_file(struct reader *r, struct str path)
{
    struct str text;
    struct stanza s = { 0 };
    enum err e = OK;
    if (!apt_text_read(r->in, path, LARGEST, &text)) return OK;
    r->path = path;
    struct control c = { .rest = text };
    for (size_t number = 1; !e && control_next(&c, &s); number++) e = pin_stanza(r, &s, number);
    return e;
}

enum err apt_pins_read(struct inputs *in, const struct apt_conf *c, struct apt_pins *pins)
{
    struct reader r = { .in = in, .pins = pins };
    struct names names;
    *pins = (struct apt_pins){ 0 };
    enum err e = read_file(&r, apt_conf_path(c, in->arena, S("Dir::Etc::preferences")));
    struct str folder = apt_conf_path(c, in->arena, S("Dir::Etc::preferencesparts"));
    if (e || folder.len == 0 || inputs_folder(in, folder, &names) != OK) return e;
    for (size_t i = 0; !e && i < names.len; i++) {
        if (!apt_part_name(names.at[i], "pref", "")) continue;
        struct str path =
            arena_print(in->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(names.at[i]));
        e = path.at ? read_file(&r, path) : ERR_RESOURCE_LIMIT;
    }
    return e;
}

/* --- matching ----------------------------------------------------------------------------------
 */

/* A version or, when prefix, the start of one, or an expression for the whole. */
static bool version_match(struct str wanted, bool prefix, struct str version)
{
    if (!version.at) return false;
    if (wanted.len == version.len || (prefix && wanted.len < version.len))
        if (str_eq_ascii(wanted, str_head(version, wanted.len))) return true;
    return apt_match(wanted, version);
}

/* Takes the star from the end of a version, which makes it a prefix. */
static bool take_star(struct str *wanted)
{
    if (!str_ends(*wanted, S("*"))) return false;
    wanted->len--;
    return true;
}

/* What a release expression asks for; an absent part asks for nothing. */
struct release_pin {
    struct str version, origin, archive, codename, label, component, arch, either;
    bool everything, version_prefix;
};

static void release_part(struct release_pin *p, struct str part)
{
    const struct {
        char letter;
        struct str *to;
    } rows[] = { { 'v', &p->version },  { 'o', &p->origin }, { 'a', &p->archive },
                 { 'n', &p->codename }, { 'l', &p->label },  { 'c', &p->component },
                 { 'b', &p->arch } };
    if (part.len < 3 || part.at[1] != '=') return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ascii_lower(part.at[0]) == rows[i].letter) *rows[i].to = str_from(part, 2);
}

static struct release_pin release_parse(struct str data)
{
    enum { PARTS = 19 }; /* with more than these apt reads none */
    struct release_pin p = { .everything = str_eq(data, general) };
    struct str part;
    if (p.everything || data.len == 0) return p;
    if (str_chr(data, '=') == data.len) {
        *(ascii_digit(data.at[0]) ? &p.version : &p.either) = data;
        p.version_prefix = take_star(&p.version);
        return p;
    }
    data = str_head(data, SPECIFICATION);
    for (size_t n = 0; str_cut(&data, ',', &part);) {
        part = str_trim(part);
        if (part.len == 0) continue;
        if (++n > PARTS) return (struct release_pin){ 0 };
        release_part(&p, part);
    }
    p.version_prefix = take_star(&p.version);
    return p;
}

/* What is not said fits no expression, but the component that a flat repository does not have is
 * an empty text. */
static bool fits(struct str wanted, struct str is)
{
    return wanted.len == 0 || (is.len && apt_match(wanted, is));
}

static bool fits_component(struct str wanted, struct str is)
{
    return wanted.len == 0 || apt_match(wanted, is.len ? is : S(""));
}

static bool release_match(const struct release_pin *p, const struct apt_file *f)
{
    if (p->everything) return true;
    bool release = p->version.len || p->origin.len || p->archive.len || p->codename.len ||
                   p->label.len || p->either.len;
    if (!release && !p->component.len && !p->arch.len) return false;
    if (p->version.len && !version_match(p->version, p->version_prefix, f->version)) return false;
    if (!fits(p->either, f->archive) && !fits(p->either, f->codename)) return false;
    return fits(p->origin, f->origin) && fits(p->archive, f->archive) &&
           fits(p->codename, f->codename) && fits(p->label, f->label) &&
           fits_component(p->component, f->component) && fits(p->arch, f->arch);
}

/* The status file belongs to no release; apt calls its archive "now". */
static bool status_match(const struct release_pin *p)
{
    const struct str now = S("now");
    if (p->everything) return true;
    bool more = p->origin.len || p->label.len || p->version.len || p->codename.len || p->arch.len;
    return !more && fits(p->archive, now) && fits(p->either, now) && fits(p->component, now);
}

static bool origin_match(struct str wanted, struct str site)
{
    if (wanted.len >= 2 && wanted.at[0] == '"' && wanted.at[wanted.len - 1] == '"')
        wanted = (struct str){ wanted.at + 1, wanted.len - 2 };
    return apt_match(wanted, site.at ? site : S(""));
}

/* Whether the pin's data means this file; NULL is the status file. */
static bool file_match(const struct apt_pin *p, const struct apt_file *file)
{
    if (str_eq(p->type, S("origin"))) return file && origin_match(p->data, file->site);
    if (!str_eq(p->type, S("release"))) return false;
    struct release_pin r = release_parse(p->data);
    return file ? release_match(&r, file) : status_match(&r);
}

/* --- whole lists -------------------------------------------------------------------------------
 */

/* APT::Default-Release as the pin it is; false when it names no release there is. */
static bool default_release(const struct apt_conf *c, const struct apt_files *files,
                            struct apt_pin *pin)
{
    struct str wanted = apt_conf_find(c, S("APT::Default-Release"), STR_NONE);
    *pin = (struct apt_pin){ general, S("release"), wanted, 990 };
    if (wanted.len == 0) return false;
    if ((wanted.len > 2 && wanted.at[1] == '=') || apt_match(wanted, S("now"))) return true;
    for (size_t i = 0; i < files->len; i++) {
        const struct apt_file *f = &files->at[i];
        if (apt_match(wanted, f->archive) || apt_match(wanted, f->codename) ||
            apt_match(wanted, f->version))
            return true;
    }
    return false;
}

/* The first general pin that fits counts, but "never" also when it comes later. */
static int32_t file_priority(const struct apt_pins *pins, const struct apt_pin *first,
                             const struct apt_file *file, int32_t priority)
{
    bool fixed = first && file_match(first, file);
    if (fixed) priority = first->priority;
    for (size_t i = 0; i < pins->len && priority != APT_NEVER; i++) {
        const struct apt_pin *p = &pins->at[i];
        if (!is_general(p) || (fixed && p->priority != APT_NEVER) || !file_match(p, file)) continue;
        priority = p->priority;
        fixed = true;
    }
    return priority;
}

void apt_pins_apply(const struct apt_pins *pins, const struct apt_conf *c, struct apt_files *files)
{
    struct apt_pin pin;
    bool any = default_release(c, files, &pin);
    for (size_t i = 0; i < files->len; i++) {
        struct apt_file *f = &files->at[i];
        int32_t usual = f->automatic_upgrades ? 100 : f->not_automatic ? 1 : 500;
        f->priority = file_priority(pins, any ? &pin : NULL, f, usual);
    }
}

int32_t apt_pins_status(const struct apt_pins *pins, const struct apt_conf *c,
                        const struct apt_files *files)
{
    struct apt_pin pin;
    bool any = default_release(c, files, &pin);
    return file_priority(pins, any ? &pin : NULL, NULL, 100);
}

/* --- single packages ---------------------------------------------------------------------------
 */

bool apt_pins_specific(const struct apt_pins *pins)
{
    for (size_t i = 0; i < pins->len; i++)
        if (!is_general(&pins->at[i])) return true;
    return false;
}

/* Debian's architecture as the four parts that patterns are written for: abi-libc-kernel-cpu
 * (dpkg's tupletable). */
static void arch_parts(struct str arch, struct str parts[4])
{
    static const struct {
        struct str arch, abi, cpu;
    } rows[] = {
        { { "armhf", 5 }, { "eabihf", 6 }, { "arm", 3 } },
        { { "armel", 5 }, { "eabi", 4 }, { "arm", 3 } },
        { { "x32", 3 }, { "x32", 3 }, { "amd64", 5 } },
        { { "mips64el", 8 }, { "abi64", 5 }, { "mips64el", 8 } },
        { { "mips64", 6 }, { "abi64", 5 }, { "mips64", 6 } },
        { { "arm64ilp32", 10 }, { "ilp32", 5 }, { "arm64", 5 } },
        { { "powerpcspe", 10 }, { "spe", 3 }, { "powerpc", 7 } },
    };
    size_t dash = str_chr(arch, '-');
    parts[0] = S("base");
    parts[1] = S("gnu");
    parts[2] = dash < arch.len ? str_head(arch, dash) : S("linux");
    parts[3] = dash < arch.len ? str_from(arch, dash + 1) : arch;
    if (str_ends(parts[2], S("bsd")) && parts[2].at[0] != 'k') parts[1] = S("bsd");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!str_eq(parts[3], rows[i].arch)) continue;
        parts[0] = rows[i].abi;
        parts[3] = rows[i].cpu;
    }
}

/* Whether an architecture is the one named, or fits a pattern such as "any" or "linux-any". */
static bool arch_match(struct str wanted, struct str arch)
{
    struct str want[4], have[4], rest = wanted;
    size_t n = 0;
    if (str_eq(wanted, arch)) return true;
    if (!str_has(wanted, S("any"))) return false;
    while (n < 4 && str_cut(&rest, '-', &want[n])) n++;
    if (rest.len) return false;
    arch_parts(arch, have);
    for (size_t i = 0; i < n; i++) /* the parts that a pattern leaves out come first */
        if (!str_eq(want[n - 1 - i], S("any")) && !str_eq(want[n - 1 - i], have[3 - i]))
            return false;
    return n > 0;
}

static bool is_expression(struct str name)
{
    if (name.len && name.at[0] == '/' && name.at[name.len - 1] == '/') return true;
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] == '*' || name.at[i] == '[' || name.at[i] == '?') return true;
    return false;
}

/* The longest run of plain bytes that everything a regular expression matches must hold; most names
 * are refused by it, so that few expressions are compiled. Empty when that is not easily said. */
static struct str literal_of(struct str expression)
{
    struct str best = STR_NONE, run = { expression.at, 0 };
    for (size_t i = 0; i < expression.len; i++) {
        char c = expression.at[i];
        if (str_chr(S("|()[]{}\\"), c) < 8) return STR_NONE;
        if (c == '*' || c == '?') {
            if (run.len) run.len--;
        } else if (c != '.' && c != '^' && c != '$' && c != '+') {
            run.len++;
            continue;
        }
        if (run.len > best.len) best = run;
        run = str_from(expression, i + 1);
        run.len = 0;
    }
    return run.len > best.len ? run : best;
}

static bool has_ascii(struct str s, struct str needle)
{
    for (size_t i = 0; needle.len <= s.len && i <= s.len - needle.len; i++)
        if (str_eq_ascii((struct str){ s.at + i, needle.len }, needle)) return true;
    return needle.len == 0;
}

static bool name_match(struct str wanted, struct str name)
{
    if (!is_expression(wanted)) return str_eq(wanted, name);
    if (str_eq(wanted, name)) return false;
    if (wanted.len > 2 && wanted.at[0] == '/' &&
        !has_ascii(name, literal_of((struct str){ wanted.at + 1, wanted.len - 2 })))
        return false;
    return apt_match(wanted, name);
}

/* Whether a pin speaks of this package: by its name or its source's, and by its architecture,
 * which is the native one unless it says otherwise. */
static bool package_match(const struct apt_pin *p, struct str name, struct str arch,
                          struct str native, struct str source)
{
    struct str wanted = p->package, wanted_arch = native;
    bool by_source = str_starts(wanted, S("src:"));
    if (by_source) wanted = str_from(wanted, 4);
    for (size_t i = wanted.len; i > 0; i--) {
        if (wanted.at[i - 1] != ':') continue;
        if (i < wanted.len) wanted_arch = str_from(wanted, i);
        wanted.len = i - 1;
        break;
    }
    return name_match(wanted, by_source ? source : name) && arch_match(wanted_arch, arch);
}

const struct apt_pin *apt_pins_find(const struct apt_pins *pins, struct str name, struct str arch,
                                    struct str native, struct str source, struct str version,
                                    const struct apt_file *file)
{
    if (str_eq(arch, S("all"))) arch = native;
    for (size_t i = 0; i < pins->len; i++) {
        const struct apt_pin *p = &pins->at[i];
        if (is_general(p) || !package_match(p, name, arch, native, source)) continue;
        struct str wanted = p->data;
        bool prefix = take_star(&wanted);
        if (str_eq(p->type, S("version")) ? version_match(wanted, prefix, version)
                                          : file_match(p, file))
            return p;
    }
    return NULL;
}

bool apt_pins_version(const struct apt_pins *pins, struct str name, struct str arch,
                      struct str native, struct str source, struct str version,
                      const struct apt_file *file, int32_t *priority)
{
    const struct apt_pin *p = apt_pins_find(pins, name, arch, native, source, version, file);
    if (p) *priority = p->priority;
    return p != NULL;
}
