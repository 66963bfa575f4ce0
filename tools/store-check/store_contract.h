/* What include/trading/plugin/store.h promises, as checks to run over any event store. Needs that header and POSIX only. The program
 * trading-store-check runs it on the store of a URI; tests that link a store run it themselves:
 *
 *      struct store_contract contract = {.ops = &my_store_ops, .location = "/tmp/my-tests/", .flags = STORE_CONTRACT_LASTS};
 *      return store_contract_run(&contract) != 0;
 */
#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H

#include <trading/plugin/store.h>

/* What kind of store it is. */
#define STORE_CONTRACT_LASTS 1u /* what is written is found by the next open of the same location */
#define STORE_CONTRACT_LOCKS                                                                                                   \
    2u /* a second writer is refused, in this process and in another of this machine; implies that it lasts */
#define STORE_CONTRACT_SHARED                                                                                                  \
    4u /* several may have it open for writing, and the conditional append decides between them; implies that it lasts */

struct store_contract {
    const trading_store_ops *ops;
    /* Each case opens a location of its own: this one with the case's name, '-' as '_', in place of the first "{}"; else before the
     * first '?'; else behind. Nothing may be there before. */
    const char *location;
    uint32_t flags;   /* STORE_CONTRACT_ flags */
    const char *only; /* the cases whose names contain this, NULL for all */
    int passed;       /* counted while it runs, with those before */
    int failed;
};

/* Runs the cases one after another and writes a line about each to standard output, and to standard error what failed. Returns how
 * many failed. */
int store_contract_run(struct store_contract *contract);

/* The names of the cases that a store with these flags is put to, to standard output. */
void store_contract_list(uint32_t flags);

#endif
