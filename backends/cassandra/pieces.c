#include "backends/cassandra/pieces.h"

#include "base/error.h"

#include <string.h>

#define PIECE_BYTES (UINT64_C(512) << 10) /* of the bytes that a server likes in a row */
#define AT_ONCE     8u

/* Awaits a request, keeping the first failure. */
static int32_t await_piece(struct driver_request *request, struct driver_failure *failure)
{
    struct driver_failure own = {0};
    if (driver_await(request, NULL, &own) && !failure->code)
        *failure = own;
    return failure->code;
}

/* Writes all pieces, once. Returns a DRIVER_ code. */
static int32_t put_all(struct cassandra *store, const uint8_t id[BLOCK_ID_BYTES], const void *data, uint64_t size,
                       struct driver_failure *failure)
{
    struct driver_request *under_way[AT_ONCE];
    uint64_t begun = 0;
    uint64_t ended = 0;
    for (uint64_t at = 0; !failure->code && (at < size || begun == 0); at += PIECE_BYTES) {
        if (begun - ended == AT_ONCE && await_piece(under_way[ended++ % AT_ONCE], failure))
            break;
        uint64_t bytes = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
        const struct driver_value values[] = {bind_id(id), bind_int32((int64_t)begun),
                                              bind_bytes((const uint8_t *)data + at, bytes)};
        if (!driver_begin(store->driver, store->statements[PIECE_PUT], values, 3, &under_way[begun % AT_ONCE], failure))
            begun++;
    }
    while (ended < begun)
        await_piece(under_way[ended++ % AT_ONCE], failure);
    return failure->code;
}

int32_t pieces_put(struct cassandra *store, const uint8_t id[BLOCK_ID_BYTES], const void *data, uint64_t size,
                   trading_error *error)
{
    struct driver_failure failure;
    struct patience patience = patience_begin(store);
    do
        failure = (struct driver_failure){0};
    while (put_all(store, id, data, size, &failure) == DRIVER_UNCERTAIN && patience_left(&patience));
    return failure.code ? error_of_driver(&failure, "writing pieces", error) : TRADING_OK;
}

int32_t pieces_get(struct cassandra *store, const uint8_t id[BLOCK_ID_BYTES], void *data, uint64_t size, trading_error *error)
{
    static const char doing[] = "reading a piece";
    struct driver_rows *rows;
    uint64_t have = 0;
    bool fits = true;
    int32_t code = ask(store, PIECE_LIST, &rows, doing, error, BIND(bind_id(id)));
    bool found = !code;
    while (!code && found && fits) {
        const void *bytes;
        uint64_t count;
        code = next_row(rows, &found, doing, error);
        if (code || !found || !driver_bytes(rows, 0, &bytes, &count))
            continue;
        fits = count <= size - have;
        if (fits && count)
            memcpy((uint8_t *)data + have, bytes, count);
        have += fits ? count : 0;
    }
    driver_rows_close(rows);
    if (!code && (!fits || have < size))
        return error_set(error, TRADING_E_NOT_FOUND, "pieces are missing, or too many");
    return code;
}

int32_t pieces_drop(struct cassandra *store, const uint8_t id[BLOCK_ID_BYTES], trading_error *error)
{
    return ask(store, PIECE_DROP, NULL, "removing pieces", error, BIND(bind_id(id)));
}
