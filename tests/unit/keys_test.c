/* Keys against the model: found while they must be, forgotten when they may be, within bounds of memory. */
#include "keys_test.h"

struct trial {
    struct memory memory;
    struct keys *keys;
    struct keys_model model;
};

/* Keys of their own, without a store. */
static void trial_open(struct trial *trial, uint32_t capacity, uint32_t lag, int64_t max_age, uint64_t max_count)
{
    struct keys_options options = {.young = TEST_YOUNG, .max_age = max_age, .max_count = max_count};
    memory_init(&trial->memory);
    keys_model_open(&trial->model, capacity, lag);
    assert_int_equal(keys_open(&trial->keys, &trial->memory, NULL, &options, NULL), TRADING_OK);
}

static void trial_close(struct trial *trial)
{
    keys_close(trial->keys);
    assert_true(memory_held(&trial->memory) == 0);
    keys_model_close(&trial->model);
}

static void every_key_is_found(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, 800000, 0, 0, 0);
    keys_model_check(&trial.model, trial.keys, 0, 1);
    for (uint32_t i = 0; i < 800000; i++) {
        keys_model_insert(&trial.model, trial.keys);
        if (i % 100003 == 0 || i == 65535 || i == 65536 || i == 65537)
            keys_model_check(&trial.model, trial.keys, trial.model.count, 997);
    }
    assert_true(keys_count(trial.keys) == 800000);
    keys_model_check(&trial.model, trial.keys, trial.model.count, 11);
    trial_close(&trial);
    keys_close(NULL);
}

/* What is in memory are tables and the sieve, what is stored takes thirteen bytes and its part of a filter and of a page that is not full. */
static void few_bytes_a_key(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, 3000000, 0, 0, 0);
    for (uint32_t i = 0; i < 3000000; i++)
        keys_model_insert(&trial.model, trial.keys);
    assert_true(keys_bytes(trial.keys) < 4 * TEST_YOUNG * 32 + keys_count(trial.keys) * 16 / 7);
    assert_true(keys_stored_bytes(trial.keys) < keys_count(trial.keys) * 15);
    assert_true(keys_stored_bytes(trial.keys) > keys_count(trial.keys) * 12);
    trial_close(&trial);
}

/* Keys in runs that are numbered from `from` on. */
static uint64_t written_since(const struct keys *keys, uint64_t from)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < keys->set.count; i++)
        if (keys->set.runs[i]->footer.number >= from)
            count += keys->set.runs[i]->footer.count;
    return count;
}

/* So a stranger looks into few filters; and keys are written twice, where a count bounds them, and three times else: more often where there
 * are many more. */
static void there_are_few_runs(void **state)
{
    (void)state;
    for (uint32_t bounded = 0; bounded < 2; bounded++) {
        struct keys_bed bed;
        keys_bed_open(&bed);
        struct keys_options options = keys_bed_options(&bed);
        options.max_count = bounded ? 1600000 : 0;
        options.young = 16384;
        struct keys *keys = keys_bed_keys(&bed, &options);
        uint32_t most = 0;
        uint64_t written = 0;
        uint64_t next_number = keys->next_number;
        for (uint32_t i = 0; i < 4000000; i++) {
            assert_true(keys_insert(keys, hash_mix(i), i, i));
            if (i % 1024 == 0)
                keys_durable(keys, i);
            most = keys->set.count > most ? keys->set.count : most;
            if (keys->next_number != next_number && !keys->merge.count) {
                written += written_since(keys, next_number);
                next_number = keys->next_number;
            }
        }
        assert_true(most <= (bounded ? 22 : 28));
        assert_true(written < (bounded ? 21 : 30) * UINT64_C(400000));
        keys_close(keys);
        keys_bed_close(&bed);
    }
}

static void what_is_discarded_is_gone(void **state)
{
    (void)state;
    static const uint32_t discards[] = {1, 2, 700, 65535, 65536, 65537, 100, 200000, 0, 3};
    struct trial trial;
    trial_open(&trial, 2000000, 200000, 0, 0);
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 90001; i++)
            keys_model_insert(&trial.model, trial.keys);
        uint32_t possible = trial.model.count - trial.model.durable;
        keys_model_discard(&trial.model, trial.keys, discards[round] < possible ? discards[round] : possible);
        assert_true(keys_count(trial.keys) == trial.model.count);
        keys_model_check(&trial.model, trial.keys, trial.model.count, 499);
    }
    trial_close(&trial);
    trial_open(&trial, 300000, 300000, 0, 0);
    for (uint32_t i = 0; i < 299999; i++)
        keys_model_insert(&trial.model, trial.keys);
    keys_model_discard(&trial.model, trial.keys, trial.model.count);
    assert_true(keys_count(trial.keys) == 0);
    keys_model_insert(&trial.model, trial.keys);
    keys_model_check(&trial.model, trial.keys, trial.model.count, 1);
    trial_close(&trial);
}

static void small_batches_are_discarded_again_and_again(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, 250000, 3000, 0, 0);
    while (trial.model.count < 200000) {
        uint32_t batch = random_below(&trial.model.seed, 3000);
        for (uint32_t i = 0; i < batch; i++)
            keys_model_insert(&trial.model, trial.keys);
        if (random_below(&trial.model.seed, 3) == 0)
            keys_model_discard(&trial.model, trial.keys,
                               random_below(&trial.model.seed, trial.model.count - trial.model.durable + 1));
    }
    assert_true(keys_count(trial.keys) == trial.model.count);
    keys_model_check(&trial.model, trial.keys, trial.model.count, 7);
    trial_close(&trial);
}

static void the_newest_are_kept_up_to_a_count(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 100000, 500000};
    for (uint32_t i = 0; i < 3; i++) {
        struct trial trial;
        uint64_t bound = bounds[i];
        trial_open(&trial, 1000000, 0, 0, bound);
        for (uint32_t n = 0; n < 1000000; n++) {
            keys_model_insert(&trial.model, trial.keys);
            if (n % 61)
                continue;
            assert_true(keys_count(trial.keys) >= (trial.model.count < bound ? trial.model.count : bound));
            assert_true(keys_count(trial.keys) <= bound + bound / 8 + UINT64_C(2) * TEST_YOUNG + 64);
        }
        keys_model_check(&trial.model, trial.keys, trial.model.count, 101);
        trial_close(&trial);
    }
}

static void the_young_are_kept_up_to_an_age(void **state)
{
    (void)state;
    struct trial trial;
    const struct keys_model *model = &trial.model;
    int64_t bound = 3000000; /* about 300,000 keys */
    trial_open(&trial, 1200000, 0, bound, 0);
    for (uint32_t n = 0; n < 1000000; n++) {
        keys_model_insert(&trial.model, trial.keys);
        if (n % 61)
            continue;
        uint32_t first = model->count - (uint32_t)keys_count(trial.keys);
        assert_true(first == 0 || model->time - model->times[first - 1] > bound);
        assert_true(first + 2 * TEST_YOUNG >= model->count ||
                    model->time - model->times[first + 2 * TEST_YOUNG] <= bound + bound / 8);
    }
    assert_true(keys_count(trial.keys) < 470000 + TEST_YOUNG);
    keys_model_check(model, trial.keys, model->count, 101);
    /* Long after, once the table that was being filled is stored and another one is, all before them are gone. */
    trial.model.time += bound * 10;
    for (uint32_t i = 0; i < 2 * TEST_YOUNG; i++)
        keys_model_insert(&trial.model, trial.keys);
    assert_true(keys_count(trial.keys) <= 3 * TEST_YOUNG);
    trial_close(&trial);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct scarce scarce;
    struct keys *keys;
    struct keys_model model;
    struct keys_options options = {.young = 8192};
    int32_t code = TRADING_E_NO_MEMORY;
    uint64_t granted = 0;
    for (; code; granted++) {
        scarce_init(&scarce, granted);
        code = keys_open(&keys, &scarce.memory, NULL, &options, NULL);
        assert_int_equal(code, code ? TRADING_E_NO_MEMORY : TRADING_OK);
        assert_true(code == TRADING_OK || memory_held(&scarce.memory) == 0);
    }
    assert_true(granted > 3);
    keys_model_open(&model, 450000, 0);
    uint32_t refused = 0;
    while (model.count < 450000) {
        if (keys_model_try(&model, keys))
            continue;
        refused++;
        assert_true(keys_count(keys) == model.count);
        keys_model_check(&model, keys, model.count, 4001);
        scarce.left = random_below(&model.seed, 30);
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
        cmocka_unit_test(few_bytes_a_key),
        cmocka_unit_test(there_are_few_runs),
        cmocka_unit_test(what_is_discarded_is_gone),
        cmocka_unit_test(small_batches_are_discarded_again_and_again),
        cmocka_unit_test(the_newest_are_kept_up_to_a_count),
        cmocka_unit_test(the_young_are_kept_up_to_an_age),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}

/* usage: unit-keys [PATTERN of the names of tests] */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    int failed = ALONE(keys_suite);
    failed += ALONE(keys_run_suite);
    failed += ALONE(keys_store_suite);
    failed += ALONE(keys_fault_suite);
    failed += ALONE(keys_sieve_suite);
    failed += ALONE(keys_sieve_store_suite);
    failed += keys_thread_suite();
    failed += keys_ahead_suite();
    return failed != 0;
}
