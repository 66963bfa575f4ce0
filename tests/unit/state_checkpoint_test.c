/* Checkpoints into a state store and back, whatever happens on the way. */
#include "base/error.h"
#include "state_bed.h"

static void what_was_written_is_loaded(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    assert_int_equal(reload(&bed, &shape), TRADING_E_NOT_FOUND);
    append(&bed, bed.small, 20, 100);
    append(&bed, bed.large, 5, 200);
    assert_int_equal(checkpoint(&bed, true, "first"), TRADING_OK);
    append(&bed, bed.small, 20, 100);
    edit(&bed, bed.small, 3, 33);
    edit(&bed, bed.large, 5, 55);
    assert_int_equal(checkpoint(&bed, false, "second"), TRADING_OK);
    edit(&bed, bed.small, 4, 44); /* not in a checkpoint */

    assert_int_equal(load(&bed, false, &shape), TRADING_OK);
    assert_true(value_of(bed.small, 3) == 33);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(shape.meta_size, 6);
    assert_memory_equal(shape.meta, "second", 6);
    assert_int_equal(table_count(bed.small), 40);
    assert_int_equal(table_count(bed.large), 5);
    for (uint32_t number = 1; number <= 40; number++)
        assert_true(value_of(bed.small, number) == (number == 3 ? 33 : 100 + number));
    for (uint32_t number = 1; number <= 5; number++)
        assert_true(value_of(bed.large, number) == (number == 5 ? 55 : 200 + number));

    edit(&bed, bed.small, 4, 45);
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(shape.meta_size, 0);
    assert_true(value_of(bed.small, 4) == 45);
    assert_true(value_of(bed.small, 3) == 33);
    bed_close(&bed);
}

static int32_t refuse_page(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    (void)arg, (void)id, (void)page, (void)image, (void)bytes;
    return error_set(error, TRADING_E_STOPPED, "a page that is there already");
}

static void a_page_is_written_once(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    struct pin *pin = tables_pin(bed.tables);
    assert_int_equal(tables_pages(bed.tables, pin, false, refuse_page, NULL, NULL), TRADING_OK);
    tables_unpin(pin);
    bed_close(&bed);
}

static void all_takes_the_place_of_what_is_there(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 50, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    tables_close(bed.tables);
    open_tables(&bed);
    append(&bed, bed.small, 10, 2);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(table_count(bed.small), 10);
    bed_close(&bed);
}

/* ---- failures and crashes on the way ---- */

/* A store that stops at a moment: what it is in the midst of is done by half, and nothing after it. */
struct stopping {
    struct state_store_ops ops;
    uint32_t left;
};

static struct stopping stopping;

static bool stops(void)
{
    return stopping.left == 0 || stopping.left-- == 1;
}

static int32_t stopped(trading_error *error)
{
    return error_set(error, TRADING_E_IO, "the store has stopped");
}

static int32_t write_until_stop(void *store, uint32_t file, uint64_t offset, const void *bytes, size_t size,
                                trading_error *error)
{
    bool gone = stopping.left == 0;
    if (!stops())
        return memory_state_store_ops.file_write(store, file, offset, bytes, size, error);
    if (!gone)
        memory_state_store_ops.file_write(store, file, offset, bytes, size / 2 + 100, error);
    return stopped(error);
}

static int32_t sync_until_stop(void *store, uint32_t file, trading_error *error)
{
    return stops() ? stopped(error) : memory_state_store_ops.file_sync(store, file, error);
}

static int32_t commit_until_stop(void *write, bool sync, trading_error *error)
{
    bool gone = stopping.left == 0;
    if (!stops())
        return memory_state_store_ops.commit(write, sync, error);
    if (gone)
        memory_state_store_ops.abort(write);
    else
        memory_state_store_ops.commit(write, sync, error); /* it came to it, and nobody was told */
    return stopped(error);
}

static void store_stops_after(struct bed *bed, uint32_t left)
{
    stopping.ops = memory_state_store_ops;
    stopping.ops.file_write = write_until_stop;
    stopping.ops.file_sync = sync_until_stop;
    stopping.ops.commit = commit_until_stop;
    stopping.left = left;
    bed->store.ops = &stopping.ops;
}

static void assert_is_either(struct bed *bed, const struct shape *shape)
{
    bool first = shape->meta_size == 5;
    assert_memory_equal(shape->meta, first ? "first" : "second", shape->meta_size);
    assert_int_equal(table_count(bed->small), first ? 40 : 60);
    for (uint32_t number = 1; number <= table_count(bed->small); number++)
        assert_true(value_of(bed->small, number) == (!first && number % 3 == 0 ? 7 : number));
    assert_int_equal(table_count(bed->large), 5);
    for (uint32_t number = 1; number <= 5; number++)
        assert_true(value_of(bed->large, number) == (!first && number == 5 ? 8 : 100 + number));
    assert_false(tables_failed(bed->tables));
}

/* The second checkpoint ends at any moment: afterwards there is the first, or the second, whole, however it is read; and another one
 * can be made. */
static void a_crash_at_any_moment_leaves_one_or_the_other(void **state)
{
    (void)state;
    for (uint32_t left = 1, done = 0; !done; left++) {
        struct bed bed;
        struct shape shape;
        bed_open(&bed);
        append(&bed, bed.small, 40, 0);
        append(&bed, bed.large, 5, 100);
        assert_int_equal(checkpoint(&bed, true, "first"), TRADING_OK);
        assert_int_equal(reload(&bed, &shape), TRADING_OK);
        for (uint32_t number = 3; number <= 40; number += 3)
            edit(&bed, bed.small, number, 7);
        append(&bed, bed.small, 20, 0);
        for (uint32_t number = 42; number <= 60; number += 3)
            edit(&bed, bed.small, number, 7);
        edit(&bed, bed.large, 5, 8);
        store_stops_after(&bed, left);
        done = checkpoint(&bed, false, "second") == TRADING_OK;
        bed.store.ops = &memory_state_store_ops;
        assert_int_equal(load(&bed, false, &shape), TRADING_OK);
        assert_is_either(&bed, &shape);
        store_stops_after(&bed, left % 5); /* and again while it is being opened */
        reload(&bed, &shape);
        bed.store.ops = &memory_state_store_ops;
        assert_int_equal(reload(&bed, &shape), TRADING_OK);
        assert_is_either(&bed, &shape);
        edit(&bed, bed.small, 1, 9);
        assert_int_equal(checkpoint(&bed, false, "third"), TRADING_OK);
        assert_int_equal(reload(&bed, &shape), TRADING_OK);
        assert_true(value_of(bed.small, 1) == 9);
        assert_int_equal(shape.meta_size, 5);
        bed_close(&bed);
    }
}

/* A log that could not be applied is applied before the next is written. */
static void the_next_checkpoint_brings_the_last_one_home(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 40, 0);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    for (uint32_t round = 0; round < 3; round++) {
        edit(&bed, bed.small, 1 + round * 8, 100);
        assert_int_equal(write_log(&bed, false, ""), TRADING_OK);
    }
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    for (uint32_t number = 1; number <= 40; number++)
        assert_true(value_of(bed.small, number) == (number == 1 || number == 9 || number == 17 ? 100 : number));
    bed_close(&bed);
}

static void too_much_meta_changes_nothing(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, "good"), TRADING_OK);
    edit(&bed, bed.small, 1, 99);
    uint8_t meta[CHECKPOINT_META_BYTES + 1] = {0};
    struct pin *pin = tables_hold(bed.tables);
    assert_int_equal(checkpoint_write(bed.tables, pin, true, &bed.store, &bed.memory, meta, sizeof meta, &error),
                     TRADING_E_INVALID);
    assert_int_equal(checkpoint_write(bed.tables, pin, false, &bed.store, &bed.memory, meta, sizeof meta - 1, &error),
                     TRADING_OK);
    tables_unpin(pin);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(shape.meta_size, CHECKPOINT_META_BYTES);
    assert_true(value_of(bed.small, 1) == 99);
    bed_close(&bed);
}

static void what_is_given_up_is_gone(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(checkpoint_forget(&bed.store, NULL), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_E_NOT_FOUND);
    tables_close(bed.tables);
    assert_int_equal(checkpoint_clear(&bed.store, NULL), TRADING_OK);
    open_tables(&bed);
    tables_back(bed.tables, &bed.store);
    append(&bed, bed.small, 20, 5);
    assert_true(value_of(bed.small, 20) == 25);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(value_of(bed.small, 20) == 25);
    bed_close(&bed);
}

/* ---- memory ---- */

static void pages_that_are_kept_give_their_memory_back(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 4000, 0); /* 500 pages, several levels */
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(tables_cached_bytes(bed.tables) == 0);
    for (uint32_t number = 1; number <= 4000; number += 2)
        edit(&bed, bed.small, number, 5);
    assert_true(tables_cached_bytes(bed.tables) > 500 * TABLE_PAGE_BYTES);
    uint64_t idle = tables_idle_bytes(bed.tables);
    assert_true(idle > tables_cached_bytes(bed.tables) / 100 * 49 && idle < tables_cached_bytes(bed.tables) / 100 * 51);
    tables_trim(bed.tables, UINT32_MAX);
    assert_true(tables_cached_bytes(bed.tables) > 500 * TABLE_PAGE_BYTES); /* nothing is kept yet */
    struct pin *old = tables_pin(bed.tables);
    edit(&bed, bed.small, 2000, 6);
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    assert_int_equal(tables_idle_bytes(bed.tables), 0);
    edit(&bed, bed.small, 1000, 7);
    for (uint32_t turn = 0; turn < 100; turn++)
        tables_trim(bed.tables, 10);
    assert_true(tables_cached_bytes(bed.tables) > TABLE_PAGE_BYTES && tables_cached_bytes(bed.tables) < 3 * TABLE_PAGE_BYTES);
    uint64_t record[504 / 8];
    assert_int_equal(table_read(bed.small, 2000, old, record), TABLE_FOUND);
    assert_true(record[0] == 2000);
    for (uint32_t number = 1; number <= 4000; number++) {
        uint64_t value = number % 2 ? 5 : number == 2000 ? 6 : number == 1000 ? 7 : number;
        assert_true(value_of(bed.small, number) == value);
        assert_int_equal(table_read(bed.small, number, NULL, record), TABLE_FOUND);
        assert_true(record[0] == value);
    }
    tables_unpin(old);
    edit(&bed, bed.small, 1, 8);
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    tables_trim(bed.tables, UINT32_MAX);
    assert_true(tables_cached_bytes(bed.tables) == 0);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(value_of(bed.small, 1) == 8 && value_of(bed.small, 1000) == 7);
    bed_close(&bed);
}

/* ---- at rest ---- */

struct walk {
    struct bed *bed;
    uint32_t pages;
    uint64_t sum; /* of the first words of the small table's records */
};

/* The writer changes all and adds to it, again and again, while the pages are taken. */
static int32_t take_beside_writer(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes,
                                  trading_error *error)
{
    (void)page, (void)error;
    struct walk *walk = arg;
    for (uint32_t number = 1; number <= 20; number++)
        edit(walk->bed, walk->bed->small, number, 7777);
    append(walk->bed, walk->bed->small, 10, 7777);
    for (uint32_t at = 0; id == 1 && at < bytes; at += 504)
        walk->sum += *(const uint64_t *)(const void *)((const uint8_t *)image + at);
    walk->pages++;
    return TRADING_OK;
}

static void what_is_at_rest_needs_no_memory(void **state)
{
    (void)state;
    struct bed bed;
    trading_error error;
    bed_open(&bed);
    assert_null(tables_at_rest(bed.tables));
    append(&bed, bed.small, 20, 0);
    append(&bed, bed.large, 5, 200);
    assert_int_equal(write_log(&bed, true, ""), TRADING_OK);
    assert_null(tables_at_rest(bed.tables)); /* its files may not have all of it */
    assert_int_equal(checkpoint_settle(bed.tables, &bed.store, &bed.memory, NULL), TRADING_OK);
    struct pin *rest = tables_at_rest(bed.tables);
    uint64_t held = memory_held(&bed.memory);
    struct walk all = {.bed = &bed};
    assert_int_equal(tables_pages(bed.tables, rest, true, take_beside_writer, &all, &error), TRADING_OK);
    assert_int_equal(all.pages, 3 + 2);
    assert_int_equal(all.sum, 20 * 21 / 2);
    assert_true(memory_held(&bed.memory) - held < 40 * TABLE_PAGE_BYTES); /* of what was added, and no former versions */
    assert_true(value_of(bed.small, 20) == 7777);

    uint64_t then = pin_horizon(rest);
    struct page_set changed;
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    rest = tables_at_rest(bed.tables);
    assert_true(tables_changed(bed.tables, rest, then, &bed.memory, &changed));
    struct walk some = {.bed = &bed};
    assert_int_equal(tables_pages_of(bed.tables, rest, &changed, take_beside_writer, &some, &error), TRADING_OK);
    assert_int_equal(some.pages, changed.count);
    assert_true(some.pages < changed.all);
    page_set_close(&changed);

    uint8_t byte = 1;
    assert_int_equal(bed.store.ops->file_write(bed.store.store, 31, 100, &byte, 1, NULL), TRADING_OK);
    assert_int_equal(tables_pages(bed.tables, rest, true, take_beside_writer, &all, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "page 0 of table 31"));
    bed_close(&bed);
}

static void other_tables_are_refused(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    static const uint32_t sets[][2] = {{504, 0}, {496, 1016}, {504, 1008}, {504, 1016}};
    for (size_t i = 0; i < 4; i++) {
        struct tables *tables;
        struct table *table;
        assert_int_equal(tables_open(&tables, &bed.memory, 0, NULL), TRADING_OK);
        assert_int_equal(tables_add(tables, 1, sets[i][0], &table, NULL), TRADING_OK);
        if (sets[i][1])
            assert_int_equal(tables_add(tables, 31, sets[i][1], &table, NULL), TRADING_OK);
        if (i == 3)
            assert_int_equal(tables_add(tables, 2, 8, &table, NULL), TRADING_OK);
        assert_int_equal(checkpoint_load(tables, &bed.store, i % 2, &bed.memory, &shape, &error), TRADING_E_UNSUPPORTED);
        tables_close(tables);
    }
    bed_close(&bed);
}

/* ---- another process's view ---- */

static struct bed *written_to;
static struct state_store_ops racing_ops;

/* The writer commits a checkpoint between a reader's look at the shape and its look at the pages. */
static int32_t read_later(void *store, uint32_t file, uint64_t offset, void *bytes, size_t size, trading_error *error)
{
    struct bed *bed = written_to;
    written_to = NULL;
    if (bed) {
        edit(bed, bed->small, 2, 1000);
        assert_int_equal(checkpoint(bed, false, "second"), TRADING_OK);
    }
    return memory_state_store_ops.file_read(store, file, offset, bytes, size, error);
}

/* A checkpoint of before a table was added behind all others is good. */
static void tables_that_were_added_since_are_empty(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    tables_close(bed.tables);
    assert_int_equal(tables_open(&bed.tables, &bed.memory, 1 << 20, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed.tables, 1, 504, &bed.small, NULL), TRADING_OK);
    append(&bed, bed.small, 20, 100);
    assert_int_equal(checkpoint(&bed, true, "before"), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(table_count(bed.small), 20);
    assert_int_equal(table_count(bed.large), 0);
    append(&bed, bed.large, 5, 200);
    assert_int_equal(checkpoint(&bed, false, "after"), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(value_of(bed.small, 20) == 120 && value_of(bed.large, 5) == 205);
    bed_close(&bed);
}

static void a_checkpoint_that_is_replaced_meanwhile_is_read_again(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, "first"), TRADING_OK);
    racing_ops = memory_state_store_ops;
    racing_ops.file_read = read_later;
    written_to = &bed;
    struct bed reader = {.store = {&racing_ops, bed.store.store}};
    memory_init(&reader.memory);
    open_tables(&reader);
    assert_int_equal(checkpoint_load(reader.tables, &reader.store, false, &reader.memory, &shape, &error), TRADING_E_BUSY);
    assert_int_equal(error.flags, TRADING_ERROR_RETRYABLE);
    assert_int_equal(load(&reader, false, &shape), TRADING_OK);
    assert_memory_equal(shape.meta, "second", 6);
    assert_true(value_of(reader.small, 2) == 1000);
    tables_close(reader.tables);
    bed_close(&bed);
}

int checkpoint_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_loaded),
        cmocka_unit_test(a_page_is_written_once),
        cmocka_unit_test(all_takes_the_place_of_what_is_there),
        cmocka_unit_test(a_crash_at_any_moment_leaves_one_or_the_other),
        cmocka_unit_test(the_next_checkpoint_brings_the_last_one_home),
        cmocka_unit_test(too_much_meta_changes_nothing),
        cmocka_unit_test(what_is_given_up_is_gone),
        cmocka_unit_test(pages_that_are_kept_give_their_memory_back),
        cmocka_unit_test(what_is_at_rest_needs_no_memory),
        cmocka_unit_test(other_tables_are_refused),
        cmocka_unit_test(tables_that_were_added_since_are_empty),
        cmocka_unit_test(a_checkpoint_that_is_replaced_meanwhile_is_read_again),
    };
    return cmocka_run_group_tests_name("checkpoints", tests, NULL, NULL);
}
