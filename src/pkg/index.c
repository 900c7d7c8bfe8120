#include "pkg/index.h"

#include "base/hash.h"
#include "pkg/postings.h"

static bool sections_inside(const struct format_header *h, size_t size)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const struct format_section *s = &h->section[i];
        if (s->at % 64 || s->at > size || s->len > size - s->at) return false;
    }
    return true;
}

uint64_t index_checksum(struct str bytes)
{
    struct format_header h;
    memcpy(&h, bytes.at, sizeof h);
    h.checksum = 0;
    return hash_fold(hash_bytes((struct str){ (const char *)&h, sizeof h }),
                     hash_bytes(str_from(bytes, sizeof h)));
}

enum err index_file_open(struct index_file *f, struct str bytes, enum format_kind kind, bool whole,
                         struct fault *fault)
{
    *f = (struct index_file){ 0 };
    const struct format_header *h = (const struct format_header *)(const void *)bytes.at;
    if (bytes.len < sizeof *h || h->magic != FORMAT_MAGIC)
        return fail(fault, ERR_DAMAGED, "the index is not one of this machine's");
    if (h->version != (uint32_t)FORMAT_LAYOUT || h->kind != (uint32_t)kind)
        return fail(fault, ERR_DAMAGED, "the index is of layout %x, not %x", h->version,
                    (unsigned)FORMAT_LAYOUT);
    if (h->size != bytes.len || !sections_inside(h, bytes.len))
        return fail(fault, ERR_DAMAGED, "the index is cut off");
    if (whole && index_checksum(bytes) != h->checksum)
        return fail(fault, ERR_DAMAGED, "the checksum of the index is wrong");
    *f = (struct index_file){ bytes, h };
    return OK;
}

static uint32_t least(size_t a, size_t b)
{
    size_t n = a < b ? a : b;
    return n < NONE ? (uint32_t)n : NONE;
}

enum err index_attach(struct index *ix, const struct index_file *catalogue,
                      const struct index_file *overlay)
{
    if (catalogue) {
        ix->catalogue = *catalogue;
        if (!file_count(catalogue, SECTION_META, sizeof *ix->catalogue_meta)) return ERR_DAMAGED;
        ix->catalogue_meta = file_rows(catalogue, SECTION_META);
        size_t names = file_count(catalogue, SECTION_NAME_AT, sizeof(uint32_t));
        size_t firsts = file_count(catalogue, SECTION_FIRST, sizeof(uint32_t));
        uint32_t ends = least(names, firsts);
        ix->names = least(ix->catalogue_meta->names, ends ? ends - 1 : 0);
        ix->versions =
            least(file_count(catalogue, SECTION_VERSIONS, sizeof(struct version_record)), NONE);
        ix->cased = least(file_count(catalogue, SECTION_CASED, sizeof(struct cased_record)), NONE);
    }
    if (overlay) {
        ix->overlay = *overlay;
        if (!file_count(overlay, SECTION_META, sizeof *ix->overlay_meta)) return ERR_DAMAGED;
        ix->overlay_meta = file_rows(overlay, SECTION_META);
        ix->packages =
            least(file_count(overlay, SECTION_PACKAGES, sizeof(struct package_record)), NONE);
        ix->extras = least(file_count(overlay, SECTION_EXTRA, sizeof(struct extra_record)),
                           NONE - ix->names);
    }
    return OK;
}

enum err index_open(struct index *ix, struct str catalogue, struct str overlay, bool whole,
                    struct fault *f)
{
    struct index_file c, o;
    *ix = (struct index){ 0 };
    enum err e = index_file_open(&c, catalogue, KIND_CATALOGUE, whole, f);
    if (!e) e = index_file_open(&o, overlay, KIND_OVERLAY, whole, f);
    if (e) return e;
    if (o.header->parent != c.header->checksum)
        return fail(f, ERR_CONFLICT, "the overlay belongs to another catalogue");
    e = index_attach(ix, &c, &o);
    return e ? fail(f, e, "the index lacks its description") : OK;
}

enum err index_text_open(struct index *ix, struct str text, bool whole, struct fault *f)
{
    struct index_file t;
    enum err e = index_file_open(&t, text, KIND_TEXT, whole, f);
    if (e) return e;
    if (t.header->parent != ix->catalogue.header->checksum)
        return fail(f, ERR_CONFLICT, "the long texts belong to another catalogue");
    ix->text = t;
    return OK;
}

void index_close(struct index *ix)
{
    arena_close(&ix->memory);
    *ix = (struct index){ 0 };
}

struct str file_text(const struct index_file *f, enum section heap, uint32_t offset)
{
    struct str bytes = str_from(file_section(f, heap), offset);
    return str_head(bytes, str_chr(bytes, 0));
}

void index_versions(const struct index *ix, uint32_t name, uint32_t *first, uint32_t *end)
{
    *first = *end = 0;
    if (name >= ix->names) return;
    uint32_t from = file_u32(&ix->catalogue, SECTION_FIRST, name);
    uint32_t to = file_u32(&ix->catalogue, SECTION_FIRST, (size_t)name + 1);
    if (to > ix->versions) to = ix->versions;
    if (from < to) *first = from, *end = to;
}

const struct version_record *index_version(const struct index *ix, uint32_t row)
{
    static const struct version_record none;
    if (row >= ix->versions) return &none;
    return (const struct version_record *)file_rows(&ix->catalogue, SECTION_VERSIONS) + row;
}

const struct file_record *index_file_row(const struct index *ix, uint32_t file)
{
    static const struct file_record none;
    if (file >= file_count(&ix->catalogue, SECTION_FILES, sizeof none)) return &none;
    return (const struct file_record *)file_rows(&ix->catalogue, SECTION_FILES) + file;
}

const struct package_record *index_package(const struct index *ix, uint32_t row)
{
    static const struct package_record none = { .row = NONE, .candidate = NONE };
    if (row >= ix->packages) return &none;
    return (const struct package_record *)file_rows(&ix->overlay, SECTION_PACKAGES) + row;
}

const struct extra_record *index_extra(const struct index *ix, uint32_t row)
{
    static const struct extra_record none;
    if (row >= ix->extras) return &none;
    return (const struct extra_record *)file_rows(&ix->overlay, SECTION_EXTRA) + row;
}

struct str index_cased_name(const struct index *ix, uint32_t name)
{
    const struct cased_record *rows = file_rows(&ix->catalogue, SECTION_CASED);
    uint32_t from = 0, to = ix->cased;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (rows[middle].name < name) from = middle + 1;
        else to = middle;
    }
    if (from < ix->cased && rows[from].name == name) return index_string(ix, rows[from].text);
    return index_lower_name(ix, name);
}

uint32_t index_find(const struct index *ix, struct str name)
{
    enum { LENGTHS = 256 };
    char lower[LENGTHS];
    if (name.len >= LENGTHS) return NONE;
    uint32_t from = file_u32(&ix->catalogue, SECTION_LENGTHS, name.len);
    uint32_t to = file_u32(&ix->catalogue, SECTION_LENGTHS, name.len + 1);
    if (to > ix->names) to = ix->names;
    for (size_t i = 0; i < name.len; i++) lower[i] = ascii_lower(name.at[i]);
    struct str wanted = { lower, name.len };
    uint32_t end = to;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (str_cmp(index_lower_name(ix, middle), wanted) < 0) from = middle + 1;
        else to = middle;
    }
    for (; from < end && str_eq(index_lower_name(ix, from), wanted); from++)
        if (str_eq(index_name(ix, from), name)) return from;
    return NONE;
}

/* Extras are ordered by length, then by bytes. */
static int name_order(struct str a, struct str b)
{
    if (a.len != b.len) return a.len < b.len ? -1 : 1;
    return str_cmp(a, b);
}

uint32_t index_find_extra(const struct index *ix, struct str name)
{
    uint32_t from = 0, to = ix->extras;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = name_order(overlay_string(ix, index_extra(ix, middle)->name), name);
        if (order == 0) return middle;
        if (order < 0) from = middle + 1;
        else to = middle;
    }
    return NONE;
}

struct str any_name(const struct index *ix, uint32_t any)
{
    if (any < ix->names) return index_name(ix, any);
    return overlay_string(ix, index_extra(ix, any - ix->names)->name);
}

struct str any_summary(const struct index *ix, uint32_t any)
{
    if (any < ix->names) return index_summary(ix, any);
    return overlay_string(ix, index_extra(ix, any - ix->names)->summary);
}

bool any_installed(const struct index *ix, uint32_t any)
{
    if (any >= ix->names) return true;
    struct str bits = file_section(&ix->overlay, SECTION_INSTALLED);
    return any / 8 < bits.len && ((uint8_t)bits.at[any / 8] >> (any & 7) & 1);
}

uint32_t index_installed(const struct index *ix, uint32_t any)
{
    if (any >= ix->names) return index_extra(ix, any - ix->names)->package;
    if (!any_installed(ix, any)) return NONE;
    uint32_t from = 0, to = ix->packages;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (index_package(ix, middle)->name < any) from = middle + 1;
        else to = middle;
    }
    return index_package(ix, from)->name == any ? from : NONE;
}

static struct str arch_name(const struct index *ix, uint32_t arch)
{
    return index_string(ix, file_u32(&ix->catalogue, SECTION_ARCHS, arch));
}

/* An exception to "the first version", by name and architecture; false where there is none. */
static bool exception(const struct index *ix, uint32_t name, uint32_t arch, uint32_t *row)
{
    const struct candidate_record *rows = file_rows(&ix->overlay, SECTION_CANDIDATES);
    size_t from = 0, to = file_count(&ix->overlay, SECTION_CANDIDATES, sizeof *rows);
    size_t end = to;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct candidate_record *r = &rows[middle];
        if (r->name < name || (r->name == name && r->arch < arch)) from = middle + 1;
        else to = middle;
    }
    if (from == end || rows[from].name != name || rows[from].arch != arch) return false;
    *row = rows[from].row;
    return true;
}

uint32_t index_candidate(const struct index *ix, uint32_t any, uint32_t arch, uint32_t *package)
{
    *package = NONE;
    struct str wanted = arch_name(ix, arch);
    uint32_t p = index_installed(ix, any);
    for (; p < ix->packages && index_package(ix, p)->name == any; p++) {
        struct str own = overlay_string(ix, index_package(ix, p)->arch);
        if (!str_eq(own, wanted) && !(arch == 0 && str_eq(own, S("all")))) continue;
        if (index_package(ix, p)->candidate == NONE) *package = p;
        return index_package(ix, p)->candidate;
    }
    uint32_t row, first, end;
    if (any >= ix->names || exception(ix, any, arch, &row)) return any >= ix->names ? NONE : row;
    index_versions(ix, any, &first, &end);
    for (row = first; row < end; row++)
        if (index_version(ix, row)->arch == arch) return row;
    return NONE;
}

struct relation_walk index_relations(const struct index *ix, uint32_t list)
{
    struct str bytes = file_section(&ix->catalogue, SECTION_RELATION_LISTS);
    struct relation_walk w = { 0 };
    if (list == 0 || list >= bytes.len) return w;
    w.at = (const uint8_t *)bytes.at + list;
    w.end = (const uint8_t *)bytes.at + bytes.len;
    w.at = varint_get(w.at, w.end, &w.left);
    return w;
}

bool index_relation_next(const struct index *ix, struct relation_walk *w, struct str *relation)
{
    uint32_t number;
    if (w->left == 0 || w->at >= w->end) return false;
    w->left--;
    w->at = varint_get(w->at, w->end, &number);
    *relation = file_text(&ix->catalogue, SECTION_RELATIONS,
                          file_u32(&ix->catalogue, SECTION_RELATION_AT, number));
    return true;
}
