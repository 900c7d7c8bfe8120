#include "base/glyph.h"

struct range {
    uint32_t first, last;
};

static const struct range zero[] = {
#define ZERO(first, last) { first, last },
#define WIDE(first, last)
#include "base/glyph.def"
#undef ZERO
#undef WIDE
};

static const struct range wide[] = {
#define ZERO(first, last)
#define WIDE(first, last) { first, last },
#include "base/glyph.def"
#undef ZERO
#undef WIDE
};

static bool within(const struct range *ranges, size_t count, uint32_t point)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (point > ranges[middle].last) low = middle + 1;
        else count = middle;
    }
    return point >= ranges[low].first && point <= ranges[low].last;
}

unsigned glyph_width(uint32_t point)
{
    if (point < 0x300) return 1;
    if (point <= 0xE01EF && within(zero, sizeof zero / sizeof zero[0] - 1, point)) return 0;
    return point <= 0x3FFFD && within(wide, sizeof wide / sizeof wide[0] - 1, point) ? 2 : 1;
}

bool glyph_hostile(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x61C ||
           (point >= 0x200E && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}
