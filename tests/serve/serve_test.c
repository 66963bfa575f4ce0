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

/* Sends every line of a file, many at a time. */
static void send_file(struct deployment *deployment, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while ((length = getline(&line, &room, file)) > 0) {
        while (!errands_has_room(&deployment->client))
            deployment_take_answers(deployment);
        errands_take(&deployment->client, line, (size_t)length, 1);
    }
    while (deployment->client.count > 0)
        deployment_take_answers(deployment);
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

/* Whoever has the partition of an account forgets its person. */
static void people_are_forgotten_where_their_accounts_are(void **state)
{
    struct deployment deployment;
    struct person people[ACCOUNTS];
    (void)state;
    deployment_open(&deployment, 2, PARTITIONS, false);
    open_people(&deployment, people);
    for (int i = 0; i < ACCOUNTS; i += 2)
        json_decref(deployment_do(&deployment, "{\"op\":\"forget\",\"account\":\"%s\"}", people[i].account));
    for (int i = 0; i < ACCOUNTS; i++) {
        char name[8];
        snprintf(name, sizeof name, "P%d", i);
        json_t *answer = deployment_do(&deployment, "{\"op\":\"view_account\",\"id\":\"%s\"}", people[i].account);
        assert_int_equal(json_is_true(json_object_get(answer, "forgotten")), i % 2 == 0);
        assert_string_equal(json_string_value(json_object_get(answer, "name")), i % 2 ? name : "");
        json_decref(answer);
        expect_balance(&deployment, &people[i]);
    }
    json_t *answer = deployment_ask(&deployment, "{\"op\":\"forget\",\"account\":\"A-00000000000000000000000001\"}");
    assert_string_equal(json_string_value(json_object_get(answer, "reason")), "UNKNOWN_ACCOUNT");
    json_decref(answer);
    deployment_verify(&deployment);
    deployment_close(&deployment);
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

/* Until so many orders of these people are filled, and no more than that. */
static void await_filled(struct deployment *deployment, const struct person *people, int wanted)
{
    int filled = 0;
    while (filled < wanted) {
        filled = 0;
        for (int i = 0; i < ACCOUNTS; i++) {
            size_t index;
            const json_t *order;
            json_t *answer = deployment_do(deployment, "{\"op\":\"orders\",\"portfolio\":\"%s\"}", people[i].portfolio);
            json_array_foreach(json_object_get(answer, "orders"), index, order) filled +=
                !strcmp(json_string_value(json_object_get(order, "status")), "filled");
            json_decref(answer);
        }
    }
    assert_int_equal(filled, wanted);
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
    await_filled(&deployment, people, 5);
    answer = deployment_do(&deployment, "{\"op\":\"accounts\"}");
    assert_int_equal(json_array_size(json_object_get(answer, "accounts")), ACCOUNTS);
    json_decref(answer);
    for (size_t i = 0; i < DEPLOYMENT_NODES; i++)
        deployment_stop(&deployment, i);
    deployment_verify(&deployment);
    deployment_close(&deployment);
}

/* Each order was executed at the venue of its partition, which has the partition's number in its price: 10.0, 10.1 … */
static void expect_a_price_for_each_partition(struct deployment *deployment, const struct person *people)
{
    bool seen[PARTITIONS] = {false};
    for (int i = 0; i < ACCOUNTS; i++) {
        size_t index;
        const json_t *order;
        json_t *answer = deployment_do(deployment, "{\"op\":\"orders\",\"portfolio\":\"%s\"}", people[i].portfolio);
        json_array_foreach(json_object_get(answer, "orders"), index, order)
        {
            const char *price = json_string_value(json_object_get(order, "average_price"));
            if (price)
                seen[(int)(10 * strtod(price, NULL) + 0.5) % 10] = true;
        }
        json_decref(answer);
    }
    for (int i = 0; i < PARTITIONS; i++)
        assert_true(seen[i]);
}

static void at_a_venue_on_paper(struct serving *serving)
{
    assert_true(routing_choose(&serving->venue, "broker=paper:?quotes=*:9/10.{}&pieces=2"));
}

/* Whoever has a partition sends its orders; and a partition that moves takes what is open of them with it. */
static void routed_orders_trade_at_a_venue(void **state)
{
    (void)state;
    struct deployment deployment;
    struct person people[ACCOUNTS];
    static const char route[] = "{\"op\":\"route_order\",\"key\":\"%s-%d\",\"portfolio\":\"%s\",\"side\":\"buy\","
                                "\"symbol\":\"IBM\",\"quantity\":\"3\",\"type\":\"limit\",\"limit_price\":\"%s\"}";
    deployment_open_with(&deployment, 2, PARTITIONS, at_a_venue_on_paper);
    open_people(&deployment, people);
    for (int i = 0; i < ACCOUNTS; i++) {
        json_decref(deployment_do(&deployment, route, "trades", i, people[i].portfolio, "10.90"));
        json_decref(deployment_do(&deployment, route, "rests", i, people[i].portfolio, "8.00"));
    }
    await_filled(&deployment, people, ACCOUNTS);
    deployment_stop(&deployment, 0);
    for (int i = 0; i < ACCOUNTS; i++)
        json_decref(deployment_do(&deployment, route, "later", i, people[i].portfolio, "10.90"));
    await_filled(&deployment, people, 2 * ACCOUNTS);
    expect_a_price_for_each_partition(&deployment, people);
    deployment_stop(&deployment, 1);
    deployment_verify(&deployment);
    deployment_close(&deployment);
}

/* A market order of each person. */
static void buy_at_market(struct deployment *deployment, const struct person *people)
{
    for (int i = 0; i < ACCOUNTS; i++)
        json_decref(deployment_do_once_quoted(
            deployment,
            "{\"op\":\"place_order\",\"portfolio\":\"%s\",\"side\":\"buy\",\"symbol\":\"IBM\",\"quantity\":\"1\","
            "\"type\":\"market\"}",
            people[i].portfolio));
}

/* By the topic of quotes; whoever comes later is told of those that were set before. */
static void market_orders_are_held_for_by_quotes_from_elsewhere(void **state)
{
    (void)state;
    struct deployment deployment;
    struct person people[ACCOUNTS];
    deployment_open(&deployment, 2, PARTITIONS, false);
    open_people(&deployment, people);
    json_decref(deployment_do(&deployment,
                              "{\"op\":\"quote\",\"symbol\":\"IBM\",\"bid\":\"9.90\",\"ask\":\"10.00\",\"size\":\"100\"}"));
    buy_at_market(&deployment, people);
    await_filled(&deployment, people, ACCOUNTS);
    deployment_start(&deployment, 2);
    deployment_stop(&deployment, 0);
    deployment_stop(&deployment, 1);
    buy_at_market(&deployment, people);
    await_filled(&deployment, people, 2 * ACCOUNTS);
    deployment_stop(&deployment, 2);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_answers_what_run_does),
        cmocka_unit_test(a_replay_by_topic_makes_the_same_statements),
        cmocka_unit_test(money_and_orders_go_between_processes),
        cmocka_unit_test(people_are_forgotten_where_their_accounts_are),
        cmocka_unit_test(market_orders_are_held_for_by_quotes_from_elsewhere),
        cmocka_unit_test(routed_orders_trade_at_a_venue),
        cmocka_unit_test(a_process_that_ends_is_succeeded),
        cmocka_unit_test(an_owner_that_was_replaced_answers_nothing_out_of_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
