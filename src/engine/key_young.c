#include "engine/key_young.h"

#include <string.h>

#define FIRST_SLOT_BITS 8u

static size_t slots_bytes(uint32_t bits)
{
    return sizeof(uint32_t) << bits;
}

struct key_young *key_young_new(struct key_memory *memory)
{
    struct key_young *young = key_allocate(memory, sizeof *young);
    uint32_t *slots = key_allocate(memory, slots_bytes(FIRST_SLOT_BITS));
    if (!young || !slots) {
        key_release(memory, young, sizeof *young);
        key_release(memory, slots, slots_bytes(FIRST_SLOT_BITS));
        return NULL;
    }
    memset(young, 0, sizeof *young);
    memset(slots, 0, slots_bytes(FIRST_SLOT_BITS));
    young->holders = 1;
    young->slot_bits = FIRST_SLOT_BITS;
    young->slots = slots;
    return young;
}

void key_young_free(struct key_memory *memory, struct key_young *young)
{
    for (uint32_t i = 0; i < KEY_YOUNG_MAX / KEY_LOG_CHUNK; i++)
        key_release(memory, young->log[i], KEY_LOG_CHUNK * sizeof *young->log[i]);
    key_release(memory, young->slots, slots_bytes(young->slot_bits));
    key_release(memory, young, sizeof *young);
}

static uint32_t count_of(const struct key_young *young)
{
    return atomic_load_explicit(&young->count, memory_order_relaxed);
}

static uint32_t home_of(const struct key_young *young, uint64_t hash)
{
    return (uint32_t)(hash >> (64 - young->slot_bits));
}

static void slot_insert(struct key_young *young, uint32_t place)
{
    uint32_t mask = (1u << young->slot_bits) - 1;
    uint32_t slot = home_of(young, key_young_at(young, place)->hash);
    while (young->slots[slot])
        slot = (slot + 1) & mask;
    young->slots[slot] = place + 1;
}

static bool slots_grow(struct key_memory *memory, struct key_young *young)
{
    uint32_t *slots = key_allocate(memory, slots_bytes(young->slot_bits + 1));
    if (!slots)
        return false;
    key_release(memory, young->slots, slots_bytes(young->slot_bits));
    young->slot_bits++;
    young->slots = memset(slots, 0, slots_bytes(young->slot_bits));
    for (uint32_t place = 0; place < count_of(young); place++)
        slot_insert(young, place);
    return true;
}

bool key_young_insert(struct key_memory *memory, struct key_young *young, struct key_entry entry, trading_time time)
{
    uint32_t count = count_of(young);
    struct key_entry **chunk = &young->log[count / KEY_LOG_CHUNK];
    if (!*chunk)
        *chunk = key_allocate(memory, KEY_LOG_CHUNK * sizeof **chunk);
    if (!*chunk || (count * 2 == 1u << young->slot_bits && !slots_grow(memory, young)))
        return false;
    *key_young_at(young, count) = entry;
    slot_insert(young, count);
    if (!count)
        young->first_time = time;
    atomic_store_explicit(&young->last_time, time, memory_order_relaxed);
    atomic_store_explicit(&young->count, count + 1, memory_order_release);
    return true;
}

uint32_t key_young_find(const struct key_young *young, uint64_t hash, uint32_t bound)
{
    uint32_t mask = (1u << young->slot_bits) - 1;
    uint32_t newest = 0; /* 1 + its place; later ones lie further from the home */
    for (uint32_t slot = home_of(young, hash); young->slots[slot]; slot = (slot + 1) & mask) {
        uint32_t found = young->slots[slot];
        if (found <= bound && key_young_at(young, found - 1)->hash == hash)
            newest = found;
    }
    return newest ? newest - 1 : KEY_YOUNG_MAX;
}

void key_young_prefetch(const struct key_young *young, uint64_t hash)
{
    __builtin_prefetch(&young->slots[home_of(young, hash)], 1);
}

uint32_t key_young_below(const struct key_young *young, int64_t position)
{
    uint32_t low = 0;
    for (uint32_t high = atomic_load_explicit(&young->count, memory_order_acquire); low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (key_young_at(young, middle)->position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The newest goes first: nothing that came later can have been put past its slot. */
void key_young_truncate(struct key_young *young, uint32_t count)
{
    uint32_t mask = (1u << young->slot_bits) - 1;
    for (uint32_t place = count_of(young); place > count; place--) {
        uint32_t slot = home_of(young, key_young_at(young, place - 1)->hash);
        while (young->slots[slot] != place)
            slot = (slot + 1) & mask;
        young->slots[slot] = 0;
    }
    atomic_store_explicit(&young->count, count, memory_order_release);
}

static void sort_in(struct key_entry *entries, uint32_t count, struct key_entry entry)
{
    for (; count && key_before(entry, entries[count - 1]); count--)
        entries[count] = entries[count - 1];
    entries[count] = entry;
}

/* The slots are nearly in order of hash already, but for keys that went round the end: these wait at the end of the array. */
static void sort_slots(const struct key_young *young, struct key_entry *entries)
{
    uint32_t sorted = 0;
    uint32_t waiting = count_of(young);
    for (uint32_t slot = 0; slot < 1u << young->slot_bits; slot++) {
        if (!young->slots[slot])
            continue;
        struct key_entry entry = *key_young_at(young, young->slots[slot] - 1);
        if (home_of(young, entry.hash) > slot)
            entries[--waiting] = entry;
        else
            sort_in(entries, sorted++, entry);
    }
    for (; sorted < count_of(young); sorted++)
        sort_in(entries, sorted, entries[sorted]);
}

struct key_run *key_young_seal(struct key_memory *memory, const struct key_young *young)
{
    struct key_run *run = key_run_new(memory, count_of(young));
    if (!run)
        return NULL;
    struct key_entry *entries = run->entries;
    sort_slots(young, entries);
    for (uint32_t i = 0; i < count_of(young); i++)
        key_run_add(run, entries[i]);
    key_run_finish(run);
    run->id = young->id;
    run->span = (struct key_span){
        .first_position = key_young_at(young, 0)->position,
        .last_position = key_young_at(young, count_of(young) - 1)->position,
        .first_time = young->first_time,
        .last_time = atomic_load_explicit(&young->last_time, memory_order_relaxed),
    };
    return run;
}
