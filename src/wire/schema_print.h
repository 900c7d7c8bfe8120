/* The schema itself, printed from its tables: operations, messages and errors. */
#ifndef OMG_WIRE_SCHEMA_PRINT_H
#define OMG_WIRE_SCHEMA_PRINT_H

#include "base/buf.h"
#include "base/settings.h"

/* form is FORM_TEXT, FORM_JSON, FORM_MARKDOWN or FORM_MDOC (tables for a manual page); any other
 * counts as text. */
void schema_print(struct buf *out, enum form form);

#endif
