#include "venue_contract.h"

#include "venue_trial.h"

#include <stdlib.h>
#include <string.h>

/* ---- the venue, and orders ---- */

void open_venue(struct trial *trial)
{
    ANSWERS(trial, TRADING_OK, trading_venue_open(&trial->venue, trial->contract->host, trial->contract->uri, &trial->error));
}

void close_venue(struct trial *trial)
{
    trading_venue_close(trial->venue);
    trial->venue = NULL;
}

struct placed *make_order(struct trial *trial, int32_t side, int64_t shares, trading_decimal price, int32_t time_in_force)
{
    CHECK(trial, trial->count < ORDERS_MOST);
    struct placed *placed = &trial->placed[trial->count++];
    trading_venue_order *order = &placed->order;
    snprintf(order->cl_ord_id, sizeof order->cl_ord_id, "%.20s%u-%u", trial->contract->prefix, trial->number % 100u,
             (unsigned)trial->count % 100u);
    snprintf(order->symbol.text, sizeof order->symbol.text, "%s", trial->contract->symbol);
    order->side = side;
    order->type = price ? TRADING_ORDER_TYPE_LIMIT : TRADING_ORDER_TYPE_MARKET;
    order->time_in_force = time_in_force;
    order->quantity = shares * TRADING_DECIMAL_ONE;
    order->price = !price && side == TRADING_SIDE_BUY ? trial->contract->price : price;
    order->time = INT64_C(1700000000) * TRADING_NANOSECONDS_PER_SECOND;
    return placed;
}

void submit(struct trial *trial, struct placed *placed)
{
    ANSWERS(trial, TRADING_OK, trading_venue_submit(trial->venue, &placed->order, &trial->error));
}

struct placed *submit_crossing(struct trial *trial, int64_t shares)
{
    struct placed *placed = make_order(trial, TRADING_SIDE_BUY, shares, trial->contract->price, TRADING_TIME_IN_FORCE_GTC);
    submit(trial, placed);
    return placed;
}

struct placed *submit_resting(struct trial *trial, int64_t shares)
{
    struct placed *placed =
        make_order(trial, TRADING_SIDE_BUY, shares, trial->contract->price / 100, TRADING_TIME_IN_FORCE_GTC);
    submit(trial, placed);
    return placed;
}

/* ---- what is told ---- */

static struct placed *find(struct trial *trial, const char *cl_ord_id)
{
    for (int i = 0; i < trial->count; i++)
        if (!strcmp(trial->placed[i].order.cl_ord_id, cl_ord_id))
            return &trial->placed[i];
    return NULL;
}

static bool is_within_limit(const trading_venue_order *order, trading_decimal price)
{
    if (!order->price)
        return true;
    return order->side == TRADING_SIDE_BUY ? price <= order->price : price >= order->price;
}

static int find_trade(const struct placed *placed, const char *exec_id)
{
    int i = 0;
    while (i < placed->trade_count && strcmp(placed->trades[i].exec_id, exec_id) != 0)
        i++;
    return i;
}

static void take_trade(struct trial *trial, struct placed *placed, const trading_execution_report *report)
{
    int known = find_trade(placed, report->exec_id);
    if (known < placed->trade_count) { /* the same again, in order from the first */
        const trading_execution_report *before = &placed->trades[known];
        CHECK(trial, report->quantity == before->quantity && report->price == before->price);
        CHECK(trial, report->filled_quantity == before->filled_quantity);
        CHECK(trial, known == placed->told_again);
        placed->told_again++;
        return;
    }
    CHECK(trial, !placed->end && placed->trade_count < TRADES_MOST);
    CHECK(trial, report->filled_quantity == placed->filled + report->quantity);
    CHECK(trial, report->filled_quantity + report->leaves_quantity == placed->order.quantity);
    CHECK(trial, is_within_limit(&placed->order, report->price));
    CHECK(trial, report->order_status ==
                     (report->leaves_quantity ? TRADING_ORDER_STATUS_PARTIALLY_FILLED : TRADING_ORDER_STATUS_FILLED));
    placed->filled = report->filled_quantity;
    placed->trades[placed->trade_count++] = *report;
    if (!report->leaves_quantity)
        placed->end = TRADING_EXEC_TYPE_TRADE;
}

static void take_end(struct trial *trial, struct placed *placed, const trading_execution_report *report)
{
    CHECK(trial, report->filled_quantity == placed->filled);
    CHECK(trial, find_trade(placed, report->exec_id) == placed->trade_count);
    CHECK(trial, report->order_status == (report->exec_type == TRADING_EXEC_TYPE_CANCELED  ? TRADING_ORDER_STATUS_CANCELED
                                          : report->exec_type == TRADING_EXEC_TYPE_EXPIRED ? TRADING_ORDER_STATUS_EXPIRED
                                                                                           : TRADING_ORDER_STATUS_REJECTED));
    if (placed->end) {
        CHECK(trial, placed->end == report->exec_type && !strcmp(placed->end_id, report->exec_id));
        placed->end_told_again = true;
        return;
    }
    placed->end = report->exec_type;
    snprintf(placed->end_id, sizeof placed->end_id, "%s", report->exec_id);
}

static void take_status(struct trial *trial, struct placed *placed, const trading_execution_report *report)
{
    placed->statuses++;
    placed->order_status = report->order_status;
    CHECK(trial, !report->order_status || report->filled_quantity == placed->filled);
    CHECK(trial, !report->order_status || placed->end || report->leaves_quantity == placed->order.quantity - placed->filled);
}

static void take(struct trial *trial, const trading_execution_report *report)
{
    const char *prefix = trial->contract->prefix;
    struct placed *placed = find(trial, report->cl_ord_id);
    CHECK(trial, !strncmp(report->cl_ord_id, prefix, strlen(prefix)));
    if (!placed) /* of a case before */
        return;
    switch (report->exec_type) {
    case TRADING_EXEC_TYPE_NEW:
        placed->acknowledged = true;
        break;
    case TRADING_EXEC_TYPE_TRADE:
        take_trade(trial, placed, report);
        break;
    case TRADING_EXEC_TYPE_CANCEL_REJECTED:
        placed->cancels_rejected++;
        placed->order_status = report->order_status;
        break;
    case TRADING_EXEC_TYPE_ORDER_STATUS:
        take_status(trial, placed, report);
        break;
    default:
        take_end(trial, placed, report);
    }
}

bool poll_reports(struct trial *trial, int64_t timeout)
{
    trading_execution_report reports[BATCH];
    size_t count;
    int32_t code = trading_venue_poll(trial->venue, reports, trial->batch, &count, timeout, &trial->error);
    if (code != TRADING_OK && code != TRADING_E_TIMEOUT)
        trial_fail_answer(trial->escape, __FILE__, __LINE__, "trading_venue_poll", TRADING_OK, code, &trial->error);
    CHECK(trial, code ? count == 0 : count > 0 && count <= trial->batch);
    for (size_t i = 0; i < count; i++)
        take(trial, &reports[i]);
    return code == TRADING_OK;
}

/* ---- waiting ---- */

void await_end(struct trial *trial, const struct placed *placed, int32_t exec_type)
{
    while (!placed->end)
        CHECK(trial, poll_reports(trial, trial->contract->patience));
    CHECK(trial, placed->end == exec_type);
}

void await_acknowledged(struct trial *trial, const struct placed *placed)
{
    while (!placed->acknowledged)
        CHECK(trial, poll_reports(trial, trial->contract->patience));
}

void cancel_resting(struct trial *trial, const struct placed *placed)
{
    ANSWERS(trial, TRADING_OK, trading_venue_cancel(trial->venue, &placed->order, &trial->error));
    await_end(trial, placed, TRADING_EXEC_TYPE_CANCELED);
}

void await_cancel_rejected(struct trial *trial, const struct placed *placed, int count)
{
    while (placed->cancels_rejected < count)
        CHECK(trial, poll_reports(trial, trial->contract->patience));
}

void ask_status(struct trial *trial, struct placed *placed)
{
    int before = placed->statuses;
    int trades = placed->trade_count;
    int32_t end = placed->end;
    placed->told_again = 0;
    placed->end_told_again = false;
    ANSWERS(trial, TRADING_OK, trading_venue_status(trial->venue, &placed->order, &trial->error));
    while (placed->statuses == before)
        CHECK(trial, poll_reports(trial, trial->contract->patience));
    CHECK(trial, !placed->order_status || placed->told_again == trades);
    CHECK(trial, !placed->order_status || !end || end == TRADING_EXEC_TYPE_TRADE || placed->end_told_again);
}

void expect_silence(struct trial *trial)
{
    struct placed before[ORDERS_MOST];
    memcpy(before, trial->placed, sizeof before);
    while (poll_reports(trial, trial->contract->silence))
        ;
    for (int i = 0; i < trial->count; i++)
        CHECK(trial, before[i].trade_count == trial->placed[i].trade_count && before[i].end == trial->placed[i].end);
}

/* ---- running ---- */

static bool is_wanted(const struct venue_contract *contract, const struct venue_case *venue_case)
{
    uint32_t has = contract->flags | (contract->rejected ? VENUE_CONTRACT_REJECTS : 0);
    return (venue_case->needs & ~has) == 0 && !(contract->only && !strstr(venue_case->name, contract->only));
}

static bool run_case(const struct venue_contract *contract, const struct venue_case *venue_case, unsigned number)
{
    struct trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return false;
    trial->contract = contract;
    trial->number = number;
    trial->batch = BATCH;
    bool passed = !setjmp(trial->escape);
    if (passed) {
        open_venue(trial);
        venue_case->run(trial);
    }
    trading_venue_close(trial->venue);
    free(trial);
    return passed;
}

int venue_contract_run(struct venue_contract *contract)
{
    for (const struct venue_case *at = venue_cases; at->name; at++) {
        if (!is_wanted(contract, at))
            continue;
        bool passed = run_case(contract, at, (unsigned)(at - venue_cases) + 1);
        contract->passed += passed;
        contract->failed += !passed;
        printf("%s %s\n", passed ? "ok" : "not ok", at->name);
        fflush(stdout);
    }
    return contract->failed;
}

void venue_contract_list(const struct venue_contract *contract)
{
    for (const struct venue_case *at = venue_cases; at->name; at++)
        if (is_wanted(contract, at))
            puts(at->name);
}
