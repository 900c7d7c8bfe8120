/* Three texts, parted by newlines, as versions: comparing is antisymmetric and transitive, a text
 * equals itself, and what is valid has only the characters that versions have. */
#include <stdint.h>
#include <stdlib.h>

#include "pkg/deb_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int truth)
{
    if (!truth) abort();
}

static int cmp(struct str a, struct str b)
{
    int order = deb_version_cmp(a, b);
    return order < 0 ? -1 : order > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size }, v[3] = { S(""), S(""), S("") };
    for (int i = 0; i < 3 && str_cut(&rest, '\n', &v[i]); i++) {
    }

    for (int i = 0; i < 3; i++) {
        demand(cmp(v[i], v[i]) == 0);
        if (!deb_version_valid(v[i], NULL)) continue;
        struct str s = str_trim(v[i]);
        demand(s.len > 0);
        for (size_t k = 0; k < s.len; k++)
            demand(ascii_digit(s.at[k]) || ascii_alpha(s.at[k]) ||
                   str_chr(S(".+-~:"), s.at[k]) < 5);
    }
    for (int i = 0; i < 3; i++) {
        struct str a = v[i], b = v[(i + 1) % 3], c = v[(i + 2) % 3];
        demand(cmp(a, b) == -cmp(b, a));
        if (cmp(a, b) <= 0 && cmp(b, c) <= 0) demand(cmp(a, c) <= 0);
        demand(deb_version_holds(a, S("<<"), b) == deb_version_holds(b, S(">>"), a));
    }
    return 0;
}
