#include "crash/errand.h"

#include "simulation/random.h"

#include <stdio.h>
#include <string.h>

#define ONE TRADING_DECIMAL_ONE

enum { CENT = 10000 };

uint64_t errand_seed(uint64_t seed, int thread)
{
    return seed * 1009 + (uint64_t)thread + 1;
}

trading_symbol errand_symbol(int thread)
{
    trading_symbol symbol = {{0}};
    snprintf(symbol.text, sizeof(symbol.text), "SHARE-%d", thread);
    return symbol;
}

trading_engine_options errand_options(void)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.checkpoint_events = 400;
    options.snapshot_events = 3000;
    options.commit_bytes = 65536;
    options.map_bytes = UINT64_C(1) << 30;
    return options;
}

/* Chance that depends on nothing but the place in the list. */
static struct chance chance_at(uint64_t seed, int thread, int64_t number)
{
    struct chance chance = {errand_seed(seed, thread) * 7919 + (uint64_t)number};
    chance.state = chance_next(&chance);
    return chance;
}

static int32_t type_at(struct chance *chance, int64_t number)
{
    static const int32_t types[] = {
        TRADING_COMMAND_PLACE_ORDER,  TRADING_COMMAND_PLACE_ORDER,    TRADING_COMMAND_PLACE_ORDER, TRADING_COMMAND_PLACE_ORDER,
        TRADING_COMMAND_PLACE_ORDER,  TRADING_COMMAND_PLACE_ORDER,    TRADING_COMMAND_PLACE_ORDER, TRADING_COMMAND_DEPOSIT,
        TRADING_COMMAND_DEPOSIT,      TRADING_COMMAND_WITHDRAW,       TRADING_COMMAND_CREDIT,      TRADING_COMMAND_DEBIT,
        TRADING_COMMAND_CANCEL_ORDER, TRADING_COMMAND_UPDATE_CONTACT, TRADING_COMMAND_SET_QUOTE,   TRADING_COMMAND_SET_QUOTE};
    if (number == 1)
        return TRADING_COMMAND_OPEN_ACCOUNT;
    int32_t type = types[chance_below(chance, sizeof(types) / sizeof(*types))];
    return number < 4 ? TRADING_COMMAND_PLACE_ORDER : type;
}

static int64_t newest_order(uint64_t seed, int thread, int64_t before)
{
    for (int64_t number = before - 1;; number--) {
        struct chance chance = chance_at(seed, thread, number);
        if (type_at(&chance, number) == TRADING_COMMAND_PLACE_ORDER)
            return number;
    }
}

static void make_order(struct chance *chance, struct model_command *command)
{
    bool is_market = chance_of(chance, 200);
    command->account = 0;
    command->portfolio = MODEL_NAME(1, 0);
    command->side = chance_of(chance, 550) ? TRADING_SIDE_BUY : TRADING_SIDE_SELL;
    command->order_type = is_market ? TRADING_ORDER_TYPE_MARKET : TRADING_ORDER_TYPE_LIMIT;
    command->time_in_force = is_market || chance_of(chance, 200) ? TRADING_TIME_IN_FORCE_IOC : TRADING_TIME_IN_FORCE_GTC;
    command->quantity = chance_between(chance, 1, 10 * ONE);
    command->price = is_market ? 0 : chance_between(chance, 95 * ONE, 105 * ONE);
}

static void make_quote(struct chance *chance, struct model_command *command)
{
    command->account = 0;
    command->bid = chance_between(chance, 95 * ONE, 104 * ONE);
    command->ask = command->bid + chance_between(chance, 1, ONE);
    command->bid_size = chance_between(chance, 1, 20 * ONE);
    command->ask_size = chance_between(chance, 1, 20 * ONE);
}

struct model_command errand(uint64_t seed, int thread, int64_t number)
{
    struct chance chance = chance_at(seed, thread, number);
    struct model_command command = {.number = number, .key = number, .account = MODEL_NAME(1, 0)};
    command.type = type_at(&chance, number);
    switch (command.type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        command.account = 0;
        command.amount = 100000 * ONE;
        command.text = thread + 1;
        break;
    case TRADING_COMMAND_UPDATE_CONTACT:
        command.text = chance_below(&chance, 12);
        break;
    case TRADING_COMMAND_PLACE_ORDER:
        command.symbol = errand_symbol(thread);
        make_order(&chance, &command);
        break;
    case TRADING_COMMAND_CANCEL_ORDER:
        command.account = 0;
        command.order = MODEL_NAME(newest_order(seed, thread, number), 0);
        break;
    case TRADING_COMMAND_SET_QUOTE:
        command.symbol = errand_symbol(thread);
        make_quote(&chance, &command);
        break;
    default:
        command.amount = chance_between(&chance, 1, 1000) * CENT;
        break;
    }
    return command;
}
