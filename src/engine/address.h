/* Which partition a command belongs to. */
#ifndef ENGINE_ADDRESS_H
#define ENGINE_ADDRESS_H

#include <trading/partition.h>

/* A partition, TRADING_EVERY_PARTITION, TRADING_ANY_PARTITION; or ADDRESS_NONE where the body is not what the type has. */
#define ADDRESS_NONE (UINT32_MAX - 2)
uint32_t command_address(const trading_command *command, uint32_t partitions);

#endif
