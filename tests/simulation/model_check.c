/* What a command says, without any state: whether it is well formed, and whether it is the same as another. */
#include "simulation/model_inside.h"

#include <string.h>

static const struct {
    const char *code;
    int decimals;
} currencies[] = {{"USD", 2}, {"EUR", 2}, {"JPY", 0}, {"KWD", 3}};

int model_currency_decimals(const trading_currency *currency)
{
    for (size_t i = 0; i < sizeof(currencies) / sizeof(*currencies); i++)
        if (strncmp(currency->text, currencies[i].code, sizeof(currency->text)) == 0)
            return currencies[i].decimals;
    return -1;
}

trading_currency model_currency_or_default(const trading_currency *currency)
{
    return currency->text[0] ? *currency : (trading_currency){"USD"};
}

bool model_same_symbol(const trading_symbol *a, const trading_symbol *b)
{
    return strncmp(a->text, b->text, sizeof(a->text)) == 0;
}

bool model_same_currency(const trading_currency *a, const trading_currency *b)
{
    return strncmp(a->text, b->text, sizeof(a->text)) == 0;
}

static bool symbol_is_valid(const trading_symbol *symbol)
{
    size_t length = 0;
    while (length < sizeof(symbol->text) && symbol->text[length]) {
        char c = symbol->text[length++];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(".-_/", c)))
            return false;
    }
    return length >= 1 && length <= 15;
}

static int32_t malformed_opening(const struct model_command *command)
{
    trading_currency currency = model_currency_or_default(&command->currency);
    int decimals = model_currency_decimals(&currency);
    if (decimals < 0)
        return TRADING_REASON_BAD_CURRENCY;
    if (command->amount < 0)
        return TRADING_REASON_BAD_AMOUNT;
    int64_t unit = TRADING_DECIMAL_ONE;
    for (int i = 0; i < decimals; i++)
        unit /= 10;
    return command->amount % unit ? TRADING_REASON_TOO_PRECISE : TRADING_REASON_NONE;
}

static int32_t malformed_order(const struct model_command *command)
{
    bool buys = command->side == TRADING_SIDE_BUY;
    bool is_limit = command->order_type == TRADING_ORDER_TYPE_LIMIT;
    if (!buys && command->side != TRADING_SIDE_SELL)
        return TRADING_REASON_BAD_REQUEST;
    if (!is_limit && command->order_type != TRADING_ORDER_TYPE_MARKET)
        return TRADING_REASON_BAD_REQUEST;
    if (command->time_in_force < 0 || command->time_in_force > TRADING_TIME_IN_FORCE_IOC)
        return TRADING_REASON_BAD_REQUEST;
    bool waits = command->time_in_force == TRADING_TIME_IN_FORCE_DAY || command->time_in_force == TRADING_TIME_IN_FORCE_GTC;
    if (!is_limit && waits) /* a market order is always immediate or cancel */
        return TRADING_REASON_BAD_REQUEST;
    if (buys && command->lot)
        return TRADING_REASON_BAD_REQUEST;
    if (!symbol_is_valid(&command->symbol))
        return TRADING_REASON_BAD_SYMBOL;
    if (command->quantity <= 0)
        return TRADING_REASON_BAD_AMOUNT;
    if (is_limit ? command->price <= 0 : command->price != 0)
        return TRADING_REASON_BAD_PRICE;
    return TRADING_REASON_NONE;
}

static int32_t malformed_quote(const struct model_command *command)
{
    trading_currency currency = model_currency_or_default(&command->currency);
    if (!symbol_is_valid(&command->symbol))
        return TRADING_REASON_BAD_SYMBOL;
    if (model_currency_decimals(&currency) < 0)
        return TRADING_REASON_BAD_CURRENCY;
    if (command->bid < 0 || command->ask < 0)
        return TRADING_REASON_BAD_PRICE;
    if (command->bid && command->ask && command->bid >= command->ask)
        return TRADING_REASON_CROSSED_QUOTE;
    if (command->bid_size <= 0 || command->ask_size <= 0)
        return TRADING_REASON_BAD_AMOUNT;
    return TRADING_REASON_NONE;
}

int32_t model_malformed(const struct model_command *command)
{
    if (command->fault == MODEL_FAULT_LONG_TEXT || command->fault == MODEL_FAULT_BROKEN_TEXT)
        return TRADING_REASON_BAD_TEXT;
    if (command->fault != MODEL_FAULT_NONE)
        return TRADING_REASON_BAD_REQUEST;
    switch (command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        return malformed_opening(command);
    case TRADING_COMMAND_DEPOSIT:
    case TRADING_COMMAND_WITHDRAW:
    case TRADING_COMMAND_CREDIT:
    case TRADING_COMMAND_DEBIT:
    case TRADING_COMMAND_ACCEPT_REFUND:
        return command->amount <= 0 ? TRADING_REASON_BAD_AMOUNT : TRADING_REASON_NONE;
    case TRADING_COMMAND_TRANSFER:
        if (command->amount <= 0)
            return TRADING_REASON_BAD_AMOUNT;
        return command->other == 0 || command->other == command->account ? TRADING_REASON_BAD_REQUEST : TRADING_REASON_NONE;
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        return malformed_order(command);
    case TRADING_COMMAND_BOOK_EXECUTION:
        if (command->quantity <= 0)
            return TRADING_REASON_BAD_AMOUNT;
        return command->price <= 0 ? TRADING_REASON_BAD_PRICE : TRADING_REASON_NONE;
    case TRADING_COMMAND_END_ORDER:
        return command->status == TRADING_ORDER_STATUS_CANCELED || command->status == TRADING_ORDER_STATUS_EXPIRED
                   ? TRADING_REASON_NONE
                   : TRADING_REASON_BAD_REQUEST;
    case TRADING_COMMAND_SET_QUOTE:
        return malformed_quote(command);
    default:
        return TRADING_REASON_NONE;
    }
}

bool model_same_command(const struct model_command *a, const struct model_command *b)
{
    return a->type == b->type && a->side == b->side && a->order_type == b->order_type && a->time_in_force == b->time_in_force &&
           a->status == b->status && a->account == b->account && a->portfolio == b->portfolio && a->order == b->order &&
           a->lot == b->lot && a->other == b->other && model_same_symbol(&a->symbol, &b->symbol) &&
           model_same_currency(&a->currency, &b->currency) && a->amount == b->amount && a->quantity == b->quantity &&
           a->price == b->price && a->bid == b->bid && a->ask == b->ask && a->bid_size == b->bid_size &&
           a->ask_size == b->ask_size && a->text == b->text && a->alias == b->alias && a->space == b->space;
}
