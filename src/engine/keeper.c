/* Checkpoints, so that opening is quick, and snapshots, so that the past is near. In a thread of their own, beside the pipeline. */
#include "base/error.h"
#include "engine/engine.h"
#include "state/checkpoint.h"
#include "state/snapshot.h"

#include <inttypes.h>

/* ---- checkpoints ---- */

static int32_t write_at_pin(trading_engine *engine, struct pin *pin, trading_error *error)
{
    struct mark_record mark;
    if (table_read(engine->domain.mark, 1, pin, &mark) != TABLE_FOUND)
        return error_set(error, TRADING_E_DAMAGED, "the state has no mark of its position");
    if (mark.next_position == atomic_load(&engine->checkpoint_position) && engine->checkpoint_is_ours)
        return TRADING_OK;
    int32_t code = checkpoint_write(engine->domain.tables, pin, !engine->checkpoint_is_ours, &engine->state_store,
                                    &engine->memory, &mark.next_position, sizeof mark.next_position, error);
    if (code)
        return code;
    engine->checkpoint_is_ours = true;
    atomic_store(&engine->checkpoint_position, mark.next_position);
    return TRADING_OK;
}

/* The pin is held for as long as what changed is being gathered, and no longer. */
static int32_t write_checkpoint(trading_engine *engine, trading_error *error)
{
    struct tables *tables = engine->domain.tables;
    if (tables_damaged(tables)) {
        checkpoint_forget(&engine->state_store, NULL);
        return error_set(error, TRADING_E_DAMAGED,
                         "a page of the state is damaged; it is made anew when the store is next opened");
    }
    struct pin *pin = tables_hold(tables);
    int32_t code = pin ? write_at_pin(engine, pin, error) : error_no_memory(error, "a checkpoint's view");
    tables_unpin(pin);
    return code ? code : checkpoint_settle(tables, &engine->state_store, &engine->memory, error);
}

int32_t engine_write_checkpoint(trading_engine *engine, trading_error *error)
{
    if (!engine->state_store.ops || engine->read_only)
        return error_clear(error);
    trading_error failure;
    error_clear(&failure);
    pthread_mutex_lock(&engine->checkpoint_mutex);
    int32_t code = write_checkpoint(engine, &failure);
    pthread_mutex_unlock(&engine->checkpoint_mutex);
    if (code)
        host_log(engine->host, TRADING_LOG_WARNING, "no checkpoint was written, which loses nothing: %s", failure.message);
    if (error)
        *error = failure;
    return code;
}

int32_t engine_write_last_checkpoint(trading_engine *engine, trading_error *error)
{
    int32_t code = engine_write_checkpoint(engine, error);
    if (code || !engine->state_store.ops || engine->read_only)
        return code;
    trading_error failure;
    if (domain_save_indexes(&engine->domain, &engine->state_store, &failure))
        host_log(engine->host, TRADING_LOG_WARNING, "the indexes were not saved, and are made anew: %s", failure.message);
    return TRADING_OK;
}

/* ---- snapshots ---- */

#define SNAPSHOTS_LOOKED_AT 512 /* those of more than fifty ages, each with the chain below it */

/* Those before the newest, from the youngest on. */
struct shelf {
    int64_t positions[SNAPSHOTS_LOOKED_AT];
    bool in_use[SNAPSHOTS_LOOKED_AT]; /* an increment that is kept was made of it */
    size_t count;
};

static void look_over(trading_engine *engine, int64_t newest, struct shelf *shelf)
{
    int64_t at_most = newest - 1;
    uint32_t chunks;
    *shelf = (struct shelf){.count = 0};
    while (shelf->count < SNAPSHOTS_LOOKED_AT && !engine->ops->snapshot_find(engine->store, engine->partition, at_most,
                                                                             &shelf->positions[shelf->count], &chunks, NULL))
        at_most = shelf->positions[shelf->count++] - 1;
}

/* The snapshot is kept, and so what it was made of. False: that is not known, and any may be in use. */
static bool keep(trading_engine *engine, int64_t position, struct shelf *shelf)
{
    struct snapshot_place place = {engine->ops, engine->store, engine->partition, position};
    int64_t base;
    if (snapshot_base_of(&place, &base, NULL))
        return false;
    for (size_t i = 0; i < shelf->count; i++)
        shelf->in_use[i] = shelf->in_use[i] || shelf->positions[i] == base;
    return true;
}

/* Drops those that an older one makes up for: so their ages stay about a factor of two apart, and there are few. */
static void thin_out(trading_engine *engine, int64_t newest)
{
    struct shelf shelf;
    look_over(engine, newest, &shelf);
    bool known = keep(engine, newest, &shelf);
    int64_t kept = 0;
    for (size_t i = 0; known && i + 1 < shelf.count; i++) {
        bool made_up_for = i && newest - shelf.positions[i + 1] <= 2 * kept;
        if (made_up_for && !shelf.in_use[i]) {
            engine->ops->snapshot_drop(engine->store, engine->partition, shelf.positions[i], NULL);
        } else {
            known = keep(engine, shelf.positions[i], &shelf);
            kept = made_up_for ? kept : newest - shelf.positions[i];
        }
    }
}

/* Of the tables as of the pin, where the journal is at the position. */
static int32_t write_as_of(trading_engine *engine, struct pin *pin, int64_t position, trading_error *error)
{
    struct snapshot_place place = {engine->ops, engine->store, engine->partition, position};
    int32_t code = snapshot_write(engine->domain.tables, pin, &position, sizeof position, &place, &engine->snapshot_base,
                                  &engine->memory, error);
    if (!code)
        thin_out(engine, position);
    return code;
}

/* What the writer changes meanwhile is kept in memory, as far as view_bytes go. */
static int32_t write_from_memory(trading_engine *engine, trading_error *error)
{
    struct mark_record mark;
    struct pin *pin = tables_pin(engine->domain.tables);
    int32_t code = error_set(error, TRADING_E_VIEW_EXPIRED, "its view expired");
    if (pin && table_read(engine->domain.mark, 1, pin, &mark) == TABLE_FOUND)
        code = write_as_of(engine, pin, mark.next_position, error);
    tables_unpin(pin);
    return code;
}

/* Of a checkpoint that is made for it: its files change no more, so nothing is kept for it, however long it takes. */
static int32_t write_from_files(trading_engine *engine, trading_error *error)
{
    pthread_mutex_lock(&engine->checkpoint_mutex);
    atomic_store(&engine->checkpoint_tried, engine_durable(engine));
    int32_t code = write_checkpoint(engine, error);
    struct pin *rest = tables_at_rest(engine->domain.tables);
    if (!code)
        code = rest ? write_as_of(engine, rest, atomic_load(&engine->checkpoint_position), error)
                    : error_set(error, TRADING_E_NOT_FOUND, "nothing has changed since the store was opened");
    pthread_mutex_unlock(&engine->checkpoint_mutex);
    return code;
}

static int32_t write_snapshot(trading_engine *engine, trading_error *error)
{
    return engine->state_store.ops ? write_from_files(engine, error) : write_from_memory(engine, error);
}

#define SNAPSHOT_WORTH 2u /* times as many bytes of the journal as a snapshot has come between it and the next */

#define COMMITS_WEIGHED 16u

/* In 256ths of a byte an event. */
static int weigh_commit(void *arg, const trading_store_commit *commit)
{
    uint64_t *weight = arg;
    *weight += commit->size * 256 / (uint64_t)commit->event_count;
    return 1;
}

/* About as many bytes as the journal's events have from the position on: by the commits that hold some of them, which are as far apart as each other.
 * 0 where it cannot be read. */
static uint64_t journal_bytes_since(trading_engine *engine, int64_t position)
{
    int64_t since = engine_durable(engine) - position;
    uint64_t weight = 0;
    uint64_t bytes;
    if (since <= 0)
        return 0;
    for (int64_t i = 0; i < COMMITS_WEIGHED; i++)
        if (engine->ops->read(engine->store, engine->partition, position + since / COMMITS_WEIGHED * i, weigh_commit, &weight,
                              NULL))
            return 0;
    return __builtin_mul_overflow(weight / COMMITS_WEIGHED, (uint64_t)since, &bytes) ? UINT64_MAX : bytes / 256;
}

/* The newest snapshot is of a time before this engine was opened. One that cannot be read is worth nothing. */
static void weigh_newest(trading_engine *engine)
{
    struct snapshot_place place = {.ops = engine->ops, .store = engine->store, .partition = engine->partition};
    uint32_t chunks;
    uint64_t bytes = 0;
    engine->snapshot_weighed = true;
    if (engine->ops->snapshot_find(engine->store, engine->partition, engine_durable(engine), &place.position, &chunks, NULL))
        return;
    atomic_store(&engine->snapshot_tried, place.position); /* which an opening may not have come to know */
    if (snapshot_weigh(&place, chunks, &bytes, NULL))
        return;
    uint64_t grown = journal_bytes_since(engine, place.position);
    if (grown < SNAPSHOT_WORTH * bytes)
        atomic_store(&engine->snapshot_worth, atomic_load(&engine->journal_bytes) + SNAPSHOT_WORTH * bytes - grown);
}

/* ---- when they are due ---- */

/* What was tried counts like what succeeded: a checkpoint that cannot be written is tried again an interval later, not at once. */
static bool is_due(trading_engine *engine, uint64_t interval, _Atomic int64_t *last)
{
    return interval && (uint64_t)(engine_durable(engine) - atomic_load(last)) >= interval;
}

static bool checkpoint_is_due(trading_engine *engine)
{
    return engine->state_store.ops && is_due(engine, engine->options.checkpoint_events, &engine->checkpoint_tried);
}

#define CACHE_INTERVAL 4000000u

/* Memory for changed pages runs short, and it was not just now that this was looked at. */
static bool cache_is_full(trading_engine *engine)
{
    uint64_t events = engine->options.checkpoint_events / 4;
    return engine->state_store.ops && engine_cache_bytes(engine) >= engine_cache_room(engine) &&
           is_due(engine, events ? events : CACHE_INTERVAL, &engine->cache_looked_at);
}

/* A checkpoint makes room where a good part of the memory is not in use all the time: what is, is wanted again at once. */
static bool makes_room(trading_engine *engine)
{
    return tables_idle_bytes(engine->domain.tables) >= engine_cache_bytes(engine) / 4;
}

/* Nothing is written for who only opens an engine. */
static bool snapshot_is_due(trading_engine *engine)
{
    uint64_t bytes = atomic_load(&engine->journal_bytes);
    return bytes && bytes >= atomic_load(&engine->snapshot_worth) &&
           is_due(engine, engine->options.snapshot_events, &engine->snapshot_tried);
}

bool engine_keeping_due(trading_engine *engine)
{
    return checkpoint_is_due(engine) || cache_is_full(engine) || snapshot_is_due(engine);
}

static void keep_checkpoint(trading_engine *engine)
{
    int64_t durable = engine_durable(engine);
    bool due = checkpoint_is_due(engine);
    if (!due && !cache_is_full(engine))
        return;
    atomic_store(&engine->cache_looked_at, durable);
    if (!due && !makes_room(engine))
        return;
    trading_error error;
    atomic_store(&engine->checkpoint_tried, durable);
    engine_write_checkpoint(engine, &error);
}

static void keep_snapshot(trading_engine *engine)
{
    if (snapshot_is_due(engine) && !engine->snapshot_weighed)
        weigh_newest(engine);
    if (!snapshot_is_due(engine))
        return;
    trading_error error;
    uint64_t journal_bytes = atomic_load(&engine->journal_bytes);
    atomic_store(&engine->snapshot_tried, engine_durable(engine));
    if (write_snapshot(engine, &error))
        host_log(engine->host, TRADING_LOG_WARNING, "no snapshot was written, which loses nothing: %s", error.message);
    atomic_store(&engine->snapshot_worth, journal_bytes + SNAPSHOT_WORTH * engine->snapshot_base.bytes);
    engine->snapshot_weighed = true;
}

void engine_keep(trading_engine *engine)
{
    keep_checkpoint(engine);
    keep_snapshot(engine);
}

void engine_wake_keeper(trading_engine *engine)
{
    if (!engine->keeper_runs || !engine_keeping_due(engine))
        return;
    pthread_mutex_lock(&engine->keeper_mutex);
    pthread_cond_signal(&engine->keeper_signal);
    pthread_mutex_unlock(&engine->keeper_mutex);
}

void *engine_keeper(void *arg)
{
    trading_engine *engine = arg;
    pthread_mutex_lock(&engine->keeper_mutex);
    while (!engine->keeper_stop) {
        if (!engine_keeping_due(engine)) {
            pthread_cond_wait(&engine->keeper_signal, &engine->keeper_mutex);
            continue;
        }
        pthread_mutex_unlock(&engine->keeper_mutex);
        engine_keep(engine);
        pthread_mutex_lock(&engine->keeper_mutex);
    }
    pthread_mutex_unlock(&engine->keeper_mutex);
    return NULL;
}
