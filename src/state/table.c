#include "state/table.h"

#include "base/error.h"
#include "state/table_inside.h"

const unsigned char table_zeros[TABLE_RECORD_BYTES];

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
    atomic_init(&opened->looks, 1);
    *tables = opened;
    return error_clear(error);
}

/* ---- levels ---- */

static size_t level_pages(uint32_t level)
{
    return (size_t)1 << (LEVEL_FIRST + level);
}

static size_t level_heads_bytes(const struct table *table, uint32_t level)
{
    return level_pages(level) * table->per_page * sizeof(struct head);
}

static size_t level_changed_bytes(uint32_t level)
{
    return level_pages(level) * sizeof(uint64_t);
}

static bool level_open(struct table *table, uint32_t at)
{
    struct level *level = &table->levels[at];
    unsigned char *images = memory_reserve(level_pages(at) * TABLE_PAGE_BYTES);
    void *heads = memory_reserve(level_heads_bytes(table, at));
    void *changed = memory_reserve(level_changed_bytes(at));
    if (!images || !heads || !changed) {
        memory_unreserve(images, level_pages(at) * TABLE_PAGE_BYTES);
        memory_unreserve(heads, level_heads_bytes(table, at));
        memory_unreserve(changed, level_changed_bytes(at));
        return false;
    }
    atomic_store_explicit(&level->heads, heads, memory_order_release);
    atomic_store_explicit(&level->changed, changed, memory_order_release);
    atomic_store_explicit(&level->images, images, memory_order_release);
    return true;
}

static void level_close(struct table *table, uint32_t at)
{
    struct level *level = &table->levels[at];
    memory_unreserve(atomic_load_explicit(&level->images, memory_order_relaxed), level_pages(at) * TABLE_PAGE_BYTES);
    memory_unreserve(atomic_load_explicit(&level->heads, memory_order_relaxed), level_heads_bytes(table, at));
    memory_unreserve(atomic_load_explicit(&level->changed, memory_order_relaxed), level_changed_bytes(at));
}

/* What a page costs when its records were changed. */
static size_t page_memory(const struct table *table)
{
    return TABLE_PAGE_BYTES + table->per_page * sizeof(struct head) + sizeof(uint64_t);
}

bool table_reserve_page(struct table *table, uint32_t page)
{
    for (; table->pages <= page; table->pages++) {
        uint32_t level = (uint32_t)(place_of_page(table, table->pages).level - table->levels);
        if (!atomic_load_explicit(&table->levels[level].images, memory_order_relaxed) && !level_open(table, level))
            return false;
        memory_hold(table->tables->memory, page_memory(table));
    }
    return true;
}

/* ---- tables ---- */

static void table_close(struct table *table)
{
    struct memory *memory = table->tables->memory;
    memory_let_go(memory, table->pages * page_memory(table));
    for (uint32_t level = 0; level < LEVELS; level++)
        level_close(table, level);
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
    added->reciprocal = UINT64_MAX / added->per_page + 1;
    tables->tables[id] = added;
    *table = added;
    return error_clear(error);
}

uint32_t table_installed(const struct table *table, const struct pin *pin)
{
    return pin ? pin->counts[table->id] : atomic_load_explicit(&table->installed, memory_order_acquire);
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
