/* Where the pages of a table lie: address space is claimed by spans, and opened by levels, which are memory or mapped from its file. */
#include "state/store.h"
#include "state/table_inside.h"

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

void spans_close(struct table *table)
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
