#include "refusal.h"

#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What helps, by reason; what depends on the amounts or the command is in the functions below. */
static const char *const advice[] = {
    [TRADING_REASON_BAD_TEXT] = "shorten it, and take out control characters",
    [TRADING_REASON_BAD_AMOUNT] = "give an amount above zero",
    [TRADING_REASON_TOO_PRECISE] = "round it to what the currency has: cents, for USD",
    [TRADING_REASON_BAD_SYMBOL] = "write it as the exchange does, such as GOOG",
    [TRADING_REASON_BAD_CURRENCY] = "give an ISO 4217 code such as USD",
    [TRADING_REASON_BAD_PRICE] = "give a limit order a limit price above zero, and a market order none",
    [TRADING_REASON_UNKNOWN_ACCOUNT] = "look it up among the accounts",
    [TRADING_REASON_UNKNOWN_PORTFOLIO] = "a view of the account lists its portfolios",
    [TRADING_REASON_UNKNOWN_ORDER] = "look it up among the portfolio's orders",
    [TRADING_REASON_UNKNOWN_LOT] = "look it up among the portfolio's lots, or name none to sell the oldest first",
    [TRADING_REASON_ACCOUNT_FROZEN] = "unfreeze it first",
    [TRADING_REASON_LOT_OF_OTHER_SYMBOL] = "look it up among the portfolio's lots, or name none to sell the oldest first",
    [TRADING_REASON_NO_QUOTE] = "set a quote first, or place a limit order",
    [TRADING_REASON_OTHER_CURRENCY] = "use an account in the currency that the instrument trades in",
    [TRADING_REASON_PORTFOLIO_CLOSING] = "use another portfolio",
    [TRADING_REASON_PORTFOLIO_CLOSED] = "use another portfolio",
    [TRADING_REASON_PORTFOLIOS_OPEN] = "close its portfolios first",
    [TRADING_REASON_CROSSED_QUOTE] = "give a bid below the ask",
    [TRADING_REASON_TRANSFERS_PENDING] = "wait until they have ended",
    [TRADING_REASON_NOT_ROUTED] = "orders are sent to a venue outside by route_order",
    [TRADING_REASON_ALREADY_EXISTS] = "send it again under another key",
};

/* Appends to the message; what does not fit is left out. */
__attribute__((format(printf, 2, 3))) static void say(char message[REFUSAL_BYTES], const char *format, ...)
{
    size_t length = strlen(message);
    va_list list;
    va_start(list, format);
    vsnprintf(message + length, REFUSAL_BYTES - length, format, list);
    va_end(list);
}

#define AMOUNT_BYTES 48

/* An amount as tables show it, in `buffer`. */
static void amount(trading_decimal value, int32_t decimals, char buffer[AMOUNT_BYTES])
{
    char text[TRADING_DECIMAL_TEXT];
    trading_decimal_format(value, decimals, text);
    output_grouped(text, buffer);
}

static void say_funds(char message[REFUSAL_BYTES], const struct request *request, const trading_result *result,
                      const struct money *money)
{
    char required[AMOUNT_BYTES];
    char available[AMOUNT_BYTES];
    char missing[AMOUNT_BYTES];
    trading_decimal difference = 0;
    trading_decimal_subtract(result->required, result->available, &difference);
    amount(result->required, money->decimals, required);
    amount(result->available, money->decimals, available);
    amount(difference, money->decimals, missing);
    say(message, "needs %s%s%s, %s available; ", required, money->currency[0] ? " " : "", money->currency, available);
    bool buys = request->command.type == TRADING_COMMAND_PLACE_ORDER || request->command.type == TRADING_COMMAND_ROUTE_ORDER;
    if (buys)
        say(message, "deposit %s more or buy fewer shares", missing);
    else
        say(message, "take out no more than that, or cancel buy orders that hold money");
}

static void say_shares(char message[REFUSAL_BYTES], const trading_result *result)
{
    char required[AMOUNT_BYTES];
    char available[AMOUNT_BYTES];
    amount(result->required, 0, required);
    amount(result->available, 0, available);
    if (result->reason == TRADING_REASON_LOT_TOO_SMALL)
        say(message,
            "needs %s shares, the lot has %s available; sell no more than that, or name no lot to sell the oldest first",
            required, available);
    else if (result->reason == TRADING_REASON_EXECUTION_TOO_LARGE)
        say(message, "%s shares were executed, the order has %s open; ask the venue", required, available);
    else
        say(message, "needs %s shares, %s available; sell no more than that, or cancel sell orders that reserve shares",
            required, available);
}

static void say_rejected(char message[REFUSAL_BYTES], const struct request *request, const trading_result *result,
                         const struct money *money)
{
    char available[AMOUNT_BYTES];
    char required[AMOUNT_BYTES];
    int32_t reason = result->reason;
    if (reason == TRADING_REASON_INSUFFICIENT_FUNDS) {
        say_funds(message, request, result, money);
        return;
    }
    if (refusal_amounts(reason) == AMOUNTS_SHARES) {
        say_shares(message, result);
        return;
    }
    say(message, "%s", trading_reason_text(reason));
    amount(result->available, money->decimals, available);
    amount(result->required, money->decimals, required);
    if (reason == TRADING_REASON_FUNDS_REMAIN)
        say(message, "; withdraw %s %s first", available, money->currency);
    else if (reason == TRADING_REASON_REFUND_TOO_LARGE)
        say(message, "; refund at most %s %s", available, money->currency);
    else if (reason == TRADING_REASON_PRICE_BEYOND_LIMIT)
        say(message, ": %s, and the limit is %s; ask the venue", required, available);
    else if (reason == TRADING_REASON_ORDER_NOT_OPEN)
        say(message, "; it is %s", trading_order_status_name(result->order_status));
    else if (reason > 0 && (size_t)reason < sizeof advice / sizeof advice[0] && advice[reason])
        say(message, "; %s", advice[reason]);
}

enum refusal_amounts refusal_amounts(int32_t reason)
{
    switch (reason) {
    case TRADING_REASON_INSUFFICIENT_FUNDS:
    case TRADING_REASON_FUNDS_REMAIN:
    case TRADING_REASON_REFUND_TOO_LARGE:
    case TRADING_REASON_PRICE_BEYOND_LIMIT:
        return AMOUNTS_MONEY;
    case TRADING_REASON_INSUFFICIENT_SHARES:
    case TRADING_REASON_LOT_TOO_SMALL:
    case TRADING_REASON_EXECUTION_TOO_LARGE:
        return AMOUNTS_SHARES;
    default:
        return AMOUNTS_NONE;
    }
}

void refusal_message(const struct request *request, const trading_result *result, const struct money *money,
                     char message[REFUSAL_BYTES])
{
    message[0] = '\0';
    if (result->status == TRADING_STATUS_CONFLICT)
        say(message, "version %lld was expected, it is at %lld; view it again and decide anew",
            (long long)request->command.expected_version, (long long)result->version);
    else if (result->status == TRADING_STATUS_KEY_REUSED)
        say(message, "this key was sent before with another request; give this one a key of its own");
    else
        say_rejected(message, request, result, money);
}
