/* What a venue outside says of the orders that were routed to it: an execution, or that there will be no more. */
#include "simulation/model_inside.h"

bool model_places_order(int32_t type)
{
    return type == TRADING_COMMAND_PLACE_ORDER || type == TRADING_COMMAND_ROUTE_ORDER;
}

bool model_names_order(int32_t type)
{
    return type == TRADING_COMMAND_CANCEL_ORDER || type == TRADING_COMMAND_BOOK_EXECUTION || type == TRADING_COMMAND_END_ORDER;
}

static struct model_refusal check_routed(const struct model_order *order)
{
    if (!order->outside)
        return model_refuse(TRADING_REASON_NOT_ROUTED);
    return model_is_open(order) ? MODEL_AGREED : model_refuse(TRADING_REASON_ORDER_NOT_OPEN);
}

static bool is_within_limit(const struct model_order *order, int64_t price)
{
    if (order->side == TRADING_SIDE_BUY)
        return price <= order->limit;
    return order->type == TRADING_ORDER_TYPE_MARKET || price >= order->limit;
}

static struct model_refusal check_execution(struct model *model, int index, const struct model_command *command)
{
    const struct model_order *order = &model->orders.at[index];
    int64_t open = order->quantity - order->filled;
    int32_t house = order->side == TRADING_SIDE_BUY ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
    struct model_refusal refusal = check_routed(order);
    if (refusal.reason)
        return refusal;
    if (command->quantity > open)
        return model_refuse_amounts(TRADING_REASON_EXECUTION_TOO_LARGE, command->quantity, open);
    if (!is_within_limit(order, command->price))
        return model_refuse_amounts(TRADING_REASON_PRICE_BEYOND_LIMIT, command->price, order->limit);
    bool too_large = command->quantity > model_house_room(model, model_find_instrument(model, &order->symbol), house) ||
                     model_would_overflow(model, index, command->quantity, command->price);
    return too_large ? model_refuse(TRADING_REASON_TOO_LARGE) : MODEL_AGREED;
}

/* A portfolio that closes waits for its orders: what an ended one held is sold. */
static void go_on_closing(struct model *model, int64_t number, int index)
{
    const struct model_order *order = &model->orders.at[index];
    int portfolio = order->portfolio;
    if (model_is_open(order) || model->portfolios.at[portfolio].status != TRADING_PORTFOLIO_CLOSING)
        return;
    model_liquidate(model, number, portfolio);
}

struct model_refusal model_book_execution(struct model *model, const struct model_command *command, struct model_answer *answer)
{
    int index = model_find_order(model, command->order);
    bool buys = model->orders.at[index].side == TRADING_SIDE_BUY;
    int instrument = model_find_instrument(model, &model->orders.at[index].symbol);
    struct model_refusal refusal = check_execution(model, index, command);
    if (refusal.reason)
        return refusal;
    answer->order = command->order;
    for (int64_t left = command->quantity; left > 0;) {
        int64_t most = buys ? left : model_sellable_at_once(model, index);
        int64_t piece = most < left ? most : left;
        model_trade(model, instrument, buys ? index : MODEL_HOUSE, buys ? MODEL_HOUSE : index, piece, command->price);
        left -= piece;
    }
    go_on_closing(model, command->number, index);
    return MODEL_AGREED;
}

struct model_refusal model_end_routed(struct model *model, const struct model_command *command, struct model_answer *answer)
{
    int index = model_find_order(model, command->order);
    struct model_refusal refusal = check_routed(&model->orders.at[index]);
    if (refusal.reason)
        return refusal;
    answer->order = command->order;
    model_end_order(model, index, command->status);
    go_on_closing(model, command->number, index);
    return MODEL_AGREED;
}
