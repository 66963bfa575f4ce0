#include "simulation/generator_inside.h"

#include <stdlib.h>
#include <string.h>

static const struct generator_style styles[] = {
    {.tick = 10000, .lot = 1000000, .most = 100000000, .base = 100000000},  /* cents and whole shares */
    {.tick = 1, .lot = 1, .most = 50000000, .base = 37123456},              /* six decimals in both */
    {.tick = 1, .lot = 1, .most = 900000, .base = 4000},                    /* dust: most roundings are ties or nothing */
    {.tick = 500000, .lot = 1, .most = 3000000, .base = 40000000000},       /* dear, in fractions */
    {.tick = 250000, .lot = 500000, .most = 20000000, .base = 5000000},     /* few price levels, long queues */
    {.tick = 1000000, .lot = 1000000, .most = 1000000000, .base = 2000000}, /* cheap, in thousands */
    /* enormous: sums come near the range of a decimal, and would pass it */
    {.tick = 1, .lot = 1, .most = TRADING_DECIMAL_MAX / 2, .base = 1000000},
};

static const struct generator_habits habits[] = {
    {.passive = 600, .sells = 500, .whole = 150, .purse = 20},
    {.passive = 600, .sells = 500, .whole = 150, .purse = 20},
    {.passive = 600, .sells = 500, .whole = 150, .purse = 20},
    {.passive = 200, .sells = 60, .whole = 400, .calm = 600, .purse = 500}, /* gather many lots, sell all at once */
    {.passive = 960, .sells = 450, .whole = 10, .sweeps = 2, .calm = 970, .purse = 20000}, /* long queues, swept now and then */
};

static const trading_currency currencies[] = {{"USD"}, {"JPY"}, {"KWD"}, {"EUR"}};

static void choose_style(struct generator *generator)
{
    struct chance *chance = &generator->chance;
    struct generator_style *style = &generator->style;
    *style = styles[chance_below(chance, sizeof(styles) / sizeof(*styles))];
    style->habits = habits[chance_below(chance, sizeof(habits) / sizeof(*habits))];
    style->grows = !style->habits.calm && chance_of(chance, 750);
    style->accounts = (int)chance_between(chance, 2, style->grows ? 40 : 5);
    style->symbols = (int)chance_between(chance, 2, GENERATOR_SYMBOLS);
    style->reach = chance_between(chance, 5, 80);
    style->unlimited = chance_of(chance, 500) ? 0 : chance_between(chance, 1, 300);
    style->sessions = style->habits.calm ? 2 : chance_between(chance, 1, 40);
    int64_t first = chance_below(chance, 4);
    style->currencies[0] = currencies[first];
    style->currencies[1] = currencies[(first + chance_between(chance, 1, 3)) % 4];
}

void generator_init(struct generator *generator, uint64_t seed, const struct model *model)
{
    static const trading_symbol symbols[GENERATOR_SYMBOLS] = {{"GOOG"}, {"BRK.B"}, {"X"}, {"BTC/USD-PERP_2"}};
    memset(generator, 0, sizeof(*generator));
    generator->chance.state = seed;
    generator->model = model;
    generator->next_number = 1;
    generator->now = 1000 * TRADING_NANOSECONDS_PER_SECOND;
    choose_style(generator);
    for (int i = 0; i < generator->style.symbols; i++) {
        generator->instruments[i].symbol = symbols[i];
        generator->instruments[i].currency = generator->style.currencies[i == generator->style.symbols - 1];
        generator->instruments[i].reference = generator->style.base * chance_between(&generator->chance, 1, 3);
    }
}

void generator_free(struct generator *generator)
{
    free(generator->history.at);
    generator->history.at = NULL;
}

/* An amount in whole minor units of the account's currency. */
static int64_t cash(struct generator *generator, const struct model_account *account, int64_t most)
{
    int64_t unit = TRADING_DECIMAL_ONE;
    for (int i = model_currency_decimals(&account->currency); i > 0; i--)
        unit /= 10;
    return round_to(chance_between(&generator->chance, 1, most > 1 ? most : 1), unit);
}

static const struct model_account *pick_account(struct generator *generator)
{
    const struct model *model = generator->model;
    const struct model_account *account = NULL;
    for (int tries = 0; tries < 4; tries++) {
        account = &model->accounts.at[chance_below(&generator->chance, model->accounts.count)];
        if (account->status == TRADING_ACCOUNT_OPEN)
            break;
    }
    return account;
}

/* What a usual purchase costs, in the currency's units. */
static int64_t usual_cost(const struct generator *generator)
{
    wide cost = (wide)generator->style.base * generator->style.most / TRADING_DECIMAL_ONE;
    int64_t least = 100 * TRADING_DECIMAL_ONE;
    return cost < least ? least : at_most(cost);
}

static void make_opening(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    command->type = TRADING_COMMAND_OPEN_ACCOUNT;
    command->currency = generator->style.currencies[chance_of(chance, 300)];
    struct model_account account = {.currency = command->currency};
    command->amount = chance_of(chance, 200)
                          ? 0
                          : cash(generator, &account, at_most((wide)generator->style.habits.purse * usual_cost(generator)));
    if (strcmp(command->currency.text, "USD") == 0 && chance_of(chance, 500))
        command->currency = (trading_currency){{0}};
    command->text = chance_below(chance, 12);
}

/* A command of an account without more to say than which. */
static void make_for_account(struct generator *generator, struct model_command *command)
{
    static const struct {
        int32_t type;
        int64_t weight;
    } types[] = {{TRADING_COMMAND_OPEN_PORTFOLIO, 20},   {TRADING_COMMAND_UPDATE_CONTACT, 20},
                 {TRADING_COMMAND_UPDATE_ADDRESS, 20},   {TRADING_COMMAND_FREEZE_ACCOUNT, 8},
                 {TRADING_COMMAND_UNFREEZE_ACCOUNT, 24}, {TRADING_COMMAND_CLOSE_ACCOUNT, 8}};
    int64_t draw = chance_below(&generator->chance, 100);
    size_t at = 0;
    while (draw >= types[at].weight)
        draw -= types[at++].weight;
    command->type = types[at].type;
    const struct model *model = generator->model;
    bool any = command->type == TRADING_COMMAND_UNFREEZE_ACCOUNT || chance_of(&generator->chance, 200);
    command->account =
        any ? model->accounts.at[chance_below(&generator->chance, model->accounts.count)].name : pick_account(generator)->name;
    bool has_text = command->type == TRADING_COMMAND_OPEN_PORTFOLIO || command->type == TRADING_COMMAND_UPDATE_CONTACT ||
                    command->type == TRADING_COMMAND_UPDATE_ADDRESS;
    command->text = has_text ? chance_below(&generator->chance, 12) : 0;
}

static void make_alias(struct generator *generator, struct model_command *command)
{
    struct chance *chance = &generator->chance;
    const struct model *model = generator->model;
    int portfolio = (int)chance_below(chance, model->portfolios.count);
    int account = model->portfolios.at[portfolio].account;
    command->type = TRADING_COMMAND_BIND_ALIAS;
    command->account = model->accounts.at[account].name;
    if (chance_of(chance, 500))
        command->portfolio = model->portfolios.at[portfolio].name;
    command->space = (int32_t)chance_between(chance, 1, 3);
    command->alias = chance_below(chance, 300);
}

static void make_cash(struct generator *generator, struct model_command *command)
{
    static const int32_t types[] = {TRADING_COMMAND_DEPOSIT,  TRADING_COMMAND_DEPOSIT, TRADING_COMMAND_WITHDRAW,
                                    TRADING_COMMAND_WITHDRAW, TRADING_COMMAND_CREDIT,  TRADING_COMMAND_DEBIT};
    const struct model_account *account = pick_account(generator);
    int64_t available = account->balance - account->held;
    command->type = types[chance_below(&generator->chance, 6)];
    command->account = account->name;
    bool pays_in = command->type == TRADING_COMMAND_DEPOSIT || command->type == TRADING_COMMAND_CREDIT;
    command->amount =
        cash(generator, account, pays_in ? at_most((wide)3 * usual_cost(generator)) : available / 2 + available / 8);
    bool to_the_unit = command->type == TRADING_COMMAND_DEPOSIT || command->type == TRADING_COMMAND_WITHDRAW;
    if (!to_the_unit && chance_of(&generator->chance, 500))
        command->amount = at_most((wide)command->amount + chance_below(&generator->chance, 1000));
    if (command->type == TRADING_COMMAND_WITHDRAW && chance_of(&generator->chance, 100)) {
        int64_t unit = cash(generator, account, 1);
        command->amount = round_to(available, unit); /* all of it */
    }
}

static void make_transfer(struct generator *generator, struct model_command *command)
{
    const struct model_account *account = pick_account(generator);
    command->type = TRADING_COMMAND_TRANSFER;
    command->account = account->name;
    command->other = pick_account(generator)->name;
    command->amount = chance_between(&generator->chance, 1, (account->balance - account->held) / 4 + 1);
}

static void make_refund(struct generator *generator, struct model_command *command)
{
    const struct model *model = generator->model;
    const struct model_account *account = pick_account(generator);
    command->type = TRADING_COMMAND_ACCEPT_REFUND;
    command->account = account->name;
    command->amount = chance_between(&generator->chance, 1, usual_cost(generator) / 1000 + 1);
    if (model->orders.count == 0 || chance_of(&generator->chance, 200))
        return;
    const struct model_order *order = &model->orders.at[chance_below(&generator->chance, model->orders.count)];
    int64_t paid = model_consideration(order);
    command->order = order->name;
    command->account = model->accounts.at[model->portfolios.at[order->portfolio].account].name;
    command->amount = chance_between(&generator->chance, 1, at_most((wide)paid + paid / 8 + 1));
}

static void make_closing(struct generator *generator, struct model_command *command)
{
    const struct model *model = generator->model;
    int index = (int)chance_below(&generator->chance, model->portfolios.count);
    for (int i = 0; i < model->portfolios.count && chance_of(&generator->chance, 600); i++)
        if (model->portfolios.at[i].status == TRADING_PORTFOLIO_CLOSING)
            index = i;
    command->type = TRADING_COMMAND_CLOSE_PORTFOLIO;
    command->portfolio = model->portfolios.at[index].name;
}

/* An account without an open portfolio, or −1. */
static int abandoned_account(const struct model *model, int64_t from)
{
    for (int i = 0; i < model->accounts.count; i++) {
        int index = (int)((from + i) % model->accounts.count);
        bool closed = model->accounts.at[index].status != TRADING_ACCOUNT_CLOSED;
        for (int j = 0; j < model->portfolios.count && closed; j++)
            closed = model->portfolios.at[j].account != index || model->portfolios.at[j].status == TRADING_PORTFOLIO_CLOSED;
        if (closed)
            return index;
    }
    return -1;
}

/* One more step towards the end of an account that has no portfolio any more. */
static void make_leaving(struct generator *generator, struct model_command *command)
{
    const struct model *model = generator->model;
    int index = abandoned_account(model, chance_below(&generator->chance, model->accounts.count));
    if (index < 0) {
        make_closing(generator, command);
        return;
    }
    const struct model_account *account = &model->accounts.at[index];
    int64_t unit = cash(generator, account, 1);
    command->account = account->name;
    command->type = TRADING_COMMAND_WITHDRAW;
    command->amount = account->balance - account->balance % unit;
    if (account->status == TRADING_ACCOUNT_FROZEN)
        command->type = TRADING_COMMAND_UNFREEZE_ACCOUNT;
    else if (account->balance < unit)
        command->type = TRADING_COMMAND_CLOSE_ACCOUNT;
    if (command->type != TRADING_COMMAND_WITHDRAW)
        command->amount = 0;
}

static const struct {
    void (*make)(struct generator *generator, struct model_command *command);
    int64_t weight;
    bool stays; /* also where accounts do not come and go; these first */
} kinds[] = {{generator_order, 604, true}, {generator_cancel, 70, true}, {generator_quote, 90, true},
             {make_cash, 110, true},       {generator_venue, 60, true},  {make_alias, 6, true},
             {make_refund, 20, true},      {make_transfer, 25, true},    {make_for_account, 35, false},
             {make_closing, 6, false},     {make_opening, 2, false},     {make_leaving, 3, false}};

/* A sensible command, that will often be accepted. */
static struct model_command make(struct generator *generator)
{
    struct model_command command = {.number = generator->next_number++};
    command.key = chance_of(&generator->chance, 50) ? 0 : command.number;
    if (generator->openings < generator->style.accounts && chance_of(&generator->chance, 300)) {
        generator->openings++;
        make_opening(generator, &command);
        return command;
    }
    if (generator->model->accounts.count == 0 || (!generator->style.grows && chance_of(&generator->chance, 100))) {
        generator_quote(generator, &command);
        return command;
    }
    if (chance_below(&generator->chance, 10000) < generator->style.sessions) {
        command.type = TRADING_COMMAND_END_SESSION;
        return command;
    }
    int64_t all = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && (generator->style.grows || kinds[i].stays); i++)
        all += kinds[i].weight;
    int64_t draw = chance_below(&generator->chance, all);
    size_t at = 0;
    while (draw >= kinds[at].weight)
        draw -= kinds[at++].weight;
    bool disturbs = kinds[at].make == generator_quote || kinds[at].make == generator_cancel;
    if (disturbs && chance_of(&generator->chance, generator->style.habits.calm))
        generator_order(generator, &command);
    else
        kinds[at].make(generator, &command);
    return command;
}

/* The same command again, as it was meant: whatever was wrong with it the first time is put right. Sometimes not quite the same. */
static struct model_command again(struct generator *generator)
{
    int count = generator->history.count;
    int recent = count < 300 ? count : 300;
    int index = chance_of(&generator->chance, 700) ? count - 1 - (int)chance_below(&generator->chance, recent)
                                                   : (int)chance_below(&generator->chance, count);
    struct model_command command = generator->history.at[index];
    command.fault = MODEL_FAULT_NONE;
    command.version = chance_of(&generator->chance, 100) ? MODEL_VERSION_WRONG : MODEL_VERSION_ANY;
    if (chance_of(&generator->chance, 150)) {
        command.number = generator->next_number++;
        generator_change_one_thing(generator, &command);
    }
    return command;
}

static bool has_version(const struct model_command *command)
{
    return command->account || command->portfolio || command->order;
}

static struct model_command next(struct generator *generator, bool is_first)
{
    struct chance *chance = &generator->chance;
    if (generator->history.count && chance_of(chance, 40))
        return again(generator);
    struct model_command command = make(generator);
    generator_spoil(generator, &command);
    if (has_version(&command) && chance_of(chance, 15))
        command.version = MODEL_VERSION_WRONG;
    else if (has_version(&command) && is_first && chance_of(chance, 300))
        command.version = MODEL_VERSION_RIGHT;
    if (command.key)
        MODEL_ADD(generator->history, command);
    return command;
}

void generator_batch(struct generator *generator, struct step *steps, size_t count)
{
    int64_t forward = chance_below(&generator->chance, 2 * TRADING_NANOSECONDS_PER_SECOND);
    bool backward = chance_of(&generator->chance, 50);
    generator->now += backward ? 0 : forward;
    for (size_t i = 0; i < count; i++)
        steps[i] = (struct step){.action = STEP_COMMAND,
                                 .batch = generator->next_batch,
                                 .time = generator->now - (backward ? forward : 0),
                                 .command = next(generator, i == 0)};
    generator->next_batch++;
}
