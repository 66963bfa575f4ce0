#include "state/shape.h"

#include "base/bytes.h"
#include "base/error.h"

#include <sodium.h>

#define BYTE_ORDER_MARK UINT32_C(0x01020304)

static void sum_of(const uint8_t *bytes, size_t size, uint8_t sum[SHAPE_SUM_BYTES])
{
    crypto_generichash(sum, SHAPE_SUM_BYTES, bytes, size, NULL, 0);
}

size_t shape_write(const struct tables *tables, const struct pin *pin, uint32_t format, const void *meta, size_t meta_size,
                   uint8_t bytes[SHAPE_BYTES])
{
    if (meta_size > SHAPE_META_BYTES)
        return 0;
    struct writer writer = {.at = bytes, .end = bytes + SHAPE_BYTES};
    uint32_t mark = BYTE_ORDER_MARK;
    write_u64(&writer, format);
    write_bytes(&writer, &mark, sizeof mark);
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        uint32_t record_bytes = tables_record_bytes(tables, id);
        if (!record_bytes)
            continue;
        write_u64(&writer, id);
        write_u64(&writer, record_bytes);
        write_u64(&writer, tables_count_at(tables, id, pin));
    }
    write_u64(&writer, TABLES_MAX); /* no more tables */
    write_block(&writer, meta, (uint32_t)meta_size);
    uint8_t sum[SHAPE_SUM_BYTES];
    sum_of(bytes, (size_t)(writer.at - bytes), sum);
    write_bytes(&writer, sum, sizeof sum);
    return writer.full ? 0 : (size_t)(writer.at - bytes);
}

static int32_t other_tables(trading_error *error, const char *what)
{
    return error_set(error, TRADING_E_UNSUPPORTED,
                     "the %s was made for other tables than this version's; rebuild it from the journal", what);
}

static int32_t read_tables(const struct tables *tables, struct reader *reader, const char *what, struct shape *shape,
                           trading_error *error)
{
    uint32_t next = read_u32(reader);
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        if (next == TABLES_MAX && id) /* tables that were added since are empty */
            continue;
        if (next != id) {
            if (tables_record_bytes(tables, id))
                return other_tables(error, what);
            continue;
        }
        if (read_u32(reader) != tables_record_bytes(tables, id))
            return other_tables(error, what);
        shape->counts[id] = read_u32(reader);
        next = read_u32(reader);
    }
    return next == TABLES_MAX && !reader->bad ? TRADING_OK : other_tables(error, what);
}

static int32_t read_all(const struct tables *tables, struct reader *reader, const char *what, uint32_t newest,
                        struct shape *shape, trading_error *error)
{
    uint64_t format = read_u64(reader);
    shape->format = format;
    if (format > newest)
        return error_set(error, TRADING_E_NEWER_FORMAT, "the %s has format %llu, this library knows %u: use a newer one", what,
                         (unsigned long long)format, newest);
    uint32_t mark = 0;
    read_copy(reader, &mark, sizeof mark);
    if (format < SHAPE_FORMAT || mark != BYTE_ORDER_MARK)
        return error_set(error, TRADING_E_UNSUPPORTED,
                         "the %s has an older format or the other byte order; rebuild it from the journal", what);
    int32_t status = read_tables(tables, reader, what, shape, error);
    if (status)
        return status;
    const uint8_t *meta = read_block(reader, &shape->meta_size);
    if (reader->bad || reader->at != reader->end || shape->meta_size > SHAPE_META_BYTES)
        return error_set(error, TRADING_E_DAMAGED, "the %s describes itself in a way that cannot be read", what);
    if (shape->meta_size)
        memcpy(shape->meta, meta, shape->meta_size);
    return TRADING_OK;
}

int32_t shape_read(const struct tables *tables, const uint8_t *bytes, size_t size, const char *what, uint32_t newest,
                   struct shape *shape, trading_error *error)
{
    *shape = (struct shape){.meta_size = 0};
    if (size < SHAPE_SUM_BYTES || size > SHAPE_BYTES)
        return error_set(error, TRADING_E_DAMAGED, "the %s describes itself in %zu bytes", what, size);
    size_t summed = size - SHAPE_SUM_BYTES;
    uint8_t sum[SHAPE_SUM_BYTES];
    sum_of(bytes, summed, sum);
    if (memcmp(sum, bytes + summed, sizeof sum) != 0)
        return error_set(error, TRADING_E_DAMAGED, "the %s's description of itself does not match its checksum", what);
    struct reader reader = {.at = bytes, .end = bytes + summed};
    return read_all(tables, &reader, what, newest, shape, error);
}

int32_t shape_apply(struct tables *tables, const struct shape *shape, trading_error *error)
{
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        if (!tables_record_bytes(tables, id))
            continue;
        int32_t status = tables_set_count(tables, id, shape->counts[id], error);
        if (status)
            return status;
    }
    return error_clear(error);
}
