/* The store's table: opening, closing, and what every call has to see to first. */
#include "cassandra_store.h"

#include "backends/cassandra/flights.h"
#include "backends/cassandra/journal.h"
#include "backends/cassandra/keeping.h"
#include "backends/store_arguments.h"
#include "base/error.h"

#include <string.h>
#include <unistd.h>

/* ---- opening and closing ---- */

static void release(struct cassandra *store)
{
    struct memory memory = store->memory; /* it is in what is freed */
    statements_release(store);
    driver_close(store->driver);
    journal_forget(store);
    snapshot_forget(store);
    location_forget(&store->location);
    pthread_mutex_destroy(&store->lock);
    memory_release(&memory, store, sizeof *store);
}

static int32_t connect_driver(struct cassandra *store, trading_error *error)
{
    struct driver_settings settings = location_settings(&store->location);
    struct driver_failure failure = {0};
    int32_t code = driver_connect(&settings, &store->driver, &failure);
    location_forget(&store->location);
    return code ? error_of_driver(&failure, "connecting to Cassandra", error) : TRADING_OK;
}

/* Whoever writes adds the journal; whoever reads needs it to be there. */
static int32_t open_journal(struct cassandra *store, trading_error *error)
{
    const char *journal = store->location.journal;
    if (!store->read_only)
        return ask(store, JOURNAL_ADD, NULL, "opening a journal", error, BIND(bind_text(journal)));
    struct driver_rows *rows;
    int32_t code = ask_row(store, JOURNAL_FIND, &rows, "opening a journal", error, BIND(bind_text(journal)));
    bool found = rows != NULL;
    driver_rows_close(rows);
    if (code || found)
        return code;
    return error_set(error, TRADING_E_NOT_FOUND, "the keyspace %s has no journal %s", store->location.keyspace, journal);
}

static int32_t store_open(const trading_store_request *request, const trading_host_functions *host, void **handle,
                          trading_error *error)
{
    int32_t code = check_open_arguments(request, host, handle, error);
    if (code)
        return code;
    struct cassandra *store = host->allocate(host->context, sizeof *store);
    if (!store)
        return error_no_memory(error, "a store");
    memset(store, 0, sizeof *store);
    store->memory = (struct memory){.allocate = host->allocate, .release = host->release, .context = host->context};
    store->process = getpid();
    store->read_only = (request->flags & TRADING_STORE_READ_ONLY) != 0;
    pthread_mutex_init(&store->lock, NULL);
    code = location_read(&store->location, request->location, error);
    if (!code)
        code = connect_driver(store, error);
    if (!code)
        code = schema_open(store, error);
    if (!code)
        code = statements_prepare(store, error);
    if (!code)
        code = open_journal(store, error);
    if (code)
        release(store);
    else
        *handle = store;
    return code;
}

static void store_close(void *handle)
{
    struct cassandra *store = handle;
    if (!store || store->process != getpid())
        return; /* a child has none of the threads that closing ends; what it was left stays */
    flights_close(store);
    release(store);
}

/* What each call is refused for. */
static int32_t check_process(const struct cassandra *store, trading_error *error)
{
    if (store->process == getpid())
        return TRADING_OK;
    return error_set(error, TRADING_E_FORKED, "the store was opened before a fork and belongs to the parent");
}

static int32_t check_writer(const struct cassandra *store, trading_error *error)
{
    int32_t code = check_process(store, error);
    return !code && store->read_only ? error_read_only(error) : code;
}

/* ---- the journal ---- */

static int32_t store_head(void *handle, uint32_t partition, trading_store_head *head, trading_error *error)
{
    int32_t code = check_head_arguments(head, error);
    if (!code)
        code = check_process(handle, error);
    struct place place;
    if (!code)
        code = journal_locate(handle, partition, 0, &place, error);
    if (!code)
        *head = place.head;
    return code;
}

static int32_t check_append(const struct cassandra *store, const trading_store_commit *commits, size_t count,
                            trading_error *error)
{
    uint64_t size;
    int32_t code = check_writer(store, error);
    if (!code)
        code = check_append_arguments(commits, count, SIZE_MAX, error);
    return code ? code : block_size(commits, count, &size, error);
}

static int32_t store_append(void *handle, uint32_t partition, const trading_store_commit *commits, size_t count,
                            trading_store_head *head, trading_error *error)
{
    int32_t code = check_append(handle, commits, count, error);
    return code ? code : journal_append(handle, partition, commits, count, head, error);
}

static int32_t store_append_begin(void *handle, uint32_t partition, const trading_store_commit *commits, size_t count,
                                  uint64_t tag, trading_error *error)
{
    int32_t code = check_append(handle, commits, count, error);
    return code ? code : flights_begin(handle, partition, commits, count, tag, error);
}

static int32_t store_append_poll(void *handle, int64_t timeout, uint64_t *tag, trading_error *outcome)
{
    int32_t code = check_process(handle, outcome);
    return code ? code : flights_poll(handle, timeout, tag, outcome);
}

static int32_t store_read(void *handle, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                          trading_error *error)
{
    int32_t code = check_read_arguments(from, visit, error);
    if (!code)
        code = check_process(handle, error);
    return code ? code : journal_read(handle, partition, from, visit, arg, error);
}

/* ---- snapshots and secrets ---- */

static int32_t store_snapshot_put(void *handle, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                                  uint64_t size, int32_t last, trading_error *error)
{
    int32_t code = check_snapshot_put_arguments(position, data, size, error);
    if (!code)
        code = check_writer(handle, error);
    return code ? code : snapshot_put(handle, partition, position, chunk, data, size, last != 0, error);
}

static int32_t store_snapshot_find(void *handle, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                                   trading_error *error)
{
    int32_t code = check_snapshot_find_arguments(position, chunks, error);
    if (!code)
        code = check_process(handle, error);
    return code ? code : snapshot_find(handle, partition, at_most, position, chunks, error);
}

static int32_t store_snapshot_get(void *handle, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                                  void *arg, trading_error *error)
{
    int32_t code = check_snapshot_get_arguments(position, take, error);
    if (!code)
        code = check_process(handle, error);
    return code ? code : snapshot_get(handle, partition, position, chunk, take, arg, error);
}

static int32_t store_snapshot_drop(void *handle, uint32_t partition, int64_t position, trading_error *error)
{
    int32_t code = check_snapshot_drop_arguments(position, error);
    if (!code)
        code = check_writer(handle, error);
    return code ? code : snapshot_drop(handle, partition, position, error);
}

static int32_t store_secret_put(void *handle, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    int32_t code = check_secret_put_arguments(secrets, count, error);
    if (!code)
        code = check_writer(handle, error);
    return code ? code : secret_put(handle, secrets, count, error);
}

static int32_t store_secret_add(void *handle, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    int32_t code = check_secret_put_arguments(secrets, count, error);
    if (!code)
        code = check_writer(handle, error);
    return code ? code : secret_add(handle, secrets, count, error);
}

static int32_t store_secret_get(void *handle, const trading_id *name, uint8_t value[32], trading_error *error)
{
    int32_t code = check_secret_get_arguments(name, value, error);
    if (!code)
        code = check_process(handle, error);
    return code ? code : secret_get(handle, name, value, error);
}

static int32_t store_secret_delete(void *handle, const trading_id *name, trading_error *error)
{
    int32_t code = check_secret_delete_arguments(name, error);
    if (!code)
        code = check_writer(handle, error);
    return code ? code : secret_delete(handle, name, error);
}

/* ---- what the store says of itself ---- */

struct tally {
    struct cassandra *store;
    uint64_t bytes;
};

static int32_t count_partition(void *arg, uint32_t partition, trading_error *error)
{
    struct tally *tally = arg;
    struct place place;
    int32_t code = journal_locate(tally->store, partition, 0, &place, error);
    if (!code)
        tally->bytes += (uint64_t)place.total_bytes;
    return code;
}

/* Bytes of the blocks; how the servers keep and copy them is theirs to say. */
static int32_t store_info(void *handle, trading_store_info *info, trading_error *error)
{
    struct tally tally = {.store = handle};
    int32_t code = check_info_arguments(info, error);
    if (!code)
        code = check_process(handle, error);
    if (!code)
        code = journal_partitions(handle, count_partition, &tally, error);
    if (code)
        return code;
    info->read_only = tally.store->read_only;
    info->bytes_used = tally.bytes;
    info->bytes_reserved = tally.bytes;
    info->syncs = 0;
    return TRADING_OK;
}

static int32_t see_commit(void *arg, const trading_store_commit *commit)
{
    (void)arg;
    (void)commit;
    return 0;
}

/* Reading sees all that there is to see: that blocks are whole and follow one another up to the head. */
static int32_t check_partition(void *arg, uint32_t partition, trading_error *error)
{
    return journal_read(arg, partition, 0, see_commit, NULL, error);
}

static int32_t store_check(void *handle, trading_error *error)
{
    int32_t code = check_process(handle, error);
    return code ? code : journal_partitions(handle, check_partition, handle, error);
}

const trading_store_ops cassandra_store_ops = {
    .size = sizeof(trading_store_ops),
    .abi = TRADING_PLUGIN_ABI,
    .open = store_open,
    .close = store_close,
    .head = store_head,
    .append = store_append,
    .append_begin = store_append_begin,
    .append_poll = store_append_poll,
    .read = store_read,
    .snapshot_put = store_snapshot_put,
    .snapshot_find = store_snapshot_find,
    .snapshot_get = store_snapshot_get,
    .snapshot_drop = store_snapshot_drop,
    .secret_put = store_secret_put,
    .secret_add = store_secret_add,
    .secret_get = store_secret_get,
    .secret_delete = store_secret_delete,
    .info = store_info,
    .check = store_check,
};
