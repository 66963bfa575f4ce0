#include "backends/memory/memory_store.h"

#include "backends/store_arguments.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/sorted.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

struct chunk {
    void *data;
    uint64_t size;
};

struct snapshot {
    struct snapshot *next;
    uint32_t partition;
    int64_t position;
    bool whole;
    struct chunk *chunks;
    size_t count;
    size_t capacity;
};

struct partition {
    struct partition *next;
    uint32_t number;
    trading_store_head head;
    trading_store_commit *commits; /* in order; their bytes never move, and stay until the store is closed */
    size_t count;
    size_t capacity;
};

struct memory_store {
    struct memory memory;
    pthread_mutex_t lock; /* of all below; not held while a visitor runs */
    struct partition *partitions;
    struct snapshot *snapshots;
    trading_store_secret *secrets;
    size_t secret_count;
    size_t secret_capacity;
    uint64_t bytes;
};

/* ---- opening and closing ---- */

static int32_t store_open(const trading_store_request *request, const trading_host_functions *host, void **handle,
                          trading_error *error)
{
    int32_t code = check_open_arguments(request, host, handle, error);
    if (code)
        return code;
    if (request->flags & TRADING_STORE_READ_ONLY)
        return error_set(error, TRADING_E_NOT_FOUND, "a store in memory begins empty, so there is nothing to read");
    struct memory_store *store = host->allocate(host->context, sizeof *store);
    if (!store)
        return error_no_memory(error, "a store");
    *store = (struct memory_store){0};
    store->memory = (struct memory){.allocate = host->allocate, .release = host->release, .context = host->context};
    pthread_mutex_init(&store->lock, NULL);
    *handle = store;
    return TRADING_OK;
}

static void free_partition(struct memory_store *store, struct partition *partition)
{
    for (size_t i = 0; i < partition->count; i++)
        memory_release(&store->memory, (void *)(uintptr_t)partition->commits[i].data, partition->commits[i].size);
    memory_release(&store->memory, partition->commits, partition->capacity * sizeof *partition->commits);
    memory_release(&store->memory, partition, sizeof *partition);
}

static void free_snapshot(struct memory_store *store, struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        memory_release(&store->memory, snapshot->chunks[i].data, snapshot->chunks[i].size);
    memory_release(&store->memory, snapshot->chunks, snapshot->capacity * sizeof *snapshot->chunks);
    memory_release(&store->memory, snapshot, sizeof *snapshot);
}

static void store_close(void *handle)
{
    struct memory_store *store = handle;
    if (!store)
        return;
    for (struct partition *next, *at = store->partitions; at; at = next) {
        next = at->next;
        free_partition(store, at);
    }
    for (struct snapshot *next, *at = store->snapshots; at; at = next) {
        next = at->next;
        free_snapshot(store, at);
    }
    if (store->secrets)
        sodium_memzero(store->secrets, store->secret_capacity * sizeof *store->secrets);
    memory_release(&store->memory, store->secrets, store->secret_capacity * sizeof *store->secrets);
    pthread_mutex_destroy(&store->lock);
    struct memory memory = store->memory; /* it is in what is freed */
    memory_release(&memory, store, sizeof *store);
}

/* ---- the journal ---- */

static struct partition *find_partition(const struct memory_store *store, uint32_t number)
{
    struct partition *partition = store->partitions;
    while (partition && partition->number != number)
        partition = partition->next;
    return partition;
}

static struct partition *add_partition(struct memory_store *store, uint32_t number)
{
    struct partition *partition = memory_zeroed(&store->memory, 1, sizeof *partition);
    if (!partition)
        return NULL;
    partition->number = number;
    partition->next = store->partitions;
    store->partitions = partition;
    return partition;
}

static int32_t store_head(void *handle, uint32_t number, trading_store_head *head, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_head_arguments(head, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    const struct partition *partition = find_partition(store, number);
    *head = partition ? partition->head : (trading_store_head){0};
    pthread_mutex_unlock(&store->lock);
    return TRADING_OK;
}

/* Copies the commits behind those of the partition, which does not count them yet; none of them when memory runs out. */
static int copy_commits(struct memory_store *store, struct partition *partition, const trading_store_commit *commits,
                        size_t count)
{
    if (memory_grow(&store->memory, (void **)&partition->commits, &partition->capacity, partition->count + count,
                    sizeof *partition->commits))
        return -1;
    for (size_t i = 0; i < count; i++) {
        void *copy = memory_allocate(&store->memory, commits[i].size);
        if (!copy) {
            while (i--)
                memory_release(&store->memory, (void *)(uintptr_t)partition->commits[partition->count + i].data,
                               commits[i].size);
            return -1;
        }
        memcpy(copy, commits[i].data, commits[i].size);
        partition->commits[partition->count + i] = commits[i];
        partition->commits[partition->count + i].data = copy;
    }
    return 0;
}

static int32_t append_locked(struct memory_store *store, uint32_t number, const trading_store_commit *commits, size_t count,
                             trading_store_head *head, trading_error *error)
{
    struct partition *partition = find_partition(store, number);
    int64_t next = partition ? partition->head.next_position : 0;
    if (head)
        *head = partition ? partition->head : (trading_store_head){0};
    if (commits[0].first_position != next)
        return error_set(error, TRADING_E_POSITION,
                         "partition %" PRIu32 " stands at position %" PRId64 ", the append begins at %" PRId64, number, next,
                         commits[0].first_position);
    if (!partition)
        partition = add_partition(store, number);
    if (!partition || copy_commits(store, partition, commits, count))
        return error_no_memory(error, "the commits of an append");
    const trading_store_commit *last = &commits[count - 1];
    partition->count += count;
    partition->head = (trading_store_head){.next_position = last->first_position + last->event_count, .nonce = last->nonce};
    for (size_t i = 0; i < count; i++)
        store->bytes += commits[i].size;
    if (head)
        *head = partition->head;
    return TRADING_OK;
}

static int32_t store_append(void *handle, uint32_t number, const trading_store_commit *commits, size_t count,
                            trading_store_head *head, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_append_arguments(commits, count, SIZE_MAX, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    code = append_locked(store, number, commits, count, head, error);
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* The index of the commit that holds a position before the partition's next. */
static size_t find_commit(const struct partition *partition, int64_t position)
{
    size_t low = 0;
    size_t high = partition->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (partition->commits[middle].first_position <= position)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Copies what is known of the commit that holds `position`. 1: found; 0: it is the next position; −1: beyond. */
static int look_up(struct memory_store *store, uint32_t number, int64_t position, trading_store_commit *commit)
{
    pthread_mutex_lock(&store->lock);
    const struct partition *partition = find_partition(store, number);
    int64_t next = partition ? partition->head.next_position : 0;
    int found = position < next ? 1 : position == next ? 0 : -1;
    if (partition && found == 1)
        *commit = partition->commits[find_commit(partition, position)];
    pthread_mutex_unlock(&store->lock);
    return found;
}

static int32_t store_read(void *handle, uint32_t number, int64_t from, trading_store_visit visit, void *arg,
                          trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_read_arguments(from, visit, error);
    if (code)
        return code;
    trading_store_commit commit;
    int found = look_up(store, number, from, &commit);
    if (found < 0)
        return error_set(error, TRADING_E_NOT_FOUND, "partition %" PRIu32 " ends before position %" PRId64, number, from);
    while (found > 0 && visit(arg, &commit) == 0)
        found = look_up(store, number, commit.first_position + commit.event_count, &commit);
    return TRADING_OK;
}

/* ---- snapshots ---- */

static struct snapshot **find_snapshot(struct memory_store *store, uint32_t partition, int64_t position, bool whole)
{
    struct snapshot **link = &store->snapshots;
    while (*link && ((*link)->partition != partition || (*link)->whole != whole || (whole && (*link)->position != position)))
        link = &(*link)->next;
    return link;
}

static void remove_snapshot(struct memory_store *store, struct snapshot **link)
{
    struct snapshot *snapshot = *link;
    if (!snapshot)
        return;
    *link = snapshot->next;
    free_snapshot(store, snapshot);
}

static int32_t begin_snapshot(struct memory_store *store, uint32_t partition, int64_t position, trading_error *error)
{
    remove_snapshot(store, find_snapshot(store, partition, position, false));
    struct snapshot *snapshot = memory_zeroed(&store->memory, 1, sizeof *snapshot);
    if (!snapshot)
        return error_no_memory(error, "a snapshot");
    snapshot->partition = partition;
    snapshot->position = position;
    snapshot->next = store->snapshots;
    store->snapshots = snapshot;
    return TRADING_OK;
}

static int32_t add_chunk(struct memory_store *store, struct snapshot *snapshot, const void *data, uint64_t size,
                         trading_error *error)
{
    if (memory_grow(&store->memory, (void **)&snapshot->chunks, &snapshot->capacity, snapshot->count + 1,
                    sizeof *snapshot->chunks))
        return error_no_memory(error, "a snapshot's chunk");
    void *copy = NULL;
    if (size) {
        copy = memory_allocate(&store->memory, size);
        if (!copy)
            return error_no_memory(error, "a snapshot's chunk");
        memcpy(copy, data, size);
    }
    snapshot->chunks[snapshot->count++] = (struct chunk){.data = copy, .size = size};
    return TRADING_OK;
}

static int32_t put_chunk(struct memory_store *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                         uint64_t size, bool last, trading_error *error)
{
    int32_t code = chunk == 0 ? begin_snapshot(store, partition, position, error) : TRADING_OK;
    if (code)
        return code;
    struct snapshot **link = find_snapshot(store, partition, position, false);
    struct snapshot *snapshot = *link;
    if (!snapshot || snapshot->position != position || snapshot->count != chunk)
        return error_set(error, TRADING_E_INVALID,
                         "chunk %" PRIu32 " of the snapshot at position %" PRId64 " of partition %" PRIu32
                         " is not the next one to write; chunks come in order, from 0",
                         chunk, position, partition);
    code = add_chunk(store, snapshot, data, size, error);
    if (code) {
        remove_snapshot(store, link);
    } else if (last) {
        remove_snapshot(store, find_snapshot(store, partition, position, true));
        snapshot->whole = true;
    }
    return code;
}

static int32_t store_snapshot_put(void *handle, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                                  uint64_t size, int32_t last, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_snapshot_put_arguments(position, data, size, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    code = put_chunk(store, partition, position, chunk, data, size, last != 0, error);
    pthread_mutex_unlock(&store->lock);
    return code;
}

static int32_t store_snapshot_find(void *handle, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                                   trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_snapshot_find_arguments(position, chunks, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    const struct snapshot *newest = NULL;
    for (const struct snapshot *at = store->snapshots; at; at = at->next) {
        if (at->whole && at->partition == partition && at->position <= at_most && (!newest || at->position > newest->position))
            newest = at;
    }
    if (newest) {
        *position = newest->position;
        *chunks = (uint32_t)newest->count;
    }
    pthread_mutex_unlock(&store->lock);
    if (newest)
        return TRADING_OK;
    return error_set(error, TRADING_E_NOT_FOUND, "partition %" PRIu32 " has no snapshot at or before position %" PRId64,
                     partition, at_most);
}

/* The chunk is handed over from a copy, so that the lock is not held meanwhile and a drop does not take it away. */
static int32_t store_snapshot_get(void *handle, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                                  void *arg, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_snapshot_get_arguments(position, take, error);
    if (code)
        return code;
    struct chunk copy = {0};
    pthread_mutex_lock(&store->lock);
    const struct snapshot *snapshot = *find_snapshot(store, partition, position, true);
    bool found = snapshot && chunk < snapshot->count;
    if (found && snapshot->chunks[chunk].size) {
        copy.size = snapshot->chunks[chunk].size;
        copy.data = memory_allocate(&store->memory, copy.size);
        if (copy.data)
            memcpy(copy.data, snapshot->chunks[chunk].data, copy.size);
    }
    pthread_mutex_unlock(&store->lock);
    if (!found)
        return error_set(error, TRADING_E_NOT_FOUND,
                         "partition %" PRIu32 " has no chunk %" PRIu32 " of a snapshot at position %" PRId64, partition, chunk,
                         position);
    if (copy.size && !copy.data)
        return error_no_memory(error, "a snapshot's chunk");
    take(arg, copy.data, copy.size);
    memory_release(&store->memory, copy.data, copy.size);
    return TRADING_OK;
}

static int32_t store_snapshot_drop(void *handle, uint32_t partition, int64_t position, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_snapshot_drop_arguments(position, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    remove_snapshot(store, find_snapshot(store, partition, position, true));
    pthread_mutex_unlock(&store->lock);
    return TRADING_OK;
}

/* ---- secrets: in order of their names ---- */

_Static_assert(offsetof(trading_store_secret, name) == 0, "a secret begins with what it is sorted by");

static size_t secret_at(const struct memory_store *store, const trading_id *name, bool *found)
{
    return sorted_seat(store->secrets, store->secret_count, sizeof *store->secrets, name, sizeof *name, found);
}

/* Grows by hand, to leave no secret in what is given back. */
static int secret_room(struct memory_store *store, size_t more)
{
    size_t needed = store->secret_count + more;
    if (needed <= store->secret_capacity)
        return 0;
    size_t capacity = needed * 2;
    trading_store_secret *grown = memory_zeroed(&store->memory, capacity, sizeof *grown);
    if (!grown)
        return -1;
    if (store->secrets) {
        memcpy(grown, store->secrets, store->secret_count * sizeof *grown);
        sodium_memzero(store->secrets, store->secret_capacity * sizeof *grown);
        memory_release(&store->memory, store->secrets, store->secret_capacity * sizeof *grown);
    }
    store->secrets = grown;
    store->secret_capacity = capacity;
    return 0;
}

/* Where there is room. */
static void insert_secret(struct memory_store *store, size_t at, const trading_store_secret *secret)
{
    memmove(store->secrets + at + 1, store->secrets + at, (store->secret_count - at) * sizeof *secret);
    store->secret_count++;
    store->secrets[at] = *secret;
}

static int32_t store_secret_put(void *handle, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_secret_put_arguments(secrets, count, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    int full = secret_room(store, count);
    for (size_t i = 0; i < count && !full; i++) {
        bool found;
        size_t at = secret_at(store, &secrets[i].name, &found);
        if (found)
            store->secrets[at] = secrets[i];
        else
            insert_secret(store, at, &secrets[i]);
    }
    pthread_mutex_unlock(&store->lock);
    return full ? error_no_memory(error, "secrets") : TRADING_OK;
}

static int32_t store_secret_add(void *handle, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_secret_put_arguments(secrets, count, error);
    for (size_t i = 0; i < count && !code; i++) {
        pthread_mutex_lock(&store->lock);
        bool found;
        size_t at = secret_at(store, &secrets[i].name, &found);
        if (!found && secret_room(store, 1))
            code = error_no_memory(error, "a secret");
        else if (!found)
            insert_secret(store, at, &secrets[i]);
        else if (memcmp(store->secrets[at].value, secrets[i].value, sizeof secrets[i].value) != 0)
            code = error_set(error, TRADING_E_BUSY, "a secret of that name is there already");
        pthread_mutex_unlock(&store->lock);
    }
    return code;
}

static int32_t store_secret_get(void *handle, const trading_id *name, uint8_t value[32], trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_secret_get_arguments(name, value, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    bool found;
    size_t at = secret_at(store, name, &found);
    if (found)
        memcpy(value, store->secrets[at].value, sizeof store->secrets[at].value);
    pthread_mutex_unlock(&store->lock);
    return found ? TRADING_OK : error_set(error, TRADING_E_NOT_FOUND, "there is no such secret");
}

static int32_t store_secret_delete(void *handle, const trading_id *name, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_secret_delete_arguments(name, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    bool found;
    size_t at = secret_at(store, name, &found);
    if (found) {
        store->secret_count--;
        memmove(store->secrets + at, store->secrets + at + 1, (store->secret_count - at) * sizeof *store->secrets);
        sodium_memzero(&store->secrets[store->secret_count], sizeof *store->secrets);
    }
    pthread_mutex_unlock(&store->lock);
    return TRADING_OK;
}

static int32_t store_info(void *handle, trading_store_info *info, trading_error *error)
{
    struct memory_store *store = handle;
    int32_t code = check_info_arguments(info, error);
    if (code)
        return code;
    pthread_mutex_lock(&store->lock);
    info->read_only = 0;
    info->bytes_used = store->bytes;
    info->bytes_reserved = atomic_load_explicit(&store->memory.bytes, memory_order_relaxed);
    info->syncs = 0;
    pthread_mutex_unlock(&store->lock);
    return TRADING_OK;
}

const trading_store_ops memory_store_ops = {
    .size = sizeof(trading_store_ops),
    .abi = TRADING_PLUGIN_ABI,
    .open = store_open,
    .close = store_close,
    .head = store_head,
    .append = store_append,
    .read = store_read,
    .snapshot_put = store_snapshot_put,
    .snapshot_find = store_snapshot_find,
    .snapshot_get = store_snapshot_get,
    .snapshot_drop = store_snapshot_drop,
    .secret_put = store_secret_put,
    .secret_get = store_secret_get,
    .secret_delete = store_secret_delete,
    .secret_add = store_secret_add,
    .info = store_info,
};
