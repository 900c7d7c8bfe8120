#include "door/history.h"

#include "base/file.h"
#include "base/glyph.h"
#include "door/words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    FILE_MOST = 1 << 20,               /* bytes that are read; of a larger file its end */
    FILE_LINES = 3 * HISTORY_MOST / 2, /* more lines than this, and the file is written anew */
    TRIES = 5,                         /* when the file is renamed away under our hands */
};

static const char name[] = "history", draft[] = "history.new";

/* --- lines in memory --------------------------------------------------------------------- */

/* Whether a line is text that may go to a terminal. */
static bool is_clean(struct str line)
{
    uint32_t point;
    if (!line.len || line.len > LINE_MOST || !utf8_valid(line)) return false;
    while (line.len) {
        line = str_from(line, utf8_next(line, &point));
        if (point != '\t' && glyph_hostile(point)) return false;
    }
    return true;
}

static void drop_oldest(struct history *h)
{
    size_t n = strlen(h->lines.at) + 1;
    memmove(h->lines.at, h->lines.at + n, h->lines.len - n);
    h->lines.len -= n;
    h->count--;
}

const char *history_next(const struct history *h, const char *line)
{
    const char *at = line ? line + strlen(line) + 1 : h->lines.at;
    return h->count && at < h->lines.at + h->lines.len ? at : NULL;
}

static struct str newest(const struct history *h)
{
    size_t from = h->lines.len;
    if (!h->count) return STR_NONE;
    for (from--; from && h->lines.at[from - 1]; from--) continue;
    return str_of(h->lines.at + from);
}

/* False where the line is not one to be remembered. */
static bool remember(struct history *h, struct str line)
{
    if (!is_clean(line) || ascii_space(line.at[0]) || str_eq(line, newest(h))) return false;
    while (h->count && (h->count == HISTORY_MOST || h->lines.len + line.len >= h->lines.limit))
        drop_oldest(h);
    buf_str(&h->lines, line);
    buf_byte(&h->lines, 0);
    h->count++;
    return true;
}

/* --- the file ---------------------------------------------------------------------------- */

/* Makes what is missing of a path (XDG: 0700), but nothing in a folder that is somebody else's: as
 * root with the HOME of a user one would leave there what the user cannot use. */
static void folders_make(char *path)
{
    struct stat st;
    bool own = false, last = false;
    for (char *c = path + 1; !last; c++) {
        if (*c && *c != '/') continue;
        last = !*c;
        *c = 0;
        if (stat(path, &st) == 0) own = st.st_uid == geteuid();
        else if (!own || mkdir(path, 0700) != 0) return;
        if (!last) *c = '/';
    }
}

static int folder_open(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char path[PATH_MAX];
    struct stat st;
    int n = -1;
    if (state && state[0] == '/') n = snprintf(path, sizeof path, "%s/omg", state);
    else if (home && home[0] == '/') n = snprintf(path, sizeof path, "%s/.local/state/omg", home);
    if (n <= 0 || (size_t)n >= sizeof path) return -1;
    folders_make(path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -1;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return fd;
    close(fd);
    return -1;
}

static bool is_ours(int fd, struct stat *st)
{
    return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
           st->st_nlink <= 1;
}

/* Others hold the lock for a moment only; one that was stopped meanwhile is not waited for. */
static bool lock(int fd)
{
    enum { WAITS = 100, WAIT_NS = 5 * 1000 * 1000 };
    for (int i = 0; i < WAITS; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK && errno != EINTR) return false;
        nanosleep(&(struct timespec){ 0, WAIT_NS }, NULL);
    }
    return false;
}

/* The file, locked, and surely the one that has the name; -1 where there is none to be used. */
static int file_lock(int folder)
{
    for (int i = 0; folder >= 0 && i < TRIES; i++) {
        struct stat st, now;
        int fd = openat(folder, name,
                        O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd < 0) return -1;
        if (!lock(fd) || !is_ours(fd, &st)) {
            close(fd);
            return -1;
        }
        if (fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == st.st_ino &&
            now.st_dev == st.st_dev) {
            if (st.st_mode & (S_IRWXG | S_IRWXO)) fchmod(fd, 0600);
            return fd;
        }
        close(fd); /* somebody wrote it anew meanwhile */
    }
    return -1;
}

/* Appends the file's end to text, beginning with a whole line. */
static bool file_take(int fd, struct buf *text)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return false;
    off_t from = st.st_size > FILE_MOST ? st.st_size - FILE_MOST : 0;
    char *to = buf_more(text, FILE_MOST);
    ssize_t n = 1;
    while (to && n > 0 && text->len < FILE_MOST) {
        n = pread(fd, to + text->len, FILE_MOST - text->len, from + (off_t)text->len);
        if (n > 0) text->len += (size_t)n;
        if (n < 0 && errno == EINTR) n = 1;
    }
    if (from && text->len) {
        size_t cut = str_chr(buf_view(text), '\n') + 1;
        cut = cut < text->len ? cut : text->len;
        memmove(text->at, text->at + cut, text->len - cut);
        text->len -= cut;
    }
    return n >= 0;
}

static void remember_all(struct history *h, struct str text)
{
    struct str line;
    while (str_cut(&text, '\n', &line)) remember(h, line);
}

void history_open(struct history *h)
{
    struct buf text = buf_make(FILE_MOST);
    *h = (struct history){ .lines = buf_make(FILE_MOST), .folder = folder_open() };
    int fd = file_lock(h->folder);
    if (fd >= 0) {
        if (file_take(fd, &text)) remember_all(h, buf_view(&text));
        close(fd);
    }
    buf_free(&text);
}

void history_close(struct history *h)
{
    if (h->folder >= 0) close(h->folder);
    buf_free(&h->lines);
    *h = (struct history){ .folder = -1 };
}

static size_t count_lines(struct str text)
{
    struct str line;
    size_t n = 0;
    while (str_cut(&text, '\n', &line)) n++;
    return n;
}

/* Writes the newest lines of text aside and renames them over the file. */
static void write_anew(int folder, struct str text)
{
    struct history all = { .lines = buf_make(FILE_MOST), .folder = -1 };
    unlinkat(folder, draft, 0);
    int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return;
    remember_all(&all, text);
    for (size_t i = 0; i < all.lines.len; i++)
        if (!all.lines.at[i]) all.lines.at[i] = '\n';
    enum err e = write_all(fd, buf_view(&all.lines), NULL);
    close(fd);
    if (e || renameat(folder, draft, folder, name) != 0) unlinkat(folder, draft, 0);
    history_close(&all);
}

static struct str last_line(struct str text)
{
    if (str_ends(text, S("\n"))) text.len--;
    for (size_t i = text.len; i-- > 0;)
        if (text.at[i] == '\n') return str_from(text, i + 1);
    return text;
}

void history_add(struct history *h, struct str line)
{
    struct buf text = buf_make(FILE_MOST), one = buf_make(LINE_MOST + 2);
    while (line.len && ascii_space(line.at[line.len - 1])) line.len--;
    if (!remember(h, line)) return;
    int fd = file_lock(h->folder);
    if (fd >= 0 && file_take(fd, &text) && !str_eq(last_line(buf_view(&text)), line)) {
        if (text.len && text.at[text.len - 1] != '\n') buf_byte(&one, '\n'); /* cut short */
        buf_str(&one, line);
        buf_byte(&one, '\n');
        enum err e = write_all(fd, buf_view(&one), NULL);
        struct stat st;
        bool large = fstat(fd, &st) == 0 && st.st_size > FILE_MOST;
        if (!e && (large || count_lines(buf_view(&text)) >= FILE_LINES)) {
            text.len = 0;
            if (file_take(fd, &text)) write_anew(h->folder, buf_view(&text));
        }
    }
    if (fd >= 0) close(fd);
    buf_free(&text);
    buf_free(&one);
}
