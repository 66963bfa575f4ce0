/* The lists of errands, as the process that is killed executes them. */
#include "crash/writing.h"
#include "simulation/names.h"
#include "simulation/step.h"

#include <stdio.h>
#include <unistd.h>

struct writer {
    struct hand *hand;
    struct names names; /* of what the thread made */
};

static void learn_names(struct writer *writer, const struct model_command *command, const trading_result *result)
{
    int64_t name = MODEL_NAME(command->number, 0);
    if (command->type == TRADING_COMMAND_OPEN_ACCOUNT) {
        names_bind(&writer->names, TRADING_ENTITY_ACCOUNT, name, &result->account);
        names_bind(&writer->names, TRADING_ENTITY_PORTFOLIO, name, &result->portfolio);
    }
    if (command->type == TRADING_COMMAND_PLACE_ORDER)
        names_bind(&writer->names, TRADING_ENTITY_ORDER, name, &result->order);
}

static void execute(struct writer *writer, const struct model_command *commands, size_t count, trading_result *results)
{
    struct step_lowered lowered[ERRAND_BATCH];
    trading_command raw[ERRAND_BATCH] = {0};
    for (size_t i = 0; i < count; i++) {
        step_lower(&commands[i], &writer->names, errand_seed(writer->hand->seed, writer->hand->thread), &lowered[i]);
        raw[i] = lowered[i].command;
    }
    writing_execute(writer->hand, raw, count, results);
    for (size_t i = 0; i < count; i++)
        learn_names(writer, &commands[i], &results[i]);
}

/* What an earlier command made, by sending it once more. */
static void recall(struct writer *writer, int64_t number)
{
    trading_result result;
    struct model_command command = errand(writer->hand->seed, writer->hand->thread, number);
    execute(writer, &command, 1, &result);
    if (result.status != TRADING_STATUS_DUPLICATE) {
        fprintf(stderr, "writer: #%lld of thread %d was done, and is answered %s\n", (long long)number, writer->hand->thread,
                trading_status_name(result.status));
        _exit(4);
    }
}

/* The next commands that can be sent together: a cancel must know the id of its order. */
static size_t gather(struct writer *writer, struct model_command *commands)
{
    struct chance chance = {errand_seed(writer->hand->seed, writer->hand->thread) ^ (uint64_t)writer->hand->next};
    size_t most = writer->hand->next == 1 ? 1 : (size_t)chance_between(&chance, 1, ERRAND_BATCH);
    size_t count = 0;
    while (count < most) {
        commands[count] = errand(writer->hand->seed, writer->hand->thread, writer->hand->next + (int64_t)count);
        int64_t order = commands[count].order;
        bool unknown = order && !names_knows(&writer->names, TRADING_ENTITY_ORDER, order);
        if (unknown && MODEL_NUMBER_OF(order) >= writer->hand->next)
            break;
        if (unknown)
            recall(writer, MODEL_NUMBER_OF(order));
        count++;
    }
    return count;
}

static void write_on(struct hand *hand, void *context)
{
    struct writer writer = {.hand = hand};
    (void)context;
    if (hand->next > 1)
        recall(&writer, 1);
    while (writing_goes_on(hand)) {
        struct model_command commands[ERRAND_BATCH];
        trading_result results[ERRAND_BATCH];
        size_t count = gather(&writer, commands);
        execute(&writer, commands, count, results);
        writing_acknowledge(hand, results, count);
    }
    names_free(&writer.names);
}

int errand_run(const struct killing_writer *writer)
{
    trading_engine_options options = errand_options();
    return writing_run(writer, &options, write_on, NULL);
}
