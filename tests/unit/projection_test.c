/* Projections: rows and position together, each event exactly once, whatever ends the process. Rows by themselves are projection_rows_test.c's. */
#include "desk.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const trading_decimal one = TRADING_DECIMAL_ONE;

/* ---- a projection: the sum of all deposits of each account ---- */

/* How often the next apply says no, and what it was handed. */
struct summing {
    int refusals;
    size_t handed;
};

static int32_t add_deposit(trading_projection *projection, const trading_event *event)
{
    trading_decimal sum = 0;
    size_t size = sizeof sum;
    int32_t code = trading_projection_get(projection, &event->account, sizeof event->account, &sum, &size, NULL);
    if (code && code != TRADING_E_NOT_FOUND)
        return code;
    sum += event->amount;
    return trading_projection_put(projection, &event->account, sizeof event->account, &sum, sizeof sum, NULL);
}

static int32_t add_deposits(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    struct summing *summing = context;
    int32_t code = TRADING_OK;
    for (size_t i = 0; i < count && !code; i++)
        if (events[i].kind == TRADING_EVENT_FUNDS_DEPOSITED)
            code = add_deposit(projection, &events[i]);
    summing->handed += count;
    return summing->refusals && summing->refusals-- ? 77 : code;
}

static trading_projection *open_version(struct desk *desk, struct summing *summing, uint32_t version)
{
    trading_error error;
    trading_projection *projection;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = "deposits";
    options.version = version;
    options.apply = summing ? add_deposits : NULL;
    options.context = summing;
    if (trading_projection_open(&projection, desk->engine, &options, &error))
        fprintf(stderr, "%s\n", error.message);
    MUST(projection != NULL);
    return projection;
}

static trading_projection *open_sums(struct desk *desk, struct summing *summing)
{
    return open_version(desk, summing, 1);
}

static trading_decimal sum_of_rows(trading_projection *projection, size_t *rows)
{
    uint8_t key[TRADING_ROW_KEY_BYTES];
    size_t key_size = 0;
    trading_decimal sum;
    trading_decimal total = 0;
    size_t size = sizeof sum;
    *rows = 0;
    while (!trading_projection_seek(projection, key, &key_size, &sum, &size, NULL)) {
        total += sum;
        ++*rows;
        key[key_size++] = 0;
    }
    return total;
}

/* The same from the journal, up to the position. */
static trading_decimal sum_of_journal(struct desk *desk, int64_t position)
{
    trading_feed *feed;
    trading_event events[256];
    trading_decimal total = 0;
    size_t count;
    MUST(trading_feed_open(&feed, desk->engine, 0, NULL, NULL, NULL) == TRADING_OK);
    while (!trading_feed_next(feed, events, 256, &count, 0, NULL))
        for (size_t i = 0; i < count; i++)
            if (events[i].kind == TRADING_EVENT_FUNDS_DEPOSITED && events[i].position < position)
                total += events[i].amount;
    trading_feed_close(feed);
    return total;
}

/* ---- events ---- */

static void it_goes_on_where_it_was_committed(void **state)
{
    (void)state;
    struct desk desk;
    struct summing summing = {0};
    desk_open_folder(&desk);
    struct client ann = desk_client(&desk, 100);
    int64_t first = desk_next_position(&desk);
    int64_t lag;
    uint64_t applied;
    size_t rows;
    trading_projection *projection = open_sums(&desk, &summing);
    assert_int_equal(trading_projection_position(projection, &lag), 0);
    assert_int_equal(lag, first);
    assert_int_equal(trading_projection_run(projection, &applied, NULL), TRADING_OK);
    assert_int_equal(applied, first);
    assert_int_equal(trading_projection_position(projection, &lag), first);
    assert_int_equal(lag, 0);
    assert_int_equal(trading_projection_run(projection, &applied, NULL), TRADING_OK);
    assert_int_equal(applied, 0);
    desk_cash(&desk, TRADING_COMMAND_DEPOSIT, &ann.account, 5 * one);
    /* Polled, and not committed. */
    trading_event events[8];
    size_t count;
    assert_int_equal(trading_projection_poll(projection, events, 8, &count, 0, NULL), TRADING_OK);
    assert_int_equal(count, 1);
    assert_int_equal(trading_projection_poll(projection, events, 8, &count, 0, NULL), TRADING_E_TIMEOUT);
    assert_int_equal(trading_projection_position(projection, &lag), first);
    assert_int_equal(lag, 1);
    trading_projection_close(projection);
    for (int i = 0; i < 2; i++) {
        desk_stop(&desk);
        desk_start(&desk, 0);
        summing.handed = 0;
        projection = open_sums(&desk, &summing);
        assert_int_equal(trading_projection_position(projection, NULL), first + i);
        assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
        assert_int_equal(summing.handed, 1 - i);
        assert_int_equal(sum_of_rows(projection, &rows), 105 * one);
        assert_int_equal(rows, 1);
        trading_projection_close(projection);
    }
    assert_string_equal(desk.log, "");
    desk_close(&desk);
}

static void it_is_open_once(void **state)
{
    (void)state;
    struct desk desk;
    trading_error error;
    trading_projection *other;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    desk_open_memory(&desk);
    trading_projection *projection = open_sums(&desk, NULL);
    options.name = "deposits";
    assert_int_equal(trading_projection_open(&other, desk.engine, &options, &error), TRADING_E_BUSY);
    assert_null(other);
    assert_int_equal(trading_engine_close(desk.engine, TRADING_CLOSE_DRAIN, &error), TRADING_E_BUSY);
    assert_int_equal(trading_projection_run(projection, NULL, &error), TRADING_E_INVALID); /* has nothing to apply */
    trading_projection_close(projection);
    assert_int_equal(trading_projection_open(&other, desk.engine, &options, &error), TRADING_OK);
    trading_projection_close(other);
    trading_projection_close(NULL);
    const char *const wrong[] = {NULL, "", "a\tb", "1234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < 4; i++) {
        options.name = wrong[i];
        assert_int_equal(trading_projection_open(&other, desk.engine, &options, &error), TRADING_E_INVALID);
    }
    options = (trading_projection_options){.name = "no size"};
    assert_int_equal(trading_projection_open(&other, desk.engine, &options, &error), TRADING_E_INVALID);
    desk_close(&desk);
}

static void another_version_begins_anew(void **state)
{
    (void)state;
    struct desk desk;
    struct summing summing = {0};
    size_t rows;
    desk_open_folder(&desk);
    desk_client(&desk, 100);
    trading_projection *projection = open_version(&desk, &summing, 1);
    assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
    assert_int_equal(trading_projection_put(projection, "relic", 5, "12345678", 8, NULL), TRADING_OK);
    assert_int_equal(trading_projection_commit(projection, NULL), TRADING_OK);
    trading_projection_close(projection);
    projection = open_version(&desk, &summing, 2);
    assert_int_equal(trading_projection_position(projection, NULL), 0);
    sum_of_rows(projection, &rows);
    assert_int_equal(rows, 0);
    trading_projection_close(projection);
    projection = open_version(&desk, &summing, 2); /* also when it was closed before it was run */
    assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
    assert_int_equal(sum_of_rows(projection, &rows), 100 * one);
    assert_int_equal(rows, 1);
    trading_projection_close(projection);
    assert_string_equal(desk.log, ""); /* that is what was asked for, and no cause to warn */
    desk_close(&desk);
}

static void what_fails_is_undone(void **state)
{
    (void)state;
    struct desk desk;
    struct summing summing = {0};
    trading_error error;
    uint64_t applied;
    size_t rows;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 100);
    trading_projection *projection = open_sums(&desk, &summing);
    assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
    int64_t position = trading_projection_position(projection, NULL);
    for (int i = 0; i < 3; i++)
        desk_cash(&desk, TRADING_COMMAND_DEPOSIT, &ann.account, one);
    summing.refusals = 2;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(trading_projection_run(projection, &applied, &error), TRADING_E_STOPPED);
        assert_int_equal(error.native_code, 77);
        assert_int_equal(applied, 0);
        assert_int_equal(trading_projection_position(projection, NULL), position);
        assert_int_equal(sum_of_rows(projection, &rows), 100 * one);
    }
    assert_int_equal(trading_projection_run(projection, &applied, &error), TRADING_OK);
    assert_int_equal(applied, 3);
    assert_int_equal(sum_of_rows(projection, &rows), 103 * one);
    trading_projection_close(projection);
    desk_close(&desk);
}

static void a_filter_leaves_out_and_goes_on(void **state)
{
    (void)state;
    struct desk desk;
    struct summing summing = {0};
    trading_filter filter = TRADING_FILTER_INIT;
    filter.kinds[0] = UINT64_C(1) << TRADING_EVENT_FUNDS_DEPOSITED;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = "filtered";
    options.filter = &filter;
    options.apply = add_deposits;
    options.context = &summing;
    desk_open_folder(&desk);
    struct client ann = desk_client(&desk, 100);
    trading_projection *projection;
    assert_int_equal(trading_projection_open(&projection, desk.engine, &options, NULL), TRADING_OK);
    assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
    for (int i = 0; i < 3; i++) {
        desk_cash(&desk, TRADING_COMMAND_WITHDRAW, &ann.account, one);
        assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
    }
    assert_int_equal(summing.handed, 1);
    assert_int_equal(trading_projection_position(projection, NULL), desk_next_position(&desk));
    trading_projection_close(projection);
    desk_stop(&desk);
    desk_start(&desk, 0);
    assert_int_equal(trading_projection_open(&projection, desk.engine, &options, NULL), TRADING_OK);
    assert_int_equal(trading_projection_position(projection, NULL), desk_next_position(&desk));
    assert_string_equal(desk.log, "");
    trading_projection_close(projection);
    desk_close(&desk);
}

/* ---- what is stored against the journal ---- */

static void copy_file(const char *from_folder, const char *to_folder, const char *name)
{
    char command[256];
    snprintf(command, sizeof command, "cp %s/%s %s/%s", from_folder, name, to_folder, name);
    assert_int_equal(system(command), 0);
}

static void rows_of_another_journal_are_made_again(void **state)
{
    (void)state;
    /* `longer` went on further than `desk`, and then their rows change places. */
    struct desk desk;
    struct desk longer;
    struct summing summing = {0};
    size_t rows;
    desk_open_folder(&desk);
    desk_open_folder(&longer);
    desk_client(&desk, 100);
    for (int i = 0; i < 2; i++) {
        desk_client(&longer, 1000);
        trading_projection *projection = open_sums(&longer, &summing);
        assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
        trading_projection_close(projection);
        desk_stop(&longer);
        desk_stop(&desk);
        copy_file(longer.folder, desk.folder, "state.mdb");
        desk_start(&desk, 0);
        desk.log[0] = '\0';
        projection = open_sums(&desk, &summing);
        assert_non_null(strstr(desk.log, i ? "beyond the journal's end" : "of another journal"));
        assert_int_equal(trading_projection_position(projection, NULL), 0);
        assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
        assert_int_equal(sum_of_rows(projection, &rows), 100 * one);
        assert_int_equal(rows, 1);
        trading_projection_close(projection);
        desk_start(&longer, 0);
    }
    desk_close(&desk);
    desk_close(&longer);
}

static void a_read_only_engine_has_rows_of_its_own(void **state)
{
    (void)state;
    struct desk desk;
    struct summing summing = {0};
    size_t rows;
    desk_open_folder(&desk);
    struct client ann = desk_client(&desk, 100);
    trading_projection *projection = open_sums(&desk, &summing);
    assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
    int64_t position = trading_projection_position(projection, NULL);
    trading_projection_close(projection);
    desk_cash(&desk, TRADING_COMMAND_DEPOSIT, &ann.account, one);
    desk_stop(&desk);
    for (int i = 0; i < 2; i++) { /* what the first keeps, the second knows nothing of */
        desk_start(&desk, TRADING_ENGINE_READ_ONLY);
        projection = open_sums(&desk, &summing);
        assert_int_equal(trading_projection_position(projection, NULL), position);
        assert_int_equal(sum_of_rows(projection, &rows), 100 * one);
        assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
        assert_int_equal(sum_of_rows(projection, &rows), 101 * one);
        trading_projection_close(projection);
        projection = open_sums(&desk, &summing); /* still there while the engine is open */
        assert_int_equal(trading_projection_position(projection, NULL), position + 1);
        assert_int_equal(sum_of_rows(projection, &rows), 101 * one);
        trading_projection_close(projection);
        desk_stop(&desk);
    }
    desk_start(&desk, 0);
    desk_close(&desk);
}

/* More rows than are copied in one piece. */
static void many_rows_are_copied_for_reading(void **state)
{
    (void)state;
    struct desk desk;
    size_t large = 300000;
    uint8_t *value = calloc(1, large);
    desk_open_folder(&desk);
    trading_projection *projection = open_sums(&desk, NULL);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t key = i + 1;
        value[0] = (uint8_t)i;
        assert_int_equal(trading_projection_put(projection, &key, sizeof key, value, large, NULL), TRADING_OK);
    }
    assert_int_equal(trading_projection_commit(projection, NULL), TRADING_OK);
    trading_projection_close(projection);
    desk_stop(&desk);
    desk_start(&desk, TRADING_ENGINE_READ_ONLY);
    projection = open_sums(&desk, NULL);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t key = i + 1;
        size_t size = large;
        assert_int_equal(trading_projection_get(projection, &key, sizeof key, value, &size, NULL), TRADING_OK);
        assert_int_equal(size, large);
        assert_int_equal(value[0], i);
    }
    trading_projection_close(projection);
    desk_close(&desk);
    free(value);
}

/* ---- killed at any moment ---- */

/* Deposits and runs the projection for ever, and tells of each commit. */
static _Noreturn void deposit_for_ever(struct desk *desk, int told)
{
    struct summing summing = {0};
    desk_start(desk, 0);
    struct client client = desk_client(desk, 10);
    trading_projection *projection = open_sums(desk, &summing);
    for (;;) {
        for (int i = 0; i < 3; i++)
            desk_cash(desk, TRADING_COMMAND_DEPOSIT, &client.account, one);
        MUST(trading_projection_run(projection, NULL, NULL) == TRADING_OK);
        MUST(write(told, "x", 1) == 1);
    }
}

static void kill_after(struct desk *desk, size_t commits)
{
    int told[2];
    char byte;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        MUST(trading_host_open(&desk->host, NULL, NULL) == TRADING_OK);
        deposit_for_ever(desk, told[1]);
    }
    for (size_t i = 0; i < commits; i++)
        assert_int_equal(read(told[0], &byte, 1), 1);
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(told[0]);
    close(told[1]);
}

static void each_event_counts_once_through_kills(void **state)
{
    (void)state;
    struct desk desk = {.folder = "/tmp/trading-desk-XXXXXX"};
    struct summing summing = {0};
    size_t rows;
    assert_non_null(mkdtemp(desk.folder));
    snprintf(desk.uri, sizeof desk.uri, "lmdb:%s", desk.folder);
    for (size_t i = 1; i <= 12; i++) {
        kill_after(&desk, i);
        assert_int_equal(trading_host_open(&desk.host, NULL, NULL), TRADING_OK);
        desk_start(&desk, 0);
        trading_projection *projection = open_sums(&desk, &summing);
        int64_t position = trading_projection_position(projection, NULL);
        assert_true(position > 0);
        assert_int_equal(sum_of_rows(projection, &rows), sum_of_journal(&desk, position));
        assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
        assert_int_equal(sum_of_rows(projection, &rows), sum_of_journal(&desk, desk_next_position(&desk)));
        assert_int_equal(rows, i);
        trading_projection_close(projection);
        desk_stop(&desk);
        assert_int_equal(trading_host_close(desk.host, NULL), TRADING_OK);
    }
    assert_int_equal(trading_host_open(&desk.host, NULL, NULL), TRADING_OK);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_counts_once_through_kills), /* first: it forks */
        cmocka_unit_test(it_goes_on_where_it_was_committed),
        cmocka_unit_test(it_is_open_once),
        cmocka_unit_test(another_version_begins_anew),
        cmocka_unit_test(what_fails_is_undone),
        cmocka_unit_test(a_filter_leaves_out_and_goes_on),
        cmocka_unit_test(rows_of_another_journal_are_made_again),
        cmocka_unit_test(a_read_only_engine_has_rows_of_its_own),
        cmocka_unit_test(many_rows_are_copied_for_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
