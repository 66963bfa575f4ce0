#include "state/snapshot.h"

#include "base/bytes.h"
#include "base/error.h"
#include "journal/pack.h"

#include <endian.h>
#include <sodium.h>

#define SUM_BYTES     32u
#define LEVEL         1
#define FIRST_BYTES   (SHAPE_BYTES + 20u) /* two varints before the shape */
#define LENGTH_BYTES  sizeof(uint32_t)
#define PACKED_BUFFER (LENGTH_BYTES + SNAPSHOT_CHUNK_BYTES)

static size_t write_first(const struct snapshot_place *place, const uint8_t *shape, size_t shape_size,
                          uint8_t bytes[FIRST_BYTES])
{
    struct writer writer = {.at = bytes, .end = bytes + FIRST_BYTES};
    write_u64(&writer, place->partition);
    write_i64(&writer, place->position);
    write_bytes(&writer, shape, shape_size);
    return (size_t)(writer.at - bytes);
}

/* ---- writing ---- */

struct writing {
    const struct snapshot_place *place;
    uint32_t chunk; /* the next one's number */
    struct packer packer;
    uint8_t *images; /* SNAPSHOT_CHUNK_BYTES, not yet written */
    uint32_t used;
    uint8_t *packed; /* PACKED_BUFFER */
    crypto_generichash_state sum;
};

static int32_t put_chunk(struct writing *writing, const void *data, size_t size, bool last, trading_error *error)
{
    const struct snapshot_place *place = writing->place;
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

static int32_t take_page(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    (void)id, (void)page;
    struct writing *writing = arg;
    if (SNAPSHOT_CHUNK_BYTES - writing->used < bytes) {
        int32_t status = put_images(writing, error);
        if (status)
            return status;
    }
    memcpy(writing->images + writing->used, image, bytes);
    writing->used += bytes;
    return TRADING_OK;
}

static int32_t write_chunks(const struct tables *tables, struct pin *pin, const uint8_t *shape, size_t shape_size,
                            struct writing *writing, trading_error *error)
{
    uint8_t first[FIRST_BYTES];
    size_t first_size = write_first(writing->place, shape, shape_size, first);
    crypto_generichash_init(&writing->sum, NULL, 0, SUM_BYTES);
    crypto_generichash_update(&writing->sum, first, first_size);
    int32_t status = put_chunk(writing, first, first_size, false, error);
    if (!status)
        status = tables_pages(tables, pin, true, take_page, writing, error);
    if (!status)
        status = put_images(writing, error);
    if (status)
        return status;
    uint8_t sum[SUM_BYTES];
    crypto_generichash_final(&writing->sum, sum, sizeof sum);
    return put_chunk(writing, sum, sizeof sum, true, error);
}

int32_t snapshot_write(const struct tables *tables, struct pin *pin, const void *meta, size_t meta_size,
                       const struct snapshot_place *place, struct memory *memory, trading_error *error)
{
    uint8_t shape[SHAPE_BYTES];
    size_t shape_size = shape_write(tables, pin, meta, meta_size, shape);
    if (!shape_size)
        return error_set(error, TRADING_E_INVALID, "%zu bytes of meta are more than the %u that a snapshot takes", meta_size,
                         SHAPE_META_BYTES);
    struct writing writing = {.place = place};
    int32_t status = packer_open(&writing.packer, memory, LEVEL, error);
    if (status)
        return status;
    writing.images = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    writing.packed = memory_allocate(memory, PACKED_BUFFER);
    if (writing.images && writing.packed)
        status = write_chunks(tables, pin, shape, shape_size, &writing, error);
    else
        status = error_no_memory(error, "writing a snapshot");
    memory_release(memory, writing.packed, PACKED_BUFFER);
    memory_release(memory, writing.images, SNAPSHOT_CHUNK_BYTES);
    packer_close(&writing.packer);
    return status;
}

/* ---- loading ---- */

struct loading {
    struct tables *tables;
    const struct snapshot_place *place;
    uint32_t chunk; /* the one that is read */
    uint32_t chunks;
    bool taken;
    struct shape *shape;
    struct unpacker unpacker;
    uint8_t *images; /* SNAPSHOT_CHUNK_BYTES */
    uint32_t id;     /* of the table and page that come next */
    uint32_t page;
    crypto_generichash_state sum;
    trading_error *error;
    int32_t status;
};

static int32_t damaged(struct loading *loading, const char *how)
{
    return error_set(loading->error, TRADING_E_DAMAGED, "chunk %u of the snapshot at position %lld %s", loading->chunk,
                     (long long)loading->place->position, how);
}

/* Moves on to the next table that has a page left. */
static bool next_page(struct loading *loading)
{
    while (loading->id < TABLES_MAX &&
           loading->page >= tables_pages_for(loading->tables, loading->id, loading->shape->counts[loading->id])) {
        loading->id++;
        loading->page = 0;
    }
    return loading->id < TABLES_MAX;
}

static int32_t load_images(struct loading *loading, const uint8_t *images, uint32_t size)
{
    while (size) {
        if (!next_page(loading))
            return damaged(loading, "holds more than the tables");
        uint32_t bytes = tables_page_bytes(loading->tables, loading->id);
        if (size < bytes)
            return damaged(loading, "ends within a page");
        int32_t status = tables_put_page(loading->tables, loading->id, loading->page++, images, bytes, loading->error);
        if (status)
            return status;
        images += bytes;
        size -= bytes;
    }
    return TRADING_OK;
}

static int32_t load_packed(struct loading *loading, const uint8_t *data, uint64_t size)
{
    uint32_t length = 0;
    if (size > LENGTH_BYTES)
        memcpy(&length, data, sizeof length);
    length = le32toh(length);
    if (!length || length > SNAPSHOT_CHUNK_BYTES)
        return damaged(loading, "does not say how long it is");
    crypto_generichash_update(&loading->sum, data, size);
    const uint8_t *packed = data + LENGTH_BYTES;
    size_t packed_size = (size_t)size - LENGTH_BYTES;
    if (packed_size == length)
        return load_images(loading, packed, length);
    if (!packed_holds(packed, packed_size, length) || !unpack(&loading->unpacker, packed, packed_size, loading->images, length))
        return damaged(loading, "cannot be unpacked");
    return load_images(loading, loading->images, length);
}

static int32_t load_first(struct loading *loading, const uint8_t *data, uint64_t size)
{
    struct reader reader = {.at = data, .end = data + size};
    uint64_t partition = read_u64(&reader);
    int64_t position = read_i64(&reader);
    if (reader.bad || partition != loading->place->partition || position != loading->place->position)
        return damaged(loading, "belongs to another partition or position");
    crypto_generichash_init(&loading->sum, NULL, 0, SUM_BYTES);
    crypto_generichash_update(&loading->sum, data, size);
    return shape_read(loading->tables, reader.at, (size_t)(reader.end - reader.at), "snapshot", loading->shape, loading->error);
}

static int32_t load_last(struct loading *loading, const uint8_t *data, uint64_t size)
{
    uint8_t sum[SUM_BYTES];
    crypto_generichash_final(&loading->sum, sum, sizeof sum);
    if (next_page(loading))
        return damaged(loading, "is the last, and pages are missing");
    if (size != sizeof sum || memcmp(data, sum, sizeof sum) != 0)
        return damaged(loading, "is not the checksum of those before");
    return TRADING_OK;
}

static void take_chunk(void *arg, const void *data, uint64_t size)
{
    struct loading *loading = arg;
    loading->taken = true;
    if (loading->chunk == 0)
        loading->status = load_first(loading, data, size);
    else if (loading->chunk == loading->chunks - 1)
        loading->status = load_last(loading, data, size);
    else
        loading->status = load_packed(loading, data, size);
}

static int32_t load_chunks(struct loading *loading)
{
    const struct snapshot_place *place = loading->place;
    for (loading->chunk = 0; loading->chunk < loading->chunks; loading->chunk++) {
        loading->taken = false;
        int32_t status = place->ops->snapshot_get(place->store, place->partition, place->position, loading->chunk, take_chunk,
                                                  loading, loading->error);
        if (status || loading->status)
            return status ? status : loading->status;
        if (!loading->taken)
            return damaged(loading, "was not handed over");
    }
    return shape_apply(loading->tables, loading->shape, loading->error);
}

int32_t snapshot_load(struct tables *tables, const struct snapshot_place *place, uint32_t chunks, struct shape *shape,
                      struct memory *memory, trading_error *error)
{
    struct loading loading = {.tables = tables, .place = place, .chunks = chunks, .shape = shape, .error = error};
    if (chunks < 2)
        return damaged(&loading, "is one of less than two");
    loading.unpacker.memory = memory;
    int32_t status = unpacker_ready(&loading.unpacker, error);
    if (status)
        return status;
    loading.images = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    status = loading.images ? load_chunks(&loading) : error_no_memory(error, "loading a snapshot");
    memory_release(memory, loading.images, SNAPSHOT_CHUNK_BYTES);
    unpacker_close(&loading.unpacker);
    return status;
}
