/* The sieve that is stored at closing: whatever becomes of runs, the sieve and the process, what is stored passes it. */
#include "base/hash.h"
#include "keys_test.h"

#define SMALL     512u /* keys in a table */
#define STRANGE   (UINT64_C(1) << 40)
#define STRANGERS 5000u

struct trial {
    struct keys_bed bed;
    struct keys_options options;
    struct keys *keys;
    uint32_t count; /* of keys, from 0 on, each at its own position */
    uint64_t seed;
    uint32_t sieves; /* that were seen */
};

static void trial_open(struct trial *trial, uint64_t seed)
{
    *trial = (struct trial){.seed = seed};
    keys_bed_open(&trial->bed);
    trial->options = keys_bed_options(&trial->bed);
    trial->options.young = SMALL;
    trial->options.max_count = 40 * SMALL;
    trial->keys = keys_bed_keys(&trial->bed, &trial->options);
}

static void trial_close(struct trial *trial)
{
    keys_close(trial->keys);
    keys_bed_close(&trial->bed);
}

static bool try_insert(struct trial *trial, uint32_t place)
{
    if (!keys_insert(trial->keys, hash_mix(place), place, place))
        return false;
    keys_durable(trial->keys, (int64_t)place + 1);
    return true;
}

static void insert(struct trial *trial, uint32_t count)
{
    for (; count && try_insert(trial, trial->count); count--)
        trial->count++;
}

static void work(struct trial *trial)
{
    while (keys_work(trial->keys))
        continue;
}

/* The process ends: nothing is written in closing. */
static void kill_keys(struct trial *trial)
{
    atomic_store(&keys_bed_fail_at, 1);
    keys_close(trial->keys);
    atomic_store(&keys_bed_fail_at, 0);
}

/* What is not stored comes again, as from a journal. */
static void open_closed(struct trial *trial)
{
    trial->keys = keys_bed_keys(&trial->bed, &trial->options);
    for (int64_t place = keys_stored(trial->keys).next_position; place < trial->count; place++)
        assert_true(try_insert(trial, (uint32_t)place));
}

static void open_again(struct trial *trial)
{
    keys_close(trial->keys);
    open_closed(trial);
}

/* The first key that is stored. */
static uint32_t first_of(const struct key_list *list)
{
    return list->count ? (uint32_t)list->runs[list->count - 1]->footer.span.first_position : 0;
}

static void expect_stored(const struct key_list *list)
{
    for (uint32_t i = first_of(list); i < list->ends[0]; i++)
        assert_true(keys_absent_before(list, hash_mix(i), keys_suspects(list, hash_mix(i))) == 0);
}

static void expect_found(const struct keys *keys, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < count; i += 7) {
        struct keys_cursor cursor = {0};
        assert_true(keys_next(keys, hash_mix(i), &cursor) == i);
        assert_true(keys_next(keys, hash_mix(i), &cursor) == KEYS_NO_MORE);
    }
}

static uint32_t suspect_strangers(const struct key_list *list)
{
    uint32_t suspect = 0;
    for (uint64_t i = 0; i < STRANGERS; i++)
        suspect += (keys_suspects(list, hash_mix(STRANGE + i)) & ~KEY_BESIDE_SIEVE) != 0;
    return suspect;
}

/* What is shown now agrees with what was inserted. */
static void expect_agreed(struct trial *trial)
{
    struct key_list *list = keys_visit(trial->keys);
    expect_stored(list);
    trial->sieves += list->sieve && suspect_strangers(list) < STRANGERS / 3;
    uint32_t first = first_of(list);
    keys_leave(list);
    expect_found(trial->keys, first, trial->count);
}

/* The process ends at some step of writing. */
static void crash(struct trial *trial)
{
    atomic_store(&keys_bed_fail_at, atomic_load(&keys_bed_steps) + 1 + random_below(&trial->seed, 30));
    insert(trial, 30 * SMALL);
    kill_keys(trial);
    open_closed(trial);
}

/* Of other runs, fewer or more lines, or of no bound. */
static void change_options(struct trial *trial)
{
    trial->options.max_count = random_below(&trial->seed, 4) ? (40 + random_below(&trial->seed, 200)) * SMALL : 0;
    open_again(trial);
}

static void anything_happens(struct trial *trial)
{
    insert(trial, random_below(&trial->seed, 8 * SMALL));
    switch (random_below(&trial->seed, 8)) {
    case 0:
        assert_int_equal(keys_settle(trial->keys, NULL), TRADING_OK);
        break;
    case 1:
        open_again(trial);
        break;
    case 2:
        crash(trial);
        break;
    case 3:
        change_options(trial);
        break;
    default:
        work(trial);
    }
}

static void what_is_stored_passes_whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct trial trial;
        trial_open(&trial, seed);
        for (uint32_t step = 0; step < 150; step++) {
            anything_happens(&trial);
            expect_agreed(&trial);
        }
        assert_true(trial.sieves > 50);
        trial_close(&trial);
    }
}

/* ---- a sieve that is not as it was ---- */

/* Keys that are closed, with a sieve; the number of its blob. */
static uint64_t store_sieve(struct trial *trial)
{
    trial_open(trial, 1);
    insert(trial, 60 * SMALL);
    assert_int_equal(keys_settle(trial->keys, NULL), TRADING_OK);
    work(trial);
    assert_non_null(trial->keys->published->sieve);
    open_again(trial);
    uint64_t number = trial->keys->stored_sieve.number;
    assert_true(number && trial->keys->loading);
    keys_close(trial->keys);
    return number;
}

/* Runs are asked themselves until the last piece is loaded. */
static void a_sieve_is_loaded_after_opening(void **state)
{
    (void)state;
    struct trial trial;
    uint64_t number = store_sieve(&trial);
    open_closed(&trial);
    assert_true(trial.keys->loading && !trial.keys->published->sieve);
    expect_agreed(&trial);
    assert_true(keys_work(trial.keys));
    assert_true(!trial.keys->loading && trial.keys->published->sieve && !trial.keys->published->beside_sieve);
    expect_agreed(&trial);
    insert(&trial, SMALL);
    work(&trial);
    open_again(&trial); /* for one run it is not stored again */
    assert_true(trial.keys->stored_sieve.number == number);
    expect_agreed(&trial);
    insert(&trial, 8 * SMALL);
    work(&trial);
    open_again(&trial);
    assert_true(trial.keys->stored_sieve.number != number);
    work(&trial);
    expect_agreed(&trial);
    trial_close(&trial);
}

/* A sieve is of the runs that it names: those that came since are entered, whatever took the place of those that went. */
static void a_sieve_outlives_a_crash(void **state)
{
    (void)state;
    struct trial trial;
    uint64_t number = store_sieve(&trial);
    open_closed(&trial);
    insert(&trial, 5 * SMALL);
    work(&trial);
    kill_keys(&trial);
    open_closed(&trial);
    assert_true(trial.keys->stored_sieve.number == number && trial.keys->loading);
    assert_true(keys_work(trial.keys));
    assert_true(trial.keys->published->sieve && trial.keys->published->beside_sieve);
    expect_agreed(&trial);
    work(&trial);
    assert_true(!trial.keys->published->beside_sieve);
    expect_agreed(&trial);
    trial_close(&trial);
}

/* Each changed byte is seen, and the sieve made anew. */
static void damage_is_told(void **state)
{
    (void)state;
    struct trial trial;
    struct state_blob blob;
    uint64_t number = store_sieve(&trial);
    assert_int_equal(trial.bed.store.ops->blob_map(trial.bed.store.store, number, &blob, NULL), TRADING_OK);
    uint8_t *bytes = malloc(blob.size);
    memcpy(bytes, blob.bytes, blob.size);
    for (size_t at = 0; at < blob.size; at += at + 300 < blob.size ? 997 : 1) {
        bytes[at] ^= 0x10;
        keys_bed_replace(&trial.bed, number, bytes, blob.size);
        bytes[at] ^= 0x10;
        uint32_t reports = trial.bed.reports;
        open_closed(&trial);
        if (trial.keys->loading)
            keys_work(trial.keys);
        assert_true(trial.bed.reports == reports + 1 && trial.bed.reported == TRADING_E_DAMAGED);
        assert_true(!trial.keys->loading && !trial.keys->published->sieve && !trial.keys->stored_sieve.number);
        kill_keys(&trial);
    }
    open_closed(&trial);
    work(&trial);
    assert_true(trial.keys->published->sieve && !trial.keys->published->beside_sieve);
    expect_agreed(&trial);
    free(bytes);
    trial.bed.store.ops->blob_unmap(trial.bed.store.store, &blob);
    trial_close(&trial);
}

/* As in a store of before. */
static void a_sieve_may_be_missing(void **state)
{
    (void)state;
    struct trial trial;
    uint64_t number = store_sieve(&trial);
    assert_int_equal(memory_state_store_ops.blob_drop(trial.bed.store.store, number, NULL), TRADING_OK);
    open_closed(&trial);
    assert_true(!trial.keys->loading && trial.bed.reports == 0);
    expect_agreed(&trial);
    work(&trial);
    assert_true(trial.keys->published->sieve && !trial.keys->published->beside_sieve);
    expect_agreed(&trial);
    trial_close(&trial);
}

/* Of more keys than there are now: a smaller one is made, and nothing is reported. */
static void a_sieve_may_be_too_large(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, 1);
    trial.options.max_count = 400 * SMALL;
    open_again(&trial);
    insert(&trial, 300 * SMALL);
    work(&trial);
    open_again(&trial);
    assert_true(trial.keys->loading);
    work(&trial);
    uint64_t lines = trial.keys->sieve->lines;
    trial.options.max_count = 100 * SMALL;
    open_again(&trial);
    insert(&trial, 4 * SMALL); /* what is too much goes */
    expect_agreed(&trial);
    open_again(&trial);
    assert_true(!trial.keys->loading && trial.bed.reports == 0);
    uint64_t numbers[KEY_RUNS_MAX];
    assert_int_equal(keys_bed_blobs(&trial.bed, numbers), trial.keys->set.count + 1); /* and the manifest */
    expect_agreed(&trial);
    work(&trial);
    assert_true(trial.keys->sieve->lines * 2 == lines);
    expect_agreed(&trial);
    const struct key_sieve before = *trial.keys->sieve;
    open_again(&trial);
    assert_true(trial.keys->loading);
    work(&trial);
    const struct key_sieve *loaded = trial.keys->sieve;
    assert_true(loaded->lines == before.lines && loaded->turns == before.turns && loaded->entered == before.entered);
    trial_close(&trial);
}

static bool is_in_set(const struct keys *keys, const struct key_run *run)
{
    for (uint32_t i = 0; i < keys->set.count; i++)
        if (keys->set.runs[i] == run)
            return true;
    return false;
}

/* A run goes while it is being entered, which takes several pieces. */
static void what_is_entered_may_be_dropped(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, 1);
    trial.options.young = 70000;
    trial.options.max_count = 16 * UINT64_C(70000);
    open_again(&trial);
    insert(&trial, 1200000);
    assert_int_equal(keys_settle(trial.keys, NULL), TRADING_OK);
    work(&trial);
    assert_non_null(trial.keys->published->sieve);
    kill_keys(&trial); /* so that it is to be made anew */
    trial.options.young = SMALL;
    open_closed(&trial);
    while (!trial.keys->entering.run || !trial.keys->entering.next_page)
        assert_true(keys_work(trial.keys));
    const struct key_run *entered = trial.keys->entering.run;
    assert_true(is_in_set(trial.keys, entered));
    trial.keys->options.max_count = 1;
    for (uint64_t tables = trial.keys->full_tables; trial.keys->full_tables == tables; trial.count++)
        assert_true(keys_insert(trial.keys, hash_mix(trial.count), trial.count, trial.count));
    atomic_store(&trial.keys->durable, trial.count); /* nobody is woken */
    assert_true(keys_work(trial.keys) && !is_in_set(trial.keys, entered) && !trial.keys->entering.run);
    work(&trial);
    expect_agreed(&trial);
    trial_close(&trial);
}

int keys_sieve_store_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_passes_whatever_happens),
        cmocka_unit_test(a_sieve_is_loaded_after_opening),
        cmocka_unit_test(a_sieve_outlives_a_crash),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(a_sieve_may_be_missing),
        cmocka_unit_test(a_sieve_may_be_too_large),
        cmocka_unit_test(what_is_entered_may_be_dropped),
    };
    return cmocka_run_group_tests_name("the stored sieve of keys", tests, NULL, NULL);
}
