/* First step of the catalogue: package lists into a draft. */
#include "base/hash.h"
#include "base/unpack.h"
#include "pkg/catalogue_build.h"
#include "pkg/control.h"
#include "pkg/deb_version.h"
#include "pkg/gram.h"
#include "pkg/postings.h"
#include "pkg/writer.h"

#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* asm-generic/mman-common.h, Linux 5.14 */
#endif

/* A list of more, packed or not, is a bomb or a mistake; all of Debian is 60 MB. */
#define LIST_MOST (UINT64_C(1) << 30)

enum {
    NAME_MOST = 255,       /* bytes; as the protocol has it */
    VERSION_MOST = 512,    /* bytes; Debian's longest has 60 */
    RELATIONS_MOST = 65536 /* of one package; Debian's longest list has some thousand */
};

enum err list_open(struct inputs *in, struct str path, struct list_text *l)
{
    *l = (struct list_text){ .unpacked = buf_make(LIST_MOST) };
    enum err e = inputs_map(in, path, &l->map);
    if (e) return e;
    l->text = str_head(l->map.text, LIST_MOST); /* a file may be one large hole */
    /* All of it will be read: fetch its pages in one call instead of one fault for every few. */
    if (l->text.len) madvise((void *)(uintptr_t)l->text.at, l->text.len, MADV_POPULATE_READ);
    enum packing p = packing_of(l->text);
    if (p != PACKING_NONE) {
        e = unpack(l->text, p, LIST_MOST, &l->unpacked);
        l->text = buf_view(&l->unpacked);
    }
    if (e || l->map.text.len > LIST_MOST)
        inputs_note(in, path,
                    "The list is damaged or too large; what could be read of it is used. Bring it "
                    "in again with `apt-get update`.");
    return OK;
}

void list_close(struct list_text *l)
{
    map_close(&l->map);
    buf_free(&l->unpacked);
}

enum err draft_open(struct draft *d, struct inputs *in, struct arena *a,
                    const struct apt_archs *archs, const struct apt_files *files)
{
    *d = (struct draft){ .in = in, .arena = a, .archs = archs, .files = files };
    struct buf *bufs[] = { &d->versions,       &d->heads,    &d->tokens,   &d->summaries,
                           &d->relation_lists, &d->provided, &d->providers };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) *bufs[i] = buf_make(UINT32_MAX);
    buf_byte(&d->summaries, 0);
    buf_byte(&d->relation_lists, 0);        /* offset 0 is the empty list */
    buf_more(&d->tokens, sizeof(uint32_t)); /* there may be none, but there is a place for them */
    enum err e = intern_open(&d->strings, 1 << 16);
    if (!e) e = intern_open(&d->names, 1 << 16);
    if (!e) e = intern_open(&d->relations, 1 << 16);
    if (!e) e = intern_open(&d->vocabulary, 1 << 16);
    return e;
}

void draft_close(struct draft *d)
{
    struct intern *tables[] = { &d->strings, &d->names, &d->relations, &d->vocabulary };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) intern_free(tables[i]);
    struct buf *bufs[] = { &d->versions,       &d->heads,    &d->tokens,   &d->summaries,
                           &d->relation_lists, &d->provided, &d->providers };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_free(bufs[i]);
}

static bool name_valid(struct str name)
{
    bool good = name.len && name.len <= NAME_MOST && name.at[0] != '-';
    for (size_t i = 0; good && i < name.len; i++)
        good = gram_class[(uint8_t)name.at[i]] - 1u < GRAM_NAME;
    return good;
}

/* Whether s is ASCII without NUL, which nearly everything is. */
static bool plain(struct str s)
{
    const uint64_t tops = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    uint64_t seen = 0, eight;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        memcpy(&eight, s.at + i, 8);
        seen |= eight | (eight - ones);
    }
    for (; i < s.len; i++) seen |= s.at[i] > 0 ? 0 : tops;
    return !(seen & tops);
}

/* Text that is well-formed and holds no NUL: s itself, or a mended copy in the arena. */
static struct str clean(struct draft *d, struct str s)
{
    if (plain(s)) return s;
    if (utf8_valid(s) && (s.len == 0 || !memchr(s.at, 0, s.len))) return s;
    char *to = arena_alloc(d->arena, s.len * 3);
    struct str mended = { to, 0 };
    if (!to) return STR_NONE;
    while (s.len) {
        uint32_t point;
        size_t n = utf8_next(s, &point);
        if ((point == 0xFFFD && n == 1) || point == 0) {
            memcpy(to + mended.len, "\xEF\xBF\xBD", 3);
            mended.len += 3;
        } else {
            memcpy(to + mended.len, s.at, n);
            mended.len += n;
        }
        s = str_from(s, n);
    }
    return mended;
}

static void read_relations(struct draft *d, const struct stanza *s, struct version_record *v)
{
    static const enum control_field fields[] = { CONTROL_pre_depends, CONTROL_depends };
    static struct str items[RELATIONS_MOST];
    static uint32_t hashes[RELATIONS_MOST];
    uint32_t count = 0;
    for (size_t f = 0; f < 2; f++) {
        if (!s->field[fields[f]].len) continue;
        struct str rest = clean(d, s->field[fields[f]]);
        while (count < RELATIONS_MOST && relation_next(&rest, &items[count])) {
            hashes[count] = intern_hash(&d->relations, items[count]);
            count++;
        }
    }
    if (!count) return;
    v->relations = (uint32_t)d->relation_lists.len;
    uint8_t *to = (uint8_t *)buf_more(&d->relation_lists, 5 * ((size_t)count + 1));
    if (!to) return;
    uint8_t *end = varint_put(to, count);
    for (uint32_t i = 0; i < count; i++)
        end = varint_put(end, intern_hashed(&d->relations, items[i], hashes[i]));
    d->relation_lists.len += (size_t)(end - to);
}

static void read_provides(struct draft *d, const struct stanza *s, uint32_t name)
{
    struct str rest = s->field[CONTROL_provides], one;
    struct relation r;
    for (unsigned n = 0; n < RELATIONS_MOST && relation_next(&rest, &one); n++) {
        if (!relation_parse(one, &r) || !name_valid(r.name)) continue;
        uint64_t hash = hash_str(r.name);
        buf_put(&d->provided, &hash, sizeof hash);
        buf_put(&d->providers, &name, sizeof name);
    }
}

/* The words of a summary, in lower case: a query word is part of a summary if it is part of one of
 * them, as neither holds white space. */
static void read_tokens(struct draft *d, struct draft_version *v, struct str summary)
{
    enum { AT_ONCE = 16 };
    char lower[SUMMARY_MOST];
    struct str words[AT_ONCE], rest = { lower, summary.len };
    uint32_t hashes[AT_ONCE];
    v->tokens = (uint32_t)(d->tokens.len / sizeof(uint32_t));
    ascii_lower_copy(lower, summary);
    for (size_t n = AT_ONCE; n == AT_ONCE;) {
        for (n = 0; n < AT_ONCE && str_word(&rest, &words[n]); n++)
            hashes[n] = intern_hash(&d->vocabulary, words[n]);
        for (size_t i = 0; i < n; i++) {
            uint32_t number = intern_hashed(&d->vocabulary, words[i], hashes[i]);
            buf_put(&d->tokens, &number, sizeof number);
            v->tokens_len++;
        }
    }
}

static void set_text_key(struct version_record *v, uint64_t key)
{
    v->text_key_low = (uint32_t)key;
    v->text_key_high = (uint32_t)(key >> 32);
}

static void read_description(struct draft *d, const struct stanza *s, struct draft_version *v)
{
    struct str text = s->field[CONTROL_description];
    if (!text.at || !text.len) text = s->field[CONTROL_description_en];
    size_t line = str_chr(text, '\n');
    /* Cut with room for the character that the cut goes through, mended, and cut again. */
    struct str summary = clean(d, str_head(str_trim(str_head(text, line)), SUMMARY_MOST + 4));
    summary = summary_head(summary);
    v->record.summary = (uint32_t)d->summaries.len;
    buf_str(&d->summaries, summary);
    buf_byte(&d->summaries, 0);
    read_tokens(d, v, summary);
    if (text.len > line) d->inline_texts = 1;
    if (text.len > line || s->field[CONTROL_description_md5].len)
        set_text_key(&v->record, text_key(s->field[CONTROL_description_md5], text));
}

static uint64_t hex64(struct str s)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 16 && i < s.len; i++) {
        char c = ascii_lower(s.at[i]);
        value = value << 4 | (uint64_t)(ascii_digit(c) ? c - '0' : (c - 'a' + 10) & 15);
    }
    return value;
}

uint64_t text_key(struct str description_md5, struct str description)
{
    uint64_t key = description_md5.len == 32 ? hex64(description_md5) : hash_str(description);
    return key ? key : 1;
}

static uint64_t number_or_zero(struct str s)
{
    uint64_t value = 0;
    return str_u64(s, &value) ? value : 0;
}

static uint8_t arch_number(const struct draft *d, struct str arch, const struct apt_file *f)
{
    if (str_eq(arch, S("all")) || arch.len == 0) return UINT8_MAX; /* resolved to native */
    for (size_t i = 0; i < d->archs->len; i++)
        if (str_eq(d->archs->at[i], arch)) return (uint8_t)i;
    for (size_t i = 0; i < d->archs->len; i++)
        if (str_eq(d->archs->at[i], f->arch)) return (uint8_t)i;
    return 0;
}

static uint8_t version_flags(const struct stanza *s)
{
    struct str multi_arch = s->field[CONTROL_multi_arch];
    uint8_t flags = str_eq(multi_arch, S("same"))      ? VERSION_SAME
                    : str_eq(multi_arch, S("foreign")) ? VERSION_FOREIGN
                    : str_eq(multi_arch, S("allowed")) ? VERSION_ALLOWED
                                                       : 0;
    if (str_eq_ascii(s->field[CONTROL_essential], S("yes"))) flags |= VERSION_ESSENTIAL;
    if (str_eq_ascii(s->field[CONTROL_important], S("yes")) ||
        str_eq_ascii(s->field[CONTROL_protected_], S("yes")))
        flags |= VERSION_IMPORTANT;
    if (str_eq_ascii(s->field[CONTROL_priority], S("required"))) flags |= VERSION_REQUIRED;
    return flags;
}

/* Source: "name" or "name (version)"; stored only where it is not the package's own name. */
static uint32_t source_of(struct draft *d, struct str source, struct str name)
{
    struct str own = str_trim(str_head(source, str_chr(source, '(')));
    if (!own.len || str_eq(own, name)) return 0;
    return intern_offset(&d->strings, clean(d, own));
}

static uint32_t kib_or_most(uint64_t kib)
{
    return kib < UINT32_MAX ? (uint32_t)kib : UINT32_MAX;
}

/* Versions and home pages repeat among neighbours, which come from one source, and hardly
 * elsewhere: a small table of the last ones finds nearly as many as one of all, and stays in the
 * nearest cache. */
static uint32_t recent_offset(struct draft *d, struct recent *r, struct str s)
{
    if (!s.len) return 0;
    struct recent_text *t = &r->at[hash_str(s) % RECENT];
    struct buf *heap = &d->strings.text;
    if (t->len == s.len && bytes_eq(heap->at + t->at, s.at, s.len)) return t->at;
    struct recent_text now = { (uint32_t)heap->len, (uint32_t)s.len };
    buf_str(heap, s);
    buf_byte(heap, 0);
    if (heap->full) return 0;
    *t = now;
    return t->at;
}

static void read_version(struct draft *d, const struct stanza *s, uint32_t file)
{
    char lower[NAME_MOST];
    struct str name = { lower, s->field[CONTROL_package].len };
    ascii_lower_copy(lower, s->field[CONTROL_package]); /* as dpkg and apt do */
    struct draft_version v = { .name = intern_number(&d->names, name), .next = NONE };
    struct str phased = s->field[CONTROL_phased];
    uint64_t percent = phased.len ? number_or_zero(phased) : 100;
    uint64_t size = number_or_zero(s->field[CONTROL_size]);
    if (size >> 40) size = 0; /* a terabyte is no package */
    if (v.name == UINT32_MAX) return;
    v.record = (struct version_record){
        .size_low = (uint32_t)size,
        .size_high = (uint8_t)(size >> 32),
        .version = recent_offset(d, &d->recent, s->field[CONTROL_version]),
        .homepage = recent_offset(d, &d->recent, clean(d, s->field[CONTROL_homepage])),
        .installed_kib = kib_or_most(number_or_zero(s->field[CONTROL_installed_size])),
        .source = source_of(d, s->field[CONTROL_source], name),
        .file = (uint16_t)file,
        .arch = arch_number(d, s->field[CONTROL_architecture], &d->files->at[file]),
        .flags = version_flags(s),
        .phased = percent < 100 ? (uint8_t)percent : 100,
    };
    if (v.record.arch == UINT8_MAX) v.record.arch = 0;
    read_relations(d, s, &v.record);
    read_provides(d, s, v.name);
    read_description(d, s, &v);

    uint32_t number = (uint32_t)(d->versions.len / sizeof v);
    uint32_t *heads = (uint32_t *)(void *)d->heads.at;
    if (d->heads.len == (size_t)v.name * sizeof number) {
        buf_put(&d->heads, &number, sizeof number);
    } else {
        v.next = heads[v.name];
        heads[v.name] = number;
    }
    buf_put(&d->versions, &v, sizeof v);
}

static bool draft_full(const struct draft *d)
{
    return d->versions.full || d->heads.full || d->tokens.full || d->summaries.full ||
           d->relation_lists.full || d->provided.full || d->providers.full ||
           intern_full(&d->strings) || intern_full(&d->names) || intern_full(&d->relations) ||
           intern_full(&d->vocabulary);
}

static bool stanza_good(const struct stanza *s)
{
    struct str version = s->field[CONTROL_version];
    return name_valid(s->field[CONTROL_package]) && version.len <= VERSION_MOST &&
           deb_version_valid(version, NULL);
}

/* Makes room for what a list of so many bytes usually holds, so that large pages are used from the
 * first byte. Room that is not needed is never touched. */
static void draft_expect(struct draft *d, size_t bytes)
{
    enum { SMALL = 1 << 20 };
    if (bytes < SMALL) return;
    buf_more(&d->versions, bytes / 768 * sizeof(struct draft_version));
    buf_more(&d->summaries, bytes / 16);
    buf_more(&d->tokens, bytes / 28);
    buf_more(&d->relation_lists, bytes / 60);
    buf_more(&d->strings.text, bytes / 24);
    buf_more(&d->names.text, bytes / 40);
}

enum err draft_read(struct draft *d, uint32_t file)
{
    struct str path = d->files->at[file].path;
    struct list_text l;
    enum err e = list_open(d->in, path, &l);
    if (e == ERR_RESOURCE_LIMIT) return e;
    if (e) {
        d->lists_missing++;
        return OK;
    }
    struct control c = { .rest = l.text };
    static struct stanza s;
    uint64_t left_out = 0;
    draft_expect(d, l.text.len);
    while (!draft_full(d) && control_next(&c, &s)) {
        if (stanza_good(&s)) read_version(d, &s, file);
        else left_out++;
    }
    if (left_out)
        inputs_note_many(d->in, path, left_out,
                         S("Records without a valid name and version were left out."));
    if (c.bad)
        inputs_note_many(d->in, path, c.bad,
                         S("Lines that are no field, or a field for the second time, were "
                           "passed over."));
    list_close(&l);
    return draft_full(d) ? ERR_RESOURCE_LIMIT : OK;
}
