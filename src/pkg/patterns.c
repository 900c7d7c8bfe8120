#include "pkg/patterns.h"

enum { FLAGS = REG_EXTENDED | REG_ICASE | REG_NOSUB };

static bool name_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_';
}

/* Made of nothing but what cannot be wrong, so that regcomp need not be asked. */
static bool plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool star = c == '*' && i && s.at[i - 1] == '.';
        if (!name_char(c) && c != '.' && c != '^' && c != '$' && !star) return false;
    }
    return true;
}

/* Nested repetitions ("((x{200}){200}){200}") multiply into gigabytes. */
static bool modest(struct str s)
{
    size_t braces = 0;
    for (size_t i = 0; i < s.len; i++) braces += s.at[i] == '{';
    return s.len <= PATTERN_MOST && braces <= 2 && (!s.len || !memchr(s.at, 0, s.len));
}

bool pattern_valid(struct str text)
{
    char cstr[PATTERN_MOST + 1];
    regex_t regex;

    if (!modest(text)) return false;
    if (plain(text)) return true;
    memcpy(cstr, text.at, text.len);
    cstr[text.len] = 0;
    if (regcomp(&regex, cstr, FLAGS) != 0) return false;
    regfree(&regex);
    return true;
}

/* The letters behind "^" up to the first one with a meaning. */
static struct str literal_head(struct str s)
{
    size_t n = 1;
    if (s.len == 0 || s.at[0] != '^' || str_chr(s, '|') < s.len) return STR_NONE;
    while (n < s.len && name_char(s.at[n])) n++;
    if (n > 1 && n < s.len && memchr("*?{", s.at[n], 3)) n--;
    return (struct str){ s.at + 1, n - 1 };
}

/* The letters before "$" that stand behind the last one with a meaning. */
static struct str literal_tail(struct str s)
{
    size_t n = s.len;
    if (n == 0 || s.at[n - 1] != '$' || str_chr(s, '|') < s.len) return STR_NONE;
    while (n > 1 && name_char(s.at[n - 2])) n--;
    if (n > 1 && s.at[n - 2] == '\\') n++;
    return n < s.len ? (struct str){ s.at + n - 1, s.len - n } : STR_NONE;
}

static struct pattern *pattern_new(struct patterns *p, struct arena *a)
{
    if (p->len == PATTERNS_MOST) return NULL;
    if (p->len == p->room) {
        size_t room = p->room ? p->room * 2 : 16;
        struct pattern *larger = arena_array(a, room, sizeof *larger);
        if (!larger) return NULL;
        if (p->len) memcpy(larger, p->at, p->len * sizeof *larger);
        p->at = larger;
        p->room = room;
    }
    return &p->at[p->len];
}

enum err patterns_add(struct patterns *p, struct arena *a, struct str text)
{
    struct pattern *new = pattern_new(p, a);
    struct str kept = new ? arena_copy(a, text) : STR_NONE;
    if (!kept.at) return ERR_RESOURCE_LIMIT;
    *new = (struct pattern){ .text = kept.at,
                             .head = literal_head(kept),
                             .tail = literal_tail(kept),
                             .state = modest(kept) ? PATTERN_NEW : PATTERN_BAD };
    p->len++;
    return OK;
}

static bool possible(const struct pattern *p, struct str name)
{
    return name.len >= p->head.len && name.len >= p->tail.len &&
           str_eq_ascii(str_head(name, p->head.len), p->head) &&
           str_eq_ascii(str_from(name, name.len - p->tail.len), p->tail);
}

bool patterns_match(struct patterns *p, struct str name)
{
    char cstr[PATTERN_NAME + 1];

    if (name.len > PATTERN_NAME) return false;
    if (name.len) memcpy(cstr, name.at, name.len);
    cstr[name.len] = 0;
    for (size_t i = 0; i < p->len; i++) {
        struct pattern *one = &p->at[i];
        if (one->state == PATTERN_BAD || !possible(one, name)) continue;
        if (one->state == PATTERN_NEW)
            one->state = regcomp(&one->regex, one->text, FLAGS) ? PATTERN_BAD : PATTERN_READY;
        if (one->state == PATTERN_READY && regexec(&one->regex, cstr, 0, NULL, 0) == 0) return true;
    }
    return false;
}

void patterns_free(struct patterns *p)
{
    for (size_t i = 0; i < p->len; i++)
        if (p->at[i].state == PATTERN_READY) regfree(&p->at[i].regex);
    *p = (struct patterns){ 0 };
}
