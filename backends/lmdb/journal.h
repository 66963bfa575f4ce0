/* journal.mdb: the commits of all partitions, in LMDB's unnamed database, only ever appended to.
 *
 *   key    partition, 4 bytes big-endian; first position, 8 bytes big-endian. Commits lie in the order of partition and position.
 *   value  bytes 0 … 15   the writer's nonce
 *          bytes 16 … 23  the number of events, little-endian, as all that follow
 *          bytes 24 … 31  SipHash-2-4, with a key of zeros, of the key, bytes 0 … 23, the size of the commit (8 bytes), and bytes 32 … 47
 *          bytes 32 … 39  how many commits the transaction has that appended it
 *          bytes 40 … 47  the commit's sum, under the secret that the file then had (journal_mark.c)
 *          bytes 48 …     the commit, opaque
 *
 * and one record with the key of a single zero byte, which says the kind and version of the file (environment.h). Values that were written in
 * version 1 have no bytes 32 … 47: their check covers neither, and the commit begins there.
 *
 * An append is one transaction of LMDB's, whatever the number of commits, or part of one: appends of several partitions that come while
 * another's transaction syncs share the next (group_commit.h). It is made durable by one flush, of its pages and of the meta page that
 * refers to them (MDB_NOSYNC, and then mdb_env_sync). The disk may write that meta page before the others, so that after a power loss the
 * newest transaction may be there without its pages, or half; it was not answered yet then. What the one before it refers to is
 * all there: it was flushed before the newest began, which writes none of its pages (pages.h). So when a file was not closed
 * (journal_mark.c), its next writer goes back by one transaction, and appends the commits of the newest again if all are whole (journal_recover.c). */
#ifndef LMDB_JOURNAL_H
#define LMDB_JOURNAL_H

#include "backends/lmdb/environment.h"
#include "backends/lmdb/files.h"
#include "backends/lmdb/group_commit.h"
#include "backends/lmdb/lay_ahead.h"
#include "backends/lmdb/pages.h"
#include "backends/lmdb/writer_lock.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <trading/plugin/store.h>

#define JOURNAL_FILE         "journal.mdb"
#define JOURNAL_KEY_BYTES    12u
#define JOURNAL_HEAD_BYTES   48u
#define JOURNAL_HEAD_BYTES_1 32u /* in version 1 of the file */
/* One write call takes a commit to the file, and takes less than 2 GiB. */
#define JOURNAL_COMMIT_MAX ((uint64_t)1 << 30)

struct partition_head {
    uint32_t partition;
    trading_store_head head;
};

/* By what a commit is told to be whole. */
struct journal_seal {
    uint64_t commits; /* that its transaction has; 0: written in version 1, which does not say */
    uint64_t sum;
};

struct journal_record {
    uint32_t partition;
    trading_store_commit commit;
    uint32_t head_bytes; /* of the value, before the commit */
    struct journal_seal seal;
};

/* Commits that are to be appended again, as their file has them (journal_recover.c). */
struct journal_redo {
    uint8_t *bytes;
    size_t size; /* 0: there are none */
    size_t capacity;
};

struct journal {
    const struct folder *folder;
    struct memory *memory;
    struct page_file file; /* for reading */
    struct writer_lock lock;
    bool read_only;

    /* The rest is the writer's. */
    struct environment environment;
    struct lay_ahead ahead;
    uint64_t map_bytes;
    uint32_t format; /* of the file */
    bool marked;     /* the file says that it is being written */
    bool spent;      /* … and is to say so anew, with another secret, before the next append */
    struct hash_secret secret;
    struct journal_redo redo;
    struct group_commit appends;
    pthread_mutex_t append_lock; /* of the file while a transaction of it is made, or it is to stand still */
    _Atomic bool uncertain;      /* set under append_lock: an append's outcome is not known, ask the file */
    pthread_mutex_t heads_lock;  /* of the heads, in order of partition */
    struct partition_head *heads;
    size_t head_count;
    size_t head_capacity;
    _Atomic uint64_t durable; /* the newest transaction that is flushed */
    _Atomic uint64_t used;    /* bytes of the file */
    _Atomic uint64_t flushes;
};

/* Takes the lock and opens, creating what is not there; read only neither locks nor creates. Every path that LMDB will follow to
 * append is checked before LMDB sees the file. */
int32_t journal_open(struct journal *journal, const struct folder *folder, struct memory *memory, bool read_only,
                     uint64_t map_bytes, trading_error *error);
void journal_close(struct journal *journal);

int32_t journal_head(struct journal *journal, uint32_t partition, trading_store_head *head, trading_error *error);
int32_t journal_append(struct journal *journal, uint32_t partition, const trading_store_commit *commits, size_t count,
                       trading_store_head *head, trading_error *error);
int32_t journal_read(struct journal *journal, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                     trading_error *error);
int32_t journal_info(struct journal *journal, trading_store_info *info, trading_error *error);
int32_t journal_check(struct journal *journal, trading_error *error);

/* ---- between the journal's own files ---- */

/* Makes the appends of a group, in one transaction: all or, but for those that are refused, none. */
void journal_append_group(void *journal, struct group_member *first);

void journal_key(uint32_t partition, int64_t position, uint8_t key[JOURNAL_KEY_BYTES]);
/* The bytes before the commit's. */
void journal_value_head(const uint8_t key[JOURNAL_KEY_BYTES], const trading_store_commit *commit,
                        const struct journal_seal *seal, uint8_t head[JOURNAL_HEAD_BYTES]);
/* What a key and the head of its value say; NULL, or what is wrong. value_size counts the head. `data` is not set. */
const char *journal_decode(const uint8_t *key, uint32_t key_size, const uint8_t *head, uint64_t value_size,
                           struct journal_record *record);

/* Reads a partition's commits from the one that holds the position on, until the visitor returns other than 0. */
typedef int32_t (*journal_visit)(void *arg, const struct journal_record *record);
int32_t journal_read_records(const struct page_file *file, uint32_t partition, int64_t from, journal_visit visit, void *arg,
                             trading_error *error);
/* Where the partition ends, as the file says. */
int32_t journal_end(const struct page_file *file, uint32_t partition, trading_store_head *head, trading_error *error);
/* The partition with the highest number up to `*partition`, and where it ends. NOT_FOUND: none. */
int32_t journal_last_partition(const struct page_file *file, uint32_t *partition, trading_store_head *head,
                               trading_error *error);

/* ---- where it stands (journal_settle.c) ---- */

/* Opens LMDB for writing, flushes, and appends what is to be appended again. */
int32_t journal_open_environment(struct journal *journal, trading_error *error);
/* Finds every partition's end, and so checks the pages that an append to any of them will touch. */
int32_t journal_load_heads(struct journal *journal, trading_error *error);
/* The partition's place among the heads, or where it belongs, under heads_lock. */
size_t journal_head_at(const struct journal *journal, uint32_t partition, bool *found);
int32_t journal_add_head(struct journal *journal, uint32_t partition, const trading_store_head *head, size_t at,
                         trading_error *error);
/* Finds out how an append of unknown outcome ended, if there is one; under append_lock, and by itself. */
int32_t journal_settle_locked(struct journal *journal, trading_error *error);
int32_t journal_settle(struct journal *journal, trading_error *error);

/* ---- the mark that the file is being written (journal_mark.c) ---- */

struct journal_mark {
    bool found;       /* else it was closed */
    bool same_system; /* the operating system has not ended since, so all that was written is to be seen */
    uint64_t settled; /* the newest transaction of when the mark was made, flushed for sure */
    struct hash_secret secret;
};

int32_t journal_mark_read(const struct page_file *file, struct journal_mark *mark, trading_error *error);
/* 0, or errno; flush. While LMDB has the file open. */
int journal_mark_set(struct journal *journal);
int journal_mark_clear(struct journal *journal);

/* ---- the newest transaction of a file that was not closed, or whose flush failed (journal_recover.c) ---- */

/* While LMDB does not have the file open. Transactions up to `settled` are flushed for sure, and what readers were told of is as well. One
 * that comes after it is taken back, and its commits are kept to be appended again, on the disk and in `redo`, if all are whole. */
int32_t journal_go_back(struct journal *journal, uint64_t settled, trading_error *error);
/* Once LMDB has it open, and flushes twice. Appends what is in `redo`, and lets it go. */
int32_t journal_go_forward(struct journal *journal, trading_error *error);
/* Refuses a file whose newest commits only a writer can tell to be whole, or has yet to append again. */
int32_t journal_refuse_unsettled(const struct journal *journal, trading_error *error);

#endif
