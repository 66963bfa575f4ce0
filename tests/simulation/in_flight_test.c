/* While an append is on its way: nothing of it is seen before it is durable, and a commit of another writer that comes first is taken in. */
#include "backends/memory/memory_store.h"
#include "faulty_store.h"
#include "simulation/generator.h"
#include "simulation/model_inside.h"
#include "simulation/tally.h"
#include "simulation/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 40, IN_BATCH = 10, AT_ONCE = 4 };

#define PATIENCE INT64_C(60000000000)

/* ---- what views show while an append is held up ---- */

/* Appends wait here, each for a pass of its own. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool armed;
    bool waiting; /* an append is at the gate */
    int passes;
};

static void wait_at_gate(void *argument, enum faulty_call call, uint64_t nth)
{
    struct gate *gate = argument;
    (void)nth;
    if (call != FAULTY_APPEND)
        return;
    pthread_mutex_lock(&gate->mutex);
    if (gate->armed) {
        gate->waiting = true;
        pthread_cond_broadcast(&gate->changed);
        while (gate->passes == 0)
            pthread_cond_wait(&gate->changed, &gate->mutex);
        gate->passes--;
        gate->waiting = false;
    }
    pthread_mutex_unlock(&gate->mutex);
}

static void arm(struct gate *gate, bool armed)
{
    pthread_mutex_lock(&gate->mutex);
    gate->armed = armed;
    pthread_mutex_unlock(&gate->mutex);
}

static void wait_for_append(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    while (!gate->waiting)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

static void let_pass(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->passes++;
    gate->waiting = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

/* A deposit, which is an event for certain. */
static struct model_command deposit(const struct generator *generator, int64_t number)
{
    return (struct model_command){.number = number,
                                  .key = number,
                                  .type = TRADING_COMMAND_DEPOSIT,
                                  .account = generator->model->accounts.at[0].name,
                                  .amount = 12 * TRADING_DECIMAL_ONE};
}

/* How many more submissions are answered: those `wanted` may come after the next append is at the gate, but do come. */
static size_t answered(struct world *world, size_t wanted)
{
    trading_completion completions[AT_ONCE];
    size_t answers = 0;
    size_t taken = 0;
    while (answers < wanted && !trading_engine_poll(world->engine, completions, AT_ONCE, &taken, PATIENCE, NULL))
        answers += taken;
    trading_engine_poll(world->engine, completions, AT_ONCE, &taken, 0, NULL);
    return answers + taken;
}

/* Nothing is told of what is on its way: neither by views nor by a feed. */
static bool is_secret(struct world *world, int64_t position)
{
    trading_feed *feed = NULL;
    trading_event event;
    size_t taken = 0;
    bool unseen = world_compare(world, false) && world_position(world) == position;
    bool fed = trading_feed_open(&feed, world->engine, position, NULL, NULL, NULL) ||
               trading_feed_next(feed, &event, 1, &taken, 0, NULL) != TRADING_E_TIMEOUT;
    trading_feed_close(feed);
    return unseen && !fed ? true : world_fail(world, "what was not durable was %s", !unseen ? "shown" : "fed");
}

/* A few commands, a commit each: while the append of each one waits, everything is as after the one before it. */
static bool look_during_appends(struct world *world, struct gate *gate, struct model_command *commands)
{
    struct step_lowered lowered[AT_ONCE];
    struct model_answer expected[AT_ONCE];
    trading_result results[AT_ONCE];
    size_t answers = 0;
    bool fits = true;
    arm(gate, true);
    for (size_t i = 0; i < AT_ONCE; i++) {
        world_lower(world, &commands[i], &lowered[i]);
        if (trading_engine_submit(world->engine, &lowered[i].command, 1, &results[i], i, NULL))
            return world_fail(world, "submit");
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        wait_for_append(gate);
        fits = fits && is_secret(world, world_position(world));
        answers += answered(world, i - answers);
        if (answers != i)
            fits = world_fail(world, "%zu are answered while commit %zu is appended", answers, i);
        expected[i] = model_execute(&world->model, &commands[i]);
        if (i == AT_ONCE - 1)
            arm(gate, false);
        let_pass(gate);
    }
    trading_completion last;
    size_t taken = 0;
    if (trading_engine_poll(world->engine, &last, 1, &taken, -1, NULL))
        return world_fail(world, "poll");
    for (int i = 0; i < AT_ONCE && fits; i++)
        fits = world_same_result(world, &commands[i], &expected[i], &results[i]);
    return fits && world_compare(world, false);
}

/* ---- the same where the host steps, and the store is polled ---- */

static bool step_once(struct world *world)
{
    uint32_t done = 0;
    int32_t code = trading_engine_step(world->engine, 1, &done, NULL);
    return !code && done == 1 ? true : world_fail(world, "step: %s, %u done", trading_error_name(code), done);
}

/* A few commands, a commit each: while one is under way and the next is decided, everything is as after the one before. */
static bool look_between_steps(struct world *world, struct model_command *commands)
{
    struct step_lowered lowered[AT_ONCE];
    trading_result results[AT_ONCE];
    trading_completion completions[AT_ONCE];
    size_t taken = 0;
    for (size_t i = 0; i < AT_ONCE; i++) {
        world_lower(world, &commands[i], &lowered[i]);
        if (trading_engine_submit(world->engine, &lowered[i].command, 1, &results[i], i, NULL))
            return world_fail(world, "submit");
    }
    bool fits = step_once(world); /* begins the first */
    for (size_t i = 0; i < AT_ONCE && fits; i++) {
        fits = i == AT_ONCE - 1 || step_once(world); /* decides the next */
        fits = fits && is_secret(world, world_position(world));
        if (!trading_engine_poll(world->engine, completions, AT_ONCE, &taken, 0, NULL))
            fits = world_fail(world, "commit %zu is answered while it is under way", i);
        struct model_answer expected = model_execute(&world->model, &commands[i]);
        fits = fits && step_once(world); /* has nothing else to do than to wait */
        if (trading_engine_poll(world->engine, completions, AT_ONCE, &taken, 0, NULL) || taken != 1)
            fits = world_fail(world, "%zu are answered after commit %zu was awaited", taken, i);
        fits = fits && world_same_result(world, &commands[i], &expected, &results[i]);
    }
    return fits && world_compare(world, false);
}

/* ---- either ---- */

static bool run_some(struct world *world, struct generator *generator)
{
    struct step steps[IN_BATCH];
    generator_batch(generator, steps, IN_BATCH);
    return world_run(world, steps, IN_BATCH);
}

/* With threads, whose appends wait at a gate; or polling a store that is done when somebody waits for it. */
static bool nothing_is_shown_before_it_is_durable(bool polled)
{
    struct world world;
    struct generator generator;
    struct faulty_plan plan;
    char location[FAULTY_LOCATION];
    char uri[64];
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    faulty_plan_init(&plan, &memory_store_ops, "");
    plan.late = UINT32_MAX;
    plan.before = wait_at_gate;
    plan.arg = &gate;
    snprintf(uri, sizeof(uri), "faulty:%s", faulty_location(&plan, location));
    struct world_options options = {.uri = uri, .seed = 21};
    options.store = polled ? &faulty_polled_store_ops : &faulty_store_ops;
    trading_engine_options_init(&options.engine);
    options.engine.flags = polled ? TRADING_ENGINE_MANUAL : 0;
    options.engine.batch_commands = 1; /* so that one is decided while the one before it is appended */
    generator_init(&generator, 21, &world.model);
    bool fits = world_open(&world, &options);
    for (int i = 0; i < BATCHES && fits; i++) {
        fits = run_some(&world, &generator);
        if (!fits || world.model.accounts.count == 0)
            continue;
        struct model_command commands[AT_ONCE];
        for (int j = 0; j < AT_ONCE; j++)
            commands[j] = deposit(&generator, generator.next_number++);
        fits = polled ? look_between_steps(&world, commands) : look_during_appends(&world, &gate, commands);
    }
    fits = fits && world_tally(&world);
    generator_free(&generator);
    world_close(&world);
    if (!fits)
        fprintf(stderr, "views during an append%s: %s\n", polled ? " that is polled for" : "", world.failure);
    return fits;
}

/* ---- another writer's commit ---- */

/* The newest commit of the twin, whose store is a store in memory that is listened to. */
static struct {
    trading_store_commit commit;
    char *bytes;
} newest;

static int32_t append_and_keep(void *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                               trading_store_head *head, trading_error *error)
{
    const trading_store_commit *last = &commits[count - 1];
    char *bytes = malloc(last->size);
    if (!bytes)
        exit(2);
    memcpy(bytes, last->data, last->size);
    free(newest.bytes);
    newest.bytes = bytes;
    newest.commit = *last;
    newest.commit.data = bytes;
    return memory_store_ops.append(store, partition, commits, count, head, error);
}

/* The same day in two worlds, to the byte. */
struct twins {
    struct world ours;
    struct world theirs;
    struct faulty_plan plan;
    char uri[64];
    struct generator generator;
    trading_store_ops listened;
};

static bool open_twins(struct twins *twins, uint64_t seed, bool polled)
{
    char location[FAULTY_LOCATION];
    memset(twins, 0, sizeof(*twins));
    faulty_plan_init(&twins->plan, &memory_store_ops, "");
    twins->plan.late = 2;
    snprintf(twins->uri, sizeof(twins->uri), "faulty:%s", faulty_location(&twins->plan, location));
    twins->listened = memory_store_ops;
    twins->listened.append = append_and_keep;
    struct world_options ours = {.uri = twins->uri, .seed = seed};
    ours.store = polled ? &faulty_polled_store_ops : &faulty_store_ops;
    trading_engine_options_init(&ours.engine);
    ours.engine.flags = TRADING_ENGINE_MANUAL;
    struct world_options theirs = ours;
    theirs.uri = "faulty:";
    theirs.store = &twins->listened;
    generator_init(&twins->generator, seed, &twins->ours.model);
    return world_open(&twins->ours, &ours) && world_open(&twins->theirs, &theirs);
}

static bool run_both(struct twins *twins)
{
    struct step steps[IN_BATCH];
    generator_batch(&twins->generator, steps, IN_BATCH);
    return world_run(&twins->ours, steps, IN_BATCH) && world_run(&twins->theirs, steps, IN_BATCH);
}

/* Makes the other writer's nonces others than ours: what entropy it has drawn ahead is spent on keys of commands that leave no trace. */
static bool part(struct twins *twins)
{
    bool fits = true;
    atomic_fetch_add(&twins->theirs.entropy, 1 << 20);
    for (int i = 0; i < 1000 && fits; i++) {
        struct step step = {.time = twins->generator.now,
                            .command = deposit(&twins->generator, twins->generator.next_number++)};
        step.command.key = 0;
        step.command.version = MODEL_VERSION_WRONG;
        fits = world_run(&twins->theirs, &step, 1);
    }
    return fits;
}

/* The other writer deposits first; then we do, and meet its commit. */
static bool meet(struct twins *twins)
{
    struct step theirs = {.time = twins->generator.now, .command = deposit(&twins->generator, twins->generator.next_number++)};
    struct step ours = {.time = twins->generator.now, .command = deposit(&twins->generator, twins->generator.next_number++)};
    struct world *world = &twins->ours;
    if (!part(twins) || !world_run(&twins->theirs, &theirs, 1))
        return world_fail(world, "the other writer: %s", twins->theirs.failure);
    twins->plan.other = newest.commit;
    faulty_plan_add(&twins->plan, FAULTY_APPEND, atomic_load(&twins->plan.calls[FAULTY_APPEND]), FAULT_OVERTAKEN, 0);
    world_begin(world, theirs.time);
    if (!world_check_result(world, &theirs.command, &twins->theirs.results.at[theirs.command.number]))
        return false;
    return world_run(world, &ours, 1) && world_compare(world, true);
}

static bool another_writers_commit_is_taken_in(uint64_t seed, bool polled)
{
    static struct twins twins;
    bool fits = open_twins(&twins, seed, polled);
    for (int i = 0; i < BATCHES / 2 && fits; i++)
        fits = run_both(&twins);
    fits = fits && meet(&twins);
    for (int i = 0; i < BATCHES / 2 && fits; i++)
        fits = run_some(&twins.ours, &twins.generator);
    fits = fits && world_compare(&twins.ours, true) && world_verify(&twins.ours) && world_tally(&twins.ours);
    generator_free(&twins.generator);
    world_close(&twins.theirs);
    world_close(&twins.ours);
    free(newest.bytes);
    newest.bytes = NULL;
    if (!fits)
        fprintf(stderr, "another writer, seed %" PRIu64 ": %s %s\n", seed, twins.ours.failure, twins.theirs.failure);
    return fits;
}

int main(void)
{
    bool fits = true;
    for (int polled = 0; polled < 2; polled++) {
        fits = nothing_is_shown_before_it_is_durable(polled) && fits;
        for (uint64_t seed = 31; seed < 36; seed++)
            fits = another_writers_commit_is_taken_in(seed, polled) && fits;
    }
    return fits ? 0 : 1;
}
