/**
 * @file
 * The router: sends the orders of ROUTE_ORDER to a venue, and books what the venue reports, so that a crash at any point neither loses an
 * execution nor books one twice.
 *
 * What is routed is in the journal (ORDER_ROUTED, CANCEL_ROUTED), and so is what was booked. A router follows the journal with a durable
 * cursor, which stands at the oldest order that is open at the venue; and keeps no more. When it is opened, it asks the venue how
 * each open order stands: the venue tells all reports of it again, and one that the venue does not know is submitted. An execution is a
 * command (BOOK_EXECUTION) whose key derives from its ExecID; and one whose key the journal has among the executions of the open order, or
 * that is no more than what was booked by CumQty, is passed over, however long ago the engine forgot its key. Where CumQty says that a report
 * is missing, the router asks again.
 *
 * One router takes the routed orders of a partition. There is no thread: what is done, is done in trading_router_send, which takes
 * orders from the journal to the venue, and trading_router_receive, which takes reports from the venue to the engine. Each is called by
 * one thread at a time, and both may be at once: so two threads may wait for either side, or one may do both by turns.
 */
#ifndef TRADING_ROUTER_H
#define TRADING_ROUTER_H

#include <trading/engine.h>
#include <trading/event.h>
#include <trading/venue.h>

TRADING_EXTERN_C_BEGIN

typedef struct trading_router trading_router;

/**
 * Takes a report that the engine refused, and how: an execution beyond the order's limit, say. It changed nothing, and is for people to
 * settle with the venue; the journal has the refusal (COMMAND_REJECTED) under its key. Called by trading_router_receive; it may not
 * call the router.
 */
typedef void (*trading_router_refused)(void *context, const trading_execution_report *report, const trading_result *result);

/** Options of a router. */
typedef struct trading_router_options {
    uint32_t size;
    uint32_t partition; /**< whose orders: of an engine of several partitions; each has a router of its own */
    /** The venue's name, in that of the cursor, "venue NAME", and in the keys of what it executes: the same for as long as it is the same
     *  venue. 1 to 32 characters a–z, A–Z, 0–9, '.', '_', '-'; NULL: "outside". */
    const char *name;
    uint32_t batch; /**< the most events, and the most reports, that are taken at once; default 256 */
    uint32_t
        acknowledge; /**< the cursor moves after so many events, so that many are read again after a crash; default 4,096 */
    trading_router_refused refused; /**< NULL: the host's log alone tells of it */
    void *refused_context;
} trading_router_options;

#define TRADING_ROUTER_OPTIONS_INIT                                                                                            \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_router_options), .batch = 256, .acknowledge = 4096                                    \
    }
TRADING_API void trading_router_options_init(trading_router_options *options);

/**
 * Opens a router, and reads what was routed from its cursor on. It counts as a feed of the engine: close it first.
 * @param venue  used by this router alone, and closed after it
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_NO_MEMORY, or a code of trading_feed_open or trading_feed_next. Any thread.
 */
TRADING_API int32_t trading_router_open(trading_router **router, trading_engine *engine, trading_venue *venue,
                                        const trading_router_options *options, trading_error *error);

/**
 * Sends what the journal has for the venue: orders, cancels, and, at first, questions how orders stand. A simulated venue is told the
 * quotes of the partition as well.
 * @param timeout  nanoseconds to wait for the first event; 0: do not wait; −1: for ever
 * @param sent     receives how many orders, cancels and questions the venue was handed; may be NULL
 * @return TRADING_OK, with *sent 0 where events came and none was for the venue; TRADING_E_TIMEOUT when there was none; TRADING_E_CLOSED
 *         as trading_feed_next. Any other code is one of the venue or the journal: what was not sent is tried again by the next call of
 *         either function.
 */
TRADING_API int32_t trading_router_send(trading_router *router, int64_t timeout, uint64_t *sent, trading_error *error);

/**
 * Books what the venue reports, durable on return.
 * @param timeout  nanoseconds to wait for the first report; 0: do not wait; −1: for ever
 * @param booked   receives how many executions and ends were booked; may be NULL
 * @return TRADING_OK, with *booked 0 where no report was to be; TRADING_E_TIMEOUT when there was none. Any other code is one of the venue,
 *         after which how its orders stand is asked anew; or of trading_engine_execute, after which the next call books the same again.
 */
TRADING_API int32_t trading_router_receive(trading_router *router, int64_t timeout, uint64_t *booked, trading_error *error);

/** What a router says of itself. Numbers but the first four count since it was opened. */
typedef struct trading_router_info {
    uint32_t size;
    uint32_t reserved;
    int64_t position;      /**< every event before it was taken */
    int64_t cursor;        /**< where the next one would begin after a crash */
    int64_t next_position; /**< the journal's end: less `position`, it is the lag */
    uint64_t open;         /**< orders at the venue, or on their way to it */
    uint64_t submitted;    /**< orders handed to the venue */
    uint64_t canceled;     /**< cancels handed to it */
    uint64_t asked;        /**< questions how an order stands */
    uint64_t booked;       /**< executions and ends */
    uint64_t repeated;     /**< executions that were booked before */
    uint64_t missed;       /**< reports that came before one that was missing, so that the router asked again */
    uint64_t refused;      /**< executions that the engine refused */
    uint64_t foreign;      /**< reports of orders that no engine can have routed */
    uint64_t errors;       /**< calls that failed */
} trading_router_info;

#define TRADING_ROUTER_INFO_INIT                                                                                               \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_router_info)                                                                          \
    }
TRADING_API void trading_router_info_init(trading_router_info *info);
/** Fills `info`. Any thread. */
TRADING_API int32_t trading_router_get_info(trading_router *router, trading_router_info *info, trading_error *error);

/** Orders stay at the venue as they are. NULL is allowed. */
TRADING_API void trading_router_close(trading_router *router);

TRADING_EXTERN_C_END

#endif
