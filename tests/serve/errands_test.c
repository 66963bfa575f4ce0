/* A client of a deployment while its bus fails: it goes on by itself, and says what it waits for. */
#include "backends/memory/memory_bus.h"
#include "deployment.h"
#include "monotonic.h"
#include "plugin/host.h"
#include "serve/patience.h"
#include "subcommand.h"

#include <string.h>

#define SECOND INT64_C(1000000000)

/* ---- a bus that fails as it is told ---- */

static trading_host *host_of_bus;
static trading_error failure; /* of the next so many calls of a kind */
static int opens_that_fail;
static int publishes_that_fail;
static int polls_that_fail;
static uint32_t partitions_more; /* than there are, as it says */
static int opened;
static uint64_t published; /* records */

static int32_t fail_one(int *count, trading_error *error)
{
    if (*count <= 0)
        return TRADING_OK;
    --*count;
    *error = failure;
    return failure.code;
}

/* The bus within the process, as the host opens it under its own name. */
static int32_t open_bus(const trading_bus_request *request, const trading_host_functions *host, void **bus,
                        trading_error *error)
{
    struct memory_bus_request own = {.request = *request, .brokers = &host_of_bus->brokers};
    own.request.size = sizeof own;
    opened++;
    int32_t code = fail_one(&opens_that_fail, error);
    return code ? code : memory_bus_ops.open(&own.request, host, bus, error);
}

static int32_t count_partitions(void *bus, const char *topic, uint32_t *count, trading_error *error)
{
    int32_t code = memory_bus_ops.partitions(bus, topic, count, error);
    *count += partitions_more;
    return code;
}

static int32_t publish(void *bus, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error)
{
    int32_t code = fail_one(&publishes_that_fail, error);
    if (code)
        return code;
    published += count;
    return memory_bus_ops.publish(bus, records, count, mark, error);
}

static int32_t poll_bus(void *bus, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout,
                        trading_error *error)
{
    *count = 0;
    int32_t code = fail_one(&polls_that_fail, error);
    return code ? code : memory_bus_ops.poll(bus, notices, max, count, timeout, error);
}

static struct deployment deployment;
static struct errands client; /* over the bus that fails */
static const struct errands_options options = {
    .bus = "failing:serve", .prefix = "test", .pipeline = 4, .again = SECOND / 10, .patience = 20 * SECOND};

static int set_up(void **state)
{
    (void)state;
    trading_bus_ops ops = memory_bus_ops;
    ops.open = open_bus;
    ops.partitions = count_partitions;
    ops.publish = publish;
    ops.poll = poll_bus;
    deployment_open(&deployment, 1, 2, false);
    host_of_bus = deployment.host;
    opens_that_fail = publishes_that_fail = polls_that_fail = opened = 0;
    partitions_more = 0;
    published = 0;
    return trading_bus_register(deployment.host, "failing", &ops, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    errands_close(&client);
    deployment_close(&deployment);
    return 0;
}

static void fail_with(int32_t code, uint32_t flags)
{
    failure = (trading_error){.code = code, .flags = flags, .message = "as it was told"};
}

static void open_client(void)
{
    trading_error error;
    if (errands_open(&client, deployment.host, &options, &error) != TRADING_OK)
        fail_msg("%s", error.message);
}

static void ask(const char *line)
{
    errands_take(&client, line, strlen(line), 1);
}

/* The exit code that the oldest request's answer stands for, whatever fails meanwhile. */
static int answer(void)
{
    struct outcome outcome;
    trading_error error;
    while (!errands_next(&client, &outcome))
        errands_work(&client, SECOND / 100, &error);
    json_decref(outcome.json);
    return outcome.code;
}

#define OPEN "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\"}"

/* ---- while it works ---- */

static void a_bus_of_no_more_use_is_opened_anew(void **state)
{
    (void)state;
    open_client();
    fail_with(TRADING_E_IO, TRADING_ERROR_FATAL);
    publishes_that_fail = 1;
    ask(OPEN);
    assert_int_equal(answer(), EXIT_DONE);
    assert_int_equal(opened, 2);
    polls_that_fail = 1;
    ask(OPEN);
    assert_int_equal(answer(), EXIT_DONE);
    assert_int_equal(opened, 3);
}

static void it_is_opened_again_and_again(void **state)
{
    (void)state;
    trading_error error;
    open_client();
    fail_with(TRADING_E_IO, TRADING_ERROR_FATAL);
    polls_that_fail = 1;
    ask(OPEN);
    assert_int_equal(errands_work(&client, 0, &error), TRADING_E_IO);
    assert_int_equal(error.flags & TRADING_ERROR_FATAL, 0); /* the client is of use */
    fail_with(TRADING_E_TIMEOUT, TRADING_ERROR_RETRYABLE);
    opens_that_fail = 3;
    assert_int_equal(answer(), EXIT_DONE);
    assert_int_equal(opened, 5);
}

static void results_that_went_on_without_it_are_followed_from_their_end(void **state)
{
    (void)state;
    open_client();
    fail_with(TRADING_E_POSITION, 0);
    polls_that_fail = 1;
    ask(OPEN);
    assert_int_equal(answer(), EXIT_DONE);
    assert_int_equal(opened, 2);
}

static void another_failure_leaves_it_open(void **state)
{
    (void)state;
    open_client();
    fail_with(TRADING_E_OUTCOME_UNKNOWN, TRADING_ERROR_RETRYABLE);
    publishes_that_fail = 3;
    polls_that_fail = 1;
    ask(OPEN);
    assert_int_equal(answer(), EXIT_DONE);
    assert_int_equal(opened, 1);
}

static void what_the_bus_did_not_take_is_sent_once_when_it_does(void **state)
{
    (void)state;
    trading_error error;
    int64_t end = monotonic_now() + options.again * 5;
    open_client();
    fail_with(TRADING_E_IO, TRADING_ERROR_RETRYABLE);
    publishes_that_fail = INT32_MAX;
    ask(OPEN);
    while (monotonic_now() < end)
        assert_int_equal(errands_work(&client, 0, &error), TRADING_E_IO);
    publishes_that_fail = 0;
    errands_work(&client, 0, &error);
    assert_int_equal(published, 1);
    assert_int_equal(answer(), EXIT_DONE);
}

static void another_number_of_partitions_is_fatal(void **state)
{
    (void)state;
    trading_error error;
    open_client();
    fail_with(TRADING_E_IO, TRADING_ERROR_FATAL);
    polls_that_fail = 1;
    partitions_more = 1;
    ask(OPEN);
    assert_int_equal(errands_work(&client, 0, &error), TRADING_E_IO);
    assert_int_equal(errands_work(&client, 0, &error), TRADING_E_INVALID);
    assert_true(error.flags & TRADING_ERROR_FATAL);
}

/* ---- at the start ---- */

static bool is_stopped(void *context)
{
    return *(bool *)context;
}

static bool stopped;

static struct patience patience_of(int64_t time)
{
    return (struct patience){.who = "test", .end = monotonic_now() + time, .stopped = is_stopped, .context = &stopped};
}

static void what_may_pass_is_waited_for(void **state)
{
    (void)state;
    trading_error error;
    struct patience patience = patience_of(20 * SECOND);
    fail_with(TRADING_E_TIMEOUT, TRADING_ERROR_RETRYABLE);
    opens_that_fail = 3;
    while (errands_open(&client, deployment.host, &options, &error) != TRADING_OK)
        assert_true(patience_lasts(&patience, &error));
    assert_int_equal(opened, 4);
    ask(OPEN);
    assert_int_equal(answer(), EXIT_DONE);
}

static void a_deployment_that_nobody_serves_yet_is_waited_for(void **state)
{
    (void)state;
    trading_error error;
    struct patience patience = patience_of(20 * SECOND);
    const struct errands_options nobody = {.bus = "failing:serve", .prefix = "nobody", .pipeline = 1};
    assert_int_equal(errands_open(&client, deployment.host, &nobody, &error), TRADING_E_NOT_FOUND);
    assert_true(patience_lasts(&patience, &error));
}

static void what_would_fail_again_is_not(void **state)
{
    (void)state;
    trading_error error;
    struct patience patience = patience_of(20 * SECOND);
    const struct errands_options unknown = {.bus = "unknown:serve", .prefix = "test", .pipeline = 1};
    assert_int_equal(errands_open(&client, deployment.host, &unknown, &error), TRADING_E_NOT_FOUND);
    assert_false(patience_lasts(&patience, &error));
    fail_with(TRADING_E_INVALID, 0);
    assert_false(patience_lasts(&patience, &failure));
    fail_with(TRADING_E_IO, TRADING_ERROR_FATAL);
    assert_false(patience_lasts(&patience, &failure));
}

static void it_waits_no_longer_than_it_is_to(void **state)
{
    (void)state;
    struct patience patience = patience_of(SECOND / 5);
    fail_with(TRADING_E_IO, TRADING_ERROR_RETRYABLE);
    while (patience_lasts(&patience, &failure))
        ;
    assert_true(monotonic_now() >= patience.end);
    patience = patience_of(20 * SECOND);
    stopped = true;
    assert_false(patience_lasts(&patience, &failure));
    stopped = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bus_of_no_more_use_is_opened_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_opened_again_and_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_that_went_on_without_it_are_followed_from_their_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_failure_leaves_it_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_bus_did_not_take_is_sent_once_when_it_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_number_of_partitions_is_fatal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_pass_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deployment_that_nobody_serves_yet_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_would_fail_again_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_waits_no_longer_than_it_is_to, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
