/* The Cassandra store over a driver that fails as it is told: how an append ends that got no answer, whatever became of it. */
#include "backends/cassandra/cassandra_store.h"
#include "fake_driver.h"
#include "plugin_store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PATIENT   "//fake/k?resolve_timeout=20000&inline_bytes=1000&bucket_bytes=5000"
#define IMPATIENT "//fake/k?resolve_timeout=1&inline_bytes=1000"

enum { SMALL = 10, LARGE = 700000 };

static uint8_t bytes[LARGE];

static void *open_fake(const char *location)
{
    fake_reset();
    return plugin_store_open(&cassandra_store_ops, location);
}

static int32_t append(void *store, uint32_t partition, int64_t position, size_t size, trading_store_head *head)
{
    trading_store_commit commit = {
        .first_position = position, .event_count = 2, .nonce = {{(uint8_t)(position + 1)}}, .data = bytes, .size = size};
    trading_error error = {0};
    int32_t code = cassandra_store_ops.append(store, partition, &commit, 1, head, &error);
    assert_int_equal(code, error.code);
    return code;
}

struct seen {
    int64_t next;
    int64_t commits;
    bool wrong;
};

static int32_t see(void *arg, const trading_store_commit *commit)
{
    struct seen *seen = arg;
    seen->wrong |= commit->first_position != seen->next;
    seen->next = commit->first_position + commit->event_count;
    seen->commits++;
    return 0;
}

/* That the journal is dense, with so many commits, and ends there. */
static void expect_journal(void *store, uint32_t partition, int64_t commits, int64_t end)
{
    struct seen seen = {0};
    trading_error error = {0};
    if (cassandra_store_ops.read(store, partition, 0, see, &seen, &error))
        fail_msg("%s", error.message);
    assert_false(seen.wrong);
    assert_int_equal(seen.commits, commits);
    assert_int_equal(seen.next, end);
}

/* ---- faults that end well ---- */

static void expect_success(const enum fake_fault *faults, int count, int transactions, size_t size)
{
    void *store = open_fake(PATIENT);
    trading_store_head head;
    assert_int_equal(append(store, 0, 0, size, &head), TRADING_OK);
    fake_plan(faults, count);
    int before = fake_transactions();
    assert_int_equal(append(store, 0, 2, size, &head), TRADING_OK);
    assert_int_equal(head.next_position, 4);
    assert_int_equal(fake_transactions() - before, transactions);
    assert_int_equal(append(store, 0, 4, size, &head), TRADING_OK);
    expect_journal(store, 0, 3, 6);
    cassandra_store_ops.close(store);
}

static void test_unanswered_appends_that_end_well(void **state)
{
    static const enum fake_fault lost[] = {FAKE_LOST, FAKE_LOST, FAKE_REFUSED};
    static const enum fake_fault done[] = {FAKE_DONE};
    static const enum fake_fault late[] = {FAKE_LATE};
    static const enum fake_fault late_first[] = {FAKE_LATE_FIRST};
    static const enum fake_fault many[] = {FAKE_LOST, FAKE_LATE_FIRST};
    (void)state;
    for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
        expect_success(lost, 3, 4, size);
        expect_success(done, 1, 1, size); /* found to be its own, without another try */
        expect_success(late, 1, 2, size);
        expect_success(late_first, 1, 2, size);
        expect_success(many, 2, 3, size);
    }
}

static void test_answer_found_after_silence(void **state)
{
    static const enum fake_fault done[] = {FAKE_DONE};
    (void)state;
    void *store = open_fake(PATIENT);
    assert_int_equal(append(store, 0, 0, SMALL, NULL), TRADING_OK);
    fake_plan(done, 1);
    fake_silence(3);
    assert_int_equal(append(store, 0, 2, SMALL, NULL), TRADING_OK);
    expect_journal(store, 0, 2, 4);
    cassandra_store_ops.close(store);
}

/* ---- another writer ---- */

static void expect_loss(enum fake_fault fault, bool lagging, size_t size)
{
    void *store = open_fake(PATIENT);
    trading_store_head head = {0};
    assert_int_equal(append(store, 0, 0, SMALL, NULL), TRADING_OK);
    fake_plan(&fault, 1);
    fake_lag(lagging);
    assert_int_equal(append(store, 0, 2, size, &head), TRADING_E_POSITION);
    assert_int_equal(head.next_position, 3);
    assert_int_equal(head.nonce.bytes[0], 0xee);
    assert_int_equal(fake_pieces(), 0); /* what was written for nothing is gone */
    fake_lag(false);
    assert_int_equal(append(store, 0, 3, SMALL, NULL), TRADING_OK);
    cassandra_store_ops.close(store);
}

static void test_another_writer_is_first(void **state)
{
    (void)state;
    for (int lagging = 0; lagging < 2; lagging++) {
        for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
            expect_loss(FAKE_STOLEN, lagging, size);
            expect_loss(FAKE_STOLEN_UNANSWERED, lagging, size);
        }
    }
}

/* ---- no end ---- */

static void test_refused(void **state)
{
    static const enum fake_fault refused[] = {FAKE_REFUSED};
    (void)state;
    void *store = open_fake(PATIENT);
    fake_plan(refused, 1);
    assert_int_equal(append(store, 0, 0, LARGE, NULL), TRADING_E_IO);
    assert_int_equal(fake_pieces(), 0);
    assert_int_equal(append(store, 0, 0, LARGE, NULL), TRADING_OK);
    expect_journal(store, 0, 1, 2);
    cassandra_store_ops.close(store);
}

/* Unknown stays unknown to the append; what is asked next is asked at serial consistency. */
static void expect_unknown(enum fake_fault end, int64_t next)
{
    void *store = open_fake(IMPATIENT);
    trading_store_head head;
    enum fake_fault faults[] = {end, FAKE_REFUSED, FAKE_REFUSED, FAKE_REFUSED};
    assert_int_equal(append(store, 0, 0, SMALL, NULL), TRADING_OK);
    fake_plan(faults, 4);
    fake_silence(3);
    assert_int_equal(append(store, 0, 2, LARGE, NULL), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(fake_pieces(), 2); /* they may be needed */
    fake_silence(0);
    fake_plan(NULL, 0);
    fake_lag(true);
    assert_int_equal(cassandra_store_ops.head(store, 0, &head, NULL), TRADING_OK);
    assert_int_equal(head.next_position, next);
    fake_lag(false);
    assert_int_equal(append(store, 0, next, SMALL, NULL), TRADING_OK);
    expect_journal(store, 0, next / 2 + 1, next + 2);
    cassandra_store_ops.close(store);
}

static void test_unknown(void **state)
{
    (void)state;
    expect_unknown(FAKE_DONE, 4);
    expect_unknown(FAKE_LOST, 2);
}

/* ---- buckets ---- */

/* Two writers of one partition with buckets of a few blocks; each is behind by several buckets when it gets its turn. */
static void test_stale_writers_and_buckets(void **state)
{
    (void)state;
    void *one = open_fake(PATIENT);
    void *other = plugin_store_open(&cassandra_store_ops, PATIENT);
    int64_t next = 0;
    for (int round = 0; round < 20; round++) {
        void *writer = round % 2 ? one : other;
        trading_store_head head = {0};
        if (next) {
            assert_int_equal(append(writer, 0, next - 2, SMALL, &head), TRADING_E_POSITION);
            assert_int_equal(head.next_position, next);
        }
        for (int i = 0; i < 7 * round; i++, next += 2)
            assert_int_equal(append(writer, 0, next, 900, NULL), TRADING_OK);
    }
    assert_true(fake_newest_bucket() > 100);
    expect_journal(one, 0, next / 2, next);
    for (int64_t from = 0; from <= next; from += 31) {
        struct seen seen = {.next = from / 2 * 2};
        assert_int_equal(cassandra_store_ops.read(other, 0, from, see, &seen, NULL), TRADING_OK);
        assert_true(!seen.wrong && seen.next == next);
    }
    cassandra_store_ops.close(one);
    cassandra_store_ops.close(other);
}

/* ---- threads ---- */

enum { PARTITIONS = 5, EACH = 40, READERS = 3 };

/* NULL when all that it read was right. */
static void *read_on(void *store)
{
    for (int i = 0; i < 200; i++) {
        trading_store_head head;
        struct seen seen = {0};
        trading_store_info info = {.size = sizeof info};
        uint32_t partition = (uint32_t)i % PARTITIONS;
        if (cassandra_store_ops.head(store, partition, &head, NULL) ||
            cassandra_store_ops.read(store, partition, 0, see, &seen, NULL) || seen.wrong || seen.next < head.next_position ||
            cassandra_store_ops.info(store, &info, NULL))
            return store;
    }
    return NULL;
}

static void begin_all(void *store, trading_store_commit commits[PARTITIONS][EACH])
{
    for (int64_t i = 0; i < EACH; i++) {
        for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
            commits[partition][i] =
                (trading_store_commit){.first_position = i, .event_count = 1, .data = bytes, .size = i % 5 ? SMALL : 3000};
            assert_int_equal(cassandra_store_ops.append_begin(store, partition, &commits[partition][i], 1, partition, NULL),
                             TRADING_OK);
        }
    }
}

static void test_flights_beside_readers(void **state)
{
    static trading_store_commit commits[PARTITIONS][EACH];
    pthread_t readers[READERS];
    void *store = open_fake(PATIENT);
    (void)state;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, store), 0);
    begin_all(store, commits);
    for (int i = 0; i < PARTITIONS * EACH; i++) {
        uint64_t tag;
        trading_error outcome = {0};
        assert_int_equal(cassandra_store_ops.append_poll(store, INT64_C(60000000000), &tag, &outcome), TRADING_OK);
        assert_int_equal(outcome.code, TRADING_OK);
    }
    for (int i = 0; i < READERS; i++) {
        void *wrong;
        pthread_join(readers[i], &wrong);
        assert_null(wrong);
    }
    for (uint32_t partition = 0; partition < PARTITIONS; partition++)
        expect_journal(store, partition, EACH, EACH);
    cassandra_store_ops.close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unanswered_appends_that_end_well),
        cmocka_unit_test(test_answer_found_after_silence),
        cmocka_unit_test(test_another_writer_is_first),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_stale_writers_and_buckets),
        cmocka_unit_test(test_flights_beside_readers),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_reset();
    return failed;
}
