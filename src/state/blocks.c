/* Blocks of pages that lie in large pages of the system.
 *
 * Who looks records up at random waits for the translation of their addresses, too, and less where they lie in large pages; and of a mapping of a file
 * the system makes none once it is changed. So what a backed table grows into is not mapped: a block begins empty, and becomes memory as a whole when
 * its first page is changed. When it is given back (trim.c), the mapping takes its place. */
#include "state/table_inside.h"

static size_t block_number(size_t first_page)
{
    return (first_page + level_pages(0)) / BLOCK_PAGES;
}

/* Behind the last block in which a page was loaded. */
static size_t loaded_end(const struct table *table)
{
    size_t blocks = (table->loaded + level_pages(0) + BLOCK_PAGES - 1) / BLOCK_PAGES;
    return blocks * BLOCK_PAGES - level_pages(0);
}

bool blocks_open(struct table *table, uint32_t level, size_t *mapped_end)
{
    size_t first = level_first_page(level);
    size_t end = level_first_page(level + 1);
    *mapped_end = end;
    if (level < BLOCK_LEVEL)
        return true;
    size_t blocks = block_number(end);
    if (memory_grow(table->tables->memory, (void **)&table->blocks, &table->block_capacity, blocks, sizeof *table->blocks))
        return false;
    if (loaded_end(table) < end)
        *mapped_end = loaded_end(table) > first ? loaded_end(table) : first;
    for (size_t i = block_number(first); i < blocks; i++)
        table->blocks[i] = i < block_number(*mapped_end) ? BLOCK_MAPPED : BLOCK_EMPTY;
    return true;
}

void blocks_close(struct table *table)
{
    memory_release(table->tables->memory, table->blocks, table->block_capacity * sizeof *table->blocks);
}

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

void block_begin(struct table *table, enum block *block)
{
    pages_held(table, BLOCK_PAGES);
    *block = BLOCK_LARGE;
}

void page_begun_alone(struct table *table, uint32_t page)
{
    enum block *block = block_of(table, page);
    if (!block || *block == BLOCK_MAPPED)
        pages_held(table, 1);
    else if (*block == BLOCK_EMPTY)
        block_begin(table, block);
}
