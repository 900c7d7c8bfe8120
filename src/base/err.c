#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_row rows[ERR_COUNT] = {
#define ERR(name, code, guest, http, exit, sentence, remedy)                                       \
    [ERR_##name] = { code, guest, http, exit, sentence, remedy },
#include "base/err.def"
#undef ERR
};

const struct err_row *err_row(enum err e)
{
    if (e <= OK || e >= ERR_COUNT) e = ERR_INTERNAL;
    return &rows[e];
}

enum err err_of_code(int32_t code)
{
    for (enum err e = OK + 1; e < ERR_COUNT; e++)
        if (rows[e].code == code) return e;
    return ERR_INTERNAL;
}

void fault_print(struct fault *f, const char *format, ...)
{
    if (!f) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

/* The errors of the system that have a row of their own; every other one is ERR_IO. */
static enum err of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_FORBIDDEN;
    case ENOMEM:
    case EFBIG:
    case EMFILE:
    case ENFILE: return ERR_RESOURCE_LIMIT;
    default: return ERR_IO;
    }
}

enum err fail_errno(struct fault *f, const char *format, ...)
{
    int number = errno;
    if (f) {
        va_list args;
        va_start(args, format);
        int n = vsnprintf(f->text, sizeof f->text, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof f->text)
            snprintf(f->text + n, sizeof f->text - (size_t)n, ": %s", strerror(number));
    }
    return of_errno(number);
}
