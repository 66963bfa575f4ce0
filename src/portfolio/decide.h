/* The rules of the Portfolio context. Pure: they read the state as decided. */
#ifndef PORTFOLIO_DECIDE_H
#define PORTFOLIO_DECIDE_H

#include "base/rejection.h"
#include "portfolio/state.h"

/* May take orders: open, not closing, not closed. */
bool portfolio_decide_order(const struct portfolio_record *portfolio, struct rejection *why);

/* May begin or go on with closing: not closed. */
bool portfolio_decide_close(const struct portfolio_record *portfolio, struct rejection *why);

/* Whether `quantity` of the position can be reserved; of the lot `lot` alone (its record), unless it is 0. A portfolio that never had any
 * of the instrument has position 0. */
bool portfolio_decide_sell(const struct portfolios *portfolios, uint32_t holding, uint32_t lot, trading_decimal quantity,
                           struct rejection *why);

/* What part of one lot a sale disposes of next. */
struct piece {
    uint32_t number; /* of the lot's record */
    uint32_t lot;    /* the order that bought it */
    trading_decimal quantity;
    trading_decimal cost;
};

/* The next piece of at most `quantity` that a sale takes: of the named lot (its record), or of the oldest lot that has shares which no
 * other sale has reserved by name. A quantity of 0: there is none. */
struct piece portfolio_next_piece(const struct portfolios *portfolios, uint32_t holding, uint32_t lot,
                                  trading_decimal quantity);

/* How much of `quantity` the next `pieces` pieces make up: a sale out of very many lots is executed in several steps, so that what
 * one execution adds to a commit is bounded. */
trading_decimal portfolio_disposable(const struct portfolios *portfolios, uint32_t holding, uint32_t lot,
                                     trading_decimal quantity, uint32_t pieces);

/* Whether the sums of the portfolio stay within the range of decimals with this trade. Its position may be 0: not there yet. */
bool portfolio_can_acquire(const struct portfolios *portfolios, uint32_t portfolio, uint32_t holding, trading_decimal quantity,
                           trading_decimal cost);
bool portfolio_can_dispose(const struct portfolios *portfolios, uint32_t holding, trading_decimal proceeds);

/* TRADING_LOYALTY_ for all that was ever traded. */
int32_t portfolio_loyalty(trading_decimal traded);

#endif
