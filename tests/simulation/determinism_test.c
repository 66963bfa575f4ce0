/* With clock and entropy given, the same commands make the same journal, byte for byte: the hash of the newest commit stands for all. Over a
 * store that is polled, too, where commands are submitted when nothing is under way. */
#include "backends/memory/memory_store.h"
#include "faulty_store.h"
#include "simulation/generator.h"
#include "simulation/model_inside.h"
#include "simulation/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 6, BATCHES = 120, MOST_IN_BATCH = 40 };

typedef MODEL_ARRAY(struct step) step_list;

static struct world_options options_of(uint64_t seed)
{
    struct world_options options = {.uri = "memory:", .seed = seed};
    trading_engine_options_init(&options.engine);
    options.engine.flags = TRADING_ENGINE_MANUAL;
    options.engine.compression = seed % 2 ? 1 : 0;
    return options;
}

static bool hash_of(struct world *world, uint8_t hash[32])
{
    trading_verification found = TRADING_VERIFICATION_INIT;
    if (trading_engine_verify(world->engine, &found, NULL, NULL, NULL) || !found.sound)
        return world_fail(world, "the journal is not sound");
    memcpy(hash, found.hash, sizeof(found.hash));
    return true;
}

/* Makes up commands and runs them, and keeps both the steps and the hash. */
static bool run_new(struct world *world, uint64_t seed, step_list *steps, uint8_t hash[32])
{
    struct generator generator;
    struct world_options options = options_of(seed);
    generator_init(&generator, seed, &world->model);
    bool fits = world_open(world, &options);
    for (int i = 0; i < BATCHES && fits; i++) {
        struct step batch[MOST_IN_BATCH];
        size_t count = (size_t)chance_between(&generator.chance, 1, MOST_IN_BATCH);
        generator_batch(&generator, batch, count);
        for (size_t j = 0; j < count; j++)
            MODEL_ADD(*steps, batch[j]);
        fits = world_run(world, batch, count);
    }
    fits = fits && hash_of(world, hash);
    generator_free(&generator);
    world_close(world);
    return fits;
}

static bool run_again(struct world *world, const struct world_options *options, const step_list *steps, uint8_t hash[32])
{
    bool fits = world_open(world, options);
    for (int first = 0, end; first < steps->count && fits; first = end) {
        end = first + 1;
        while (end < steps->count && steps->at[end].batch == steps->at[first].batch)
            end++;
        fits = world_run(world, steps->at + first, (size_t)(end - first));
    }
    fits = fits && hash_of(world, hash);
    world_close(world);
    return fits;
}

static bool run_polled(struct world *world, uint64_t seed, const step_list *steps, uint8_t hash[32])
{
    struct faulty_plan plan;
    char location[FAULTY_LOCATION];
    char uri[FAULTY_LOCATION + 8];
    struct world_options options = options_of(seed);
    faulty_plan_init(&plan, &memory_store_ops, "");
    plan.late = (uint32_t)(seed % 3);
    snprintf(uri, sizeof(uri), "faulty:%s", faulty_location(&plan, location));
    options.uri = uri;
    options.store = &faulty_polled_store_ops;
    return run_again(world, &options, steps, hash);
}

int main(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        step_list steps = {0};
        struct world_options options = options_of(seed);
        uint8_t first[32] = {0};
        uint8_t second[32] = {1};
        uint8_t polled[32] = {2};
        bool same = run_new(&world, seed, &steps, first) && run_again(&world, &options, &steps, second);
        if (same && memcmp(first, second, sizeof(first)) != 0)
            same = world_fail(&world, "the second run made another journal");
        same = same && run_polled(&world, seed, &steps, polled);
        if (same && memcmp(first, polled, sizeof(first)) != 0)
            same = world_fail(&world, "over a store that is polled, the journal is another");
        free(steps.at);
        if (!same) {
            fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, world.failure);
            return 1;
        }
    }
    return 0;
}
