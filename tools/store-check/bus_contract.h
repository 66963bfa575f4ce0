/* What include/trading/bus.h and plugin/bus.h promise, as checks to run over any bus. Needs public headers and POSIX only. The program
 * trading-store-check --bus runs it on the bus of a URI. */
#ifndef BUS_CONTRACT_H
#define BUS_CONTRACT_H

#include <trading/bus.h>

struct bus_contract {
    trading_host *host;
    const char *uri;
    const char *prefix; /* of the topics, groups and writers that are used: nobody else's, and none before */
    int64_t patience;   /* nanoseconds for what must come */
    int64_t silence;    /* … and after which it is believed that nothing comes */
    const char *only;   /* the cases whose names contain this, NULL for all */
    int passed;         /* counted while it runs, with those before */
    int failed;
};

/* Runs the cases one after another, as store_contract_run does. Returns how many failed. */
int bus_contract_run(struct bus_contract *contract);

void bus_contract_list(void);

#endif
