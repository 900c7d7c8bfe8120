#include "pkg/control.h"

#define KEY(first, second, last, length)                                                           \
    (((first)*37u + (second)*44u + (last)*58u + (unsigned)(length)*28u) & 255u)

static const struct str names[CONTROL_COUNT] = {
#define CONTROL(id, name, first, second, last, length) [CONTROL_##id] = { name, sizeof(name) - 1 },
#include "pkg/control.def"
#undef CONTROL
};

/* One more than the field, so that 0 is none. */
static const uint8_t by_key[256] = {
#define CONTROL(id, name, first, second, last, length)                                             \
    [KEY(first, second, last, length)] = CONTROL_##id + 1,
#include "pkg/control.def"
#undef CONTROL
};

enum control_field control_field(struct str name)
{
    if (name.len < 3) return CONTROL_COUNT;
    unsigned first = (unsigned char)ascii_lower(name.at[0]);
    unsigned second = (unsigned char)ascii_lower(name.at[1]);
    unsigned last = (unsigned char)ascii_lower(name.at[name.len - 1]);
    unsigned found = by_key[KEY(first, second, last, name.len)];
    if (!found) return CONTROL_COUNT;
    /* Archives write names as they are in the table; people may not. */
    if (!str_eq(names[found - 1], name) && !str_eq_ascii(names[found - 1], name))
        return CONTROL_COUNT;
    return found - 1;
}

static struct str line_take(struct str *rest)
{
    size_t n = str_chr(*rest, '\n');
    struct str line = str_head(*rest, n);
    *rest = str_from(*rest, n + 1);
    return line;
}

static bool blank(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] != ' ' && line.at[i] != '\t' && line.at[i] != '\r') return false;
    return true;
}

static struct str without_edges(struct str s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) s = str_from(s, 1);
    while (s.len && ascii_space(s.at[s.len - 1])) s.len--;
    return s;
}

/* The length of the name before the colon; names are short, so this looks at a few bytes only. */
static size_t colon(struct str line)
{
    enum { LONGEST = 64 };
    size_t n = str_chr(str_head(line, LONGEST), ':');
    return n < LONGEST ? n : line.len;
}

static void forget(struct stanza *s)
{
    for (unsigned i = 0; i < s->count; i++) s->field[s->seen[i]] = STR_NONE;
    s->count = 0;
}

bool control_next(struct control *c, struct stanza *s)
{
    struct str *open = NULL; /* the field that continuation lines belong to */
    bool any = false;        /* a field was seen, known or not */
    const char *start = NULL;
    struct str rest = c->rest;

    forget(s);
    while (rest.len) {
        struct str line = line_take(&rest);
        if (line.len && line.at[0] == '#') continue;
        if (line.len && (line.at[0] == ' ' || line.at[0] == '\t') && any && !blank(line)) {
            if (open) open->len = (size_t)(line.at + line.len - open->at);
            continue;
        }
        if (blank(line)) {
            if (any) break;
            continue;
        }
        size_t n = colon(line);
        if (n == 0 || n == line.len) {
            c->bad++;
            open = NULL;
            continue;
        }
        if (!any) start = line.at;
        any = true;
        open = NULL;
        enum control_field f = control_field(without_edges(str_head(line, n)));
        if (f == CONTROL_COUNT) continue;
        if (s->field[f].at) {
            c->bad++;
            continue;
        }
        open = &s->field[f];
        *open = without_edges(str_from(line, n + 1));
        s->seen[s->count++] = (uint8_t)f;
    }
    c->rest = rest;
    if (!any) return false;
    s->text = (struct str){ start, (size_t)(rest.at - start) };
    return true;
}

bool relation_next(struct str *rest, struct str *relation)
{
    while (str_cut(rest, ',', relation)) {
        *relation = str_trim(*relation);
        if (relation->len) return true;
    }
    return false;
}

static size_t name_length(struct str s)
{
    size_t n = 0;
    static const bool ends[256] = {
        [' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true, ['\f'] = true, ['\v'] = true,
        ['('] = true, [':'] = true,  ['['] = true,  ['<'] = true,  ['|'] = true,  [','] = true,
    };
    while (n < s.len && !ends[(uint8_t)s.at[n]]) n++;
    return n;
}

bool relation_parse(struct str text, struct relation *r)
{
    struct str rest = str_trim(text);
    *r = (struct relation){ 0 };
    size_t n = name_length(rest);
    if (n == 0) return false;
    r->name = str_head(rest, n);
    rest = str_from(rest, n);
    if (rest.len && rest.at[0] == ':') {
        rest = str_from(rest, 1);
        n = name_length(rest);
        r->arch = str_head(rest, n);
        rest = str_from(rest, n);
        if (n == 0) return false;
    }
    rest = str_trim(rest);
    if (rest.len && rest.at[0] == '(') {
        size_t end = str_chr(rest, ')');
        if (end == rest.len) return false;
        struct str inside = str_trim((struct str){ rest.at + 1, end - 1 });
        n = 0;
        while (n < inside.len && memchr("<>=", inside.at[n], 3)) n++;
        r->op = str_head(inside, n);
        r->version = str_trim(str_from(inside, n));
        if (n == 0 || n > 2 || r->version.len == 0) return false;
        rest = str_trim(str_from(rest, end + 1));
    }
    return rest.len == 0 || rest.at[0] == '[' || rest.at[0] == '<';
}
