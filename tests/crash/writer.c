/* The process that is killed: several threads that execute their lists at once and tell of every answer as soon as they have it. */
#include "crash/errand.h"
#include "simulation/names.h"
#include "simulation/random.h"
#include "simulation/step.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct writer {
    trading_engine *engine;
    uint64_t seed;
    int thread;
    int out;
    int64_t next; /* the number of the next command */
    atomic_bool *stop;
    struct names names;
};

static _Noreturn void give_up(const char *what, int32_t code, const trading_error *error)
{
    fprintf(stderr, "writer: %s: %s: %s\n", what, trading_error_name(code), error->message);
    _exit(3);
}

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
    trading_error error = {0};
    for (size_t i = 0; i < count; i++) {
        step_lower(&commands[i], &writer->names, errand_seed(writer->seed, writer->thread), &lowered[i]);
        raw[i] = lowered[i].command;
    }
    int32_t code = trading_engine_execute(writer->engine, raw, count, results, &error);
    if (code)
        give_up("execute", code, &error);
    for (size_t i = 0; i < count; i++)
        learn_names(writer, &commands[i], &results[i]);
}

/* What an earlier command made, by sending it once more. */
static void recall(struct writer *writer, int64_t number)
{
    trading_result result;
    struct model_command command = errand(writer->seed, writer->thread, number);
    execute(writer, &command, 1, &result);
    if (result.status != TRADING_STATUS_DUPLICATE) {
        fprintf(stderr, "writer: #%lld of thread %d was done, and is answered %s\n", (long long)number, writer->thread,
                trading_status_name(result.status));
        _exit(4);
    }
}

/* The next commands that can be sent together: a cancel must know the id of its order. */
static size_t gather(struct writer *writer, struct model_command *commands)
{
    struct chance chance = {errand_seed(writer->seed, writer->thread) ^ (uint64_t)writer->next};
    size_t most = writer->next == 1 ? 1 : (size_t)chance_between(&chance, 1, ERRAND_BATCH);
    size_t count = 0;
    while (count < most) {
        commands[count] = errand(writer->seed, writer->thread, writer->next + (int64_t)count);
        int64_t order = commands[count].order;
        bool unknown = order && !names_knows(&writer->names, TRADING_ENTITY_ORDER, order);
        if (unknown && MODEL_NUMBER_OF(order) >= writer->next)
            break;
        if (unknown)
            recall(writer, MODEL_NUMBER_OF(order));
        count++;
    }
    return count;
}

static void *write_on(void *argument)
{
    struct writer *writer = argument;
    if (writer->next > 1)
        recall(writer, 1);
    while (!atomic_load_explicit(writer->stop, memory_order_acquire)) {
        struct model_command commands[ERRAND_BATCH];
        trading_result results[ERRAND_BATCH];
        struct acknowledgement acknowledgements[ERRAND_BATCH];
        size_t count = gather(writer, commands);
        execute(writer, commands, count, results);
        for (size_t i = 0; i < count; i++)
            acknowledgements[i] = (struct acknowledgement){writer->thread, commands[i].number, results[i]};
        size_t bytes = count * sizeof(*acknowledgements);
        if (write(writer->out, acknowledgements, bytes) != (ssize_t)bytes)
            _exit(5);
        writer->next += (int64_t)count;
    }
    names_free(&writer->names);
    return NULL;
}

int errand_run(const char *uri, uint64_t seed, const int64_t first[ERRAND_THREADS], int close_after, int out)
{
    trading_host *host = NULL;
    trading_engine *engine = NULL;
    trading_error error = {0};
    trading_engine_options options = errand_options();
    atomic_bool stop = false;
    pthread_t threads[ERRAND_THREADS];
    struct writer writers[ERRAND_THREADS];
    int32_t code = trading_host_open(&host, NULL, &error);
    if (!code)
        code = trading_engine_open(&engine, host, uri, &options, &error);
    if (code)
        give_up("open", code, &error);
    for (int i = 0; i < ERRAND_THREADS; i++) {
        writers[i] = (struct writer){.engine = engine, .seed = seed, .thread = i, .out = out, .next = first[i], .stop = &stop};
        if (pthread_create(&threads[i], NULL, write_on, &writers[i]))
            return 2;
    }
    if (close_after) {
        struct timespec pause = {close_after / 1000, (long)(close_after % 1000) * 1000000};
        nanosleep(&pause, NULL);
        atomic_store_explicit(&stop, true, memory_order_release);
    }
    for (int i = 0; i < ERRAND_THREADS; i++)
        pthread_join(threads[i], NULL);
    code = trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error);
    if (!code)
        code = trading_host_close(host, &error);
    if (code)
        give_up("close", code, &error);
    return 0;
}
