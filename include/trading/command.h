/**
 * @file
 * Commands and their results. Arrays of commands go in, one result each comes out, in order.
 *
 * The bodies of the commands are with the context that decides them: trading/account.h, trading/portfolio.h, trading/order.h,
 * trading/market.h.
 */
#ifndef TRADING_COMMAND_H
#define TRADING_COMMAND_H

#include <trading/decimal.h>
#include <trading/id.h>
#include <trading/time.h>

TRADING_EXTERN_C_BEGIN

/** @name Types of command: which body they carry, and what `account` names */
/**@{*/
#define TRADING_COMMAND_OPEN_ACCOUNT     1  /**< trading_open_account; account: zero */
#define TRADING_COMMAND_OPEN_PORTFOLIO   2  /**< trading_open_portfolio; account: the owner */
#define TRADING_COMMAND_UPDATE_CONTACT   3  /**< trading_update_contact */
#define TRADING_COMMAND_UPDATE_ADDRESS   4  /**< trading_update_address */
#define TRADING_COMMAND_DEPOSIT          5  /**< trading_cash: the bank pays in */
#define TRADING_COMMAND_WITHDRAW         6  /**< trading_cash: the bank pays out, of what is available */
#define TRADING_COMMAND_CREDIT           7  /**< trading_cash: paid in by another system of the house */
#define TRADING_COMMAND_DEBIT            8  /**< trading_cash: paid out to another system of the house, of what is available */
#define TRADING_COMMAND_ACCEPT_REFUND    9  /**< trading_accept_refund: the house pays back */
#define TRADING_COMMAND_FREEZE_ACCOUNT   10 /**< no body: no withdrawal, debit or new order; what rests still trades */
#define TRADING_COMMAND_UNFREEZE_ACCOUNT 11 /**< no body */
#define TRADING_COMMAND_CLOSE_ACCOUNT    12 /**< no body: needs every portfolio closed and nothing left to withdraw */
#define TRADING_COMMAND_PLACE_ORDER      13 /**< trading_place_order; account: zero, or the portfolio's owner */
#define TRADING_COMMAND_CANCEL_ORDER     14 /**< trading_cancel_order; account: zero, or the order's owner */
#define TRADING_COMMAND_CLOSE_PORTFOLIO  15 /**< trading_close_portfolio; account: zero, or the owner */
#define TRADING_COMMAND_SET_QUOTE        16 /**< trading_set_quote; account: zero */
#define TRADING_COMMAND_END_SESSION      17 /**< no body; account: zero: every open day order expires */
#define TRADING_COMMAND_ACKNOWLEDGE      18 /**< trading_acknowledge: moves a durable cursor of a feed; account: zero */
#define TRADING_COMMAND_TRANSFER         19 /**< trading_transfer: pays another account out of what is available */
#define TRADING_COMMAND_ROUTE_ORDER      20 /**< trading_place_order: as PLACE_ORDER, but for a venue outside, not the book here */
#define TRADING_COMMAND_BOOK_EXECUTION                                                                                         \
    21 /**< trading_book_execution; account: zero, or the order's owner. The key: of the ExecID */
#define TRADING_COMMAND_END_ORDER  22 /**< trading_end_order; account: zero, or the order's owner */
#define TRADING_COMMAND_BIND_ALIAS 23 /**< trading_bind_alias: what another system calls the account, or a portfolio of it */
/**@}*/

/**
 * One command. The layout is frozen. The memory that it and its body point to must stay as it is until the result is there.
 */
typedef struct trading_command {
    int32_t type;   /**< TRADING_COMMAND_ */
    uint32_t flags; /**< 0 */
    /** Idempotency: the same key and body again, under the same account, answers the first outcome and changes nothing. Zero: the
     *  engine draws one, and the command is new each time. */
    trading_id key;
    trading_id account;     /**< see the types; a wrong owner is rejected as an unknown portfolio or order */
    trading_id actor;       /**< who asked, as the host names its users; kept with the events; may be zero */
    trading_id correlation; /**< ties commands of one errand together; kept with the events; may be zero */
    /** 0, or the version that the entity named by the body (else the account) must have: otherwise CONFLICT, and nothing is
     *  remembered under the key. */
    int64_t expected_version;
    const void *body;   /**< the struct of the type, set up by its _init; NULL where the type has none */
    uint64_t body_size; /**< sizeof of that struct; 0 where the type has none */
} trading_command;

/** @name What the domain answered */
/**@{*/
#define TRADING_STATUS_NONE       0 /**< not decided: the call failed before, and nothing of it happened */
#define TRADING_STATUS_ACCEPTED   1 /**< done, and in the journal */
#define TRADING_STATUS_DUPLICATE  2 /**< done before under this key; the result is the first one's */
#define TRADING_STATUS_REJECTED   3 /**< refused by a rule; `reason` says which */
#define TRADING_STATUS_CONFLICT   4 /**< expected_version is not the entity's; `version` says what is */
#define TRADING_STATUS_KEY_REUSED 5 /**< the key was used with another body; nothing was done */
#define TRADING_STATUS_MALFORMED  6 /**< the command itself is wrong, whatever the state; `reason` says how; not remembered */
#define TRADING_STATUS_UNKNOWN    7 /**< the outcome could not be learnt; repeat with the same key */
/**@}*/

/** @name Reasons */
/**@{*/
#define TRADING_REASON_NONE 0
/** Unknown type, a body of the wrong size, a flag or constant that does not exist; or what does not go together: a market order that is to
 *  rest, a lot that a buy order names, a transfer to the account itself, an account where the type takes none. */
#define TRADING_REASON_BAD_REQUEST         1
#define TRADING_REASON_BAD_TEXT            2  /**< text that is too long, not UTF-8, or holds control characters */
#define TRADING_REASON_BAD_AMOUNT          3  /**< zero, negative, or beyond the range of a decimal */
#define TRADING_REASON_TOO_PRECISE         4  /**< finer than the currency's minor unit */
#define TRADING_REASON_BAD_SYMBOL          5  /**< not 1 to 15 characters of A–Z 0–9 . - _ / */
#define TRADING_REASON_BAD_CURRENCY        6  /**< not an ISO 4217 code that the library knows */
#define TRADING_REASON_BAD_PRICE           7  /**< a limit order without a positive price, or another order with one */
#define TRADING_REASON_UNKNOWN_ACCOUNT     8  /**< no such account */
#define TRADING_REASON_UNKNOWN_PORTFOLIO   9  /**< no such portfolio of this account */
#define TRADING_REASON_UNKNOWN_ORDER       10 /**< no such order of this account */
#define TRADING_REASON_UNKNOWN_LOT         11 /**< the portfolio holds no lot bought by that order */
#define TRADING_REASON_ACCOUNT_FROZEN      12 /**< the account is frozen */
#define TRADING_REASON_ACCOUNT_CLOSED      13 /**< the account is closed */
#define TRADING_REASON_NOT_FROZEN          14 /**< to unfreeze needs a frozen account */
#define TRADING_REASON_INSUFFICIENT_FUNDS  15 /**< `required` is more than `available` */
#define TRADING_REASON_INSUFFICIENT_SHARES 16 /**< `required` is more than `available` */
#define TRADING_REASON_LOT_TOO_SMALL       17 /**< the named lot has `available`, less than `required` */
#define TRADING_REASON_LOT_OF_OTHER_SYMBOL 18 /**< the named lot is of another symbol */
#define TRADING_REASON_NO_QUOTE            19 /**< a market buy needs a quoted ask to hold funds by */
#define TRADING_REASON_OTHER_CURRENCY      20 /**< the instrument trades in another currency than the account's */
#define TRADING_REASON_PORTFOLIO_CLOSING   21 /**< the portfolio is closing and takes no orders */
#define TRADING_REASON_PORTFOLIO_CLOSED    22 /**< the portfolio is closed */
#define TRADING_REASON_ORDER_NOT_OPEN      23 /**< the order is filled, canceled, rejected or expired */
#define TRADING_REASON_PORTFOLIOS_OPEN     24 /**< to close an account needs all its portfolios closed */
#define TRADING_REASON_FUNDS_REMAIN        25 /**< to close an account needs its money withdrawn; `available` says how much is there */
#define TRADING_REASON_REFUND_TOO_LARGE    26 /**< more than was paid for the order and not refunded yet; `available` says */
#define TRADING_REASON_CROSSED_QUOTE       27 /**< a quote's bid is not below its ask */
#define TRADING_REASON_TOO_LARGE           28 /**< a sum would pass the range of a decimal */
#define TRADING_REASON_FORGOTTEN           29 /**< the person was forgotten; nothing personal is taken any more */
#define TRADING_REASON_ALREADY_EXISTS      30 /**< the id that the key derives is another's: choose another key */
#define TRADING_REASON_BAD_POSITION        31 /**< a cursor may not go back, nor beyond the end */
#define TRADING_REASON_TRANSFERS_PENDING   32 /**< an account with transfers on their way cannot be closed; `available` is */
#define TRADING_REASON_NOT_ROUTED          33 /**< the order is not at a venue outside: its executions are the exchange's */
#define TRADING_REASON_EXECUTION_TOO_LARGE 34 /**< `required` was executed, and `available` is all that the order has open */
#define TRADING_REASON_PRICE_BEYOND_LIMIT  35 /**< `required` is the price of the execution, `available` the order's limit */
#define TRADING_REASON_ALIAS_TAKEN         36 /**< the alias is another's, or what it is for has one in that space already */
/**@}*/

/** What became of one command. The layout is frozen. Amounts and ids that do not apply are zero. */
typedef struct trading_result {
    int32_t status;       /**< TRADING_STATUS_ */
    int32_t reason;       /**< TRADING_REASON_, when rejected or malformed */
    int64_t position;     /**< of the command's last event; wait for it in a view to read your own write; −1: none */
    int64_t version;      /**< of the account, portfolio or order, whichever the body names; after the command */
    trading_id account;   /**< the account it concerns */
    trading_id portfolio; /**< the portfolio it concerns, or opened */
    trading_id order;     /**< the order it concerns, or placed (also when the order was rejected) */
    int32_t order_status; /**< TRADING_ORDER_STATUS_ of that order, once the command was done */
    int32_t reserved;
    trading_decimal filled_quantity; /**< of that order (FIX CumQty, tag 14) */
    trading_decimal average_price;   /**< of that order (FIX AvgPx, tag 6), rounded half to even */
    trading_decimal required;        /**< of a rejection: what the rule asked for */
    trading_decimal available;       /**< of a rejection: what was there */
} trading_result;

/** The name of a status, such as "REJECTED". Never NULL; static. Any thread. */
TRADING_API const char *trading_status_name(int32_t status);
/** The name of a reason, such as "INSUFFICIENT_FUNDS". Never NULL; static. Any thread. */
TRADING_API const char *trading_reason_name(int32_t reason);
/** A sentence for people about a reason, without amounts. Never NULL; static. Any thread. */
TRADING_API const char *trading_reason_text(int32_t reason);

TRADING_EXTERN_C_END

#endif
