/* The order flow that matching engines are compared by, through the very order book that the engine uses: good-till-cancel limit orders on
 * one symbol, whose numbers come from a fixed generator, so that every engine makes the same trades. */
#ifndef BENCH_BOOK_FLOW_H
#define BENCH_BOOK_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <trading/error.h>

#define BOOK_FLOW_ORDERS 3000000u /* the flow whose sums are agreed */

struct book_flow_result {
    uint64_t orders;
    uint64_t trades;
    uint64_t shares;  /* traded */
    uint64_t resting; /* orders left in the book */
    double seconds;
    double cpu_seconds;
    double p50_ns; /* of one order, the end of its batch where it ends one; taken of every 17th */
    double p99_ns;
    double p999_ns;
    uint64_t memory_bytes; /* of the book at the end */
};

/* Runs the first `orders` of the flow, in batches of 1,024 that are installed as the engine installs its own. */
int32_t book_flow_run(uint64_t orders, struct book_flow_result *result, trading_error *error);

/* Whether the sums are those that all engines agree on; true for any other length than theirs, which nobody agreed on. */
bool book_flow_agrees(const struct book_flow_result *result);

#endif
