#include "process/foresee.h"

#include "base/id.h"

#include <trading.h>

/* Where the record that a command names is looked for. */
struct target {
    const struct index *index;
    const struct table *records;
    const trading_id *id;
};

/* The id in a command's body, which need not be well formed yet: NULL unless it has its size. */
static const trading_id *id_in_body(const trading_command *command)
{
    const void *body = command->body;
    uint64_t size = body ? command->body_size : 0;
    switch (command->type) {
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        return size == sizeof(trading_place_order) ? &((const trading_place_order *)body)->portfolio : NULL;
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return size == sizeof(trading_close_portfolio) ? &((const trading_close_portfolio *)body)->portfolio : NULL;
    case TRADING_COMMAND_CANCEL_ORDER:
        return size == sizeof(trading_cancel_order) ? &((const trading_cancel_order *)body)->order : NULL;
    case TRADING_COMMAND_BOOK_EXECUTION:
        return size == sizeof(trading_book_execution) ? &((const trading_book_execution *)body)->order : NULL;
    case TRADING_COMMAND_END_ORDER:
        return size == sizeof(trading_end_order) ? &((const trading_end_order *)body)->order : NULL;
    default:
        return NULL;
    }
}

/* False: it names nothing. */
static bool target_of(const struct domain *domain, const trading_command *command, struct target *target)
{
    switch (command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
    case TRADING_COMMAND_SET_QUOTE:
    case TRADING_COMMAND_END_SESSION:
    case TRADING_COMMAND_ACKNOWLEDGE:
        return false;
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        *target = (struct target){domain->portfolios.by_id, domain->portfolios.records, id_in_body(command)};
        break;
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
        *target = (struct target){domain->orders.by_id, domain->orders.records, id_in_body(command)};
        break;
    default:
        *target = (struct target){domain->accounts.by_id, domain->accounts.records, &command->account};
        break;
    }
    return target->id != NULL;
}

void process_foresee_place(const struct domain *domain, const trading_command *command)
{
    struct target target;
    if (target_of(domain, command, &target))
        index_prefetch(target.index, id_hash(target.id));
}

struct named process_foresee_records(const struct domain *domain, const trading_command *command)
{
    struct target target;
    uint64_t cursor = 0;
    if (!target_of(domain, command, &target))
        return (struct named){0};
    uint32_t number = index_next(target.index, id_hash(target.id), &cursor);
    table_prefetch(target.records, number);
    return (struct named){.account = target.records == domain->accounts.records ? number : 0,
                          .portfolio = target.records == domain->portfolios.records ? number : 0};
}
