#include "subcommand.h"

const struct subcommand_group account_group = {"", NULL, 0};
