/* The settings: one table (settings.def), read from "key = value" lines. A file that has a line
 * which is not understood is refused whole, with the line's number. */
#ifndef OMG_BASE_SETTINGS_H
#define OMG_BASE_SETTINGS_H

#include "base/err.h"
#include "base/str.h"

enum { SETTING_PATH_ROOM = 4096, SETTINGS_MOST_BYTES = 64 << 10 };

enum setting_type { SETTING_NUMBER, SETTING_LIMIT, SETTING_CHOICE, SETTING_PATH };

typedef uint64_t setting_NUMBER;
typedef uint64_t setting_LIMIT;
typedef uint64_t setting_CHOICE;
typedef char setting_PATH[SETTING_PATH_ROOM]; /* NUL-terminated */

struct settings {
#define SETTING(member, key, type, standard, least, most, words, help) setting_##type member;
#include "base/settings.def"
#undef SETTING
};

/* The places of the words of "color" and of "output". */
enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };
enum form {
    FORM_AUTO,
    FORM_TEXT,
    FORM_PLAIN,
    FORM_JSON,
    FORM_MARKDOWN,
    FORM_MDOC,
    FORM_RUST,
    FORM_PYTHON,
    FORM_OPENMETRICS
};

struct setting_row {
    const char *key, *words, *help;
    uint64_t standard, least, most;
    size_t offset; /* in struct settings */
    enum setting_type type;
};
extern const struct setting_row setting_rows[];
extern const size_t setting_count;

void settings_standard(struct settings *s);

/* Changes s by the lines of text; name stands for it in errors. A key may come once. */
enum err settings_parse(struct str text, const char *name, struct settings *s, struct fault *f);

/* The standard values, changed by the files that are there: the one that OMG_CONFIG names (none
 * when that is empty), or the system's and then the user's. */
enum err settings_read(struct settings *s, struct fault *f);

/* Appends the settings that are not standard as lines that settings_parse reads. */
struct buf;
void settings_print(const struct settings *s, struct buf *out);

/* The place of word among words ("a|b|c"); false when it is none of them. */
bool choice_place(const char *words, struct str word, uint64_t *place);

#endif
