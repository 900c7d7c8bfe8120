/* The inside of apt_conf: the tree as its parser builds it. Everybody else reads it through
 * pkg/apt.h. */
#ifndef OMG_PKG_APT_CONF_H
#define OMG_PKG_APT_CONF_H

#include "pkg/apt.h"

enum {
    APT_CONF_ITEMS = 100000, /* a configuration has a few hundred */
    APT_CONF_NAME = 512,     /* bytes of a full name; longer ones are no names of apt's */
};

/* A tree with the defaults apt has before it reads its files, and those it adds afterwards. */
enum err apt_conf_defaults(struct apt_conf *c, struct arena *a);
enum err apt_conf_complete(struct apt_conf *c, struct arena *a);

/* Sets the value of a name, or with "::" at its end adds an item to that list. */
enum err apt_conf_set(struct apt_conf *c, struct arena *a, struct str name, struct str value);

/* Empties the value of a name and takes everything below it away. */
void apt_conf_clear(struct apt_conf *c, struct arena *a, struct str name);

#endif
