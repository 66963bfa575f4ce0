/* The engine's picture, through its views alone. */
#include "simulation/picture.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 64 };

/* What every function here needs. */
struct sitting {
    struct picture *picture;
    trading_view *view;
    const struct names *names;
    bool whole;
    trading_error *error;
};

static int64_t account_name(const struct sitting *sitting, const trading_id *id)
{
    return names_name(sitting->names, TRADING_ENTITY_ACCOUNT, id);
}

static int64_t portfolio_name(const struct sitting *sitting, const trading_id *id)
{
    return names_name(sitting->names, TRADING_ENTITY_PORTFOLIO, id);
}

static int64_t order_name(const struct sitting *sitting, const trading_id *id)
{
    return names_name(sitting->names, TRADING_ENTITY_ORDER, id);
}

static int64_t letters(const trading_symbol *symbol)
{
    return picture_letters(symbol->text, sizeof(symbol->text));
}

static int32_t draw_executions(const struct sitting *sitting, const trading_id *order)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_execution page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_executions(sitting->view, order, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count; i++)
            picture_add(sitting->picture, PICTURE_EXECUTIONS,
                        (int64_t[]){order_name(sitting, order), order_name(sitting, &page[i].counter_order), page[i].quantity,
                                    page[i].price, page[i].consideration, page[i].time});
    }
}

static void draw_order(const struct sitting *sitting, const trading_order *order)
{
    picture_add(sitting->picture, PICTURE_ORDERS,
                (int64_t[]){order_name(sitting, &order->id),
                            account_name(sitting, &order->account),
                            portfolio_name(sitting, &order->portfolio),
                            order_name(sitting, &order->lot),
                            letters(&order->symbol),
                            order->side,
                            order->type,
                            order->time_in_force,
                            order->status,
                            order->reason,
                            order->execution_count,
                            order->quantity,
                            order->limit_price,
                            order->filled_quantity,
                            order->leaves_quantity,
                            order->average_price,
                            order->consideration,
                            order->held,
                            order->refunded,
                            order->placed});
}

static int32_t draw_orders(const struct sitting *sitting, const trading_id *portfolio)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_order page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_orders(sitting->view, portfolio, 0, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count && !code; i++) {
            draw_order(sitting, &page[i]);
            if (sitting->whole)
                code = draw_executions(sitting, &page[i].id);
        }
        if (code)
            return code;
    }
}

static int32_t draw_open_orders(const struct sitting *sitting, const trading_id *portfolio)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_order page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_orders(sitting->view, portfolio, 1, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count; i++)
            picture_add(sitting->picture, PICTURE_OPEN_ORDERS,
                        (int64_t[]){portfolio_name(sitting, portfolio), order_name(sitting, &page[i].id)});
    }
}

static int32_t draw_lots(const struct sitting *sitting, const trading_id *portfolio)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_lot page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_lots(sitting->view, portfolio, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count; i++)
            picture_add(sitting->picture, PICTURE_LOTS,
                        (int64_t[]){portfolio_name(sitting, portfolio), order_name(sitting, &page[i].lot),
                                    letters(&page[i].symbol), page[i].quantity, page[i].reserved, page[i].cost_basis,
                                    page[i].acquired});
    }
}

static int32_t draw_positions(const struct sitting *sitting, const trading_id *portfolio)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_position page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_positions(sitting->view, portfolio, &cursor, page, PAGE, &count, sitting->error);
        if (code == TRADING_E_OVERFLOW) { /* worth more than a decimal can say */
            picture_add(sitting->picture, PICTURE_POSITIONS,
                        (int64_t[]){portfolio_name(sitting, portfolio), 0, 0, 0, 0, 0, 0, 0, 0});
            return TRADING_OK;
        }
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count; i++)
            picture_add(sitting->picture, PICTURE_POSITIONS,
                        (int64_t[]){portfolio_name(sitting, portfolio), letters(&page[i].symbol), page[i].quantity,
                                    page[i].reserved, page[i].cost_basis, page[i].mark, page[i].market_value,
                                    page[i].realized_pnl, page[i].unrealized_pnl});
    }
}

static int32_t draw_figures(const struct sitting *sitting, const trading_id *id)
{
    trading_portfolio portfolio = {.size = sizeof(portfolio)};
    int32_t code = trading_view_portfolio(sitting->view, id, &portfolio, sitting->error);
    if (code == TRADING_E_OVERFLOW) {
        picture_add(sitting->picture, PICTURE_PORTFOLIOS,
                    (int64_t[]){portfolio_name(sitting, id), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        return TRADING_OK;
    }
    if (code)
        return code;
    picture_add(sitting->picture, PICTURE_PORTFOLIOS,
                (int64_t[]){portfolio_name(sitting, &portfolio.id), account_name(sitting, &portfolio.account), portfolio.status,
                            portfolio.loyalty, picture_letters(portfolio.currency.text, sizeof(portfolio.currency)),
                            portfolio.opened, portfolio.position_count, portfolio.open_order_count, portfolio.traded,
                            portfolio.cost_basis, portfolio.market_value, portfolio.realized_pnl, portfolio.unrealized_pnl});
    return TRADING_OK;
}

static int32_t draw_portfolio(const struct sitting *sitting, const trading_id *id)
{
    int32_t code = draw_figures(sitting, id);
    if (!code)
        code = draw_positions(sitting, id);
    if (!code)
        code = draw_lots(sitting, id);
    if (!code)
        code = draw_orders(sitting, id);
    return code ? code : draw_open_orders(sitting, id);
}

static int32_t draw_portfolio_name(const struct sitting *sitting, const trading_id *account, const trading_id *id)
{
    char name[TRADING_NAME_BYTES + 1];
    int32_t code = trading_view_portfolio_name(sitting->view, id, name, sizeof(name), sitting->error);
    if (!code)
        picture_add(
            sitting->picture, PICTURE_TEXTS,
            (int64_t[]){account_name(sitting, account), portfolio_name(sitting, id), picture_text(name), 0, 0, 0, 0, 0, 0, 0});
    return code;
}

static int32_t draw_portfolios(const struct sitting *sitting, const trading_id *account)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_id page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_portfolios(sitting->view, account, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count && !code; i++)
            code = draw_portfolio(sitting, &page[i]);
        for (size_t i = 0; i < count && !code && sitting->whole; i++)
            code = draw_portfolio_name(sitting, account, &page[i]);
        if (code)
            return code;
    }
}

static int32_t draw_profile(const struct sitting *sitting, const trading_id *id)
{
    trading_profile profile = {.size = sizeof(profile)};
    int32_t code = trading_view_profile(sitting->view, id, &profile, sitting->error);
    if (!code)
        picture_add(sitting->picture, PICTURE_TEXTS,
                    (int64_t[]){account_name(sitting, id), 0, picture_text(profile.name), picture_text(profile.profile_name),
                                picture_text(profile.profile_surname), picture_text(profile.email),
                                picture_text(profile.phone_number), picture_text(profile.street),
                                picture_text(profile.postal_code), picture_text(profile.province)});
    return code;
}

/* Each is also found by its name, and so found to be this account's. */
static int32_t add_aliases(const struct sitting *sitting, const trading_id *account, int64_t *aliases, int64_t *sum)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_alias page[2];
        trading_alias found;
        size_t count = 0;
        int32_t code = trading_view_aliases(sitting->view, account, &cursor, page, 2, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count; i++) {
            code = trading_view_alias(sitting->view, page[i].space, page[i].name, &found, sitting->error);
            if (code)
                return code;
            *aliases += !memcmp(&found, &page[i], sizeof(found));
            *sum ^= picture_alias(portfolio_name(sitting, &page[i].portfolio), page[i].space, page[i].name);
        }
    }
}

static int32_t draw_account(const struct sitting *sitting, const trading_id *id)
{
    trading_account account = {.size = sizeof(account)};
    int32_t code = trading_view_account(sitting->view, id, &account, sitting->error);
    if (code)
        return code;
    int64_t aliases = 0;
    int64_t alias_sum = 0;
    code = add_aliases(sitting, id, &aliases, &alias_sum);
    if (code)
        return code;
    picture_add(sitting->picture, PICTURE_ACCOUNTS,
                (int64_t[]){account_name(sitting, &account.id), account.status,
                            picture_letters(account.currency.text, sizeof(account.currency)), account.balance, account.held,
                            account.available, account.opened, account.portfolio_count, aliases, alias_sum});
    code = sitting->whole ? draw_profile(sitting, id) : TRADING_OK;
    return code ? code : draw_portfolios(sitting, id);
}

static int32_t draw_accounts(const struct sitting *sitting)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_id page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_accounts(sitting->view, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count && !code; i++)
            code = draw_account(sitting, &page[i]);
        if (code)
            return code;
    }
}

static int32_t draw_book(const struct sitting *sitting, const trading_symbol *symbol, int32_t side)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_level page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_book(sitting->view, symbol, side, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count; i++)
            picture_add(sitting->picture, PICTURE_LEVELS,
                        (int64_t[]){letters(symbol), side, page[i].price, page[i].quantity, page[i].orders});
    }
}

static int32_t draw_instrument(const struct sitting *sitting, const trading_symbol *symbol)
{
    trading_quote quote;
    int32_t code = trading_view_quote(sitting->view, symbol, &quote, sitting->error);
    if (code)
        return code;
    picture_add(sitting->picture, PICTURE_INSTRUMENTS,
                (int64_t[]){letters(&quote.symbol), picture_letters(quote.currency.text, sizeof(quote.currency)), quote.quoted,
                            quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last_price, quote.quote_time,
                            quote.trade_time});
    code = draw_book(sitting, symbol, TRADING_SIDE_BUY);
    return code ? code : draw_book(sitting, symbol, TRADING_SIDE_SELL);
}

static int32_t draw_instruments(const struct sitting *sitting)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_symbol page[PAGE];
        size_t count = 0;
        int32_t code = trading_view_instruments(sitting->view, &cursor, page, PAGE, &count, sitting->error);
        if (code || count == 0)
            return code;
        for (size_t i = 0; i < count && !code; i++)
            code = draw_instrument(sitting, &page[i]);
        if (code)
            return code;
    }
}

/* A total as a number of millionths. */
static wide read_total(const char *text)
{
    bool negative = *text == '-';
    int decimals = -1;
    wide value = 0;
    for (text += negative; *text; text++) {
        if (*text == '.') {
            decimals = 0;
            continue;
        }
        value = value * 10 + (*text - '0');
        decimals += decimals >= 0;
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 6; decimals++)
        value *= 10;
    return negative ? -value : value;
}

static int32_t draw_ledgers(const struct sitting *sitting)
{
    uint64_t cursor = 0;
    for (;;) {
        trading_ledger ledger = {.size = sizeof(ledger)};
        int32_t code = trading_view_ledger(sitting->view, &cursor, &ledger, sitting->error);
        if (code)
            return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
        const trading_total *totals[] = {&ledger.customers, &ledger.house, &ledger.bank, &ledger.clearing, &ledger.fee};
        int64_t cells[11] = {picture_letters(ledger.currency.text, sizeof(ledger.currency))};
        for (int i = 0; i < 5; i++) {
            wide total = read_total(totals[i]->text);
            cells[1 + 2 * i] = (int64_t)total;
            cells[2 + 2 * i] = (int64_t)(total >> 64);
        }
        picture_add(sitting->picture, PICTURE_LEDGERS, cells);
    }
}

int32_t picture_of_view(struct picture *picture, trading_view *view, const struct names *names, bool whole,
                        trading_error *error)
{
    struct sitting sitting = {picture, view, names, whole, error};
    picture_free(picture);
    int32_t code = draw_accounts(&sitting);
    if (!code)
        code = draw_instruments(&sitting);
    return code ? code : draw_ledgers(&sitting);
}

int32_t picture_of_account(struct picture *picture, trading_view *view, const struct names *names, const trading_id *account,
                           const trading_symbol *symbols, size_t symbol_count, trading_error *error)
{
    struct sitting sitting = {picture, view, names, false, error};
    picture_free(picture);
    int32_t code = draw_account(&sitting, account);
    for (size_t i = 0; i < symbol_count && !code; i++)
        code = draw_instrument(&sitting, &symbols[i]);
    return code;
}
