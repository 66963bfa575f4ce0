/* The benchmarks. Each makes what it needs, measures, and fills the report.
 * @return TRADING_OK, or a code with the error that ended it */
#ifndef BENCH_BENCHMARKS_H
#define BENCH_BENCHMARKS_H

#include "bench/lib/report.h"
#include "bench/lib/settings.h"

/* Deposits to accounts at random, each under a key of its own. */
int32_t bench_deposits(const struct settings *settings, struct report *report, trading_error *error);

/* The whole order path, by the flow of bench/lib/market.h. */
int32_t bench_orders(const struct settings *settings, struct report *report, trading_error *error);

/* The order book alone, in memory, by the same flow. */
int32_t bench_book(const struct settings *settings, struct report *report, trading_error *error);

/* Views by id, alone and beside a writer; `threads` read. */
int32_t bench_views(const struct settings *settings, struct report *report, trading_error *error);

/* The journal read from its start: into the state, and into a projection. */
int32_t bench_replay(const struct settings *settings, struct report *report, trading_error *error);

/* Opening a store that was closed, and one whose program was killed. */
int32_t bench_open(const struct settings *settings, struct report *report, trading_error *error);

#endif
