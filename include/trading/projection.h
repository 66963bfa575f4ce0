/**
 * @file
 * Projections that the host defines: state computed from events, named and versioned, fed in order, each event exactly once.
 *
 * The rows of a projection are kept in the library's store, and change in one transaction with its position; so after any crash they
 * agree. They are made from the journal and kept beside it: a power loss may take the newest commits, whole, and a projection that
 * does not fit the journal any more (which was restored, or replaced) is reset with a warning in the log; the events then come again.
 * An engine that is read only copies the rows that it finds when the projection is opened first, and keeps what is committed from then
 * on in its own memory, until it is closed; so does one whose store came from trading_store_register, which begins with none.
 *
 * A host with a database of its own keeps the position there instead and uses a feed (trading/feed.h) from that position.
 *
 * By polling:   trading_projection_poll → put, get, remove → trading_projection_commit
 * By callback:  trading_projection_run calls `apply` on the caller's thread and commits after each batch
 */
#ifndef TRADING_PROJECTION_H
#define TRADING_PROJECTION_H

#include <trading/feed.h>

TRADING_EXTERN_C_BEGIN

typedef struct trading_projection trading_projection;

/** Handles events: reads and writes rows. A batch may be handed over in several calls, and is committed after the last of them.
 *  @return 0 to go on, else what is not committed is undone and run ends with TRADING_E_STOPPED. */
typedef int32_t (*trading_projection_apply)(void *context, trading_projection *projection, const trading_event *events,
                                            size_t count);

/** What a projection is. */
typedef struct trading_projection_options {
    uint32_t size;
    uint32_t version; /**< another version than the stored one: its rows are dropped and it is rebuilt from nothing */
    const char *name; /**< 1 to 63 bytes of printable UTF-8 */
    const trading_filter *filter;   /**< NULL: all events; should change only with the version */
    trading_projection_apply apply; /**< NULL when it is polled */
    void *context;
} trading_projection_options;

#define TRADING_PROJECTION_OPTIONS_INIT                                                                                        \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_projection_options), .version = 1                                                     \
    }
TRADING_API void trading_projection_options_init(trading_projection_options *options);

/** Room for any key, and for the zero byte with which a seek goes on after it: a row's key has 1 to 255 bytes. */
#define TRADING_ROW_KEY_BYTES 256
/** The longest value of a row. */
#define TRADING_ROW_VALUE_BYTES 1048576

/**
 * Opens a projection. A projection is open once at a time in an engine; of an engine of several partitions it is of one, as a feed
 * with its filter is, and each partition has rows of its own.
 * @return TRADING_OK, TRADING_E_BUSY when it is open already, TRADING_E_INVALID … Any thread; then one thread at a time.
 */
TRADING_API int32_t trading_projection_open(trading_projection **projection, trading_engine *engine,
                                            const trading_projection_options *options, trading_error *error);
/** Undoes what is not committed. NULL is allowed. One thread at a time, like all that follow here. */
TRADING_API void trading_projection_close(trading_projection *projection);

/**
 * The next events, after the last that were polled. Waits as trading_feed_next does.
 */
TRADING_API int32_t trading_projection_poll(trading_projection *projection, trading_event *events, size_t max, size_t *count,
                                            int64_t timeout, trading_error *error);

/** Writes, removes a row; visible to this projection's get at once, to others once committed. */
TRADING_API int32_t trading_projection_put(trading_projection *projection, const void *key, size_t key_bytes, const void *value,
                                           size_t value_bytes, trading_error *error);
TRADING_API int32_t trading_projection_remove(trading_projection *projection, const void *key, size_t key_bytes,
                                              trading_error *error);
/**
 * Reads a row into the caller's buffer.
 * @param value_bytes  in: the buffer's size; out: the value's. TRADING_E_OVERFLOW when it does not fit (nothing is copied).
 * @return TRADING_OK or TRADING_E_NOT_FOUND
 */
TRADING_API int32_t trading_projection_get(trading_projection *projection, const void *key, size_t key_bytes, void *value,
                                           size_t *value_bytes, trading_error *error);
/**
 * The first row at or after `key` in order of bytes. To go on, append a zero byte to the key received.
 * @param key          a buffer of TRADING_ROW_KEY_BYTES, whatever the key
 * @param key_bytes    in: how many bytes of it are sought, 0 for the first row of all; out: those of the row's key
 * @param value_bytes  in: the buffer's size; out: the value's. TRADING_E_OVERFLOW when it does not fit (the key is then as it was).
 * @return TRADING_OK or TRADING_E_NOT_FOUND at the end
 */
TRADING_API int32_t trading_projection_seek(trading_projection *projection, void *key, size_t *key_bytes, void *value,
                                            size_t *value_bytes, trading_error *error);

/** Commits the rows and the position after the last events polled, in one transaction. When it fails nothing is committed and all
 *  is still pending: it can be called again. */
TRADING_API int32_t trading_projection_commit(trading_projection *projection, trading_error *error);

/**
 * Calls `apply` for what is there, in batches, and commits each; returns when it has caught up with what was there when it began.
 * @param applied  receives how many events were handed over and committed, also when a later batch failed; may be NULL
 * @return TRADING_OK, TRADING_E_STOPPED when `apply` asked for it (native_code is what it answered), or a code of the store; the batch
 *         that failed is undone
 */
TRADING_API int32_t trading_projection_run(trading_projection *projection, uint64_t *applied, trading_error *error);

/** Drops all rows and begins again at position 0. */
TRADING_API int32_t trading_projection_reset(trading_projection *projection, trading_error *error);

/** Where it stands (committed), and how many events of the journal it is behind. `lag` may be NULL. */
TRADING_API int64_t trading_projection_position(trading_projection *projection, int64_t *lag);

/** @name Account activity: a projection that is built in, in the words of a statement */
/**@{*/
#define TRADING_ACTIVITY_DEPOSIT       1
#define TRADING_ACTIVITY_WITHDRAWAL    2
#define TRADING_ACTIVITY_CREDIT        3
#define TRADING_ACTIVITY_DEBIT         4
#define TRADING_ACTIVITY_BUY           5
#define TRADING_ACTIVITY_SELL          6
#define TRADING_ACTIVITY_REFUND        7
#define TRADING_ACTIVITY_CLOSING       8
#define TRADING_ACTIVITY_TRANSFER_OUT  9  /**< to another account */
#define TRADING_ACTIVITY_TRANSFER_IN   10 /**< from another account */
#define TRADING_ACTIVITY_TRANSFER_BACK 11 /**< sent to an account of another partition that could not take it */
/**@}*/

/** One line of an account's activity. The layout is frozen. */
typedef struct trading_activity {
    int64_t position; /**< of its event, in the partition of the account */
    trading_time time;
    int32_t type; /**< TRADING_ACTIVITY_ */
    int32_t reserved;
    trading_decimal amount;  /**< what it changed the balance by, signed */
    trading_decimal balance; /**< after it */
    trading_id order;        /**< of a buy, sell or refund */
    trading_symbol symbol;
    trading_decimal quantity;
    trading_decimal price;
    trading_decimal realized_pnl; /**< of a sell */
} trading_activity;

/**
 * Opens the built-in projection of account activity, "account activity"; drive it with trading_projection_run. Of an engine of several
 * partitions it is kept in each for the accounts there: run, reset, position (the sum of theirs), close and trading_activity_list are of all
 * together, and its rows cannot be read otherwise (TRADING_E_INVALID).
 * @return as trading_projection_open
 */
TRADING_API int32_t trading_activity_open(trading_projection **projection, trading_engine *engine, trading_error *error);

/**
 * The activity of an account, the oldest first, as far as the projection was run and committed.
 * @param cursor  0 at first, moved by each call
 * @return TRADING_OK; with *count below max, 0 perhaps, there is no more
 */
TRADING_API int32_t trading_activity_list(trading_projection *projection, const trading_id *account, uint64_t *cursor,
                                          trading_activity *out, size_t max, size_t *count, trading_error *error);

/** The name of a type of activity, such as "deposit". Never NULL. */
TRADING_API const char *trading_activity_name(int32_t type);

TRADING_EXTERN_C_END

#endif
