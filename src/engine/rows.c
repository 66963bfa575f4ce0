#include "engine/rows.h"

#include "base/error.h"

#include <endian.h>
#include <string.h>

#include <trading/projection.h>

#define MARK_BYTES (4u + 8u + COMMIT_DIGEST_BYTES)
#define KEY_BYTES  (2u + PROJECTION_NAME_BYTES + TRADING_ROW_KEY_BYTES)

/* While rows are copied: how many bytes are read at once, and how often it is tried. */
#define CHUNK_BYTES (2u << 20)
#define COPY_TRIES  3u

void rows_init(struct rows *rows, const struct state_store *store, const char *name)
{
    size_t length = strlen(name);
    *rows = (struct rows){.store = *store, .prefix_size = 2 + length};
    rows->prefix[0] = STATE_ROWS;
    rows->prefix[1] = (uint8_t)length;
    memcpy(rows->prefix + 2, name, length);
}

static size_t make_key(const struct rows *rows, const void *key, size_t key_size, uint8_t made[KEY_BYTES])
{
    memcpy(made, rows->prefix, rows->prefix_size);
    if (key_size)
        memcpy(made + rows->prefix_size, key, key_size);
    return rows->prefix_size + key_size;
}

/* ---- reading ---- */

struct taken {
    void *into;
    size_t room;
    size_t size; /* of what there is, whether it fits or not */
};

static void take_value(void *arg, const void *value, size_t size)
{
    struct taken *taken = arg;
    taken->size = size;
    if (size && size <= taken->room)
        memcpy(taken->into, value, size);
}

static size_t make_mark_key(const struct rows *rows, uint8_t key[KEY_BYTES])
{
    key[0] = STATE_PROJECTIONS;
    memcpy(key + 1, rows->prefix + 2, rows->prefix_size - 2);
    return rows->prefix_size - 1;
}

int32_t rows_read_mark(const struct rows *rows, struct rows_mark *mark, trading_error *error)
{
    uint8_t key[KEY_BYTES];
    uint8_t bytes[MARK_BYTES];
    struct taken taken = {.into = bytes, .room = sizeof bytes};
    size_t key_size = make_mark_key(rows, key);
    int32_t code = rows->store.ops->get(rows->store.store, NULL, key, key_size, take_value, &taken, error);
    if (code)
        return code;
    uint32_t version;
    uint64_t position;
    memcpy(&version, bytes, sizeof version);
    memcpy(&position, bytes + 4, sizeof position);
    position = le64toh(position);
    if (taken.size != sizeof bytes || position > INT64_MAX)
        return error_set(error, TRADING_E_DAMAGED, "what is stored of how far the projection got cannot be read");
    mark->version = le32toh(version);
    mark->position = (int64_t)position;
    memcpy(mark->digest, bytes + 12, sizeof mark->digest);
    return TRADING_OK;
}

int32_t rows_get(const struct rows *rows, const void *key, size_t key_size, void *value, size_t *value_size,
                 trading_error *error)
{
    uint8_t made[KEY_BYTES];
    struct taken taken = {.into = value, .room = *value_size};
    size_t made_size = make_key(rows, key, key_size, made);
    int32_t code = rows->store.ops->get(rows->store.store, NULL, made, made_size, take_value, &taken, error);
    if (code)
        return code;
    *value_size = taken.size;
    return taken.size <= taken.room ? TRADING_OK
                                    : error_set(error, TRADING_E_OVERFLOW,
                                                "the row's value has %zu bytes, there is room for %zu", taken.size, taken.room);
}

static int take_first_key(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    (void)value;
    (void)value_size;
    take_value(arg, key, key_size);
    return 1;
}

int32_t rows_seek(const struct rows *rows, uint8_t *key, size_t *key_size, trading_error *error)
{
    uint8_t from[KEY_BYTES];
    uint8_t found[KEY_BYTES];
    struct taken taken = {.into = found, .room = sizeof found};
    size_t from_size = make_key(rows, key, *key_size, from);
    int32_t code = rows->store.ops->scan(rows->store.store, NULL, rows->prefix, rows->prefix_size, from, from_size,
                                         take_first_key, &taken, error);
    if (code)
        return code;
    if (taken.size == 0)
        return error_set(error, TRADING_E_NOT_FOUND, "there is no row at or after this key");
    if (taken.size <= rows->prefix_size || taken.size >= rows->prefix_size + TRADING_ROW_KEY_BYTES)
        return error_set(error, TRADING_E_DAMAGED, "the key of a stored row has a wrong size");
    *key_size = taken.size - rows->prefix_size;
    memcpy(key, found + rows->prefix_size, *key_size);
    return TRADING_OK;
}

/* ---- writing ---- */

static int32_t write_mark(const struct rows *rows, void *write, const struct rows_mark *mark, trading_error *error)
{
    uint8_t key[KEY_BYTES];
    uint8_t bytes[MARK_BYTES];
    uint32_t version = htole32(mark->version);
    uint64_t position = htole64((uint64_t)mark->position);
    memcpy(bytes, &version, sizeof version);
    memcpy(bytes + 4, &position, sizeof position);
    memcpy(bytes + 12, mark->digest, sizeof mark->digest);
    size_t key_size = make_mark_key(rows, key);
    return rows->store.ops->put(write, key, key_size, bytes, sizeof bytes, error);
}

static int32_t write_overlay(const struct rows *rows, void *write, const struct overlay *overlay, trading_error *error)
{
    const struct state_store_ops *ops = rows->store.ops;
    int32_t code = TRADING_OK;
    for (const struct overlay_row *row = overlay->first[0]; row && !code; row = row->next[0]) {
        uint8_t key[KEY_BYTES];
        size_t key_size = make_key(rows, row->key, row->key_size, key);
        code = row->removed ? ops->remove(write, key, key_size, error)
                            : ops->put(write, key, key_size, row->value, row->value_size, error);
    }
    return code;
}

static int32_t end_write(const struct rows *rows, void *write, int32_t code, trading_error *error)
{
    if (!code)
        return rows->store.ops->commit(write, false, error);
    rows->store.ops->abort(write);
    return code;
}

int32_t rows_commit(const struct rows *rows, const struct overlay *overlay, const struct rows_mark *mark, trading_error *error)
{
    void *write;
    int32_t code = rows->store.ops->begin(rows->store.store, &write, error);
    if (code)
        return code;
    code = write_overlay(rows, write, overlay, error);
    if (!code)
        code = write_mark(rows, write, mark, error);
    return end_write(rows, write, code, error);
}

int32_t rows_reset(const struct rows *rows, const struct rows_mark *mark, trading_error *error)
{
    void *write;
    int32_t code = rows->store.ops->begin(rows->store.store, &write, error);
    if (code)
        return code;
    code = rows->store.ops->remove_all(write, rows->prefix, rows->prefix_size, error);
    if (!code)
        code = write_mark(rows, write, mark, error);
    return end_write(rows, write, code, error);
}

/* ---- copying ---- */

/* Rows one after another, copied out of the store in one read: sizes of key and value, key, value. */
struct chunk {
    uint8_t *bytes; /* CHUNK_BYTES */
    struct writer writer;
    bool more;
};

static int take_row(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    struct chunk *chunk = arg;
    struct writer before = chunk->writer;
    if (key_size > UINT32_MAX || value_size > UINT32_MAX)
        writer_fill(&chunk->writer);
    write_block(&chunk->writer, key, (uint32_t)key_size);
    write_block(&chunk->writer, value, (uint32_t)value_size);
    if (!chunk->writer.full)
        return 0;
    chunk->writer = before;
    chunk->more = true;
    return 1;
}

/* Puts the chunk's rows, and leaves in `from` the key after the last. */
static int32_t put_chunk(const struct rows *to, void *write, const struct chunk *chunk, uint8_t from[KEY_BYTES + 1],
                         size_t *from_size, trading_error *error)
{
    struct reader reader = {.at = chunk->bytes, .end = chunk->writer.at};
    int32_t code = TRADING_OK;
    while (!code && reader.at < reader.end) {
        uint32_t key_size;
        uint32_t value_size;
        const uint8_t *key = read_block(&reader, &key_size);
        const uint8_t *value = read_block(&reader, &value_size);
        if (reader.bad || key_size > KEY_BYTES)
            return error_set(error, TRADING_E_DAMAGED, "the key of a stored row has a wrong size");
        code = to->store.ops->put(write, key, key_size, value, value_size, error);
        memcpy(from, key, key_size);
        from[key_size] = 0;
        *from_size = key_size + 1;
    }
    return code;
}

/* Without a read open from one chunk to the next: the mark tells whether all of them are of one state. */
static int32_t copy_rows(const struct rows *to, void *write, const struct rows *from, struct chunk *chunk, trading_error *error)
{
    uint8_t key[KEY_BYTES + 1];
    size_t key_size = from->prefix_size;
    memcpy(key, from->prefix, key_size);
    int32_t code = TRADING_OK;
    do {
        chunk->writer = (struct writer){.at = chunk->bytes, .end = chunk->bytes + CHUNK_BYTES};
        chunk->more = false;
        code = from->store.ops->scan(from->store.store, NULL, from->prefix, from->prefix_size, key, key_size, take_row, chunk,
                                     error);
        if (!code && chunk->more && chunk->writer.at == chunk->bytes)
            code = error_set(error, TRADING_E_DAMAGED, "a stored row is larger than rows can be");
        if (!code)
            code = put_chunk(to, write, chunk, key, &key_size, error);
    } while (!code && chunk->more);
    return code;
}

static bool same_mark(const struct rows_mark *a, const struct rows_mark *b)
{
    return a->version == b->version && a->position == b->position && !memcmp(a->digest, b->digest, sizeof a->digest);
}

static int32_t try_copy(const struct rows *to, const struct rows *from, struct chunk *chunk, trading_error *error)
{
    struct rows_mark before = {0};
    struct rows_mark after = {0};
    void *write;
    int32_t code = rows_read_mark(from, &before, error);
    if (!code)
        code = to->store.ops->begin(to->store.store, &write, error);
    if (code)
        return code;
    code = to->store.ops->remove_all(write, to->prefix, to->prefix_size, error);
    if (!code)
        code = copy_rows(to, write, from, chunk, error);
    if (!code)
        code = write_mark(to, write, &before, error);
    if (!code)
        code = rows_read_mark(from, &after, error);
    if (!code && !same_mark(&before, &after))
        code = error_set(error, TRADING_E_BUSY, "the rows were changed while they were copied");
    return end_write(to, write, code, error);
}

int32_t rows_copy(const struct rows *to, const struct rows *from, struct memory *memory, trading_error *error)
{
    struct chunk chunk = {.bytes = memory_allocate(memory, CHUNK_BYTES)};
    if (!chunk.bytes)
        return error_no_memory(error, "copying rows");
    int32_t code = TRADING_E_BUSY;
    for (uint32_t tries = 0; tries < COPY_TRIES && code == TRADING_E_BUSY; tries++)
        code = try_copy(to, from, &chunk, error);
    memory_release(memory, chunk.bytes, CHUNK_BYTES);
    return code;
}
