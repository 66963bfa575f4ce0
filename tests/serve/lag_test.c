/* How far a deployment is behind, as who watches it from outside sees it: right, and without being noticed by those who serve. */
#include "backends/memory/memory_bus.h"
#include "deployment.h"
#include "plugin/host.h"
#include "serve/lag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTITIONS = 3 };

/* Somebody who watches: a reader of the store, and a bus. */
struct watcher {
    trading_engine *engine;
    trading_bus *bus;
    struct wire wire;
};

static void tell_events(struct serving *serving)
{
    serving->tells_events = true;
}

static void open_watcher(struct deployment *deployment, const char *bus, struct watcher *watcher)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_READ_ONLY;
    watcher->bus = NULL;
    wire_init(&watcher->wire, "test");
    assert_int_equal(trading_engine_open(&watcher->engine, deployment->host, deployment->store_uri, &options, &error),
                     TRADING_OK);
    if (bus)
        assert_int_equal(trading_bus_open(&watcher->bus, deployment->host, bus, NULL, &error), TRADING_OK);
}

static void close_watcher(struct watcher *watcher)
{
    trading_bus_close(watcher->bus);
    assert_int_equal(trading_engine_close(watcher->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
}

static json_t *look(struct watcher *watcher)
{
    trading_error error;
    json_t *lag = lag_tell(watcher->engine, watcher->bus, &watcher->wire, &error);
    if (!lag)
        fail_msg("%s", error.message);
    assert_int_equal(json_array_size(json_object_get(lag, "partitions")), PARTITIONS);
    return lag;
}

/* −1: there is no such member. */
static int64_t number(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? strtoll(text, NULL, 10) : -1;
}

static int64_t number_of(const json_t *lag, size_t partition, const char *key)
{
    const json_t *row = json_array_get(json_object_get(lag, "partitions"), partition);
    assert_int_equal(number(row, "partition"), partition);
    return number(row, key);
}

/* Until all is done and published, what is never published passed over. */
static json_t *await_nothing_behind(struct watcher *watcher)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (;;) {
        json_t *lag = look(watcher);
        if (number(lag, "lag") == 0 && number(lag, "events_lag") == 0)
            return lag;
        json_decref(lag);
        nanosleep(&moment, NULL);
    }
}

/* An account in each partition, as clients send them, once each. */
static void open_accounts(struct deployment *deployment, char accounts[PARTITIONS][TRADING_ID_TEXT])
{
    deployment_send_once(deployment);
    for (int found = 0, i = 0; found < PARTITIONS; i++) {
        trading_id id;
        json_t *answer = deployment_do(deployment, "{\"op\":\"open_account\",\"key\":\"k%d\",\"name\":\"Ada\"}", i);
        const char *account = json_string_value(json_object_get(answer, "account"));
        assert_int_equal(trading_id_parse(TRADING_ENTITY_ACCOUNT, account, strlen(account), &id), TRADING_OK);
        struct request request = {.op = OP_VIEW_ACCOUNT, .entity = TRADING_ENTITY_ACCOUNT, .id = id};
        uint32_t partition = wire_partition(&request, PARTITIONS);
        found += !accounts[partition][0];
        snprintf(accounts[partition], TRADING_ID_TEXT, "%s", account);
        json_decref(answer);
    }
}

static void deposit(struct deployment *deployment, const char *account)
{
    json_decref(deployment_do(deployment, "{\"op\":\"deposit\",\"account\":\"%s\",\"amount\":\"1.00\"}", account));
}

static void publish(struct deployment *deployment, uint32_t partition, const char *value)
{
    const trading_bus_record record = {
        .topic = deployment->client.wire.commands, .partition = partition, .value = value, .value_size = strlen(value)};
    assert_int_equal(trading_bus_publish(deployment->client.bus, &record, 1, TRADING_BUS_NO_MARK, NULL), TRADING_OK);
}

static void who_serves_is_watched_and_not_disturbed(void **state)
{
    (void)state;
    struct deployment deployment;
    struct watcher watcher;
    char accounts[PARTITIONS][TRADING_ID_TEXT] = {""};
    deployment_open_with(&deployment, 2, PARTITIONS, tell_events);
    open_accounts(&deployment, accounts);
    open_watcher(&deployment, deployment.bus_uri, &watcher);
    json_t *before = await_nothing_behind(&watcher);
    for (size_t i = 0; i < PARTITIONS; i++) {
        assert_int_equal(number_of(before, i, "next_command"), number_of(before, i, "commands_end"));
        assert_int_equal(number_of(before, i, "position"), number_of(before, i, "events_mark"));
        assert_true(number_of(before, i, "position") > 0);
        assert_int_equal(number_of(before, i, "reference_mark"), -1);
    }
    assert_int_equal(number(before, "dead_letters"), 0);
    for (size_t i = 0; i < PARTITIONS; i++)
        deposit(&deployment, accounts[i]);
    publish(&deployment, 1, "no request");
    json_t *after = await_nothing_behind(&watcher); /* the same reader sees what came since */
    for (size_t i = 0; i < PARTITIONS; i++) {
        assert_true(number_of(after, i, "position") > number_of(before, i, "position"));
        assert_true(number_of(after, i, "events_mark") > number_of(before, i, "events_mark")); /* its relay goes on */
        assert_true(number_of(after, i, "next_command") > number_of(before, i, "next_command"));
    }
    assert_int_equal(number(after, "dead_letters"), 1);
    json_decref(before);
    json_decref(after);
    close_watcher(&watcher);
    deployment_verify(&deployment);
    deployment_close(&deployment);
}

/* Does a command beside those who serve: no relay hears of it. */
static void execute_unheard(struct deployment *deployment, uint32_t partition, const trading_command *command)
{
    trading_error error;
    trading_engine *engine;
    trading_result result;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_ONE_PARTITION;
    options.partition = partition;
    options.partitions = PARTITIONS;
    assert_int_equal(trading_engine_open(&engine, deployment->host, deployment->store_uri, &options, &error), TRADING_OK);
    assert_int_equal(trading_engine_execute(engine, command, 1, &result, &error), TRADING_OK);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), TRADING_OK);
}

static void pay_in_unheard(struct deployment *deployment, uint32_t partition, const char *account)
{
    trading_cash body = TRADING_CASH_INIT;
    trading_command command = {.type = TRADING_COMMAND_DEPOSIT, .body = &body, .body_size = sizeof body};
    body.amount = TRADING_DECIMAL_ONE;
    assert_int_equal(trading_id_parse(TRADING_ENTITY_ACCOUNT, account, strlen(account), &command.account), TRADING_OK);
    execute_unheard(deployment, partition, &command);
}

/* One that publishes under the name of a partition's relay, as if that had just begun. */
static void publish_as_relay(struct deployment *deployment, uint32_t partition, int64_t mark)
{
    trading_bus *bus;
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    char writer[WIRE_WRITER_BYTES];
    wire_writer(&deployment->client.wire, WIRE_EVENTS, partition, writer);
    options.writer = writer;
    assert_int_equal(trading_bus_open(&bus, deployment->host, deployment->bus_uri, &options, NULL), TRADING_OK);
    assert_int_equal(trading_bus_publish(bus, NULL, 0, mark, NULL), TRADING_OK);
    trading_bus_close(bus);
}

static void where_a_relay_marked_nothing_all_is_to_be_published(void **state)
{
    (void)state;
    struct deployment deployment;
    struct watcher watcher;
    char accounts[PARTITIONS][TRADING_ID_TEXT] = {""};
    deployment_open(&deployment, 1, PARTITIONS, false);
    open_accounts(&deployment, accounts);
    deployment_stop(&deployment, 0);
    open_watcher(&deployment, deployment.bus_uri, &watcher);
    json_t *before = look(&watcher);
    assert_int_equal(number(before, "events_lag"), -1);
    publish_as_relay(&deployment, 1, 1);
    json_t *after = look(&watcher);
    assert_int_equal(number_of(after, 0, "events_mark"), 0);
    assert_int_equal(number_of(after, 0, "events_lag"), number_of(before, 0, "position"));
    assert_int_equal(number_of(after, 1, "events_lag"), number_of(before, 1, "position") - 1);
    int64_t all = 0;
    for (size_t i = 0; i < PARTITIONS; i++)
        all += number_of(before, i, "position");
    assert_int_equal(number(after, "events_lag"), all - 1);
    json_decref(before);
    json_decref(after);
    close_watcher(&watcher);
    deployment_close(&deployment);
}

static void what_nobody_takes_is_behind(void **state)
{
    (void)state;
    struct deployment deployment;
    struct watcher watcher;
    char accounts[PARTITIONS][TRADING_ID_TEXT] = {""};
    deployment_open_with(&deployment, 1, PARTITIONS, tell_events);
    open_accounts(&deployment, accounts);
    open_watcher(&deployment, deployment.bus_uri, &watcher);
    json_decref(await_nothing_behind(&watcher));
    deployment_stop(&deployment, 0);
    for (int i = 0; i < 5; i++)
        publish(&deployment, 1, "{\"op\":\"info\"}");
    publish(&deployment, 0, "{\"op\":\"info\"}");
    for (int i = 0; i < 4; i++)
        pay_in_unheard(&deployment, 2, accounts[2]);
    json_t *lag = look(&watcher);
    const int64_t commands[PARTITIONS] = {1, 5, 0};
    const int64_t events[PARTITIONS] = {0, 0, 4};
    for (size_t i = 0; i < PARTITIONS; i++) {
        assert_int_equal(number_of(lag, i, "lag"), commands[i]);
        assert_int_equal(number_of(lag, i, "commands_end") - number_of(lag, i, "next_command"), commands[i]);
        assert_int_equal(number_of(lag, i, "events_lag"), events[i]);
        assert_int_equal(number_of(lag, i, "position") - number_of(lag, i, "events_mark"), events[i]);
    }
    assert_int_equal(number(lag, "lag"), 6);
    assert_int_equal(number(lag, "events_lag"), 4);
    assert_int_equal(number(lag, "reference_lag"), -1);
    json_decref(lag);
    deployment_start(&deployment, 1);
    json_decref(await_nothing_behind(&watcher));
    close_watcher(&watcher);
    deployment_close(&deployment);
}

/* ---- what cannot be told ---- */

static void a_topic_that_was_lost_is_told(void **state)
{
    (void)state;
    struct deployment deployment;
    struct watcher watcher;
    trading_acknowledge body = TRADING_ACKNOWLEDGE_INIT;
    const trading_command command = {.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &body, .body_size = sizeof body};
    deployment_open(&deployment, 1, PARTITIONS, false);
    deployment_stop(&deployment, 0);
    body.flags = TRADING_ACKNOWLEDGE_FOREIGN;
    body.name = (trading_text){deployment.client.wire.commands, strlen(deployment.client.wire.commands)};
    body.position = 7;
    execute_unheard(&deployment, 1, &command);
    publish(&deployment, 1, "{\"op\":\"info\"}");
    publish(&deployment, 2, "{\"op\":\"info\"}");
    open_watcher(&deployment, deployment.bus_uri, &watcher);
    json_t *lag = look(&watcher);
    assert_int_equal(number_of(lag, 1, "next_command"), 7);
    assert_int_equal(number_of(lag, 1, "commands_end"), 1);
    assert_int_equal(number_of(lag, 1, "lag"), -1);
    assert_int_equal(number_of(lag, 2, "lag"), 1);
    assert_int_equal(number(lag, "lag"), -1); /* nobody can tell how many are waiting in all */
    assert_non_null(strstr(json_string_value(json_object_get(lag, "commands_unknown")), "before 7 of partition 1 are done"));
    json_decref(lag);
    close_watcher(&watcher);
    deployment_close(&deployment);
}

static trading_host *host_of_bus;

/* The bus within the process, as the host opens it under its own name. */
static int32_t open_bus(const trading_bus_request *request, const trading_host_functions *host, void **bus,
                        trading_error *error)
{
    struct memory_bus_request own = {.request = *request, .brokers = &host_of_bus->brokers};
    own.request.size = sizeof own;
    return memory_bus_ops.open(&own.request, host, bus, error);
}

static void a_bus_that_tells_no_marks_tells_the_rest(void **state)
{
    (void)state;
    struct deployment deployment;
    struct watcher watcher;
    char accounts[PARTITIONS][TRADING_ID_TEXT] = {""};
    trading_bus_ops ops = memory_bus_ops;
    ops.size = (uint32_t)offsetof(trading_bus_ops, mark_of); /* an older plugin's */
    ops.open = open_bus;
    deployment_open_with(&deployment, 1, PARTITIONS, tell_events);
    host_of_bus = deployment.host;
    assert_int_equal(trading_bus_register(deployment.host, "older", &ops, NULL), TRADING_OK);
    open_accounts(&deployment, accounts);
    open_watcher(&deployment, "older:serve", &watcher);
    deployment_stop(&deployment, 0);
    publish(&deployment, 2, "{\"op\":\"info\"}");
    json_t *lag = look(&watcher);
    assert_int_equal(number(lag, "lag"), 1);
    assert_int_equal(number_of(lag, 2, "lag"), 1);
    assert_int_equal(number(lag, "events_lag"), -1);
    assert_int_equal(number_of(lag, 2, "events_mark"), -1);
    assert_non_null(strstr(json_string_value(json_object_get(lag, "events_unknown")), "to its own writer only"));
    json_decref(lag);
    close_watcher(&watcher);
    deployment_close(&deployment);
}

static void another_store_is_refused(void **state)
{
    (void)state;
    struct deployment deployment;
    struct watcher watcher;
    trading_error error;
    deployment_open(&deployment, 1, PARTITIONS, false);
    assert_int_equal(trading_engine_open(&watcher.engine, deployment.host, "memory:", NULL, &error), TRADING_OK);
    assert_int_equal(trading_bus_open(&watcher.bus, deployment.host, deployment.bus_uri, NULL, &error), TRADING_OK);
    assert_null(lag_tell(watcher.engine, watcher.bus, &deployment.client.wire, &error));
    assert_int_equal(error.code, TRADING_E_INVALID);
    assert_non_null(strstr(error.message, "the store has 1 partitions, and test.commands 3"));
    close_watcher(&watcher);
    deployment_close(&deployment);
}

static void without_a_bus_the_store_tells_what_it_knows(void **state)
{
    (void)state;
    struct deployment deployment;
    struct watcher watcher;
    trading_error error;
    char accounts[PARTITIONS][TRADING_ID_TEXT] = {""};
    deployment_open(&deployment, 1, PARTITIONS, false);
    open_accounts(&deployment, accounts);
    open_watcher(&deployment, NULL, &watcher);
    json_t *lag = look(&watcher);
    assert_true(number_of(lag, 1, "next_command") > 0 && number_of(lag, 1, "position") > 0);
    assert_int_equal(number_of(lag, 1, "commands_end"), -1);
    assert_int_equal(json_object_size(lag), 1);
    json_decref(lag);
    close_watcher(&watcher);
    open_watcher(&deployment, deployment.bus_uri, &watcher);
    lag = look(&watcher);
    assert_int_equal(number(lag, "events_lag"), -1); /* nobody relays */
    assert_null(json_object_get(lag, "events_unknown"));
    json_decref(lag);
    wire_init(&watcher.wire, "another");
    assert_null(lag_tell(watcher.engine, watcher.bus, &watcher.wire, &error));
    assert_int_equal(error.code, TRADING_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "another.commands"));
    close_watcher(&watcher);
    deployment_close(&deployment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_serves_is_watched_and_not_disturbed),
        cmocka_unit_test(what_nobody_takes_is_behind),
        cmocka_unit_test(where_a_relay_marked_nothing_all_is_to_be_published),
        cmocka_unit_test(a_topic_that_was_lost_is_told),
        cmocka_unit_test(a_bus_that_tells_no_marks_tells_the_rest),
        cmocka_unit_test(another_store_is_refused),
        cmocka_unit_test(without_a_bus_the_store_tells_what_it_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
