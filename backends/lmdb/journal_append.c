#include "backends/lmdb/journal.h"
#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

struct append {
    struct group_member member; /* first: who leads has its address */
    const trading_store_commit *commits;
    size_t count;
    trading_store_head *head; /* the caller's; NULL: not asked for */
    trading_error *error;
    int32_t code;
};

/* A group of appends that are made in one transaction. */
struct joint {
    struct journal *journal;
    struct group_member *first;
    uint64_t commits;
    uint64_t transaction;
    bool committing; /* LMDB was asked to commit: a failure before that left nothing */
    bool flushing;   /* and did: what it wrote may be there */
};

static struct append *append_of(struct group_member *member)
{
    return (struct append *)member;
}

/* The first from a member on that is part of it; others were refused. */
static struct append *next_admitted(struct group_member *member)
{
    while (member && append_of(member)->code)
        member = member->next;
    return member ? append_of(member) : NULL;
}

/* ---- the transaction ---- */

static int put_commit(MDB_cursor *cursor, const struct joint *joint, uint32_t partition, const trading_store_commit *commit,
                      unsigned flags)
{
    struct journal_seal seal = {.commits = joint->commits,
                                .sum = hash_keyed_bytes(&joint->journal->secret, commit->data, commit->size)};
    uint8_t bytes[JOURNAL_KEY_BYTES];
    journal_key(partition, commit->first_position, bytes);
    MDB_val key = mdb_bytes(bytes, sizeof bytes);
    MDB_val value = {.mv_size = JOURNAL_HEAD_BYTES + commit->size};
    /* Reserved and filled in place: the commit is copied once, into LMDB's page. */
    int failure = mdb_cursor_put(cursor, &key, &value, flags | MDB_RESERVE | MDB_NOOVERWRITE);
    if (failure)
        return failure;
    journal_value_head(bytes, commit, &seal, value.mv_data);
    memcpy((uint8_t *)value.mv_data + JOURNAL_HEAD_BYTES, commit->data, commit->size);
    return 0;
}

static int put_append(MDB_cursor *cursor, const struct joint *joint, const struct append *append)
{
    const struct journal *journal = joint->journal;
    /* In the last partition all keys of the append come after all others, and LMDB then fills pages whole instead of half. */
    bool last = journal->heads[journal->head_count - 1].partition == append->member.name;
    int failure = 0;
    for (size_t i = 0; i < append->count && !failure; i++)
        failure = put_commit(cursor, joint, append->member.name, &append->commits[i], last ? MDB_APPEND : 0);
    return failure;
}

static int put_appends(MDB_txn *txn, MDB_dbi dbi, const struct joint *joint)
{
    MDB_cursor *cursor;
    int failure = mdb_cursor_open(txn, dbi, &cursor);
    if (failure)
        return failure;
    for (struct append *at = next_admitted(joint->first); at && !failure; at = next_admitted(at->member.next))
        failure = put_append(cursor, joint, at);
    mdb_cursor_close(cursor);
    return failure;
}

static int run_transaction(struct environment *environment, void *arg)
{
    struct joint *joint = arg;
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (failure)
        return failure;
    joint->transaction = mdb_txn_id(txn);
    failure = put_appends(txn, environment->dbi, joint);
    if (failure) {
        mdb_txn_abort(txn);
        return failure;
    }
    joint->committing = true;
    failure = mdb_txn_commit(txn);
    if (failure)
        return failure;
    joint->flushing = true;
    return mdb_env_sync(environment->env, 1);
}

/* ---- when it fails ---- */

static uint64_t bytes_of(const struct joint *joint)
{
    uint64_t bytes = (uint64_t)1 << 20;
    for (const struct append *at = next_admitted(joint->first); at; at = next_admitted(at->member.next))
        bytes += at->member.bytes;
    return bytes;
}

/* LMDB calls a write that was cut short EIO. Most often that is a disk, or a limit, that was reached within the write. */
static int cause_of(const struct joint *joint, int failure)
{
    struct journal *journal = joint->journal;
    if (failure != EIO || !joint->committing || joint->flushing)
        return failure;
    uint64_t bytes = bytes_of(joint);
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

static void explain_failure(const struct joint *joint, int failure, trading_error *error)
{
    struct journal *journal = joint->journal;
    if (failure == ENVIRONMENT_BROKEN) {
        error_set(error, TRADING_E_DAMAGED,
                  "%s is damaged: LMDB found its own structure wrong while appending; nothing was "
                  "appended, check the store (in %s)",
                  JOURNAL_FILE, journal->folder->path);
        return;
    }
    failure = cause_of(joint, failure);
    journal->spent = true; /* what this one left of pages is not to be taken for another's */
    if (!joint->committing || (!joint->flushing && !meta_page_failed(&journal->environment))) {
        lmdb_failure(error, failure, "appending to", journal->folder->path, JOURNAL_FILE);
        return;
    }
    journal->uncertain = true;
    error_native(error, TRADING_E_OUTCOME_UNKNOWN, failure,
                 "appending to %s failed in its last step; ask for the head to "
                 "learn what happened (in %s)",
                 JOURNAL_FILE, journal->folder->path);
}

/* Each that was part of it is told so. */
static void joint_failed(const struct joint *joint, const trading_error *error)
{
    for (struct append *at = next_admitted(joint->first); at; at = next_admitted(at->member.next)) {
        at->code = error->code;
        if (at->error)
            *at->error = *error;
    }
}

/* ---- when it succeeds ---- */

/* With heads_lock. */
static void move_head(struct journal *journal, const struct append *append)
{
    bool found;
    const trading_store_commit *last = &append->commits[append->count - 1];
    trading_store_head *head = &journal->heads[journal_head_at(journal, append->member.name, &found)].head;
    *head = (trading_store_head){.next_position = last->first_position + last->event_count, .nonce = last->nonce};
    if (append->head)
        *append->head = *head;
}

static void joint_succeeded(const struct joint *joint)
{
    struct journal *journal = joint->journal;
    MDB_envinfo info;
    mdb_env_info(journal->environment.env, &info); /* fails for NULL only */
    uint64_t used = (info.me_last_pgno + 1) * journal->file.page_bytes;
    atomic_store_explicit(&journal->used, used, memory_order_relaxed);
    atomic_fetch_add_explicit(&journal->flushes, 1, memory_order_relaxed);
    writer_lock_publish(&journal->lock, joint->transaction);
    /* Together: who reads a commit is told of it by the head, and who is told of it can read it. */
    pthread_mutex_lock(&journal->heads_lock);
    atomic_store_explicit(&journal->durable, joint->transaction, memory_order_release);
    for (const struct append *at = next_admitted(joint->first); at; at = next_admitted(at->member.next))
        move_head(journal, at);
    pthread_mutex_unlock(&journal->heads_lock);
    lay_ahead_note(&journal->ahead, used);
}

/* ---- who is part of it ---- */

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

/* One that is refused fails by itself. */
static int32_t admit(struct journal *journal, const struct append *append)
{
    bool found;
    uint32_t partition = append->member.name;
    size_t at = journal_head_at(journal, partition, &found);
    trading_store_head stands = found ? journal->heads[at].head : (trading_store_head){0};
    if (append->head)
        *append->head = stands;
    if (append->commits[0].first_position != stands.next_position)
        return conflict(partition, &stands, append->commits[0].first_position, append->error);
    return found ? TRADING_OK : add_place(journal, partition, at, append->error);
}

static void append_jointly(struct joint *joint)
{
    struct journal *journal = joint->journal;
    trading_error error;
    if (journal_settle_locked(journal, &error)) {
        joint_failed(joint, &error);
        return;
    }
    for (struct group_member *at = joint->first; at; at = at->next)
        append_of(at)->code = admit(journal, append_of(at));
    if (!next_admitted(joint->first))
        return;
    for (const struct append *at = next_admitted(joint->first); at; at = next_admitted(at->member.next))
        joint->commits += at->count;
    int failure = journal->marked && !journal->spent ? 0 : journal_mark_set(journal);
    if (!failure)
        failure = environment_run(&journal->environment, run_transaction, joint);
    if (!failure) {
        joint_succeeded(joint);
        return;
    }
    explain_failure(joint, failure, &error);
    joint_failed(joint, &error);
}

void journal_append_group(void *arg, struct group_member *first)
{
    struct journal *journal = arg;
    struct joint joint = {.journal = journal, .first = first};
    pthread_mutex_lock(&journal->append_lock);
    append_jointly(&joint);
    pthread_mutex_unlock(&journal->append_lock);
}

/* ---- the calls ---- */

int32_t journal_append(struct journal *journal, uint32_t partition, const trading_store_commit *commits, size_t count,
                       trading_store_head *head, trading_error *error)
{
    struct append append = {.member = {.name = partition}, .commits = commits, .count = count, .head = head, .error = error};
    for (size_t i = 0; i < count; i++)
        append.member.bytes += commits[i].size;
    group_commit_join(&journal->appends, &append.member);
    return append.code;
}

/* Answers from memory, unless an append left the file to be asked. */
int32_t journal_head(struct journal *journal, uint32_t partition, trading_store_head *head, trading_error *error)
{
    if (journal->read_only)
        return journal_end(&journal->file, partition, head, error);
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
