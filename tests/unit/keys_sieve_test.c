/* The sieve: what is stored passes it always, most of what is not does not, whatever becomes of runs and eras. */
#include "base/hash.h"
#include "keys_test.h"

#define SMALL     1024u /* keys in a table */
#define STRANGE   (UINT64_C(1) << 40)
#define STRANGERS 20000u

/* ---- alone ---- */

#define ERA 4096u

/* How many strangers seem to be of these eras. */
static uint32_t passed(const struct key_sieve *sieve, uint32_t eras)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < STRANGERS; i++)
        count += (key_sieve_eras(sieve, hash_mix(STRANGE + i)) & eras) != 0;
    return count;
}

static void enter(struct key_sieve *sieve, uint64_t first)
{
    for (uint64_t i = first; i < first + ERA; i++)
        key_sieve_enter(sieve, hash_mix(i));
}

static void eras_are_told_apart(void **state)
{
    (void)state;
    struct key_memory memory = {.memory = &(struct memory){0}};
    memory_init(memory.memory);
    struct key_sieve *sieve = key_sieve_new(&memory, ERA);
    assert_non_null(sieve);
    assert_true(memory.bytes == ERA * 8 + sizeof *sieve);
    for (uint64_t era = 0; era < 3 * SIEVE_ERAS; era++) {
        uint32_t newest = 1u << key_sieve_newest(sieve);
        assert_int_equal(passed(sieve, newest), 0); /* those of eight eras before are gone */
        enter(sieve, era * ERA);
        uint64_t oldest = era < SIEVE_ERAS ? 0 : era - SIEVE_ERAS + 1;
        for (uint64_t i = oldest * ERA; i < (era + 1) * ERA; i++)
            assert_true(key_sieve_eras(sieve, hash_mix(i)) >> i / ERA % SIEVE_ERAS & 1);
        assert_in_range(passed(sieve, newest), STRANGERS / 50, STRANGERS / 20);
        key_sieve_turn(sieve);
    }
    assert_true(passed(sieve, UINT8_MAX) < STRANGERS / 3);
    key_sieve_free(&memory, sieve);
    assert_true(memory.bytes == 0 && memory_held(memory.memory) == 0);
}

/* ---- of keys ---- */

static void insert(struct keys *keys, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        assert_true(keys_insert(keys, hash_mix(i), i, i));
        keys_durable(keys, i + 1);
    }
}

static void work(struct keys *keys)
{
    while (keys_work(keys))
        continue;
}

static void expect_stored(const struct key_list *list, uint32_t first)
{
    for (uint32_t i = first; i < list->ends[0]; i++)
        assert_true(keys_absent_before(list, hash_mix(i), keys_suspects(list, hash_mix(i))) == 0);
}

/* Where all runs are in the sieve. */
static void expect_few_strangers(const struct key_list *list)
{
    uint32_t suspect = 0;
    for (uint64_t i = 0; i < STRANGERS; i++)
        suspect += keys_suspects(list, hash_mix(STRANGE + i)) != 0;
    assert_true(suspect < STRANGERS / 3);
}

/* Tables become runs, runs are merged and dropped, eras come again, and the sieve is made anew as it becomes too small. */
static void what_is_stored_passes(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    options.max_count = 350 * SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    uint64_t lines = 0;
    uint32_t made = 0;
    for (uint32_t i = 0; i < 1200; i++) {
        insert(keys, i * SMALL, (i + 1) * SMALL);
        work(keys);
        if (i % 41)
            continue;
        struct key_list *list = keys_visit(keys);
        assert_true(list->sieve || list->count < 3);
        expect_stored(list, i < 350 ? 0 : (i - 350) * SMALL);
        if (list->sieve)
            expect_few_strangers(list);
        made += list->sieve && list->sieve->lines != lines;
        lines = list->sieve ? list->sieve->lines : 0;
        keys_leave(list);
    }
    assert_true(made > 1);
    assert_true(lines * SIEVE_KEYS_PER_LINE == 64 * SMALL && keys->sieve->turns > SIEVE_ERAS);
    keys_close(keys);
    keys = keys_bed_keys(&bed, &options); /* the sieve is to be made */
    expect_stored(keys->list, 850 * SMALL);
    work(keys);
    assert_true(keys->published->sieve && !keys->published->beside_sieve);
    expect_stored(keys->published, 850 * SMALL);
    expect_few_strangers(keys->published);
    keys_close(keys);
    keys_bed_close(&bed);
}

static void *allocate_no_sieve(void *context, size_t bytes)
{
    (void)context;
    return bytes == sizeof(struct key_sieve) ? NULL : malloc(bytes);
}

/* Each run is asked then, so none waits for neighbours. */
static void without_memory_for_it_there_are_few_runs(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    bed.memory.allocate = allocate_no_sieve;
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    options.max_count = 1000 * SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t i = 0; i < 40; i++) {
        insert(keys, i * SMALL, (i + 1) * SMALL);
        work(keys);
        assert_in_range(keys->set.count, 0, 9);
    }
    assert_true(!keys->sieve && keys->set.count > 0);
    expect_stored(keys->published, 0);
    keys_close(keys);
    keys_bed_close(&bed);
}

/* An era is not cleared while somebody has a list of a run of it. */
static void what_is_visited_passes(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    options.max_count = 20 * SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    insert(keys, 0, 50 * SMALL + 1);
    work(keys);
    struct key_list *list = keys_visit(keys);
    uint64_t turns = keys->sieve->turns;
    uint32_t first = 50 * SMALL - 20 * SMALL;
    for (uint32_t i = 50; i < 150; i++)
        insert(keys, i * SMALL + 1, (i + 1) * SMALL + 1);
    expect_stored(list, first);
    assert_true(list->sieve == keys->sieve && keys->sieve->turns < turns + SIEVE_ERAS);
    expect_stored(keys->list, 130 * SMALL);
    keys_leave(list);
    insert(keys, 150 * SMALL + 1, 250 * SMALL);
    work(keys);
    assert_true(keys->sieve->turns > turns + SIEVE_ERAS);
    expect_stored(keys->published, 230 * SMALL);
    expect_few_strangers(keys->published);
    keys_close(keys);
    keys_bed_close(&bed);
}

/* A run with a damaged page is not entered, which is told, and is asked itself. */
static void what_is_damaged_stays_beside(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    insert(keys, 0, 63 * SMALL);
    assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
    assert_in_range(keys->set.count, 8, 20);
    uint64_t number = keys->set.runs[1]->footer.number;
    uint64_t sieve = keys->next_number; /* that is stored in closing */
    keys_close(keys);
    struct state_blob blob;
    assert_int_equal(bed.store.ops->blob_map(bed.store.store, number, &blob, NULL), TRADING_OK);
    uint8_t *bytes = malloc(blob.size);
    memcpy(bytes, blob.bytes, blob.size);
    size_t size = blob.size;
    bed.store.ops->blob_unmap(bed.store.store, &blob);
    bytes[100] ^= 1;
    keys_bed_replace(&bed, number, bytes, size);
    assert_int_equal(memory_state_store_ops.blob_drop(bed.store.store, sieve, NULL), TRADING_OK);
    free(bytes);
    keys = keys_bed_keys(&bed, &options);
    for (uint32_t i = 0; i < 100; i++)
        keys_work(keys);
    assert_true(bed.reports > 0 && bed.reported == TRADING_E_DAMAGED);
    const struct key_list *list = keys->published;
    assert_true(list->sieve && list->beside_sieve);
    for (uint32_t i = 0; i < 63 * SMALL; i++)
        assert_true(keys_absent_before(list, hash_mix(i), keys_suspects(list, hash_mix(i))) == 0);
    keys_close(keys);
    keys_bed_close(&bed);
}

int keys_sieve_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eras_are_told_apart),
        cmocka_unit_test(what_is_stored_passes),
        cmocka_unit_test(without_memory_for_it_there_are_few_runs),
        cmocka_unit_test(what_is_visited_passes),
        cmocka_unit_test(what_is_damaged_stays_beside),
    };
    return cmocka_run_group_tests_name("the sieve of keys", tests, NULL, NULL);
}
