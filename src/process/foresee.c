#include "process/foresee.h"

#include "base/id.h"

#include <stddef.h>

#include <trading.h>

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

/* 0: it names nothing. */
static int32_t entity_named(int32_t type)
{
    switch (type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
    case TRADING_COMMAND_SET_QUOTE:
    case TRADING_COMMAND_END_SESSION:
    case TRADING_COMMAND_ACKNOWLEDGE:
        return 0;
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return TRADING_ENTITY_PORTFOLIO;
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
        return TRADING_ENTITY_ORDER;
    default:
        return TRADING_ENTITY_ACCOUNT;
    }
}

static const struct index *index_of(const struct domain *domain, int32_t entity)
{
    if (entity == TRADING_ENTITY_ACCOUNT)
        return domain->accounts.by_id;
    return entity == TRADING_ENTITY_PORTFOLIO ? domain->portfolios.by_id : domain->orders.by_id;
}

struct foretold process_foresee_place(const struct domain *domain, const trading_command *command)
{
    int32_t entity = entity_named(command->type);
    const trading_id *id = entity == TRADING_ENTITY_ACCOUNT ? &command->account : id_in_body(command);
    if (!entity || !id || id_is_zero(id))
        return (struct foretold){0};
    uint64_t hash = id_hash(id);
    index_prefetch(index_of(domain, entity), hash);
    return (struct foretold){.entity = entity, .hash = hash};
}

void process_foresee_number(const struct domain *domain, const struct foretold *foretold, struct named *named)
{
    uint64_t cursor = 0;
    *named = (struct named){0};
    if (!foretold->entity)
        return;
    uint32_t number = index_next(index_of(domain, foretold->entity), foretold->hash, &cursor);
    if (foretold->entity == TRADING_ENTITY_ACCOUNT) {
        named->account = number;
    } else if (foretold->entity == TRADING_ENTITY_PORTFOLIO) {
        named->portfolio = number;
        table_prefetch_fixed(domain->portfolios.records, number);
    } else {
        named->order = number;
    }
}

/* An account's id, and a portfolio's account, never change. */
_Static_assert(offsetof(struct account_record, id) == 0 && offsetof(struct portfolio_record, account) % sizeof(uint64_t) == 0,
               "they are read by themselves");

void process_foresee_owner(const struct domain *domain, const trading_command *command, struct named *named)
{
    uint32_t owner[2]; /* and what stands behind it */
    trading_id id;
    if (!named->portfolio || !table_read_fixed(domain->portfolios.records, named->portfolio,
                                               offsetof(struct portfolio_record, account), owner, sizeof owner))
        return;
    named->account = owner[0];
    if (!command_places_order(command->type))
        return;
    /* Its body is whole, as it named a portfolio. */
    named->instrument = instrument_foresee(&domain->market, &((const trading_place_order *)command->body)->symbol);
    if (!id_is_zero(&command->key) && table_read_fixed(domain->accounts.records, named->account, 0, &id, sizeof id))
        id_derive(&named->placed, TRADING_ENTITY_ORDER, &id, &command->key, 0);
}

void process_foresee_records(const struct domain *domain, const struct named *named)
{
    if (named->account)
        table_prefetch(domain->accounts.records, named->account);
    if (named->portfolio) {
        table_prefetch(domain->portfolios.records, named->portfolio);
        table_prefetch(domain->orders.desks, named->portfolio);
    }
    if (named->order)
        table_prefetch(domain->orders.records, named->order);
}

void process_foresee_rest(const struct domain *domain, const struct named *named)
{
    if (!named->portfolio)
        return;
    const struct portfolio_record *portfolio = table_glance(domain->portfolios.records, named->portfolio);
    table_prefetch(domain->portfolios.holdings, portfolio->first_holding);
    if (!id_is_zero(&named->placed))
        index_prefetch(domain->orders.by_id, id_hash(&named->placed));
}
