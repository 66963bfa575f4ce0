#include "simulation/tally.h"

#include "simulation/model_inside.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PAGE = 256 };

/* What one entity's events say so far. */
struct tally_entity {
    int64_t newest; /* position; −1: none */
    int64_t events;
    int64_t cash; /* of an account: its balance; of an order: its consideration */
    int64_t held;
    int64_t shares; /* of an order: filled */
    int64_t executions;
};

struct tally {
    struct world *world;
    int64_t next_position;
    trading_time time;
    struct tally_entity *accounts; /* by the model's indexes */
    struct tally_entity *portfolios;
    struct tally_entity *orders;
    struct tally_entity *instruments; /* shares: of customers and house together */
    struct tally_entity partition;
    wide clearing;
};

static struct tally_entity *new_entities(int count)
{
    struct tally_entity *entities = calloc((size_t)count + 1, sizeof(*entities));
    if (!entities)
        exit(2);
    for (int i = 0; i < count; i++)
        entities[i].newest = -1;
    return entities;
}

static struct tally_entity *entity_at(struct tally_entity *entities, int index)
{
    return index >= 0 ? &entities[index] : NULL;
}

static struct tally_entity *account_of(const struct tally *tally, const trading_event *event)
{
    const struct world *world = tally->world;
    int64_t name = names_name(&world->names, TRADING_ENTITY_ACCOUNT, &event->account);
    return entity_at(tally->accounts, name > 0 ? model_find_account(&world->model, name) : -1);
}

static struct tally_entity *portfolio_of(const struct tally *tally, const trading_event *event)
{
    const struct world *world = tally->world;
    int64_t name = names_name(&world->names, TRADING_ENTITY_PORTFOLIO, &event->portfolio);
    return entity_at(tally->portfolios, name > 0 ? model_find_portfolio(&world->model, name) : -1);
}

static struct tally_entity *order_of(const struct tally *tally, const trading_event *event)
{
    const struct world *world = tally->world;
    int64_t name = names_name(&world->names, TRADING_ENTITY_ORDER, &event->order);
    return entity_at(tally->orders, name > 0 ? model_find_order(&world->model, name) : -1);
}

static struct tally_entity *instrument_of(const struct tally *tally, const trading_event *event)
{
    return entity_at(tally->instruments, model_find_instrument(&tally->world->model, &event->symbol));
}

static struct tally_entity *owner_of(struct tally *tally, const trading_event *event)
{
    switch (event->entity) {
    case TRADING_ENTITY_ACCOUNT:
        return account_of(tally, event);
    case TRADING_ENTITY_PORTFOLIO:
        return portfolio_of(tally, event);
    case TRADING_ENTITY_ORDER:
        return order_of(tally, event);
    case TRADING_ENTITY_INSTRUMENT:
        return instrument_of(tally, event);
    default:
        return &tally->partition;
    }
}

static bool count_order_and_chain(struct tally *tally, const trading_event *event)
{
    struct tally_entity *owner = owner_of(tally, event);
    if (event->position != tally->next_position++ || event->time < tally->time)
        return world_fail(tally->world, "the event at %" PRId64 " is out of place or of time", event->position);
    tally->time = event->time;
    if (!owner)
        return world_fail(tally->world, "%s at %" PRId64 " is of nobody", trading_event_name(event->kind), event->position);
    if (event->entity && event->previous != owner->newest)
        return world_fail(tally->world, "%s at %" PRId64 " follows %" PRId64 ", and says %" PRId64,
                          trading_event_name(event->kind), event->position, owner->newest, event->previous);
    tally->world->pauses += event->kind == TRADING_EVENT_WORK_PAUSED;
    owner->newest = event->position;
    owner->events++;
    return true;
}

static void add_cash(struct tally *tally, const trading_event *event)
{
    struct tally_entity *account = account_of(tally, event);
    switch (event->kind) {
    case TRADING_EVENT_FUNDS_DEPOSITED:
    case TRADING_EVENT_FUNDS_CREDITED:
    case TRADING_EVENT_REFUND_ACCEPTED:
        account->cash += event->amount;
        break;
    case TRADING_EVENT_FUNDS_WITHDRAWN:
    case TRADING_EVENT_FUNDS_DEBITED:
    case TRADING_EVENT_ACCOUNT_CLOSED:
        account->cash -= event->amount;
        break;
    case TRADING_EVENT_FUNDS_PAID:
        account->cash -= event->amount;
        account->held -= event->held;
        tally->clearing += event->amount;
        break;
    case TRADING_EVENT_FUNDS_RECEIVED:
        account->cash += event->amount;
        tally->clearing -= (wide)event->amount + event->rounding;
        break;
    case TRADING_EVENT_TRANSFER_SENT:
        account->cash -= event->amount;
        tally->clearing += event->amount;
        break;
    case TRADING_EVENT_TRANSFER_RECEIVED:
        account->cash += event->amount;
        tally->clearing -= event->amount;
        break;
    case TRADING_EVENT_FUNDS_HELD:
        account->held += event->amount;
        break;
    case TRADING_EVENT_FUNDS_RELEASED:
        account->held -= event->amount;
        break;
    default:
        break;
    }
}

static void add_shares(struct tally *tally, const trading_event *event)
{
    bool house_buys = event->side == TRADING_SIDE_BUY;
    switch (event->kind) {
    case TRADING_EVENT_LOT_ACQUIRED:
        instrument_of(tally, event)->shares += event->quantity;
        break;
    case TRADING_EVENT_LOT_DISPOSED:
        instrument_of(tally, event)->shares -= event->quantity;
        break;
    case TRADING_EVENT_QUOTE_TAKEN:
    case TRADING_EVENT_VENUE_TRADED:
        instrument_of(tally, event)->shares += house_buys ? event->quantity : -event->quantity;
        tally->clearing += house_buys ? event->amount : -event->amount;
        break;
    case TRADING_EVENT_ORDER_EXECUTED:
        order_of(tally, event)->shares += event->quantity;
        order_of(tally, event)->cash += event->amount;
        order_of(tally, event)->executions++;
        break;
    default:
        break;
    }
}

static bool read_events(struct tally *tally)
{
    trading_feed *feed = NULL;
    trading_error error = {0};
    static trading_event events[PAGE];
    int32_t code = trading_feed_open(&feed, tally->world->engine, 0, NULL, NULL, &error);
    if (code)
        return world_fail(tally->world, "feed: %s: %s", trading_error_name(code), error.message);
    bool fits = true;
    while (fits) {
        size_t count = 0;
        code = trading_feed_next(feed, events, PAGE, &count, 0, &error);
        if (code)
            break;
        for (size_t i = 0; i < count && fits; i++) {
            fits = count_order_and_chain(tally, &events[i]);
            if (fits) {
                add_cash(tally, &events[i]);
                add_shares(tally, &events[i]);
            }
        }
    }
    trading_feed_close(feed);
    if (fits && code != TRADING_E_TIMEOUT)
        return world_fail(tally->world, "feed: %s: %s", trading_error_name(code), error.message);
    return fits;
}

static bool compare_accounts(const struct tally *tally)
{
    const struct model *model = &tally->world->model;
    for (int i = 0; i < model->accounts.count; i++)
        if (tally->accounts[i].cash != model->accounts.at[i].balance || tally->accounts[i].held != model->accounts.at[i].held)
            return world_fail(tally->world, "the events of account #%" PRId64 " do not add up to its balance and hold",
                              MODEL_NUMBER_OF(model->accounts.at[i].name));
    return true;
}

static bool compare_orders(const struct tally *tally)
{
    const struct model *model = &tally->world->model;
    for (int i = 0; i < model->orders.count; i++) {
        const struct model_order *order = &model->orders.at[i];
        if (tally->orders[i].shares != order->filled || tally->orders[i].cash != model_consideration(order) ||
            tally->orders[i].executions != order->executions)
            return world_fail(tally->world, "the executions of order #%" PRId64 " do not add up", MODEL_NUMBER_OF(order->name));
    }
    return true;
}

/* The version of an entity is the number of its events. */
static bool compare_versions(const struct tally *tally)
{
    struct world *world = tally->world;
    trading_view *view = NULL;
    if (trading_view_open(&view, world->engine, TRADING_VIEW_NOW, NULL))
        return world_fail(world, "no view");
    bool fits = true;
    for (int i = 0; i < world->model.accounts.count; i++) {
        trading_account account = {.size = sizeof(account)};
        trading_id id = names_id(&world->names, TRADING_ENTITY_ACCOUNT, world->model.accounts.at[i].name);
        fits = fits && !trading_view_account(view, &id, &account, NULL) && account.version == tally->accounts[i].events;
    }
    for (int i = 0; i < world->model.portfolios.count; i++) {
        trading_portfolio portfolio = {.size = sizeof(portfolio)};
        trading_id id = names_id(&world->names, TRADING_ENTITY_PORTFOLIO, world->model.portfolios.at[i].name);
        int32_t code = trading_view_portfolio(view, &id, &portfolio, NULL);
        bool untold = code == TRADING_E_OVERFLOW; /* worth more than a decimal can say */
        fits = fits && (untold || (!code && portfolio.version == tally->portfolios[i].events));
    }
    for (int i = 0; i < world->model.orders.count; i++) {
        trading_order order;
        trading_id id = names_id(&world->names, TRADING_ENTITY_ORDER, world->model.orders.at[i].name);
        fits = fits && !trading_view_order(view, &id, &order, NULL) && order.version == tally->orders[i].events;
    }
    trading_view_close(view);
    return fits ? true : world_fail(world, "a version is not the number of the entity's events");
}

static bool compare(const struct tally *tally)
{
    if (tally->next_position != world_position(tally->world))
        return world_fail(tally->world, "the feed ends at %" PRId64, tally->next_position);
    if (tally->clearing != 0)
        return world_fail(tally->world, "what was paid is not what was received");
    for (int i = 0; i < tally->world->model.instruments.count; i++)
        if (tally->instruments[i].shares != 0)
            return world_fail(tally->world, "%" PRId64 " millionths of a share of %.16s came from nowhere",
                              tally->instruments[i].shares, tally->world->model.instruments.at[i].symbol.text);
    return compare_accounts(tally) && compare_orders(tally) && compare_versions(tally);
}

bool world_tally(struct world *world)
{
    struct tally tally = {.world = world, .partition = {.newest = -1}};
    tally.accounts = new_entities(world->model.accounts.count);
    tally.portfolios = new_entities(world->model.portfolios.count);
    tally.orders = new_entities(world->model.orders.count);
    tally.instruments = new_entities(world->model.instruments.count);
    bool fits = read_events(&tally) && compare(&tally);
    free(tally.accounts);
    free(tally.portfolios);
    free(tally.orders);
    free(tally.instruments);
    return fits;
}
