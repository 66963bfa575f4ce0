/**
 * @file
 * Events: what happened, kept for ever. History, feeds and projections hand them out in one layout.
 */
#ifndef TRADING_EVENT_H
#define TRADING_EVENT_H

#include <trading/command.h>

TRADING_EXTERN_C_BEGIN

/** @name Kinds of event; a kind is below TRADING_EVENT_KINDS */
/**@{*/
#define TRADING_EVENT_ACCOUNT_OPENED      1 /**< account, currency */
#define TRADING_EVENT_CONTACT_UPDATED     2 /**< account; what it says is personal: see trading_view_profile */
#define TRADING_EVENT_ADDRESS_UPDATED     3 /**< account; likewise */
#define TRADING_EVENT_FUNDS_DEPOSITED     4 /**< account, amount: bank → customer */
#define TRADING_EVENT_FUNDS_WITHDRAWN     5 /**< account, amount: customer → bank */
#define TRADING_EVENT_FUNDS_CREDITED      6 /**< account, amount: house → customer */
#define TRADING_EVENT_FUNDS_DEBITED       7 /**< account, amount: customer → house */
#define TRADING_EVENT_FUNDS_HELD          8 /**< account, order, amount */
#define TRADING_EVENT_FUNDS_RELEASED      9 /**< account, order, amount */
#define TRADING_EVENT_FUNDS_PAID          10 /**< account, order, amount paid (customer → clearing); held: how much less is held */
#define TRADING_EVENT_FUNDS_RECEIVED      11 /**< account, order, amount (clearing → customer); rounding: clearing → house */
#define TRADING_EVENT_REFUND_ACCEPTED     12 /**< account, amount, order or zero: house → customer */
#define TRADING_EVENT_ACCOUNT_FROZEN      13 /**< account */
#define TRADING_EVENT_ACCOUNT_UNFROZEN    14 /**< account */
#define TRADING_EVENT_ACCOUNT_CLOSED      15 /**< account, amount: less than a minor unit that was left: customer → house */
#define TRADING_EVENT_COMMAND_REJECTED    16 /**< account (zero for the market's commands), reason, required, available */
#define TRADING_EVENT_TRANSFER_SENT       17 /**< account, amount: customer → clearing; counter_order: to that account */
#define TRADING_EVENT_TRANSFER_RECEIVED   18 /**< account, amount: clearing → customer; counter_order: from that account */
#define TRADING_EVENT_TRANSFER_REFUSED    19 /**< account or zero, amount, reason; counter_order: back to that account */
#define TRADING_EVENT_TRANSFER_SETTLED    20 /**< account, amount: what it sent to another partition was received */
#define TRADING_EVENT_TRANSFER_RETURNED   21 /**< account, amount, reason: what it sent was refused: clearing → customer */
#define TRADING_EVENT_ALIAS_BOUND         22 /**< account; portfolio or zero: what has the alias, which trading_view_aliases shows */
#define TRADING_EVENT_PORTFOLIO_OPENED    32 /**< account, portfolio */
#define TRADING_EVENT_SHARES_RESERVED     33 /**< portfolio, order, lot or zero, symbol, quantity */
#define TRADING_EVENT_SHARES_RELEASED     34 /**< portfolio, order, lot or zero, symbol, quantity */
#define TRADING_EVENT_LOT_ACQUIRED        35 /**< portfolio, order, lot, symbol, quantity, amount: its cost */
#define TRADING_EVENT_LOT_DISPOSED        36 /**< portfolio, order, lot, symbol, quantity, amount: proceeds; cost */
#define TRADING_EVENT_PORTFOLIO_CLOSING   37 /**< portfolio */
#define TRADING_EVENT_PORTFOLIO_CLOSED    38 /**< portfolio */
#define TRADING_EVENT_ORDER_PLACED        64 /**< order, portfolio, symbol, side, order_type, time_in_force, quantity, price, lot */
#define TRADING_EVENT_ORDER_RESTED        65 /**< order, quantity: what is open of it now stands in the book */
#define TRADING_EVENT_ORDER_EXECUTED      66 /**< order, counter_order, quantity, price, amount: consideration */
#define TRADING_EVENT_ORDER_CANCELED      67 /**< order, quantity: what was open of it */
#define TRADING_EVENT_ORDER_EXPIRED       68 /**< order, quantity: what was open of it */
#define TRADING_EVENT_ORDER_REJECTED      69 /**< as ORDER_PLACED, and reason, required, available */
#define TRADING_EVENT_ORDER_SENT          70 /**< order, quantity, price: to the partition that has its symbol's book */
#define TRADING_EVENT_CANCEL_SENT         71 /**< order: that partition is asked to cancel it */
#define TRADING_EVENT_GUEST_PLACED        72 /**< order of another partition, symbol, its terms, quantity, price */
#define TRADING_EVENT_GUEST_EXECUTED      73 /**< such an order, counter_order, quantity, price, amount: consideration; rounding */
#define TRADING_EVENT_GUEST_ENDED         74 /**< such an order, quantity: what was open of it; reason, when it was refused */
#define TRADING_EVENT_ORDER_ROUTED        75 /**< order, quantity: to a venue outside, which executes or ends it */
#define TRADING_EVENT_CANCEL_ROUTED       76 /**< order: that venue is asked to cancel it */
#define TRADING_EVENT_INSTRUMENT_LISTED   96 /**< symbol, currency */
#define TRADING_EVENT_QUOTE_SET           97 /**< symbol, bid, ask, bid_size, ask_size */
#define TRADING_EVENT_QUOTE_TAKEN         98 /**< symbol, order, side: of the house; quantity, price, amount: house ↔ clearing */
#define TRADING_EVENT_SESSION_ENDED       99  /**< the events after it, of the same command, expire the day orders */
#define TRADING_EVENT_WORK_PAUSED         100 /**< work too large for one commit goes on in the next: of an order or portfolio */
#define TRADING_EVENT_TRADE_TAKEN_OVER    101 /**< symbol, order, side, quantity, price, amount: the house stands in */
#define TRADING_EVENT_VENUE_TRADED        102 /**< symbol, order, side: of the house; quantity, price, amount: house ↔ clearing */
#define TRADING_EVENT_CURSOR_ACKNOWLEDGED 112 /**< of a feed; cursor_position */
#define TRADING_EVENT_PARTITION_SPLIT     113 /**< what is before it was other partitions', too: trading/copy.h */
#define TRADING_EVENT_KINDS               128
/**@}*/

/** An event. The layout is frozen. What its kind does not name is zero, but owners are told with what they own: the account of each
 *  portfolio, and the portfolio, account, symbol, side, order_type, time_in_force and lot of the order that an event is of. */
typedef struct trading_event {
    int64_t position; /**< its ordinal in the partition */
    int64_t previous; /**< position of the event before it of the same entity; −1: it is the first */
    trading_time time;
    int32_t kind;    /**< TRADING_EVENT_ */
    int32_t entity;  /**< TRADING_ENTITY_: whose history it is in; 0: of the partition itself */
    int32_t command; /**< TRADING_COMMAND_: what caused it */
    int32_t reason;  /**< TRADING_REASON_ of a rejection */
    trading_id key;  /**< causation: the key of the command */
    trading_id actor;
    trading_id correlation;
    trading_id account;
    trading_id portfolio;
    trading_id order;
    trading_id lot;
    trading_id counter_order; /**< of an execution the other side's order; of a transfer the other account */
    trading_symbol symbol;
    trading_currency currency;
    int32_t side;
    int32_t order_type;
    int32_t time_in_force;
    trading_decimal quantity;
    trading_decimal price;
    trading_decimal amount;
    trading_decimal held;     /**< FUNDS_PAID */
    trading_decimal cost;     /**< LOT_DISPOSED */
    trading_decimal rounding; /**< FUNDS_RECEIVED, GUEST_EXECUTED */
    trading_decimal bid;
    trading_decimal ask;
    trading_decimal bid_size;
    trading_decimal ask_size;
    trading_decimal required;
    trading_decimal available;
    int64_t cursor_position;
} trading_event;

/** The name of a kind, such as "FUNDS_DEPOSITED". Never NULL; static. Any thread. */
TRADING_API const char *trading_event_name(int32_t kind);

TRADING_EXTERN_C_END

#endif
