/* Paragraphs of "Field: value" lines (deb822(5)), the format of every file dpkg and apt keep. One
 * reader for all of them; it copies nothing, and it goes on after every kind of damage. */
#ifndef OMG_PKG_CONTROL_H
#define OMG_PKG_CONTROL_H

#include "base/str.h"

enum control_field {
#define CONTROL(id, name, first, second, last, length) CONTROL_##id,
#include "pkg/control.def"
#undef CONTROL
    CONTROL_COUNT
};

/* One paragraph. Values are views into the text: the first line without white space around it,
 * then the continuation lines as they stand, their first blank included. A field that is not there
 * is empty. */
struct stanza {
    struct str text; /* the whole paragraph */
    struct str field[CONTROL_COUNT];
    uint8_t seen[CONTROL_COUNT]; /* which fields to forget again, the first count of them */
    unsigned count;
};

/* A position in a text. Zero-initialise with the text; bad counts lines that are neither field,
 * continuation nor comment, and fields that stand twice (the first one counts). */
struct control {
    struct str rest;
    uint32_t bad;
};

/* Reads the next paragraph into *s, which starts zeroed and is reused from call to call. False at
 * the end of the text. Empty paragraphs are skipped; lines that begin with '#' are comments. */
bool control_next(struct control *c, struct stanza *s);

/* Which field a name is (ASCII case ignored); CONTROL_COUNT for none of ours. */
enum control_field control_field(struct str name);

/* Takes the next item of a comma-separated relation list (Depends, Provides …), trimmed. */
bool relation_next(struct str *rest, struct str *relation);

/* One alternative of a relation, "name:arch (op version) [archs] <profiles>" (deb-control(5)).
 * False when it is malformed. op is empty without a version; arch without a qualifier. */
struct relation {
    struct str name, arch, op, version;
};
bool relation_parse(struct str text, struct relation *r);

#endif
