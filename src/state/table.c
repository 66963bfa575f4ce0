#include "state/table.h"

#include "base/error.h"
#include "state/table_inside.h"

#include <sched.h>
#include <string.h>

/* What table_get shows of a record that does not exist. */
static const table_word zeros[TABLE_RECORD_BYTES / sizeof(table_word)];

int32_t tables_open(struct tables **tables, struct memory *memory, uint64_t pin_bytes, trading_error *error)
{
    struct tables *opened = memory_zeroed(memory, 1, sizeof *opened);
    if (!opened)
        return error_no_memory(error, "the tables");
    if (pthread_mutex_init(&opened->pins_mutex, NULL)) {
        memory_release(memory, opened, sizeof *opened);
        return error_no_memory(error, "the mutex of the tables");
    }
    opened->memory = memory;
    atomic_init(&opened->looks, 1);
    opened->pin_bytes = pin_bytes;
    *tables = opened;
    return error_clear(error);
}

static size_t level_pages(uint32_t level)
{
    return (size_t)1 << (DIRECTORY_FIRST + level);
}

static size_t page_memory(const struct table *table)
{
    return (size_t)table->stride << table->page_shift;
}

static void table_close(struct table *table)
{
    struct memory *memory = table->tables->memory;
    for (uint32_t level = 0; level < DIRECTORY_LEVELS; level++) {
        struct page *pages = atomic_load_explicit(&table->levels[level], memory_order_relaxed);
        if (!pages)
            continue;
        for (size_t i = 0; i < level_pages(level); i++)
            memory_release(memory, atomic_load_explicit(&pages[i].records, memory_order_relaxed), page_memory(table));
        memory_release(memory, pages, level_pages(level) * sizeof *pages);
    }
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
    added->record_words = (uint32_t)(record_bytes / sizeof(table_word));
    added->stride = (uint32_t)sizeof(struct record) + record_bytes;
    added->page_shift = 31u - (uint32_t)__builtin_clz(TABLE_PAGE_BYTES / record_bytes);
    tables->tables[id] = added;
    *table = added;
    return error_clear(error);
}

bool table_reserve_page(struct table *table, uint32_t page)
{
    struct memory *memory = table->tables->memory;
    uint32_t level = 31u - (uint32_t)__builtin_clz(page + (1u << DIRECTORY_FIRST)) - DIRECTORY_FIRST;
    if (!atomic_load_explicit(&table->levels[level], memory_order_relaxed)) {
        struct page *pages = memory_zeroed(memory, level_pages(level), sizeof *pages);
        if (!pages)
            return false;
        atomic_store_explicit(&table->levels[level], pages, memory_order_release);
    }
    struct page *place = table_page(table, page);
    if (!atomic_load_explicit(&place->records, memory_order_relaxed)) {
        unsigned char *records = memory_zeroed(memory, 1, page_memory(table));
        if (!records)
            return false;
        atomic_store_explicit(&place->records, records, memory_order_release);
    }
    return true;
}

static bool exists(const struct table *table, uint32_t number)
{
    return number - 1u < table->count; /* 0 wraps to the largest number there is */
}

const void *table_get(const struct table *table, uint32_t number)
{
    if (!exists(table, number))
        return zeros;
    const struct record *record = page_record(table, table_page(table, number >> table->page_shift), number);
    return record->staged ? record->staged->words : record->words;
}

uint32_t table_count(const struct table *table)
{
    return table->count;
}

static void read_installed(const struct record *record, uint32_t record_words, void *payload)
{
    for (uint32_t attempts = 1;; attempts++) {
        uint64_t before = atomic_load_explicit(&record->stamp, memory_order_acquire);
        if (!(before & STAMP_BUSY)) {
            words_copy(payload, record->words, record_words);
            if (atomic_load_explicit(&record->stamp, memory_order_relaxed) == before)
                return;
        }
        if (attempts % 64 == 0) /* the writer lost its processor while it was at this record */
            sched_yield();
    }
}

enum table_read table_read(const struct table *table, uint32_t number, struct pin *pin, void *record)
{
    return table_read_first(table, number, pin, record, (uint32_t)(table->record_words * sizeof(table_word)));
}

enum table_read table_read_first(const struct table *table, uint32_t number, struct pin *pin, void *record, uint32_t bytes)
{
    uint32_t words = bytes / (uint32_t)sizeof(table_word);
    if (pin && pin_expired(pin))
        return TABLE_EXPIRED;
    if (number - 1u >= table_installed(table, pin))
        return TABLE_ABSENT;
    const struct record *found = page_record(table, table_page(table, number >> table->page_shift), number);
    if (pin) {
        uint64_t ordinal;
        return pin_read(pin, found, words, record, &ordinal) ? TABLE_FOUND : TABLE_EXPIRED;
    }
    read_installed(found, words, record);
    return TABLE_FOUND;
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

bool tables_stood_still(const struct tables *tables, uint64_t look)
{
    return atomic_load_explicit(&tables->looks, memory_order_relaxed) ==
           look; /* what was read before is read by acquiring loads */
}
