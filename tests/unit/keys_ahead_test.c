/* What is told ahead of a lookup stays true, whatever becomes of tables and runs until the decider looks. */
#include "base/hash.h"
#include "keys_test.h"

#include <pthread.h>
#include <sched.h>

#define SMALL 4096u /* keys in a table */

static int64_t told_of(struct keys *keys, uint64_t hash)
{
    struct key_list *stored = keys_visit(keys);
    keys_prefetch_stored(stored, hash);
    int64_t absent_before = keys_absent_before(stored, hash, keys_suspects(stored, hash));
    keys_leave(stored);
    return absent_before;
}

/* The newest candidate. */
static int64_t look(const struct keys *keys, uint64_t hash, int64_t absent_before)
{
    struct keys_cursor cursor = {.absent_before = absent_before};
    keys_prefetch(keys, hash, absent_before);
    return keys_next(keys, hash, &cursor);
}

static void insert(struct keys *keys, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        assert_true(keys_insert(keys, hash_mix(i), i, i));
    keys_durable(keys, to);
}

static void strangers_are_told_from_what_is_stored(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    struct keys *keys = keys_bed_keys(&bed, &options);
    assert_true(told_of(keys, hash_mix(1)) == 0); /* nothing is stored */
    insert(keys, 0, 10000);
    assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
    uint32_t told = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        assert_true(told_of(keys, hash_mix(i)) == 0);
        int64_t absent_before = told_of(keys, hash_mix(i + 1000000));
        assert_true(absent_before == 0 || absent_before == 10000);
        told += absent_before == 10000;
    }
    assert_in_range(told, 9900, 9999); /* the filter passes some */
    keys_close(keys);
    keys_bed_close(&bed);
}

/* A key comes after its hash was told to be absent, and its table becomes a run, which is merged with others. */
static void what_is_stored_since_is_looked_at(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    insert(keys, 0, SMALL);
    assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
    uint64_t late = hash_mix(1000000);
    int64_t absent_before = told_of(keys, late);
    assert_true(absent_before == SMALL);
    assert_true(keys_insert(keys, late, SMALL, SMALL));
    bool merged = false;
    for (uint32_t i = SMALL + 1; i < 20 * SMALL; i++) {
        insert(keys, i, i + 1);
        if (i % SMALL == 0)
            assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
        merged = merged || keys->list->ends[keys->list->count - 1] > SMALL;
        assert_true(look(keys, late, absent_before) == SMALL);
    }
    assert_true(merged);
    assert_true(told_of(keys, late) == 0);
    keys_close(keys);
    keys_bed_close(&bed);
}

#define PENDING 5000u

struct pending {
    uint32_t place; /* in the model */
    int64_t absent_before;
};

/* Hashes that come again, told of at any time before and looked up at any time after. */
static void what_was_told_agrees_with_the_model(void **state)
{
    (void)state;
    struct keys_bed bed;
    struct keys_model model;
    struct pending *pending = malloc(PENDING * sizeof *pending);
    keys_bed_open(&bed);
    keys_model_open(&model, 201000, 3000);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t i = 0; i < PENDING; i++)
        pending[i].place = UINT32_MAX;
    while (model.count < 200000) {
        for (uint32_t n = random_below(&model.seed, 500); n; n--) {
            keys_model_insert(&model, keys);
            struct pending *one = &pending[random_below(&model.seed, PENDING)];
            if (one->place < model.count)
                assert_true(look(keys, model.hashes[one->place], one->absent_before) ==
                            look(keys, model.hashes[one->place], 0));
            one->place = random_below(&model.seed, model.count);
            one->absent_before = told_of(keys, model.hashes[one->place]);
            uint64_t strange = hash_mix(UINT64_C(1) << 40 | model.count);
            assert_true(look(keys, strange, told_of(keys, strange)) == KEYS_NO_MORE);
        }
        if (random_below(&model.seed, 3) == 0)
            keys_model_discard(&model, keys, random_below(&model.seed, (model.count - model.durable) / 8 + 1));
    }
    keys_close(keys);
    keys_bed_close(&bed);
    keys_model_close(&model);
    free(pending);
}

/* Runs that are merged or dropped stay as long as somebody looks at them. */
static void what_is_visited_stays(void **state)
{
    (void)state;
    struct keys_bed bed;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL;
    options.max_count = 1;
    struct keys *keys = keys_bed_keys(&bed, &options);
    insert(keys, 0, SMALL);
    assert_int_equal(keys_settle(keys, NULL), TRADING_OK);
    struct key_list *stored = keys_visit(keys);
    assert_true(keys_visit(keys) == stored); /* twice */
    insert(keys, SMALL, 10 * SMALL);
    assert_true(keys->list->ends[keys->list->count - 1] > SMALL);
    for (uint32_t i = 0; i < SMALL; i++)
        assert_true(keys_absent_before(stored, hash_mix(i), keys_suspects(stored, hash_mix(i))) == 0);
    keys_leave(stored);
    while (keys_work(keys))
        continue;
    assert_non_null(keys->retired.runs);
    assert_null(keys->retired.tables); /* which nobody visits */
    keys_leave(stored);
    keys_work(keys);
    assert_null(keys->retired.runs);
    assert_null(keys->retired.lists);
    keys_close(keys);
    keys_bed_close(&bed);
}

/* ---- beside each other ---- */

#define ALL      300000u
#define KEPT     100000u
#define VISITORS 3u
#define TOLD     100u
#define PAUSE    1500u /* keys between two looks at what was told */

/* A visitor tells of many keys, one after another, and the decider looks them up some time later. */
struct visitor {
    struct keys *keys;
    const _Atomic uint32_t *count; /* of keys that are inserted */
    _Atomic bool told;             /* the pending ones are the decider's to look up, then the visitor's to replace */
    struct pending pending[TOLD];
    uint64_t seed;
    pthread_t thread;
};

/* Some are not there yet. */
static void tell(struct visitor *visitor)
{
    for (uint32_t i = 0; i < TOLD; i++) {
        uint32_t newest = atomic_load(visitor->count) + PAUSE;
        uint32_t back = random_below(&visitor->seed, KEPT / 2);
        struct pending *one = &visitor->pending[i];
        one->place = newest > back ? newest - back : newest;
        one->absent_before = told_of(visitor->keys, hash_mix(one->place));
    }
    atomic_store(&visitor->told, true);
}

static void *visit(void *arg)
{
    struct visitor *visitor = arg;
    while (atomic_load(visitor->count) < ALL) {
        if (atomic_load(&visitor->told))
            sched_yield();
        else
            tell(visitor);
    }
    return NULL;
}

/* All but the last so many keys may be forgotten. */
static void look_for_told(struct visitor *visitor, uint32_t count)
{
    while (!atomic_load(&visitor->told))
        sched_yield();
    for (uint32_t i = 0; i < TOLD; i++) {
        const struct pending *one = &visitor->pending[i];
        int64_t position = look(visitor->keys, hash_mix(one->place), one->absent_before);
        if (one->place + KEPT >= count)
            assert_true(position == (one->place < count ? (int64_t)one->place : KEYS_NO_MORE));
    }
    atomic_store(&visitor->told, false);
}

static void visitors_come_while_runs_come_and_go(void **state)
{
    (void)state;
    struct keys_bed bed;
    static struct visitor visitors[VISITORS];
    _Atomic uint32_t count = 0;
    keys_bed_open(&bed);
    struct keys_options options = keys_bed_options(&bed);
    options.young = SMALL / 4;
    options.max_count = KEPT;
    options.thread = true;
    struct keys *keys = keys_bed_keys(&bed, &options);
    for (uint32_t v = 0; v < VISITORS; v++) {
        visitors[v] = (struct visitor){.keys = keys, .count = &count, .seed = v + 1};
        assert_int_equal(pthread_create(&visitors[v].thread, NULL, visit, &visitors[v]), 0);
    }
    for (uint32_t i = 0; i < ALL; i++) {
        insert(keys, i, i + 1);
        for (uint32_t v = 0; v < VISITORS && i % PAUSE == 0; v++)
            look_for_told(&visitors[v], i + 1);
        atomic_store(&count, i + 1);
    }
    for (uint32_t v = 0; v < VISITORS; v++)
        pthread_join(visitors[v].thread, NULL);
    keys_close(keys);
    keys_bed_close(&bed);
}

int keys_ahead_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_are_told_from_what_is_stored), cmocka_unit_test(what_is_stored_since_is_looked_at),
        cmocka_unit_test(what_was_told_agrees_with_the_model),    cmocka_unit_test(what_is_visited_stays),
        cmocka_unit_test(visitors_come_while_runs_come_and_go),
    };
    return cmocka_run_group_tests_name("keys, looked at ahead", tests, NULL, NULL);
}
