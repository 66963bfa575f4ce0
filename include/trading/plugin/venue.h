/**
 * @file
 * The venue: what the author of an adapter to a market outside implements, and the orders and reports that pass (trading/venue.h). In the
 * terms of FIX 4.4, whatever the venue itself speaks. Less stable than the rest of the API; versioned by `size` and `abi`.
 *
 * Both ways things come at least once, and each knows the other's by name. An order is submitted until the venue has it: a venue
 * ignores a ClOrdID that it knows. A report is told until it is booked: who gets one knows it by its ExecID. After a crash, or a lost
 * connection, whoever has an order open asks for its status, and gets all of its reports again; an order that the venue does not know
 * is submitted again. So a venue keeps nothing for its client but what any venue keeps: its orders, and what became of them. It
 * knows an order until its client can have heard of its end; one that it does not know was not and will not be executed.
 *
 * Reports of one order come in order: `filled_quantity` never goes back, but where all are told again, from the first. So a report that
 * is missing is seen by the next one.
 *
 * What a venue refuses is a report, never an error: errors are of the machinery, and the same call is made again.
 *
 * Threads: submit, cancel, status and quote are called by one thread at a time, and poll by one at a time, which may be another. A venue
 * calls nothing of the host but its functions (memory and log).
 *
 * Arguments are checked by the host before they come here: nothing is NULL that may not be, texts end, constants exist, quantities are
 * above 0, and prices not below.
 */
#ifndef TRADING_PLUGIN_VENUE_H
#define TRADING_PLUGIN_VENUE_H

#include <trading/decimal.h>
#include <trading/id.h>
#include <trading/plugin/host.h>
#include <trading/time.h>

TRADING_EXTERN_C_BEGIN

/** Bytes of an ExecID with its NUL, and of a text. */
#define TRADING_EXEC_ID_BYTES     64
#define TRADING_REPORT_TEXT_BYTES 96

/** An order as a venue gets it (FIX NewOrderSingle). The constants are those of trading/order.h. The layout is frozen. */
typedef struct trading_venue_order {
    char cl_ord_id[TRADING_ID_TEXT]; /**< ClOrdID (11): the order's id as text, 1 to 31 printable characters */
    trading_symbol symbol;           /**< Symbol (55) */
    int32_t side;                    /**< Side (54) */
    int32_t type;                    /**< OrdType (40) */
    int32_t time_in_force;           /**< TimeInForce (59); never 0; of a market order always immediate or cancel */
    int32_t reserved;
    trading_decimal quantity; /**< OrderQty (38): all of it, with what was executed before */
    /** Price (44) of a limit order. Of a market buy, the most that it may pay, which was held for it: where a venue knows no such
     *  order, it goes there as a limit order, immediate or cancel. 0: none, of a market sale. */
    trading_decimal price;
    /** What was executed of it as far as its client knows: 0 of a new order. For venues that forget, as one that is simulated in memory:
     *  it goes on there. */
    trading_decimal filled_quantity;
    trading_time time; /**< TransactTime (60): when it was placed */
} trading_venue_order;

/** @name ExecType (FIX tag 150) */
/**@{*/
#define TRADING_EXEC_TYPE_NEW             1 /**< the venue has it */
#define TRADING_EXEC_TYPE_TRADE           2 /**< `quantity` at `price` */
#define TRADING_EXEC_TYPE_CANCELED        3 /**< its end: asked for, or of what is immediate or cancel */
#define TRADING_EXEC_TYPE_EXPIRED         4 /**< its end: by its time in force */
#define TRADING_EXEC_TYPE_REJECTED        5 /**< its end: not taken */
#define TRADING_EXEC_TYPE_CANCEL_REJECTED 6 /**< a cancel came to nothing (FIX OrderCancelReject); the order is as it was */
/** The answer to a status request, behind all reports of the order: how it stands. order_status 0: the venue does not know it. */
#define TRADING_EXEC_TYPE_ORDER_STATUS 7
/**@}*/

/** What a venue says of an order (FIX ExecutionReport). Texts are NUL-terminated. The layout is frozen. */
typedef struct trading_execution_report {
    char cl_ord_id[TRADING_ID_TEXT]; /**< ClOrdID (11) */
    char exec_id
        [TRADING_EXEC_ID_BYTES]; /**< ExecID (17) of trades and ends: no other report of that order ever has it; else it may
                                               be empty */
    char text[TRADING_REPORT_TEXT_BYTES]; /**< Text (58): why, for people; may be empty */
    int32_t exec_type;                    /**< TRADING_EXEC_TYPE_ */
    int32_t order_status;                 /**< OrdStatus (39), TRADING_ORDER_STATUS_: after it */
    trading_decimal quantity;             /**< LastQty (32) of a trade; else 0 */
    trading_decimal price;                /**< LastPx (31) of a trade; else 0 */
    trading_decimal filled_quantity;      /**< CumQty (14): all that was executed of the order, with this */
    trading_decimal leaves_quantity;      /**< LeavesQty (151): still open; 0 at its end */
    trading_time time;                    /**< TransactTime (60) */
} trading_execution_report;

/** What a venue is asked to open. Valid during the call only. */
typedef struct trading_venue_request {
    uint32_t size;
    uint32_t flags;       /**< 0 */
    const char *location; /**< the URI after "scheme:", NUL-terminated */
} trading_venue_request;

/** The functions of a venue. All fill `error` when they fail and it is not NULL, and return its code. Those marked optional may be NULL. */
typedef struct trading_venue_ops {
    uint32_t size; /**< sizeof(trading_venue_ops) as the venue was built */
    uint32_t abi;  /**< TRADING_PLUGIN_ABI as the venue was built */

    /** Opens. A venue that connects may do so later: what it is asked fails, retryable, until it has. */
    int32_t (*open)(const trading_venue_request *request, const trading_host_functions *host, void **venue,
                    trading_error *error);
    /** Closes; orders stay as they are. Never fails; nothing of the host is used after it returns. */
    void (*close)(void *venue);

    /**
     * Hands an order over, and does not wait for what becomes of it. One whose ClOrdID the venue knows is ignored, whatever became of it.
     * @return TRADING_OK: the venue has it, or will, before anything that it is asked later. Any other code: it may have it or not, and
     *         gets it again, after a status request where the error says TRADING_E_OUTCOME_UNKNOWN.
     */
    int32_t (*submit)(void *venue, const trading_venue_order *order, trading_error *error);
    /** Asks for the end of an order (FIX OrderCancelRequest). It comes as a report: CANCELED, or CANCEL_REJECTED where it is not open, or
     *  not known (order_status 0). May come again. */
    int32_t (*cancel)(void *venue, const trading_venue_order *order, trading_error *error);
    /** Asks for all reports of an order again, from the first (FIX OrderStatusRequest, TradeCaptureReportRequest): its trades, its end,
     *  each with the ExecID that it had, and then ORDER_STATUS. */
    int32_t (*status)(void *venue, const trading_venue_order *order, trading_error *error);
    /**
     * Takes reports.
     * @param timeout  nanoseconds to wait for the first; 0: do not wait; −1: for ever
     * @return TRADING_OK, or TRADING_E_TIMEOUT with *count = 0. Any other code: reports may have been missed, as by a lost connection;
     *         who has orders open asks for their status.
     */
    int32_t (*poll)(void *venue, trading_execution_report *reports, size_t max, size_t *count, int64_t timeout,
                    trading_error *error);

    /** Optional, for venues that are simulated: the host's quote of a symbol, by which it executes from now on. A side of 0 is not
     *  quoted. */
    int32_t (*quote)(void *venue, const trading_symbol *symbol, trading_decimal bid, trading_decimal ask, trading_error *error);
} trading_venue_ops;

TRADING_EXTERN_C_END

#endif
