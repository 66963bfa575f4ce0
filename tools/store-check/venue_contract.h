/* What include/trading/venue.h and plugin/venue.h promise, as checks to run over any venue. Needs public headers and POSIX only. The
 * program trading-store-check --venue runs it on the venue of a URI. */
#ifndef VENUE_CONTRACT_H
#define VENUE_CONTRACT_H

#include <trading/venue.h>

/* What kind of venue it is. */
#define VENUE_CONTRACT_LASTS   1u /* it knows its orders when it is opened again */
#define VENUE_CONTRACT_FORGETS 2u /* it does not */

struct venue_contract {
    trading_host *host;
    const char *uri;
    const char *prefix; /* of the ClOrdIDs that are used, at most 20 characters: nobody else's, and none before */
    const char *symbol; /* what is traded: the venue buys and sells it at the price or better, and not far from it */
    trading_decimal price;
    const char *rejected; /* a symbol that it takes no orders for; NULL: that is not checked */
    uint32_t flags;       /* one of VENUE_CONTRACT_ */
    int64_t patience;     /* nanoseconds for what must come */
    int64_t silence;      /* … and after which it is believed that nothing comes */
    const char *only;     /* the cases whose names contain this, NULL for all */
    int passed;           /* counted while it runs, with those before */
    int failed;
};

/* Runs the cases one after another, as store_contract_run does. Returns how many failed. */
int venue_contract_run(struct venue_contract *contract);

/* The names of the cases that such a venue is put to. */
void venue_contract_list(const struct venue_contract *contract);

#endif
