/* What an engine of one partition is made of, and taken apart into; engine.c opens and closes with it, partitions.c makes the others. */
#include "base/error.h"
#include "base/monotonic.h"
#include "engine/engine.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* ---- what the host may give ---- */

static trading_time system_clock(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * TRADING_NANOSECONDS_PER_SECOND + now.tv_nsec;
}

static void system_entropy(void *context, void *buffer, size_t bytes)
{
    (void)context;
    randombytes_buf(buffer, bytes);
}

static void *allocate_from_host(void *context, size_t bytes)
{
    trading_host *host = context;
    return memory_allocate(&host->memory, bytes);
}

static void release_to_host(void *context, void *memory, size_t bytes)
{
    trading_host *host = context;
    memory_release(&host->memory, memory, bytes);
}

/* ---- making ---- */

static void set_options(trading_engine *engine, const trading_engine_options *options)
{
    engine->options = *options;
    if (!options->clock)
        engine->options.clock = system_clock;
    if (!options->entropy)
        engine->options.entropy = system_entropy;
    engine->read_only = options->flags & TRADING_ENGINE_READ_ONLY;
    engine->manual = options->flags & TRADING_ENGINE_MANUAL;
    engine->partition = options->partition;
    engine->parts = 1;
}

/* Its mutexes, one after another; NULL after the last. */
static pthread_mutex_t *mutex_at(trading_engine *engine, size_t at)
{
    pthread_mutex_t *const mutexes[] = {&engine->progress_mutex, &engine->keeper_mutex, &engine->checkpoint_mutex,
                                        &engine->drive_mutex, NULL};
    return mutexes[at];
}

static void set_up(trading_engine *engine, trading_host *host, const trading_engine_options *options)
{
    memset(engine, 0, sizeof *engine);
    engine->host = host;
    memory_init(&engine->memory);
    engine->memory.allocate = allocate_from_host;
    engine->memory.release = release_to_host;
    engine->memory.context = host;
    engine->past.scratch.memory = &engine->memory;
    set_options(engine, options);
    monotonic_condition(&engine->progress);
    pthread_cond_init(&engine->keeper_signal, NULL);
    for (size_t i = 0; mutex_at(engine, i); i++)
        pthread_mutex_init(mutex_at(engine, i), NULL);
    queue_open(&engine->queue, &engine->memory, options->queue_commands);
    projections_open(&engine->projections);
    appender_open(&engine->appender);
    engine->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

trading_engine *engine_make(trading_host *host, const trading_engine_options *options)
{
    trading_engine *made = memory_allocate(&host->memory, sizeof *made);
    if (made)
        set_up(made, host, options);
    return made;
}

/* ---- opening what it stands on ---- */

/* Of each partition but the first the state is in a folder of its own within the first's. */
static int32_t name_state(const trading_engine *engine, const char *location, char path[PATH_MAX], trading_error *error)
{
    int length = engine->partition ? snprintf(path, PATH_MAX, "%s/partition-%u", location, engine->partition)
                                   : snprintf(path, PATH_MAX, "%s", location);
    return length < PATH_MAX ? TRADING_OK : error_set(error, TRADING_E_INVALID, "the path of the state store is too long");
}

/* The state store is beside the journal, or, for a store that has none, where the options say. */
int32_t engine_open_state_store(trading_engine *engine, const char *uri, trading_error *error)
{
    struct host_scheme scheme;
    const char *location;
    char path[PATH_MAX];
    int32_t code = host_find_scheme(engine->host, TRADING_PLUGIN_STORE, uri, &scheme, &location, error);
    const struct state_store_ops *ops = scheme.state;
    if (!code && !ops && engine->options.state_path) {
        ops = scheme.local;
        location = engine->options.state_path;
    }
    if (code || !ops)
        return code;
    code = name_state(engine, location, path, error);
    if (!code)
        code = ops->open(path, engine->read_only, &engine->host->functions, &engine->state_store.store, error);
    bool unseen = code == TRADING_E_NOT_FOUND || code == TRADING_E_READ_ONLY;
    if (unseen && engine->read_only) /* a writer that never came to a checkpoint; a lock that only who may write can take */
        return error_clear(error);
    if (!code)
        engine->state_store.ops = ops;
    return code;
}

int32_t engine_open_batches(trading_engine *engine, trading_error *error)
{
    for (size_t i = 0; i < ENGINE_BATCHES; i++) {
        int32_t code = commit_builder_open(&engine->batches[i].builder, &engine->memory, engine->options.commit_bytes,
                                           engine->options.compression, error);
        if (code)
            return code;
    }
    return TRADING_OK;
}

/* ---- taking apart ---- */

void engine_stop_threads(trading_engine *engine)
{
    queue_stop(&engine->queue);
    if (engine->decider_runs)
        pthread_join(engine->decider, NULL);
    appender_stop(engine);
    pthread_mutex_lock(&engine->keeper_mutex);
    engine->keeper_stop = true;
    pthread_cond_broadcast(&engine->keeper_signal);
    pthread_mutex_unlock(&engine->keeper_mutex);
    if (engine->keeper_runs)
        pthread_join(engine->keeper, NULL);
    engine->decider_runs = engine->keeper_runs = false;
}

void engine_tear_down(trading_engine *engine)
{
    engine_stop_threads(engine);
    for (size_t i = 0; i < ENGINE_BATCHES; i++) {
        struct batch *batch = &engine->batches[i];
        if (batch->builder.memory)
            commit_builder_close(&batch->builder);
        memory_release(&engine->memory, batch->slices, batch->slice_capacity * sizeof *batch->slices);
        sodium_memzero(batch->secrets, batch->secret_capacity * sizeof *batch->secrets);
        memory_release(&engine->memory, batch->secrets, batch->secret_capacity * sizeof *batch->secrets);
    }
    journal_copy_close(&engine->past);
    mail_close(&engine->mail);
    letters_close(&engine->letters);
    hints_close(&engine->hints);
    projections_close(&engine->projections);
    appender_close(&engine->appender);
    domain_close(&engine->domain);
    keys_close(engine->keys);
    if (engine->state_store.ops)
        engine->state_store.ops->close(engine->state_store.store);
    if (engine->ops && !engine->shares_store)
        engine->ops->close(engine->store);
    queue_close(&engine->queue);
    if (engine->descriptor >= 0)
        close(engine->descriptor);
    pthread_cond_destroy(&engine->progress);
    pthread_cond_destroy(&engine->keeper_signal);
    for (size_t i = 0; mutex_at(engine, i); i++)
        pthread_mutex_destroy(mutex_at(engine, i));
    trading_host *host = engine->host;
    sodium_memzero(engine, sizeof *engine);
    memory_release(&host->memory, engine, sizeof *engine);
}
