/* Commands: what the engine answered, as JSON. */
#include "operation.h"

#include "operation_read.h"
#include "record.h"
#include "refusal.h"
#include "subcommand.h"

#include <string.h>

int32_t desk_open(struct desk *desk, trading_engine *engine, trading_error *error)
{
    *desk = (struct desk){.engine = engine};
    return trading_view_open(&desk->latest, engine, TRADING_VIEW_LATEST, error);
}

void desk_close(struct desk *desk)
{
    trading_view_close(desk->latest);
    desk->latest = NULL;
}

static void put_ids(json_t *object, const trading_result *result)
{
    put_id(object, "account", TRADING_ENTITY_ACCOUNT, &result->account);
    put_id(object, "portfolio", TRADING_ENTITY_PORTFOLIO, &result->portfolio);
    put_id(object, "order", TRADING_ENTITY_ORDER, &result->order);
}

static void put_fills(json_t *object, const trading_result *result, const struct money *money)
{
    if (!result->order_status)
        return;
    put_quantity(object, "filled_quantity", result->filled_quantity);
    put_money(object, "average_price", result->average_price, money->decimals);
}

static void put_end(json_t *object, const trading_result *result)
{
    if (result->status == TRADING_STATUS_DUPLICATE)
        put(object, "duplicate", json_true());
    if (result->position >= 0 && result->status != TRADING_STATUS_CONFLICT)
        put_integer(object, "position", result->position);
    if (result->version > 0)
        put_integer(object, "version", result->version);
}

/* Whether a portfolio that was told to close is closed by now. */
static const char *closing_status(struct desk *desk, const trading_id *portfolio)
{
    trading_portfolio record = {.size = sizeof record};
    if (trading_view_portfolio(desk->latest, portfolio, &record, NULL) != TRADING_OK)
        return "accepted";
    return trading_portfolio_status_name(record.status);
}

static const char *status_of(struct desk *desk, const struct request *request, const trading_result *result)
{
    int32_t type = request->command.type;
    if (type == TRADING_COMMAND_PLACE_ORDER || type == TRADING_COMMAND_ROUTE_ORDER || type == TRADING_COMMAND_CANCEL_ORDER)
        return trading_order_status_name(result->order_status);
    if (type == TRADING_COMMAND_CLOSE_PORTFOLIO)
        return closing_status(desk, &result->portfolio);
    return result->status == TRADING_STATUS_DUPLICATE ? "duplicate" : "accepted";
}

static struct outcome accepted(struct desk *desk, const struct request *request, const trading_result *result,
                               const struct money *money)
{
    json_t *object = new_object();
    put(object, "ok", json_true());
    put_text(object, "status", status_of(desk, request, result));
    put_ids(object, result);
    put_fills(object, result, money);
    put_end(object, result);
    return (struct outcome){object, EXIT_DONE};
}

static const char *refusal_reason(const trading_result *result)
{
    if (result->status == TRADING_STATUS_CONFLICT)
        return "VERSION_CONFLICT";
    if (result->status == TRADING_STATUS_KEY_REUSED)
        return "KEY_REUSED";
    return trading_reason_name(result->reason);
}

static struct outcome refused(const struct request *request, const trading_result *result, const struct money *money)
{
    char message[REFUSAL_BYTES];
    refusal_message(request, result, money, message);
    json_t *object = new_object();
    put(object, "ok", json_false());
    put_text(object, "reason", refusal_reason(result));
    put_text(object, "message", message);
    enum refusal_amounts amounts = refusal_amounts(result->reason);
    if (amounts != AMOUNTS_NONE) {
        put_money(object, "required", result->required, amounts == AMOUNTS_MONEY ? money->decimals : 0);
        put_money(object, "available", result->available, amounts == AMOUNTS_MONEY ? money->decimals : 0);
    }
    put_ids(object, result);
    if (result->order_status)
        put_text(object, "status", trading_order_status_name(result->order_status));
    put_fills(object, result, money);
    put_end(object, result);
    return (struct outcome){object, result->reason == TRADING_REASON_BAD_REQUEST ? EXIT_USAGE : EXIT_REFUSED};
}

struct outcome operation_failed(const trading_error *error)
{
    json_t *object = new_object();
    put(object, "ok", json_false());
    put_text(object, "reason", trading_error_name(error->code));
    put_text(object, "message", error->message);
    return (struct outcome){object, EXIT_STORE};
}

/* The order that a command is about. */
static const trading_id *order_of(const struct request *request)
{
    switch (request->command.type) {
    case TRADING_COMMAND_BOOK_EXECUTION:
        return &request->body.book_execution.order;
    case TRADING_COMMAND_END_ORDER:
        return &request->body.end_order.order;
    default:
        return &request->body.cancel_order.order;
    }
}

/* Which order it was that is not open any more, and how it ended: that does not change, so it may be looked up now. */
static void learn_order(struct desk *desk, const struct request *request, trading_result *result)
{
    trading_order order;
    if (result->reason != TRADING_REASON_ORDER_NOT_OPEN || !trading_id_is_zero(&result->order) ||
        trading_view_order(desk->latest, order_of(request), &order, NULL) != TRADING_OK)
        return;
    result->order = order.id;
    result->portfolio = order.portfolio;
    result->order_status = order.status;
    result->filled_quantity = order.filled_quantity;
    result->average_price = order.average_price;
}

static void learn_money(struct desk *desk, const trading_result *result, struct money *money)
{
    trading_account account = {.size = sizeof account};
    *money = (struct money){.decimals = 2};
    if (trading_id_is_zero(&result->account) ||
        trading_view_account(desk->latest, &result->account, &account, NULL) != TRADING_OK)
        return;
    money->decimals = money_of_currency(&account.currency);
    memcpy(money->currency, account.currency.text, sizeof money->currency);
}

struct outcome operation_answer(struct desk *desk, const struct request *request, const trading_result *result,
                                const trading_error *error)
{
    struct money money;
    trading_result known = *result;
    bool accepts = result->status == TRADING_STATUS_ACCEPTED || result->status == TRADING_STATUS_DUPLICATE;
    if (result->status == TRADING_STATUS_NONE || result->status == TRADING_STATUS_UNKNOWN)
        return operation_failed(error);
    learn_money(desk, result, &money);
    if (accepts && !result->reason)
        return accepted(desk, request, result, &money);
    learn_order(desk, request, &known);
    return refused(request, &known, &money);
}

struct outcome operation_complaint(const struct complaint *complaint)
{
    json_t *object = new_object();
    put(object, "ok", json_false());
    put_text(object, "reason", trading_reason_name(complaint->reason));
    put_text(object, "message", complaint->message);
    if (complaint->line) {
        put(object, "line", json_integer((json_int_t)complaint->line));
        put(object, "column", json_integer((json_int_t)complaint->column));
    }
    return (struct outcome){object, complaint->reason == TRADING_REASON_BAD_REQUEST ? EXIT_USAGE : EXIT_REFUSED};
}

struct outcome operation_execute(struct desk *desk, struct request *request)
{
    trading_result result = {0};
    trading_error error = {0};
    if (request->op != OP_COMMAND)
        return operation_read(desk, request);
    trading_engine_execute(desk->engine, &request->command, 1, &result, &error);
    return operation_answer(desk, request, &result, &error);
}
