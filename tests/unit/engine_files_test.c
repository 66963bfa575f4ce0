/* An engine and the files that its state lies in: what opening finds after a clean close, after none, and when a file is damaged. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trading.h>

#include <cmocka.h>

#define ACCOUNTS 400u /* several pages of them */

struct fixture {
    trading_host *host;
    trading_engine *engine;
    char folder[64];
    char uri[80];
    trading_id accounts[ACCOUNTS];
};

static void open_engine_as(struct fixture *fixture, const trading_engine_options *options)
{
    trading_error error;
    if (trading_engine_open(&fixture->engine, fixture->host, fixture->uri, options, &error))
        fail_msg("%s", error.message);
}

static void open_engine(struct fixture *fixture)
{
    open_engine_as(fixture, NULL);
}

static void close_engine(struct fixture *fixture, int32_t how)
{
    assert_int_equal(trading_engine_close(fixture->engine, how, NULL), TRADING_OK);
}

static trading_engine_info info_of(struct fixture *fixture)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    return info;
}

static void open_accounts(struct fixture *fixture)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_command commands[ACCOUNTS];
    static trading_result results[ACCOUNTS];
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        commands[i] = (trading_command){.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
        memcpy(commands[i].key.bytes, &(uint32_t){i + 1}, sizeof(uint32_t));
    }
    assert_int_equal(trading_engine_execute(fixture->engine, commands, ACCOUNTS, results, NULL), TRADING_OK);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        fixture->accounts[i] = results[i].account;
}

static int32_t deposit(struct fixture *fixture, uint32_t account, trading_error *error)
{
    trading_cash cash = TRADING_CASH_INIT;
    cash.amount = TRADING_DECIMAL_ONE;
    trading_command command = {
        .type = TRADING_COMMAND_DEPOSIT, .account = fixture->accounts[account], .body = &cash, .body_size = sizeof cash};
    trading_result result;
    int32_t code = trading_engine_execute(fixture->engine, &command, 1, &result, error);
    if (!code)
        assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
    return code;
}

static trading_decimal balance_of(struct fixture *fixture, uint32_t account)
{
    trading_view *view;
    trading_account shown = {.size = sizeof shown};
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_LATEST, NULL), TRADING_OK);
    assert_int_equal(trading_view_account(view, &fixture->accounts[account], &shown, NULL), TRADING_OK);
    trading_view_close(view);
    return shown.balance / TRADING_DECIMAL_ONE;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.log_level = 0;
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/files-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->uri, sizeof fixture->uri, "lmdb:%s", fixture->folder);
    assert_int_equal(trading_host_open(&fixture->host, &options, NULL), TRADING_OK);
    open_engine(fixture);
    open_accounts(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    close_engine(fixture, TRADING_CLOSE_ABANDON);
    assert_int_equal(trading_host_memory(fixture->host), 0);
    assert_int_equal(trading_host_close(fixture->host, NULL), TRADING_OK);
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

/* ---- how it was closed ---- */

static void test_after_a_clean_close_nothing_is_made(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t turn = 1; turn <= 3; turn++) {
        close_engine(fixture, TRADING_CLOSE_DRAIN);
        open_engine(fixture);
        trading_engine_info info = info_of(fixture);
        assert_int_equal(info.replayed_events, 0);
        assert_int_equal(info.cache_bytes, 0); /* pages and indexes are mapped */
        assert_int_equal(info.checkpoint_position, info.next_position);
        assert_int_equal(deposit(fixture, turn * 100, NULL), TRADING_OK);
        assert_true(info_of(fixture).cache_bytes > 0);
        assert_int_equal(balance_of(fixture, turn * 100), 1);
        assert_int_equal(balance_of(fixture, turn * 100 - 1), 0);
    }
}

static void test_without_one_the_tail_is_read(void **state)
{
    struct fixture *fixture = *state;
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    for (uint32_t turn = 1; turn <= 3; turn++) {
        open_engine(fixture);
        assert_int_equal(info_of(fixture).replayed_events, turn - 1); /* on the same checkpoint, with its indexes */
        assert_int_equal(deposit(fixture, turn, NULL), TRADING_OK);
        close_engine(fixture, TRADING_CLOSE_ABANDON);
    }
    open_engine(fixture);
    assert_int_equal(trading_engine_checkpoint(fixture->engine, NULL), TRADING_OK);
    assert_int_equal(deposit(fixture, 4, NULL), TRADING_OK);
    close_engine(fixture, TRADING_CLOSE_ABANDON);
    open_engine(fixture); /* on a checkpoint whose indexes were not saved */
    assert_int_equal(info_of(fixture).replayed_events, 1);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        assert_int_equal(balance_of(fixture, i), i >= 1 && i <= 4);
}

/* ---- when memory runs short ---- */

/* Without threads, each deposit an event, and memory for changed pages that is full at once. */
static void reopen_in_want_of_memory(struct fixture *fixture)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.checkpoint_events = 400;
    options.cache_bytes = 1;
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    open_engine_as(fixture, &options);
}

/* After how many of the deposits the next checkpoint stands, the first `wide` of them all over the accounts and the others to one. */
static int64_t checkpoint_after(struct fixture *fixture, uint32_t wide)
{
    int64_t from = info_of(fixture).next_position;
    int64_t before = info_of(fixture).checkpoint_position;
    for (uint32_t i = 0; info_of(fixture).checkpoint_position == before; i++) {
        assert_true(i < 1000);
        assert_int_equal(deposit(fixture, i < wide ? i * 61 % ACCOUNTS : 0, NULL), TRADING_OK);
    }
    return info_of(fixture).checkpoint_position - from;
}

static void test_memory_that_is_in_use_is_not_written_for_its_own_sake(void **state)
{
    struct fixture *fixture = *state;
    reopen_in_want_of_memory(fixture);
    assert_int_equal(checkpoint_after(fixture, 0), 400);
    assert_int_equal(checkpoint_after(fixture, 1000), 400);
    assert_int_equal(checkpoint_after(fixture, 40), 100);
    assert_int_equal(checkpoint_after(fixture, 90), 200); /* what was in use until then is not at the second look */
}

/* ---- damage ---- */

static void flip(struct fixture *fixture, const char *name, off_t at)
{
    char path[96];
    uint8_t byte = 0;
    snprintf(path, sizeof path, "%s/state/%s", fixture->folder, name);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 4;
    assert_true(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

/* Pages of accounts in the middle, which opening does not look at: account 200 is on one of them, whatever an account's size. */
static void flip_accounts(struct fixture *fixture)
{
    for (off_t page = 2; page < 4; page++)
        flip(fixture, "01.pages", page * 4096 + 100);
}

static void test_a_damaged_index_is_made_anew(void **state)
{
    struct fixture *fixture = *state;
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    flip(fixture, "32.pages", 5000);
    open_engine(fixture);
    assert_int_equal(info_of(fixture).replayed_events, 0);
    assert_true(info_of(fixture).cache_bytes > 0);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        assert_int_equal(balance_of(fixture, i), 0);
}

/* A page of accounts that is first touched by a command: the engine stops, and the next opening makes the state anew. */
static void test_a_damaged_page_stops_the_engine_once(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(deposit(fixture, 200, NULL), TRADING_OK);
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    flip_accounts(fixture);
    open_engine(fixture);
    trading_error error;
    assert_int_equal(deposit(fixture, 10, &error), TRADING_OK);
    assert_int_equal(deposit(fixture, 200, &error), TRADING_E_DAMAGED);
    assert_int_equal(deposit(fixture, 10, &error), TRADING_E_DAMAGED);
    assert_int_equal(info_of(fixture).state, TRADING_E_DAMAGED);
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    open_engine(fixture);
    assert_int_equal(info_of(fixture).replayed_events, info_of(fixture).next_position);
    assert_int_equal(deposit(fixture, 200, &error), TRADING_OK);
    assert_int_equal(balance_of(fixture, 200), 2);
    assert_int_equal(balance_of(fixture, 10), 1);
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    open_engine(fixture);
    assert_int_equal(info_of(fixture).replayed_events, 0);
    assert_int_equal(balance_of(fixture, 200), 2);
}

/* Where opening touches it: the journal is read from its start at once. */
static void test_a_damaged_page_is_found_when_indexes_are_made(void **state)
{
    struct fixture *fixture = *state;
    close_engine(fixture, TRADING_CLOSE_DRAIN);
    flip(fixture, "32.pages", 5000);
    flip_accounts(fixture);
    open_engine(fixture);
    assert_int_equal(info_of(fixture).replayed_events, info_of(fixture).next_position);
    assert_int_equal(deposit(fixture, 200, NULL), TRADING_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_after_a_clean_close_nothing_is_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_one_the_tail_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_that_is_in_use_is_not_written_for_its_own_sake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_index_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_page_stops_the_engine_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_page_is_found_when_indexes_are_made, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("state files", tests, NULL, NULL);
}
