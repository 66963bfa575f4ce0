/* The newest keys: a log in the order in which they came, and a table to find them by hash. Full, it is written out as a run. */
#ifndef ENGINE_KEY_YOUNG_H
#define ENGINE_KEY_YOUNG_H

#include "engine/key_run.h"

#define KEY_YOUNG_MAX 65536u
#define KEY_LOG_CHUNK 4096u

struct key_young {
    uint64_t id; /* which the run will have */
    trading_time first_time;
    _Atomic trading_time last_time;
    _Atomic uint32_t count; /* a save on another thread sees whole entries below it */
    uint32_t holders;       /* the keys, and a save that reads it */
    uint32_t slot_bits;
    uint32_t *slots; /* 1 + place in the log; 0: free. Linear probing from the leading bits of the hash */
    struct key_entry *log[KEY_YOUNG_MAX / KEY_LOG_CHUNK];
};

struct key_young *key_young_new(struct key_memory *memory);
void key_young_free(struct key_memory *memory, struct key_young *young);

/* It must not be full. False when there is no memory. */
bool key_young_insert(struct key_memory *memory, struct key_young *young, struct key_entry entry, trading_time time);

/* The newest key with this hash among the first `bound` of the log: its place there, or KEY_YOUNG_MAX. */
uint32_t key_young_find(const struct key_young *young, uint64_t hash, uint32_t bound);

/* Calls what tells whether it is there into the cache. */
void key_young_prefetch(const struct key_young *young, uint64_t hash);

/* How many keys of the log, which is in order of position, are before it. */
uint32_t key_young_below(const struct key_young *young, int64_t position);

/* Keeps the first `count` of the log. */
void key_young_truncate(struct key_young *young, uint32_t count);

/* All of it, which is not nothing, as a run; NULL when there is no memory. */
struct key_run *key_young_seal(struct key_memory *memory, const struct key_young *young);

static inline struct key_entry *key_young_at(const struct key_young *young, uint32_t place)
{
    return &young->log[place / KEY_LOG_CHUNK][place % KEY_LOG_CHUNK];
}

#endif
