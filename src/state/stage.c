#include "state/table.h"
#include "state/table_inside.h"

#include <string.h>

/* Chunks kept for the next batch: enough for batches of tens of thousands of records; what a monster batch took goes back. */
#define SPARE_CHUNKS 128u

#define CACHE_LINE 64

static struct stage *stage_of(struct tables *tables, uint64_t ordinal)
{
    return &tables->stages[ordinal % TABLES_STAGES];
}

static uint64_t horizon_of(const struct tables *tables)
{
    return atomic_load_explicit(&tables->horizon, memory_order_relaxed);
}

static bool in_flight(const struct tables *tables)
{
    return tables->newest != horizon_of(tables);
}

/* ---- memory of stages ---- */

static struct chunk *stage_grow(struct tables *tables, struct stage *stage)
{
    struct chunk *chunk = tables->spare;
    if (chunk) {
        tables->spare = chunk->next;
        tables->spare_count--;
    } else {
        chunk = memory_allocate(tables->memory, sizeof *chunk);
        if (!chunk)
            return NULL;
    }
    chunk->next = NULL;
    chunk->used = 0;
    if (stage->last)
        stage->last->next = chunk;
    else
        stage->first = chunk;
    stage->last = chunk;
    return chunk;
}

static void stage_empty(struct tables *tables, struct stage *stage)
{
    for (struct chunk *chunk = stage->first, *next; chunk; chunk = next) {
        next = chunk->next;
        if (tables->spare_count < SPARE_CHUNKS) {
            chunk->next = tables->spare;
            tables->spare = chunk;
            tables->spare_count++;
        } else {
            memory_release(tables->memory, chunk, sizeof *chunk);
        }
    }
    stage->first = stage->last = NULL;
    stage->bytes = 0;
}

static size_t staged_bytes(uint32_t record_words)
{
    return sizeof(struct staged) + record_words * sizeof(table_word);
}

void stages_close(struct tables *tables)
{
    for (uint32_t i = 0; i < TABLES_STAGES; i++)
        stage_empty(tables, &tables->stages[i]);
    for (struct chunk *chunk = tables->spare, *next; chunk; chunk = next) {
        next = chunk->next;
        memory_release(tables->memory, chunk, sizeof *chunk);
    }
}

static void lines_prefetch(const void *first, const void *end)
{
    for (const char *at = first; at < (const char *)end; at += CACHE_LINE)
        __builtin_prefetch(at, 1);
}

/* ---- editing ---- */

bool tables_begin(struct tables *tables)
{
    if (tables->newest - horizon_of(tables) == TABLES_STAGES)
        return false;
    tables->began = true;
    tables->newest++;
    struct stage *stage = stage_of(tables, tables->newest);
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        stage->counts[id] = tables->tables[id] ? tables->tables[id]->count : 0;
    return true;
}

/* A copy in the newest stage, its payload not yet set; NULL when there is no stage or no memory. */
static struct staged *stage_copy(struct table *table, struct page *page, struct record *record)
{
    struct tables *tables = table->tables;
    if (!in_flight(tables))
        return NULL;
    struct stage *stage = stage_of(tables, tables->newest);
    size_t bytes = staged_bytes(table->record_words);
    struct chunk *chunk = stage->last;
    if (!chunk || CHUNK_BYTES - chunk->used < bytes) {
        chunk = stage_grow(tables, stage);
        if (!chunk)
            return NULL;
    }
    struct staged *staged = (struct staged *)(void *)(chunk->bytes + chunk->used);
    chunk->used += bytes;
    stage->bytes += bytes;
    staged->record = record;
    staged->page = page;
    staged->ordinal = tables->newest;
    staged->record_words = table->record_words;
    return staged;
}

void table_prefetch(const struct table *table, uint32_t number)
{
    if (number - 1u >= table->count)
        return;
    const struct record *record = page_record(table, table_page(table, number >> table->page_shift), number);
    lines_prefetch(record, &record->words[table->record_words]);
}

static void *scratch_of(struct table *table, const void *payload)
{
    table->tables->failed = true;
    return memcpy(table->tables->scratch, payload, table->record_words * sizeof(table_word));
}

void *table_edit(struct table *table, uint32_t number)
{
    if (number - 1u >= table->count)
        return scratch_of(table, table_get(table, number));
    struct page *page = table_page(table, number >> table->page_shift);
    struct record *record = page_record(table, page, number);
    struct staged *before = record->staged;
    if (before && before->ordinal == table->tables->newest)
        return before->words;
    struct staged *staged = stage_copy(table, page, record);
    if (!staged)
        return scratch_of(table, table_get(table, number));
    staged->fresh = false;
    memcpy(staged->words, before ? before->words : record->words, table->record_words * sizeof(table_word));
    record->staged = staged;
    return staged->words;
}

void *table_append(struct table *table, uint32_t *number)
{
    struct tables *tables = table->tables;
    *number = 0;
    uint32_t appended = table->count + 1u;
    if (!appended || !table_reserve_page(table, appended >> table->page_shift))
        return scratch_of(table, table_get(table, 0));
    struct page *page = table_page(table, appended >> table->page_shift);
    struct record *record = page_record(table, page, appended);
    struct staged *staged = stage_copy(table, page, record);
    if (!staged)
        return scratch_of(table, table_get(table, 0));
    staged->fresh = true;
    memset(staged->words, 0, table->record_words * sizeof(table_word));
    record->staged = staged;
    table->count = appended;
    stage_of(tables, tables->newest)->counts[table->id] = appended;
    *number = appended;
    return staged->words;
}

bool tables_failed(const struct tables *tables)
{
    return tables->failed;
}

uint64_t tables_staged_bytes(const struct tables *tables)
{
    return in_flight(tables) ? tables->stages[tables->newest % TABLES_STAGES].bytes : 0;
}

/* ---- ending ---- */

/* The copies that lie in a chunk, one after the other. */
static struct staged *chunk_next(struct chunk *chunk, size_t *at)
{
    if (*at == chunk->used)
        return NULL;
    struct staged *staged = (struct staged *)(void *)(chunk->bytes + *at);
    *at += staged_bytes(staged->record_words);
    return staged;
}

static void install(struct staged *staged)
{
    struct record *record = staged->record;
    atomic_store_explicit(&record->stamp, staged->ordinal * 2 | STAMP_BUSY, memory_order_release); /* after what pins keep */
    words_publish(record, staged->words, staged->record_words);
    atomic_store_explicit(&record->stamp, staged->ordinal * 2, memory_order_release);
    atomic_store_explicit(&staged->page->changed, staged->ordinal, memory_order_relaxed);
    if (record->staged == staged)
        record->staged = NULL;
}

/* How many copies ahead of the one being installed the records are called into the cache. */
#define INSTALL_AHEAD 8u

static void install_chunk(struct tables *tables, struct chunk *chunk)
{
    size_t ahead = 0;
    for (uint32_t i = 0; i < INSTALL_AHEAD; i++) {
        const struct staged *staged = chunk_next(chunk, &ahead);
        if (staged)
            lines_prefetch(staged->record, &staged->record->words[staged->record_words]);
    }
    size_t at = 0;
    for (struct staged *staged; (staged = chunk_next(chunk, &at));) {
        const struct staged *later = chunk_next(chunk, &ahead);
        if (later)
            lines_prefetch(later->record, &later->record->words[later->record_words]);
        if (tables->newest_pin && !staged->fresh)
            pins_keep(tables, staged);
        install(staged);
    }
}

void tables_install(struct tables *tables)
{
    if (!in_flight(tables))
        return;
    uint64_t ordinal = horizon_of(tables) + 1;
    struct stage *stage = stage_of(tables, ordinal);
    pthread_mutex_lock(&tables->pins_mutex);
    uint64_t looks = atomic_load_explicit(&tables->looks, memory_order_relaxed);
    atomic_store_explicit(&tables->looks, looks + 1,
                          memory_order_relaxed); /* seen by who sees any word that is published after it */
    for (struct chunk *chunk = stage->first; chunk; chunk = chunk->next)
        install_chunk(tables, chunk);
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            atomic_store_explicit(&tables->tables[id]->installed, stage->counts[id], memory_order_release);
    atomic_store_explicit(&tables->horizon, ordinal, memory_order_release);
    atomic_store_explicit(&tables->looks, looks + 2, memory_order_release);
    pthread_mutex_unlock(&tables->pins_mutex);
    stage_empty(tables, stage);
}

void tables_discard(struct tables *tables)
{
    for (uint64_t ordinal = horizon_of(tables) + 1; ordinal <= tables->newest; ordinal++) {
        struct stage *stage = stage_of(tables, ordinal);
        for (struct chunk *chunk = stage->first; chunk; chunk = chunk->next) {
            size_t at = 0;
            for (struct staged *staged; (staged = chunk_next(chunk, &at));)
                staged->record->staged = NULL;
        }
        stage_empty(tables, stage);
    }
    tables->newest = horizon_of(tables);
    tables->failed = false;
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            tables->tables[id]->count = atomic_load_explicit(&tables->tables[id]->installed, memory_order_relaxed);
}
