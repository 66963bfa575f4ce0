/* Writing a snapshot: whole, or as the pages that are not in its base. */
#include "base/columns.h"
#include "base/error.h"
#include "base/pack.h"
#include "state/snapshot_inside.h"

#include <endian.h>

#define LEVEL         1
#define PACKED_BUFFER (LENGTH_BYTES + SNAPSHOT_CHUNK_BYTES)
#define PAGES_MOST    (SNAPSHOT_CHUNK_BYTES / (TABLE_PAGE_BYTES / 2)) /* in a chunk: no image is shorter than half a page */

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
    const struct tables *tables;
    const struct snapshot_place *place;
    const struct snapshot_base *base; /* NULL: it is whole */
    const struct page_set *changed;   /* since the base */
    uint32_t chunk;                   /* the next one's number */
    uint64_t pages;                   /* taken */
    uint64_t bytes;                   /* put */
    uint32_t table;                   /* whose pages wait to become columns */
    uint32_t waiting;
    uint32_t numbers[PAGES_MOST]; /* theirs, little endian */
    uint32_t used;
    uint8_t *images; /* SNAPSHOT_CHUNK_BYTES */
    uint32_t filled;
    uint8_t *body;   /* the same: the chunk, as far as its pages are columns */
    uint8_t *packed; /* PACKED_BUFFER */
    struct packer packer;
    crypto_generichash_state sum;
};

static int32_t put_chunk(struct writing *writing, const void *data, size_t size, bool last, trading_error *error)
{
    const struct snapshot_place *place = writing->place;
    writing->bytes += size;
    if (!last)
        sum_chunk(&writing->sum, data, size);
    return place->ops->snapshot_put(place->store, place->partition, place->position, writing->chunk++, data, size, last, error);
}

/* The bytes of what waits, and of so many more pages of its table, beside their images. */
static uint32_t names_bytes(const struct writing *writing, uint32_t more)
{
    return (uint32_t)sizeof(struct run_head) + (writing->base ? (writing->waiting + more) * PAGE_NUMBER : 0);
}

/* What waits goes into the chunk. */
static void turn_pages(struct writing *writing)
{
    if (!writing->waiting)
        return;
    uint32_t record_bytes = tables_record_bytes(writing->tables, writing->table);
    struct run_head head = {.table = htole32(writing->table), .pages = htole32(writing->waiting)};
    uint8_t *at = writing->body + writing->filled;
    uint32_t names = names_bytes(writing, 0);
    memcpy(at, &head, sizeof head);
    columns_of_records(at + sizeof head, writing->images, writing->used / record_bytes, record_bytes);
    memcpy(at + sizeof head + writing->used, writing->numbers, names - sizeof head);
    writing->filled += writing->used + names;
    writing->waiting = 0;
    writing->used = 0;
}

static int32_t put_pages(struct writing *writing, trading_error *error)
{
    turn_pages(writing);
    if (!writing->filled)
        return TRADING_OK;
    uint32_t length = htole32(writing->filled);
    memcpy(writing->packed, &length, sizeof length);
    size_t size = pack(&writing->packer, writing->body, writing->filled, writing->packed + LENGTH_BYTES);
    if (!size) {
        memcpy(writing->packed + LENGTH_BYTES, writing->body, writing->filled);
        size = writing->filled;
    }
    writing->filled = 0;
    return put_chunk(writing, writing->packed, LENGTH_BYTES + size, false, error);
}

static bool has_room(const struct writing *writing, uint32_t bytes)
{
    return writing->filled + names_bytes(writing, 1) + writing->used + bytes <= SNAPSHOT_CHUNK_BYTES;
}

static int32_t take_page(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    struct writing *writing = arg;
    if (id != writing->table)
        turn_pages(writing);
    int32_t status = has_room(writing, bytes) ? TRADING_OK : put_pages(writing, error);
    if (status)
        return status;
    writing->table = id;
    writing->numbers[writing->waiting++] = htole32(page);
    memcpy(writing->images + writing->used, image, bytes);
    writing->used += bytes;
    writing->pages++;
    return TRADING_OK;
}

static int32_t write_pages(struct writing *writing, struct pin *pin, trading_error *error)
{
    const struct tables *tables = writing->tables;
    int32_t status = writing->base ? tables_pages_of(tables, pin, writing->changed, take_page, writing, error)
                                   : tables_pages(tables, pin, true, take_page, writing, error);
    return status ? status : put_pages(writing, error);
}

static int32_t write_chunks(struct writing *writing, struct pin *pin, const uint8_t *shape, size_t shape_size,
                            uint8_t sum[SNAPSHOT_SUM_BYTES], trading_error *error)
{
    uint8_t first[FIRST_BYTES];
    size_t first_size = write_first(writing->place, writing->base, shape, shape_size, first);
    crypto_generichash_init(&writing->sum, NULL, 0, SNAPSHOT_SUM_BYTES);
    int32_t status = put_chunk(writing, first, first_size, false, error);
    if (!status)
        status = write_pages(writing, pin, error);
    if (status)
        return status;
    crypto_generichash_final(&writing->sum, sum, SNAPSHOT_SUM_BYTES);
    return put_chunk(writing, sum, SNAPSHOT_SUM_BYTES, true, error);
}

static int32_t write_packed(struct writing *writing, struct pin *pin, const uint8_t *shape, size_t shape_size,
                            uint8_t sum[SNAPSHOT_SUM_BYTES], struct memory *memory, trading_error *error)
{
    int32_t status = packer_open(&writing->packer, memory, LEVEL, error);
    if (status)
        return status;
    writing->images = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    writing->body = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    writing->packed = memory_allocate(memory, PACKED_BUFFER);
    if (writing->images && writing->body && writing->packed)
        status = write_chunks(writing, pin, shape, shape_size, sum, error);
    else
        status = error_no_memory(error, "writing a snapshot");
    memory_release(memory, writing->packed, PACKED_BUFFER);
    memory_release(memory, writing->body, SNAPSHOT_CHUNK_BYTES);
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
static int32_t write_one(struct writing *writing, struct pin *pin, const void *meta, size_t meta_size,
                         struct snapshot_base *next, struct memory *memory, trading_error *error)
{
    uint8_t shape[SHAPE_BYTES];
    uint8_t sum[SNAPSHOT_SUM_BYTES];
    size_t shape_size = shape_write(writing->tables, pin, SNAPSHOT_FORMAT, meta, meta_size, shape);
    if (!shape_size)
        return error_set(error, TRADING_E_INVALID, "%zu bytes of meta are more than the %u that a snapshot takes", meta_size,
                         SHAPE_META_BYTES);
    int32_t status = write_packed(writing, pin, shape, shape_size, sum, memory, error);
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
    struct writing writing = {.tables = tables, .place = place, .base = increment ? base : NULL, .changed = &changed};
    int32_t status = write_one(&writing, pin, meta, meta_size, &next, memory, error);
    page_set_close(&changed);
    if (base)
        *base = next;
    return status;
}
