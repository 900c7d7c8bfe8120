/* The small grammar that apt's own files share: quoted words, truth values, names of parts in a
 * ".d" folder, glob or regular expressions, and URIs as names of list files. Everything new is the
 * arena's; at is NULL (or the result false) where it is full. */
#ifndef OMG_PKG_APT_TEXT_H
#define OMG_PKG_APT_TEXT_H

#include "pkg/inputs.h"

/* inputs_read for apt's texts: false when there is nothing to read. A text ends at its first zero
 * byte, which is noted. */
bool apt_text_read(struct inputs *in, struct str path, size_t limit, struct str *text);

/* Takes the next word from *rest, with the white space behind it: quoted and bracketed parts hold
 * together, quotes go, %41 becomes a byte (but %00 none). False at the end, on an open quote or
 * bracket, and on no room. */
bool apt_word(struct arena *a, struct str *rest, struct str *word);

/* 1 for yes, true, with, on, enable, 1; 0 for their opposites; otherwise anything else. */
int apt_truth(struct str s, int otherwise);

/* Whether apt reads a file of this name from a ".d" folder: it has one of the extensions ("" is
 * no extension; second may be NULL) and consists of letters, digits and "_-:." */
bool apt_part_name(struct str name, const char *first, const char *second);

/* s with each from replaced by to. */
struct str apt_replace(struct arena *a, struct str s, struct str from, struct str to);

/* The next of the words that blanks and lines part, comment lines ('#') left out. */
bool apt_field_word(struct str *rest, struct str *word);

/* A map from texts to numbers, 0 being "not there". Zero-initialise; fold ignores ASCII case. The
 * keys are views that must live on. */
struct apt_map {
    struct apt_slot {
        struct str key;
        uint32_t hash, value;
    } * slots;
    size_t room, used;
    bool fold;
};
uint32_t apt_map_get(const struct apt_map *m, struct str key);
/* Where the number of key is kept, which is 0 when it is new; NULL on no room. */
uint32_t *apt_map_put(struct apt_map *m, struct arena *a, struct str key);

/* A URI taken apart as apt does it. */
struct apt_uri {
    struct str scheme, host, port, path; /* host without brackets, path with its first '/' */
};
bool apt_uri_split(struct arena *a, struct str text, struct apt_uri *u);
/* The name under which apt keeps what it fetched from there, for the URI itself and for everything
 * appended to it: no scheme, no credentials, unusual bytes as %5f, '/' as '_'. */
struct str apt_uri_name(struct arena *a, const struct apt_uri *u);
struct str apt_uri_quote(struct arena *a, struct str path);

/* apt's match: /regular expression/ (POSIX extended) or shell glob, both ignoring case. An empty
 * text matches only the empty pattern. Expressions that would take too long to compile match
 * nothing. */
bool apt_match(struct str pattern, struct str text);

#endif
