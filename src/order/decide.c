#include "order/decide.h"

#include "base/wide.h"

bool order_decide_cancel(const struct order_record *order, struct rejection *why)
{
    return order_leaves(order) > 0 || reject(why, TRADING_REASON_ORDER_NOT_OPEN);
}

bool order_decide_refund(const struct order_record *order, trading_decimal amount, struct rejection *why)
{
    trading_decimal most = order->side == TRADING_SIDE_BUY ? order->paid - order->refunded : 0;
    return amount <= most || reject_amount(why, TRADING_REASON_REFUND_TOO_LARGE, amount, most);
}

bool order_decide_end(const struct order_record *order, struct rejection *why)
{
    if (!order_is_outside(order))
        return reject(why, TRADING_REASON_NOT_ROUTED);
    return order_leaves(order) > 0 || reject(why, TRADING_REASON_ORDER_NOT_OPEN);
}

bool order_decide_execution(const struct order_record *order, trading_decimal quantity, trading_decimal price,
                            struct rejection *why)
{
    if (!order_decide_end(order, why))
        return false;
    if (quantity > order_leaves(order))
        return reject_amount(why, TRADING_REASON_EXECUTION_TOO_LARGE, quantity, order_leaves(order));
    bool within = order->limit == 0 || (order->side == TRADING_SIDE_BUY ? price <= order->limit : price >= order->limit);
    return within || reject_amount(why, TRADING_REASON_PRICE_BEYOND_LIMIT, price, order->limit);
}

bool order_consideration(const struct order_record *order, trading_decimal quantity, trading_decimal price,
                         trading_decimal *amount)
{
    trading_decimal paid;
    if (!wide_product_round(wide_sum_get(&order->notional) + wide_product(quantity, price), &paid))
        return false;
    *amount = paid - order->paid;
    return true;
}

trading_decimal order_average(const struct order_record *order)
{
    trading_decimal average = 0;
    if (order->filled)
        wide_narrow(wide_round(wide_sum_get(&order->notional), order->filled), &average);
    return average;
}

bool order_hold(const struct order_record *order, trading_decimal quantity, trading_decimal price, trading_decimal amount,
                trading_decimal *hold)
{
    trading_decimal leaves = order->quantity - order->filled - quantity;
    __int128 notional = wide_sum_get(&order->notional) + wide_product(quantity, price);
    trading_decimal most;
    if (!wide_product_round(notional + wide_product(leaves, order->limit), &most))
        return false;
    *hold = most - order->paid - amount;
    return true;
}
