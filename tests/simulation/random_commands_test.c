/* Random commands, the same to the engine and to an independent model: every answer and everything that can be seen must agree.
 *
 *     random_commands_test [--commands N] [--seeds N]     N commands in all, spread over the seeds 1, 2, …
 *     random_commands_test --seed S [--commands N]        one seed again
 *     --shrink SECONDS                                    how long to look for a shorter way to a failure; 0: not at all
 */
#include "simulation/folder.h"
#include "simulation/generator.h"
#include "simulation/model_inside.h"
#include "simulation/shrink.h"
#include "simulation/tally.h"
#include "simulation/world.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_IN_BATCH = 512, KEPT_PICTURES = 4, SHOWN_STEPS = 40 };

struct options {
    int64_t commands;
    int64_t seeds;
    uint64_t seed; /* 0: all */
    int shrink_seconds;
};

/* A moment that views of the past are compared with later. */
struct moment {
    int64_t position;
    trading_time time;    /* of its newest commit */
    bool was_followed;    /* by another commit … */
    bool is_last_of_time; /* … of a later time, so that a view of its time is a view of it */
    struct picture picture;
};

struct simulation {
    uint64_t seed;
    struct chance chance; /* apart from the generator's, so that how things are compared does not change what happens */
    struct world_options options;
    struct folder folder;
    bool on_disk;
    int64_t reopen_every; /* commands; 0: never */
    struct world world;
    struct generator generator;
    MODEL_ARRAY(struct step) steps;
    struct moment moments[KEPT_PICTURES];
    int moment_count;
};

/* Every seed runs another configuration; every third one is on disk and is opened again and again. */
static void choose_options(struct simulation *simulation)
{
    static const uint64_t commit_bytes[] = {65536, 65536, 4194304};
    static const uint64_t events[] = {0, 700, 5000, 1000000};
    struct chance *chance = &simulation->chance;
    trading_engine_options *engine = &simulation->options.engine;
    trading_engine_options_init(engine);
    simulation->on_disk = simulation->seed % 3 == 0;
    simulation->options.seed = simulation->seed;
    engine->flags = chance_of(chance, 500) ? TRADING_ENGINE_MANUAL : 0;
    engine->compression = chance_of(chance, 300) ? 1 : 0;
    engine->market_collar = chance_of(chance, 300) ? 33333 : 50000;
    engine->batch_commands = (uint32_t)chance_between(chance, 1, 3) * 100;
    engine->commit_bytes = commit_bytes[chance_below(chance, 3)];
    engine->checkpoint_events = events[chance_below(chance, 4)];
    engine->snapshot_events = events[chance_below(chance, 4)];
    engine->key_age = 0;
    engine->key_count = 0;
    simulation->reopen_every = simulation->on_disk ? chance_between(chance, 500, 4000) : 0;
}

static bool run_batch(struct simulation *simulation, size_t count)
{
    struct step batch[MOST_IN_BATCH];
    generator_batch(&simulation->generator, batch, count);
    for (size_t i = 0; i < count; i++)
        MODEL_ADD(simulation->steps, batch[i]);
    return world_run(&simulation->world, batch, count);
}

static bool reopen(struct simulation *simulation)
{
    struct step step = {.action = chance_of(&simulation->chance, 500) ? STEP_CLOSE : STEP_ABANDON,
                        .batch = simulation->generator.next_batch++};
    MODEL_ADD(simulation->steps, step);
    return world_run(&simulation->world, &step, 1);
}

/* Once the next commit is there, it is known whether the time of a moment stands for it. */
static void follow_moments(struct simulation *simulation)
{
    for (int i = 0; i < simulation->moment_count; i++) {
        struct moment *moment = &simulation->moments[i];
        if (moment->was_followed || simulation->world.newest_position < moment->position)
            continue;
        moment->was_followed = true;
        moment->is_last_of_time = simulation->world.newest_time > moment->time;
    }
}

static bool compare_moment(struct simulation *simulation, const struct moment *moment)
{
    if (moment->is_last_of_time && chance_of(&simulation->chance, 500))
        return world_compare_until(&simulation->world, moment->time, &moment->picture);
    return world_compare_past(&simulation->world, moment->position, &moment->picture);
}

/* Compares a moment of before, and keeps this one in its place. */
static bool compare_past(struct simulation *simulation)
{
    int slot = (int)chance_below(&simulation->chance, KEPT_PICTURES);
    if (slot < simulation->moment_count && !compare_moment(simulation, &simulation->moments[slot]))
        return false;
    if (slot >= simulation->moment_count)
        slot = simulation->moment_count++;
    struct moment *moment = &simulation->moments[slot];
    moment->position = world_position(&simulation->world);
    moment->time = simulation->world.newest_time;
    moment->was_followed = moment->is_last_of_time = false;
    picture_of_model(&moment->picture, &simulation->world.model, false);
    return true;
}

static bool run_commands(struct simulation *simulation, int64_t commands)
{
    int64_t next_comparison = 0;
    int64_t next_reopening = simulation->reopen_every;
    for (int64_t done = 0; done < commands;) {
        int64_t most = chance_of(&simulation->chance, 300) ? MOST_IN_BATCH : 16;
        int64_t count = chance_between(&simulation->chance, 1, most);
        count = count < commands - done ? count : commands - done;
        if (!run_batch(simulation, (size_t)count))
            return false;
        follow_moments(simulation);
        done += count;
        if (simulation->reopen_every && done >= next_reopening) {
            next_reopening = done + simulation->reopen_every;
            if (!reopen(simulation) || !world_compare(&simulation->world, false))
                return false;
        }
        if (done >= next_comparison) {
            next_comparison = done + chance_between(&simulation->chance, 1, 100 + done / 8);
            if (!world_compare(&simulation->world, false) || !compare_past(simulation))
                return false;
        }
    }
    return world_compare(&simulation->world, true) && world_verify(&simulation->world) && world_tally(&simulation->world);
}

static void report(struct simulation *simulation, const struct options *options)
{
    const struct world *world = &simulation->world;
    fprintf(stderr, "\nseed %" PRIu64 ", after %d steps", simulation->seed, simulation->steps.count);
    if (world->failed_number)
        fprintf(stderr, ", at #%" PRId64, world->failed_number);
    fprintf(stderr, ": %s\nagain: random_commands_test --seed %" PRIu64 " --commands %" PRId64 "\n", world->failure,
            simulation->seed, options->commands);
    struct step *steps = simulation->steps.at;
    size_t count = (size_t)simulation->steps.count;
    char failure[sizeof(world->failure)];
    if (options->shrink_seconds && !simulation_replay(&simulation->options, steps, count, failure)) {
        count = simulation_shrink(&simulation->options, steps, count, options->shrink_seconds);
        simulation_replay(&simulation->options, steps, count, failure);
        fprintf(stderr, "%zu steps are enough: %s\n", count, failure);
    }
    for (size_t i = count > SHOWN_STEPS ? count - SHOWN_STEPS : 0; i < count; i++)
        step_print(&steps[i], stderr);
}

static void finish(struct simulation *simulation)
{
    for (int i = 0; i < KEPT_PICTURES; i++)
        picture_free(&simulation->moments[i].picture);
    free(simulation->steps.at);
    generator_free(&simulation->generator);
    if (simulation->on_disk)
        folder_remove(&simulation->folder);
}

static bool run_seed(uint64_t seed, int64_t commands, const struct options *options)
{
    struct simulation simulation = {.seed = seed, .chance = {seed * 977}};
    choose_options(&simulation);
    if (simulation.on_disk && !folder_make(&simulation.folder))
        return false;
    simulation.options.uri = simulation.on_disk ? simulation.folder.uri : "memory:";
    generator_init(&simulation.generator, seed, &simulation.world.model);
    bool agrees = world_open(&simulation.world, &simulation.options) && run_commands(&simulation, commands);
    const struct model *model = &simulation.world.model;
    if (agrees)
        printf("seed %" PRIu64 ": %" PRId64 " commands, %d accounts, %d orders, %d executions, %" PRId64 " pauses%s\n", seed,
               commands, model->accounts.count, model->orders.count, model->executions.count, simulation.world.pauses,
               simulation.on_disk ? ", on disk" : "");
    world_close(&simulation.world);
    agrees = agrees && !simulation.world.failure[0];
    if (!agrees)
        report(&simulation, options);
    fflush(stdout);
    finish(&simulation);
    return agrees;
}

static bool read_options(int count, char **arguments, struct options *options)
{
    static const struct option names[] = {{"commands", required_argument, NULL, 'c'},
                                          {"seeds", required_argument, NULL, 'n'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"shrink", required_argument, NULL, 'k'},
                                          {0}};
    *options = (struct options){.commands = 1000000, .seeds = 24, .shrink_seconds = 240};
    for (int option; (option = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        switch (option) {
        case 'c':
            options->commands = strtoll(optarg, NULL, 10);
            break;
        case 'n':
            options->seeds = strtoll(optarg, NULL, 10);
            break;
        case 's':
            options->seed = strtoull(optarg, NULL, 10);
            break;
        case 'k':
            options->shrink_seconds = (int)strtol(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return options->commands > 0 && options->seeds > 0;
}

int main(int count, char **arguments)
{
    struct options options;
    if (!read_options(count, arguments, &options)) {
        fprintf(stderr, "usage: random_commands_test [--seed S] [--seeds N] [--commands N] [--shrink SECONDS]\n");
        return 2;
    }
    if (options.seed)
        return run_seed(options.seed, options.commands, &options) ? 0 : 1;
    options.commands /= options.seeds; /* of one seed, as the report says */
    for (uint64_t seed = 1; seed <= (uint64_t)options.seeds; seed++)
        if (!run_seed(seed, options.commands, &options))
            return 1;
    return 0;
}
