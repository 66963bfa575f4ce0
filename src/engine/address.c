#include "engine/address.h"

#include "base/error.h"
#include "base/id.h"
#include "base/symbol.h"
#include "engine/engine.h"

#include <trading.h>

static uint32_t address_of_id(const trading_id *id, uint32_t partitions)
{
    return id_slot(id) % partitions;
}

static uint32_t address_of_opening(const trading_command *command, uint32_t partitions)
{
    trading_id id;
    if (id_is_zero(&command->key))
        return TRADING_ANY_PARTITION;
    id_derive(&id, TRADING_ENTITY_ACCOUNT, &(trading_id){{0}}, &command->key, 0);
    return address_of_id(&id, partitions);
}

/* The account may be left out where a portfolio of it is named. */
static uint32_t address_of_alias(const trading_command *command, uint32_t partitions)
{
    const trading_bind_alias *body = command->body;
    if (!id_is_zero(&command->account))
        return address_of_id(&command->account, partitions);
    return !body || command->body_size < sizeof *body ? ADDRESS_NONE : address_of_id(&body->portfolio, partitions);
}

/* Where the body of an order, a portfolio or a quote sends the command. */
static uint32_t address_of_body(const trading_command *command, uint32_t partitions)
{
    const void *body = command->body;
    uint64_t size = body ? command->body_size : 0;
    switch (command->type) {
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        return size < sizeof(trading_place_order) ? ADDRESS_NONE
                                                  : address_of_id(&((const trading_place_order *)body)->portfolio, partitions);
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return size < sizeof(trading_close_portfolio)
                   ? ADDRESS_NONE
                   : address_of_id(&((const trading_close_portfolio *)body)->portfolio, partitions);
    case TRADING_COMMAND_CANCEL_ORDER:
        return size < sizeof(trading_cancel_order) ? ADDRESS_NONE
                                                   : address_of_id(&((const trading_cancel_order *)body)->order, partitions);
    case TRADING_COMMAND_BOOK_EXECUTION:
        return size < sizeof(trading_book_execution)
                   ? ADDRESS_NONE
                   : address_of_id(&((const trading_book_execution *)body)->order, partitions);
    case TRADING_COMMAND_END_ORDER:
        return size < sizeof(trading_end_order) ? ADDRESS_NONE
                                                : address_of_id(&((const trading_end_order *)body)->order, partitions);
    default:
        return size < sizeof(trading_set_quote) ? ADDRESS_NONE
                                                : symbol_slot(&((const trading_set_quote *)body)->symbol) % partitions;
    }
}

uint32_t command_address(const trading_command *command, uint32_t partitions)
{
    switch (command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        return address_of_opening(command, partitions);
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
    case TRADING_COMMAND_SET_QUOTE:
        return address_of_body(command, partitions);
    case TRADING_COMMAND_BIND_ALIAS:
        return address_of_alias(command, partitions);
    case TRADING_COMMAND_END_SESSION:
        return TRADING_EVERY_PARTITION;
    case TRADING_COMMAND_ACKNOWLEDGE:
        return TRADING_ANY_PARTITION;
    default:
        return address_of_id(&command->account, partitions);
    }
}

bool engine_is_elsewhere(const trading_engine *engine, const trading_command *command)
{
    uint32_t address = engine->partitions || engine->parts == 1 ? ADDRESS_NONE : command_address(command, engine->parts);
    return address < engine->parts && address != engine->partition;
}

int32_t trading_command_partition(const trading_command *command, uint32_t partitions, uint32_t *partition,
                                  trading_error *error)
{
    if (!command || !partition || partitions < 1 || partitions > ENGINE_PARTITIONS_MAX)
        return error_set(error, TRADING_E_INVALID, "a command's partition is one of 1 to %u", ENGINE_PARTITIONS_MAX);
    *partition = command_address(command, partitions);
    if (*partition == ADDRESS_NONE)
        return error_set(error, TRADING_E_INVALID, "the body of a command of type %d is too small to say what it is about",
                         command->type);
    return error_clear(error);
}

int32_t trading_engine_partition_of(trading_engine *engine, int32_t entity, const trading_id *id, uint32_t *partition,
                                    trading_error *error)
{
    if (!engine || entity < TRADING_ENTITY_ACCOUNT || entity > TRADING_ENTITY_INSTRUMENT || !id || !partition)
        return error_set(error, TRADING_E_INVALID, "whose partition it is needs an engine, an entity and its id");
    trading_symbol symbol;
    memcpy(&symbol, id, sizeof symbol);
    *partition = entity == TRADING_ENTITY_INSTRUMENT ? symbol_slot(&symbol) % engine->parts : address_of_id(id, engine->parts);
    return error_clear(error);
}
