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

/* Writes a valid command's meaning (type and body) in one form, so that two commands mean the same when their bytes are the same. */
void command_canonical(const trading_command *command, struct writer *writer);

#endif
