#include "base/error.h"
#include "engine/keys.h"
#include "engine/keys_directory.h"
#include "engine/keys_inside.h"

#include <string.h>

struct loading {
    struct keys *keys;
    const struct stored_run *stored;
    struct key_run *run;
    uint32_t part; /* that comes next */
    uint64_t loaded;
    struct key_entry last;
    trading_error *error;
    int32_t status;
};

static int32_t damaged(struct loading *loading, const char *how)
{
    return error_set(loading->error, TRADING_E_DAMAGED, "part %u of run %llu of command keys %s", loading->part,
                     (unsigned long long)loading->stored->id, how);
}

static int32_t load_entry(struct loading *loading, struct key_entry entry)
{
    const struct stored_run *stored = loading->stored;
    bool log = stored->kind == STORED_LOG;
    bool first = loading->loaded++ == 0;
    bool in_order = first || (log ? entry.position >= loading->last.position : !key_before(entry, loading->last));
    if (!in_order || entry.position < stored->span.first_position || entry.position > stored->span.last_position)
        return damaged(loading, "is not in order");
    loading->last = entry;
    if (!log) {
        key_run_add(loading->run, entry);
        return TRADING_OK;
    }
    trading_time time = first ? stored->span.first_time : stored->span.last_time;
    if (!key_young_insert(&loading->keys->memory, loading->keys->young, entry, time))
        return error_no_memory(loading->error, "command keys");
    return TRADING_OK;
}

static int32_t load_part(struct loading *loading, const uint8_t *key, size_t key_size, const uint8_t *value, size_t size)
{
    uint8_t expected[PART_KEY_BYTES];
    key_part_key(loading->stored->id, loading->part, expected);
    uint64_t left = loading->stored->count - loading->loaded;
    uint64_t count = left < PART_KEYS ? left : PART_KEYS;
    if (!count || key_size != sizeof expected || memcmp(key, expected, sizeof expected) != 0)
        return damaged(loading, "is missing, or there is another in its place");
    if (size != PART_SUM_BYTES + count * sizeof(struct key_entry))
        return damaged(loading, "has another number of keys");
    uint8_t sum[PART_SUM_BYTES];
    key_part_sum(loading->stored->id, loading->part, value + PART_SUM_BYTES, count, sum);
    if (memcmp(sum, value, sizeof sum) != 0)
        return damaged(loading, "does not match its checksum");
    for (uint64_t i = 0; i < count; i++) {
        struct key_entry entry;
        memcpy(&entry, value + PART_SUM_BYTES + i * sizeof entry, sizeof entry);
        int32_t status = load_entry(loading, entry);
        if (status)
            return status;
    }
    loading->part++;
    return TRADING_OK;
}

static int take_part(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    struct loading *loading = arg;
    loading->status = load_part(loading, key, key_size, value, value_size);
    return loading->status != TRADING_OK;
}

static int32_t load_parts(struct loading *loading, const struct state_store *store)
{
    uint8_t key[PART_KEY_BYTES];
    key_part_key(loading->stored->id, 0, key);
    int32_t status = store->ops->scan(store->store, NULL, key, RUN_KEY_BYTES, NULL, 0, take_part, loading, loading->error);
    if (status || loading->status)
        return status ? status : loading->status;
    return loading->loaded == loading->stored->count ? TRADING_OK : damaged(loading, "is missing");
}

static int32_t load_run(struct keys *keys, const struct state_store *store, const struct stored_run *stored,
                        trading_error *error)
{
    struct loading loading = {.keys = keys, .stored = stored, .error = error};
    if (stored->kind == STORED_LOG) {
        keys->young->id = stored->id;
        return load_parts(&loading, store);
    }
    loading.run = key_run_new(&keys->memory, stored->count);
    if (!loading.run)
        return error_no_memory(error, "command keys");
    int32_t status = load_parts(&loading, store);
    if (status) {
        key_run_free(&keys->memory, loading.run);
        return status;
    }
    key_run_finish(loading.run);
    loading.run->id = stored->id;
    loading.run->span = stored->span;
    keys->runs[keys->run_count++] = loading.run;
    return TRADING_OK;
}

static int32_t load(struct keys *keys, const struct state_store *store, struct key_directory *directory, trading_error *error)
{
    int32_t status = key_directory_get(store, NULL, directory, error);
    if (status)
        return status;
    keys->young->id = directory->next_id;
    keys->next_id = directory->next_id + 1;
    for (uint32_t i = 0; !status && i < directory->count; i++)
        status = load_run(keys, store, &directory->runs[i], error);
    if (status) {
        keys_clear(keys);
        return status;
    }
    keys->lineage = directory->lineage;
    keys_recount(keys);
    if (directory->count)
        keys_retain(keys, directory->runs[directory->count - 1].span.last_time);
    return error_clear(error);
}

int32_t keys_load(struct keys *keys, const struct state_store *store, trading_error *error)
{
    if (keys->run_count || keys_count(keys))
        return error_set(error, TRADING_E_INVALID, "command keys can be loaded only before the first is inserted");
    struct key_directory *directory = key_allocate(&keys->memory, sizeof *directory);
    if (!directory)
        return error_no_memory(error, "loading command keys");
    int32_t status = load(keys, store, directory, error);
    key_release(&keys->memory, directory, sizeof *directory);
    return status;
}
