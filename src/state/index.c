#include "state/index.h"

#include "base/hash.h"
#include "state/index_inside.h"

static size_t slots_bytes(uint32_t bits)
{
    return sizeof(uint64_t) << bits;
}

static bool is_full(uint64_t used, uint32_t bits)
{
    return used * 10 >= (UINT64_C(7) << bits);
}

/* Whether the array is address space, whose memory can be given back while a reader may be in it. */
static bool has_space(const struct slots *slots)
{
    return !slots->mapped && slots_bytes(slots->bits) >= SPACE_BYTES;
}

static void count_bytes(struct index *index, const struct slots *slots)
{
    atomic_fetch_add_explicit(&index->bytes, slots_bytes(slots->bits), memory_order_relaxed);
    if (has_space(slots))
        memory_hold(index->memory, slots_bytes(slots->bits));
}

static void discount_bytes(struct index *index, const struct slots *slots)
{
    atomic_fetch_sub_explicit(&index->bytes, slots_bytes(slots->bits), memory_order_relaxed);
    if (has_space(slots))
        memory_let_go(index->memory, slots_bytes(slots->bits));
}

static void slots_free(struct index *index, struct slots *slots)
{
    if (!slots->mapped && !slots->emptied)
        discount_bytes(index, slots);
    if (!slots->mapped && !has_space(slots))
        memory_release(index->memory, slots->slot, slots_bytes(slots->bits));
    memory_release(index->memory, slots, sizeof *slots);
}

/* Where the array of a shard that is so long lies: beside those of the others, so that together they fill large pages. A shard has one of each
 * length at most. NULL when there is no memory. */
static _Atomic uint64_t *slots_space(struct index *index, uint32_t shard, uint32_t bits)
{
    _Atomic uint64_t **space = &index->spaces[bits];
    if (!*space)
        *space = memory_reserve_spread(SHARDS * slots_bytes(bits));
    return *space ? *space + ((size_t)shard << bits) : NULL;
}

static void spaces_release(struct index *index)
{
    for (uint32_t bits = FIRST_BITS; bits <= LAST_BITS; bits++)
        memory_unreserve(index->spaces[bits], SHARDS * slots_bytes(bits));
}

static struct slots *slots_new(struct index *index, uint32_t shard, uint32_t bits)
{
    struct slots *slots = memory_zeroed(index->memory, 1, sizeof *slots);
    if (!slots)
        return NULL;
    slots->bits = bits;
    slots->slot = has_space(slots) ? slots_space(index, shard, bits) : memory_zeroed(index->memory, 1, slots_bytes(bits));
    if (!slots->slot) {
        memory_release(index->memory, slots, sizeof *slots);
        return NULL;
    }
    count_bytes(index, slots);
    return slots;
}

/* Gives the memory of a long array back when a longer one stands for it. A reader in it finds it empty, or as its file has it, and asks
 * whether it still counts before it believes that (index_next). */
static void slots_empty(struct index *index, struct slots *slots)
{
    if (slots_bytes(slots->bits) < SPACE_BYTES)
        return;
    memory_empty(slots->slot, slots_bytes(slots->bits));
    if (!slots->mapped)
        discount_bytes(index, slots);
    slots->emptied = true;
}

static uint32_t bits_for(uint64_t expected)
{
    uint32_t bits = FIRST_BITS;
    while (bits < LAST_BITS && is_full(expected / SHARDS * 9 / 8, bits)) /* shards are not filled quite evenly */
        bits++;
    return bits;
}

struct index *index_open(struct memory *memory, uint64_t expected)
{
    struct index *index = memory_zeroed(memory, 1, sizeof *index);
    if (!index)
        return NULL;
    index->memory = memory;
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct slots *slots = slots_new(index, i, bits_for(expected));
        if (!slots) {
            index_close(index);
            return NULL;
        }
        atomic_init(&index->shards[i], slots);
    }
    return index;
}

void index_close(struct index *index)
{
    if (!index)
        return;
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct slots *slots = atomic_load_explicit(&index->shards[i], memory_order_relaxed);
        for (struct slots *shorter; slots; slots = shorter) {
            shorter = slots->shorter;
            slots_free(index, slots);
        }
    }
    spaces_release(index);
    if (index->mapping)
        index->store->ops->file_unmap(index->store->store, index->mapping, index->mapping_bytes);
    memory_release(index->memory, index, sizeof *index);
}

uint64_t index_bytes(const struct index *index)
{
    return atomic_load_explicit(&index->bytes, memory_order_relaxed);
}

bool index_expect(struct index *index, uint64_t expected)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct slots *slots = atomic_load_explicit(&index->shards[i], memory_order_relaxed);
        if (slots->used || slots->bits >= bits_for(expected))
            continue;
        struct slots *longer = slots_new(index, i, bits_for(expected));
        if (!longer)
            return false;
        slots_free(index, slots);
        atomic_store_explicit(&index->shards[i], longer, memory_order_release);
    }
    return true;
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash_mix(hash) >> 32);
}

static uint32_t shard_of(uint32_t tag)
{
    return tag >> (32 - SHARD_BITS);
}

static uint32_t home_of(const struct slots *slots, uint32_t tag)
{
    return (tag << SHARD_BITS) >> (32 - slots->bits);
}

/* Puts the entry at the first free place from its home, unless it is there. */
static void slots_insert(struct slots *slots, uint64_t entry)
{
    uint32_t mask = (1u << slots->bits) - 1;
    for (uint32_t place = home_of(slots, (uint32_t)(entry >> 32));; place = (place + 1) & mask) {
        uint64_t found = atomic_load_explicit(&slots->slot[place], memory_order_relaxed);
        if (found == entry)
            return;
        if (!found) {
            atomic_store_explicit(&slots->slot[place], entry, memory_order_release);
            slots->used++;
            return;
        }
    }
}

static struct slots *slots_grow(struct index *index, uint32_t shard, struct slots *slots)
{
    if (slots->bits == LAST_BITS)
        return NULL;
    struct slots *longer = slots_new(index, shard, slots->bits + 1);
    if (!longer)
        return NULL;
    longer->shorter = slots;
    for (uint32_t place = 0; place < 1u << slots->bits; place++) {
        uint64_t entry = atomic_load_explicit(&slots->slot[place], memory_order_relaxed);
        if (entry)
            slots_insert(longer, entry);
    }
    return longer;
}

bool index_insert(struct index *index, uint64_t hash, uint32_t number)
{
    if (!number)
        return true;
    uint32_t tag = tag_of(hash);
    _Atomic(struct slots *) *shard = &index->shards[shard_of(tag)];
    struct slots *slots = atomic_load_explicit(shard, memory_order_relaxed);
    if (is_full(slots->used + 1, slots->bits)) {
        slots = slots_grow(index, shard_of(tag), slots);
        if (!slots) {
            index->failed = true;
            return false;
        }
        atomic_store_explicit(shard, slots, memory_order_release);
        slots_empty(index, slots->shorter);
    }
    slots_insert(slots, (uint64_t)tag << 32 | number);
    return true;
}

bool index_failed(const struct index *index)
{
    return index->failed;
}

void index_forgive(struct index *index)
{
    index->failed = false;
}

/* The cursor is the bits of the array that the walk is in, and the place where it goes on. */
static uint64_t cursor_at(const struct slots *slots, uint32_t place)
{
    return (uint64_t)slots->bits << 32 | place;
}

/* The next number under the tag from the place on, which moves behind it. 0: none before the first free place. */
static uint32_t slots_next(const struct slots *slots, uint32_t tag, uint32_t *place)
{
    uint32_t mask = (1u << slots->bits) - 1;
    for (;;) {
        uint64_t entry = atomic_load_explicit(&slots->slot[*place], memory_order_acquire);
        *place = (*place + 1) & mask;
        if (!entry || entry >> 32 == tag)
            return (uint32_t)entry;
    }
}

void index_prefetch(const struct index *index, uint64_t hash)
{
    uint32_t tag = tag_of(hash);
    const struct slots *slots = atomic_load_explicit(&index->shards[shard_of(tag)], memory_order_acquire);
    __builtin_prefetch(&slots->slot[home_of(slots, tag)]);
}

/* Where the array was replaced since the walk began, it begins again in the longer one. That is asked once more before the end of an
 * array is believed: it may have been emptied meanwhile, which is done after the longer one is shown. */
uint32_t index_next(const struct index *index, uint64_t hash, uint64_t *cursor)
{
    uint32_t tag = tag_of(hash);
    const _Atomic(struct slots *) *shard = &index->shards[shard_of(tag)];
    for (;;) {
        const struct slots *slots = atomic_load_explicit(shard, memory_order_acquire);
        uint32_t place = *cursor >> 32 == slots->bits ? (uint32_t)*cursor : home_of(slots, tag);
        uint32_t number = slots_next(slots, tag, &place);
        *cursor = cursor_at(slots, place);
        if (number || atomic_load_explicit(shard, memory_order_acquire) == slots)
            return number;
    }
}
