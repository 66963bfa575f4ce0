#include "crash/writing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct writing {
    const struct killing_writer *writer;
    trading_engine *engine;
    atomic_bool enough;
    writing_work work;
    void *context;
    struct hand hands[ERRAND_THREADS];
    pthread_t threads[ERRAND_THREADS];
};

static _Noreturn void give_up(const char *what, int32_t code, const trading_error *error)
{
    fprintf(stderr, "writer: %s: %s: %s\n", what, trading_error_name(code), error->message);
    _exit(3);
}

/* ---- a thread ---- */

bool writing_goes_on(const struct hand *hand)
{
    return !atomic_load_explicit(&hand->writing->enough, memory_order_acquire);
}

void writing_execute(const struct hand *hand, const trading_command *commands, size_t count, trading_result *results)
{
    trading_error error = {0};
    int32_t code = trading_engine_execute(hand->writing->engine, commands, count, results, &error);
    if (code)
        give_up("execute", code, &error);
}

void writing_acknowledge(struct hand *hand, const trading_result *results, size_t count)
{
    struct acknowledgement acknowledgements[ERRAND_BATCH];
    for (size_t i = 0; i < count; i++)
        acknowledgements[i] = (struct acknowledgement){hand->thread, hand->next + (int64_t)i, results[i]};
    size_t bytes = count * sizeof(*acknowledgements);
    if (write(hand->writing->writer->out, acknowledgements, bytes) != (ssize_t)bytes)
        _exit(5);
    hand->next += (int64_t)count;
}

static void *work_on(void *arg)
{
    struct hand *hand = arg;
    hand->writing->work(hand, hand->writing->context);
    return NULL;
}

/* ---- the process ---- */

static bool start(struct writing *writing)
{
    for (int i = 0; i < ERRAND_THREADS; i++) {
        writing->hands[i] =
            (struct hand){.writing = writing, .seed = writing->writer->seed, .thread = i, .next = writing->writer->first[i]};
        if (pthread_create(&writing->threads[i], NULL, work_on, &writing->hands[i]))
            return false;
    }
    return true;
}

static void await_end(struct writing *writing)
{
    int milliseconds = writing->writer->close_after;
    if (milliseconds) {
        struct timespec pause = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
        nanosleep(&pause, NULL);
        atomic_store_explicit(&writing->enough, true, memory_order_release);
    }
    for (int i = 0; i < ERRAND_THREADS; i++)
        pthread_join(writing->threads[i], NULL);
}

int writing_run(const struct killing_writer *writer, const trading_engine_options *options, writing_work work, void *context)
{
    struct writing writing = {.writer = writer, .work = work, .context = context};
    trading_host *host = NULL;
    trading_error error = {0};
    int32_t code = trading_host_open(&host, NULL, &error);
    if (!code)
        code = trading_engine_open(&writing.engine, host, writer->uri, options, &error);
    if (code)
        give_up("open", code, &error);
    if (!start(&writing))
        return 2;
    await_end(&writing);
    code = trading_engine_close(writing.engine, TRADING_CLOSE_DRAIN, &error);
    if (!code)
        code = trading_host_close(host, &error);
    if (code)
        give_up("close", code, &error);
    return 0;
}
