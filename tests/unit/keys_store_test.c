/* Keys saved into a state store and loaded again: exactly those below the position, each run written once, damage found. */
#include "base/hash.h"
#include "engine/keys_directory.h"
#include "keys_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* A store in memory, with its puts counted. */
struct bed {
    struct memory memory;
    struct keys *keys;
    struct keys_model model;
    struct state_store store;
};

static uint64_t put_bytes;
static struct state_store_ops counting_ops;

static int32_t put_counted(void *write, const void *key, size_t key_size, const void *value, size_t value_size,
                           trading_error *error)
{
    put_bytes += value_size;
    assert_true(value_size <= 256 * 4096 - 16);
    return memory_state_store_ops.put(write, key, key_size, value, value_size, error);
}

static void bed_open(struct bed *bed, uint32_t capacity)
{
    memory_init(&bed->memory);
    keys_model_open(&bed->model, capacity);
    state_store_open(&bed->store);
    counting_ops = *bed->store.ops;
    counting_ops.put = put_counted;
    bed->store.ops = &counting_ops;
    assert_int_equal(keys_open(&bed->keys, &bed->memory, 0, 0, NULL), TRADING_OK);
}

static void bed_close(struct bed *bed)
{
    keys_close(bed->keys);
    bed->store.ops->close(bed->store.store);
    keys_model_close(&bed->model);
    assert_true(memory_held(&bed->memory) == 0);
}

static void insert(struct bed *bed, uint32_t count)
{
    for (; count; count--)
        keys_model_insert(&bed->model, bed->keys);
}

/* Saves all but the newest `in_flight`; returns the bytes that were put. */
static uint64_t save(struct bed *bed, uint32_t in_flight, bool commit)
{
    void *write;
    trading_error error;
    uint32_t durable = bed->model.count - in_flight;
    int64_t position = durable < bed->model.count ? bed->model.positions[durable] : bed->model.position + 1;
    put_bytes = 0;
    assert_int_equal(bed->store.ops->begin(bed->store.store, &write, NULL), TRADING_OK);
    assert_int_equal(keys_save(bed->keys, &bed->store, write, position, &error), TRADING_OK);
    if (commit)
        assert_int_equal(bed->store.ops->commit(write, false, NULL), TRADING_OK);
    else
        bed->store.ops->abort(write);
    return put_bytes;
}

static void open_loaded(struct bed *bed, struct keys **keys)
{
    trading_error error;
    assert_int_equal(keys_open(keys, &bed->memory, 0, 0, NULL), TRADING_OK);
    assert_int_equal(keys_load(*keys, &bed->store, &error), TRADING_OK);
}

static void check_saved(struct bed *bed, uint32_t count)
{
    struct keys *loaded;
    open_loaded(bed, &loaded);
    assert_true(keys_count(loaded) == count);
    keys_model_check(&bed->model, loaded, count, 997);
    keys_close(loaded);
}

static void exactly_the_keys_below_the_position_come_back(void **state)
{
    (void)state;
    struct bed bed;
    struct keys *loaded;
    trading_error error;
    bed_open(&bed, 1000000);
    assert_int_equal(keys_load(bed.keys, &bed.store, &error), TRADING_E_NOT_FOUND);
    save(&bed, 0, true);
    check_saved(&bed, 0);
    static const uint32_t steps[][2] = {{10, 0},        {10, 7},      {65516, 0},     {1, 1},
                                        {64000, 64000}, {5000, 4000}, {70000, 69000}, {70000, 139000},
                                        {300000, 100},  {0, 300000},  {100, 0}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        insert(&bed, steps[i][0]);
        save(&bed, steps[i][1], true);
        check_saved(&bed, bed.model.count - steps[i][1]);
    }
    open_loaded(&bed, &loaded);
    assert_int_equal(keys_load(loaded, &bed.store, &error), TRADING_E_INVALID);
    keys_close(loaded);
    bed_close(&bed);
}

/* The engine falls back to durable keys, saves, goes on, and is opened again from what it saved. */
static void saving_loading_and_discarding_in_any_order(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 2000000);
    uint32_t durable = 0; /* as of the newest save that was committed, or tried */
    uint32_t saved = 0;
    for (uint32_t step = 0; step < 80; step++) {
        uint64_t *seed = &bed.model.seed;
        insert(&bed, random_below(seed, random_below(seed, 4) ? 3000 : 60000));
        switch (random_below(seed, 4)) {
        case 0:
            keys_model_discard(&bed.model, bed.keys, random_below(seed, bed.model.count - durable + 1));
            break;
        case 1:
        case 2: {
            bool commit = random_below(seed, 3);
            durable += random_below(seed, bed.model.count - durable + 1);
            save(&bed, bed.model.count - durable, commit);
            if (commit)
                saved = durable;
            if (saved)
                check_saved(&bed, saved);
            break;
        }
        default:
            if (!saved)
                break;
            keys_close(bed.keys);
            open_loaded(&bed, &bed.keys);
            for (uint32_t i = saved; i < bed.model.count; i++) /* the tail is read from the journal */
                assert_true(keys_insert(bed.keys, bed.model.hashes[i], bed.model.positions[i], bed.model.times[i]));
        }
        assert_true(keys_count(bed.keys) == bed.model.count);
        keys_model_check(&bed.model, bed.keys, bed.model.count, 4999);
    }
    assert_true(bed.model.count > 200000);
    keys_model_check(&bed.model, bed.keys, bed.model.count, 13);
    bed_close(&bed);
}

static void runs_are_written_once(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 1000000);
    insert(&bed, 65536 * 3 + 100);
    assert_true(save(&bed, 0, true) > UINT64_C(65536) * 3 * 16);
    assert_true(save(&bed, 0, true) < 1000); /* the directory */
    insert(&bed, 10);
    assert_true(save(&bed, 0, true) < 3000); /* and the log */
    insert(&bed, 65536);
    assert_true(save(&bed, 0, false) > UINT64_C(65536) * 16);
    assert_true(save(&bed, 0, true) > UINT64_C(65536) * 16); /* as it was aborted */
    assert_true(save(&bed, 0, true) < 1000);
    struct keys *loaded;
    open_loaded(&bed, &loaded);
    keys_close(bed.keys);
    bed.keys = loaded;
    assert_true(save(&bed, 0, true) < 1000); /* what was loaded is there */
    bed_close(&bed);
}

static int count_value(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    (void)key, (void)key_size, (void)value;
    *(uint64_t *)arg += value_size;
    return 0;
}

static uint64_t stored_bytes(struct bed *bed)
{
    uint64_t bytes = 0;
    uint8_t space = STATE_KEYS;
    assert_int_equal(bed->store.ops->scan(bed->store.store, NULL, &space, 1, NULL, 0, count_value, &bytes, NULL), TRADING_OK);
    return bytes;
}

static void what_fell_off_is_removed(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 2000000);
    keys_close(bed.keys);
    assert_int_equal(keys_open(&bed.keys, &bed.memory, 0, 150000, NULL), TRADING_OK);
    for (uint32_t i = 0; i < 10; i++) {
        insert(&bed, 90000);
        save(&bed, 10, true);
        assert_true(stored_bytes(&bed) < UINT64_C(300000) * 17);
    }
    struct keys *loaded;
    open_loaded(&bed, &loaded);
    assert_true(keys_count(loaded) + 10 == keys_count(bed.keys));
    keys_model_check(&bed.model, loaded, bed.model.count - 10, 997);
    keys_close(loaded);
    bed_close(&bed);
}

static void keys_with_another_past_replace_what_is_there(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 1000000);
    insert(&bed, 200000);
    save(&bed, 0, true);
    /* The same keys again, from the journal: other runs under the same ids. */
    keys_close(bed.keys);
    assert_int_equal(keys_open(&bed.keys, &bed.memory, 0, 0, NULL), TRADING_OK);
    for (uint32_t i = 100000; i < bed.model.count; i++)
        assert_true(keys_insert(bed.keys, bed.model.hashes[i], bed.model.positions[i], bed.model.times[i]));
    save(&bed, 0, false);
    check_saved(&bed, 200000);
    save(&bed, 0, true);
    struct keys *loaded;
    open_loaded(&bed, &loaded);
    assert_true(keys_count(loaded) == 100000);
    keys_model_check(&bed.model, loaded, 200000, 997);
    keys_close(loaded);
    assert_true(save(&bed, 0, true) < 1000);
    bed_close(&bed);
}

/* ---- damage ---- */

#define VALUES 4u

struct value {
    uint8_t key[PART_KEY_BYTES];
    size_t key_size;
    uint8_t bytes[4096];
    size_t size;
};

struct values {
    struct value value[VALUES];
    uint32_t count;
};

static int take_value(void *arg, const void *key, size_t key_size, const void *bytes, size_t size)
{
    struct values *values = arg;
    assert_true(values->count < VALUES && key_size <= PART_KEY_BYTES && size < 4096);
    struct value *value = &values->value[values->count++];
    memcpy(value->key, key, value->key_size = key_size);
    memcpy(value->bytes, bytes, value->size = size);
    return 0;
}

static void put_value(struct bed *bed, const struct value *value, size_t size)
{
    void *write;
    assert_int_equal(bed->store.ops->begin(bed->store.store, &write, NULL), TRADING_OK);
    assert_int_equal(bed->store.ops->put(write, value->key, value->key_size, value->bytes, size, NULL), TRADING_OK);
    assert_int_equal(bed->store.ops->commit(write, false, NULL), TRADING_OK);
}

static void assert_refused(struct bed *bed)
{
    struct keys *loaded;
    trading_error error;
    assert_int_equal(keys_open(&loaded, &bed->memory, 0, 0, NULL), TRADING_OK);
    assert_int_equal(keys_load(loaded, &bed->store, &error), TRADING_E_DAMAGED);
    assert_int_equal(error.code, TRADING_E_DAMAGED);
    assert_true(keys_count(loaded) == 0);
    for (uint32_t i = 0; i < bed->model.count; i++) {
        struct keys_cursor cursor = {{0, 0}};
        assert_true(keys_next(loaded, bed->model.hashes[i], &cursor) == -1);
    }
    keys_close(loaded);
}

static void damage_anywhere_is_found(void **state)
{
    (void)state;
    static struct values values;
    struct bed bed;
    memset(&values, 0, sizeof values);
    bed_open(&bed, 100000);
    insert(&bed, 65536 + 20);
    keys_model_discard(&bed.model, bed.keys, 65536); /* leaves a run of 20 */
    insert(&bed, 30);
    save(&bed, 0, true);
    assert_int_equal(bed.store.ops->scan(bed.store.store, NULL, "\003", 1, NULL, 0, take_value, &values, NULL), TRADING_OK);
    assert_int_equal(values.count, 3);
    for (uint32_t i = 0; i < values.count; i++) {
        struct value *value = &values.value[i];
        for (size_t at = 0; at < value->size; at++) {
            value->bytes[at] ^= (uint8_t)(1u << at % 8);
            put_value(&bed, value, value->size);
            assert_refused(&bed);
            value->bytes[at] ^= (uint8_t)(1u << at % 8);
        }
        for (size_t size = 0; size < value->size; size++) {
            put_value(&bed, value, size);
            assert_refused(&bed);
        }
        put_value(&bed, value, value->size);
        check_saved(&bed, 50);
    }
    for (uint32_t i = 1; i < values.count; i++) {
        void *write;
        assert_int_equal(bed.store.ops->begin(bed.store.store, &write, NULL), TRADING_OK);
        assert_int_equal(bed.store.ops->remove(write, values.value[i].key, values.value[i].key_size, NULL), TRADING_OK);
        assert_int_equal(bed.store.ops->commit(write, false, NULL), TRADING_OK);
        assert_refused(&bed);
        put_value(&bed, &values.value[i], values.value[i].size);
    }
    /* After damage the next save makes it whole. */
    values.value[0].bytes[0] ^= 1;
    put_value(&bed, &values.value[0], values.value[0].size);
    save(&bed, 0, true);
    check_saved(&bed, 50);
    bed_close(&bed);
}

static void memory_may_run_out_while_loading(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 400000);
    insert(&bed, 200000);
    save(&bed, 0, true);
    struct scarce scarce;
    int32_t status = TRADING_E_NO_MEMORY;
    for (uint64_t granted = 3; status; granted++) {
        struct keys *loaded;
        trading_error error;
        scarce_init(&scarce, granted);
        assert_int_equal(keys_open(&loaded, &scarce.memory, 0, 0, NULL), TRADING_OK);
        status = keys_load(loaded, &bed.store, &error);
        assert_true(status == TRADING_OK || status == TRADING_E_NO_MEMORY);
        assert_true(keys_count(loaded) == (status ? 0 : 200000));
        keys_close(loaded);
        assert_true(memory_held(&scarce.memory) == 0);
    }
    bed_close(&bed);
}

/* ---- with threads ---- */

#define COMMANDS 250000u

struct shared {
    struct memory memory;
    struct keys *keys;
    _Atomic int64_t durable; /* positions below are never discarded */
    atomic_bool done;
};

static uint64_t hash_at(int64_t position)
{
    return hash_mix((uint64_t)position);
}

static void check_exactly(const struct keys *keys, int64_t position)
{
    CHECK_IN_THREAD(keys_count(keys) == (uint64_t)position);
    for (int64_t at = position > 3000 ? position - 3000 : 0; at < position + 3000; at += 1) {
        struct keys_cursor cursor = {{0, 0}};
        CHECK_IN_THREAD(keys_next(keys, hash_at(at), &cursor) == (at < position ? at : -1));
    }
    for (int64_t at = 0; at < position; at += 1009) {
        struct keys_cursor cursor = {{0, 0}};
        CHECK_IN_THREAD(keys_next(keys, hash_at(at), &cursor) == at);
    }
}

static void *save_and_check(void *arg)
{
    struct shared *shared = arg;
    struct state_store store;
    state_store_open(&store);
    for (bool last = false; !last;) {
        last = atomic_load(&shared->done);
        void *write;
        int64_t durable = atomic_load(&shared->durable);
        CHECK_IN_THREAD(store.ops->begin(store.store, &write, NULL) == TRADING_OK);
        CHECK_IN_THREAD(keys_save(shared->keys, &store, write, durable, NULL) == TRADING_OK);
        CHECK_IN_THREAD(store.ops->commit(write, false, NULL) == TRADING_OK);
        struct keys *loaded;
        CHECK_IN_THREAD(keys_open(&loaded, &shared->memory, 0, 0, NULL) == TRADING_OK);
        CHECK_IN_THREAD(keys_load(loaded, &store, NULL) == TRADING_OK);
        check_exactly(loaded, durable);
        keys_close(loaded);
    }
    store.ops->close(store.store);
    return NULL;
}

static void a_save_runs_beside_the_writer(void **state)
{
    (void)state;
    struct shared shared = {.durable = 0};
    uint64_t seed = 77;
    memory_init(&shared.memory);
    assert_int_equal(keys_open(&shared.keys, &shared.memory, 0, 0, NULL), TRADING_OK);
    pthread_t saver;
    assert_int_equal(pthread_create(&saver, NULL, save_and_check, &shared), 0);
    int64_t position = 0;
    while (position < COMMANDS) {
        for (uint32_t i = random_below(&seed, 5000); i; i--, position++)
            assert_true(keys_insert(shared.keys, hash_at(position), position, position));
        int64_t durable = atomic_load(&shared.durable);
        if (random_below(&seed, 3) == 0) {
            position -= random_below(&seed, (uint32_t)(position - durable) + 1);
            keys_discard(shared.keys, position);
        } else if (random_below(&seed, 2) == 0) {
            atomic_store(&shared.durable, position - random_below(&seed, (uint32_t)(position - durable) + 1));
        }
    }
    atomic_store(&shared.durable, position);
    atomic_store(&shared.done, true);
    pthread_join(saver, NULL);
    keys_close(shared.keys);
    assert_true(memory_held(&shared.memory) == 0);
}

int keys_store_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_keys_below_the_position_come_back),
        cmocka_unit_test(saving_loading_and_discarding_in_any_order),
        cmocka_unit_test(runs_are_written_once),
        cmocka_unit_test(what_fell_off_is_removed),
        cmocka_unit_test(keys_with_another_past_replace_what_is_there),
        cmocka_unit_test(damage_anywhere_is_found),
        cmocka_unit_test(memory_may_run_out_while_loading),
        cmocka_unit_test(a_save_runs_beside_the_writer),
    };
    return cmocka_run_group_tests_name("keys in a store", tests, NULL, NULL);
}
