#include "desk.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void desk_must(int condition, const char *text, const char *file, int line)
{
    if (condition)
        return;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
    abort();
}

static void keep_line(void *context, int32_t level, const char *line)
{
    struct desk *desk = context;
    (void)level;
    snprintf(desk->log, sizeof desk->log, "%s", line);
}

static void open_host(struct desk *desk)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.log = keep_line;
    options.log_context = desk;
    MUST(trading_host_open(&desk->host, &options, NULL) == TRADING_OK);
}

void desk_start(struct desk *desk, uint32_t flags)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = flags;
    options.durability = TRADING_DURABILITY_PROCESS;
    if (trading_engine_open(&desk->engine, desk->host, desk->uri, &options, &error))
        fprintf(stderr, "%s\n", error.message);
    MUST(desk->engine != NULL);
}

void desk_stop(struct desk *desk)
{
    trading_error error;
    error.message[0] = '\0';
    int32_t code = trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, &error);
    if (code)
        fprintf(stderr, "%s\n", error.message);
    MUST(code == TRADING_OK);
    desk->engine = NULL;
}

void desk_open_memory(struct desk *desk)
{
    *desk = (struct desk){.uri = "memory:"};
    open_host(desk);
    desk_start(desk, 0);
}

void desk_open_folder(struct desk *desk)
{
    *desk = (struct desk){.folder = "/tmp/trading-desk-XXXXXX"};
    MUST(mkdtemp(desk->folder) != NULL);
    snprintf(desk->uri, sizeof desk->uri, "lmdb:%s", desk->folder);
    open_host(desk);
    desk_start(desk, 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void desk_close(struct desk *desk)
{
    if (desk->engine)
        desk_stop(desk);
    MUST(trading_host_memory(desk->host) == 0);
    MUST(trading_host_close(desk->host, NULL) == TRADING_OK);
    if (desk->folder[0])
        nftw(desk->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

trading_result desk_execute(struct desk *desk, int32_t type, const trading_id *account, const void *body, size_t size)
{
    trading_error error;
    trading_result result;
    trading_command command = {.type = type, .body = body, .body_size = size};
    if (account)
        command.account = *account;
    int32_t code = trading_engine_execute(desk->engine, &command, 1, &result, &error);
    if (code)
        fprintf(stderr, "%s\n", error.message);
    MUST(code == TRADING_OK);
    if (result.status != TRADING_STATUS_ACCEPTED)
        fprintf(stderr, "command %d: %s\n", type, trading_reason_name(result.reason));
    MUST(result.status == TRADING_STATUS_ACCEPTED);
    return result;
}

struct client desk_client(struct desk *desk, int64_t deposit)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = deposit * TRADING_DECIMAL_ONE;
    trading_result result = desk_execute(desk, TRADING_COMMAND_OPEN_ACCOUNT, NULL, &body, sizeof body);
    return (struct client){.account = result.account, .portfolio = result.portfolio};
}

void desk_cash(struct desk *desk, int32_t type, const trading_id *account, trading_decimal amount)
{
    trading_cash body = TRADING_CASH_INIT;
    body.amount = amount;
    desk_execute(desk, type, account, &body, sizeof body);
}

void desk_quote(struct desk *desk, const char *symbol, trading_decimal bid, trading_decimal ask)
{
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    snprintf(body.symbol.text, sizeof body.symbol.text, "%s", symbol);
    body.bid = bid;
    body.ask = ask;
    desk_execute(desk, TRADING_COMMAND_SET_QUOTE, NULL, &body, sizeof body);
}

trading_result desk_order(struct desk *desk, const struct client *client, const char *symbol, int32_t side, int64_t quantity,
                          trading_decimal price)
{
    trading_place_order body = TRADING_PLACE_ORDER_INIT;
    snprintf(body.symbol.text, sizeof body.symbol.text, "%s", symbol);
    body.portfolio = client->portfolio;
    body.side = side;
    body.type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    body.time_in_force = price ? TRADING_TIME_IN_FORCE_GTC : 0;
    body.quantity = quantity * TRADING_DECIMAL_ONE;
    body.limit_price = price;
    return desk_execute(desk, TRADING_COMMAND_PLACE_ORDER, NULL, &body, sizeof body);
}

trading_decimal desk_balance(struct desk *desk, const trading_id *account)
{
    trading_view *view;
    trading_account out = {.size = sizeof out};
    MUST(trading_view_open(&view, desk->engine, TRADING_VIEW_NOW, NULL) == TRADING_OK);
    MUST(trading_view_account(view, account, &out, NULL) == TRADING_OK);
    trading_view_close(view);
    return out.balance;
}

int64_t desk_next_position(struct desk *desk)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    MUST(trading_engine_get_info(desk->engine, &info, NULL) == TRADING_OK);
    return info.next_position;
}

size_t desk_drain(trading_feed *feed, trading_event *events, size_t max, size_t page)
{
    size_t taken = 0;
    size_t count;
    int32_t code = TRADING_OK;
    while (taken < max && !code) {
        size_t room = max - taken < page ? max - taken : page;
        code = trading_feed_next(feed, events + taken, room, &count, 0, NULL);
        taken += count;
    }
    MUST(code == TRADING_OK || code == TRADING_E_TIMEOUT);
    return taken;
}
