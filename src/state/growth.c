/* Memory for what tables grow into, before the writer comes to it.
 *
 * A new record lies in a page that nobody has touched: the system finds the page when the writer first stores into it, reads it from the state file,
 * where it is a hole, and copies it, which takes longer than the rest of the record. So the writer notes a stretch of pages ahead of where it is, and
 * another thread has the system make memory of them. Nothing in them changes, so neither cares where the other is: who comes first makes the
 * page, and what the other does is in vain. Only pages within a level that is open are noted, and a level stays where it is. Of a block that is
 * not mapped (blocks.c) all pages are noted at once. Heads are not, in a stage that nobody sees. */
#include "state/table_inside.h"

#define AHEAD_PART  8u   /* of the table at most, so that a small one stays small … */
#define AHEAD_LEAST 8u   /* … and one of which that is fewer pages has none */
#define AHEAD_MOST  256u /* a megabyte: some batches' */

static uint32_t least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void note(struct tables_growth *growth, void *from, size_t bytes)
{
    growth->spans[growth->count].from = from;
    growth->spans[growth->count++].bytes = bytes;
}

/* What a batch that was discarded has begun is memory already. */
static uint32_t first_unchanged(const struct table *table, uint32_t page, uint32_t end)
{
    while (page < end &&
           page_is_memory(atomic_load_explicit(place_changed(table, place_of_page(table, page)), memory_order_relaxed)))
        page++;
    return page;
}

/* The pages from `first` to before `end`, all of one level. */
static void note_pages(struct table *table, uint32_t first, uint32_t end, struct tables_growth *growth)
{
    struct place place = place_of_page(table, first);
    uint32_t pages = end - first;
    note(growth, place_record(table, place), (size_t)pages * TABLE_PAGE_BYTES);
    if (!table->unseen)
        note(growth, place_head(table, place), pages * page_heads_bytes(table));
    pages_held(table, pages);
    if (table->ahead_end < first)
        table->ahead = first;
    table->ahead_end = end;
}

/* All of a block at once; what is in one that is memory was noted, or came sooner. */
static void note_block(struct table *table, enum block *block, uint32_t page, struct tables_growth *growth)
{
    if (*block != BLOCK_EMPTY)
        return;
    struct place place = place_of_page(table, block_first_page(page));
    note(growth, place_record(table, place), MEMORY_LARGE_PAGE);
    if (!table->unseen)
        note(growth, place_head(table, place), BLOCK_PAGES * page_heads_bytes(table));
    block_begin(table, block);
}

/* A new stretch is noted when half of the one before it is used up. */
static void foresee(struct table *table, struct tables_growth *growth)
{
    uint32_t next = page_of(table, table->count) + 1;
    uint32_t most = least_of(next / AHEAD_PART, AHEAD_MOST);
    if (most < AHEAD_LEAST || table->ahead_end >= next + most / 2)
        return;
    uint32_t first = table->ahead_end > next ? table->ahead_end : next;
    uint32_t level = (uint32_t)level_of(first);
    if (level > level_of(table->pages - 1))
        return;
    uint32_t end = least_of(next + most, (uint32_t)level_first_page(level + 1));
    enum block *block = block_of(table, end - 1);
    if (block && *block != BLOCK_MAPPED) {
        note_block(table, block, end - 1, growth);
        return;
    }
    first = first_unchanged(table, first, end);
    if (first < end)
        note_pages(table, first, end, growth);
}

void tables_foresee(struct tables *tables, struct tables_growth *growth)
{
    growth->count = 0;
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            foresee(tables->tables[id], growth);
}

void tables_grow_ahead(const struct tables_growth *growth)
{
    for (size_t i = 0; i < growth->count; i++)
        memory_ready(growth->spans[i].from, growth->spans[i].bytes);
}
