/* Which of the catalogue's names match every word of a search. */
#include "pkg/gram.h"
#include "pkg/lookup.h"
#include "pkg/postings.h"
#include "pkg/search.h"

#include <assert.h>

enum err search_memory(struct index *ix, struct search_memory **m)
{
    if (!ix->search) {
        size_t tokens = lookup_tokens(ix).count;
        enum err e = arena_open(&ix->memory, (size_t)ix->names * 2 + tokens + (1 << 20));
        if (e) return e;
        struct search_memory *made = arena_alloc(&ix->memory, sizeof *made);
        struct bits *sets[] = { &made->found,   &made->word,    &made->class_,
                                &made->held[0], &made->held[1], &made->held[2] };
        bool room = made && bits_open(&made->tokens, &ix->memory, tokens);
        for (size_t i = 0; room && i < sizeof sets / sizeof *sets; i++)
            room = bits_open(sets[i], &ix->memory, ix->names);
        if (!room) return ERR_RESOURCE_LIMIT;
        ix->search = made;
    }
    *m = ix->search;
    return OK;
}

/* The bitmap kept ready for a word of one or two letters; NULL when there is none. */
static const uint64_t *dense(const struct index *ix, struct str word)
{
    const struct index_file *c = &ix->catalogue;
    size_t words = ((size_t)ix->names + 63) / 64, keys = file_count(c, SECTION_DENSE_KEYS, 4);
    if (word.len > 2 || !words) return NULL;
    uint32_t key = gram_dense_key(word);
    for (size_t i = 0; i < keys && i < file_count(c, SECTION_DENSE, words * 8); i++)
        if (file_u32(c, SECTION_DENSE_KEYS, i) == key)
            return (const uint64_t *)file_rows(c, SECTION_DENSE) + i * words;
    return NULL;
}

/* Adds the names whose summaries hold any of the tokens. */
static void add_tokens(const struct index *ix, const struct bits *tokens, struct bits *to)
{
    const struct index_file *c = &ix->catalogue;
    struct str bytes = file_section(c, SECTION_SUMMARY_POSTINGS);
    const uint8_t *base = (const uint8_t *)bytes.at;
    const uint32_t *at = file_rows(c, SECTION_SUMMARY_POSTING_AT);
    size_t ats = file_count(c, SECTION_SUMMARY_POSTING_AT, sizeof *at);
    for (size_t w = bits_word(tokens, 0); w < tokens->words; w = bits_word(tokens, w + 1)) {
        for (uint64_t left = tokens->word[w]; left; left &= left - 1) {
            size_t token = w << 6 | (size_t)__builtin_ctzll(left);
            if (token + 1 >= ats || at[token] > at[token + 1] || at[token + 1] > bytes.len)
                continue;
            struct postings walk = postings_open(base + at[token], base + at[token + 1], ix->names);
            while (postings_next(&walk)) bits_set(to, walk.number);
        }
    }
}

static void match_one(const struct index *ix, const struct words *words, size_t i,
                      struct search_memory *m, struct bits *to)
{
    struct str word = words->at[i];
    const uint64_t *ready = dense(ix, word);
    if (ready) {
        bits_or(to, ready);
        return;
    }
    struct lookup names = lookup_names(ix), tokens = lookup_tokens(ix);
    if (m->held_len < SEARCH_HELD) {
        struct bits *held = &m->held[m->held_len];
        m->held_word[m->held_len++] = i;
        lookup_set(&names, word, held);
        bits_add(to, held);
    } else {
        lookup_set(&names, word, to);
    }
    lookup_set(&tokens, word, &m->tokens);
    add_tokens(ix, &m->tokens, to);
    bits_clear(&m->tokens);
}

void search_forget(struct search_memory *m)
{
    bits_clear(&m->found);
    while (m->held_len) bits_clear(&m->held[--m->held_len]);
}

/* Looks at the texts of what was found so far. */
static void match_again(const struct index *ix, struct str word, struct bits *found)
{
    bool safe = span_safe(&ix->catalogue, SECTION_NAMES);
    for (size_t w = bits_word(found, 0); w < found->words; w = bits_word(found, w + 1)) {
        for (uint64_t left = found->word[w]; left; left &= left - 1) {
            uint32_t number = (uint32_t)(w << 6 | (size_t)__builtin_ctzll(left));
            struct str name = index_lower_name(ix, number);
            size_t at = safe ? span_find(name, word) : str_find(name, word);
            if (at >= name.len && !text_holds(index_summary(ix, number), word))
                found->word[w] &= ~(UINT64_C(1) << (number & 63));
        }
    }
}

/* About the nanoseconds that match_one takes for a word, and that looking at one text takes. */
static size_t word_cost(const struct index *ix, struct str word)
{
    if (dense(ix, word)) return 1000 + ix->names / 16;
    struct lookup names = lookup_names(ix), tokens = lookup_tokens(ix);
    return lookup_cost(&names, word) * 6 + lookup_cost(&tokens, word) * 30;
}
enum { TEXT_COST = 60 };

void match_words(const struct index *ix, const struct words *w, struct search_memory *m)
{
    size_t cost[QUERY_WORDS] = { 0 }, order[QUERY_WORDS] = { 0 };
    assert(w->len);
    for (size_t i = 0; i < w->len; i++) {
        cost[i] = word_cost(ix, w->at[i]);
        size_t place = i;
        for (; place && cost[order[place - 1]] > cost[i]; place--) order[place] = order[place - 1];
        order[place] = i;
    }
    match_one(ix, w, order[0], m, &m->found);
    for (size_t i = 1; i < w->len; i++) {
        struct str word = w->at[order[i]];
        if (bits_count(&m->found) * TEXT_COST <= cost[order[i]]) {
            match_again(ix, word, &m->found);
            continue;
        }
        match_one(ix, w, order[i], m, &m->word);
        bits_and(&m->found, &m->word);
        bits_clear(&m->word);
    }
}
