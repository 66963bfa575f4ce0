/* How values are spread over the places of a histogram: three significant digits, from a nanosecond to an hour. */
#ifndef BENCH_HISTOGRAM_SHAPE_H
#define BENCH_HISTOGRAM_SHAPE_H

#include <stdint.h>

#define HISTOGRAM_DIGITS 3
#define SUB_BUCKET_BITS  11
#define SUB_BUCKETS      (1u << SUB_BUCKET_BITS) /* the least power of two of at least 2 × 10³ */
#define HISTOGRAM_MOST   INT64_C(3600000000000)
#define HISTOGRAM_BITS   42 /* of an hour in nanoseconds */
#define HISTOGRAM_COUNTS ((HISTOGRAM_BITS - SUB_BUCKET_BITS + 2) * (SUB_BUCKETS / 2))

#endif
