/* The schema as source of other languages, from its tables. */
#ifndef OMG_WIRE_SCHEMA_CODE_H
#define OMG_WIRE_SCHEMA_CODE_H

#include "base/buf.h"

/* Types for serde 1, which bincode 1.3 with its standard settings reads and writes as they are on
 * the wire. */
void schema_rust(struct buf *out);

/* A module for Python 3.9 that needs nothing else: classes, encoder and decoder, and a client. */
void schema_python(struct buf *out);

/* package_info as PackageInfo. */
void schema_camel(struct buf *out, const char *name);

#endif
