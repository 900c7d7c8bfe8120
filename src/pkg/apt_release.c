#include "pkg/apt_release.h"

#include "pkg/apt_text.h"
#include "pkg/control.h"

/* The text within OpenPGP's clothes (RFC 9580, 7): behind the armor's headers and the empty line
 * that ends them. The signature behind it is a paragraph that nobody reads. */
static struct str undress(struct str text)
{
    struct str line, rest = text;
    if (!str_starts(text, S("-----BEGIN PGP SIGNED MESSAGE-----"))) return text;
    while (str_cut(&rest, '\n', &line))
        if (str_trim(line).len == 0) break;
    return rest;
}

static bool says_yes(struct str value)
{
    return apt_truth(value, 0) == 1;
}

static bool is_security(const struct apt_release *r)
{
    static const struct str tail = { "-security", 9 };
    return str_eq_ascii(r->label, S("Debian-Security")) || str_ends(r->suite, tail) ||
           str_ends(r->codename, tail) || str_ends(r->codename, S("/updates"));
}

enum err apt_release_open(struct inputs *in, struct str path, struct apt_release *r)
{
    *r = (struct apt_release){ 0 };
    if (inputs_map(in, path, &r->map) != OK) return OK;
    r->text = undress(r->map.text);
    struct control c = { .rest = r->text };
    struct stanza s = { 0 };
    if (!control_next(&c, &s)) {
        inputs_note(in, path,
                    "It is empty or damaged, so its suite and priority are not known: "
                    "please run apt-get update.");
        return OK;
    }
    const struct {
        struct str *to;
        enum control_field field;
    } copies[] = {
        { &r->suite, CONTROL_suite },     { &r->codename, CONTROL_codename },
        { &r->version, CONTROL_version }, { &r->origin, CONTROL_origin },
        { &r->label, CONTROL_label },
    };
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        struct str value = s.field[copies[i].field];
        if (value.len == 0) continue;
        *copies[i].to = arena_copy(in->arena, value);
        if (!copies[i].to->at) return ERR_RESOURCE_LIMIT;
    }
    r->not_automatic = says_yes(s.field[CONTROL_not_automatic]);
    r->automatic_upgrades = says_yes(s.field[CONTROL_automatic_upgrades]);
    r->security = is_security(r);
    r->found = true;
    return OK;
}

void apt_release_close(struct apt_release *r)
{
    map_close(&r->map);
    r->text = STR_NONE;
}

/* The size that stands before the file's name at `at` in a line of checksums. */
static bool size_is_zero(struct str text, size_t at)
{
    while (at > 0 && text.at[at - 1] == ' ') at--;
    return at > 1 && text.at[at - 1] == '0' && text.at[at - 2] == ' ';
}

bool apt_release_offers(const struct apt_release *r, struct str name)
{
    static const char ends[] = "\n\r. "; /* of the name; a dot starts ".xz" and so on */
    struct str rest = r->text;
    bool any = false;
    for (size_t n; (n = str_find(rest, name)) < rest.len; rest = str_from(rest, n + 1)) {
        size_t end = n + name.len;
        if (n == 0 || rest.at[n - 1] != ' ') continue;
        if (end < rest.len && !memchr(ends, rest.at[end], sizeof ends - 1)) continue;
        if (size_is_zero(rest, n)) return false;
        any = true;
    }
    return any;
}

bool apt_release_has_arch(const struct apt_release *r, struct str arch)
{
    struct control c = { .rest = r->text };
    struct stanza s = { 0 };
    struct str word;
    if (!control_next(&c, &s) || !s.field[CONTROL_architectures].at) return true;
    struct str archs = s.field[CONTROL_architectures];
    while (apt_field_word(&archs, &word))
        if (str_eq(word, arch)) return true;
    return false;
}
