/* What is wrong with this machine's packages and with omg's view of them. */
#ifndef OMG_PKG_DOCTOR_H
#define OMG_PKG_DOCTOR_H

#include "pkg/store.h"
#include "wire/schema.h"

/* Looks at what store_need(s, true, …) opened. Texts and list are the arena's; there is room behind
 * the list for so many spare checks more. */
enum err doctor_look(const struct store *s, size_t spare, struct doctor_result *r, struct arena *a,
                     struct fault *f);

#endif
