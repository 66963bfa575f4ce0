/* Subcommands of orders. */
#include "output.h"
#include "record.h"
#include "subcommand.h"

#include <stdio.h>

#define ARGUMENTS_END                                                                                                          \
    {                                                                                                                          \
        ARGUMENT_END, NULL, NULL, NULL, NULL                                                                                   \
    }
#define ORDER_OPERANDS                                                                                                         \
    {ARGUMENT_OPERAND, "PORTFOLIO", NULL, "the portfolio: P-...", "portfolio"},                                                \
        {ARGUMENT_OPERAND, "SYMBOL", NULL, "the symbol: GOOG", "symbol"},                                                      \
        {ARGUMENT_OPERAND, "QUANTITY", NULL, "how many shares", "quantity"},                                                   \
        {ARGUMENT_OPTION, "limit", "PRICE", "at this price or better; without it a market order", "limit_price"},              \
    {                                                                                                                          \
        ARGUMENT_OPTION, "time-in-force", "WORD", "of a limit order: day (default), gtc or ioc", "time_in_force"               \
    }

static const struct argument buy[] = {ORDER_OPERANDS, ARGUMENTS_END};
static const struct argument sell[] = {
    ORDER_OPERANDS,
    {ARGUMENT_OPTION, "lot", "ORDER", "sell from the lot that this order bought; without it the oldest first", "lot"},
    ARGUMENTS_END,
};
static const struct argument cancel[] = {
    {ARGUMENT_OPERAND, "ORDER", NULL, "the order: ORD-...", "order"},
    ARGUMENTS_END,
};
static const struct argument view_order[] = {
    {ARGUMENT_OPERAND, "ORDER", NULL, "the order: ORD-...", "id"},
    ARGUMENTS_END,
};
static const struct argument orders[] = {
    {ARGUMENT_OPERAND, "PORTFOLIO", NULL, "the portfolio: P-...", "portfolio"},
    {ARGUMENT_FLAG, "open", NULL, "only those that may still be filled", "open"},
    ARGUMENTS_END,
};

static void complete_order(json_t *request, const char *side)
{
    put_text(request, "side", side);
    put_text(request, "type", json_object_get(request, "limit_price") ? "limit" : "market");
}

static void complete_buy(json_t *request)
{
    complete_order(request, "buy");
}

static void complete_sell(json_t *request)
{
    complete_order(request, "sell");
}

static void print_order(const json_t *order)
{
    static const struct column columns[] = {
        {"order", "order", COLUMN_TEXT},
        {"account", "account", COLUMN_TEXT},
        {"portfolio", "portfolio", COLUMN_TEXT},
        {"status", "status", COLUMN_TEXT},
        {"reason", "reason", COLUMN_TEXT},
        {"side", "side", COLUMN_TEXT},
        {"symbol", "symbol", COLUMN_TEXT},
        {"type", "type", COLUMN_TEXT},
        {"time in force", "time_in_force", COLUMN_TEXT},
        {"lot", "lot", COLUMN_TEXT},
        {"placed", "placed", COLUMN_TEXT},
        {"updated", "updated", COLUMN_TEXT},
        {"quantity", "quantity", COLUMN_NUMBER},
        {"filled", "filled_quantity", COLUMN_NUMBER},
        {"leaves", "leaves_quantity", COLUMN_NUMBER},
        {"limit price", "limit_price", COLUMN_NUMBER},
        {"average price", "average_price", COLUMN_NUMBER},
        {"consideration", "consideration", COLUMN_NUMBER},
        {"held", "held", COLUMN_NUMBER},
        {"refunded", "refunded", COLUMN_NUMBER},
    };
    static const struct column executions[] = {
        {"EXECUTION", "execution", COLUMN_ORDINAL},        {"TIME", "time", COLUMN_TEXT},
        {"QUANTITY", "quantity", COLUMN_NUMBER},           {"PRICE", "price", COLUMN_NUMBER},
        {"CONSIDERATION", "consideration", COLUMN_NUMBER}, {"COUNTER ORDER", "counter_order", COLUMN_TEXT},
    };
    output_list(stdout, columns, sizeof columns / sizeof columns[0], order);
    printf("\n");
    output_heading(stdout, "Executions");
    output_table(stdout, executions, sizeof executions / sizeof executions[0], json_object_get(order, "executions"),
                 "There are none yet.");
}

static void print_orders(const json_t *result)
{
    static const struct column columns[] = {
        {"ORDER", "order", COLUMN_TEXT},
        {"STATUS", "status", COLUMN_TEXT},
        {"SIDE", "side", COLUMN_TEXT},
        {"SYMBOL", "symbol", COLUMN_TEXT},
        {"TYPE", "type", COLUMN_TEXT},
        {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"FILLED", "filled_quantity", COLUMN_NUMBER},
        {"LIMIT", "limit_price", COLUMN_NUMBER},
        {"AVERAGE", "average_price", COLUMN_NUMBER},
        {"PLACED", "placed", COLUMN_TEXT},
    };
    output_table(stdout, columns, sizeof columns / sizeof columns[0], json_object_get(result, "orders"),
                 "There are no such orders.");
}

#define COMMAND (COMMON_STORE | COMMON_JSON | COMMON_KEY)
#define VIEW    (COMMON_STORE | COMMON_JSON | COMMON_AT)

static const struct subcommand subcommands[] = {
    {
        .name = "buy",
        .summary = "Place a buy order",
        .about = "A market order is filled at once, at no more than the quoted ask and a collar, and what is not filled is "
                 "canceled.",
        .examples = "  trading buy P-... GOOG 10\n"
                    "  trading buy P-... GOOG 10 --limit 150.25 --time-in-force gtc --key order-1\n",
        .arguments = buy,
        .common = COMMAND,
        .op = "place_order",
        .complete = complete_buy,
        .main = operate_main,
    },
    {
        .name = "sell",
        .summary = "Place a sell order, of the oldest lots or of a chosen one",
        .examples = "  trading sell P-... GOOG 5\n"
                    "  trading sell P-... GOOG 5 --lot ORD-... --limit 160\n",
        .arguments = sell,
        .common = COMMAND,
        .op = "place_order",
        .complete = complete_sell,
        .main = operate_main,
    },
    {
        .name = "cancel",
        .summary = "Cancel an open order",
        .examples = "  trading cancel ORD-...\n",
        .arguments = cancel,
        .common = COMMAND,
        .op = "cancel_order",
        .main = operate_main,
    },
    {
        .name = "order",
        .summary = "Show an order and its executions",
        .examples = "  trading order ORD-...\n",
        .arguments = view_order,
        .common = VIEW,
        .op = "view_order",
        .print = print_order,
        .main = operate_main,
    },
    {
        .name = "orders",
        .summary = "List a portfolio's orders, the newest first",
        .examples = "  trading orders P-... --open\n",
        .arguments = orders,
        .common = VIEW,
        .op = "orders",
        .print = print_orders,
        .main = operate_main,
    },
};

const struct subcommand_group order_group = {"Orders", subcommands, (int)(sizeof subcommands / sizeof subcommands[0])};
