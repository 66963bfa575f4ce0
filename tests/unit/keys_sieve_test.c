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

/* A run of keys from `first` on; the eras that it went into. */
static uint32_t enter(struct key_sieve *sieve, uint64_t first, uint64_t count, uint32_t in_use)
{
    struct key_sieve_plan plan;
    key_sieve_plan(sieve, &plan, count, in_use);
    for (uint64_t i = first; i < first + count; i++)
        key_sieve_enter(sieve, &plan, hash_mix(i));
    return plan.eras;
}

static bool all_pass(const struct key_sieve *sieve, uint64_t first, uint64_t count, uint32_t eras)
{
    for (uint64_t i = first; i < first + count; i++)
        if (!(key_sieve_eras(sieve, hash_mix(i)) & eras))
            return false;
    return true;
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
        struct key_sieve_plan plan;
        uint32_t newest = 1u << era % SIEVE_ERAS;
        key_sieve_plan(sieve, &plan, 0, 0);
        assert_int_equal(passed(sieve, newest), 0); /* those of eight eras before are gone */
        assert_int_equal(enter(sieve, era * ERA, ERA, 0), newest);
        for (uint64_t i = era < SIEVE_ERAS ? 0 : era - SIEVE_ERAS + 1; i <= era; i++)
            assert_true(all_pass(sieve, i * ERA, ERA, 1u << i % SIEVE_ERAS));
        assert_in_range(passed(sieve, newest), STRANGERS / 50, STRANGERS / 20);
    }
    assert_true(passed(sieve, UINT8_MAX) < STRANGERS / 3);
    key_sieve_free(&memory, sieve);
    assert_true(memory.bytes == 0 && memory_held(memory.memory) == 0);
}

/* Runs smaller and larger than eras: each era is filled up, none more than that, and none before the last is. */
static void a_run_goes_on_in_the_next_era(void **state)
{
    (void)state;
    struct key_memory memory = {.memory = &(struct memory){0}};
    memory_init(memory.memory);
    static const uint64_t sizes[] = {ERA / 2, 3 * ERA, ERA / 4, ERA + ERA / 8, ERA};
    static const uint32_t eras[] = {0x1, 0xf, 0x8, 0x18, 0x30};
    struct key_sieve *sieve = key_sieve_new(&memory, ERA);
    uint64_t first = 0;
    uint32_t in_use = 0;
    for (uint32_t i = 0; i < 5; first += sizes[i++]) {
        assert_int_equal(enter(sieve, first, sizes[i], in_use), eras[i]);
        in_use |= eras[i];
    }
    first = 0;
    for (uint32_t i = 0; i < 5; first += sizes[i++])
        assert_true(all_pass(sieve, first, sizes[i], eras[i]));
    for (uint32_t era = 0; era < SIEVE_ERAS; era++)
        assert_in_range(passed(sieve, 1u << era), era < 6 ? STRANGERS / 50 : 0, era < 6 ? STRANGERS / 20 : 0);
    key_sieve_free(&memory, sieve);
}

/* Neither one of another run nor one of its own: what there is no room for goes into the newest all the same. */
static void an_era_in_use_is_not_cleared(void **state)
{
    (void)state;
    struct key_memory memory = {.memory = &(struct memory){0}};
    memory_init(memory.memory);
    struct key_sieve *sieve = key_sieve_new(&memory, ERA);
    assert_int_equal(enter(sieve, 0, 10 * ERA, 0), UINT8_MAX);
    assert_true(all_pass(sieve, 0, 10 * ERA, UINT8_MAX));
    assert_in_range(passed(sieve, 1u << 7), STRANGERS / 4, STRANGERS); /* three eras' keys */
    assert_int_equal(enter(sieve, 10 * ERA, 3 * ERA, 1u << 2), 0x3);
    assert_true(all_pass(sieve, 10 * ERA, 3 * ERA, 0x3));
    assert_in_range(passed(sieve, 1u << 2), STRANGERS / 50, STRANGERS / 20);
    key_sieve_free(&memory, sieve);
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

static void expect_no_era_is_overfull(const struct keys *keys)
{
    for (uint32_t era = 0; era < SIEVE_ERAS; era++)
        assert_true(passed(keys->sieve, 1u << era) < STRANGERS / 20);
}

/* One of half the size would have been full once, unless it is the smallest. */
static void expect_no_larger_than_needed(const struct keys *keys, uint64_t most)
{
    uint64_t era = key_sieve_era_keys(keys->sieve);
    assert_true(key_set_keys(&keys->set) <= 7 * era && (era == 2 * SMALL || most > 7 * (era / 2)));
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
    uint64_t most = 0;
    for (uint32_t i = 0; i < 1200; i++) {
        insert(keys, i * SMALL, (i + 1) * SMALL);
        work(keys);
        uint64_t stored = key_set_keys(&keys->set);
        most = stored > most ? stored : most;
        if (i % 41)
            continue;
        struct key_list *list = keys_visit(keys);
        assert_true(list->sieve || list->count < 3);
        expect_stored(list, i < 350 ? 0 : (i - 350) * SMALL);
        if (list->sieve)
            expect_few_strangers(list);
        if (list->sieve) {
            expect_no_era_is_overfull(keys);
            expect_no_larger_than_needed(keys, most);
        }
        made += list->sieve && list->sieve->lines != lines;
        lines = list->sieve ? list->sieve->lines : 0;
        keys_leave(list);
    }
    assert_true(made > 3);
    assert_true(lines * SIEVE_KEYS_PER_LINE == 64 * SMALL && keys->sieve->turns > SIEVE_ERAS);
    keys_close(keys);
    keys = keys_bed_keys(&bed, &options); /* the sieve is to be made */
    expect_stored(keys->list, 850 * SMALL);
    work(keys);
    assert_true(keys->published->sieve && !keys->published->beside_sieve);
    expect_stored(keys->published, 850 * SMALL);
    expect_few_strangers(keys->published);
    expect_no_era_is_overfull(keys);
    for (uint32_t i = 1200; i < 2000; i++) { /* as it was made from the oldest on, eras go out of use in their order */
        insert(keys, i * SMALL, (i + 1) * SMALL);
        work(keys);
    }
    expect_no_era_is_overfull(keys);
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

/* Where merging is behind it goes before entering: a run that is of some in the sieve and some that are not is not in it. */
static void what_is_merged_before_it_is_entered_passes(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    options.max_count = UINT64_C(8) * 30 * SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    insert(keys, 0, 10 * SMALL + 1);
    work(keys);
    assert_true(keys->sieve && !keys->published->beside_sieve);
    for (uint32_t i = 10 * SMALL + 1; i < 39 * SMALL; i++)
        assert_true(keys_insert(keys, hash_mix(i), i, i));
    atomic_store(&keys->durable, INT64_C(39) * SMALL); /* nobody is woken */
    while (keys->sealed < keys->full_tables)
        assert_int_equal(keys_seal(keys, NULL), TRADING_OK);
    uint32_t runs = keys->set.count;
    assert_true(runs > 32 && keys->set.runs[0]->eras && !keys->set.runs[15]->eras);
    while (keys->set.count == runs)
        assert_true(keys_work(keys));
    assert_true(keys->published->beside_sieve);
    expect_stored(keys->published, 0);
    work(keys);
    assert_true(!keys->published->beside_sieve);
    expect_stored(keys->published, 0);
    expect_few_strangers(keys->published);
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

/* What goes while a larger one is made is of the one before, and keeps no era of the new one from being filled. */
static void what_is_visited_does_not_fill_a_larger_one(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    options.max_count = 1000 * SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    insert(keys, 0, 56 * SMALL + 1);
    work(keys);
    struct key_list *list = keys_visit(keys);
    insert(keys, 56 * SMALL + 1, 200 * SMALL + 1);
    work(keys);
    assert_true(list->sieve != keys->sieve && keys->retired.runs);
    expect_stored(list, 0);
    expect_stored(keys->list, 0);
    expect_no_era_is_overfull(keys);
    keys_leave(list);
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
        cmocka_unit_test(a_run_goes_on_in_the_next_era),
        cmocka_unit_test(an_era_in_use_is_not_cleared),
        cmocka_unit_test(what_is_stored_passes),
        cmocka_unit_test(without_memory_for_it_there_are_few_runs),
        cmocka_unit_test(what_is_merged_before_it_is_entered_passes),
        cmocka_unit_test(what_is_visited_passes),
        cmocka_unit_test(what_is_visited_does_not_fill_a_larger_one),
        cmocka_unit_test(what_is_damaged_stays_beside),
    };
    return cmocka_run_group_tests_name("the sieve of keys", tests, NULL, NULL);
}
