/* A partition's log: blocks in buckets.
 *
 * A block is what one append brought: one commit or more. The blocks of a bucket are rows of one Cassandra partition, which also has
 * the bucket's head as static columns: where its newest block ends (`next_position`), and whether it is `sealed`. An append is one
 * lightweight transaction on that Cassandra partition, which writes the block's row and the new head together,
 *
 *      IF next_position = [where the block begins] AND sealed = false
 *
 * and an append that takes the bucket past its size also sets `sealed`. The first block of the next bucket goes in
 * IF next_position = null AND sealed = null. Nothing else ever writes these columns. So, by induction over the transactions of a
 * partition, which Cassandra puts in one order for each bucket:
 *
 * 1. Within a bucket no gap and no overlap. A block at p goes in only when the bucket's head is p, and moves it to where the block
 *    ends, in the same step. So the heads that a bucket ever has are exactly the ends of its blocks, and a writer that believes
 *    in another head, older or invented, finds its condition false, wherever its block would lie. (A condition on the block's own row,
 *    IF NOT EXISTS, would let a stale writer in at any p that is not the beginning of a block.)
 * 2. A sealed bucket has its last head for ever: sealing is the end of the block that did it, and after it no condition holds.
 * 3. A writer puts a first block into bucket b + 1 only when it has seen b sealed, at p say; by 2 every writer that sees b sealed
 *    sees p. So all first blocks that are ever tried in b + 1 begin at p, and one of them gets in. A stale writer that has not
 *    seen b sealed tries b, in vain by 2; one that takes b + 1 for empty when it is not fails there, since its head is not null.
 *
 * Of two writers with the same head one is first and the other's condition is false, whichever of both sees its answer. */
#ifndef CASSANDRA_JOURNAL_H
#define CASSANDRA_JOURNAL_H

#include "backends/cassandra/store.h"

/* Where a partition stands, and in which bucket. */
struct place {
    struct place *next;
    uint32_t partition;
    bool sure; /* it was asked at serial consistency, and every append since then has ended with an answer */
    bool sealed;
    uint32_t doubts; /* how often that ended */
    int32_t bucket;  /* the newest one */
    int64_t bucket_bytes;
    int64_t total_bytes;
    trading_store_head head;
};

/* Where the partition stands now. A writer that is not sure asks at serial consistency, so that nothing in the middle of being
 * decided is overlooked: it is the one whose next append would decide it. Others see all that was ever answered. `beyond`: the partition
 * is known to stand there or further on. */
int32_t journal_locate(struct cassandra *store, uint32_t partition, int64_t beyond, struct place *place, trading_error *error);
/* The last that was seen, without asking; false when nothing was. */
bool journal_known(struct cassandra *store, uint32_t partition, struct place *place);
/* Keeps what was seen. Without memory it is forgotten, and asked for again. */
void journal_note(struct cassandra *store, const struct place *place);
void journal_doubt(struct cassandra *store, uint32_t partition); /* no longer sure */
void journal_forget(struct cassandra *store);                    /* all places, at close */

/* ---- append.c, read.c: the arguments are checked ---- */

/* An append on its way. */
struct block {
    uint8_t id[BLOCK_ID_BYTES]; /* by which it is told from every other block, of this writer and of others */
    bool inside;                /* its bytes are in the transaction, not in pieces */
    int64_t first_position;
    int64_t event_count;
    trading_id nonce; /* of its last commit */
    uint64_t size;
    uint8_t *bytes;
    bool uncertain; /* a transaction of it ended without an answer */
    struct place before;
    struct place after;
};

/* An append in two steps: the commits are made a block, whose bytes are written if they do not go with the transaction; then the
 * transaction. The first may be done while the transaction of another is under way. When it fails there is no block; the second
 * uses the block up. */
int32_t journal_prepare(struct cassandra *store, const trading_store_commit *commits, size_t count, struct block *block,
                        trading_error *error);
int32_t journal_commit(struct cassandra *store, uint32_t partition, struct block *block, trading_store_head *head,
                       trading_error *error);
void journal_abandon(struct cassandra *store, struct block *block); /* in place of the second; removes what was written */
void journal_release(struct cassandra *store, struct block *block); /* its memory; twice does no harm */

/* As the functions of trading_store_ops. */
int32_t journal_append(struct cassandra *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                       trading_store_head *head, trading_error *error);
int32_t journal_read(struct cassandra *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                     trading_error *error);
/* Calls `visit` for each partition; ends when it returns other than TRADING_OK, with that. */
int32_t journal_partitions(struct cassandra *store, int32_t (*visit)(void *arg, uint32_t partition, trading_error *error),
                           void *arg, trading_error *error);

/* ---- block.c: how commits are one block ---- */

#define BLOCK_HEADER 32u /* before each commit's bytes: its count of events, its size (both lowest byte first), its nonce */

/* TRADING_E_INVALID when it is larger than a block may be. */
int32_t block_size(const trading_store_commit *commits, size_t count, uint64_t *size, trading_error *error);
void block_pack(const trading_store_commit *commits, size_t count, uint8_t *bytes);
/* Takes the next commit off; false when the bytes are no block. `commit->first_position` is where it begins, and is set. */
bool block_unpack(const uint8_t **bytes, uint64_t *size, int64_t first_position, trading_store_commit *commit);

#endif
