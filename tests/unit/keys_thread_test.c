/* Keys with a thread of their own: the decider inserts, looks up and discards while tables are written and runs are merged. */
#include "keys_test.h"

#include <pthread.h>

static void the_thread_writes_beside_the_decider(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 400000, 400000);
    struct keys_options options = keys_bed_options(&bed);
    options.young = 8192;
    options.thread = true;
    struct keys *keys = keys_bed_keys(&bed, &options);
    while (model.count < 350000) {
        uint64_t *seed = &model.seed;
        for (uint32_t n = random_below(seed, 5000); n; n--)
            keys_model_insert(&model, keys);
        if (random_below(seed, 3) == 0)
            keys_model_discard(&model, keys, random_below(seed, model.count - model.durable + 1));
        else
            keys_model_durable(&model, keys, model.durable + random_below(seed, model.count - model.durable + 1));
        assert_true(keys_count(keys) == model.count);
        keys_model_check(&model, keys, model.count, 9973);
    }
    keys_model_durable(&model, keys, model.count);
    assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
    keys_model_check(&model, keys, model.count, 101);
    keys_close(keys);
    keys = keys_bed_keys(&bed, &options);
    assert_int_equal(keys_model_resume(&model, keys), model.count);
    keys_model_check(&model, keys, model.count, 101);
    keys_close(keys);
    assert_int_equal(bed.reports, 0);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

/* The disk has no room for a while, now and then: nothing is lost, and it goes on by itself. */
static void the_thread_tries_again(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 100000, 0);
    struct keys_options options = keys_bed_options(&bed);
    options.young = 4096;
    options.thread = true;
    struct keys *keys = keys_bed_keys(&bed, &options);
    while (model.count < 90000) {
        bool fails = random_below(&model.seed, 2);
        atomic_store(&keys_bed_fail_at, fails ? atomic_load(&keys_bed_steps) + random_below(&model.seed, 20) + 1 : 0);
        for (uint32_t n = 0; n < 9000 && model.count < 90000 && keys_model_try(&model, keys); n++)
            continue;
    }
    atomic_store(&keys_bed_fail_at, 0);
    while (keys_stored(keys).next_position == 0)
        sched_yield();
    keys_model_check(&model, keys, model.count, 101);
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

#define WATCHED_YOUNG 4096u
#define WATCHED_COUNT 100000u
/* However far the thread is behind: what is retained at most, and all tables full. */
#define WATCHED_MOST (WATCHED_COUNT + WATCHED_COUNT / 8 + (KEY_TABLES + 1) * WATCHED_YOUNG)

struct watch {
    const struct keys *keys;
    _Atomic bool done;
};

static void *watch(void *arg)
{
    struct watch *watch = arg;
    while (!atomic_load(&watch->done)) {
        CHECK_IN_THREAD(keys_count(watch->keys) < WATCHED_MOST);
        CHECK_IN_THREAD(keys_bytes(watch->keys) > 0);
        CHECK_IN_THREAD(keys_stored_bytes(watch->keys) < WATCHED_MOST * 20);
    }
    return NULL;
}

static void the_thread_is_counted_beside(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    keys_bed_open(&bed);
    keys_model_open(&model, 300000, 0);
    struct keys_options options = keys_bed_options(&bed);
    options.young = WATCHED_YOUNG;
    options.max_count = WATCHED_COUNT;
    options.thread = true;
    struct watch watched = {.keys = keys_bed_keys(&bed, &options)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, watch, &watched), 0);
    for (uint32_t i = 0; i < 300000; i++)
        keys_model_insert(&model, (struct keys *)watched.keys);
    atomic_store(&watched.done, true);
    pthread_join(thread, NULL);
    keys_close((struct keys *)watched.keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
}

int keys_thread_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_thread_writes_beside_the_decider),
        cmocka_unit_test(the_thread_tries_again),
        cmocka_unit_test(the_thread_is_counted_beside),
    };
    return cmocka_run_group_tests_name("keys and threads", tests, NULL, NULL);
}
