/* How far the values of several turns lie apart. */
#ifndef BENCH_SPREAD_H
#define BENCH_SPREAD_H

#include <stddef.h>

struct spread {
    double least;
    double median;
    double most;
};

/* Of at least one value; puts them in order. */
struct spread spread_of(double *values, size_t count);

#endif
