#include "backends/lmdb/journal.h"
#include "backends/lmdb/lmdb_error.h"
#include "backends/lmdb/page_check.h"
#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

struct append {
    struct journal *journal;
    uint32_t partition;
    const trading_store_commit *commits;
    size_t count;
    uint64_t transaction;
    bool committing; /* LMDB was asked to commit: a failure before that left nothing */
};

/* ---- the transaction ---- */

static int put_commit(MDB_cursor *cursor, uint32_t partition, const trading_store_commit *commit, unsigned flags)
{
    uint8_t bytes[JOURNAL_KEY_BYTES];
    journal_key(partition, commit->first_position, bytes);
    MDB_val key = mdb_bytes(bytes, sizeof bytes);
    MDB_val value = {.mv_size = JOURNAL_HEAD_BYTES + commit->size};
    /* Reserved and filled in place: the commit is copied once, into LMDB's page. */
    int failure = mdb_cursor_put(cursor, &key, &value, flags | MDB_RESERVE | MDB_NOOVERWRITE);
    if (failure)
        return failure;
    journal_value_head(bytes, commit, value.mv_data);
    memcpy((uint8_t *)value.mv_data + JOURNAL_HEAD_BYTES, commit->data, commit->size);
    return 0;
}

static int put_commits(MDB_txn *txn, MDB_dbi dbi, const struct append *append, unsigned flags)
{
    MDB_cursor *cursor;
    int failure = mdb_cursor_open(txn, dbi, &cursor);
    if (failure)
        return failure;
    for (size_t i = 0; i < append->count && !failure; i++)
        failure = put_commit(cursor, append->partition, &append->commits[i], flags);
    mdb_cursor_close(cursor);
    return failure;
}

static int run_append(struct environment *environment, void *arg)
{
    struct append *append = arg;
    const struct journal *journal = append->journal;
    /* In the last partition all keys of the append come after all others, and LMDB then fills pages whole instead of half. */
    bool last = !journal->head_count || journal->heads[journal->head_count - 1].partition <= append->partition;
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (failure)
        return failure;
    append->transaction = mdb_txn_id(txn);
    failure = put_commits(txn, environment->dbi, append, last ? MDB_APPEND : 0);
    if (failure) {
        mdb_txn_abort(txn);
        return failure;
    }
    append->committing = true;
    return mdb_txn_commit(txn);
}

/* ---- when it fails ---- */

static uint64_t bytes_of(const struct append *append)
{
    uint64_t bytes = (uint64_t)1 << 20;
    for (size_t i = 0; i < append->count; i++)
        bytes += append->commits[i].size;
    return bytes;
}

/* LMDB calls a write that was cut short EIO. Most often that is a disk, or a limit, that was reached within the write. */
static int cause_of(const struct append *append, int failure)
{
    struct journal *journal = append->journal;
    if (failure != EIO || !append->committing)
        return failure;
    uint64_t bytes = bytes_of(append);
    struct rlimit limit;
    uint64_t used = atomic_load_explicit(&journal->used, memory_order_relaxed);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && used + bytes > limit.rlim_cur)
        return EFBIG;
    struct statvfs system;
    if (fstatvfs(journal->folder->fd, &system) == 0 && (uint64_t)system.f_bavail * system.f_frsize < bytes)
        return ENOSPC;
    return failure;
}

/* Whether LMDB failed while it wrote a meta page. It then put the old one back and refuses everything else; before that point an
 * aborted commit has changed nothing that counts. */
static bool meta_page_failed(struct environment *environment)
{
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (!failure)
        mdb_txn_abort(txn);
    return failure == MDB_PANIC;
}

/* Opens LMDB anew after it failed within a commit: what the file then says, once flushed, is the outcome. */
static int32_t reopen(struct journal *journal, trading_error *error)
{
    environment_close(&journal->environment);
    struct page_file unbounded = journal->file;
    unbounded.horizon = NULL;
    int32_t code = page_check_free(&unbounded, error);
    if (!code)
        code = journal_open_environment(journal, error);
    if (code)
        return code;
    pthread_mutex_lock(&journal->heads_lock);
    code = journal_load_heads(journal, error);
    pthread_mutex_unlock(&journal->heads_lock);
    return code;
}

static int32_t settle_locked(struct journal *journal, trading_error *error)
{
    if (!journal->uncertain)
        return TRADING_OK;
    int32_t code = reopen(journal, error);
    if (!code)
        journal->uncertain = false;
    return code;
}

int32_t journal_settle(struct journal *journal, trading_error *error)
{
    if (!journal->uncertain)
        return TRADING_OK;
    pthread_mutex_lock(&journal->append_lock);
    int32_t code = settle_locked(journal, error);
    pthread_mutex_unlock(&journal->append_lock);
    return code;
}

static int32_t append_failed(const struct append *append, int failure, trading_error *error)
{
    struct journal *journal = append->journal;
    if (failure == ENVIRONMENT_BROKEN)
        return error_set(error, TRADING_E_DAMAGED,
                         "%s is damaged: LMDB found its own structure wrong while appending; nothing was "
                         "appended, check the store (in %s)",
                         JOURNAL_FILE, journal->folder->path);
    failure = cause_of(append, failure);
    if (!append->committing || !meta_page_failed(&journal->environment))
        return lmdb_failure(error, failure, "appending to", journal->folder->path, JOURNAL_FILE);
    journal->uncertain = true;
    return error_native(error, TRADING_E_OUTCOME_UNKNOWN, failure,
                        "appending to %s failed in its last step; ask for the head to "
                        "learn what happened (in %s)",
                        JOURNAL_FILE, journal->folder->path);
}

static void append_succeeded(const struct append *append, const trading_store_head *head, size_t at)
{
    struct journal *journal = append->journal;
    MDB_envinfo info;
    mdb_env_info(journal->environment.env, &info); /* fails for NULL only */
    uint64_t used = (info.me_last_pgno + 1) * journal->file.page_bytes;
    atomic_store_explicit(&journal->used, used, memory_order_relaxed);
    atomic_fetch_add_explicit(&journal->flushes, journal->sync_meta ? 2 : 1, memory_order_relaxed);
    writer_lock_publish(&journal->lock, append->transaction);
    /* Together: who reads a commit is told of it by the head, and who is told of it can read it. */
    pthread_mutex_lock(&journal->heads_lock);
    atomic_store_explicit(&journal->durable, append->transaction, memory_order_release);
    journal->heads[at].head = *head;
    pthread_mutex_unlock(&journal->heads_lock);
    lay_ahead_note(&journal->ahead, used);
}

/* ---- the calls ---- */

static int32_t conflict(uint32_t partition, const trading_store_head *stands, int64_t begins, trading_error *error)
{
    return error_set(error, TRADING_E_POSITION,
                     "partition %" PRIu32 " stands at position %" PRId64 ", the append begins at %" PRId64, partition,
                     stands->next_position, begins);
}

/* Gives a new partition its place among the heads. */
static int32_t add_place(struct journal *journal, uint32_t partition, size_t at, trading_error *error)
{
    static const trading_store_head empty;
    pthread_mutex_lock(&journal->heads_lock);
    int32_t code = journal_add_head(journal, partition, &empty, at, error);
    pthread_mutex_unlock(&journal->heads_lock);
    return code;
}

static int32_t append_locked(struct append *append, trading_store_head *head, trading_error *error)
{
    struct journal *journal = append->journal;
    int32_t code = settle_locked(journal, error);
    if (code)
        return code;
    bool found;
    size_t at = journal_head_at(journal, append->partition, &found);
    trading_store_head stands = found ? journal->heads[at].head : (trading_store_head){0};
    if (head)
        *head = stands;
    if (append->commits[0].first_position != stands.next_position)
        return conflict(append->partition, &stands, append->commits[0].first_position, error);
    if (!found)
        code = add_place(journal, append->partition, at, error);
    if (code)
        return code;
    int failure = environment_run(&journal->environment, run_append, append);
    if (failure)
        return append_failed(append, failure, error);
    const trading_store_commit *last = &append->commits[append->count - 1];
    stands = (trading_store_head){.next_position = last->first_position + last->event_count, .nonce = last->nonce};
    append_succeeded(append, &stands, at);
    if (head)
        *head = stands;
    return TRADING_OK;
}

int32_t journal_append(struct journal *journal, uint32_t partition, const trading_store_commit *commits, size_t count,
                       trading_store_head *head, trading_error *error)
{
    struct append append = {.journal = journal, .partition = partition, .commits = commits, .count = count};
    pthread_mutex_lock(&journal->append_lock);
    int32_t code = append_locked(&append, head, error);
    pthread_mutex_unlock(&journal->append_lock);
    return code;
}

/* Answers from memory, unless an append left the file to be asked. */
int32_t journal_head(struct journal *journal, uint32_t partition, trading_store_head *head, trading_error *error)
{
    if (journal->read_only)
        return journal_end(journal, partition, head, error);
    int32_t code = journal_settle(journal, error);
    if (code)
        return code;
    pthread_mutex_lock(&journal->heads_lock);
    bool found;
    size_t at = journal_head_at(journal, partition, &found);
    *head = found ? journal->heads[at].head : (trading_store_head){0};
    pthread_mutex_unlock(&journal->heads_lock);
    return TRADING_OK;
}
