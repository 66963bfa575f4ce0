/**
 * @file
 * Feeds: all durable events from a position on, in order, following new ones; with durable named cursors.
 */
#ifndef TRADING_FEED_H
#define TRADING_FEED_H

#include <trading/engine.h>
#include <trading/event.h>

TRADING_EXTERN_C_BEGIN

typedef struct trading_feed trading_feed;

/** Which events a feed hands out. */
typedef struct trading_filter {
    uint32_t size;
    uint32_t partition; /**< of an engine of several: whose events; positions and cursors are its own. An account's: its own */
    uint64_t kinds[2];  /**< bit k of kinds[k / 64] for each kind wanted; both zero: all, but in a feed with a cursor no
                             CURSOR_ACKNOWLEDGED, or readers would wake themselves and each other for ever */
    trading_id account; /**< only events of this account, its portfolios and orders; zero: all */
} trading_filter;

#define TRADING_FILTER_INIT                                                                                                    \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_filter)                                                                               \
    }
TRADING_API void trading_filter_init(trading_filter *filter);

/** Begin where the named cursor stands; a cursor that was never acknowledged stands at 0. */
#define TRADING_FEED_AT_CURSOR (-1)

/**
 * Opens a feed. On an engine that only reads, it looks what the writer has appended since it was last looked, and views show that as well.
 * @param from    the first position wanted, or TRADING_FEED_AT_CURSOR
 * @param filter  NULL: all events
 * @param cursor  the name of its durable cursor, or NULL: none
 * @return TRADING_OK, TRADING_E_NOT_FOUND when `from` is beyond the next position, TRADING_E_INVALID, TRADING_E_NO_MEMORY, or
 *         a code of the store. Any thread.
 */
TRADING_API int32_t trading_feed_open(trading_feed **feed, trading_engine *engine, int64_t from, const trading_filter *filter,
                                      const char *cursor, trading_error *error);

/**
 * The next events.
 * @param timeout  nanoseconds to wait for the first; 0: do not wait; −1: for ever
 * @return TRADING_OK with *count ≥ 1; TRADING_E_TIMEOUT with 0; TRADING_E_CLOSED, once for each time that trading_engine_close was called
 *         and answered BUSY because of feeds like this one: so a reader that waits is told to close its feed. One thread at a time.
 */
TRADING_API int32_t trading_feed_next(trading_feed *feed, trading_event *events, size_t max, size_t *count, int64_t timeout,
                                      trading_error *error);

/** Where the feed stands: every event before it was handed out or filtered. One thread at a time, with trading_feed_next. */
TRADING_API int64_t trading_feed_position(trading_feed *feed);

/**
 * Moves the durable cursor: everything before `position` is done with. It is journalled like a command, and so survives with the
 * journal; a reader that fell between an event and its acknowledgement sees the event again. Blocks until that is durable. Where the
 * cursor stands already nothing is written.
 * @return TRADING_OK; TRADING_E_INVALID for a feed without a cursor, and for a position before the cursor or beyond the next one; or a code
 *         of trading_engine_execute. Any thread.
 */
TRADING_API int32_t trading_feed_acknowledge(trading_feed *feed, int64_t position, trading_error *error);

/** The durable cursor stays where it stands. NULL is allowed, and in a child after a fork nothing is done. One thread at a time, with
 * trading_feed_next. */
TRADING_API void trading_feed_close(trading_feed *feed);

TRADING_EXTERN_C_END

#endif
