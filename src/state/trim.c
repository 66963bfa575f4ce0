/* Giving back the memory of pages that are in their state file again.
 *
 * A page that was changed is a copy in memory. Once a checkpoint has written it into the file, and it has not changed since, the copy
 * is dropped, and what is seen in its place is the file's page, which is the same. Its heads go back to zero, which is right while no
 * pin is older than the page's last change: then the record is what everybody wants to see. For a reader in the midst of it
 * this is a rewind (see read.c). */
#include "state/table_inside.h"

#define AT_ONCE 64u /* pages given back with one call of the system */

/* Pages that did not change after this may go. */
static uint64_t trim_bound(struct tables *tables)
{
    uint64_t bound = tables->trimming;
    pthread_mutex_lock(&tables->pins_mutex);
    const struct pin *pin = tables->oldest_pin;
    while (pin && pin_expired(pin))
        pin = pin->newer;
    if (pin && pin->horizon < bound)
        bound = pin->horizon;
    pthread_mutex_unlock(&tables->pins_mutex);
    return bound;
}

static bool may_go(const struct table *table, uint32_t page, uint64_t bound)
{
    uint64_t changed = atomic_load_explicit(place_changed(table, place_of_page(table, page)), memory_order_relaxed);
    return page_is_memory(changed) && changed <= bound;
}

/* Zeroes whole memory pages by giving them back, and what is left at both ends by hand. */
static void heads_clear(struct head *first, const struct head *end)
{
    uintptr_t from = (uintptr_t)first;
    uintptr_t to = (uintptr_t)end;
    uintptr_t inner_from = (from + TABLE_PAGE_BYTES - 1) / TABLE_PAGE_BYTES * TABLE_PAGE_BYTES;
    uintptr_t inner_to = to / TABLE_PAGE_BYTES * TABLE_PAGE_BYTES;
    bool inner = inner_from < inner_to;
    if (inner)
        memory_empty((void *)inner_from, inner_to - inner_from);
    for (struct head *head = first; head < end; head++) {
        uintptr_t at = (uintptr_t)head;
        if (inner && at >= inner_from && at < inner_to)
            continue;
        atomic_store_explicit(&head->stamp, 0, memory_order_relaxed);
        atomic_store_explicit(&head->former, 0, memory_order_relaxed);
    }
}

/* All of one level. */
static void give_back(struct table *table, uint32_t first, uint32_t count)
{
    struct place place = place_of_page(table, first);
    struct head *heads = place_head(table, place);
    rewind_begin(table->tables);
    memory_empty(place_record(table, place), (size_t)count * TABLE_PAGE_BYTES);
    heads_clear(heads, heads + (size_t)count * table->per_page);
    for (uint32_t i = 0; i < count; i++) {
        _Atomic uint64_t *changed = place_changed(table, place_of_page(table, first + i));
        uint64_t newest = atomic_load_explicit(changed, memory_order_relaxed);
        atomic_store_explicit(changed, newest | PAGE_GIVEN_BACK, memory_order_relaxed);
        page_let_go(table);
    }
    rewind_end(table->tables);
}

/* How many pages from this one on may go together. */
static uint32_t run_length(const struct table *table, uint32_t page, uint32_t most, uint64_t bound)
{
    size_t level = level_of(page);
    uint32_t length = 0;
    while (length < most && level_of(page + length) == level && may_go(table, page + length, bound))
        length++;
    return length;
}

/* Looks at some pages of the table from the one where it left off; how many. */
static uint32_t trim_table(struct table *table, uint32_t most, uint64_t bound)
{
    struct tables *tables = table->tables;
    uint32_t left = table->pages - tables->trim_page;
    uint32_t end = tables->trim_page + (left < most ? left : most);
    uint32_t looked = end - tables->trim_page;
    while (tables->trim_page < end) {
        uint32_t room = end - tables->trim_page;
        uint32_t length = run_length(table, tables->trim_page, room < AT_ONCE ? room : AT_ONCE, bound);
        if (length)
            give_back(table, tables->trim_page, length);
        tables->trim_page += length ? length : 1;
    }
    return looked;
}

/* Goes on to the next table, and notes when all have been gone through. */
static void next_table(struct tables *tables)
{
    tables->trim_page = 0;
    tables->trim_table = (tables->trim_table + 1) % TABLES_MAX;
    if (tables->trim_table == 0)
        tables->trimmed = tables->trimming;
}

void tables_trim(struct tables *tables, uint32_t pages)
{
    uint64_t settled = atomic_load_explicit(&tables->settled, memory_order_acquire);
    if (!tables->store || settled == tables->trimmed)
        return;
    if (tables->trim_table == 0 && tables->trim_page == 0)
        tables->trimming = settled;
    uint64_t bound = trim_bound(tables);
    do {
        struct table *table = tables->tables[tables->trim_table];
        if (table)
            pages -= trim_table(table, pages, bound);
        if (!table || tables->trim_page >= table->pages)
            next_table(tables);
    } while (pages && tables->trimmed != tables->trimming);
}
