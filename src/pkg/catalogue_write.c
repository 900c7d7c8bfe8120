/* Second step of the catalogue: the draft in order, with what search reads, as a file. */
#include "pkg/catalogue_order.h"
#include "pkg/deb_version.h"
#include "pkg/gram.h"
#include "pkg/gram_build.h"
#include "pkg/order.h"
#include "pkg/postings.h"
#include "pkg/writer.h"

/* The first sixteen bytes as two numbers that compare as they do; most names differ in them. */
struct name_key {
    uint64_t high, low;
};
struct name_keys {
    const struct name_key *at;
    const struct intern *names;
};

static struct name_key name_key(struct str name)
{
    char bytes[16] = { 0 };
    uint64_t high, low;
    ascii_lower_copy(bytes, str_head(name, sizeof bytes));
    memcpy(&high, bytes, 8);
    memcpy(&low, bytes + 8, 8);
    return (struct name_key){ __builtin_bswap64(high), __builtin_bswap64(low) };
}

/* Both have one length. */
static int by_lower(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len; i++) {
        unsigned char x = (unsigned char)ascii_lower(a.at[i]);
        unsigned char y = (unsigned char)ascii_lower(b.at[i]);
        if (x != y) return x < y ? -1 : 1;
    }
    return str_cmp(a, b);
}

static int by_key(uint32_t a, uint32_t b, const void *context)
{
    const struct name_keys *k = context;
    const struct name_key *x = &k->at[a], *y = &k->at[b];
    if (x->high != y->high) return x->high < y->high ? -1 : 1;
    if (x->low != y->low) return x->low < y->low ? -1 : 1;
    return by_lower(intern_text(k->names, a), intern_text(k->names, b));
}

/* By length, by counting; then those of one length by their bytes. */
static enum err order_names(struct ordered *o)
{
    const struct intern *names = &o->d->names;
    uint32_t ends[257] = { 0 }, starts[257];
    struct name_key *keys = arena_array(o->d->arena, (size_t)o->count + 1, sizeof *keys);
    if (!keys) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < o->count; i++) ends[intern_text(names, i).len + 1]++;
    for (size_t n = 1; n < 257; n++) ends[n] += ends[n - 1];
    memcpy(starts, ends, sizeof starts);
    for (uint32_t i = 0; i < o->count; i++) {
        struct str name = intern_text(names, i);
        keys[i] = name_key(name);
        o->name[ends[name.len]++] = i;
    }
    memcpy(o->lengths, starts, sizeof starts);
    o->lengths[257] = o->count;
    struct name_keys context = { keys, names };
    for (size_t n = 0; n < 256; n++)
        order_sort(o->name + starts[n], o->spare, starts[n + 1] - starts[n], by_key, &context);
    for (uint32_t i = 0; i < o->count; i++) o->place[o->name[i]] = i;
    return OK;
}

/* Native first, then the newest, then in apt's order of files. */
static int by_newest(uint32_t a, uint32_t b, const void *context)
{
    const struct draft *d = context;
    const struct draft_version *x = draft_version(d, a), *y = draft_version(d, b);
    if (x->record.arch != y->record.arch) return x->record.arch < y->record.arch ? -1 : 1;
    const char *heap = d->strings.text.at;
    int newer = deb_version_cmp(str_of(heap + y->record.version), str_of(heap + x->record.version));
    if (newer) return newer;
    return a < b ? -1 : a > b;
}

static void order_versions(struct ordered *o)
{
    const uint32_t *heads = (const uint32_t *)(const void *)o->d->heads.at;
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->count; i++) {
        o->first[i] = n;
        for (uint32_t v = heads[o->name[i]]; v != NONE; v = draft_version(o->d, v)->next)
            o->version[n++] = v;
        if (n - o->first[i] > 1)
            order_sort(o->version + o->first[i], o->spare, n - o->first[i], by_newest, o->d);
    }
    o->first[o->count] = n;
}

/* What is asked of each name's newest version, read in one walk: versions lie in the order of the
 * lists, so every step misses the caches, and is announced a few steps ahead. */
static void newest_versions(struct ordered *o)
{
    enum { AHEAD = 16 };
    for (uint32_t i = 0; i < o->count; i++) {
        if (i + AHEAD < o->count)
            __builtin_prefetch(draft_version(o->d, o->version[o->first[i + AHEAD]]));
        const struct draft_version *v = draft_version(o->d, o->version[o->first[i]]);
        o->summary_at[i] = v->record.summary;
        o->tokens[i] = v->tokens;
        o->tokens_len[i] = v->tokens_len;
    }
}

static enum err ordered_open(struct ordered *o, struct draft *d)
{
    *o = (struct ordered){ .d = d,
                           .count = d->names.count,
                           .versions = (uint32_t)(d->versions.len / sizeof(struct draft_version)) };
    size_t most = o->count > o->versions ? o->count : o->versions;
    uint32_t **arrays[] = { &o->name,    &o->place,      &o->first,  &o->version,   &o->spare,
                            &o->name_at, &o->summary_at, &o->tokens, &o->tokens_len };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = arena_array(d->arena, most + 1, sizeof(uint32_t))))
            return ERR_RESOURCE_LIMIT;
    if (order_names(o)) return ERR_RESOURCE_LIMIT;
    order_versions(o);
    newest_versions(o);
    return OK;
}

static enum err write_names(struct writer *w, struct ordered *o, struct gram_index *grams)
{
    struct draft *d = o->d;
    char *heap = arena_alloc(d->arena, d->names.text.len + 2);
    if (!heap) return ERR_RESOURCE_LIMIT;
    uint32_t at = 1;
    for (uint32_t i = 0; i < o->count; i++) {
        struct str name = intern_text(&d->names, o->name[i]);
        o->name_at[i] = at;
        ascii_lower_copy(heap + at, (struct str){ name.at, name.len + 1 });
        at += (uint32_t)name.len + 1;
    }
    o->name_at[o->count] = at;
    enum err e = gram_build(grams, d->arena, heap, o->name_at, o->count);
    if (!e) gram_write(w, grams, SECTION_NAME_FIRST);
    struct buf cased = buf_make(UINT32_MAX);
    for (uint32_t i = 0; i < o->count; i++) {
        struct str name = intern_text(&d->names, o->name[i]);
        if (bytes_eq(heap + o->name_at[i], name.at, name.len)) continue;
        struct cased_record r = { i, intern_offset(&d->strings, name) };
        buf_put(&cased, &r, sizeof r);
    }
    writer_buf(w, SECTION_CASED, &cased);
    if (cased.full) e = ERR_RESOURCE_LIMIT;
    buf_free(&cased);
    writer_section(w, SECTION_LENGTHS, o->lengths, sizeof o->lengths);
    writer_section(w, SECTION_NAMES, heap, at);
    writer_section(w, SECTION_NAME_AT, o->name_at, (o->count + 1) * sizeof *o->name_at);
    writer_section(w, SECTION_SUMMARY_AT, o->summary_at, o->count * sizeof *o->summary_at);
    writer_buf(w, SECTION_SUMMARIES, &d->summaries);
    return e;
}

static void write_versions(struct writer *w, struct ordered *o)
{
    struct buf rows = buf_make(UINT32_MAX);
    const char *heap = o->d->summaries.at;
    for (uint32_t i = 0; i < o->count; i++) {
        for (uint32_t v = o->first[i]; v < o->first[i + 1]; v++) {
            struct version_record r = draft_version(o->d, o->version[v])->record;
            bool same = v == o->first[i] || strcmp(heap + r.summary, heap + o->summary_at[i]) == 0;
            r.summary = same ? 0 : intern_offset(&o->d->strings, str_of(heap + r.summary));
            buf_put(&rows, &r, sizeof r);
        }
    }
    writer_buf(w, SECTION_VERSIONS, &rows);
    writer_section(w, SECTION_FIRST, o->first, (o->count + 1) * sizeof *o->first);
    if (rows.full) w->out->full = true;
    buf_free(&rows);
}

static void count_tokens(struct ordered *o, struct token_postings *p, bool write)
{
    enum { AHEAD = 16 };
    const uint32_t *tokens = (const uint32_t *)(const void *)o->d->tokens.at;
    for (uint32_t i = 0; i < o->count; i++) {
        const uint32_t *own = tokens + o->tokens[i];
        if (i + AHEAD < o->count) __builtin_prefetch(tokens + o->tokens[i + AHEAD]);
        for (uint32_t t = 0; t < o->tokens_len[i]; t++) {
            uint32_t token = own[t];
            if (p->last[token] == i + 1) continue;
            uint32_t step = i + 1 - p->last[token];
            p->last[token] = i + 1;
            if (write) {
                p->at[token] = (uint32_t)(varint_put(p->bytes + p->at[token], step) - p->bytes);
            } else {
                p->at[token] += (uint32_t)varint_size(step);
                p->df[token]++;
            }
        }
    }
}

static enum err write_tokens(struct writer *w, struct ordered *o, struct token_postings *p,
                             struct gram_index *grams)
{
    struct draft *d = o->d;
    uint32_t count = d->vocabulary.count;
    uint32_t *starts = arena_array(d->arena, (size_t)count + 1, sizeof *starts);
    p->last = arena_array(d->arena, (size_t)count + 1, sizeof *p->last);
    p->at = arena_array(d->arena, (size_t)count + 1, sizeof *p->at);
    p->df = arena_array(d->arena, (size_t)count + 1, sizeof *p->df);
    if (!starts || !p->last || !p->at || !p->df) return ERR_RESOURCE_LIMIT;
    count_tokens(o, p, false);
    uint64_t total = 0;
    for (uint32_t t = 0; t < count; t++) {
        starts[t] = (uint32_t)total;
        total += p->at[t];
        p->at[t] = starts[t];
    }
    starts[count] = (uint32_t)total;
    p->bytes = total < UINT32_MAX ? arena_alloc(d->arena, (size_t)total + 1) : NULL;
    if (!p->bytes) return ERR_RESOURCE_LIMIT;
    memset(p->last, 0, count * sizeof *p->last);
    count_tokens(o, p, true);
    p->at = starts;
    writer_section(w, SECTION_SUMMARY_POSTING_AT, starts, ((size_t)count + 1) * sizeof *starts);
    writer_section(w, SECTION_SUMMARY_POSTINGS, p->bytes, (size_t)total);

    uint32_t end = (uint32_t)d->vocabulary.text.len;
    buf_put(&d->vocabulary.at, &end, sizeof end); /* one more than there are texts */
    if (d->vocabulary.at.full) return ERR_RESOURCE_LIMIT;
    writer_buf(w, SECTION_TOKEN_AT, &d->vocabulary.at);
    writer_buf(w, SECTION_TOKENS, &d->vocabulary.text);
    enum err e = gram_build(grams, d->arena, d->vocabulary.text.at,
                            (const uint32_t *)(const void *)d->vocabulary.at.at, count);
    if (!e) gram_write(w, grams, SECTION_TOKEN_FIRST);
    return e;
}

static int by_number(uint32_t a, uint32_t b, const void *context)
{
    (void)context;
    return a < b ? -1 : a > b;
}

/* Writes one list of providers: who is as long as there are, in any order, and is put in order. */
static void put_providers(struct buf *lists, uint32_t *who, uint32_t *spare, uint32_t count)
{
    uint32_t before = UINT32_MAX;
    order_sort(who, spare, count, by_number, NULL);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[5];
        if (who[i] == before) continue;
        buf_put(lists, bytes, (size_t)(varint_put(bytes, who[i] - before) - bytes));
        before = who[i];
    }
}

/* Who provides what, by the hash of the virtual name. */
static enum err write_virtuals(struct writer *w, struct ordered *o)
{
    struct draft *d = o->d;
    const uint64_t *hash = (const uint64_t *)(const void *)d->provided.at;
    const uint32_t *provider = (const uint32_t *)(const void *)d->providers.at;
    uint32_t n = (uint32_t)(d->provided.len / sizeof *hash);
    uint32_t *order = arena_array(d->arena, (size_t)n + 1, sizeof *order);
    uint32_t *who = arena_array(d->arena, (size_t)n + 1, sizeof *who);
    uint32_t *spare = arena_array(d->arena, (size_t)n + 1, sizeof *spare);
    if (!order || !who || !spare) return ERR_RESOURCE_LIMIT;
    if (order_hashes(order, hash, n, d->arena)) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < n; i++) who[i] = o->place[provider[order[i]]];

    struct buf rows = buf_make(UINT32_MAX), lists = buf_make(UINT32_MAX);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && hash[order[to]] == hash[order[from]];) to++;
        struct virtual_record r = { hash[order[from]], (uint32_t)lists.len, 0 };
        put_providers(&lists, who + from, spare, to - from);
        r.len = (uint32_t)lists.len - r.providers;
        buf_put(&rows, &r, sizeof r);
    }
    writer_buf(w, SECTION_VIRTUAL, &rows);
    writer_buf(w, SECTION_PROVIDERS, &lists);
    enum err e = rows.full || lists.full ? ERR_RESOURCE_LIMIT : OK;
    buf_free(&rows);
    buf_free(&lists);
    return e;
}

static struct file_record file_record(struct intern *t, const struct apt_file *f)
{
    return (struct file_record){
        .path = intern_offset(t, f->path),
        .translation = intern_offset(t, f->translation),
        .uri = intern_offset(t, f->uri),
        .site = intern_offset(t, f->site),
        .release = intern_offset(t, f->release),
        .archive = intern_offset(t, f->archive),
        .codename = intern_offset(t, f->codename),
        .version = intern_offset(t, f->version),
        .origin = intern_offset(t, f->origin),
        .label = intern_offset(t, f->label),
        .component = intern_offset(t, f->component),
        .arch = intern_offset(t, f->arch),
        .repo = intern_offset(t, f->repo),
        .not_automatic = f->not_automatic,
        .automatic_upgrades = f->automatic_upgrades,
        .security = f->security,
    };
}

static void write_rest(struct writer *w, struct ordered *o)
{
    struct draft *d = o->d;
    struct buf rows = buf_make(UINT32_MAX);
    for (size_t i = 0; i < d->files->len; i++) {
        struct file_record r = file_record(&d->strings, &d->files->at[i]);
        buf_put(&rows, &r, sizeof r);
    }
    writer_buf(w, SECTION_FILES, &rows);
    rows.len = 0;
    for (size_t i = 0; i < d->archs->len; i++) {
        uint32_t name = intern_offset(&d->strings, d->archs->at[i]);
        buf_put(&rows, &name, sizeof name);
    }
    writer_buf(w, SECTION_ARCHS, &rows);
    if (rows.full) w->out->full = true;
    buf_free(&rows);
    writer_buf(w, SECTION_RELATION_AT, &d->relations.at);
    writer_buf(w, SECTION_RELATIONS, &d->relations.text);
    writer_buf(w, SECTION_RELATION_LISTS, &d->relation_lists);
    struct catalogue_meta meta = { o->count,
                                   o->versions,
                                   (uint32_t)d->files->len,
                                   d->vocabulary.count,
                                   d->relations.count,
                                   (uint32_t)d->archs->len,
                                   d->inline_texts,
                                   d->lists_missing };
    writer_section(w, SECTION_META, &meta, sizeof meta);
    writer_inputs(w, d->in, PART_CATALOGUE, &d->strings);
    writer_buf(w, SECTION_STRINGS, &d->strings.text);
}

enum err draft_write(struct draft *d, struct buf *out)
{
    struct ordered o;
    struct writer w;
    struct token_postings p = { 0 };
    struct gram_index names, tokens;
    enum err e = ordered_open(&o, d);
    if (e) return e;
    writer_open(&w, out, KIND_CATALOGUE);
    e = write_names(&w, &o, &names);
    if (!e) write_versions(&w, &o);
    if (!e) e = write_tokens(&w, &o, &p, &tokens);
    if (!e) e = dense_write(&w, &o, &names, &tokens, &p);
    if (!e) e = write_virtuals(&w, &o);
    if (e) return e;
    write_rest(&w, &o);
    if (intern_full(&d->strings)) return ERR_RESOURCE_LIMIT;
    return writer_finish(&w, 0);
}

enum err catalogue_build(struct inputs *in, struct arena *a, const struct apt_archs *archs,
                         const struct apt_files *files, struct buf *out)
{
    struct draft d;
    enum err e = draft_open(&d, in, a, archs, files);
    for (uint32_t i = 0; !e && i < files->len && i < UINT16_MAX; i++) e = draft_read(&d, i);
    if (!e) e = draft_write(&d, out);
    draft_close(&d);
    return e;
}
