/* What a command must satisfy whatever the state is. A command that does not is malformed, and is not remembered under its key. */
#ifndef PROCESS_VALIDATE_H
#define PROCESS_VALIDATE_H

#include "base/bytes.h"
#include "base/rejection.h"

#include <trading/command.h>

/* The most that command_canonical writes. */
#define CANONICAL_BYTES 2048u

/* True, or why it is malformed. */
bool command_validate(const trading_command *command, struct rejection *why);

/* Whether its body may say something of a person. */
static inline bool command_is_personal(const trading_command *command)
{
    return command->type == TRADING_COMMAND_OPEN_ACCOUNT || command->type == TRADING_COMMAND_OPEN_PORTFOLIO ||
           command->type == TRADING_COMMAND_UPDATE_CONTACT || command->type == TRADING_COMMAND_UPDATE_ADDRESS;
}

/* Whether its body is a trading_cash. */
static inline bool command_is_cash(const trading_command *command)
{
    return command->type >= TRADING_COMMAND_DEPOSIT && command->type <= TRADING_COMMAND_DEBIT;
}

/* Writes a valid command's meaning (type and body) in one form, so that two commands mean the same when their bytes are the same. */
void command_canonical(const trading_command *command, struct writer *writer);

#endif
