#include "pkg/inputs.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { INPUTS_MOST = 65536 };

enum err inputs_open(struct inputs *in, int root, struct arena *a)
{
    *in = (struct inputs){ .root = root, .arena = a, .part = PART_CATALOGUE, .room = 256 };
    in->at = arena_array(a, in->room, sizeof *in->at);
    in->notes = arena_array(a, INPUTS_NOTES, sizeof *in->notes);
    return in->at && in->notes ? OK : ERR_RESOURCE_LIMIT;
}

static struct identity identity_from(const struct stat *st)
{
    return (struct identity){
        .inode = st->st_ino,
        .size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
    };
}

struct identity identity_of(int root, const char *path)
{
    struct stat st;
    bool there = root == AT_FDCWD ? stat(path, &st) == 0 : file_stat(root, path, &st);
    return there ? identity_from(&st) : (struct identity){ 0 };
}

static struct input *remember(struct inputs *in, struct str path)
{
    while (path.len && path.at[0] == '/') path = str_from(path, 1);
    for (size_t i = 0; i < in->len; i++) {
        if (!str_eq(in->at[i].path, path)) continue;
        in->at[i].parts |= in->part;
        return &in->at[i];
    }
    if (in->len == in->room) {
        struct input *larger =
            in->room < INPUTS_MOST ? arena_array(in->arena, in->room * 2, sizeof *larger) : NULL;
        if (!larger) return NULL;
        memcpy(larger, in->at, in->len * sizeof *larger);
        in->at = larger;
        in->room *= 2;
    }
    struct str kept = arena_copy(in->arena, path);
    if (!kept.at || memchr(kept.at, 0, kept.len)) return NULL;
    struct input *i = &in->at[in->len++];
    *i = (struct input){ kept, identity_of(in->root, kept.at), in->part };
    return i;
}

void inputs_watch(struct inputs *in, struct str path)
{
    remember(in, path);
}

void inputs_incomplete(struct inputs *in)
{
    struct input *i = remember(in, S(""));
    if (i) i->identity.inode = UINT64_MAX;
}

static void could_not_read(struct inputs *in, const struct input *i, enum err e, size_t limit,
                           const struct fault *f)
{
    if (e == ERR_NOT_FOUND) return;
    inputs_note(in, i->path, "It could not be read: %s.", f->text);
    bool forbidden = e == ERR_FORBIDDEN || i->identity.size > limit;
    if (in->failed || forbidden || !i->identity.inode) return;
    in->failed = e;
    in->fault = *f;
}

enum err inputs_read(struct inputs *in, struct str path, size_t limit, struct str *text)
{
    *text = STR_NONE;
    struct input *i = remember(in, path);
    if (!i) return ERR_RESOURCE_LIMIT;
    struct buf b = buf_make(limit);
    struct fault f = { "" };
    enum err e = file_read(in->root, i->path.at, &b, &f);
    if (!e) *text = arena_copy(in->arena, buf_view(&b));
    if (!e && !text->at) e = ERR_RESOURCE_LIMIT;
    if (e) could_not_read(in, i, e, limit, &f);
    buf_free(&b);
    return e;
}

enum err inputs_map(struct inputs *in, struct str path, struct map *m)
{
    struct input *i = remember(in, path);
    if (!i) return ERR_RESOURCE_LIMIT;
    struct fault f = { "" };
    enum err e = map_open(in->root, i->path.at, m, &f);
    if (e) could_not_read(in, i, e, SIZE_MAX, &f);
    return e;
}

enum err inputs_folder(struct inputs *in, struct str path, struct names *names)
{
    *names = (struct names){ 0 };
    struct input *i = remember(in, path);
    if (!i) return ERR_RESOURCE_LIMIT;
    struct fault f = { "" };
    enum err e = folder_names(in->root, i->path.at, in->arena, names, &f);
    if (e) could_not_read(in, i, e, SIZE_MAX, &f);
    return e;
}

void inputs_note_many(struct inputs *in, struct str path, uint64_t count, struct str text)
{
    for (size_t i = 0; i < in->notes_len; i++) {
        struct note *n = &in->notes[i];
        if (n->part != (in->part & (~in->part + 1))) continue;
        if (!str_eq(n->path, path) || !str_eq(n->text, text)) continue;
        n->count += count;
        return;
    }
    if (in->notes_len == INPUTS_NOTES) {
        in->notes[INPUTS_NOTES - 1].count += count;
        return;
    }
    /* What concerns several parts is told once: the first of them changes when any does. */
    in->notes[in->notes_len++] = (struct note){ .path = arena_copy(in->arena, path),
                                                .part = in->part & (~in->part + 1),
                                                .text = arena_copy(in->arena, text),
                                                .count = count };
}

void inputs_note(struct inputs *in, struct str path, const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    inputs_note_many(in, path, 1, str_of(text));
}
