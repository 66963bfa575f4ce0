/* What the files that make up the tables share: table.c (records), stage.c (batches in flight), pin.c, pages.c. */
#ifndef STATE_TABLE_INSIDE_H
#define STATE_TABLE_INSIDE_H

#include "state/table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* Payloads are copied a word at a time, whatever their owner's type is. */
typedef uint64_t __attribute__((may_alias)) table_word;

/* The stamp is twice the ordinal of the install that last changed the record, and odd while that install is at it. It is what a
 * reader checks before and after it copies; it tells what a pin may see; and it tells what a checkpoint has to write. */
struct record {
    _Atomic uint64_t stamp;
    struct staged *staged;       /* the writer's: the newest copy not yet installed, or NULL */
    _Atomic(struct kept *) kept; /* as it was before, for pins (see pin.c); may dangle where no pin would follow it */
    table_word words[]; /* set by the installing writer alone, with release stores; read by others with acquire loads */
};

#define STAMP_BUSY 1u

static inline uint64_t stamp_ordinal(uint64_t stamp)
{
    return stamp >> 1;
}

/* A page's place in the directory. Once `records` is set it stays. */
struct page {
    _Atomic(unsigned char *) records;
    _Atomic uint64_t changed; /* ordinal of the newest install that touched it */
};

/* The directory is arrays of places, each twice as long as the one before, so that a place never moves, a small table is small, and
 * finding a page costs no search: level n holds the pages from 2^n − 2^DIRECTORY_FIRST. */
#define DIRECTORY_FIRST  6u
#define DIRECTORY_LEVELS (32u - DIRECTORY_FIRST)

struct table {
    struct tables *tables;
    uint32_t id;
    uint32_t record_words; /* of the payload */
    uint32_t stride;       /* bytes from one record to the next */
    uint32_t page_shift;   /* records in a page, as a power of two */
    uint32_t count;        /* as decided; the writer's */
    _Atomic uint32_t installed;
    _Atomic(struct page *) levels[DIRECTORY_LEVELS];
};

/* A record's copy in a stage. */
struct staged {
    struct record *record;
    struct page *page;
    uint64_t ordinal; /* of the install that it waits for */
    uint32_t record_words;
    bool fresh; /* appended in this stage: nobody can have seen what it overwrites */
    table_word words[];
};

#define CHUNK_BYTES 65536u

/* Memory of stages. */
struct chunk {
    struct chunk *next;
    size_t used; /* of bytes */
    _Alignas(16) unsigned char bytes[CHUNK_BYTES];
};

/* One batch in flight. */
struct stage {
    struct chunk *first;
    struct chunk *last;
    uint64_t bytes;
    uint32_t counts[TABLES_MAX]; /* of each table at its end */
};

struct tables {
    struct memory *memory;
    struct table *tables[TABLES_MAX];
    _Atomic uint64_t horizon; /* ordinal of the newest install */
    _Atomic uint64_t saved;   /* horizon of what tables_saved named */
    _Atomic uint64_t looks;   /* odd: no install runs; even: one does */

    /* The writer's. */
    struct stage stages[TABLES_STAGES]; /* the one with ordinal n at n mod TABLES_STAGES */
    uint64_t newest;                    /* ordinal of the newest stage; the horizon when there is none */
    struct chunk *spare;
    uint32_t spare_count;
    bool began; /* a stage was begun: the set of tables is fixed and pages cannot be put */
    bool failed;
    table_word scratch[TABLE_RECORD_BYTES / sizeof(table_word)];

    /* Guards the list of pins, oldest first. An install holds it from end to end, so that a pin is between two installs. */
    pthread_mutex_t pins_mutex;
    struct pin *oldest_pin;
    struct pin *newest_pin;
    uint64_t pin_bytes;
    uint64_t kept_bytes; /* held for all pins */
};

struct pin {
    struct tables *tables;
    struct pin *older;
    struct pin *newer;
    uint32_t holders; /* who took this horizon and has not given it back */
    uint64_t horizon;
    uint32_t counts[TABLES_MAX];
    _Atomic uint32_t readers; /* threads that read kept records through it, and PIN_EXPIRED */
    struct kept_chunk *first_kept;
    struct kept_chunk *last_kept;
};

/* The page's place. Its level must exist: so it does for every page up to that of the newest record. */
static inline struct page *table_page(const struct table *table, uint32_t page)
{
    uint32_t place = page + (1u << DIRECTORY_FIRST);
    uint32_t level = 31u - (uint32_t)__builtin_clz(place);
    struct page *pages = atomic_load_explicit(&table->levels[level - DIRECTORY_FIRST], memory_order_acquire);
    return &pages[place - (1u << level)];
}

static inline struct record *page_record(const struct table *table, const struct page *page, uint32_t number)
{
    unsigned char *records = atomic_load_explicit(&page->records, memory_order_acquire);
    uint32_t place = number & ((1u << table->page_shift) - 1u);
    return (struct record *)(void *)(records + (size_t)place * table->stride);
}

/* Copies a payload that another thread may read meanwhile: the reader's acquire loads meet these release stores, so a reader that
 * saw any new word also sees the stamp that was set before. */
static inline void words_publish(struct record *record, const table_word *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        __atomic_store_n(&record->words[i], from[i], __ATOMIC_RELEASE);
}

static inline void words_copy(void *payload, const table_word *from, uint32_t count)
{
    unsigned char *to = payload;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
        memcpy(to + i * sizeof word, &word, sizeof word);
    }
}

/* Makes sure that the page has memory. False when there is none. */
bool table_reserve_page(struct table *table, uint32_t page);

/* Copies the record of `number`, which must exist at the pin's horizon, and tells by which install it was last changed then. False
 * when the pin has expired. */
bool pin_read(struct pin *pin, const struct record *record, uint32_t record_words, void *payload, uint64_t *ordinal);

/* Before a staged copy is installed: keeps the record as it is when a pin can see it. With the mutex of the pins held. */
void pins_keep(struct tables *tables, const struct staged *staged);

void stages_close(struct tables *tables);

#endif
