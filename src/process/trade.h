/* Trades: orders and quotes meet what rests in the book. */
#ifndef PROCESS_TRADE_H
#define PROCESS_TRADE_H

#include "process/emit.h"

/* Matches what is open of an order; what is left rests or is canceled. True when it is done, false when the commit has no more room. */
bool trade_order(struct process *process, uint32_t order);

/* Matches an instrument's quote with resting orders that it crosses. True when it is done. */
bool trade_quote(struct process *process, uint32_t instrument);

#endif
