#include "pkg/writer.h"

#include "pkg/index.h"

enum { ALIGN = 64 };

static struct format_header *header(struct writer *w)
{
    return (struct format_header *)(void *)(w->out->at + w->start);
}

void writer_open(struct writer *w, struct buf *out, enum format_kind kind)
{
    *w = (struct writer){ out, kind, out->len };
    buf_repeat(out, 0, (sizeof(struct format_header) + ALIGN - 1) / ALIGN * ALIGN);
    if (out->full) return;
    *header(w) = (struct format_header){ .magic = FORMAT_MAGIC,
                                         .version = (uint32_t)FORMAT_LAYOUT,
                                         .kind = (uint32_t)kind };
}

void writer_section(struct writer *w, enum section s, const void *bytes, size_t len)
{
    size_t at = w->out->len - w->start;
    buf_put(w->out, bytes, len);
    buf_repeat(w->out, 0, (ALIGN - len % ALIGN) % ALIGN);
    if (!w->out->full) header(w)->section[s] = (struct format_section){ at, len };
}

void writer_inputs(struct writer *w, const struct inputs *in, unsigned parts,
                   struct intern *strings)
{
    struct buf rows = buf_make(UINT32_MAX);
    for (size_t i = 0; i < in->len; i++) {
        const struct input *input = &in->at[i];
        if (!(input->parts & parts)) continue;
        struct input_record r = { .inode = input->identity.inode,
                                  .size = input->identity.size,
                                  .mtime_ns = input->identity.mtime_ns,
                                  .ctime_ns = input->identity.ctime_ns,
                                  .path = intern_offset(strings, input->path) };
        buf_put(&rows, &r, sizeof r);
    }
    writer_buf(w, SECTION_INPUTS, &rows);
    rows.len = 0;
    for (size_t i = 0; i < in->notes_len; i++) {
        const struct note *n = &in->notes[i];
        if (!(n->part & parts)) continue;
        struct note_record r = { n->count, intern_offset(strings, n->path),
                                 intern_offset(strings, n->text) };
        buf_put(&rows, &r, sizeof r);
    }
    writer_buf(w, SECTION_NOTES, &rows);
    if (rows.full) w->out->full = true;
    buf_free(&rows);
}

enum err writer_finish(struct writer *w, uint64_t parent)
{
    if (w->out->full) return ERR_RESOURCE_LIMIT;
    struct format_header *h = header(w);
    h->size = w->out->len - w->start;
    h->parent = parent;
    h->checksum = index_checksum((struct str){ w->out->at + w->start, (size_t)h->size });
    return OK;
}
