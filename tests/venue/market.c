#include "market.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ONE TRADING_DECIMAL_ONE

/* One that is open. */
struct connection {
    struct market *market;
    pthread_cond_t told;
    trading_execution_report reports[MARKET_REPORTS];
    int begin;
    int end;
};

/* The market that "market:" is, and who has it open: one at a time in a process. */
static struct market *at_hand;
static struct connection *open_here;

struct market *market_make(void)
{
    struct market *market = mmap(NULL, sizeof *market, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (market == MAP_FAILED)
        abort();
    pthread_mutex_init(&market->lock, NULL);
    return market;
}

void market_free(struct market *market)
{
    munmap(market, sizeof *market);
}

/* Where a crash may come. */
static void pass_point(struct market *market)
{
    if (++market->points == market->kill_after)
        kill(getpid(), SIGKILL);
}

static bool is_open(const struct market_order *order)
{
    return order->status == TRADING_ORDER_STATUS_NEW || order->status == TRADING_ORDER_STATUS_PARTIALLY_FILLED;
}

/* ---- telling; with the lock held ---- */

static void put(struct connection *connection, const trading_execution_report *report)
{
    if (connection->end == MARKET_REPORTS)
        abort();
    connection->reports[connection->end++] = *report;
    pthread_cond_broadcast(&connection->told);
}

/* By chance, and always the same. */
static bool is_lost(struct market *market)
{
    market->chance = market->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((market->chance >> 33) % 10) < market->lose;
}

static void tell(struct connection *connection, const trading_execution_report *report)
{
    struct market *market = connection->market;
    bool is_trade = report->exec_type == TRADING_EXEC_TYPE_TRADE;
    if (is_lost(market) || (is_trade && market->lose_trade)) {
        market->lose_trade &= !is_trade;
        return;
    }
    put(connection, report);
    if (market->repeat)
        put(connection, report);
}

static trading_execution_report report_of(const struct market_order *order, int32_t exec_type, const char *suffix)
{
    trading_execution_report report = {.exec_type = exec_type,
                                       .order_status = order->status,
                                       .filled_quantity = order->filled,
                                       .leaves_quantity = is_open(order) ? order->order.quantity - order->filled : 0};
    snprintf(report.cl_ord_id, sizeof report.cl_ord_id, "%s", order->order.cl_ord_id);
    if (suffix)
        snprintf(report.exec_id, sizeof report.exec_id, "X%s", suffix);
    return report;
}

static void tell_trade(struct connection *connection, const struct market_order *order, int index)
{
    char suffix[16];
    snprintf(suffix, sizeof suffix, "%d", index);
    trading_execution_report report = report_of(order, TRADING_EXEC_TYPE_TRADE, suffix);
    report.quantity = order->trades[index].quantity;
    report.price = order->trades[index].price;
    report.filled_quantity = order->trades[index].filled;
    report.leaves_quantity = order->order.quantity - report.filled_quantity;
    report.order_status = report.leaves_quantity ? TRADING_ORDER_STATUS_PARTIALLY_FILLED : TRADING_ORDER_STATUS_FILLED;
    tell(connection, &report);
}

static void tell_end(struct connection *connection, const struct market_order *order)
{
    int32_t exec_type = order->status == TRADING_ORDER_STATUS_CANCELED  ? TRADING_EXEC_TYPE_CANCELED
                        : order->status == TRADING_ORDER_STATUS_EXPIRED ? TRADING_EXEC_TYPE_EXPIRED
                                                                        : TRADING_EXEC_TYPE_REJECTED;
    trading_execution_report report = report_of(order, exec_type, "end");
    snprintf(report.text, sizeof report.text, "the market says so");
    tell(connection, &report);
}

static void end_order(struct connection *connection, struct market_order *order, int32_t status)
{
    order->status = status;
    tell_end(connection, order);
}

static void trade(struct connection *connection, struct market_order *order, trading_decimal quantity, trading_decimal price)
{
    int index = order->trade_count++;
    order->filled += quantity;
    order->status =
        order->filled == order->order.quantity ? TRADING_ORDER_STATUS_FILLED : TRADING_ORDER_STATUS_PARTIALLY_FILLED;
    order->trades[index].quantity = quantity;
    order->trades[index].price = price;
    order->trades[index].filled = order->filled;
    tell_trade(connection, order, index);
}

static void trade_all(struct connection *connection, struct market_order *order, trading_decimal price)
{
    while (is_open(order)) {
        trading_decimal leaves = order->order.quantity - order->filled;
        trade(connection, order, leaves < 2 * ONE ? leaves : 2 * ONE, price);
    }
}

/* ---- orders ---- */

struct market_order *market_find(struct market *market, const char *cl_ord_id)
{
    for (int i = 0; i < market->count; i++)
        if (!strcmp(market->orders[i].order.cl_ord_id, cl_ord_id))
            return &market->orders[i];
    return NULL;
}

static void execute(struct connection *connection, struct market_order *order)
{
    const char *symbol = order->order.symbol.text;
    trading_decimal price = order->order.price ? order->order.price : 10 * ONE;
    if (!strcmp(symbol, "NO")) {
        end_order(connection, order, TRADING_ORDER_STATUS_REJECTED);
    } else if (!strcmp(symbol, "FILL")) {
        trade_all(connection, order, price);
    } else if (!strcmp(symbol, "PART") || !strcmp(symbol, "OLD")) {
        trade(connection, order, ONE, price);
        if (!strcmp(symbol, "OLD"))
            end_order(connection, order, TRADING_ORDER_STATUS_EXPIRED);
    } else if (strcmp(symbol, "REST") != 0) {
        trade_all(connection, order, price * 2);
    }
}

void market_trade(struct market *market, struct market_order *order)
{
    pthread_mutex_lock(&market->lock);
    trade(open_here, order, ONE, order->order.price);
    pthread_mutex_unlock(&market->lock);
}

static void submit(struct connection *connection, const trading_venue_order *terms)
{
    struct market *market = connection->market;
    struct market_order *order = market_find(market, terms->cl_ord_id);
    if (order) {
        order->submissions++;
        return;
    }
    if (market->count == MARKET_ORDERS)
        abort();
    order = &market->orders[market->count++];
    *order = (struct market_order){.order = *terms, .submissions = 1, .status = TRADING_ORDER_STATUS_NEW};
    trading_execution_report report = report_of(order, TRADING_EXEC_TYPE_NEW, NULL);
    tell(connection, &report);
    execute(connection, order);
}

static void cancel(struct connection *connection, const trading_venue_order *terms)
{
    struct market_order *order = market_find(connection->market, terms->cl_ord_id);
    connection->market->cancels++;
    if (order && is_open(order)) {
        end_order(connection, order, TRADING_ORDER_STATUS_CANCELED);
        return;
    }
    const struct market_order unknown = {.order = *terms};
    trading_execution_report report = report_of(order ? order : &unknown, TRADING_EXEC_TYPE_CANCEL_REJECTED, NULL);
    tell(connection, &report);
}

static void answer(struct connection *connection, const trading_venue_order *terms)
{
    const struct market_order unknown = {.order = *terms};
    const struct market_order *order = market_find(connection->market, terms->cl_ord_id);
    connection->market->questions++;
    for (int i = 0; order && i < order->trade_count; i++)
        tell_trade(connection, order, i);
    if (order && !is_open(order) && order->status != TRADING_ORDER_STATUS_FILLED)
        tell_end(connection, order);
    trading_execution_report report = report_of(order ? order : &unknown, TRADING_EXEC_TYPE_ORDER_STATUS, NULL);
    tell(connection, &report);
}

/* ---- the table ---- */

static int32_t fail(trading_error *error, int32_t code, const char *message)
{
    if (error) {
        *error = (trading_error){.code = code, .flags = TRADING_ERROR_RETRYABLE};
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return code;
}

static int32_t do_one(struct connection *connection, void (*function)(struct connection *, const trading_venue_order *),
                      const trading_venue_order *order, trading_error *error)
{
    struct market *market = connection->market;
    pass_point(market);
    if (market->fail_before > 0) {
        market->fail_before--;
        return fail(error, TRADING_E_IO, "the market is closed");
    }
    pthread_mutex_lock(&market->lock);
    function(connection, order);
    pthread_mutex_unlock(&market->lock);
    pass_point(market);
    if (market->fail_after > 0) {
        market->fail_after--;
        return fail(error, TRADING_E_OUTCOME_UNKNOWN, "the market did not say");
    }
    return TRADING_OK;
}

static int32_t market_submit(void *venue, const trading_venue_order *order, trading_error *error)
{
    return do_one(venue, submit, order, error);
}

static int32_t market_cancel(void *venue, const trading_venue_order *order, trading_error *error)
{
    return do_one(venue, cancel, order, error);
}

static int32_t market_status(void *venue, const trading_venue_order *order, trading_error *error)
{
    return do_one(venue, answer, order, error);
}

static bool wait_for_report(struct connection *connection, int64_t timeout, const struct timespec *end)
{
    if (timeout < 0)
        return !pthread_cond_wait(&connection->told, &connection->market->lock);
    return timeout && pthread_cond_timedwait(&connection->told, &connection->market->lock, end) != ETIMEDOUT;
}

static int32_t take_reports(struct connection *connection, trading_execution_report *reports, size_t max, size_t *count,
                            int64_t timeout, trading_error *error)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (end.tv_nsec + timeout) / TRADING_NANOSECONDS_PER_SECOND;
    end.tv_nsec = (end.tv_nsec + timeout) % TRADING_NANOSECONDS_PER_SECOND;
    while (connection->begin == connection->end && wait_for_report(connection, timeout, &end))
        ;
    if (connection->market->break_polls > 0) {
        connection->market->break_polls--;
        connection->begin = connection->end = 0;
        return fail(error, TRADING_E_IO, "the connection is lost");
    }
    for (*count = 0; *count < max && connection->begin < connection->end; ++*count)
        reports[*count] = connection->reports[connection->begin++];
    if (connection->begin == connection->end)
        connection->begin = connection->end = 0;
    return *count ? TRADING_OK : fail(error, TRADING_E_TIMEOUT, "nothing");
}

static int32_t market_poll(void *venue, trading_execution_report *reports, size_t max, size_t *count, int64_t timeout,
                           trading_error *error)
{
    struct connection *connection = venue;
    pass_point(connection->market);
    pthread_mutex_lock(&connection->market->lock);
    int32_t code = take_reports(connection, reports, max, count, timeout, error);
    pthread_mutex_unlock(&connection->market->lock);
    pass_point(connection->market);
    return code;
}

static int32_t market_open(const trading_venue_request *request, const trading_host_functions *host, void **venue,
                           trading_error *error)
{
    (void)request;
    (void)host;
    (void)error;
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    pthread_mutex_init(&at_hand->lock, NULL); /* whoever was killed may have held it */
    pthread_cond_init(&connection->told, NULL);
    connection->market = at_hand;
    open_here = connection;
    *venue = connection;
    return TRADING_OK;
}

static void market_close(void *venue)
{
    struct connection *connection = venue;
    pthread_cond_destroy(&connection->told);
    free(connection);
    open_here = NULL;
}

int32_t market_register(trading_host *host, struct market *market, trading_error *error)
{
    static const trading_venue_ops ops = {
        .size = sizeof ops,
        .abi = TRADING_PLUGIN_ABI,
        .open = market_open,
        .close = market_close,
        .submit = market_submit,
        .cancel = market_cancel,
        .status = market_status,
        .poll = market_poll,
    };
    at_hand = market;
    return trading_venue_register(host, "market", &ops, error);
}
