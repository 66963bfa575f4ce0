/**
 * @file
 * The Portfolio context: positions, tax lots, cost basis, profit and loss.
 *
 * A lot is what one buy order acquired; it is named by that order. A sell that names no lot disposes of the oldest first (FIFO);
 * one that names a lot takes only that one. The cost of a piece is its share of the lot's cost, rounded half to even; the last
 * piece takes the remainder, so that pieces always add up.
 */
#ifndef TRADING_PORTFOLIO_H
#define TRADING_PORTFOLIO_H

#include <trading/command.h>

TRADING_EXTERN_C_BEGIN

/** Body of OPEN_PORTFOLIO: a further one of the account. */
typedef struct trading_open_portfolio {
    uint32_t size;
    uint32_t reserved;
    trading_text name; /**< personal data, like the account's; TRADING_NAME_BYTES; may be empty */
} trading_open_portfolio;

/** Body of CLOSE_PORTFOLIO: its open orders are canceled and what it holds is sold at once, as far as the market takes it. What
 *  is left keeps it closing; the same command under a new key goes on from there. With nothing left it is closed. */
typedef struct trading_close_portfolio {
    uint32_t size;
    uint32_t reserved;
    trading_id portfolio;
} trading_close_portfolio;

TRADING_API void trading_open_portfolio_init(trading_open_portfolio *body);
TRADING_API void trading_close_portfolio_init(trading_close_portfolio *body);

#define TRADING_OPEN_PORTFOLIO_INIT                                                                                            \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_open_portfolio)                                                                       \
    }
#define TRADING_CLOSE_PORTFOLIO_INIT                                                                                           \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_close_portfolio)                                                                      \
    }

/** @name Status of a portfolio */
/**@{*/
#define TRADING_PORTFOLIO_OPEN    1
#define TRADING_PORTFOLIO_CLOSING 2
#define TRADING_PORTFOLIO_CLOSED  3
/**@}*/

/** @name Loyalty: by all that the portfolio ever bought and sold, in units of its currency */
/**@{*/
#define TRADING_LOYALTY_BRONZE 1
#define TRADING_LOYALTY_SILVER 2 /**< from 10,000 traded */
#define TRADING_LOYALTY_GOLD   3 /**< from 100,000 traded */
/**@}*/

/** A portfolio as a view shows it; set up by its initialiser before it is handed to one. Money is in the account's currency. */
typedef struct trading_portfolio {
    uint32_t size;
    int32_t status; /**< TRADING_PORTFOLIO_ */
    trading_id id;
    trading_id account;
    int32_t loyalty; /**< TRADING_LOYALTY_ */
    trading_currency currency;
    int64_t position; /**< as of this journal position */
    int64_t version;  /**< events of this portfolio so far */
    trading_time opened;
    uint32_t position_count; /**< symbols held now */
    uint32_t open_order_count;
    trading_decimal traded;         /**< all bought and sold so far */
    trading_decimal cost_basis;     /**< of what it holds */
    trading_decimal market_value;   /**< of what it holds, each position by its mark (see trading_position) */
    trading_decimal realized_pnl;   /**< proceeds − cost of what was sold */
    trading_decimal unrealized_pnl; /**< market_value − cost_basis */
} trading_portfolio;

#define TRADING_PORTFOLIO_INIT                                                                                                 \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_portfolio)                                                                            \
    }
TRADING_API void trading_portfolio_init(trading_portfolio *portfolio);

/** One symbol held. The layout is frozen. */
typedef struct trading_position {
    trading_symbol symbol;
    trading_decimal quantity;
    trading_decimal reserved; /**< of it, reserved for open sell orders */
    trading_decimal cost_basis;
    trading_decimal mark; /**< what one share is valued at: the quoted bid; without one the last trade, else the ask, else 0 */
    trading_decimal market_value;   /**< quantity × mark, rounded half to even */
    trading_decimal realized_pnl;   /**< of this symbol, so far */
    trading_decimal unrealized_pnl; /**< market_value − cost_basis */
} trading_position;

/** One tax lot that is still held. The layout is frozen. */
typedef struct trading_lot {
    trading_id lot; /**< the order that bought it */
    trading_symbol symbol;
    trading_decimal quantity;   /**< still held */
    trading_decimal reserved;   /**< of it, reserved for open sell orders that name this lot */
    trading_decimal cost_basis; /**< of what is still held */
    trading_time acquired;      /**< of its first execution */
} trading_lot;

/** The name of a portfolio's status: "open", "closing", "closed". Never NULL. */
TRADING_API const char *trading_portfolio_status_name(int32_t status);
/** The name of a loyalty level: "bronze", "silver", "gold". Never NULL. */
TRADING_API const char *trading_loyalty_name(int32_t loyalty);

TRADING_EXTERN_C_END

#endif
