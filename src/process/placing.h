/* Orders as they begin and end, whoever asks for it: a customer, the session, a portfolio that closes. */
#ifndef PROCESS_PLACING_H
#define PROCESS_PLACING_H

#include "base/rejection.h"
#include "process/emit.h"

/* The instrument's number, listed in the currency when it is new. */
uint32_t instrument_list(struct process *process, const trading_symbol *symbol, const trading_currency *currency);

struct order_terms {
    uint32_t portfolio;
    uint32_t instrument;
    uint32_t lot;
    int32_t side;
    int32_t type;
    int32_t time_in_force;
    trading_decimal quantity;
    trading_decimal limit;
    trading_decimal hold; /* buys: funds */
};

/* Writes the order and holds what it needs; its number. */
uint32_t order_place(struct process *process, const struct order_terms *terms);

/* Writes an order that a rule refused. */
void order_refuse(struct process *process, const struct order_terms *terms, const struct rejection *why);

/* Ends an open order, ORDER_CANCELED or ORDER_EXPIRED, and gives back what is held for it. */
void order_end(struct process *process, uint32_t order, uint32_t kind);

#endif
