#include "portfolio/decide.h"

#include "base/sum.h"
#include "base/wide.h"

#define SILVER_FROM (10000 * TRADING_DECIMAL_ONE)
#define GOLD_FROM   (100000 * TRADING_DECIMAL_ONE)

bool portfolio_decide_close(const struct portfolio_record *portfolio, struct rejection *why)
{
    return portfolio->status != TRADING_PORTFOLIO_CLOSED || reject(why, TRADING_REASON_PORTFOLIO_CLOSED);
}

bool portfolio_decide_order(const struct portfolio_record *portfolio, struct rejection *why)
{
    if (!portfolio_decide_close(portfolio, why))
        return false;
    return portfolio->status != TRADING_PORTFOLIO_CLOSING || reject(why, TRADING_REASON_PORTFOLIO_CLOSING);
}

bool portfolio_decide_sell(const struct portfolios *portfolios, uint32_t holding, uint32_t lot, trading_decimal quantity,
                           struct rejection *why)
{
    if (lot) {
        const struct lot_record *record = lot_get(portfolios, lot);
        if (record->quantity == 0)
            return reject(why, TRADING_REASON_UNKNOWN_LOT);
        if (record->holding != holding)
            return reject(why, TRADING_REASON_LOT_OF_OTHER_SYMBOL);
        trading_decimal free_in_lot = record->quantity - record->reserved;
        if (quantity > free_in_lot)
            return reject_amount(why, TRADING_REASON_LOT_TOO_SMALL, quantity, free_in_lot);
    }
    const struct holding_record *record = holding_get(portfolios, holding);
    trading_decimal free_in_all = record->quantity - record->reserved;
    return quantity <= free_in_all || reject_amount(why, TRADING_REASON_INSUFFICIENT_SHARES, quantity, free_in_all);
}

/* What a sale may take of a lot: a sale that names it, all of it that is there (its own reservation among it); another, what no sale
 * has reserved by name. */
static trading_decimal takable(const struct lot_record *lot, bool named)
{
    return named ? lot->quantity : lot->quantity - lot->reserved;
}

static uint32_t first_lot(const struct portfolios *portfolios, uint32_t holding, uint32_t named)
{
    return named ? named : holding_get(portfolios, holding)->first_lot;
}

static struct piece piece_of(const struct lot_record *lot, uint32_t number, trading_decimal quantity)
{
    struct piece piece = {.number = number, .lot = lot->order, .quantity = quantity, .cost = lot->cost};
    if (quantity < lot->quantity)
        decimal_share(lot->cost, quantity, lot->quantity, &piece.cost);
    return piece;
}

struct piece portfolio_next_piece(const struct portfolios *portfolios, uint32_t holding, uint32_t lot, trading_decimal quantity)
{
    uint32_t number = first_lot(portfolios, holding, lot);
    while (number) {
        const struct lot_record *record = lot_get(portfolios, number);
        trading_decimal most = takable(record, lot != 0);
        if (most > 0)
            return piece_of(record, number, quantity < most ? quantity : most);
        number = lot ? 0 : record->next;
    }
    return (struct piece){0};
}

trading_decimal portfolio_disposable(const struct portfolios *portfolios, uint32_t holding, uint32_t lot,
                                     trading_decimal quantity, uint32_t pieces)
{
    trading_decimal sum = 0;
    uint32_t number = first_lot(portfolios, holding, lot);
    while (number && pieces && sum < quantity) {
        const struct lot_record *record = lot_get(portfolios, number);
        trading_decimal most = takable(record, lot != 0);
        sum += most;
        pieces -= most > 0;
        number = lot ? 0 : record->next;
    }
    return sum < quantity ? sum : quantity;
}

bool portfolio_can_acquire(const struct portfolios *portfolios, uint32_t portfolio, uint32_t holding, trading_decimal quantity,
                           trading_decimal cost)
{
    return sum_fits(holding_get(portfolios, holding)->quantity, quantity) &&
           sum_fits(portfolio_get(portfolios, portfolio)->cost_basis, cost);
}

bool portfolio_can_dispose(const struct portfolios *portfolios, uint32_t holding, trading_decimal proceeds)
{
    /* A loss is at most the cost, a gain at most the proceeds. */
    const struct holding_record *part = holding_get(portfolios, holding);
    const struct portfolio_record *whole = portfolio_get(portfolios, part->portfolio);
    return sum_fits(whole->realized, proceeds) && sum_fits(whole->realized, -whole->cost_basis) &&
           sum_fits(part->realized, proceeds) && sum_fits(part->realized, -part->cost_basis);
}

int32_t portfolio_loyalty(trading_decimal traded)
{
    if (traded >= GOLD_FROM)
        return TRADING_LOYALTY_GOLD;
    return traded >= SILVER_FROM ? TRADING_LOYALTY_SILVER : TRADING_LOYALTY_BRONZE;
}
