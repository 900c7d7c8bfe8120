#include "pkg/deb_version.h"

#include <limits.h>

struct parts {
    struct str epoch, upstream, revision;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str without_blanks(struct str s)
{
    while (s.len && blank(s.at[0])) s = str_from(s, 1);
    while (s.len && blank(s.at[s.len - 1])) s.len--;
    return s;
}

/* Digits without the zeros before them, so that longer is larger. */
static struct str significant(struct str digits)
{
    while (digits.len && digits.at[0] == '0') digits = str_from(digits, 1);
    return digits;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_digit(s.at[i])) return false;
    return s.len > 0;
}

/* A colon behind anything but a number separates nothing here; deb_version_valid refuses it. */
static struct parts split(struct str v)
{
    struct parts p = { .upstream = without_blanks(v) };
    struct str s = p.upstream;
    for (size_t i = 0; i < s.len && (ascii_digit(s.at[i]) || s.at[i] == ':'); i++) {
        if (s.at[i] != ':') continue;
        if (i == 0) break;
        p.epoch = significant(str_head(s, i));
        p.upstream = s = str_from(s, i + 1);
        break;
    }
    for (size_t i = s.len; i > 0; i--) {
        if (s.at[i - 1] != '-') continue;
        p.upstream = str_head(s, i - 1);
        p.revision = str_from(s, i);
        break;
    }
    return p;
}

/* The weight of a byte that is not part of a number; a digit and the end weigh nothing, '~' less,
 * letters come before all other bytes. */
static inline int weight(struct str s, size_t i)
{
    if (i >= s.len) return 0;
    unsigned char c = (unsigned char)s.at[i];
    if (ascii_digit((char)c)) return 0;
    if (ascii_alpha((char)c)) return c;
    return c == '~' ? -1 : c + 256;
}

static int part_cmp(struct str a, struct str b)
{
    size_t i = 0, j = 0;
    while (i < a.len || j < b.len) {
        while ((i < a.len && !ascii_digit(a.at[i])) || (j < b.len && !ascii_digit(b.at[j]))) {
            int order = weight(a, i) - weight(b, j);
            if (order) return order;
            i++;
            j++;
        }
        while (i < a.len && a.at[i] == '0') i++;
        while (j < b.len && b.at[j] == '0') j++;
        int first = 0;
        while (i < a.len && j < b.len && ascii_digit(a.at[i]) && ascii_digit(b.at[j])) {
            if (!first) first = a.at[i] - b.at[j];
            i++;
            j++;
        }
        if (i < a.len && ascii_digit(a.at[i])) return 1;
        if (j < b.len && ascii_digit(b.at[j])) return -1;
        if (first) return first;
    }
    return 0;
}

int deb_version_cmp(struct str a, struct str b)
{
    struct parts x = split(a), y = split(b);
    if (x.epoch.len != y.epoch.len) return x.epoch.len < y.epoch.len ? -1 : 1;
    int order = str_cmp(x.epoch, y.epoch);
    if (!order) order = part_cmp(x.upstream, y.upstream);
    return order ? order : part_cmp(x.revision, y.revision);
}

static bool only(struct str s, struct str others)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_digit(s.at[i]) && !ascii_alpha(s.at[i]) &&
            str_chr(others, s.at[i]) == others.len)
            return false;
    return true;
}

static const char *epoch_fault(struct str epoch)
{
    uint64_t value;
    if (epoch.len == 0) return "the epoch is empty";
    if (!all_digits(epoch)) return "the epoch is not a number";
    if (!str_u64(epoch, &value) || value > INT_MAX) return "the epoch is too large";
    return NULL;
}

static const char *version_fault(struct str s)
{
    if (s.len == 0) return "the version is empty";
    for (size_t i = 0; i < s.len; i++)
        if (blank(s.at[i])) return "there are spaces in the version";
    size_t colon = str_chr(s, ':');
    if (colon < s.len) {
        const char *fault = epoch_fault(str_head(s, colon));
        if (fault) return fault;
        if (colon + 1 == s.len) return "there is nothing after the colon";
    }
    struct parts p = split(s);
    if (p.upstream.len == 0) return "there is no version number";
    if (!ascii_digit(p.upstream.at[0])) return "the version number does not start with a digit";
    if (!only(p.upstream, S(".-+~:"))) return "there is an invalid character in the version number";
    if (!only(p.revision, S(".+~"))) return "there is an invalid character in the revision";
    return NULL;
}

bool deb_version_valid(struct str version, struct fault *f)
{
    const char *fault = version_fault(without_blanks(version));
    if (fault) fault_print(f, "%s", fault);
    return !fault;
}

bool deb_version_holds(struct str a, struct str op, struct str b)
{
    enum { LESS = 1, EQUAL = 2, MORE = 4 };
    static const struct {
        struct str op;
        int allowed;
    } rows[] = {
        { { "<<", 2 }, LESS },        { { "<=", 2 }, LESS | EQUAL }, { { "=", 1 }, EQUAL },
        { { ">>", 2 }, MORE },        { { ">=", 2 }, MORE | EQUAL }, { { "<", 1 }, LESS | EQUAL },
        { { ">", 1 }, MORE | EQUAL },
    };
    int order = deb_version_cmp(a, b);
    int is = order < 0 ? LESS : order > 0 ? MORE : EQUAL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq(rows[i].op, op)) return rows[i].allowed & is;
    return false;
}
