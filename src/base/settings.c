#include "base/settings.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/near.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct setting_row setting_rows[] = {
#define SETTING(member, key, type, standard, least, most, words, help)                             \
    { key, words, help, standard, least, most, offsetof(struct settings, member), SETTING_##type },
#include "base/settings.def"
#undef SETTING
};
const size_t setting_count = sizeof setting_rows / sizeof setting_rows[0];

static uint64_t *number_in(struct settings *s, const struct setting_row *row)
{
    return (uint64_t *)(void *)((char *)s + row->offset);
}

void settings_standard(struct settings *s)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->type == SETTING_PATH) *((char *)s + row->offset) = 0;
        else *number_in(s, row) = row->standard;
    }
}

bool choice_place(const char *words, struct str word, uint64_t *place)
{
    struct str rest = str_of(words), one;
    for (uint64_t i = 0; str_cut(&rest, '|', &one); i++) {
        if (!str_eq(one, word)) continue;
        *place = i;
        return true;
    }
    return false;
}

/* Where a line stands, for its errors. */
struct place {
    const char *name;
    size_t line;
    struct fault *f;
};

static enum err set_number(struct place p, const struct setting_row *row, struct str value,
                           struct settings *s)
{
    uint64_t n;
    if (!str_u64(value, &n) || n < row->least || n > row->most)
        return fail(p.f, ERR_INVALID_PARAMS,
                    "%s:%zu: %s has to be a number from %llu to %llu, not '%.*s'", p.name, p.line,
                    row->key, (unsigned long long)row->least, (unsigned long long)row->most,
                    STR_ARG(str_head(value, 64)));
    *number_in(s, row) = n;
    return OK;
}

static enum err set_choice(struct place p, const struct setting_row *row, struct str value,
                           struct settings *s)
{
    uint64_t n;
    if (!choice_place(row->words, value, &n))
        return fail(p.f, ERR_INVALID_PARAMS, "%s:%zu: %s has to be one of %s, not '%.*s'", p.name,
                    p.line, row->key, row->words, STR_ARG(str_head(value, 64)));
    *number_in(s, row) = n;
    return OK;
}

static enum err set_path(struct place p, const struct setting_row *row, struct str value,
                         struct settings *s)
{
    if (value.len >= SETTING_PATH_ROOM || str_chr(value, 0) < value.len ||
        (value.len && value.at[0] != '/'))
        return fail(p.f, ERR_INVALID_PARAMS, "%s:%zu: %s has to be an absolute path or empty",
                    p.name, p.line, row->key);
    char *to = (char *)s + row->offset;
    if (value.len) memcpy(to, value.at, value.len);
    to[value.len] = 0;
    return OK;
}

static enum err unknown_key(struct place p, struct str key)
{
    struct near n = near_make(key);
    for (size_t i = 0; i < setting_count; i++) near_offer(&n, str_of(setting_rows[i].key));
    if (n.best.len)
        return fail(p.f, ERR_INVALID_PARAMS,
                    "%s:%zu: there is no setting '%.*s'; did you mean '%.*s'?", p.name, p.line,
                    STR_ARG(str_head(key, 64)), STR_ARG(n.best));
    return fail(p.f, ERR_INVALID_PARAMS, "%s:%zu: there is no setting '%.*s'", p.name, p.line,
                STR_ARG(str_head(key, 64)));
}

static enum err parse_line(struct place p, struct str line, struct settings *s, uint64_t *seen)
{
    static enum err (*const set[])(struct place, const struct setting_row *, struct str,
                                   struct settings *) = {
        [SETTING_NUMBER] = set_number,
        [SETTING_LIMIT] = set_number,
        [SETTING_CHOICE] = set_choice,
        [SETTING_PATH] = set_path,
    };
    size_t equals = str_chr(line, '=');
    if (equals == line.len)
        return fail(p.f, ERR_INVALID_PARAMS, "%s:%zu: a line has to be 'key = value'", p.name,
                    p.line);
    struct str key = str_trim(str_head(line, equals));
    struct str value = str_trim(str_from(line, equals + 1));
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (!str_eq(str_of(row->key), key)) continue;
        if (*seen >> i & 1)
            return fail(p.f, ERR_INVALID_PARAMS, "%s:%zu: %s is set a second time", p.name, p.line,
                        row->key);
        *seen |= (uint64_t)1 << i;
        return set[row->type](p, row, value, s);
    }
    return unknown_key(p, key);
}

enum err settings_parse(struct str text, const char *name, struct settings *s, struct fault *f)
{
    struct place p = { .name = name, .f = f };
    struct str line;
    uint64_t seen = 0;
    enum err e = OK;

    while (!e && str_cut(&text, '\n', &line)) {
        p.line++;
        line = str_trim(line);
        if (line.len && line.at[0] != '#') e = parse_line(p, line, s, &seen);
    }
    return e;
}

/* needed: whether it is an error that the file is not there. */
static enum err read_one(const char *path, bool needed, struct settings *s, struct fault *f)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return needed ? fail_errno(f, "cannot open %s", path) : OK;
    char text[SETTINGS_MOST_BYTES + 1];
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < sizeof text) {
        n = read(fd, text + len, sizeof text - len);
        if (n > 0) len += (size_t)n;
        if (n < 0 && errno == EINTR) n = 1;
    }
    enum err e = n < 0 ? fail_errno(f, "cannot read %s", path) : OK;
    close(fd);
    if (e) return e;
    if (len > SETTINGS_MOST_BYTES)
        return fail(f, ERR_INVALID_PARAMS, "%s is larger than %d bytes", path, SETTINGS_MOST_BYTES);
    return settings_parse((struct str){ text, len }, path, s, f);
}

/* The user's own file; false when nothing says where it would be. */
static bool user_file(char *path, size_t room)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = -1;
    if (config && config[0] == '/') n = snprintf(path, room, "%s/omg/omg.conf", config);
    else if (home && home[0] == '/') n = snprintf(path, room, "%s/.config/omg/omg.conf", home);
    return n > 0 && (size_t)n < room;
}

enum err settings_read(struct settings *s, struct fault *f)
{
    const char *only = getenv("OMG_CONFIG");
    char path[SETTING_PATH_ROOM];

    settings_standard(s);
    if (only) return *only ? read_one(only, true, s, f) : OK;
    enum err e = read_one("/etc/omg.conf", false, s, f);
    if (!e && user_file(path, sizeof path)) e = read_one(path, false, s, f);
    return e;
}

/* The word at a place among words ("a|b|c"). */
static struct str choice_word(const char *words, uint64_t place)
{
    struct str rest = str_of(words), one = STR_NONE;
    for (uint64_t i = 0; i <= place && str_cut(&rest, '|', &one); i++) continue;
    return one;
}

void settings_print(const struct settings *s, struct buf *out)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *at = (const char *)s + row->offset;
        uint64_t n = row->type == SETTING_PATH ? 0 : *(const uint64_t *)(const void *)at;
        if (row->type == SETTING_PATH ? !*at : n == row->standard) continue;
        buf_print(out, "%s = ", row->key);
        if (row->type == SETTING_PATH) buf_str(out, str_of(at));
        else if (row->type == SETTING_CHOICE) buf_str(out, choice_word(row->words, n));
        else buf_print(out, "%llu", (unsigned long long)n);
        buf_byte(out, '\n');
    }
}
