#include "door/edit.h"

#include "base/file.h"
#include "base/glyph.h"
#include "door/words.h"

#include <assert.h>
#include <errno.h>
#include <linenoise.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEY_WAIT_MS = 50, HINT_MOST = 256, QUEUE_MOST = 16 };
enum { CTRL_C = 3, BACKSPACE = 8, CTRL_V = 22, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };

/* The editor is one for the process, and so is what belongs to it. */
static struct {
    char queue[QUEUE_MOST]; /* keys for the editor that the terminal did not send as they are */
    size_t queued;
    char last;  /* the last of them that the editor took */
    int pushed; /* a byte of the terminal that was read too early; -1: none */
    size_t typed;
    bool gone; /* nothing more will come */
    struct edit_helper *helper;
    char hint[HINT_MOST];
    char *text;
} editor;

static volatile sig_atomic_t cancelled, ending, resized;
static pid_t owner;

/* --- signals ----------------------------------------------------------------------------- */

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

static void on_signal(int number)
{
    if (number == SIGWINCH) {
        resized = 1;
        return;
    }
    if (getpid() != owner) _exit(128 + number);
    if (number != SIGINT) ending = number;
    cancelled = 1;
}

void edit_signals_begin(void)
{
    owner = getpid();
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        int flags = caught[i] == SIGWINCH ? SA_RESTART : 0;
        struct sigaction before, ours = { .sa_handler = on_signal, .sa_flags = flags };
        sigemptyset(&ours.sa_mask);
        sigaction(caught[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) sigaction(caught[i], &ours, NULL); /* nohup(1) */
    }
}

volatile sig_atomic_t *edit_cancel(void)
{
    return &cancelled;
}

int edit_signal(void)
{
    return ending;
}

void edit_signals_end(void)
{
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) signal(caught[i], SIG_DFL);
    if (ending) raise(ending);
}

/* --- bytes of the terminal --------------------------------------------------------------- */

/* The next byte; -1: none came in time, or none will (editor.gone). A timeout of -1 is for ever,
 * and then a signal counts as a key. */
static int next_byte(int timeout_ms)
{
    struct timespec wait = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
    struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
    sigset_t block, before;
    unsigned char byte;
    int n = editor.pushed;
    editor.pushed = -1;
    if (n >= 0) return n;
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) sigaddset(&block, caught[i]);
    sigprocmask(SIG_BLOCK, &block, &before);
    n = 0;
    if (!ending && (timeout_ms >= 0 || (!cancelled && !resized)))
        n = ppoll(&p, 1, timeout_ms < 0 ? NULL : &wait, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (ending) editor.gone = true;
    if (n <= 0 || editor.gone) return -1;
    ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got == 1) return byte;
    editor.gone = got == 0 || (errno != EINTR && errno != EAGAIN);
    return -1;
}

int edit_byte(void)
{
    int byte;
    editor.pushed = -1;
    do {
        resized = 0;
        byte = next_byte(-1);
    } while (byte < 0 && !cancelled && !editor.gone);
    return byte;
}

static void put_key(int key)
{
    if (editor.queued < QUEUE_MOST) editor.queue[editor.queued++] = (char)key;
}

static void put_keys(const char *keys)
{
    while (*keys) put_key(*keys++);
}

/* --- keys -------------------------------------------------------------------------------- */

/* What stands behind ESC [ or ESC O: a number perhaps, and the letter or sign that ends it. Arrows,
 * Home and End become the control keys that mean the same: terminals differ in those. */
static void take_sequence(void)
{
    static const struct {
        char end;
        int number; /* of those that end in ~ */
        const char *keys;
    } known[] = {
        { 'A', 0, "\x10" },    { 'B', 0, "\x0E" }, { 'C', 0, "\x06" },    { 'D', 0, "\x02" },
        { 'H', 0, "\x01" },    { 'F', 0, "\x05" }, { '~', 1, "\x01" },    { '~', 7, "\x01" },
        { '~', 4, "\x05" },    { '~', 8, "\x05" }, { '~', 3, "\033[3~" }, { '~', 5, "\033[5~" },
        { '~', 6, "\033[6~" },
    };
    int number = 0, byte, n = 0;
    bool first = true;
    while ((byte = next_byte(KEY_WAIT_MS)) >= 0 && byte < '@' && n++ < QUEUE_MOST) {
        if (byte == ';') first = false;
        if (first && byte >= '0' && byte <= '9') number = number * 10 + byte - '0';
        if (number > 999) number = 999;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].end == byte && (byte != '~' || known[i].number == number))
            put_keys(known[i].keys);
}

static void take_escape(void)
{
    int byte = next_byte(KEY_WAIT_MS);
    if (byte == '[' || byte == 'O') take_sequence();
    else if (byte == DELETE || byte == BACKSPACE) put_key(CTRL_W);
    else if (byte < 0) put_key(ESCAPE);
}

/* A character beyond ASCII, whose first byte was read. */
static void take_character(int first)
{
    char bytes[4] = { (char)first };
    size_t most = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4, n = 1;
    uint32_t point;
    while (n < most) {
        int byte = next_byte(KEY_WAIT_MS);
        if (byte >= 0 && (byte & 0xC0) != 0x80) editor.pushed = byte;
        if (byte < 0 || editor.pushed >= 0) break;
        bytes[n++] = (char)byte;
    }
    struct str s = { bytes, n };
    if (utf8_next(s, &point) != n || !utf8_valid(s) || glyph_hostile(point)) s = S("\xEF\xBF\xBD");
    for (size_t i = 0; i < s.len; i++) put_key(s.at[i]);
}

/* Adds to the queue what the next key means; false when there will be none. */
static bool take_key(void)
{
    int byte = next_byte(-1);
    if (byte < 0) {
        if (editor.gone) return false;
        if (cancelled) {
            cancelled = 0;
            put_key(CTRL_C);
        } else if (resized) {
            resized = 0;
            put_key(CTRL_V); /* the editor draws the line anew, */
            put_key(0);      /* and has nothing to insert */
        }
        return true;
    }
    if (byte == DELETE || byte == BACKSPACE) editor.typed -= editor.typed > 0;
    if (byte == ESCAPE) {
        take_escape();
    } else if (byte < 0x20 || byte == DELETE) {
        put_key(byte);
    } else if (editor.typed < LINE_MOST) {
        editor.typed++;
        if (byte < 0x80) put_key(byte);
        else take_character(byte);
    }
    return true;
}

/* --- what linenoise calls ---------------------------------------------------------------- */

ssize_t linenoise_read(int fd, void *to, size_t room);
ssize_t linenoise_write(int fd, const void *from, size_t len);
int linenoise_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int linenoise_width(int point);

ssize_t linenoise_read(int fd, void *to, size_t room)
{
    (void)fd;
    while (!editor.queued)
        if (!take_key()) return 0;
    size_t n = room < editor.queued ? room : editor.queued;
    assert(n);
    memcpy(to, editor.queue, n);
    editor.last = editor.queue[n - 1];
    if (editor.last == CTRL_C) write_all(STDOUT_FILENO, S("\033[K^C"), NULL);
    editor.queued -= n;
    memmove(editor.queue, editor.queue + n, editor.queued);
    return (ssize_t)n;
}

/* It asks only behind an ESC, all of which is in the queue. */
int linenoise_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    (void)fds, (void)count, (void)timeout_ms;
    return editor.queued > 0;
}

ssize_t linenoise_write(int fd, const void *from, size_t len)
{
    (void)fd;
    write_all(STDOUT_FILENO, (struct str){ from, len }, NULL);
    return (ssize_t)len;
}

int linenoise_width(int point)
{
    return (int)glyph_width((uint32_t)point);
}

/* The one candidate is taken at once: a key that means nothing follows it. */
static void on_complete(const char *text, linenoiseCompletions *all, void *data)
{
    struct buf to = buf_make(2 * LINE_MOST);
    (void)data;
    if (editor.helper->complete(editor.helper->data, str_of(text), &to) && !to.full) {
        buf_byte(&to, 0);
        linenoiseAddCompletion(all, to.at);
        put_key(0);
    }
    buf_free(&to);
}

static char *on_hint(const char *text, int *colour, int *bold, void *data)
{
    struct buf to = { .at = editor.hint, .room = HINT_MOST - 1, .limit = HINT_MOST - 1 };
    (void)data;
    editor.helper->hint(editor.helper->data, str_of(text), &to);
    editor.hint[to.len] = 0;
    *bold = 2;    /* dim, */
    *colour = 39; /* in the usual colour */
    return to.len && !to.full ? editor.hint : NULL;
}

/* --- a line ------------------------------------------------------------------------------ */

static void give_history(const struct history *h)
{
    linenoiseHistoryFree();
    linenoiseHistorySetMaxLen(HISTORY_MOST + 1); /* one is the line that is edited */
    for (const char *at = history_next(h, NULL); at; at = history_next(h, at))
        linenoiseHistoryAdd(at);
}

enum edit_end edit_line(const char *prompt, const struct history *h, struct edit_helper *helper,
                        struct str *text)
{
    free(editor.text);
    editor.text = NULL;
    editor.queued = editor.typed = 0;
    editor.pushed = -1;
    editor.helper = helper;
    cancelled = resized = 0;
    if (ending || editor.gone) return EDIT_OVER;
    give_history(h);
    linenoiseSetCompletionCallback(on_complete, NULL);
    linenoiseSetHintsCallback(helper->hints ? on_hint : NULL, NULL);
    editor.last = 0;
    editor.text = linenoise(prompt);
    bool dropped = !editor.text && editor.last == CTRL_C;
    fflush(stdout);
    if (cancelled) { /* on a terminal that is not edited on */
        clearerr(stdin);
        dropped = true;
    }
    if (ending || editor.gone) return EDIT_OVER;
    if (dropped) return EDIT_DROPPED;
    *text = str_of(editor.text);
    return editor.text ? EDIT_ENTERED : EDIT_OVER;
}
