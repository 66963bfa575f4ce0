/* From the journal to the venue. */
#include "base/error.h"
#include "base/id.h"
#include "plugin/venue.h"
#include "venue/router.h"

#include <string.h>

#include <trading/view.h>

/* ---- events ---- */

static int32_t take_routed(trading_router *router, const trading_event *event, trading_error *error)
{
    struct routed_order *order = orders_add(&router->orders, &event->order, event->position, event->quantity);
    if (!order)
        return error_no_memory(error, "an order at a venue");
    orders_plan(&router->orders, order, ORDER_TO_SUBMIT);
    return TRADING_OK;
}

static int32_t take_execution(trading_router *router, struct routed_order *order, const trading_event *event,
                              trading_error *error)
{
    if (orders_note_execution(&router->orders, order, &event->key))
        return error_no_memory(error, "an execution at a venue");
    order->booked += event->quantity;
    if (order->told < order->booked)
        order->told = order->booked; /* by somebody else than this router */
    if (order->booked == order->quantity)
        orders_remove(&router->orders, order);
    return TRADING_OK;
}

int32_t router_take_event(trading_router *router, const trading_event *event, trading_error *error)
{
    if (event->kind == TRADING_EVENT_ORDER_ROUTED)
        return take_routed(router, event, error);
    struct routed_order *order = orders_find(&router->orders, &event->order);
    if (!order) /* one of the exchange here */
        return TRADING_OK;
    switch (event->kind) {
    case TRADING_EVENT_ORDER_EXECUTED:
        return take_execution(router, order, event, error);
    case TRADING_EVENT_CANCEL_ROUTED:
        order->cancel_asked = true;
        orders_plan(&router->orders, order, ORDER_TO_CANCEL);
        break;
    default:
        orders_remove(&router->orders, order);
    }
    return TRADING_OK;
}

/* ---- the plan ---- */

static void describe(const trading_order *order, trading_venue_order *out)
{
    *out = (trading_venue_order){.symbol = order->symbol,
                                 .side = order->side,
                                 .type = order->type,
                                 .time_in_force = order->time_in_force,
                                 .quantity = order->quantity,
                                 .price = order->limit_price,
                                 .filled_quantity = order->filled_quantity,
                                 .time = order->placed};
    trading_id_format(TRADING_ENTITY_ORDER, &order->id, out->cl_ord_id);
}

/* What the symbol is quoted at here, where the venue asks for that. */
static int32_t tell_quote(trading_router *router, trading_view *view, const trading_symbol *symbol, trading_error *error)
{
    trading_quote quote;
    if (!venue_takes_quotes(router->venue))
        return TRADING_OK;
    int32_t code = trading_view_quote(view, symbol, &quote, error);
    if (code)
        return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
    return quote.bid || quote.ask ? trading_venue_quote(router->venue, symbol, quote.bid, quote.ask, error) : TRADING_OK;
}

static int32_t ask(trading_router *router, const trading_venue_order *order, trading_error *error)
{
    int32_t code = trading_venue_status(router->venue, order, error);
    router->counts.asked += !code;
    return code;
}

static int32_t submit(trading_router *router, trading_view *view, struct routed_order *routed, const trading_venue_order *order,
                      trading_error *error)
{
    int32_t code = tell_quote(router, view, &order->symbol, error);
    if (code)
        return code;
    code = trading_venue_submit(router->venue, order, error);
    router->counts.submitted += !code;
    if (!code)
        routed->todo &= ~ORDER_TO_SUBMIT;
    if (code == TRADING_E_OUTCOME_UNKNOWN)
        routed->todo = ORDER_TO_ASK;
    return code;
}

static int32_t cancel(trading_router *router, const trading_venue_order *order, trading_error *error)
{
    int32_t code = trading_venue_cancel(router->venue, order, error);
    router->counts.canceled += !code;
    return code;
}

/* What is to be done about one order. The journal says whether it is open at all: its events may not be taken yet. */
static int32_t do_order(trading_router *router, trading_view *view, struct routed_order *routed, uint64_t *sent,
                        trading_error *error)
{
    trading_order record;
    trading_venue_order order;
    int32_t code = trading_view_order(view, &routed->id, &record, error);
    if (code || record.leaves_quantity == 0)
        return code;
    describe(&record, &order);
    if (routed->todo & ORDER_TO_ASK) {
        code = ask(router, &order, error);
        *sent += !code;
        return code;
    }
    if (routed->todo & ORDER_TO_SUBMIT) {
        code = submit(router, view, routed, &order, error);
        *sent += !code;
    }
    if (!code && routed->todo & ORDER_TO_CANCEL) {
        code = cancel(router, &order, error);
        *sent += !code;
    }
    return code;
}

int32_t router_do_plan(trading_router *router, uint64_t *sent, trading_error *error)
{
    trading_view *view;
    if (!router->orders.todo_first)
        return TRADING_OK;
    int32_t code = trading_view_open(&view, router->engine, TRADING_VIEW_LATEST, error);
    if (code)
        return code;
    while (!code && router->orders.todo_first) {
        code = do_order(router, view, router->orders.todo_first, sent, error);
        if (!code)
            orders_done(&router->orders);
    }
    trading_view_close(view);
    return code;
}

/* ---- taking a batch, and sending ---- */

static int32_t tell_new_quotes(trading_router *router, size_t from, trading_error *error)
{
    trading_view *view = NULL;
    int32_t code = TRADING_OK;
    for (size_t i = from; !code && i < router->event_at; i++) {
        if (router->events[i].kind != TRADING_EVENT_QUOTE_SET)
            continue;
        if (!view)
            code = trading_view_open(&view, router->engine, TRADING_VIEW_LATEST, error);
        if (!code)
            code = tell_quote(router, view, &router->events[i].symbol, error);
    }
    trading_view_close(view);
    return code;
}

static int32_t take_events(trading_router *router, trading_error *error)
{
    size_t from = router->event_at;
    int32_t code = TRADING_OK;
    while (!code && router->event_at < router->event_count) {
        code = router_take_event(router, &router->events[router->event_at], error);
        router->event_at += !code;
    }
    if (!code)
        router->position = trading_feed_position(router->feed);
    return code ? code : tell_new_quotes(router, from, error);
}

/* The cursor follows to the oldest order that is open, now and then. */
static int32_t acknowledge(trading_router *router, trading_error *error)
{
    int64_t to = router->orders.oldest ? router->orders.oldest->position : router->position;
    if (to - router->cursor < router->options.acknowledge)
        return TRADING_OK;
    int32_t code = trading_feed_acknowledge(router->feed, to, error);
    if (!code)
        router->cursor = to;
    return code;
}

static int32_t send_what_came(trading_router *router, uint64_t *sent, trading_error *error)
{
    pthread_mutex_lock(&router->lock);
    int32_t code = take_events(router, error);
    if (!code)
        code = router_do_plan(router, sent, error);
    if (!code)
        code = acknowledge(router, error);
    router->counts.errors += code != TRADING_OK;
    pthread_mutex_unlock(&router->lock);
    return code;
}

/* What came was of no kind that is wanted: it is taken too. */
static void pass_over_the_rest(trading_router *router)
{
    pthread_mutex_lock(&router->lock);
    router->position = trading_feed_position(router->feed);
    pthread_mutex_unlock(&router->lock);
}

int32_t trading_router_send(trading_router *router, int64_t timeout, uint64_t *sent, trading_error *error)
{
    uint64_t ignored;
    if (!router)
        return error_set(error, TRADING_E_INVALID, "trading_router_send needs a router");
    sent = sent ? sent : &ignored;
    *sent = 0;
    int32_t code = send_what_came(router, sent, error); /* what failed before */
    if (code)
        return code;
    size_t count;
    code = trading_feed_next(router->feed, router->events, router->options.batch, &count, *sent ? 0 : timeout, error);
    if (code == TRADING_E_TIMEOUT)
        pass_over_the_rest(router);
    if (code == TRADING_E_TIMEOUT && *sent)
        return error_clear(error);
    if (code)
        return code;
    router->event_count = count;
    router->event_at = 0;
    code = send_what_came(router, sent, error);
    return code ? code : error_clear(error);
}
