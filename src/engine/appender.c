/* Appending: by the caller itself, by a thread, or by a store that is polled. */
#include "engine/appender.h"

#include "base/error.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "engine/engine.h"

#include <inttypes.h>
#include <string.h>

/* For so long a store is asked at a time; between, what another thread ended without it is seen. */
#define PATIENCE INT64_C(1000000000)

void appender_open(struct appender *appender)
{
    *appender = (struct appender){0};
    pthread_mutex_init(&appender->mutex, NULL);
    pthread_mutex_init(&appender->polling, NULL);
    pthread_cond_init(&appender->signal, NULL);
}

void appender_close(struct appender *appender)
{
    pthread_cond_destroy(&appender->signal);
    pthread_mutex_destroy(&appender->polling);
    pthread_mutex_destroy(&appender->mutex);
}

/* ---- one append ---- */

/* Framing, compressing and hashing are the appender's, too; and the secrets of who is new, which are durable before what is sealed under
 * them. */
static bool prepare(trading_engine *engine, struct batch *batch)
{
    trading_error *outcome = &batch->outcome;
    memcpy(batch->header.previous, engine->appender.digest, sizeof batch->header.previous);
    int32_t code = commit_build(&batch->builder, &batch->header, &batch->stored, outcome);
    if (!code)
        code = engine_keep_secrets(engine, batch, outcome);
    outcome->code = code;
    return !code;
}

/* Nothing is under way: the next commit follows what is durable. */
static void begin_chain(trading_engine *engine)
{
    memcpy(engine->appender.digest, engine->domain.digest, sizeof engine->appender.digest);
}

/* What was appended is what the next commit follows. */
static void conclude(trading_engine *engine, const struct batch *batch)
{
    if (!batch->outcome.code)
        memcpy(engine->domain.digest, batch->header.digest, sizeof engine->domain.digest);
}

static void append(trading_engine *engine, struct batch *batch)
{
    if (!prepare(engine, batch))
        return;
    int64_t begun = monotonic_now();
    int32_t code = engine->ops->append(engine->store, engine->partition, &batch->stored, 1, NULL, &batch->outcome);
    batch->outcome.code = code;
    memcpy(engine->appender.digest, batch->header.digest, sizeof engine->appender.digest);
    atomic_store_explicit(&engine->appender.sync_time, monotonic_now() - begun, memory_order_relaxed);
}

void appender_append(trading_engine *engine, struct batch *batch)
{
    begin_chain(engine);
    append(engine, batch);
    conclude(engine, batch);
}

/* ---- what it has ---- */

static void take(trading_engine *engine, struct batch *batch)
{
    struct appender *appender = &engine->appender;
    pthread_mutex_lock(&appender->mutex);
    if (!appender->count)
        begin_chain(engine);
    appender->batches[appender->count++] = batch;
    pthread_cond_broadcast(&appender->signal);
    pthread_mutex_unlock(&appender->mutex);
}

/* The next to be appended; NULL: there is none. With the mutex. */
static struct batch *next_of(const struct appender *appender)
{
    return appender->done < appender->count && !appender->failed ? appender->batches[appender->done] : NULL;
}

/* The outcome of what is under way; NULL: the batch has it already. False when nothing is. */
static bool end(struct appender *appender, const trading_error *outcome)
{
    pthread_mutex_lock(&appender->mutex);
    struct batch *batch = next_of(appender);
    if (batch && outcome)
        batch->outcome = *outcome;
    if (batch) {
        appender->failed = batch->outcome.code;
        appender->done++;
    }
    pthread_cond_broadcast(&appender->signal);
    pthread_mutex_unlock(&appender->mutex);
    return batch;
}

static bool is_done(struct appender *appender)
{
    pthread_mutex_lock(&appender->mutex);
    bool done = appender->done;
    pthread_mutex_unlock(&appender->mutex);
    return done;
}

static struct batch *take_oldest(struct appender *appender)
{
    struct batch *oldest = appender->batches[0];
    appender->count--;
    appender->done--;
    for (size_t i = 0; i < appender->count; i++)
        appender->batches[i] = appender->batches[i + 1];
    return oldest;
}

/* ---- a thread ---- */

static void *run(void *arg)
{
    trading_engine *engine = arg;
    struct appender *appender = &engine->appender;
    pthread_mutex_lock(&appender->mutex);
    for (;;) {
        while (!appender->stops && !next_of(appender))
            pthread_cond_wait(&appender->signal, &appender->mutex);
        struct batch *batch = next_of(appender);
        if (!batch)
            break;
        pthread_mutex_unlock(&appender->mutex);
        append(engine, batch);
        struct tables_growth growth = batch->growth; /* the batch is the decider's again before that is done */
        end(appender, NULL);
        queue_wake(&engine->queue);
        tables_grow_ahead(&growth);
        pthread_mutex_lock(&appender->mutex);
    }
    pthread_mutex_unlock(&appender->mutex);
    return NULL;
}

bool appender_start(trading_engine *engine)
{
    struct appender *appender = &engine->appender;
    appender->polls = engine->manual && engine->ops->append_begin;
    appender->runs = !engine->manual && thread_start(&appender->thread, "trading-append", run, engine);
    return appender->runs || engine->manual;
}

void appender_stop(trading_engine *engine)
{
    struct appender *appender = &engine->appender;
    pthread_mutex_lock(&appender->mutex);
    appender->stops = true;
    pthread_cond_broadcast(&appender->signal);
    pthread_mutex_unlock(&appender->mutex);
    if (appender->runs)
        pthread_join(appender->thread, NULL);
    appender->runs = false;
}

/* ---- a store that is polled ---- */

/* An append is known by the number of its partition, which has but one. */
static void begin(trading_engine *engine, struct batch *batch)
{
    trading_error error;
    error_clear(&error);
    begin_chain(engine);
    bool prepared = prepare(engine, batch);
    take(engine, batch);
    if (!prepared) {
        end(&engine->appender, NULL);
        return;
    }
    int32_t code = engine->ops->append_begin(engine->store, engine->partition, &batch->stored, 1, engine->partition, &error);
    error.code = code;
    if (code)
        end(&engine->appender, &error);
}

/* The partition whose append a tag names; NULL: it names none. */
static trading_engine *find(trading_engine *engine, uint64_t tag)
{
    for (uint32_t i = 0; i < engine_part_count(engine); i++)
        if (engine_part(engine, i)->partition == tag)
            return engine_part(engine, i);
    return NULL;
}

/* The store does not keep to its contract, so it is given nothing more, and nobody can tell what becomes of what it has. */
static void give_up(trading_engine *engine, const trading_error *why)
{
    trading_error unknown;
    error_set(&unknown, TRADING_E_OUTCOME_UNKNOWN, "%s", why->message);
    for (uint32_t i = 0; i < engine_part_count(engine); i++) {
        engine_poison(engine_part(engine, i), TRADING_E_POISONED, why->message);
        end(&engine_part(engine, i)->appender, &unknown);
    }
}

/* False when no append has ended within the timeout. */
static bool ask(trading_engine *engine, int64_t timeout)
{
    uint64_t tag = 0;
    trading_error outcome;
    trading_error broken;
    error_clear(&outcome);
    int32_t code = engine->ops->append_poll(engine->store, timeout, &tag, &outcome);
    if (code == TRADING_E_TIMEOUT)
        return false;
    trading_engine *part = code ? NULL : find(engine, tag);
    if (part && end(&part->appender, &outcome))
        return true;
    error_set(&broken, TRADING_E_POISONED, "the store's append_poll answers %s, tag %" PRIu64 ", which is under way nowhere",
              trading_error_name(code), tag);
    give_up(engine, &broken);
    return true;
}

static pthread_mutex_t *polling(trading_engine *engine)
{
    return &engine_part(engine, 0)->appender.polling;
}

/* Takes what has ended; or leaves that to who is just asking. */
static void look(trading_engine *engine)
{
    if (pthread_mutex_trylock(polling(engine)))
        return;
    while (!is_done(&engine->appender) && ask(engine, 0))
        continue;
    pthread_mutex_unlock(polling(engine));
}

static void await_store(trading_engine *engine)
{
    pthread_mutex_lock(polling(engine));
    while (!is_done(&engine->appender))
        ask(engine, PATIENCE);
    pthread_mutex_unlock(polling(engine));
}

static bool some_are_under_way(trading_engine *engine, bool *done)
{
    bool some = false;
    *done = false;
    for (uint32_t i = 0; i < engine_part_count(engine); i++) {
        struct appender *appender = &engine_part(engine, i)->appender;
        pthread_mutex_lock(&appender->mutex);
        some = some || appender->count;
        *done = *done || appender->done;
        pthread_mutex_unlock(&appender->mutex);
    }
    return some;
}

bool appender_await_any(trading_engine *engine)
{
    bool done;
    if (!engine->appender.polls)
        return false;
    pthread_mutex_lock(polling(engine));
    bool some = some_are_under_way(engine, &done);
    while (some && !done) {
        ask(engine, PATIENCE);
        some = some_are_under_way(engine, &done);
    }
    pthread_mutex_unlock(polling(engine));
    return some;
}

/* ---- either ---- */

void appender_hand_over(trading_engine *engine, struct batch *batch)
{
    if (engine->appender.polls) {
        begin(engine, batch);
        return;
    }
    tables_foresee(engine->domain.tables, &batch->growth);
    take(engine, batch);
}

bool appender_has_place(trading_engine *engine)
{
    return engine->appender.count < (engine->appender.polls ? 1 : APPENDER_BATCHES);
}

bool appender_is_done(trading_engine *engine)
{
    if (engine->appender.polls)
        look(engine);
    return is_done(&engine->appender);
}

struct batch *appender_await(trading_engine *engine)
{
    struct appender *appender = &engine->appender;
    if (appender->polls)
        await_store(engine);
    pthread_mutex_lock(&appender->mutex);
    while (!appender->done)
        pthread_cond_wait(&appender->signal, &appender->mutex);
    struct batch *batch = take_oldest(appender);
    pthread_mutex_unlock(&appender->mutex);
    conclude(engine, batch);
    return batch;
}

size_t appender_take_back(trading_engine *engine, struct batch *batches[APPENDER_BATCHES])
{
    struct appender *appender = &engine->appender;
    pthread_mutex_lock(&appender->mutex);
    size_t count = appender->count;
    for (size_t i = 0; i < count; i++)
        batches[i] = appender->batches[i];
    appender->count = appender->done = 0;
    appender->failed = false;
    pthread_mutex_unlock(&appender->mutex);
    return count;
}
