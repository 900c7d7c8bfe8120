/* The grammar of apt.conf(5): what apt 2.6 takes, its oddities with comments and quotes included,
 * since they decide what a file means. An error ends its file, as it does for apt; what stands
 * before it counts and the rest is noted. */
#include "pkg/apt_conf.h"

enum {
    FILES = 1000,     /* read altogether, included ones too */
    BYTES = 64 << 20, /* of them */
    INCLUDES = 10,    /* apt's own limit for files within files */
    BLOCKS = 64,      /* one within the other */
};

struct reader {
    struct inputs *in;
    struct apt_conf *c;
    unsigned files; /* still allowed */
    size_t bytes;   /* the same */
};

/* One file on its way. Blocks are prefixes of each other, so a block is where its name ends. */
struct parse {
    struct reader *r;
    struct str path;
    unsigned line, depth, blocks;
    size_t block[BLOCKS];
    char parent[APT_CONF_NAME];
    size_t parent_len;
    struct buf line_text;      /* the line without its comments */
    struct buf statement_text; /* what has come since the last statement */
    bool in_comment;
    const char *fault;
    enum err e;
};

static enum err read_file(struct reader *r, struct str path, unsigned depth);
static enum err read_folder(struct reader *r, struct str path, unsigned depth);

static bool refuse(struct parse *p, const char *fault)
{
    p->fault = fault;
    return false;
}

/* Where a comment to the end of the line begins. Quotes count from the start of the line even
 * within other comments. */
static size_t line_comment(struct str line)
{
    static const struct str magic[] = { { "clear", 5 },
                                        { "include", 7 },
                                        { "x-apt-configure-index", 21 } };
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        struct str rest = str_from(line, i + 1);
        bool directive = false;
        if (line.at[i] == '"') quoted = !quoted;
        if (quoted) continue;
        if (line.at[i] == '/' && str_starts(rest, S("/"))) return i;
        if (line.at[i] != '#') continue;
        for (size_t k = 0; k < sizeof magic / sizeof *magic; k++)
            directive = directive || str_starts(rest, magic[k]);
        if (!directive) return i;
    }
    return line.len;
}

static void put_without_tabs(struct buf *b, struct str s)
{
    struct str part;
    while (str_cut(&s, '\t', &part)) {
        if (part.len) buf_str(b, part);
        if (part.at + part.len != s.at) buf_repeat(b, ' ', 8);
    }
}

/* Leaves the line without its comments in line_text. */
static void strip_comments(struct parse *p, struct str line)
{
    p->line_text.len = 0;
    line = str_trim(line);
    if (p->in_comment) {
        size_t end = str_find(line, S("*/"));
        if (end == line.len) return;
        line = str_from(line, end + 2);
        p->in_comment = false;
    }
    line = str_head(line, line_comment(line));
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '"') quoted = !quoted;
        if (quoted || line.at[i] != '/' || !str_starts(str_from(line, i + 1), S("*"))) continue;
        put_without_tabs(&p->line_text, str_head(line, i));
        line = str_from(line, i + 2);
        size_t end = str_find(line, S("*/"));
        p->in_comment = end == line.len;
        line = str_from(line, end + 2);
        quoted = false;
        i = (size_t)-1;
    }
    put_without_tabs(&p->line_text, line);
}

/* "one" "two"  is  one two; nothing may stand outside the quotes. */
static bool quoted_words(struct arena *a, struct str *rest, struct str *word)
{
    struct str s = *rest;
    while (s.len && s.at[0] == ' ') s = str_from(s, 1);
    char *to = s.len ? arena_alloc(a, s.len) : NULL;
    size_t n = 0;
    if (!to) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '"') {
            size_t length = str_chr(str_from(s, i + 1), '"');
            if (i + 1 + length >= s.len) return false;
            memcpy(to + n, s.at + i + 1, length);
            n += length;
            i += length + 1;
        } else if (!ascii_space(s.at[i])) {
            return false;
        } else if (i == 0 || !ascii_space(s.at[i - 1])) {
            to[n++] = ' ';
        }
    }
    *word = (struct str){ to, n };
    *rest = str_from(s, s.len);
    return true;
}

static bool enter_block(struct parse *p, struct str tag)
{
    size_t from = p->parent_len ? p->parent_len + 2 : 0;
    if (p->blocks == BLOCKS || from + tag.len > sizeof p->parent)
        return refuse(p, "blocks stand too deep in each other");
    p->block[p->blocks++] = p->parent_len;
    if (from) memcpy(p->parent + p->parent_len, "::", 2);
    if (tag.len) memcpy(p->parent + from, tag.at, tag.len);
    p->parent_len = from + tag.len;
    return true;
}

static void leave_block(struct parse *p)
{
    p->parent_len = p->blocks ? p->block[--p->blocks] : 0;
}

static bool directive(struct parse *p, struct str name, struct str word)
{
    if (p->parent_len) return refuse(p, "a directive stands inside a block");
    if (str_eq(name, S("x-apt-configure-index"))) return true;
    if (str_eq(name, S("clear"))) {
        apt_conf_clear(p->r->c, p->r->in->arena, word);
        return true;
    }
    if (!str_eq(name, S("include"))) return refuse(p, "there is an unknown directive");
    if (p->depth > INCLUDES) return refuse(p, "files include each other too deep");
    if (word.len > 2 && str_ends(word, S("/"))) p->e = read_folder(p->r, word, p->depth + 1);
    else p->e = read_file(p->r, word, p->depth + 1);
    return p->e == OK;
}

/* Sets a value, as long as there is room for as many items as a name can have parts. */
static bool set(struct parse *p, struct str name, struct str value)
{
    if (p->r->c->len + APT_CONF_NAME > APT_CONF_ITEMS) return refuse(p, "it has become too much");
    p->e = apt_conf_set(p->r->c, p->r->in->arena, name, value);
    return p->e == OK;
}

static bool assign(struct parse *p, struct str tag, struct str word)
{
    struct arena *a = p->r->in->arena;
    struct str parent = { p->parent, p->parent_len };
    struct str name =
        parent.len ? arena_print(a, "%.*s::%.*s", STR_ARG(parent), STR_ARG(tag)) : tag;
    if (parent.len && !name.at) p->e = ERR_RESOURCE_LIMIT;
    return !p->e && set(p, name, word);
}

/* What stands before a ';', '{' or '}'. */
static bool statement(struct parse *p, struct str text, char end)
{
    struct arena *a = p->r->in->arena;
    struct str tag = STR_NONE, word = STR_NONE;
    bool no_word = false;

    if (text.len == 0) return end != '{' || refuse(p, "a block has no name");
    text = arena_copy(a, text);
    if (!text.at) p->e = ERR_RESOURCE_LIMIT;
    if (p->e || !apt_word(a, &text, &tag)) return refuse(p, "a name is malformed");
    if (!quoted_words(a, &text, &word) && !apt_word(a, &text, &word)) {
        no_word = end == '{';
        if (!no_word) {
            word = tag;
            tag = STR_NONE;
        }
    }
    if (text.len) return refuse(p, "something stands behind a value");
    if (end == '{') {
        if (!enter_block(p, tag)) return false;
        if (no_word) return true;
        struct str name = arena_copy(a, (struct str){ p->parent, p->parent_len });
        if (!name.at) p->e = ERR_RESOURCE_LIMIT;
        return !p->e && set(p, name, word);
    }
    if (tag.len && tag.at[0] == '#') return directive(p, str_from(tag, 1), word);
    if (tag.len == 0 && str_eq(word, S("#clear"))) return refuse(p, "#clear names nothing");
    return assign(p, tag, word);
}

static bool take(struct parse *p, struct str part, char end)
{
    part = str_trim(part);
    if (part.len && p->statement_text.len) buf_byte(&p->statement_text, ' ');
    if (part.len) buf_str(&p->statement_text, part);
    if (!end) return true;
    struct str text = buf_view(&p->statement_text);
    p->statement_text.len = 0;
    if (!statement(p, text, end)) return false;
    if (end == '}') leave_block(p);
    return true;
}

static bool parse_line(struct parse *p, struct str line)
{
    p->line++;
    strip_comments(p, line);
    line = buf_view(&p->line_text);
    if (line.len == 0) return true;
    bool quoted = false;
    size_t from = 0;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.at[i];
        if (c == '"') quoted = !quoted;
        if (quoted || (c != '{' && c != ';' && c != '}')) continue;
        if (!take(p, (struct str){ line.at + from, i - from }, c)) return false;
        from = i + 1;
    }
    return take(p, str_from(line, from), 0);
}

static enum err read_text(struct reader *r, struct str path, struct str text, unsigned depth)
{
    struct parse p = { .r = r, .path = path, .depth = depth };
    struct str line;
    bool good = true;
    p.line_text = buf_make(8 * text.len + 1);
    p.statement_text = buf_make(8 * text.len + 1);
    while (good && str_cut(&text, '\n', &line)) good = parse_line(&p, line);
    if (good && p.statement_text.len) refuse(&p, "the last statement has no end");
    if (p.line_text.full || p.statement_text.full) p.e = ERR_RESOURCE_LIMIT;
    buf_free(&p.line_text);
    buf_free(&p.statement_text);
    if (p.fault && !p.e)
        inputs_note(r->in, path,
                    "In line %u %s; the rest of the file was left out, and apt refuses to work: "
                    "please correct it.",
                    p.line, p.fault);
    return p.e;
}

static enum err read_file(struct reader *r, struct str path, unsigned depth)
{
    struct str text;
    if (path.len == 0) return OK;
    if (r->files == 0 || r->bytes == 0) {
        inputs_note(r->in, path, "There is too much configuration; this file was left out.");
        return OK;
    }
    r->files--;
    if (!apt_text_read(r->in, path, r->bytes, &text)) return OK;
    r->bytes -= text.len;
    return read_text(r, path, text, depth);
}

static enum err read_folder(struct reader *r, struct str path, unsigned depth)
{
    struct names names;
    struct arena *a = r->in->arena;
    while (path.len && path.at[path.len - 1] == '/') path.len--;
    if (path.len == 0 || inputs_folder(r->in, path, &names) != OK) return OK;
    for (size_t i = 0; i < names.len; i++) {
        if (!apt_part_name(names.at[i], "conf", "")) continue;
        struct str file = arena_print(a, "%.*s/%.*s", STR_ARG(path), STR_ARG(names.at[i]));
        enum err e = file.at ? read_file(r, file, depth) : ERR_RESOURCE_LIMIT;
        if (e) return e;
    }
    return OK;
}

enum err apt_conf_read(struct inputs *in, struct apt_conf *c)
{
    struct reader r = { .in = in, .c = c, .files = FILES, .bytes = BYTES };
    enum err e = apt_conf_defaults(c, in->arena);
    if (!e) e = read_folder(&r, apt_conf_path(c, in->arena, S("Dir::Etc::parts")), 0);
    if (!e) e = read_file(&r, apt_conf_path(c, in->arena, S("Dir::Etc::main")), 0);
    return e ? e : apt_conf_complete(c, in->arena);
}
