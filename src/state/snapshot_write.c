/* Writing a snapshot: whole, or as the pages that are not in its base. */
#include "base/error.h"
#include "base/pack.h"
#include "state/snapshot_inside.h"

#include <endian.h>
#include <sodium.h>

#define LEVEL         1
#define PACKED_BUFFER (LENGTH_BYTES + SNAPSHOT_CHUNK_BYTES)

/* ---- the base ---- */

/* Whether there may be an increment of it. */
static bool is_open(const struct snapshot_base *base, int64_t position)
{
    return base && base->there && position > base->position && base->increments < SNAPSHOT_INCREMENTS_MOST;
}

/* Pages that an increment has anew are read in vain in what it is of; at most half as many as there are. */
static bool is_worth_it(const struct snapshot_base *base, const struct page_set *changed)
{
    return base->pages + changed->count <= changed->all + changed->all / 2;
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
    const struct snapshot_base *base; /* NULL: it is whole */
    const struct page_set *changed;   /* since the base */
    uint32_t chunk;                   /* the next one's number */
    uint64_t pages;                   /* taken */
    uint64_t bytes;                   /* put */
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
    uint32_t named = writing->base ? sizeof name : 0;
    if (SNAPSHOT_CHUNK_BYTES - writing->used < named + bytes) {
        int32_t status = put_images(writing, error);
        if (status)
            return status;
    }
    if (named)
        add(writing, name, named);
    add(writing, image, bytes);
    writing->pages++;
    return TRADING_OK;
}

static int32_t write_pages(const struct tables *tables, struct pin *pin, struct writing *writing, trading_error *error)
{
    int32_t status = writing->base ? tables_pages_of(tables, pin, writing->changed, take_page, writing, error)
                                   : tables_pages(tables, pin, true, take_page, writing, error);
    return status ? status : put_images(writing, error);
}

static int32_t write_chunks(const struct tables *tables, struct pin *pin, const uint8_t *shape, size_t shape_size,
                            struct writing *writing, uint8_t sum[SNAPSHOT_SUM_BYTES], trading_error *error)
{
    uint8_t first[FIRST_BYTES];
    size_t first_size = write_first(writing->place, writing->base, shape, shape_size, first);
    crypto_generichash_init(&writing->sum, NULL, 0, SNAPSHOT_SUM_BYTES);
    crypto_generichash_update(&writing->sum, first, first_size);
    int32_t status = put_chunk(writing, first, first_size, false, error);
    if (!status)
        status = write_pages(tables, pin, writing, error);
    if (status)
        return status;
    crypto_generichash_final(&writing->sum, sum, SNAPSHOT_SUM_BYTES);
    return put_chunk(writing, sum, SNAPSHOT_SUM_BYTES, true, error);
}

static int32_t write_packed(const struct tables *tables, struct pin *pin, const uint8_t *shape, size_t shape_size,
                            struct writing *writing, uint8_t sum[SNAPSHOT_SUM_BYTES], struct memory *memory,
                            trading_error *error)
{
    int32_t status = packer_open(&writing->packer, memory, LEVEL, error);
    if (status)
        return status;
    writing->images = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    writing->packed = memory_allocate(memory, PACKED_BUFFER);
    if (writing->images && writing->packed)
        status = write_chunks(tables, pin, shape, shape_size, writing, sum, error);
    else
        status = error_no_memory(error, "writing a snapshot");
    memory_release(memory, writing->packed, PACKED_BUFFER);
    memory_release(memory, writing->images, SNAPSHOT_CHUNK_BYTES);
    packer_close(&writing->packer);
    return status;
}

/* The base that a snapshot is for the next. */
static struct snapshot_base base_of(const struct writing *writing, const struct pin *pin)
{
    const struct snapshot_base *base = writing->base;
    return (struct snapshot_base){.there = true,
                                  .position = writing->place->position,
                                  .horizon = pin_horizon(pin),
                                  .increments = base ? base->increments + 1 : 0,
                                  .pages = writing->pages + (base ? base->pages : 0),
                                  .bytes = writing->bytes};
}

/* `next`: what the snapshot is for the one after it. */
static int32_t write_one(const struct tables *tables, struct pin *pin, const void *meta, size_t meta_size,
                         struct writing *writing, struct snapshot_base *next, struct memory *memory, trading_error *error)
{
    uint8_t shape[SHAPE_BYTES];
    uint8_t sum[SNAPSHOT_SUM_BYTES];
    size_t shape_size = shape_write(tables, pin, SHAPE_FORMAT, meta, meta_size, shape);
    if (!shape_size)
        return error_set(error, TRADING_E_INVALID, "%zu bytes of meta are more than the %u that a snapshot takes", meta_size,
                         SHAPE_META_BYTES);
    int32_t status = write_packed(tables, pin, shape, shape_size, writing, sum, memory, error);
    if (status)
        return status;
    *next = base_of(writing, pin);
    memcpy(next->sum, sum, sizeof sum);
    return TRADING_OK;
}

int32_t snapshot_write(const struct tables *tables, struct pin *pin, const void *meta, size_t meta_size,
                       const struct snapshot_place *place, struct snapshot_base *base, struct memory *memory,
                       trading_error *error)
{
    struct page_set changed = {.memory = memory};
    struct snapshot_base next = {.there = false}; /* after a failure, as what was put may be in the base's stead */
    bool increment = is_open(base, place->position) && tables_changed(tables, pin, base->horizon, memory, &changed) &&
                     is_worth_it(base, &changed);
    struct writing writing = {.place = place, .base = increment ? base : NULL, .changed = &changed};
    int32_t status = write_one(tables, pin, meta, meta_size, &writing, &next, memory, error);
    page_set_close(&changed);
    if (base)
        *base = next;
    return status;
}
