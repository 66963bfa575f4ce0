/* What becomes of orders; what is asked of them; and that all of it may come twice. */
#include "venue_trial.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define ONE TRADING_DECIMAL_ONE

/* ---- what becomes of orders ---- */

static void market_orders_trade(struct trial *trial)
{
    struct placed *bought = make_order(trial, TRADING_SIDE_BUY, 7, 0, TRADING_TIME_IN_FORCE_IOC);
    struct placed *sold = make_order(trial, TRADING_SIDE_SELL, 7, 0, TRADING_TIME_IN_FORCE_IOC);
    submit(trial, bought);
    submit(trial, sold);
    await_end(trial, bought, TRADING_EXEC_TYPE_TRADE);
    await_end(trial, sold, TRADING_EXEC_TYPE_TRADE);
    CHECK(trial, bought->filled == 7 * ONE && sold->filled == 7 * ONE);
    expect_silence(trial);
}

static void limit_orders_trade(struct trial *trial)
{
    struct placed *sold = make_order(trial, TRADING_SIDE_SELL, 3, trial->contract->price / 100, TRADING_TIME_IN_FORCE_DAY);
    submit(trial, sold);
    struct placed *bought = submit_crossing(trial, 5);
    await_end(trial, bought, TRADING_EXEC_TYPE_TRADE);
    await_end(trial, sold, TRADING_EXEC_TYPE_TRADE);
    expect_silence(trial);
}

static void orders_rest_until_canceled(struct trial *trial)
{
    struct placed *bought = submit_resting(trial, 2);
    struct placed *sold = make_order(trial, TRADING_SIDE_SELL, 2, trial->contract->price * 100, TRADING_TIME_IN_FORCE_DAY);
    submit(trial, sold);
    await_acknowledged(trial, bought);
    await_acknowledged(trial, sold);
    expect_silence(trial);
    CHECK(trial, !bought->filled && !bought->end && !sold->filled && !sold->end);
    cancel_resting(trial, sold);
    CHECK(trial, !bought->end);
    cancel_resting(trial, bought);
    expect_silence(trial);
}

static void immediate_or_cancel(struct trial *trial)
{
    struct placed *placed = make_order(trial, TRADING_SIDE_BUY, 2, trial->contract->price / 100, TRADING_TIME_IN_FORCE_IOC);
    submit(trial, placed);
    await_end(trial, placed, TRADING_EXEC_TYPE_CANCELED);
    CHECK(trial, !placed->filled);
}

static void rejected(struct trial *trial)
{
    struct placed *placed = make_order(trial, TRADING_SIDE_BUY, 2, trial->contract->price, TRADING_TIME_IN_FORCE_GTC);
    memset(&placed->order.symbol, 0, sizeof placed->order.symbol);
    snprintf(placed->order.symbol.text, sizeof placed->order.symbol.text, "%s", trial->contract->rejected);
    submit(trial, placed);
    await_end(trial, placed, TRADING_EXEC_TYPE_REJECTED);
    ask_status(trial, placed);
    CHECK(trial, placed->order_status == TRADING_ORDER_STATUS_REJECTED);
    expect_silence(trial);
}

/* ---- more than once ---- */

static void a_known_order_is_ignored(struct trial *trial)
{
    struct placed *traded = submit_crossing(trial, 5);
    struct placed *resting = submit_resting(trial, 5);
    submit(trial, traded);
    await_end(trial, traded, TRADING_EXEC_TYPE_TRADE);
    await_acknowledged(trial, resting);
    submit(trial, traded);
    submit(trial, resting);
    expect_silence(trial);
    CHECK(trial, traded->filled == 5 * ONE);
    cancel_resting(trial, resting);
    submit(trial, resting);
    expect_silence(trial);
    ask_status(trial, resting);
    CHECK(trial, resting->order_status == TRADING_ORDER_STATUS_CANCELED);
}

static void a_cancel_that_comes_to_nothing(struct trial *trial)
{
    struct placed *unknown = make_order(trial, TRADING_SIDE_BUY, 1, trial->contract->price, TRADING_TIME_IN_FORCE_GTC);
    struct placed *traded = submit_crossing(trial, 1);
    struct placed *canceled = submit_resting(trial, 1);
    await_end(trial, traded, TRADING_EXEC_TYPE_TRADE);
    ANSWERS(trial, TRADING_OK, trading_venue_cancel(trial->venue, &unknown->order, &trial->error));
    await_cancel_rejected(trial, unknown, 1);
    CHECK(trial, !unknown->order_status && !unknown->end);
    ANSWERS(trial, TRADING_OK, trading_venue_cancel(trial->venue, &traded->order, &trial->error));
    await_cancel_rejected(trial, traded, 1);
    CHECK(trial, traded->order_status == TRADING_ORDER_STATUS_FILLED);
    cancel_resting(trial, canceled);
    ANSWERS(trial, TRADING_OK, trading_venue_cancel(trial->venue, &canceled->order, &trial->error));
    await_cancel_rejected(trial, canceled, 1);
    submit(trial, unknown); /* it was not, and is not hurt by having been asked for */
    await_end(trial, unknown, TRADING_EXEC_TYPE_TRADE);
}

/* ---- how orders stand ---- */

static void all_is_told_again(struct trial *trial)
{
    struct placed *traded = submit_crossing(trial, 9);
    struct placed *resting = submit_resting(trial, 9);
    await_end(trial, traded, TRADING_EXEC_TYPE_TRADE);
    for (int i = 0; i < 2; i++) {
        ask_status(trial, traded);
        CHECK(trial, traded->order_status == TRADING_ORDER_STATUS_FILLED);
        ask_status(trial, resting);
        CHECK(trial, resting->order_status == TRADING_ORDER_STATUS_NEW);
    }
    cancel_resting(trial, resting);
    ask_status(trial, resting);
    CHECK(trial, resting->order_status == TRADING_ORDER_STATUS_CANCELED);
}

static void an_unknown_order_is_said_to_be(struct trial *trial)
{
    struct placed *placed = make_order(trial, TRADING_SIDE_BUY, 4, trial->contract->price, TRADING_TIME_IN_FORCE_GTC);
    placed->order_status = -1;
    ask_status(trial, placed);
    CHECK(trial, placed->order_status == 0 && placed->statuses == 1);
    submit(trial, placed);
    await_end(trial, placed, TRADING_EXEC_TYPE_TRADE);
    CHECK(trial, placed->filled == 4 * ONE);
    ask_status(trial, placed);
    CHECK(trial, placed->order_status == TRADING_ORDER_STATUS_FILLED);
}

static void a_status_follows_its_order(struct trial *trial)
{
    struct placed *placed[8];
    for (int i = 0; i < 8; i++) {
        placed[i] = submit_resting(trial, 1);
        ANSWERS(trial, TRADING_OK, trading_venue_status(trial->venue, &placed[i]->order, &trial->error));
    }
    for (int i = 0; i < 8; i++) {
        while (!placed[i]->statuses)
            CHECK(trial, poll_reports(trial, trial->contract->patience));
        CHECK(trial, placed[i]->order_status == TRADING_ORDER_STATUS_NEW);
        ANSWERS(trial, TRADING_OK, trading_venue_cancel(trial->venue, &placed[i]->order, &trial->error));
    }
}

/* ---- polling ---- */

static int64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * TRADING_NANOSECONDS_PER_SECOND + at.tv_nsec;
}

static void polls_wait_as_long_as_they_may(struct trial *trial)
{
    const int64_t wait = TRADING_NANOSECONDS_PER_SECOND / 20;
    expect_silence(trial);
    CHECK(trial, !poll_reports(trial, 0));
    int64_t begun = now();
    CHECK(trial, !poll_reports(trial, wait));
    CHECK(trial, now() - begun >= wait);
    struct placed *placed = submit_crossing(trial, 1);
    CHECK(trial, poll_reports(trial, -1));
    await_end(trial, placed, TRADING_EXEC_TYPE_TRADE);
}

static void many_orders(struct trial *trial)
{
    for (int i = 0; i < ORDERS_MOST; i++)
        if (i % 3 == 0)
            submit_resting(trial, 1 + i);
        else
            submit_crossing(trial, 1 + i);
    for (int i = 0; i < ORDERS_MOST; i += 3)
        ANSWERS(trial, TRADING_OK, trading_venue_cancel(trial->venue, &trial->placed[i].order, &trial->error));
    for (int i = 0; i < ORDERS_MOST; i++) {
        trial->batch = i % 2 ? 1 : BATCH;
        await_end(trial, &trial->placed[i], i % 3 ? TRADING_EXEC_TYPE_TRADE : TRADING_EXEC_TYPE_CANCELED);
    }
    expect_silence(trial);
}

struct submitter {
    trading_venue *venue;
    const trading_venue_order *orders[ORDERS_MOST];
    int32_t code;
};

static void *submit_in_thread(void *arg)
{
    struct submitter *submitter = arg;
    for (int i = 0; i < ORDERS_MOST && !submitter->code; i++)
        submitter->code = trading_venue_submit(submitter->venue, submitter->orders[i], NULL);
    return NULL;
}

static void submitted_while_waiting(struct trial *trial)
{
    pthread_t thread;
    struct submitter submitter = {.venue = trial->venue};
    for (int i = 0; i < ORDERS_MOST; i++)
        submitter.orders[i] =
            &make_order(trial, TRADING_SIDE_BUY, 1 + i, trial->contract->price, TRADING_TIME_IN_FORCE_GTC)->order;
    CHECK(trial, !pthread_create(&thread, NULL, submit_in_thread, &submitter));
    bool came = true;
    for (int ended = 0; came && ended < ORDERS_MOST;) {
        came = poll_reports(trial, trial->contract->patience);
        ended = 0;
        for (int i = 0; i < ORDERS_MOST; i++)
            ended += trial->placed[i].end != 0;
    }
    pthread_join(thread, NULL);
    CHECK(trial, came && submitter.code == TRADING_OK);
}

/* ---- closing and opening ---- */

static void closed_before_it_was_read(struct trial *trial)
{
    submit_crossing(trial, 3);
    submit_resting(trial, 3);
    close_venue(trial);
    open_venue(trial);
    close_venue(trial);
    open_venue(trial);
    expect_silence(trial);
}

static void all_is_there_when_it_is_opened_again(struct trial *trial)
{
    struct placed *traded = submit_crossing(trial, 6);
    struct placed *resting = submit_resting(trial, 6);
    struct placed *unread = submit_crossing(trial, 8);
    await_end(trial, traded, TRADING_EXEC_TYPE_TRADE);
    close_venue(trial);
    open_venue(trial);
    ask_status(trial, traded);
    CHECK(trial, traded->order_status == TRADING_ORDER_STATUS_FILLED && traded->filled == 6 * ONE);
    ask_status(trial, resting);
    CHECK(trial, resting->order_status == TRADING_ORDER_STATUS_NEW);
    ask_status(trial, unread);
    await_end(trial, unread, TRADING_EXEC_TYPE_TRADE);
    submit(trial, traded);
    submit(trial, resting);
    submit(trial, unread);
    expect_silence(trial);
    cancel_resting(trial, resting);
    expect_silence(trial);
}

/* What was executed before the venue forgot is the client's to know. */
static void it_goes_on_with_what_it_forgot(struct trial *trial)
{
    struct placed *resting = submit_resting(trial, 5);
    struct placed *traded = submit_crossing(trial, 5);
    await_acknowledged(trial, resting);
    await_end(trial, traded, TRADING_EXEC_TYPE_TRADE);
    close_venue(trial);
    open_venue(trial);
    ask_status(trial, resting);
    CHECK(trial, resting->order_status == 0);
    resting->order.filled_quantity = resting->filled = 2 * ONE;
    resting->order.price = trial->contract->price;
    submit(trial, resting);
    await_end(trial, resting, TRADING_EXEC_TYPE_TRADE);
    CHECK(trial, resting->filled == 5 * ONE && resting->trades[0].quantity <= 3 * ONE);
}

const struct venue_case venue_cases[] = {
    {"market-orders-trade", market_orders_trade, 0},
    {"limit-orders-trade", limit_orders_trade, 0},
    {"orders-rest-until-canceled", orders_rest_until_canceled, 0},
    {"immediate-or-cancel", immediate_or_cancel, 0},
    {"rejected", rejected, VENUE_CONTRACT_REJECTS},
    {"a-known-order-is-ignored", a_known_order_is_ignored, 0},
    {"a-cancel-that-comes-to-nothing", a_cancel_that_comes_to_nothing, 0},
    {"all-is-told-again", all_is_told_again, 0},
    {"an-unknown-order-is-said-to-be", an_unknown_order_is_said_to_be, 0},
    {"a-status-follows-its-order", a_status_follows_its_order, 0},
    {"polls-wait-as-long-as-they-may", polls_wait_as_long_as_they_may, 0},
    {"many-orders", many_orders, 0},
    {"submitted-while-waiting", submitted_while_waiting, 0},
    {"closed-before-it-was-read", closed_before_it_was_read, 0},
    {"opened-again", all_is_there_when_it_is_opened_again, VENUE_CONTRACT_LASTS},
    {"forgotten", it_goes_on_with_what_it_forgot, VENUE_CONTRACT_FORGETS},
    {0},
};
