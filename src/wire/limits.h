/* What a request may hold: one table, asked by every door before a call. */
#ifndef OMG_WIRE_LIMITS_H
#define OMG_WIRE_LIMITS_H

#include "base/settings.h"
#include "wire/schema.h"

enum {
    PACKAGE_NAME_MOST = 255, /* bytes: as long as a file name may be */
    VERSION_MOST = 255
};

/* Puts the settings' value where an optional number is absent, lowers what is above the most, and
 * refuses what is not valid with ERR_INVALID_PARAMS and a sentence. */
enum err limits_apply(const struct settings *s, enum message m, void *request, struct fault *f);

/* A package's name, with ":architecture" counted as part of it. */
enum err limits_name(struct str name, struct fault *f);

#endif
