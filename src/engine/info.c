/* What an engine says of itself. */
#include "base/error.h"
#include "engine/engine.h"

uint64_t engine_cache_room(const trading_engine *engine)
{
    return engine->options.cache_bytes / 4 * 3;
}

uint64_t engine_cache_bytes(const trading_engine *engine)
{
    return tables_cached_bytes(engine->domain.tables) + domain_index_bytes(&engine->domain);
}

/* What there is; not what went to other partitions when this one was split. */
static void add_counts(const trading_engine *engine, trading_engine_info *info)
{
    const struct domain *domain = &engine->domain;
    struct split_record gone = {0};
    table_read(domain->splits, table_installed(domain->splits, NULL), NULL, &gone);
    info->accounts += table_installed(domain->accounts.records, NULL) - gone.accounts;
    info->portfolios += table_installed(domain->portfolios.records, NULL) - gone.portfolios;
    info->orders += table_installed(domain->orders.records, NULL) - gone.orders;
    info->instruments += table_installed(domain->market.instruments, NULL);
}

/* Sums over all partitions; the time is that of the newest commit of any. */
static void add_partition(trading_engine *engine, trading_engine_info *info)
{
    struct mark_record mark = {0};
    table_read(engine->domain.mark, 1, NULL, &mark);
    int32_t state = atomic_load(&engine->state);
    info->state = info->state ? info->state : state;
    info->next_position += mark.next_position;
    info->checkpoint_position += atomic_load(&engine->checkpoint_position);
    info->last_time = mark.time > info->last_time ? mark.time : info->last_time;
    info->commits += atomic_load(&engine->commits);
    info->commands += atomic_load(&engine->commands);
    info->events += atomic_load(&engine->events);
    info->journal_bytes += atomic_load(&engine->journal_bytes);
    info->replayed_events += engine->replayed_events;
    add_counts(engine, info);
    info->keys += engine->keys ? keys_count(engine->keys) : 0;
    info->cache_bytes += engine_cache_bytes(engine);
    info->memory_bytes += atomic_load(&engine->memory.bytes);
}

int32_t trading_engine_get_info(trading_engine *engine, trading_engine_info *info, trading_error *error)
{
    if (!engine || !info || info->size != sizeof *info)
        return error_set(error, TRADING_E_INVALID, "trading_engine_get_info needs an engine and an initialised info");
    int32_t code = host_check(engine->host, error);
    if (code)
        return code;
    trading_store_info store = {.size = sizeof store};
    code = engine->ops->info(engine->store, &store, error);
    if (code)
        return code;
    struct mark_record mark = {0};
    table_read(engine->domain.mark, 1, NULL, &mark);
    *info = (trading_engine_info){.size = sizeof *info,
                                  .state = atomic_load(&engine->state),
                                  .next_position = mark.next_position,
                                  .checkpoint_position = atomic_load(&engine->checkpoint_position),
                                  .last_time = mark.time,
                                  .commits = atomic_load(&engine->commits),
                                  .commands = atomic_load(&engine->commands),
                                  .events = atomic_load(&engine->events),
                                  .journal_bytes = atomic_load(&engine->journal_bytes),
                                  .syncs = store.syncs,
                                  .replayed_events = engine->replayed_events,
                                  .keys = engine->keys ? keys_count(engine->keys) : 0,
                                  .memory_bytes = atomic_load(&engine->memory.bytes),
                                  .store_bytes_used = store.bytes_used,
                                  .store_bytes_reserved = store.bytes_reserved,
                                  .cache_bytes = engine_cache_bytes(engine),
                                  .letters_sent = atomic_load(&engine->letters.sent),
                                  .letters_received = atomic_load(&engine->letters.received),
                                  .letters_read = atomic_load(&engine->letters.read)};
    add_counts(engine, info);
    for (uint32_t i = 1; i < engine_part_count(engine); i++)
        add_partition(engine_part(engine, i), info);
    return error_clear(error);
}
