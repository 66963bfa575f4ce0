/* The rows of a projection as its host reads and writes them: what is pending lies over what is stored. */
#include "base/error.h"
#include "engine/projection.h"

static int32_t check_key(const trading_projection *projection, const void *key, size_t key_bytes, trading_error *error)
{
    int32_t code = projection_check_one(projection, error);
    if (code)
        return code;
    if (!key || key_bytes < 1 || key_bytes >= TRADING_ROW_KEY_BYTES)
        return error_set(error, TRADING_E_INVALID, "the key of a row has 1 to %d bytes, not %zu", TRADING_ROW_KEY_BYTES - 1,
                         key_bytes);
    return error_clear(error);
}

int32_t trading_projection_put(trading_projection *projection, const void *key, size_t key_bytes, const void *value,
                               size_t value_bytes, trading_error *error)
{
    int32_t code = check_key(projection, key, key_bytes, error);
    if (code)
        return code;
    if (value_bytes > TRADING_ROW_VALUE_BYTES || (value_bytes && !value))
        return error_set(error, TRADING_E_INVALID, "the value of a row has at most %d bytes, not %zu", TRADING_ROW_VALUE_BYTES,
                         value_bytes);
    bool put = overlay_put(&projection->overlay, key, key_bytes, value, value_bytes);
    return put ? TRADING_OK : error_no_memory(error, "the rows of a batch");
}

int32_t trading_projection_remove(trading_projection *projection, const void *key, size_t key_bytes, trading_error *error)
{
    int32_t code = check_key(projection, key, key_bytes, error);
    if (code)
        return code;
    bool removed = overlay_remove(&projection->overlay, key, key_bytes);
    return removed ? TRADING_OK : error_no_memory(error, "the rows of a batch");
}

static int32_t no_row(trading_error *error)
{
    return error_set(error, TRADING_E_NOT_FOUND, "there is no such row");
}

static int32_t get_pending(const struct overlay_row *row, void *value, size_t *value_bytes, trading_error *error)
{
    if (row->removed)
        return no_row(error);
    size_t room = *value_bytes;
    *value_bytes = row->value_size;
    if (row->value_size > room)
        return error_set(error, TRADING_E_OVERFLOW, "the row's value has %zu bytes, there is room for %zu", row->value_size,
                         room);
    if (row->value_size)
        memcpy(value, row->value, row->value_size);
    return error_clear(error);
}

static int32_t get(const trading_projection *projection, const void *key, size_t key_bytes, void *value, size_t *value_bytes,
                   trading_error *error)
{
    const struct overlay_row *pending = overlay_find(&projection->overlay, key, key_bytes);
    return pending ? get_pending(pending, value, value_bytes, error)
                   : rows_get(&projection->rows, key, key_bytes, value, value_bytes, error);
}

static int32_t check_value(const void *value, const size_t *value_bytes, trading_error *error)
{
    if (!value_bytes || (*value_bytes && !value))
        return error_set(error, TRADING_E_INVALID, "reading a row needs a buffer for its value, and the buffer's size");
    return TRADING_OK;
}

int32_t trading_projection_get(trading_projection *projection, const void *key, size_t key_bytes, void *value,
                               size_t *value_bytes, trading_error *error)
{
    int32_t code = check_key(projection, key, key_bytes, error);
    if (!code)
        code = check_value(value, value_bytes, error);
    return code ? code : get(projection, key, key_bytes, value, value_bytes, error);
}

/* The first key at or after `key` in either, put in its place; whether the pending row of it is a removal. */
static int32_t seek_key(const trading_projection *projection, uint8_t *key, size_t *key_bytes, bool *removed,
                        trading_error *error)
{
    const struct overlay_row *pending = overlay_seek(&projection->overlay, key, *key_bytes);
    int32_t code = rows_seek(&projection->rows, key, key_bytes, error);
    *removed = false;
    if (!pending || (code && code != TRADING_E_NOT_FOUND))
        return code;
    if (!code && overlay_compare(key, *key_bytes, pending->key, pending->key_size) < 0)
        return TRADING_OK;
    memcpy(key, pending->key, pending->key_size);
    *key_bytes = pending->key_size;
    *removed = pending->removed;
    return error_clear(error);
}

int32_t trading_projection_seek(trading_projection *projection, void *key, size_t *key_bytes, void *value, size_t *value_bytes,
                                trading_error *error)
{
    int32_t code = projection_check_one(projection, error);
    if (code)
        return code;
    if (!key || !key_bytes || *key_bytes > TRADING_ROW_KEY_BYTES)
        return error_set(error, TRADING_E_INVALID, "to seek needs a key of at most %d bytes in a buffer of as many",
                         TRADING_ROW_KEY_BYTES);
    code = check_value(value, value_bytes, error);
    if (code)
        return code;
    uint8_t found[TRADING_ROW_KEY_BYTES];
    size_t found_bytes = *key_bytes;
    memcpy(found, key, found_bytes);
    bool removed;
    while (!(code = seek_key(projection, found, &found_bytes, &removed, error)) && removed)
        found[found_bytes++] = 0; /* a key is shorter than the room for one */
    if (!code)
        code = get(projection, found, found_bytes, value, value_bytes, error);
    if (code)
        return code;
    memcpy(key, found, found_bytes);
    *key_bytes = found_bytes;
    return error_clear(error);
}
