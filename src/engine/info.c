/* What an engine says of itself. */
#include "base/error.h"
#include "engine/engine.h"

uint64_t engine_cache_bytes(const trading_engine *engine)
{
    return tables_cached_bytes(engine->domain.tables) + domain_index_bytes(&engine->domain);
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
                                  .cache_bytes = engine_cache_bytes(engine)};
    return error_clear(error);
}
