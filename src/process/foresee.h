/* What a command will want, called into the cache ahead of its turn: advice, which may be wrong and changes nothing. */
#ifndef PROCESS_FORESEE_H
#define PROCESS_FORESEE_H

#include "process/domain.h"
#include "process/request.h"

#include <trading/command.h>

/* What a command names: of which kind, and the hash of its id. */
struct foretold {
    int32_t entity; /* TRADING_ENTITY_; 0: it names nothing */
    uint64_t hash;
};

/* First the place in an index that leads to what the command names. */
struct foretold process_foresee_place(const struct domain *domain, const trading_command *command);

/* Some time later what that says of it, and the record itself. */
void process_foresee_number(const struct domain *domain, const struct foretold *foretold, struct named *named);
void process_foresee_record(const struct domain *domain, const struct named *named);

/* And again later what the record of a portfolio leads to: its account, which is then named, and its orders; and of a command that makes an
 * order its id, and the place that this will have. */
void process_foresee_owner(const struct domain *domain, struct named *named);
void process_foresee_placed(const struct domain *domain, const trading_command *command, struct named *named);

#endif
