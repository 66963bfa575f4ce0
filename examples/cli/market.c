/* Subcommands of the market: quotes, books, the session. */
#include "arguments.h"
#include "output.h"

#include <stdio.h>

#define ARGUMENTS_END                                                                                                          \
    {                                                                                                                          \
        ARGUMENT_END, NULL, NULL, NULL, NULL                                                                                   \
    }
#define SYMBOL                                                                                                                 \
    {                                                                                                                          \
        ARGUMENT_OPERAND, "SYMBOL", NULL, "the symbol: GOOG", "symbol"                                                         \
    }

static const struct argument set_quote[] = {
    SYMBOL,
    {ARGUMENT_REQUIRED, "bid", "PRICE", "what the house pays; 0: it does not buy", "bid"},
    {ARGUMENT_REQUIRED, "ask", "PRICE", "what the house asks; 0: it does not sell", "ask"},
    {ARGUMENT_OPTION, "bid-size", "SHARES", "how many it buys (default: unlimited)", "bid_size"},
    {ARGUMENT_OPTION, "ask-size", "SHARES", "how many it sells (default: unlimited)", "ask_size"},
    {ARGUMENT_OPTION, "size", "SHARES", "both sizes at once", "size"},
    {ARGUMENT_OPTION, "currency", "CODE", "of a symbol that is new (default: USD)", "currency"},
    ARGUMENTS_END,
};
static const struct argument book[] = {SYMBOL, ARGUMENTS_END};

#define QUOTE_COLUMNS                                                                                                          \
    {"BID", "bid", COLUMN_NUMBER}, {"BID SIZE", "bid_size", COLUMN_NUMBER}, {"ASK", "ask", COLUMN_NUMBER},                     \
        {"ASK SIZE", "ask_size", COLUMN_NUMBER}, {"LAST", "last_price", COLUMN_NUMBER},                                        \
    {                                                                                                                          \
        "CURRENCY", "currency", COLUMN_TEXT                                                                                    \
    }

static void print_quotes(const json_t *result)
{
    static const struct column columns[] = {
        {"SYMBOL", "symbol", COLUMN_TEXT}, QUOTE_COLUMNS, {"SET", "quote_time", COLUMN_TEXT}};
    output_table(stdout, columns, sizeof columns / sizeof columns[0], json_object_get(result, "quotes"),
                 "There are no symbols yet; `trading quote` sets a first quote.");
}

static void print_book(const json_t *book_record)
{
    static const struct column quote[] = {
        {"quoted bid", "quote.bid", COLUMN_NUMBER},  {"of size", "quote.bid_size", COLUMN_NUMBER},
        {"quoted ask", "quote.ask", COLUMN_NUMBER},  {"of size", "quote.ask_size", COLUMN_NUMBER},
        {"last", "quote.last_price", COLUMN_NUMBER},
    };
    static const struct column levels[] = {
        {"PRICE", "price", COLUMN_NUMBER},
        {"QUANTITY", "quantity", COLUMN_NUMBER},
        {"ORDERS", "orders", COLUMN_NUMBER},
    };
    output_list(stdout, quote, sizeof quote / sizeof quote[0], book_record);
    output_heading(stdout, "Bids of customers");
    output_table(stdout, levels, sizeof levels / sizeof levels[0], json_object_get(book_record, "bids"), "There are none.");
    output_heading(stdout, "Asks of customers");
    output_table(stdout, levels, sizeof levels / sizeof levels[0], json_object_get(book_record, "asks"), "There are none.");
}

#define COMMAND (COMMON_STORE | COMMON_JSON | COMMON_KEY)
#define VIEW    (COMMON_STORE | COMMON_JSON | COMMON_AT)

static const struct subcommand subcommands[] = {
    {
        .name = "quote",
        .summary = "Set the house's quote of a symbol",
        .about = "A quote that crosses orders in the book trades with them. Its sizes are used up until the next quote.",
        .examples = "  trading quote GOOG --bid 150.10 --ask 150.20\n"
                    "  trading quote GOOG --bid 150.10 --ask 150.20 --bid-size 500 --ask-size 200\n",
        .arguments = set_quote,
        .common = COMMAND,
        .op = "quote",
        .main = operate_main,
    },
    {
        .name = "quotes",
        .summary = "List all symbols with their quotes",
        .examples = "  trading quotes\n",
        .common = VIEW,
        .op = "quotes",
        .print = print_quotes,
        .main = operate_main,
    },
    {
        .name = "book",
        .summary = "Show the order book of a symbol, and its quote",
        .examples = "  trading book GOOG\n",
        .arguments = book,
        .common = VIEW,
        .op = "view_book",
        .print = print_book,
        .main = operate_main,
    },
    {
        .name = "end-session",
        .summary = "End the trading session: every open day order expires",
        .examples = "  trading end-session\n",
        .common = COMMAND,
        .op = "end_session",
        .main = operate_main,
    },
};

const struct subcommand_group market_group = {"Market", subcommands, (int)(sizeof subcommands / sizeof subcommands[0])};
