/* Where a record lies, and the short ways to it that are worth having in line. Of table.h. */
#ifndef STATE_TABLE_PLACE_H
#define STATE_TABLE_PLACE_H

#include "state/table.h"

#include <stddef.h>
#include <string.h>

/* Payloads are copied a word at a time, whatever their owner's type is. */
typedef uint64_t __attribute__((may_alias)) table_word;

/* What is transient about a record: the ordinal of the batch that last changed it (0: none since it was opened), and where in the
 * undo space (undo.h) lies what it was before that. */
struct head {
    _Atomic uint64_t stamp;
    _Atomic uint32_t former;
    uint32_t unused;
};

#define LEVEL_FIRST     6u
#define LEVELS          (32u - LEVEL_FIRST)
#define NEAR_LEVELS     13u
#define NEAR_PAGES      (((1u << NEAR_LEVELS) - 1) << LEVEL_FIRST)
#define SPANS           (LEVELS - NEAR_LEVELS + 1)
#define NEVER_EDITED    UINT64_MAX
#define PAGE_GIVEN_BACK (UINT64_C(1) << 63)

/* Level n holds 2^(LEVEL_FIRST + n) pages, and for each record of theirs a head, for each page the ordinal of the newest batch that
 * touched it, 0: none has, with PAGE_GIVEN_BACK where its memory was given back after that (trim.c). They cost memory where they are touched, and stay.
 *
 * The address space of the first NEAR_LEVELS, two gigabytes of records, is one span, in which they lie one after another; each later level is a
 * span of its own. What stands in the table is where those of page 0 and record 0 would lie if they were of that span, so that a place follows
 * from page and number alone: an address that need not be one, hence a number. */
struct table {
    uint64_t reciprocal; /* of per_page: 2^64 / per_page, rounded up */
    uint32_t per_page;
    uint32_t record_bytes;
    uint32_t page_rest;         /* of TABLE_PAGE_BYTES, behind the records */
    uint32_t loaded;            /* so many pages lie in a state file, and are to be verified before they are used */
    _Atomic uint64_t *verified; /* a bit for each of them */
    const uint64_t *writing;    /* ordinal of the stage that edits belong to, NEVER_EDITED when there is none */
    struct tables *tables;
    uint32_t id;
    _Atomic uintptr_t images[SPANS];
    _Atomic uintptr_t heads[SPANS];
    _Atomic uintptr_t changed[SPANS];
    uint32_t spans;     /* that there are; the writer's */
    uint32_t pages;     /* that have a place; the writer's */
    enum block *blocks; /* of them (blocks.c); the writer's. NULL: there are none */
    size_t block_capacity;
    uint32_t put;   /* that were put */
    uint32_t held;  /* that are memory since they were changed, or will be; the writer's */
    uint32_t ahead; /* the pages from this one to before ahead_end are held and not changed yet */
    uint32_t ahead_end;
    uint32_t count;   /* as decided; the writer's */
    uint32_t near;    /* how many of them are in the first span */
    uint32_t guarded; /* how many of them are edited the short way: those, but none in a stage that nobody sees */
    bool unseen;      /* the newest stage is such a one */
    _Atomic uint32_t installed;
};

/* A record, and the page that it is in. */
struct place {
    size_t span;
    size_t page;
    size_t number;
};

static inline size_t level_of(uint32_t page)
{
    return 63u - LEVEL_FIRST - (size_t)__builtin_clzll(page + (UINT64_C(1) << LEVEL_FIRST));
}

static inline size_t span_of(uint32_t page)
{
    return __builtin_expect(page < NEAR_PAGES, true) ? 0 : level_of(page) - NEAR_LEVELS + 1;
}

/* Division by multiplication, exact for 32 bits. */
static inline uint32_t page_of(const struct table *table, uint32_t number)
{
    return (uint32_t)(((unsigned __int128)table->reciprocal * number) >> 64);
}

static inline bool page_is_verified(const struct table *table, uint32_t page)
{
    return page >= table->loaded || (atomic_load_explicit(&table->verified[page / 64], memory_order_acquire) >> page % 64 & 1);
}

/* Verifies a page that lies in a state file (page_sum.c). False when it is damaged; the tables know then. */
__attribute__((cold)) bool table_verify_page_first(const struct table *table, uint32_t page);
static inline bool table_verify_page(const struct table *table, uint32_t page)
{
    return __builtin_expect(page_is_verified(table, page), true) || table_verify_page_first(table, page);
}

static inline struct place place_in_page(uint32_t page, uint32_t number)
{
    return (struct place){.span = span_of(page), .page = page, .number = number};
}

static inline struct place place_of(const struct table *table, uint32_t number)
{
    return place_in_page(page_of(table, number), number);
}

/* Of its first record. */
static inline struct place place_of_page(const struct table *table, uint32_t page)
{
    return place_in_page(page, page * table->per_page);
}

/* All records before it, and the rests of all pages before its own. */
static inline unsigned char *place_record(const struct table *table, struct place place)
{
    uintptr_t images = atomic_load_explicit(&table->images[place.span], memory_order_acquire);
    return (unsigned char *)(images + place.number * table->record_bytes + place.page * table->page_rest);
}

static inline struct head *place_head(const struct table *table, struct place place)
{
    uintptr_t heads = atomic_load_explicit(&table->heads[place.span], memory_order_acquire);
    return (struct head *)(heads + place.number * sizeof(struct head));
}

static inline _Atomic uint64_t *place_changed(const struct table *table, struct place place)
{
    uintptr_t changed = atomic_load_explicit(&table->changed[place.span], memory_order_acquire);
    return (_Atomic uint64_t *)(changed + place.page * sizeof(_Atomic uint64_t));
}

/* Of what place_changed tells. */
static inline bool page_is_memory(uint64_t changed)
{
    return changed && !(changed & PAGE_GIVEN_BACK);
}

/* Number 0 wraps to the largest there is. */
static inline bool table_has(const struct table *table, uint32_t number)
{
    return __builtin_expect(number - 1u < table->count, true);
}

/* The same for one that is in the first span, as most are: one look tells that, and its place is known by its base alone. */
static inline bool table_has_near(const struct table *table, uint32_t number)
{
    return __builtin_expect(number - 1u < table->near, true);
}

static inline struct place place_near(const struct table *table, uint32_t number)
{
    return (struct place){.span = 0, .page = page_of(table, number), .number = number};
}

static inline void table_set_count(struct table *table, uint32_t count)
{
    uint32_t near = NEAR_PAGES * table->per_page - 1; /* number 0 has a place, too */
    table->count = count;
    table->near = count < near ? count : near;
    table->guarded = table->unseen ? 0 : table->near;
}

extern const unsigned char table_zeros[TABLE_RECORD_BYTES];

/* The first touch of a page, what is far or not there, the first edit of a record in its stage, all edits that nobody sees, and whatever
 * goes wrong. */
__attribute__((noinline)) const void *table_get_far(const struct table *table, uint32_t number);
__attribute__((noinline)) void *table_edit_far(struct table *table, uint32_t number);
__attribute__((noinline)) void *table_edit_first(struct table *table, uint32_t number, unsigned char *record,
                                                 struct head *head);

static inline const void *table_get(const struct table *table, uint32_t number)
{
    struct place place = place_near(table, number);
    if (table_has_near(table, number) && __builtin_expect(page_is_verified(table, (uint32_t)place.page), true))
        return place_record(table, place);
    return table_get_far(table, number);
}

static inline const void *table_glance(const struct table *table, uint32_t number)
{
    uint32_t page = page_of(table, number);
    bool known = table_has(table, number) && page_is_verified(table, page);
    return known ? place_record(table, place_in_page(page, number)) : table_zeros;
}

static inline uint32_t table_count(const struct table *table)
{
    return table->count;
}

static inline void *table_edit_at(struct table *table, struct place place)
{
    struct head *head = place_head(table, place);
    unsigned char *record = place_record(table, place);
    bool saved = atomic_load_explicit(&head->stamp, memory_order_relaxed) == *table->writing;
    return saved ? record : table_edit_first(table, (uint32_t)place.number, record, head);
}

static inline void *table_edit(struct table *table, uint32_t number)
{
    bool is_short = __builtin_expect(number - 1u < table->guarded, true);
    return is_short ? table_edit_at(table, place_near(table, number)) : table_edit_far(table, number);
}

/* Copies words that another thread may read or write meanwhile (see read.c), unseen by ThreadSanitizer. */
__attribute__((no_sanitize("thread"))) static inline void copy_words(void *into, const void *from, size_t bytes)
{
    const volatile table_word *words = from;
    unsigned char *to = into;
    for (size_t at = 0; at < bytes; at += sizeof(table_word)) {
        table_word word = words[at / sizeof word];
        memcpy(to + at, &word, sizeof word);
    }
}

static inline bool table_read_fixed(const struct table *table, uint32_t number, uint32_t offset, void *into, uint32_t bytes)
{
    if (number - 1u >= atomic_load_explicit(&table->installed, memory_order_acquire))
        return false;
    uint32_t page = page_of(table, number);
    if (!table_verify_page(table, page))
        return false;
    copy_words(into, place_record(table, place_in_page(page, number)) + offset, bytes);
    return true;
}

#define CACHE_LINE 64u

/* Without its head. */
static inline void prefetch_record(const struct table *table, struct place place)
{
    const unsigned char *record = place_record(table, place);
    __builtin_prefetch(place_changed(table, place), 1);
    __builtin_prefetch(record, 1);
    if (table->record_bytes == CACHE_LINE) /* of one line, as all lie */
        return;
    for (uint32_t at = CACHE_LINE; at < table->record_bytes; at += CACHE_LINE)
        __builtin_prefetch(record + at, 1);
    __builtin_prefetch(record + table->record_bytes - 1, 1);
}

static inline void table_prefetch(const struct table *table, uint32_t number)
{
    if (!table_has(table, number))
        return;
    struct place place = place_of(table, number);
    __builtin_prefetch(place_head(table, place), 1);
    prefetch_record(table, place);
}

static inline void table_prefetch_unseen(const struct table *table, uint32_t number)
{
    if (table_has(table, number))
        prefetch_record(table, place_of(table, number));
}

static inline void table_prefetch_installed(const struct table *table, uint32_t number)
{
    if (number - 1u >= atomic_load_explicit(&table->installed, memory_order_acquire))
        return;
    struct place place = place_of(table, number);
    __builtin_prefetch(place_head(table, place));
    __builtin_prefetch(place_record(table, place)); /* most reads are of what it begins with */
}

static inline void table_prefetch_fixed(const struct table *table, uint32_t number)
{
    if (number - 1u >= atomic_load_explicit(&table->installed, memory_order_acquire))
        return;
    const unsigned char *record = place_record(table, place_of(table, number));
    for (uint32_t at = 0; at < table->record_bytes; at += CACHE_LINE)
        __builtin_prefetch(record + at);
}

#endif
