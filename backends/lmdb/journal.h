/* journal.mdb: the commits of all partitions, in LMDB's unnamed database, only ever appended to.
 *
 *   key    partition, 4 bytes big-endian; first position, 8 bytes big-endian. Commits lie in the order of partition and position.
 *   value  bytes 0 … 15   the writer's nonce
 *          bytes 16 … 23  the number of events, little-endian
 *          bytes 24 … 31  SipHash-2-4, with a key of zeros, of the key, the bytes above, and the size of what follows (8 bytes,
 *                         little-endian)
 *          bytes 32 …     the commit, opaque
 *
 * and one record with the key of a single zero byte, which says the kind and version of the file (environment.h).
 *
 * An append is one transaction of LMDB's, whatever the number of commits, or part of one: appends of several partitions that come while
 * another's transaction syncs share the next (group_commit.h). It is made durable by two flushes, the pages before the
 * meta page that refers to them. TRADING_DURABILITY_PROCESS leaves out the second (MDB_NOMETASYNC), so that a power loss takes the
 * newest append and nothing else: leaving out both (MDB_NOSYNC) would let the disk write the meta page first, and a power loss
 * could then cost the whole file. */
#ifndef LMDB_JOURNAL_H
#define LMDB_JOURNAL_H

#include "backends/lmdb/environment.h"
#include "backends/lmdb/files.h"
#include "backends/lmdb/group_commit.h"
#include "backends/lmdb/lay_ahead.h"
#include "backends/lmdb/pages.h"
#include "backends/lmdb/writer_lock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <trading/plugin/store.h>

#define JOURNAL_FILE       "journal.mdb"
#define JOURNAL_KEY_BYTES  12u
#define JOURNAL_HEAD_BYTES 32u
/* One write call takes a commit to the file, and takes less than 2 GiB. */
#define JOURNAL_COMMIT_MAX ((uint64_t)1 << 30)

struct partition_head {
    uint32_t partition;
    trading_store_head head;
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
    bool sync_meta;
    struct group_commit appends;
    pthread_mutex_t append_lock; /* of the file while a transaction of it is made, or it is to stand still */
    _Atomic bool uncertain;      /* set under append_lock: an append's outcome is not known, ask the file */
    pthread_mutex_t heads_lock;  /* of the heads, in order of partition */
    struct partition_head *heads;
    size_t head_count;
    size_t head_capacity;
    _Atomic uint64_t durable; /* the newest transaction that is as durable as was asked */
    _Atomic uint64_t used;    /* bytes of the file */
    _Atomic uint64_t flushes;
};

/* Takes the lock and opens, creating what is not there; read only neither locks nor creates. Every path that LMDB will follow to
 * append is checked before LMDB sees the file. */
int32_t journal_open(struct journal *journal, const struct folder *folder, struct memory *memory, bool read_only, bool sync,
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

/* Opens LMDB for writing and flushes: a process that was killed may have left its last commit in the page cache only. */
int32_t journal_open_environment(struct journal *journal, trading_error *error);
/* Takes what the environment says of itself as durable. */
int32_t journal_note_durable(struct journal *journal, trading_error *error);
/* Finds every partition's end, and so checks the pages that an append to any of them will touch. */
int32_t journal_load_heads(struct journal *journal, trading_error *error);
/* Makes the appends of a group, in one transaction: all or, but for those that are refused, none. */
void journal_append_group(void *journal, struct group_member *first);
/* Finds out how an append of unknown outcome ended, if there is one. */
int32_t journal_settle(struct journal *journal, trading_error *error);
/* The partition's place among the heads, or where it belongs, under heads_lock. */
size_t journal_head_at(const struct journal *journal, uint32_t partition, bool *found);
int32_t journal_add_head(struct journal *journal, uint32_t partition, const trading_store_head *head, size_t at,
                         trading_error *error);

void journal_key(uint32_t partition, int64_t position, uint8_t key[JOURNAL_KEY_BYTES]);
/* The bytes before the commit's. */
void journal_value_head(const uint8_t key[JOURNAL_KEY_BYTES], const trading_store_commit *commit,
                        uint8_t head[JOURNAL_HEAD_BYTES]);

/* What a key and the head of its value say; NULL, or what is wrong. value_size counts the head. `data` is not set. */
const char *journal_decode(const uint8_t *key, uint32_t key_size, const uint8_t *head, uint64_t value_size, uint32_t *partition,
                           trading_store_commit *commit);

/* Where the partition ends, as the file says. */
int32_t journal_end(struct journal *journal, uint32_t partition, trading_store_head *head, trading_error *error);
/* The partition with the highest number up to `*partition`, and where it ends. NOT_FOUND: none. */
int32_t journal_last_partition(struct journal *journal, uint32_t *partition, trading_store_head *head, trading_error *error);

#endif
