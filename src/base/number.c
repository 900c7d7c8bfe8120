#include "base/number.h"

void number_put(struct buf *b, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    buf_put(b, digits + at, sizeof digits - at);
}

void number_put_signed(struct buf *b, int64_t n)
{
    if (n < 0) buf_byte(b, '-');
    number_put(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void number_put_bytes(struct buf *b, uint64_t bytes)
{
    static const char units[][5] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };
    size_t unit = 0;
    uint64_t whole = bytes, rest = 0; /* rest in 1/1024 */
    while (whole >= 1024) {
        rest = whole % 1024;
        whole /= 1024;
        unit++;
    }
    uint64_t tenths = (rest * 10 + 512) / 1024;
    if (tenths == 10) {
        whole++;
        tenths = 0;
    }
    if (whole == 1024) {
        whole = 1;
        unit++;
    }
    number_put(b, whole);
    if (unit) {
        buf_byte(b, '.');
        buf_byte(b, (char)('0' + tenths));
    }
    buf_str(b, str_of(units[unit]));
}
