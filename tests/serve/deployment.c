#include "deployment.h"

#include "subcommand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_stopped(void *context)
{
    struct seat *seat = context;
    return atomic_load(&seat->stops);
}

static void *run(void *context)
{
    struct seat *seat = context;
    seat->code = node_run(&seat->options);
    return NULL;
}

void deployment_start(struct deployment *deployment, size_t node)
{
    struct seat *seat = &deployment->seats[node];
    atomic_store(&seat->stops, false);
    seat->options.stopped = is_stopped;
    seat->options.context = seat;
    seat->runs = true;
    assert_int_equal(pthread_create(&seat->thread, NULL, run, seat), 0);
}

void deployment_stop(struct deployment *deployment, size_t node)
{
    struct seat *seat = &deployment->seats[node];
    if (!seat->runs)
        return;
    atomic_store(&seat->stops, true);
    pthread_join(seat->thread, NULL);
    seat->runs = false;
    assert_int_equal(seat->code, 0);
}

static void open_client(struct deployment *deployment)
{
    trading_error error;
    const struct errands_options options = {
        .bus = deployment->bus_uri, .prefix = "test", .pipeline = 256, .again = INT64_C(2000000000)};
    const struct timespec moment = {.tv_nsec = 1000000};
    int32_t code;
    /* The topics are made by whoever serves first, that of the commands last. */
    while ((code = errands_open(&deployment->client, deployment->host, &options, &error)) == TRADING_E_NOT_FOUND)
        nanosleep(&moment, NULL);
    if (code != TRADING_OK)
        fail_msg("%s", error.message);
}

static void set_up(struct deployment *deployment, size_t nodes, uint32_t partitions, bool record_time,
                   void (*prepare)(struct serving *))
{
    trading_error error;
    memset(deployment, 0, sizeof *deployment);
    deployment->partitions = partitions;
    shared_store_make(&deployment->store);
    assert_int_equal(trading_host_open(&deployment->host, NULL, &error), TRADING_OK);
    snprintf(deployment->store_uri, sizeof deployment->store_uri, "shared:%s", deployment->store.location);
    snprintf(deployment->bus_uri, sizeof deployment->bus_uri, "memory:serve");
    for (size_t i = 0; i < DEPLOYMENT_NODES; i++) {
        struct serving *serving = &deployment->seats[i].options.serving;
        deployment->seats[i].options.group = "test";
        *serving = (struct serving){.host = deployment->host,
                                    .store = deployment->store_uri,
                                    .bus = deployment->bus_uri,
                                    .partitions = partitions,
                                    .record_time = record_time,
                                    .early_wait = INT64_C(2000000000)};
        wire_init(&serving->wire, "test");
        if (prepare)
            prepare(serving);
    }
    assert_int_equal(trading_store_register(deployment->host, "shared", &deployment->store.ops, &error), TRADING_OK);
    for (size_t i = 0; i < nodes; i++)
        deployment_start(deployment, i);
    open_client(deployment);
}

void deployment_open(struct deployment *deployment, size_t nodes, uint32_t partitions, bool record_time)
{
    set_up(deployment, nodes, partitions, record_time, NULL);
}

void deployment_open_with(struct deployment *deployment, size_t nodes, uint32_t partitions, void (*prepare)(struct serving *))
{
    set_up(deployment, nodes, partitions, false, prepare);
}

void deployment_send_once(struct deployment *deployment)
{
    deployment->client.again = deployment->client.patience;
}

void deployment_close(struct deployment *deployment)
{
    trading_error error;
    for (size_t i = 0; i < DEPLOYMENT_NODES; i++)
        deployment_stop(deployment, i);
    errands_close(&deployment->client);
    assert_int_equal(trading_host_close(deployment->host, &error), TRADING_OK);
    shared_store_unmake(&deployment->store);
}

json_t *deployment_ask(struct deployment *deployment, const char *line)
{
    struct outcome outcome;
    trading_error error;
    errands_take(&deployment->client, line, strlen(line), 1);
    while (!errands_next(&deployment->client, &outcome))
        if (errands_work(&deployment->client, INT64_C(100000000), &error) != TRADING_OK)
            fail_msg("%s", error.message);
    return outcome.json;
}

void deployment_take_answers(struct deployment *deployment)
{
    struct outcome outcome;
    trading_error error;
    assert_int_equal(errands_work(&deployment->client, INT64_C(100000000), &error), TRADING_OK);
    while (errands_next(&deployment->client, &outcome)) {
        assert_int_not_equal(outcome.code, EXIT_STORE);
        json_decref(outcome.json);
    }
}

static json_t *accepted(const char *line, json_t *answer)
{
    if (!json_is_true(json_object_get(answer, "ok")))
        fail_msg("%s: %s", line, json_dumps(answer, 0));
    return answer;
}

json_t *deployment_do(struct deployment *deployment, const char *format, ...)
{
    char line[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    return accepted(line, deployment_ask(deployment, line));
}

static bool has_no_quote(const json_t *answer)
{
    const char *reason = json_string_value(json_object_get(answer, "reason"));
    return reason && !strcmp(reason, "NO_QUOTE");
}

json_t *deployment_do_once_quoted(struct deployment *deployment, const char *format, ...)
{
    char line[1024];
    const struct timespec moment = {.tv_nsec = 20000000};
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    json_t *answer = deployment_ask(deployment, line);
    for (int tries = 1; has_no_quote(answer) && tries < 6000; tries++) {
        json_decref(answer);
        nanosleep(&moment, NULL);
        answer = deployment_ask(deployment, line);
    }
    return accepted(line, answer);
}

void deployment_verify(struct deployment *deployment)
{
    trading_error error = {0};
    trading_engine *engine;
    trading_verification found = TRADING_VERIFICATION_INIT;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_READ_ONLY;
    if (trading_engine_open(&engine, deployment->host, deployment->store_uri, &options, &error) != TRADING_OK ||
        trading_engine_verify(engine, &found, NULL, NULL, &error) != TRADING_OK)
        fail_msg("%s", error.message);
    if (!found.sound)
        fail_msg("%s", found.finding);
    assert_int_equal(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), TRADING_OK);
}
