/* A run: keys sorted by hash, never changed once it is whole, with a filter that says of most strangers that they are not in it. */
#ifndef ENGINE_KEY_RUN_H
#define ENGINE_KEY_RUN_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

#include <trading/time.h>

struct key_entry {
    uint64_t hash;
    int64_t position;
};

/* Memory that is counted for keys_bytes. */
struct key_memory {
    struct memory *memory;
    _Atomic uint64_t bytes;
};

void *key_allocate(struct key_memory *memory, size_t bytes);
void key_release(struct key_memory *memory, void *block, size_t bytes);

/* When and where the keys of a run were inserted. */
struct key_span {
    int64_t first_position;
    int64_t last_position;
    trading_time first_time;
    trading_time last_time;
};

struct key_run {
    uint64_t id; /* never used again for other keys */
    uint64_t count;
    uint64_t capacity;
    struct key_entry *entries; /* by hash, and of one hash the newest first */
    struct key_span span;
    int64_t limit;           /* keys at or after it were discarded */
    uint64_t live;           /* keys before it */
    uint32_t holders;        /* the list of runs, and a save that reads it */
    struct key_merge *merge; /* that it takes part in, or NULL */
    void *filter_memory;
    uint32_t *filter; /* blocks of half a cache line */
    uint64_t filter_blocks;
    uint64_t filter_cleared; /* blocks that were set to zero so far */
};

/* Room for so many keys, which key_run_add then adds in order of hash; key_run_finish makes it whole. NULL: no memory. */
struct key_run *key_run_new(struct key_memory *memory, uint64_t capacity);
void key_run_free(struct key_memory *memory, struct key_run *run);
void key_run_add(struct key_run *run, struct key_entry entry);
void key_run_finish(struct key_run *run);

/* Calls what tells whether it is there into the cache. */
void key_run_prefetch(const struct key_run *run, uint64_t hash);

/* The place of the first key with this hash, or `count`. */
uint64_t key_run_find(const struct key_run *run, uint64_t hash);

/* Keys at or after the position are no more. */
void key_run_limit(struct key_run *run, int64_t position);

static inline bool key_before(struct key_entry a, struct key_entry b)
{
    return a.hash < b.hash || (a.hash == b.hash && a.position > b.position);
}

/* Two neighbours on their way into one. */
struct key_merge {
    struct key_run *older;
    struct key_run *newer;
    struct key_run *target;
    uint64_t older_at;
    uint64_t newer_at;
};

struct key_merge *key_merge_new(struct key_memory *memory, struct key_run *older, struct key_run *newer);
/* Frees the merge, and the target unless it was taken (NULL). The two are free to take part in another. */
void key_merge_free(struct key_memory *memory, struct key_merge *merge);
/* Looks at so many keys at most; true when the target is whole. */
bool key_merge_step(struct key_merge *merge, uint32_t keys);

#endif
