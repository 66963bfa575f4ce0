/* Who comes while brokers fail each other, against those that librdkafka has for tests: what is asked is answered by the brokers that there are. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trading.h>

#include <cmocka.h>

enum { LIST_OFFSETS = 2 };

static const char *plugin;

struct fixture {
    rd_kafka_t *client; /* that the brokers belong to */
    rd_kafka_mock_cluster_t *cluster;
    trading_host *host;
    trading_bus *bus;
    trading_error error;
};

static void open_bus(struct fixture *fixture)
{
    char uri[200];
    snprintf(uri, sizeof uri, "kafka://%s/", rd_kafka_mock_cluster_bootstraps(fixture->cluster));
    if (trading_bus_open(&fixture->bus, fixture->host, uri, NULL, &fixture->error))
        fail_msg("%s", fixture->error.message);
}

/* Three brokers, of which the first leads the topic's one partition. */
static void set_up(struct fixture *fixture)
{
    char why[200];
    trading_host_options host = TRADING_HOST_OPTIONS_INIT;
    fixture->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    fixture->cluster = rd_kafka_mock_cluster_new(fixture->client, 3);
    assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster, "topic", 1, 3), 0);
    rd_kafka_mock_partition_set_leader(fixture->cluster, "topic", 0, 1);
    host.flags = TRADING_HOST_PLUGINS;
    assert_int_equal(trading_host_open(&fixture->host, &host, &fixture->error), TRADING_OK);
    assert_int_equal(trading_plugin_load(fixture->host, plugin, &fixture->error), TRADING_OK);
    open_bus(fixture);
}

static void tear_down(struct fixture *fixture)
{
    trading_bus_close(fixture->bus);
    assert_int_equal(trading_host_close(fixture->host, &fixture->error), TRADING_OK);
    rd_kafka_mock_cluster_destroy(fixture->cluster);
    rd_kafka_destroy(fixture->client);
}

static void assert_end(struct fixture *fixture, int64_t expected)
{
    int64_t end;
    if (trading_bus_end(fixture->bus, "topic", 0, &end, &fixture->error))
        fail_msg("%s", fixture->error.message);
    assert_int_equal(end, expected);
}

static void assert_partitions(struct fixture *fixture, uint32_t expected)
{
    uint32_t count;
    if (trading_bus_partitions(fixture->bus, "topic", &count, &fixture->error))
        fail_msg("%s", fixture->error.message);
    assert_int_equal(count, expected);
}

static void a_partition_that_another_broker_leads_by_now_is_asked_for_there(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_end(&fixture, 0); /* so it is known who leads */
    rd_kafka_mock_partition_set_leader(fixture.cluster, "topic", 0, 2);
    assert_end(&fixture, 0);
    tear_down(&fixture);
}

static void a_partition_whose_leader_died_is_asked_for_of_the_next(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_end(&fixture, 0);
    rd_kafka_mock_broker_set_down(fixture.cluster, 1);
    rd_kafka_mock_partition_set_leader(fixture.cluster, "topic", 0, 2);
    assert_end(&fixture, 0);
    tear_down(&fixture);
}

/* A leader that is new does not know yet what those before have told of. */
static void an_end_that_is_not_known_yet_is_asked_for_again(void **state)
{
    (void)state;
    static const rd_kafka_resp_err_t passing[] = {
        RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,  RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,  RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,   RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
    };
    struct fixture fixture;
    set_up(&fixture);
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        rd_kafka_mock_push_request_errors(fixture.cluster, LIST_OFFSETS, 2, passing[i], passing[i]);
        assert_end(&fixture, 0);
    }
    tear_down(&fixture);
}

static void a_topic_is_known_while_its_partition_has_no_leader(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    rd_kafka_mock_partition_set_leader(fixture.cluster, "topic", 0, -1);
    assert_partitions(&fixture, 1);
    assert_int_equal(trading_bus_topic(fixture.bus, "topic", 1, 0, &fixture.error), TRADING_OK);
    tear_down(&fixture);
}

/* They stand still, and their connections stay: nobody says that it is missing, so nobody is asked to make it, which not everybody may. */
static void a_topic_is_not_made_while_brokers_do_not_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    for (int broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_rtt(fixture.cluster, broker, 60000);
    assert_int_equal(trading_bus_topic(fixture.bus, "topic", 1, 0, &fixture.error), TRADING_E_TIMEOUT);
    assert_true(fixture.error.flags & TRADING_ERROR_RETRYABLE);
    assert_non_null(strstr(fixture.error.message, "asking for the topic"));
    tear_down(&fixture);
}

/* As of a topic that was just made. Its members ask one that knows of it soon enough. */
static void a_group_is_joined_for_a_topic_that_a_broker_does_not_know_yet(void **state)
{
    (void)state;
    struct fixture fixture;
    trading_bus_notice notice;
    size_t count = 0;
    set_up(&fixture);
    assert_partitions(&fixture, 1);
    rd_kafka_mock_topic_set_error(fixture.cluster, "topic", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_int_equal(trading_bus_join(fixture.bus, "group", "topic", &fixture.error), TRADING_OK);
    assert_int_equal(trading_bus_poll(fixture.bus, &notice, 1, &count, INT64_C(1000000000), &fixture.error), TRADING_E_TIMEOUT);
    rd_kafka_mock_topic_set_error(fixture.cluster, "topic", RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(trading_bus_poll(fixture.bus, &notice, 1, &count, INT64_C(60000000000), &fixture.error), TRADING_OK);
    assert_int_equal(notice.kind, TRADING_BUS_OWNED);
    tear_down(&fixture);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_that_another_broker_leads_by_now_is_asked_for_there),
        cmocka_unit_test(a_partition_whose_leader_died_is_asked_for_of_the_next),
        cmocka_unit_test(an_end_that_is_not_known_yet_is_asked_for_again),
        cmocka_unit_test(a_topic_is_known_while_its_partition_has_no_leader),
        cmocka_unit_test(a_topic_is_not_made_while_brokers_do_not_answer),
        cmocka_unit_test(a_group_is_joined_for_a_topic_that_a_broker_does_not_know_yet),
    };
    plugin = argc > 1 ? argv[1] : "kafka";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
