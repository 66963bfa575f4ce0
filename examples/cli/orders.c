#include "subcommand.h"

const struct subcommand_group order_group = {"", NULL, 0};
