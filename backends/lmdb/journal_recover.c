/* The newest transaction of a journal that was not closed, or whose flush failed: it may be there without its pages, or with some.
 * Whether it was answered is not known here, unless readers were told of it, who are told of what is flushed (writer_lock.h). If it was, it was
 * flushed, and its commits are whole: so those that are whole are kept and appended again, and those that are not were never answered and are
 * given up. The way, each step of which may be cut short and is then done again from the beginning:
 *
 *  1. The commits are read, and written to `journal.redo`, if all that the transaction had are found and their sums are right.
 *  2. The meta page of the newest transaction is overwritten with what the one before it has: that transaction is no more. Its pages are
 *     free, and may be written, from here on.
 *  3. LMDB opens the file, and the commits are appended as one transaction, with two flushes (journal_open_environment).
 *  4. `journal.redo` is removed.
 *
 * While there is a journal.redo, nothing else is appended; so one that is found belongs to the transaction that the file ends
 * with, or ended with.
 *
 *   journal.redo   bytes 0 … 15   "trading redo    "
 *                  bytes 16 … 23  the transaction before the one that was taken back
 *                  bytes 24 …     for each commit: its key; the size of its value, 8 bytes; its value (journal.h)
 *                  then           BLAKE2b-256 of all before it */
#include "backends/lmdb/journal.h"
#include "backends/lmdb/lmdb_error.h"
#include "base/bytes.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define REDO_FILE         "journal.redo"
#define REDO_FILE_NEW     "journal.redo.new"
#define REDO_TEXT         "trading redo    "
#define REDO_HEAD_BYTES   24u
#define REDO_RECORD_BYTES (JOURNAL_KEY_BYTES + sizeof(uint64_t)) /* before the value */
#define REDO_DIGEST_BYTES 32u

/* ---- what is to be appended again ---- */

static int32_t redo_add(struct journal *journal, const void *bytes, size_t size, trading_error *error)
{
    struct journal_redo *redo = &journal->redo;
    if (memory_grow(journal->memory, (void **)&redo->bytes, &redo->capacity, redo->size + size, 1))
        return error_no_memory(error, "the newest commits");
    memcpy(redo->bytes + redo->size, bytes, size);
    redo->size += size;
    return TRADING_OK;
}

static void redo_drop(struct journal *journal)
{
    memory_release(journal->memory, journal->redo.bytes, journal->redo.capacity);
    journal->redo = (struct journal_redo){0};
}

static uint64_t redo_before(const struct journal_redo *redo)
{
    uint64_t before;
    memcpy(&before, redo->bytes + 16, sizeof before);
    return before;
}

static void redo_digest(const struct journal_redo *redo, size_t size, uint8_t digest[REDO_DIGEST_BYTES])
{
    crypto_generichash(digest, REDO_DIGEST_BYTES, redo->bytes, size, NULL, 0);
}

static bool redo_is_whole(const struct journal_redo *redo)
{
    uint8_t digest[REDO_DIGEST_BYTES];
    if (redo->size <= REDO_HEAD_BYTES + REDO_DIGEST_BYTES || memcmp(redo->bytes, REDO_TEXT, 16) != 0)
        return false;
    redo_digest(redo, redo->size - REDO_DIGEST_BYTES, digest);
    return memcmp(digest, redo->bytes + redo->size - REDO_DIGEST_BYTES, sizeof digest) == 0;
}

static int32_t read_redo(struct journal *journal, int fd, trading_error *error)
{
    uint64_t size;
    int failure = file_size(fd, &size);
    struct journal_redo *redo = &journal->redo;
    if (!failure && memory_grow(journal->memory, (void **)&redo->bytes, &redo->capacity, size, 1))
        return error_no_memory(error, "the newest commits");
    ssize_t got = failure ? 0 : file_read(fd, redo->bytes, size, 0);
    if (failure || got < 0)
        return lmdb_failure(error, failure ? failure : errno, "reading", journal->folder->path, REDO_FILE);
    redo->size = (size_t)got;
    if (redo_is_whole(redo))
        return TRADING_OK;
    return error_set(error, TRADING_E_DAMAGED, "%s, which has the newest commits, is damaged (in %s)", REDO_FILE,
                     journal->folder->path);
}

/* Reads the file, if there is one. */
static int32_t redo_load(struct journal *journal, trading_error *error)
{
    int fd = file_open(journal->folder, REDO_FILE, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? TRADING_OK : lmdb_failure(error, errno, "opening", journal->folder->path, REDO_FILE);
    int32_t code = read_redo(journal, fd, error);
    close(fd);
    return code;
}

static int write_redo(const struct journal *journal)
{
    int fd = file_open(journal->folder, REDO_FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return errno;
    int failure = file_write(fd, journal->redo.bytes, journal->redo.size, 0);
    if (!failure && fsync(fd))
        failure = errno;
    close(fd);
    if (!failure)
        failure = folder_rename(journal->folder, REDO_FILE_NEW, REDO_FILE);
    if (failure)
        unlinkat(journal->folder->fd, REDO_FILE_NEW, 0); /* a disk that is full needs the room */
    return failure;
}

static int32_t redo_save(struct journal *journal, trading_error *error)
{
    uint8_t digest[REDO_DIGEST_BYTES];
    redo_digest(&journal->redo, journal->redo.size, digest);
    int32_t code = redo_add(journal, digest, sizeof digest, error);
    if (code)
        return code;
    int failure = write_redo(journal);
    return failure ? lmdb_failure(error, failure, "writing", journal->folder->path, REDO_FILE) : TRADING_OK;
}

/* ---- whether the newest transaction's commits are whole ---- */

/* A transaction that is being looked at. */
struct inquiry {
    struct journal *journal;
    const struct hash_secret *secret; /* that its commits are summed with */
    struct page_file newest;          /* the journal as that transaction left it, */
    struct page_file settled;         /* and as the one before did */
    uint64_t before;                  /* that one */
    uint64_t found;
    uint64_t expected; /* as the commits say; 0: none was found */
    bool whole;        /* all that were found are */
    int32_t code;
    trading_error *error;
};

static uint64_t horizon_before(void *arg)
{
    const struct inquiry *inquiry = arg;
    return inquiry->before;
}

static int32_t keep_record(struct journal *journal, const struct journal_record *record, trading_error *error)
{
    uint8_t head[REDO_RECORD_BYTES];
    uint64_t size = record->head_bytes + record->commit.size;
    journal_key(record->partition, record->commit.first_position, head);
    memcpy(head + JOURNAL_KEY_BYTES, &size, sizeof size);
    int32_t code = redo_add(journal, head, sizeof head, error);
    return code ? code : redo_add(journal, (const uint8_t *)record->commit.data - record->head_bytes, size, error);
}

static int32_t take_record(void *arg, const struct journal_record *record)
{
    struct inquiry *inquiry = arg;
    uint64_t commits = record->seal.commits;
    if (!inquiry->found++)
        inquiry->expected = commits;
    inquiry->whole = inquiry->whole && commits && commits == inquiry->expected &&
                     record->seal.sum == hash_keyed_bytes(inquiry->secret, record->commit.data, record->commit.size);
    if (inquiry->whole)
        inquiry->code = keep_record(inquiry->journal, record, inquiry->error);
    return inquiry->code || !inquiry->whole;
}

static int32_t take_partition(struct inquiry *inquiry, uint32_t partition, int64_t end)
{
    trading_store_head head;
    int32_t code = journal_end(&inquiry->settled, partition, &head, inquiry->error);
    if (code) { /* in what is flushed: not a question of what the power loss left */
        inquiry->code = code;
        return code;
    }
    if (head.next_position >= end)
        return TRADING_OK;
    code = journal_read_records(&inquiry->newest, partition, head.next_position, take_record, inquiry, inquiry->error);
    return code ? code : inquiry->code;
}

/* Finds what the newest transaction has that the one before it has not. */
static int32_t take_all(struct inquiry *inquiry)
{
    uint32_t partition = UINT32_MAX;
    for (;;) {
        trading_store_head head;
        int32_t code = journal_last_partition(&inquiry->newest, &partition, &head, inquiry->error);
        if (!code)
            code = take_partition(inquiry, partition, head.next_position);
        if (code || !inquiry->whole || partition-- == 0)
            return code;
    }
}

/* Leaves the commits in `redo` when all of them are whole, else nothing. */
static int32_t inquire(struct journal *journal, uint64_t before, const struct hash_secret *secret, trading_error *error)
{
    struct inquiry inquiry = {.journal = journal,
                              .secret = secret,
                              .newest = journal->file,
                              .settled = journal->file,
                              .before = before,
                              .whole = true,
                              .error = error};
    inquiry.newest.horizon = NULL;
    inquiry.settled.horizon = horizon_before;
    inquiry.settled.horizon_arg = &inquiry;
    int32_t code = redo_add(journal, REDO_TEXT, 16, error);
    if (!code)
        code = redo_add(journal, &before, sizeof before, error);
    if (!code)
        code = take_all(&inquiry);
    if (code == TRADING_E_NOT_FOUND || (code == TRADING_E_DAMAGED && !inquiry.code)) {
        inquiry.whole = inquiry.whole && code == TRADING_E_NOT_FOUND;
        code = error_clear(error);
    }
    if (code || !inquiry.whole || !inquiry.found || inquiry.found != inquiry.expected)
        redo_drop(journal);
    return code;
}

/* ---- back, and forward again ---- */

static int write_meta(const struct journal *journal, const struct meta_record *meta)
{
    int fd = file_open(journal->folder, JOURNAL_FILE, O_RDWR);
    if (fd < 0)
        return errno;
    const size_t begin = offsetof(struct meta_record, map_bytes); /* as LMDB does */
    uint64_t at = (meta->transaction & 1) * journal->file.page_bytes + PAGE_HEADER_BYTES + begin;
    int failure = file_write(fd, (const uint8_t *)meta + begin, sizeof *meta - begin, at);
    if (!failure && fdatasync(fd))
        failure = errno;
    close(fd);
    return failure;
}

/* Makes the transaction the newest. LMDB goes by the greater number, so the other meta page becomes this one's with a smaller. */
static int32_t take_back(struct journal *journal, const struct meta_record metas[2], uint64_t before, trading_error *error)
{
    struct meta_record meta = metas[before & 1];
    meta.transaction = before - 1;
    int failure = write_meta(journal, &meta);
    return failure ? lmdb_failure(error, failure, "writing", journal->folder->path, JOURNAL_FILE) : TRADING_OK;
}

static uint64_t newest_of(const struct meta_record metas[2])
{
    return metas[0].transaction > metas[1].transaction ? metas[0].transaction : metas[1].transaction;
}

static bool follow_each_other(const struct meta_record metas[2])
{
    return metas[0].transaction + 1 == metas[1].transaction || metas[1].transaction + 1 == metas[0].transaction;
}

/* Whether nobody knows yet that the newest transaction was flushed. */
static bool newest_is_in_question(const struct journal *journal, const struct journal_mark *mark,
                                  const struct meta_record metas[2])
{
    uint64_t newest = newest_of(metas);
    bool published = newest == writer_lock_horizon(&journal->lock);
    return newest > mark->settled && !published && page_newest_adds(metas);
}

static int32_t look_at_newest(struct journal *journal, const struct meta_record metas[2], uint64_t settled,
                              trading_error *error)
{
    struct journal_mark mark;
    int32_t code = journal_mark_read(&journal->file, &mark, error);
    if (code || !mark.found)
        return code;
    journal->marked = true;
    uint64_t newest = newest_of(metas);
    if (newest <= settled || !newest_is_in_question(journal, &mark, metas))
        return TRADING_OK;
    code = inquire(journal, newest - 1, &mark.secret, error);
    if (!code && journal->redo.size)
        code = redo_save(journal, error);
    return code ? code : take_back(journal, metas, newest - 1, error);
}

static int32_t follow_redo(struct journal *journal, const struct meta_record metas[2], trading_error *error)
{
    uint64_t before = redo_before(&journal->redo);
    uint64_t newest = newest_of(metas);
    journal->marked = true;
    if (newest == before)
        return TRADING_OK;
    if (newest == before + 1)
        return take_back(journal, metas, before, error);
    return error_set(error, TRADING_E_DAMAGED,
                     "%s belongs to another %s than this: it follows transaction %" PRIu64 ", the newest is %" PRIu64
                     " (in %s)",
                     REDO_FILE, JOURNAL_FILE, before, newest, journal->folder->path);
}

int32_t journal_go_back(struct journal *journal, uint64_t settled, trading_error *error)
{
    struct meta_record metas[2];
    redo_drop(journal); /* of an attempt that failed */
    int32_t code = page_metas(&journal->file, metas, error);
    if (!code && !follow_each_other(metas))
        return TRADING_OK; /* a new file's; or damage, which whoever reads it next will find */
    if (!code)
        code = redo_load(journal, error);
    if (!code)
        code = journal->redo.size ? follow_redo(journal, metas, error) : look_at_newest(journal, metas, settled, error);
    if (code)
        redo_drop(journal);
    return code;
}

static int put_again(MDB_txn *txn, MDB_dbi dbi, const struct journal_redo *redo)
{
    struct reader reader = {.at = redo->bytes + REDO_HEAD_BYTES, .end = redo->bytes + redo->size - REDO_DIGEST_BYTES};
    int failure = 0;
    while (!failure && reader.at < reader.end) {
        const uint8_t *key_bytes = read_bytes(&reader, JOURNAL_KEY_BYTES);
        uint64_t size;
        read_copy(&reader, &size, sizeof size);
        const uint8_t *value_bytes = read_bytes(&reader, size);
        if (reader.bad)
            return MDB_CORRUPTED;
        MDB_val key = mdb_bytes(key_bytes, JOURNAL_KEY_BYTES);
        MDB_val value = mdb_bytes(value_bytes, size);
        failure = mdb_put(txn, dbi, &key, &value, MDB_NOOVERWRITE);
    }
    return failure;
}

static int append_again(struct environment *environment, void *arg)
{
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (failure)
        return failure;
    failure = put_again(txn, environment->dbi, arg);
    if (!failure)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return failure;
}

int32_t journal_go_forward(struct journal *journal, trading_error *error)
{
    if (!journal->redo.size)
        return TRADING_OK;
    int failure = environment_run(&journal->environment, append_again, &journal->redo);
    if (failure)
        return lmdb_failure(error, failure, "appending the newest commits again to", journal->folder->path, JOURNAL_FILE);
    atomic_fetch_add_explicit(&journal->flushes, 2, memory_order_relaxed);
    if (unlinkat(journal->folder->fd, REDO_FILE, 0))
        failure = errno;
    if (!failure)
        failure = folder_sync(journal->folder);
    if (failure)
        return lmdb_failure(error, failure, "removing", journal->folder->path, REDO_FILE);
    redo_drop(journal);
    return TRADING_OK;
}

int32_t journal_refuse_unsettled(const struct journal *journal, trading_error *error)
{
    struct journal_mark mark;
    struct meta_record metas[2];
    int32_t code = journal_mark_read(&journal->file, &mark, error);
    if (code || !mark.found || mark.same_system)
        return code;
    code = page_metas(&journal->file, metas, error);
    if (code)
        return code;
    bool to_come = folder_has(journal->folder, REDO_FILE);
    if (!to_come && !newest_is_in_question(journal, &mark, metas))
        return TRADING_OK;
    return error_set(
        error, TRADING_E_READ_ONLY,
        "%s was being written when the machine stopped; open the store for writing once, which finds out whether the "
        "newest commits are whole (in %s)",
        JOURNAL_FILE, journal->folder->path);
}
