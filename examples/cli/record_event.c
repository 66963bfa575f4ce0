/* Events and ledgers as JSON. */
#include "record.h"
#include "request.h"

#define PAGE 64

static void put_symbols(json_t *object, const trading_event *event)
{
    if (event->symbol.text[0])
        put_text(object, "symbol", event->symbol.text);
    if (event->currency.text[0])
        put_text(object, "currency", event->currency.text);
    if (event->side)
        put_text(object, "side", trading_side_name(event->side));
    if (event->order_type)
        put_text(object, "type", trading_order_type_name(event->order_type));
    if (event->time_in_force)
        put_text(object, "time_in_force", trading_time_in_force_name(event->time_in_force));
}

static void put_money_unless_zero(json_t *object, const char *key, trading_decimal value, int32_t decimals)
{
    if (value)
        put_money(object, key, value, decimals);
}

static void put_amounts(json_t *object, const trading_event *event, int32_t decimals)
{
    bool of_shares = event->reason == TRADING_REASON_INSUFFICIENT_SHARES || event->reason == TRADING_REASON_LOT_TOO_SMALL ||
                     event->reason == TRADING_REASON_EXECUTION_TOO_LARGE;
    if (event->quantity)
        put_quantity(object, "quantity", event->quantity);
    put_money_unless_zero(object, "price", event->price, decimals);
    put_money_unless_zero(object, "amount", event->amount, decimals);
    put_money_unless_zero(object, "held", event->held, decimals);
    put_money_unless_zero(object, "cost", event->cost, decimals);
    put_money_unless_zero(object, "rounding", event->rounding, decimals);
    if (event->reason)
        put_text(object, "reason", trading_reason_name(event->reason));
    put_money_unless_zero(object, "required", event->required, of_shares ? 0 : decimals);
    put_money_unless_zero(object, "available", event->available, of_shares ? 0 : decimals);
}

static void put_quote(json_t *object, const trading_event *event, int32_t decimals)
{
    put_money_unless_zero(object, "bid", event->bid, decimals);
    put_money_unless_zero(object, "ask", event->ask, decimals);
    if (event->bid)
        put_size(object, "bid_size", event->bid_size);
    if (event->ask)
        put_size(object, "ask_size", event->ask_size);
}

static void put_causes(json_t *object, const trading_event *event)
{
    const char *command = request_op_of_command(event->command);
    if (command)
        put_text(object, "command", command);
    put_bytes(object, "key", event->key.bytes, sizeof event->key.bytes);
    if (!trading_id_is_zero(&event->actor))
        put_bytes(object, "actor", event->actor.bytes, sizeof event->actor.bytes);
    if (!trading_id_is_zero(&event->correlation))
        put_bytes(object, "correlation", event->correlation.bytes, sizeof event->correlation.bytes);
}

static bool is_transfer(const trading_event *event)
{
    return event->kind >= TRADING_EVENT_TRANSFER_SENT && event->kind <= TRADING_EVENT_TRANSFER_RETURNED;
}

json_t *record_event(trading_view *view, const trading_event *event)
{
    json_t *object = new_object();
    int32_t decimals = money_of_event(view, event);
    put_integer(object, "position", event->position);
    put_time(object, "time", event->time);
    put_text(object, "event", trading_event_name(event->kind));
    put_id(object, "account", TRADING_ENTITY_ACCOUNT, &event->account);
    put_id(object, "portfolio", TRADING_ENTITY_PORTFOLIO, &event->portfolio);
    put_id(object, "order", TRADING_ENTITY_ORDER, &event->order);
    put_id(object, "lot", TRADING_ENTITY_ORDER, &event->lot);
    if (is_transfer(event))
        put_id(object, "counter_account", TRADING_ENTITY_ACCOUNT, &event->counter_order);
    else
        put_id(object, "counter_order", TRADING_ENTITY_ORDER, &event->counter_order);
    put_symbols(object, event);
    put_amounts(object, event, decimals);
    put_quote(object, event, decimals);
    if (event->kind == TRADING_EVENT_CURSOR_ACKNOWLEDGED)
        put_integer(object, "cursor_position", event->cursor_position);
    put_causes(object, event);
    return object;
}

json_t *record_history(trading_view *view, int32_t entity, const trading_id *id, uint64_t limit, trading_error *error)
{
    trading_event page[PAGE];
    uint64_t cursor = 0;
    size_t count;
    json_t *events = new_array();
    while (limit > 0) {
        if (trading_view_history(view, entity, id, &cursor, page, limit < PAGE ? limit : PAGE, &count, error) != TRADING_OK) {
            json_decref(events);
            return NULL;
        }
        if (count == 0)
            break;
        for (size_t i = 0; i < count; i++)
            append(events, record_event(view, &page[i]));
        limit -= count;
    }
    return events;
}

json_t *record_ledgers(trading_view *view, trading_error *error)
{
    uint64_t cursor = 0;
    int32_t code;
    json_t *ledgers = new_array();
    for (;;) {
        trading_ledger ledger = {.size = sizeof ledger};
        code = trading_view_ledger(view, &cursor, &ledger, error);
        if (code != TRADING_OK)
            break;
        json_t *object = new_object();
        put_text(object, "currency", ledger.currency.text);
        put_text(object, "customers", ledger.customers.text);
        put_text(object, "house", ledger.house.text);
        put_text(object, "bank", ledger.bank.text);
        put_text(object, "clearing", ledger.clearing.text);
        put_text(object, "fee", ledger.fee.text);
        append(ledgers, object);
    }
    if (code == TRADING_E_NOT_FOUND)
        return ledgers;
    json_decref(ledgers);
    return NULL;
}
