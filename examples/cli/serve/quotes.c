/* Quotes of the books of other partitions, by which market orders hold funds. */
#include "owned_inside.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 64

void owned_send_quote(struct owned *owned, const trading_symbol *symbol)
{
    trading_error error;
    json_t *quote = record_quote(owned->desk.latest, symbol, &error);
    if (!quote)
        return;
    char *text = output_text(quote);
    const trading_bus_record record = {.topic = owned->serving->wire.quotes,
                                       .key = symbol->text,
                                       .key_size = strlen(symbol->text),
                                       .value = text,
                                       .value_size = strlen(text)};
    parcels_add(&owned->outgoing, parcel_copy(&record));
    free(text);
    json_decref(quote);
}

/* Whoever owned the partition before may have ended between a commit and telling of it. */
void owned_send_quotes(struct owned *owned)
{
    trading_symbol symbols[PAGE];
    trading_error error;
    uint64_t cursor = 0;
    size_t count = 0;
    while (trading_view_instruments(owned->desk.latest, &cursor, symbols, PAGE, &count, &error) == TRADING_OK && count > 0)
        for (size_t i = 0; i < count; i++)
            owned_send_quote(owned, &symbols[i]);
}

static bool read_price(const json_t *quote, const char *key, trading_decimal *price)
{
    const char *text = json_string_value(json_object_get(quote, key));
    return text && trading_decimal_parse(text, strlen(text), price) == TRADING_OK;
}

static bool read_name(const json_t *quote, const char *key, char *name, size_t bytes)
{
    const char *text = json_string_value(json_object_get(quote, key));
    return text && snprintf(name, bytes, "%s", text) < (int)bytes;
}

void owned_take_quote(struct owned *owned, const struct parcel *parcel)
{
    trading_symbol symbol = {0};
    trading_currency currency = {0};
    trading_decimal bid;
    trading_decimal ask;
    trading_error error;
    json_t *quote = json_loadb(parcel->record.value, (size_t)parcel->record.value_size, 0, NULL);
    bool read = quote && read_name(quote, "symbol", symbol.text, sizeof symbol.text) &&
                read_name(quote, "currency", currency.text, sizeof currency.text) && read_price(quote, "bid", &bid) &&
                read_price(quote, "ask", &ask);
    json_decref(quote);
    if (read && wire_partition_of_symbol(&symbol, owned->serving->partitions) == owned->partition)
        return;
    if (!read || trading_quote_hint(owned->desk.engine, &symbol, &currency, bid, ask, &error) != TRADING_OK)
        owned->counters.failures++;
}
