/* Where a journal stands: LMDB opened for it, what is durable, and where each partition ends; at opening, and once more after an append of
 * which LMDB could not say how it ended. */
#include "backends/lmdb/journal.h"
#include "backends/lmdb/lmdb_error.h"
#include "backends/lmdb/page_check.h"
#include "base/error.h"

#include <string.h>

/* ---- where partitions end ---- */

size_t journal_head_at(const struct journal *journal, uint32_t partition, bool *found)
{
    size_t low = 0;
    size_t high = journal->head_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journal->heads[middle].partition < partition)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < journal->head_count && journal->heads[low].partition == partition;
    return low;
}

int32_t journal_add_head(struct journal *journal, uint32_t partition, const trading_store_head *head, size_t at,
                         trading_error *error)
{
    if (memory_grow(journal->memory, (void **)&journal->heads, &journal->head_capacity, journal->head_count + 1,
                    sizeof *journal->heads))
        return error_no_memory(error, "the heads of the partitions");
    memmove(journal->heads + at + 1, journal->heads + at, (journal->head_count - at) * sizeof *journal->heads);
    journal->heads[at] = (struct partition_head){.partition = partition, .head = *head};
    journal->head_count++;
    return TRADING_OK;
}

static void reverse_heads(struct journal *journal)
{
    for (size_t i = 0; i < journal->head_count / 2; i++) {
        struct partition_head *other = &journal->heads[journal->head_count - 1 - i];
        struct partition_head kept = journal->heads[i];
        journal->heads[i] = *other;
        *other = kept;
    }
}

int32_t journal_load_heads(struct journal *journal, trading_error *error)
{
    journal->head_count = 0;
    uint32_t partition = UINT32_MAX;
    int32_t code = TRADING_OK;
    while (!code) { /* from the highest number down, each time looking for the end of what is below */
        trading_store_head head;
        code = journal_last_partition(&journal->file, &partition, &head, error);
        if (!code)
            code = journal_add_head(journal, partition, &head, journal->head_count, error);
        if (!code && partition-- == 0)
            break;
    }
    reverse_heads(journal);
    return code == TRADING_E_NOT_FOUND ? error_clear(error) : code;
}

/* ---- opening LMDB ---- */

static int32_t note_durable(struct journal *journal, trading_error *error)
{
    MDB_envinfo info;
    int failure = mdb_env_info(journal->environment.env, &info);
    if (failure)
        return lmdb_failure(error, failure, "reading", journal->folder->path, JOURNAL_FILE);
    atomic_store_explicit(&journal->used, (info.me_last_pgno + 1) * journal->file.page_bytes, memory_order_relaxed);
    atomic_store_explicit(&journal->durable, info.me_last_txnid, memory_order_release);
    writer_lock_publish(&journal->lock, info.me_last_txnid);
    return TRADING_OK;
}

/* Two flushes a transaction, as LMDB does by itself, until what was found is settled. */
static int32_t settle_environment(struct journal *journal, trading_error *error)
{
    int failure = mdb_env_sync(journal->environment.env, 1);
    atomic_fetch_add_explicit(&journal->flushes, 1, memory_order_relaxed);
    if (failure)
        return lmdb_failure(error, failure, "flushing", journal->folder->path, JOURNAL_FILE);
    int32_t code = journal_go_forward(journal, error);
    if (code)
        return code;
    if (journal->format != journal_kind.format)
        failure = environment_raise(&journal->environment, &journal_kind);
    if (!failure && journal->marked)
        failure = journal_mark_clear(journal);
    if (!failure)
        failure = mdb_env_set_flags(journal->environment.env, MDB_NOSYNC, 1);
    if (failure)
        return lmdb_failure(error, failure, "opening", journal->folder->path, JOURNAL_FILE);
    journal->format = journal_kind.format;
    return note_durable(journal, error);
}

int32_t journal_open_environment(struct journal *journal, trading_error *error)
{
    int32_t code =
        environment_open(&journal->environment, journal->folder, JOURNAL_FILE, journal->map_bytes, ENVIRONMENT_ALONE, error);
    if (code)
        return code;
    code = settle_environment(journal, error);
    if (code)
        environment_close(&journal->environment);
    return code;
}

/* ---- after a failure ---- */

/* Opens LMDB anew after it failed within a commit, as one opens a file that was not closed: what it then says is the outcome. */
static int32_t reopen(struct journal *journal, trading_error *error)
{
    environment_close(&journal->environment);
    struct page_file unbounded = journal->file;
    unbounded.horizon = NULL;
    int32_t code = journal_go_back(journal, atomic_load_explicit(&journal->durable, memory_order_relaxed), error);
    if (!code)
        code = page_check_free(&unbounded, error);
    if (!code)
        code = journal_open_environment(journal, error);
    if (code)
        return code;
    pthread_mutex_lock(&journal->heads_lock);
    code = journal_load_heads(journal, error);
    pthread_mutex_unlock(&journal->heads_lock);
    return code;
}

int32_t journal_settle_locked(struct journal *journal, trading_error *error)
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
    int32_t code = journal_settle_locked(journal, error);
    pthread_mutex_unlock(&journal->append_lock);
    return code;
}
