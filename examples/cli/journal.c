/* The journal: reports over it, many commands at once, and proof that it is sound. */
#include "subcommand.h"

static const struct subcommand subcommands[] = {
    {
        .name = "statement",
        .summary = "An account's statement: money in and out, trades, profit and loss",
        .examples = "  trading statement A-... --from 2013-01-01 --to 2014-01-01\n",
        .arguments = statement_arguments,
        .common = COMMON_STORE | COMMON_JSON | COMMON_AT,
        .main = statement_main,
    },
    {
        .name = "replay",
        .summary = "Drive quotes from a file of real prices through the exchange",
        .examples = "  trading replay prices.csv --store lmdb:/tmp/replay\n",
        .arguments = replay_arguments,
        .common = COMMON_STORE | COMMON_JSON,
        .main = replay_main,
    },
};

const struct subcommand_group journal_group = {"Journal", subcommands, (int)(sizeof subcommands / sizeof subcommands[0])};
