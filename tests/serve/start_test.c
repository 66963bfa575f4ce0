/* Processes that cannot begin to serve: what they end with, and that nothing is changed by them. */
#include "backends/memory/memory_bus.h"
#include "deployment.h"
#include "monotonic.h"
#include "plugin/host.h"
#include "subcommand.h"

#include <string.h>
#include <time.h>

/* Serves as the options say until it ends by itself. */
static int end_of(struct deployment *deployment, size_t node)
{
    struct seat *seat = &deployment->seats[node];
    deployment_start(deployment, node);
    pthread_join(seat->thread, NULL);
    seat->runs = false;
    return seat->code;
}

/* ---- another number of partitions ---- */

static void a_number_of_partitions_that_is_not_the_topics_is_refused(void **state)
{
    (void)state;
    static const uint32_t others[] = {1, 3, 64};
    struct deployment deployment;
    uint32_t count;
    deployment_open(&deployment, 1, 2, false);
    json_decref(deployment_do(&deployment, "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\"}"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        deployment.seats[1].options.serving.partitions = others[i];
        assert_int_equal(end_of(&deployment, 1), EXIT_STORE);
    }
    assert_int_equal(trading_bus_partitions(deployment.client.bus, deployment.client.wire.commands, &count, NULL), TRADING_OK);
    assert_int_equal(count, 2);
    json_t *answer = deployment_do(&deployment, "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\"}");
    assert_string_equal(json_string_value(json_object_get(answer, "status")), "duplicate");
    json_decref(answer);
    deployment_close(&deployment);
}

/* ---- a bus that is away ---- */

static trading_host *host_of_bus;
static atomic_int times_away; /* so many more times nobody is there to make a topic */
static atomic_int asked;
static atomic_int times_unheard; /* so many more times nobody leads a partition of the letters' topic */

/* The bus within the process, as the host opens it under its own name. */
static int32_t open_bus(const trading_bus_request *request, const trading_host_functions *host, void **bus,
                        trading_error *error)
{
    struct memory_bus_request own = {.request = *request, .brokers = &host_of_bus->brokers};
    own.request.size = sizeof own;
    return memory_bus_ops.open(&own.request, host, bus, error);
}

static int32_t make_topic_if_there(void *bus, const char *topic, uint32_t partitions, uint32_t flags, trading_error *error)
{
    atomic_fetch_add(&asked, 1);
    if (atomic_load(&times_away) > 0) {
        atomic_fetch_sub(&times_away, 1);
        *error = (trading_error){.code = TRADING_E_IO, .flags = TRADING_ERROR_RETRYABLE, .message = "nobody is there"};
        return TRADING_E_IO;
    }
    return memory_bus_ops.topic(bus, topic, partitions, flags, error);
}

static int32_t follow_if_there(void *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error)
{
    if (strstr(topic, ".letters") && atomic_fetch_sub(&times_unheard, 1) > 0) {
        *error = (trading_error){.code = TRADING_E_IO, .flags = TRADING_ERROR_RETRYABLE, .message = "nobody leads it"};
        return TRADING_E_IO;
    }
    return memory_bus_ops.follow(bus, topic, partition, position, error);
}

/* Its only process is not started yet, and finds a bus that is away so many times. */
static void open_with_a_bus_away(struct deployment *deployment, uint32_t partitions, int times)
{
    trading_bus_ops ops = memory_bus_ops;
    ops.open = open_bus;
    ops.topic = make_topic_if_there;
    ops.follow = follow_if_there;
    deployment_open(deployment, 1, partitions, false);
    deployment_stop(deployment, 0);
    assert_int_equal(trading_bus_register(deployment->host, "away", &ops, NULL), TRADING_OK);
    host_of_bus = deployment->host;
    deployment->seats[1].options.serving.bus = "away:serve";
    deployment->seats[1].options.patience = INT64_C(2000000000);
    atomic_store(&times_away, times);
    atomic_store(&asked, 0);
}

static void a_bus_that_stays_away_ends_it(void **state)
{
    (void)state;
    struct deployment deployment;
    open_with_a_bus_away(&deployment, 1, 1000000);
    int64_t began = monotonic_now();
    assert_int_equal(end_of(&deployment, 1), EXIT_STORE);
    assert_true(atomic_load(&asked) > 0); /* more than once, unless the process did not run until its patience was over */
    assert_true(monotonic_now() - began >= deployment.seats[1].options.patience);
    deployment_close(&deployment);
}

static void a_bus_that_comes_is_waited_for(void **state)
{
    (void)state;
    struct deployment deployment;
    open_with_a_bus_away(&deployment, 1, 2);
    deployment.seats[1].options.patience = 0;
    deployment_start(&deployment, 1);
    json_decref(deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\"}"));
    assert_int_equal(atomic_load(&times_away), 0);
    deployment_close(&deployment);
}

static void letters_that_cannot_be_followed_are_later(void **state)
{
    (void)state;
    struct deployment deployment;
    const struct timespec moment = {.tv_nsec = 1000000};
    open_with_a_bus_away(&deployment, 2, 0);
    atomic_store(&times_unheard, 3);
    deployment_start(&deployment, 1);
    for (int i = 0; i < 60000 && atomic_load(&times_unheard) > -2; i++)
        nanosleep(&moment, NULL);
    assert_int_equal(atomic_load(&times_unheard), -2); /* each of the two is */
    json_decref(deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\"}"));
    deployment_close(&deployment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_of_partitions_that_is_not_the_topics_is_refused),
        cmocka_unit_test(a_bus_that_stays_away_ends_it),
        cmocka_unit_test(a_bus_that_comes_is_waited_for),
        cmocka_unit_test(letters_that_cannot_be_followed_are_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
