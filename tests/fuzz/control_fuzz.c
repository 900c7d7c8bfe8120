/* Every value lies inside its paragraph, every paragraph inside the text and behind the last one;
 * reading ends; the parts of a relation lie inside it. */
#include "pkg/control.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct str part, struct str whole)
{
    return !part.at || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void relations(struct str field)
{
    struct str rest = field, one, alternative;
    struct relation r;
    while (relation_next(&rest, &one)) {
        assert(one.len && inside(one, field));
        while (str_cut(&one, '|', &alternative)) {
            if (!relation_parse(alternative, &r)) continue;
            assert(r.name.len && inside(r.name, alternative) && inside(r.arch, alternative));
            assert(inside(r.op, alternative) && inside(r.version, alternative));
            assert((r.op.len > 0) == (r.version.len > 0));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct control c = { .rest = text };
    struct stanza s = { 0 };
    const char *behind = text.at;

    while (control_next(&c, &s)) {
        assert(s.text.len && inside(s.text, text) && s.text.at >= behind);
        behind = s.text.at + s.text.len;
        assert(s.count <= CONTROL_COUNT);
        for (size_t i = 0; i < CONTROL_COUNT; i++) assert(inside(s.field[i], s.text));
        relations(s.field[CONTROL_depends]);
        relations(s.field[CONTROL_provides]);
    }
    assert(c.rest.len == 0);
    return 0;
}
