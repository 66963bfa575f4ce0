/* The benchmarks. Each makes what it needs, measures, and fills the report.
 * @return TRADING_OK, or a code with the error that ended it */
#ifndef BENCH_BENCHMARKS_H
#define BENCH_BENCHMARKS_H

#include "bench/lib/report.h"
#include "bench/lib/settings.h"

/* Deposits to accounts at random, each under a key of its own. */
int32_t bench_deposits(const struct settings *settings, struct report *report, trading_error *error);

#endif
