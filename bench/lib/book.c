/* The order book alone, in memory: the flow of 3 million orders that matching engines are compared by (bench/book_flow.h). */
#include "bench/book_flow.h"
#include "bench/lib/benchmarks.h"
#include "bench/lib/failure.h"

int32_t bench_book(const struct settings *settings, struct report *report, trading_error *error)
{
    struct book_flow_result result;
    int32_t code = book_flow_run(settings->commands, &result, error);
    if (code)
        return code;
    if (!book_flow_agrees(&result))
        return bench_fail(error, TRADING_E_INVALID, "the sums are not those that all engines agree on");
    report_add(report, "orders", (double)result.orders);
    report_add(report, "per_second", (double)result.orders / result.seconds);
    report_add(report, "per_cpu_second", (double)result.orders / result.cpu_seconds);
    report_add(report, "cpu_us_per_command", result.cpu_seconds * 1e6 / (double)result.orders);
    report_add(report, "p50_us", result.p50_ns * 1e-3);
    report_add(report, "p99_us", result.p99_ns * 1e-3);
    report_add(report, "p999_us", result.p999_ns * 1e-3);
    report_add(report, "trades", (double)result.trades);
    report_add(report, "shares", (double)result.shares);
    report_add(report, "resting", (double)result.resting);
    report_add(report, "book_bytes", (double)result.memory_bytes);
    report_memory(report);
    return TRADING_OK;
}
