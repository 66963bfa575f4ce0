/* Opening and closing. */
#include "engine/engine.h"

#include "base/error.h"
#include "base/thread.h"

#include <errno.h>

/* ---- options ---- */

static int32_t check_options(const trading_engine_options *options, trading_error *error)
{
    if (options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID, "the engine's options are not initialised: use trading_engine_options_init");
    if (options->flags &
        ~(TRADING_ENGINE_READ_ONLY | TRADING_ENGINE_MANUAL | TRADING_ENGINE_ONE_PARTITION | TRADING_ENGINE_FAIL_STOP))
        return error_set(error, TRADING_E_INVALID, "the engine's options have a flag that does not exist: %#x", options->flags);
    if (options->durability != TRADING_DURABILITY_SYNC && options->durability != TRADING_DURABILITY_PROCESS)
        return error_set(error, TRADING_E_INVALID, "durability is TRADING_DURABILITY_SYNC or _PROCESS, not %d",
                         options->durability);
    if (options->compression < 0 || options->compression > 19)
        return error_set(error, TRADING_E_INVALID, "compression is 0 to 19, not %d", options->compression);
    if (options->market_collar < 0 || options->market_collar > TRADING_DECIMAL_ONE)
        return error_set(error, TRADING_E_INVALID, "market_collar is 0 to 1");
    if (options->queue_commands < 1 || options->batch_commands < 1)
        return error_set(error, TRADING_E_INVALID, "queue_commands and batch_commands are at least 1");
    if (options->commit_bytes < 65536 || options->commit_bytes > COMMIT_BODY_MAX)
        return error_set(error, TRADING_E_INVALID, "commit_bytes is 65,536 to %u", COMMIT_BODY_MAX);
    if (options->partitions > ENGINE_PARTITIONS_MAX)
        return error_set(error, TRADING_E_INVALID, "an engine has at most %u partitions, not %u", ENGINE_PARTITIONS_MAX,
                         options->partitions);
    if (options->partition && !(options->flags & TRADING_ENGINE_ONE_PARTITION))
        return error_set(error, TRADING_E_INVALID, "partition is for engines opened with TRADING_ENGINE_ONE_PARTITION");
    if (options->key_age < 0 || options->group_delay < 0)
        return error_set(error, TRADING_E_INVALID, "key_age and group_delay are not negative");
    return TRADING_OK;
}

/* ---- opening ---- */

static int32_t open_stores(trading_engine *engine, const char *uri, trading_error *error)
{
    struct host_scheme scheme;
    const char *location;
    int32_t code = host_find_scheme(engine->host, TRADING_PLUGIN_STORE, uri, &scheme, &location, error);
    if (code)
        return code;
    trading_store_request request = {.size = sizeof request,
                                     .flags = engine->read_only ? TRADING_STORE_READ_ONLY : 0,
                                     .location = location,
                                     .durability = engine->options.durability,
                                     .map_bytes = engine->options.map_bytes};
    code = scheme.ops->open(&request, &engine->host->functions, &engine->store, error);
    if (code)
        return code;
    engine->ops = scheme.ops;
    engine->journal = (struct journal){.ops = engine->ops,
                                       .store = engine->store,
                                       .partition = engine->partition,
                                       .memory = &engine->memory,
                                       .reads_ahead = !engine->manual};
    return engine_open_state_store(engine, uri, error);
}

static bool start_thread(pthread_t *thread, bool *runs, const char *name, void *(*function)(void *), trading_engine *engine)
{
    *runs = thread_start(thread, name, function, engine);
    return *runs;
}

static int32_t start_threads(trading_engine *engine, trading_error *error)
{
    if (engine->read_only)
        return TRADING_OK;
    bool started = appender_start(engine);
    if (started && !engine->manual)
        started = start_thread(&engine->keeper, &engine->keeper_runs, "trading-keeper", engine_keeper, engine) &&
                  start_thread(&engine->decider, &engine->decider_runs, "trading-decide", engine_decider, engine);
    return started ? TRADING_OK : error_native(error, TRADING_E_NO_MEMORY, errno, "the system gives no thread to the engine");
}

/* Each partition by itself, and none decides before all are there. */
static int32_t start_parts(trading_engine *engine, trading_error *error)
{
    uint32_t count = engine_part_count(engine);
    int32_t code = TRADING_OK;
    for (uint32_t i = 0; i < count && !code; i++)
        code = engine_recover(engine_part(engine, i), error);
    for (uint32_t i = 0; i < count && !code; i++)
        code = start_threads(engine_part(engine, i), error);
    for (uint32_t i = 0; i < count && !code && engine->partitions && !engine->manual; i++)
        queue_wake(&engine->partitions->at[i]->queue); /* for what the others sent before */
    return code;
}

static int32_t start(trading_engine *engine, const char *uri, trading_error *error)
{
    int32_t code = open_stores(engine, uri, error);
    if (!code)
        code = partitions_of_store(engine, &engine->parts, error);
    if (!code)
        code = engine_digest_key(engine, error);
    if (!code)
        code = engine_open_batches(engine, error);
    if (!code && engine_has_one(engine))
        code = engine->read_only ? TRADING_OK : partitions_open_one(engine, error);
    else if (!code && engine->parts > 1)
        code = partitions_make(engine, uri, engine->parts, error);
    return code ? code : start_parts(engine, error);
}

/* All of it, the first partition last. */
static void end(trading_engine *engine)
{
    if (engine->partitions)
        partitions_unmake(engine);
    engine_tear_down(engine);
}

int32_t trading_engine_open(trading_engine **engine, trading_host *host, const char *uri, const trading_engine_options *options,
                            trading_error *error)
{
    trading_engine_options defaults = TRADING_ENGINE_OPTIONS_INIT;
    if (!engine || !host || !uri)
        return error_set(error, TRADING_E_INVALID, "trading_engine_open needs a place for the engine, a host and a URI");
    *engine = NULL;
    if (!options)
        options = &defaults;
    int32_t code = host_check(host, error);
    if (!code)
        code = check_options(options, error);
    if (code)
        return code;
    trading_engine *made = engine_make(host, options);
    if (!made)
        return error_no_memory(error, "an engine");
    trading_error failure;
    error_clear(&failure);
    code = start(made, uri, &failure);
    if (code) {
        end(made);
        if (error)
            *error = failure;
        return code;
    }
    host_engine_opened(host);
    *engine = made;
    return error_clear(error);
}

/* ---- closing ---- */

/* Finishes what is in flight, also of a manual engine that another thread drives, and fails what waits. */
static void answer_all(trading_engine *engine)
{
    trading_error closed;
    error_set(&closed, TRADING_E_CLOSED, "the engine was closed before the command was decided");
    pthread_mutex_lock(&engine->drive_mutex);
    engine_wind_up(engine);
    queue_abandon(&engine->queue, &closed);
    pthread_mutex_unlock(&engine->drive_mutex);
}

/* Ends the threads, having finished or failed what was submitted. */
static void stop(trading_engine *engine, int32_t how)
{
    if (how == TRADING_CLOSE_ABANDON)
        atomic_store(&engine->abandoned, true);
    engine_stop_threads(engine);
    answer_all(engine);
}

static int32_t write_last_checkpoint(trading_engine *engine, trading_error *error)
{
    if (atomic_load(&engine->state) != TRADING_OK)
        return TRADING_OK;
    engine_settle_keys(engine);
    return engine_write_last_checkpoint(engine, error);
}

/* Its partitions one after another: while the last of them runs it may still hand messages to the others. */
static int32_t stop_parts(trading_engine *engine, int32_t how, trading_error *error)
{
    uint32_t count = engine_part_count(engine);
    int32_t code = error_clear(error);
    while (how == TRADING_CLOSE_DRAIN && engine->manual && !engine->read_only && engine_turn(engine))
        continue;
    for (uint32_t i = 0; i < count; i++)
        stop(engine_part(engine, i), how);
    for (uint32_t i = 0; i < count; i++)
        queue_end(&engine_part(engine, i)->queue);
    for (uint32_t i = 0; i < count; i++) /* what a caller who drove began before it left, for paused work or messages */
        answer_all(engine_part(engine, i));
    for (uint32_t i = 0; i < count && how == TRADING_CLOSE_DRAIN; i++) {
        int32_t failed = write_last_checkpoint(engine_part(engine, i), code ? NULL : error);
        code = code ? code : failed;
    }
    return code;
}

static void begin_closing(trading_engine *engine)
{
    for (uint32_t i = 0; i < engine_part_count(engine); i++) {
        atomic_fetch_add(&engine_part(engine, i)->closings, 1);
        atomic_store(&engine_part(engine, i)->closing, true);
    }
}

static void tell_closing(trading_engine *engine)
{
    for (uint32_t i = 0; i < engine_part_count(engine); i++)
        engine_progress(engine_part(engine, i));
}

static void give_up_closing(trading_engine *engine)
{
    for (uint32_t i = 0; i < engine_part_count(engine); i++) {
        atomic_store(&engine_part(engine, i)->closing, false);
        queue_wake(&engine_part(engine, i)->queue); /* for messages that were left for it */
    }
}

int32_t trading_engine_close(trading_engine *engine, int32_t how, trading_error *error)
{
    if (!engine)
        return error_clear(error);
    trading_host *host = engine->host;
    int32_t code = host_check(host, error);
    if (code)
        return code;
    if (how != TRADING_CLOSE_DRAIN && how != TRADING_CLOSE_ABANDON)
        return error_set(error, TRADING_E_INVALID, "an engine is closed with TRADING_CLOSE_DRAIN or _ABANDON, not %d", how);
    begin_closing(engine);
    uint32_t users = atomic_load(&engine->users); /* who opens a view enters first, and then looks whether it is closing */
    tell_closing(engine);
    if (users) {
        give_up_closing(engine);
        return error_set(error, TRADING_E_BUSY, "%u views, feeds or projections of the engine are open; close them first",
                         users);
    }
    code = stop_parts(engine, how, error);
    end(engine);
    host_engine_closed(host);
    return code;
}
