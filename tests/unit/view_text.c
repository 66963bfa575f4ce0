/* Everything that a view shows, as text: what two views show is compared as a whole. */
#include "view_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 64

struct telling {
    trading_view *view;
    size_t page;
    FILE *out;
    trading_error error;
};

static void tell_id(struct telling *telling, int32_t entity, const trading_id *id)
{
    char text[TRADING_ID_TEXT];
    trading_id_format(entity, id, text);
    fprintf(telling->out, " %s", trading_id_is_zero(id) ? "-" : text);
}

static void tell_numbers(struct telling *telling, size_t count, const int64_t *numbers)
{
    for (size_t i = 0; i < count; i++)
        fprintf(telling->out, " %" PRId64, numbers[i]);
    fprintf(telling->out, "\n");
}

#define TELL(telling, ...)                                                                                                     \
    tell_numbers(telling, sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t), (const int64_t[]){__VA_ARGS__})

static void tell_executions(struct telling *telling, const trading_id *order)
{
    trading_execution executions[MOST];
    uint64_t cursor = 0;
    size_t count;
    do {
        must(trading_view_executions(telling->view, order, &cursor, executions, telling->page, &count, &telling->error),
             &telling->error);
        for (size_t i = 0; i < count; i++) {
            const trading_execution *execution = &executions[i];
            fprintf(telling->out, "   execution");
            tell_id(telling, TRADING_ENTITY_ORDER, &execution->counter_order);
            TELL(telling, execution->position, execution->time, execution->quantity, execution->price,
                 execution->consideration);
        }
    } while (count);
}

static void tell_order(struct telling *telling, const trading_order *order)
{
    fprintf(telling->out, "  order %.16s", order->symbol.text);
    tell_id(telling, TRADING_ENTITY_ORDER, &order->id);
    tell_id(telling, TRADING_ENTITY_ACCOUNT, &order->account);
    tell_id(telling, TRADING_ENTITY_PORTFOLIO, &order->portfolio);
    tell_id(telling, TRADING_ENTITY_ORDER, &order->lot);
    TELL(telling, order->side, order->type, order->time_in_force, order->status, order->reason, order->execution_count,
         order->quantity, order->limit_price, order->filled_quantity, order->leaves_quantity, order->average_price,
         order->consideration, order->held, order->refunded, order->placed, order->updated, order->position, order->version);
}

static void tell_orders(struct telling *telling, const trading_id *portfolio, int32_t open_only)
{
    trading_order orders[MOST];
    uint64_t cursor = 0;
    size_t count;
    fprintf(telling->out, " orders, %s\n", open_only ? "open" : "all");
    do {
        must(trading_view_orders(telling->view, portfolio, open_only, &cursor, orders, telling->page, &count, &telling->error),
             &telling->error);
        for (size_t i = 0; i < count; i++) {
            tell_order(telling, &orders[i]);
            if (!open_only)
                tell_executions(telling, &orders[i].id);
        }
    } while (count);
}

static void tell_positions(struct telling *telling, const trading_id *portfolio)
{
    trading_position positions[MOST];
    uint64_t cursor = 0;
    size_t count;
    do {
        must(trading_view_positions(telling->view, portfolio, &cursor, positions, telling->page, &count, &telling->error),
             &telling->error);
        for (size_t i = 0; i < count; i++) {
            const trading_position *position = &positions[i];
            fprintf(telling->out, "  position %.16s", position->symbol.text);
            TELL(telling, position->quantity, position->reserved, position->cost_basis, position->mark, position->market_value,
                 position->realized_pnl, position->unrealized_pnl);
        }
    } while (count);
}

static void tell_lots(struct telling *telling, const trading_id *portfolio)
{
    trading_lot lots[MOST];
    uint64_t cursor = 0;
    size_t count;
    do {
        must(trading_view_lots(telling->view, portfolio, &cursor, lots, telling->page, &count, &telling->error),
             &telling->error);
        for (size_t i = 0; i < count; i++) {
            fprintf(telling->out, "  lot %.16s", lots[i].symbol.text);
            tell_id(telling, TRADING_ENTITY_ORDER, &lots[i].lot);
            TELL(telling, lots[i].quantity, lots[i].reserved, lots[i].cost_basis, lots[i].acquired);
        }
    } while (count);
}

static void tell_portfolio(struct telling *telling, const trading_id *id)
{
    trading_portfolio portfolio = {.size = sizeof portfolio};
    must(trading_view_portfolio(telling->view, id, &portfolio, &telling->error), &telling->error);
    fprintf(telling->out, " portfolio %.3s", portfolio.currency.text);
    tell_id(telling, TRADING_ENTITY_PORTFOLIO, &portfolio.id);
    tell_id(telling, TRADING_ENTITY_ACCOUNT, &portfolio.account);
    TELL(telling, portfolio.status, portfolio.loyalty, portfolio.position, portfolio.version, portfolio.opened,
         portfolio.position_count, portfolio.open_order_count, portfolio.traded, portfolio.cost_basis, portfolio.market_value,
         portfolio.realized_pnl, portfolio.unrealized_pnl);
    tell_positions(telling, id);
    tell_lots(telling, id);
    tell_orders(telling, id, 0);
    tell_orders(telling, id, 1);
}

static void tell_account(struct telling *telling, const trading_id *id)
{
    trading_account account = {.size = sizeof account};
    trading_id portfolios[MOST];
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_account(telling->view, id, &account, &telling->error), &telling->error);
    fprintf(telling->out, "account %.3s", account.currency.text);
    tell_id(telling, TRADING_ENTITY_ACCOUNT, &account.id);
    TELL(telling, account.status, account.portfolio_count, account.position, account.version, account.opened, account.balance,
         account.held, account.available);
    do {
        must(trading_view_portfolios(telling->view, id, &cursor, portfolios, telling->page, &count, &telling->error),
             &telling->error);
        for (size_t i = 0; i < count; i++)
            tell_portfolio(telling, &portfolios[i]);
    } while (count);
}

static void tell_accounts(struct telling *telling)
{
    trading_id accounts[MOST];
    uint64_t cursor = 0;
    size_t count;
    do {
        must(trading_view_accounts(telling->view, &cursor, accounts, telling->page, &count, &telling->error), &telling->error);
        for (size_t i = 0; i < count; i++)
            tell_account(telling, &accounts[i]);
    } while (count);
}

static void tell_book(struct telling *telling, const trading_symbol *symbol, int32_t side)
{
    trading_level levels[MOST];
    uint64_t cursor = 0;
    size_t count;
    do {
        must(trading_view_book(telling->view, symbol, side, &cursor, levels, telling->page, &count, &telling->error),
             &telling->error);
        for (size_t i = 0; i < count; i++) {
            fprintf(telling->out, " %s", trading_side_name(side));
            TELL(telling, levels[i].price, levels[i].quantity, levels[i].orders);
        }
    } while (count);
}

static void tell_instruments(struct telling *telling)
{
    trading_symbol symbols[MOST];
    trading_quote quote;
    uint64_t cursor = 0;
    size_t count;
    do {
        must(trading_view_instruments(telling->view, &cursor, symbols, telling->page, &count, &telling->error),
             &telling->error);
        for (size_t i = 0; i < count; i++) {
            must(trading_view_quote(telling->view, &symbols[i], &quote, &telling->error), &telling->error);
            fprintf(telling->out, "instrument %.16s %.3s", quote.symbol.text, quote.currency.text);
            TELL(telling, quote.quoted, quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last_price,
                 quote.quote_time, quote.trade_time, quote.position, quote.version);
            tell_book(telling, &symbols[i], TRADING_SIDE_BUY);
            tell_book(telling, &symbols[i], TRADING_SIDE_SELL);
        }
    } while (count);
}

static void tell_ledgers(struct telling *telling)
{
    uint64_t cursor = 0;
    trading_ledger ledger = {.size = sizeof ledger};
    int32_t code;
    while ((code = trading_view_ledger(telling->view, &cursor, &ledger, &telling->error)) == TRADING_OK)
        fprintf(telling->out, "ledger %.3s %s %s %s %s %s\n", ledger.currency.text, ledger.customers.text, ledger.house.text,
                ledger.bank.text, ledger.clearing.text, ledger.fee.text);
    assert_int_equal(code, TRADING_E_NOT_FOUND);
}

char *view_text(trading_view *view, size_t page)
{
    char *text = NULL;
    size_t size;
    assert_true(page <= MOST);
    struct telling telling = {.view = view, .page = page, .out = open_memstream(&text, &size)};
    fprintf(telling.out, "at %" PRId64 " %" PRId64 "\n", trading_view_position(view), trading_view_time(view));
    tell_accounts(&telling);
    tell_instruments(&telling);
    tell_ledgers(&telling);
    fclose(telling.out);
    return text;
}
