/* Subcommands of the journal: what happened, reports over it, many commands at once, and proof that it is sound. */
#include "output.h"
#include "subcommand.h"

#include <stdio.h>

#define ARGUMENTS_END                                                                                                          \
    {                                                                                                                          \
        ARGUMENT_END, NULL, NULL, NULL, NULL                                                                                   \
    }

static const struct argument history[] = {
    {ARGUMENT_OPERAND, "ID", NULL, "an account, portfolio or order by its id, or a symbol", "id"},
    {ARGUMENT_OPTION, "limit", "N", "only the newest N events", "limit"},
    ARGUMENTS_END,
};

static void print_history(const json_t *result)
{
    static const struct column columns[] = {
        {"POSITION", "position", COLUMN_ORDINAL}, {"TIME", "time", COLUMN_TEXT},       {"EVENT", "event", COLUMN_TEXT},
        {"SYMBOL", "symbol", COLUMN_TEXT},        {"SIDE", "side", COLUMN_TEXT},       {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"PRICE", "price", COLUMN_NUMBER},        {"AMOUNT", "amount", COLUMN_NUMBER}, {"REASON", "reason", COLUMN_TEXT},
        {"ORDER", "order", COLUMN_TEXT},
    };
    output_table(stdout, columns, sizeof columns / sizeof columns[0], json_object_get(result, "events"),
                 "Nothing happened to it.");
}

static void print_verification(const json_t *result)
{
    static const struct column counts[] = {
        {"events", "events", COLUMN_NUMBER},           {"commits", "commits", COLUMN_NUMBER},
        {"accounts", "accounts", COLUMN_NUMBER},       {"portfolios", "portfolios", COLUMN_NUMBER},
        {"orders", "orders", COLUMN_NUMBER},           {"currencies", "currencies", COLUMN_NUMBER},
        {"instruments", "instruments", COLUMN_NUMBER},
    };
    static const struct column ledger[] = {
        {"CURRENCY", "currency", COLUMN_TEXT}, {"CUSTOMERS", "customers", COLUMN_NUMBER}, {"HOUSE", "house", COLUMN_NUMBER},
        {"BANK", "bank", COLUMN_NUMBER},       {"CLEARING", "clearing", COLUMN_NUMBER},   {"FEE", "fee", COLUMN_NUMBER},
    };
    printf(
        "The store is sound: every commit proves the one before it, cash and shares sum to zero, and what the views show is\n"
        "what the journal says.\n\n");
    output_list(stdout, counts, sizeof counts / sizeof counts[0], result);
    printf("hash         %s\n\n", json_string_value(json_object_get(result, "hash")));
    output_table(stdout, ledger, sizeof ledger / sizeof ledger[0], json_object_get(result, "ledgers"),
                 "There is no money yet.");
}

static void print_checkpoint(const json_t *result)
{
    printf("checkpoint at %s\n", json_string_value(json_object_get(result, "checkpoint_position")));
}

#define REPORT (COMMON_STORE | COMMON_JSON)

static const struct subcommand subcommands[] = {
    {
        .name = "history",
        .summary = "List what happened to an account, portfolio, order or symbol",
        .about = "The newest first.",
        .examples = "  trading history A-... --limit 20\n"
                    "  trading history ORD-... --json\n"
                    "  trading history GOOG\n",
        .arguments = history,
        .common = REPORT | COMMON_AT,
        .op = "history",
        .print = print_history,
        .main = operate_main,
    },
    {
        .name = "feed",
        .summary = "Print all events in order; follow new ones",
        .about = "A line an event; with --json a line of JSON. A cursor is kept in the store, and is moved once its events are "
                 "printed.",
        .examples = "  trading feed --from 2013-01-01 --event ORDER_EXECUTED\n"
                    "  trading feed --follow --json | tee events.jsonl\n"
                    "  trading feed --cursor mailer --follow\n",
        .arguments = feed_arguments,
        .common = REPORT,
        .main = feed_main,
    },
    {
        .name = "statement",
        .summary = "An account's statement: money in and out, trades, profit and loss",
        .about = "It adds up, or fails: the opening balance and all that moved make the closing balance.",
        .examples = "  trading statement A-... --year 2008\n"
                    "  trading statement A-... --from 2008-01-01 --to 2008-04-01 --json\n",
        .arguments = statement_arguments,
        .common = REPORT | COMMON_AT,
        .main = statement_main,
    },
    {
        .name = "verify",
        .summary = "Prove from the journal alone that the store is sound",
        .about = "A store that is not sound is a failed store: it says where, and exits with 3.",
        .examples = "  trading verify\n"
                    "  trading verify --json --store lmdb:backup\n",
        .common = REPORT,
        .op = "verify",
        .print = print_verification,
        .main = operate_main,
    },
    {
        .name = "info",
        .summary = "Show how much there is in the store, and how far those who serve it are behind",
        .about = "It reads beside those who write, and disturbs none of them: docs/cli.md.",
        .examples = "  trading info\n"
                    "  trading info --store cassandra://db1,db2/trading --bus kafka://broker1,broker2/ --json\n",
        .arguments = info_arguments,
        .common = REPORT,
        .main = info_main,
    },
    {
        .name = "checkpoint",
        .summary = "Write a checkpoint, so that the next opening is fast",
        .examples = "  trading checkpoint\n",
        .common = REPORT,
        .op = "checkpoint",
        .print = print_checkpoint,
        .main = operate_main,
    },
    {
        .name = "run",
        .summary = "Do many commands: a line of JSON each in, a line of JSON each out",
        .about = "docs/json-lines.md has every op. Exits with 0 even when lines were rejected, with 3 when the store failed.",
        .examples = "  trading run day.jsonl\n"
                    "  echo '{\"op\":\"open_account\",\"name\":\"Ada\",\"deposit\":\"10000.00\"}' | trading run\n"
                    "  trading run --pipeline 64 - < day.jsonl > answers.jsonl\n",
        .arguments = run_arguments,
        .common = COMMON_STORE,
        .main = run_main,
    },
    {
        .name = "replay",
        .summary = "Drive quotes from a file of real prices through the exchange",
        .about = "Under the dates of the prices, with what customers do in between; ends with their statements. Stopped\n"
                 "with Ctrl-C (exit status 130) or in any other way, it goes on from there when it is called in the same\n"
                 "way again. docs/replay.md has the formats.",
        .examples = "  trading replay prices.csv --store lmdb:/tmp/replay\n"
                    "  trading replay AAPL.csv IBM.csv --strategy day.jsonl --size 1% --store lmdb:/tmp/replay\n",
        .arguments = replay_arguments,
        .common = REPORT,
        .main = replay_main,
    },
    {
        .name = "store",
        .summary = "Make a store before it is used; copy one to another place, or into more partitions",
        .about =
            "Every command that writes makes a store that is not there. On a server that takes more rights and more time than\n"
            "using it: docs/cassandra.md. How a deployment is moved by copying: docs/deploy.md. A copy that was stopped "
            "(Ctrl-C: exit\n"
            "status 130) is refused by everybody, and to be deleted.",
        .examples = "  trading store create --store lmdb:/srv/desk\n"
                    "  trading store copy --store lmdb:/srv/desk --to 'cassandra://db1,db2/trading?create=3' --partitions 16\n"
                    "  trading store create --store 'cassandra://desk@db1,db2/trading?create=3&password_file=/etc/desk'\n",
        .arguments = store_arguments,
        .common = REPORT,
        .main = store_main,
    },
    {
        .name = "plugins",
        .summary = "List the plugins that are found, with versions and what each offers",
        .about =
            "They are looked for in the folders of $TRADING_PLUGIN_PATH, with ':' between them, and where the library's own\n"
            "are installed. Each is opened and asked: one that would not load is listed with the reason.",
        .examples = "  trading plugins\n"
                    "  TRADING_PLUGIN_PATH=/opt/stores trading plugins --json\n"
                    "  trading plugins --plugin /opt/stores/files.so\n",
        .common = COMMON_PLUGIN | COMMON_JSON,
        .main = plugins_main,
    },
};

const struct subcommand_group journal_group = {"Journal", subcommands, (int)(sizeof subcommands / sizeof subcommands[0])};
