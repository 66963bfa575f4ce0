#include "house.h"

#include <stdio.h>
#include <string.h>

static void note_refused(void *context, const trading_execution_report *report, const trading_result *result)
{
    struct house *house = context;
    (void)report;
    house->refused++;
    house->refusal = result->reason;
}

void house_open(struct house *house, const char *uri)
{
    house->options.refused = note_refused;
    house->options.refused_context = house;
    MUST(trading_venue_open(&house->venue, house->desk.host, uri, &house->failure) == TRADING_OK);
    MUST(trading_router_open(&house->router, house->desk.engine, house->venue, &house->options, &house->failure) == TRADING_OK);
}

void house_shut(struct house *house)
{
    trading_router_close(house->router);
    trading_venue_close(house->venue);
    house->router = NULL;
    house->venue = NULL;
}

/* TRADING_OK when something came, or something failed that may go better the next time. */
static bool goes_on(struct house *house, int32_t code, const trading_error *error, int *failures)
{
    if (code == TRADING_E_TIMEOUT)
        return false;
    if (code) {
        house->failure = *error;
        ++*failures;
    }
    return true;
}

int house_run(struct house *house)
{
    int failures = 0;
    for (bool more = true; more;) {
        trading_error error;
        int32_t code = trading_router_send(house->router, 0, NULL, &error);
        more = goes_on(house, code, &error, &failures);
        code = trading_router_receive(house->router, 0, NULL, &error);
        more |= goes_on(house, code, &error, &failures);
    }
    return failures;
}

trading_router_info house_info(const struct house *house)
{
    trading_router_info info = TRADING_ROUTER_INFO_INIT;
    MUST(trading_router_get_info(house->router, &info, NULL) == TRADING_OK);
    return info;
}

static trading_result ask(struct house *house, trading_command command, const char *what, int number)
{
    trading_result result;
    char key[32];
    snprintf(key, sizeof key, "%s %d", what, number);
    MUST(trading_key_from_text(key, strlen(key), &command.key) == TRADING_OK);
    MUST(trading_engine_execute(house->desk.engine, &command, 1, &result, NULL) == TRADING_OK);
    return result;
}

void house_client(struct house *house)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = 100000 * ONE;
    trading_result result = ask(
        house, (trading_command){.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body}, "client", 0);
    house->client = (struct client){.account = result.account, .portfolio = result.portfolio};
}

trading_id house_route(struct house *house, int number, const char *symbol, int32_t side, int64_t shares, trading_decimal price)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    body.portfolio = house->client.portfolio;
    snprintf(body.symbol.text, sizeof body.symbol.text, "%s", symbol);
    body.side = side;
    body.quantity = shares * ONE;
    body.type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.time_in_force = price ? TRADING_TIME_IN_FORCE_GTC : 0;
    body.limit_price = price;
    trading_command command = {.type = TRADING_COMMAND_ROUTE_ORDER, .body = &body, .body_size = sizeof body};
    trading_result result = ask(house, command, "order", number);
    MUST(result.status == TRADING_STATUS_ACCEPTED || result.status == TRADING_STATUS_DUPLICATE);
    return result.order;
}

void house_cancel(struct house *house, int number, const trading_id *order)
{
    trading_cancel_order body = TRADING_CANCEL_ORDER_INIT;
    body.order = *order;
    ask(house, (trading_command){.type = TRADING_COMMAND_CANCEL_ORDER, .body = &body, .body_size = sizeof body}, "cancel",
        number);
}

trading_order house_order(const struct house *house, const trading_id *order)
{
    trading_view *view;
    trading_order record;
    MUST(trading_view_open(&view, house->desk.engine, TRADING_VIEW_LATEST, NULL) == TRADING_OK);
    MUST(trading_view_order(view, order, &record, NULL) == TRADING_OK);
    trading_view_close(view);
    return record;
}

struct market_order *house_at_market(struct market *market, const trading_id *order)
{
    char text[TRADING_ID_TEXT];
    trading_id_format(TRADING_ENTITY_ORDER, order, text);
    return market_find(market, text);
}

void house_verify(const struct house *house)
{
    trading_verification found = TRADING_VERIFICATION_INIT;
    MUST(trading_engine_verify(house->desk.engine, &found, NULL, NULL, NULL) == TRADING_OK);
    if (!found.sound)
        fprintf(stderr, "%s\n", found.finding);
    MUST(found.sound);
}
