/* Reading the journal from its start: into the state, by opening the engine without any checkpoint; and into a projection of the host's
 * own, by the feed. */
#include "bench/lib/benchmarks.h"
#include "bench/lib/clock.h"
#include "bench/lib/failure.h"
#include "bench/lib/history.h"

#include <inttypes.h>

/* ---- into the state ---- */

static int32_t measure_replay(struct subject *subject, struct report *report, trading_error *error)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    int64_t begun = bench_now();
    int64_t cpu = bench_process_cpu();
    int32_t code = subject_open_engine(subject, error);
    int64_t passed = bench_now() - begun;
    cpu = bench_process_cpu() - cpu;
    if (!code)
        code = trading_engine_get_info(subject->engine, &info, error);
    if (code)
        return code;
    if (info.replayed_events != (uint64_t)info.next_position)
        return bench_fail(error, TRADING_E_INVALID,
                          "only %" PRIu64 " of %" PRId64 " events were replayed: the store has a checkpoint",
                          info.replayed_events, info.next_position);
    report_add(report, "events", (double)info.replayed_events);
    report_add(report, "per_second", per_second(info.replayed_events, passed));
    report_add(report, "cpu_us_per_event", (double)cpu * 1e-3 / (double)info.replayed_events);
    return TRADING_OK;
}

/* ---- into a projection ---- */

struct sums {
    uint64_t counts[TRADING_EVENT_KINDS];
    trading_decimal deposited;
};

static int32_t apply(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    struct sums *sums = context;
    for (size_t i = 0; i < count; i++) {
        sums->counts[events[i].kind]++;
        if (events[i].kind == TRADING_EVENT_FUNDS_DEPOSITED)
            sums->deposited += events[i].amount;
    }
    return trading_projection_put(projection, "sums", 4, sums, sizeof *sums, NULL);
}

static int32_t measure_feed(struct subject *subject, struct report *report, trading_error *error)
{
    struct sums sums = {0};
    trading_projection *projection;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = "sums of a benchmark";
    options.apply = apply;
    options.context = &sums;
    int32_t code = trading_projection_open(&projection, subject->engine, &options, error);
    if (code)
        return code;
    uint64_t applied = 0;
    int64_t begun = bench_now();
    int64_t cpu = bench_process_cpu();
    code = trading_projection_run(projection, &applied, error);
    report_add(report, "feed_per_second", per_second(applied, bench_now() - begun));
    report_add(report, "feed_cpu_us_per_event", (double)(bench_process_cpu() - cpu) * 1e-3 / (double)(applied + !applied));
    trading_projection_close(projection);
    return code;
}

/* ---- the benchmark ---- */

static int32_t measure(struct subject *subject, struct report *report, trading_error *error)
{
    int32_t code = subject_populate(subject, error);
    if (!code)
        code = history_write(subject, subject->settings->events, error);
    if (!code)
        code = subject_close_engine(subject, TRADING_CLOSE_ABANDON, error);
    if (!code)
        code = measure_replay(subject, report, error);
    if (!code)
        code = measure_feed(subject, report, error);
    if (!code)
        report_memory(report);
    return code;
}

int32_t bench_replay(const struct settings *settings, struct report *report, trading_error *error)
{
    struct subject subject;
    struct settings without_checkpoints = *settings;
    without_checkpoints.engine.checkpoint_events = 0;
    int32_t code = subject_open(&subject, &without_checkpoints, error);
    if (!code)
        code = measure(&subject, report, error);
    subject_close(&subject);
    return code;
}
