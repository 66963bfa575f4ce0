#include "copy_house.h"

#include "fail.h"

#include <stdio.h>
#include <string.h>

enum { LINES = 400 };

void must(int32_t code, const char *what, const trading_error *error)
{
    if (code)
        fail("%s: %s: %s", what, trading_error_name(code), error->message);
}

void must_be(int32_t code, int32_t expected, const char *says, const trading_error *error)
{
    if (code != expected || !strstr(error->message, says))
        fail("%s instead of %s with '%s': %s", trading_error_name(code), trading_error_name(expected), says, error->message);
}

static void make_place(struct house *house, struct place *place, const char *scheme)
{
    trading_error error;
    shared_store_make(&place->store);
    snprintf(place->uri, sizeof place->uri, "%s:%s", scheme, place->store.location);
    must(trading_store_register(house->host, scheme, &place->store.ops, &error), "register", &error);
}

void house_start(struct house *house, const struct place *place, uint32_t partitions)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.partitions = partitions;
    must(trading_engine_open(&house->engine, house->host, place->uri, &options, &error), "open", &error);
}

void house_settle(struct house *house)
{
    trading_error error;
    uint32_t done;
    do
        must(trading_engine_step(house->engine, 100, &done, &error), "step", &error);
    while (done);
}

void house_stop(struct house *house, int32_t how)
{
    trading_error error;
    must(trading_engine_close(house->engine, how, &error), "close", &error);
    house->engine = NULL;
}

trading_result house_execute(struct house *house, struct line *line)
{
    trading_error error;
    trading_result result;
    house->keys++;
    memcpy(line->command.key.bytes, &house->keys, sizeof house->keys);
    if (line->command.body)
        line->command.body = &line->body;
    must(trading_engine_execute(house->engine, &line->command, 1, &result, &error), "execute", &error);
    return result;
}

void house_accept(struct house *house, struct line *line, const char *what)
{
    if (house_execute(house, line).status != TRADING_STATUS_ACCEPTED)
        fail("%s is not accepted", what);
}

void house_open_account(struct house *house, int i)
{
    struct line line;
    char name[32];
    snprintf(name, sizeof name, "Customer %d", i);
    line_set(&line, TRADING_COMMAND_OPEN_ACCOUNT, sizeof line.body.open);
    line.body.open.name = (trading_text){name, strlen(name)};
    line.body.open.currency = (trading_currency){"USD"};
    line.body.open.deposit = 10000 * ONE;
    trading_result result = house_execute(house, &line);
    house->crowd.accounts[i] = result.account;
    house->crowd.portfolios[i] = result.portfolio;
    trading_bind_alias alias = TRADING_BIND_ALIAS_INIT;
    alias.space = (trading_text){"crm", 3};
    alias.name = (trading_text){name, strlen(name)};
    trading_command command = {
        .type = TRADING_COMMAND_BIND_ALIAS, .account = result.account, .body = &alias, .body_size = sizeof alias};
    trading_error error;
    must(trading_engine_execute(house->engine, &command, 1, &result, &error), "bind", &error);
}

static void route_order(struct house *house, int i)
{
    struct line line;
    line_set(&line, TRADING_COMMAND_ROUTE_ORDER, sizeof line.body.place);
    line.body.place.portfolio = house->crowd.portfolios[i];
    line.body.place.side = TRADING_SIDE_BUY;
    line.body.place.type = TRADING_ORDER_TYPE_LIMIT;
    line.body.place.quantity = 2 * ONE;
    line.body.place.limit_price = 50 * ONE;
    strcpy(line.body.place.symbol.text, line_symbols[i % SYMBOLS]);
    house->routed[i] = house_execute(house, &line).order;
}

void house_trade(struct house *house)
{
    for (int i = 0; i < LINES; i++) {
        struct line line;
        line_make(&house->chance, &house->crowd, &line);
        house_execute(house, &line);
        house_settle(house);
    }
}

void house_open(struct house *house)
{
    trading_error error;
    *house = (struct house){.chance = {7}};
    must(trading_host_open(&house->host, NULL, &error), "host", &error);
    static const char *const schemes[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++)
        make_place(house, &house->places[i], schemes[i]);
    house->old = &house->places[0];
    house->new = &house->places[1];
    house_start(house, house->old, BEFORE);
    for (int i = 0; i < ACCOUNTS; i++)
        house_open_account(house, i);
    house_trade(house);
    for (int i = 0; i < ACCOUNTS; i++)
        route_order(house, i);
    house_settle(house);
    house_stop(house, TRADING_CLOSE_DRAIN);
}

void house_close(struct house *house)
{
    trading_host_close(house->host, NULL);
    for (int i = 0; i < 3; i++)
        shared_store_unmake(&house->places[i].store);
}

void place_clear(struct place *place)
{
    shared_store_unmake(&place->store);
    shared_store_make(&place->store);
}

int32_t house_copy_with(struct house *house, const trading_copy_options *options, trading_error *error)
{
    trading_copy copy = TRADING_COPY_INIT;
    int32_t code = trading_store_copy(house->host, house->old->uri, house->new->uri, options, &copy, error);
    if (!code && copy.secrets != ACCOUNTS)
        fail("%d secrets are copied of %d, with %d events of %u partitions into %u", (int)copy.secrets, ACCOUNTS,
             (int)copy.events, copy.source_partitions, copy.partitions);
    return code;
}

int32_t house_copy_into(struct house *house, uint32_t partitions, trading_error *error)
{
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = partitions;
    return house_copy_with(house, &options, error);
}

void house_verify(struct house *house)
{
    trading_error error;
    trading_verification found = TRADING_VERIFICATION_INIT;
    must(trading_engine_verify(house->engine, &found, NULL, NULL, &error), "verify", &error);
    if (!found.sound)
        fail("verify finds: %s", found.finding);
    if (found.accounts != ACCOUNTS || found.portfolios != ACCOUNTS)
        fail("verify counts %d accounts, %d portfolios", (int)found.accounts, (int)found.portfolios);
}
