#include "state/table.h"

#include "base/checksum.h"
#include "base/error.h"
#include "state/store.h"
#include "state/table_inside.h"

#include <endian.h>
#include <sodium.h>

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
    opened->room = UINT64_MAX;
    atomic_init(&opened->looks, 1);
    *tables = opened;
    return error_clear(error);
}

/* ---- spans and levels ---- */

static uint32_t span_first_level(uint32_t span)
{
    return span ? span + NEAR_LEVELS - 1 : 0;
}

static size_t span_first_page(uint32_t span)
{
    return level_first_page(span_first_level(span));
}

static size_t span_pages(uint32_t span)
{
    return span ? level_pages(span_first_level(span)) : NEAR_PAGES;
}

/* Before the first page, so that blocks begin where large pages do. */
static size_t span_lead(uint32_t span)
{
    return span ? 0 : level_pages(0) * TABLE_PAGE_BYTES;
}

static void span_release(const struct table *table, uint32_t span, void *images, void *heads, void *changed)
{
    memory_unreserve(images, span_lead(span) + span_pages(span) * TABLE_PAGE_BYTES);
    memory_unreserve(heads, span_pages(span) * page_heads_bytes(table));
    memory_unreserve(changed, span_pages(span) * sizeof(uint64_t));
}

/* Address space alone. */
static bool span_open(struct table *table, uint32_t span)
{
    size_t first = span_first_page(span);
    void *images = memory_claim(span_lead(span) + span_pages(span) * TABLE_PAGE_BYTES);
    void *heads = memory_claim(span_pages(span) * page_heads_bytes(table));
    void *changed = memory_claim(span_pages(span) * sizeof(uint64_t));
    if (!images || !heads || !changed) {
        span_release(table, span, images, heads, changed);
        return false;
    }
    atomic_store_explicit(&table->heads[span], (uintptr_t)heads - first * page_heads_bytes(table), memory_order_release);
    atomic_store_explicit(&table->changed[span], (uintptr_t)changed - first * sizeof(uint64_t), memory_order_release);
    atomic_store_explicit(&table->images[span], (uintptr_t)images + span_lead(span) - first * TABLE_PAGE_BYTES,
                          memory_order_release);
    table->spans++;
    return true;
}

static void spans_close(struct table *table)
{
    for (uint32_t span = 0; span < table->spans; span++) {
        struct place first = place_of_page(table, (uint32_t)span_first_page(span));
        span_release(table, span, place_record(table, first) - span_lead(span), place_head(table, first),
                     (void *)place_changed(table, first));
    }
}

/* Levels lie one after another in the file. */
static bool file_reaches(const struct table *table, size_t end)
{
    const struct state_store *store = table->tables->store;
    uint64_t bytes = (uint64_t)end * TABLE_PAGE_BYTES;
    uint64_t size;
    return !store->ops->file_size(store->store, table->id, &size, NULL) &&
           (size >= bytes || !store->ops->file_cut(store->store, table->id, bytes, NULL));
}

bool pages_map(const struct table *table, uint32_t first, size_t count, void **mapping)
{
    const struct state_store *store = table->tables->store;
    uint64_t offset = (uint64_t)first * TABLE_PAGE_BYTES;
    return !store->ops->file_map(store->store, table->id, offset, count * TABLE_PAGE_BYTES, mapping, NULL);
}

static bool images_map(const struct table *table, size_t first, size_t end)
{
    void *images = page_image(table, (uint32_t)first);
    return first == end || pages_map(table, (uint32_t)first, end - first, &images);
}

static bool images_are_memory(const struct table *table, size_t first, size_t end)
{
    return first == end || !memory_open(page_image(table, (uint32_t)first), (end - first) * TABLE_PAGE_BYTES);
}

static bool images_open(struct table *table, uint32_t level)
{
    size_t first = level_first_page(level);
    size_t end = level_first_page(level + 1);
    if (!table->tables->store)
        return images_are_memory(table, first, end);
    size_t mapped_end;
    return blocks_open(table, level, &mapped_end) && file_reaches(table, end) && images_map(table, first, mapped_end) &&
           images_are_memory(table, mapped_end, end);
}

static bool level_open(struct table *table, uint32_t level)
{
    uint32_t page = (uint32_t)level_first_page(level);
    if (span_of(page) == table->spans && !span_open(table, table->spans))
        return false;
    struct place first = place_of_page(table, page);
    return images_open(table, level) && !memory_open(place_head(table, first), level_pages(level) * page_heads_bytes(table)) &&
           !memory_open((void *)place_changed(table, first), level_pages(level) * sizeof(uint64_t));
}

bool table_reserve_page_first(struct table *table, uint32_t page)
{
    for (; table->pages <= page; table->pages++) {
        uint32_t level = (uint32_t)level_of(table->pages);
        if (table->pages == level_first_page(level) && !level_open(table, level))
            return false;
    }
    return true;
}

/* ---- pages ---- */

void pages_held(struct table *table, uint32_t pages)
{
    table->held += pages;
    memory_hold(table->tables->memory, pages * page_memory(table));
    atomic_fetch_add_explicit(&table->tables->cached_bytes, pages * page_memory(table), memory_order_relaxed);
}

void pages_let_go(struct table *table, uint32_t pages)
{
    table->held -= pages;
    memory_let_go(table->tables->memory, pages * page_memory(table));
    atomic_fetch_sub_explicit(&table->tables->cached_bytes, pages * page_memory(table), memory_order_relaxed);
}

uint64_t page_sum(uint32_t id, uint32_t page, const void *bytes)
{
    return checksum(bytes, TABLE_IMAGE_BYTES, hash_mix((uint64_t)id << 32 | page));
}

/* What checkpoints of format 2 have. */
__attribute__((cold)) static uint64_t former_page_sum(uint32_t id, uint32_t page, const void *bytes)
{
    uint32_t place[4] = {htole32(TABLE_PAGE_BYTES), htole32(id), htole32(page), htole32(TABLE_IMAGE_BYTES)};
    _Static_assert(sizeof place == crypto_shorthash_KEYBYTES, "a key of SipHash");
    uint64_t sum;
    _Static_assert(sizeof sum == crypto_shorthash_BYTES, "and what it gives");
    crypto_shorthash((unsigned char *)&sum, bytes, TABLE_IMAGE_BYTES, (const unsigned char *)place);
    return sum;
}

bool page_sum_matches(uint32_t id, uint32_t page, const unsigned char *bytes)
{
    uint64_t sum;
    memcpy(&sum, bytes + TABLE_IMAGE_BYTES, sizeof sum);
    return sum == page_sum(id, page, bytes) || sum == former_page_sum(id, page, bytes);
}

bool table_verify_page_first(const struct table *table, uint32_t page)
{
    if (page_sum_matches(table->id, page, page_image(table, page))) {
        atomic_fetch_or_explicit(&table->verified[page / 64], UINT64_C(1) << page % 64, memory_order_acq_rel);
        return true;
    }
    fence_acquire();
    if (page_is_verified(table, page)) /* and the writer has changed it meanwhile */
        return true;
    atomic_store(&table->tables->damaged, true);
    return false;
}

/* ---- tables ---- */

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
