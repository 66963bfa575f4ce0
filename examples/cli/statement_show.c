/* Statements for people. */
#include "output.h"
#include "record.h"
#include "statement.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Puts the date of an RFC 3339 time, and the time of day unless it is the day's first instant. */
static void put_date(json_t *row, const char *key, const char *time)
{
    char text[20];
    if (strlen(time) < 19)
        return;
    bool date_alone = !strcmp(time + 10, "T00:00:00Z");
    snprintf(text, sizeof text, "%.10s%s%.8s", time, date_alone ? "" : " ", date_alone ? "" : time + 11);
    put_text(row, key, text);
}

/* A copy of the rows whose times are dates. */
static json_t *dated(const json_t *rows)
{
    static const char *const times[] = {"time", "acquired"};
    json_t *copy = json_deep_copy(rows);
    size_t index;
    json_t *row;
    json_array_foreach(copy, index, row)
    {
        for (size_t i = 0; i < COUNT(times); i++)
            if (json_object_get(row, times[i])) {
                char time[TRADING_TIME_TEXT];
                snprintf(time, sizeof time, "%s", text_of(row, times[i]));
                put_date(row, times[i], time);
            }
    }
    return copy;
}

/* Appends a last row with the sums that the statement has of these columns. */
static void add_total(json_t *rows, const json_t *statement, const char *title, const char *const *keys, size_t count)
{
    if (json_array_size(rows) == 0)
        return;
    json_t *total = new_object();
    put_text(total, title, "total");
    for (size_t i = 0; i < count; i++)
        put_text(total, keys[i], text_of(statement, keys[i]));
    append(rows, total);
}

/* The period for people, whose last day is in it. */
static void put_period(json_t *head, const json_t *statement)
{
    char last[TRADING_TIME_TEXT];
    char text[48];
    trading_time to;
    const char *end = text_of(statement, "to");
    snprintf(last, sizeof last, "%s", text_of(statement, "as_of"));
    if (trading_time_parse(end, strlen(end), &to) == TRADING_OK)
        trading_time_format(to - 1, last);
    snprintf(text, sizeof text, "%.10s to %.10s", text_of(statement, "from"), last);
    put_text(head, "period", text);
}

static void show_head(FILE *out, const json_t *statement)
{
    static const struct column columns[] = {
        {"account", "account", COLUMN_TEXT},
        {"period", "period", COLUMN_TEXT},
        {"status", "status", COLUMN_TEXT},
        {"currency", "currency", COLUMN_TEXT},
    };
    char title[TRADING_NAME_BYTES + 32];
    const char *name = text_of(statement, "name");
    json_t *head = json_copy((json_t *)statement);
    put_period(head, statement);
    snprintf(title, sizeof title, "Statement%s%s", *name ? " of " : "", name);
    output_heading(out, title);
    output_list(out, columns, COUNT(columns), head);
    json_decref(head);
}

/* The sums that are not zero, between the opening and the closing balance. */
static void show_cash(FILE *out, const json_t *statement)
{
    static const struct column columns[] = {
        {"opening balance", "opening_balance", COLUMN_NUMBER},
        {"deposits", "deposits", COLUMN_NUMBER},
        {"withdrawals", "withdrawals", COLUMN_NUMBER},
        {"credits", "credits", COLUMN_NUMBER},
        {"debits", "debits", COLUMN_NUMBER},
        {"bought", "bought", COLUMN_NUMBER},
        {"sold", "sold", COLUMN_NUMBER},
        {"refunds", "refunds", COLUMN_NUMBER},
        {"less than a minor unit, at closing", "closing", COLUMN_NUMBER},
        {"dividends", "dividends", COLUMN_NUMBER},
        {"closing balance", "closing_balance", COLUMN_NUMBER},
        {"of it, held for orders", "held", COLUMN_NUMBER},
    };
    json_t *shown = json_copy((json_t *)statement);
    for (size_t i = 0; i < COUNT(columns); i++) {
        bool balance = strstr(columns[i].key, "_balance") != NULL;
        if (!balance && strspn(text_of(shown, columns[i].key), "0.") == strlen(text_of(shown, columns[i].key)))
            json_object_del(shown, columns[i].key);
    }
    output_heading(out, "\nCash");
    output_list(out, columns, COUNT(columns), shown);
    json_decref(shown);
}

static void show_activity(FILE *out, const json_t *statement)
{
    static const struct column columns[] = {
        {"DATE", "time", COLUMN_TEXT},         {"WHAT", "type", COLUMN_TEXT},
        {"SYMBOL", "symbol", COLUMN_TEXT},     {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"PRICE", "price", COLUMN_NUMBER},     {"AMOUNT", "amount", COLUMN_NUMBER},
        {"BALANCE", "balance", COLUMN_NUMBER}, {"PROFIT", "realized_pnl", COLUMN_NUMBER},
    };
    json_t *rows = dated(json_object_get(statement, "activity"));
    output_heading(out, "\nActivity");
    output_table(out, columns, COUNT(columns), rows, "Nothing moved.");
    json_decref(rows);
}

static void show_realized(FILE *out, const json_t *statement)
{
    static const struct column columns[] = {
        {"SOLD", "time", COLUMN_TEXT},
        {"SYMBOL", "symbol", COLUMN_TEXT},
        {"ACQUIRED", "acquired", COLUMN_TEXT},
        {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"PROCEEDS", "proceeds", COLUMN_NUMBER},
        {"COST", "cost_basis", COLUMN_NUMBER},
        {"PROFIT", "realized_pnl", COLUMN_NUMBER},
        {"LOT", "lot", COLUMN_TEXT},
    };
    static const char *const totals[] = {"realized_pnl"};
    json_t *rows = dated(json_object_get(statement, "realized"));
    add_total(rows, statement, "time", totals, COUNT(totals));
    output_heading(out, "\nRealised profit and loss, by lot");
    output_table(out, columns, COUNT(columns), rows, "Nothing was sold.");
    json_decref(rows);
}

static void show_positions(FILE *out, const json_t *statement)
{
    static const struct column columns[] = {
        {"SYMBOL", "symbol", COLUMN_TEXT},     {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"PRICE", "mark", COLUMN_NUMBER},      {"MARKET VALUE", "market_value", COLUMN_NUMBER},
        {"COST", "cost_basis", COLUMN_NUMBER}, {"UNREALISED", "unrealized_pnl", COLUMN_NUMBER},
    };
    static const char *const totals[] = {"market_value", "cost_basis", "unrealized_pnl"};
    json_t *rows = json_deep_copy(json_object_get(statement, "positions"));
    add_total(rows, statement, "symbol", totals, COUNT(totals));
    output_heading(out, "\nPositions at the end");
    output_table(out, columns, COUNT(columns), rows, "No shares are held.");
    json_decref(rows);
}

static void show_lots(FILE *out, const json_t *statement)
{
    static const struct column columns[] = {
        {"SYMBOL", "symbol", COLUMN_TEXT},     {"ACQUIRED", "acquired", COLUMN_TEXT}, {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"COST", "cost_basis", COLUMN_NUMBER}, {"LOT", "lot", COLUMN_TEXT},
    };
    if (json_array_size(json_object_get(statement, "lots")) == 0)
        return;
    json_t *rows = dated(json_object_get(statement, "lots"));
    output_heading(out, "\nTheir lots");
    output_table(out, columns, COUNT(columns), rows, "");
    json_decref(rows);
}

static void show_summary(FILE *out, const json_t *statement)
{
    static const struct column columns[] = {
        {"realised in the period", "realized_pnl", COLUMN_NUMBER},
        {"unrealised", "unrealized_pnl", COLUMN_NUMBER},
        {"cash", "closing_balance", COLUMN_NUMBER},
        {"shares", "market_value", COLUMN_NUMBER},
        {"cash and shares", "total_value", COLUMN_NUMBER},
    };
    output_heading(out, "\nSummary");
    output_list(out, columns, COUNT(columns), statement);
}

void statement_show(FILE *out, const json_t *statement)
{
    show_head(out, statement);
    show_cash(out, statement);
    show_activity(out, statement);
    show_realized(out, statement);
    show_positions(out, statement);
    show_lots(out, statement);
    show_summary(out, statement);
}
