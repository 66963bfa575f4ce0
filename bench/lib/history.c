#include "bench/lib/history.h"

#include "bench/lib/clock.h"
#include "bench/lib/failure.h"
#include "bench/lib/market.h"
#include "bench/lib/payments.h"

/* Events between two looks at how many there are. */
#define TURN (SECOND / 10)

static int32_t write_turns(struct subject *subject, const struct flow *flow, uint64_t until, uint64_t all, trading_error *error)
{
    struct drive drive;
    struct tally tally = {0};
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    bool room = histogram_open(&tally.latency);
    int32_t code = drive_open(&drive, subject, flow, error);
    if (!code && !room)
        code = bench_fail(error, TRADING_E_NO_MEMORY, "no memory for the latencies");
    while (!code && !(code = trading_engine_get_info(subject->engine, &info, error)) && (uint64_t)info.next_position < until) {
        code = drive_turn(&drive, TURN, &tally, error);
        if (subject->settings->progress)
            subject->settings->progress("writing events", (double)info.next_position / (double)all,
                                        per_second(tally.commands, tally.nanoseconds));
    }
    drive_close(&drive);
    histogram_close(&tally.latency);
    return code;
}

int32_t history_write(struct subject *subject, uint64_t events, trading_error *error)
{
    struct market market;
    struct payments payments;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    int32_t code = trading_engine_get_info(subject->engine, &info, error);
    if (code || (uint64_t)info.next_position >= events)
        return code;
    uint64_t half = (uint64_t)info.next_position + (events - (uint64_t)info.next_position) / 2;
    payments_open(&payments, subject);
    struct flow flow = payments_flow(&payments);
    code = write_turns(subject, &flow, half, events, error);
    if (!code)
        code = market_open(&market, subject, error);
    if (code)
        return code;
    flow = market_flow(&market);
    return write_turns(subject, &flow, events, events, error);
}
