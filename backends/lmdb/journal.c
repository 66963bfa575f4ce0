#include "backends/lmdb/journal.h"

#include "backends/lmdb/lmdb_error.h"
#include "backends/lmdb/page_check.h"
#include "base/error.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

/* ---- layout ---- */

void journal_key(uint32_t partition, int64_t position, uint8_t key[JOURNAL_KEY_BYTES])
{
    uint32_t high = htobe32(partition);
    uint64_t low = htobe64((uint64_t)position);
    memcpy(key, &high, sizeof high);
    memcpy(key + sizeof high, &low, sizeof low);
}

static uint64_t head_check(const uint8_t key[JOURNAL_KEY_BYTES], const uint8_t head[JOURNAL_HEAD_BYTES], uint64_t data_size)
{
    static const uint8_t zeros[crypto_shorthash_KEYBYTES];
    uint8_t message[JOURNAL_KEY_BYTES + 24 + sizeof data_size];
    memcpy(message, key, JOURNAL_KEY_BYTES);
    memcpy(message + JOURNAL_KEY_BYTES, head, 24);
    memcpy(message + JOURNAL_KEY_BYTES + 24, &data_size, sizeof data_size);
    uint64_t check;
    _Static_assert(crypto_shorthash_BYTES == sizeof check, "the check is one word");
    crypto_shorthash((uint8_t *)&check, message, sizeof message, zeros);
    return check;
}

void journal_value_head(const uint8_t key[JOURNAL_KEY_BYTES], const trading_store_commit *commit,
                        uint8_t head[JOURNAL_HEAD_BYTES])
{
    memcpy(head, commit->nonce.bytes, 16);
    memcpy(head + 16, &commit->event_count, 8);
    uint64_t check = head_check(key, head, commit->size);
    memcpy(head + 24, &check, 8);
}

const char *journal_decode(const uint8_t *key, uint32_t key_size, const uint8_t *head, uint64_t value_size, uint32_t *partition,
                           trading_store_commit *commit)
{
    if (key_size != JOURNAL_KEY_BYTES)
        return "a key is no commit's";
    if (value_size <= JOURNAL_HEAD_BYTES)
        return "a commit is too short";
    uint32_t high;
    uint64_t low;
    uint64_t check;
    memcpy(&high, key, sizeof high);
    memcpy(&low, key + sizeof high, sizeof low);
    memcpy(&check, head + 24, sizeof check);
    commit->size = value_size - JOURNAL_HEAD_BYTES;
    if (check != head_check(key, head, commit->size))
        return "a commit's head does not match its check";
    *partition = be32toh(high);
    commit->first_position = (int64_t)be64toh(low);
    memcpy(commit->nonce.bytes, head, 16);
    memcpy(&commit->event_count, head + 16, 8);
    if (commit->first_position < 0 || commit->event_count < 1 || commit->event_count > INT64_MAX - commit->first_position)
        return "a commit's positions are impossible";
    return NULL;
}

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
        code = journal_last_partition(journal, &partition, &head, error);
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

int32_t journal_open_environment(struct journal *journal, trading_error *error)
{
    int32_t code = environment_open(&journal->environment, journal->folder, JOURNAL_FILE, journal->map_bytes,
                                    ENVIRONMENT_ALONE | (journal->sync_meta ? 0 : MDB_NOMETASYNC), error);
    if (code)
        return code;
    int failure = mdb_env_sync(journal->environment.env, 1);
    atomic_fetch_add_explicit(&journal->flushes, 1, memory_order_relaxed);
    code = failure ? lmdb_failure(error, failure, "flushing", journal->folder->path, JOURNAL_FILE)
                   : journal_note_durable(journal, error);
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
        code = environment_identify(&journal->file, &journal_kind, error);
    if (!code)
        code = page_check_free(&journal->file, error);
    if (!code)
        code = journal_load_heads(journal, error);
    if (!code)
        code = journal_open_environment(journal, error);
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
    return environment_identify(&journal->file, &journal_kind, error);
}

int32_t journal_open(struct journal *journal, const struct folder *folder, struct memory *memory, bool read_only, bool sync,
                     uint64_t map_bytes, trading_error *error)
{
    *journal =
        (struct journal){.folder = folder, .memory = memory, .read_only = read_only, .sync_meta = sync, .map_bytes = map_bytes};
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
        /* The newest meta page may not be flushed yet; SYNC has flushed it. */
        if (!journal->sync_meta)
            mdb_env_sync(journal->environment.env, 1);
        environment_close(&journal->environment);
    }
    page_file_close(&journal->file);
    writer_lock_close(&journal->lock);
    memory_release(journal->memory, journal->heads, journal->head_capacity * sizeof *journal->heads);
    pthread_mutex_destroy(&journal->heads_lock);
    pthread_mutex_destroy(&journal->append_lock);
    group_commit_close(&journal->appends);
}
