/* Where an engine keeps its state when the journal's store has no place for it. The journal is LMDB's under another scheme: a store
 * that lasts and, as far as the engine knows, is on a server. */
#include "backends/lmdb/lmdb_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trading.h>

#include <cmocka.h>

struct fixture {
    trading_host *host;
    trading_engine *engine;
    trading_error error;
    trading_id account;
    char folder[64];
    char state_path[80];
    char line[512]; /* the last that was logged */
    uint64_t snapshot_events;
    trading_time time; /* of the engine's clock; 0: the system's */
    int64_t key_age;
};

static void keep_line(void *context, int32_t level, const char *line)
{
    struct fixture *fixture = context;
    (void)level;
    snprintf(fixture->line, sizeof fixture->line, "%s", line);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/state-path-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->state_path, sizeof fixture->state_path, "%s/state", fixture->folder);
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.log = keep_line;
    options.log_context = fixture;
    assert_int_equal(trading_host_open(&fixture->host, &options, NULL), TRADING_OK);
    assert_int_equal(trading_store_register(fixture->host, "remote", &lmdb_store_ops, NULL), TRADING_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(trading_host_memory(fixture->host), 0);
    assert_int_equal(trading_host_close(fixture->host, NULL), TRADING_OK);
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static trading_time clock_of(void *context)
{
    return ((struct fixture *)context)->time;
}

static int32_t try_start(struct fixture *fixture, const char *journal, const char *state_path, uint32_t flags)
{
    char uri[128];
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.state_path = state_path;
    options.flags = flags;
    options.snapshot_events = fixture->snapshot_events;
    options.durability = TRADING_DURABILITY_PROCESS;
    if (fixture->time) {
        options.clock = clock_of;
        options.clock_context = fixture;
        options.key_age = fixture->key_age;
    }
    snprintf(uri, sizeof uri, "remote:%s/%s", fixture->folder, journal);
    fixture->line[0] = '\0';
    return trading_engine_open(&fixture->engine, fixture->host, uri, &options, &fixture->error);
}

static void start(struct fixture *fixture, const char *journal, const char *state_path)
{
    if (try_start(fixture, journal, state_path, 0))
        fail_msg("%s", fixture->error.message);
}

static void stop(struct fixture *fixture)
{
    assert_int_equal(trading_engine_close(fixture->engine, TRADING_CLOSE_DRAIN, &fixture->error), TRADING_OK);
}

static void open_account(struct fixture *fixture, int64_t deposit)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = deposit * TRADING_DECIMAL_ONE;
    trading_command command = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    trading_result result;
    assert_int_equal(trading_engine_execute(fixture->engine, &command, 1, &result, NULL), TRADING_OK);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
    fixture->account = result.account;
}

static void deposit(struct fixture *fixture, int64_t amount)
{
    trading_cash body = TRADING_CASH_INIT;
    body.amount = amount * TRADING_DECIMAL_ONE;
    trading_command command = {
        .type = TRADING_COMMAND_DEPOSIT, .account = fixture->account, .body = &body, .body_size = sizeof body};
    trading_result result;
    assert_int_equal(trading_engine_execute(fixture->engine, &command, 1, &result, NULL), TRADING_OK);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
}

static void run_in(struct fixture *fixture, const char *command)
{
    char line[256];
    snprintf(line, sizeof line, "cd %s && %s", fixture->folder, command);
    assert_int_equal(system(line), 0);
}

static trading_engine_info info_of(struct fixture *fixture)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(fixture->engine, &info, NULL), TRADING_OK);
    return info;
}

/* That the account is there with its money, however the state came up. */
static void expect_balance(struct fixture *fixture, int64_t balance)
{
    trading_view *view;
    trading_account shown = TRADING_ACCOUNT_INIT;
    trading_verification verification = TRADING_VERIFICATION_INIT;
    assert_int_equal(trading_view_open(&view, fixture->engine, TRADING_VIEW_LATEST, NULL), TRADING_OK);
    assert_int_equal(trading_view_account(view, &fixture->account, &shown, NULL), TRADING_OK);
    assert_int_equal(shown.balance, balance * TRADING_DECIMAL_ONE);
    trading_view_close(view);
    assert_int_equal(trading_engine_verify(fixture->engine, &verification, NULL, NULL, NULL), TRADING_OK);
    assert_int_equal(verification.sound, 1);
}

static bool is_there(const char *path)
{
    struct stat status;
    return !stat(path, &status);
}

static void test_without_it_the_journal_is_read(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "journal", NULL);
    open_account(fixture, 100);
    stop(fixture);
    start(fixture, "journal", NULL);
    assert_true(info_of(fixture).replayed_events > 0);
    expect_balance(fixture, 100);
    stop(fixture);
    assert_false(is_there(fixture->state_path));
}

static void test_with_it_only_the_tail_is(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "journal", fixture->state_path);
    open_account(fixture, 100);
    stop(fixture);
    assert_true(is_there(fixture->state_path));
    start(fixture, "journal", fixture->state_path);
    assert_int_equal(info_of(fixture).replayed_events, 0);
    expect_balance(fixture, 100);
    stop(fixture);
    assert_int_equal(try_start(fixture, "journal", fixture->state_path, TRADING_ENGINE_READ_ONLY), TRADING_OK);
    assert_int_equal(info_of(fixture).replayed_events, 0);
    expect_balance(fixture, 100);
    stop(fixture);
}

static void test_a_lost_one_is_made_anew(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    start(fixture, "journal", fixture->state_path);
    open_account(fixture, 100);
    stop(fixture);
    snprintf(command, sizeof command, "rm -r %s", fixture->state_path);
    assert_int_equal(system(command), 0);
    assert_int_equal(try_start(fixture, "journal", fixture->state_path, TRADING_ENGINE_READ_ONLY), TRADING_OK);
    expect_balance(fixture, 100); /* who only reads makes none, and does without */
    stop(fixture);
    assert_false(is_there(fixture->state_path));
    start(fixture, "journal", fixture->state_path);
    assert_true(info_of(fixture).replayed_events > 0);
    expect_balance(fixture, 100);
    stop(fixture);
    start(fixture, "journal", fixture->state_path);
    assert_int_equal(info_of(fixture).replayed_events, 0);
    stop(fixture);
}

static void test_one_of_another_journal_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "other", fixture->state_path);
    open_account(fixture, 7);
    stop(fixture);
    start(fixture, "journal", fixture->state_path);
    assert_non_null(strstr(fixture->line, "checkpoint is not used"));
    open_account(fixture, 100);
    expect_balance(fixture, 100);
    stop(fixture);
    start(fixture, "journal", fixture->state_path);
    assert_string_equal(fixture->line, "");
    expect_balance(fixture, 100);
    assert_int_equal(info_of(fixture).accounts, 1);
    stop(fixture);
}

static void test_a_lost_one_begins_with_the_newest_snapshot(void **state)
{
    struct fixture *fixture = *state;
    fixture->snapshot_events = 20;
    assert_int_equal(try_start(fixture, "journal", fixture->state_path, TRADING_ENGINE_MANUAL), TRADING_OK);
    open_account(fixture, 100);
    for (int i = 0; i < 70; i++)
        deposit(fixture, 1);
    stop(fixture);
    run_in(fixture, "rm -r state");
    start(fixture, "journal", fixture->state_path);
    assert_in_range(info_of(fixture).replayed_events, 1, 20);
    expect_balance(fixture, 170);
    deposit(fixture, 1);
    stop(fixture);
    start(fixture, "journal", fixture->state_path);
    assert_int_equal(info_of(fixture).replayed_events, 0);
    expect_balance(fixture, 171);
    stop(fixture);
    assert_int_equal(try_start(fixture, "journal", NULL, TRADING_ENGINE_READ_ONLY), TRADING_OK);
    assert_in_range(info_of(fixture).replayed_events, 1, 21);
    expect_balance(fixture, 171);
    stop(fixture);
}

static void deposit_many(struct fixture *fixture, uint32_t count, uint32_t first_key, int32_t status)
{
    enum { AT_ONCE = 1000 };
    trading_cash body = TRADING_CASH_INIT;
    static trading_command commands[AT_ONCE];
    static trading_result results[AT_ONCE];
    body.amount = TRADING_DECIMAL_ONE;
    for (uint32_t done = 0; done < count;) {
        uint32_t some = count - done < AT_ONCE ? count - done : AT_ONCE;
        for (uint32_t i = 0; i < some; i++) {
            commands[i] = (trading_command){
                .type = TRADING_COMMAND_DEPOSIT, .account = fixture->account, .body = &body, .body_size = sizeof body};
            memcpy(commands[i].key.bytes, &(uint32_t){first_key + done + i}, sizeof(uint32_t));
        }
        assert_int_equal(trading_engine_execute(fixture->engine, commands, some, results, NULL), TRADING_OK);
        for (uint32_t i = 0; i < some; i++)
            assert_int_equal(results[i].status, status);
        done += some;
    }
}

/* With the state from a snapshot, and no keys stored, those are read again that are young enough, and no more. */
static void test_keys_too_old_are_not_read(void **state)
{
    struct fixture *fixture = *state;
    fixture->snapshot_events = 40000;
    fixture->time = 1000;
    fixture->key_age = 10;
    assert_int_equal(try_start(fixture, "journal", fixture->state_path, TRADING_ENGINE_MANUAL), TRADING_OK);
    open_account(fixture, 100);
    deposit_many(fixture, 90000, 1, TRADING_STATUS_ACCEPTED);
    fixture->time = 1011;
    deposit_many(fixture, 40000, 100001, TRADING_STATUS_ACCEPTED);
    stop(fixture);
    run_in(fixture, "rm -r state");
    start(fixture, "journal", fixture->state_path);
    assert_in_range(info_of(fixture).replayed_events, 1, 40000);
    assert_in_range(info_of(fixture).keys, 40000, 41000);
    deposit_many(fixture, 10, 100001, TRADING_STATUS_DUPLICATE);
    expect_balance(fixture, 130100);
    stop(fixture);
    run_in(fixture, "rm -r state");
    fixture->key_age = 11; /* all are young enough */
    start(fixture, "journal", fixture->state_path);
    assert_int_equal(info_of(fixture).keys, 130001); /* with that of the opening */
    deposit_many(fixture, 10, 1, TRADING_STATUS_DUPLICATE);
    deposit_many(fixture, 10, 100001, TRADING_STATUS_DUPLICATE);
    expect_balance(fixture, 130100);
    stop(fixture);
}

/* Snapshots of a journal that another took the place of. */
static void test_a_snapshot_of_another_journal_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    fixture->snapshot_events = 20;
    assert_int_equal(try_start(fixture, "other", NULL, TRADING_ENGINE_MANUAL), TRADING_OK);
    open_account(fixture, 7);
    for (int i = 0; i < 30; i++)
        deposit(fixture, 1);
    stop(fixture);
    assert_int_equal(try_start(fixture, "journal", NULL, TRADING_ENGINE_MANUAL), TRADING_OK);
    open_account(fixture, 100);
    for (int i = 0; i < 40; i++)
        deposit(fixture, 1);
    stop(fixture);
    run_in(fixture, "rm -r journal/snapshots* && cp -r other/snapshots* journal");
    start(fixture, "journal", NULL);
    assert_non_null(strstr(fixture->line, "the snapshot at position"));
    expect_balance(fixture, 140);
    stop(fixture);
}

/* A journal that was put back from a copy, and went on with others' commits: the state is ahead of it, or of other commits. */
static void test_one_that_is_ahead_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "journal", fixture->state_path);
    open_account(fixture, 100);
    stop(fixture);
    run_in(fixture, "cp -r journal copy");
    start(fixture, "journal", fixture->state_path);
    deposit(fixture, 1);
    deposit(fixture, 1);
    stop(fixture);
    start(fixture, "copy", fixture->state_path);
    assert_non_null(strstr(fixture->line, "checkpoint is not used"));
    expect_balance(fixture, 100);
    deposit(fixture, 5);
    deposit(fixture, 5);
    stop(fixture);
    start(fixture, "journal", fixture->state_path);
    assert_non_null(strstr(fixture->line, "checkpoint is not used"));
    expect_balance(fixture, 102);
    stop(fixture);
}

static void test_one_that_another_engine_has(void **state)
{
    struct fixture *fixture = *state;
    struct fixture second = *fixture;
    start(fixture, "journal", fixture->state_path);
    assert_int_equal(try_start(&second, "other", fixture->state_path, 0), TRADING_E_LOCKED);
    assert_non_null(strstr(second.error.message, "state store"));
    stop(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_it_the_journal_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_with_it_only_the_tail_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_one_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_of_another_journal_is_not_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_one_begins_with_the_newest_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_too_old_are_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_snapshot_of_another_journal_is_not_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_is_ahead_is_not_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_another_engine_has, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
