/* Whether the engine's result of a command is what the model says. All return true when it is, else `failure` says why not. */
#ifndef SIMULATION_ANSWER_H
#define SIMULATION_ANSWER_H

#include "simulation/model.h"
#include "simulation/names.h"

#include <stdbool.h>

#include <trading.h>

bool answer_same_status(const struct model_answer *expected, const trading_result *actual, char *failure, size_t bytes);
/* What the command made gets its name. Not for duplicates, which make nothing. */
bool answer_bind(struct names *names, const struct model_command *command, const struct model_answer *expected,
                 const trading_result *actual, char *failure, size_t bytes);
/* Ids and amounts, of what was accepted or rejected. */
bool answer_same(const struct names *names, const struct model_answer *expected, const trading_result *actual, char *failure,
                 size_t bytes);

#endif
