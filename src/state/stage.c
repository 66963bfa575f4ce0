/* The batches in flight: what the writer has edited and not installed, kept so that it can be installed or put back. */
#include "state/table.h"
#include "state/table_inside.h"

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

static void set_newest(struct tables *tables, uint64_t newest)
{
    tables->newest = newest;
    tables->stage = stage_of(tables, newest);
    tables->writing = in_flight(tables) ? newest : NEVER_EDITED;
}

void stages_close(struct tables *tables)
{
    for (uint32_t i = 0; i < TABLES_STAGES; i++) {
        undo_recycle(&tables->undo, &tables->stages[i].kept);
        undo_recycle(&tables->undo, &tables->stages[i].passing);
    }
    undo_recycle(&tables->undo, &tables->unneeded);
    undo_recycle(&tables->undo, &tables->unlinked);
}

/* ---- editing ---- */

static void begin(struct tables *tables, bool unseen)
{
    tables->began = true;
    set_newest(tables, tables->newest + 1);
    struct stage *stage = tables->stage;
    stage->pinned = atomic_load_explicit(&tables->pinned, memory_order_relaxed);
    stage->bytes = 0;
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        struct table *table = tables->tables[id];
        stage->counts[id] = table ? table->count : 0;
        if (!table || table->unseen == unseen)
            continue;
        table->unseen = unseen;
        table_set_count(table, table->count);
    }
}

bool tables_begin(struct tables *tables)
{
    if (tables->newest - horizon_of(tables) == TABLES_STAGES)
        return false;
    begin(tables, false);
    return true;
}

bool tables_begin_unseen(struct tables *tables)
{
    if (in_flight(tables))
        return false;
    begin(tables, true);
    tables->unseen = tables->newest;
    return true;
}

/* Says that the newest stage changes the page, before it does. */
static inline void announce_page(struct table *table, struct place place)
{
    _Atomic uint64_t *changed = place_changed(table, place);
    if (!page_is_memory(atomic_load_explicit(changed, memory_order_relaxed)))
        page_begun(table, (uint32_t)place.page);
    atomic_store_explicit(changed, table->tables->newest, memory_order_relaxed);
}

/* The same of the record. */
static inline void announce(struct table *table, struct place place, struct head *head, uint32_t former)
{
    const struct tables *tables = table->tables;
    announce_page(table, place);
    atomic_store_explicit(&head->former, former, memory_order_release);
    atomic_store_explicit(&head->stamp, tables->newest, memory_order_release);
    fence_release(); /* before any byte of the record */
}

/* Room for what a record was; NULL when there is no memory. */
static inline struct former *add_former(struct tables *tables, struct chunks *chunks, uint32_t bytes, uint32_t *name)
{
    for (;;) {
        struct former *former = undo_add(&tables->undo, chunks, bytes, name);
        if (__builtin_expect(former != NULL, true) || !pins_give_way(tables))
            return former;
    }
}

/* Over what a stale link may lead a reader to, who does not believe it (see read.c): unseen by ThreadSanitizer. */
__attribute__((no_sanitize("thread"))) static inline void fill_in(struct former *former, struct table *table, uint32_t number,
                                                                  const unsigned char *record)
{
    former->number = number;
    former->table = table;
    copy_own_words(former->words, (const table_word *)(const void *)record, table->record_bytes / sizeof(table_word));
}

/* Saves the record as it is, and gives the saved version's name; 0 when there is no memory. */
static inline uint32_t save(struct table *table, uint32_t number, const unsigned char *record, const struct head *head)
{
    struct tables *tables = table->tables;
    struct stage *stage = tables->stage;
    uint64_t ordinal = atomic_load_explicit(&head->stamp, memory_order_relaxed);
    struct chunks *chunks = ordinal <= stage->pinned ? &stage->kept : &stage->passing;
    uint32_t bytes = former_bytes(table);
    uint32_t name;
    struct former *former = add_former(tables, chunks, bytes, &name);
    if (!former)
        return 0;
    stage->bytes += bytes;
    atomic_store_explicit(&former->ordinal, ordinal, memory_order_relaxed);
    atomic_store_explicit(&former->before, atomic_load_explicit(&head->former, memory_order_relaxed), memory_order_relaxed);
    fill_in(former, table, number, record);
    return name;
}

__attribute__((cold)) static void *scratch_of(struct table *table, const void *payload)
{
    table->tables->failed = true;
    return memcpy(table->tables->scratch, payload, table->record_bytes);
}

const void *table_get_far(const struct table *table, uint32_t number)
{
    if (!table_has(table, number))
        return table_zeros;
    if (table_verify_page(table, page_of(table, number)))
        return place_record(table, place_of(table, number));
    table->tables->failed = true;
    return table_zeros;
}

/* Of a page that the stage has changed nothing is to be done; nobody looks at the record's head. */
static inline void *edit_unseen(struct table *table, struct place place)
{
    const struct tables *tables = table->tables;
    if (atomic_load_explicit(place_changed(table, place), memory_order_relaxed) != tables->writing) {
        if (tables->writing == NEVER_EDITED || !table_verify_page(table, (uint32_t)place.page))
            return scratch_of(table, table_zeros);
        announce_page(table, place);
    }
    return place_record(table, place);
}

void *table_edit_far(struct table *table, uint32_t number)
{
    if (!table_has(table, number))
        return scratch_of(table, table_zeros);
    struct place place = place_of(table, number);
    return table->unseen ? edit_unseen(table, place) : table_edit_at(table, place);
}

void *table_edit_first(struct table *table, uint32_t number, unsigned char *record, struct head *head)
{
    uint32_t page = page_of(table, number);
    if (table->tables->writing == NEVER_EDITED || !table_verify_page(table, page))
        return scratch_of(table, table_zeros);
    uint32_t former = save(table, number, record, head);
    if (!former)
        return scratch_of(table, record);
    announce(table, place_in_page(page, number), head, former);
    return record;
}

void *table_append(struct table *table, uint32_t *number)
{
    struct tables *tables = table->tables;
    *number = 0;
    uint32_t appended = table->count + 1u;
    uint32_t page = page_of(table, appended);
    if (!appended || tables->writing == NEVER_EDITED || !table_reserve_page(table, page) || !table_verify_page(table, page))
        return scratch_of(table, table_zeros);
    struct place place = place_in_page(page, appended);
    if (table->unseen)
        announce_page(table, place);
    else
        announce(table, place, place_head(table, place), 0); /* nobody can have seen what it was before */
    table_set_count(table, appended);
    tables->stage->counts[table->id] = appended;
    *number = appended;
    return place_record(table, place);
}

bool tables_failed(const struct tables *tables)
{
    return tables->failed;
}

uint64_t tables_staged_bytes(const struct tables *tables)
{
    return in_flight(tables) ? tables->stage->bytes : 0;
}

/* ---- ending ---- */

/* What a pin kept is given back little by little, more of it than a batch takes: a checkpoint's is hundreds of megabytes at full speed, and the
 * writer would stand still for as long as that takes the system. */
#define UNNEEDED_AT_ONCE (UINT64_C(1) << 20)

void tables_install(struct tables *tables)
{
    if (!in_flight(tables))
        return;
    uint64_t ordinal = horizon_of(tables) + 1;
    struct stage *stage = stage_of(tables, ordinal);
    pthread_mutex_lock(&tables->pins_mutex);
    uint64_t looks = atomic_load_explicit(&tables->looks, memory_order_relaxed);
    atomic_store_explicit(&tables->looks, looks + 1, memory_order_relaxed); /* seen by who sees the horizon */
    atomic_store_explicit(&tables->horizon, ordinal, memory_order_release);
    fence_release(); /* before any byte that is used again, and before the counts */
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            atomic_store_explicit(&tables->tables[id]->installed, stage->counts[id], memory_order_release);
    atomic_store_explicit(&tables->looks, looks + 2, memory_order_release);
    undo_recycle(&tables->undo, &tables->unlinked);
    pins_keep(tables, stage);
    undo_recycle_some(&tables->undo, &tables->unneeded, UNNEEDED_AT_ONCE + stage->bytes);
    pthread_mutex_unlock(&tables->pins_mutex);
    undo_recycle(&tables->undo, &stage->kept);
    undo_recycle(&tables->undo, &stage->passing);
    set_newest(tables, tables->newest);
}

void rewind_begin(struct tables *tables)
{
    atomic_fetch_add_explicit(&tables->rewinds, 1, memory_order_relaxed);
    fence_release(); /* before any byte that goes back */
}

void rewind_end(struct tables *tables)
{
    atomic_fetch_add_explicit(&tables->rewinds, 1, memory_order_release);
    fence_release(); /* before any byte that is used again */
}

static void put_back(struct tables *tables, const struct chunks *chunks)
{
    for (const struct chunk *chunk = chunks->first; chunk; chunk = chunk->next)
        for (uint32_t at = 0; at < chunk->used;) {
            const struct former *former = undo_at(&tables->undo, chunk->first + at / UNDO_UNIT);
            const struct table *table = former->table;
            struct place place = place_of(table, former->number);
            struct head *head = place_head(table, place);
            memcpy(place_record(table, place), former->words, table->record_bytes);
            atomic_store_explicit(&head->stamp, atomic_load_explicit(&former->ordinal, memory_order_relaxed),
                                  memory_order_release);
            atomic_store_explicit(&head->former, atomic_load_explicit(&former->before, memory_order_relaxed),
                                  memory_order_release);
            at += former_bytes(table);
        }
}

/* What was appended and not installed is zero again. */
static void take_back(struct table *table)
{
    uint32_t installed = atomic_load_explicit(&table->installed, memory_order_relaxed);
    for (uint32_t number = table->count; number > installed; number--) {
        struct place place = place_of(table, number);
        struct head *head = place_head(table, place);
        memset(place_record(table, place), 0, table->record_bytes);
        atomic_store_explicit(&head->stamp, 0, memory_order_relaxed);
    }
    table_set_count(table, installed);
}

void tables_discard(struct tables *tables)
{
    uint64_t horizon = horizon_of(tables);
    rewind_begin(tables);
    for (uint64_t ordinal = tables->newest; ordinal > horizon; ordinal--) {
        put_back(tables, &stage_of(tables, ordinal)->kept);
        put_back(tables, &stage_of(tables, ordinal)->passing);
    }
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            take_back(tables->tables[id]);
    rewind_end(tables);
    for (uint64_t ordinal = tables->newest; ordinal > horizon; ordinal--) {
        undo_recycle(&tables->undo, &stage_of(tables, ordinal)->kept);
        undo_recycle(&tables->undo, &stage_of(tables, ordinal)->passing);
    }
    undo_recycle(&tables->undo, &tables->unlinked);
    set_newest(tables, horizon);
    tables->failed = false;
}
