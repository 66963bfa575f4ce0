/* Writing a snapshot: whole, or as the pages that are not in its base. */
#include "base/error.h"
#include "journal/pack.h"
#include "state/snapshot_inside.h"

#include <endian.h>
#include <sodium.h>

#define LEVEL         1
#define PACKED_BUFFER (LENGTH_BYTES + SNAPSHOT_CHUNK_BYTES)

/* ---- the base ---- */

void snapshot_base_open(struct snapshot_base *base, struct memory *memory)
{
    *base = (struct snapshot_base){.memory = memory};
}

void snapshot_base_clear(struct snapshot_base *base)
{
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        memory_release(base->memory, base->tables[id].pages, base->tables[id].room * SNAPSHOT_PAGE_SUM_BYTES);
    snapshot_base_open(base, base->memory);
}

/* Notes the page as it is now; whether the base has it otherwise, or not at all. False with `full` when there is no memory. */
static bool differs(struct snapshot_base *base, uint32_t id, uint32_t page, const void *image, uint32_t bytes, bool *full)
{
    uint8_t sum[SNAPSHOT_PAGE_SUM_BYTES];
    crypto_generichash(sum, sizeof sum, image, bytes, NULL, 0);
    size_t count = base->tables[id].count;
    if (page < count && !memcmp(base->tables[id].pages[page], sum, sizeof sum))
        return false;
    if (page >= count) {
        *full = memory_grow(base->memory, (void **)&base->tables[id].pages, &base->tables[id].room, count + 1, sizeof sum);
        if (*full)
            return false;
        base->tables[id].count++; /* pages come in order */
    }
    memcpy(base->tables[id].pages[page], sum, sizeof sum);
    return true;
}

/* Whether the next one is to be an increment of it. */
static bool is_worth_it(const struct snapshot_base *base, int64_t position)
{
    return base && base->there && position > base->position && base->increments < SNAPSHOT_INCREMENTS_MOST &&
           base->added_bytes < base->whole_bytes / 2;
}

/* What comes to more than half of the whole one with those before it is no saving. */
static bool is_too_long(const struct snapshot_base *base, uint64_t bytes)
{
    return base->added_bytes + bytes > base->whole_bytes / 2;
}

/* ---- the first chunk ---- */

static void write_increment(struct writer *writer, const struct snapshot_base *base, const uint8_t *shape, size_t shape_size)
{
    uint8_t sum[SHAPE_SUM_BYTES];
    const uint8_t *from = writer->at;
    write_u64(writer, SNAPSHOT_INCREMENT);
    write_i64(writer, base->position);
    write_u64(writer, base->increments + 1);
    write_bytes(writer, base->sum, sizeof base->sum);
    write_bytes(writer, shape, shape_size);
    crypto_generichash(sum, sizeof sum, from, (size_t)(writer->at - from), NULL, 0);
    write_bytes(writer, sum, sizeof sum);
}

static size_t write_first(const struct snapshot_place *place, const struct snapshot_base *base, const uint8_t *shape,
                          size_t shape_size, uint8_t bytes[FIRST_BYTES])
{
    struct writer writer = {.at = bytes, .end = bytes + FIRST_BYTES};
    write_u64(&writer, place->partition);
    write_i64(&writer, place->position);
    if (base)
        write_increment(&writer, base, shape, shape_size);
    else
        write_bytes(&writer, shape, shape_size);
    return (size_t)(writer.at - bytes);
}

/* ---- chunks ---- */

struct writing {
    const struct snapshot_place *place;
    struct snapshot_base *base; /* NULL: nothing is noted */
    bool increment;
    bool too_long;  /* it was given up, as a whole one is better */
    uint32_t chunk; /* the next one's number */
    uint64_t bytes; /* written */
    struct packer packer;
    uint8_t *images; /* SNAPSHOT_CHUNK_BYTES, not yet written */
    uint32_t used;
    uint8_t *packed; /* PACKED_BUFFER */
    crypto_generichash_state sum;
};

static int32_t put_chunk(struct writing *writing, const void *data, size_t size, bool last, trading_error *error)
{
    const struct snapshot_place *place = writing->place;
    writing->bytes += size;
    if (writing->increment && is_too_long(writing->base, writing->bytes)) {
        writing->too_long = true;
        return error_set(error, TRADING_E_OVERFLOW, "the increment is too long");
    }
    return place->ops->snapshot_put(place->store, place->partition, place->position, writing->chunk++, data, size, last, error);
}

static int32_t put_images(struct writing *writing, trading_error *error)
{
    if (!writing->used)
        return TRADING_OK;
    uint32_t length = htole32(writing->used);
    memcpy(writing->packed, &length, sizeof length);
    size_t size = pack(&writing->packer, writing->images, writing->used, writing->packed + LENGTH_BYTES);
    if (!size) {
        memcpy(writing->packed + LENGTH_BYTES, writing->images, writing->used);
        size = writing->used;
    }
    writing->used = 0;
    crypto_generichash_update(&writing->sum, writing->packed, LENGTH_BYTES + size);
    return put_chunk(writing, writing->packed, LENGTH_BYTES + size, false, error);
}

static void add(struct writing *writing, const void *bytes, uint32_t size)
{
    memcpy(writing->images + writing->used, bytes, size);
    writing->used += size;
}

static int32_t take_page(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    struct writing *writing = arg;
    uint32_t name[2] = {htole32(id), htole32(page)};
    uint32_t named = writing->increment ? sizeof name : 0;
    bool full = false;
    bool differs_now = !writing->base || differs(writing->base, id, page, image, bytes, &full);
    if (full)
        return error_no_memory(error, "what a snapshot holds");
    if (writing->increment && !differs_now)
        return TRADING_OK;
    if (SNAPSHOT_CHUNK_BYTES - writing->used < named + bytes) {
        int32_t status = put_images(writing, error);
        if (status)
            return status;
    }
    if (named)
        add(writing, name, named);
    add(writing, image, bytes);
    return TRADING_OK;
}

/* The snapshot is there; the next may be an increment of it. */
static void note(const struct writing *writing, const uint8_t sum[SNAPSHOT_SUM_BYTES])
{
    struct snapshot_base *base = writing->base;
    if (!base)
        return;
    base->there = true;
    base->position = writing->place->position;
    base->increments = writing->increment ? base->increments + 1 : 0;
    base->added_bytes = writing->increment ? base->added_bytes + writing->bytes : 0;
    base->whole_bytes = writing->increment ? base->whole_bytes : writing->bytes;
    memcpy(base->sum, sum, sizeof base->sum);
}

static int32_t write_chunks(const struct tables *tables, struct pin *pin, const uint8_t *shape, size_t shape_size,
                            struct writing *writing, trading_error *error)
{
    uint8_t first[FIRST_BYTES];
    size_t first_size = write_first(writing->place, writing->increment ? writing->base : NULL, shape, shape_size, first);
    crypto_generichash_init(&writing->sum, NULL, 0, SNAPSHOT_SUM_BYTES);
    crypto_generichash_update(&writing->sum, first, first_size);
    int32_t status = put_chunk(writing, first, first_size, false, error);
    if (!status)
        status = tables_pages(tables, pin, true, take_page, writing, error);
    if (!status)
        status = put_images(writing, error);
    if (status)
        return status;
    uint8_t sum[SNAPSHOT_SUM_BYTES];
    crypto_generichash_final(&writing->sum, sum, sizeof sum);
    status = put_chunk(writing, sum, sizeof sum, true, error);
    if (!status)
        note(writing, sum);
    return status;
}

static int32_t write_packed(const struct tables *tables, struct pin *pin, const uint8_t *shape, size_t shape_size,
                            struct writing *writing, struct memory *memory, trading_error *error)
{
    int32_t status = packer_open(&writing->packer, memory, LEVEL, error);
    if (status)
        return status;
    writing->images = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    writing->packed = memory_allocate(memory, PACKED_BUFFER);
    if (writing->images && writing->packed)
        status = write_chunks(tables, pin, shape, shape_size, writing, error);
    else
        status = error_no_memory(error, "writing a snapshot");
    memory_release(memory, writing->packed, PACKED_BUFFER);
    memory_release(memory, writing->images, SNAPSHOT_CHUNK_BYTES);
    packer_close(&writing->packer);
    return status;
}

int32_t snapshot_write(const struct tables *tables, struct pin *pin, const void *meta, size_t meta_size,
                       const struct snapshot_place *place, struct snapshot_base *base, struct memory *memory,
                       trading_error *error)
{
    uint8_t shape[SHAPE_BYTES];
    size_t shape_size = shape_write(tables, pin, meta, meta_size, shape);
    if (!shape_size)
        return error_set(error, TRADING_E_INVALID, "%zu bytes of meta are more than the %u that a snapshot takes", meta_size,
                         SHAPE_META_BYTES);
    struct writing writing = {.place = place, .base = base, .increment = is_worth_it(base, place->position)};
    if (base && !writing.increment)
        snapshot_base_clear(base);
    int32_t status = write_packed(tables, pin, shape, shape_size, &writing, memory, error);
    if (writing.too_long) {
        snapshot_base_clear(base);
        writing = (struct writing){.place = place, .base = base}; /* begins anew, which makes the store forget what was put */
        status = write_packed(tables, pin, shape, shape_size, &writing, memory, error);
    }
    if (status && base)
        snapshot_base_clear(base); /* it has noted pages that are nowhere */
    return status;
}
