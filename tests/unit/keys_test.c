/* Keys against the model: found while they must be, forgotten when they may be, within bounds of memory. */
#include "keys_test.h"

static void every_key_is_found(void **state)
{
    (void)state;
    struct memory memory;
    struct keys *keys;
    struct keys_model model;
    memory_init(&memory);
    keys_model_open(&model, 800000);
    assert_int_equal(keys_open(&keys, &memory, 0, 0, NULL), TRADING_OK);
    keys_model_check(&model, keys, 0, 1);
    for (uint32_t i = 0; i < 800000; i++) {
        keys_model_insert(&model, keys);
        if (i % 100003 == 0 || i == 65535 || i == 65536 || i == 65537)
            keys_model_check(&model, keys, model.count, 997);
    }
    assert_true(keys_count(keys) == 800000);
    keys_model_check(&model, keys, model.count, 11);
    assert_true(keys_bytes(keys) < UINT64_C(800000) * 18 * 2);
    keys_close(keys);
    keys_close(NULL);
    assert_true(memory_held(&memory) == 0);
    keys_model_close(&model);
}

/* Once all that could be merged is. */
static void a_key_takes_sixteen_bytes_and_its_part_of_a_filter(void **state)
{
    (void)state;
    struct memory memory;
    struct keys *keys;
    struct keys_model model;
    memory_init(&memory);
    keys_model_open(&model, 65536 * 10);
    assert_int_equal(keys_open(&keys, &memory, 0, 0, NULL), TRADING_OK);
    for (uint32_t i = 0; i < 65536 * 9 + 1000; i++)
        keys_model_insert(&model, keys);
    for (uint32_t i = 0; i < 350; i++) {
        keys_model_discard(&model, keys, 1000);
        for (uint32_t n = 0; n < 1000; n++)
            keys_model_insert(&model, keys);
    }
    assert_true(keys_bytes(keys) < UINT64_C(65536) * 9 * 174 / 10 + UINT64_C(4096) * 24 + 8192);
    keys_close(keys);
    keys_model_close(&model);
}

static void what_is_discarded_is_gone(void **state)
{
    (void)state;
    static const uint32_t discards[] = {1, 2, 700, 65535, 65536, 65537, 100, 200000, 0, 3};
    struct memory memory;
    struct keys *keys;
    struct keys_model model;
    memory_init(&memory);
    keys_model_open(&model, 2000000);
    assert_int_equal(keys_open(&keys, &memory, 0, 0, NULL), TRADING_OK);
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 90001; i++)
            keys_model_insert(&model, keys);
        uint32_t count = discards[round % 10];
        keys_model_discard(&model, keys, count < model.count ? count : model.count);
        assert_true(keys_count(keys) == model.count);
        keys_model_check(&model, keys, model.count, 499);
    }
    keys_model_discard(&model, keys, model.count);
    assert_true(keys_count(keys) == 0);
    keys_model_insert(&model, keys);
    keys_model_check(&model, keys, model.count, 1);
    keys_close(keys);
    assert_true(memory_held(&memory) == 0);
    keys_model_close(&model);
}

static void small_batches_are_discarded_again_and_again(void **state)
{
    (void)state;
    struct memory memory;
    struct keys *keys;
    struct keys_model model;
    memory_init(&memory);
    keys_model_open(&model, 250000);
    assert_int_equal(keys_open(&keys, &memory, 0, 0, NULL), TRADING_OK);
    while (model.count < 200000) {
        uint32_t batch = random_below(&model.seed, 3000);
        for (uint32_t i = 0; i < batch; i++)
            keys_model_insert(&model, keys);
        if (random_below(&model.seed, 3) == 0)
            keys_model_discard(&model, keys, random_below(&model.seed, batch + 1));
    }
    assert_true(keys_count(keys) == model.count);
    keys_model_check(&model, keys, model.count, 7);
    keys_close(keys);
    keys_model_close(&model);
}

static void the_newest_are_kept_up_to_a_count(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 100000, 500000};
    for (uint32_t i = 0; i < 3; i++) {
        struct memory memory;
        struct keys *keys;
        struct keys_model model;
        uint64_t bound = bounds[i];
        memory_init(&memory);
        keys_model_open(&model, 1000000);
        assert_int_equal(keys_open(&keys, &memory, 0, bound, NULL), TRADING_OK);
        for (uint32_t n = 0; n < 1000000; n++) {
            keys_model_insert(&model, keys);
            if (n % 61)
                continue;
            assert_true(keys_count(keys) >= (model.count < bound ? model.count : bound));
            assert_true(keys_count(keys) <= bound + bound / 8 + UINT64_C(2) * 65536 + 64);
        }
        keys_model_check(&model, keys, model.count, 101);
        keys_close(keys);
        assert_true(memory_held(&memory) == 0);
        keys_model_close(&model);
    }
}

static void the_young_are_kept_up_to_an_age(void **state)
{
    (void)state;
    struct memory memory;
    struct keys *keys;
    struct keys_model model;
    int64_t bound = 3000000; /* about 300,000 keys */
    memory_init(&memory);
    keys_model_open(&model, 1000064);
    assert_int_equal(keys_open(&keys, &memory, bound, 0, NULL), TRADING_OK);
    for (uint32_t n = 0; n < 1000000; n++) {
        keys_model_insert(&model, keys);
        if (n % 61)
            continue;
        uint32_t first = model.count - (uint32_t)keys_count(keys);
        assert_true(first == 0 || model.time - model.times[first - 1] > bound);
        assert_true(first + 65536 + 64 >= model.count ||
                    model.time - model.times[first + 65536 + 64] <= bound + bound / 8); /* an eighth, or one unmerged run */
    }
    assert_true(keys_count(keys) < 470000);
    keys_model_check(&model, keys, model.count, 101);
    /* Long after, with the next key that is looked after, all but the newest are gone. */
    model.time += bound * 10;
    for (uint32_t i = 0; i < 64; i++)
        keys_model_insert(&model, keys);
    assert_true(keys_count(keys) <= 65536);
    keys_close(keys);
    assert_true(memory_held(&memory) == 0);
    keys_model_close(&model);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct scarce scarce;
    struct keys *keys;
    struct keys_model model;
    for (uint64_t granted = 0; granted < 3; granted++) {
        scarce_init(&scarce, granted);
        assert_int_equal(keys_open(&keys, &scarce.memory, 0, 0, NULL), TRADING_E_NO_MEMORY);
        assert_true(memory_held(&scarce.memory) == 0);
    }
    scarce_init(&scarce, 3);
    keys_model_open(&model, 250000);
    assert_int_equal(keys_open(&keys, &scarce.memory, 0, 0, NULL), TRADING_OK);
    uint32_t refused = 0;
    while (model.count < 250000) {
        if (keys_model_try(&model, keys))
            continue;
        refused++;
        assert_true(keys_count(keys) == model.count);
        keys_model_check(&model, keys, model.count, 4001);
        scarce.left = random_below(&model.seed, 12); /* a run takes five */
    }
    assert_true(refused > 10);
    assert_true(keys_count(keys) == model.count);
    keys_model_check(&model, keys, model.count, 101);
    keys_close(keys);
    assert_true(memory_held(&scarce.memory) == 0);
    keys_model_close(&model);
}

int keys_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_found),
        cmocka_unit_test(a_key_takes_sixteen_bytes_and_its_part_of_a_filter),
        cmocka_unit_test(what_is_discarded_is_gone),
        cmocka_unit_test(small_batches_are_discarded_again_and_again),
        cmocka_unit_test(the_newest_are_kept_up_to_a_count),
        cmocka_unit_test(the_young_are_kept_up_to_an_age),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}

int main(void)
{
    int failed = keys_suite();
    failed += keys_store_suite();
    return failed != 0;
}
