/* Histories: chains are complete and fall into place in the journal; what each event tells; executions. */
#include "view_test.h"

#include <stdlib.h>

#define MOST 4096

struct past {
    struct desk desk;
    trading_event *journal; /* all events, by position */
    int64_t end;
    trading_error error;
};

static int32_t collect(void *arg, const struct commit *commit, trading_error *error)
{
    struct past *past = arg;
    struct event_reader events;
    struct event event;
    struct cause cause;
    event_reader_begin(&events, commit);
    while (event_reader_next(&events, &event, &cause)) {
        assert_int_equal(event.position, past->end);
        assert_true(past->end < MOST);
        must(event_publish(&past->desk.engine->domain, commit, &cause, &event, &past->journal[past->end++], error), error);
    }
    return event_reader_end(&events, error);
}

static void collect_journal(struct past *past)
{
    past->end = 0;
    must(journal_walk(&past->desk.engine->journal, 0, collect, past, &past->error), &past->error);
}

static int set_up(void **state)
{
    struct past *past = calloc(1, sizeof *past);
    past->journal = calloc(MOST, sizeof *past->journal);
    desk_open(&past->desk, NULL);
    desk_morning(&past->desk);
    collect_journal(past);
    *state = past;
    return 0;
}

static int tear_down(void **state)
{
    struct past *past = *state;
    desk_close(&past->desk);
    free(past->journal);
    free(past);
    return 0;
}

static const trading_event *find(const struct past *past, int32_t kind, size_t which)
{
    for (int64_t i = 0; i < past->end; i++)
        if (past->journal[i].kind == kind && which-- == 0)
            return &past->journal[i];
    fail_msg("there is no such event: %s", trading_event_name(kind));
    return NULL;
}

static bool same(const trading_id *a, const trading_id *b)
{
    return !memcmp(a, b, sizeof *a);
}

/* ---- what an event tells ---- */

static void an_order_that_was_placed(void **state)
{
    struct past *past = *state;
    const trading_event *placed = find(past, TRADING_EVENT_ORDER_PLACED, 4); /* 1 at 125, of the second lot */
    assert_int_equal(placed->entity, TRADING_ENTITY_ORDER);
    assert_int_equal(placed->command, TRADING_COMMAND_PLACE_ORDER);
    assert_int_equal(placed->previous, -1);
    assert_true(same(&placed->account, &past->desk.ann.account));
    assert_true(same(&placed->portfolio, &past->desk.ann.portfolio));
    assert_true(same(&placed->lot, &past->desk.lots[1]));
    assert_string_equal(placed->symbol.text, "AAPL");
    assert_int_equal(placed->side, TRADING_SIDE_SELL);
    assert_int_equal(placed->order_type, TRADING_ORDER_TYPE_LIMIT);
    assert_int_equal(placed->time_in_force, TRADING_TIME_IN_FORCE_GTC);
    assert_int_equal(placed->quantity, UNITS(1));
    assert_int_equal(placed->price, UNITS(125));
    assert_false(trading_id_is_zero(&placed->key));

    const trading_event *rejected = find(past, TRADING_EVENT_ORDER_REJECTED, 0);
    assert_int_equal(rejected->reason, TRADING_REASON_INSUFFICIENT_FUNDS);
    assert_int_equal(rejected->required, UNITS(20000));
    assert_int_equal(rejected->available, CENTS(408115));
    assert_string_equal(rejected->symbol.text, "MSFT");
}

static void a_trade_between_customers(void **state)
{
    struct past *past = *state;
    const trading_event *taker = NULL;
    for (size_t i = 0; !taker; i++) {
        const trading_event *executed = find(past, TRADING_EVENT_ORDER_EXECUTED, i);
        if (same(&executed->order, &past->desk.lots[2]))
            taker = executed;
    }
    const trading_event *maker = taker + 1;
    assert_int_equal(maker->kind, TRADING_EVENT_ORDER_EXECUTED);
    assert_true(same(&taker->counter_order, &maker->order));
    assert_true(same(&maker->counter_order, &taker->order));
    assert_true(same(&taker->account, &past->desk.bob.account));
    assert_true(same(&maker->account, &past->desk.ann.account));
    assert_int_equal(taker->side, TRADING_SIDE_BUY);
    assert_int_equal(maker->side, TRADING_SIDE_SELL);
    assert_int_equal(taker->quantity, UNITS(2));
    assert_int_equal(taker->price, UNITS(120));
    assert_int_equal(taker->amount, UNITS(240));
    assert_string_equal(maker->symbol.text, "AAPL");

    const trading_event *paid = maker + 1;
    assert_int_equal(paid->kind, TRADING_EVENT_FUNDS_PAID);
    assert_true(same(&paid->order, &taker->order));
    assert_true(same(&paid->account, &taker->account));
    assert_int_equal(paid->amount, UNITS(240));
    assert_int_equal(paid->held, UNITS(242));
    const trading_event *acquired = maker + 2;
    assert_int_equal(acquired->kind, TRADING_EVENT_LOT_ACQUIRED);
    assert_true(same(&acquired->lot, &taker->order));
    assert_true(same(&acquired->portfolio, &past->desk.bob.portfolio));
    assert_true(same(&acquired->account, &past->desk.bob.account));
    assert_string_equal(acquired->symbol.text, "AAPL");
    const trading_event *disposed = maker + 4;
    assert_int_equal(disposed->kind, TRADING_EVENT_LOT_DISPOSED);
    assert_true(same(&disposed->order, &maker->order));
    assert_true(same(&disposed->lot, &past->desk.lots[1]));
    assert_int_equal(disposed->amount, UNITS(240));
    assert_int_equal(disposed->cost, UNITS(220));
}

static void a_trade_with_the_house(void **state)
{
    struct past *past = *state;
    const trading_event *taken = find(past, TRADING_EVENT_QUOTE_TAKEN, 0);
    assert_int_equal(taken->entity, TRADING_ENTITY_INSTRUMENT);
    assert_string_equal(taken->symbol.text, "AAPL");
    assert_true(same(&taken->order, &past->desk.lots[0]));
    assert_int_equal(taken->side, TRADING_SIDE_SELL);
    assert_int_equal(taken->quantity, UNITS(10));
    assert_int_equal(taken->price, UNITS(100));
    assert_int_equal(taken->amount, UNITS(1000));
    assert_true(trading_id_is_zero(&taken->account));
    assert_true(trading_id_is_zero(&(taken - 1)->counter_order)); /* of the execution */
    const trading_event *quote = find(past, TRADING_EVENT_QUOTE_SET, 2);
    assert_int_equal(quote->bid, UNITS(100));
    assert_int_equal(quote->bid_size, TRADING_SIZE_UNLIMITED);
    assert_int_equal(quote->ask, 0);
}

static void reservations_and_openings(void **state)
{
    struct past *past = *state;
    const trading_event *opened = find(past, TRADING_EVENT_ACCOUNT_OPENED, 1);
    assert_true(same(&opened->account, &past->desk.bob.account));
    assert_string_equal(opened->currency.text, "USD");
    const trading_event *portfolio = find(past, TRADING_EVENT_PORTFOLIO_OPENED, 1);
    assert_true(same(&portfolio->account, &past->desk.bob.account));
    assert_true(same(&portfolio->portfolio, &past->desk.bob.portfolio));
    const trading_event *reserved = find(past, TRADING_EVENT_SHARES_RESERVED, 1); /* 2 of the second lot */
    assert_true(same(&reserved->lot, &past->desk.lots[1]));
    assert_true(same(&reserved->account, &past->desk.ann.account));
    assert_string_equal(reserved->symbol.text, "AAPL");
    assert_int_equal(reserved->quantity, UNITS(2));
    reserved = find(past, TRADING_EVENT_SHARES_RESERVED, 3); /* of any */
    assert_true(trading_id_is_zero(&reserved->lot));
}

/* Two buyers pay 0.5 × 1.000001 each, rounded; the seller receives 1.000001 in all: what that lacks the house pays. */
static void what_rounding_leaves_is_told(void **state)
{
    struct past *past = *state;
    struct desk *desk = &past->desk;
    desk_quote(desk, "ODD", 0, UNITS(1));
    desk_buy(desk, &desk->ann, "ODD", UNITS(1), 0);
    desk_quote(desk, "ODD", 0, 0);
    desk_sell(desk, &desk->ann, "ODD", UNITS(1), UNITS(1) + 1);
    desk_buy(desk, &desk->bob, "ODD", UNITS(1) / 2, UNITS(2));
    desk_buy(desk, &desk->bob, "ODD", UNITS(1) / 2, UNITS(2));
    collect_journal(past);
    const trading_event *first = find(past, TRADING_EVENT_FUNDS_RECEIVED, 2);
    const trading_event *second = find(past, TRADING_EVENT_FUNDS_RECEIVED, 3);
    assert_int_equal(first->amount, 500000);
    assert_int_equal(first->rounding, 0);
    assert_int_equal(second->amount, 500001);
    assert_int_equal(second->rounding, -1);
}

static void rejections_and_sessions_of_nobody(void **state)
{
    struct past *past = *state;
    trading_set_quote other = TRADING_SET_QUOTE_INIT;
    other.symbol = symbol_of("AAPL");
    memcpy(other.currency.text, "EUR", 3);
    other.bid = UNITS(1);
    desk_run(&past->desk, TRADING_COMMAND_SET_QUOTE, &nobody, &other, sizeof other);
    desk_run(&past->desk, TRADING_COMMAND_END_SESSION, &nobody, NULL, 0);
    collect_journal(past);
    const trading_event *rejected = find(past, TRADING_EVENT_COMMAND_REJECTED, 0);
    assert_int_equal(rejected->entity, 0);
    assert_int_equal(rejected->reason, TRADING_REASON_OTHER_CURRENCY);
    assert_true(trading_id_is_zero(&rejected->account));
    const trading_event *ended = find(past, TRADING_EVENT_SESSION_ENDED, 0);
    assert_int_equal(ended->entity, 0);
    assert_string_equal(ended->symbol.text, "");
    const trading_event *expired = find(past, TRADING_EVENT_ORDER_EXPIRED, 0);
    assert_int_equal(expired->quantity, UNITS(1));
    assert_int_equal(expired->time_in_force, TRADING_TIME_IN_FORCE_DAY);
    assert_true(same(&expired->account, &past->desk.bob.account));
}

/* ---- chains ---- */

/* The entity's id, as history takes it. */
static trading_id id_of(const trading_event *event)
{
    trading_id symbol;
    switch (event->entity) {
    case TRADING_ENTITY_ACCOUNT:
        return event->account;
    case TRADING_ENTITY_PORTFOLIO:
        return event->portfolio;
    case TRADING_ENTITY_ORDER:
        return event->order;
    default:
        memcpy(symbol.bytes, event->symbol.text, sizeof symbol.bytes);
        return symbol;
    }
}

static bool is_of(const trading_event *event, int32_t entity, const trading_id *id)
{
    trading_id own = id_of(event);
    return event->entity == entity && same(&own, id);
}

/* The entity's history is exactly what the journal has of it before the end, backwards. */
static void check_history(struct past *past, trading_view *view, int64_t end, int32_t entity, const trading_id *id, size_t page)
{
    trading_event events[64];
    uint64_t cursor = 0;
    size_t count;
    int64_t at = end;
    do {
        must(trading_view_history(view, entity, id, &cursor, events, page, &count, &past->error), &past->error);
        for (size_t i = 0; i < count; i++) {
            do
                at--;
            while (at >= 0 && !is_of(&past->journal[at], entity, id));
            assert_true(at >= 0);
            assert_memory_equal(&events[i], &past->journal[at], sizeof *events);
        }
    } while (count);
    while (--at >= 0)
        assert_false(is_of(&past->journal[at], entity, id));
}

static void check_histories(struct past *past, trading_view *view, size_t page)
{
    int64_t end = trading_view_position(view);
    for (int64_t at = 0; at < end; at++) {
        const trading_event *event = &past->journal[at];
        if (event->entity == 0 || event->previous != -1)
            continue;
        trading_id id = id_of(event);
        check_history(past, view, end, event->entity, &id, page);
    }
}

/* Random commands, one a commit, and then many in one. */
static void live_a_while(struct past *past)
{
    uint64_t seed = 99;
    for (size_t i = 0; i < 60; i++)
        desk_random(&past->desk, &seed);
    enum { BATCH = 100 };
    trading_cash body = TRADING_CASH_INIT;
    body.amount = UNITS(1);
    trading_command commands[BATCH];
    trading_result results[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        commands[i] = (trading_command){.type = TRADING_COMMAND_DEPOSIT,
                                        .account = i % 3 ? past->desk.ann.account : past->desk.bob.account,
                                        .body = &body,
                                        .body_size = sizeof body};
    must(trading_engine_execute(past->desk.engine, commands, BATCH, results, &past->error), &past->error);
}

static void histories_are_complete(void **state)
{
    struct past *past = *state;
    live_a_while(past);
    trading_view *pinned = view_at(&past->desk, TRADING_VIEW_NOW);
    uint64_t seed = 3;
    for (size_t i = 0; i < 40; i++)
        desk_random(&past->desk, &seed);
    collect_journal(past);
    trading_view *latest = view_at(&past->desk, TRADING_VIEW_LATEST);
    trading_view *old = view_at(&past->desk, past->end / 3);
    trading_view *views[] = {pinned, latest, old};
    static const size_t pages[] = {1, 7, 64};
    for (size_t i = 0; i < 3; i++) {
        for (size_t page = 0; page < 3; page++)
            check_histories(past, views[i], pages[page]);
        trading_view_close(views[i]);
    }
}

static size_t count_executions(const struct past *past, const trading_id *order)
{
    size_t count = 0;
    for (int64_t i = 0; i < past->end; i++)
        count += past->journal[i].kind == TRADING_EVENT_ORDER_EXECUTED && same(&past->journal[i].order, order);
    return count;
}

static void executions_are_those_of_the_order(void **state)
{
    struct past *past = *state;
    live_a_while(past);
    collect_journal(past);
    trading_view *view = view_at(&past->desk, TRADING_VIEW_NOW);
    size_t most = 0;
    for (int64_t i = 0; i < past->end; i++) {
        if (past->journal[i].kind != TRADING_EVENT_ORDER_PLACED)
            continue;
        trading_execution execution;
        uint64_t cursor = 0;
        size_t met = 0;
        size_t count;
        int64_t before = INT64_MAX;
        for (;;) {
            must(trading_view_executions(view, &past->journal[i].order, &cursor, &execution, 1, &count, &past->error),
                 &past->error);
            if (!count)
                break;
            const trading_event *event = &past->journal[execution.position];
            assert_true(execution.position < before);
            assert_int_equal(event->kind, TRADING_EVENT_ORDER_EXECUTED);
            assert_int_equal(event->amount, execution.consideration);
            assert_int_equal(event->time, execution.time);
            before = execution.position;
            met++;
        }
        assert_int_equal(met, count_executions(past, &past->journal[i].order));
        most = met > most ? met : most;
    }
    assert_true(most >= 2);
    trading_view_close(view);
}

/* A cursor of one history is none of another. */
static void a_cursor_of_another_history_is_refused(void **state)
{
    struct past *past = *state;
    trading_view *view = view_at(&past->desk, TRADING_VIEW_NOW);
    trading_event event;
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_history(view, TRADING_ENTITY_ACCOUNT, &past->desk.ann.account, &cursor, &event, 1, &count, &past->error),
         &past->error);
    uint64_t kept = cursor;
    assert_int_equal(
        trading_view_history(view, TRADING_ENTITY_ACCOUNT, &past->desk.bob.account, &cursor, &event, 1, &count, NULL),
        TRADING_E_INVALID);
    assert_int_equal(cursor, kept);
    trading_view_close(view);
}

int view_history_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_that_was_placed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trade_between_customers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trade_with_the_house, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reservations_and_openings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_rounding_leaves_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rejections_and_sessions_of_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(histories_are_complete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(executions_are_those_of_the_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cursor_of_another_history_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("histories", tests, NULL, NULL);
}
