/* Whether the engine may be used, and how far it has come. */
#include "base/error.h"
#include "base/monotonic.h"
#include "engine/engine.h"

#include <unistd.h>

/* How often a read-only engine looks whether the writer has appended. */
#define LOOK_INTERVAL INT64_C(20000000)

/* ---- what every call asks ---- */

static int32_t check_given(const trading_engine *engine, trading_error *error)
{
    return engine ? host_check(engine->host, error) : error_set(error, TRADING_E_INVALID, "no engine was given");
}

int32_t engine_check(trading_engine *engine, trading_error *error)
{
    int32_t code = check_given(engine, error);
    if (code)
        return code;
    int32_t state = atomic_load(&engine->state);
    if (state)
        return error_set(error, state, "the engine stopped itself (%s); its log says why; close it and open the store again",
                         trading_error_name(state));
    return error_clear(error);
}

int32_t engine_check_letters(trading_engine *engine, trading_error *error)
{
    int32_t code = check_given(engine, error);
    if (code || engine->letters.memory)
        return code;
    if (engine->read_only)
        return error_set(error, TRADING_E_READ_ONLY, "the engine was opened read only, so it neither sends nor receives");
    return error_set(error, TRADING_E_INVALID, "letters and hints are of engines opened with TRADING_ENGINE_ONE_PARTITION");
}

void engine_poison(trading_engine *engine, int32_t code, const char *why)
{
    host_log(engine->host, TRADING_LOG_ERROR, "the engine stops: %s", why);
    atomic_store(&engine->state, code);
    engine_progress(engine);
}

/* What the host holds. */
static trading_engine *whole(trading_engine *engine)
{
    return engine_part(engine, 0);
}

void engine_enter(trading_engine *engine)
{
    atomic_fetch_add(&whole(engine)->users, 1);
}

void engine_leave(trading_engine *engine)
{
    atomic_fetch_sub(&whole(engine)->users, 1);
}

/* ---- progress ---- */

/* Pollers of an engine of several wait for all of them. */
static void tell_pollers(struct partitions *partitions)
{
    pthread_mutex_lock(&partitions->mutex);
    pthread_cond_broadcast(&partitions->progress);
    pthread_mutex_unlock(&partitions->mutex);
}

void engine_progress(trading_engine *engine)
{
    pthread_mutex_lock(&engine->progress_mutex);
    pthread_cond_broadcast(&engine->progress);
    pthread_mutex_unlock(&engine->progress_mutex);
    if (engine->partitions)
        tell_pollers(engine->partitions);
    engine = whole(engine); /* it has the descriptor that the host has */
    if (atomic_exchange(&engine->signaled, true))
        return;
    uint64_t one = 1;
    ssize_t written = engine->descriptor < 0 ? 0 : write(engine->descriptor, &one, sizeof one);
    (void)written; /* a full counter is readable all the same */
}

static void look_for_growth(trading_engine *engine)
{
    pthread_mutex_lock(&engine->drive_mutex);
    engine_catch_up(engine, NULL);
    pthread_mutex_unlock(&engine->drive_mutex);
}

static bool is_over(trading_engine *engine, uint32_t closings)
{
    return atomic_load(&engine->closing) || engine_closings(engine) != closings || atomic_load(&engine->state);
}

bool engine_wait_unless_closing(trading_engine *engine, int64_t position, int64_t timeout, uint32_t closings)
{
    if (engine->read_only)
        look_for_growth(engine);
    struct timespec deadline = monotonic_after(timeout < 0 ? 0 : timeout);
    pthread_mutex_lock(&engine->progress_mutex);
    while (engine_durable(engine) <= position && !is_over(engine, closings) &&
           (timeout < 0 || !monotonic_has_passed(&deadline))) {
        struct timespec until = deadline;
        if (engine->read_only)
            until = monotonic_after(timeout >= 0 && timeout < LOOK_INTERVAL ? timeout : LOOK_INTERVAL);
        if (timeout < 0 && !engine->read_only)
            pthread_cond_wait(&engine->progress, &engine->progress_mutex);
        else
            pthread_cond_timedwait(&engine->progress, &engine->progress_mutex, &until);
        if (engine->read_only) {
            pthread_mutex_unlock(&engine->progress_mutex);
            look_for_growth(engine);
            pthread_mutex_lock(&engine->progress_mutex);
        }
    }
    pthread_mutex_unlock(&engine->progress_mutex);
    return engine_durable(engine) > position;
}

bool engine_wait_beyond(trading_engine *engine, int64_t position, int64_t timeout)
{
    return engine_wait_unless_closing(engine, position, timeout, engine_closings(engine));
}
