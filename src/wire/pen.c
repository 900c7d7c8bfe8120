#include "wire/pen.h"

#include "base/glyph.h"

enum { PROSE_COLUMNS = 80, NAME_MARKS = 256 };

static const struct str replacement = { "\xEF\xBF\xBD", 3 };
static const struct str ellipsis = { "\xE2\x80\xA6", 3 };

/* The next letter of s as it may be shown, and how many bytes of s it stands for. */
static size_t next_glyph(struct str s, struct str *shown, unsigned *columns)
{
    uint32_t point;
    size_t n = utf8_next(s, &point);
    *shown = str_head(s, n);
    *columns = glyph_width(point);
    if (point == '\t' || point == '\n') *shown = S(" ");
    else if (point == 0xFFFD || glyph_hostile(point)) {
        *shown = replacement;
        *columns = 1;
    }
    return n;
}

static size_t ascii_run(struct str s)
{
    size_t n = 0;
    while (n < s.len && s.at[n] >= 0x20 && s.at[n] < 0x7F) n++;
    return n;
}

void pen_clean(struct buf *out, struct str s)
{
    while (s.len) {
        struct str shown;
        unsigned columns;
        size_t n = ascii_run(s);
        shown = str_head(s, n);
        if (!n) n = next_glyph(s, &shown, &columns);
        buf_str(out, shown);
        s = str_from(s, n);
    }
}

size_t pen_columns(struct str s)
{
    size_t total = 0;
    while (s.len) {
        struct str shown;
        size_t n = ascii_run(s);
        unsigned columns = 0;
        total += n;
        if (!n) n = next_glyph(s, &shown, &columns);
        total += columns;
        s = str_from(s, n);
    }
    return total;
}

/* Marks the bytes of a name that are part of one of the words, whatever their case. */
static bool mark_words(struct str words, struct str name, bool *marks)
{
    struct str word;
    bool any = false;
    while (str_word(&words, &word)) {
        for (size_t i = 0; i + word.len <= name.len; i++) {
            if (!str_eq_ascii((struct str){ name.at + i, word.len }, word)) continue;
            memset(marks + i, 1, word.len);
            any = true;
        }
    }
    return any;
}

/* Writes s as far as the columns go; marks (NULL: none) tells which bytes are underlined. */
static void put_glyphs(struct pen *p, struct str s, size_t columns, const bool *marks)
{
    size_t used = 0, i = 0;
    bool under = false;
    while (i < s.len) {
        struct str shown;
        unsigned wide;
        size_t n = next_glyph(str_from(s, i), &shown, &wide);
        if (used + wide > columns) break;
        if (marks && marks[i] != under) {
            under = marks[i];
            buf_str(p->out, under ? S("\033[4m") : S("\033[24m"));
        }
        buf_str(p->out, shown);
        used += wide;
        i += n;
    }
    if (under) buf_str(p->out, S("\033[24m"));
    p->at += used;
}

static void put_marked(struct pen *p, struct str s, size_t columns, const bool *marks)
{
    if (!s.len) return;
    size_t whole = marks || columns < SIZE_MAX ? pen_columns(s) : 0;
    if (whole <= columns && !marks) {
        size_t n = ascii_run(s);
        buf_put(p->out, s.at, n);
        p->at += n;
        put_glyphs(p, str_from(s, n), SIZE_MAX, NULL);
    } else if (whole <= columns) {
        put_glyphs(p, s, SIZE_MAX, marks);
    } else if (columns) {
        put_glyphs(p, s, columns - 1, marks);
        buf_str(p->out, ellipsis);
        p->at++;
    }
}

void pen_put(struct pen *p, struct str s, size_t columns)
{
    put_marked(p, s, columns, NULL);
}

void pen_pad(struct pen *p, size_t column)
{
    if (p->at >= column) return;
    buf_repeat(p->out, ' ', column - p->at);
    p->at = column;
}

void pen_break(struct pen *p, size_t indent)
{
    buf_byte(p->out, '\n');
    p->at = 0;
    pen_pad(p, indent);
}

void pen_begin(struct pen *p, const char *style)
{
    if (!p->colour || !style) return;
    buf_str(p->out, S("\033["));
    buf_str(p->out, str_of(style));
    buf_byte(p->out, 'm');
}

void pen_end(struct pen *p, const char *style)
{
    if (p->colour && style) buf_str(p->out, S("\033[0m"));
}

/* Words of a state and their styles. */
static const char *state_style(struct str s)
{
    static const struct {
        const char *word, *style;
    } states[] = {
        { "ok", "32" },         { "note", "36" },     { "warning", "33" },  { "problem", "1;31" },
        { "critical", "1;31" }, { "high", "31" },     { "medium", "33" },   { "moderate", "33" },
        { "running", "32" },    { "failed", "1;31" }, { "starting", "33" }, { "down", "1;31" },
    };
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (str_eq_ascii(str_of(states[i].word), s)) return states[i].style;
    return NULL;
}

const char *pen_style(enum view view, struct str s)
{
    static const char *const styles[] = {
        [VIEW_NAME] = "1", [VIEW_VERSION] = "32", [VIEW_ORIGIN] = "36",
        [VIEW_LINK] = "4", [VIEW_GROUP] = NULL,
    };
    return view == VIEW_STATE ? state_style(s) : styles[view];
}

void pen_value(struct pen *p, enum view view, struct str s, size_t columns)
{
    bool marks[NAME_MARKS] = { false };
    const char *style = pen_style(view, s);
    bool marked = p->colour && view == VIEW_NAME && p->words.len && s.len <= NAME_MARKS &&
                  mark_words(p->words, s, marks);
    if (!s.len) return;
    pen_begin(p, style);
    put_marked(p, s, columns, marked ? marks : NULL);
    pen_end(p, style);
}

void pen_piece(struct pen *p, struct str piece, size_t indent)
{
    size_t columns = pen_columns(piece);
    if (p->at > indent && p->width && p->at + 1 + columns > p->width) pen_break(p, indent);
    else if (p->at > indent) pen_put(p, S(" "), SIZE_MAX);
    pen_put(p, piece, SIZE_MAX);
}

void pen_wrap(struct pen *p, struct str s, size_t indent)
{
    struct str word;
    while (str_word(&s, &word)) pen_piece(p, word, indent);
}

static bool is_bullet(struct str line)
{
    return str_starts(line, S("* ")) || str_starts(line, S("- "));
}

void pen_prose(struct pen *p, struct str s, size_t indent)
{
    struct pen narrow = *p;
    struct str line;
    bool filled = false, empty = false;
    if (narrow.width > PROSE_COLUMNS) narrow.width = PROSE_COLUMNS;
    pen_pad(&narrow, indent);
    while (str_cut(&s, '\n', &line)) {
        if (!str_trim(line).len) {
            empty = true;
            filled = false;
            continue;
        }
        bool fixed = !narrow.width || ascii_space(line.at[0]);
        if (narrow.at > indent && (empty || fixed || !filled || is_bullet(line))) {
            if (empty) pen_break(&narrow, 0);
            pen_break(&narrow, indent);
        }
        if (fixed) pen_put(&narrow, line, SIZE_MAX);
        else pen_wrap(&narrow, line, indent);
        filled = !fixed;
        empty = false;
    }
    p->at = narrow.at;
}
