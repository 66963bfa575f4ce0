/* From the venue to the engine. */
#include "base/error.h"
#include "base/text.h"
#include "plugin/host.h"
#include "venue/router.h"

#include <stdio.h>
#include <string.h>

/* ---- what reports come to ---- */

/* The same for the same report, whenever it comes, and for no other. */
static void derive_key(const trading_router *router, const trading_execution_report *report, trading_id *key)
{
    char text[ROUTER_NAME_BYTES + sizeof report->cl_ord_id + sizeof report->exec_id + 16];
    int length = snprintf(text, sizeof text, "venue/%s/%s/%s", router->name, report->cl_ord_id, report->exec_id);
    trading_key_from_text(text, (size_t)length, key);
}

/* Also where the engine has forgotten its key, as it does in time, and CumQty does not tell, as it counts what was refused as well. */
static bool is_booked(const trading_router *router, const struct routed_order *order, const trading_execution_report *report)
{
    trading_id key;
    derive_key(router, report, &key);
    return orders_has_execution(order, &key);
}

/* The next command to the engine, which the report comes to; its body is to be filled. */
static struct booking *next_command(trading_router *router, const trading_execution_report *report, int32_t type,
                                    size_t body_size)
{
    struct booking *booking = &router->bookings[router->command_count];
    booking->report = report;
    trading_command *command = &router->commands[router->command_count++];
    *command = (trading_command){.type = type, .body = &booking->body, .body_size = body_size};
    derive_key(router, report, &command->key);
    return booking;
}

static void book(trading_router *router, const trading_execution_report *report, const trading_id *order)
{
    struct booking *booking = next_command(router, report, TRADING_COMMAND_BOOK_EXECUTION, sizeof booking->body.execution);
    booking->body.execution = (trading_book_execution)TRADING_BOOK_EXECUTION_INIT;
    booking->body.execution.order = *order;
    booking->body.execution.quantity = report->quantity;
    booking->body.execution.price = report->price;
}

static void end(trading_router *router, const trading_execution_report *report, const trading_id *order)
{
    struct booking *booking = next_command(router, report, TRADING_COMMAND_END_ORDER, sizeof booking->body.end);
    booking->body.end = (trading_end_order)TRADING_END_ORDER_INIT;
    booking->body.end.order = *order;
    if (report->exec_type == TRADING_EXEC_TYPE_EXPIRED)
        booking->body.end.status = TRADING_ORDER_STATUS_EXPIRED;
}

/* Whether all executions before a report were taken, by the CumQty that it was made at; else they are asked for, once: a venue that does
 * not tell them then is not asked for ever. */
static bool follows(trading_router *router, struct routed_order *order, trading_decimal before)
{
    if (before <= order->told)
        return true;
    router->counts.missed++;
    if (order->missed_at != order->told)
        orders_plan(&router->orders, order, ORDER_TO_ASK);
    order->missed_at = order->told;
    return false;
}

/* One of an order that is not open here goes to the engine too, which knows whether it was booked, and else refuses it for all to see. */
static void take_trade(trading_router *router, const trading_execution_report *report, const trading_id *id)
{
    struct routed_order *order = orders_find(&router->orders, id);
    if (order && report->filled_quantity <= order->told) {
        router->counts.repeated++;
        return;
    }
    if (order && !follows(router, order, report->filled_quantity - report->quantity))
        return;
    if (order)
        order->told = report->filled_quantity;
    if (order && is_booked(router, order, report))
        router->counts.repeated++;
    else
        book(router, report, id);
}

static void take_end(trading_router *router, const trading_execution_report *report, const trading_id *id)
{
    struct routed_order *order = orders_find(&router->orders, id);
    if (order && follows(router, order, report->filled_quantity))
        end(router, report, id);
}

static bool is_open(int32_t status)
{
    return status == TRADING_ORDER_STATUS_NEW || status == TRADING_ORDER_STATUS_PARTIALLY_FILLED;
}

/* It was asked for. What the venue does not know goes there now, be it that it is to be canceled: the venue alone says what became of it. */
static void take_status(trading_router *router, const trading_execution_report *report, const trading_id *id)
{
    struct routed_order *order = orders_find(&router->orders, id);
    if (!order)
        return;
    if (!report->order_status)
        orders_plan(&router->orders, order, ORDER_TO_SUBMIT);
    if (order->cancel_asked && (!report->order_status || is_open(report->order_status)))
        orders_plan(&router->orders, order, ORDER_TO_CANCEL);
}

/* Where the venue has no such open order, and it is open here, something is missing. */
static void take_rejected_cancel(trading_router *router, const trading_execution_report *report, const trading_id *id)
{
    struct routed_order *order = orders_find(&router->orders, id);
    if (order && !is_open(report->order_status))
        orders_plan(&router->orders, order, ORDER_TO_ASK);
}

static void take_report(trading_router *router, const trading_execution_report *report)
{
    trading_id id;
    if (trading_id_parse(TRADING_ENTITY_ORDER, report->cl_ord_id, strlen(report->cl_ord_id), &id)) {
        router->counts.foreign++;
        return;
    }
    switch (report->exec_type) {
    case TRADING_EXEC_TYPE_NEW:
        break;
    case TRADING_EXEC_TYPE_TRADE:
        take_trade(router, report, &id);
        break;
    case TRADING_EXEC_TYPE_ORDER_STATUS:
        take_status(router, report, &id);
        break;
    case TRADING_EXEC_TYPE_CANCEL_REJECTED:
        take_rejected_cancel(router, report, &id);
        break;
    default:
        take_end(router, report, &id);
    }
}

/* ---- what the engine answers ---- */

static void tell_refused(trading_router *router, const trading_execution_report *report, const trading_result *result)
{
    router->counts.refused++;
    host_log(router->engine->host, TRADING_LOG_ERROR, "venue %s: %s of %s, ExecID %s, cannot be booked: %s (%s)", router->name,
             trading_exec_type_name(report->exec_type), report->cl_ord_id, report->exec_id, trading_status_name(result->status),
             trading_reason_name(result->reason));
    if (router->options.refused)
        router->options.refused(router->options.refused_context, report, result);
}

/* In the venue's words, where they are fit for a line. */
static void tell_rejected(const trading_router *router, const trading_execution_report *report)
{
    bool fit = text_is_printable(report->text, strlen(report->text));
    host_log(router->engine->host, TRADING_LOG_WARNING, "venue %s rejected %s: %s", router->name, report->cl_ord_id,
             fit ? report->text : "it says what cannot be printed");
}

static void take_result(trading_router *router, size_t index, uint64_t *booked)
{
    const trading_execution_report *report = router->bookings[index].report;
    const trading_result *result = &router->results[index];
    bool ends = router->commands[index].type == TRADING_COMMAND_END_ORDER;
    if (result->status == TRADING_STATUS_ACCEPTED)
        ++*booked;
    else if (result->status == TRADING_STATUS_DUPLICATE)
        router->counts.repeated += !ends;
    else if (!ends || result->reason != TRADING_REASON_ORDER_NOT_OPEN) /* it had ended otherwise */
        tell_refused(router, report, result);
    if (report->exec_type == TRADING_EXEC_TYPE_REJECTED && result->status == TRADING_STATUS_ACCEPTED)
        tell_rejected(router, report);
}

/* Whether the engine could not say of one whether it is booked already. */
static bool is_any_unknown(const trading_router *router, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (router->results[i].status == TRADING_STATUS_UNKNOWN)
            return true;
    return false;
}

/* All of it again where the engine fails: each has its key. */
static int32_t book_all(trading_router *router, uint64_t *booked, trading_error *error)
{
    size_t count = router->command_count;
    int32_t code = count ? trading_engine_execute(router->engine, router->commands, count, router->results, error) : TRADING_OK;
    if (!code && is_any_unknown(router, count))
        code = error_set(error, TRADING_E_OUTCOME_UNKNOWN, "whether executions of venue %s are booked cannot be learnt now",
                         router->name);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        take_result(router, i, booked);
    router->counts.booked += *booked;
    router->command_count = 0;
    return TRADING_OK;
}

/* ---- receiving ---- */

static int32_t poll_venue(trading_router *router, size_t *count, int64_t timeout, trading_error *error)
{
    int32_t code = trading_venue_poll(router->venue, router->reports, router->options.batch, count, timeout, error);
    if (!code || code == TRADING_E_TIMEOUT)
        return code;
    pthread_mutex_lock(&router->lock);
    orders_plan_asking(&router->orders); /* reports may have been missed */
    router->counts.errors++;
    pthread_mutex_unlock(&router->lock);
    return code;
}

int32_t trading_router_receive(trading_router *router, int64_t timeout, uint64_t *booked, trading_error *error)
{
    uint64_t ignored;
    uint64_t sent = 0;
    size_t count = 0;
    if (!router)
        return error_set(error, TRADING_E_INVALID, "trading_router_receive needs a router");
    booked = booked ? booked : &ignored;
    *booked = 0;
    int32_t code = router->command_count ? TRADING_OK : poll_venue(router, &count, timeout, error);
    if (code)
        return code;
    pthread_mutex_lock(&router->lock);
    for (size_t i = 0; i < count; i++)
        take_report(router, &router->reports[i]);
    code = book_all(router, booked, error);
    if (!code)
        code = router_do_plan(router, &sent, error);
    router->counts.errors += code != TRADING_OK;
    pthread_mutex_unlock(&router->lock);
    return code ? code : error_clear(error);
}
