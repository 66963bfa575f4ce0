#include "backends/lmdb/lmdb_store.h"

#include "backends/lmdb/journal.h"
#include "backends/lmdb/secrets.h"
#include "backends/lmdb/snapshots.h"
#include "backends/store_arguments.h"
#include "base/error.h"

#include <unistd.h>

struct lmdb_store {
    struct memory memory;
    struct folder folder;
    struct journal journal;
    struct secrets secrets;
    struct snapshots snapshots;
    bool read_only;
    pid_t process;
};

/* ---- opening and closing ---- */

static void free_store(struct lmdb_store *store)
{
    struct memory memory = store->memory; /* it is in what is freed */
    memory_release(&memory, store, sizeof *store);
}

/* Secrets are never put where no journal was made before. Where they stand alone it was lost, and a new one would pass for all there ever was. */
static int32_t refuse_lost_journal(const struct lmdb_store *store, trading_error *error)
{
    if (!folder_has(&store->folder, SECRETS_FILE) || folder_has(&store->folder, JOURNAL_FILE))
        return TRADING_OK;
    return error_set(error, TRADING_E_DAMAGED,
                     "the journal is gone, and the secrets that belong to it are there; put %s back from a copy, or remove the "
                     "folder to begin anew (in %s)",
                     JOURNAL_FILE, store->folder.path);
}

/* The journal first: it takes the lock. */
static int32_t open_parts(struct lmdb_store *store, const trading_store_request *request, trading_error *error)
{
    int32_t code = refuse_lost_journal(store, error);
    if (!code)
        code = journal_open(&store->journal, &store->folder, &store->memory, store->read_only, request->map_bytes, error);
    if (code)
        return code;
    code = secrets_open(&store->secrets, &store->folder, &store->memory, store->read_only, error);
    if (!code) {
        code = snapshots_open(&store->snapshots, &store->folder, &store->memory, store->read_only, error);
        if (code)
            secrets_close(&store->secrets);
    }
    if (code)
        journal_close(&store->journal);
    return code;
}

static int32_t store_open(const trading_store_request *request, const trading_host_functions *host, void **handle,
                          trading_error *error)
{
    int32_t code = check_open_arguments(request, host, handle, error);
    if (code)
        return code;
    struct lmdb_store *store = host->allocate(host->context, sizeof *store);
    if (!store)
        return error_no_memory(error, "a store");
    store->memory = (struct memory){.allocate = host->allocate, .release = host->release, .context = host->context};
    store->read_only = request->flags & TRADING_STORE_READ_ONLY;
    store->process = getpid();
    code = folder_open(&store->folder, request->location, !store->read_only, error);
    if (!code)
        code = open_parts(store, request, error);
    if (code) {
        folder_close(&store->folder);
        free_store(store);
        return code;
    }
    *handle = store;
    return TRADING_OK;
}

static void store_close(void *handle)
{
    struct lmdb_store *store = handle;
    if (!store || store->process != getpid()) /* a forked child must not end its parent's threads and locks */
        return;
    snapshots_close(&store->snapshots);
    secrets_close(&store->secrets);
    journal_close(&store->journal); /* last: it holds the lock */
    folder_close(&store->folder);
    free_store(store);
}

/* ---- the journal ---- */

static int32_t refuse_writing(const struct lmdb_store *store, trading_error *error)
{
    if (!store->read_only)
        return TRADING_OK;
    return error_set(error, TRADING_E_READ_ONLY, "the store was opened read only (%s)", store->folder.path);
}

static int32_t store_head(void *handle, uint32_t partition, trading_store_head *head, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = check_head_arguments(head, error);
    return code ? code : journal_head(&store->journal, partition, head, error);
}

static int32_t store_append(void *handle, uint32_t partition, const trading_store_commit *commits, size_t count,
                            trading_store_head *head, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = refuse_writing(store, error);
    if (!code)
        code = check_append_arguments(commits, count, JOURNAL_COMMIT_MAX, error);
    return code ? code : journal_append(&store->journal, partition, commits, count, head, error);
}

static int32_t store_read(void *handle, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                          trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = check_read_arguments(from, visit, error);
    return code ? code : journal_read(&store->journal, partition, from, visit, arg, error);
}

/* ---- snapshots ---- */

static int32_t store_snapshot_put(void *handle, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                                  uint64_t size, int32_t last, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = refuse_writing(store, error);
    if (!code)
        code = check_snapshot_put_arguments(position, data, size, error);
    return code ? code : snapshots_put(&store->snapshots, partition, position, chunk, data, size, last != 0, error);
}

static int32_t store_snapshot_find(void *handle, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                                   trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = check_snapshot_find_arguments(position, chunks, error);
    return code ? code : snapshots_find(&store->snapshots, partition, at_most, position, chunks, error);
}

static int32_t store_snapshot_get(void *handle, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                                  void *arg, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = check_snapshot_get_arguments(position, take, error);
    return code ? code : snapshots_get(&store->snapshots, partition, position, chunk, take, arg, error);
}

static int32_t store_snapshot_drop(void *handle, uint32_t partition, int64_t position, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = refuse_writing(store, error);
    if (!code)
        code = check_snapshot_drop_arguments(position, error);
    return code ? code : snapshots_drop(&store->snapshots, partition, position, error);
}

/* ---- secrets ---- */

static int32_t store_secret_put(void *handle, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = refuse_writing(store, error);
    if (!code)
        code = check_secret_put_arguments(secrets, count, error);
    return code ? code : secrets_put(&store->secrets, secrets, count, error);
}

static int32_t store_secret_get(void *handle, const trading_id *name, uint8_t value[32], trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = check_secret_get_arguments(name, value, error);
    return code ? code : secrets_get(&store->secrets, name, value, error);
}

static int32_t store_secret_delete(void *handle, const trading_id *name, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = refuse_writing(store, error);
    if (!code)
        code = check_secret_delete_arguments(name, error);
    return code ? code : secrets_delete(&store->secrets, name, error);
}

/* ---- the whole ---- */

static int32_t store_info(void *handle, trading_store_info *info, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = check_info_arguments(info, error);
    if (!code)
        code = journal_info(&store->journal, info, error);
    if (code)
        return code;
    info->syncs += atomic_load_explicit(&store->secrets.flushes, memory_order_relaxed);
    return TRADING_OK;
}

static int32_t store_check(void *handle, trading_error *error)
{
    struct lmdb_store *store = handle;
    int32_t code = journal_check(&store->journal, error);
    if (!code)
        code = secrets_check(&store->secrets, error);
    if (!code)
        code = snapshots_check(&store->snapshots, error);
    return code;
}

const trading_store_ops lmdb_store_ops = {
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
    .info = store_info,
    .check = store_check,
};
