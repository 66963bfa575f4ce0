#include "backends/lmdb/journal.h"

#include "backends/lmdb/lmdb_error.h"
#include "backends/lmdb/page_check.h"
#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- opening and closing ---- */

static uint64_t horizon_of_writer(void *arg)
{
    const struct journal *journal = arg;
    return atomic_load_explicit(&journal->durable, memory_order_acquire);
}

static uint64_t horizon_of_reader(void *arg)
{
    const struct journal *journal = arg;
    return writer_lock_horizon(&journal->lock);
}

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

int32_t journal_note_durable(struct journal *journal, trading_error *error)
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
    return journal_note_durable(journal, error);
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

static int32_t open_writer(struct journal *journal, trading_error *error)
{
    int32_t code = writer_lock_take(&journal->lock, journal->folder, error);
    if (!code)
        code = environment_create(journal->folder, JOURNAL_FILE, &journal_kind, error);
    if (!code)
        code = page_file_open(&journal->file, journal->folder, JOURNAL_FILE, journal->memory, error);
    if (!code)
        code = journal_go_back(journal, 0, error);
    if (!code)
        code = environment_identify(&journal->file, &journal_kind, &journal->format, error);
    if (!code)
        code = page_check_free(&journal->file, error);
    if (!code)
        code = journal_load_heads(journal, error);
    bool goes_forward = journal->redo.size > 0;
    if (!code)
        code = journal_open_environment(journal, error);
    if (!code && goes_forward)
        code = journal_load_heads(journal, error); /* those before were for the check of what LMDB follows */
    if (code)
        return code;
    journal->file.horizon = horizon_of_writer;
    journal->file.horizon_arg = journal;
    lay_ahead_open(&journal->ahead, journal->folder, JOURNAL_FILE, journal->memory);
    return TRADING_OK;
}

static int32_t open_reader(struct journal *journal, trading_error *error)
{
    writer_lock_look(&journal->lock, journal->folder);
    int32_t code = page_file_open(&journal->file, journal->folder, JOURNAL_FILE, journal->memory, error);
    if (code)
        return code;
    journal->file.horizon = horizon_of_reader;
    journal->file.horizon_arg = journal;
    code = journal_refuse_unsettled(journal, error);
    return code ? code : environment_identify(&journal->file, &journal_kind, NULL, error);
}

int32_t journal_open(struct journal *journal, const struct folder *folder, struct memory *memory, bool read_only,
                     uint64_t map_bytes, trading_error *error)
{
    *journal = (struct journal){.folder = folder, .memory = memory, .read_only = read_only, .map_bytes = map_bytes};
    journal->file.fd = journal->lock.fd = -1;
    group_commit_open(&journal->appends, journal_append_group, journal);
    pthread_mutex_init(&journal->append_lock, NULL);
    pthread_mutex_init(&journal->heads_lock, NULL);
    int32_t code = read_only ? open_reader(journal, error) : open_writer(journal, error);
    if (code)
        journal_close(journal);
    return code;
}

void journal_close(struct journal *journal)
{
    if (journal->ahead.memory)
        lay_ahead_close(&journal->ahead);
    if (journal->environment.env) {
        if (journal->marked && !journal->uncertain && !journal->environment.broken)
            (void)journal_mark_clear(journal); /* else the next writer asks for nothing whether the newest commits are whole */
        environment_close(&journal->environment);
    }
    page_file_close(&journal->file);
    writer_lock_close(&journal->lock);
    memory_release(journal->memory, journal->heads, journal->head_capacity * sizeof *journal->heads);
    memory_release(journal->memory, journal->redo.bytes, journal->redo.capacity);
    pthread_mutex_destroy(&journal->heads_lock);
    pthread_mutex_destroy(&journal->append_lock);
    group_commit_close(&journal->appends);
}
