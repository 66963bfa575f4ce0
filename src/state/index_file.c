/* An index in a file: a page that says what it is, then the shards' slots, one after another.
 *
 *   page     struct header, zeros
 *   slots    of shard 0, of shard 1 …, each 8 × 2^bits bytes, in the order of the machine, which the header tells
 *
 * The page is written last. */
#include "base/checksum.h"
#include "base/error.h"
#include "state/index_inside.h"

#include <string.h>

#define PAGE  4096u
#define MAGIC UINT64_C(0x3278656469747473) /* as a machine of the other byte order does not read it */

struct header {
    uint64_t magic;
    uint64_t generation;
    uint64_t slots_sum;
    struct {
        uint32_t bits;
        uint32_t used;
    } shards[SHARDS];
    uint64_t sum; /* of what is before it */
};

_Static_assert(sizeof(struct header) <= PAGE, "a page has room for it");

static uint64_t sum_of(const void *bytes, size_t size)
{
    return checksum(bytes, size, MAGIC);
}

/* Whether it stands for the generation, and how many bytes of slots follow it. */
static bool is_header_of(const struct header *header, uint64_t generation, uint64_t *bytes)
{
    *bytes = 0;
    if (header->magic != MAGIC || header->generation != generation ||
        header->sum != sum_of(header, offsetof(struct header, sum)))
        return false;
    for (uint32_t i = 0; i < SHARDS; i++) {
        if (header->shards[i].bits < FIRST_BITS || header->shards[i].bits > LAST_BITS)
            return false;
        *bytes += UINT64_C(8) << header->shards[i].bits;
    }
    return true;
}

static bool read_header(const struct state_store *store, uint32_t file, uint64_t generation, struct header *header,
                        uint64_t *bytes)
{
    uint64_t size;
    return !store->ops->file_size(store->store, file, &size, NULL) && size >= PAGE &&
           !store->ops->file_read(store->store, file, 0, header, sizeof *header, NULL) &&
           is_header_of(header, generation, bytes) && size == PAGE + *bytes;
}

/* ---- saving ---- */

static int32_t write_slots(const struct index *index, const struct state_store *store, uint32_t file, struct header *header,
                           trading_error *error)
{
    uint64_t offset = PAGE;
    uint64_t sums[SHARDS];
    for (uint32_t i = 0; i < SHARDS; i++) {
        const struct slots *slots = atomic_load_explicit(&index->shards[i], memory_order_relaxed);
        size_t bytes = sizeof(uint64_t) << slots->bits;
        const void *from = (const void *)slots->slot;
        int32_t code = store->ops->file_write(store->store, file, offset, from, bytes, error);
        if (code)
            return code;
        sums[i] = sum_of(from, bytes);
        header->shards[i].bits = slots->bits;
        header->shards[i].used = slots->used;
        offset += bytes;
    }
    header->slots_sum = sum_of(sums, sizeof sums);
    return store->ops->file_sync(store->store, file, error);
}

int32_t index_save(const struct index *index, const struct state_store *store, uint32_t file, uint64_t generation,
                   trading_error *error)
{
    struct header header;
    uint64_t bytes;
    for (uint32_t i = 0; i < INDEX_FILES; i++)
        if (read_header(store, file + i, generation, &header, &bytes))
            return TRADING_OK;
    uint32_t to = index->mapping && index->file == file ? file + 1 : file; /* not into what is mapped */
    header = (struct header){.magic = MAGIC, .generation = generation};
    int32_t code = store->ops->file_cut(store->store, to, 0, error);
    if (!code)
        code = write_slots(index, store, to, &header, error);
    header.sum = sum_of(&header, offsetof(struct header, sum));
    if (!code)
        code = store->ops->file_write(store->store, to, 0, &header, sizeof header, error);
    return code ? code : store->ops->file_sync(store->store, to, error);
}

/* ---- loading ---- */

static uint64_t slots_sum(const struct header *header, const unsigned char *slots)
{
    uint64_t sums[SHARDS];
    for (uint32_t i = 0; i < SHARDS; i++) {
        size_t bytes = sizeof(uint64_t) << header->shards[i].bits;
        sums[i] = sum_of(slots, bytes);
        slots += bytes;
    }
    return sum_of(sums, sizeof sums);
}

static bool point_at(struct index *index, const struct header *header)
{
    unsigned char *at = (unsigned char *)index->mapping + PAGE;
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct slots *slots = memory_zeroed(index->memory, 1, sizeof *slots);
        if (!slots)
            return false;
        slots->slot = (_Atomic uint64_t *)(void *)at;
        slots->bits = header->shards[i].bits;
        slots->used = header->shards[i].used;
        slots->mapped = true;
        atomic_init(&index->shards[i], slots);
        at += sizeof(uint64_t) << slots->bits;
    }
    return true;
}

static int32_t load_file(struct index *index, const struct header *header, uint32_t file, uint64_t bytes, trading_error *error)
{
    const struct state_store *store = index->store;
    void *mapping = NULL;
    int32_t code = store->ops->file_map(store->store, file, 0, PAGE + bytes, &mapping, error);
    if (code)
        return code;
    index->file = file;
    index->mapping = mapping;
    index->mapping_bytes = PAGE + bytes;
    if (slots_sum(header, (const unsigned char *)mapping + PAGE) != header->slots_sum)
        return error_set(error, TRADING_E_NOT_FOUND, "the index in state file %u does not match its checksum", file);
    return point_at(index, header) ? TRADING_OK : error_no_memory(error, "an index");
}

int32_t index_load(struct index **index, struct memory *memory, const struct state_store *store, uint32_t file,
                   uint64_t generation, trading_error *error)
{
    struct header header;
    uint64_t bytes;
    uint32_t i = 0;
    while (i < INDEX_FILES && !read_header(store, file + i, generation, &header, &bytes))
        i++;
    if (i == INDEX_FILES)
        return error_set(error, TRADING_E_NOT_FOUND, "no index was saved for generation %llu", (unsigned long long)generation);
    struct index *loaded = memory_zeroed(memory, 1, sizeof *loaded);
    if (!loaded)
        return error_no_memory(error, "an index");
    loaded->memory = memory;
    loaded->store = store;
    int32_t code = load_file(loaded, &header, file + i, bytes, error);
    if (code)
        index_close(loaded);
    else
        *index = loaded;
    return code;
}
