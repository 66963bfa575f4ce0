/* Orders and their executions as JSON. */
#include "record.h"

#define PAGE 64

static json_t *plain_order(const trading_order *order, int32_t decimals)
{
    json_t *object = new_object();
    put_id(object, "order", TRADING_ENTITY_ORDER, &order->id);
    put_id(object, "account", TRADING_ENTITY_ACCOUNT, &order->account);
    put_id(object, "portfolio", TRADING_ENTITY_PORTFOLIO, &order->portfolio);
    put_text(object, "status", trading_order_status_name(order->status));
    if (order->reason)
        put_text(object, "reason", trading_reason_name(order->reason));
    put_text(object, "side", trading_side_name(order->side));
    put_text(object, "symbol", order->symbol.text);
    put_text(object, "type", trading_order_type_name(order->type));
    put_text(object, "time_in_force", trading_time_in_force_name(order->time_in_force));
    put_quantity(object, "quantity", order->quantity);
    if (order->limit_price)
        put_money(object, "limit_price", order->limit_price, decimals);
    put_id(object, "lot", TRADING_ENTITY_ORDER, &order->lot);
    put_quantity(object, "filled_quantity", order->filled_quantity);
    put_quantity(object, "leaves_quantity", order->leaves_quantity);
    put_money(object, "average_price", order->average_price, decimals);
    put_money(object, "consideration", order->consideration, decimals);
    if (order->side == TRADING_SIDE_BUY)
        put_money(object, "held", order->held, decimals);
    else
        put_quantity(object, "held", order->held);
    put_money(object, "refunded", order->refunded, decimals);
    put_time(object, "placed", order->placed);
    put_time(object, "updated", order->updated);
    put_integer(object, "version", order->version);
    put_integer(object, "position", order->position);
    return object;
}

static json_t *plain_execution(const trading_execution *execution, int32_t decimals)
{
    json_t *object = new_object();
    put_integer(object, "execution", execution->position);
    put_time(object, "time", execution->time);
    put_quantity(object, "quantity", execution->quantity);
    put_money(object, "price", execution->price, decimals);
    put_money(object, "consideration", execution->consideration, decimals);
    put_id(object, "counter_order", TRADING_ENTITY_ORDER, &execution->counter_order);
    return object;
}

static bool put_executions(json_t *object, trading_view *view, const trading_id *order, int32_t decimals, trading_error *error)
{
    trading_execution page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    json_t *executions = new_array();
    put(object, "executions", executions);
    do {
        if (trading_view_executions(view, order, &cursor, page, PAGE, &count, error) != TRADING_OK)
            return false;
        for (size_t i = 0; i < count; i++)
            append(executions, plain_execution(&page[i], decimals));
    } while (count);
    return true;
}

json_t *record_order(trading_view *view, const trading_id *id, trading_error *error)
{
    trading_order order;
    if (trading_view_order(view, id, &order, error) != TRADING_OK)
        return NULL;
    int32_t decimals = money_of_account(view, &order.account);
    json_t *object = plain_order(&order, decimals);
    if (!put_executions(object, view, id, decimals, error)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *record_orders(trading_view *view, const trading_id *portfolio, bool open_only, trading_error *error)
{
    trading_order page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    int32_t decimals = money_of_portfolio(view, portfolio);
    json_t *orders = new_array();
    do {
        if (trading_view_orders(view, portfolio, open_only, &cursor, page, PAGE, &count, error) != TRADING_OK) {
            json_decref(orders);
            return NULL;
        }
        for (size_t i = 0; i < count; i++)
            append(orders, plain_order(&page[i], decimals));
    } while (count);
    return orders;
}
