/* What a command will want, found out ahead of its turn and called into the cache: advice, which may be wrong and changes nothing. */
#ifndef PROCESS_FORESEE_H
#define PROCESS_FORESEE_H

#include "process/domain.h"
#include "process/request.h"

#include <trading/command.h>

/* ---- what it names, by any thread ---- */

/* Of which kind it is, and the hash of its id. */
struct foretold {
    int32_t entity; /* TRADING_ENTITY_; 0: it names nothing */
    uint64_t hash;
};

/* First the place in an index that leads to it. */
struct foretold process_foresee_place(const struct domain *domain, const trading_command *command);

/* Some time later what that says of it. */
void process_foresee_number(const struct domain *domain, const struct foretold *foretold, struct named *named);

/* And again later whose a portfolio is, and the instrument and the id of the order that the command makes. */
void process_foresee_owner(const struct domain *domain, const trading_command *command, struct named *named);

/* ---- what that leads to, by who decides ---- */

/* The records of what it names; some time later what a portfolio's leads to, and the place that a new order will have. */
void process_foresee_records(const struct domain *domain, const struct named *named);
void process_foresee_rest(const struct domain *domain, const struct named *named);

#endif
