#include "state_map.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    size_t key_size;
    size_t value_size;
    unsigned char *bytes; /* key, then value */
};

struct map {
    struct entry *entries;
    size_t count;
};

struct map_store {
    struct map committed;
    struct map pending;
};

static void map_clear(struct map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free(map->entries[i].bytes);
    free(map->entries);
    *map = (struct map){0};
}

static struct entry entry_new(const void *key, size_t key_size, const void *value, size_t value_size)
{
    struct entry entry = {key_size, value_size, malloc(key_size + value_size + 1)};
    memcpy(entry.bytes, key, key_size);
    if (value_size)
        memcpy(entry.bytes + key_size, value, value_size);
    return entry;
}

static int compare(const struct entry *entry, const void *key, size_t key_size)
{
    int order = memcmp(entry->bytes, key, entry->key_size < key_size ? entry->key_size : key_size);
    return order ? order : (entry->key_size > key_size) - (entry->key_size < key_size);
}

static size_t place_of(const struct map *map, const void *key, size_t key_size)
{
    size_t low = 0;
    for (size_t high = map->count; low < high;) {
        size_t middle = (low + high) / 2;
        if (compare(&map->entries[middle], key, key_size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t map_open(const char *location, bool read_only, const trading_host_functions *host, void **store,
                        trading_error *error)
{
    (void)location, (void)read_only, (void)host, (void)error;
    *store = calloc(1, sizeof(struct map_store));
    return TRADING_OK;
}

static void map_close(void *store)
{
    struct map_store *maps = store;
    map_clear(&maps->committed);
    map_clear(&maps->pending);
    free(maps);
}

static int32_t map_begin(void *store, void **write, trading_error *error)
{
    (void)error;
    struct map_store *maps = store;
    maps->pending.entries = malloc((maps->committed.count + 1) * sizeof *maps->pending.entries);
    maps->pending.count = maps->committed.count;
    for (size_t i = 0; i < maps->pending.count; i++) {
        const struct entry *entry = &maps->committed.entries[i];
        maps->pending.entries[i] = entry_new(entry->bytes, entry->key_size, entry->bytes + entry->key_size, entry->value_size);
    }
    *write = maps;
    return TRADING_OK;
}

static int32_t map_remove(void *write, const void *key, size_t key_size, trading_error *error)
{
    (void)error;
    struct map *map = &((struct map_store *)write)->pending;
    size_t place = place_of(map, key, key_size);
    if (place == map->count || compare(&map->entries[place], key, key_size) != 0)
        return TRADING_OK;
    free(map->entries[place].bytes);
    memmove(map->entries + place, map->entries + place + 1, (--map->count - place) * sizeof *map->entries);
    return TRADING_OK;
}

static int32_t map_put(void *write, const void *key, size_t key_size, const void *value, size_t value_size,
                       trading_error *error)
{
    struct map *map = &((struct map_store *)write)->pending;
    struct entry entry = entry_new(key, key_size, value, value_size);
    map_remove(write, key, key_size, error);
    map->entries = realloc(map->entries, (map->count + 1) * sizeof *map->entries);
    size_t place = place_of(map, key, key_size);
    memmove(map->entries + place + 1, map->entries + place, (map->count++ - place) * sizeof *map->entries);
    map->entries[place] = entry;
    return TRADING_OK;
}

static bool has_prefix(const struct entry *entry, const void *prefix, size_t prefix_size)
{
    return entry->key_size >= prefix_size && memcmp(entry->bytes, prefix, prefix_size) == 0;
}

static int32_t map_remove_all(void *write, const void *prefix, size_t prefix_size, trading_error *error)
{
    (void)error;
    struct map *map = &((struct map_store *)write)->pending;
    size_t kept = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (has_prefix(&map->entries[i], prefix, prefix_size))
            free(map->entries[i].bytes);
        else
            map->entries[kept++] = map->entries[i];
    }
    map->count = kept;
    return TRADING_OK;
}

static int32_t map_commit(void *write, bool sync, trading_error *error)
{
    (void)sync, (void)error;
    struct map_store *maps = write;
    map_clear(&maps->committed);
    maps->committed = maps->pending;
    maps->pending = (struct map){0};
    return TRADING_OK;
}

static void map_abort(void *write)
{
    map_clear(&((struct map_store *)write)->pending);
}

static const struct map *map_seen(void *store, void *write)
{
    struct map_store *maps = store;
    return write ? &maps->pending : &maps->committed;
}

static int32_t map_get(void *store, void *write, const void *key, size_t key_size,
                       void (*take)(void *arg, const void *value, size_t size), void *arg, trading_error *error)
{
    const struct map *map = map_seen(store, write);
    size_t place = place_of(map, key, key_size);
    if (place == map->count || compare(&map->entries[place], key, key_size) != 0)
        return error_set(error, TRADING_E_NOT_FOUND, "no such key");
    take(arg, map->entries[place].bytes + key_size, map->entries[place].value_size);
    return TRADING_OK;
}

static int32_t map_scan(void *store, void *write, const void *prefix, size_t prefix_size, const void *from, size_t from_size,
                        int (*take)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size),
                        void *arg, trading_error *error)
{
    (void)error;
    const struct map *map = map_seen(store, write);
    size_t place = from ? place_of(map, from, from_size) : place_of(map, prefix, prefix_size);
    for (; place < map->count && has_prefix(&map->entries[place], prefix, prefix_size); place++) {
        const struct entry *entry = &map->entries[place];
        if (take(arg, entry->bytes, entry->key_size, entry->bytes + entry->key_size, entry->value_size))
            break;
    }
    return TRADING_OK;
}

const struct state_store_ops map_store_ops = {
    .open = map_open,
    .close = map_close,
    .begin = map_begin,
    .put = map_put,
    .remove = map_remove,
    .remove_all = map_remove_all,
    .commit = map_commit,
    .abort = map_abort,
    .get = map_get,
    .scan = map_scan,
};
