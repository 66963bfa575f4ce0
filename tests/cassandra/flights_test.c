/* Several appends in flight, of one partition and of many: flights-test PLUGIN LOCATION. The location ends where a journal's name is put
 * behind. */
#include "plugin_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FOREVER INT64_C(60000000000)

static const trading_store_ops *ops;
static const char *where;

static void *open_journal(const char *name)
{
    char location[512];
    snprintf(location, sizeof location, "%s%s", where, name);
    return plugin_store_open(ops, location);
}

static trading_store_commit commit_of(int64_t position, const void *bytes, size_t size)
{
    return (trading_store_commit){
        .first_position = position, .event_count = 1, .nonce = {{(uint8_t)position, 1}}, .data = bytes, .size = size};
}

static void begin(void *store, uint32_t partition, const trading_store_commit *commit, uint64_t tag)
{
    trading_error error = {0};
    if (ops->append_begin(store, partition, commit, 1, tag, &error))
        fail_msg("%s", error.message);
}

static uint64_t poll_one(void *store, int32_t expected)
{
    uint64_t tag = UINT64_MAX;
    trading_error outcome = {0};
    assert_int_equal(ops->append_poll(store, FOREVER, &tag, &outcome), TRADING_OK);
    if (outcome.code != expected)
        fail_msg("the append with tag %d ended with %d: %s", (int)tag, (int)outcome.code, outcome.message);
    return tag;
}

static int64_t next_position(void *store, uint32_t partition)
{
    trading_store_head head;
    assert_int_equal(ops->head(store, partition, &head, NULL), TRADING_OK);
    return head.next_position;
}

/* Small blocks and large, whose bytes are written while others' transactions are under way: all get in, in order. */
static void test_in_order(void **state)
{
    enum { COUNT = 30, LARGE = 300000 };
    static uint8_t bytes[LARGE];
    trading_store_commit commits[COUNT];
    void *store = open_journal("in-order");
    (void)state;
    for (int64_t i = 0; i < COUNT; i++) {
        commits[i] = commit_of(i, bytes, i % 3 ? 100 : LARGE);
        begin(store, 7, &commits[i], (uint64_t)i);
    }
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(poll_one(store, TRADING_OK), i);
    assert_int_equal(next_position(store, 7), COUNT);
    assert_int_equal(ops->append_poll(store, 0, &(uint64_t){0}, NULL), TRADING_E_TIMEOUT);
    ops->close(store);
}

static void test_partitions(void **state)
{
    enum { PARTITIONS = 6, EACH = 5 };
    trading_store_commit commits[PARTITIONS][EACH];
    int64_t next[PARTITIONS] = {0};
    void *store = open_journal("partitions");
    (void)state;
    for (int64_t i = 0; i < EACH; i++) {
        for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
            commits[partition][i] = commit_of(i, "partition", 9);
            begin(store, partition, &commits[partition][i], partition * 100 + (uint64_t)i);
        }
    }
    for (int i = 0; i < PARTITIONS * EACH; i++) {
        uint64_t tag = poll_one(store, TRADING_OK);
        assert_int_equal(tag % 100, next[tag / 100]++);
    }
    ops->close(store);
}

/* Another writer takes the first position. What was begun behind is not done, although its position has become the next one. */
static void test_nothing_behind_a_failure(void **state)
{
    void *store = open_journal("behind");
    void *other = open_journal("behind");
    trading_store_commit commits[4];
    (void)state;
    commits[0] = commit_of(0, "first", 5);
    assert_int_equal(ops->append(store, 0, commits, 1, NULL, NULL), TRADING_OK);
    trading_store_commit others = commit_of(1, "other's", 7);
    assert_int_equal(ops->append(other, 0, &others, 1, NULL, NULL), TRADING_OK);
    for (int64_t i = 1; i < 4; i++) {
        commits[i] = commit_of(i, "mine", 4);
        begin(store, 0, &commits[i], (uint64_t)i);
    }
    for (uint64_t i = 1; i < 4; i++)
        assert_int_equal(poll_one(store, TRADING_E_POSITION), i);
    assert_int_equal(next_position(store, 0), 2);
    begin(store, 0, &commits[2], 9); /* the caller has heard of it all */
    assert_int_equal(poll_one(store, TRADING_OK), 9);
    ops->close(other);
    ops->close(store);
}

/* Begun before the failure was polled, be it before or after it came about. */
static void test_nothing_before_a_failure_is_heard(void **state)
{
    void *store = open_journal("unheard");
    void *other = open_journal("unheard");
    (void)state;
    trading_store_commit others = commit_of(0, "other's", 7);
    assert_int_equal(ops->append(other, 0, &others, 1, NULL, NULL), TRADING_OK);
    trading_store_commit first = commit_of(0, "mine", 4);
    trading_store_commit second = commit_of(1, "mine", 4);
    trading_store_commit elsewhere = commit_of(0, "mine", 4);
    begin(store, 0, &first, 1);
    begin(store, 5, &elsewhere, 2); /* another partition's does not wait, and is not touched */
    begin(store, 0, &second, 3);
    for (int i = 0; i < 3; i++) {
        uint64_t tag;
        trading_error outcome = {0};
        assert_int_equal(ops->append_poll(store, FOREVER, &tag, &outcome), TRADING_OK);
        assert_int_equal(outcome.code, tag == 2 ? TRADING_OK : TRADING_E_POSITION);
    }
    assert_int_equal(next_position(store, 0), 1);
    ops->close(other);
    ops->close(store);
}

static void test_closed_with_appends_in_flight(void **state)
{
    trading_store_commit commits[20];
    void *store = open_journal("closed");
    (void)state;
    for (int64_t i = 0; i < 20; i++) {
        commits[i] = commit_of(i, "closed", 6);
        begin(store, 0, &commits[i], 0);
    }
    ops->close(store);
    store = open_journal("closed");
    assert_true(next_position(store, 0) <= 20);
    ops->close(store);
}

/* A child is refused, and what it does harms the parent's store not. */
static void test_fork(void **state)
{
    void *store = open_journal("fork");
    trading_store_commit commit = commit_of(0, "parent's", 8);
    int status;
    (void)state;
    begin(store, 0, &commit, 1);
    assert_int_equal(poll_one(store, TRADING_OK), 1);
    pid_t child = fork();
    if (child == 0) {
        trading_store_head head;
        trading_error error = {0};
        uint64_t tag;
        alarm(60);
        bool refused = ops->head(store, 0, &head, &error) == TRADING_E_FORKED &&
                       ops->append(store, 0, &commit, 1, NULL, &error) == TRADING_E_FORKED &&
                       ops->append_begin(store, 0, &commit, 1, 1, &error) == TRADING_E_FORKED &&
                       ops->append_poll(store, 0, &tag, &error) == TRADING_E_FORKED;
        ops->close(store);
        _exit(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(next_position(store, 0), 1);
    ops->close(store);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_nothing_behind_a_failure),
        cmocka_unit_test(test_nothing_before_a_failure_is_heard),
        cmocka_unit_test(test_closed_with_appends_in_flight),
        cmocka_unit_test(test_fork),
    };
    if (argc < 3) {
        fprintf(stderr, "usage: %s PLUGIN LOCATION\n", argv[0]);
        return 2;
    }
    ops = plugin_store(argv[1]);
    where = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
