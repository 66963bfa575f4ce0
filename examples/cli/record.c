/* The building blocks of records. */
#include "record.h"

#include "subcommand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void out_of_memory(void)
{
    fputs("trading: out of memory; what was answered is done, the rest is not\n", stderr);
    exit(EXIT_STORE);
}

void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        out_of_memory();
}

void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        out_of_memory();
}

json_t *new_object(void)
{
    json_t *object = json_object();
    if (!object)
        out_of_memory();
    return object;
}

json_t *new_array(void)
{
    json_t *array = json_array();
    if (!array)
        out_of_memory();
    return array;
}

/* A message may have been cut within a character: then what is not ASCII is shown as '?'. */
static json_t *cleaned(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        out_of_memory();
    for (char *byte = copy; *byte; byte++)
        if (*byte & 0x80)
            *byte = '?';
    json_t *value = json_string(copy);
    free(copy);
    return value;
}

json_t *new_text(const char *text)
{
    json_t *value = json_string(text);
    if (!value)
        value = cleaned(text);
    if (!value)
        out_of_memory();
    return value;
}

void put_text(json_t *object, const char *key, const char *text)
{
    put(object, key, new_text(text));
}

void put_id(json_t *object, const char *key, int32_t entity, const trading_id *id)
{
    char text[TRADING_ID_TEXT];
    if (trading_id_is_zero(id))
        return;
    trading_id_format(entity, id, text);
    put_text(object, key, text);
}

void put_bytes(json_t *object, const char *key, const uint8_t *bytes, size_t count)
{
    char text[2 * 32 + 1] = "";
    for (size_t i = 0; i < count && i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    put_text(object, key, text);
}

void put_money(json_t *object, const char *key, trading_decimal value, int32_t decimals)
{
    char text[TRADING_DECIMAL_TEXT];
    trading_decimal_format(value, decimals, text);
    put_text(object, key, text);
}

void put_quantity(json_t *object, const char *key, trading_decimal value)
{
    put_money(object, key, value, 0);
}

void put_size(json_t *object, const char *key, trading_decimal size)
{
    if (size == TRADING_SIZE_UNLIMITED)
        put_text(object, key, "unlimited");
    else
        put_quantity(object, key, size);
}

void put_integer(json_t *object, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    put_text(object, key, text);
}

void put_time(json_t *object, const char *key, trading_time time)
{
    char text[TRADING_TIME_TEXT];
    if (time == 0)
        return;
    trading_time_format(time, text);
    put_text(object, key, text);
}

/* Most of the world's currencies have cents. */
#define USUAL_DECIMALS 2

int32_t money_of_currency(const trading_currency *currency)
{
    int32_t decimals = trading_currency_decimals(currency);
    return decimals < 0 ? USUAL_DECIMALS : decimals;
}

int32_t money_of_account(trading_view *view, const trading_id *account)
{
    trading_account record = {.size = sizeof record};
    if (trading_view_account(view, account, &record, NULL) != TRADING_OK)
        return USUAL_DECIMALS;
    return money_of_currency(&record.currency);
}

int32_t money_of_portfolio(trading_view *view, const trading_id *portfolio)
{
    trading_portfolio record = {.size = sizeof record};
    if (trading_view_portfolio(view, portfolio, &record, NULL) != TRADING_OK)
        return USUAL_DECIMALS;
    return money_of_currency(&record.currency);
}

int32_t money_of_symbol(trading_view *view, const trading_symbol *symbol)
{
    trading_quote quote;
    if (trading_view_quote(view, symbol, &quote, NULL) != TRADING_OK)
        return USUAL_DECIMALS;
    return money_of_currency(&quote.currency);
}

int32_t money_of_event(trading_view *view, const trading_event *event)
{
    trading_order order;
    if (event->currency.text[0])
        return money_of_currency(&event->currency);
    if (!trading_id_is_zero(&event->account))
        return money_of_account(view, &event->account);
    if (!trading_id_is_zero(&event->portfolio))
        return money_of_portfolio(view, &event->portfolio);
    if (event->symbol.text[0])
        return money_of_symbol(view, &event->symbol);
    if (!trading_id_is_zero(&event->order) && trading_view_order(view, &event->order, &order, NULL) == TRADING_OK)
        return money_of_account(view, &order.account);
    return USUAL_DECIMALS;
}
