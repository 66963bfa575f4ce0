/* Keys that are opened again: exactly what is stored comes back, what is not named is dropped, and at the limit neither memory nor blobs
 * grow. */
#include "base/hash.h"
#include "keys_test.h"

#include <string.h>

static void open_again(struct keys_bed *bed, struct keys **keys, const struct keys_options *options)
{
    keys_close(*keys);
    *keys = keys_bed_keys(bed, options);
}

static void what_is_stored_comes_back(void **state)
{
    (void)state;
    static const uint32_t steps[][2] = {{10, 10},       {10, 17},        {65516, 0},    {1, 1}, {64000, 64000}, {5000, 4000},
                                        {70000, 69000}, {70000, 139000}, {300000, 100}, {0, 0}, {100, 0}};
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 1000000, 1000000);
    struct keys_options options = keys_bed_options(&bed);
    struct keys *keys = keys_bed_keys(&bed, &options);
    assert_true(keys_stored(keys).next_position == 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (uint32_t n = 0; n < steps[i][0]; n++)
            keys_model_insert(&model, keys);
        keys_model_durable(&model, keys, model.count - steps[i][1]);
        open_again(&bed, &keys, &options);
        uint32_t stored = keys_model_resume(&model, keys);
        assert_true(stored <= model.durable && stored + 5 * TEST_YOUNG + 300000 > model.durable);
        assert_true(keys_count(keys) == model.count);
        keys_model_check(&model, keys, model.count, 997);
    }
    assert_int_equal(bed.reports, 0);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

static void settled_all_comes_back(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 300000, 0);
    struct keys_options options = keys_bed_options(&bed);
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t n = 0; n < (round % 5 ? 100 : 20000); n++)
            keys_model_insert(&model, keys);
        assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
        assert_int_equal(keys_settle(keys, NULL), TRADING_OK); /* of nothing */
        open_again(&bed, &keys, &options);
        assert_int_equal(keys_model_resume(&model, keys), model.count);
        assert_true(keys_count(keys) == model.count);
    }
    keys_model_check(&model, keys, model.count, 13);
    keys_close(keys);
    options.fresh = true;
    keys = keys_bed_keys(&bed, &options);
    uint64_t numbers[KEY_RUNS_MAX];
    assert_true(keys_count(keys) == 0 && keys_stored(keys).next_position == 0 && keys_bed_blobs(&bed, numbers) == 0);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* The engine falls back to durable keys, goes on, and is opened again. */
static void inserting_discarding_and_opening_in_any_order(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 2000000, 2000000);
    struct keys_options options = keys_bed_options(&bed);
    options.young = 20000;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t step = 0; step < 120; step++) {
        uint64_t *seed = &model.seed;
        for (uint32_t n = random_below(seed, random_below(seed, 4) ? 3000 : 60000); n; n--)
            keys_model_insert(&model, keys);
        switch (random_below(seed, 5)) {
        case 0:
            keys_model_discard(&model, keys, random_below(seed, model.count - model.durable + 1));
            break;
        case 1:
        case 2:
            keys_model_durable(&model, keys, model.durable + random_below(seed, model.count - model.durable + 1));
            break;
        case 3:
            assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
            break;
        default:
            open_again(&bed, &keys, &options);
            keys_model_resume(&model, keys);
        }
        assert_true(keys_count(keys) == model.count);
        keys_model_check(&model, keys, model.count, 4999);
    }
    assert_true(model.count > 200000 && keys->set.count > 0 && bed.reports == 0);
    keys_model_check(&model, keys, model.count, 13);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* What fell off, and what was merged, is dropped. */
static void neither_memory_nor_blobs_grow_at_the_limit(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 3000000, 1000);
    struct keys_options options = keys_bed_options(&bed);
    options.max_count = 400000;
    options.young = 16384;
    struct keys *keys = keys_bed_keys(&bed, &options);
    uint64_t tables = UINT64_C(5) * 2 * 16384 * sizeof(struct key_slot);
    for (uint32_t i = 0; i < 3000000; i++) {
        keys_model_insert(&model, keys);
        if (i % 1021)
            continue;
        assert_true(keys_count(keys) < 400000 + 400000 / 8 + 4 * 16384);
        assert_true(keys_stored_bytes(keys) < (400000 + 400000 / 8 + 4 * 16384) * UINT64_C(15));
        assert_true(keys_bytes(keys) < tables + (1u << 20));
        uint64_t numbers[KEY_RUNS_MAX];
        assert_true(keys_bed_blobs(&bed, numbers) <= keys->set.count + 2); /* the manifest and the sieve */
    }
    keys_model_check(&model, keys, model.count, 997);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

#define SHORT_YOUNG 64u

/* Each leaves a run, and ends before anything is merged. */
static void open_shortly(struct keys_bed *bed, struct keys_model *model, const struct keys_options *options, uint32_t times)
{
    for (; times; times--) {
        struct keys *keys = keys_bed_keys(bed, options);
        keys_model_resume(model, keys);
        uint64_t tables = keys->young_table;
        while (keys->young_table == tables)
            keys_model_insert(model, keys);
        atomic_store(&keys->durable, model->position); /* nobody is woken */
        assert_int_equal(keys_seal(keys, NULL), TRADING_OK);
        assert_true(keys->sealed > 0);
        keys_close(keys);
    }
}

/* What falls behind with merging, opening after opening, comes round again, and takes keys all the while. */
static void short_openings_leave_few_runs_in_the_end(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 300 * SHORT_YOUNG, UINT32_MAX);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SHORT_YOUNG;
    open_shortly(&bed, &model, &options, KEY_RUNS_MAX);
    struct keys *keys = keys_bed_keys(&bed, &options);
    assert_int_equal(keys->set.count, KEY_RUNS_MAX);
    keys_close(keys);
    open_shortly(&bed, &model, &options, KEY_RUNS_MAX);
    keys = keys_bed_keys(&bed, &options);
    assert_in_range(keys->set.count, KEY_RUNS_MAX / 2, KEY_RUNS_MAX);
    keys_model_resume(&model, keys);
    model.lag = 0;
    for (uint32_t i = 0; i < 5 * SHORT_YOUNG; i++)
        keys_model_insert(&model, keys);
    assert_in_range(keys->set.count, 1, 32);
    assert_true(keys_count(keys) == model.count && bed.reports == 0);
    keys_model_check(&model, keys, model.count, 1);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* So many runs, which nobody has merged, and keys of at most `max_count` (0: any number) that are open. */
static struct keys *open_on_short_runs(struct keys_bed *bed, struct keys_model *model, uint32_t runs, uint64_t max_count)
{
    keys_bed_open(bed);
    keys_model_open(model, 100 * SHORT_YOUNG, UINT32_MAX);
    struct keys_options options = keys_bed_options(bed);
    options.young = SHORT_YOUNG;
    options.max_count = max_count;
    open_shortly(bed, model, &options, runs);
    struct keys *keys = keys_bed_keys(bed, &options);
    keys_model_resume(model, keys);
    return keys;
}

/* There is a place for another run, mostly: with many of them they are merged before tables are written out. */
static void many_runs_are_merged_first(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    struct keys *keys = open_on_short_runs(&bed, &model, KEY_RUNS_MAX / 2 - 1, 0);
    for (uint32_t i = 0; i < 2 * SHORT_YOUNG; i++)
        keys_model_insert(&model, keys);
    atomic_store(&keys->durable, model.position); /* of two tables */
    assert_true(keys_work(keys) && keys->sealed == 1 && !keys->merge.count);
    while (keys->set.count >= KEY_RUNS_MAX / 2)
        assert_true(keys_work(keys) && keys->sealed == 1);
    assert_true(keys_work(keys) && keys->sealed == 2);
    keys_model_check(&model, keys, model.count, 1);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* Runs that no run spans two of are many, and nothing waits for them to be merged. */
static void what_cannot_be_merged_holds_up_no_tables(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SHORT_YOUNG;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (int64_t i = 0; i < 100; i++) {
        assert_true(keys_insert(keys, (uint64_t)i, i * KEY_SPAN_MAX, i));
        keys_durable(keys, i * KEY_SPAN_MAX + 1);
        assert_true(keys->sealed == keys->young_table);
    }
    assert_int_equal(keys->set.count, 99);
    keys_close(keys);
    keys_bed_close(&bed);
}

/* A merge that tables are always written out before does not keep what there is too much of. */
static void what_is_being_merged_may_be_dropped(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    uint64_t most = UINT64_C(16) * SHORT_YOUNG;
    struct keys *keys = open_on_short_runs(&bed, &model, 8, most);
    while (!keys->merge.count)
        assert_true(keys_work(keys));
    while (model.count < 90 * SHORT_YOUNG) {
        uint64_t tables = keys->young_table;
        while (keys->young_table == tables)
            keys_model_insert(&model, keys);
        atomic_store(&keys->durable, model.position); /* nobody is woken */
        uint64_t sealed = keys->sealed;
        assert_true(keys_work(keys) && keys->sealed == sealed + 1);
        assert_true(keys_count(keys) <= most + most / 8 + UINT64_C(2) * SHORT_YOUNG);
    }
    keys_model_durable(&model, keys, model.count);
    keys_model_check(&model, keys, model.count, 1);
    uint64_t numbers[KEY_RUNS_MAX];
    assert_true(keys_bed_blobs(&bed, numbers) <= keys->set.count + 2); /* the manifest and the sieve */
    assert_int_equal(bed.reports, 0);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* Its filter, between whose pieces tables are written out. */
static void a_merge_ends_by_pieces(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = 150000;
    options.max_count = UINT64_C(8) * 4 * options.young;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t i = 0; i < 7 * options.young; i++)
        assert_true(keys_insert(keys, hash_mix(i), i, i));
    atomic_store(&keys->durable, INT64_C(7) * options.young); /* nobody is woken */
    while (!keys->merge.count || !key_merge_has_ended(&keys->merge))
        assert_true(keys_work(keys));
    assert_true(keys_work(keys) && keys->merge.count);
    assert_true(keys_work(keys) && !keys->merge.count);
    keys_close(keys);
    keys_bed_close(&bed);
}

static int32_t refuse_to_map(void *store, uint64_t number, struct state_blob *blob, trading_error *error)
{
    (void)store;
    (void)number;
    (void)blob;
    if (error)
        *error = (trading_error){.code = TRADING_E_NO_MEMORY, .message = "no memory, for the test"};
    return TRADING_E_NO_MEMORY;
}

/* However often it is tried. */
static void what_was_merged_and_cannot_be_opened_is_dropped(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    struct keys *keys = open_on_short_runs(&bed, &model, 8, 0);
    uint64_t numbers[KEY_RUNS_MAX];
    uint32_t blobs = keys_bed_blobs(&bed, numbers);
    bed.ops.blob_map = refuse_to_map;
    for (int tries = 0; tries < 5; tries++) {
        while (keys_work(keys))
            continue;
        assert_true(keys->troubled);
        assert_int_equal(keys_bed_blobs(&bed, numbers), blobs);
    }
    bed.ops.blob_map = memory_state_store_ops.blob_map;
    while (keys_work(keys))
        continue;
    assert_true(!keys->troubled && bed.reported == TRADING_E_NO_MEMORY);
    assert_true(keys_bed_blobs(&bed, numbers) < blobs);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

static void what_no_manifest_names_is_dropped(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 100000, 0);
    struct keys_options options = keys_bed_options(&bed);
    for (uint64_t number = 5000; number < 5200; number++)
        keys_bed_replace(&bed, number, (const uint8_t *)"orphan", 6);
    struct keys *keys = keys_bed_keys(&bed, &options);
    uint64_t numbers[KEY_RUNS_MAX];
    assert_int_equal(keys_bed_blobs(&bed, numbers), 0);
    for (uint32_t i = 0; i < 90000; i++)
        keys_model_insert(&model, keys);
    uint32_t runs = keys->set.count;
    keys_bed_replace(&bed, 5000, (const uint8_t *)"orphan", 6);
    open_again(&bed, &keys, &options);
    assert_true(runs > 0 && keys_bed_blobs(&bed, numbers) == runs + 1);
    keys_model_resume(&model, keys);
    keys_model_check(&model, keys, model.count, 101);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

int keys_store_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_comes_back),
        cmocka_unit_test(settled_all_comes_back),
        cmocka_unit_test(inserting_discarding_and_opening_in_any_order),
        cmocka_unit_test(neither_memory_nor_blobs_grow_at_the_limit),
        cmocka_unit_test(short_openings_leave_few_runs_in_the_end),
        cmocka_unit_test(many_runs_are_merged_first),
        cmocka_unit_test(what_cannot_be_merged_holds_up_no_tables),
        cmocka_unit_test(what_is_being_merged_may_be_dropped),
        cmocka_unit_test(a_merge_ends_by_pieces),
        cmocka_unit_test(what_was_merged_and_cannot_be_opened_is_dropped),
        cmocka_unit_test(what_no_manifest_names_is_dropped),
    };
    return cmocka_run_group_tests_name("stored keys", tests, NULL, NULL);
}
