/* The history of an entity: each event says where the one before it stands, so the way back needs no index. Events of one entity are
 * often neighbours, so a commit is read once for all that it has of them. */
#include "base/error.h"
#include "engine/view.h"

#include <inttypes.h>

#define CURSOR_END UINT64_MAX

struct history {
    struct sight *sight;
    int32_t entity; /* TRADING_ENTITY_ */
    uint32_t number;
    int64_t newest; /* position of its newest event in the view */

    /* The page; one of the two is filled. */
    trading_event *events;
    trading_execution *executions; /* only events of this kind are taken */
    size_t max;
    size_t count;
};

/* ---- one commit ---- */

/* What a commit has of an entity, up to a position. */
struct stretch {
    uint32_t wanted; /* events that are taken */
    int64_t newest;  /* positions of the entity's newest and oldest event in it */
    int64_t oldest;
    int64_t before; /* the oldest one's previous */
    bool chained;   /* each event is the previous of the next */
};

static bool is_of(const struct history *history, const struct event *event)
{
    return event->number == history->number && event_entity(event->kind) == history->entity;
}

static bool is_wanted(const struct history *history, const struct event *event)
{
    return !history->executions || event->kind == TRADING_EVENT_ORDER_EXECUTED;
}

static int32_t survey(const struct history *history, const struct commit *commit, int64_t position, struct stretch *stretch)
{
    struct event_reader events;
    struct event event;
    struct cause cause;
    *stretch = (struct stretch){.newest = POSITION_NONE, .oldest = POSITION_NONE, .before = POSITION_NONE, .chained = true};
    event_reader_begin(&events, commit);
    while (event_reader_next(&events, &event, &cause)) {
        if (event.position > position || !is_of(history, &event))
            continue;
        if (stretch->oldest == POSITION_NONE) {
            stretch->oldest = event.position;
            stretch->before = event.previous;
        } else if (event.previous != stretch->newest) {
            stretch->chained = false;
        }
        stretch->newest = event.position;
        stretch->wanted += is_wanted(history, &event);
    }
    return event_reader_end(&events, history->sight->error);
}

static void take_execution(trading_execution *out, const trading_event *event)
{
    *out = (trading_execution){.position = event->position,
                               .time = event->time,
                               .quantity = event->quantity,
                               .price = event->price,
                               .consideration = event->amount,
                               .counter_order = event->counter_order};
}

static int32_t take(const struct history *history, const struct commit *commit, const struct cause *cause,
                    const struct event *event, size_t place)
{
    trading_event told;
    trading_event *out = history->events ? &history->events[place] : &told;
    int32_t code = event_publish(history->sight->domain, commit, cause, event, out, history->sight->error);
    if (!code && history->executions)
        take_execution(&history->executions[place], out);
    return code;
}

/* Takes the newest of what is wanted that the page has room for, the newest first. Gives the position to go on from. */
static int32_t take_newest(struct history *history, const struct commit *commit, const struct stretch *stretch,
                           int64_t *position)
{
    size_t room = history->max - history->count;
    uint32_t taken = stretch->wanted < room ? stretch->wanted : (uint32_t)room;
    uint32_t skipped = stretch->wanted - taken;
    struct event_reader events;
    struct event event;
    struct cause cause;
    *position = stretch->before;
    event_reader_begin(&events, commit);
    for (uint32_t wanted = 0; wanted < stretch->wanted && event_reader_next(&events, &event, &cause);) {
        if (!is_of(history, &event) || !is_wanted(history, &event) || wanted++ < skipped)
            continue;
        if (skipped && wanted == skipped + 1)
            *position = event.previous;
        int32_t code = take(history, commit, &cause, &event, history->count + (stretch->wanted - wanted));
        if (code)
            return code;
    }
    history->count += taken;
    return TRADING_OK;
}

/* ---- all of it ---- */

static int32_t broken_chain(const struct history *history, int64_t position)
{
    return error_set(history->sight->error, TRADING_E_DAMAGED,
                     "the history of an entity leads to event %" PRId64 ", which is not of it; verify the store", position);
}

static int32_t walk_back(struct history *history, int64_t position, bool from_cursor, uint64_t *cursor)
{
    while (position >= 0 && history->count < history->max) {
        const struct commit *commit;
        struct stretch stretch;
        int32_t code = sight_commit_at(history->sight, position, &commit);
        if (!code)
            code = survey(history, commit, position, &stretch);
        if (code)
            return code;
        if (stretch.newest != position && from_cursor)
            return sight_bad_cursor(history->sight, *cursor);
        if (stretch.newest != position || !stretch.chained || stretch.before >= commit->first_position)
            return broken_chain(history, position);
        code = take_newest(history, commit, &stretch, &position);
        if (code)
            return code;
        from_cursor = false;
    }
    *cursor = position < 0 ? CURSOR_END : (uint64_t)position + 1;
    return TRADING_OK;
}

static int32_t page(struct history *history, uint64_t *cursor, size_t *count)
{
    *count = 0;
    if (*cursor == CURSOR_END)
        return TRADING_OK;
    bool from_cursor = *cursor > 0;
    int64_t position = from_cursor ? (int64_t)(*cursor - 1) : history->newest;
    if (position > history->newest || position < POSITION_NONE)
        return sight_bad_cursor(history->sight, *cursor);
    int32_t code = walk_back(history, position, from_cursor, cursor);
    *count = code ? 0 : history->count;
    return code;
}

static int32_t find_account(struct history *history, const trading_id *id)
{
    const struct sight *sight = history->sight;
    struct account_record record = {0};
    int32_t code = sight_account(sight, id, &history->number, &record);
    history->newest = record.last_position;
    return code;
}

static int32_t find_portfolio(struct history *history, const trading_id *id)
{
    const struct sight *sight = history->sight;
    struct portfolio_record record = {0};
    int32_t code = sight_portfolio(sight, id, &history->number, &record);
    history->newest = record.last_position;
    return code;
}

static int32_t find_order(struct history *history, const trading_id *id)
{
    const struct sight *sight = history->sight;
    struct order_record record = {0};
    int32_t code = sight_order(sight, id, &history->number, &record);
    history->newest = record.last_position;
    return code;
}

_Static_assert(sizeof(trading_symbol) == sizeof(trading_id), "a symbol is as long as an id");

static int32_t find_instrument(struct history *history, const trading_id *id)
{
    const struct sight *sight = history->sight;
    struct instrument_record record = {0};
    const trading_symbol *symbol = (const trading_symbol *)(const void *)id; /* both are 16 bytes, and nothing else */
    enum table_read found = instrument_read(&sight->domain->market, symbol, sight->pin, &history->number, &record);
    history->newest = record.last_position;
    return sight_found(sight, found, "instrument");
}

static int32_t find(struct history *history, const trading_id *id)
{
    switch (history->entity) {
    case TRADING_ENTITY_ACCOUNT:
        return find_account(history, id);
    case TRADING_ENTITY_PORTFOLIO:
        return find_portfolio(history, id);
    case TRADING_ENTITY_ORDER:
        return find_order(history, id);
    default:
        return find_instrument(history, id);
    }
}

int32_t trading_view_history(trading_view *view, int32_t entity, const trading_id *id, uint64_t *cursor, trading_event *out,
                             size_t max, size_t *count, trading_error *error)
{
    view = entity == TRADING_ENTITY_INSTRUMENT ? view_of_symbol(view, (const trading_symbol *)id) : view_of_id(view, id);
    struct sight sight;
    struct history history = {.sight = &sight, .entity = entity, .events = out, .max = max};
    bool sound =
        entity >= TRADING_ENTITY_ACCOUNT && entity <= TRADING_ENTITY_INSTRUMENT && id && page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "an entity and its id, a cursor, and room for at least one event", error);
    if (code)
        return code;
    code = find(&history, id);
    return sight_end(&sight, code ? code : page(&history, cursor, count));
}

int32_t trading_view_executions(trading_view *view, const trading_id *order, uint64_t *cursor, trading_execution *out,
                                size_t max, size_t *count, trading_error *error)
{
    view = view_of_id(view, order);
    struct sight sight;
    struct history history = {.sight = &sight, .entity = TRADING_ENTITY_ORDER, .executions = out, .max = max};
    bool sound = order && page_is_sound(cursor, out, max, count);
    int32_t code = sight_begin(&sight, view, sound, "an order's id, a cursor, and room for at least one execution", error);
    if (code)
        return code;
    code = find(&history, order);
    return sight_end(&sight, code ? code : page(&history, cursor, count));
}
