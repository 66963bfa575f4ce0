/* What include/trading/plugin/store.h promises, as tests to run over any event store. Needs that header and POSIX only, so that
 * the author of a store outside of this tree can run it as well:
 *
 *      struct store_contract contract = {.ops = &my_store_ops, .location = "/tmp/my-tests/", .flags = STORE_CONTRACT_LASTS};
 *      return store_contract_run(&contract) != 0;
 */
#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H

#include <trading/plugin/store.h>

#define STORE_CONTRACT_LASTS 1u /* what is written is found by the next open of the same location */
#define STORE_CONTRACT_LOCKS                                                                                                   \
    2u /* a second writer is refused, in this process and in another of this machine; implies that it lasts */

struct store_contract {
    const trading_store_ops *ops;
    const char *location; /* each case opens this with its name behind; nothing may be there before */
    uint32_t flags;       /* STORE_CONTRACT_ flags */
    const char *only;     /* the cases whose names contain this, NULL for all */
};

/* Runs the cases one after another and writes a line about each to standard output, and to standard error what failed. Returns how
 * many failed. */
int store_contract_run(const struct store_contract *contract);

#endif
