/* Giving back the memory of pages that are in their state file again.
 *
 * A page that was changed is a copy in memory. Once a checkpoint has written it into the file, and it has not changed since, the copy
 * is dropped, and what is seen in its place is the file's page, which is the same. Its heads go back to zero, which is right while no
 * pin is older than the page's last change: then the record is what everybody wants to see. For a reader in the midst of it
 * this is a rewind (see read.c). */
#include "state/store.h"
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

/* They are as the file has them: heads go, and whoever changes one next begins it anew. */
static void mark_given_back(struct table *table, uint32_t first, uint32_t count)
{
    struct head *heads = place_head(table, place_of_page(table, first));
    heads_clear(heads, heads + (size_t)count * table->per_page);
    for (uint32_t page = first; page < first + count; page++) {
        _Atomic uint64_t *changed = place_changed(table, place_of_page(table, page));
        uint64_t newest = atomic_load_explicit(changed, memory_order_relaxed);
        atomic_store_explicit(changed, newest | PAGE_GIVEN_BACK, memory_order_relaxed);
    }
}

/* How many pages from this one on, of one level, may go together. */
static uint32_t run_length(const struct table *table, uint32_t page, uint32_t most, uint64_t bound)
{
    uint32_t length = 0;
    while (length < most && may_go(table, page + length, bound))
        length++;
    return length;
}

/* ---- pages that are mapped ---- */

static void give_back(struct table *table, uint32_t first, uint32_t count)
{
    rewind_begin(table->tables);
    memory_empty(page_image(table, first), (size_t)count * TABLE_PAGE_BYTES);
    mark_given_back(table, first, count);
    pages_let_go(table, count);
    rewind_end(table->tables);
}

/* Looks at pages up to `end`, all of one level and not in blocks of memory. */
static void trim_pages(struct table *table, uint32_t page, uint32_t end, uint64_t bound)
{
    while (page < end) {
        uint32_t length = run_length(table, page, end - page < AT_ONCE ? end - page : AT_ONCE, bound);
        if (length)
            give_back(table, page, length);
        page += length ? length : 1;
    }
}

/* ---- blocks ---- */

/* Of a page in a block that is memory: the file has it, or it is all zero there, too. What was put is in the file once anything is. */
static bool rests(const struct table *table, uint32_t page, uint64_t bound)
{
    uint64_t changed = atomic_load_explicit(place_changed(table, place_of_page(table, page)), memory_order_relaxed);
    if (page_is_memory(changed))
        return changed <= bound;
    return table->tables->trimming || page > page_of(table, table->count);
}

static uint32_t count_restless(const struct table *table, uint32_t first, uint64_t bound)
{
    uint32_t restless = 0;
    for (uint32_t page = first; page < first + BLOCK_PAGES; page++)
        restless += !rests(table, page, bound);
    return restless;
}

/* From one image of the block to another; how many of the pages count as memory on their own: not what was put. */
static uint32_t copy_restless(const struct table *table, uint32_t first, uint64_t bound, unsigned char *into,
                              const unsigned char *from)
{
    uint32_t held = 0;
    for (uint32_t page = first; page < first + BLOCK_PAGES; page++) {
        if (rests(table, page, bound))
            continue;
        size_t at = (size_t)(page - first) * TABLE_PAGE_BYTES;
        memcpy(into + at, from + at, TABLE_PAGE_BYTES);
        held += page_is_memory(atomic_load_explicit(place_changed(table, place_of_page(table, page)), memory_order_relaxed));
    }
    return held;
}

static void mark_block(struct table *table, uint32_t first, uint64_t bound)
{
    for (uint32_t page = first; page < first + BLOCK_PAGES;) {
        uint32_t length = run_length(table, page, first + BLOCK_PAGES - page, bound);
        mark_given_back(table, page, length);
        page += length ? length : 1;
    }
}

/* The system may refuse to move when it has taken away what is there: then there is nothing left but to map the file there and to copy. */
static bool take_place(const struct table *table, uint32_t first, uint64_t bound, unsigned char *mapped)
{
    const struct state_store *store = table->tables->store;
    void *place = page_image(table, first);
    if (!memory_move(mapped, place, MEMORY_LARGE_PAGE))
        return true;
    bool is_mapped = pages_map(table, first, BLOCK_PAGES, &place);
    if (is_mapped)
        copy_restless(table, first, bound, place, mapped);
    store->ops->file_unmap(store->store, mapped, MEMORY_LARGE_PAGE);
    return is_mapped;
}

/* The mapping is made elsewhere, gets what is not in the file, and takes the block's place at once: whoever reads finds the same bytes before
 * and after. A block that cannot be mapped stays memory. */
static void give_back_block(struct table *table, uint32_t first, uint64_t bound)
{
    void *mapped = NULL;
    if (!pages_map(table, first, BLOCK_PAGES, &mapped))
        return;
    uint32_t held = copy_restless(table, first, bound, mapped, page_image(table, first));
    rewind_begin(table->tables);
    if (take_place(table, first, bound, mapped)) {
        mark_block(table, first, bound);
        *block_of(table, first) = BLOCK_MAPPED;
        pages_let_go(table, BLOCK_PAGES - held);
    } else
        atomic_store(&table->tables->damaged, true);
    rewind_end(table->tables);
}

static void trim_block(struct table *table, uint32_t first, uint64_t bound)
{
    uint32_t most = table->tables->trims_short ? BLOCK_PAGES / 2 : 0;
    if (*block_of(table, first) == BLOCK_LARGE && count_restless(table, first, bound) <= most)
        give_back_block(table, first, bound);
}

/* ---- going round ---- */

/* Looks at what comes next, a block or some pages of one level; how many pages. */
static uint32_t trim_next(struct table *table, uint32_t most, uint64_t bound)
{
    uint32_t page = table->tables->trim_page;
    const enum block *block = block_of(table, page);
    uint32_t end = block ? block_first_page(page) + BLOCK_PAGES : (uint32_t)level_first_page((uint32_t)level_of(page) + 1);
    if (block && *block != BLOCK_MAPPED) {
        trim_block(table, block_first_page(page), bound);
        return end - page;
    }
    end = end < table->pages ? end : table->pages;
    uint32_t count = end - page < most ? end - page : most;
    trim_pages(table, page, page + count, bound);
    return count;
}

/* Looks at some pages of the table from the one where it left off; how many. */
static uint32_t trim_table(struct table *table, uint32_t most, uint64_t bound)
{
    uint32_t looked = 0;
    while (looked < most && table->tables->trim_page < table->pages) {
        uint32_t count = trim_next(table, most - looked, bound);
        table->tables->trim_page += count;
        looked += count;
    }
    return looked < most ? looked : most;
}

/* Goes on to the next table, and notes when all have been gone through. */
static void next_table(struct tables *tables)
{
    tables->trim_page = 0;
    tables->trim_table = (tables->trim_table + 1) % TABLES_MAX;
    if (tables->trim_table)
        return;
    tables->trimmed = tables->trimming;
    tables->trimmed_short = tables->trims_short;
}

static bool goes_round(const struct tables *tables)
{
    return tables->trim_table || tables->trim_page;
}

/* Whether there is a reason: something was settled since it last went round, or memory became short. */
static bool begin(struct tables *tables)
{
    uint64_t settled = atomic_load_explicit(&tables->settled, memory_order_acquire);
    bool memory_is_short = tables_are_short(tables);
    if (settled == tables->trimmed && (!memory_is_short || tables->trimmed_short))
        return false;
    tables->trimming = settled;
    tables->trims_short = memory_is_short;
    return true;
}

void tables_trim(struct tables *tables, uint32_t pages)
{
    if (!tables->store || (!goes_round(tables) && !begin(tables)))
        return;
    uint64_t bound = trim_bound(tables);
    do {
        struct table *table = tables->tables[tables->trim_table];
        if (table)
            pages -= trim_table(table, pages, bound);
        if (!table || tables->trim_page >= table->pages)
            next_table(tables);
    } while (pages && goes_round(tables));
}
