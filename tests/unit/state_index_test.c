#include "state/index.h"
#include "state_test.h"

#include <pthread.h>
#include <stdatomic.h>

static bool finds(const struct index *index, uint64_t hash, uint32_t number, uint32_t *candidates)
{
    uint64_t cursor = 0;
    bool found = false;
    *candidates = 0;
    for (uint32_t candidate; (candidate = index_next(index, hash, &cursor)); ++*candidates)
        found = found || candidate == number;
    return found;
}

static void what_was_inserted_is_found(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct index *index = index_open(&memory, 0);
    uint64_t total = 0;
    for (uint32_t number = 1; number <= 200000; number++)
        assert_true(index_insert(index, number * UINT64_C(0x10000), number)); /* as bad a hash as it may get */
    for (uint32_t number = 1; number <= 200000; number++) {
        uint32_t candidates;
        assert_true(finds(index, number * UINT64_C(0x10000), number, &candidates));
        total += candidates;
    }
    assert_true(total < 200100);
    uint32_t strangers = 0;
    for (uint32_t number = 1; number <= 200000; number++) {
        uint64_t cursor = 0;
        strangers += index_next(index, number * UINT64_C(0x10000) + 1, &cursor) != 0;
    }
    assert_true(strangers < 100);
    assert_true(memory_held(&memory) < UINT64_C(200000) * 8 * 2 * 10 / 7 * 2);
    assert_true(index_bytes(index) < memory_held(&memory));
    index_close(index);
    assert_true(memory_held(&memory) == 0);
}

static void one_hash_may_have_several_numbers(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct index *index = index_open(&memory, 10);
    uint32_t candidates;
    for (uint32_t number = 1; number <= 300; number++)
        assert_true(index_insert(index, 42, number));
    for (uint32_t number = 1; number <= 300; number++)
        assert_true(index_insert(index, 42, number));
    assert_true(index_insert(index, 42, 0));
    for (uint32_t number = 1; number <= 300; number++) {
        assert_true(finds(index, 42, number, &candidates));
        assert_int_equal(candidates, 300);
    }
    assert_false(finds(index, 43, 1, &candidates));
    index_close(index);
    index_close(NULL);
}

/* Numbers under one hash, walked while so many other entries come after each step. Each of them is seen, though maybe twice. */
static void walk_while_it_grows(uint32_t numbers, uint32_t others)
{
    struct memory memory;
    memory_init(&memory);
    struct index *index = index_open(&memory, 0);
    bool seen[100] = {false};
    for (uint32_t number = 1; number <= numbers; number++)
        assert_true(index_insert(index, 7, number));
    uint64_t cursor = 0;
    uint32_t step = 0;
    for (uint32_t number; (number = index_next(index, 7, &cursor)) != 0; step++) {
        assert_in_range(number, 1, numbers);
        seen[number] = true;
        for (uint32_t other = 0; step < numbers && other < others; other++)
            assert_true(index_insert(index, (step + 1) * UINT64_C(1000000) + other, 100 + other));
    }
    for (uint32_t number = 1; number <= numbers; number++)
        assert_true(seen[number]);
    index_close(index);
    assert_true(memory_held(&memory) == 0);
}

static void a_walk_goes_on_while_the_index_grows(void **state)
{
    (void)state;
    walk_while_it_grows(8, 2000);
    walk_while_it_grows(99, 40000); /* into long arrays, and out of them */
}

static void room_that_was_asked_for_is_there(void **state)
{
    (void)state;
    struct scarce scarce;
    scarce_init(&scarce, UINT64_MAX);
    struct index *index = index_open(&scarce.memory, 100000);
    scarce.left = 0;
    for (uint32_t number = 1; number <= 100000; number++)
        assert_true(index_insert(index, number, number));
    bool refused = false;
    for (uint32_t number = 100001; number <= 400000 && !refused; number++)
        refused = !index_insert(index, number, number);
    assert_true(refused);
    uint32_t candidates;
    assert_true(finds(index, 100000, 100000, &candidates));
    index_close(index);
    for (uint64_t granted = 0; granted < 3; granted++) {
        scarce_init(&scarce, granted);
        assert_null(index_open(&scarce.memory, 5));
        assert_true(memory_held(&scarce.memory) == 0);
    }
}

/* ---- in files ---- */

static void assert_has(const struct index *index, uint32_t count)
{
    for (uint32_t number = 1; number <= count; number++) {
        uint32_t candidates;
        assert_true(finds(index, number * 7, number, &candidates));
    }
}

/* Saved for a generation, it is there for that one alone, and goes on from there; also when it is saved while an older file of it is
 * mapped. */
static void what_was_saved_is_mapped(void **state)
{
    (void)state;
    struct memory memory;
    struct state_store store;
    memory_init(&memory);
    state_store_open(&store);
    struct index *index = index_open(&memory, 0);
    struct index *loaded;
    assert_int_equal(index_load(&loaded, &memory, &store, 40, 1, NULL), TRADING_E_NOT_FOUND);
    uint32_t count = 0;
    for (uint64_t generation = 1; generation <= 4; generation++) {
        while (count < generation * 5000)
            assert_true(index_insert(index, (count + 1) * 7, count + 1)), count++;
        assert_int_equal(index_save(index, &store, 40, generation, NULL), TRADING_OK);
        assert_int_equal(index_save(index, &store, 40, generation, NULL), TRADING_OK);
        assert_has(index, count);
        assert_int_equal(index_load(&loaded, &memory, &store, 40, generation + 1, NULL), TRADING_E_NOT_FOUND);
        assert_int_equal(index_load(&loaded, &memory, &store, 40, generation, NULL), TRADING_OK);
        assert_true(index_bytes(loaded) == 0);
        index_close(index);
        index = loaded;
        assert_has(index, count);
    }
    index_close(index);
    store.ops->close(store.store);
    assert_true(memory_held(&memory) == 0);
}

#define ENTRIES    600000u /* more than 64 arrays of half of LONG_BYTES take */
#define LONG_BYTES (UINT64_C(128) << 10)

/* What long arrays were grown out of costs no memory, be they in memory or of a file. */
static void what_is_grown_out_of_is_given_back(void **state)
{
    (void)state;
    struct memory memory;
    struct state_store store;
    memory_init(&memory);
    state_store_open(&store);
    struct index *index = index_open(&memory, 0);
    for (uint32_t number = 1; number <= ENTRIES; number++)
        assert_true(index_insert(index, number * UINT64_C(7), number));
    assert_true(index_bytes(index) < 64 * (LONG_BYTES + LONG_BYTES / 2));
    assert_true(memory_held(&memory) < 64 * (LONG_BYTES + LONG_BYTES / 2) + 65536);
    struct index *loaded;
    assert_int_equal(index_save(index, &store, 40, 1, NULL), TRADING_OK);
    assert_int_equal(index_load(&loaded, &memory, &store, 40, 1, NULL), TRADING_OK);
    index_close(index);
    for (uint32_t number = ENTRIES + 1; number <= 4 * ENTRIES; number++)
        assert_true(index_insert(loaded, number * UINT64_C(7), number));
    assert_has(loaded, 4 * ENTRIES);
    index_close(loaded);
    store.ops->close(store.store);
    assert_true(memory_held(&memory) == 0);
}

/* Arrays of 2 MiB, which may be a large page each. */
static void arrays_may_be_as_long_as_large_pages(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct index *index = index_open(&memory, 10000000);
    for (uint32_t number = 1; number <= 100000; number++)
        assert_true(index_insert(index, number * UINT64_C(7), number));
    assert_has(index, 100000);
    assert_true(index_bytes(index) == UINT64_C(64) << 21);
    index_close(index);
    assert_true(memory_held(&memory) == 0);
}

static void a_damaged_file_is_none(void **state)
{
    (void)state;
    struct memory memory;
    struct state_store store;
    memory_init(&memory);
    state_store_open(&store);
    struct index *index = index_open(&memory, 0);
    struct index *loaded;
    for (uint32_t number = 1; number <= 300; number++)
        assert_true(index_insert(index, number * 7, number));
    assert_int_equal(index_save(index, &store, 40, 1, NULL), TRADING_OK);
    index_close(index);
    uint64_t size;
    assert_int_equal(store.ops->file_size(store.store, 40, &size, NULL), TRADING_OK);
    for (uint64_t at = 0; at < size; at++) {
        uint8_t byte;
        if (at == 544) /* the rest of the header's page means nothing */
            at = 4096;
        assert_int_equal(store.ops->file_read(store.store, 40, at, &byte, 1, NULL), TRADING_OK);
        byte ^= 1;
        assert_int_equal(store.ops->file_write(store.store, 40, at, &byte, 1, NULL), TRADING_OK);
        assert_int_equal(index_load(&loaded, &memory, &store, 40, 1, NULL), TRADING_E_NOT_FOUND);
        byte ^= 1;
        assert_int_equal(store.ops->file_write(store.store, 40, at, &byte, 1, NULL), TRADING_OK);
    }
    assert_int_equal(store.ops->file_cut(store.store, 40, size - 8, NULL), TRADING_OK);
    assert_int_equal(index_load(&loaded, &memory, &store, 40, 1, NULL), TRADING_E_NOT_FOUND);
    assert_true(memory_held(&memory) == 0);
    store.ops->close(store.store);
}

static void room_is_made_before_the_first_entry(void **state)
{
    (void)state;
    struct scarce scarce;
    scarce_init(&scarce, UINT64_MAX);
    struct index *index = index_open(&scarce.memory, 0);
    assert_true(index_expect(index, 100000));
    scarce.left = 0;
    for (uint32_t number = 1; number <= 100000; number++)
        assert_true(index_insert(index, number, number));
    assert_true(index_expect(index, 100));
    index_close(index);
    assert_true(memory_held(&scarce.memory) == 0);
}

/* ---- with threads ---- */

#define NUMBERS 400000u /* long arrays are grown out of */

struct shared {
    struct index *index;
    _Atomic uint32_t inserted;
};

static uint64_t hash_of(uint32_t number)
{
    return number * UINT64_C(0x9E3779B97F4A7C15);
}

static void *read_index(void *arg)
{
    struct shared *shared = arg;
    uint64_t seed = 5;
    for (uint32_t inserted = 0; inserted < NUMBERS;) {
        inserted = atomic_load_explicit(&shared->inserted, memory_order_acquire);
        if (!inserted)
            continue;
        uint32_t candidates;
        uint32_t number = 1 + random_below(&seed, inserted);
        CHECK_IN_THREAD(finds(shared->index, hash_of(number), number, &candidates));
        CHECK_IN_THREAD(!finds(shared->index, hash_of(number) + 1, number, &candidates));
    }
    return NULL;
}

static void readers_run_beside_the_writer(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct shared shared = {index_open(&memory, 0), 0};
    pthread_t readers[2];
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_index, &shared), 0);
    for (uint32_t number = 1; number <= NUMBERS; number++) {
        assert_true(index_insert(shared.index, hash_of(number), number));
        atomic_store_explicit(&shared.inserted, number, memory_order_release);
    }
    for (uint32_t i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    index_close(shared.index);
}

int index_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_inserted_is_found),
        cmocka_unit_test(one_hash_may_have_several_numbers),
        cmocka_unit_test(a_walk_goes_on_while_the_index_grows),
        cmocka_unit_test(what_is_grown_out_of_is_given_back),
        cmocka_unit_test(arrays_may_be_as_long_as_large_pages),
        cmocka_unit_test(room_that_was_asked_for_is_there),
        cmocka_unit_test(what_was_saved_is_mapped),
        cmocka_unit_test(a_damaged_file_is_none),
        cmocka_unit_test(room_is_made_before_the_first_entry),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}

int index_readers_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_run_beside_the_writer),
    };
    return cmocka_run_group_tests_name("index, read by others", tests, NULL, NULL);
}
