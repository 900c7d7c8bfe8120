/* One decoder for each format. A decoder unpacks the member or frame that its input begins with
 * straight into the room behind the output; the walk over several members, the growth of the output
 * and the limits are written once, for all of them. */
#include "base/unpack.h"

#include <bzlib.h>
#include <libdeflate.h>
#include <limits.h>
#include <lz4frame.h>
#include <lzma.h>
#include <sys/mman.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    GUESS = 4,                     /* times the packed size, when nothing better is known */
    LARGE = 4 << 20,               /* bytes; see sink_room */
    XZ_MEMORY = 128 << 20,         /* bytes; xz -9 needs 65 MiB */
    ZSTD_WINDOW_LOG = 27,          /* 128 MiB, as zstd's own tool allows */
    SMALL_STEP = 4 << 10,          /* bytes; see pump */
    DEFLATE_STEP = (64 << 10) - 1, /* bytes deflate writes or refuses as one: a stored block */
    DEFLATE_RATIO = 1032,          /* the most that one byte of deflate can become */
    LZ4_RATIO = 255,               /* a length goes on in bytes of at most 255 */
    ZSTD_RATIO = 1 << 15           /* a block of four bytes becomes at most 128 KiB */
};

/* Where output goes: behind out, whose length may not pass end. */
struct sink {
    struct buf *out;
    size_t end;
};

/* The bytes that may be written behind out: if the limits allow, at least wanted. Zero at the end,
 * or when the system has no memory. Large pages are asked for where they matter: of the 27 ms that
 * 50 MB of lz4 took, 15 were page faults. */
static size_t sink_room(struct sink *s, size_t wanted)
{
    size_t left = s->end - s->out->len;
    if (wanted > left) wanted = left;
    size_t had = s->out->room;
    if (wanted == 0 || !buf_more(s->out, wanted)) return 0;
    if (s->out->room != had && s->out->room >= LARGE)
        madvise(s->out->at, s->out->room, MADV_HUGEPAGE);
    size_t mapped = s->out->room - s->out->len;
    return mapped < left ? mapped : left;
}

/* How much to make ready, at least one byte, for what is packed in `packed` bytes and said to be
 * `stated` bytes, where one packed byte becomes at most `ratio`. */
static size_t expect(uint64_t stated, size_t packed, size_t ratio)
{
    size_t most;
    if (__builtin_mul_overflow(packed, ratio, &most)) most = SIZE_MAX;
    if (stated > 0 && stated <= most) return (size_t)stated;
    if (packed == 0) return 1;
    return packed > SIZE_MAX / GUESS ? packed : packed * GUESS;
}

/* One call of a library that works in steps. The step takes what it used off in, sets made to the
 * bytes it wrote at `at` (not more than room), and done at the end of the member. */
struct step {
    struct str in;
    char *at;
    size_t room, made;
    bool done;
};

typedef enum err step_fn(void *decoder, struct step *s);

/* Steps through one member. `expected` bytes are made ready at once, so that a library which can
 * unpack everything in one call does; later rooms double with the buffer. No step is given more
 * room than `most`. */
static enum err pump(step_fn *take, void *decoder, struct str *in, struct sink *sink,
                     size_t expected, size_t most)
{
    struct step s = { .in = *in };
    enum err e = OK;

    for (size_t wanted = expected; !e && !s.done; wanted = 1) {
        size_t room = sink_room(sink, wanted), packed = s.in.len;
        s.at = room ? sink->out->at + sink->out->len : (char[1]){ 0 };
        s.room = room < most ? room : most;
        s.made = 0;
        e = take(decoder, &s);
        sink->out->len += s.made;
        if (!e && !s.done && s.made == 0 && s.in.len == packed)
            e = room ? ERR_DAMAGED : ERR_RESOURCE_LIMIT;
    }
    *in = s.in;
    return e;
}

/* gzip */

struct gzip {
    struct libdeflate_decompressor *d;
    struct str in;
    char *at;
    size_t used, made;
};

static enum libdeflate_result gzip_try(struct gzip *g, size_t room)
{
    return libdeflate_gzip_decompress_ex(g->d, g->in.at, g->in.len, g->at, room, &g->used,
                                         &g->made);
}

/* How many bytes come out of a damaged member before the damage. The library does not say; but
 * with less room than that it complains of the room and not of the damage. */
static size_t gzip_part(struct gzip *g, size_t room)
{
    size_t short_of = 0, enough = room;

    if (gzip_try(g, 0) != LIBDEFLATE_INSUFFICIENT_SPACE) return 0;
    while (enough - short_of > 1) {
        size_t middle = short_of + (enough - short_of) / 2;
        if (gzip_try(g, middle) == LIBDEFLATE_INSUFFICIENT_SPACE) short_of = middle;
        else enough = middle;
    }
    gzip_try(g, room);
    return enough;
}

static uint32_t gzip_stated(struct str in)
{
    uint32_t n = 0;
    for (size_t i = 0; i < 4 && i < in.len; i++) n = n << 8 | (uint8_t)in.at[in.len - 1 - i];
    return n;
}

/* A member is unpacked in one call, into more room than the limit when there is any: only then is
 * everything up to the limit sure to be written when the library refuses. */
static enum err gzip_fill(struct gzip *g, struct sink *limited)
{
    struct buf *out = limited->out;
    struct sink s = { out, out->limit };
    if (s.end > DEFLATE_STEP && limited->end < s.end - DEFLATE_STEP)
        s.end = limited->end + DEFLATE_STEP;
    size_t wanted = expect(gzip_stated(g->in), g->in.len, DEFLATE_RATIO);

    for (;;) {
        size_t room = sink_room(&s, wanted);
        g->at = room ? out->at + out->len : (char[1]){ 0 };
        enum libdeflate_result r = gzip_try(g, room);
        if (r == LIBDEFLATE_INSUFFICIENT_SPACE && room > 0 && room < s.end - out->len) {
            wanted = room > SIZE_MAX / GUESS ? SIZE_MAX : room * GUESS;
            continue;
        }
        if (r == LIBDEFLATE_INSUFFICIENT_SPACE)
            g->made = room > DEFLATE_STEP ? room - DEFLATE_STEP : 0;
        else if (r != LIBDEFLATE_SUCCESS) g->made = gzip_part(g, room);

        size_t left = limited->end - out->len;
        bool over = g->made > left;
        out->len += over ? left : g->made;
        if (over || r == LIBDEFLATE_INSUFFICIENT_SPACE) return ERR_RESOURCE_LIMIT;
        return r == LIBDEFLATE_SUCCESS ? OK : ERR_DAMAGED;
    }
}

static enum err gzip_member(struct str *in, struct sink *s)
{
    struct gzip g = { .d = libdeflate_alloc_decompressor(), .in = *in };
    if (!g.d) return ERR_RESOURCE_LIMIT;
    enum err e = gzip_fill(&g, s);
    libdeflate_free_decompressor(g.d);
    if (!e) *in = str_from(*in, g.used);
    return e;
}

/* bzip2 */

static unsigned clamp(size_t n)
{
    return n < INT_MAX ? (unsigned)n : INT_MAX;
}

static enum err bzip2_step(void *decoder, struct step *s)
{
    bz_stream *b = decoder;
    unsigned packed = clamp(s->in.len), room = clamp(s->room);

    b->next_in = (char *)(uintptr_t)s->in.at; /* which it only reads */
    b->avail_in = packed;
    b->next_out = s->at;
    b->avail_out = room;
    int r = BZ2_bzDecompress(b);
    s->in = str_from(s->in, packed - b->avail_in);
    s->made = room - b->avail_out;
    s->done = r == BZ_STREAM_END;
    if (r == BZ_OK || s->done) return OK;
    return r == BZ_MEM_ERROR ? ERR_RESOURCE_LIMIT : ERR_DAMAGED;
}

static enum err bzip2_member(struct str *in, struct sink *s)
{
    bz_stream b = { 0 };
    if (BZ2_bzDecompressInit(&b, 0, 0) != BZ_OK) return ERR_RESOURCE_LIMIT;
    enum err e = pump(bzip2_step, &b, in, s, expect(0, in->len, 1), SIZE_MAX);
    BZ2_bzDecompressEnd(&b);
    return e;
}

/* xz */

static enum err xz_step(void *decoder, struct step *s)
{
    lzma_stream *x = decoder;

    x->next_in = (const uint8_t *)s->in.at;
    x->avail_in = s->in.len;
    x->next_out = (uint8_t *)s->at;
    x->avail_out = s->room;
    lzma_ret r = lzma_code(x, LZMA_RUN);
    s->made = s->room - x->avail_out;
    s->in = str_from(s->in, s->in.len - x->avail_in);
    s->done = r == LZMA_STREAM_END;
    if (r == LZMA_OK || s->done) return OK;
    if (r == LZMA_MEM_ERROR || r == LZMA_MEMLIMIT_ERROR) return ERR_RESOURCE_LIMIT;
    return r == LZMA_OPTIONS_ERROR ? ERR_UNSUPPORTED : ERR_DAMAGED;
}

static enum err xz_member(struct str *in, struct sink *s)
{
    lzma_stream x = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&x, XZ_MEMORY, 0) != LZMA_OK) return ERR_RESOURCE_LIMIT;
    enum err e = pump(xz_step, &x, in, s, expect(0, in->len, 1), SIZE_MAX);
    lzma_end(&x);
    return e;
}

/* lz4 and zstd: both forget to say what a call wrote when it ends in an error. */

typedef enum err frame_fn(struct str *in, struct sink *s, size_t most);

/* Unpacks in steps as large as can be; after damage once more in small ones, so that at most one
 * small step is lost of what came before. */
static enum err frame(frame_fn *unpack_frame, struct str *in, struct sink *s)
{
    struct str start = *in;
    size_t len = s->out->len;
    enum err e = unpack_frame(in, s, SIZE_MAX);
    if (e != ERR_DAMAGED) return e;
    size_t part = s->out->len;
    *in = start;
    s->out->len = len;
    unpack_frame(in, s, SMALL_STEP);
    if (s->out->len < part) s->out->len = part;
    return ERR_DAMAGED;
}

static enum err lz4_step(void *decoder, struct step *s)
{
    size_t packed = s->in.len, made = s->room;
    size_t r = LZ4F_decompress(decoder, s->at, &made, s->in.at, &packed, NULL);
    if (LZ4F_isError(r)) return ERR_DAMAGED;
    s->in = str_from(s->in, packed);
    s->made = made;
    s->done = r == 0;
    return OK;
}

static enum err lz4_frame(struct str *in, struct sink *s, size_t most)
{
    LZ4F_dctx *d;
    LZ4F_frameInfo_t info = { 0 };
    size_t head = in->len;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION))) return ERR_RESOURCE_LIMIT;
    enum err e = ERR_DAMAGED;
    if (!LZ4F_isError(LZ4F_getFrameInfo(d, &info, in->at, &head))) {
        *in = str_from(*in, head);
        e = pump(lz4_step, d, in, s, expect(info.contentSize, in->len, LZ4_RATIO), most);
    }
    LZ4F_freeDecompressionContext(d);
    return e;
}

static enum err lz4_member(struct str *in, struct sink *s)
{
    return frame(lz4_frame, in, s);
}

static enum err zstd_failed(size_t r)
{
    switch ((int)ZSTD_getErrorCode(r)) {
    case ZSTD_error_memory_allocation:
    case ZSTD_error_frameParameter_windowTooLarge: return ERR_RESOURCE_LIMIT;
    case ZSTD_error_dictionary_wrong:
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported: return ERR_UNSUPPORTED;
    default: return ERR_DAMAGED;
    }
}

static enum err zstd_step(void *decoder, struct step *s)
{
    ZSTD_inBuffer from = { s->in.at, s->in.len, 0 };
    ZSTD_outBuffer to = { s->at, s->room, 0 };
    size_t r = ZSTD_decompressStream(decoder, &to, &from);
    if (ZSTD_isError(r)) return zstd_failed(r);
    s->in = str_from(s->in, from.pos);
    s->made = to.pos;
    s->done = r == 0;
    return OK;
}

static enum err zstd_frame(struct str *in, struct sink *s, size_t most)
{
    uint64_t stated = ZSTD_getFrameContentSize(in->at, in->len);
    if (stated == ZSTD_CONTENTSIZE_UNKNOWN || stated == ZSTD_CONTENTSIZE_ERROR) stated = 0;

    ZSTD_DCtx *d = ZSTD_createDCtx();
    if (!d) return ERR_RESOURCE_LIMIT;
    ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    enum err e = pump(zstd_step, d, in, s, expect(stated, in->len, ZSTD_RATIO), most);
    ZSTD_freeDCtx(d);
    return e;
}

static enum err zstd_member(struct str *in, struct sink *s)
{
    return frame(zstd_frame, in, s);
}

/* all of them */

static enum err none_member(struct str *in, struct sink *s)
{
    size_t left = s->end - s->out->len, n = in->len < left ? in->len : left;
    buf_put(s->out, in->at, n);
    *in = str_from(*in, n);
    return in->len ? ERR_RESOURCE_LIMIT : OK;
}

static const struct format {
    const char *name;
    struct str magic;
    enum err (*member)(struct str *in, struct sink *s);
} formats[PACKING_COUNT] = {
    [PACKING_NONE] = { "none", { NULL, 0 }, none_member },
    [PACKING_GZIP] = { "gzip", { "\x1f\x8b\x08", 3 }, gzip_member },
    [PACKING_BZIP2] = { "bzip2", { "BZh", 3 }, bzip2_member },
    [PACKING_LZ4] = { "lz4", { "\x04\x22\x4d\x18", 4 }, lz4_member },
    [PACKING_XZ] = { "xz", { "\xfd\x37zXZ\0", 6 }, xz_member },
    [PACKING_ZSTD] = { "zstd", { "\x28\xb5\x2f\xfd", 4 }, zstd_member },
};

enum packing packing_of(struct str head)
{
    for (enum packing p = PACKING_NONE + 1; p < PACKING_COUNT; p++)
        if (str_starts(head, formats[p].magic)) return p;
    return PACKING_NONE;
}

const char *packing_name(enum packing p)
{
    return formats[p < PACKING_COUNT ? p : PACKING_NONE].name;
}

enum err unpack(struct str in, enum packing p, size_t limit, struct buf *out)
{
    if (p >= PACKING_COUNT) return ERR_UNSUPPORTED;
    struct sink s = { out, out->limit };
    if (out->len > out->limit || out->full) return ERR_RESOURCE_LIMIT;
    if (limit < out->limit - out->len) s.end = out->len + limit;
    if (in.len == 0) return p == PACKING_NONE ? OK : ERR_DAMAGED;

    enum err e = OK;
    while (!e && in.len > 0) {
        e = formats[p].member(&in, &s);
        while (!e && in.len > 0 && *in.at == 0) in = str_from(in, 1);
    }
    return e;
}
