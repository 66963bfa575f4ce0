/* The lists of a crowd, as the process that is killed executes them. */
#include "crash/crowd.h"
#include "crash/writing.h"

static void execute_some(struct hand *hand, const struct crowd *crowd, size_t count)
{
    struct line lines[ERRAND_BATCH];
    trading_command commands[ERRAND_BATCH];
    trading_result results[ERRAND_BATCH];
    for (size_t i = 0; i < count; i++) {
        crowd_line(crowd, hand->seed, hand->thread, hand->next + (int64_t)i, &lines[i]);
        commands[i] = lines[i].command;
    }
    writing_execute(hand, commands, count, results);
    writing_acknowledge(hand, results, count);
}

static void write_on(struct hand *hand, void *crowd)
{
    while (writing_goes_on(hand)) {
        struct chance chance = {errand_seed(hand->seed, hand->thread) ^ (uint64_t)hand->next};
        execute_some(hand, crowd, (size_t)chance_between(&chance, 1, ERRAND_BATCH));
    }
}

int crowd_run(const struct killing_writer *writer)
{
    trading_engine_options options = crowd_options(0);
    struct crowd crowd;
    crowd_meet(&crowd);
    return writing_run(writer, &options, write_on, &crowd);
}
