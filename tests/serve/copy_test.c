/* A deployment is taken to a copy of its store with more partitions, under another prefix: clients find there what they left, and go on. */
#include "deployment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CUSTOMERS = 8, BEFORE = 2, AFTER = 4 };

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void set_quote(struct deployment *deployment, const char *key, const char *bid, const char *ask)
{
    json_decref(deployment_do(deployment, "{\"op\":\"quote\",\"symbol\":\"IBM\",\"bid\":\"%s\",\"ask\":\"%s\",\"key\":\"%s\"}",
                              bid, ask, key));
}

/* Accounts, money sent between them, and an order each that waits to buy. */
static void make_customers(struct deployment *deployment)
{
    char first[40] = "";
    set_quote(deployment, "morning", "99.00", "100.00");
    for (int i = 0; i < CUSTOMERS; i++) {
        json_t *opened = deployment_do(
            deployment, "{\"op\":\"open_account\",\"name\":\"Customer\",\"deposit\":\"1000.00\",\"key\":\"open %d\"}", i);
        json_decref(deployment_do(deployment,
                                  "{\"op\":\"place_order\",\"portfolio\":\"%s\",\"side\":\"buy\",\"symbol\":\"IBM\","
                                  "\"quantity\":\"1\",\"type\":\"limit\","
                                  "\"limit_price\":\"90.00\",\"time_in_force\":\"gtc\",\"key\":\"order %d\"}",
                                  text_of(opened, "portfolio"), i));
        if (i == 0)
            snprintf(first, sizeof first, "%s", text_of(opened, "account"));
        else
            json_decref(deployment_do(
                deployment, "{\"op\":\"transfer\",\"account\":\"%s\",\"to\":\"%s\",\"amount\":\"1.00\",\"key\":\"pay %d\"}",
                text_of(opened, "account"), first, i));
        json_decref(opened);
    }
}

/* Copies once nothing is on its way: else those who serve go on for a moment. */
static void copy_when_settled(struct deployment *deployment, const char *to)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    trading_error error;
    int32_t code;
    options.partitions = AFTER;
    for (;;) {
        for (size_t i = 0; i < BEFORE; i++)
            deployment_stop(deployment, i);
        code = trading_store_copy(deployment->host, deployment->store_uri, to, &options, NULL, &error);
        if (code != TRADING_E_BUSY)
            break;
        for (size_t i = 0; i < BEFORE; i++)
            deployment_start(deployment, i);
        nanosleep(&moment, NULL);
    }
    if (code)
        fail_msg("%s", error.message);
}

static void serve_copy(struct deployment *deployment, const char *uri)
{
    trading_error error;
    const struct timespec moment = {.tv_nsec = 1000000};
    const struct errands_options options = {
        .bus = deployment->bus_uri, .prefix = "more", .pipeline = 256, .again = INT64_C(2000000000)};
    int32_t code;
    errands_close(&deployment->client);
    snprintf(deployment->store_uri, sizeof deployment->store_uri, "%s", uri);
    for (size_t i = 0; i < DEPLOYMENT_NODES; i++) {
        deployment->seats[i].options.group = "more";
        deployment->seats[i].options.serving.partitions = AFTER;
        assert_true(wire_init(&deployment->seats[i].options.serving.wire, "more"));
    }
    for (size_t i = 0; i < BEFORE; i++)
        deployment_start(deployment, i);
    while ((code = errands_open(&deployment->client, deployment->host, &options, &error)) == TRADING_E_NOT_FOUND)
        nanosleep(&moment, NULL);
    assert_int_equal(code, TRADING_OK);
}

/* The quote falls to where all orders wait, wherever their accounts are now. */
static void check_customers(struct deployment *deployment)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    set_quote(deployment, "evening", "80.00", "90.00");
    for (int i = 0; i < CUSTOMERS; i++) {
        json_t *opened = deployment_do(
            deployment, "{\"op\":\"open_account\",\"name\":\"Customer\",\"deposit\":\"1000.00\",\"key\":\"open %d\"}", i);
        assert_string_equal(text_of(opened, "status"), "duplicate");
        json_t *account = NULL;
        const char *expected = i ? "909.00" : "917.00";
        for (int tries = 0; tries < 6000; tries++) {
            json_decref(account);
            account = deployment_do(deployment, "{\"op\":\"view_account\",\"id\":\"%s\"}", text_of(opened, "account"));
            if (strcmp(text_of(account, "balance"), expected) == 0)
                break;
            nanosleep(&moment, NULL);
        }
        assert_string_equal(text_of(account, "balance"), expected);
        json_decref(account);
        json_decref(opened);
    }
}

static void a_deployment_moves_to_more_partitions(void **state)
{
    (void)state;
    struct deployment deployment;
    static struct shared_store copy;
    char uri[48];
    trading_error error;
    deployment_open(&deployment, BEFORE, BEFORE, false);
    shared_store_make(&copy);
    snprintf(uri, sizeof uri, "copied:%s", copy.location);
    assert_int_equal(trading_store_register(deployment.host, "copied", &copy.ops, &error), TRADING_OK);
    make_customers(&deployment);
    copy_when_settled(&deployment, uri);
    serve_copy(&deployment, uri);
    check_customers(&deployment);
    for (size_t i = 0; i < BEFORE; i++)
        deployment_stop(&deployment, i);
    deployment_verify(&deployment);
    deployment_close(&deployment);
    shared_store_unmake(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_moves_to_more_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
