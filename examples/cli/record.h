/* Accounts, portfolios, orders, quotes, events … as JSON objects: one way for `trading run`, --json and the tables.
 *
 * Ids, numbers and times are strings. Money and prices have at least the decimals of their currency's minor unit, quantities as few
 * as say them exactly. A list that the view gives in pages is read to its end. All return a new reference; NULL only with a code
 * of the view in `error`, when there is nothing left of memory the program ends. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include <trading.h>

/* Building blocks. They take the reference of `value`, and end the program when there is no memory. */
_Noreturn void out_of_memory(void);
json_t *new_object(void);
json_t *new_array(void);
json_t *new_text(const char *text);
void put(json_t *object, const char *key, json_t *value);
void append(json_t *array, json_t *value);
void put_text(json_t *object, const char *key, const char *text);
void put_id(json_t *object, const char *key, int32_t entity, const trading_id *id); /* a zero id is left out */
void put_money(json_t *object, const char *key, trading_decimal value, int32_t decimals);
void put_quantity(json_t *object, const char *key, trading_decimal value);
void put_integer(json_t *object, const char *key, int64_t value);
void put_size(json_t *object, const char *key, trading_decimal size); /* of a quote: a quantity, or "unlimited" */
void put_bytes(json_t *object, const char *key, const uint8_t *bytes, size_t count); /* up to 32, in hexadecimal */
void put_time(json_t *object, const char *key, trading_time time);                   /* time 0 is left out */

/* The decimals that money has: of a currency; of an account's; of the account of a portfolio, of an order; of an instrument's. 2 where
 * the view does not know it. */
int32_t money_of_currency(const trading_currency *currency);
int32_t money_of_account(trading_view *view, const trading_id *account);
int32_t money_of_portfolio(trading_view *view, const trading_id *portfolio);
int32_t money_of_symbol(trading_view *view, const trading_symbol *symbol);
int32_t money_of_event(trading_view *view, const trading_event *event);

json_t *record_account(trading_view *view, const trading_id *id, trading_error *error); /* with profile and portfolios */
json_t *record_accounts(trading_view *view, trading_error *error);                      /* an array, without profiles */
json_t *record_portfolio(trading_view *view, const trading_id *id, bool all, trading_error *error); /* positions and lots */
json_t *record_positions(trading_view *view, const trading_id *portfolio, bool all, trading_error *error);
json_t *record_lots(trading_view *view, const trading_id *portfolio, trading_error *error);
json_t *record_order(trading_view *view, const trading_id *id, trading_error *error); /* with executions */
json_t *record_orders(trading_view *view, const trading_id *portfolio, bool open_only, trading_error *error);
json_t *record_quote(trading_view *view, const trading_symbol *symbol, trading_error *error);
json_t *record_quotes(trading_view *view, trading_error *error);
json_t *record_book(trading_view *view, const trading_symbol *symbol, trading_error *error);
json_t *record_history(trading_view *view, int32_t entity, const trading_id *id, uint64_t limit, trading_error *error);
json_t *record_event(trading_view *view, const trading_event *event);
json_t *record_activity_line(const trading_activity *activity, int32_t decimals);
json_t *record_activity(trading_engine *engine, trading_view *view, const trading_id *account, trading_error *error);
json_t *record_ledgers(trading_view *view, trading_error *error);

#endif
