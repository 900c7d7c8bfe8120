/* What the writers of the catalogue share: the draft in its final order. */
#ifndef OMG_PKG_CATALOGUE_ORDER_H
#define OMG_PKG_CATALOGUE_ORDER_H

#include "pkg/catalogue_build.h"
#include "pkg/gram_build.h"

/* The draft's names and versions by their final numbers. */
struct ordered {
    struct draft *d;
    uint32_t count, versions;
    uint32_t *name;        /* by place: number in the draft */
    uint32_t *place;       /* by number in the draft: place */
    uint32_t lengths[258]; /* the first place of each length */
    uint32_t *first;       /* by place: first of version, count + 1 of them */
    uint32_t *version;     /* numbers in the draft */
    uint32_t *spare;       /* as many as there are names or versions */
    uint32_t *name_at, *summary_at;
    uint32_t *tokens, *tokens_len; /* by place: those of the newest version's summary */
};

/* Which names' summaries hold each token. */
struct token_postings {
    uint32_t *last, *at; /* by token; at: bytes, then where they begin, then where they end */
    uint32_t *df;        /* by token: names */
    uint8_t *bytes;
};

/* Writes the bitmaps of SECTION_DENSE, given the grams of names and tokens. */
enum err dense_write(struct writer *w, struct ordered *o, const struct gram_index *names,
                     const struct gram_index *tokens, const struct token_postings *p);

#endif
