/* yyjson with an arena for its memory: it reads without recursion. */
#include "wire/json_text.h"

static void *text_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void *text_grow(void *arena, void *was, size_t was_size, size_t size)
{
    struct arena *a = arena;
    if ((char *)was + was_size == a->at + a->used && size > was_size) {
        if (size - was_size > a->limit - a->used) return NULL;
        a->used += size - was_size; /* the last piece grows where it is */
        return was;
    }
    void *now = arena_alloc(a, size);
    if (now) memcpy(now, was, was_size < size ? was_size : size);
    return now;
}

static void text_free(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

enum err json_text_parse(struct str text, struct arena *a, yyjson_val **root, struct fault *f)
{
    yyjson_alc memory = { text_alloc, text_grow, text_free, a };
    yyjson_read_err why = { 0 };
    /* Without YYJSON_READ_INSITU the text is copied, never written to. */
    if (!text.len) return fail(f, ERR_PARSE, "not JSON: there is no text");
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)text.at, text.len, YYJSON_READ_NOFLAG, &memory, &why);
    if (!doc && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return fail(f, ERR_RESOURCE_LIMIT, "the JSON is too large to be read");
    if (!doc)
        return fail(f, ERR_PARSE, "not JSON at byte %zu: %s", why.pos,
                    why.msg ? why.msg : "nothing there");
    *root = yyjson_doc_get_root(doc);
    return OK;
}
