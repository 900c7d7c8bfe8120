/* Sorting of large arrays that come nearly in order, as package lists do: a merge sort that uses
 * the ascending runs it finds, stable, linear when the input is sorted. */
#ifndef OMG_PKG_ORDER_H
#define OMG_PKG_ORDER_H

#include "base/arena.h"

/* Negative, zero or positive as memcmp, for two numbers. */
typedef int order_fn(uint32_t a, uint32_t b, const void *context);

/* Sorts n numbers; spare holds n more. */
void order_sort(uint32_t *at, uint32_t *spare, size_t n, order_fn *compare, const void *context);

/* Fills order with the numbers 0 to count - 1 in the order of their keys, equal ones as they come.
 * Keys are hashes: their upper bits spread them so evenly that little is left to compare. */
enum err order_hashes(uint32_t *order, const uint64_t *keys, uint32_t count, struct arena *a);

#endif
