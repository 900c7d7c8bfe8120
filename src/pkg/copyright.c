#include "pkg/copyright.h"

#include "pkg/control.h"

/* The Format field stands first; most files of the other kind are told by a look at this many
 * bytes. */
enum { HEADER_MOST = 8192 };

static struct str first_line(struct str value)
{
    return str_trim(str_head(value, str_chr(value, '\n')));
}

static bool known(const struct str *licenses, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(licenses[i], name)) return true;
    return false;
}

enum err copyright_licenses(struct str text, struct arena *a, struct str **licenses, size_t *count)
{
    struct control c = { .rest = text };
    struct stanza s = { 0 };
    struct str format = S("copyright-format"), found[COPYRIGHT_LICENSES];
    size_t len = 0;

    *licenses = NULL;
    *count = 0;
    if (!str_has(str_head(text, HEADER_MOST), format)) return OK;
    if (!control_next(&c, &s) || !str_has(s.field[CONTROL_format], format)) return OK;
    do {
        struct str name = first_line(s.field[CONTROL_license]);
        bool counts = s.field[CONTROL_format].at || s.field[CONTROL_files].at;
        if (!counts || name.len == 0 || name.len > COPYRIGHT_LICENSE_MOST) continue;
        if (known(found, len, name) || !utf8_valid(name)) continue;
        found[len++] = name;
    } while (len < COPYRIGHT_LICENSES && control_next(&c, &s));

    struct str *kept = arena_array(a, len, sizeof *kept);
    if (!kept) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0; i < len; i++) {
        kept[i] = arena_copy(a, found[i]);
        if (!kept[i].at) return ERR_RESOURCE_LIMIT;
    }
    *licenses = kept;
    *count = len;
    return OK;
}
