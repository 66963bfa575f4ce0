/* The topic of commands is lost with all that was in it, and made anew: its positions begin at 0 again, where the journal's commands are done. */
#include "deployment.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char account[] = "{\"op\":\"open_account\",\"key\":\"ada\",\"name\":\"Ada\",\"deposit\":\"1.00\"}";

/* What the process says on standard error meanwhile goes to a file: to its end, wherever in it who reads is. */
static int listen_to_errors(FILE **said)
{
    int errors = dup(STDERR_FILENO);
    *said = tmpfile();
    assert_true(errors >= 0 && *said);
    assert_int_equal(fcntl(fileno(*said), F_SETFL, O_APPEND), 0);
    assert_true(dup2(fileno(*said), STDERR_FILENO) >= 0);
    return errors;
}

static bool is_said(FILE *said, const char *words)
{
    char line[512];
    rewind(said);
    while (fgets(line, sizeof line, said))
        if (strstr(line, words))
            return true;
    return false;
}

static void wait_until_said(FILE *said, const char *words)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    int tries = 0;
    while (!is_said(said, words) && tries++ < 6000)
        nanosleep(&moment, NULL);
    assert_true(tries < 6000);
}

/* Another bus, on which nothing was ever sent. */
static void lose_the_bus(struct deployment *deployment)
{
    deployment_stop(deployment, 0);
    errands_close(&deployment->client);
    deployment->seats[1].options.serving.bus = "memory:anew";
}

static void open_client(struct deployment *deployment, const char *prefix)
{
    trading_error error;
    const struct errands_options options = {.bus = "memory:anew", .prefix = prefix, .pipeline = 1};
    const struct timespec moment = {.tv_nsec = 1000000};
    int32_t code;
    while ((code = errands_open(&deployment->client, deployment->host, &options, &error)) == TRADING_E_NOT_FOUND)
        nanosleep(&moment, NULL);
    assert_int_equal(code, TRADING_OK);
}

static void a_topic_that_was_lost_is_told_and_another_prefix_goes_on(void **state)
{
    (void)state;
    struct deployment deployment;
    FILE *said;
    deployment_open(&deployment, 1, 1, false);
    json_decref(deployment_do(&deployment, "%s", account));
    json_decref(deployment_do(&deployment, "%s", account));
    lose_the_bus(&deployment);

    int errors = listen_to_errors(&said);
    deployment_start(&deployment, 1);
    wait_until_said(said, "lost and made anew");
    deployment_stop(&deployment, 1);
    assert_true(dup2(errors, STDERR_FILENO) >= 0);
    assert_false(is_said(said, "is open"));
    close(errors);
    fclose(said);

    assert_true(wire_init(&deployment.seats[1].options.serving.wire, "another"));
    deployment_start(&deployment, 1);
    open_client(&deployment, "another");
    json_t *answer = deployment_do(&deployment, "%s", account);
    assert_string_equal(json_string_value(json_object_get(answer, "status")), "duplicate");
    json_decref(answer);
    deployment_close(&deployment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_that_was_lost_is_told_and_another_prefix_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
