/**
 * @file
 * The outbox: durable events, in order, published on a bus, so that a crash at any point neither loses nor repeats one.
 *
 * What a commit says has happened is in the journal before anyone hears of it, so the journal is the outbox, and publishing is
 * reading it. How far it was read, the mark, is kept by the bus itself, atomically with what was published, under the name that the
 * bus was opened with as a writer: whoever goes on after a crash reads the mark and goes on there. Of two that publish under one name
 * the newer one wins, and the other is told that it was fenced.
 */
#ifndef TRADING_OUTBOX_H
#define TRADING_OUTBOX_H

#include <trading/bus.h>
#include <trading/engine.h>
#include <trading/event.h>

TRADING_EXTERN_C_BEGIN

typedef struct trading_outbox trading_outbox;

/**
 * Makes records of events.
 *
 * Each record comes with a key and the partition TRADING_BUS_BY_KEY, so that what concerns one account stays in order: the key is the text
 * of the account's id; of an event of no account, its symbol; else "-". The callback says the rest: topic, value and headers, and may
 * change the key. A record whose topic stays NULL is not published. The strings and bytes stay the callback's, and must stay as they
 * are until it is called again or the outbox is closed.
 * @param events   `count` of them, in order
 * @param records  as many, one for each event
 * @return TRADING_OK, or a code that trading_outbox_step passes on; the same events come again with the next step.
 */
typedef int32_t (*trading_outbox_encode)(void *context, const trading_event *events, size_t count, trading_bus_record *records,
                                         trading_error *error);

/** Options of an outbox. */
typedef struct trading_outbox_options {
    uint32_t size;
    uint32_t
        partition; /**< whose events: of an engine of several partitions; each has an outbox, and a writer's name, of its own */
    uint64_t kinds[2]; /**< bit k of kinds[k / 64] for each kind to be published; both zero: all but CURSOR_ACKNOWLEDGED */
    int64_t
        from; /**< where to begin under a writer's name that has no mark yet; behind it where the partition was split there (trading/copy.h) */
    uint32_t batch;     /**< the most events that are published at once; default 1,024 */
    uint32_t skip_mark; /**< a mark of its own after so many events none of which was to be published; default 65,536 */
    trading_outbox_encode encode;
    void *encode_context;
    /** … and after fewer, once the last mark is so many nanoseconds old, so that who watches it sees how far the outbox has come; in a step
     *  that finds no event, too. Default 1 second. */
    int64_t skip_time;
} trading_outbox_options;

#define TRADING_OUTBOX_OPTIONS_INIT                                                                                            \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_outbox_options), .batch = 1024, .skip_mark = 65536, .skip_time = INT64_C(1000000000)  \
    }
TRADING_API void trading_outbox_options_init(trading_outbox_options *options);

/**
 * Opens an outbox where the writer's mark stands. It counts as a feed of the engine: close it first.
 * @param bus  opened with the name of a writer; used by this outbox alone, and closed after it
 * @return TRADING_OK; TRADING_E_DAMAGED when the mark is beyond the journal's end, and so of another journal; a code of the bus, of
 *         trading_feed_open. Any thread.
 */
TRADING_API int32_t trading_outbox_open(trading_outbox **outbox, trading_engine *engine, trading_bus *bus,
                                        const trading_outbox_options *options, trading_error *error);

/**
 * Publishes the next events, a batch at most, with the mark behind them. There is no thread: what is published, is published here.
 * @param timeout    nanoseconds to wait for the first event; 0: do not wait; −1: for ever
 * @param published  receives how many records were published; may be NULL
 * @return TRADING_OK, with *published 0 where no event of the batch was to be published; TRADING_E_TIMEOUT when there was no event;
 *         TRADING_E_CLOSED as trading_feed_next; TRADING_E_FENCED when another publishes under the writer's name: this outbox
 *         publishes nothing any more. Any other code is one of the bus, the encoder or the journal, and the next step tries the same
 *         events again; where the bus could not say whether they were published, it asks for the mark first. One thread at a time.
 */
TRADING_API int32_t trading_outbox_step(trading_outbox *outbox, int64_t timeout, uint64_t *published, trading_error *error);

/** What an outbox says of itself. */
typedef struct trading_outbox_info {
    uint32_t size;
    int32_t state;         /**< TRADING_OK, or what the last step failed with */
    int64_t position;      /**< every event before it is published or left out, and the mark says so or soon will */
    int64_t mark;          /**< where the next one would begin after a crash */
    int64_t next_position; /**< the journal's end: less `position`, it is the lag */
    uint64_t published;    /**< records since it was opened, like the next three */
    uint64_t skipped;      /**< events that were not published */
    uint64_t batches;      /**< transactions of the bus */
    uint64_t errors;       /**< steps that failed */
} trading_outbox_info;

#define TRADING_OUTBOX_INFO_INIT                                                                                               \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_outbox_info)                                                                          \
    }
TRADING_API void trading_outbox_info_init(trading_outbox_info *info);
/** Fills `info`. The thread that steps. */
TRADING_API int32_t trading_outbox_get_info(const trading_outbox *outbox, trading_outbox_info *info, trading_error *error);

/** NULL is allowed. */
TRADING_API void trading_outbox_close(trading_outbox *outbox);

TRADING_EXTERN_C_END

#endif
