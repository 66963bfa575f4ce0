/* Reading: from bucket to bucket, row by row, commit by commit, seeing that each begins where the one before it ends. */
#include "backends/cassandra/journal.h"
#include "backends/cassandra/pieces.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

struct reading {
    struct cassandra *store;
    uint32_t partition;
    int64_t from;
    int64_t end;  /* the partition's next position when the read began */
    int64_t next; /* where the next block is to begin */
    trading_store_visit visit;
    void *arg;
    bool stopped; /* by the visitor */
    trading_error *error;
};

static const char doing[] = "reading a partition";

static int32_t damaged(const struct reading *reading, const char *what)
{
    return error_set(reading->error, TRADING_E_DAMAGED, "partition %" PRIu32 " is damaged at position %" PRId64 ": %s",
                     reading->partition, reading->next, what);
}

/* ---- where to begin ---- */

/* The first position of a row that `statement` finds; `absent` when there is none. */
static int32_t ask_position(const struct reading *reading, enum statement statement, const struct driver_value *values,
                            uint64_t count, int64_t absent, int64_t *position)
{
    struct driver_rows *rows;
    int32_t code = ask_row(reading->store, statement, &rows, doing, reading->error, values, count);
    *position = absent;
    if (!code && rows)
        driver_number(rows, 0, position);
    driver_rows_close(rows);
    return code;
}

/* The bucket that holds `from`: the last that begins at or before it. Most reads are of the newest. */
static int32_t find_bucket(const struct reading *reading, int32_t newest, int32_t *bucket)
{
    int32_t low = 0;
    int32_t high = newest;
    int32_t middle = newest;
    while (low < high) {
        int64_t begins;
        int32_t code =
            ask_position(reading, BLOCK_FIRST,
                         BIND(bind_text(reading->store->location.journal), bind_int64(reading->partition), bind_int32(middle)),
                         INT64_MAX, &begins);
        if (code)
            return code;
        if (begins <= reading->from)
            low = middle;
        else
            high = middle - 1;
        middle = high - (high - low) / 2;
    }
    *bucket = low;
    return TRADING_OK;
}

static int32_t find_block(struct reading *reading, int32_t bucket)
{
    int32_t code = ask_position(reading, BLOCK_HOLDING,
                                BIND(bind_text(reading->store->location.journal), bind_int64(reading->partition),
                                     bind_int32(bucket), bind_int64(reading->from)),
                                -1, &reading->next);
    if (!code && reading->next < 0)
        return damaged(reading, "the block that holds the position is not there");
    return code;
}

/* ---- one block ---- */

static int32_t visit_block(struct reading *reading, const uint8_t *bytes, uint64_t size, int64_t end)
{
    while (size && !reading->stopped) {
        trading_store_commit commit;
        if (!block_unpack(&bytes, &size, reading->next, &commit))
            return damaged(reading, "what is in the block is no commit");
        reading->next = commit.first_position + commit.event_count;
        if (reading->next > reading->from)
            reading->stopped = reading->visit(reading->arg, &commit) != 0;
    }
    if (!reading->stopped && reading->next != end)
        return damaged(reading, "the block ends elsewhere than it says");
    return TRADING_OK;
}

static int32_t visit_pieces(struct reading *reading, const uint8_t id[BLOCK_ID_BYTES], uint64_t size, int64_t end)
{
    struct memory *memory = &reading->store->memory;
    uint8_t *bytes = memory_allocate(memory, size);
    if (!bytes)
        return error_no_memory(reading->error, "a block");
    int32_t code = pieces_get(reading->store, id, bytes, size, reading->error);
    if (code == TRADING_E_NOT_FOUND)
        code = damaged(reading, "pieces of the block are missing");
    if (!code)
        code = visit_block(reading, bytes, size, end);
    memory_release(memory, bytes, size);
    return code;
}

/* The row's columns: first_position, event_count, size, id, data. */
static int32_t visit_row(struct reading *reading, const struct driver_rows *rows)
{
    int64_t first = -1;
    int64_t events = 0;
    int64_t size = 0;
    const void *bytes;
    const void *id;
    uint64_t id_size;
    uint64_t data_size;
    driver_number(rows, 0, &first);
    driver_number(rows, 1, &events);
    driver_number(rows, 2, &size);
    if (first != reading->next)
        return damaged(reading, "the next block does not begin there");
    if (events < 1 || events > INT64_MAX - first || size < 1 || !driver_bytes(rows, 3, &id, &id_size) ||
        id_size != BLOCK_ID_BYTES)
        return damaged(reading, "the block's row is not whole");
    if (!driver_bytes(rows, 4, &bytes, &data_size))
        return visit_pieces(reading, id, (uint64_t)size, first + events);
    if (data_size != (uint64_t)size)
        return damaged(reading, "the block is not whole");
    return visit_block(reading, bytes, data_size, first + events);
}

/* ---- all blocks ---- */

static int32_t read_bucket(struct reading *reading, int32_t bucket)
{
    struct driver_rows *rows;
    int32_t code = ask(reading->store, BLOCK_LIST, &rows, doing, reading->error,
                       BIND(bind_text(reading->store->location.journal), bind_int64(reading->partition), bind_int32(bucket),
                            bind_int64(reading->next), bind_int64(reading->end)));
    bool found = !code;
    while (!code && found && !reading->stopped) {
        code = next_row(rows, &found, doing, reading->error);
        if (!code && found)
            code = visit_row(reading, rows);
    }
    driver_rows_close(rows);
    return code;
}

int32_t journal_read(struct cassandra *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                     trading_error *error)
{
    struct place place;
    int32_t code = journal_locate(store, partition, 0, &place, error);
    if (code)
        return code;
    if (from > place.head.next_position)
        return error_set(error, TRADING_E_NOT_FOUND, "partition %" PRIu32 " ends before position %" PRId64, partition, from);
    if (from == place.head.next_position)
        return TRADING_OK;
    struct reading reading = {.store = store,
                              .partition = partition,
                              .from = from,
                              .end = place.head.next_position,
                              .visit = visit,
                              .arg = arg,
                              .error = error};
    int32_t bucket;
    code = find_bucket(&reading, place.bucket, &bucket);
    if (!code)
        code = find_block(&reading, bucket);
    for (; !code && !reading.stopped && reading.next < reading.end && bucket <= place.bucket; bucket++)
        code = read_bucket(&reading, bucket);
    if (!code && !reading.stopped && reading.next != reading.end)
        return damaged(&reading, "the blocks that follow are not there");
    return code;
}
