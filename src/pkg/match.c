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
        if (!made || !bits_open(&made->found, &ix->memory, ix->names) ||
            !bits_open(&made->word, &ix->memory, ix->names) ||
            !bits_open(&made->class_, &ix->memory, ix->names) ||
            !bits_open(&made->tokens, &ix->memory, tokens))
            return ERR_RESOURCE_LIMIT;
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

static void add_token(const struct index *ix, uint32_t token, struct bits *to)
{
    struct str bytes = file_section(&ix->catalogue, SECTION_SUMMARY_POSTINGS);
    uint32_t from = file_u32(&ix->catalogue, SECTION_SUMMARY_POSTING_AT, token);
    uint32_t end = file_u32(&ix->catalogue, SECTION_SUMMARY_POSTING_AT, (size_t)token + 1);
    if (from > end || end > bytes.len) return;
    const uint8_t *base = (const uint8_t *)bytes.at;
    struct postings walk = postings_open(base + from, base + end, ix->names);
    while (postings_next(&walk)) bits_set(to, walk.number);
}

static void match_one(const struct index *ix, struct str word, struct search_memory *m,
                      struct bits *to)
{
    const uint64_t *ready = dense(ix, word);
    if (ready) {
        bits_or(to, ready);
        return;
    }
    struct lookup names = lookup_names(ix), tokens = lookup_tokens(ix);
    lookup_set(&names, word, to);
    lookup_set(&tokens, word, &m->tokens);
    for (size_t w = bits_word(&m->tokens, 0); w < m->tokens.words;
         w = bits_word(&m->tokens, w + 1)) {
        for (uint64_t left = m->tokens.word[w]; left; left &= left - 1)
            add_token(ix, (uint32_t)(w << 6 | (size_t)__builtin_ctzll(left)), to);
    }
    bits_clear(&m->tokens);
}

/* Looks at the texts of what was found so far. */
static void match_again(const struct index *ix, struct str word, struct bits *found)
{
    for (size_t w = bits_word(found, 0); w < found->words; w = bits_word(found, w + 1)) {
        for (uint64_t left = found->word[w]; left; left &= left - 1) {
            uint32_t number = (uint32_t)(w << 6 | (size_t)__builtin_ctzll(left));
            if (!text_holds(index_name(ix, number), word) &&
                !text_holds(index_summary(ix, number), word))
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
    match_one(ix, w->at[order[0]], m, &m->found);
    for (size_t i = 1; i < w->len; i++) {
        struct str word = w->at[order[i]];
        if (bits_count(&m->found) * TEXT_COST <= cost[order[i]]) {
            match_again(ix, word, &m->found);
            continue;
        }
        match_one(ix, word, m, &m->word);
        bits_and(&m->found, &m->word);
        bits_clear(&m->word);
    }
}
