/* The words for the constants of the interface: of constants alone in capitals, of what people read and type in lower case. */
#include <stdbool.h>

#include <trading/account.h>
#include <trading/event.h>
#include <trading/market.h>
#include <trading/order.h>
#include <trading/portfolio.h>
#include <trading/projection.h>
#include <trading/venue.h>

#define NAME(table, value, unknown) name_of(table, sizeof(table) / sizeof *(table), value, unknown)

static const char *name_of(const char *const *names, size_t count, int32_t value, const char *unknown)
{
    bool known = value >= 0 && (size_t)value < count && names[value];
    return known ? names[value] : unknown;
}

/* ---- commands ---- */

static const char *const statuses[] = {
    [TRADING_STATUS_NONE] = "NONE",           [TRADING_STATUS_ACCEPTED] = "ACCEPTED",
    [TRADING_STATUS_DUPLICATE] = "DUPLICATE", [TRADING_STATUS_REJECTED] = "REJECTED",
    [TRADING_STATUS_CONFLICT] = "CONFLICT",   [TRADING_STATUS_KEY_REUSED] = "KEY_REUSED",
    [TRADING_STATUS_MALFORMED] = "MALFORMED", [TRADING_STATUS_UNKNOWN] = "UNKNOWN",
};

const char *trading_status_name(int32_t status)
{
    return NAME(statuses, status, "UNKNOWN");
}

static const char *const reasons[] = {
    [TRADING_REASON_NONE] = "NONE",
    [TRADING_REASON_BAD_REQUEST] = "BAD_REQUEST",
    [TRADING_REASON_BAD_TEXT] = "BAD_TEXT",
    [TRADING_REASON_BAD_AMOUNT] = "BAD_AMOUNT",
    [TRADING_REASON_TOO_PRECISE] = "TOO_PRECISE",
    [TRADING_REASON_BAD_SYMBOL] = "BAD_SYMBOL",
    [TRADING_REASON_BAD_CURRENCY] = "BAD_CURRENCY",
    [TRADING_REASON_BAD_PRICE] = "BAD_PRICE",
    [TRADING_REASON_UNKNOWN_ACCOUNT] = "UNKNOWN_ACCOUNT",
    [TRADING_REASON_UNKNOWN_PORTFOLIO] = "UNKNOWN_PORTFOLIO",
    [TRADING_REASON_UNKNOWN_ORDER] = "UNKNOWN_ORDER",
    [TRADING_REASON_UNKNOWN_LOT] = "UNKNOWN_LOT",
    [TRADING_REASON_ACCOUNT_FROZEN] = "ACCOUNT_FROZEN",
    [TRADING_REASON_ACCOUNT_CLOSED] = "ACCOUNT_CLOSED",
    [TRADING_REASON_NOT_FROZEN] = "NOT_FROZEN",
    [TRADING_REASON_INSUFFICIENT_FUNDS] = "INSUFFICIENT_FUNDS",
    [TRADING_REASON_INSUFFICIENT_SHARES] = "INSUFFICIENT_SHARES",
    [TRADING_REASON_LOT_TOO_SMALL] = "LOT_TOO_SMALL",
    [TRADING_REASON_LOT_OF_OTHER_SYMBOL] = "LOT_OF_OTHER_SYMBOL",
    [TRADING_REASON_NO_QUOTE] = "NO_QUOTE",
    [TRADING_REASON_OTHER_CURRENCY] = "OTHER_CURRENCY",
    [TRADING_REASON_PORTFOLIO_CLOSING] = "PORTFOLIO_CLOSING",
    [TRADING_REASON_PORTFOLIO_CLOSED] = "PORTFOLIO_CLOSED",
    [TRADING_REASON_ORDER_NOT_OPEN] = "ORDER_NOT_OPEN",
    [TRADING_REASON_PORTFOLIOS_OPEN] = "PORTFOLIOS_OPEN",
    [TRADING_REASON_FUNDS_REMAIN] = "FUNDS_REMAIN",
    [TRADING_REASON_REFUND_TOO_LARGE] = "REFUND_TOO_LARGE",
    [TRADING_REASON_CROSSED_QUOTE] = "CROSSED_QUOTE",
    [TRADING_REASON_TOO_LARGE] = "TOO_LARGE",
    [TRADING_REASON_FORGOTTEN] = "FORGOTTEN",
    [TRADING_REASON_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [TRADING_REASON_BAD_POSITION] = "BAD_POSITION",
    [TRADING_REASON_TRANSFERS_PENDING] = "TRANSFERS_PENDING",
    [TRADING_REASON_NOT_ROUTED] = "NOT_ROUTED",
    [TRADING_REASON_EXECUTION_TOO_LARGE] = "EXECUTION_TOO_LARGE",
    [TRADING_REASON_PRICE_BEYOND_LIMIT] = "PRICE_BEYOND_LIMIT",
    [TRADING_REASON_ALIAS_TAKEN] = "ALIAS_TAKEN",
};

const char *trading_reason_name(int32_t reason)
{
    return NAME(reasons, reason, "UNKNOWN");
}

static const char *const sentences[] = {
    [TRADING_REASON_NONE] = "nothing was refused",
    [TRADING_REASON_BAD_REQUEST] = "the command is of an unknown type, or its body or a constant in it is wrong",
    [TRADING_REASON_BAD_TEXT] = "a text is too long, is not UTF-8, or holds control characters",
    [TRADING_REASON_BAD_AMOUNT] = "the amount is zero, negative or out of range",
    [TRADING_REASON_TOO_PRECISE] = "the amount is finer than the currency's minor unit",
    [TRADING_REASON_BAD_SYMBOL] = "a symbol is 1 to 15 characters of A to Z, 0 to 9, '.', '-', '_' and '/'",
    [TRADING_REASON_BAD_CURRENCY] = "the currency is not a known ISO 4217 code",
    [TRADING_REASON_BAD_PRICE] = "a limit order needs a price above zero, and another order has none",
    [TRADING_REASON_UNKNOWN_ACCOUNT] = "there is no such account",
    [TRADING_REASON_UNKNOWN_PORTFOLIO] = "the account has no such portfolio",
    [TRADING_REASON_UNKNOWN_ORDER] = "the account has no such order",
    [TRADING_REASON_UNKNOWN_LOT] = "the portfolio holds no lot that this order bought",
    [TRADING_REASON_ACCOUNT_FROZEN] = "the account is frozen",
    [TRADING_REASON_ACCOUNT_CLOSED] = "the account is closed",
    [TRADING_REASON_NOT_FROZEN] = "the account is not frozen",
    [TRADING_REASON_INSUFFICIENT_FUNDS] = "there is not enough money available in the account",
    [TRADING_REASON_INSUFFICIENT_SHARES] = "there are not enough shares available in the portfolio",
    [TRADING_REASON_LOT_TOO_SMALL] = "the named lot has not enough shares available",
    [TRADING_REASON_LOT_OF_OTHER_SYMBOL] = "the named lot is of another symbol",
    [TRADING_REASON_NO_QUOTE] = "a market buy needs a quoted ask",
    [TRADING_REASON_OTHER_CURRENCY] = "the instrument trades in another currency than the account's",
    [TRADING_REASON_PORTFOLIO_CLOSING] = "the portfolio is closing and takes no orders",
    [TRADING_REASON_PORTFOLIO_CLOSED] = "the portfolio is closed",
    [TRADING_REASON_ORDER_NOT_OPEN] = "the order is not open any more",
    [TRADING_REASON_PORTFOLIOS_OPEN] = "the account has portfolios that are not closed",
    [TRADING_REASON_FUNDS_REMAIN] = "the account has money that was not withdrawn",
    [TRADING_REASON_REFUND_TOO_LARGE] = "the refund is more than was paid for the order and not refunded yet",
    [TRADING_REASON_CROSSED_QUOTE] = "the bid of a quote must be below its ask",
    [TRADING_REASON_TOO_LARGE] = "a sum would be larger than a decimal holds",
    [TRADING_REASON_FORGOTTEN] = "the person was forgotten, and nothing personal is taken any more",
    [TRADING_REASON_ALREADY_EXISTS] = "another entity has the id that this key makes; choose another key",
    [TRADING_REASON_BAD_POSITION] = "a cursor moves neither back nor beyond the end of the journal",
    [TRADING_REASON_TRANSFERS_PENDING] = "the account has transfers that are neither settled nor returned",
    [TRADING_REASON_NOT_ROUTED] = "the order is not at a venue outside",
    [TRADING_REASON_EXECUTION_TOO_LARGE] = "more was executed than the order has open",
    [TRADING_REASON_ALIAS_TAKEN] = "the alias is another's, or what it is for has one in that space already",
    [TRADING_REASON_PRICE_BEYOND_LIMIT] = "the price of the execution is worse than the order's limit",
};

const char *trading_reason_text(int32_t reason)
{
    return NAME(sentences, reason, "refused for a reason that this version does not know");
}

/* ---- events ---- */

static const char *const events[TRADING_EVENT_KINDS] = {
    [TRADING_EVENT_ACCOUNT_OPENED] = "ACCOUNT_OPENED",
    [TRADING_EVENT_CONTACT_UPDATED] = "CONTACT_UPDATED",
    [TRADING_EVENT_ADDRESS_UPDATED] = "ADDRESS_UPDATED",
    [TRADING_EVENT_FUNDS_DEPOSITED] = "FUNDS_DEPOSITED",
    [TRADING_EVENT_FUNDS_WITHDRAWN] = "FUNDS_WITHDRAWN",
    [TRADING_EVENT_FUNDS_CREDITED] = "FUNDS_CREDITED",
    [TRADING_EVENT_FUNDS_DEBITED] = "FUNDS_DEBITED",
    [TRADING_EVENT_FUNDS_HELD] = "FUNDS_HELD",
    [TRADING_EVENT_FUNDS_RELEASED] = "FUNDS_RELEASED",
    [TRADING_EVENT_FUNDS_PAID] = "FUNDS_PAID",
    [TRADING_EVENT_FUNDS_RECEIVED] = "FUNDS_RECEIVED",
    [TRADING_EVENT_REFUND_ACCEPTED] = "REFUND_ACCEPTED",
    [TRADING_EVENT_ACCOUNT_FROZEN] = "ACCOUNT_FROZEN",
    [TRADING_EVENT_ACCOUNT_UNFROZEN] = "ACCOUNT_UNFROZEN",
    [TRADING_EVENT_ACCOUNT_CLOSED] = "ACCOUNT_CLOSED",
    [TRADING_EVENT_COMMAND_REJECTED] = "COMMAND_REJECTED",
    [TRADING_EVENT_TRANSFER_SENT] = "TRANSFER_SENT",
    [TRADING_EVENT_TRANSFER_RECEIVED] = "TRANSFER_RECEIVED",
    [TRADING_EVENT_TRANSFER_REFUSED] = "TRANSFER_REFUSED",
    [TRADING_EVENT_TRANSFER_SETTLED] = "TRANSFER_SETTLED",
    [TRADING_EVENT_TRANSFER_RETURNED] = "TRANSFER_RETURNED",
    [TRADING_EVENT_ALIAS_BOUND] = "ALIAS_BOUND",
    [TRADING_EVENT_PORTFOLIO_OPENED] = "PORTFOLIO_OPENED",
    [TRADING_EVENT_SHARES_RESERVED] = "SHARES_RESERVED",
    [TRADING_EVENT_SHARES_RELEASED] = "SHARES_RELEASED",
    [TRADING_EVENT_LOT_ACQUIRED] = "LOT_ACQUIRED",
    [TRADING_EVENT_LOT_DISPOSED] = "LOT_DISPOSED",
    [TRADING_EVENT_PORTFOLIO_CLOSING] = "PORTFOLIO_CLOSING",
    [TRADING_EVENT_PORTFOLIO_CLOSED] = "PORTFOLIO_CLOSED",
    [TRADING_EVENT_ORDER_PLACED] = "ORDER_PLACED",
    [TRADING_EVENT_ORDER_RESTED] = "ORDER_RESTED",
    [TRADING_EVENT_ORDER_EXECUTED] = "ORDER_EXECUTED",
    [TRADING_EVENT_ORDER_CANCELED] = "ORDER_CANCELED",
    [TRADING_EVENT_ORDER_EXPIRED] = "ORDER_EXPIRED",
    [TRADING_EVENT_ORDER_REJECTED] = "ORDER_REJECTED",
    [TRADING_EVENT_ORDER_SENT] = "ORDER_SENT",
    [TRADING_EVENT_CANCEL_SENT] = "CANCEL_SENT",
    [TRADING_EVENT_GUEST_PLACED] = "GUEST_PLACED",
    [TRADING_EVENT_GUEST_EXECUTED] = "GUEST_EXECUTED",
    [TRADING_EVENT_GUEST_ENDED] = "GUEST_ENDED",
    [TRADING_EVENT_ORDER_ROUTED] = "ORDER_ROUTED",
    [TRADING_EVENT_CANCEL_ROUTED] = "CANCEL_ROUTED",
    [TRADING_EVENT_INSTRUMENT_LISTED] = "INSTRUMENT_LISTED",
    [TRADING_EVENT_QUOTE_SET] = "QUOTE_SET",
    [TRADING_EVENT_QUOTE_TAKEN] = "QUOTE_TAKEN",
    [TRADING_EVENT_SESSION_ENDED] = "SESSION_ENDED",
    [TRADING_EVENT_WORK_PAUSED] = "WORK_PAUSED",
    [TRADING_EVENT_TRADE_TAKEN_OVER] = "TRADE_TAKEN_OVER",
    [TRADING_EVENT_VENUE_TRADED] = "VENUE_TRADED",
    [TRADING_EVENT_CURSOR_ACKNOWLEDGED] = "CURSOR_ACKNOWLEDGED",
    [TRADING_EVENT_PARTITION_SPLIT] = "PARTITION_SPLIT",
};

const char *trading_event_name(int32_t kind)
{
    return NAME(events, kind, "UNKNOWN");
}

/* ---- contexts ---- */

const char *trading_account_status_name(int32_t status)
{
    static const char *const names[] = {
        [TRADING_ACCOUNT_OPEN] = "open", [TRADING_ACCOUNT_FROZEN] = "frozen", [TRADING_ACCOUNT_CLOSED] = "closed"};
    return NAME(names, status, "unknown");
}

const char *trading_portfolio_status_name(int32_t status)
{
    static const char *const names[] = {
        [TRADING_PORTFOLIO_OPEN] = "open", [TRADING_PORTFOLIO_CLOSING] = "closing", [TRADING_PORTFOLIO_CLOSED] = "closed"};
    return NAME(names, status, "unknown");
}

const char *trading_loyalty_name(int32_t loyalty)
{
    static const char *const names[] = {
        [TRADING_LOYALTY_BRONZE] = "bronze", [TRADING_LOYALTY_SILVER] = "silver", [TRADING_LOYALTY_GOLD] = "gold"};
    return NAME(names, loyalty, "unknown");
}

const char *trading_side_name(int32_t side)
{
    static const char *const names[] = {[TRADING_SIDE_BUY] = "buy", [TRADING_SIDE_SELL] = "sell"};
    return NAME(names, side, "unknown");
}

const char *trading_order_type_name(int32_t type)
{
    static const char *const names[] = {[TRADING_ORDER_TYPE_MARKET] = "market", [TRADING_ORDER_TYPE_LIMIT] = "limit"};
    return NAME(names, type, "unknown");
}

const char *trading_time_in_force_name(int32_t time_in_force)
{
    static const char *const names[] = {
        [TRADING_TIME_IN_FORCE_DAY] = "day", [TRADING_TIME_IN_FORCE_GTC] = "gtc", [TRADING_TIME_IN_FORCE_IOC] = "ioc"};
    return NAME(names, time_in_force, "unknown");
}

const char *trading_order_status_name(int32_t status)
{
    static const char *const names[] = {
        [TRADING_ORDER_STATUS_NEW] = "new",           [TRADING_ORDER_STATUS_PARTIALLY_FILLED] = "partially_filled",
        [TRADING_ORDER_STATUS_FILLED] = "filled",     [TRADING_ORDER_STATUS_CANCELED] = "canceled",
        [TRADING_ORDER_STATUS_REJECTED] = "rejected", [TRADING_ORDER_STATUS_EXPIRED] = "expired",
    };
    return NAME(names, status, "unknown");
}

static const char *const exec_types[] = {
    [TRADING_EXEC_TYPE_NEW] = "NEW",
    [TRADING_EXEC_TYPE_TRADE] = "TRADE",
    [TRADING_EXEC_TYPE_CANCELED] = "CANCELED",
    [TRADING_EXEC_TYPE_EXPIRED] = "EXPIRED",
    [TRADING_EXEC_TYPE_REJECTED] = "REJECTED",
    [TRADING_EXEC_TYPE_CANCEL_REJECTED] = "CANCEL_REJECTED",
    [TRADING_EXEC_TYPE_ORDER_STATUS] = "ORDER_STATUS",
};

const char *trading_exec_type_name(int32_t exec_type)
{
    return NAME(exec_types, exec_type, "UNKNOWN");
}

const char *trading_activity_name(int32_t type)
{
    static const char *const names[] = {
        [TRADING_ACTIVITY_DEPOSIT] = "deposit",
        [TRADING_ACTIVITY_WITHDRAWAL] = "withdrawal",
        [TRADING_ACTIVITY_CREDIT] = "credit",
        [TRADING_ACTIVITY_DEBIT] = "debit",
        [TRADING_ACTIVITY_BUY] = "buy",
        [TRADING_ACTIVITY_SELL] = "sell",
        [TRADING_ACTIVITY_REFUND] = "refund",
        [TRADING_ACTIVITY_CLOSING] = "closing",
        [TRADING_ACTIVITY_TRANSFER_OUT] = "transfer_out",
        [TRADING_ACTIVITY_TRANSFER_IN] = "transfer_in",
        [TRADING_ACTIVITY_TRANSFER_BACK] = "transfer_back",
    };
    return NAME(names, type, "unknown");
}
