/* linenoise, in the variant that counts characters and not bytes. It comes with jimtcl, whose own
 * UTF-8 needs generated tables; the few functions that an editor needs stand here instead. What it
 * reads and writes goes through src/door/edit.c, which also says how wide a character is. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern ssize_t linenoise_read(int fd, void *to, size_t room);
extern ssize_t linenoise_write(int fd, const void *from, size_t len);
extern int linenoise_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
extern int linenoise_width(int point);

#define USE_UTF8
#define UTF8_UTIL_H
#define MAX_UTF8_LEN  4
#define utf8_width    linenoise_width
#define utf8_getchars utf8_fromunicode

static int utf8_charlen(int c)
{
    c &= 0xFF;
    return c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* What is read is whole and valid: edit.c sees to that. */
static int utf8_tounicode(const char *s, int *point)
{
    int n = utf8_charlen(s[0]), i;
    *point = n == 1 ? s[0] & 0xFF : s[0] & (0x7F >> n);
    for (i = 1; i < n && (s[i] & 0xC0) == 0x80; i++) *point = *point << 6 | (s[i] & 0x3F);
    return i;
}

static int utf8_strlen(const char *s, int bytes)
{
    int count = 0, point;
    if (bytes < 0) bytes = (int)strlen(s);
    for (int n; bytes > 0; bytes -= n, s += n, count++) n = utf8_tounicode(s, &point);
    return count;
}

static int utf8_index(const char *s, int index)
{
    const char *at = s;
    for (int point; index > 0 && *at; index--) at += utf8_tounicode(at, &point);
    return (int)(at - s);
}

static int utf8_fromunicode(char *to, unsigned point)
{
    static const unsigned char heads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    int n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, point >>= 6) to[i] = (char)(0x80 | (point & 0x3F));
    to[0] = (char)(heads[n == 1 ? 0 : n] | point);
    return n;
}

#define read(fd, to, room)   linenoise_read(fd, to, room)
#define write(fd, from, len) linenoise_write(fd, from, len)
#define poll(fds, count, ms) linenoise_poll(fds, count, ms)
/* What it inserts into a full buffer has no room for the NUL behind it. */
#define realloc(at, size) realloc(at, (size) + 1)

#include "linenoise/linenoise.c"
