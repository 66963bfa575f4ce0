#include "keys/young.h"

#include "base/error.h"

#include <string.h>

static uint32_t slots_for(uint32_t capacity)
{
    uint32_t slots = 2;
    while (slots < capacity * 2)
        slots *= 2;
    return slots;
}

static size_t young_bytes(uint32_t capacity)
{
    return sizeof(struct key_young) + slots_for(capacity) * sizeof(struct key_slot);
}

struct key_young *key_young_new(struct key_memory *memory, uint32_t capacity)
{
    struct key_young *young = key_reserve(memory, young_bytes(capacity));
    if (!young)
        return NULL;
    young->capacity = capacity;
    young->mask = slots_for(capacity) - 1;
    young->shift = (uint32_t)__builtin_clzll(young->mask);
    return young;
}

void key_young_free(struct key_memory *memory, struct key_young *young)
{
    key_unreserve(memory, young, young_bytes(young->capacity));
}

void key_young_clear(struct key_young *young)
{
    memset(young->slots, 0, ((size_t)young->mask + 1) * sizeof *young->slots);
    young->count = 0;
}

/* What is left lies as if what goes had never come: nothing that came earlier can have been put past its slot. */
void key_young_discard(struct key_young *young, int64_t position)
{
    const struct key_slot *last = NULL;
    uint32_t count = 0;
    for (uint64_t i = 0; i <= young->mask; i++) {
        struct key_slot *slot = &young->slots[i];
        if (slot->place > (uint64_t)position)
            *slot = (struct key_slot){0};
        if (!slot->place)
            continue;
        count++;
        if (!last || slot->place > last->place)
            last = slot;
    }
    young->count = count;
    young->last_hash = last ? last->hash : 0;
    atomic_store_explicit(&young->last_position, last ? (int64_t)last->place - 1 : position - 1, memory_order_release);
}

/* ---- sealing ---- */

static void sort_in(struct key_entry *entries, uint32_t count, struct key_entry entry)
{
    for (; count && key_before(entry, entries[count - 1]); count--)
        entries[count] = entries[count - 1];
    entries[count] = entry;
}

static struct key_entry entry_of(const struct key_slot *slot)
{
    return (struct key_entry){.hash = slot->hash, .position = (int64_t)slot->place - 1};
}

/* Keys that went round the end are before the first free slot, and belong at the end of the array. */
static void gather_slots(const struct key_young *young, struct key_entry *entries)
{
    uint32_t gathered = 0;
    uint32_t end = young->count;
    const struct key_slot *slot = young->slots;
    for (; slot->place; slot++) {
        bool went_round = slot->hash >> young->shift > (uint64_t)(slot - young->slots);
        entries[went_round ? --end : gathered++] = entry_of(slot);
    }
    /* Half of the slots are free, at random: they are written as well, and written over, which is faster than to foresee them. */
    for (; gathered < end; slot++) {
        entries[gathered] = entry_of(slot);
        gathered += slot->place != 0;
    }
}

/* The slots are nearly in order of hash already. */
static void sort_slots(const struct key_young *young, struct key_entry *entries)
{
    gather_slots(young, entries);
    for (uint32_t sorted = 1; sorted < young->count; sorted++)
        sort_in(entries, sorted, entries[sorted]);
}

static int32_t write_sorted(const struct key_entry *entries, const struct key_young *young, struct key_memory *memory,
                            const struct state_store *store, uint64_t number, trading_error *error)
{
    struct key_span span = {
        .first_position = young->first_position,
        .last_position = atomic_load_explicit(&young->last_position, memory_order_relaxed),
        .first_time = young->first_time,
        .last_time = young->last_time,
    };
    struct key_writer *writer;
    int32_t code = key_writer_open(&writer, memory, store, number, young->count, &span, error);
    if (code)
        return code;
    key_writer_add(writer, entries, young->count);
    return key_writer_finish(writer, error);
}

int32_t key_young_seal(const struct key_young *young, struct key_memory *memory, const struct state_store *store,
                       uint64_t number, struct key_run **run, trading_error *error)
{
    size_t bytes = young->count * sizeof(struct key_entry);
    struct key_entry *entries = key_allocate(memory, bytes);
    if (!entries)
        return error_no_memory(error, "sorting command keys");
    sort_slots(young, entries);
    int32_t code = write_sorted(entries, young, memory, store, number, error);
    key_release(memory, entries, bytes);
    return code ? code : key_run_open(run, memory, store, number, error);
}
