#include "pkg/answer.h"

#include "pkg/search.h"

#include <assert.h>

/* How the index answers an operation; the request and result are those of its row. */
typedef enum err answer_fn(struct index *ix, const void *request, void *result, struct arena *a,
                           struct fault *f);

#define ANSWER(op)                                                                                 \
    static enum err answer_##op(struct index *ix, const void *request, void *result,               \
                                struct arena *a, struct fault *f)                                  \
    {                                                                                              \
        return query_##op(ix, request, result, a, f);                                              \
    }
ANSWER(search)
ANSWER(info)
ANSWER(status)
ANSWER(explicit)
ANSWER(suggest)

/* By row of ops.def; an operation without an answer here is not the index's. */
static const struct {
    answer_fn *answer;
    bool texts; /* needs the long texts */
} answers[OP_COUNT] = {
    [OP_search] = { answer_search, false },   [OP_info] = { answer_info, true },
    [OP_status] = { answer_status, false },   [OP_explicit] = { answer_explicit, false },
    [OP_suggest] = { answer_suggest, false },
};

bool answer_serves(enum op op)
{
    return answers[op].answer != NULL;
}

bool answer_texts(enum op op)
{
    return answers[op].texts;
}

enum err answer_prepare(struct index *ix)
{
    struct search_memory *m;
    return search_memory(ix, &m);
}

/* Without lists nothing can be found that is not installed: say so instead of "nothing found". */
static enum err check_data(const struct index *ix, enum op op, const void *result, enum err e,
                           const char *root, struct fault *f)
{
    const struct search_result *found = result;
    bool nothing = op == OP_search ? !e && found->total == 0 : op == OP_info && e;
    if (ix->overlay_meta->status_missing && !ix->names)
        return fail(f, ERR_NO_DATA, "there is no package database that omg can read below '%s'",
                    root);
    if (!nothing || ix->names) return e;
    return fail(f, ERR_NO_DATA,
                "nothing installed matches, and there are no package lists to look "
                "into; `apt-get update` brings them");
}

enum err answer_index(struct index *ix, enum op op, const void *request, void *result,
                      const char *root, struct arena *a, struct fault *f)
{
    assert(answers[op].answer);
    enum err e = answers[op].answer(ix, request, result, a, f);
    return check_data(ix, op, result, e, root, f);
}
