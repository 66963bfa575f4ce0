#include "backends/store_arguments.h"

#include "base/error.h"
#include "state/store.h"

#include <inttypes.h>

int32_t check_open_arguments(const trading_store_request *request, const trading_host_functions *host, void **store,
                             trading_error *error)
{
    if (!request || !host || !store)
        return error_set(error, TRADING_E_INVALID, "opening a store needs a request, a host and a place for the handle");
    if (request->size < sizeof *request || host->size < sizeof *host || host->abi != TRADING_PLUGIN_ABI)
        return error_set(error, TRADING_E_ABI, "the host was built for another version of the store interface");
    if (!request->location)
        return error_set(error, TRADING_E_INVALID, "opening a store needs a location");
    if (request->flags & ~TRADING_STORE_READ_ONLY)
        return error_set(error, TRADING_E_INVALID, "a store has no such flags: %#" PRIx32, request->flags);
    if (request->durability != TRADING_DURABILITY_SYNC && request->durability != TRADING_DURABILITY_PROCESS)
        return error_set(error, TRADING_E_INVALID, "there is no durability %" PRId32, request->durability);
    return TRADING_OK;
}

int32_t check_head_arguments(const trading_store_head *head, trading_error *error)
{
    return head ? TRADING_OK : error_set(error, TRADING_E_INVALID, "no place given for the head");
}

static int32_t check_commit(const trading_store_commit *commit, size_t index, int64_t expected, uint64_t most,
                            trading_error *error)
{
    if (!commit->data || commit->size < 1 || commit->event_count < 1 || commit->first_position < 0)
        return error_set(error, TRADING_E_INVALID, "commit %zu of the append has no bytes, no events or a negative position",
                         index);
    if (commit->size > most)
        return error_set(error, TRADING_E_INVALID, "commit %zu of the append has %" PRIu64 " bytes, this store takes %" PRIu64,
                         index, commit->size, most);
    if (commit->event_count > INT64_MAX - commit->first_position)
        return error_set(error, TRADING_E_INVALID, "commit %zu of the append passes the last position there is", index);
    if (commit->first_position != expected)
        return error_set(error, TRADING_E_INVALID,
                         "commit %zu of the append begins at position %" PRId64 ", the one before it "
                         "ends at %" PRId64,
                         index, commit->first_position, expected);
    return TRADING_OK;
}

int32_t check_append_arguments(const trading_store_commit *commits, size_t count, uint64_t most, trading_error *error)
{
    if (!commits || !count)
        return error_set(error, TRADING_E_INVALID, "an append without commits");
    int64_t expected = commits[0].first_position;
    for (size_t i = 0; i < count; i++) {
        int32_t code = check_commit(&commits[i], i, expected, most, error);
        if (code)
            return code;
        expected = commits[i].first_position + commits[i].event_count;
    }
    return TRADING_OK;
}

int32_t check_read_arguments(int64_t from, trading_store_visit visit, trading_error *error)
{
    if (!visit || from < 0)
        return error_set(error, TRADING_E_INVALID, "a read needs a visitor and a position from 0 on");
    return TRADING_OK;
}

int32_t check_snapshot_put_arguments(int64_t position, const void *data, uint64_t size, trading_error *error)
{
    if (position < 0 || (!data && size))
        return error_set(error, TRADING_E_INVALID, "a snapshot needs a position from 0 on, and bytes");
    return TRADING_OK;
}

int32_t check_snapshot_find_arguments(const int64_t *position, const uint32_t *chunks, trading_error *error)
{
    if (!position || !chunks)
        return error_set(error, TRADING_E_INVALID, "no place given for the snapshot that is found");
    return TRADING_OK;
}

int32_t check_snapshot_get_arguments(int64_t position, trading_store_bytes take, trading_error *error)
{
    if (!take || position < 0)
        return error_set(error, TRADING_E_INVALID, "getting a chunk needs a function that takes it and a position from 0 on");
    return TRADING_OK;
}

int32_t check_snapshot_drop_arguments(int64_t position, trading_error *error)
{
    return position >= 0 ? TRADING_OK : error_set(error, TRADING_E_INVALID, "a snapshot's position is from 0 on");
}

int32_t check_secret_put_arguments(const trading_store_secret *secrets, size_t count, trading_error *error)
{
    return secrets || !count ? TRADING_OK : error_set(error, TRADING_E_INVALID, "no secrets given");
}

int32_t check_secret_get_arguments(const trading_id *name, const uint8_t *value, trading_error *error)
{
    return name && value ? TRADING_OK
                         : error_set(error, TRADING_E_INVALID, "getting a secret needs its name and a place for it");
}

int32_t check_secret_delete_arguments(const trading_id *name, trading_error *error)
{
    return name ? TRADING_OK : error_set(error, TRADING_E_INVALID, "deleting a secret needs its name");
}

int32_t check_info_arguments(const trading_store_info *info, trading_error *error)
{
    if (!info || info->size < sizeof *info)
        return error_set(error, TRADING_E_INVALID, "no place given for what the store says of itself, or an old one");
    return TRADING_OK;
}

int32_t check_state_key(const void *key, size_t key_size, trading_error *error)
{
    if (!key || key_size < 1 || key_size > STATE_KEY_BYTES || *(const uint8_t *)key == 0)
        return error_set(error, TRADING_E_INVALID, "a key of the state store has 1 to %u bytes, the first of them not zero",
                         STATE_KEY_BYTES);
    return TRADING_OK;
}

int32_t check_state_value(const void *value, size_t value_size, trading_error *error)
{
    if (value_size > UINT32_MAX || (!value && value_size))
        return error_set(error, TRADING_E_INVALID, "a value of the state store has less than 4 GiB");
    return TRADING_OK;
}

int32_t check_state_scan(const void *prefix, size_t prefix_size, const void *from, size_t from_size, trading_error *error)
{
    int32_t code = prefix_size ? check_state_key(prefix, prefix_size, error) : TRADING_OK;
    if (!code && from)
        code = check_state_key(from, from_size, error);
    return code;
}
