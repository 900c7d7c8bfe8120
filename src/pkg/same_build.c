#include "pkg/same_build.h"

#include "pkg/control.h"

/* The next letter that counts; 0 at the end. An operator's "=" is dropped, which makes "<" and "<="
 * the same. */
static char letter(struct str *s)
{
    while (s->len) {
        char c = s->at[0];
        *s = str_from(*s, 1);
        if (!ascii_space(c) && c != '=') return ascii_lower(c);
    }
    return 0;
}

static bool same_letters(struct str a, struct str b)
{
    for (;;) {
        char x = letter(&a), y = letter(&b);
        if (x != y) return false;
        if (!x) return true;
    }
}

bool same_build(const struct index *ix, uint32_t row, const struct dpkg_package *p)
{
    struct str fields[] = { p->pre_depends, p->depends }, own, offered;
    struct relation_walk w = index_relations(ix, index_version(ix, row)->relations);
    for (size_t i = 0; i < 2; i++) {
        while (relation_next(&fields[i], &own))
            if (!index_relation_next(ix, &w, &offered) || !same_letters(own, offered)) return false;
    }
    return !index_relation_next(ix, &w, &offered);
}
