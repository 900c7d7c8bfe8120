/* Packages out of thin air, the same ones every time: short and long names of every sort, words
 * that share their beginnings, several versions and architectures, and some that are installed and
 * on offer nowhere. */
#ifndef OMG_TESTS_MADE_PACKAGES_H
#define OMG_TESTS_MADE_PACKAGES_H

#include "index_root.h"

static inline uint32_t made_number(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 33) % below;
}

static const char *const made_heads[] = { "lib",  "python3-", "g",     "golang-", "Ruby-",  "node-",
                                          "x",    "qt5",      "texte", "r-",      "fonts-", "a",
                                          "perl", "lib32",    "kde",   "libc" };
static const char *const made_middles[] = { "web", "SQL",   "data", "net",  "image", "c++",
                                            "gtk", "audio", "core", "ssl",  "xml",   "zip",
                                            "vim", "term",  "math", "unix", "file",  "b" };
static const char *const made_tails[] = { "",        "-dev", "-doc", "1", "2.0",  "_x", "+extra",
                                          "-common", ".d",   "-DBG", "3", "-bin", "x",  "-data" };
static const char *const made_words[] = { "library",
                                          "Library",
                                          "for",
                                          "the",
                                          "a",
                                          "of",
                                          "web",
                                          "server",
                                          "fast",
                                          "C++",
                                          "SQL",
                                          "parser",
                                          "(dummy)",
                                          "Gr\xC3\xB6\xC3\x9F"
                                          "e",
                                          "\xE6\x97\xA5\xE6\x9C\xAC",
                                          "na\xC3\xAFve",
                                          "to",
                                          "GTK+",
                                          "client/server",
                                          "x",
                                          "data",
                                          "transitional",
                                          "package",
                                          "headers",
                                          "I/O",
                                          "--",
                                          "TEX",
                                          "tools",
                                          "documentation",
                                          "debug",
                                          "symbols",
                                          "shared",
                                          "e-mail",
                                          "3D",
                                          "\"quoted\"",
                                          "50%",
                                          "audio,",
                                          "video",
                                          "and",
                                          "network",
                                          "terminal",
                                          "image",
                                          "\xF0\x9F\x90\xA7",
                                          "^$" };
#define MADE(list, state) (list)[made_number(state, sizeof(list) / sizeof *(list))]

static inline void made_summary(struct buf *b, uint64_t *state)
{
    for (uint32_t n = 1 + made_number(state, 8); n > 0; n--) {
        buf_str(b, str_of(MADE(made_words, state)));
        if (made_number(state, 16) == 0) buf_print(b, "%u", made_number(state, 3000));
        if (n > 1) buf_str(b, made_number(state, 12) ? S(" ") : S("  "));
    }
}

static inline void made_name(char name[64], uint64_t *state)
{
    int n = snprintf(name, 64, "%s%s%s", MADE(made_heads, state), MADE(made_middles, state),
                     MADE(made_tails, state));
    if (made_number(state, 2)) snprintf(name + n, 64 - (size_t)n, "-%u", made_number(state, 400));
}

static inline void made_record(struct buf *b, const char *name, const char *arch, uint64_t *state)
{
    buf_print(b, "Package: %s\nArchitecture: %s\nVersion: %u:%u.%u-%u\n", name, arch,
              made_number(state, 2), made_number(state, 5), made_number(state, 30),
              1 + made_number(state, 4));
    buf_print(b, "Size: %u\nInstalled-Size: %u\nFilename: pool/%s\n", made_number(state, 1u << 30),
              made_number(state, 1u << 20), name);
    if (made_number(state, 3) == 0)
        buf_print(b, "Depends: libc%u (>= 2.%u), %s | %s\n", made_number(state, 3),
                  made_number(state, 40), MADE(made_heads, state), MADE(made_middles, state));
    if (made_number(state, 8) == 0)
        buf_print(b, "Provides: %s-virtual, other (= 1)\n", MADE(made_middles, state));
    buf_str(b, S("Description: "));
    made_summary(b, state);
    if (made_number(state, 2)) buf_str(b, S("\n A long text.\n .\n   - with a list\n Its end."));
    buf_str(b, S("\n\n"));
}

/* Writes lists that offer about this many packages, and a status file that has some of them. */
static inline void made_packages(const struct index_root *r, size_t count)
{
    static const char *const arches[] = { "amd64", "all", "i386" };
    struct buf list = buf_make(1 << 30), foreign = buf_make(1 << 30), status = buf_make(1 << 30);
    struct buf automatic = buf_make(1 << 30);
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < count; i++) {
        char name[64];
        made_name(name, &state);
        for (uint32_t n = 1 + made_number(&state, 2); n > 0; n--)
            made_record(&list, name, arches[made_number(&state, 2)], &state);
        if (made_number(&state, 4) == 0) made_record(&foreign, name, "i386", &state);
        if (made_number(&state, 5)) continue;
        if (made_number(&state, 6) == 0) snprintf(name, sizeof name, "local-%u.pkg", (unsigned)i);
        buf_str(&status, S("Status: install ok installed\n"));
        made_record(&status, name, arches[made_number(&state, 3)], &state);
        if (made_number(&state, 2))
            buf_print(&automatic, "Package: %s\nAuto-Installed: 1\n\n", name);
    }
    index_root_write(r, MAIN, buf_view(&list));
    index_root_write(r, FOREIGN, buf_view(&foreign));
    index_root_write(r, STATUS_, buf_view(&status));
    index_root_write(r, EXTENDED, buf_view(&automatic));
    buf_free(&list);
    buf_free(&foreign);
    buf_free(&status);
    buf_free(&automatic);
}

/* Whether text holds word, ASCII case aside: byte by byte, so that it cannot be wrong the way the
 * index is. word is in lower case. */
static inline bool plainly_holds(struct str text, struct str word)
{
    for (size_t from = 0; from + word.len <= text.len; from++) {
        size_t n = 0;
        while (n < word.len && ascii_lower(text.at[from + n]) == word.at[n]) n++;
        if (n == word.len) return true;
    }
    return false;
}

#endif
