#include "statement.h"

#include "record.h"

#include <stdbool.h>
#include <string.h>

#define PAGE 64

/* A statement while it is made. */
struct drafting {
    trading_engine *engine;
    trading_view *view;             /* as of the period's end */
    struct statement_period period; /* as it was asked for, `from` filled in */
    trading_account account;
    int32_t decimals;
    json_t *statement;
    trading_decimal movements; /* the sum of all activity */
    trading_decimal realized;
    trading_error *error;
};

/* The members that sum up activity, by its type. */
static const char *const sums[] = {
    [TRADING_ACTIVITY_DEPOSIT] = "deposits",
    [TRADING_ACTIVITY_WITHDRAWAL] = "withdrawals",
    [TRADING_ACTIVITY_CREDIT] = "credits",
    [TRADING_ACTIVITY_DEBIT] = "debits",
    [TRADING_ACTIVITY_BUY] = "bought",
    [TRADING_ACTIVITY_SELL] = "sold",
    [TRADING_ACTIVITY_REFUND] = "refunds",
    [TRADING_ACTIVITY_CLOSING] = "closing",
    [TRADING_ACTIVITY_TRANSFER_OUT] = "transfers_out",
    [TRADING_ACTIVITY_TRANSFER_IN] = "transfers_in",
    [TRADING_ACTIVITY_TRANSFER_BACK] = "transfers_back",
};
#define SUM_COUNT (sizeof sums / sizeof sums[0])

static bool fail(struct drafting *drafting, int32_t code, const char *message)
{
    *drafting->error = (trading_error){.code = code};
    snprintf(drafting->error->message, sizeof drafting->error->message, "%s", message);
    return false;
}

/* Adds to a sum that cannot pass the range of a decimal but in a damaged store. */
static bool add(struct drafting *drafting, trading_decimal *sum, trading_decimal amount)
{
    return trading_decimal_add(*sum, amount, sum) == TRADING_OK ||
           fail(drafting, TRADING_E_OVERFLOW,
                "the sums of the statement pass the range of a decimal; ask for a shorter period");
}

static void put_sum(const struct drafting *drafting, const char *key, trading_decimal amount)
{
    put_money(drafting->statement, key, amount, drafting->decimals);
}

/* What the activity before the period leads to, and what is in it. */
struct activity_sums {
    trading_decimal opening;
    trading_decimal by_type[SUM_COUNT];
    json_t *lines;
};

/* Takes one line of activity. @return false when it is after the period, and with an error */
static bool take_activity(struct drafting *drafting, struct activity_sums *into, const trading_activity *activity)
{
    if (activity->position >= drafting->account.position)
        return false;
    if (activity->time < drafting->period.from) {
        into->opening = activity->balance;
        return true;
    }
    append(into->lines, record_activity_line(activity, drafting->decimals));
    size_t type = activity->type > 0 && (size_t)activity->type < SUM_COUNT ? (size_t)activity->type : 0;
    return add(drafting, &into->by_type[type], activity->amount) && add(drafting, &drafting->movements, activity->amount);
}

static bool read_activity(struct drafting *drafting, trading_projection *projection, struct activity_sums *into)
{
    trading_activity page[PAGE];
    uint64_t cursor = 0;
    size_t count = 0;
    if (trading_projection_run(projection, NULL, drafting->error) != TRADING_OK)
        return false;
    do {
        if (trading_activity_list(projection, &drafting->account.id, &cursor, page, PAGE, &count, drafting->error) !=
            TRADING_OK)
            return false;
        for (size_t i = 0; i < count; i++)
            if (!take_activity(drafting, into, &page[i]))
                return drafting->error->code == TRADING_OK;
    } while (count > 0);
    return true;
}

/* Cash: what the activity says against what the view says, which come by different ways from the journal. */
static bool draft_cash(struct drafting *drafting)
{
    struct activity_sums into = {.lines = new_array()};
    trading_projection *projection;
    put(drafting->statement, "activity", into.lines);
    if (trading_activity_open(&projection, drafting->engine, drafting->error) != TRADING_OK)
        return false;
    bool read = read_activity(drafting, projection, &into);
    trading_projection_close(projection);
    if (!read)
        return false;
    put_sum(drafting, "opening_balance", into.opening);
    for (size_t type = 1; type < SUM_COUNT; type++)
        if (type <= TRADING_ACTIVITY_CLOSING || into.by_type[type])
            put_sum(drafting, sums[type], into.by_type[type]);
    put_sum(drafting, "dividends", 0);
    put_sum(drafting, "closing_balance", drafting->account.balance);
    put_sum(drafting, "held", drafting->account.held);
    trading_decimal expected = into.opening;
    if (!add(drafting, &expected, drafting->movements))
        return false;
    return expected == drafting->account.balance ||
           fail(drafting, TRADING_E_DAMAGED, "the activity does not lead to the closing balance; run `trading verify`");
}

static json_t *disposal_json(const struct drafting *drafting, const trading_event *event, trading_decimal realized)
{
    json_t *line = new_object();
    put_time(line, "time", event->time);
    put_text(line, "symbol", event->symbol.text);
    put_id(line, "lot", TRADING_ENTITY_ORDER, &event->lot);
    put_id(line, "order", TRADING_ENTITY_ORDER, &event->order);
    put_id(line, "portfolio", TRADING_ENTITY_PORTFOLIO, &event->portfolio);
    put_quantity(line, "quantity", event->quantity);
    put_money(line, "proceeds", event->amount, drafting->decimals);
    put_money(line, "cost_basis", event->cost, drafting->decimals);
    put_money(line, "realized_pnl", realized, drafting->decimals);
    return line;
}

/* Takes one event of a portfolio's history, the newest first: `sales` gets its disposals in the period, `acquired` when each lot
 * was acquired first. */
static bool take_event(struct drafting *drafting, const trading_event *event, json_t *sales, json_t *acquired)
{
    char lot[TRADING_ID_TEXT];
    trading_id_format(TRADING_ENTITY_ORDER, &event->lot, lot);
    if (event->kind == TRADING_EVENT_LOT_ACQUIRED)
        put_time(acquired, lot, event->time);
    if (event->kind != TRADING_EVENT_LOT_DISPOSED || event->time < drafting->period.from)
        return true;
    trading_decimal realized = event->amount;
    if (!add(drafting, &realized, -event->cost) || !add(drafting, &drafting->realized, realized))
        return false;
    append(sales, disposal_json(drafting, event, realized));
    return true;
}

static bool read_history(struct drafting *drafting, const trading_id *portfolio, json_t *sales, json_t *acquired)
{
    trading_event page[PAGE];
    uint64_t cursor = 0;
    size_t count = 0;
    do {
        if (trading_view_history(drafting->view, TRADING_ENTITY_PORTFOLIO, portfolio, &cursor, page, PAGE, &count,
                                 drafting->error) != TRADING_OK)
            return false;
        for (size_t i = 0; i < count; i++)
            if (!take_event(drafting, &page[i], sales, acquired))
                return false;
    } while (count > 0);
    return true;
}

/* What each sale of the period realised, lot by lot, the oldest first. */
static bool draft_sales(struct drafting *drafting, const trading_id *portfolio, json_t *realized)
{
    json_t *sales = new_array();
    json_t *acquired = new_object();
    bool read = read_history(drafting, portfolio, sales, acquired);
    for (size_t i = json_array_size(sales); read && i > 0; i--) {
        json_t *sale = json_array_get(sales, i - 1);
        put(sale, "acquired", json_incref(json_object_get(acquired, json_string_value(json_object_get(sale, "lot")))));
        append(realized, json_incref(sale));
    }
    json_decref(sales);
    json_decref(acquired);
    return read;
}

/* Appends to `all` the rows of `rows`, each with its portfolio. */
static void gather(json_t *all, json_t *rows, const trading_id *portfolio)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        put_id(row, "portfolio", TRADING_ENTITY_PORTFOLIO, portfolio);
        append(all, json_incref(row));
    }
    json_decref(rows);
}

/* What one portfolio sold in the period and holds at its end. */
static bool draft_portfolio(struct drafting *drafting, const trading_id *id, trading_portfolio *total)
{
    trading_portfolio portfolio = {.size = sizeof portfolio};
    if (trading_view_portfolio(drafting->view, id, &portfolio, drafting->error) != TRADING_OK)
        return false;
    json_t *positions = record_positions(drafting->view, id, false, drafting->error);
    json_t *lots = positions ? record_lots(drafting->view, id, drafting->error) : NULL;
    if (!lots) {
        json_decref(positions);
        return false;
    }
    gather(json_object_get(drafting->statement, "positions"), positions, id);
    gather(json_object_get(drafting->statement, "lots"), lots, id);
    return add(drafting, &total->cost_basis, portfolio.cost_basis) &&
           add(drafting, &total->market_value, portfolio.market_value) &&
           add(drafting, &total->unrealized_pnl, portfolio.unrealized_pnl) &&
           draft_sales(drafting, id, json_object_get(drafting->statement, "realized"));
}

static bool draft_holdings(struct drafting *drafting)
{
    trading_id page[PAGE];
    trading_portfolio total = {0};
    uint64_t cursor = 0;
    size_t count = 0;
    put(drafting->statement, "realized", new_array());
    put(drafting->statement, "positions", new_array());
    put(drafting->statement, "lots", new_array());
    do {
        if (trading_view_portfolios(drafting->view, &drafting->account.id, &cursor, page, PAGE, &count, drafting->error) !=
            TRADING_OK)
            return false;
        for (size_t i = 0; i < count; i++)
            if (!draft_portfolio(drafting, &page[i], &total))
                return false;
    } while (count > 0);
    put_sum(drafting, "realized_pnl", drafting->realized);
    put_sum(drafting, "cost_basis", total.cost_basis);
    put_sum(drafting, "market_value", total.market_value);
    put_sum(drafting, "unrealized_pnl", total.unrealized_pnl);
    trading_decimal value = total.market_value;
    if (!add(drafting, &value, drafting->account.balance))
        return false;
    put_sum(drafting, "total_value", value);
    return true;
}

static bool draft_head(struct drafting *drafting)
{
    trading_profile profile = {.size = sizeof profile};
    if (trading_view_profile(drafting->view, &drafting->account.id, &profile, drafting->error) != TRADING_OK)
        return false;
    json_t *statement = drafting->statement;
    put_id(statement, "account", TRADING_ENTITY_ACCOUNT, &drafting->account.id);
    put_text(statement, "name", profile.name);
    put_text(statement, "status", trading_account_status_name(drafting->account.status));
    put_text(statement, "currency", drafting->account.currency.text);
    put_time(statement, "from", drafting->period.from);
    put_time(statement, "to", drafting->period.to);
    put_time(statement, "as_of", trading_view_time(drafting->view));
    return true;
}

/* Drafts the statement on the view of the period's end. */
static json_t *draft(struct drafting *drafting, const trading_id *account)
{
    drafting->account = (trading_account){.size = sizeof drafting->account};
    if (trading_view_account(drafting->view, account, &drafting->account, drafting->error) != TRADING_OK)
        return NULL;
    if (drafting->period.from == 0)
        drafting->period.from = drafting->account.opened;
    drafting->decimals = money_of_currency(&drafting->account.currency);
    drafting->statement = new_object();
    if (draft_head(drafting) && draft_cash(drafting) && draft_holdings(drafting))
        return drafting->statement;
    json_decref(drafting->statement);
    return NULL;
}

json_t *statement_json(trading_engine *engine, trading_view *view, const trading_id *account,
                       const struct statement_period *period, trading_error *error)
{
    *error = (trading_error){.code = TRADING_OK};
    struct drafting drafting = {.engine = engine, .view = view, .period = *period, .error = error};
    bool whole = period->to == 0 || trading_view_time(view) < period->to;
    if (whole)
        return draft(&drafting, account);
    if (trading_view_open_at_time(&drafting.view, engine, period->to - 1, error) != TRADING_OK)
        return NULL;
    json_t *statement = draft(&drafting, account);
    trading_view_close(drafting.view);
    return statement;
}
