/* A key as it is kept, and memory that is counted for keys_bytes. */
#ifndef KEYS_ENTRY_H
#define KEYS_ENTRY_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

#include <trading/time.h>

struct key_entry {
    uint64_t hash; /* out of a run: only its leading bits, as key_prefix has them, the others zero */
    int64_t position;
};

/* What a run keeps of a hash. Two hashes that begin alike are candidates for one another: the journal decides. */
#define KEY_PREFIX_BITS 48u

static inline uint64_t key_prefix(uint64_t hash)
{
    return hash >> (64 - KEY_PREFIX_BITS);
}

/* By hash, and of one hash the newest first. */
static inline bool key_before(struct key_entry a, struct key_entry b)
{
    uint64_t a_prefix = key_prefix(a.hash);
    uint64_t b_prefix = key_prefix(b.hash);
    return a_prefix < b_prefix || (a_prefix == b_prefix && a.position > b.position);
}

/* When and where keys were inserted. */
struct key_span {
    int64_t first_position;
    int64_t last_position;
    trading_time first_time;
    trading_time last_time;
};

/* Positions are kept as a distance from the first of their run, in 40 bits. */
#define KEY_SPAN_MAX (INT64_C(1) << 40)

struct key_memory {
    struct memory *memory;
    _Atomic uint64_t bytes;
};

static inline void *key_allocate(struct key_memory *memory, size_t bytes)
{
    void *block = memory_allocate(memory->memory, bytes);
    if (block)
        atomic_fetch_add_explicit(&memory->bytes, bytes, memory_order_relaxed);
    return block;
}

/* A table of zeros that is looked up at random, which costs memory and time only where it is touched. */
static inline void *key_reserve(struct key_memory *memory, size_t bytes)
{
    void *block = memory_reserve_spread(bytes);
    if (block) {
        memory_hold(memory->memory, bytes);
        atomic_fetch_add_explicit(&memory->bytes, bytes, memory_order_relaxed);
    }
    return block;
}

static inline void key_unreserve(struct key_memory *memory, void *block, size_t bytes)
{
    atomic_fetch_sub_explicit(&memory->bytes, bytes, memory_order_relaxed);
    memory_let_go(memory->memory, bytes);
    memory_unreserve(block, bytes);
}

static inline void key_release(struct key_memory *memory, void *block, size_t bytes)
{
    if (!block)
        return;
    atomic_fetch_sub_explicit(&memory->bytes, bytes, memory_order_relaxed);
    memory_release(memory->memory, block, bytes);
}

#endif
