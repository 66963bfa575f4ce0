/* Deployments in one process, over a bus and a store in memory: what they answer is what `trading run` answers, wherever a request arrives
 * and whoever owns what it is about; and nothing that was answered is lost. */
#include "deployment.h"
#include "operation_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTITIONS = 4, ACCOUNTS = 12 };

/* ---- the same answers ---- */

#define MOMENT "2013-03-01T09:00:00Z"

/* A session whose answers differ in nothing but the positions, as the journal of a deployment has cursors in it. */
static const char *const session[] = {
    "{\"op\":\"quote\",\"symbol\":\"GOOG\",\"bid\":\"150.10\",\"ask\":\"150.20\",\"size\":\"500\"}",
    "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\",\"deposit\":\"10000.00\"}",
    "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\",\"deposit\":\"10000.00\"}",
    "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ann\"}",
    "{\"op\":\"deposit\",\"account\":\"A-1J2NMP4F4W9K2MQRC7YR4WZ0GX\",\"amount\":\"1.00\"}",
    "{\"op\":\"deposit\",\"account\":\"A-1\",\"amount\":\"1.00\"}",
    "{\"op\":\"deposit\",\"amount\":1}",
    "not JSON",
    "{\"op\":\"accounts\"}",
    "{\"op\":\"quotes\"}",
    "{\"op\":\"view_quote\",\"symbol\":\"GOOG\"}",
    "{\"op\":\"view_book\",\"symbol\":\"IBM\"}",
    "{\"op\":\"view_account\",\"id\":\"A-1J2NMP4F4W9K2MQRC7YR4WZ0GX\",\"at_least\":100000}",
    "{\"op\":\"end_session\"}",
};

static trading_time moment(void *context)
{
    trading_time time;
    (void)context;
    assert_int_equal(trading_time_parse(MOMENT, strlen(MOMENT), &time), TRADING_OK);
    return time;
}

static void drop_positions(json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;
    const char *message = json_string_value(json_object_get(value, "message"));
    if (message && strstr(message, " at position "))
        json_object_del(value, "message");
    json_object_del(value, "position");
    json_object_foreach(value, key, member) drop_positions(member);
    json_array_foreach(value, index, member) drop_positions(member);
}

static json_t *answer_of_run(struct desk *desk, const char *line)
{
    struct parsed_line parsed;
    struct complaint complaint;
    if (!run_parse(&parsed, line, strlen(line), NULL, NULL, &complaint)) {
        complaint.line = 1;
        return operation_complaint(&complaint).json;
    }
    json_t *answer = operation_execute(desk, &parsed.request).json;
    run_parse_release(&parsed);
    return answer;
}

/* The line with the time that its record is to have. */
static void with_time(const char *line, char timed[1024])
{
    if (line[0] == '{')
        snprintf(timed, 1024, "{\"time\":\"" MOMENT "\",%s", line + 1);
    else
        snprintf(timed, 1024, "%s", line);
}

static void a_deployment_answers_what_run_does(void **state)
{
    (void)state;
    struct deployment deployment;
    struct desk desk;
    trading_host *host;
    trading_engine *engine;
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.clock = moment;
    assert_int_equal(trading_host_open(&host, NULL, &error), TRADING_OK);
    assert_int_equal(trading_engine_open(&engine, host, "memory:", &options, &error), TRADING_OK);
    assert_int_equal(desk_open(&desk, engine, &error), TRADING_OK);
    deployment_open(&deployment, 1, 1, true);
    for (size_t i = 0; i < sizeof session / sizeof session[0]; i++) {
        char timed[1024];
        with_time(session[i], timed);
        json_t *wanted = answer_of_run(&desk, session[i]);
        json_t *answer = deployment_ask(&deployment, timed);
        drop_positions(wanted);
        drop_positions(answer);
        if (json_is_object(wanted) && json_object_get(wanted, "line"))
            json_object_set(wanted, "column", json_object_get(answer, "column"));
        if (!json_equal(wanted, answer))
            fail_msg("%s: %s instead of %s", session[i], json_dumps(answer, 0), json_dumps(wanted, 0));
        json_decref(wanted);
        json_decref(answer);
    }
    desk_close(&desk);
    trading_engine_close(engine, TRADING_CLOSE_DRAIN, NULL);
    trading_host_close(host, NULL);
    deployment_close(&deployment);
}

/* ---- the same statements ---- */

static void take_answers(struct deployment *deployment)
{
    struct outcome outcome;
    while (errands_next(&deployment->client, &outcome)) {
        assert_int_not_equal(outcome.code, 3);
        json_decref(outcome.json);
    }
}

/* Sends every line of a file, many at a time. */
static void send_file(struct deployment *deployment, const char *path)
{
    trading_error error;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while ((length = getline(&line, &room, file)) > 0) {
        while (!errands_has_room(&deployment->client)) {
            assert_int_equal(errands_work(&deployment->client, INT64_C(100000000), &error), TRADING_OK);
            take_answers(deployment);
        }
        errands_take(&deployment->client, line, (size_t)length, 1);
    }
    while (deployment->client.count > 0) {
        assert_int_equal(errands_work(&deployment->client, INT64_C(100000000), &error), TRADING_OK);
        take_answers(deployment);
    }
    free(line);
    fclose(file);
}

/* Compares the statement of every account of the two, the positions left out: the deployment's journal has cursors in it. */
static void compare_statements(struct deployment *deployment, struct desk *desk)
{
    size_t index;
    const json_t *account;
    json_t *accounts = answer_of_run(desk, "{\"op\":\"accounts\"}");
    assert_int_equal(json_array_size(json_object_get(accounts, "accounts")), 5);
    json_array_foreach(json_object_get(accounts, "accounts"), index, account)
    {
        char line[256];
        snprintf(line, sizeof line, "{\"op\":\"statement\",\"account\":\"%s\"}",
                 json_string_value(json_object_get(account, "account")));
        json_t *wanted = answer_of_run(desk, line);
        json_t *answer = deployment_ask(deployment, line);
        assert_true(json_array_size(json_object_get(wanted, "activity")) > 5);
        drop_positions(wanted);
        drop_positions(answer);
        if (!json_equal(wanted, answer))
            fail_msg("%s instead of %s", json_dumps(answer, 0), json_dumps(wanted, 0));
        json_decref(wanted);
        json_decref(answer);
    }
    json_decref(accounts);
}

static void run_replay(const char *folder)
{
    char command[4096];
    snprintf(
        command, sizeof command,
        "cd %s/examples/data && %s replay AAPL.csv GOOG.csv IBM.csv monthly.csv --strategy demo-strategy.jsonl --size 0.001%% "
        "--store lmdb:%s/store --record %s/lines --summary >%s/said",
        getenv("TRADING_TOP"), getenv("TRADING_PROGRAM"), folder, folder, folder);
    assert_int_equal(system(command), 0);
}

static void a_replay_by_topic_makes_the_same_statements(void **state)
{
    (void)state;
    struct deployment deployment;
    struct desk desk;
    trading_host *host;
    trading_engine *engine;
    trading_error error;
    char folder[] = "/tmp/libtrading-serve-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    run_replay(folder);
    snprintf(path, sizeof path, "lmdb:%s/store", folder);
    assert_int_equal(trading_host_open(&host, NULL, &error), TRADING_OK);
    assert_int_equal(trading_engine_open(&engine, host, path, NULL, &error), TRADING_OK);
    assert_int_equal(desk_open(&desk, engine, &error), TRADING_OK);
    deployment_open(&deployment, 1, 1, true);
    snprintf(path, sizeof path, "%s/lines", folder);
    send_file(&deployment, path);
    compare_statements(&deployment, &desk);
    desk_close(&desk);
    assert_int_equal(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), TRADING_OK);
    assert_int_equal(trading_host_close(host, &error), TRADING_OK);
    deployment_close(&deployment);
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

/* ---- several processes ---- */

struct person {
    char account[TRADING_ID_TEXT];
    char portfolio[TRADING_ID_TEXT];
    long long cents;
};

static void copy_text(const json_t *object, const char *key, char *text, size_t bytes)
{
    const char *value = json_string_value(json_object_get(object, key));
    assert_non_null(value);
    assert_true(strlen(value) < bytes);
    memcpy(text, value, strlen(value) + 1);
}

static void open_people(struct deployment *deployment, struct person *people)
{
    for (int i = 0; i < ACCOUNTS; i++) {
        json_t *answer = deployment_do(
            deployment, "{\"op\":\"open_account\",\"key\":\"person-%d\",\"name\":\"P%d\",\"deposit\":\"1000.00\"}", i, i);
        copy_text(answer, "account", people[i].account, sizeof people[i].account);
        copy_text(answer, "portfolio", people[i].portfolio, sizeof people[i].portfolio);
        people[i].cents = 100000;
        json_decref(answer);
    }
}

static void expect_balance(struct deployment *deployment, const struct person *person)
{
    char cents[32];
    snprintf(cents, sizeof cents, "%lld.%02lld", person->cents / 100, person->cents % 100);
    json_t *answer = deployment_do(deployment, "{\"op\":\"view_account\",\"id\":\"%s\"}", person->account);
    if (json_object_get(answer, "pending") || strcmp(json_string_value(json_object_get(answer, "balance")), cents) != 0)
        fail_msg("%s instead of %s", json_dumps(answer, 0), cents);
    json_decref(answer);
}

/* Until nothing is on its way between partitions. */
static void settle(struct deployment *deployment, const struct person *people)
{
    const struct timespec moment_long = {.tv_nsec = 20000000};
    for (int i = 0; i < ACCOUNTS; i++) {
        json_t *answer = deployment_do(deployment, "{\"op\":\"view_account\",\"id\":\"%s\"}", people[i].account);
        if (json_object_get(answer, "pending")) {
            nanosleep(&moment_long, NULL);
            i--;
        }
        json_decref(answer);
    }
}

static void transfer_around(struct deployment *deployment, struct person *people, int rounds, int first_key)
{
    for (int i = 0; i < rounds; i++) {
        struct person *from = &people[i % ACCOUNTS];
        struct person *to = &people[(i * 5 + 1) % ACCOUNTS];
        if (from == to)
            continue;
        json_decref(deployment_do(deployment,
                                  "{\"op\":\"transfer\",\"key\":\"t-%d\",\"account\":\"%s\",\"to\":\"%s\",\"amount\":\"1.25\"}",
                                  first_key + i, from->account, to->account));
        from->cents -= 125;
        to->cents += 125;
    }
}

static void money_and_orders_go_between_processes(void **state)
{
    (void)state;
    struct deployment deployment;
    struct person people[ACCOUNTS];
    deployment_open(&deployment, 3, PARTITIONS, false);
    open_people(&deployment, people);
    transfer_around(&deployment, people, 60, 0);
    settle(&deployment, people);
    for (int i = 0; i < ACCOUNTS; i++)
        expect_balance(&deployment, &people[i]);
    json_decref(
        deployment_do(&deployment, "{\"op\":\"quote\",\"symbol\":\"IBM\",\"bid\":\"9.90\",\"ask\":\"10.00\",\"size\":\"5\"}"));
    json_t *answer = NULL;
    for (int i = 0; i < ACCOUNTS; i++) {
        json_decref(
            deployment_do(&deployment,
                          "{\"op\":\"place_order\",\"key\":\"o-%d\",\"portfolio\":\"%s\",\"side\":\"buy\",\"symbol\":\"IBM\","
                          "\"quantity\":\"1\",\"type\":\"limit\",\"limit_price\":\"10.00\",\"time_in_force\":\"gtc\"}",
                          i, people[i].portfolio));
    }
    /* Five of the twelve were filled, wherever they live. */
    int filled = 0;
    while (filled < 5) {
        filled = 0;
        for (int i = 0; i < ACCOUNTS; i++) {
            answer = deployment_do(&deployment, "{\"op\":\"orders\",\"portfolio\":\"%s\"}", people[i].portfolio);
            const json_t *order = json_array_get(json_object_get(answer, "orders"), 0);
            filled += !strcmp(json_string_value(json_object_get(order, "status")), "filled");
            json_decref(answer);
        }
    }
    assert_int_equal(filled, 5);
    answer = deployment_do(&deployment, "{\"op\":\"accounts\"}");
    assert_int_equal(json_array_size(json_object_get(answer, "accounts")), ACCOUNTS);
    json_decref(answer);
    for (size_t i = 0; i < DEPLOYMENT_NODES; i++)
        deployment_stop(&deployment, i);
    deployment_verify(&deployment);
    deployment_close(&deployment);
}

static void a_process_that_ends_is_succeeded(void **state)
{
    (void)state;
    struct deployment deployment;
    struct person people[ACCOUNTS];
    deployment_open(&deployment, 2, PARTITIONS, false);
    open_people(&deployment, people);
    transfer_around(&deployment, people, 24, 0);
    deployment_start(&deployment, 2);
    transfer_around(&deployment, people, 24, 100);
    deployment_stop(&deployment, 0);
    transfer_around(&deployment, people, 24, 200);
    deployment_stop(&deployment, 1);
    /* What was sent before is known, to whoever has it now. */
    for (int i = 0; i < ACCOUNTS; i++) {
        json_t *answer = deployment_do(
            &deployment, "{\"op\":\"open_account\",\"key\":\"person-%d\",\"name\":\"P%d\",\"deposit\":\"1000.00\"}", i, i);
        assert_string_equal(json_string_value(json_object_get(answer, "status")), "duplicate");
        json_decref(answer);
    }
    settle(&deployment, people);
    for (int i = 0; i < ACCOUNTS; i++)
        expect_balance(&deployment, &people[i]);
    deployment_stop(&deployment, 2);
    deployment_verify(&deployment);
    deployment_close(&deployment);
}

/* ---- records as strangers write them ---- */

static void publish(struct deployment *deployment, uint32_t partition, const char *value, const char *correlation)
{
    trading_error error;
    const trading_bus_header header = wire_text_header(WIRE_CORRELATION, correlation);
    const trading_bus_record record = {.topic = deployment->client.wire.commands,
                                       .partition = partition,
                                       .value = value,
                                       .value_size = strlen(value),
                                       .headers = &header,
                                       .header_count = 1};
    if (trading_bus_publish(deployment->client.bus, &record, 1, TRADING_BUS_NO_MARK, &error) != TRADING_OK)
        fail_msg("%s", error.message);
}

/* With more headers than any record that is made of it has room for. */
static void publish_overladen(struct deployment *deployment, const char *value)
{
    trading_error error;
    trading_bus_header headers[1024];
    for (size_t i = 0; i < 1024; i++)
        headers[i] = wire_text_header("burden", "heavy");
    const trading_bus_record record = {.topic = deployment->client.wire.commands,
                                       .value = value,
                                       .value_size = strlen(value),
                                       .headers = headers,
                                       .header_count = 1024};
    assert_int_equal(trading_bus_publish(deployment->client.bus, &record, 1, TRADING_BUS_NO_MARK, &error), TRADING_OK);
}

/* The next record of the topic that the bus brings; its value is to be freed. */
static char *next_of(trading_bus *bus, const char *topic, char *correlation, size_t bytes)
{
    trading_error error;
    trading_bus_notice notice;
    size_t count;
    for (;;) {
        int32_t code = trading_bus_poll(bus, &notice, 1, &count, INT64_C(10000000000), &error);
        if (code != TRADING_OK)
            fail_msg("nothing came of %s", topic);
        if (strcmp(notice.record.topic, topic) != 0)
            continue;
        const trading_bus_header *header = wire_header(&notice.record, WIRE_CORRELATION);
        snprintf(correlation, bytes, "%.*s", header ? (int)header->size : 0, header ? (const char *)header->value : "");
        return strndup(notice.record.value, (size_t)notice.record.value_size);
    }
}

static void a_command_finds_its_partition(void **state)
{
    (void)state;
    struct deployment deployment;
    char correlation[32];
    trading_error error;
    trading_bus *bus;
    deployment_open(&deployment, 2, PARTITIONS, false);
    assert_int_equal(trading_bus_open(&bus, deployment.host, deployment.bus_uri, NULL, &error), TRADING_OK);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(trading_bus_follow(bus, deployment.client.wire.results, p, TRADING_BUS_OLDEST, &error), TRADING_OK);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        publish(&deployment, p, "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\"}", "ada");
        char *value = next_of(bus, deployment.client.wire.results, correlation, sizeof correlation);
        assert_string_equal(correlation, "ada");
        assert_non_null(strstr(value, p == 0 ? "\"accepted\"" : "\"duplicate\""));
        free(value);
    }
    trading_bus_close(bus);
    deployment_close(&deployment);
}

/* Whoever opens a partition goes on behind what was done: a result comes once, and what had no key is done once. */
static void a_successor_goes_on_where_it_stood(void **state)
{
    (void)state;
    struct deployment deployment;
    char correlation[32];
    char line[256];
    trading_error error;
    trading_bus *bus;
    deployment_open(&deployment, 1, 1, false);
    json_t *answer = deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\"}");
    assert_int_equal(trading_bus_open(&bus, deployment.host, deployment.bus_uri, NULL, &error), TRADING_OK);
    assert_int_equal(trading_bus_follow(bus, deployment.client.wire.results, 0, TRADING_BUS_END, &error), TRADING_OK);
    snprintf(line, sizeof line, "{\"op\":\"deposit\",\"account\":\"%s\",\"amount\":\"5.00\"}",
             json_string_value(json_object_get(answer, "account")));
    json_decref(answer);
    for (size_t i = 0; i < 3; i++) {
        char mine[32];
        snprintf(mine, sizeof mine, "deposit %zu", i);
        if (i > 0)
            deployment_start(&deployment, i);
        publish(&deployment, 0, line, mine);
        char *value = next_of(bus, deployment.client.wire.results, correlation, sizeof correlation);
        assert_string_equal(correlation, mine);
        assert_non_null(strstr(value, "\"accepted\""));
        free(value);
        deployment_stop(&deployment, i);
    }
    trading_bus_close(bus);
    deployment_close(&deployment);
}

/* A letter's event comes by itself: who knows the position that it will have waits for it there. */
static void a_view_waits_for_what_it_is_to_have_seen(void **state)
{
    (void)state;
    struct deployment deployment;
    char line[256];
    trading_error error;
    deployment_open(&deployment, 1, 1, false);
    json_t *answer = deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\"}");
    const char *account = json_string_value(json_object_get(answer, "account"));
    long long position = strtoll(json_string_value(json_object_get(answer, "position")), NULL, 10);
    /* The view's own cursor, then the deposit. */
    snprintf(line, sizeof line, "{\"op\":\"view_account\",\"id\":\"%s\",\"at_least\":%lld}", account, position + 3);
    errands_take(&deployment.client, line, strlen(line), 1);
    assert_int_equal(errands_work(&deployment.client, 0, &error), TRADING_OK);
    snprintf(line, sizeof line, "{\"op\":\"deposit\",\"account\":\"%s\",\"amount\":\"5.00\"}", account);
    publish(&deployment, 0, line, "deposit");
    struct outcome outcome;
    while (!errands_next(&deployment.client, &outcome))
        assert_int_equal(errands_work(&deployment.client, INT64_C(100000000), &error), TRADING_OK);
    assert_string_equal(json_string_value(json_object_get(outcome.json, "balance")), "5.00");
    json_decref(outcome.json);
    json_decref(answer);
    deployment_close(&deployment);
}

/* Another owner, of whom the process does not know, pays in. */
static void pay_in_behind_its_back(struct deployment *deployment, const char *account)
{
    trading_error error;
    trading_engine *engine;
    trading_result result;
    trading_cash body = TRADING_CASH_INIT;
    trading_command command = {.type = TRADING_COMMAND_DEPOSIT, .body = &body, .body_size = sizeof body};
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_ONE_PARTITION;
    body.amount = 7 * TRADING_DECIMAL_ONE;
    assert_int_equal(trading_id_parse(TRADING_ENTITY_ACCOUNT, account, strlen(account), &command.account), TRADING_OK);
    assert_int_equal(trading_engine_open(&engine, deployment->host, deployment->store_uri, &options, &error), TRADING_OK);
    assert_int_equal(trading_engine_execute(engine, &command, 1, &result, &error), TRADING_OK);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(trading_engine_close(engine, TRADING_CLOSE_ABANDON, &error), TRADING_OK);
}

static void an_owner_that_was_replaced_answers_nothing_out_of_date(void **state)
{
    (void)state;
    struct deployment deployment;
    struct person ada = {.cents = 700};
    deployment_open(&deployment, 1, 1, false);
    json_t *answer = deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\"}");
    copy_text(answer, "account", ada.account, sizeof ada.account);
    json_decref(answer);
    pay_in_behind_its_back(&deployment, ada.account);
    expect_balance(&deployment, &ada);
    deployment_close(&deployment);
}

/* No record may end a partition: neither one that is as large as the bus takes, nor an answer that is larger. */
static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct deployment deployment;
    char line[512];
    deployment_open(&deployment, 1, 1, false);
    char *large = malloc(WIRE_VALUE_BYTES + 2);
    assert_non_null(large);
    memset(large, ' ', WIRE_VALUE_BYTES + 1);
    large[0] = '{';
    large[WIRE_VALUE_BYTES + 1] = '\0';
    json_t *answer = deployment_ask(&deployment, large);
    assert_string_equal(json_string_value(json_object_get(answer, "reason")), "BAD_REQUEST");
    json_decref(answer);
    publish(&deployment, 0, large, "large");
    free(large);
    for (int i = 0; i < 8000; i += 64) {
        trading_error error;
        for (int k = i; k < i + 64; k++) {
            snprintf(line, sizeof line, "{\"op\":\"open_account\",\"name\":\"P\",\"key\":\"%d\"}", k);
            errands_take(&deployment.client, line, strlen(line), 1);
        }
        while (deployment.client.count > 0) {
            assert_int_equal(errands_work(&deployment.client, INT64_C(100000000), &error), TRADING_OK);
            take_answers(&deployment);
        }
    }
    answer = deployment_ask(&deployment, "{\"op\":\"accounts\"}");
    assert_string_equal(json_string_value(json_object_get(answer, "reason")), "RESULT_TOO_LARGE");
    json_decref(answer);
    deployment_close(&deployment);
}

static void what_is_no_request_is_put_aside(void **state)
{
    (void)state;
    struct deployment deployment;
    char correlation[32];
    trading_error error;
    trading_bus *bus;
    deployment_open(&deployment, 1, 1, false);
    assert_int_equal(trading_bus_open(&bus, deployment.host, deployment.bus_uri, NULL, &error), TRADING_OK);
    assert_int_equal(trading_bus_follow(bus, deployment.client.wire.dead, 0, TRADING_BUS_OLDEST, &error), TRADING_OK);
    publish(&deployment, 0, "what?", "first");
    publish(&deployment, 0, "{\"op\":\"dance\"}", "second");
    publish_overladen(&deployment, "{\"op\":\"info\"}");
    json_decref(deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\"}"));
    char *value = next_of(bus, deployment.client.wire.dead, correlation, sizeof correlation);
    assert_string_equal(value, "what?");
    free(value);
    value = next_of(bus, deployment.client.wire.dead, correlation, sizeof correlation);
    assert_string_equal(value, "{\"op\":\"dance\"}");
    free(value);
    value = next_of(bus, deployment.client.wire.dead, correlation, sizeof correlation);
    assert_string_equal(value, "{\"op\":\"info\"}");
    free(value);
    trading_bus_close(bus);
    deployment_close(&deployment);
}

static void tell_events(struct serving *serving)
{
    serving->tells_events = true;
}

/* Opens an account, and waits for an event of it. */
static void open_and_hear(struct deployment *deployment, trading_bus *bus, const char *name)
{
    char correlation[32];
    json_t *answer = deployment_do(deployment, "{\"op\":\"open_account\",\"name\":\"%s\"}", name);
    const char *account = json_string_value(json_object_get(answer, "account"));
    assert_non_null(account);
    for (bool told = false; !told;) {
        char *value = next_of(bus, deployment->client.wire.events, correlation, sizeof correlation);
        told = strstr(value, account);
        free(value);
    }
    json_decref(answer);
}

/* Brokers take a transaction back that takes too long, and say the same as to one who has a successor. */
static void events_go_on_after_their_writer_was_fenced(void **state)
{
    (void)state;
    struct deployment deployment;
    trading_error error;
    trading_bus *bus;
    trading_bus *other;
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.writer = "test.events.events.0";
    deployment_open_with(&deployment, 1, 1, tell_events);
    assert_int_equal(trading_bus_open(&bus, deployment.host, deployment.bus_uri, NULL, &error), TRADING_OK);
    assert_int_equal(trading_bus_follow(bus, deployment.client.wire.events, 0, TRADING_BUS_OLDEST, &error), TRADING_OK);
    open_and_hear(&deployment, bus, "Ada");
    assert_int_equal(trading_bus_open(&other, deployment.host, deployment.bus_uri, &options, &error), TRADING_OK);
    trading_bus_close(other);
    open_and_hear(&deployment, bus, "Grace");
    trading_bus_close(bus);
    deployment_close(&deployment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_answers_what_run_does),
        cmocka_unit_test(a_replay_by_topic_makes_the_same_statements),
        cmocka_unit_test(money_and_orders_go_between_processes),
        cmocka_unit_test(a_process_that_ends_is_succeeded),
        cmocka_unit_test(a_command_finds_its_partition),
        cmocka_unit_test(an_owner_that_was_replaced_answers_nothing_out_of_date),
        cmocka_unit_test(a_successor_goes_on_where_it_stood),
        cmocka_unit_test(a_view_waits_for_what_it_is_to_have_seen),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(what_is_no_request_is_put_aside),
        cmocka_unit_test(events_go_on_after_their_writer_was_fenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
