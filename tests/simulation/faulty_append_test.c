/* Appends that fail, at every batch of a day and in every way: what was shown before was durable, what was in flight is answered right, and
 * the engine goes on.
 *
 * For each way to fail and each append in turn, a day of random commands runs on a store that fails there. What the engine answers then
 * must be what the model says of exactly the commands that it answers as done; what it answers as not done is sent again. */
#include "backends/memory/memory_store.h"
#include "faulty_store.h"
#include "simulation/generator.h"
#include "simulation/tally.h"
#include "simulation/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who drives the engine, and how it appends. */
enum drive { BY_STEPS, BY_THREADS, BY_POLLING, DRIVES };

enum { BATCHES = 14, IN_BATCH = 12, WARM_UP = 400, IN_FLIGHT = 4 };

struct way {
    const char *name;
    enum fault fault;
    int32_t code;
};

static const struct way ways[] = {
    {"refused for want of space", FAULT_REFUSED, TRADING_E_NO_SPACE},
    {"refused by the system", FAULT_REFUSED, TRADING_E_IO},
    {"unknown, and done", FAULT_UNKNOWN_DONE, 0},
    {"unknown, and not done", FAULT_UNKNOWN_LOST, 0},
};

/* One day on a store that fails once. */
struct day {
    struct world world;
    struct generator generator;
    struct faulty_plan plan;
    char uri[64];
    enum drive drive;
    bool together;     /* several batches in flight at once */
    uint64_t fails_at; /* which append, counted from the end of the warm-up */
    uint64_t first_append;
    int64_t not_done; /* commands that were answered as not done */
};

/* Commands on their way. */
struct flight {
    size_t count;
    struct model_command meant[IN_BATCH * IN_FLIGHT];
    struct step_lowered lowered[IN_BATCH * IN_FLIGHT];
    trading_command commands[IN_BATCH * IN_FLIGHT];
    trading_result results[IN_BATCH * IN_FLIGHT];
    bool done[IN_BATCH * IN_FLIGHT];
};

static bool open_day(struct day *day, uint64_t seed, enum drive drive, bool together)
{
    char location[FAULTY_LOCATION];
    memset(day, 0, sizeof(*day));
    day->drive = drive;
    day->together = together;
    faulty_plan_init(&day->plan, &memory_store_ops, "");
    day->plan.late = 2;
    snprintf(day->uri, sizeof(day->uri), "faulty:%s", faulty_location(&day->plan, location));
    struct world_options options = {.uri = day->uri, .store = &faulty_store_ops, .seed = seed};
    if (drive == BY_POLLING)
        options.store = &faulty_polled_store_ops;
    trading_engine_options_init(&options.engine);
    options.engine.flags = drive == BY_THREADS ? 0 : TRADING_ENGINE_MANUAL;
    options.engine.batch_commands = IN_BATCH;
    generator_init(&day->generator, seed, &day->world.model);
    return world_open(&day->world, &options);
}

static void close_day(struct day *day)
{
    generator_free(&day->generator);
    world_close(&day->world);
}

/* Commands with a key only: one without cannot be sent again. */
static void make_flight(struct day *day, size_t count, struct flight *flight)
{
    struct step steps[IN_BATCH * IN_FLIGHT];
    generator_batch(&day->generator, steps, count);
    memset(flight, 0, sizeof(*flight));
    flight->count = count;
    for (size_t i = 0; i < count; i++) {
        flight->meant[i] = steps[i].command;
        if (!flight->meant[i].key)
            flight->meant[i].key = flight->meant[i].number;
        if (flight->meant[i].version == MODEL_VERSION_RIGHT)
            flight->meant[i].version = MODEL_VERSION_ANY;
        world_lower(&day->world, &flight->meant[i], &flight->lowered[i]);
        flight->commands[i] = flight->lowered[i].command;
    }
    world_begin(&day->world, steps->time);
}

/* Takes completions until `left` submissions are answered. @return the last failure among them. */
static int32_t collect(struct day *day, size_t left)
{
    int32_t failure = TRADING_OK;
    while (left > 0) {
        trading_completion completion;
        size_t taken = 0;
        if (day->drive != BY_THREADS)
            trading_engine_step(day->world.engine, 1, NULL, NULL);
        int32_t code = trading_engine_poll(day->world.engine, &completion, 1, &taken, day->drive == BY_THREADS ? -1 : 0, NULL);
        if (code && code != TRADING_E_TIMEOUT)
            return code;
        left -= taken;
        if (taken && completion.error.code)
            failure = completion.error.code;
    }
    return failure;
}

/* Sends what is not done yet, in several submissions. @return the code of the call, or of a completion. */
static int32_t send(struct day *day, struct flight *flight)
{
    size_t submissions = 0;
    size_t piece = day->together ? IN_BATCH / 2 : flight->count;
    for (size_t first = 0; first < flight->count; first += piece, submissions++) {
        size_t count = flight->count - first < piece ? flight->count - first : piece;
        int32_t code =
            trading_engine_submit(day->world.engine, flight->commands + first, count, flight->results + first, first, NULL);
        if (code)
            return code;
    }
    return collect(day, submissions);
}

/* The model does what was done, in order, and nothing else. */
static bool check_flight(struct day *day, struct flight *flight)
{
    for (size_t i = 0; i < flight->count; i++) {
        if (flight->done[i] || flight->results[i].status == TRADING_STATUS_NONE)
            continue;
        if (flight->results[i].status == TRADING_STATUS_UNKNOWN)
            return world_fail(&day->world, "nobody knows what became of #%" PRId64, flight->meant[i].number);
        if (!world_check_result(&day->world, &flight->meant[i], &flight->results[i]))
            return false;
        flight->done[i] = true;
    }
    world_end(&day->world);
    return world_name_orders(&day->world, flight->meant, flight->results, flight->count);
}

/* Once more what was answered as not done, under the same keys. */
static bool send_again(struct day *day, struct flight *flight)
{
    struct flight again = {0};
    for (size_t i = 0; i < flight->count; i++) {
        if (flight->done[i])
            continue;
        again.meant[again.count] = flight->meant[i];
        step_lower(&again.meant[again.count], &day->world.names, day->world.options.seed, &again.lowered[again.count]);
        again.lowered[again.count].command.expected_version = flight->commands[i].expected_version;
        again.commands[again.count] = again.lowered[again.count].command;
        again.count++;
    }
    day->not_done += (int64_t)again.count;
    world_begin(&day->world, atomic_load(&day->world.clock));
    int32_t code = again.count ? send(day, &again) : TRADING_OK;
    if (code)
        return world_fail(&day->world, "the second time: %s", trading_error_name(code));
    return check_flight(day, &again);
}

/* What the call may say: whatever the store said, or nothing where the engine found out by itself. */
static bool fits_the_fault(struct day *day, const struct way *way, const struct flight *flight, int32_t code)
{
    size_t done = 0;
    for (size_t i = 0; i < flight->count; i++)
        done += flight->done[i];
    if (code == TRADING_OK)
        return done == flight->count ? true : world_fail(&day->world, "no failure is told, and not all is done");
    if (done == flight->count)
        return world_fail(&day->world, "all is done, and %s is told", trading_error_name(code));
    bool refused = way->fault == FAULT_REFUSED && code == way->code;
    return refused ? true : world_fail(&day->world, "%s is told", trading_error_name(code));
}

static bool run_flight(struct day *day, const struct way *way, size_t count)
{
    static struct flight flight; /* too large for some stacks */
    make_flight(day, count, &flight);
    int32_t code = send(day, &flight);
    return check_flight(day, &flight) && fits_the_fault(day, way, &flight, code) && world_compare(&day->world, false) &&
           send_again(day, &flight) && world_compare(&day->world, false);
}

static bool warm_up(struct day *day)
{
    for (int done = 0; done < WARM_UP; done += IN_BATCH) {
        struct step steps[IN_BATCH];
        generator_batch(&day->generator, steps, IN_BATCH);
        if (!world_run(&day->world, steps, IN_BATCH))
            return false;
    }
    return true;
}

static bool run_day(struct day *day, const struct way *way)
{
    size_t count = day->together ? IN_BATCH * IN_FLIGHT : IN_BATCH;
    if (!warm_up(day))
        return false;
    day->first_append = atomic_load(&day->plan.calls[FAULTY_APPEND]);
    faulty_plan_add(&day->plan, FAULTY_APPEND, day->first_append + day->fails_at, way->fault, way->code);
    for (int i = 0; i < BATCHES; i++)
        if (!run_flight(day, way, count))
            return false;
    return world_compare(&day->world, true) && world_verify(&day->world) && world_tally(&day->world);
}

static bool try_way(const struct way *way, uint64_t fails_at, enum drive drive, bool together, int64_t *not_done)
{
    static const char *const drives[] = {"without threads", "with threads", "polling the store"};
    static struct day day;
    bool fits = open_day(&day, 5 + fails_at, drive, together);
    day.fails_at = fails_at;
    fits = fits && run_day(&day, way);
    uint64_t appends = atomic_load(&day.plan.calls[FAULTY_APPEND]);
    if (fits && appends <= day.first_append + fails_at)
        fits = world_fail(&day.world, "the store was never asked to fail");
    close_day(&day);
    *not_done += day.not_done;
    if (!fits)
        fprintf(stderr, "append %" PRIu64 " %s, %s%s: %s (at #%" PRId64 ")\n", fails_at, way->name, drives[drive],
                together ? ", several batches in flight" : "", day.world.failure, day.world.failed_number);
    return fits;
}

int main(void)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        int64_t not_done = 0;
        for (int how = 0; how < 2 * DRIVES; how++)
            for (uint64_t fails_at = 0; fails_at < BATCHES - 2; fails_at++)
                if (!try_way(&ways[i], fails_at, (enum drive)(how / 2), how % 2, &not_done))
                    return 1;
        printf("%s: %" PRId64 " commands were answered as not done, and done the second time\n", ways[i].name, not_done);
        if ((ways[i].fault == FAULT_REFUSED) != (not_done > 0)) {
            fprintf(stderr, "that is not what such a failure does\n");
            return 1;
        }
    }
    return 0;
}
