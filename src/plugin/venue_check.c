#include "plugin/venue_check.h"

#include "base/error.h"
#include "base/text.h"

/* ---- what a venue is asked ---- */

static bool is_between(int32_t value, int32_t least, int32_t most)
{
    return value >= least && value <= most;
}

static bool is_name(const char *text, size_t bytes)
{
    size_t length = strnlen(text, bytes);
    return length > 0 && length < bytes && text_is_printable(text, length);
}

static bool has_terms(const trading_venue_order *order)
{
    return is_between(order->side, TRADING_SIDE_BUY, TRADING_SIDE_SELL) &&
           is_between(order->type, TRADING_ORDER_TYPE_MARKET, TRADING_ORDER_TYPE_LIMIT) &&
           is_between(order->time_in_force, TRADING_TIME_IN_FORCE_DAY, TRADING_TIME_IN_FORCE_IOC) && !order->reserved;
}

static bool has_amounts(const trading_venue_order *order)
{
    bool priced = order->price > 0 || (order->price == 0 && order->type == TRADING_ORDER_TYPE_MARKET);
    return priced && order->quantity > 0 && order->filled_quantity >= 0 && order->filled_quantity < order->quantity;
}

int32_t venue_check_order(const trading_venue_order *order, trading_error *error)
{
    if (!order || !is_name(order->cl_ord_id, sizeof order->cl_ord_id) || !symbol_is_valid(&order->symbol))
        return error_set(error, TRADING_E_INVALID, "an order at a venue has a ClOrdID of 1 to %d characters, and a symbol",
                         TRADING_ID_TEXT - 1);
    if (!has_terms(order))
        return error_set(error, TRADING_E_INVALID, "%s has a side, type or time in force that does not exist",
                         order->cl_ord_id);
    if (!has_amounts(order))
        return error_set(error, TRADING_E_INVALID,
                         "%s has no quantity above 0 of which something is open, or a limit order no price", order->cl_ord_id);
    return TRADING_OK;
}

int32_t venue_check_quote(const trading_symbol *symbol, trading_decimal bid, trading_decimal ask, trading_error *error)
{
    if (!symbol || !symbol_is_valid(symbol) || bid < 0 || ask < 0 || (bid && ask && bid >= ask))
        return error_set(error, TRADING_E_INVALID, "a quote has a symbol, and a bid below its ask");
    return TRADING_OK;
}

/* ---- what a venue tells ---- */

static bool is_ended(const char *text, size_t bytes)
{
    return strnlen(text, bytes) < bytes;
}

static bool is_end(int32_t exec_type)
{
    return exec_type == TRADING_EXEC_TYPE_CANCELED || exec_type == TRADING_EXEC_TYPE_EXPIRED ||
           exec_type == TRADING_EXEC_TYPE_REJECTED;
}

static bool texts_are_whole(const trading_execution_report *report)
{
    bool named = report->exec_type == TRADING_EXEC_TYPE_TRADE || is_end(report->exec_type);
    return is_name(report->cl_ord_id, sizeof report->cl_ord_id) && is_ended(report->text, sizeof report->text) &&
           (named ? is_name(report->exec_id, sizeof report->exec_id) : is_ended(report->exec_id, sizeof report->exec_id));
}

static bool amounts_can_be(const trading_execution_report *report)
{
    bool executed = report->exec_type == TRADING_EXEC_TYPE_TRADE;
    return (executed ? report->quantity > 0 && report->price > 0 : !report->quantity && !report->price) &&
           report->filled_quantity >= report->quantity && report->leaves_quantity >= 0 &&
           !(is_end(report->exec_type) && report->leaves_quantity);
}

int32_t venue_check_reports(const trading_execution_report *reports, size_t count, size_t max, trading_error *error)
{
    if (count > max)
        return error_set(error, TRADING_E_DAMAGED, "the venue told %zu reports where %zu were asked for", count, max);
    for (size_t i = 0; i < count; i++) {
        const trading_execution_report *report = &reports[i];
        if (!is_between(report->exec_type, TRADING_EXEC_TYPE_NEW, TRADING_EXEC_TYPE_ORDER_STATUS) ||
            !is_between(report->order_status, 0, TRADING_ORDER_STATUS_EXPIRED) || !texts_are_whole(report) ||
            !amounts_can_be(report))
            return error_set(error, TRADING_E_DAMAGED, "the venue told a report that cannot be: %s of \"%.31s\", \"%.63s\"",
                             trading_exec_type_name(report->exec_type), report->cl_ord_id, report->exec_id);
    }
    return TRADING_OK;
}
