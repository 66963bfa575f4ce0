#include "engine/key_run.h"

#include <string.h>

#define FILTER_LANES   8u /* of 32 bits: a block */
#define FILTER_BLOCK   (FILTER_LANES * sizeof(uint32_t))
#define FILTER_PER_KEY 10u /* bits */
#define SEARCH_NEAR    64u

void *key_allocate(struct key_memory *memory, size_t bytes)
{
    void *block = memory_allocate(memory->memory, bytes);
    if (block)
        atomic_fetch_add_explicit(&memory->bytes, bytes, memory_order_relaxed);
    return block;
}

void key_release(struct key_memory *memory, void *block, size_t bytes)
{
    if (!block)
        return;
    atomic_fetch_sub_explicit(&memory->bytes, bytes, memory_order_relaxed);
    memory_release(memory->memory, block, bytes);
}

/* ---- filter: a block by the leading bits of the hash, in it a bit of each lane by the others ---- */

/* In the order of hashes, so that a run that is built in that order fills its filter from end to end. */
static uint64_t block_of(const struct key_run *run, uint64_t hash)
{
    return (hash >> 32) * run->filter_blocks >> 32;
}

static uint32_t bit_of(uint64_t hash, uint32_t lane)
{
    static const uint32_t odd[FILTER_LANES] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                               0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};
    return 1u << ((uint32_t)hash * odd[lane] >> 27);
}

static void clear_blocks(struct key_run *run, uint64_t end)
{
    if (end <= run->filter_cleared)
        return;
    memset(run->filter + run->filter_cleared * FILTER_LANES, 0, (end - run->filter_cleared) * FILTER_BLOCK);
    run->filter_cleared = end;
}

static void filter_add(struct key_run *run, uint64_t hash)
{
    uint64_t block = block_of(run, hash);
    clear_blocks(run, block + 1);
    for (uint32_t i = 0; i < FILTER_LANES; i++)
        run->filter[block * FILTER_LANES + i] |= bit_of(hash, i);
}

static bool filter_has(const struct key_run *run, uint64_t hash)
{
    const uint32_t *block = run->filter + block_of(run, hash) * FILTER_LANES;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < FILTER_LANES; i++)
        missing |= bit_of(hash, i) & ~block[i];
    return !missing;
}

void key_run_prefetch(const struct key_run *run, uint64_t hash)
{
    __builtin_prefetch(run->filter + block_of(run, hash) * FILTER_LANES);
}

/* ---- runs ---- */

static size_t filter_bytes(const struct key_run *run)
{
    return run->filter_blocks * FILTER_BLOCK + FILTER_BLOCK; /* one more, to begin where a block may */
}

struct key_run *key_run_new(struct key_memory *memory, uint64_t capacity)
{
    struct key_run *run = key_allocate(memory, sizeof *run);
    if (!run)
        return NULL;
    *run = (struct key_run){.capacity = capacity, .limit = INT64_MAX, .holders = 1};
    run->filter_blocks = capacity * FILTER_PER_KEY / (FILTER_BLOCK * 8) + 1;
    run->entries = key_allocate(memory, capacity * sizeof *run->entries);
    run->filter_memory = key_allocate(memory, filter_bytes(run));
    if (!run->entries || !run->filter_memory) {
        key_run_free(memory, run);
        return NULL;
    }
    uintptr_t begin = (uintptr_t)run->filter_memory;
    run->filter = (uint32_t *)(begin + (FILTER_BLOCK - begin % FILTER_BLOCK) % FILTER_BLOCK);
    return run;
}

void key_run_free(struct key_memory *memory, struct key_run *run)
{
    key_release(memory, run->entries, run->capacity * sizeof *run->entries);
    key_release(memory, run->filter_memory, filter_bytes(run));
    key_release(memory, run, sizeof *run);
}

void key_run_add(struct key_run *run, struct key_entry entry)
{
    run->entries[run->count++] = entry;
    run->live++;
    filter_add(run, entry.hash);
}

void key_run_finish(struct key_run *run)
{
    clear_blocks(run, run->filter_blocks);
}

/* Hashes are spread evenly, so the place is near where the hash itself says, and the search touches little memory. */
static uint64_t first_not_below(const struct key_run *run, uint64_t hash)
{
    const struct key_entry *entries = run->entries;
    uint64_t low = (hash >> 32) * run->count >> 32;
    uint64_t high = low;
    for (uint64_t step = SEARCH_NEAR; low > 0 && entries[low].hash >= hash; step *= 2)
        low = low > step ? low - step : 0;
    for (uint64_t step = SEARCH_NEAR; high < run->count && entries[high].hash < hash; step *= 2)
        high = run->count - high > step ? high + step : run->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (entries[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t key_run_find(const struct key_run *run, uint64_t hash)
{
    if (!run->count || !filter_has(run, hash))
        return run->count;
    uint64_t place = first_not_below(run, hash);
    return place < run->count && run->entries[place].hash == hash ? place : run->count;
}

void key_run_limit(struct key_run *run, int64_t position)
{
    run->limit = position;
    run->live = 0;
    for (uint64_t i = 0; i < run->count; i++)
        run->live += run->entries[i].position < position;
    if (run->span.last_position >= position)
        run->span.last_position = position - 1;
}

/* ---- merging ---- */

struct key_merge *key_merge_new(struct key_memory *memory, struct key_run *older, struct key_run *newer)
{
    struct key_merge *merge = key_allocate(memory, sizeof *merge);
    struct key_run *target = key_run_new(memory, older->live + newer->live);
    if (!merge || !target) {
        key_release(memory, merge, sizeof *merge);
        if (target)
            key_run_free(memory, target);
        return NULL;
    }
    target->span =
        (struct key_span){older->span.first_position, newer->span.last_position, older->span.first_time, newer->span.last_time};
    *merge = (struct key_merge){.older = older, .newer = newer, .target = target};
    older->merge = newer->merge = merge;
    return merge;
}

void key_merge_free(struct key_memory *memory, struct key_merge *merge)
{
    merge->older->merge = merge->newer->merge = NULL;
    if (merge->target)
        key_run_free(memory, merge->target);
    key_release(memory, merge, sizeof *merge);
}

bool key_merge_step(struct key_merge *merge, uint32_t keys)
{
    const struct key_run *older = merge->older;
    const struct key_run *newer = merge->newer;
    for (; keys && (merge->older_at < older->count || merge->newer_at < newer->count); keys--) {
        bool from_newer =
            merge->older_at == older->count ||
            (merge->newer_at < newer->count && key_before(newer->entries[merge->newer_at], older->entries[merge->older_at]));
        const struct key_run *from = from_newer ? newer : older;
        uint64_t *at = from_newer ? &merge->newer_at : &merge->older_at;
        struct key_entry entry = from->entries[(*at)++];
        if (entry.position < from->limit)
            key_run_add(merge->target, entry);
    }
    if (merge->older_at < older->count || merge->newer_at < newer->count)
        return false;
    key_run_finish(merge->target);
    return true;
}
