#include "subcommand.h"

const struct subcommand_group portfolio_group = {"", NULL, 0};
