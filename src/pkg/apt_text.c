#include "pkg/apt_text.h"

#include <fnmatch.h>
#include <regex.h>

bool apt_text_read(struct inputs *in, struct str path, size_t limit, struct str *text)
{
    if (path.len == 0 || inputs_read(in, path, limit, text) != OK) return false;
    size_t zero = str_chr(*text, 0);
    if (zero < text->len)
        inputs_note(in, path,
                    "There is a zero byte in it; what follows was left out: please "
                    "remove it.");
    text->len = zero;
    return true;
}

static int hex(char c)
{
    if (ascii_digit(c)) return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the word at the start of s; false when a quote or bracket is not closed. */
static bool word_length(struct str s, size_t *length)
{
    size_t n = 0;
    while (n < s.len && !ascii_space(s.at[n])) {
        char close = s.at[n] == '"' ? '"' : s.at[n] == '[' ? ']' : 0;
        if (close) {
            n += 1 + str_chr(str_from(s, n + 1), close);
            if (n >= s.len) return false;
        }
        n++;
    }
    *length = n;
    return true;
}

bool apt_word(struct arena *a, struct str *rest, struct str *word)
{
    struct str s = *rest;
    size_t length;
    while (s.len && s.at[0] == ' ') s = str_from(s, 1);
    if (s.len == 0 || !word_length(s, &length)) return false;
    struct str raw = str_head(s, length);
    s = str_from(s, length);
    while (s.len && ascii_space(s.at[0])) s = str_from(s, 1);
    *word = raw;
    if (str_chr(raw, '"') < raw.len || str_chr(raw, '%') < raw.len) {
        char *to = arena_alloc(a, raw.len);
        if (!to) return false;
        size_t n = 0;
        for (size_t i = 0; i < raw.len; i++) {
            if (raw.at[i] == '%' && raw.len - i > 2 && hex(raw.at[i + 1]) >= 0 &&
                hex(raw.at[i + 2]) >= 0 && hex(raw.at[i + 1]) + hex(raw.at[i + 2]) > 0) {
                to[n++] = (char)(hex(raw.at[i + 1]) * 16 + hex(raw.at[i + 2]));
                i += 2;
            } else if (raw.at[i] != '"') {
                to[n++] = raw.at[i];
            }
        }
        *word = (struct str){ to, n };
    }
    *rest = s;
    return true;
}

int apt_truth(struct str s, int otherwise)
{
    static const struct {
        struct str word;
        int truth;
    } rows[] = {
        { { "0", 1 }, 0 },       { { "1", 1 }, 1 },       { { "no", 2 }, 0 },
        { { "yes", 3 }, 1 },     { { "false", 5 }, 0 },   { { "true", 4 }, 1 },
        { { "without", 7 }, 0 }, { { "with", 4 }, 1 },    { { "off", 3 }, 0 },
        { { "on", 2 }, 1 },      { { "disable", 7 }, 0 }, { { "enable", 6 }, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq_ascii(rows[i].word, s)) return rows[i].truth;
    return otherwise;
}

bool apt_part_name(struct str name, const char *first, const char *second)
{
    if (name.len == 0 || name.at[0] == '.' || name.at[name.len - 1] == '.') return false;
    size_t dot = name.len;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '.') dot = i;
        if (!ascii_alpha(c) && !ascii_digit(c) && c != '_' && c != '-' && c != ':' && c != '.')
            return false;
    }
    struct str extension = str_from(name, dot + 1);
    return str_eq(extension, str_of(first)) || (second && str_eq(extension, str_of(second)));
}

struct str apt_replace(struct arena *a, struct str s, struct str from, struct str to)
{
    size_t count = 0;
    for (struct str rest = s; str_has(rest, from); count++)
        rest = str_from(rest, str_find(rest, from) + from.len);
    if (count == 0) return s;
    size_t size = s.len - count * from.len + count * to.len, n = 0;
    char *at = arena_alloc(a, size);
    if (!at) return STR_NONE;
    while (count--) {
        size_t before = str_find(s, from);
        memcpy(at + n, s.at, before);
        if (to.len) memcpy(at + n + before, to.at, to.len);
        n += before + to.len;
        s = str_from(s, before + from.len);
    }
    if (s.len) memcpy(at + n, s.at, s.len);
    return (struct str){ at, size };
}

bool apt_field_word(struct str *rest, struct str *word)
{
    const char *from = rest->at;
    while (rest->len && str_word(rest, word)) {
        bool comment = word->at[0] == '#' && word->at > from && word->at[-1] == '\n';
        if (!comment) return true;
        struct str line = { word->at, (size_t)(rest->at + rest->len - word->at) };
        *rest = str_from(line, str_chr(line, '\n'));
    }
    return false;
}

static uint32_t hash_of(const struct apt_map *m, struct str key)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < key.len; i++) {
        h ^= (unsigned char)(m->fold ? ascii_lower(key.at[i]) : key.at[i]);
        h *= 16777619u;
    }
    return h | 1; /* 0 marks an empty slot */
}

static struct apt_slot *slot_of(const struct apt_map *m, struct str key, uint32_t hash)
{
    for (size_t i = hash & (m->room - 1);; i = (i + 1) & (m->room - 1)) {
        struct apt_slot *s = &m->slots[i];
        if (s->hash == 0) return s;
        if (s->hash != hash) continue;
        if (m->fold ? str_eq_ascii(s->key, key) : str_eq(s->key, key)) return s;
    }
}

uint32_t apt_map_get(const struct apt_map *m, struct str key)
{
    return m->room ? slot_of(m, key, hash_of(m, key))->value : 0;
}

static bool map_grow(struct apt_map *m, struct arena *a)
{
    struct apt_map larger = { .room = m->room ? m->room * 2 : 64, .fold = m->fold };
    larger.slots = arena_array(a, larger.room, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < m->room; i++) {
        struct apt_slot *s = &m->slots[i];
        if (s->hash) *slot_of(&larger, s->key, s->hash) = *s;
    }
    larger.used = m->used;
    *m = larger;
    return true;
}

uint32_t *apt_map_put(struct apt_map *m, struct arena *a, struct str key)
{
    if (m->used * 2 >= m->room && !map_grow(m, a)) return NULL;
    uint32_t hash = hash_of(m, key);
    struct apt_slot *s = slot_of(m, key, hash);
    if (s->hash == 0) {
        *s = (struct apt_slot){ key, hash, 0 };
        m->used++;
    }
    return &s->value;
}

/* The end of the host: the first '/' behind "//" that stands in no brackets. */
static size_t host_end(struct str text, size_t from)
{
    bool bracket = false;
    while (from < text.len && (text.at[from] != '/' || bracket)) {
        if (text.at[from] == '[') bracket = true;
        if (text.at[from] == ']') bracket = false;
        from++;
    }
    return from;
}

/* The host without its brackets, and what follows its last colon behind them as the port. */
static bool host_split(struct arena *a, struct str raw, struct apt_uri *u)
{
    char *host = arena_alloc(a, raw.len + 1);
    if (!host) return false;
    size_t n = 0, fixed = 0;
    bool bracket = false;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.at[i] == '[') {
            bracket = true;
        } else if (bracket && raw.at[i] == ']') {
            bracket = false;
            fixed = n;
        } else {
            host[n++] = raw.at[i];
        }
    }
    if (bracket) return true;
    u->host = (struct str){ host, n };
    for (size_t i = n; i > fixed; i--) {
        if (host[i - 1] != ':') continue;
        u->port = str_from(u->host, i);
        u->host.len = i - 1;
        break;
    }
    size_t digits = 0;
    while (digits < u->port.len && ascii_digit(u->port.at[digits])) digits++;
    u->port.len = digits;
    while (u->port.len && u->port.at[0] == '0') u->port = str_from(u->port, 1);
    return true;
}

bool apt_uri_split(struct arena *a, struct str text, struct apt_uri *u)
{
    *u = (struct apt_uri){ .path = S("/") };
    size_t colon = str_chr(text, ':');
    u->scheme = str_head(text, colon);
    bool slashes = text.len >= colon + 3 && text.at[colon + 1] == '/' && text.at[colon + 2] == '/';
    size_t from = colon + (slashes ? 3 : 1);
    size_t end = host_end(text, slashes && text.len > colon + 3 ? colon + 3 : colon);
    if (end < text.len) u->path = str_from(text, end);
    if (from >= end) return true;
    struct str host = { text.at + from, end - from };
    for (size_t i = host.len; i > 1; i--) {
        if (host.at[i - 1] != '@') continue;
        host = str_from(host, i);
        break;
    }
    return host_split(a, host, u);
}

struct str apt_uri_quote(struct arena *a, struct str path)
{
    static const char digits[] = "0123456789abcdef";
    static const char bad[] = "\\|{}[]<>\"^~_=!@#$%&*";
    char *to = arena_alloc(a, path.len * 3 + 1);
    if (!to) return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.at[i];
        if (c <= 0x20 || c >= 0x7F || strchr(bad, c)) {
            to[n++] = '%';
            to[n++] = digits[c >> 4];
            to[n++] = digits[c & 15];
        } else {
            to[n++] = c == '/' ? '_' : (char)c;
        }
    }
    return (struct str){ to, n };
}

struct str apt_uri_name(struct arena *a, const struct apt_uri *u)
{
    struct str whole = arena_print(a, "%.*s%s%.*s%.*s", STR_ARG(u->host), u->port.len ? ":" : "",
                                   STR_ARG(u->port), STR_ARG(u->path));
    return whole.at ? apt_uri_quote(a, whole) : STR_NONE;
}

/* Intervals multiply the size of a compiled expression; this is by how much at most. */
static bool affordable(struct str expression)
{
    uint64_t times = 1;
    for (size_t i = 0; i < expression.len; i++) {
        if (expression.at[i] != '{') continue;
        uint64_t most = 0, value = 0;
        for (i++; i < expression.len && expression.at[i] != '}'; i++) {
            char c = expression.at[i];
            value = ascii_digit(c) && value < 1000 ? value * 10 + (uint64_t)(c - '0') : 0;
            if (value > most) most = value;
        }
        times *= most + 1;
        if (times > 2000) return false;
    }
    return true;
}

bool apt_match(struct str pattern, struct str text)
{
    char p[512], t[512];
    if (!text.at) return false;
    bool plain = true;
    for (size_t i = 0; i < pattern.len; i++)
        if (str_chr(S("*?[\\/"), pattern.at[i]) < 5) plain = false;
    if (plain) return str_eq_ascii(pattern, text);
    if (pattern.len >= sizeof p || text.len >= sizeof t) return false;
    if (pattern.len) memcpy(p, pattern.at, pattern.len);
    if (text.len) memcpy(t, text.at, text.len);
    p[pattern.len] = t[text.len] = 0;
    if (pattern.len < 2 || p[0] != '/' || p[pattern.len - 1] != '/')
        return fnmatch(p, t, FNM_CASEFOLD) == 0;
    p[pattern.len - 1] = 0;
    regex_t compiled;
    if (!affordable(str_of(p + 1))) return false;
    if (regcomp(&compiled, p + 1, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) return false;
    bool found = regexec(&compiled, t, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}
