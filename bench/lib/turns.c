#include "bench/lib/turns.h"

#include "bench/lib/clock.h"
#include "bench/lib/failure.h"
#include "bench/lib/peer.h"
#include "bench/lib/spread.h"

#define TURNS_MOST  32u
#define TURNS_LEAST 3u

struct contest {
    struct drive drive;
    struct peer peer;
    struct tally ours;
    struct tally theirs;
    double ratios[TURNS_MOST]; /* ours / theirs of a turn */
    size_t turns;
};

/* ---- one turn ---- */

/* The rate of what a turn added to the tally. */
static double rate_since(const struct tally *tally, const struct tally *before)
{
    return per_second(tally->commands - before->commands, tally->nanoseconds - before->nanoseconds);
}

static int32_t take_turns(struct contest *contest, int64_t nanoseconds, trading_error *error)
{
    struct tally ours = contest->ours;
    struct tally theirs = contest->theirs;
    /* Who begins changes each time: what one leaves to be written falls into the other's turn. */
    bool first = contest->turns % 2 == 0;
    int32_t code = first ? drive_turn(&contest->drive, nanoseconds, &contest->ours, error) : TRADING_OK;
    if (!code)
        code = peer_turn(&contest->peer, nanoseconds, &contest->theirs, error);
    if (!code && !first)
        code = drive_turn(&contest->drive, nanoseconds, &contest->ours, error);
    contest->ratios[contest->turns++] = rate_since(&contest->ours, &ours) / rate_since(&contest->theirs, &theirs);
    return code;
}

static void forget(struct tally *tally)
{
    struct histogram latency = tally->latency;
    histogram_clear(&latency);
    *tally = (struct tally){.latency = latency};
}

/* Files and caches are new at first: what is measured then does not count. Where the commands are counted, each of them does. */
static int32_t warm_up(struct contest *contest, const struct settings *settings, int64_t nanoseconds, trading_error *error)
{
    int32_t code = TRADING_OK;
    if (!settings->commands)
        do
            code = drive_turn(&contest->drive, nanoseconds, &contest->ours, error);
        while (!code && contest->ours.commands < settings->warm);
    if (!code && settings->beside != BESIDE_NOTHING)
        code = peer_turn(&contest->peer, nanoseconds, &contest->theirs, error);
    forget(&contest->ours);
    forget(&contest->theirs);
    return code;
}

static int32_t run_turns(struct contest *contest, const struct settings *settings, trading_error *error)
{
    int64_t all = (int64_t)(settings->seconds * (double)SECOND);
    size_t turns = (size_t)(settings->seconds + 0.5);
    turns = turns < TURNS_LEAST ? TURNS_LEAST : turns > TURNS_MOST ? TURNS_MOST : turns;
    int32_t code = warm_up(contest, settings, all / 10, error);
    if (!code && settings->beside == BESIDE_NOTHING)
        return drive_turn(&contest->drive, all, &contest->ours, error);
    for (size_t i = 0; !code && i < turns; i++)
        code = take_turns(contest, all / (int64_t)turns, error);
    return code;
}

/* ---- what came out ---- */

static void report_peer(struct report *report, struct contest *contest, enum beside beside)
{
    const struct tally *theirs = &contest->theirs;
    bool is_lmdb = beside == BESIDE_LMDB;
    struct spread ratio = spread_of(contest->ratios, contest->turns);
    report_add(report, is_lmdb ? "lmdb_per_second" : "disk_per_second", per_second(theirs->commands, theirs->nanoseconds));
    report_add(report, is_lmdb ? "lmdb_p99_us" : "disk_p99_us", (double)histogram_percentile(&theirs->latency, 0.99) * 1e-3);
    if (is_lmdb)
        report_add(report, "lmdb_cpu_us_per_record", (double)theirs->cpu * 1e-3 / (double)theirs->commands);
    report_add(report, "ratio", ratio.median);
    report_add(report, "ratio_least", ratio.least);
    report_add(report, "ratio_most", ratio.most);
}

static int32_t write_log(const struct settings *settings, const struct tally *tally, trading_error *error)
{
    if (settings->log && !histogram_write_log(&tally->latency, (double)tally->nanoseconds * 1e-9, settings->log))
        return bench_fail(error, TRADING_E_IO, "the log of latencies could not be written");
    return TRADING_OK;
}

static int32_t open_contest(struct contest *contest, struct subject *subject, const struct flow *flow, trading_error *error)
{
    int32_t code = drive_open(&contest->drive, subject, flow, error);
    if (!code && subject->settings->beside != BESIDE_NOTHING)
        code = peer_open(&contest->peer, subject->settings, error);
    if (!code && !(histogram_open(&contest->ours.latency) && histogram_open(&contest->theirs.latency)))
        code = bench_fail(error, TRADING_E_NO_MEMORY, "no memory for the latencies");
    return code;
}

static void close_contest(struct contest *contest)
{
    drive_close(&contest->drive);
    peer_close(&contest->peer);
    histogram_close(&contest->ours.latency);
    histogram_close(&contest->theirs.latency);
}

int32_t measure_flow(struct subject *subject, const struct flow *flow, struct report *report, trading_error *error)
{
    const struct settings *settings = subject->settings;
    struct contest contest = {.peer = {.file = -1}};
    int32_t code = open_contest(&contest, subject, flow, error);
    if (!code)
        code = run_turns(&contest, settings, error);
    if (!code) {
        report_tally(report, &contest.ours);
        if (settings->beside != BESIDE_NOTHING)
            report_peer(report, &contest, settings->beside);
        code = write_log(settings, &contest.ours, error);
    }
    close_contest(&contest);
    return code;
}
