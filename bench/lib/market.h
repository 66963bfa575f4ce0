/* One symbol, on which the first 1,000 accounts trade: they have money and shares, and the house quotes nothing. */
#ifndef BENCH_MARKET_H
#define BENCH_MARKET_H

#include "bench/lib/drive.h"

#define MARKET_USERS 1000u

struct market {
    struct subject *subject;
    trading_symbol symbol; /* of this run alone */
    uint64_t stream;       /* of the keys of setting it up */
    trading_id portfolios[MARKET_USERS];
    uint32_t partition; /* that has its book, and so both sides of each trade */
    int64_t begun;      /* where that stood once the shares were there */
};

/* What came of a flow. */
struct market_sums {
    uint64_t trades;
    uint64_t shares;  /* traded */
    uint64_t resting; /* orders left in the book */
};

/* Hands out the shares. The subject is populated. */
int32_t market_open(struct market *market, struct subject *subject, trading_error *error);

/* The flow of figures that all matching engines agree on: its first thread makes their orders. */
struct flow market_flow(struct market *market);

/* Counts what was traded since it was opened, and what rests now. */
int32_t market_count(const struct market *market, struct market_sums *sums, trading_error *error);

#endif
