/* Calls of the operating system that fail under LMDB, or are overtaken (lmdb_faults.h). */
#include "base/flush.h"
#include "base/hash.h"
#include "keys/keys.h"
#include "lmdb_faults.h"
#include "lmdb_support.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include <errno.h>

struct fixture {
    char folder[SCRATCH_PATH];
    void *store;
};

static int begin(void **state)
{
    static struct fixture fixture;
    fail_next(NOTHING, 0, 0);
    scratch_make(fixture.folder);
    fixture.store = must_open(fixture.folder);
    must_append(fixture.store, 0, 0, 1, 100);
    must_append(fixture.store, 0, 1, 1, 9000);
    *state = &fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->store)
        lmdb_store_ops.close(fixture->store);
    scratch_remove(fixture->folder);
    return 0;
}

/* The store has so many commits of one event, says so, and says so again when it is opened anew; and takes another. */
static void expect_commits(struct fixture *fixture, int64_t count)
{
    for (int round = 0; round < 2; round++) {
        assert_int_equal(head_of(fixture->store, 0), count + round);
        struct extent extent = read_extent(fixture->store, 0);
        assert_int_equal(extent.code, TRADING_OK);
        assert_int_equal(extent.end, count + round);
        assert_false(extent.wrong);
        trading_error error;
        assert_int_equal(lmdb_store_ops.check(fixture->store, &error), TRADING_OK);
        must_append(fixture->store, 0, count + round, 1, 5000);
        lmdb_store_ops.close(fixture->store);
        fixture->store = must_open(fixture->folder);
    }
}

static void no_space_for_pages(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(DATA, ENOSPC, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_NO_SPACE);
    assert_true(error.flags & TRADING_ERROR_RETRYABLE);
    assert_int_equal(error.native_code, ENOSPC);
    fail_next(DATA, EDQUOT, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_NO_SPACE);
    expect_commits(fixture, 2);
}

static void failed_pages(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(DATA, EIO, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_IO);
    fail_next(DATA_SHORT, EIO, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_IO);
    expect_commits(fixture, 2);
}

static void failed_flush(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(FLUSH, EIO, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(error.native_code, EIO);
    expect_commits(fixture, 3); /* what was written is there, and is written again elsewhere */
}

/* The first append says in the file that it is being written, and nothing else if that fails. */
static void failed_first_flush(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    lmdb_store_ops.close(fixture->store);
    fixture->store = must_open(fixture->folder);
    fail_next(FLUSH, EIO, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_IO);
    expect_commits(fixture, 2);
}

static void failed_meta_page(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(META, EIO, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    assert_true(error.flags & TRADING_ERROR_OUTCOME_UNKNOWN);
    expect_commits(fixture, 2); /* the old page was put back */
}

static void failed_meta_page_that_stays(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(META_STAYS, EIO, 2);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    expect_commits(fixture, 3);
}

/* Who reads beside the writer does not see what is not surely durable. */
static void unseen_until_settled(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    void *reader;
    assert_int_equal(open_lmdb(fixture->folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &reader, &error),
                     TRADING_OK);
    fail_next(META_STAYS, EIO, 2);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(head_of(reader, 0), 2);
    assert_int_equal(read_extent(reader, 0).end, 2);
    assert_int_equal(head_of(fixture->store, 0), 3);
    assert_int_equal(head_of(reader, 0), 3);
    assert_int_equal(read_extent(reader, 0).end, 3);
    lmdb_store_ops.close(reader);
}

static void read_settles_it_too(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(META_STAYS, EIO, 2);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    struct extent extent = read_extent(fixture->store, 0);
    assert_int_equal(extent.code, TRADING_OK);
    assert_int_equal(extent.end, 3);
    expect_commits(fixture, 3);
}

static void append_settles_it_too(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(META_STAYS, EIO, 2);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_POSITION);
    fail_next(META, EIO, 1);
    assert_int_equal(append_bytes(fixture->store, 0, 3, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(append_bytes(fixture->store, 0, 3, 1, 20000, &error), TRADING_OK);
    expect_commits(fixture, 4);
}

/* The disk stays broken for a while: each question is answered with the failure, until it works again. */
static void settled_later(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(META_STAYS, EIO, 2);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    fail_next(FLUSH, EIO, 3);
    trading_store_head head;
    assert_int_equal(lmdb_store_ops.head(fixture->store, 0, &head, &error), TRADING_E_IO);
    assert_int_equal(append_bytes(fixture->store, 0, 3, 1, 20000, &error), TRADING_E_IO);
    assert_int_equal(read_extent(fixture->store, 0).code, TRADING_E_IO);
    expect_commits(fixture, 3);
}

static void closed_unsettled(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    fail_next(META_STAYS, EIO, 2);
    assert_int_equal(append_bytes(fixture->store, 0, 2, 1, 20000, &error), TRADING_E_OUTCOME_UNKNOWN);
    fail_next(FLUSH, EIO, 1);
    trading_store_head head;
    assert_int_equal(lmdb_store_ops.head(fixture->store, 0, &head, &error), TRADING_E_IO);
    lmdb_store_ops.close(fixture->store);
    fixture->store = must_open(fixture->folder);
    expect_commits(fixture, 3);
}

static void secrets_fail(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    trading_store_secret first = {.name = {{1}}, .value = {1}};
    trading_store_secret second = {.name = {{2}}, .value = {2}};
    uint8_t value[32];
    assert_int_equal(lmdb_store_ops.secret_put(fixture->store, &first, 1, &error), TRADING_OK);
    static const enum failing steps[] = {FLUSH, DATA, META};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        fail_next(steps[i], EIO, 1);
        assert_int_equal(lmdb_store_ops.secret_put(fixture->store, &second, 1, &error), TRADING_E_IO);
        fail_next(NOTHING, 0, 0);
        assert_int_equal(lmdb_store_ops.secret_get(fixture->store, &second.name, value, &error), TRADING_E_NOT_FOUND);
        assert_int_equal(lmdb_store_ops.secret_get(fixture->store, &first.name, value, &error), TRADING_OK);
    }
    lmdb_store_ops.close(fixture->store); /* LMDB refuses everything after a failed meta page */
    fixture->store = must_open(fixture->folder);
    assert_int_equal(lmdb_store_ops.secret_get(fixture->store, &first.name, value, &error), TRADING_OK);
    assert_int_equal(lmdb_store_ops.secret_put(fixture->store, &second, 1, &error), TRADING_OK);
    assert_int_equal(lmdb_store_ops.secret_get(fixture->store, &second.name, value, &error), TRADING_OK);
    assert_int_equal(value[0], 2);
}

static void nothing_ahead_on_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    for (int64_t i = 2; i < 40; i++) {
        if (i % 4 == 0) {
            fail_next(DATA, ENOSPC, 1);
            assert_int_equal(append_bytes(fixture->store, 0, i, 1, 100000, &error), TRADING_E_NO_SPACE);
        }
        must_append(fixture->store, 0, i, 1, 100000);
    }
    expect_commits(fixture, 40);
}

/* ---- a reader whom the writer overtakes ---- */

static struct overtaking {
    void *store;
    int64_t next;
    uint64_t pages; /* read so far */
    uint64_t every; /* so many pages the writer comes in between */
    uint64_t commits;
} overtaking;

static void overtake(void)
{
    if (++overtaking.pages % overtaking.every || overtaking.next > 3000)
        return;
    for (uint64_t i = 0; i < overtaking.commits; i++, overtaking.next++)
        must_append(overtaking.store, 0, overtaking.next, 1, overtaking.next % 7 ? 700 : 3000);
}

/* Between any two pages that a search reads, the tree changes and its old pages are used again. */
static void overtaken_by_the_writer(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    void *reader;
    assert_int_equal(open_lmdb(fixture->folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &reader, &error),
                     TRADING_OK);
    overtaking = (struct overtaking){.store = fixture->store, .next = 2};
    while (overtaking.next < 300) {
        must_append(fixture->store, 0, overtaking.next, 1, 700);
        overtaking.next++;
    }
    for (uint64_t every = 2; every < 9; every++) {
        for (uint64_t commits = 1; commits < 8; commits++) {
            overtaking.every = every;
            overtaking.commits = commits;
            meanwhile_reading(overtake);
            struct extent extent = read_extent(commits % 2 ? reader : fixture->store, 0);
            meanwhile_reading(NULL);
            if (extent.code)
                fail_msg("%llu commits every %llu pages: %s", (unsigned long long)commits, (unsigned long long)every,
                         extent.error.message);
            assert_false(extent.wrong);
            assert_true(extent.end >= 300 && extent.end <= overtaking.next);
        }
    }
    assert_true(overtaking.next > 1000);
    lmdb_store_ops.close(reader);
    expect_commits(fixture, overtaking.next);
}

/* Appends so often, and expects so many flushes for each: as counted here, and as the store says, who counts those of the zeros that are laid
 * out ahead as well, of which there is one a commit at most, and more at the beginning. */
static void expect_flushes(struct fixture *fixture, int64_t from, uint64_t each)
{
    const uint64_t appends = 10;
    trading_store_info before = {.size = sizeof before};
    trading_store_info after = {.size = sizeof after};
    assert_int_equal(lmdb_store_ops.info(fixture->store, &before, NULL), TRADING_OK);
    uint64_t flushed = flushes_of_journals();
    for (uint64_t i = 0; i < appends; i++)
        must_append(fixture->store, 0, from + (int64_t)i, 1, 5000);
    assert_int_equal(flushes_of_journals() - flushed, appends * each);
    assert_int_equal(lmdb_store_ops.info(fixture->store, &after, NULL), TRADING_OK);
    assert_in_range(after.syncs - before.syncs, appends * each, appends * (each + 1) + 2);
}

/* And as many where a power loss might take the newest commits. */
static void one_flush_an_append(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    expect_flushes(fixture, 2, 1);
    lmdb_store_ops.close(fixture->store);
    assert_int_equal(
        open_lmdb(fixture->folder, (struct opening){.durability = TRADING_DURABILITY_PROCESS}, &fixture->store, &error),
        TRADING_OK);
    must_append(fixture->store, 0, 12, 1, 100);
    expect_flushes(fixture, 13, 1);
}

/* So many chunks of 2.5 MB, the last too; the first that fails ends it. */
static int32_t put_snapshot(struct fixture *fixture, uint32_t chunks)
{
    static const uint8_t chunk[2500000] = {1};
    trading_error error;
    int32_t code = TRADING_OK;
    for (uint32_t i = 0; i < chunks && !code; i++)
        code = lmdb_store_ops.snapshot_put(fixture->store, 0, 1, i, chunk, sizeof chunk, i + 1 == chunks, &error);
    return code;
}

/* Appends wait behind what is to go to the disk: never for a whole snapshot. */
static void a_snapshot_goes_to_the_disk_in_parts(void **state)
{
    struct fixture *fixture = *state;
    trading_error error;
    int64_t position;
    uint32_t chunks;
    uint64_t flushed = flushes_of_journals();
    fail_next(FLUSH, EIO, 1);
    assert_int_equal(put_snapshot(fixture, 2), TRADING_E_IO);
    assert_int_equal(lmdb_store_ops.snapshot_find(fixture->store, 0, INT64_MAX, &position, &chunks, &error),
                     TRADING_E_NOT_FOUND);
    assert_int_equal(flushes_of_journals(), flushed);
    assert_int_equal(put_snapshot(fixture, 2), TRADING_OK);
    assert_int_equal(flushes_of_journals() - flushed, 5000000 / FLUSH_BYTES);
    assert_int_equal(lmdb_store_ops.snapshot_find(fixture->store, 0, INT64_MAX, &position, &chunks, &error), TRADING_OK);
    assert_int_equal(chunks, 2);
}

/* ---- keys of past commands, beside the journal ---- */

enum { KEYS = 200000, FEWER_KEYS = 4096 * (1 + 4 + 16) }; /* in a table, and in the smaller ones before it */

static void open_keys(struct fixture *fixture, struct memory *memory, struct state_store *store, struct keys **keys)
{
    char path[SCRATCH_PATH + 64];
    path_in(path, fixture->folder, "state");
    trading_error error;
    *memory = (struct memory){.allocate = plain_allocate, .release = plain_release};
    store->ops = &lmdb_state_store_ops;
    assert_int_equal(store->ops->open(path, false, &plain_host, &store->store, &error), TRADING_OK);
    struct keys_options options = {.young = KEYS};
    assert_int_equal(keys_open(keys, memory, store, &options, &error), TRADING_OK);
}

/* At the positions from `from` to `end`, which are not durable yet. */
static void insert_keys(struct keys *keys, int64_t from, int64_t end)
{
    for (int64_t i = from; i < end; i++)
        assert_true(keys_insert(keys, hash_mix((uint64_t)i), i, i));
}

static bool has_keys(const struct keys *keys, int64_t end)
{
    for (int64_t i = 0; i < end; i++) {
        struct keys_cursor cursor = {0};
        if (keys_next(keys, hash_mix((uint64_t)i), &cursor) != i)
            return false;
    }
    return true;
}

static int count_blob(void *arg, uint64_t number)
{
    (void)number;
    ++*(uint64_t *)arg;
    return 0;
}

static uint64_t blobs_in(const struct state_store *store)
{
    uint64_t count = 0;
    assert_int_equal(store->ops->blob_list(store->store, count_blob, &count, NULL), TRADING_OK);
    return count;
}

/* A run of 2.7 MB. What a flush in the middle lost no later one tells of. */
static void a_run_of_keys_goes_to_the_disk_in_parts(void **state)
{
    struct fixture *fixture = *state;
    struct memory memory;
    struct state_store store;
    struct keys *keys;
    trading_error error;
    open_keys(fixture, &memory, &store, &keys);
    insert_keys(keys, 0, FEWER_KEYS);
    keys_durable(keys, FEWER_KEYS);
    insert_keys(keys, FEWER_KEYS, FEWER_KEYS + KEYS);
    uint64_t blobs = blobs_in(&store);
    uint64_t flushed = flushes_of_journals();
    keys_durable(keys, FEWER_KEYS + KEYS);
    fail_next(FLUSH, EIO, 2); /* it tries twice */
    assert_int_equal(keys_settle(keys, &error), TRADING_E_IO);
    assert_int_equal(error.native_code, EIO);
    assert_int_equal(flushes_of_journals(), flushed);
    assert_int_equal(blobs_in(&store), blobs);
    assert_int_equal(keys_stored(keys).next_position, FEWER_KEYS);
    assert_true(has_keys(keys, FEWER_KEYS + KEYS));
    assert_int_equal(keys_settle(keys, &error), TRADING_OK);
    assert_int_equal(flushes_of_journals() - flushed,
                     2700000 / FLUSH_BYTES + 2); /* within the run; at its end, and the manifest */
    assert_int_equal(keys_stored(keys).next_position, FEWER_KEYS + KEYS);
    assert_true(has_keys(keys, FEWER_KEYS + KEYS));
    keys_close(keys);
    store.ops->close(store.store);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(no_space_for_pages),
        CASE(failed_pages),
        CASE(failed_flush),
        CASE(failed_first_flush),
        CASE(failed_meta_page),
        CASE(failed_meta_page_that_stays),
        CASE(unseen_until_settled),
        CASE(read_settles_it_too),
        CASE(append_settles_it_too),
        CASE(settled_later),
        CASE(closed_unsettled),
        CASE(secrets_fail),
        CASE(nothing_ahead_on_a_full_disk),
        CASE(overtaken_by_the_writer),
        CASE(one_flush_an_append),
        CASE(a_snapshot_goes_to_the_disk_in_parts),
        CASE(a_run_of_keys_goes_to_the_disk_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
