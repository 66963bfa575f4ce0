/* What src/state/store.h promises, as tests to run over any state store. */
#ifndef STATE_CONTRACT_H
#define STATE_CONTRACT_H

#include "state/store.h"

/* location: each case opens this with its name behind. lasts: what is committed is found by the next open. Returns how many cases
 * failed. */
int state_contract_run(const struct state_store_ops *ops, const char *location, bool lasts);

#endif
