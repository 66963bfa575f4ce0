/* Trades: orders and quotes meet what rests in the book. */
#ifndef PROCESS_TRADE_H
#define PROCESS_TRADE_H

#include "process/emit.h"

/* Matches what is open of an order; what is left rests or is canceled. True when it is done, false when the commit has no more room. */
bool trade_order(struct process *process, uint32_t order);

/* Whether the execution of an order that is away can be booked as a whole; then the work's amount is its consideration. */
bool trade_fits(const struct process *process, struct work *work);

/* Books an execution of an order that is away: what of the work is not booked yet. What its account or portfolio cannot take any more
 * the house takes over, and the order ends. True when it is done. */
bool trade_settle(struct process *process, struct work *work);

/* Matches an instrument's quote with resting orders that it crosses. True when it is done. */
bool trade_quote(struct process *process, uint32_t instrument);

#endif
