/* What the files that make up the tables share: table.c (records' places), stage.c (batches in flight), read.c, pin.c, pages.c. */
#ifndef STATE_TABLE_INSIDE_H
#define STATE_TABLE_INSIDE_H

#include "base/fence.h"
#include "state/table.h"
#include "state/undo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

typedef uint64_t __attribute__((vector_size(16), aligned(8), may_alias)) table_pair;
__attribute__((no_sanitize("thread"))) static inline void copy_four_words(table_word *to, const table_word *from)
{
    table_pair first = *(const table_pair *)&from[0];
    table_pair second = *(const table_pair *)&from[2];
    *(table_pair *)&to[0] = first;
    *(table_pair *)&to[2] = second;
}

/* The same where only the writer changes what is copied: four words at a time, of a rest the four that end with it. */
__attribute__((no_sanitize("thread"))) static inline void copy_own_words(table_word *to, const table_word *from, size_t count)
{
    size_t at = 0;
    for (; at + 4 <= count; at += 4)
        copy_four_words(&to[at], &from[at]);
    if (count >= 4 && at < count)
        copy_four_words(&to[count - 4], &from[count - 4]);
    for (; count < 4 && at < count; at++)
        to[at] = from[at];
}

/* One batch in flight. What its records were before it, in two lists: what a pin could see that was there when the batch began, and
 * what none could. */
struct stage {
    struct chunks kept;
    struct chunks passing;
    uint64_t pinned; /* the newest pin's horizon when it began */
    uint64_t bytes;
    uint32_t counts[TABLES_MAX]; /* of each table at its end */
};

struct pin {
    struct tables *tables;
    struct pin *older;
    struct pin *newer;
    uint32_t holders; /* who took this horizon and has not given it back */
    _Atomic bool expired;
    bool firm; /* never expires */
    uint64_t horizon;
    uint32_t counts[TABLES_MAX];
    struct chunks kept;
};

struct tables {
    struct memory *memory;
    struct table *tables[TABLES_MAX];

    /* What readers look at before and after they read. */
    _Alignas(64) _Atomic uint64_t horizon; /* ordinal of the newest batch installed */
    _Atomic uint64_t rewinds;              /* goes up before anything goes back to what it was, and again when that is done */

    _Atomic uint64_t looks; /* odd: no install runs; even: one does */

    /* The writer's. */
    _Alignas(64) uint64_t writing;      /* ordinal of the newest stage; NEVER_EDITED when there is none */
    uint64_t newest;                    /* the same; the horizon when there is none */
    struct stage *stage;                /* that one */
    struct stage stages[TABLES_STAGES]; /* the one with ordinal n at n mod TABLES_STAGES */
    struct undo undo;
    struct chunks unlinked; /* taken out of chains; used again once the horizon or rewinds has moved */
    uint64_t unseen; /* ordinal of the newest stage that nobody saw: records of those before it may have no stamp. 0: none */
    bool began;      /* a stage was begun: the set of tables is fixed and pages cannot be put */
    bool failed;
    table_word scratch[TABLE_RECORD_BYTES / sizeof(table_word)];

    const struct state_store *store; /* NULL: pages are memory */
    uint64_t room;                   /* for changed pages */
    _Atomic bool damaged;
    uint64_t generation;
    _Atomic uint64_t cached_bytes;
    uint32_t trim_table; /* where tables_trim goes on, the writer's */
    uint32_t trim_page;
    uint64_t trimming; /* what was settled when it began to go round */
    uint64_t trimmed;  /* and when it last had gone round */
    bool trims_short;  /* whether memory was short when it began, and when it last had gone round */
    bool trimmed_short;

    struct pin rest;                      /* what tables_saved named, by numbers alone; who saves has it */
    const struct state_store *rest_store; /* in whose files it is; NULL: in none */

    _Atomic uint64_t saved;   /* horizon of what tables_saved named */
    _Atomic uint64_t settled; /* and tables_settled */
    _Atomic uint64_t pinned;  /* the newest pin's horizon; what was there last when there is none */

    /* Guards the list of pins, oldest first. An install holds it, so that a pin is between two installs. */
    pthread_mutex_t pins_mutex;
    struct pin *oldest_pin;
    struct pin *newest_pin;
    uint64_t pin_bytes;
    uint64_t kept_bytes;    /* held for all pins */
    struct chunks unneeded; /* of pins that went; the writer's next installs take them */
};

static inline bool tables_are_short(const struct tables *tables)
{
    return atomic_load_explicit(&tables->cached_bytes, memory_order_relaxed) >= tables->room;
}

static inline struct table *tables_at(const struct tables *tables, uint32_t id)
{
    return id < TABLES_MAX ? tables->tables[id] : NULL;
}

static inline uint32_t former_bytes(const struct table *table)
{
    return (uint32_t)sizeof(struct former) + table->record_bytes;
}

static inline size_t level_pages(uint32_t level)
{
    return (size_t)1 << (LEVEL_FIRST + level);
}

static inline size_t level_first_page(uint32_t level)
{
    return level_pages(level) - level_pages(0);
}

/* What one page takes of a level's heads. */
static inline size_t page_heads_bytes(const struct table *table)
{
    return table->per_page * sizeof(struct head);
}

/* What a page costs that was changed. */
static inline size_t page_memory(const struct table *table)
{
    return TABLE_PAGE_BYTES + page_heads_bytes(table);
}

/* The first of its records. */
static inline unsigned char *page_image(const struct table *table, uint32_t page)
{
    return place_record(table, place_of_page(table, page));
}

/* ---- where pages lie (spans.c) ---- */

/* Maps pages from the state file: where *mapping says, or anywhere if that is NULL, which receives where. False: they cannot be. */
bool pages_map(const struct table *table, uint32_t first, size_t count, void **mapping);

/* Makes sure that the page has a place. False when there is no memory. */
__attribute__((cold)) bool table_reserve_page_first(struct table *table, uint32_t page);
static inline bool table_reserve_page(struct table *table, uint32_t page)
{
    return page < table->pages || table_reserve_page_first(table, page);
}

void spans_close(struct table *table);

/* ---- blocks (blocks.c), the writer's ---- */

#define BLOCK_PAGES ((uint32_t)(MEMORY_LARGE_PAGE / TABLE_PAGE_BYTES))
#define BLOCK_LEVEL 4u /* the first that has blocks: two. What is smaller has pages alone */

/* What of a block is memory, and counts as such. */
enum block {
    BLOCK_MAPPED, /* the pages that were changed; the others are the state file's */
    BLOCK_EMPTY,  /* nothing: no page was changed or put, all are zero */
    BLOCK_LARGE,  /* all of it */
};

/* NULL: the page is in none. Tables that are not backed have none. */
static inline enum block *block_of(const struct table *table, uint32_t page)
{
    bool has = table->blocks && page >= level_first_page(BLOCK_LEVEL);
    return has ? &table->blocks[(page + level_pages(0)) / BLOCK_PAGES] : NULL;
}

static inline uint32_t block_first_page(uint32_t page)
{
    return (uint32_t)((page + level_pages(0)) / BLOCK_PAGES * BLOCK_PAGES - level_pages(0));
}

/* Makes the blocks of a level that is to be opened, and tells from which page on they are empty. False when there is no memory. */
bool blocks_open(struct table *table, uint32_t level, size_t *mapped_end);
void blocks_close(struct table *table);

/* So many pages have become memory, or are about to; so many are none any more. */
void pages_held(struct table *table, uint32_t pages);
void pages_let_go(struct table *table, uint32_t pages);

/* The block becomes memory. */
void block_begin(struct table *table, enum block *block);

/* A page that was not noted ahead becomes memory, and maybe others with it. */
void page_begun_alone(struct table *table, uint32_t page);

/* A page that was not changed is. */
static inline void page_begun(struct table *table, uint32_t page)
{
    if (page < table->ahead || page >= table->ahead_end)
        page_begun_alone(table, page);
    else
        table->ahead = page + 1; /* held already: a table grows page by page */
}

/* Before anything goes back to what it was without the stamps telling, and when that is done. */
void rewind_begin(struct tables *tables);
void rewind_end(struct tables *tables);

/* Copies the first bytes of the record of `number` as installed or at the pin's horizon, at which it must exist, and tells which batch
 * had changed it last by then. False when the pin has expired. */
bool record_read(const struct table *table, uint32_t number, struct pin *pin, void *payload, uint32_t bytes, uint64_t *ordinal);

/* Copies the records of a page as of the pin if no batch after the pin has touched it. Otherwise false. */
bool page_read_unchanged(const struct table *table, uint32_t page, struct pin *pin, void *image, uint64_t *changed);

/* At an install, with the mutex of the pins held and the horizon moved: gives the pins what they need of the stage. */
void pins_keep(struct tables *tables, struct stage *stage);

/* Where memory is short: expires the oldest pin, so that what it keeps can be used, and takes what pins that went have left. False when there
 * is neither. */
__attribute__((cold)) bool pins_give_way(struct tables *tables);

void stages_close(struct tables *tables);

#endif
