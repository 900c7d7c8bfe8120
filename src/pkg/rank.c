/* In which order the found names are shown. */
#include "pkg/gram.h"
#include "pkg/lookup.h"
#include "pkg/search.h"

/* Names found by one word that is kept ready are classified one by one up to here; of more, only as
 * many as are shown. */
enum { FEW = 1024 };

static bool starts_word(struct str name, size_t at)
{
    return at && !ascii_alpha(name.at[at - 1]) && !ascii_digit(name.at[at - 1]);
}

/* Where a word stands in a text in lower case. */
typedef size_t find_fn(struct str text, struct str word);

static unsigned phrase_class(struct str phrase, struct str name, find_fn *find)
{
    unsigned best = CLASS_INSIDE + 1;
    for (size_t from = 0; from + phrase.len <= name.len; from++) {
        size_t at = from + find(str_from(name, from), phrase);
        if (at + phrase.len > name.len) break;
        if (at == 0) return name.len == phrase.len ? CLASS_EXACT : CLASS_PREFIX;
        if (starts_word(name, at)) return CLASS_WORD_START;
        best = CLASS_INSIDE;
        from = at;
    }
    return best;
}

static unsigned best_class(const struct words *w, struct str lower, find_fn *find)
{
    unsigned best = CLASS_INSIDE + 1;
    for (size_t i = 0; i < w->phrases; i++) {
        unsigned class_ = phrase_class(w->phrase[i], lower, find);
        if (class_ < best) best = class_;
    }
    return best;
}

unsigned rank_class(const struct words *w, struct str name)
{
    char lower[256];
    struct str folded = { lower, name.len < sizeof lower ? name.len : sizeof lower };
    ascii_lower_copy(lower, (struct str){ name.at, folded.len });
    unsigned best = best_class(w, folded, str_find);
    if (best <= CLASS_INSIDE) return best;
    for (size_t i = 0; i < w->len; i++) best += !str_has(folded, w->at[i]);
    return best;
}

/* The list that grows towards the limit, and the extras still to be merged into it. */
struct picks {
    const struct index *ix;
    uint32_t *at;
    size_t len, limit;
    const uint32_t *extras; /* ordered as names are */
    const unsigned *extra_class;
    size_t extras_len;
    find_fn *find;
    const uint8_t *installed; /* bits by name, of which there are */
    size_t installed_len;     /* so many bytes */
};

static bool is_installed(const struct picks *p, uint32_t number)
{
    return number / 8 < p->installed_len && (p->installed[number / 8] >> (number & 7) & 1);
}

static bool before(struct str a, struct str b)
{
    return a.len != b.len ? a.len < b.len : str_cmp(a, b) < 0;
}

static void pick(struct picks *p, uint32_t any)
{
    if (p->len < p->limit) p->at[p->len++] = any;
}

/* Picks the catalogue's names and the extras of one class that are installed, in one order. Takes
 * the names by calling next until it gives NONE. */
struct walk {
    const uint32_t *at; /* a list, or */
    size_t len;
    const struct bits *bits; /* a set, of which */
    const struct picks *of;  /* those installed (or not) */
    bool installed;
    size_t word;
    uint64_t left;
};

static uint32_t walk_next(struct walk *k)
{
    if (!k->bits) return k->len ? (k->len--, *k->at++) : NONE;
    for (;;) {
        while (!k->left) {
            k->word = bits_word(k->bits, k->word);
            if (k->word >= k->bits->words) return NONE;
            k->left = k->bits->word[k->word++];
        }
        uint32_t number = (uint32_t)((k->word - 1) << 6 | (size_t)__builtin_ctzll(k->left));
        k->left &= k->left - 1;
        if (is_installed(k->of, number) == k->installed) return number;
    }
}

static void pick_class(struct picks *p, struct walk k, unsigned class_, bool installed)
{
    size_t e = 0;
    uint32_t next = walk_next(&k);
    while (p->len < p->limit) {
        while (e < p->extras_len && (!installed || p->extra_class[e] != class_)) e++;
        if (next == NONE && e == p->extras_len) return;
        bool extra = next == NONE || (e < p->extras_len &&
                                      before(any_name(p->ix, p->extras[e]), any_name(p->ix, next)));
        if (extra) {
            pick(p, p->extras[e++]);
        } else {
            pick(p, next);
            next = walk_next(&k);
        }
    }
}

/* Whether a name holds a word: from a set where there is one, else from its letters. */
static bool name_holds(const struct words *w, const struct search_memory *m, size_t word,
                       uint32_t number, struct str lower, find_fn *find)
{
    for (size_t i = 0; i < m->held_len; i++)
        if (m->held_word[i] == word) return bits_has(&m->held[i], number);
    return find(lower, w->at[word]) < lower.len;
}

/* The class of a found name. A phrase holds all words, so it is looked for only where they are. */
static unsigned found_class(const struct picks *p, const struct words *w,
                            const struct search_memory *m, uint32_t number)
{
    struct str lower = index_lower_name(p->ix, number);
    unsigned missing = 0;
    for (size_t i = 0; i < w->len; i++) missing += !name_holds(w, m, i, number, lower, p->find);
    if (missing) return CLASS_INSIDE + 1 + missing;
    return best_class(w, lower, p->find);
}

/* Walks over a set of what was found once; of each class, and apart for installed names, the first
 * ones are kept, which are the best of it. classes says how many there are in the set. */
static enum err rank_all(struct picks *p, const struct words *w, const struct search_memory *m,
                         const struct bits *set, size_t classes, struct arena *a)
{
    size_t room = p->limit;
    uint32_t *list = arena_array(a, classes * 2 * room + 1, sizeof *list);
    size_t *len = arena_array(a, classes * 2, sizeof *len);
    if (!list || !len) return ERR_RESOURCE_LIMIT;
    for (size_t i = bits_word(set, 0); i < set->words; i = bits_word(set, i + 1)) {
        for (uint64_t left = set->word[i]; left; left &= left - 1) {
            uint32_t number = (uint32_t)(i << 6 | (size_t)__builtin_ctzll(left));
            size_t b = found_class(p, w, m, number) * 2 + !is_installed(p, number);
            if (b < classes * 2 && len[b] < room) list[b * room + len[b]++] = number;
        }
    }
    for (unsigned b = 0; b < classes * 2 && p->len < p->limit; b++)
        pick_class(p, (struct walk){ .at = list + b * room, .len = len[b] }, b / 2, b % 2 == 0);
    return OK;
}

/* The names of one class of the phrases: those that hold one of them with these around it. */
static void class_set(const struct words *w, const struct lookup *names, unsigned class_,
                      struct bits *to)
{
    static const char separators[] = "-.+_";
    char pattern[512 + 2];
    for (size_t i = 0; i < w->phrases; i++) {
        struct str phrase = w->phrase[i];
        size_t n = phrase.len;
        if (n > sizeof pattern - 2) continue;
        memcpy(pattern + 1, phrase.at, n);
        pattern[0] = pattern[n + 1] = 0;
        switch (class_) {
        case CLASS_EXACT: lookup_set(names, (struct str){ pattern, n + 2 }, to); break;
        case CLASS_PREFIX: lookup_set(names, (struct str){ pattern, n + 1 }, to); break;
        case CLASS_WORD_START:
            for (const char *s = separators; *s; s++) {
                pattern[0] = *s;
                lookup_set(names, (struct str){ pattern, n + 1 }, to);
            }
            break;
        default: lookup_set(names, phrase, to); break;
        }
    }
}

/* Picks the installed of a set first. */
static void pick_set(struct picks *p, const struct bits *set, unsigned class_)
{
    for (unsigned side = 0; side < 2; side++)
        pick_class(p, (struct walk){ .bits = set, .of = p, .installed = side == 0 }, class_,
                   side == 0);
}

static void take_out(struct bits *from, const struct bits *set)
{
    for (size_t i = bits_word(set, 0); i < set->words; i = bits_word(set, i + 1))
        from->word[i] &= ~set->word[i];
}

/* For one short word, which is in so many names that the first classes fill what is shown: class
 * by class, each taken out of found, until enough are picked. */
static void rank_short(struct picks *p, const struct words *w, struct search_memory *m)
{
    struct lookup names = lookup_names(p->ix);
    for (unsigned class_ = 0; class_ <= CLASS_INSIDE && p->len < p->limit; class_++) {
        class_set(w, &names, class_, &m->class_);
        bits_and(&m->class_, &m->found);
        pick_set(p, &m->class_, class_);
        take_out(&m->found, &m->class_);
        bits_clear(&m->class_);
    }
    pick_set(p, &m->found, CLASS_INSIDE + 2);
}

/* For one word whose names are known: those in order, then the others, which are all of one class.
 */
static enum err rank_one(struct picks *p, const struct words *w, struct search_memory *m,
                         struct arena *a)
{
    enum err e = rank_all(p, w, m, &m->held[0], CLASS_INSIDE + 1, a);
    take_out(&m->found, &m->held[0]);
    pick_set(p, &m->found, CLASS_INSIDE + 2);
    return e;
}

enum err rank_found(const struct index *ix, const struct words *w, struct search_memory *m,
                    const uint32_t *extras, size_t extras_len, size_t limit, size_t found,
                    struct arena *a, uint32_t **best, size_t *len)
{
    struct picks p = { .ix = ix, .limit = limit, .extras = extras, .extras_len = extras_len };
    size_t most = found + extras_len < limit ? found + extras_len : limit;
    unsigned *classes = arena_array(a, extras_len + 1, sizeof *classes);
    p.at = arena_array(a, most + 1, sizeof *p.at);
    if (!p.at || !classes) return ERR_RESOURCE_LIMIT;
    p.limit = most;
    for (size_t i = 0; i < extras_len; i++) classes[i] = rank_class(w, any_name(ix, extras[i]));
    p.extra_class = classes;
    struct str installed = file_section(&ix->overlay, SECTION_INSTALLED);
    p.installed = (const uint8_t *)installed.at;
    p.installed_len = installed.len;
    p.find = span_safe(&ix->catalogue, SECTION_NAMES) ? span_find : str_find;
    enum err e = OK;
    if (w->len == 1 && m->held_len) e = rank_one(&p, w, m, a);
    else if (w->len == 1 && found > FEW) rank_short(&p, w, m);
    else e = rank_all(&p, w, m, &m->found, CLASS_INSIDE + 2 + w->len, a);
    *best = p.at;
    *len = p.len;
    return e;
}
