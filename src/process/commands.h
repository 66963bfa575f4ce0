/* The commands of each context: the rules are asked, and what they allow is emitted. False: a rule says no (`why`), and nothing was
 * emitted. */
#ifndef PROCESS_COMMANDS_H
#define PROCESS_COMMANDS_H

#include "process/emit.h"
#include "process/request.h"

bool account_command(struct process *process, const struct request *request, struct rejection *why);
bool portfolio_command(struct process *process, const struct request *request, struct rejection *why);
bool order_command(struct process *process, const struct request *request, struct rejection *why);
bool market_command(struct process *process, const struct request *request, struct rejection *why);

#endif
