/* Errors: one table (err.def), one way to attach the detail where it is known.
 *
 * Every fallible function returns enum err, OK being 0; its results leave through its last
 * parameters and are unreadable after an error. Errors are for the world's faults; our own
 * mistakes are asserts, which stay on in release builds. */
#ifndef OMG_BASE_ERR_H
#define OMG_BASE_ERR_H

#include <stdint.h>

enum err {
    OK = 0,
#define ERR(name, code, guest, http, exit, sentence, remedy) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_COUNT
};

struct err_row {
    int32_t code;         /* as it travels on the wire */
    const char *name;     /* as the guest protocol and JSON name it */
    int http_status;      /* RFC 9110 */
    int exit_status;      /* of the command line */
    const char *sentence; /* lower case, no full stop: it follows "omg: " */
    const char *remedy;   /* one whole sentence */
};

/* The row of an error; never NULL, for OK and unknown numbers the row of ERR_INTERNAL. */
const struct err_row *err_row(enum err e);

/* The error with this wire code; ERR_INTERNAL where there is none. */
enum err err_of_code(int32_t code);

/* What went wrong in particular. Lives with its caller, is empty until fail() fills it. */
struct fault {
    char text[512];
};

/* Writes the detail (printf's format, cut at the size of text) and gives e, so that a function ends
 * in `return fail(f, ERR_NOT_FOUND, "…")`. f may be NULL where nobody listens. A macro, so that
 * compiler and analyser see that what comes back is not OK. */
#define fail(f, e, ...) (fault_print((f), __VA_ARGS__), (e))
__attribute__((format(printf, 2, 3))) void fault_print(struct fault *f, const char *format, ...);

/* As fail, with errno's text after the formatted part. */
__attribute__((format(printf, 2, 3))) enum err fail_errno(struct fault *f, const char *format, ...);

#endif
