/* What an engine says of itself. */
#include "base/error.h"
#include "engine/engine.h"

uint64_t engine_cache_bytes(const trading_engine *engine)
{
    return tables_cached_bytes(engine->domain.tables) + domain_index_bytes(&engine->domain);
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
    info->accounts += table_installed(engine->domain.accounts.records, NULL);
    info->portfolios += table_installed(engine->domain.portfolios.records, NULL);
    info->orders += table_installed(engine->domain.orders.records, NULL);
    info->instruments += table_installed(engine->domain.market.instruments, NULL);
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
                                  .accounts = table_installed(engine->domain.accounts.records, NULL),
                                  .portfolios = table_installed(engine->domain.portfolios.records, NULL),
                                  .orders = table_installed(engine->domain.orders.records, NULL),
                                  .instruments = table_installed(engine->domain.market.instruments, NULL),
                                  .keys = engine->keys ? keys_count(engine->keys) : 0,
                                  .memory_bytes = atomic_load(&engine->memory.bytes),
                                  .store_bytes_used = store.bytes_used,
                                  .store_bytes_reserved = store.bytes_reserved,
                                  .cache_bytes = engine_cache_bytes(engine),
                                  .letters_sent = atomic_load(&engine->letters.sent),
                                  .letters_received = atomic_load(&engine->letters.received),
                                  .letters_read = atomic_load(&engine->letters.read)};
    for (uint32_t i = 1; i < engine_part_count(engine); i++)
        add_partition(engine_part(engine, i), info);
    return error_clear(error);
}
