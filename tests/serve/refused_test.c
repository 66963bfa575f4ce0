/* A store that refuses an append which nobody asked for by topic: what a venue reported of an order, while no command comes. */
#include "backends/memory/memory_store.h"
#include "deployment.h"

#include <string.h>
#include <time.h>

static struct deployment deployment;
static char store_uri[64];
static trading_store_ops refusing;
static atomic_int until_refused; /* appends, with the one that is refused; 0: none is */
static atomic_int after_refusal; /* appends */

static int32_t append(void *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                      trading_store_head *head, trading_error *error)
{
    if (atomic_load(&until_refused) > 0 && atomic_fetch_sub(&until_refused, 1) == 1) {
        atomic_store(&after_refusal, 0);
        *error = (trading_error){.code = TRADING_E_NO_SPACE, .flags = TRADING_ERROR_RETRYABLE, .message = "no room for it"};
        return TRADING_E_NO_SPACE;
    }
    atomic_fetch_add(&after_refusal, 1);
    return memory_store_ops.append(store, partition, commits, count, head, error);
}

static void over_a_store_that_refuses(struct serving *serving)
{
    if (!refusing.append) {
        refusing = deployment.store.ops;
        refusing.append = append;
        refusing.append_begin = NULL;
        refusing.append_poll = NULL;
        assert_int_equal(trading_store_register(serving->host, "refusing", &refusing, NULL), TRADING_OK);
        snprintf(store_uri, sizeof store_uri, "refusing:%s", deployment.store.location);
    }
    serving->store = store_uri;
    assert_true(routing_choose(&serving->venue, "broker=paper:?quotes=*:9/10"));
}

static void what_a_venue_reports_is_booked_by_the_next_to_open_the_partition(void **state)
{
    (void)state;
    char line[512];
    char portfolio[TRADING_ID_TEXT];
    const struct timespec moment = {.tv_nsec = 1000000};
    deployment_open_with(&deployment, 1, 1, over_a_store_that_refuses);
    json_t *answer = deployment_do(&deployment, "{\"op\":\"open_account\",\"name\":\"Ada\",\"deposit\":\"100.00\"}");
    snprintf(portfolio, sizeof portfolio, "%s", json_string_value(json_object_get(answer, "portfolio")));
    json_decref(answer);
    atomic_store(&until_refused, 2); /* the order and its cursor; then what comes of it */
    snprintf(
        line, sizeof line,
        "{\"op\":\"route_order\",\"key\":\"one\",\"portfolio\":\"%s\",\"side\":\"buy\",\"symbol\":\"IBM\",\"quantity\":\"3\","
        "\"type\":\"limit\",\"limit_price\":\"10.00\"}",
        portfolio);
    json_decref(deployment_do(&deployment, "%s", line));
    for (int i = 0; i < 60000 && (atomic_load(&until_refused) > 0 || atomic_load(&after_refusal) == 0); i++)
        nanosleep(&moment, NULL);
    assert_int_equal(atomic_load(&until_refused), 0);
    assert_true(atomic_load(&after_refusal) > 0); /* and nobody asked for anything */
    deployment_close(&deployment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_venue_reports_is_booked_by_the_next_to_open_the_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
