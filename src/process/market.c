/* Commands of the market and of feeds: they belong to no account. */
#include "base/text.h"
#include "process/commands.h"
#include "process/placing.h"

#include <trading.h>

static bool set_quote(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_set_quote *body = request->command->body;
    struct market *market = &process->domain->market;
    if (domain_partition_of_book(process->domain, &body->symbol) != process->domain->place.partition)
        return reject(why, TRADING_REASON_BAD_REQUEST);
    uint32_t listed = instrument_find(market, &body->symbol);
    bool other_currency =
        listed && body->currency.text[0] && !currency_equal(&instrument_get(market, listed)->currency, &body->currency);
    if (other_currency)
        return reject(why, TRADING_REASON_OTHER_CURRENCY);
    trading_currency currency = body->currency.text[0] ? body->currency : (trading_currency){"USD"};
    uint32_t number = instrument_list(process, &body->symbol, &currency);
    struct event event = {.kind = TRADING_EVENT_QUOTE_SET, .number = number};
    event.market = (struct market_event){.instrument = number,
                                         .bid = body->bid,
                                         .ask = body->ask,
                                         .bid_size = body->bid ? body->bid_size : 0,
                                         .ask_size = body->ask ? body->ask_size : 0};
    process_emit(process, &event);
    process->work = (struct work){.kind = WORK_QUOTE, .subject = number};
    return true;
}

static bool end_session(struct process *process)
{
    struct event event = {.kind = TRADING_EVENT_SESSION_ENDED};
    process_emit(process, &event);
    process->work = (struct work){.kind = WORK_EXPIRE};
    return true;
}

static bool acknowledge(struct process *process, const struct request *request, struct rejection *why)
{
    const trading_acknowledge *body = request->command->body;
    struct domain *domain = process->domain;
    uint32_t number = domain_cursor(domain, body->name.data, body->name.length);
    const struct cursor_record *cursor = table_get(domain->cursors, number);
    bool foreign = body->flags & TRADING_ACKNOWLEDGE_FOREIGN;
    if (body->position < cursor->position || (!foreign && body->position > process->next_position))
        return reject_amount(why, TRADING_REASON_BAD_POSITION, 0, 0);
    struct event event = {.kind = TRADING_EVENT_CURSOR_ACKNOWLEDGED, .number = number};
    event.cursor = (struct cursor_event){.cursor = number, .position = body->position};
    if (!number) {
        event.number = event.cursor.cursor = table_count(domain->cursors) + 1;
        event.cursor.name = (const uint8_t *)body->name.data;
        event.cursor.name_size = (uint32_t)body->name.length;
    }
    process_emit(process, &event);
    return true;
}

bool market_command(struct process *process, const struct request *request, struct rejection *why)
{
    switch (request->command->type) {
    case TRADING_COMMAND_SET_QUOTE:
        return set_quote(process, request, why);
    case TRADING_COMMAND_END_SESSION:
        return end_session(process);
    default:
        return acknowledge(process, request, why);
    }
}
