/**
 * @file
 * The event store: what the author of a journal implements. Less stable than the rest of the API; versioned by `size` and `abi`.
 *
 * A store keeps, for each partition, one log of commits. A commit is opaque bytes: framing, hashing, compression and encryption
 * are above this line, so every store has them. The conditional append alone keeps two writers from both succeeding.
 *
 * Positions are ordinals of events in a partition, from 0. A commit holds `event_count` ≥ 1 events, the first at
 * `first_position`; the next commit begins where it ends. No gaps, no overlaps.
 *
 * Threads: one thread at a time appends to a partition, and several partitions are appended to at the same time; reads, head, snapshots and
 * secrets may be called from any thread beside that. A read that runs beside an append sees whole commits only.
 */
#ifndef TRADING_PLUGIN_STORE_H
#define TRADING_PLUGIN_STORE_H

#include <trading/id.h>
#include <trading/plugin/host.h>

TRADING_EXTERN_C_BEGIN

/** @name How a store is opened */
/**@{*/
#define TRADING_STORE_READ_ONLY 1u /**< never writes; may be open beside a writer; fails when there is nothing to read */
/**@}*/

/** @name Durability */
/**@{*/
#define TRADING_DURABILITY_SYNC 1 /**< an append that returned survives power loss */
/** An append that returned survives the end of the process; a power loss may lose the newest commits, in order from the end, but
 *  never damages what is before them. For bulk loading. */
#define TRADING_DURABILITY_PROCESS 2
/**@}*/

/** What a store is asked to open. Valid during the call only. */
typedef struct trading_store_request {
    uint32_t size;
    uint32_t flags;       /**< TRADING_STORE_ flags */
    const char *location; /**< the URI after "scheme:", NUL-terminated */
    int32_t durability;   /**< TRADING_DURABILITY_ */
    uint32_t reserved;
    uint64_t map_bytes; /**< the most that the store may grow to, where it must know; 0: the store's default */
} trading_store_request;

/** One commit, going in or coming out. `data` belongs to whoever made the record and is valid during the call. */
typedef struct trading_store_commit {
    int64_t first_position;
    int64_t event_count; /**< ≥ 1 */
    trading_id nonce;    /**< drawn by the writer, so that it can tell its own commit from another's */
    const void *data;
    uint64_t size; /**< bytes, ≥ 1 */
} trading_store_commit;

/** Where a partition stands. An empty partition has next_position 0 and a zero nonce. */
typedef struct trading_store_head {
    int64_t next_position;
    trading_id nonce; /**< of the newest commit */
} trading_store_head;

/** A secret of 32 bytes by its name. */
typedef struct trading_store_secret {
    trading_id name;
    uint8_t value[32];
} trading_store_secret;

/** What a store says of itself. */
typedef struct trading_store_info {
    uint32_t size;
    int32_t read_only;
    uint64_t bytes_used;     /**< by the journal, its structure included */
    uint64_t bytes_reserved; /**< on the disk, with what is laid out ahead */
    uint64_t syncs;          /**< flushes to the disk since it was opened */
} trading_store_info;

/** Takes one commit during a read. @return 0 to go on, anything else to end the read. */
typedef int32_t (*trading_store_visit)(void *arg, const trading_store_commit *commit);

/** Takes bytes, valid during the call only. */
typedef void (*trading_store_bytes)(void *arg, const void *data, uint64_t size);

/**
 * The functions of an event store. All fill `error` when they fail and it is not NULL, and return its code.
 * Those marked optional may be NULL.
 */
typedef struct trading_store_ops {
    uint32_t size; /**< sizeof(trading_store_ops) as the store was built */
    uint32_t abi;  /**< TRADING_PLUGIN_ABI as the store was built */

    /**
     * Opens, and creates what is not there unless read only. Two writers never have the same store open, in one process or in
     * two, where the medium is local: the second is refused at once with TRADING_E_LOCKED.
     */
    int32_t (*open)(const trading_store_request *request, const trading_host_functions *host, void **store,
                    trading_error *error);
    /** Closes; everything appended stays. Never fails; nothing of the host is used after it returns. */
    void (*close)(void *store);

    /** Where the partition stands, as durable as an append. */
    int32_t (*head)(void *store, uint32_t partition, trading_store_head *head, trading_error *error);

    /**
     * Appends commits, all or none, if the partition's next position is that of the first. The commits follow one another.
     * @return TRADING_OK once they are as durable as was asked; TRADING_E_POSITION when the partition stands elsewhere
     * (`head`, which may be NULL, then tells where); TRADING_E_OUTCOME_UNKNOWN when nobody can tell; any other code when nothing
     * was appended.
     */
    int32_t (*append)(void *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                      trading_store_head *head, trading_error *error);

    /** Optional, both or neither, for a store to which the way is long: starts an append and returns; the commits stay valid until
     *  `append_poll` answers it. An engine that was opened with TRADING_ENGINE_MANUAL appends so, and has one append of each partition under way;
     *  one with threads calls `append`. @return TRADING_OK, or why nothing was started: then there is nothing to poll for. */
    int32_t (*append_begin)(void *store, uint32_t partition, const trading_store_commit *commits, size_t count, uint64_t tag,
                            trading_error *error);
    /** The next finished append, of whatever partition, in the order in which they finish: its tag, and how it ended in `outcome` (as `append`
     *  returns). Waits at most `timeout` nanoseconds; 0: not at all. One thread at a time polls, while another may begin.
     *  @return TRADING_OK, or TRADING_E_TIMEOUT when none has finished. Whatever else ends the engine: the store is to have let go of all that
     *  was begun, of which the journal says what happened. */
    int32_t (*append_poll)(void *store, int64_t timeout, uint64_t *tag, trading_error *outcome);

    /**
     * Reads commits in order, from the one that holds `from` to the newest; nothing when `from` is the next position.
     * @return TRADING_OK, also when the visitor ended it; TRADING_E_NOT_FOUND when `from` is beyond the next position.
     */
    int32_t (*read)(void *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg, trading_error *error);

    /**
     * Writes one chunk of a snapshot taken at `position`, chunks from 0 in order. The snapshot exists once the chunk with
     * `last` set is written, and not before, and then replaces an older one of the same position; an unfinished one is forgotten
     * when the store is closed, and by the next that begins in its partition.
     */
    int32_t (*snapshot_put)(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                            int32_t last, trading_error *error);
    /** The newest whole snapshot at or before `at_most`. @return TRADING_OK, or TRADING_E_NOT_FOUND when there is none. */
    int32_t (*snapshot_find)(void *store, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                             trading_error *error);
    /** Hands over one chunk. @return TRADING_OK or TRADING_E_NOT_FOUND. */
    int32_t (*snapshot_get)(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                            void *arg, trading_error *error);
    /** Removes a snapshot; one that is not there is no failure. */
    int32_t (*snapshot_drop)(void *store, uint32_t partition, int64_t position, trading_error *error);

    /** Writes secrets, replacing those of the same names; durable on return. */
    int32_t (*secret_put)(void *store, const trading_store_secret *secrets, size_t count, trading_error *error);
    /** Beside a secret_delete of the same name, or after one that was cut off: the value as it was put, or TRADING_E_NOT_FOUND, and
     *  never what it is overwritten with. @return TRADING_OK or TRADING_E_NOT_FOUND. */
    int32_t (*secret_get)(void *store, const trading_id *name, uint8_t value[32], trading_error *error);
    /** Destroys a secret; durable on return, and what is left of it on the medium is overwritten where the medium allows. One
     *  that is not there is no failure. */
    int32_t (*secret_delete)(void *store, const trading_id *name, trading_error *error);

    /** What the store says of itself. */
    int32_t (*info)(void *store, trading_store_info *info, trading_error *error);

    /** Optional: walks the whole structure without trusting it, so that damage is an error and never a crash.
     *  @return TRADING_OK, or TRADING_E_DAMAGED with the place in the message. */
    int32_t (*check)(void *store, trading_error *error);

    /** Optional, for stores that several writers may have open at once: writes secrets whose names are free; durable on return.
     *  @return TRADING_OK once each is there with the value given, whoever wrote it; TRADING_E_BUSY when one is there with another value,
     *  which stays; others of the call may then be written or not. */
    int32_t (*secret_add)(void *store, const trading_store_secret *secrets, size_t count, trading_error *error);
} trading_store_ops;

TRADING_EXTERN_C_END

#endif
