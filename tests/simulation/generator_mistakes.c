/* What customers and programs do wrong. */
#include "simulation/generator_inside.h"

/* Names of nothing: far beyond all that a simulation makes. */
#define NOBODY (INT64_C(1) << 40)

static bool is_placing(const struct model_command *command)
{
    return model_places_order(command->type);
}

static bool carries_text(const struct model_command *command)
{
    return command->type == TRADING_COMMAND_OPEN_ACCOUNT || command->type == TRADING_COMMAND_OPEN_PORTFOLIO ||
           command->type == TRADING_COMMAND_UPDATE_CONTACT || command->type == TRADING_COMMAND_UPDATE_ADDRESS;
}

static bool carries_body(const struct model_command *command)
{
    return command->type != TRADING_COMMAND_END_SESSION && command->type != TRADING_COMMAND_FREEZE_ACCOUNT &&
           command->type != TRADING_COMMAND_UNFREEZE_ACCOUNT && command->type != TRADING_COMMAND_CLOSE_ACCOUNT;
}

/* A number that is wrong in itself. */
static int64_t bad_number(struct generator *generator)
{
    static const int64_t numbers[] = {0, -1, -TRADING_DECIMAL_ONE, -TRADING_DECIMAL_MAX, INT64_MIN};
    return numbers[chance_below(&generator->chance, 5)];
}

static void break_form(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    if (carries_text(command) && chance_of(chance, 600))
        command->fault = chance_of(chance, 500) ? MODEL_FAULT_LONG_TEXT : MODEL_FAULT_BROKEN_TEXT;
    else if (carries_body(command) && chance_of(chance, 500))
        command->fault = chance_of(chance, 500) ? MODEL_FAULT_BODY_SIZE : MODEL_FAULT_NO_BODY;
    else
        command->fault = chance_of(chance, 500) ? MODEL_FAULT_TYPE : MODEL_FAULT_FLAGS;
}

static void break_order(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    switch (chance_below(chance, 7)) {
    case 0:
        command->side = (int32_t)chance_between(chance, 3, 9) * (chance_of(chance, 500) ? 1 : -1);
        break;
    case 1:
        command->order_type = (int32_t)chance_between(chance, 3, 9);
        break;
    case 2:
        command->time_in_force = (int32_t)chance_between(chance, command->price ? 4 : 1, 9);
        break;
    case 3:
        command->quantity = bad_number(generator);
        break;
    case 4:
        command->price = command->price ? bad_number(generator) : command->quantity;
        break;
    case 5:
        command->lot = MODEL_NAME(NOBODY, 0);
        break;
    default:
        command->symbol = (trading_symbol){"not a symbol"};
        break;
    }
}

/* Makes the command malformed in one way. */
static void break_command(struct generator *generator, struct model_command *command)
{
    bool has_amount = command->type >= TRADING_COMMAND_DEPOSIT && command->type <= TRADING_COMMAND_ACCEPT_REFUND;
    if (has_amount && chance_of(&generator->chance, 600))
        command->amount = bad_number(generator);
    else if (is_placing(command) && chance_of(&generator->chance, 800))
        break_order(generator, command);
    else if (command->type == TRADING_COMMAND_BOOK_EXECUTION && chance_of(&generator->chance, 500))
        *(chance_of(&generator->chance, 500) ? &command->quantity : &command->price) = bad_number(generator);
    else if (command->type == TRADING_COMMAND_END_ORDER && chance_of(&generator->chance, 500))
        command->status = (int32_t)chance_below(&generator->chance, 4);
    else if (command->type == TRADING_COMMAND_OPEN_ACCOUNT && chance_of(&generator->chance, 300))
        command->currency = (trading_currency){"XQZ"};
    else
        break_form(generator, command);
}

/* Names something that is not there, or is another's. */
static void mislead(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    const struct model *model = generator->model;
    int64_t nobody = MODEL_NAME(NOBODY + chance_below(chance, 5), 0);
    if (is_placing(command) && chance_of(chance, 400)) {
        bool anothers = model->orders.count > 0 && chance_of(chance, 600);
        command->lot = anothers ? model->orders.at[chance_below(chance, model->orders.count)].name : nobody;
        command->side = TRADING_SIDE_SELL;
    } else if (command->portfolio && chance_of(chance, 500)) {
        command->portfolio = nobody;
    } else if (command->order && chance_of(chance, 500)) {
        command->order = nobody;
    } else if (command->other && chance_of(chance, 500)) {
        command->other = nobody;
    } else if (command->account || command->portfolio || command->order) {
        bool owned = command->portfolio || command->order;
        command->account = owned ? model->accounts.at[chance_below(chance, model->accounts.count)].name : nobody;
    }
}

/* Amounts that no account and no portfolio can stand for. */
static void exaggerate(struct generator *generator, struct model_command *command)
{
    if (command->type == TRADING_COMMAND_DEBIT || (is_placing(command) && chance_of(&generator->chance, 700))) {
        command->amount = command->amount ? TRADING_DECIMAL_MAX : 0;
        command->quantity = command->quantity ? TRADING_DECIMAL_MAX : 0;
    }
}

/* Commands of the same scope of keys may be confused under one key. */
static bool same_scope(const struct model_command *a, const struct model_command *b)
{
    return a->account && a->account == b->account;
}

static void reuse_key(struct generator *generator, struct model_command *command)
{
    for (int tries = 0; tries < 50 && generator->history.count; tries++) {
        const struct model_command *older = &generator->history.at[chance_below(&generator->chance, generator->history.count)];
        bool both_open = older->type == TRADING_COMMAND_OPEN_ACCOUNT && command->type == TRADING_COMMAND_OPEN_ACCOUNT;
        bool both_quote = older->type == TRADING_COMMAND_SET_QUOTE && command->type == TRADING_COMMAND_SET_QUOTE;
        if (both_open || both_quote || same_scope(older, command)) {
            command->key = older->key;
            return;
        }
    }
}

static void change_order(struct generator *generator, struct model_command *command)
{
    const struct model *model = generator->model;
    switch (chance_below(&generator->chance, 6)) {
    case 0:
        command->quantity += command->quantity < TRADING_DECIMAL_MAX ? 1 : -1;
        break;
    case 1:
        command->price += command->price > 1 ? -1 : 0;
        break;
    case 2:
        command->side = command->side == TRADING_SIDE_BUY ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
        command->lot = 0;
        break;
    case 3:
        command->time_in_force = TRADING_TIME_IN_FORCE_IOC;
        break;
    case 4:
        command->symbol = generator->instruments[chance_below(&generator->chance, generator->style.symbols)].symbol;
        break;
    default:
        if (command->side == TRADING_SIDE_SELL)
            command->lot = model->orders.at[chance_below(&generator->chance, model->orders.count)].name;
        break;
    }
}

static void change_quote(struct generator *generator, struct model_command *command)
{
    int64_t *numbers[] = {&command->bid, &command->ask, &command->bid_size, &command->ask_size};
    int64_t *number = numbers[chance_below(&generator->chance, 4)];
    *number += *number > 1 && *number < TRADING_DECIMAL_MAX ? 1 : 0;
}

void generator_change_one_thing(struct generator *generator, struct model_command *command)
{
    const struct model *model = generator->model;
    if (is_placing(command) && model->orders.count)
        change_order(generator, command);
    else if (command->type == TRADING_COMMAND_SET_QUOTE)
        change_quote(generator, command);
    else if (command->order && model->orders.count)
        command->order = model->orders.at[chance_below(&generator->chance, model->orders.count)].name;
    else if (command->amount > 0 && command->amount < TRADING_DECIMAL_MAX - TRADING_DECIMAL_ONE)
        command->amount += TRADING_DECIMAL_ONE;
    else if (carries_text(command))
        command->text++;
    else if (command->portfolio)
        command->portfolio = model->portfolios.at[chance_below(&generator->chance, model->portfolios.count)].name;
}

void generator_spoil(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    if (chance_of(chance, 25))
        mislead(generator, command);
    else if (chance_of(chance, 10))
        exaggerate(generator, command);
    else if (chance_of(chance, 25))
        break_command(generator, command);
    if (chance_of(chance, 15))
        reuse_key(generator, command);
}
