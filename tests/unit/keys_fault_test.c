/* Keys whose store fails, whose process dies at any step of writing, or whose blobs are damaged: never a wrong answer, and never silent. */
#include "keys_test.h"

#include <string.h>

/* ---- no space ---- */

static void what_cannot_be_written_stays_and_is_tried_again(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 1200000, 0);
    struct keys_options options = keys_bed_options(&bed);
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 100000; i++)
            keys_model_insert(&model, keys);
        atomic_store(&keys_bed_fail_at, atomic_load(&keys_bed_steps) + 1 + round); /* at the create, an append … */
        uint64_t memory = keys_bytes(keys);
        uint32_t before = model.count;
        while (keys_model_try(&model, keys))
            assert_true(model.count < before + (KEYS_WAITING_MOST + 1) * TEST_YOUNG);
        assert_true(keys_bytes(keys) <= memory + KEYS_WAITING_MOST * (2 * TEST_YOUNG * sizeof(struct key_slot) + 4096));
        assert_true(bed.reports == round + 1 && bed.reported == TRADING_E_NO_SPACE);
        assert_true(keys_count(keys) == model.count);
        keys_model_check(&model, keys, model.count, 997);
        atomic_store(&keys_bed_fail_at, 0);
        keys_model_insert(&model, keys);
        keys_model_check(&model, keys, model.count, 997);
    }
    keys_close(keys);
    keys = keys_bed_keys(&bed, &options);
    keys_model_resume(&model, keys);
    keys_model_check(&model, keys, model.count, 101);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* ---- the end at any step ---- */

static void after_an_end_at_any_step_there_is_the_set_before_or_after(void **state)
{
    (void)state;
    bool ended = true;
    for (uint64_t fail_at = 1; ended; fail_at++) {
        struct keys_bed bed;
        struct keys_model model;
        keys_bed_open(&bed);
        keys_model_open(&model, 60000, 100);
        struct keys_options options = keys_bed_options(&bed);
        options.young = 2000;
        options.max_count = 30000;
        struct keys *keys = keys_bed_keys(&bed, &options);
        atomic_store(&keys_bed_steps, 0);
        atomic_store(&keys_bed_fail_at, fail_at);
        uint32_t inserted = 0;
        while (inserted < 50000 && keys_model_try(&model, keys))
            inserted++;
        ended = atomic_load(&keys_bed_steps) >= fail_at;
        keys_close(keys);
        atomic_store(&keys_bed_fail_at, 0);
        keys = keys_bed_keys(&bed, &options);
        assert_int_equal(bed.reported, ended && inserted < 50000 ? TRADING_E_NO_SPACE : bed.reported);
        keys_model_resume(&model, keys);
        keys_model_check(&model, keys, model.count, 37);
        uint64_t numbers[KEY_RUNS_MAX];
        assert_true(keys_bed_blobs(&bed, numbers) <= keys->set.count + 2); /* the manifest and the sieve */
        keys_close(keys);
        keys_bed_close(&bed);
        keys_model_close(&model);
        fail_at += fail_at / 8;
    }
}

/* ---- damage ---- */

struct copy {
    uint64_t number;
    size_t size;
    uint8_t bytes[40000];
};

static void copy_blob(struct keys_bed *bed, uint64_t number, struct copy *copy)
{
    struct state_blob blob;
    assert_int_equal(bed->store.ops->blob_map(bed->store.store, number, &blob, NULL), TRADING_OK);
    assert_true(blob.size <= sizeof copy->bytes);
    copy->number = number;
    copy->size = blob.size;
    memcpy(copy->bytes, blob.bytes, blob.size);
    bed->store.ops->blob_unmap(bed->store.store, &blob);
}

static void put_back(struct keys_bed *bed, const struct copy *copies, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        keys_bed_replace(bed, copies[i].number, copies[i].bytes, copies[i].size);
}

/* Opened, the keys either say that they are damaged, and are empty, or answer rightly, or say that they cannot. */
static void expect_told(struct keys_bed *bed, const struct keys_model *model, const struct keys_options *options)
{
    uint32_t reports = bed->reports;
    struct keys *keys = keys_bed_keys(bed, options);
    if (bed->reports > reports) {
        assert_true(keys_stored(keys).next_position == 0 && keys_count(keys) == 0);
    } else {
        int told = 1;
        for (uint32_t i = 0; i < model->count; i++)
            told &= keys_model_told(model, keys, i);
        assert_true(!told);
    }
    keys_close(keys);
}

static void damage_anywhere_is_told(void **state)
{
    (void)state;
    static struct copy copies[4];
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 1000, 0);
    struct keys_options options = keys_bed_options(&bed);
    options.young = 200;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t i = 0; i < 590; i++) /* too few for a sieve */
        keys_model_insert(&model, keys);
    assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
    keys_close(keys);
    uint64_t numbers[KEY_RUNS_MAX];
    uint32_t count = keys_bed_blobs(&bed, numbers);
    assert_true(count == 4); /* three runs and the manifest */
    for (uint32_t i = 0; i < count; i++)
        copy_blob(&bed, numbers[i], &copies[i]);
    for (uint32_t i = 0; i < count; i++) {
        struct copy *copy = &copies[i];
        for (size_t at = 0; at < copy->size; at += copy->number && at < 4096 ? 61 : 3) {
            copy->bytes[at] ^= 0x10;
            put_back(&bed, copies, count);
            copy->bytes[at] ^= 0x10;
            expect_told(&bed, &model, &options);
        }
        put_back(&bed, copies, count);
        keys_bed_replace(&bed, copy->number, copy->bytes, copy->size / 2);
        expect_told(&bed, &model, &options);
        if (copy->number) {
            put_back(&bed, copies, count);
            assert_int_equal(memory_state_store_ops.blob_drop(bed.store.store, copy->number, NULL), TRADING_OK);
            expect_told(&bed, &model, &options);
            put_back(&bed, copies, count);
            keys_bed_replace(&bed, copies[(i + 1) % count].number, copy->bytes, copy->size); /* in another's place */
            expect_told(&bed, &model, &options);
        }
    }
    put_back(&bed, copies, count);
    keys = keys_bed_keys(&bed, &options);
    keys_model_check(&model, keys, model.count, 1);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* A merge meets a damaged page: it is told, the run is left out of merges, and the next opening finds it gone. */
static void damage_that_a_merge_meets_is_told(void **state)
{
    (void)state;
    static struct copy copy;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 10000, 0);
    struct keys_options options = keys_bed_options(&bed);
    options.young = 500;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t i = 0; i < 1100; i++)
        keys_model_insert(&model, keys);
    assert_int_equal(keys->set.count, 2);
    uint64_t number = keys->set.runs[1]->footer.number;
    keys_close(keys);
    copy_blob(&bed, number, &copy);
    copy.bytes[100] ^= 1;
    keys_bed_replace(&bed, number, copy.bytes, copy.size);
    keys = keys_bed_keys(&bed, &options);
    keys_model_resume(&model, keys);
    assert_int_equal(bed.reports, 0);
    for (uint32_t i = 0; i < 5000; i++)
        keys_model_insert(&model, keys);
    assert_true(bed.reports > 0 && bed.reported == TRADING_E_DAMAGED && keys_count(keys) == model.count);
    keys_close(keys);
    bed.reports = 0;
    keys = keys_bed_keys(&bed, &options);
    assert_true(bed.reports == 1 && bed.reported == TRADING_E_DAMAGED && keys_count(keys) == 0);
    assert_int_equal(keys_model_resume(&model, keys), 0);
    keys_model_check(&model, keys, model.count, 1);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

static void memory_may_run_out_while_opening(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 200000, 0);
    struct keys_options options = keys_bed_options(&bed);
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t i = 0; i < 200000; i++)
        keys_model_insert(&model, keys);
    assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
    keys_close(keys);
    struct scarce scarce;
    int32_t status = TRADING_E_NO_MEMORY;
    for (uint64_t granted = 0; status; granted++) {
        scarce_init(&scarce, granted);
        status = keys_open(&keys, &scarce.memory, &bed.store, &options, NULL);
        assert_int_equal(status, status ? TRADING_E_NO_MEMORY : TRADING_OK);
        if (!status) {
            assert_true(keys_count(keys) == 200000);
            keys_close(keys);
        }
        assert_true(memory_held(&scarce.memory) == 0);
    }
    keys_bed_close(&bed);
    keys_model_close(&model);
}

int keys_fault_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_written_stays_and_is_tried_again),
        cmocka_unit_test(after_an_end_at_any_step_there_is_the_set_before_or_after),
        cmocka_unit_test(damage_anywhere_is_told),
        cmocka_unit_test(damage_that_a_merge_meets_is_told),
        cmocka_unit_test(memory_may_run_out_while_opening),
    };
    return cmocka_run_group_tests_name("keys and faults", tests, NULL, NULL);
}
