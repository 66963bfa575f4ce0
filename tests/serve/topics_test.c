/* Deployments in one process, by their topics: records as strangers write them, and what others read of it. */
#include "backends/memory/memory_store.h"
#include "deployment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTITIONS = 4, COMMIT_BYTES = 65536 };

/* For what comes on any machine, however busy. */
#define LONG INT64_C(60000000000)

static void let_views_wait(struct serving *serving)
{
    serving->early_wait = LONG;
}

static void open_counted(struct deployment *deployment, size_t nodes, uint32_t partitions)
{
    deployment_open_with(deployment, nodes, partitions, let_views_wait);
    deployment_send_once(deployment);
}

static void publish_under(struct deployment *deployment, uint32_t partition, const char *value, trading_bus_header header)
{
    trading_error error;
    const trading_bus_record record = {.topic = deployment->client.wire.commands,
                                       .partition = partition,
                                       .value = value,
                                       .value_size = strlen(value),
                                       .headers = &header,
                                       .header_count = 1};
    if (trading_bus_publish(deployment->client.bus, &record, 1, TRADING_BUS_NO_MARK, &error) != TRADING_OK)
        fail_msg("%s", error.message);
}

static void publish(struct deployment *deployment, uint32_t partition, const char *value, const char *correlation)
{
    publish_under(deployment, partition, value, wire_text_header(WIRE_CORRELATION, correlation));
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
        int32_t code = trading_bus_poll(bus, &notice, 1, &count, LONG, &error);
        if (code != TRADING_OK)
            fail_msg("nothing came of %s", topic);
        if (strcmp(notice.record.topic, topic) != 0)
            continue;
        const trading_bus_header *header = wire_header(&notice.record, WIRE_CORRELATION);
        snprintf(correlation, bytes, "%.*s", header ? (int)header->size : 0, header ? (const char *)header->value : "");
        return strndup(notice.record.value, (size_t)notice.record.value_size);
    }
}

/* A stranger's bus that reads a topic, all of it. */
static trading_bus *listen(struct deployment *deployment, const char *topic, uint32_t partitions)
{
    trading_error error;
    trading_bus *bus;
    assert_int_equal(trading_bus_open(&bus, deployment->host, deployment->bus_uri, NULL, &error), TRADING_OK);
    for (uint32_t p = 0; p < partitions; p++)
        assert_int_equal(trading_bus_follow(bus, topic, p, TRADING_BUS_OLDEST, &error), TRADING_OK);
    return bus;
}

/* Whoever waits for the commands' topic finds the others as well. */
static void the_topic_of_commands_is_made_last(void **state)
{
    (void)state;
    static const char *const others[] = {"test.results", "test.letters", "test.events", "test.dead", "test.quotes"};
    struct wire wire;
    trading_error error;
    assert_true(wire_init(&wire, "test"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        trading_host *host;
        trading_bus *bus;
        uint32_t count;
        assert_int_equal(trading_host_open(&host, NULL, &error), TRADING_OK);
        assert_int_equal(trading_bus_open(&bus, host, "memory:topics", NULL, &error), TRADING_OK);
        assert_int_equal(trading_bus_topic(bus, others[i], PARTITIONS + 1, 0, &error), TRADING_OK);
        assert_int_equal(wire_make_topics(&wire, bus, PARTITIONS, &error), TRADING_E_INVALID);
        assert_int_equal(trading_bus_partitions(bus, wire.commands, &count, &error), TRADING_E_NOT_FOUND);
        trading_bus_close(bus);
        assert_int_equal(trading_host_close(host, &error), TRADING_OK);
    }
}

static void a_command_finds_its_partition(void **state)
{
    (void)state;
    struct deployment deployment;
    char correlation[32];
    open_counted(&deployment, 2, PARTITIONS);
    trading_bus *bus = listen(&deployment, deployment.client.wire.results, PARTITIONS);
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

/* Wherever it is handed on to: of where it stood first. */
static void a_command_without_a_key_has_that_of_its_place(void **state)
{
    (void)state;
    struct deployment deployment;
    char correlation[32];
    trading_error error;
    open_counted(&deployment, 2, PARTITIONS);
    trading_bus *bus = listen(&deployment, deployment.client.wire.results, PARTITIONS);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        char place[64];
        char account[TRADING_ID_TEXT];
        int64_t position;
        trading_id key;
        trading_id id;
        trading_id portfolio;
        assert_int_equal(trading_bus_end(bus, deployment.client.wire.commands, p, &position, &error), TRADING_OK);
        publish(&deployment, p, "{\"op\":\"open_account\",\"name\":\"Ada\"}", "ada");
        int length = snprintf(place, sizeof place, "test.commands/%u/%lld", p, (long long)position);
        trading_key_from_text(place, (size_t)length, &key);
        trading_opened_ids(&key, &id, &portfolio);
        trading_id_format(TRADING_ENTITY_ACCOUNT, &id, account);
        char *value = next_of(bus, deployment.client.wire.results, correlation, sizeof correlation);
        if (!strstr(value, account))
            fail_msg("%s opened another account than %s: %s", place, account, value);
        free(value);
    }
    trading_bus_close(bus);
    deployment_close(&deployment);
}

/* Three times; then those who serve do not agree where it belongs. */
static void a_command_is_handed_on_so_often_and_no_more(void **state)
{
    (void)state;
    static const char line[] = "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\"}";
    struct deployment deployment;
    char correlation[32];
    open_counted(&deployment, 2, PARTITIONS);
    trading_bus *results = listen(&deployment, deployment.client.wire.results, PARTITIONS);
    trading_bus *dead = listen(&deployment, deployment.client.wire.dead, 1);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        publish_under(&deployment, p, line, wire_text_header(WIRE_HOPS, "2"));
        free(next_of(results, deployment.client.wire.results, correlation, sizeof correlation));
    }
    for (uint32_t p = 0; p < PARTITIONS; p++)
        publish_under(&deployment, p, line, wire_text_header(WIRE_HOPS, "3"));
    free(next_of(results, deployment.client.wire.results, correlation, sizeof correlation));
    for (uint32_t p = 1; p < PARTITIONS; p++) {
        char *value = next_of(dead, deployment.client.wire.dead, correlation, sizeof correlation);
        assert_string_equal(value, line);
        free(value);
    }
    trading_bus_close(dead);
    trading_bus_close(results);
    deployment_close(&deployment);
}

static trading_decimal balance_of(const json_t *answer)
{
    trading_decimal balance;
    const char *text = json_string_value(json_object_get(answer, "balance"));
    assert_non_null(text);
    assert_int_equal(trading_decimal_parse(text, strlen(text), &balance), TRADING_OK);
    return balance;
}

/* Deposits, views and what is no request, many at a time: each is answered in its turn, and a view has seen what stands before it. */
static void results_come_in_the_order_of_the_topic(void **state)
{
    (void)state;
    enum { RECORDS = 2000 };
    struct deployment deployment;
    char lines[3][256] = {"", "", "dance"};
    char correlation[32];
    trading_decimal deposits = 0;
    open_counted(&deployment, 1, 1);
    json_t *answer = deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\"}");
    const char *account = json_string_value(json_object_get(answer, "account"));
    snprintf(lines[0], sizeof lines[0], "{\"op\":\"deposit\",\"account\":\"%s\",\"amount\":\"1.00\"}", account);
    snprintf(lines[1], sizeof lines[1], "{\"op\":\"view_account\",\"id\":\"%s\"}", account);
    json_decref(answer);
    trading_bus *bus = listen(&deployment, deployment.client.wire.results, 1);
    free(next_of(bus, deployment.client.wire.results, correlation, sizeof correlation));
    for (int i = 0; i < RECORDS; i++) {
        snprintf(correlation, sizeof correlation, "%d", i);
        publish(&deployment, 0, lines[i % 3], correlation);
    }
    for (int i = 0; i < RECORDS; i++) {
        char *value = next_of(bus, deployment.client.wire.results, correlation, sizeof correlation);
        assert_int_equal(strtol(correlation, NULL, 10), i);
        answer = json_loads(value, 0, NULL);
        assert_int_equal(json_is_true(json_object_get(answer, "ok")), i % 3 < 2);
        deposits += i % 3 == 0 ? TRADING_DECIMAL_ONE : 0;
        if (i % 3 == 1)
            assert_true(balance_of(answer) >= deposits);
        json_decref(answer);
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
    open_counted(&deployment, 1, 1);
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

/* The store of the test that follows refuses one append: the one behind a commit that is nearly as large as they get, which is half of their limit. */
enum refusal { REFUSES_NOTHING, REFUSES_AFTER_FULL, REFUSES_NEXT, HAS_REFUSED };
static atomic_int refusal;
static atomic_int passed_over; /* appends behind the refused one, before the store was opened again */
static int32_t (*open_whole)(const trading_store_request *request, const trading_host_functions *host, void **handle,
                             trading_error *error);

static int32_t open_again(const trading_store_request *request, const trading_host_functions *host, void **handle,
                          trading_error *error)
{
    int has_refused = HAS_REFUSED;
    atomic_compare_exchange_strong(&refusal, &has_refused, REFUSES_NOTHING);
    return open_whole(request, host, handle, error);
}

static int32_t append_or_refuse(void *handle, uint32_t partition, const trading_store_commit *commits, size_t count,
                                trading_store_head *head, trading_error *error)
{
    if (atomic_load(&refusal) == REFUSES_NEXT) {
        atomic_store(&refusal, HAS_REFUSED);
        *error = (trading_error){.code = TRADING_E_NO_SPACE, .message = "the disk is full, as the test has it"};
        return TRADING_E_NO_SPACE;
    }
    atomic_fetch_add(&passed_over, atomic_load(&refusal) == HAS_REFUSED);
    if (atomic_load(&refusal) == REFUSES_AFTER_FULL && commits[0].size > COMMIT_BYTES / 10 * 4)
        atomic_store(&refusal, REFUSES_NEXT);
    return memory_store_ops.append(handle, partition, commits, count, head, error);
}

/* The store is where its URI says. */
static void make_commits_small(struct serving *serving)
{
    struct shared_store *store = (struct shared_store *)(uintptr_t)strtoull(strchr(serving->store, ':') + 1, NULL, 16);
    open_whole = store->ops.open == open_again ? open_whole : store->ops.open;
    store->ops.open = open_again;
    store->ops.append = append_or_refuse;
    serving->commit_bytes = COMMIT_BYTES;
}

/* Reads the answers up to that of the last record, in order, and gives how many of the records were known already. What was durable when the append was
 * refused may have no answer: it is the one gap. */
static int answers_from_before(trading_bus *bus, const char *topic, int records)
{
    char correlation[32];
    int known = 0;
    int gaps = 0;
    for (int next = 0; next < records; next++) {
        char *value = next_of(bus, topic, correlation, sizeof correlation);
        int number = (int)strtol(correlation, NULL, 10);
        bool was_done = strstr(value, "\"duplicate\"");
        assert_true(was_done || strstr(value, "\"accepted\""));
        assert_true(number >= next);
        gaps += number > next;
        known += was_done;
        next = number;
        free(value);
    }
    assert_true(gaps <= 1);
    return known;
}

static void publish_openings(struct deployment *deployment, int records)
{
    char line[256];
    char number[32];
    for (int i = 0; i < records; i++) {
        snprintf(number, sizeof number, "%d", i);
        snprintf(line, sizeof line, "{\"op\":\"open_account\",\"name\":\"%0100d\",\"deposit\":\"1.00\"}", i);
        publish(deployment, 0, line, number);
    }
}

/* Of records that wait, a commit is durable and the next is not: with the rest of those that came in with it, the cursor behind them did not happen, nor
 * one behind later records. All are read again, answered in order, and done once. */
static int be_refused_after_a_commit(void)
{
    enum { RECORDS = 2000 };
    struct deployment deployment;
    deployment_open_with(&deployment, 1, 1, make_commits_small);
    deployment_stop(&deployment, 0);
    publish_openings(&deployment, RECORDS);
    atomic_store(&refusal, REFUSES_AFTER_FULL);
    trading_bus *bus = listen(&deployment, deployment.client.wire.results, 1);
    deployment_start(&deployment, 0);
    int known = answers_from_before(bus, deployment.client.wire.results, RECORDS);
    assert_int_equal(atomic_load(&refusal), REFUSES_NOTHING);
    assert_int_equal(atomic_load(&passed_over), 0);
    json_t *answer = deployment_do(&deployment, "{\"op\":\"accounts\"}");
    assert_int_equal(json_array_size(json_object_get(answer, "accounts")), RECORDS);
    json_decref(answer);
    deployment_stop(&deployment, 0);
    deployment_verify(&deployment);
    trading_bus_close(bus);
    deployment_close(&deployment);
    return known;
}

/* A commit may end with what came in together, by chance. */
static void what_was_cut_before_its_cursor_is_done_once(void **state)
{
    (void)state;
    while (!be_refused_after_a_commit())
        continue;
}

/* A letter's event comes by itself: who knows the position that it will have waits for it there. */
static void a_view_waits_for_what_it_is_to_have_seen(void **state)
{
    (void)state;
    struct deployment deployment;
    char line[256];
    trading_error error;
    open_counted(&deployment, 1, 1);
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

/* No record may end a partition: neither one that is as large as the bus takes, nor an answer that is larger. */
static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct deployment deployment;
    char line[512];
    open_counted(&deployment, 1, 1);
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
        for (int k = i; k < i + 64; k++) {
            snprintf(line, sizeof line, "{\"op\":\"open_account\",\"name\":\"P\",\"key\":\"%d\"}", k);
            errands_take(&deployment.client, line, strlen(line), 1);
        }
        while (deployment.client.count > 0)
            deployment_take_answers(&deployment);
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
    open_counted(&deployment, 1, 1);
    trading_bus *bus = listen(&deployment, deployment.client.wire.dead, 1);
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
    trading_bus *other;
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.writer = "test.events.events.0";
    deployment_open_with(&deployment, 1, 1, tell_events);
    trading_bus *bus = listen(&deployment, deployment.client.wire.events, 1);
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
        cmocka_unit_test(the_topic_of_commands_is_made_last),
        cmocka_unit_test(a_command_finds_its_partition),
        cmocka_unit_test(a_command_without_a_key_has_that_of_its_place),
        cmocka_unit_test(a_command_is_handed_on_so_often_and_no_more),
        cmocka_unit_test(results_come_in_the_order_of_the_topic),
        cmocka_unit_test(a_successor_goes_on_where_it_stood),
        cmocka_unit_test(what_was_cut_before_its_cursor_is_done_once),
        cmocka_unit_test(a_view_waits_for_what_it_is_to_have_seen),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(what_is_no_request_is_put_aside),
        cmocka_unit_test(events_go_on_after_their_writer_was_fenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
