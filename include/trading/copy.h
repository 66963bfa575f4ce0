/**
 * @file
 * Copying a store into another, of any kind: as a backup beside those who write it; or, while nobody does, to move it, also into more
 * partitions, for who outgrows one machine or the number of partitions that a store was made with. docs/deploy.md tells it step by step.
 */
#ifndef TRADING_COPY_H
#define TRADING_COPY_H

#include <trading/engine.h>

TRADING_EXTERN_C_BEGIN

/** How a store is copied. */
typedef struct trading_copy_options {
    uint32_t size;
    uint32_t partitions; /**< that the copy is to have: a multiple of what the store has, at most 64; 0: as many */
    trading_time time;   /**< of the splitting, which is put behind all that the store has; 0: now, by the system's clock */
    trading_progress progress; /**< NULL: none. Told of events, as they are read, and again as they are written */
    void *context;             /**< of progress */
} trading_copy_options;

#define TRADING_COPY_OPTIONS_INIT                                                                                              \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_copy_options)                                                                         \
    }
TRADING_API void trading_copy_options_init(trading_copy_options *options);

/** What was copied. */
typedef struct trading_copy {
    uint32_t size;
    uint32_t partitions;        /**< of the copy */
    uint32_t source_partitions; /**< of the store that it is of */
    uint32_t reserved;
    uint64_t events;  /**< of the store's journals */
    uint64_t commits; /**< written */
    uint64_t bytes;   /**< of them */
    uint64_t secrets; /**< keys of accounts' personal data */
} trading_copy;

#define TRADING_COPY_INIT                                                                                                      \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_copy)                                                                                 \
    }
TRADING_API void trading_copy_init(trading_copy *copy);

/**
 * Copies a store that nobody writes: the journals of all partitions, each commit proved, and the secrets. Checkpoints and snapshots are not
 * copied, as they can be made anew. The store is only read, and stays as it is.
 *
 * With as many partitions, the copy has the very commits. With more, each partition is split: the ones that it becomes have all of its journal,
 * their own number in it, and behind it the event PARTITION_SPLIT, from which on each has the accounts and books that are its own
 * (docs/partitions.md). Positions stay what they were; keys of past commands, histories and views of the past too. To be split, a store must be
 * settled: no message between its partitions on its way, and no work to go on with.
 *
 * Of a person who is forgotten meanwhile the copy may have the key or not: forget again in the copy.
 *
 * Until the last step the copy is marked as unfinished, and no engine opens it: one that was interrupted is to be deleted, and made anew.
 *
 * @param from  the URI of the store
 * @param to    the URI of the copy, where no store is yet
 * @param copy  may be NULL; else initialised: what was copied
 * @return TRADING_OK once all is durable. TRADING_E_INVALID: the numbers of partitions, or there is a store at `to` already; TRADING_E_BUSY: the
 *         store is not settled. Of these two nothing was written. TRADING_E_STOPPED when progress asked to; TRADING_E_POSITION when somebody
 *         wrote the store meanwhile; TRADING_E_DAMAGED; others of either store. Any thread.
 */
TRADING_API int32_t trading_store_copy(trading_host *host, const char *from, const char *to,
                                       const trading_copy_options *options, trading_copy *copy, trading_error *error);

/**
 * Copies a store while it is written, by this process or by others, who are not held up: all that was answered before the call, and of each
 * partition the first of its commits, each proved. With one partition, and with several that stand still for as long as it takes to ask each
 * for its end (it is tried for up to a second; partitions of an LMDB store do between two commits), that is what the store had at one moment.
 * Of those that never do each is at a moment of its own, and no message between them is received that is not sent. What is on its way goes
 * on when the copy is opened for writing. The copy is otherwise as trading_store_copy makes it, with as many partitions; of a person who
 * was forgotten meanwhile it may have the key or not: forget again in the copy.
 * @param options  partitions is 0, or as many as the store has
 * @return as trading_store_copy, but that a store which is written, or has not settled, is no reason to refuse. Any thread.
 */
TRADING_API int32_t trading_store_backup(trading_host *host, const char *from, const char *to,
                                         const trading_copy_options *options, trading_copy *copy, trading_error *error);

TRADING_EXTERN_C_END

#endif
