/* Looking at accounts and portfolios by their ids: readers alone; then a writer of deposits at full speed, alone and beside readers that
 * are paced, in turns, and how much more each of its commands costs then. The thread that writes out and merges the keys of past commands is
 * counted by itself: it works by the million keys, long after them, so what falls into a turn is chance, and mostly of turns before. */
#include "bench/lib/benchmarks.h"
#include "bench/lib/clock.h"
#include "bench/lib/failure.h"
#include "bench/lib/payments.h"
#include "bench/lib/readers.h"
#include "bench/lib/spread.h"
#include "bench/lib/usage.h"

#include <stdlib.h>

#define TURNS       5u
#define KEYS_THREAD "trading-keys"

/* The writer, alone or beside readers, in all of its turns. */
struct side {
    struct tally writing;
    struct reading reading;
    int64_t keys_cpu;  /* of the thread that keeps keys */
    double cpu[TURNS]; /* microseconds of processor that a command of the writer's took in each turn, on all others */
};

struct views {
    struct subject subject;
    size_t readers; /* threads, where they are alone */
    trading_id *portfolios;
    struct drive drive;
    struct side alone;
    struct side beside;
};

/* ---- what is read ---- */

static int32_t list_portfolios(struct views *views, trading_error *error)
{
    trading_view *view;
    views->portfolios = calloc(views->subject.account_count, sizeof *views->portfolios);
    if (!views->portfolios)
        return bench_fail(error, TRADING_E_NO_MEMORY, "no memory for %zu portfolios", views->subject.account_count);
    int32_t code = trading_view_open(&view, views->subject.engine, TRADING_VIEW_LATEST, error);
    if (code)
        return code;
    for (size_t i = 0; !code && i < views->subject.account_count; i++) {
        uint64_t cursor = 0;
        size_t count = 0;
        code = trading_view_portfolios(view, &views->subject.accounts[i], &cursor, &views->portfolios[i], 1, &count, error);
    }
    trading_view_close(view);
    return code;
}

/* ---- readers alone ---- */

static int32_t measure_reading(struct views *views, struct report *report, trading_error *error)
{
    struct readers readers;
    struct reading reading = {0};
    const struct settings *settings = views->subject.settings;
    if (!histogram_open(&reading.latency))
        return bench_fail(error, TRADING_E_NO_MEMORY, "no memory for the latencies");
    int32_t code = readers_start(&readers, &views->subject, views->portfolios, views->readers, 0, error);
    if (!code)
        bench_sleep_until(bench_now() + (int64_t)(settings->seconds * (double)SECOND));
    int32_t failure = readers_stop(&readers, &reading, error);
    if (!code && !failure) {
        report_add(report, "reads", (double)reading.reads);
        report_add(report, "per_second", per_second(reading.reads, reading.nanoseconds));
        report_latency(report, &reading.latency);
        report_add(report, "cpu_us_per_command", (double)reading.cpu * 1e-3 / (double)reading.reads);
    }
    histogram_close(&reading.latency);
    return code ? code : failure;
}

/* ---- beside a writer ---- */

/* One turn of the writer, beside so many readers; what they took of the processor is not the writer's. */
static int32_t write_turn(struct views *views, struct side *side, size_t reader_count, size_t turn, trading_error *error)
{
    struct readers readers;
    const struct settings *settings = views->subject.settings;
    struct tally writing = side->writing;
    int64_t reading = side->reading.cpu;
    int64_t keeping = usage_of_threads(KEYS_THREAD);
    int32_t code = readers_start(&readers, &views->subject, views->portfolios, reader_count, settings->reads, error);
    if (!code)
        code = drive_turn(&views->drive, (int64_t)(settings->seconds * (double)SECOND / TURNS), &side->writing, error);
    keeping = usage_of_threads(KEYS_THREAD) - keeping;
    int32_t failure = readers_stop(&readers, &side->reading, error);
    int64_t cpu = side->writing.cpu - writing.cpu - keeping - (side->reading.cpu - reading);
    side->keys_cpu += keeping;
    side->cpu[turn] = (double)cpu * 1e-3 / (double)(side->writing.commands - writing.commands);
    return code ? code : failure;
}

static void report_sides(struct report *report, struct views *views)
{
    double growths[TURNS];
    struct side *alone = &views->alone;
    struct side *beside = &views->beside;
    for (size_t i = 0; i < TURNS; i++)
        growths[i] = beside->cpu[i] / alone->cpu[i] - 1;
    struct spread growth = spread_of(growths, TURNS);
    report_add(report, "beside_reads_per_second", per_second(beside->reading.reads, beside->reading.nanoseconds));
    report_add(report, "writer_per_second_alone", per_second(alone->writing.commands, alone->writing.nanoseconds));
    report_add(report, "writer_per_second_beside", per_second(beside->writing.commands, beside->writing.nanoseconds));
    report_add(report, "writer_cpu_us_alone", spread_of(alone->cpu, TURNS).median);
    report_add(report, "writer_cpu_us_beside", spread_of(beside->cpu, TURNS).median);
    report_add(report, "keys_cpu_us",
               (double)(alone->keys_cpu + beside->keys_cpu) * 1e-3 /
                   (double)(alone->writing.commands + beside->writing.commands));
    report_add(report, "writer_cpu_growth", growth.median);
    report_add(report, "writer_cpu_growth_least", growth.least);
    report_add(report, "writer_cpu_growth_most", growth.most);
}

static bool open_side(struct side *side)
{
    return histogram_open(&side->writing.latency) && histogram_open(&side->reading.latency);
}

static void close_side(struct side *side)
{
    histogram_close(&side->writing.latency);
    histogram_close(&side->reading.latency);
}

static int32_t measure_writing(struct views *views, struct report *report, trading_error *error)
{
    struct payments payments;
    payments_open(&payments, &views->subject);
    struct flow flow = payments_flow(&payments);
    if (!open_side(&views->alone) || !open_side(&views->beside))
        return bench_fail(error, TRADING_E_NO_MEMORY, "no memory for the latencies");
    int32_t code = drive_open(&views->drive, &views->subject, &flow, error);
    for (size_t i = 0; !code && i < TURNS; i++) {
        code = write_turn(views, &views->alone, 0, i, error);
        if (!code)
            code = write_turn(views, &views->beside, 1, i, error);
    }
    if (!code)
        report_sides(report, views);
    return code;
}

/* ---- the benchmark ---- */

static int32_t measure(struct views *views, struct report *report, trading_error *error)
{
    int32_t code = subject_populate(&views->subject, error);
    if (!code)
        code = list_portfolios(views, error);
    if (!code)
        code = measure_reading(views, report, error);
    if (!code)
        code = measure_writing(views, report, error);
    if (!code)
        report_memory(report);
    drive_close(&views->drive);
    close_side(&views->alone);
    close_side(&views->beside);
    free(views->portfolios);
    return code;
}

/* `threads` are the readers; one thread writes. */
int32_t bench_views(const struct settings *settings, struct report *report, trading_error *error)
{
    struct views views = {.readers = settings->threads};
    struct settings writing = *settings;
    writing.threads = 1;
    int32_t code = subject_open(&views.subject, &writing, error);
    if (!code)
        code = measure(&views, report, error);
    subject_close(&views.subject);
    return code;
}
