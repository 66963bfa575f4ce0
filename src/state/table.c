#include "state/table.h"

#include "base/error.h"
#include "state/store.h"
#include "state/table_inside.h"

int32_t tables_open(struct tables **tables, struct memory *memory, uint64_t pin_bytes, trading_error *error)
{
    struct tables *opened = memory_zeroed(memory, 1, sizeof *opened);
    if (!opened)
        return error_no_memory(error, "the tables");
    if (undo_open(&opened->undo, memory, pin_bytes)) {
        memory_release(memory, opened, sizeof *opened);
        return error_no_memory(error, "the tables' former versions");
    }
    if (pthread_mutex_init(&opened->pins_mutex, NULL)) {
        undo_close(&opened->undo);
        memory_release(memory, opened, sizeof *opened);
        return error_no_memory(error, "the mutex of the tables");
    }
    opened->memory = memory;
    opened->pin_bytes = pin_bytes;
    opened->writing = NEVER_EDITED;
    opened->room = UINT64_MAX;
    atomic_init(&opened->looks, 1);
    *tables = opened;
    return error_clear(error);
}

static size_t verified_bytes(uint32_t pages)
{
    return ((size_t)pages + 63) / 64 * sizeof(uint64_t);
}

static void table_close(struct table *table)
{
    struct memory *memory = table->tables->memory;
    memory_let_go(memory, table->held * page_memory(table) + (size_t)table->put * TABLE_PAGE_BYTES);
    memory_release(memory, table->verified, verified_bytes(table->loaded));
    blocks_close(table);
    spans_close(table);
    memory_release(memory, table, sizeof *table);
}

void tables_close(struct tables *tables)
{
    if (!tables)
        return;
    stages_close(tables);
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            table_close(tables->tables[id]);
    undo_close(&tables->undo);
    pthread_mutex_destroy(&tables->pins_mutex);
    memory_release(tables->memory, tables, sizeof *tables);
}

int32_t tables_add(struct tables *tables, uint32_t id, uint32_t record_bytes, struct table **table, trading_error *error)
{
    if (id >= TABLES_MAX || tables->tables[id] || tables->began)
        return error_set(error, TRADING_E_INVALID,
                         "table %u cannot be added: numbers are 0 to %u, each once, before the first stage", id,
                         TABLES_MAX - 1);
    if (!record_bytes || record_bytes % sizeof(table_word) || record_bytes > TABLE_RECORD_BYTES)
        return error_set(error, TRADING_E_INVALID, "records of %u bytes: must be a multiple of 8 and at most %u", record_bytes,
                         TABLE_RECORD_BYTES);
    struct table *added = memory_zeroed(tables->memory, 1, sizeof *added);
    if (!added)
        return error_no_memory(error, "a table");
    added->tables = tables;
    added->id = id;
    added->writing = &tables->writing;
    added->record_bytes = record_bytes;
    added->per_page = TABLE_IMAGE_BYTES / record_bytes;
    added->page_rest = TABLE_PAGE_BYTES - added->per_page * record_bytes;
    added->reciprocal = UINT64_MAX / added->per_page + 1;
    tables->tables[id] = added;
    *table = added;
    return error_clear(error);
}

void tables_back(struct tables *tables, const struct state_store *store)
{
    tables->store = store;
}

void tables_set_room(struct tables *tables, uint64_t bytes)
{
    tables->room = bytes;
}

bool tables_are_backed(const struct tables *tables)
{
    return tables->store != NULL;
}

int32_t tables_load_pages(struct tables *tables, uint32_t id, uint32_t count, trading_error *error)
{
    struct table *table = tables_at(tables, id);
    if (!table || !tables->store || tables->began || table->pages)
        return error_set(error, TRADING_E_INVALID, "the pages of table %u cannot be loaded: it is none, or in use", id);
    uint32_t pages = tables_pages_for(tables, id, count);
    uint64_t size;
    int32_t code = tables->store->ops->file_size(tables->store->store, id, &size, error);
    if (code || !pages)
        return code;
    if (size < (uint64_t)pages * TABLE_PAGE_BYTES)
        return error_set(error, TRADING_E_DAMAGED, "the state file of table %u ends before page %u", id, pages - 1);
    table->verified = memory_zeroed(tables->memory, 1, verified_bytes(pages));
    if (!table->verified)
        return error_no_memory(error, "the pages of a table");
    table->loaded = pages;
    return table_reserve_page(table, pages - 1) ? TRADING_OK : error_no_memory(error, "the pages of a table");
}

bool tables_damaged(const struct tables *tables)
{
    return atomic_load_explicit(&tables->damaged, memory_order_relaxed);
}

uint64_t tables_generation(const struct tables *tables)
{
    return tables->generation;
}

void tables_set_generation(struct tables *tables, uint64_t generation)
{
    tables->generation = generation;
}

uint64_t tables_cached_bytes(const struct tables *tables)
{
    return atomic_load_explicit(&tables->cached_bytes, memory_order_relaxed);
}

uint64_t tables_horizon(const struct tables *tables)
{
    return atomic_load_explicit(&tables->horizon, memory_order_acquire);
}

uint64_t tables_look(const struct tables *tables)
{
    uint64_t look = atomic_load_explicit(&tables->looks, memory_order_acquire);
    return look & 1 ? look : 0;
}

/* What was read before has read the horizon by an acquiring load. */
bool tables_stood_still(const struct tables *tables, uint64_t look)
{
    return atomic_load_explicit(&tables->looks, memory_order_relaxed) == look;
}
