/* Loading a snapshot, with those that it is an increment of, and finding what may be wrong with any of them. */
#include "base/columns.h"
#include "base/error.h"
#include "base/pack.h"
#include "state/snapshot_inside.h"

#include <endian.h>
#include <inttypes.h>

_Static_assert(SNAPSHOT_INCREMENT > SHAPE_FORMAT, "who knows no increments takes one for a newer shape");
_Static_assert(SNAPSHOT_FORMAT > SNAPSHOT_INCREMENT,
               "who knows no columns takes them for a newer shape, and nobody for an increment");

/* ---- the first chunk ---- */

struct header {
    bool increment;
    int64_t base;
    uint8_t base_sum[SNAPSHOT_SUM_BYTES];
    const uint8_t *shape;
    size_t shape_size;
};

/* False where it is an increment's, and says of its base what no writer says. */
static bool read_increment(struct reader reader, int64_t position, struct header *header)
{
    header->base = read_i64(&reader);
    uint64_t increments = read_u64(&reader);
    read_copy(&reader, header->base_sum, sizeof header->base_sum);
    header->shape = reader.at;
    header->shape_size = (size_t)(reader.end - reader.at);
    return !reader.bad && header->base >= 0 && header->base < position && increments >= 1 &&
           increments <= SNAPSHOT_INCREMENTS_MOST;
}

/* What its sum does not prove is taken for a shape, which has one too. */
static bool is_increment(struct reader reader)
{
    size_t size = (size_t)(reader.end - reader.at);
    uint8_t sum[SHAPE_SUM_BYTES];
    if (size < sizeof sum)
        return false;
    crypto_generichash(sum, sizeof sum, reader.at, size - sizeof sum, NULL, 0);
    return !memcmp(sum, reader.end - sizeof sum, sizeof sum) && read_u64(&reader) == SNAPSHOT_INCREMENT;
}

/* False when it is of another snapshot, or of no writer's. */
static bool read_first(const struct snapshot_place *place, const uint8_t *data, uint64_t size, struct header *header)
{
    struct reader reader = {.at = data, .end = data + size};
    uint64_t partition = read_u64(&reader);
    int64_t position = read_i64(&reader);
    if (reader.bad || partition != place->partition || position != place->position)
        return false;
    *header =
        (struct header){.increment = is_increment(reader), .shape = reader.at, .shape_size = (size_t)(reader.end - reader.at)};
    if (!header->increment)
        return true;
    read_u64(&reader);
    reader.end -= SHAPE_SUM_BYTES;
    return read_increment(reader, position, header);
}

/* ---- the chain ---- */

struct link {
    int64_t position;
    uint32_t chunks;
};

struct peek {
    const struct snapshot_place *place;
    struct header header;
    bool read;
};

static void take_first(void *arg, const void *data, uint64_t size)
{
    struct peek *peek = arg;
    peek->read = read_first(peek->place, data, size, &peek->header);
}

static int32_t look_at(const struct snapshot_place *place, struct peek *peek, trading_error *error)
{
    *peek = (struct peek){.place = place};
    return place->ops->snapshot_get(place->store, place->partition, place->position, 0, take_first, peek, error);
}

int32_t snapshot_base_of(const struct snapshot_place *place, int64_t *base, trading_error *error)
{
    struct peek peek;
    int32_t code = look_at(place, &peek, error);
    *base = !code && peek.read && peek.header.increment ? peek.header.base : -1;
    return code == TRADING_E_DAMAGED || code == TRADING_E_NOT_FOUND ? error_clear(error) : code;
}

static int32_t find_base(const struct snapshot_place *place, int64_t position, struct link *base, trading_error *error)
{
    *base = (struct link){.position = -1};
    int32_t code = place->ops->snapshot_find(place->store, place->partition, position, &base->position, &base->chunks, error);
    if (code && code != TRADING_E_NOT_FOUND)
        return code;
    if (code || base->position != position)
        return error_set(error, TRADING_E_DAMAGED,
                         "the snapshot at position %" PRId64 " is an increment of one at position %" PRId64
                         ", which is not there",
                         place->position, position);
    return TRADING_OK;
}

/* From the one that is asked for down to a whole one. */
static int32_t find_chain(const struct snapshot_place *newest, struct link links[SNAPSHOT_INCREMENTS_MOST + 1], uint32_t *count,
                          trading_error *error)
{
    struct snapshot_place place = *newest;
    for (*count = 1;; ++*count) {
        struct peek peek;
        int32_t code = look_at(&place, &peek, error);
        if (code || !peek.read || !peek.header.increment)
            return code; /* what cannot be read is told when it is loaded */
        if (*count > SNAPSHOT_INCREMENTS_MOST)
            return error_set(error, TRADING_E_DAMAGED,
                             "the snapshot at position %" PRId64 " has more than %u increments below it", newest->position,
                             SNAPSHOT_INCREMENTS_MOST);
        code = find_base(&place, peek.header.base, &links[*count], error);
        if (code)
            return code;
        place.position = links[*count].position;
    }
}

/* ---- loading one ---- */

struct loading {
    struct tables *tables;
    struct snapshot_place place;
    uint32_t chunk; /* the one that is read */
    uint32_t chunks;
    bool taken;
    bool increment;
    struct shape *shape;
    struct unpacker unpacker;
    uint8_t *body;              /* SNAPSHOT_CHUNK_BYTES: a chunk, unpacked */
    uint8_t *images;            /* the same: its pages */
    uint32_t pages[TABLES_MAX]; /* how many of each table are there */
    uint32_t id;                /* of the table whose page is put */
    crypto_generichash_state sum;
    uint8_t loaded[SNAPSHOT_SUM_BYTES]; /* the last chunk of what was loaded, and so of an increment's base */
    trading_error *error;
    int32_t status;
};

static int32_t damaged(struct loading *loading, const char *how)
{
    return error_set(loading->error, TRADING_E_DAMAGED, "chunk %u of the snapshot at position %lld %s", loading->chunk,
                     (long long)loading->place.position, how);
}

static uint32_t pages_of(const struct loading *loading, uint32_t id)
{
    return tables_pages_for(loading->tables, id, loading->shape->counts[id]);
}

static int32_t put_page(struct loading *loading, uint32_t page, const uint8_t *image, uint32_t bytes)
{
    int32_t status = tables_put_page(loading->tables, loading->id, page, image, bytes, loading->error);
    if (!status && page == loading->pages[loading->id])
        loading->pages[loading->id]++;
    return status;
}

/* ---- pages as columns ---- */

/* Of the page of the run that comes next. */
static uint32_t number_of(const struct loading *loading, const uint8_t *numbers, uint32_t at)
{
    uint32_t little;
    if (!loading->increment)
        return loading->pages[loading->id];
    memcpy(&little, numbers + at * sizeof little, sizeof little);
    return le32toh(little);
}

static int32_t put_pages(struct loading *loading, const uint8_t *numbers, uint32_t count, uint32_t bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t page = number_of(loading, numbers, i);
        if (page >= pages_of(loading, loading->id))
            return damaged(loading, "holds more than the tables");
        int32_t status = put_page(loading, page, loading->images + (size_t)i * bytes, bytes);
        if (status)
            return status;
    }
    return TRADING_OK;
}

/* Pages of one table, at the reader's place. */
static int32_t load_run(struct loading *loading, struct reader *reader)
{
    struct run_head head = {0};
    read_copy(reader, &head, sizeof head);
    loading->id = le32toh(head.table);
    uint32_t count = le32toh(head.pages);
    uint32_t bytes = tables_page_bytes(loading->tables, loading->id);
    if (!bytes)
        return damaged(loading, "is of a table that there is not");
    const uint8_t *columns = count && count <= SNAPSHOT_CHUNK_BYTES / bytes ? read_bytes(reader, (size_t)count * bytes) : NULL;
    const uint8_t *numbers = read_bytes(reader, loading->increment ? (size_t)count * PAGE_NUMBER : 0);
    if (!columns || reader->bad)
        return damaged(loading, "ends within a page");
    uint32_t record_bytes = tables_record_bytes(loading->tables, loading->id);
    records_of_columns(loading->images, columns, (size_t)count * bytes / record_bytes, record_bytes);
    return put_pages(loading, numbers, count, bytes);
}

static int32_t load_runs(struct loading *loading, const uint8_t *body, uint32_t size)
{
    struct reader reader = {.at = body, .end = body + size};
    int32_t status = TRADING_OK;
    while (reader.at < reader.end && !status)
        status = load_run(loading, &reader);
    return status;
}

/* ---- pages one after another, as older libraries wrote them ---- */

/* The page that comes next in a whole one; false: there is none. */
static bool next_page(struct loading *loading, uint32_t *page)
{
    while (loading->id < TABLES_MAX && loading->pages[loading->id] >= pages_of(loading, loading->id))
        loading->id++;
    if (loading->id == TABLES_MAX)
        return false;
    *page = loading->pages[loading->id];
    return true;
}

/* The page that an increment names; false: there is no such page. */
static bool named_page(struct loading *loading, const uint8_t *name, uint32_t *page)
{
    uint32_t little[2];
    memcpy(little, name, sizeof little);
    loading->id = le32toh(little[0]);
    *page = le32toh(little[1]);
    return loading->id < TABLES_MAX && *page < pages_of(loading, loading->id);
}

static int32_t load_images(struct loading *loading, const uint8_t *images, uint32_t size)
{
    uint32_t named = loading->increment ? 2 * sizeof(uint32_t) : 0;
    while (size) {
        uint32_t page;
        if (size < named)
            return damaged(loading, "ends within a page");
        if (named ? !named_page(loading, images, &page) : !next_page(loading, &page))
            return damaged(loading, "holds more than the tables");
        uint32_t bytes = tables_page_bytes(loading->tables, loading->id);
        if (size - named < bytes)
            return damaged(loading, "ends within a page");
        int32_t status = put_page(loading, page, images + named, bytes);
        if (status)
            return status;
        images += named + bytes;
        size -= named + bytes;
    }
    return TRADING_OK;
}

/* ---- chunks ---- */

static bool is_older(const struct loading *loading)
{
    return loading->shape->format < SNAPSHOT_FORMAT;
}

static void sum_up(struct loading *loading, const uint8_t *data, uint64_t size)
{
    if (is_older(loading))
        crypto_generichash_update(&loading->sum, data, size);
    else
        sum_chunk(&loading->sum, data, size);
}

/* NULL: it cannot be unpacked. */
static const uint8_t *unpack_body(struct loading *loading, const uint8_t *packed, uint64_t size, uint32_t bytes)
{
    if (size == bytes)
        return packed;
    bool unpacked = packed_holds(packed, size, bytes) && unpack(&loading->unpacker, packed, size, loading->body, bytes);
    return unpacked ? loading->body : NULL;
}

static int32_t load_packed(struct loading *loading, const uint8_t *data, uint64_t size)
{
    uint32_t length = 0;
    if (size > LENGTH_BYTES)
        memcpy(&length, data, sizeof length);
    length = le32toh(length);
    if (!length || length > SNAPSHOT_CHUNK_BYTES)
        return damaged(loading, "does not say how long it is");
    sum_up(loading, data, size);
    const uint8_t *body = unpack_body(loading, data + LENGTH_BYTES, size - LENGTH_BYTES, length);
    if (!body)
        return damaged(loading, "cannot be unpacked");
    return is_older(loading) ? load_images(loading, body, length) : load_runs(loading, body, length);
}

static int32_t load_first(struct loading *loading, const uint8_t *data, uint64_t size)
{
    struct header header;
    if (!read_first(&loading->place, data, size, &header))
        return damaged(loading, "belongs to another partition or position, or to no base");
    if (header.increment != loading->increment)
        return damaged(loading, "has changed while it was read");
    if (header.increment && memcmp(header.base_sum, loading->loaded, sizeof loading->loaded) != 0)
        return damaged(loading, "belongs to an increment of another snapshot than is there");
    int32_t status = shape_read(loading->tables, header.shape, header.shape_size, "snapshot", SNAPSHOT_FORMAT, loading->shape,
                                loading->error);
    crypto_generichash_init(&loading->sum, NULL, 0, SNAPSHOT_SUM_BYTES);
    sum_up(loading, data, size);
    return status;
}

static bool is_complete(const struct loading *loading)
{
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (loading->pages[id] != pages_of(loading, id))
            return false;
    return true;
}

static int32_t load_last(struct loading *loading, const uint8_t *data, uint64_t size)
{
    uint8_t sum[SNAPSHOT_SUM_BYTES];
    crypto_generichash_final(&loading->sum, sum, sizeof sum);
    if (!is_complete(loading))
        return damaged(loading, "is the last, and pages are missing");
    if (size != sizeof sum || memcmp(data, sum, sizeof sum) != 0)
        return damaged(loading, "is not the checksum of those before");
    memcpy(loading->loaded, sum, sizeof sum);
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
    const struct snapshot_place *place = &loading->place;
    loading->id = 0;
    if (loading->chunks < 2)
        return damaged(loading, "is one of less than two");
    for (loading->chunk = 0; loading->chunk < loading->chunks; loading->chunk++) {
        loading->taken = false;
        int32_t status = place->ops->snapshot_get(place->store, place->partition, place->position, loading->chunk, take_chunk,
                                                  loading, loading->error);
        if (status || loading->status)
            return status ? status : loading->status;
        if (!loading->taken)
            return damaged(loading, "was not handed over");
    }
    return TRADING_OK;
}

/* ---- loading all of them ---- */

static int32_t load_chain(struct loading *loading, const struct link *links, uint32_t count)
{
    int32_t status = TRADING_OK;
    for (uint32_t i = count; i-- > 0 && !status;) {
        loading->place.position = links[i].position;
        loading->chunks = links[i].chunks;
        loading->chunk = 0;
        loading->increment = i + 1 < count;
        status = load_chunks(loading);
    }
    return status ? status : shape_apply(loading->tables, loading->shape, loading->error);
}

int32_t snapshot_load(struct tables *tables, const struct snapshot_place *place, uint32_t chunks, struct shape *shape,
                      struct memory *memory, trading_error *error)
{
    struct loading loading = {.tables = tables, .place = *place, .shape = shape, .error = error};
    struct link links[SNAPSHOT_INCREMENTS_MOST + 1] = {{.position = place->position, .chunks = chunks}};
    uint32_t count;
    int32_t status = find_chain(place, links, &count, error);
    if (status)
        return status;
    loading.unpacker.memory = memory;
    status = unpacker_ready(&loading.unpacker, error);
    if (status)
        return status;
    loading.body = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    loading.images = memory_allocate(memory, SNAPSHOT_CHUNK_BYTES);
    status = loading.body && loading.images ? load_chain(&loading, links, count) : error_no_memory(error, "loading a snapshot");
    memory_release(memory, loading.images, SNAPSHOT_CHUNK_BYTES);
    memory_release(memory, loading.body, SNAPSHOT_CHUNK_BYTES);
    unpacker_close(&loading.unpacker);
    return status;
}

/* ---- weighing ---- */

#define CHUNKS_WEIGHED 16u

static void take_weight(void *arg, const void *data, uint64_t size)
{
    (void)data;
    uint64_t *bytes = arg;
    *bytes += size;
}

int32_t snapshot_weigh(const struct snapshot_place *place, uint32_t chunks, uint64_t *bytes, trading_error *error)
{
    struct link links[SNAPSHOT_INCREMENTS_MOST + 1] = {{.position = place->position, .chunks = chunks}};
    uint32_t count;
    int32_t status = find_chain(place, links, &count, error);
    if (status)
        return status;
    struct link whole = links[count - 1];
    uint32_t weighed = whole.chunks < CHUNKS_WEIGHED ? whole.chunks : CHUNKS_WEIGHED;
    *bytes = 0;
    for (uint32_t i = 0; i < weighed && !status; i++)
        status = place->ops->snapshot_get(place->store, place->partition, whole.position,
                                          (uint32_t)((uint64_t)whole.chunks * i / weighed), take_weight, bytes, error);
    *bytes = weighed ? *bytes / weighed * whole.chunks : 0;
    return status;
}
