/* The newest keys: a table of a fixed size to find them by hash, with the entries in it. Full, it is written out as a run. */
#ifndef KEYS_YOUNG_H
#define KEYS_YOUNG_H

#include "keys/run.h"

struct key_slot {
    uint64_t hash;
    uint64_t place; /* 1 + the position; 0: free */
};

/* The decider's own, until it has handed it over as full. */
struct key_young {
    struct key_young *next; /* in a list of what is to be freed */
    uint32_t capacity;      /* keys; there are at least twice as many slots */
    uint32_t shift;         /* that leaves of a hash its home: linear probing from the leading bits */
    uint32_t mask;
    uint32_t count;
    int64_t first_position;
    _Atomic int64_t last_position; /* who writes runs looks at it while a discard may lower it */
    trading_time first_time;
    trading_time last_time;
    uint64_t last_hash;
    struct key_slot slots[];
};

/* NULL: no memory. */
struct key_young *key_young_new(struct key_memory *memory, uint32_t capacity);
void key_young_free(struct key_memory *memory, struct key_young *young);
void key_young_clear(struct key_young *young);

/* It must not be full. */
static inline void key_young_insert(struct key_young *young, uint64_t hash, int64_t position, trading_time time)
{
    uint64_t slot = hash >> young->shift;
    while (young->slots[slot].place)
        slot = (slot + 1) & young->mask;
    young->slots[slot] = (struct key_slot){.hash = hash, .place = (uint64_t)position + 1};
    if (!young->count++) {
        young->first_position = position;
        young->first_time = time;
    }
    atomic_store_explicit(&young->last_position, position, memory_order_relaxed);
    young->last_time = time;
    young->last_hash = hash;
}

/* The newest key with this hash before a position: its position, or KEY_NONE. */
static inline int64_t key_young_find(const struct key_young *young, uint64_t hash, int64_t below)
{
    uint64_t newest = 0;
    for (uint64_t slot = hash >> young->shift; young->slots[slot].place; slot = (slot + 1) & young->mask) {
        const struct key_slot *at = &young->slots[slot];
        if (at->hash == hash && at->place <= (uint64_t)below && at->place > newest)
            newest = at->place;
    }
    return (int64_t)newest - 1;
}

static inline bool key_young_has(const struct key_young *young, uint64_t hash)
{
    uint64_t slot = hash >> young->shift;
    while (young->slots[slot].place && young->slots[slot].hash != hash)
        slot = (slot + 1) & young->mask;
    return young->slots[slot].place;
}

/* Calls where a key is or would be into the cache. */
static inline void key_young_prefetch(const struct key_young *young, uint64_t hash)
{
    __builtin_prefetch(&young->slots[hash >> young->shift], 1);
}

/* Forgets the keys at or after the position. */
void key_young_discard(struct key_young *young, int64_t position);

/* Writes all of it, which is not nothing, as a run, and opens that. */
int32_t key_young_seal(const struct key_young *young, struct key_memory *memory, const struct state_store *store,
                       uint64_t number, struct key_run **run, trading_error *error);

#endif
