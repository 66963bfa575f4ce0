/* Orders as they begin and end, whoever asks for it: a customer, the session, a portfolio that closes. */
#ifndef PROCESS_PLACING_H
#define PROCESS_PLACING_H

#include "base/rejection.h"
#include "process/emit.h"

/* The instrument's number, listed when it is new: in the currency, or as one whose book is in another partition. */
uint32_t instrument_list(struct process *process, const trading_symbol *symbol, const trading_currency *currency);

struct order_terms {
    uint32_t portfolio;
    uint32_t account; /* the portfolio's */
    uint32_t instrument;
    uint32_t lot;
    uint32_t holding; /* sells: the position, where it is at hand */
    int32_t side;
    int32_t type;
    int32_t time_in_force;
    trading_decimal quantity;
    trading_decimal limit;
    trading_decimal hold; /* buys: funds */
    bool outside;         /* it is for a venue outside, whoever has its book here */
};

/* Writes the order and holds what it needs, and sends it to its book where that is in another partition, or to its venue; its number. */
uint32_t order_place(struct process *process, const struct order_terms *terms);

/* Writes an order that a rule refused. */
void order_refuse(struct process *process, const struct order_terms *terms, const struct rejection *why);

/* Ends an open order, ORDER_CANCELED or ORDER_EXPIRED, and gives back what is held for it. The home of a guest is told. */
void order_end(struct process *process, uint32_t order, uint32_t kind);

/* Ends a guest that a rule refuses. */
void order_refuse_guest(struct process *process, uint32_t order, int32_t reason);

/* Cancels an open order; of one that is away, asks the partition that has its book to, or the venue. */
void order_cancel(struct process *process, uint32_t order);

#endif
