/* Any bytes through every decoder: whatever comes, no more than the limit comes out, what lies in
 * the buffer before stays, and the second time, into a buffer that ends at the limit, gives the
 * same. Of what is damaged or too large one may give more than the other: how far a library gets
 * depends on the room it is given. */
#include <stdint.h>
#include <stdlib.h>

#include "base/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 256 << 10 };

static void demand(int truth)
{
    if (!truth) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size };
    /* The format is told by the content, so that the corpus holds ordinary files. */
    enum packing p = packing_of(in);
    struct buf once = buf_make(4 * LIMIT), again = buf_make(LIMIT);

    buf_str(&once, S("before"));
    enum err e = unpack(in, p, LIMIT, &once), f = unpack(in, p, LIMIT, &again);
    struct str part = str_from(buf_view(&once), 6);
    demand(part.len <= LIMIT && str_starts(buf_view(&once), S("before")));
    size_t both = part.len < again.len ? part.len : again.len;
    demand(e == f && str_eq(str_head(part, both), str_head(buf_view(&again), both)));
    demand(e || part.len == again.len);
    buf_free(&once);
    buf_free(&again);
    return 0;
}
