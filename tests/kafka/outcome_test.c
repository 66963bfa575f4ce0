/* A writer's transactions when brokers fail or do not answer, and what readers are handed over, against the brokers that librdkafka has for tests. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <trading.h>

#include <cmocka.h>

enum { PRODUCE = 0, END_TRANSACTION = 26 };

static const char *plugin;

struct fixture {
    rd_kafka_t *client; /* that the brokers belong to */
    rd_kafka_mock_cluster_t *cluster;
    trading_host *host;
    trading_bus *bus;
    trading_error error;
    _Atomic bool is_full; /* the host has no memory */
};

static void *allocate(void *fixture, size_t bytes)
{
    return ((struct fixture *)fixture)->is_full ? NULL : malloc(bytes);
}

static void release(void *fixture, void *memory, size_t bytes)
{
    (void)fixture;
    (void)bytes;
    free(memory);
}

/* As patient with its brokers as it says. */
static void set_up_with(struct fixture *fixture, const char *patience)
{
    char why[200];
    char uri[200];
    trading_host_options host = TRADING_HOST_OPTIONS_INIT;
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    fixture->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    fixture->cluster = rd_kafka_mock_cluster_new(fixture->client, 1);
    assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster, "trading.marks", 8, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster, "topic", 1, 1), 0);
    host.flags = TRADING_HOST_PLUGINS;
    host.allocate = allocate;
    host.release = release;
    host.allocate_context = fixture;
    fixture->is_full = false;
    assert_int_equal(trading_host_open(&fixture->host, &host, &fixture->error), TRADING_OK);
    assert_int_equal(trading_plugin_load(fixture->host, plugin, &fixture->error), TRADING_OK);
    snprintf(uri, sizeof uri, "kafka://%s/%s", rd_kafka_mock_cluster_bootstraps(fixture->cluster), patience);
    options.writer = "writer";
    if (trading_bus_open(&fixture->bus, fixture->host, uri, &options, &fixture->error))
        fail_msg("%s", fixture->error.message);
}

static void set_up(struct fixture *fixture)
{
    set_up_with(fixture, "");
}

static void tear_down(struct fixture *fixture)
{
    trading_bus_close(fixture->bus);
    assert_int_equal(trading_host_close(fixture->host, &fixture->error), TRADING_OK);
    rd_kafka_mock_cluster_destroy(fixture->cluster);
    rd_kafka_destroy(fixture->client);
}

static int32_t publish(struct fixture *fixture, int64_t mark)
{
    trading_bus_record record = {.topic = "topic", .key = "k", .key_size = 1, .value = "v", .value_size = 1};
    return trading_bus_publish(fixture->bus, &record, 1, mark, &fixture->error);
}

/* The mark, once it can be told. */
static int64_t mark_at_last(struct fixture *fixture)
{
    int64_t mark = -1;
    int32_t code;
    while ((code = trading_bus_mark(fixture->bus, &mark, &fixture->error)) == TRADING_E_OUTCOME_UNKNOWN)
        assert_true(fixture->error.flags & TRADING_ERROR_OUTCOME_UNKNOWN);
    assert_int_equal(code, TRADING_OK);
    return mark;
}

static void test_a_commit_without_an_answer_is_asked_for_until_it_is_known(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up_with(&fixture, "?publish_timeout=5000");
    assert_int_equal(publish(&fixture, 1), TRADING_OK);
    rd_kafka_mock_broker_push_request_error_rtts(fixture.cluster, 1, END_TRANSACTION, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 20000);
    assert_int_equal(publish(&fixture, 2), TRADING_E_OUTCOME_UNKNOWN);
    assert_true(fixture.error.flags & TRADING_ERROR_OUTCOME_UNKNOWN);
    assert_false(fixture.error.flags & TRADING_ERROR_FATAL);
    assert_int_equal(publish(&fixture, 3), TRADING_E_OUTCOME_UNKNOWN); /* it is still that of before: nothing more begins */
    assert_int_equal(mark_at_last(&fixture), 2);
    assert_int_equal(publish(&fixture, 4), TRADING_OK);
    assert_int_equal(mark_at_last(&fixture), 4);
    tear_down(&fixture);
}

static void test_records_that_brokers_refuse_take_the_mark_with_them(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(publish(&fixture, 1), TRADING_OK);
    rd_kafka_mock_push_request_errors(fixture.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
    assert_int_equal(publish(&fixture, 2), TRADING_E_INVALID);
    assert_int_equal(mark_at_last(&fixture), 1);
    int tries = 0; /* librdkafka may throw away what comes right behind a transaction that it gave up */
    while (publish(&fixture, 3) && fixture.error.flags & TRADING_ERROR_RETRYABLE && ++tries < 10)
        assert_int_equal(mark_at_last(&fixture), 1);
    assert_int_equal(fixture.error.code, TRADING_OK);
    assert_int_equal(mark_at_last(&fixture), 3);
    tear_down(&fixture);
}

static void test_a_writer_that_is_fenced_while_it_commits(void **state)
{
    (void)state;
    struct fixture fixture;
    int64_t mark;
    set_up(&fixture);
    assert_int_equal(publish(&fixture, 1), TRADING_OK);
    rd_kafka_mock_push_request_errors(fixture.cluster, END_TRANSACTION, 1, RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
    assert_int_equal(publish(&fixture, 2), TRADING_E_OUTCOME_UNKNOWN); /* who opens the name next learns it */
    assert_true(fixture.error.flags & TRADING_ERROR_FATAL);
    assert_int_equal(trading_bus_mark(fixture.bus, &mark, &fixture.error), TRADING_E_FENCED);
    assert_int_equal(publish(&fixture, 3), TRADING_E_FENCED);
    tear_down(&fixture);
}

/* A key without bytes, which strangers write, would be refused where the record is handed on. */
static void test_an_empty_key_is_none(void **state)
{
    (void)state;
    struct fixture fixture;
    trading_bus_notice notice;
    size_t count;
    char why[200];
    char value[] = "v";
    set_up(&fixture);
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set(settings, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(fixture.cluster), why, sizeof why);
    rd_kafka_t *stranger = rd_kafka_new(RD_KAFKA_PRODUCER, settings, why, sizeof why);
    assert_non_null(stranger);
    assert_int_equal(rd_kafka_producev(stranger, RD_KAFKA_V_TOPIC("topic"), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY("", 0),
                                       RD_KAFKA_V_VALUE(value, 1), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(stranger, 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(stranger);
    assert_int_equal(trading_bus_follow(fixture.bus, "topic", 0, TRADING_BUS_OLDEST, &fixture.error), TRADING_OK);
    assert_int_equal(trading_bus_poll(fixture.bus, &notice, 1, &count, INT64_C(60000000000), &fixture.error), TRADING_OK);
    assert_int_equal(notice.record.value_size, 1);
    assert_null(notice.record.key);
    assert_int_equal(notice.record.key_size, 0);
    assert_int_equal(trading_bus_publish(fixture.bus, &notice.record, 1, TRADING_BUS_NO_MARK, &fixture.error), TRADING_OK);
    tear_down(&fixture);
}

static void test_records_are_handed_over_once_there_is_memory(void **state)
{
    (void)state;
    struct fixture fixture;
    trading_bus_notice notices[2];
    size_t count;
    int32_t code;
    set_up(&fixture);
    assert_int_equal(trading_bus_follow(fixture.bus, "topic", 0, TRADING_BUS_OLDEST, &fixture.error), TRADING_OK);
    assert_int_equal(trading_bus_poll(fixture.bus, notices, 2, &count, 0, &fixture.error), TRADING_E_TIMEOUT);
    assert_int_equal(publish(&fixture, 1), TRADING_OK);
    assert_int_equal(publish(&fixture, 2), TRADING_OK);
    fixture.is_full = true; /* also of headers, for which there was no room yet */
    code = trading_bus_poll(fixture.bus, notices, 2, &count, INT64_C(60000000000), &fixture.error);
    fixture.is_full = false;
    assert_int_equal(code, TRADING_E_NO_MEMORY);
    for (int64_t position = 0; position < 2; position += (int64_t)count) {
        assert_int_equal(trading_bus_poll(fixture.bus, notices, 2, &count, INT64_C(60000000000), &fixture.error), TRADING_OK);
        assert_int_equal(notices[0].record.position, position);
    }
    assert_int_equal(trading_bus_poll(fixture.bus, notices, 2, &count, INT64_C(500000000), &fixture.error), TRADING_E_TIMEOUT);
    tear_down(&fixture);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_commit_without_an_answer_is_asked_for_until_it_is_known),
        cmocka_unit_test(test_records_that_brokers_refuse_take_the_mark_with_them),
        cmocka_unit_test(test_a_writer_that_is_fenced_while_it_commits),
        cmocka_unit_test(test_an_empty_key_is_none),
        cmocka_unit_test(test_records_are_handed_over_once_there_is_memory),
    };
    plugin = argc > 1 ? argv[1] : "kafka";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
