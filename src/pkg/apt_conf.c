/* apt.conf(5) as apt 2.6 reads it: the tree, its defaults, and what is looked up in it. The grammar
 * of the files is in apt_conf_parse.c. */
#include "pkg/apt_conf.h"

#include <sys/utsname.h>

static const struct {
    struct str name, value;
} defaults[] = {
#define DEFAULT(name, value) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 } },
    DEFAULT("APT::Install-Recommends", "1") DEFAULT("APT::Install-Suggests", "0") DEFAULT(
        "Dir", "/") DEFAULT("Dir::State", "var/lib/apt") DEFAULT("Dir::State::lists", "lists/")
        DEFAULT("Dir::Cache", "var/cache/apt") DEFAULT("Dir::Cache::archives", "archives/")
            DEFAULT("Dir::Etc", "etc/apt") DEFAULT("Dir::Etc::sourcelist", "sources.list") DEFAULT(
                "Dir::Etc::sourceparts", "sources.list.d") DEFAULT("Dir::Etc::main", "apt.conf")
                DEFAULT("Dir::Etc::parts", "apt.conf.d") DEFAULT("Dir::Etc::preferences",
                                                                 "preferences")
                    DEFAULT("Dir::Etc::preferencesparts", "preferences.d")
                        DEFAULT("Dir::Log", "var/log/apt") DEFAULT("Dir::Log::Terminal", "term.log")
                            DEFAULT("Dir::Log::History",
                                    "history.log") DEFAULT("Dir::Ignore-Files-Silently::", "~$")
                                DEFAULT("Dir::Ignore-Files-Silently::", "\\.disabled$")
                                    DEFAULT("Dir::Ignore-Files-Silently::", "\\.bak$") DEFAULT(
                                        "Dir::Ignore-Files-Silently::", "\\.dpkg-[a-z]+$")
                                        DEFAULT("Dir::Ignore-Files-Silently::", "\\.ucf-[a-z]+$")
                                            DEFAULT("Dir::Ignore-Files-Silently::", "\\.save$")
                                                DEFAULT("Dir::Ignore-Files-Silently::", "\\.orig$")
                                                    DEFAULT("Dir::Ignore-Files-Silently::",
                                                            "\\.distUpgrade$")
#undef DEFAULT
};

static bool room_make(struct apt_conf *c, struct arena *a)
{
    if (c->at && c->len < c->room) return true;
    size_t room = c->room ? c->room * 2 : 256;
    struct apt_item *larger = c->len < APT_CONF_ITEMS ? arena_array(a, room, sizeof *larger) : NULL;
    if (!larger) return false;
    if (c->at) memcpy(larger, c->at, c->len * sizeof *larger);
    c->at = larger;
    c->room = room;
    return true;
}

/* A new item below the one at a place plus one, 0 being the top; its own place plus one, or 0 on no
 * room. */
static uint32_t item_new(struct apt_conf *c, struct arena *a, struct str name, uint32_t parent)
{
    if (!room_make(c, a)) return 0;
    c->at[c->len++] = (struct apt_item){ .name = name };
    uint32_t place = (uint32_t)c->len;
    if (parent) {
        struct apt_item *p = &c->at[parent - 1];
        if (p->last) c->at[p->last - 1].next = place;
        else p->first = place;
        p->last = place;
    }
    return place;
}

/* The end of the next part of a name. Behind a "::" apt looks for the next one a byte late, so
 * that "A::::B" has the parts "A" and "::B". */
static size_t part_end(struct str name, size_t from)
{
    size_t start = from ? from + 1 : 0;
    if (start >= name.len) return name.len;
    return start + str_find(str_from(name, start), S("::"));
}

/* A new item for the part of a name behind its parent's. */
static uint32_t part_new(struct apt_conf *c, struct arena *a, struct str tag, uint32_t parent)
{
    struct str above = parent ? c->at[parent - 1].name : STR_NONE;
    struct str full =
        arena_print(a, "%.*s%s%.*s::", STR_ARG(above), parent ? "::" : "", STR_ARG(tag));
    if (!full.at) return 0;
    full.len -= 2; /* list items are named by the longer view */
    uint32_t place = item_new(c, a, full, parent);
    uint32_t *kept = place ? apt_map_put(&c->names, a, full) : NULL;
    if (!kept) return 0;
    return *kept = place;
}

enum err apt_conf_set(struct apt_conf *c, struct arena *a, struct str name, struct str value)
{
    uint32_t item = 0;
    if (name.len > APT_CONF_NAME || str_starts(name, S("::")) || name.len == 0) return OK;
    for (size_t from = 0, end; from <= name.len; from = end + 2) {
        end = part_end(name, from);
        if (from == name.len) { /* "list::" */
            const struct apt_item *list = &c->at[item - 1];
            item = item_new(c, a, (struct str){ list->name.at, list->name.len + 2 }, item);
            if (!item) return ERR_RESOURCE_LIMIT;
            break;
        }
        uint32_t known = apt_map_get(&c->names, str_head(name, end));
        item = known ? known : part_new(c, a, (struct str){ name.at + from, end - from }, item);
        if (!item) return ERR_RESOURCE_LIMIT;
    }
    c->at[item - 1].value = value;
    return OK;
}

static struct apt_item *find(const struct apt_conf *c, struct str name)
{
    uint32_t place = apt_map_get(&c->names, name);
    return place ? &c->at[place - 1] : NULL;
}

/* Goes down the branches without recursion: the children of what is taken away are hung behind
 * their parent in one chain. */
void apt_conf_clear(struct apt_conf *c, struct arena *a, struct str name)
{
    struct apt_item *top = find(c, name);
    if (!top) return;
    top->value = STR_NONE;
    uint32_t next = top->first, last = top->last;
    top->first = top->last = 0;
    while (next) {
        struct apt_item *i = &c->at[next - 1];
        if (i->first) {
            c->at[last - 1].next = i->first;
            last = i->last;
        }
        if (!str_ends(i->name, S("::"))) {
            uint32_t *place = apt_map_put(&c->names, a, i->name);
            if (place) *place = 0;
        }
        next = i->next;
        *i = (struct apt_item){ 0 };
    }
}

enum err apt_conf_defaults(struct apt_conf *c, struct arena *a)
{
    enum err e = OK;
    *c = (struct apt_conf){ .names.fold = true };
    for (size_t i = 0; !e && i < sizeof defaults / sizeof *defaults; i++)
        e = apt_conf_set(c, a, defaults[i].name, defaults[i].value);
    return e;
}

enum err apt_conf_complete(struct apt_conf *c, struct arena *a)
{
    const struct str states = S("Dir::State::extended_states"), status = S("Dir::State::status");
    enum err e = OK;
    if (apt_conf_find(c, states, STR_NONE).len == 0)
        e = apt_conf_set(c, a, states, S("extended_states"));
    if (e || find(c, status)) return e;
    struct str path =
        arena_print(a, "%.*s/var/lib/dpkg/status", STR_ARG(apt_conf_find(c, S("Dir"), STR_NONE)));
    if (!path.at) return ERR_RESOURCE_LIMIT;
    return apt_conf_set(c, a, status, path.at[1] == '/' ? str_from(path, 1) : path);
}

struct str apt_conf_find(const struct apt_conf *c, struct str name, struct str otherwise)
{
    const struct apt_item *i = find(c, name);
    return i && i->value.len ? i->value : otherwise;
}

bool apt_conf_bool(const struct apt_conf *c, struct str name, bool otherwise)
{
    return apt_truth(apt_conf_find(c, name, STR_NONE), otherwise) != 0;
}

bool apt_conf_next(const struct apt_conf *c, struct str list, size_t *at, struct str *value)
{
    const struct apt_item *top = find(c, list);
    if (!top || *at == SIZE_MAX) return false;
    if (top->value.len) {
        struct str rest = str_from(top->value, *at);
        if (!str_cut(&rest, ',', value)) return false;
        *at = top->value.len - rest.len;
        return true;
    }
    uint32_t place = *at ? (uint32_t)*at : top->first;
    if (!place) return false;
    *value = c->at[place - 1].value;
    *at = c->at[place - 1].next ? c->at[place - 1].next : SIZE_MAX;
    return true;
}

/* Whether a path stands for itself, not below the one of the name above it. */
static bool stands_alone(struct str path)
{
    return str_starts(path, S("/")) || str_starts(path, S("~/")) || str_starts(path, S("./")) ||
           str_starts(path, S("../"));
}

static bool name_above(struct str *name)
{
    for (size_t i = name->len; i > 1; i--) {
        if (name->at[i - 1] != ':' || name->at[i - 2] != ':') continue;
        name->len = i - 2;
        return true;
    }
    return false;
}

/* Drops "//", "/./" and what stands at the ends; a path never shows how it was put together. */
static struct str tidy(struct arena *a, struct str path)
{
    char *to = arena_alloc(a, path.len + 1);
    size_t n = 0;
    struct str part;
    if (!to) return STR_NONE;
    while (str_cut(&path, '/', &part)) {
        if (part.len == 0 || str_eq(part, S("."))) continue;
        if (n) to[n++] = '/';
        memcpy(to + n, part.at, part.len);
        n += part.len;
    }
    return (struct str){ to, n };
}

struct str apt_conf_path(const struct apt_conf *c, struct arena *a, struct str name)
{
    struct str path = apt_conf_find(c, name, STR_NONE);
    if (path.len == 0) return STR_NONE;
    while (!stands_alone(path) && name_above(&name)) {
        struct str above = apt_conf_find(c, name, STR_NONE);
        if (above.len) path = arena_print(a, "%.*s/%.*s", STR_ARG(above), STR_ARG(path));
        if (!path.at) return STR_NONE;
    }
    if (str_starts(path, S("/dev/null"))) return STR_NONE;
    struct str root = apt_conf_find(c, S("RootDir"), STR_NONE);
    if (root.len) path = arena_print(a, "%.*s/%.*s", STR_ARG(root), STR_ARG(path));
    return tidy(a, path);
}

/* uname's machine as Debian names it (dpkg's cputable). */
static struct str machine_arch(struct arena *a)
{
    static const struct {
        const char *machine, *arch;
    } rows[] = {
        { "x86_64", "amd64" },
        { "aarch64", "arm64" },
        { "armv7l", "armhf" },
        { "armv8l", "armhf" },
        { "armv6l", "armel" },
        { "armv5tel", "armel" },
        { "i386", "i386" },
        { "i486", "i386" },
        { "i586", "i386" },
        { "i686", "i386" },
        { "ppc64le", "ppc64el" },
        { "ppc", "powerpc" },
        { "parisc", "hppa" },
        { "loongarch64", "loong64" },
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        { "mips64", "mips64el" },
        { "mips", "mipsel" },
#endif
    };
    struct utsname name;
    if (uname(&name) != 0) return STR_NONE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].machine, name.machine) == 0) return str_of(rows[i].arch);
    return arena_copy(a, str_of(name.machine));
}

static void arch_add(struct apt_archs *archs, struct str arch)
{
    if (arch.len == 0 || archs->len == sizeof archs->at / sizeof *archs->at) return;
    for (size_t i = 0; i < archs->len; i++)
        if (str_eq(archs->at[i], arch)) return;
    archs->at[archs->len++] = arch;
}

enum err apt_archs_read(struct inputs *in, const struct apt_conf *c, struct str dpkg_arch,
                        struct apt_archs *archs)
{
    enum { LARGEST = 65536 }; /* a list of architectures is a few words */
    struct str arch, text;
    size_t at = 0;

    *archs = (struct apt_archs){ 0 };
    arch_add(archs, apt_conf_find(c, S("APT::Architecture"), dpkg_arch));
    if (archs->len == 0) arch_add(archs, machine_arch(in->arena));
    if (archs->len == 0) return ERR_RESOURCE_LIMIT;
    while (apt_conf_next(c, S("APT::Architectures"), &at, &arch)) arch_add(archs, arch);
    if (at) return OK;
    if (!apt_text_read(in, S("var/lib/dpkg/arch"), LARGEST, &text)) return OK;
    while (str_word(&text, &arch)) arch_add(archs, arch);
    return OK;
}
