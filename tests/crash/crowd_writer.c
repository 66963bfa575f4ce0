/* The process that is killed: threads that execute their lists on one engine of several partitions. */
#include "crash/crowd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct hand {
    const struct crowd *crowd;
    trading_engine *engine;
    uint64_t seed;
    int thread;
    int out;
    int64_t next; /* the number of the next command */
    const atomic_bool *stop;
};

static _Noreturn void give_up(const char *what, int32_t code, const trading_error *error)
{
    fprintf(stderr, "writer: %s: %s: %s\n", what, trading_error_name(code), error->message);
    _exit(3);
}

static void execute_some(struct hand *hand, size_t count)
{
    struct line lines[ERRAND_BATCH];
    trading_command commands[ERRAND_BATCH];
    trading_result results[ERRAND_BATCH];
    struct acknowledgement acknowledgements[ERRAND_BATCH];
    trading_error error = {0};
    for (size_t i = 0; i < count; i++) {
        crowd_line(hand->crowd, hand->seed, hand->thread, hand->next + (int64_t)i, &lines[i]);
        commands[i] = lines[i].command;
    }
    int32_t code = trading_engine_execute(hand->engine, commands, count, results, &error);
    if (code)
        give_up("execute", code, &error);
    for (size_t i = 0; i < count; i++)
        acknowledgements[i] = (struct acknowledgement){hand->thread, hand->next + (int64_t)i, results[i]};
    size_t bytes = count * sizeof(*acknowledgements);
    if (write(hand->out, acknowledgements, bytes) != (ssize_t)bytes)
        _exit(5);
    hand->next += (int64_t)count;
}

static void *write_on(void *argument)
{
    struct hand *hand = argument;
    while (!atomic_load_explicit(hand->stop, memory_order_acquire)) {
        struct chance chance = {errand_seed(hand->seed, hand->thread) ^ (uint64_t)hand->next};
        execute_some(hand, (size_t)chance_between(&chance, 1, ERRAND_BATCH));
    }
    return NULL;
}

int crowd_run(const struct killing_writer *writer)
{
    trading_host *host = NULL;
    trading_engine *engine = NULL;
    trading_error error = {0};
    trading_engine_options options = crowd_options(0);
    struct crowd crowd;
    struct hand hands[ERRAND_THREADS];
    pthread_t threads[ERRAND_THREADS];
    atomic_bool stop = false;
    crowd_meet(&crowd);
    int32_t code = trading_host_open(&host, NULL, &error);
    if (!code)
        code = trading_engine_open(&engine, host, writer->uri, &options, &error);
    if (code)
        give_up("open", code, &error);
    for (int i = 0; i < ERRAND_THREADS; i++) {
        hands[i] = (struct hand){.crowd = &crowd,
                                 .engine = engine,
                                 .seed = writer->seed,
                                 .thread = i,
                                 .out = writer->out,
                                 .next = writer->first[i],
                                 .stop = &stop};
        if (pthread_create(&threads[i], NULL, write_on, &hands[i]))
            return 2;
    }
    if (writer->close_after) {
        struct timespec pause = {writer->close_after / 1000, (long)(writer->close_after % 1000) * 1000000};
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
