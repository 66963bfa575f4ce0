#include "bench/lib/drive.h"

#include "bench/lib/clock.h"
#include "bench/lib/failure.h"
#include "bench/lib/usage.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TELL_EVERY (SECOND / 10)

static const struct settings *settings_of(const struct lane *lane)
{
    return lane->drive->subject->settings;
}

/* A turn that is over before the thread came to run has a batch all the same, as what is measured of nothing is no number. */
static bool may_begin(const struct lane *lane, int64_t now)
{
    return (now < lane->drive->end || !lane->has_begun) && lane->loads[lane->next].count > 0;
}

/* ---- loads ---- */

static void make_load(struct lane *lane, struct load *load)
{
    const struct flow *flow = lane->drive->flow;
    size_t batch = settings_of(lane)->batch;
    load->count = lane->left < batch ? (size_t)lane->left : batch;
    lane->left -= load->count;
    for (size_t i = 0; i < load->count; i++) {
        trading_command *command = &load->commands[i];
        command->key = subject_key(lane->drive->subject, lane->stream, lane->keys++);
        flow->next(flow->context, &lane->random, command, load->bodies + i * flow->body_bytes);
    }
}

static bool open_load(struct load *load, const struct flow *flow, size_t batch)
{
    load->commands = calloc(batch, sizeof *load->commands);
    load->results = calloc(batch, sizeof *load->results);
    load->bodies = calloc(batch, flow->body_bytes);
    if (!load->commands || !load->results || !load->bodies)
        return false;
    for (size_t i = 0; i < batch; i++) {
        uint8_t *body = load->bodies + i * flow->body_bytes;
        flow->begin(flow->context, body);
        load->commands[i] = (trading_command){.type = flow->type, .body = body, .body_size = flow->body_bytes};
    }
    return true;
}

static void close_load(struct load *load)
{
    free(load->commands);
    free(load->results);
    free(load->bodies);
}

/* ---- progress ---- */

static void tell_progress(struct lane *lane, int64_t now)
{
    struct drive *drive = lane->drive;
    const struct settings *settings = settings_of(lane);
    if (lane->number != 0 || !settings->progress || now - drive->told < TELL_EVERY)
        return;
    drive->told = now;
    uint64_t done = 0;
    for (size_t i = 0; i < drive->lane_count; i++)
        done += atomic_load_explicit(&drive->lanes[i].done, memory_order_relaxed);
    double seconds = (double)(drive->tally->nanoseconds + now - drive->begun) * 1e-9;
    double part =
        settings->commands ? (double)(drive->tally->commands + done) / (double)settings->commands : seconds / settings->seconds;
    settings->progress("measuring", part, per_second(done, now - drive->begun));
}

/* ---- answers ---- */

static bool take_answer(struct lane *lane, const struct load *load)
{
    int64_t now = bench_now();
    histogram_record(&lane->latency, now - load->due);
    atomic_fetch_add_explicit(&lane->done, load->count, memory_order_relaxed);
    tell_progress(lane, now);
    return expect_accepted(load->results, load->count, &lane->error) == TRADING_OK;
}

/* ---- threads that wait ---- */

static void *wait_each(void *arg)
{
    struct lane *lane = arg;
    struct drive *drive = lane->drive;
    struct load *load = &lane->loads[0];
    int64_t due = drive->begun;
    for (int64_t now = bench_now(); may_begin(lane, now); now = bench_now()) {
        lane->has_begun = true;
        if (drive->interval) {
            bench_sleep_until(due);
            load->due = due;
            due += drive->interval;
        } else {
            load->due = now;
        }
        if (trading_engine_execute(drive->subject->engine, load->commands, load->count, load->results, &lane->error) ||
            !take_answer(lane, load))
            break;
        make_load(lane, load);
    }
    return NULL;
}

static int32_t run_threads(struct drive *drive, trading_error *error)
{
    size_t started = 0;
    pthread_t *threads = calloc(drive->lane_count, sizeof *threads);
    if (!threads)
        return bench_fail(error, TRADING_E_NO_MEMORY, "no memory for threads");
    while (started < drive->lane_count && !pthread_create(&threads[started], NULL, wait_each, &drive->lanes[started]))
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    if (started < drive->lane_count)
        return bench_fail(error, TRADING_E_NO_MEMORY, "only %zu threads could be started", started);
    return TRADING_OK;
}

/* ---- one thread with several batches on their way ---- */

struct flight {
    struct lane *lane;
    size_t out;   /* loads that are submitted and not answered */
    size_t first; /* of them */
    int64_t due;  /* when the next one is; 0: at once */
};

static bool launch(struct flight *flight, int64_t now)
{
    struct lane *lane = flight->lane;
    struct load *load = &lane->loads[lane->next];
    load->due = now;
    if (lane->drive->interval) {
        load->due = flight->due;
        flight->due += lane->drive->interval;
    }
    if (trading_engine_submit(lane->drive->subject->engine, load->commands, load->count, load->results, 0, &lane->error))
        return false;
    lane->has_begun = true;
    flight->out++;
    lane->next = (lane->next + 1) % lane->load_count;
    make_load(lane, &lane->loads[lane->next]);
    return true;
}

static bool land(struct flight *flight, int64_t timeout)
{
    struct lane *lane = flight->lane;
    trading_completion completion;
    size_t taken = 0;
    int32_t code = trading_engine_poll(lane->drive->subject->engine, &completion, 1, &taken, timeout, &lane->error);
    if (code == TRADING_E_TIMEOUT) {
        lane->error.code = TRADING_OK;
        return true;
    }
    if (!code && completion.error.code)
        lane->error = completion.error;
    if (code || completion.error.code)
        return false;
    struct load *load = &lane->loads[flight->first];
    flight->first = (flight->first + 1) % lane->load_count;
    flight->out--;
    return take_answer(lane, load);
}

static int32_t run_flight(struct drive *drive)
{
    struct lane *lane = &drive->lanes[0];
    struct flight flight = {.lane = lane, .first = lane->next, .due = drive->interval ? drive->begun : 0};
    bool good = true;
    for (int64_t now = bench_now(); good && (may_begin(lane, now) || flight.out); now = bench_now()) {
        bool may_launch = may_begin(lane, now) && flight.out < settings_of(lane)->flight;
        if (may_launch && now >= flight.due)
            good = launch(&flight, now);
        else if (flight.out)
            good = land(&flight, may_launch ? flight.due - now : -1);
        else
            bench_sleep_until(flight.due);
    }
    return lane->error.code;
}

/* ---- turns ---- */

static void read_counters(const struct drive *drive, struct tally *at)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    struct usage usage;
    (void)trading_engine_get_info(drive->subject->engine, &info, NULL);
    usage_read(&usage);
    *at = (struct tally){.nanoseconds = bench_now(),
                         .cpu = bench_process_cpu(),
                         .journal_bytes = info.journal_bytes,
                         .written_bytes = usage.written_bytes,
                         .commits = info.commits,
                         .events = info.events,
                         .syncs = info.syncs};
}

static int32_t add_turn(struct drive *drive, const struct tally *before, struct tally *tally, trading_error *error)
{
    struct tally after;
    read_counters(drive, &after);
    tally->nanoseconds += after.nanoseconds - before->nanoseconds;
    tally->cpu += after.cpu - before->cpu;
    tally->journal_bytes += after.journal_bytes - before->journal_bytes;
    tally->written_bytes += after.written_bytes - before->written_bytes;
    tally->commits += after.commits - before->commits;
    tally->events += after.events - before->events;
    tally->syncs += after.syncs - before->syncs;
    for (size_t i = 0; i < drive->lane_count; i++) {
        struct lane *lane = &drive->lanes[i];
        tally->commands += atomic_load_explicit(&lane->done, memory_order_relaxed);
        histogram_merge(&tally->latency, &lane->latency);
        if (lane->error.code) {
            *error = lane->error;
            return error->code;
        }
    }
    return TRADING_OK;
}

int32_t drive_turn(struct drive *drive, int64_t nanoseconds, struct tally *tally, trading_error *error)
{
    struct tally before;
    for (size_t i = 0; i < drive->lane_count; i++) {
        atomic_store_explicit(&drive->lanes[i].done, 0, memory_order_relaxed);
        drive->lanes[i].has_begun = false;
        histogram_clear(&drive->lanes[i].latency);
        drive->lanes[i].error = (trading_error){0};
    }
    read_counters(drive, &before);
    drive->tally = tally;
    drive->begun = before.nanoseconds;
    drive->end = drive->begun + nanoseconds;
    bool waits = drive->lane_count > 1 || drive->subject->settings->flight == 1;
    int32_t code = waits ? run_threads(drive, error) : run_flight(drive);
    int64_t idle = 0;
    if (!code && drive->flow->settle)
        code = drive->flow->settle(drive->flow->context, &idle, error);
    int32_t failure = add_turn(drive, &before, tally, error);
    tally->nanoseconds -= idle;
    return failure ? failure : code;
}

static bool open_lane(struct lane *lane, struct drive *drive, uint32_t number)
{
    const struct settings *settings = drive->subject->settings;
    *lane = (struct lane){.drive = drive,
                          .number = number,
                          .stream = subject_stream(drive->subject),
                          .random = RANDOM_FIRST + UINT64_C(0x9e3779b97f4a7c15) * number,
                          .left = settings->commands ? settings->commands / settings->threads : UINT64_MAX};
    size_t count = drive->lane_count > 1 ? 1 : settings->flight + 1;
    lane->loads = calloc(count, sizeof *lane->loads);
    if (!lane->loads)
        return false;
    lane->load_count = count;
    for (size_t i = 0; i < count; i++)
        if (!open_load(&lane->loads[i], drive->flow, settings->batch))
            return false;
    make_load(lane, &lane->loads[0]);
    return histogram_open(&lane->latency);
}

int32_t drive_open(struct drive *drive, struct subject *subject, const struct flow *flow, trading_error *error)
{
    const struct settings *settings = subject->settings;
    *drive = (struct drive){.subject = subject, .flow = flow};
    if (settings->rate) /* each lane has its part of the rate */
        drive->interval =
            (int64_t)((double)SECOND * (double)settings->batch * (double)settings->threads / (double)settings->rate);
    drive->lanes = calloc(settings->threads, sizeof *drive->lanes);
    bool good = drive->lanes;
    drive->lane_count = good ? settings->threads : 0;
    for (size_t i = 0; good && i < drive->lane_count; i++)
        good = open_lane(&drive->lanes[i], drive, (uint32_t)i);
    return good ? TRADING_OK : bench_fail(error, TRADING_E_NO_MEMORY, "no memory for the commands");
}

void drive_close(struct drive *drive)
{
    for (size_t i = 0; i < drive->lane_count; i++) {
        struct lane *lane = &drive->lanes[i];
        for (size_t k = 0; k < lane->load_count; k++)
            close_load(&lane->loads[k]);
        free(lane->loads);
        histogram_close(&lane->latency);
    }
    free(drive->lanes);
}
