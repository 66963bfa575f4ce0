/* Walking the whole journal without trusting it, and how large it is. */
#include "backends/lmdb/journal.h"
#include "backends/lmdb/page_check.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

/* How far the check is. */
struct progress {
    bool any;
    uint32_t partition;
    int64_t next;
};

static int32_t check_commit(void *arg, const struct page_file *file, uint64_t page, const struct page_entry *entry,
                            trading_error *error)
{
    struct progress *progress = arg;
    if (!entry) {
        *progress = (struct progress){0};
        return TRADING_OK;
    }
    if (entry->key_size == KIND_KEY_BYTES)
        return TRADING_OK; /* looked at when the file was opened */
    uint8_t value[PAGE_HEADER_BYTES + JOURNAL_HEAD_BYTES] = {0};
    uint64_t size = entry->value_size < JOURNAL_HEAD_BYTES ? entry->value_size : JOURNAL_HEAD_BYTES;
    int32_t code = TRADING_OK;
    if (entry->value)
        memcpy(value + PAGE_HEADER_BYTES, entry->value, size);
    else
        code = page_overflow(file, entry, size, value, error);
    if (code)
        return code;
    struct journal_record record;
    const char *wrong = journal_decode(entry->key, entry->key_size, value + PAGE_HEADER_BYTES, entry->value_size, &record);
    if (wrong)
        return page_damaged(file, page, error, "%s", wrong);
    const trading_store_commit *commit = &record.commit;
    int64_t expected = progress->any && record.partition == progress->partition ? progress->next : 0;
    if (commit->first_position != expected)
        return page_damaged(file, page, error, "partition %" PRIu32 " has no commit at position %" PRId64, record.partition,
                            expected);
    *progress =
        (struct progress){.any = true, .partition = record.partition, .next = commit->first_position + commit->event_count};
    return TRADING_OK;
}

static int32_t go_on(void *arg, const trading_store_commit *commit)
{
    (void)arg;
    (void)commit;
    return 0;
}

/* Beside a writer that does not rest: what is read is checked, but not which pages are free. */
static int32_t read_all(struct journal *journal, trading_error *error)
{
    uint32_t partition = UINT32_MAX;
    for (;;) {
        trading_store_head head;
        int32_t code = journal_last_partition(&journal->file, &partition, &head, error);
        if (code == TRADING_E_NOT_FOUND)
            return error_clear(error);
        if (!code)
            code = journal_read(journal, partition, 0, go_on, NULL, error);
        if (code || partition == 0)
            return code;
        partition--;
    }
}

int32_t journal_check(struct journal *journal, trading_error *error)
{
    int32_t code = journal_settle(journal, error);
    if (code)
        return code;
    struct progress progress;
    pthread_mutex_lock(&journal->append_lock); /* so that the file stands still */
    code = page_check_all(&journal->file, true, check_commit, &progress, error);
    pthread_mutex_unlock(&journal->append_lock);
    return code == TRADING_E_BUSY ? read_all(journal, error) : code;
}

static int32_t take_length(void *arg, const struct page_snapshot *snapshot, trading_error *error)
{
    (void)error;
    *(uint64_t *)arg = snapshot->last_page + 1;
    return TRADING_OK;
}

int32_t journal_info(struct journal *journal, trading_store_info *info, trading_error *error)
{
    uint64_t pages = 0;
    int32_t code = page_settle(&journal->file, take_length, &pages, error);
    if (code)
        return code;
    (void)file_size(journal->file.fd, &info->bytes_reserved); /* of an open file: does not fail */
    info->read_only = journal->read_only;
    info->bytes_used = pages * journal->file.page_bytes;
    info->syncs = atomic_load_explicit(&journal->flushes, memory_order_relaxed) +
                  atomic_load_explicit(&journal->ahead.flushes, memory_order_relaxed);
    return TRADING_OK;
}
