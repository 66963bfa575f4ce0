#include "subcommand.h"

const struct subcommand_group market_group = {"", NULL, 0};
