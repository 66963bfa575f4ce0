/* The pages of tables as checkpoints and snapshots see them: walked at a pin, and put back into tables that are being loaded. */
#include "base/error.h"
#include "state/store.h"
#include "state/table.h"
#include "state/table_inside.h"

#include <string.h>

static uint32_t image_bytes(const struct table *table)
{
    return table->per_page * table->record_bytes;
}

/* Number 0 has a place, so the first page holds one record less. */
static uint32_t pages_for(const struct table *table, uint32_t count)
{
    return count ? page_of(table, count) + 1 : 0;
}

uint32_t tables_pages_for(const struct tables *tables, uint32_t id, uint32_t count)
{
    const struct table *table = tables_at(tables, id);
    return table ? pages_for(table, count) : 0;
}

uint32_t tables_record_bytes(const struct tables *tables, uint32_t id)
{
    const struct table *table = tables_at(tables, id);
    return table ? table->record_bytes : 0;
}

uint32_t tables_page_bytes(const struct tables *tables, uint32_t id)
{
    const struct table *table = tables_at(tables, id);
    return table ? image_bytes(table) : 0;
}

uint32_t tables_count_at(const struct tables *tables, uint32_t id, const struct pin *pin)
{
    const struct table *table = tables_at(tables, id);
    return table ? table_installed(table, pin) : 0;
}

/* ---- taking ---- */

/* The page as of the pin, and the newest batch that had changed it by then. False when the pin has expired. */
static bool read_page(const struct table *table, uint32_t page, struct pin *pin, unsigned char *image, uint64_t *newest)
{
    uint32_t count = table_installed(table, pin);
    uint32_t first = page * table->per_page;
    if (page_read_unchanged(table, page, pin, image, newest))
        return true;
    *newest = table->tables->unseen; /* what was changed up to then may have no stamp */
    for (uint32_t i = 0; i < table->per_page; i++) {
        unsigned char *record = image + (size_t)i * table->record_bytes;
        uint64_t ordinal = 0;
        if (first + i == 0 || first + i > count)
            memset(record, 0, table->record_bytes);
        else if (!record_read(table, first + i, pin, record, table->record_bytes, &ordinal))
            return false;
        if (ordinal > *newest)
            *newest = ordinal;
    }
    return true;
}

/* Which pages are taken: all, those of the set, or those that changed after what was saved. */
struct walk {
    struct pin *pin;
    bool all;
    const struct page_set *set; /* NULL: none */
    uint64_t saved;
    table_page_take take;
    void *arg;
};

static bool has_changed(const struct table *table, uint32_t page, uint64_t since)
{
    const _Atomic uint64_t *changed = place_changed(table, place_of_page(table, page));
    return (atomic_load_explicit(changed, memory_order_relaxed) & ~PAGE_GIVEN_BACK) > since;
}

static bool is_in(const struct page_set *set, uint32_t id, uint32_t page)
{
    return set->pages[id][page / 64] >> page % 64 & 1;
}

static bool is_wanted(const struct walk *walk, const struct table *table, uint32_t page)
{
    if (walk->set)
        return is_in(walk->set, table->id, page);
    return walk->all || has_changed(table, page, walk->saved);
}

static int32_t mismatch(uint32_t id, uint32_t page, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "page %u of table %u does not match its checksum", page, id);
}

int32_t page_read_file(const struct state_store *store, uint32_t id, uint32_t page, unsigned char *bytes, trading_error *error)
{
    uint64_t offset = (uint64_t)page * TABLE_PAGE_BYTES;
    int32_t code = store->ops->file_read(store->store, id, offset, bytes, TABLE_PAGE_BYTES, error);
    return code || page_sum_matches(id, page, bytes) ? code : mismatch(id, page, error);
}

/* As it was when it was settled. */
static int32_t read_at_rest(const struct table *table, uint32_t page, unsigned char *bytes, trading_error *error)
{
    int32_t code = page_read_file(table->tables->rest_store, table->id, page, bytes, error);
    if (code == TRADING_E_DAMAGED)
        atomic_store(&table->tables->damaged, true);
    return code;
}

static int32_t read_pinned(const struct table *table, uint32_t page, struct pin *pin, unsigned char *bytes, uint64_t *newest,
                           trading_error *error)
{
    if (!table_verify_page(table, page))
        return mismatch(table->id, page, error);
    if (!read_page(table, page, pin, bytes, newest))
        return error_set(
            error, TRADING_E_VIEW_EXPIRED,
            "what was pinned at batch %llu was overwritten before it was read; try again, or give pins more memory",
            (unsigned long long)pin->horizon);
    return TRADING_OK;
}

static int32_t walk_table(const struct table *table, const struct walk *walk, trading_error *error)
{
    unsigned char bytes[TABLE_PAGE_BYTES];
    bool at_rest = walk->pin == &table->tables->rest;
    uint32_t pages = pages_for(table, table_installed(table, walk->pin));
    for (uint32_t number = 0; number < pages; number++) {
        if (!is_wanted(walk, table, number))
            continue;
        uint64_t newest = 0;
        int32_t code =
            at_rest ? read_at_rest(table, number, bytes, error) : read_pinned(table, number, walk->pin, bytes, &newest, error);
        if (code)
            return code;
        if (!walk->all && !walk->set && newest <= walk->saved)
            continue; /* changed after the pin only */
        code = walk->take(walk->arg, table->id, number, bytes, image_bytes(table), error);
        if (code)
            return code;
    }
    return TRADING_OK;
}

static int32_t walk_tables(const struct tables *tables, const struct walk *walk, trading_error *error)
{
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        if (!tables->tables[id])
            continue;
        int32_t status = walk_table(tables->tables[id], walk, error);
        if (status)
            return status;
    }
    return error_clear(error);
}

int32_t tables_pages(const struct tables *tables, struct pin *pin, bool all, table_page_take take, void *arg,
                     trading_error *error)
{
    uint64_t saved = atomic_load_explicit(&tables->saved, memory_order_relaxed);
    struct walk walk = {.pin = pin, .all = all, .saved = saved, .take = take, .arg = arg};
    if (!all && pin->horizon < saved)
        return error_set(error, TRADING_E_INVALID, "batch %llu is older than what was saved last, batch %llu",
                         (unsigned long long)pin->horizon, (unsigned long long)saved);
    return walk_tables(tables, &walk, error);
}

/* ---- a set of them ---- */

static size_t set_words(uint32_t pages)
{
    return ((size_t)pages + 63) / 64;
}

static void add_changed(const struct table *table, uint32_t pages, uint64_t since, struct page_set *set)
{
    for (uint32_t page = 0; page < pages; page++) {
        bool changed = has_changed(table, page, since);
        set->pages[table->id][page / 64] |= (uint64_t)changed << page % 64;
        set->count += changed;
    }
    set->all += pages;
}

bool tables_changed(const struct tables *tables, const struct pin *pin, uint64_t since, struct memory *memory,
                    struct page_set *set)
{
    *set = (struct page_set){.memory = memory};
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        uint32_t pages = tables_pages_for(tables, id, tables_count_at(tables, id, pin));
        if (!pages)
            continue;
        set->pages[id] = memory_zeroed(memory, set_words(pages), sizeof *set->pages[id]);
        set->words[id] = set_words(pages);
        if (!set->pages[id]) {
            page_set_close(set);
            return false;
        }
        add_changed(tables->tables[id], pages, since, set);
    }
    return true;
}

void page_set_close(struct page_set *set)
{
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (set->pages[id])
            memory_release(set->memory, set->pages[id], set->words[id] * sizeof *set->pages[id]);
    *set = (struct page_set){.memory = set->memory};
}

int32_t tables_pages_of(const struct tables *tables, struct pin *pin, const struct page_set *set, table_page_take take,
                        void *arg, trading_error *error)
{
    struct walk walk = {.pin = pin, .set = set, .take = take, .arg = arg};
    return walk_tables(tables, &walk, error);
}

/* ---- what rests ---- */

static uint64_t idle_bytes(const struct table *table, uint64_t saved, uint64_t middle)
{
    uint32_t pages = pages_for(table, table_installed(table, NULL));
    uint64_t idle = 0;
    for (uint32_t page = 0; page < pages; page++) {
        uint64_t changed = atomic_load_explicit(place_changed(table, place_of_page(table, page)), memory_order_relaxed);
        idle += page_is_memory(changed) && changed > saved && changed <= middle;
    }
    return idle * page_memory(table);
}

uint64_t tables_idle_bytes(const struct tables *tables)
{
    uint64_t saved = atomic_load_explicit(&tables->saved, memory_order_relaxed);
    uint64_t horizon = atomic_load_explicit(&tables->horizon, memory_order_relaxed);
    uint64_t middle = saved + (horizon > saved ? horizon - saved : 0) / 2;
    uint64_t bytes = 0;
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            bytes += idle_bytes(tables->tables[id], saved, middle);
    return bytes;
}

/* ---- saved ---- */

void tables_saved(struct tables *tables, const struct pin *pin)
{
    tables->rest = (struct pin){.tables = tables, .firm = true, .horizon = pin->horizon};
    memcpy(tables->rest.counts, pin->counts, sizeof pin->counts);
    tables->rest_store = NULL;
    atomic_store_explicit(&tables->saved, pin->horizon, memory_order_relaxed);
}

void tables_settled(struct tables *tables, const struct state_store *store)
{
    uint64_t saved = atomic_load_explicit(&tables->saved, memory_order_relaxed);
    tables->rest_store = store;
    atomic_store_explicit(&tables->settled, saved, memory_order_release); /* after what was written into the files */
}

struct pin *tables_at_rest(struct tables *tables)
{
    return tables->rest.tables && tables->rest_store ? &tables->rest : NULL;
}

/* ---- putting back ---- */

/* A page by itself is let go with its table. */
static void hold_put(struct table *table, uint32_t page)
{
    if (block_of(table, page)) {
        page_begun_alone(table, page);
        return;
    }
    memory_hold(table->tables->memory, TABLE_PAGE_BYTES);
    table->put++;
}

int32_t tables_put_page(struct tables *tables, uint32_t id, uint32_t page, const void *image, uint32_t bytes,
                        trading_error *error)
{
    struct table *table = tables_at(tables, id);
    if (!table || tables->began)
        return error_set(error, TRADING_E_INVALID, "page %u of table %u cannot be put: there is no such table, or it is in use",
                         page, id);
    if (bytes != image_bytes(table))
        return error_set(error, TRADING_E_DAMAGED, "page %u of table %u has %u bytes instead of %u", page, id, bytes,
                         image_bytes(table));
    if (page > page_of(table, UINT32_MAX))
        return error_set(error, TRADING_E_DAMAGED, "page %u of table %u is beyond the largest number", page, id);
    if (page > table->pages)
        return error_set(error, TRADING_E_DAMAGED, "page %u of table %u comes before page %u", page, id, table->pages);
    if (page == table->pages) {
        if (!table_reserve_page(table, page))
            return error_no_memory(error, "a page of records");
        hold_put(table, page);
    }
    memcpy(page_image(table, page), image, bytes);
    return TRADING_OK;
}

static bool is_zero(const struct table *table, uint32_t number)
{
    const unsigned char *record = place_record(table, place_of(table, number));
    return !memcmp(record, table_zeros, table->record_bytes);
}

/* Number 0, and the places after the last record in its page. */
static bool rest_is_zero(const struct table *table, uint32_t count)
{
    uint32_t places = pages_for(table, count) * table->per_page;
    for (uint32_t number = count + 1; number < places; number++)
        if (!is_zero(table, number))
            return false;
    return is_zero(table, 0);
}

int32_t tables_set_count(struct tables *tables, uint32_t id, uint32_t count, trading_error *error)
{
    struct table *table = tables_at(tables, id);
    if (!table || tables->began)
        return error_set(error, TRADING_E_INVALID,
                         "the records of table %u cannot be set: there is no such table, or it is in use", id);
    uint32_t pages = pages_for(table, count);
    if (pages > table->pages)
        return error_set(error, TRADING_E_DAMAGED, "page %u of table %u is missing: there must be %u for %u records",
                         table->pages, id, pages, count);
    if (pages && (!table_verify_page(table, 0) || !table_verify_page(table, pages - 1)))
        return error_set(error, TRADING_E_DAMAGED, "the first or the last page of table %u does not match its checksum", id);
    if (pages && !rest_is_zero(table, count))
        return error_set(error, TRADING_E_DAMAGED, "table %u holds something that is none of its %u records", id, count);
    table_set_count(table, count);
    atomic_store_explicit(&table->installed, count, memory_order_release);
    return TRADING_OK;
}
