/* The schema itself, printed from its tables: operations, messages and errors. */
#ifndef OMG_WIRE_SCHEMA_PRINT_H
#define OMG_WIRE_SCHEMA_PRINT_H

#include "base/buf.h"
#include "base/settings.h"

/* FORM_MDOC gives tables for a manual page, FORM_RUST and FORM_PYTHON sources (schema_code.h);
 * FORM_AUTO and FORM_PLAIN are as FORM_TEXT. */
void schema_print(struct buf *out, enum form form);

#endif
