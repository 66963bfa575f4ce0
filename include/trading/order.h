/**
 * @file
 * The Trade Order context: orders from New to their end, in the terms of FIX 4.4.
 */
#ifndef TRADING_ORDER_H
#define TRADING_ORDER_H

#include <trading/command.h>

TRADING_EXTERN_C_BEGIN

/** @name Side (FIX tag 54) */
/**@{*/
#define TRADING_SIDE_BUY  1
#define TRADING_SIDE_SELL 2
/**@}*/

/** @name OrdType (FIX tag 40) */
/**@{*/
#define TRADING_ORDER_TYPE_MARKET 1 /**< immediate or cancel; a buy at no more than the quoted ask plus the engine's collar */
#define TRADING_ORDER_TYPE_LIMIT  2
/**@}*/

/** @name TimeInForce (FIX tag 59) */
/**@{*/
#define TRADING_TIME_IN_FORCE_DAY 1 /**< rests until END_SESSION */
#define TRADING_TIME_IN_FORCE_GTC 2 /**< rests until it is filled or canceled */
#define TRADING_TIME_IN_FORCE_IOC 3 /**< what is not filled at once is canceled */
/**@}*/

/** @name OrdStatus (FIX tag 39) */
/**@{*/
#define TRADING_ORDER_STATUS_NEW              1
#define TRADING_ORDER_STATUS_PARTIALLY_FILLED 2
#define TRADING_ORDER_STATUS_FILLED           3
#define TRADING_ORDER_STATUS_CANCELED         4
#define TRADING_ORDER_STATUS_REJECTED         5
#define TRADING_ORDER_STATUS_EXPIRED          6
/**@}*/

/** Body of PLACE_ORDER. Funds (buy) or shares (sell) are held before it is matched; what is not used is given back at its end. */
typedef struct trading_place_order {
    uint32_t size;
    int32_t side;          /**< TRADING_SIDE_ */
    int32_t type;          /**< TRADING_ORDER_TYPE_ */
    int32_t time_in_force; /**< TRADING_TIME_IN_FORCE_; 0: day for limit orders; market orders are always immediate or cancel */
    trading_id portfolio;
    trading_symbol symbol;
    trading_decimal quantity;    /**< > 0 (FIX OrderQty, tag 38) */
    trading_decimal limit_price; /**< > 0 for limit orders (FIX Price, tag 44), 0 for market orders */
    trading_id lot;              /**< sells: the buy order whose lot alone is sold; zero: the oldest lots first */
} trading_place_order;

/** Body of CANCEL_ORDER. */
typedef struct trading_cancel_order {
    uint32_t size;
    uint32_t reserved;
    trading_id order;
} trading_cancel_order;

/** Body of BOOK_EXECUTION: what a venue outside executed of an order that was routed to it, within the order's limit (FIX ExecType F). */
typedef struct trading_book_execution {
    uint32_t size;
    uint32_t reserved;
    trading_id order;
    trading_decimal quantity; /**< > 0, at most what is open (FIX LastQty, tag 32) */
    trading_decimal price;    /**< > 0 (FIX LastPx, tag 31) */
} trading_book_execution;

/** Body of END_ORDER: the venue outside executes no more of it. What is held for the rest is given back. */
typedef struct trading_end_order {
    uint32_t size;
    int32_t status; /**< TRADING_ORDER_STATUS_CANCELED or _EXPIRED */
    trading_id order;
} trading_end_order;

TRADING_API void trading_place_order_init(trading_place_order *body);
TRADING_API void trading_cancel_order_init(trading_cancel_order *body);
TRADING_API void trading_book_execution_init(trading_book_execution *body);
TRADING_API void trading_end_order_init(trading_end_order *body);

#define TRADING_PLACE_ORDER_INIT                                                                                               \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_place_order)                                                                          \
    }
#define TRADING_CANCEL_ORDER_INIT                                                                                              \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_cancel_order)                                                                         \
    }

#define TRADING_BOOK_EXECUTION_INIT                                                                                            \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_book_execution)                                                                       \
    }
#define TRADING_END_ORDER_INIT                                                                                                 \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_end_order), .status = TRADING_ORDER_STATUS_CANCELED                                   \
    }

/** An order as a view shows it. The layout is frozen. */
typedef struct trading_order {
    trading_id id;
    trading_id account;
    trading_id portfolio;
    trading_id lot; /**< as it was named, or zero */
    trading_symbol symbol;
    int32_t side;
    int32_t type;
    int32_t time_in_force;
    int32_t status; /**< TRADING_ORDER_STATUS_ */
    int32_t reason; /**< TRADING_REASON_ of a rejected order */
    uint32_t execution_count;
    trading_decimal quantity;
    trading_decimal limit_price;     /**< of a market buy: the quoted ask plus the collar when it was placed */
    trading_decimal filled_quantity; /**< FIX CumQty (14) */
    trading_decimal leaves_quantity; /**< FIX LeavesQty (151): still open */
    trading_decimal average_price;   /**< FIX AvgPx (6), rounded half to even; 0 before the first execution */
    trading_decimal consideration;   /**< all paid or received for it */
    trading_decimal held;            /**< funds (buy) or shares (sell) still held for it */
    trading_decimal refunded;
    trading_time placed;
    trading_time updated;
    int64_t position; /**< as of this journal position */
    int64_t version;  /**< events of this order so far */
} trading_order;

/** One execution of an order (FIX ExecType F). The layout is frozen. */
typedef struct trading_execution {
    int64_t position; /**< of its event, which is its ExecID (FIX tag 17) */
    trading_time time;
    trading_decimal quantity;      /**< FIX LastQty (32) */
    trading_decimal price;         /**< FIX LastPx (31) */
    trading_decimal consideration; /**< paid or received: round(cumulative) − round(previous cumulative) */
    trading_id counter_order;      /**< the other side's order, or zero when it was the house's quote */
} trading_execution;

/** Names as the command line writes them: "buy"; "market"; "day"; "partially_filled". Never NULL. */
TRADING_API const char *trading_side_name(int32_t side);
TRADING_API const char *trading_order_type_name(int32_t type);
TRADING_API const char *trading_time_in_force_name(int32_t time_in_force);
TRADING_API const char *trading_order_status_name(int32_t status);

TRADING_EXTERN_C_END

#endif
