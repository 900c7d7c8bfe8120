/* Any bytes as a package list, behind the first RS (1E) as a Translation, behind the second as a
 * status file, behind the third as extended_states: an index is built of them, sound by its own
 * checksum, and everything that it offers can be found again, and is well-formed text. */
#include "../made_packages.h"

#include "pkg/deb_version.h"
#include "pkg/longtext.h"
#include "pkg/query.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 4 };

static struct index_root root;
static int part_fd[PARTS];

static void root_remove(void)
{
    index_root_free(&root);
}

static void root_make(void)
{
    static const char *const paths[PARTS] = { MAIN, ENGLISH, STATUS_, EXTENDED };
    if (root.fd) return;
    index_root_make(&root);
    atexit(root_remove);
    for (size_t i = 0; i < PARTS; i++) part_fd[i] = index_root_open(&root, paths[i]);
}

static void part_write(size_t i, struct str text)
{
    need(ftruncate(part_fd[i], 0) == 0 && lseek(part_fd[i], 0, SEEK_SET) == 0);
    need(write_all(part_fd[i], text, NULL) == OK);
}

static void sound_text(struct str s)
{
    need(utf8_valid(s) && str_chr(s, 0) == s.len);
}

static void sound_line(struct str s)
{
    sound_text(s);
    need(str_chr(s, '\n') == s.len);
}

/* A search for the name shows it first; one for a word of its summary counts it. */
static void check_found(struct index *ix, uint32_t any, struct arena *a)
{
    struct str name = any_name(ix, any), summary = any_summary(ix, any), word;
    struct search_request q = { .query = name, .limit = { true, 1000 } };
    struct search_result r;
    need(query_search(ix, &q, &r, a, NULL) == OK && r.packages.len);
    need(str_eq_ascii(r.packages.at[0].name, name) && r.packages.at[0].version.len);
    if (!str_word(&summary, &word)) return;
    q.query = word;
    need(query_search(ix, &q, &r, a, NULL) == OK);
    bool there = r.total > r.packages.len;
    for (size_t i = 0; i < r.packages.len; i++) there |= str_eq(r.packages.at[i].name, name);
    need(there);
}

static void check_info(struct index *ix, uint32_t any, struct arena *a)
{
    struct info_request q = { .package = any_name(ix, any) };
    struct detailed_package_info r;
    need(query_info(ix, &q, &r, a, NULL) == OK && str_eq(r.name, q.package) && r.version.len);
    sound_line(r.version);
    sound_text(r.description);
    sound_text(r.url);
    for (size_t i = 0; i < r.depends.len; i++) sound_text(r.depends.at[i]);
}

static void check_versions(const struct index *ix, uint32_t name)
{
    uint32_t first, end;
    index_versions(ix, name, &first, &end);
    need(first < end);
    for (uint32_t row = first; row < end; row++) {
        const struct version_record *v = index_version(ix, row);
        struct str version = index_string(ix, v->version);
        need(deb_version_valid(version, NULL) && v->phased <= 100 && v->file < 2 && v->arch < 2);
        if (row == first || v->arch != index_version(ix, row - 1)->arch) continue;
        need(deb_version_cmp(index_string(ix, index_version(ix, row - 1)->version), version) >= 0);
    }
}

static void check_names(struct index *ix, struct arena *a)
{
    for (uint32_t any = 0; any < ix->names + ix->extras; any++) {
        struct str name = any_name(ix, any);
        need(name.len && name.len <= 255);
        sound_line(name);
        sound_line(any_summary(ix, any));
        need(any_summary(ix, any).len <= 4096);
        need(any < ix->names ? index_find(ix, name) == any
                             : index_find_extra(ix, name) == any - ix->names);
        if (any < ix->names) check_versions(ix, any);
        if (any % 8) continue; /* the rest costs more */
        check_found(ix, any, a);
        check_info(ix, any, a);
        arena_reset(a, 1 << 20);
    }
}

static void check_notes(const struct index_file *f)
{
    const struct note_record *rows = file_rows(f, SECTION_NOTES);
    for (size_t i = 0; i < file_count(f, SECTION_NOTES, sizeof *rows); i++) {
        sound_text(file_text(f, SECTION_STRINGS, rows[i].path));
        sound_line(file_text(f, SECTION_STRINGS, rows[i].text));
        need(rows[i].count > 0);
    }
}

static void check_texts(const struct index *ix, struct arena *a)
{
    size_t n = file_count(&ix->text, SECTION_TEXT_KEYS, sizeof(uint64_t));
    const uint64_t *keys = file_rows(&ix->text, SECTION_TEXT_KEYS);
    for (size_t i = 0; i < n; i++) {
        need(i == 0 || keys[i - 1] < keys[i]);
        sound_text(longtext_find(ix, keys[i], a));
        arena_reset(a, 1 << 20);
    }
}

static void check_machine(struct index *ix, struct arena *a)
{
    struct explicit_result r;
    const struct overlay_meta *m = ix->overlay_meta;
    need(m->packages == ix->packages && m->total <= ix->packages && m->explicit_ <= ix->packages);
    need(m->orphans + m->explicit_ <= ix->packages && m->updates <= ix->packages);
    need(query_explicit(ix, NULL, &r, a, NULL) == OK && r.packages.len == m->explicit_);
    for (size_t i = 0; i < r.packages.len; i++) sound_line(r.packages.at[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena a;
    struct str rest = { (const char *)data, size }, part;
    root_make();
    if (!a.at) need(arena_open(&a, (size_t)1 << 30) == OK);
    for (size_t i = 0; i < PARTS; i++) {
        part = rest;
        if (i + 1 < PARTS && !str_cut(&rest, '\x1e', &part)) part = STR_NONE;
        part_write(i, part);
    }
    need(index_root_build(&root) == OK);
    check_names(&root.ix, &a);
    check_notes(&root.ix.catalogue);
    check_notes(&root.ix.overlay);
    check_notes(&root.ix.text);
    check_texts(&root.ix, &a);
    check_machine(&root.ix, &a);
    arena_reset(&a, 1 << 20);
    return 0;
}
