#include "base/error.h"
#include "state/table.h"
#include "state/table_inside.h"

#include <string.h>

static const struct table *table_of(const struct tables *tables, uint32_t id)
{
    return id < TABLES_MAX ? tables->tables[id] : NULL;
}

static uint32_t image_bytes(const struct table *table)
{
    return (uint32_t)(table->record_words * sizeof(table_word)) << table->page_shift;
}

/* Number 0 has a place, so the first page holds one record less. */
static uint32_t pages_for(const struct table *table, uint32_t count)
{
    return count ? (count >> table->page_shift) + 1 : 0;
}

uint32_t tables_pages_for(const struct tables *tables, uint32_t id, uint32_t count)
{
    const struct table *table = table_of(tables, id);
    return table ? pages_for(table, count) : 0;
}

uint32_t tables_record_bytes(const struct tables *tables, uint32_t id)
{
    const struct table *table = table_of(tables, id);
    return table ? (uint32_t)(table->record_words * sizeof(table_word)) : 0;
}

uint32_t tables_page_bytes(const struct tables *tables, uint32_t id)
{
    const struct table *table = table_of(tables, id);
    return table ? image_bytes(table) : 0;
}

uint32_t tables_count_at(const struct tables *tables, uint32_t id, const struct pin *pin)
{
    const struct table *table = table_of(tables, id);
    return table ? table_installed(table, pin) : 0;
}

/* ---- taking ---- */

/* The page as of the pin, and the newest install that had changed it by then. False when the pin has expired. */
static bool read_page(const struct table *table, uint32_t number, struct pin *pin, unsigned char *image, uint64_t *newest)
{
    const struct page *page = table_page(table, number);
    uint32_t count = table_installed(table, pin);
    uint32_t first = number << table->page_shift;
    size_t record_bytes = table->record_words * sizeof(table_word);
    *newest = 0;
    for (uint32_t i = 0; i < 1u << table->page_shift; i++) {
        if (first + i == 0 || first + i > count) {
            memset(image + i * record_bytes, 0, record_bytes);
            continue;
        }
        uint64_t ordinal;
        if (!pin_read(pin, page_record(table, page, i), table->record_words, image + i * record_bytes, &ordinal))
            return false;
        if (ordinal > *newest)
            *newest = ordinal;
    }
    return true;
}

struct walk {
    struct pin *pin;
    bool all;
    uint64_t saved;
    table_page_take take;
    void *arg;
};

static int32_t walk_table(const struct table *table, const struct walk *walk, trading_error *error)
{
    unsigned char image[TABLE_PAGE_BYTES];
    uint32_t pages = pages_for(table, table_installed(table, walk->pin));
    for (uint32_t number = 0; number < pages; number++) {
        const struct page *page = table_page(table, number);
        if (!walk->all && atomic_load_explicit(&page->changed, memory_order_relaxed) <= walk->saved)
            continue;
        uint64_t newest;
        if (!read_page(table, number, walk->pin, image, &newest))
            return error_set(
                error, TRADING_E_VIEW_EXPIRED,
                "what was pinned at batch %llu was overwritten before it was read; try again, or give pins more memory",
                (unsigned long long)walk->pin->horizon);
        if (!walk->all && newest <= walk->saved)
            continue; /* changed after the pin only */
        int32_t status = walk->take(walk->arg, table->id, number, image, image_bytes(table), error);
        if (status)
            return status;
    }
    return TRADING_OK;
}

int32_t tables_pages(const struct tables *tables, struct pin *pin, bool all, table_page_take take, void *arg,
                     trading_error *error)
{
    struct walk walk = {pin, all, atomic_load_explicit(&tables->saved, memory_order_relaxed), take, arg};
    if (!all && pin->horizon < walk.saved)
        return error_set(error, TRADING_E_INVALID, "batch %llu is older than what was saved last, batch %llu",
                         (unsigned long long)pin->horizon, (unsigned long long)walk.saved);
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        if (!tables->tables[id])
            continue;
        int32_t status = walk_table(tables->tables[id], &walk, error);
        if (status)
            return status;
    }
    return error_clear(error);
}

void tables_saved(struct tables *tables, const struct pin *pin)
{
    atomic_store_explicit(&tables->saved, pin->horizon, memory_order_relaxed);
}

/* ---- putting back ---- */

int32_t tables_put_page(struct tables *tables, uint32_t id, uint32_t page, const void *image, uint32_t bytes,
                        trading_error *error)
{
    struct table *table = id < TABLES_MAX ? tables->tables[id] : NULL;
    if (!table || tables->began)
        return error_set(error, TRADING_E_INVALID, "page %u of table %u cannot be put: there is no such table, or it is in use",
                         page, id);
    if (bytes != image_bytes(table))
        return error_set(error, TRADING_E_DAMAGED, "page %u of table %u has %u bytes instead of %u", page, id, bytes,
                         image_bytes(table));
    if (page > UINT32_MAX >> table->page_shift)
        return error_set(error, TRADING_E_DAMAGED, "page %u of table %u is beyond the largest number", page, id);
    if (!table_reserve_page(table, page))
        return error_no_memory(error, "a page of records");
    const unsigned char *from = image;
    size_t record_bytes = table->record_words * sizeof(table_word);
    for (uint32_t i = 0; i < 1u << table->page_shift; i++)
        memcpy(page_record(table, table_page(table, page), i)->words, from + i * record_bytes, record_bytes);
    return TRADING_OK;
}

static bool page_present(const struct table *table, uint32_t page)
{
    uint32_t level = 31u - (uint32_t)__builtin_clz(page + (1u << DIRECTORY_FIRST)) - DIRECTORY_FIRST;
    return atomic_load_explicit(&table->levels[level], memory_order_relaxed) &&
           atomic_load_explicit(&table_page(table, page)->records, memory_order_relaxed);
}

static bool is_zero(const struct table *table, uint32_t number)
{
    const struct record *record = page_record(table, table_page(table, number >> table->page_shift), number);
    table_word any = 0;
    for (uint32_t i = 0; i < table->record_words; i++)
        any |= record->words[i];
    return !any;
}

/* Number 0, and the places after the last record in its page. */
static bool rest_is_zero(const struct table *table, uint32_t count)
{
    uint32_t mask = (1u << table->page_shift) - 1u;
    for (uint32_t number = count; (number & mask) != mask;)
        if (!is_zero(table, ++number))
            return false;
    return is_zero(table, 0);
}

int32_t tables_set_count(struct tables *tables, uint32_t id, uint32_t count, trading_error *error)
{
    struct table *table = id < TABLES_MAX ? tables->tables[id] : NULL;
    if (!table || tables->began)
        return error_set(error, TRADING_E_INVALID,
                         "the records of table %u cannot be set: there is no such table, or it is in use", id);
    uint32_t pages = pages_for(table, count);
    for (uint32_t page = 0; page < pages; page++)
        if (!page_present(table, page))
            return error_set(error, TRADING_E_DAMAGED, "page %u of table %u is missing: there must be %u for %u records", page,
                             id, pages, count);
    if (pages && !rest_is_zero(table, count))
        return error_set(error, TRADING_E_DAMAGED, "table %u holds something that is none of its %u records", id, count);
    table->count = count;
    atomic_store_explicit(&table->installed, count, memory_order_release);
    return TRADING_OK;
}
