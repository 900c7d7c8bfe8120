/* Sorting of large arrays that come nearly in order, as package lists do: a merge sort that uses
 * the ascending runs it finds, stable, linear when the input is sorted. */
#ifndef OMG_PKG_ORDER_H
#define OMG_PKG_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Negative, zero or positive as memcmp, for two numbers. */
typedef int order_fn(uint32_t a, uint32_t b, const void *context);

/* Sorts n numbers; spare holds n more. */
void order_sort(uint32_t *at, uint32_t *spare, size_t n, order_fn *compare, const void *context);

#endif
