#include "lines_venue.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MOST 10

/* ---- errors ---- */

int32_t fail(trading_error *error, int32_t code, const char *format, ...)
{
    va_list arguments;
    if (!error)
        return code;
    *error = (trading_error){.code = code};
    if (code == TRADING_E_LOCKED || code == TRADING_E_NO_MEMORY || code == TRADING_E_TIMEOUT || code == TRADING_E_IO)
        error->flags = TRADING_ERROR_RETRYABLE;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return code;
}

int32_t fail_system(trading_error *error, const char *doing, const char *name)
{
    int number = errno;
    int32_t code = fail(error, TRADING_E_IO, "%s %s: %s", doing, name, strerror(number));
    if (error)
        error->native_code = number;
    return code;
}

/* ---- words for constants ---- */

static const char *const sides[] = {[TRADING_SIDE_BUY] = "BUY", [TRADING_SIDE_SELL] = "SELL"};
static const char *const types[] = {[TRADING_ORDER_TYPE_MARKET] = "MARKET", [TRADING_ORDER_TYPE_LIMIT] = "LIMIT"};
static const char *const times_in_force[] = {
    [TRADING_TIME_IN_FORCE_DAY] = "DAY", [TRADING_TIME_IN_FORCE_GTC] = "GTC", [TRADING_TIME_IN_FORCE_IOC] = "IOC"};
static const char *const exec_types[] = {
    [TRADING_EXEC_TYPE_NEW] = "NEW",           [TRADING_EXEC_TYPE_TRADE] = "TRADE",
    [TRADING_EXEC_TYPE_CANCELED] = "CANCELED", [TRADING_EXEC_TYPE_EXPIRED] = "EXPIRED",
    [TRADING_EXEC_TYPE_REJECTED] = "REJECTED", [TRADING_EXEC_TYPE_CANCEL_REJECTED] = "CANCEL_REJECTED"};

#define FIND(words, text) find_word(words, sizeof(words) / sizeof *(words), text)

static int32_t find_word(const char *const *words, size_t count, const char *text)
{
    for (size_t i = 1; i < count; i++)
        if (!strcmp(words[i], text))
            return (int32_t)i;
    return 0;
}

/* ---- decimals: a count of millionths ---- */

static const char *write_decimal(trading_decimal value, char text[32])
{
    int length =
        snprintf(text, 32, "%lld.%06lld", (long long)(value / TRADING_DECIMAL_ONE), (long long)(value % TRADING_DECIMAL_ONE));
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[--length] = '\0';
    return text;
}

static bool read_decimal(const char *text, trading_decimal *value)
{
    char *end;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    long long fraction = 0;
    int digits = 0;
    if (end == text || whole < 0)
        return false;
    for (end += *end == '.'; *end >= '0' && *end <= '9' && digits < 6; end++, digits++)
        fraction = fraction * 10 + (*end - '0');
    for (; digits < 6; digits++)
        fraction *= 10;
    return !errno && !*end && !__builtin_mul_overflow(whole, (long long)TRADING_DECIMAL_ONE, &whole) &&
           !__builtin_add_overflow(whole, fraction, value);
}

/* ---- lines ---- */

/* The fields between the bars. 0 when the line is not whole: its last field is a point. */
static int split(char *line, char *fields[FIELDS_MOST])
{
    int count = 0;
    char *rest = line;
    do {
        if (count == FIELDS_MOST)
            return 0;
        fields[count++] = strsep(&rest, "|");
    } while (rest);
    return !strcmp(fields[count - 1], ".") ? count - 1 : 0;
}

static bool copy(char *to, size_t bytes, const char *from)
{
    size_t length = strlen(from);
    if (length >= bytes)
        return false;
    memcpy(to, from, length + 1);
    return true;
}

void write_order(const trading_venue_order *order, char line[LINE_BYTES])
{
    char quantity[32];
    char price[32];
    snprintf(line, LINE_BYTES, "NEW|%s|%s|%s|%s|%s|%s|%s|.\n", order->cl_ord_id, sides[order->side], order->symbol.text,
             types[order->type], times_in_force[order->time_in_force], write_decimal(order->quantity, quantity),
             write_decimal(order->price, price));
}

void write_cancel(const trading_venue_order *order, char line[LINE_BYTES])
{
    snprintf(line, LINE_BYTES, "CANCEL|%s|.\n", order->cl_ord_id);
}

bool read_order(char *line, trading_venue_order *order)
{
    char *fields[FIELDS_MOST];
    int count = split(line, fields);
    *order = (trading_venue_order){0};
    if (count == 2 && !strcmp(fields[0], "CANCEL"))
        return copy(order->cl_ord_id, sizeof order->cl_ord_id, fields[1]);
    if (count != 8 || strcmp(fields[0], "NEW") != 0)
        return false;
    order->side = FIND(sides, fields[2]);
    order->type = FIND(types, fields[4]);
    order->time_in_force = FIND(times_in_force, fields[5]);
    return order->side && order->type && order->time_in_force && copy(order->cl_ord_id, sizeof order->cl_ord_id, fields[1]) &&
           copy(order->symbol.text, sizeof order->symbol.text, fields[3]) && read_decimal(fields[6], &order->quantity) &&
           order->quantity && read_decimal(fields[7], &order->price);
}

bool read_execution(char *line, trading_execution_report *report)
{
    char *fields[FIELDS_MOST];
    int count = split(line, fields);
    *report = (trading_execution_report){0};
    if (count < 2 || !copy(report->cl_ord_id, sizeof report->cl_ord_id, fields[0]))
        return false;
    report->exec_type = FIND(exec_types, fields[1]);
    if (report->exec_type == TRADING_EXEC_TYPE_NEW || report->exec_type == TRADING_EXEC_TYPE_CANCEL_REJECTED)
        return count == 2;
    if (count < 4 || !fields[2][0] || !copy(report->exec_id, sizeof report->exec_id, fields[2]))
        return false;
    if (report->exec_type == TRADING_EXEC_TYPE_TRADE)
        return count == 5 && read_decimal(fields[3], &report->quantity) && report->quantity &&
               read_decimal(fields[4], &report->price) && report->price;
    return count == 4 && report->exec_type && copy(report->text, sizeof report->text, fields[3]);
}
