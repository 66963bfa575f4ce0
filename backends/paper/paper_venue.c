/* The venue on paper: opening, and what it is asked. */
#include "backends/paper/paper_venue.h"

#include "backends/paper/paper.h"
#include "base/error.h"
#include "base/monotonic.h"

#include <errno.h>
#include <string.h>

/* ---- orders; with the lock held ---- */

/* Taken, and met with the quote; what is left rests. */
static int32_t take(struct paper *paper, struct paper_order *order, trading_error *error)
{
    if (paper_rejects(paper, &order->terms.symbol)) {
        paper_end(paper, order, TRADING_ORDER_STATUS_REJECTED, "this venue rejects the symbol");
        paper_tell(paper, order, TRADING_EXEC_TYPE_REJECTED);
        return TRADING_OK;
    }
    paper_tell(paper, order, TRADING_EXEC_TYPE_NEW);
    paper_rest(paper, order);
    return paper_match(paper, order) ? error_no_memory(error, "executing an order on paper") : TRADING_OK;
}

static int32_t submit_locked(struct paper *paper, const trading_venue_order *terms, trading_error *error)
{
    if (paper_find(paper, terms->cl_ord_id))
        return TRADING_OK;
    /* For all that may come of it: once it is known, it is not taken again. */
    struct paper_order *order = paper_make_room(paper, (size_t)paper->pieces + 2) ? NULL : paper_add(paper, terms);
    return order ? take(paper, order, error) : error_no_memory(error, "an order on paper");
}

static int32_t cancel_locked(struct paper *paper, const trading_venue_order *terms, trading_error *error)
{
    struct paper_order *order = paper_find(paper, terms->cl_ord_id);
    if (paper_make_room(paper, 1))
        return error_no_memory(error, "a report on paper");
    if (!order) {
        paper_tell_unknown(paper, terms, TRADING_EXEC_TYPE_CANCEL_REJECTED);
    } else if (!paper_is_open(order)) {
        paper_tell(paper, order, TRADING_EXEC_TYPE_CANCEL_REJECTED);
    } else {
        paper_end(paper, order, TRADING_ORDER_STATUS_CANCELED, NULL);
        paper_tell(paper, order, TRADING_EXEC_TYPE_CANCELED);
    }
    return TRADING_OK;
}

static int32_t status_locked(struct paper *paper, const trading_venue_order *terms, trading_error *error)
{
    const struct paper_order *order = paper_find(paper, terms->cl_ord_id);
    if (paper_make_room(paper, order ? order->fill_count + 2 : 1))
        return error_no_memory(error, "a report on paper");
    if (!order) {
        paper_tell_unknown(paper, terms, TRADING_EXEC_TYPE_ORDER_STATUS);
        return TRADING_OK;
    }
    for (size_t i = 0; i < order->fill_count; i++)
        paper_tell_fill(paper, order, &order->fills[i]);
    if (order->status == TRADING_ORDER_STATUS_CANCELED)
        paper_tell(paper, order, TRADING_EXEC_TYPE_CANCELED);
    if (order->status == TRADING_ORDER_STATUS_REJECTED)
        paper_tell(paper, order, TRADING_EXEC_TYPE_REJECTED);
    paper_tell(paper, order, TRADING_EXEC_TYPE_ORDER_STATUS);
    return TRADING_OK;
}

/* Those that rest meet the new quote in the order of their coming. */
static int32_t quote_locked(struct paper *paper, const struct paper_quote *quote, trading_error *error)
{
    if (paper_set_quote(paper, quote))
        return error_no_memory(error, "a quote");
    for (struct paper_order *next, *at = paper->open_first; at; at = next) {
        next = at->open_next;
        if (!memcmp(&at->terms.symbol, &quote->symbol, sizeof quote->symbol) && paper_match(paper, at))
            return error_no_memory(error, "executing an order on paper");
    }
    return TRADING_OK;
}

static size_t take_reports(struct paper *paper, trading_execution_report *reports, size_t max)
{
    size_t waiting = paper->report_count - paper->report_at;
    size_t count = waiting < max ? waiting : max;
    if (count)
        memcpy(reports, paper->reports + paper->report_at, count * sizeof *reports);
    paper->report_at += count;
    return count;
}

/* ---- what it is asked ---- */

typedef int32_t (*order_function)(struct paper *paper, const trading_venue_order *order, trading_error *error);

static int32_t locked(struct paper *paper, order_function function, const trading_venue_order *order, trading_error *error)
{
    pthread_mutex_lock(&paper->lock);
    int32_t code = function(paper, order, error);
    pthread_mutex_unlock(&paper->lock);
    return code;
}

static int32_t paper_submit(void *venue, const trading_venue_order *order, trading_error *error)
{
    return locked(venue, submit_locked, order, error);
}

static int32_t paper_cancel(void *venue, const trading_venue_order *order, trading_error *error)
{
    return locked(venue, cancel_locked, order, error);
}

static int32_t paper_status(void *venue, const trading_venue_order *order, trading_error *error)
{
    return locked(venue, status_locked, order, error);
}

static int32_t paper_quote(void *venue, const trading_symbol *symbol, trading_decimal bid, trading_decimal ask,
                           trading_error *error)
{
    struct paper *paper = venue;
    const struct paper_quote quote = {.symbol = *symbol, .bid = bid, .ask = ask};
    pthread_mutex_lock(&paper->lock);
    int32_t code = quote_locked(paper, &quote, error);
    pthread_mutex_unlock(&paper->lock);
    return code;
}

/* False when the time is over. */
static bool wait_for_report(struct paper *paper, int64_t timeout, const struct timespec *end)
{
    if (timeout < 0)
        return !pthread_cond_wait(&paper->told, &paper->lock);
    return timeout && pthread_cond_timedwait(&paper->told, &paper->lock, end) != ETIMEDOUT;
}

static int32_t paper_poll(void *venue, trading_execution_report *reports, size_t max, size_t *count, int64_t timeout,
                          trading_error *error)
{
    struct paper *paper = venue;
    struct timespec end = monotonic_after(timeout > 0 ? timeout : 0);
    pthread_mutex_lock(&paper->lock);
    while (paper->report_at == paper->report_count && wait_for_report(paper, timeout, &end))
        ;
    *count = take_reports(paper, reports, max);
    pthread_mutex_unlock(&paper->lock);
    return *count ? TRADING_OK : error_set(error, TRADING_E_TIMEOUT, "no report came in time");
}

/* ---- opening and closing ---- */

static void paper_close(void *venue)
{
    struct paper *paper = venue;
    struct memory memory = {
        .allocate = paper->memory.allocate, .release = paper->memory.release, .context = paper->memory.context};
    paper_drop_all(paper);
    pthread_cond_destroy(&paper->told);
    pthread_mutex_destroy(&paper->lock);
    memory.release(memory.context, paper, sizeof *paper);
}

static int32_t paper_open(const trading_venue_request *request, const trading_host_functions *host, void **venue,
                          trading_error *error)
{
    struct paper *paper = host->allocate(host->context, sizeof *paper);
    if (!paper)
        return error_no_memory(error, "a venue on paper");
    *paper = (struct paper){.pieces = 1};
    memory_init(&paper->memory);
    paper->memory.allocate = host->allocate;
    paper->memory.release = host->release;
    paper->memory.context = host->context;
    pthread_mutex_init(&paper->lock, NULL);
    monotonic_condition(&paper->told);
    int32_t code = paper_read_location(paper, request->location, error);
    if (code)
        paper_close(paper);
    else
        *venue = paper;
    return code;
}

const trading_venue_ops paper_venue_ops = {
    .size = sizeof paper_venue_ops,
    .abi = TRADING_PLUGIN_ABI,
    .open = paper_open,
    .close = paper_close,
    .submit = paper_submit,
    .cancel = paper_cancel,
    .status = paper_status,
    .poll = paper_poll,
    .quote = paper_quote,
};
