/* state.mdb: the state store on LMDB, in the unnamed database. Beside our record of the file's kind (environment.h) it has what the
 * engine puts there, under its keys. A value of up to 4080 bytes takes one overflow page.
 *
 * Reads run in LMDB's own read transactions, because a scan must see one state for as long as it takes; they should be short, as
 * a page that a reader may still need cannot be used again. LMDB must not open a file twice in a process (closing one would
 * release the locks of both), so the second is refused: each open holds the byte of `state.lock` that its process id says, with
 * a lock that belongs to the open file and not to the process. The writer holds byte 0 as well.
 *
 * A commit without sync still flushes its pages before the meta page is written (MDB_NOMETASYNC): a power loss then takes the
 * newest commit only. With no flush at all it could take the file. */
#include "backends/lmdb/blobs.h"
#include "backends/lmdb/environment.h"
#include "backends/lmdb/lmdb_error.h"
#include "backends/lmdb/page_check.h"
#include "backends/state_files.h"
#include "backends/store_arguments.h"
#include "base/error.h"
#include "state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define STATE_FILE "state.mdb"
#define LOCK_FILE  "state.lock"

struct write {
    struct lmdb_state *state;
    MDB_txn *txn;
};

struct lmdb_state {
    struct state_files files; /* first, as their functions take the store */
    struct memory memory;
    struct folder folder;
    struct blobs blobs;
    int lock;
    struct environment environment;
    struct write write; /* the one that may be open */
    bool unflushed;     /* the newest commit's meta page is; changed within a write */
};
_Static_assert(offsetof(struct lmdb_state, files) == 0, "the store's handle begins with its files");

static int32_t failed(const struct lmdb_state *state, int failure, const char *doing, trading_error *error)
{
    if (failure == ENVIRONMENT_BROKEN)
        return error_set(error, TRADING_E_DAMAGED,
                         "%s is damaged; remove it and its lock files, it is made again from the journal "
                         "(in %s)",
                         STATE_FILE, state->folder.path);
    return lmdb_failure(error, failure, doing, state->folder.path, STATE_FILE);
}

/* ---- opening and closing ---- */

static int lock_byte(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) ? errno : 0;
}

static int32_t take_lock(struct lmdb_state *state, bool read_only, trading_error *error)
{
    state->lock = file_open(&state->folder, LOCK_FILE, O_RDWR | O_CREAT);
    if (state->lock < 0 && errno == EROFS && read_only)
        return TRADING_OK; /* nobody can write there, and LMDB then does not lock either */
    if (state->lock < 0)
        return lmdb_failure(error, errno, "opening", state->folder.path, LOCK_FILE);
    int failure = lock_byte(state->lock, (off_t)getpid());
    if (failure == EAGAIN || failure == EACCES)
        return error_set(error, TRADING_E_LOCKED, "this process has the state store open already; close it first (%s)",
                         state->folder.path);
    if (!failure && !read_only) {
        failure = lock_byte(state->lock, 0);
        if (failure == EAGAIN || failure == EACCES)
            return error_set(error, TRADING_E_LOCKED,
                             "another process has the state store open for writing; stop it, or open the "
                             "store read only (%s)",
                             state->folder.path);
    }
    return failure ? lmdb_failure(error, failure, "locking", state->folder.path, LOCK_FILE) : TRADING_OK;
}

/* Looks at the file before LMDB does. */
static int32_t look_at_file(struct lmdb_state *state, trading_error *error)
{
    struct page_file file;
    int32_t code = page_file_open(&file, &state->folder, STATE_FILE, &state->memory, error);
    if (code)
        return code;
    code = environment_identify(&file, &state_kind, NULL, error);
    if (!code)
        code = page_check_all(&file, false, NULL, NULL, error);
    if (code == TRADING_E_BUSY)
        code = error_clear(error); /* its writer is at work, and checked it when it began */
    page_file_close(&file);
    return code;
}

/* The state can be made again from the journal, so it is better to know that it is damaged, and no loss. */
static int32_t check_file(struct lmdb_state *state, trading_error *error)
{
    trading_error found;
    int32_t code = look_at_file(state, &found);
    if (code == TRADING_E_DAMAGED)
        return error_set(error, code, "%s; remove %s, it is made again from the journal", found.message, STATE_FILE);
    if (error)
        *error = found;
    return code;
}

#define FILES_FOLDER "state"

static int32_t open_files(struct lmdb_state *state, bool read_only, trading_error *error)
{
    struct folder folder = {.fd = -1};
    char path[PATH_MAX];
    if (folder_path(&state->folder, FILES_FOLDER, path))
        return lmdb_failure(error, ENAMETOOLONG, "opening", state->folder.path, FILES_FOLDER);
    int32_t code = folder_open(&folder, path, !read_only, error);
    if (code == TRADING_E_NOT_FOUND && read_only)
        return error_clear(error);
    if (code)
        return code;
    code = state_files_open(&state->files, folder.fd, folder.path, read_only, error);
    folder_close(&folder);
    return code;
}

static int32_t open_parts(struct lmdb_state *state, const char *location, bool read_only, trading_error *error)
{
    int32_t code = folder_open(&state->folder, location, !read_only, error);
    if (!code)
        code = take_lock(state, read_only, error);
    if (!code && !read_only)
        code = environment_create(&state->folder, STATE_FILE, &state_kind, error);
    if (!code)
        code = check_file(state, error);
    unsigned flags = MDB_NOTLS | (read_only ? MDB_RDONLY : 0);
    if (!code)
        code = environment_open(&state->environment, &state->folder, STATE_FILE, 0, flags, error);
    if (!code)
        code = blobs_open(&state->blobs, &state->folder, &state->memory, read_only, error);
    if (!code)
        code = open_files(state, read_only, error);
    return code;
}

static void state_close(void *store)
{
    struct lmdb_state *state = store;
    if (!state)
        return;
    if (state->environment.env)
        mdb_env_sync(state->environment.env, 1);
    environment_close(&state->environment);
    blobs_close(&state->blobs);
    state_files_close(&state->files);
    if (state->lock >= 0)
        close(state->lock);
    folder_close(&state->folder);
    struct memory memory = state->memory; /* it is in what is freed */
    memory_release(&memory, state, sizeof *state);
}

static int32_t state_open(const char *location, bool read_only, const trading_host_functions *host, void **store,
                          trading_error *error)
{
    if (!location || !host || !store)
        return error_set(error, TRADING_E_INVALID, "opening a state store needs a location, a host and a place for the handle");
    struct lmdb_state *state = host->allocate(host->context, sizeof *state);
    if (!state)
        return error_no_memory(error, "a state store");
    *state = (struct lmdb_state){.lock = -1, .folder.fd = -1, .blobs.folder.fd = -1, .files.folder = -1};
    state->memory = (struct memory){.allocate = host->allocate, .release = host->release, .context = host->context};
    int32_t code = open_parts(state, location, read_only, error);
    if (code)
        state_close(state);
    else
        *store = state;
    return code;
}

/* ---- writing ---- */

struct change {
    MDB_txn *txn;
    const void *key;
    size_t key_size;
    const void *value;
    size_t value_size;
};

static int run_begin(struct environment *environment, void *arg)
{
    return mdb_txn_begin(environment->env, NULL, 0, arg);
}

static int32_t state_begin(void *store, void **write, trading_error *error)
{
    struct lmdb_state *state = store;
    MDB_txn *txn;
    int failure = environment_run(&state->environment, run_begin, &txn);
    if (failure)
        return failed(state, failure, "writing", error);
    state->write = (struct write){.state = state, .txn = txn};
    *write = &state->write;
    return TRADING_OK;
}

static int run_put(struct environment *environment, void *arg)
{
    const struct change *change = arg;
    MDB_val key = mdb_bytes(change->key, change->key_size);
    MDB_val value = mdb_bytes(change->value, change->value_size);
    return mdb_put(change->txn, environment->dbi, &key, &value, 0);
}

static int32_t state_put(void *write, const void *key, size_t key_size, const void *value, size_t value_size,
                         trading_error *error)
{
    struct write *with = write;
    int32_t code = check_state_key(key, key_size, error);
    if (!code)
        code = check_state_value(value, value_size, error);
    if (code)
        return code;
    struct change change = {.txn = with->txn, .key = key, .key_size = key_size, .value = value, .value_size = value_size};
    int failure = environment_run(&with->state->environment, run_put, &change);
    return failure ? failed(with->state, failure, "writing", error) : TRADING_OK;
}

static int run_remove(struct environment *environment, void *arg)
{
    const struct change *change = arg;
    MDB_val key = mdb_bytes(change->key, change->key_size);
    int failure = mdb_del(change->txn, environment->dbi, &key, NULL);
    return failure == MDB_NOTFOUND ? 0 : failure;
}

static int32_t state_remove(void *write, const void *key, size_t key_size, trading_error *error)
{
    struct write *with = write;
    int32_t code = check_state_key(key, key_size, error);
    if (code)
        return code;
    struct change change = {.txn = with->txn, .key = key, .key_size = key_size};
    int failure = environment_run(&with->state->environment, run_remove, &change);
    return failure ? failed(with->state, failure, "writing", error) : TRADING_OK;
}

static bool begins_with(const MDB_val *key, const void *prefix, size_t prefix_size)
{
    return key->mv_size >= prefix_size && memcmp(key->mv_data, prefix, prefix_size) == 0;
}

/* The first of the engine's keys is above our own record's. */
static MDB_val first_key(const void *key, size_t key_size)
{
    return key_size ? mdb_bytes(key, key_size) : mdb_bytes("\1", 1);
}

static int run_remove_all(struct environment *environment, void *arg)
{
    const struct change *change = arg;
    MDB_cursor *cursor;
    int failure = mdb_cursor_open(change->txn, environment->dbi, &cursor);
    if (failure)
        return failure;
    MDB_val key = first_key(change->key, change->key_size);
    MDB_val value;
    failure = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (!failure && begins_with(&key, change->key, change->key_size)) {
        failure = mdb_cursor_del(cursor, 0);
        if (!failure)
            failure = mdb_cursor_get(cursor, &key, &value, MDB_NEXT); /* after a deletion: what took its place */
    }
    mdb_cursor_close(cursor);
    return failure == MDB_NOTFOUND ? 0 : failure;
}

static int32_t state_remove_all(void *write, const void *prefix, size_t prefix_size, trading_error *error)
{
    struct write *with = write;
    int32_t code = check_state_scan(prefix, prefix_size, NULL, 0, error);
    if (code)
        return code;
    struct change change = {.txn = with->txn, .key = prefix_size ? prefix : "", .key_size = prefix_size};
    int failure = environment_run(&with->state->environment, run_remove_all, &change);
    return failure ? failed(with->state, failure, "writing", error) : TRADING_OK;
}

static int run_commit(struct environment *environment, void *arg)
{
    (void)environment;
    return mdb_txn_commit(arg);
}

static int32_t state_commit(void *write, bool sync, trading_error *error)
{
    struct write *with = write;
    struct lmdb_state *state = with->state;
    MDB_txn *txn = with->txn;
    /* Under LMDB's own lock of writers, and read by none but the commit. */
    mdb_env_set_flags(state->environment.env, MDB_NOMETASYNC, !sync);
    bool before = state->unflushed;
    state->unflushed = !sync;
    int failure = environment_run(&state->environment, run_commit, txn);
    if (!failure && sync && before) /* LMDB flushes nothing for a transaction without changes */
        failure = mdb_env_sync(state->environment.env, 1);
    return failure ? failed(state, failure, "writing", error) : TRADING_OK;
}

static int run_abort(struct environment *environment, void *arg)
{
    (void)environment;
    mdb_txn_abort(arg);
    return 0;
}

static void state_abort(void *write)
{
    struct write *with = write;
    environment_run(&with->state->environment, run_abort, with->txn);
}

/* ---- reading ---- */

struct query {
    struct write *write;
    const void *key; /* the prefix, in a scan */
    size_t key_size;
    const void *from;
    size_t from_size;
    void (*take_value)(void *arg, const void *value, size_t size);
    int (*take_entry)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size);
    void *arg;
    int (*in_transaction)(MDB_txn *txn, MDB_dbi dbi, const struct query *query);
};

static int get_value(MDB_txn *txn, MDB_dbi dbi, const struct query *query)
{
    MDB_val key = mdb_bytes(query->key, query->key_size);
    MDB_val value;
    int failure = mdb_get(txn, dbi, &key, &value);
    if (!failure)
        query->take_value(query->arg, value.mv_data, value.mv_size);
    return failure;
}

static int scan_entries(MDB_txn *txn, MDB_dbi dbi, const struct query *query)
{
    MDB_cursor *cursor;
    int failure = mdb_cursor_open(txn, dbi, &cursor);
    if (failure)
        return failure;
    MDB_val prefix = mdb_bytes(query->key, query->key_size);
    bool after_prefix =
        query->from && key_compare(query->from, (uint32_t)query->from_size, query->key, (uint32_t)query->key_size) > 0;
    MDB_val key = after_prefix ? first_key(query->from, query->from_size) : first_key(query->key, query->key_size);
    MDB_val value;
    failure = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (!failure && begins_with(&key, prefix.mv_data, prefix.mv_size) &&
           !query->take_entry(query->arg, key.mv_data, key.mv_size, value.mv_data, value.mv_size))
        failure = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    mdb_cursor_close(cursor);
    return failure == MDB_NOTFOUND ? 0 : failure;
}

/* Within the open write, or a read transaction of its own. */
static int run_query(struct environment *environment, void *arg)
{
    const struct query *query = arg;
    if (query->write)
        return query->in_transaction(query->write->txn, environment->dbi, query);
    MDB_txn *txn;
    int failure = environment_begin_read(environment, &txn);
    if (failure)
        return failure;
    failure = query->in_transaction(txn, environment->dbi, query);
    mdb_txn_abort(txn);
    return failure;
}

static int32_t state_get(void *store, void *write, const void *key, size_t key_size,
                         void (*take)(void *arg, const void *value, size_t size), void *arg, trading_error *error)
{
    struct lmdb_state *state = store;
    int32_t code = check_state_key(key, key_size, error);
    if (code)
        return code;
    struct query query = {
        .write = write, .key = key, .key_size = key_size, .take_value = take, .arg = arg, .in_transaction = get_value};
    int failure = environment_run(&state->environment, run_query, &query);
    if (failure == MDB_NOTFOUND)
        return error_set(error, TRADING_E_NOT_FOUND, "the state store has no such key");
    return failure ? failed(state, failure, "reading", error) : TRADING_OK;
}

static int32_t state_scan(void *store, void *write, const void *prefix, size_t prefix_size, const void *from, size_t from_size,
                          int (*take)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size),
                          void *arg, trading_error *error)
{
    struct lmdb_state *state = store;
    int32_t code = check_state_scan(prefix, prefix_size, from, from_size, error);
    if (code)
        return code;
    struct query query = {.write = write,
                          .key = prefix_size ? prefix : "",
                          .key_size = prefix_size,
                          .from = from,
                          .from_size = from_size,
                          .take_entry = take,
                          .arg = arg,
                          .in_transaction = scan_entries};
    int failure = environment_run(&state->environment, run_query, &query);
    return failure ? failed(state, failure, "reading", error) : TRADING_OK;
}

/* ---- blobs ---- */

static int32_t state_blob_create(void *store, uint64_t number, void **blob, trading_error *error)
{
    struct lmdb_state *state = store;
    return blobs_create(&state->blobs, number, blob, error);
}

static int32_t state_blob_map(void *store, uint64_t number, struct state_blob *blob, trading_error *error)
{
    struct lmdb_state *state = store;
    return blobs_map(&state->blobs, number, blob, error);
}

static void state_blob_unmap(void *store, struct state_blob *blob)
{
    (void)store;
    blob_unmap(blob);
}

static int32_t state_blob_drop(void *store, uint64_t number, trading_error *error)
{
    struct lmdb_state *state = store;
    return blobs_drop(&state->blobs, number, error);
}

static int32_t state_blob_list(void *store, int (*take)(void *arg, uint64_t number), void *arg, trading_error *error)
{
    struct lmdb_state *state = store;
    return blobs_list(&state->blobs, take, arg, error);
}

const struct state_store_ops lmdb_state_store_ops = {
    .open = state_open,
    .close = state_close,
    .begin = state_begin,
    .put = state_put,
    .remove = state_remove,
    .remove_all = state_remove_all,
    .commit = state_commit,
    .abort = state_abort,
    .get = state_get,
    .scan = state_scan,
    .blob_create = state_blob_create,
    .blob_append = blob_append,
    .blob_seal = blob_seal,
    .blob_abandon = blob_abandon,
    .blob_map = state_blob_map,
    .blob_unmap = state_blob_unmap,
    .blob_drop = state_blob_drop,
    .blob_list = state_blob_list,
    .file_size = state_files_size,
    .file_read = state_files_read,
    .file_write = state_files_write,
    .file_sync = state_files_sync,
    .file_cut = state_files_cut,
    .file_map = state_files_map,
    .file_unmap = state_files_unmap,
};
