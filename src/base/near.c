#include "base/near.h"

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t near_distance(struct str a, struct str b)
{
    size_t rows[3][LONGEST] = { { 0 } };
    if (a.len >= LONGEST || b.len >= LONGEST) return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = a.at[i - 1] == b.at[j - 1];
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

void near_offer(struct near *n, struct str candidate)
{
    size_t distance = near_distance(n->wanted, candidate);
    bool begun = n->wanted.len >= 2 && str_starts(candidate, n->wanted);
    if (distance == SIZE_MAX) return;
    if (!begun && distance > 1 + n->wanted.len / 4) return;
    if (!begun && distance >= n->wanted.len) return;
    if (distance >= n->distance) return;
    n->best = candidate;
    n->distance = distance;
}
