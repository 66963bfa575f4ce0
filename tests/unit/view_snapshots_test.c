/* When snapshots are written, of what, and which are kept. */
#include "backends/memory/memory_store.h"
#include "state/table_inside.h"
#include "view_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SEED UINT64_C(20260401)

/* A desk, and a folder for a store that lasts. */
struct fixture {
    struct desk desk; /* first, as tests take it */
    char folder[32];
    char uri[64];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/snapshots-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->uri, sizeof fixture->uri, "lmdb:%s", fixture->folder);
    desk_open(&fixture->desk, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[64];
    desk_close(&fixture->desk);
    snprintf(command, sizeof command, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

/* Reads each of them: one that is passed over would leave another position. How many there are, and how many are increments. */
static void read_snapshots(struct desk *desk, uint32_t *count, uint32_t *increments)
{
    trading_engine *engine = desk->engine;
    trading_error error;
    int64_t at_most = INT64_MAX;
    int64_t position;
    uint32_t chunks;
    *count = *increments = 0;
    while (!engine->ops->snapshot_find(engine->store, ENGINE_PARTITION, at_most, &position, &chunks, &error)) {
        struct domain domain = {0};
        struct snapshot_place place = {engine->ops, engine->store, ENGINE_PARTITION, position};
        int64_t base;
        must(engine_past_domain(engine, &domain, position, true, &error), &error);
        assert_int_equal(domain_mark(&domain)->next_position, position);
        domain_close(&domain);
        ++*count;
        must(snapshot_base_of(&place, &base, &error), &error);
        *increments += base >= 0;
        at_most = position - 1;
    }
}

/* They are thinned out, but none goes that another was made of. */
static void every_snapshot_that_is_kept_can_be_read(void **state)
{
    struct desk *desk = *state;
    uint64_t seed = SEED;
    uint32_t count = 0;
    uint32_t increments = 0;
    uint32_t seen = 0;
    desk_reopen(desk, 15, "memory:");
    desk_morning(desk);
    for (size_t i = 0; engine_durable(desk->engine) < 8000; i++) {
        desk_random(desk, &seed);
        if (i % 20)
            continue;
        read_snapshots(desk, &count, &increments);
        seen += increments;
    }
    assert_true(count > 5 && count < 40); /* of many more */
    assert_true(seen > 10);
}

/* Each comes when the journal has grown by twice as much as the one before it has bytes, and then with the next events. */
static void snapshots_are_never_more_than_half_the_journal(void **state)
{
    struct desk *desk = *state;
    uint64_t seed = SEED;
    desk_reopen(desk, 15, "memory:");
    desk_morning(desk);
    trading_engine *engine = desk->engine;
    struct snapshot_base last = engine->snapshot_base;
    uint64_t least = 0; /* of the journal, with the last, and most */
    uint64_t most = atomic_load(&engine->journal_bytes);
    uint32_t count = 0;
    while (engine_durable(engine) < 2000) {
        uint64_t before = atomic_load(&engine->journal_bytes);
        desk_random(desk, &seed);
        uint64_t now = atomic_load(&engine->journal_bytes);
        if (engine->snapshot_base.position == last.position) {
            assert_true(engine_durable(engine) < last.position + 15 || before < most + 2 * last.bytes);
            continue;
        }
        assert_true(now >= least + 2 * last.bytes);
        last = engine->snapshot_base;
        least = before;
        most = now;
        count++;
    }
    assert_true(count > 5 && count < 2000 / 15 / 4);
}

static int64_t newest_snapshot(struct desk *desk)
{
    trading_engine *engine = desk->engine;
    int64_t position;
    uint32_t chunks;
    bool none = engine->ops->snapshot_find(engine->store, ENGINE_PARTITION, INT64_MAX, &position, &chunks, NULL);
    return none ? 0 : position;
}

static void work_until(struct desk *desk, uint64_t *seed, int64_t position)
{
    while (engine_durable(desk->engine) < position)
        desk_random(desk, seed);
}

/* An engine that is opened often writes them neither sooner for that nor never. */
static void snapshots_keep_their_distance_over_openings(void **state)
{
    struct fixture *fixture = *state;
    struct desk *desk = &fixture->desk;
    uint64_t seed = SEED;
    desk_reopen(desk, 400, fixture->uri);
    desk_morning(desk);
    for (int64_t position = 100; position <= 300; position += 100) {
        work_until(desk, &seed, position);
        assert_int_equal(newest_snapshot(desk), 0);
        desk_reopen(desk, 400, fixture->uri);
    }
    work_until(desk, &seed, 450);
    int64_t first = newest_snapshot(desk);
    assert_true(first >= 400);
    desk_reopen(desk, 15, fixture->uri); /* now it is the journal's bytes that count */
    work_until(desk, &seed, first + 60);
    assert_int_equal(newest_snapshot(desk), first);
    work_until(desk, &seed, first + 4000);
    assert_true(newest_snapshot(desk) > first);
}

static void deposit_many(struct desk *desk, uint32_t count)
{
    trading_command *commands = calloc(count, sizeof *commands);
    trading_result *results = calloc(count, sizeof *results);
    trading_cash body = TRADING_CASH_INIT;
    trading_error error;
    body.amount = UNITS(20);
    for (uint32_t i = 0; i < count; i++) {
        commands[i] = (trading_command){
            .type = TRADING_COMMAND_DEPOSIT, .account = desk->ann.account, .body = &body, .body_size = sizeof body};
        desk->keys++;
        memcpy(commands[i].key.bytes, &desk->keys, sizeof desk->keys);
        commands[i].key.bytes[15] = 1;
    }
    must(trading_engine_execute(desk->engine, commands, count, results, &error), &error);
    free(results);
    free(commands);
}

/* How much the journal has grown before an opening is told by the journal, of which large batches and lone commands make very different
 * amounts: 40 and 170 bytes an event. */
static void what_was_written_before_an_opening_counts_as_what_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct desk *desk = &fixture->desk;
    desk_reopen(desk, 3000, fixture->uri);
    desk_morning(desk);
    while (newest_snapshot(desk) == 0)
        desk_trader(desk, "Some Body of Some Where", UNITS(1));
    int64_t first = newest_snapshot(desk);
    uint64_t worth = 2 * desk->engine->snapshot_base.bytes;
    uint64_t written = 0;
    while (newest_snapshot(desk) == first && written < 2 * worth) {
        desk_reopen(desk, 0, fixture->uri);
        deposit_many(desk, 1024);
        written += atomic_load(&desk->engine->journal_bytes);
        desk_reopen(desk, 1000, fixture->uri); /* fewer than a round has: bytes alone tell when it is due */
        desk_cash(desk, TRADING_COMMAND_DEPOSIT, &desk->ann.account, UNITS(20));
        written += atomic_load(&desk->engine->journal_bytes);
    }
    assert_in_range(written, worth / 10 * 8, worth / 10 * 14); /* it comes with the last of a round */
}

/* What a snapshot is made of, as its chunks are put. */
static struct {
    trading_engine *engine;
    uint32_t puts;
    bool pinned;   /* the writer was to keep something for it */
    bool unlocked; /* a checkpoint might have been written meanwhile */
} watch;

static int32_t watched_put(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                           int32_t last, trading_error *error)
{
    watch.puts++;
    watch.pinned = watch.pinned || watch.engine->domain.tables->newest_pin;
    if (pthread_mutex_trylock(&watch.engine->checkpoint_mutex) != EBUSY) {
        watch.unlocked = true;
        pthread_mutex_unlock(&watch.engine->checkpoint_mutex);
    }
    return memory_store_ops.snapshot_put(store, partition, position, chunk, data, size, last, error);
}

static void a_snapshot_is_of_files_that_do_not_change(void **state)
{
    struct desk *desk = *state;
    uint64_t seed = SEED;
    desk_reopen(desk, 15, "memory:");
    desk_morning(desk);
    const trading_store_ops *ops = desk->engine->ops;
    trading_store_ops watched = *ops;
    watched.snapshot_put = watched_put;
    watch.engine = desk->engine;
    desk->engine->ops = &watched;
    work_until(desk, &seed, 1000);
    desk->engine->ops = ops;
    assert_true(watch.puts > 3);
    assert_false(watch.pinned);
    assert_false(watch.unlocked);
}

static void who_only_opens_writes_none(void **state)
{
    struct fixture *fixture = *state;
    struct desk *desk = &fixture->desk;
    uint64_t seed = SEED;
    uint32_t done;
    trading_error error;
    desk_reopen(desk, 0, fixture->uri);
    desk_morning(desk);
    work_until(desk, &seed, 300);
    desk_reopen(desk, 15, fixture->uri);
    must(trading_engine_step(desk->engine, 1, &done, &error), &error);
    assert_int_equal(newest_snapshot(desk), 0);
    work_until(desk, &seed, engine_durable(desk->engine) + 1);
    assert_true(newest_snapshot(desk) > 0);
}

/* It is found when a snapshot reads it, if no command did before: then the checkpoint is good for nothing. */
static void a_damaged_page_is_told_by_the_snapshot_that_meets_it(void **state)
{
    struct fixture *fixture = *state;
    struct desk *desk = &fixture->desk;
    uint64_t seed = SEED;
    trading_error error;
    char path[96];
    desk_reopen(desk, 0, fixture->uri);
    desk_morning(desk);
    work_until(desk, &seed, 6000);
    desk_reopen(desk, 0, "memory:");
    snprintf(path, sizeof path, "%s/state/06.pages", fixture->folder);
    int file = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;
    assert_true(file >= 0 && pread(file, &byte, 1, 4096 + 100) == 1);
    byte ^= 1;
    assert_int_equal(pwrite(file, &byte, 1, 4096 + 100), 1);
    close(file);
    desk_reopen(desk, 50, fixture->uri);
    work_until(desk, &seed, engine_durable(desk->engine) + 60);
    assert_int_equal(newest_snapshot(desk), 0);
    assert_true(tables_damaged(desk->engine->domain.tables));
    assert_int_equal(trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, &error), TRADING_E_DAMAGED);
    desk_open_store(desk, NULL, "memory:");
}

static bool get_fails(void)
{
    static unsigned calls;
    return calls++ % 4 == 1;
}

static int32_t get_with_failures(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                                 void *arg, trading_error *error)
{
    if (get_fails())
        return TRADING_E_IO;
    return memory_store_ops.snapshot_get(store, partition, position, chunk, take, arg, error);
}

/* Nobody knows what a snapshot is made of that the store does not give for now: nothing is dropped for that. */
static void a_store_that_fails_costs_no_snapshot(void **state)
{
    struct desk *desk = *state;
    uint64_t seed = SEED;
    uint32_t count;
    uint32_t increments;
    desk_reopen(desk, 15, "memory:");
    desk_morning(desk);
    const trading_store_ops *ops = desk->engine->ops;
    trading_store_ops failing = *ops;
    failing.snapshot_get = get_with_failures;
    assert_ptr_equal(ops, &memory_store_ops);
    for (size_t i = 0; engine_durable(desk->engine) < 2000; i++) {
        desk->engine->ops = &failing;
        desk_random(desk, &seed);
        desk->engine->ops = ops;
        if (i % 100 == 0)
            read_snapshots(desk, &count, &increments);
    }
}

int view_snapshots_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_snapshot_that_is_kept_can_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshots_are_never_more_than_half_the_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshots_keep_their_distance_over_openings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_written_before_an_opening_counts_as_what_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_snapshot_is_of_files_that_do_not_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_only_opens_writes_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_page_is_told_by_the_snapshot_that_meets_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_fails_costs_no_snapshot, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("snapshots", tests, NULL, NULL);
}
