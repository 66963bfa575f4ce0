/* Subcommands of portfolios. */
#include "output.h"
#include "subcommand.h"

#include <stdio.h>

#define ARGUMENTS_END                                                                                                          \
    {                                                                                                                          \
        ARGUMENT_END, NULL, NULL, NULL, NULL                                                                                   \
    }

static const struct argument open_portfolio[] = {
    {ARGUMENT_OPERAND, "ACCOUNT", NULL, "its owner: A-...", "account"},
    {ARGUMENT_OPTION, "name", "TEXT", "the portfolio's name", "name"},
    ARGUMENTS_END,
};
static const struct argument close_portfolio[] = {
    {ARGUMENT_OPERAND, "PORTFOLIO", NULL, "the portfolio: P-...", "portfolio"},
    ARGUMENTS_END,
};
static const struct argument view_portfolio[] = {
    {ARGUMENT_OPERAND, "PORTFOLIO", NULL, "the portfolio: P-...", "id"},
    {ARGUMENT_FLAG, "all", NULL, "also the symbols that it holds no more", "all"},
    ARGUMENTS_END,
};
static const struct argument lots[] = {
    {ARGUMENT_OPERAND, "PORTFOLIO", NULL, "the portfolio: P-...", "portfolio"},
    ARGUMENTS_END,
};

static void print_lots(const json_t *result)
{
    static const struct column columns[] = {
        {"LOT", "lot", COLUMN_TEXT},
        {"SYMBOL", "symbol", COLUMN_TEXT},
        {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"RESERVED", "reserved", COLUMN_NUMBER},
        {"COST BASIS", "cost_basis", COLUMN_NUMBER},
        {"ACQUIRED", "acquired", COLUMN_TEXT},
    };
    output_table(stdout, columns, sizeof columns / sizeof columns[0], json_object_get(result, "lots"), "It holds no lots.");
}

static void print_positions(const json_t *portfolio)
{
    static const struct column columns[] = {
        {"SYMBOL", "symbol", COLUMN_TEXT},
        {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"RESERVED", "reserved", COLUMN_NUMBER},
        {"COST BASIS", "cost_basis", COLUMN_NUMBER},
        {"MARK", "mark", COLUMN_NUMBER},
        {"MARKET VALUE", "market_value", COLUMN_NUMBER},
        {"REALIZED", "realized_pnl", COLUMN_NUMBER},
        {"UNREALIZED", "unrealized_pnl", COLUMN_NUMBER},
    };
    output_table(stdout, columns, sizeof columns / sizeof columns[0], json_object_get(portfolio, "positions"),
                 "It holds nothing.");
}

static void print_portfolio(const json_t *portfolio)
{
    static const struct column columns[] = {
        {"portfolio", "portfolio", COLUMN_TEXT},
        {"account", "account", COLUMN_TEXT},
        {"name", "name", COLUMN_TEXT},
        {"status", "status", COLUMN_TEXT},
        {"loyalty", "loyalty", COLUMN_TEXT},
        {"currency", "currency", COLUMN_TEXT},
        {"traded", "traded", COLUMN_NUMBER},
        {"cost basis", "cost_basis", COLUMN_NUMBER},
        {"market value", "market_value", COLUMN_NUMBER},
        {"realized pnl", "realized_pnl", COLUMN_NUMBER},
        {"unrealized pnl", "unrealized_pnl", COLUMN_NUMBER},
        {"open orders", "open_orders", COLUMN_NUMBER},
    };
    output_list(stdout, columns, sizeof columns / sizeof columns[0], portfolio);
    printf("\n");
    output_heading(stdout, "Positions");
    print_positions(portfolio);
    printf("\n");
    output_heading(stdout, "Lots");
    print_lots(portfolio);
}

#define COMMAND (COMMON_STORE | COMMON_JSON | COMMON_KEY)
#define VIEW    (COMMON_STORE | COMMON_JSON | COMMON_AT)

static const struct subcommand subcommands[] = {
    {
        .name = "open-portfolio",
        .summary = "Open a further portfolio of an account",
        .examples = "  trading open-portfolio A-... --name Retirement\n",
        .arguments = open_portfolio,
        .common = COMMAND,
        .op = "open_portfolio",
        .main = operate_main,
    },
    {
        .name = "close-portfolio",
        .summary = "Cancel its open orders, sell what it holds, and close it",
        .about = "What the market does not take at once leaves it closing; the same again, later, goes on from there.",
        .examples = "  trading close-portfolio P-...\n",
        .arguments = close_portfolio,
        .common = COMMAND,
        .op = "close_portfolio",
        .main = operate_main,
    },
    {
        .name = "portfolio",
        .summary = "Show a portfolio: positions, lots, profit and loss",
        .examples = "  trading portfolio P-...\n"
                    "  trading portfolio P-... --all --at 2013-12-31T23:59:59Z\n",
        .arguments = view_portfolio,
        .common = VIEW,
        .op = "view_portfolio",
        .print = print_portfolio,
        .main = operate_main,
    },
    {
        .name = "lots",
        .summary = "List a portfolio's tax lots, the oldest of each symbol first",
        .examples = "  trading lots P-...\n",
        .arguments = lots,
        .common = VIEW,
        .op = "lots",
        .print = print_lots,
        .main = operate_main,
    },
};

const struct subcommand_group portfolio_group = {"Portfolios", subcommands, (int)(sizeof subcommands / sizeof subcommands[0])};
