/* Quotes and order books as JSON. */
#include "record.h"

#define PAGE 64

static json_t *plain_quote(const trading_quote *quote)
{
    json_t *object = new_object();
    int32_t decimals = money_of_currency(&quote->currency);
    put_text(object, "symbol", quote->symbol.text);
    put_text(object, "currency", quote->currency.text);
    if (quote->bid) {
        put_money(object, "bid", quote->bid, decimals);
        put_size(object, "bid_size", quote->bid_size);
    }
    if (quote->ask) {
        put_money(object, "ask", quote->ask, decimals);
        put_size(object, "ask_size", quote->ask_size);
    }
    if (quote->last_price)
        put_money(object, "last_price", quote->last_price, decimals);
    put_time(object, "quote_time", quote->quote_time);
    put_time(object, "trade_time", quote->trade_time);
    put_integer(object, "version", quote->version);
    put_integer(object, "position", quote->position);
    return object;
}

json_t *record_quote(trading_view *view, const trading_symbol *symbol, trading_error *error)
{
    trading_quote quote;
    if (trading_view_quote(view, symbol, &quote, error) != TRADING_OK)
        return NULL;
    return plain_quote(&quote);
}

json_t *record_quotes(trading_view *view, trading_error *error)
{
    trading_symbol symbols[PAGE];
    trading_quote quote;
    uint64_t cursor = 0;
    size_t count;
    json_t *quotes = new_array();
    do {
        if (trading_view_instruments(view, &cursor, symbols, PAGE, &count, error) != TRADING_OK)
            goto failed;
        for (size_t i = 0; i < count; i++) {
            if (trading_view_quote(view, &symbols[i], &quote, error) != TRADING_OK)
                goto failed;
            append(quotes, plain_quote(&quote));
        }
    } while (count);
    return quotes;
failed:
    json_decref(quotes);
    return NULL;
}

static json_t *levels(trading_view *view, const trading_symbol *symbol, int32_t side, int32_t decimals, trading_error *error)
{
    trading_level page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    json_t *array = new_array();
    do {
        if (trading_view_book(view, symbol, side, &cursor, page, PAGE, &count, error) != TRADING_OK) {
            json_decref(array);
            return NULL;
        }
        for (size_t i = 0; i < count; i++) {
            json_t *level = new_object();
            put_money(level, "price", page[i].price, decimals);
            put_quantity(level, "quantity", page[i].quantity);
            put_integer(level, "orders", page[i].orders);
            append(array, level);
        }
    } while (count);
    return array;
}

json_t *record_book(trading_view *view, const trading_symbol *symbol, trading_error *error)
{
    trading_quote quote;
    if (trading_view_quote(view, symbol, &quote, error) != TRADING_OK)
        return NULL;
    int32_t decimals = money_of_currency(&quote.currency);
    json_t *bids = levels(view, symbol, TRADING_SIDE_BUY, decimals, error);
    json_t *asks = bids ? levels(view, symbol, TRADING_SIDE_SELL, decimals, error) : NULL;
    if (!asks) {
        json_decref(bids);
        return NULL;
    }
    json_t *object = new_object();
    put_text(object, "symbol", quote.symbol.text);
    put(object, "bids", bids);
    put(object, "asks", asks);
    put(object, "quote", plain_quote(&quote));
    return object;
}
