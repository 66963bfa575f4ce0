/* A command on its way to the contexts. */
#ifndef PROCESS_REQUEST_H
#define PROCESS_REQUEST_H

#include "account/state.h"
#include "base/rejection.h"
#include "journal/entry.h"
#include "portfolio/state.h"

/* Personal text, sealed, ready to be written. */
struct sealed {
    const uint8_t *data;
    uint32_t size;
};

/* What another partition's book said of a symbol before the order was decided; zeros: nothing. */
struct stamp {
    trading_currency currency; /* that it trades in */
    trading_decimal ask;
};

/* Whether commands of the type make an order. */
static inline bool command_places_order(int32_t type)
{
    return type == TRADING_COMMAND_PLACE_ORDER || type == TRADING_COMMAND_ROUTE_ORDER;
}

/* Whether they are about one that is there, which their body names. */
static inline bool command_names_order(int32_t type)
{
    return type == TRADING_COMMAND_CANCEL_ORDER || type == TRADING_COMMAND_BOOK_EXECUTION || type == TRADING_COMMAND_END_ORDER;
}

/* Numbers of what a command likely names by its id or symbol, whose record is then asked whether it is so; 0: nothing of the kind, or nobody looked. */
struct named {
    uint32_t account;
    uint32_t portfolio;
    uint32_t order;
    uint32_t instrument;
    trading_id placed; /* the id of the order that its key makes for that account; zero: it makes none */
};

/* A valid command, with all that deciding may not fetch for itself. */
struct request {
    const trading_command *command;
    struct cause cause;           /* its account: filled in by process_locate */
    const struct named *foreseen; /* never NULL */
    struct sealed sealed;
    struct stamp stamp; /* of an order whose book is in another partition */
    uint32_t portfolio; /* numbers of what it names, by process_locate */
    uint32_t order;
    const struct account_record *account_record; /* the cause's account, NULL: of none */
    const struct portfolio_record *portfolio_record;
    trading_id placed; /* PLACE_ORDER: the id of the order that it makes, by process_locate */
};

#endif
