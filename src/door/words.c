#include "door/words.h"

struct splitter {
    struct words *w;
    char *to;
    bool in_word;
};

static void begin_word(struct splitter *s, size_t from)
{
    if (s->in_word) return;
    s->in_word = true;
    s->w->last_from = from;
    s->w->at[s->w->count] = s->to;
}

static void end_word(struct splitter *s)
{
    if (!s->in_word) return;
    *s->to++ = 0;
    s->w->count++;
    s->in_word = false;
}

/* One character outside of quotes. */
static enum err take_plain(struct splitter *s, char c, size_t at, struct fault *f)
{
    if (ascii_space(c)) {
        end_word(s);
        return OK;
    }
    if (c == '#' && !s->in_word) {
        s->w->comment = true;
        return OK;
    }
    if (strchr("|&;<>", c))
        return fail(f, ERR_INVALID_PARAMS,
                    "'%c' does nothing here; put it in quotes to mean the character itself", c);
    begin_word(s, at);
    if (strchr("'\"\\", c)) s->w->open = c;
    else *s->to++ = c;
    return OK;
}

/* One character behind an open quote or \; escaped: behind a \ in "…". */
static void take_quoted(struct splitter *s, char c, bool *escaped)
{
    char open = s->w->open;
    if (open == '\\') {
        *s->to++ = c;
        s->w->open = 0;
    } else if (*escaped) {
        if (!strchr("$`\"\\", c)) *s->to++ = '\\';
        *s->to++ = c;
        *escaped = false;
    } else if (c == open) {
        s->w->open = 0;
    } else if (open == '"' && c == '\\') {
        *escaped = true;
    } else {
        *s->to++ = c;
    }
}

enum err words_split(struct str line, struct words *w, struct fault *f)
{
    struct splitter s = { .w = w, .to = w->text };
    bool escaped = false;
    enum err e = OK;
    w->count = 0;
    w->open = 0;
    w->comment = false;
    if (line.len > LINE_MOST)
        return fail(f, ERR_INVALID_PARAMS, "the line is longer than %d bytes", LINE_MOST);
    for (size_t i = 0; i < line.len && !e && !w->comment; i++) {
        char c = line.at[i];
        if (!c) return fail(f, ERR_INVALID_PARAMS, "the line holds a NUL");
        if (w->open) take_quoted(&s, c, &escaped);
        else e = take_plain(&s, c, i, f);
        if (w->count == WORDS_MOST)
            return fail(f, ERR_INVALID_PARAMS, "the line has more than %d words", WORDS_MOST);
    }
    if (!s.in_word) w->last_from = line.len;
    end_word(&s);
    if (e || !w->open) return e;
    if (w->open == '\\') return fail(f, ERR_INVALID_PARAMS, "the line ends behind a '\\'");
    return fail(f, ERR_INVALID_PARAMS, "a %c is not closed", w->open);
}
