#include "pkg/build.h"

#include "base/power.h"
#include "pkg/apt.h"
#include "pkg/catalogue_build.h"
#include "pkg/dpkg.h"
#include "pkg/longtext.h"
#include "pkg/overlay_build.h"

#include <fcntl.h>

struct world {
    const struct build *b;
    struct arena arena;
    struct inputs in;
    struct apt_conf conf;
    struct dpkg_world dpkg;
    struct apt_files files;
    bool status_missing;
};

/* The most address space that the system grants; pages are used only as they are touched. */
static enum err arena_large(struct arena *a)
{
    enum err e = ERR_RESOURCE_LIMIT;
    for (size_t limit = (size_t)1 << (sizeof(size_t) > 4 ? 36 : 30); e && limit >= 1 << 26;
         limit /= 2)
        e = arena_open(a, limit);
    return e;
}

/* From here on only what apt's and dpkg's own folders hold can be opened. */
static enum err confine(struct world *w, struct fault *f)
{
    struct arena *a = &w->arena;
    struct str paths[] = { S("etc/apt"),
                           S("etc/dpkg"),
                           S("var/lib/dpkg"),
                           S("var/lib/apt"),
                           S("usr/share/doc"),
                           apt_conf_path(&w->conf, a, S("Dir::State::lists")),
                           apt_conf_path(&w->conf, a, S("Dir::State::status")),
                           apt_conf_path(&w->conf, a, S("Dir::State::extended_states")),
                           apt_conf_path(&w->conf, a, S("Dir::Etc::sourcelist")),
                           apt_conf_path(&w->conf, a, S("Dir::Etc::sourceparts")),
                           apt_conf_path(&w->conf, a, S("Dir::Etc::preferences")),
                           apt_conf_path(&w->conf, a, S("Dir::Etc::preferencesparts")) };
    return power_confine(w->b->root, paths, sizeof paths / sizeof *paths, f);
}

static enum err machine_read(struct world *w, struct fault *f)
{
    enum err e = inputs_open(&w->in, w->b->root, &w->arena);
    w->in.part = PART_CATALOGUE | PART_OVERLAY;
    if (!e) e = apt_conf_read(&w->in, &w->conf);
    if (e) return e;
    inputs_watch(&w->in, S("var/lib/dpkg/arch"));
    e = confine(w, f);
    if (e) return e;
    w->in.part = PART_OVERLAY;
    e = dpkg_read(&w->in, &w->conf, &w->dpkg);
    w->status_missing = e == ERR_NOT_FOUND;
    if (w->status_missing) e = apt_archs_read(&w->in, &w->conf, STR_NONE, &w->dpkg.archs);
    return e;
}

static enum err catalogue_make(struct world *w, struct build_output *out,
                               struct index_file *catalogue)
{
    w->in.part = PART_CATALOGUE;
    enum err e = apt_files_read(&w->in, &w->conf, &w->dpkg.archs, &w->files);
    if (!e) e = catalogue_build(&w->in, &w->arena, &w->dpkg.archs, &w->files, &out->catalogue);
    if (!e) e = index_file_open(catalogue, buf_view(&out->catalogue), KIND_CATALOGUE, false, NULL);
    return e;
}

static enum err overlay_make(struct world *w, const struct index_file *catalogue,
                             struct build_output *out)
{
    w->in.part = PART_OVERLAY;
    return overlay_build(&w->in, &w->arena, &w->conf, &w->dpkg, w->status_missing, catalogue,
                         &w->b->overlay, w->b->kernel, &out->overlay);
}

/* The lists are those of the catalogue that the texts go with. */
static enum err text_make(struct world *w, const struct index_file *catalogue,
                          struct build_output *out)
{
    struct index ix = { 0 };
    enum err e = index_attach(&ix, catalogue, NULL);
    if (e) return e;
    struct apt_files files = { arena_array(&w->arena, (size_t)ix.catalogue_meta->files + 1,
                                           sizeof *files.at),
                               ix.catalogue_meta->files };
    if (!files.at) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < files.len; i++) {
        files.at[i].path = index_string(&ix, index_file_row(&ix, i)->path);
        files.at[i].translation = index_string(&ix, index_file_row(&ix, i)->translation);
    }
    w->in.part = PART_TEXT;
    return longtext_build(&w->in, &w->arena, &files, ix.catalogue_meta->inline_texts,
                          catalogue->header->checksum, &out->text);
}

/* Whether a file was written to while it was read, so that a part of it may be the old and a part
 * the new one. One that was replaced as a whole is whole either way. */
static bool torn(const struct inputs *in)
{
    for (size_t i = 0; i < in->len; i++) {
        const struct input *x = &in->at[i];
        struct stat st;
        if (!x->identity.inode || !file_stat(in->root, x->path.at, &st)) continue;
        if (!S_ISREG(st.st_mode) || st.st_ino != x->identity.inode) continue;
        int64_t mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        if ((uint64_t)st.st_size != x->identity.size || mtime_ns != x->identity.mtime_ns)
            return true;
    }
    return false;
}

enum err build_parts(const struct build *b, struct build_output *out, struct fault *f)
{
    struct world w = { .b = b };
    struct fault told = { "" };
    struct index_file catalogue = b->catalogue;
    enum err e = arena_large(&w.arena);
    if (!e) e = machine_read(&w, &told);
    if (!e && b->parts & PART_CATALOGUE) e = catalogue_make(&w, out, &catalogue);
    if (!e && !catalogue.header) e = ERR_INTERNAL;
    if (!e && b->parts & PART_OVERLAY) e = overlay_make(&w, &catalogue, out);
    if (!e && b->parts & PART_TEXT) e = text_make(&w, &catalogue, out);
    if (!e && torn(&w.in)) e = ERR_BUSY;
    arena_close(&w.arena);
    if (w.in.failed && (!e || e == w.in.failed)) return fail(f, w.in.failed, "%s", w.in.fault.text);
    if (e == ERR_BUSY) return fail(f, e, "the package lists changed while they were being read");
    if (e == ERR_RESOURCE_LIMIT && !told.text[0])
        return fail(f, e, "the package lists need more memory than there is");
    return e ? fail(f, e, "%s", told.text[0] ? told.text : "the package index could not be built")
             : OK;
}

bool build_fresh(const struct index_file *file, int root, bool slash)
{
    const struct input_record *rows = file_rows(file, SECTION_INPUTS);
    size_t n = file_count(file, SECTION_INPUTS, sizeof *rows);
    char path[4096];
    for (size_t i = 0; i < n; i++) {
        struct str below = file_text(file, SECTION_STRINGS, rows[i].path);
        if (below.len + 2 > sizeof path) return false;
        path[0] = '/';
        memcpy(path + 1, below.at, below.len);
        path[below.len + 1] = 0;
        struct identity now = identity_of(slash ? AT_FDCWD : root, path);
        if (now.inode != rows[i].inode || now.size != rows[i].size ||
            now.mtime_ns != rows[i].mtime_ns || now.ctime_ns != rows[i].ctime_ns)
            return false;
    }
    return true;
}
