#include "older_snapshot.h"

#include "base/pack.h"
#include "state/snapshot_inside.h"
#include "state_test.h"

#include <endian.h>
#include <string.h>

struct older {
    const struct snapshot_place *place;
    const struct snapshot_base *base; /* NULL: it is whole */
    struct memory *memory;
    uint32_t chunk;
    uint32_t used;
    uint8_t images[SNAPSHOT_CHUNK_BYTES];
    uint8_t packed[sizeof(uint32_t) + SNAPSHOT_CHUNK_BYTES];
    crypto_generichash_state sum;
};

static int32_t put(struct older *older, const void *data, size_t size, bool last)
{
    const struct snapshot_place *place = older->place;
    if (!last)
        crypto_generichash_update(&older->sum, data, size);
    return place->ops->snapshot_put(place->store, place->partition, place->position, older->chunk++, data, size, last, NULL);
}

static int32_t put_images(struct older *older)
{
    if (!older->used)
        return TRADING_OK;
    struct packer packer;
    uint32_t length = htole32(older->used);
    memcpy(older->packed, &length, sizeof length);
    assert_int_equal(packer_open(&packer, older->memory, 1, NULL), TRADING_OK);
    size_t size = pack(&packer, older->images, older->used, older->packed + sizeof length);
    packer_close(&packer);
    if (!size) {
        memcpy(older->packed + sizeof length, older->images, older->used);
        size = older->used;
    }
    older->used = 0;
    return put(older, older->packed, sizeof length + size, false);
}

static int32_t take(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    struct older *older = arg;
    uint32_t name[2] = {htole32(id), htole32(page)};
    uint32_t named = older->base ? sizeof name : 0;
    (void)error;
    if (older->used + named + bytes > SNAPSHOT_CHUNK_BYTES && put_images(older))
        return TRADING_E_NO_SPACE;
    memcpy(older->images + older->used, name, named);
    memcpy(older->images + older->used + named, image, bytes);
    older->used += named + bytes;
    return TRADING_OK;
}

static int32_t put_first(struct older *older, const uint8_t *shape, size_t shape_size)
{
    uint8_t first[FIRST_BYTES];
    struct writer writer = {.at = first, .end = first + sizeof first};
    write_u64(&writer, older->place->partition);
    write_i64(&writer, older->place->position);
    uint8_t *from = writer.at;
    if (older->base) {
        write_u64(&writer, SNAPSHOT_INCREMENT);
        write_i64(&writer, older->base->position);
        write_u64(&writer, older->base->increments + 1);
        write_bytes(&writer, older->base->sum, SNAPSHOT_SUM_BYTES);
    }
    write_bytes(&writer, shape, shape_size);
    if (older->base) {
        crypto_generichash(writer.at, SHAPE_SUM_BYTES, from, (size_t)(writer.at - from), NULL, 0);
        writer.at += SHAPE_SUM_BYTES;
    }
    return put(older, first, (size_t)(writer.at - first), false);
}

static int32_t write_all(const struct tables *tables, struct pin *pin, struct older *older, uint8_t sum[SNAPSHOT_SUM_BYTES])
{
    uint8_t shape[SHAPE_BYTES];
    struct page_set changed = {.memory = older->memory};
    crypto_generichash_init(&older->sum, NULL, 0, SNAPSHOT_SUM_BYTES);
    int32_t status = put_first(older, shape, shape_write(tables, pin, SHAPE_FORMAT, "meta", 4, shape));
    if (!status && older->base) {
        assert_true(tables_changed(tables, pin, older->base->horizon, older->memory, &changed));
        status = tables_pages_of(tables, pin, &changed, take, older, NULL);
        page_set_close(&changed);
    } else if (!status) {
        status = tables_pages(tables, pin, true, take, older, NULL);
    }
    if (!status)
        status = put_images(older);
    crypto_generichash_final(&older->sum, sum, SNAPSHOT_SUM_BYTES);
    return status ? status : put(older, sum, SNAPSHOT_SUM_BYTES, true);
}

int32_t older_snapshot_write(const struct tables *tables, struct pin *pin, const struct snapshot_place *place,
                             struct snapshot_base *base, struct memory *memory)
{
    struct older *older = calloc(1, sizeof *older);
    assert_non_null(older);
    older->place = place;
    older->base = base->there ? base : NULL;
    older->memory = memory;
    struct snapshot_base next = {.there = true,
                                 .position = place->position,
                                 .horizon = pin_horizon(pin),
                                 .increments = base->there ? base->increments + 1 : 0};
    int32_t status = write_all(tables, pin, older, next.sum);
    free(older);
    *base = next;
    return status;
}

void snapshot_sum_again(uint8_t *const *chunks, const uint64_t *sizes, uint32_t count, bool older)
{
    crypto_generichash_state sum;
    crypto_generichash_init(&sum, NULL, 0, SNAPSHOT_SUM_BYTES);
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (older)
            crypto_generichash_update(&sum, chunks[i], sizes[i]);
        else
            sum_chunk(&sum, chunks[i], sizes[i]);
    }
    crypto_generichash_final(&sum, chunks[count - 1], SNAPSHOT_SUM_BYTES);
}
