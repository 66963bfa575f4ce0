/* What an engine remembers of commands when it is opened again: all of them, from what is stored and from the journal, and from the
 * journal alone when what is stored is lost, damaged or another store's. */
#include "desk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH  7000u
#define SAMPLE 211u   /* of what is sent again: to look an old command up, its commit is read up to it */
#define MANY   70000u /* so many that they are stored when the engine is closed */

static trading_command commands[BATCH];
static trading_result results[BATCH];

/* Deposits a unit under every `step`th key from `from` on; how many were answered so. */
static uint32_t deposit(struct desk *desk, const struct client *client, uint32_t from, uint32_t to, uint32_t step,
                        int32_t status)
{
    static trading_cash bodies[BATCH];
    uint32_t answered = 0;
    while (from < to) {
        uint32_t left = (to - from + step - 1) / step;
        uint32_t count = left < BATCH ? left : BATCH;
        for (uint32_t i = 0; i < count; i++) {
            bodies[i] = (trading_cash)TRADING_CASH_INIT;
            bodies[i].amount = TRADING_DECIMAL_ONE;
            commands[i] = (trading_command){.type = TRADING_COMMAND_DEPOSIT, .account = client->account};
            commands[i].body = &bodies[i];
            commands[i].body_size = sizeof bodies[i];
            snprintf((char *)commands[i].key.bytes, sizeof commands[i].key.bytes, "k%u", from + i * step);
        }
        MUST(trading_engine_execute(desk->engine, commands, count, results, NULL) == TRADING_OK);
        for (uint32_t i = 0; i < count; i++)
            answered += results[i].status == status;
        from += count * step;
    }
    return answered;
}

static void expect_all_known(struct desk *desk, const struct client *client, uint32_t count)
{
    uint32_t asked = (count + SAMPLE - 1) / SAMPLE;
    assert_int_equal(deposit(desk, client, 0, count, SAMPLE, TRADING_STATUS_DUPLICATE), asked);
    assert_int_equal(deposit(desk, client, count - 200, count, 1, TRADING_STATUS_DUPLICATE), 200);
    assert_true(desk_balance(desk, &client->account) == (trading_decimal)(count + 1) * TRADING_DECIMAL_ONE);
}

/* Calls for each run of the store. */
static uint32_t for_each_run(const struct desk *desk, void (*change)(const char *path))
{
    char folder[128];
    char path[512];
    uint32_t count = 0;
    snprintf(folder, sizeof folder, "%s/keys", desk->folder);
    DIR *entries = opendir(folder);
    MUST(entries != NULL);
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        if (!strstr(entry->d_name, ".run"))
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (change)
            change(path);
    }
    closedir(entries);
    return count;
}

static void cut(const char *path)
{
    MUST(truncate(path, 1000) == 0);
}

static void drop(const char *path)
{
    MUST(unlink(path) == 0);
}

/* A store whose keys are stored in part: of the newest the journal alone knows. */
static struct client make_store(struct desk *desk)
{
    desk_open_folder(desk);
    struct client client = desk_client(desk, 1);
    assert_int_equal(deposit(desk, &client, 0, MANY, 1, TRADING_STATUS_ACCEPTED), MANY);
    desk_stop(desk);
    assert_true(for_each_run(desk, NULL) >= 2);
    desk_start(desk, 0);
    assert_int_equal(deposit(desk, &client, MANY, MANY + 100, 1, TRADING_STATUS_ACCEPTED), 100);
    desk_stop(desk);
    return client;
}

static void all_is_known_again(void **state)
{
    (void)state;
    struct desk desk;
    struct client client = make_store(&desk);
    for (int i = 0; i < 2; i++) {
        desk.log[0] = '\0';
        desk_start(&desk, i ? TRADING_ENGINE_MANUAL : 0);
        expect_all_known(&desk, &client, MANY + 100);
        assert_null(strstr(desk.log, "keys"));
        desk_stop(&desk);
    }
    desk_start(&desk, 0);
    desk_close(&desk);
}

static void expect_made_again(struct desk *desk, const struct client *client, const char *said)
{
    desk->log[0] = '\0';
    desk_start(desk, 0);
    if (said)
        assert_non_null(strstr(desk->log, said));
    expect_all_known(desk, client, MANY + 100);
    desk_stop(desk);
    assert_true(for_each_run(desk, NULL) >= 2); /* and stored again */
}

static void what_is_damaged_or_lost_is_made_again(void **state)
{
    (void)state;
    struct desk desk;
    struct client client = make_store(&desk);
    for_each_run(&desk, cut);
    expect_made_again(&desk, &client, "damaged");
    for_each_run(&desk, drop);
    expect_made_again(&desk, &client, NULL);
    desk_start(&desk, 0);
    desk_close(&desk);
}

/* Of a journal that has other commands where these say theirs are. */
static void keys_of_another_journal_are_not_believed(void **state)
{
    (void)state;
    struct desk desk;
    struct desk other;
    char command[512];
    struct client client = make_store(&desk);
    desk_open_folder(&other);
    struct client stranger = desk_client(&other, 1);
    assert_int_equal(deposit(&other, &stranger, 1000000, 1000000 + MANY, 1, TRADING_STATUS_ACCEPTED), MANY);
    desk_stop(&other);
    snprintf(command, sizeof command, "rm -r %s/keys && cp -r %s/keys %s/keys", desk.folder, other.folder, desk.folder);
    MUST(system(command) == 0); // NOLINT(bugprone-command-processor)
    expect_made_again(&desk, &client, "not this journal's");
    desk_start(&desk, 0);
    desk_close(&desk);
    desk_start(&other, 0);
    desk_close(&other);
}

/* The journal is long: threads read ahead, and one of them leaves the keys. */
static void keys_are_made_again_with_the_state(void **state)
{
    (void)state;
    struct desk desk;
    char command[512];
    struct client client = make_store(&desk);
    snprintf(command, sizeof command, "rm -r %s/keys %s/state %s/state.mdb", desk.folder, desk.folder, desk.folder);
    MUST(system(command) == 0); // NOLINT(bugprone-command-processor)
    desk_start(&desk, 0);
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    MUST(trading_engine_get_info(desk.engine, &info, NULL) == TRADING_OK);
    assert_int_equal(info.replayed_events, info.next_position);
    expect_all_known(&desk, &client, MANY + 100);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_known_again),
        cmocka_unit_test(what_is_damaged_or_lost_is_made_again),
        cmocka_unit_test(keys_of_another_journal_are_not_believed),
        cmocka_unit_test(keys_are_made_again_with_the_state),
    };
    return cmocka_run_group_tests_name("recall", tests, NULL, NULL);
}
