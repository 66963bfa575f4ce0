/* The engine as its hosts use it: many threads, submissions and completions, refusals, closing, forks, and memory that runs out. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <trading.h>

#include <cmocka.h>

#define THREADS  8
#define ROUNDS   200
#define ACCOUNTS 16

struct fixture {
    trading_host *host;
    trading_engine *engine;
    char folder[64];
    char uri[80];
    trading_id accounts[ACCOUNTS];
};

static void open_with(struct fixture *fixture, const trading_engine_options *options)
{
    trading_error error;
    if (trading_engine_open(&fixture->engine, fixture->host, fixture->uri, options, &error))
        fail_msg("%s", error.message);
}

static trading_result execute(struct fixture *fixture, const trading_command *command)
{
    trading_error error;
    trading_result result;
    if (trading_engine_execute(fixture->engine, command, 1, &result, &error))
        fail_msg("%s", error.message);
    return result;
}

static trading_command deposit_of(const trading_id *account, const trading_cash *cash, uint64_t key)
{
    trading_command command = {.type = TRADING_COMMAND_DEPOSIT, .account = *account, .body = cash, .body_size = sizeof *cash};
    memcpy(command.key.bytes, &key, sizeof key);
    return command;
}

static trading_cash cash_of(int64_t amount)
{
    trading_cash cash = TRADING_CASH_INIT;
    cash.amount = amount * TRADING_DECIMAL_ONE;
    return cash;
}

static void open_accounts(struct fixture *fixture)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    for (uint64_t i = 0; i < ACCOUNTS; i++) {
        trading_command command = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
        command.key.bytes[0] = (uint8_t)(i + 1);
        fixture->accounts[i] = execute(fixture, &command).account;
    }
}

static trading_decimal balance_of(struct fixture *fixture, const trading_id *account)
{
    trading_view *view;
    trading_account shown = {.size = sizeof shown};
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_LATEST, NULL), TRADING_OK);
    assert_int_equal(trading_view_account(view, account, &shown, NULL), TRADING_OK);
    trading_view_close(view);
    return shown.balance;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/engine-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->uri, sizeof fixture->uri, "lmdb:%s", fixture->folder);
    assert_int_equal(trading_host_open(&fixture->host, NULL, NULL), TRADING_OK);
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.checkpoint_events = 500; /* so that checkpoints run beside everything */
    options.snapshot_events = 700;
    open_with(fixture, &options);
    open_accounts(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(trading_engine_close(fixture->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
    assert_int_equal(trading_host_memory(fixture->host), 0);
    assert_int_equal(trading_host_close(fixture->host, NULL), TRADING_OK);
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void expect_sound(struct fixture *fixture)
{
    trading_verification verification = TRADING_VERIFICATION_INIT;
    assert_int_equal(trading_engine_verify(fixture->engine, &verification, NULL, NULL, NULL), TRADING_OK);
    assert_string_equal(verification.finding, "");
    assert_int_equal(verification.sound, 1);
}

/* ---- many threads ---- */

struct worker {
    struct fixture *fixture;
    uint64_t number;
    pthread_t thread;
    pthread_barrier_t *others; /* who begin with it; NULL: it is alone */
};

/* Each deposits 1 under keys of its own, and each deposit twice. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    trading_cash cash = cash_of(1);
    if (worker->others)
        pthread_barrier_wait(worker->others);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        const trading_id *account = &worker->fixture->accounts[i % ACCOUNTS];
        trading_command command = deposit_of(account, &cash, worker->number << 32 | (i + 1));
        trading_result first;
        trading_result second;
        if (trading_engine_execute(worker->fixture->engine, &command, 1, &first, NULL) ||
            trading_engine_execute(worker->fixture->engine, &command, 1, &second, NULL))
            return worker;
        if (first.status != TRADING_STATUS_ACCEPTED || second.status != TRADING_STATUS_DUPLICATE ||
            first.position != second.position || first.version != second.version)
            return worker;
    }
    return NULL;
}

/* All at once: on busy processors the first would else be done before the last has begun, and share its commits with nobody. */
static void let_all_work(struct fixture *fixture)
{
    struct worker workers[THREADS];
    pthread_barrier_t others;
    pthread_barrier_init(&others, NULL, THREADS);
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.fixture = fixture, .number = i + 1, .others = &others};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(workers[i].thread, &failed);
        assert_null(failed);
    }
    pthread_barrier_destroy(&others);
    trading_decimal sum = 0;
    for (size_t i = 0; i < ACCOUNTS; i++)
        sum += balance_of(fixture, &fixture->accounts[i]);
    assert_int_equal(sum, THREADS * ROUNDS * TRADING_DECIMAL_ONE);
}

/* Checkpoints are due by then, and written by a thread of its own, when that comes to run. */
static void await_checkpoint(struct fixture *fixture)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    for (int patience = 60000; !info.checkpoint_position && patience; patience--) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    }
    assert_true(info.checkpoint_position > 0);
}

static void test_threads_share_commits(void **state)
{
    struct fixture *fixture = *state;
    let_all_work(fixture);
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    assert_true(info.commits < info.events);
    await_checkpoint(fixture);
    expect_sound(fixture);
}

/* With a delay beyond all patience: those who came together are awaited together, and the end of their work is not awaited at all. */
static void test_a_group_is_awaited(void **state)
{
    struct fixture *fixture = *state;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.group_delay = -1;
    trading_engine *refused;
    assert_int_equal(trading_engine_open(&refused, fixture->host, "memory:", &options, NULL), TRADING_E_INVALID);
    options.group_delay = 20000000;
    assert_int_equal(trading_engine_close(fixture->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
    open_with(fixture, &options);
    let_all_work(fixture);
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    assert_true(info.commits * 2 < info.events);
    expect_sound(fixture);
}

/* Though the delay is an hour. */
static void test_who_is_alone_waits_for_nobody(void **state)
{
    struct fixture *fixture = *state;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.group_delay = INT64_C(3600000000000);
    assert_int_equal(trading_engine_close(fixture->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
    open_with(fixture, &options);
    struct worker alone = {.fixture = fixture, .number = 1};
    assert_null(work(&alone));
    expect_sound(fixture);
}

static void test_completions_come_in_order(void **state)
{
    struct fixture *fixture = *state;
    static trading_command commands[256][10];
    static trading_result results[256][10];
    trading_cash cash = cash_of(2);
    for (uint64_t i = 0; i < 256; i++) {
        for (uint64_t j = 0; j < 10; j++)
            commands[i][j] = deposit_of(&fixture->accounts[j], &cash, i * 10 + j + 1);
        assert_int_equal(trading_engine_submit(fixture->engine, commands[i], 10, results[i], i, NULL), TRADING_OK);
    }
    struct pollfd descriptor = {.fd = trading_engine_fd(fixture->engine), .events = POLLIN};
    for (uint64_t next = 0; next < 256;) {
        assert_int_equal(poll(&descriptor, 1, 60000), 1);
        trading_engine_fd_clear(fixture->engine);
        trading_completion completions[7];
        size_t taken;
        while (trading_engine_poll(fixture->engine, completions, 7, &taken, 0, NULL) == TRADING_OK) {
            for (size_t i = 0; i < taken; i++) {
                assert_int_equal(completions[i].tag, next);
                assert_int_equal(completions[i].count, 10);
                assert_ptr_equal(completions[i].results, results[next]);
                assert_int_equal(completions[i].results[9].status, TRADING_STATUS_ACCEPTED);
                next++;
            }
        }
        assert_int_equal(taken, 0);
    }
    assert_int_equal(balance_of(fixture, &fixture->accounts[3]), 512 * TRADING_DECIMAL_ONE);
}

static void test_queue_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.queue_commands = 10;
    assert_int_equal(trading_engine_close(fixture->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
    open_with(fixture, &options);
    trading_cash cash = cash_of(1);
    trading_command commands[25];
    trading_result results[25];
    trading_error error;
    for (uint64_t i = 0; i < 25; i++)
        commands[i] = deposit_of(&fixture->accounts[0], &cash, 1000 + i);
    assert_int_equal(trading_engine_submit(fixture->engine, commands, 6, results, 1, NULL), TRADING_OK);
    assert_int_equal(trading_engine_submit(fixture->engine, commands + 6, 6, results + 6, 2, &error), TRADING_E_BUSY);
    assert_true(error.flags & TRADING_ERROR_RETRYABLE);
    assert_int_equal(trading_engine_step(fixture->engine, 1, NULL, NULL), TRADING_OK);
    trading_completion completion;
    size_t taken;
    assert_int_equal(trading_engine_poll(fixture->engine, &completion, 1, &taken, -1, NULL), TRADING_OK);
    /* more than the queue holds is executed in pieces */
    assert_int_equal(trading_engine_execute(fixture->engine, commands, 25, results, NULL), TRADING_OK);
    assert_int_equal(results[0].status, TRADING_STATUS_DUPLICATE);
    assert_int_equal(results[24].status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(balance_of(fixture, &fixture->accounts[0]), 25 * TRADING_DECIMAL_ONE);
}

/* ---- answers ---- */

static void test_key_names_one_command(void **state)
{
    struct fixture *fixture = *state;
    trading_cash one = cash_of(1);
    trading_cash two = cash_of(2);
    trading_command command = deposit_of(&fixture->accounts[0], &one, 7);
    trading_result first = execute(fixture, &command);
    command.body = &two;
    assert_int_equal(execute(fixture, &command).status, TRADING_STATUS_KEY_REUSED);
    command.account = fixture->accounts[1]; /* another scope */
    assert_int_equal(execute(fixture, &command).status, TRADING_STATUS_ACCEPTED);
    command = deposit_of(&fixture->accounts[0], &one, 7);
    command.expected_version = 99; /* what was done is answered before what is expected is looked at */
    trading_result again = execute(fixture, &command);
    assert_int_equal(again.status, TRADING_STATUS_DUPLICATE);
    assert_int_equal(again.position, first.position);
    command = deposit_of(&fixture->accounts[0], &one, 8);
    command.expected_version = 99;
    trading_result conflict = execute(fixture, &command);
    assert_int_equal(conflict.status, TRADING_STATUS_CONFLICT);
    command.expected_version = conflict.version;
    assert_int_equal(execute(fixture, &command).status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(balance_of(fixture, &fixture->accounts[0]), 2 * TRADING_DECIMAL_ONE);
}

static void test_rejection_is_remembered(void **state)
{
    struct fixture *fixture = *state;
    trading_cash cash = cash_of(5);
    trading_command withdraw = deposit_of(&fixture->accounts[0], &cash, 21);
    withdraw.type = TRADING_COMMAND_WITHDRAW;
    trading_result first = execute(fixture, &withdraw);
    assert_int_equal(first.status, TRADING_STATUS_REJECTED);
    assert_int_equal(first.reason, TRADING_REASON_INSUFFICIENT_FUNDS);
    assert_int_equal(first.required, 5 * TRADING_DECIMAL_ONE);
    trading_command deposit = deposit_of(&fixture->accounts[0], &cash, 22);
    execute(fixture, &deposit);
    trading_result again = execute(fixture, &withdraw);
    assert_int_equal(again.status, TRADING_STATUS_DUPLICATE);
    assert_int_equal(again.reason, TRADING_REASON_INSUFFICIENT_FUNDS);
    assert_int_equal(balance_of(fixture, &fixture->accounts[0]), 5 * TRADING_DECIMAL_ONE);
}

static void test_unknown_account_is_not_remembered(void **state)
{
    struct fixture *fixture = *state;
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_command open = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body, .key = {{77}}};
    trading_id later = execute(fixture, &open).account;
    trading_id stranger = later;
    stranger.bytes[15] ^= 1;
    trading_cash cash = cash_of(1);
    trading_command deposit = deposit_of(&stranger, &cash, 30);
    assert_int_equal(execute(fixture, &deposit).reason, TRADING_REASON_UNKNOWN_ACCOUNT);
    deposit.account = later;
    assert_int_equal(execute(fixture, &deposit).status, TRADING_STATUS_ACCEPTED);
}

/* ---- one engine a store ---- */

static void test_second_engine_is_refused(void **state)
{
    struct fixture *fixture = *state;
    trading_engine *second;
    trading_error error;
    assert_int_equal(trading_engine_open(&second, fixture->host, fixture->uri, NULL, &error), TRADING_E_LOCKED);
    assert_null(second);
    assert_true(strlen(error.message) > 0);
    assert_int_equal(trading_engine_open(&second, fixture->host, "nothing:x", NULL, &error), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_engine_open(&second, fixture->host, "no-colon", NULL, &error), TRADING_E_SYNTAX);
    assert_int_equal(trading_host_close(fixture->host, &error), TRADING_E_BUSY);
}

static void test_fork_owns_nothing(void **state)
{
    struct fixture *fixture = *state;
    trading_view *view;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_LATEST, NULL), TRADING_OK);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        trading_cash cash = cash_of(1);
        trading_command command = deposit_of(&fixture->accounts[0], &cash, 1);
        trading_result result;
        int32_t code = trading_engine_execute(fixture->engine, &command, 1, &result, NULL);
        int32_t closed = trading_engine_close(fixture->engine, TRADING_CLOSE_DRAIN, NULL);
        trading_account account = TRADING_ACCOUNT_INIT;
        int32_t seen = trading_view_account(view, &fixture->accounts[0], &account, NULL);
        _exit(code == TRADING_E_FORKED && closed == TRADING_E_FORKED && seen == TRADING_E_FORKED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    trading_view_close(view);
}

static void test_close_waits_for_its_users(void **state)
{
    struct fixture *fixture = *state;
    trading_view *view;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    assert_int_equal(trading_engine_close(fixture->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_E_BUSY);
    trading_view_close(view);
    trading_cash cash = cash_of(1);
    trading_command command = deposit_of(&fixture->accounts[0], &cash, 1);
    assert_int_equal(execute(fixture, &command).status, TRADING_STATUS_ACCEPTED);
}

static void test_reopening_after_abandoning(void **state)
{
    struct fixture *fixture = *state;
    trading_cash cash = cash_of(3);
    trading_command command = deposit_of(&fixture->accounts[2], &cash, 5);
    trading_result first = execute(fixture, &command);
    assert_int_equal(trading_engine_close(fixture->engine, TRADING_CLOSE_ABANDON, NULL), TRADING_OK);
    open_with(fixture, NULL);
    trading_result again = execute(fixture, &command);
    assert_int_equal(again.status, TRADING_STATUS_DUPLICATE);
    assert_int_equal(again.position, first.position);
    assert_int_equal(balance_of(fixture, &fixture->accounts[2]), 3 * TRADING_DECIMAL_ONE);
    expect_sound(fixture);
}

/* ---- memory that runs out ---- */

static _Atomic int64_t allowance;

static void *scarce_allocate(void *context, size_t bytes)
{
    (void)context;
    return atomic_fetch_sub(&allowance, 1) > 0 ? malloc(bytes) : NULL;
}

static void scarce_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

/* A day that touches every kind of record. Any call may fail for want of memory; none may do half of its work. */
static bool live_a_day(trading_engine *engine, uint64_t *accepted)
{
    trading_open_account open = TRADING_OPEN_ACCOUNT_INIT;
    open.deposit = 1000 * TRADING_DECIMAL_ONE;
    open.name = (trading_text){"Ann", 3};
    trading_set_quote quote = TRADING_SET_QUOTE_INIT;
    memcpy(quote.symbol.text, "GOOG", 4);
    quote.ask = 10 * TRADING_DECIMAL_ONE;
    quote.bid = 9 * TRADING_DECIMAL_ONE;
    trading_place_order order = TRADING_PLACE_ORDER_INIT;
    order.symbol = quote.symbol;
    order.side = TRADING_SIDE_BUY;
    order.type = TRADING_ORDER_TYPE_MARKET;
    order.quantity = 3 * TRADING_DECIMAL_ONE;
    trading_command commands[3] = {
        {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &open, .body_size = sizeof open, .key = {{1}}},
        {.type = TRADING_COMMAND_SET_QUOTE, .body = &quote, .body_size = sizeof quote, .key = {{2}}},
        {.type = TRADING_COMMAND_PLACE_ORDER, .body = &order, .body_size = sizeof order, .key = {{3}}},
    };
    for (size_t i = 0; i < 3; i++) {
        trading_result result;
        if (trading_engine_execute(engine, &commands[i], 1, &result, NULL))
            return false;
        if (result.status != TRADING_STATUS_ACCEPTED && result.status != TRADING_STATUS_DUPLICATE)
            return false;
        *accepted += result.status == TRADING_STATUS_ACCEPTED;
        if (i == 0)
            order.portfolio = result.portfolio;
    }
    return true;
}

static void test_memory_may_run_out_anywhere(void **state)
{
    (void)state;
    bool lived = false;
    for (int64_t limit = 1; !lived; limit++) {
        assert_true(limit < 20000);
        trading_host_options options = TRADING_HOST_OPTIONS_INIT;
        options.log_level = 0;
        options.allocate = scarce_allocate;
        options.release = scarce_release;
        trading_host *host;
        trading_engine *engine;
        trading_engine_options manual = TRADING_ENGINE_OPTIONS_INIT;
        manual.flags = TRADING_ENGINE_MANUAL;
        atomic_store(&allowance, limit);
        if (trading_host_open(&host, &options, NULL))
            continue;
        uint64_t accepted = 0;
        if (trading_engine_open(&engine, host, "memory:", &manual, NULL) == TRADING_OK) {
            lived = live_a_day(engine, &accepted);
            atomic_store(&allowance, INT64_MAX); /* memory is back: the engine goes on where it was */
            assert_true(live_a_day(engine, &accepted));
            assert_int_equal(accepted, 3);
            trading_verification verification = TRADING_VERIFICATION_INIT;
            assert_int_equal(trading_engine_verify(engine, &verification, NULL, NULL, NULL), TRADING_OK);
            assert_string_equal(verification.finding, "");
            assert_int_equal(trading_engine_close(engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
        }
        assert_int_equal(trading_host_memory(host), 0);
        assert_int_equal(trading_host_close(host, NULL), TRADING_OK);
    }
}

/* Few commands wait for more; but not for such as cannot come, where the decider would ask again and again. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads_share_commits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_group_is_awaited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_alone_waits_for_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_completions_come_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_queue_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_key_names_one_command, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rejection_is_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_account_is_not_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second_engine_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fork_owns_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_close_waits_for_its_users, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reopening_after_abandoning, set_up, tear_down),
        cmocka_unit_test(test_memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
