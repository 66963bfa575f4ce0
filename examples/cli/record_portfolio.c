/* Portfolios as JSON: positions and lots. */
#include "record.h"

#define PAGE 64

static json_t *plain_position(const trading_position *position, int32_t decimals)
{
    json_t *object = new_object();
    put_text(object, "symbol", position->symbol.text);
    put_quantity(object, "quantity", position->quantity);
    put_quantity(object, "reserved", position->reserved);
    put_money(object, "cost_basis", position->cost_basis, decimals);
    put_money(object, "mark", position->mark, decimals);
    put_money(object, "market_value", position->market_value, decimals);
    put_money(object, "realized_pnl", position->realized_pnl, decimals);
    put_money(object, "unrealized_pnl", position->unrealized_pnl, decimals);
    return object;
}

static json_t *plain_lot(const trading_lot *lot, int32_t decimals)
{
    json_t *object = new_object();
    put_id(object, "lot", TRADING_ENTITY_ORDER, &lot->lot);
    put_text(object, "symbol", lot->symbol.text);
    put_quantity(object, "quantity", lot->quantity);
    put_quantity(object, "reserved", lot->reserved);
    put_money(object, "cost_basis", lot->cost_basis, decimals);
    put_time(object, "acquired", lot->acquired);
    return object;
}

json_t *record_positions(trading_view *view, const trading_id *portfolio, bool all, trading_error *error)
{
    trading_position page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    int32_t decimals = money_of_portfolio(view, portfolio);
    json_t *positions = new_array();
    do {
        if (trading_view_positions(view, portfolio, &cursor, page, PAGE, &count, error) != TRADING_OK) {
            json_decref(positions);
            return NULL;
        }
        for (size_t i = 0; i < count; i++)
            if (all || page[i].quantity != 0)
                append(positions, plain_position(&page[i], decimals));
    } while (count);
    return positions;
}

json_t *record_lots(trading_view *view, const trading_id *portfolio, trading_error *error)
{
    trading_lot page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    int32_t decimals = money_of_portfolio(view, portfolio);
    json_t *lots = new_array();
    do {
        if (trading_view_lots(view, portfolio, &cursor, page, PAGE, &count, error) != TRADING_OK) {
            json_decref(lots);
            return NULL;
        }
        for (size_t i = 0; i < count; i++)
            append(lots, plain_lot(&page[i], decimals));
    } while (count);
    return lots;
}

static json_t *plain_portfolio(const trading_portfolio *portfolio, const char *name)
{
    json_t *object = new_object();
    int32_t decimals = money_of_currency(&portfolio->currency);
    put_id(object, "portfolio", TRADING_ENTITY_PORTFOLIO, &portfolio->id);
    put_id(object, "account", TRADING_ENTITY_ACCOUNT, &portfolio->account);
    put_text(object, "name", name);
    put_text(object, "status", trading_portfolio_status_name(portfolio->status));
    put_text(object, "loyalty", trading_loyalty_name(portfolio->loyalty));
    put_text(object, "currency", portfolio->currency.text);
    put_money(object, "traded", portfolio->traded, decimals);
    put_money(object, "cost_basis", portfolio->cost_basis, decimals);
    put_money(object, "market_value", portfolio->market_value, decimals);
    put_money(object, "realized_pnl", portfolio->realized_pnl, decimals);
    put_money(object, "unrealized_pnl", portfolio->unrealized_pnl, decimals);
    put_integer(object, "open_orders", portfolio->open_order_count);
    return object;
}

json_t *record_portfolio(trading_view *view, const trading_id *id, bool all, trading_error *error)
{
    trading_portfolio portfolio = {.size = sizeof portfolio};
    char name[TRADING_NAME_BYTES + 1];
    if (trading_view_portfolio(view, id, &portfolio, error) != TRADING_OK ||
        trading_view_portfolio_name(view, id, name, sizeof name, error) != TRADING_OK)
        return NULL;
    json_t *positions = record_positions(view, id, all, error);
    json_t *lots = positions ? record_lots(view, id, error) : NULL;
    if (!lots) {
        json_decref(positions);
        return NULL;
    }
    json_t *object = plain_portfolio(&portfolio, name);
    put(object, "positions", positions);
    put(object, "lots", lots);
    put_time(object, "opened", portfolio.opened);
    put_integer(object, "version", portfolio.version);
    put_integer(object, "position", portfolio.position);
    return object;
}
