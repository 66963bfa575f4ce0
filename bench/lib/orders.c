/* The whole order path: hold, match, fill, lots, settlement, both sides' accounts. The flow is the one that matching engines are compared
 * by: good-till-cancel limit orders of 1,000 users on one symbol, whose numbers come from a fixed generator. */
#include "bench/lib/benchmarks.h"
#include "bench/lib/market.h"
#include "bench/lib/turns.h"

static int32_t measure_orders(struct market *market, struct report *report, trading_error *error)
{
    struct flow flow = market_flow(market);
    trading_engine_info before = TRADING_ENGINE_INFO_INIT;
    trading_engine_info after = TRADING_ENGINE_INFO_INIT;
    struct market_sums sums;
    int32_t code = trading_engine_get_info(market->subject->engine, &before, error);
    if (!code)
        code = measure_flow(market->subject, &flow, report, error);
    if (!code)
        code = trading_engine_get_info(market->subject->engine, &after, error);
    if (!code)
        code = market_count(market, &sums, error);
    if (code)
        return code;
    report_add(report, "trades", (double)sums.trades);
    report_add(report, "shares", (double)sums.shares);
    report_add(report, "resting", (double)sums.resting);
    report_add(report, "bytes_per_trade",
               sums.trades ? (double)(after.journal_bytes - before.journal_bytes) / (double)sums.trades : 0);
    return TRADING_OK;
}

int32_t bench_orders(const struct settings *settings, struct report *report, trading_error *error)
{
    struct subject subject;
    struct market market;
    int32_t code = subject_open(&subject, settings, error);
    if (!code)
        code = subject_populate(&subject, error);
    if (!code)
        code = market_open(&market, &subject, error);
    if (!code)
        code = measure_orders(&market, report, error);
    subject_close(&subject);
    return code;
}
