/* A sound index damaged as the input says, then opened as a short-lived command opens it (without
 * the checksum) and asked everything: whatever lies in the files, every answer ends, and every text
 * in it lies in the files or in the arena. */
#include "../made_packages.h"

#include "pkg/longtext.h"
#include "pkg/query.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 3, PACKAGES = 150 };

static struct buf sound[FILES];

/* The files of a small root, made once. */
static void sound_make(void)
{
    struct index_root r;
    if (sound[0].len) return;
    index_root_make(&r);
    made_packages(&r, PACKAGES);
    index_root_write(&r, "etc/apt/preferences",
                     S("Package: libweb*\nPin: version 0:*\nPin-Priority: 1001\n"));
    index_root_write(&r, "usr/share/doc/libwebx/copyright",
                     S("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
                       "\n\nFiles: *\nLicense: MIT\n"));
    need(index_root_build(&r) == OK);
    const struct buf *made[FILES] = { &r.out.catalogue, &r.out.overlay, &r.out.text };
    for (size_t i = 0; i < FILES; i++) {
        sound[i] = buf_make(UINT32_MAX);
        buf_str(&sound[i], buf_view(made[i]));
    }
    index_root_free(&r);
}

/* Reads numbers off the input; zero behind its end. */
struct source {
    const uint8_t *at, *end;
};

static uint64_t take(struct source *s, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v |= (uint64_t)(s->at < s->end ? *s->at++ : 0) << (8 * i);
    return v;
}

/* A place in a file that matters: in its header, at the start, the end or anywhere in a section. */
static size_t place(struct source *s, const struct buf *file, size_t width)
{
    uint64_t where = take(s, 1), offset = take(s, 2);
    const struct format_header *h = (const struct format_header *)(const void *)file->at;
    size_t at = (size_t)offset % sizeof *h;
    if (where < 4 * SECTION_COUNT) {
        const struct format_section *x = &h->section[where / 4];
        size_t len = x->at < file->len && x->len < file->len ? (size_t)x->len : 0;
        at = (size_t)x->at % file->len;
        if (len && where % 4 == 1) at += len - 1 - offset % len % 16;
        else if (len && where % 4) at += (size_t)offset * 4 % len;
    }
    return at + width <= file->len ? at : file->len - width;
}

/* One damage: 6 to 12 bytes of the input. */
static void damage(struct source *s, struct buf file[FILES], size_t cut[FILES])
{
    static const uint32_t odd[] = { 0, 1, NONE, NONE - 1, 0x80000000u, 0x7FFFFFFFu, 64, 0x8000 };
    uint64_t what = take(s, 1);
    size_t i = (size_t)(what % FILES), at;
    struct buf *f = &file[i];
    switch (what / FILES % 6) {
    case 0: /* a bit */
        at = place(s, f, 1);
        f->at[at] = (char)(f->at[at] ^ 1 << (take(s, 1) & 7));
        break;
    case 1: /* a number that means something */
        at = place(s, f, 4);
        memcpy(f->at + at, &odd[take(s, 1) % (sizeof odd / sizeof *odd)], 4);
        break;
    case 2: { /* any number */
        at = place(s, f, 8);
        uint64_t v = take(s, 8);
        memcpy(f->at + at, &v, what & 128 ? 8 : 4);
        break;
    }
    case 3: /* a run of one byte */
        at = place(s, f, 1);
        memset(f->at + at, (int)take(s, 1), (size_t)take(s, 2) % (f->len - at));
        break;
    case 4: { /* one piece over another */
        at = place(s, f, 64);
        size_t from = place(s, f, 64);
        memmove(f->at + at, f->at + from, 64);
        break;
    }
    default: /* cut off, and the header told so or not */
        cut[i] = place(s, f, 1);
        if (what & 128) ((struct format_header *)(void *)f->at)->size = cut[i];
        break;
    }
}

static volatile unsigned char last;

/* Reads every byte. */
static void touch(struct str text)
{
    for (size_t i = 0; i < text.len; i++) last = (unsigned char)text.at[i];
}

static void walk_search(struct index *ix, struct arena *a, const char *query, uint64_t limit)
{
    struct search_request q = { .query = str_of(query), .limit = { true, limit } };
    struct search_result r;
    if (query_search(ix, &q, &r, a, NULL)) return;
    need(r.packages.len <= limit && r.packages.len <= r.total);
    need(r.total <= (size_t)ix->names + ix->extras);
    for (size_t i = 0; i < r.packages.len; i++) {
        touch(r.packages.at[i].name);
        touch(r.packages.at[i].version);
        touch(r.packages.at[i].description);
    }
    arena_reset(a, 1 << 20);
}

static void walk_info(struct index *ix, struct arena *a, struct str package)
{
    struct info_request q = { .package = package };
    struct detailed_package_info r;
    struct fault f;
    if (!query_info(ix, &q, &r, a, &f)) {
        touch(r.description);
        touch(r.version);
        touch(r.repo);
        for (size_t i = 0; i < r.depends.len; i++) touch(r.depends.at[i]);
        for (size_t i = 0; i < r.licenses.len; i++) touch(r.licenses.at[i]);
    }
    arena_reset(a, 1 << 20);
}

static void walk_names(struct index *ix, struct arena *a)
{
    static const char *const ends[] = { "", ":i386", ":all", "=0:1.1-1", "/stable" };
    for (uint32_t any = 0; any < ix->names + ix->extras; any += 7) {
        struct str name = str_head(any_name(ix, any), 255);
        char text[300];
        const char *end = ends[any / 7 % (sizeof ends / sizeof *ends)];
        int n = snprintf(text, sizeof text, "%.*s%s", STR_ARG(name), end);
        if (n > 0) walk_info(ix, a, (struct str){ text, (size_t)n });
    }
}

static void walk_rest(struct index *ix, struct arena *a)
{
    static const char *const words[] = {
        "libweb", "lbweb", "x", "pythn3-", "zzzzzzzzzzzz", "Ruby"
    };
    struct status_result status;
    struct explicit_result explicit_;
    struct str *names;
    size_t count;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct suggest_request q = { .query = str_of(words[i]) };
        struct suggest_result r;
        if (!query_suggest(ix, &q, &r, a, NULL)) need(r.suggestions.len <= SUGGEST_LIMIT);
        arena_reset(a, 1 << 20);
    }
    query_status(ix, NULL, &status, a, NULL);
    if (!query_explicit(ix, NULL, &explicit_, a, NULL)) need(explicit_.packages.len <= 1 << 20);
    arena_reset(a, 1 << 20);
    query_names(ix, S("lib"), 100, &names, &count, a);
    query_names(ix, S(""), 1000, &names, &count, a);
    arena_reset(a, 1 << 20);
    build_fresh(&ix->catalogue, AT_FDCWD, true);
}

static void walk(struct index *ix, struct arena *a)
{
    static const char *const queries[] = {
        "e", "we", "web", "library", "x a", "for the", "lib web dev", "\xC3\xB6", "$^", "e l i"
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        walk_search(ix, a, queries[i], i % 3 ? 50 : 1000);
    walk_names(ix, a);
    walk_info(ix, a, S("web-virtual"));
    walk_info(ix, a, S("no-such-package"));
    walk_rest(ix, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena a;
    static struct buf file[FILES];
    struct str bytes[FILES];
    size_t cut[FILES];
    struct source s = { data, data + size };
    struct index ix;

    sound_make();
    if (!a.at) need(arena_open(&a, (size_t)1 << 30) == OK);
    for (size_t i = 0; i < FILES; i++) {
        if (!file[i].limit) file[i] = buf_make(UINT32_MAX);
        file[i].len = 0;
        buf_str(&file[i], buf_view(&sound[i]));
        cut[i] = file[i].len;
    }
    while (s.at < s.end) damage(&s, file, cut);
    /* Blocks of exactly their size, so that the sanitizer sees a read past the end. */
    for (size_t i = 0; i < FILES; i++) {
        void *exact = NULL;
        need(posix_memalign(&exact, 64, cut[i] ? cut[i] : 1) == 0);
        memcpy(exact, file[i].at, cut[i]);
        bytes[i] = (struct str){ exact, cut[i] };
    }
    if (!index_open(&ix, bytes[0], bytes[1], false, NULL)) {
        index_text_open(&ix, bytes[2], false, NULL);
        walk(&ix, &a);
        index_close(&ix);
    }
    for (size_t i = 0; i < FILES; i++) free((void *)(uintptr_t)bytes[i].at);
    return 0;
}
