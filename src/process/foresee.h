/* What a command will want, called into the cache ahead of its turn: advice, which may be wrong and changes nothing. */
#ifndef PROCESS_FORESEE_H
#define PROCESS_FORESEE_H

#include "process/domain.h"
#include "process/request.h"

#include <trading/command.h>

/* First the place in an index that leads to what the command names. */
void process_foresee_place(const struct domain *domain, const trading_command *command);

/* Some time later the record itself, of what the command likely names. */
struct named process_foresee_records(const struct domain *domain, const trading_command *command);

#endif
