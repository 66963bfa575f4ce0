/* Readers beside the writer: whatever they see is whole, and of one position. */
#include "view_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#define READERS  3
#define BATCHES  90
#define COMMANDS 10

struct crowd {
    struct desk desk;
    _Atomic bool done;
    sem_t read; /* how many looks were taken that the writer has not gone on after */
};

static trading_decimal total_of(const trading_total *total)
{
    trading_decimal value = 0;
    assert_int_equal(trading_decimal_parse(total->text, strlen(total->text), &value), TRADING_OK);
    return value;
}

/* All accounts of a view make up what its ledger says. */
static void check_sums(trading_view *view)
{
    trading_error error;
    trading_id accounts[8];
    trading_ledger ledger = {.size = sizeof ledger};
    uint64_t cursor = 0;
    size_t count;
    trading_decimal sum = 0;
    must(trading_view_accounts(view, &cursor, accounts, 8, &count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        trading_account account = {.size = sizeof account};
        must(trading_view_account(view, &accounts[i], &account, &error), &error);
        assert_int_equal(account.position, trading_view_position(view));
        sum += account.balance;
    }
    cursor = 0;
    must(trading_view_ledger(view, &cursor, &ledger, &error), &error);
    assert_int_equal(total_of(&ledger.customers), sum);
    assert_int_equal(
        sum + total_of(&ledger.house) + total_of(&ledger.bank) + total_of(&ledger.clearing) + total_of(&ledger.fee), 0);
}

/* Each call on a view of the latest is whole by itself. */
static void check_latest(const struct crowd *crowd, trading_view *view)
{
    trading_error error;
    trading_portfolio portfolio = {.size = sizeof portfolio};
    trading_position positions[4];
    trading_event events[8];
    uint64_t cursor = 0;
    size_t count;
    must(trading_view_portfolio(view, &crowd->desk.ann.portfolio, &portfolio, &error), &error);
    assert_int_equal(portfolio.unrealized_pnl, portfolio.market_value - portfolio.cost_basis);
    must(trading_view_positions(view, &crowd->desk.ann.portfolio, &cursor, positions, 4, &count, &error), &error);
    for (size_t i = 0; i < count; i++)
        assert_true(positions[i].reserved <= positions[i].quantity);
    cursor = 0;
    must(trading_view_history(view, TRADING_ENTITY_ACCOUNT, &crowd->desk.bob.account, &cursor, events, 8, &count, &error),
         &error);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(events[i].position, events[i - 1].previous);
}

static void *read_on(void *arg)
{
    struct crowd *crowd = arg;
    trading_view *latest = view_at(&crowd->desk, TRADING_VIEW_LATEST);
    do {
        trading_view *now = view_at(&crowd->desk, TRADING_VIEW_NOW);
        check_sums(now);
        char *text = view_text(now, 5);
        check_latest(crowd, latest);
        char *again = view_text(now, 64);
        assert_string_equal(text, again);
        free(text);
        free(again);
        trading_view_close(now);
        sem_post(&crowd->read);
    } while (!atomic_load(&crowd->done));
    trading_view_close(latest);
    return NULL;
}

static void *verify_on(void *arg)
{
    struct crowd *crowd = arg;
    trading_error error;
    do {
        trading_verification found = TRADING_VERIFICATION_INIT;
        must(trading_engine_verify(crowd->desk.engine, &found, NULL, NULL, &error), &error);
        assert_string_equal(found.finding, "");
    } while (!atomic_load(&crowd->done));
    return NULL;
}

static void write_batch(struct crowd *crowd, uint64_t *seed)
{
    struct desk *desk = &crowd->desk;
    trading_place_order orders[COMMANDS];
    trading_command commands[COMMANDS];
    trading_result results[COMMANDS];
    trading_error error;
    for (size_t i = 0; i < COMMANDS; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t dice = *seed >> 33;
        const struct trader *trader = dice & 1 ? &desk->ann : &desk->bob;
        orders[i] = order_of(&trader->portfolio, dice & 2 ? TRADING_SIDE_BUY : TRADING_SIDE_SELL, dice & 4 ? "AAPL" : "MSFT",
                             UNITS(1), UNITS(15 + dice / 8 % 10));
        if (dice & 256)
            orders[i].time_in_force = TRADING_TIME_IN_FORCE_IOC;
        commands[i] = (trading_command){.type = TRADING_COMMAND_PLACE_ORDER, .body = &orders[i], .body_size = sizeof orders[i]};
    }
    must(trading_engine_execute(desk->engine, commands, COMMANDS, results, &error), &error);
}

static void set_up_crowd(struct crowd *crowd)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.durability = TRADING_DURABILITY_PROCESS;
    options.batch_commands = 7;
    options.view_bytes = UINT64_C(1) << 30;
    desk_open(&crowd->desk, &options);
    crowd->desk.ann = desk_trader(&crowd->desk, "Ann", UNITS(1000000));
    crowd->desk.bob = desk_trader(&crowd->desk, "Bob", UNITS(1000000));
    desk_quote(&crowd->desk, "AAPL", UNITS(18), UNITS(20));
    desk_quote(&crowd->desk, "MSFT", UNITS(18), UNITS(20));
}

/* The writer goes on after each look that somebody took, while the others look. */
static void readers_see_whole_states(void **state)
{
    (void)state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    set_up_crowd(crowd);
    sem_init(&crowd->read, 0, 0);
    pthread_t threads[READERS + 1];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, crowd), 0);
    assert_int_equal(pthread_create(&threads[READERS], NULL, verify_on, crowd), 0);
    uint64_t seed = 11;
    for (size_t i = 0; i < BATCHES; i++) {
        sem_wait(&crowd->read);
        write_batch(crowd, &seed);
    }
    atomic_store(&crowd->done, true);
    for (size_t i = 0; i < READERS + 1; i++)
        pthread_join(threads[i], NULL);
    sem_destroy(&crowd->read);
    desk_close(&crowd->desk);
    free(crowd);
}

/* An account that each event pays a unit into: what it has follows from the position, so that one read of one moment and the other of
 * another are told apart. */
struct counted {
    struct desk desk;
    trading_id account;
    int64_t start; /* the position at which it has nothing */
    _Atomic bool done;
};

static void *count_on(void *arg)
{
    struct counted *counted = arg;
    trading_view *view = view_at(&counted->desk, TRADING_VIEW_LATEST);
    trading_account account = {.size = sizeof account};
    trading_error error;
    int64_t before = counted->start;
    do {
        must(trading_view_account(view, &counted->account, &account, &error), &error);
        assert_int_equal(account.balance, UNITS(account.position - counted->start));
        assert_int_equal(account.version - 1, account.position - counted->start);
        assert_true(account.position >= before);
        before = account.position;
    } while (!atomic_load(&counted->done));
    trading_view_close(view);
    return NULL;
}

static void a_single_account_is_of_its_position(void **state)
{
    (void)state;
    struct counted *counted = calloc(1, sizeof *counted);
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.batch_commands = 3;
    desk_open(&counted->desk, &options);
    counted->account = desk_trader(&counted->desk, "Ann", 0).account;
    trading_view *view = view_at(&counted->desk, TRADING_VIEW_LATEST);
    counted->start = trading_view_position(view);
    trading_view_close(view);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_on, counted), 0);
    trading_cash cash = TRADING_CASH_INIT;
    cash.amount = UNITS(1);
    trading_command commands[COMMANDS];
    trading_result results[COMMANDS];
    trading_error error;
    for (size_t i = 0; i < COMMANDS; i++)
        commands[i] = (trading_command){
            .type = TRADING_COMMAND_DEPOSIT, .account = counted->account, .body = &cash, .body_size = sizeof cash};
    for (size_t i = 0; i < 40 * BATCHES; i++)
        must(trading_engine_execute(counted->desk.engine, commands, COMMANDS, results, &error), &error);
    atomic_store(&counted->done, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    desk_close(&counted->desk);
    free(counted);
}

/* One view, many threads: they take turns with the commit that it keeps. */
struct sharer {
    trading_view *view;
    const trading_id *account;
    char *text;
};

static void *share(void *arg)
{
    struct sharer *sharer = arg;
    size_t size;
    FILE *out = open_memstream(&sharer->text, &size);
    trading_error error;
    trading_event event;
    trading_profile profile = {.size = sizeof profile};
    uint64_t cursor = 0;
    size_t count;
    do {
        must(trading_view_history(sharer->view, TRADING_ENTITY_ACCOUNT, sharer->account, &cursor, &event, 1, &count, &error),
             &error);
        must(trading_view_profile(sharer->view, sharer->account, &profile, &error), &error);
        fprintf(out, "%lld %s\n", count ? (long long)event.position : -1, profile.name);
    } while (count);
    fclose(out);
    return NULL;
}

static void a_view_is_shared_by_threads(void **state)
{
    (void)state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    set_up_crowd(crowd);
    uint64_t seed = 12;
    for (size_t round = 0; round < 4; round++)
        write_batch(crowd, &seed);
    trading_view *view = view_at(&crowd->desk, TRADING_VIEW_NOW);
    struct sharer sharers[READERS];
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++) {
        sharers[i] = (struct sharer){view, &crowd->desk.ann.account, NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, share, &sharers[i]), 0);
    }
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < READERS; i++) {
        assert_string_equal(sharers[i].text, sharers[0].text);
        assert_non_null(strstr(sharers[i].text, "Ann"));
    }
    for (size_t i = 0; i < READERS; i++)
        free(sharers[i].text);
    trading_view_close(view);
    desk_close(&crowd->desk);
    free(crowd);
}

int view_thread_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_states),
        cmocka_unit_test(a_single_account_is_of_its_position),
        cmocka_unit_test(a_view_is_shared_by_threads),
    };
    return cmocka_run_group_tests_name("views and threads", tests, NULL, NULL);
}
