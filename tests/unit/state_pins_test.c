/* Pins: what they hold, how they expire, and readers on other threads while the writer goes on. */
#include "base/error.h"
#include "state/table_inside.h"
#include "state_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define WORDS 15u

struct bed {
    struct scarce scarce;
    struct tables *tables;
    struct table *table;
};

static void bed_open(struct bed *bed, uint64_t pin_bytes, uint32_t records)
{
    scarce_init(&bed->scarce, UINT64_MAX);
    assert_int_equal(tables_open(&bed->tables, &bed->scarce.memory, pin_bytes, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 0, WORDS * 8, &bed->table, NULL), TRADING_OK);
    assert_true(tables_begin(bed->tables));
    for (uint32_t i = 1; i <= records; i++) {
        uint32_t number;
        table_append(bed->table, &number);
    }
    tables_install(bed->tables);
}

static void bed_close(struct bed *bed)
{
    tables_close(bed->tables);
    assert_true(memory_held(&bed->scarce.memory) == 0);
}

static void set(struct bed *bed, uint32_t number, uint64_t value)
{
    uint64_t *record = table_edit(bed->table, number);
    for (uint32_t i = 0; i < WORDS; i++)
        record[i] = value;
}

/* Sets all of `records` in one batch. */
static void set_all(struct bed *bed, uint32_t records, uint64_t value)
{
    assert_true(tables_begin(bed->tables));
    for (uint32_t number = 1; number <= records; number++)
        set(bed, number, value);
    assert_false(tables_failed(bed->tables));
    tables_install(bed->tables);
}

#define EXPIRED UINT64_MAX

static uint64_t get(struct bed *bed, uint32_t number, struct pin *pin)
{
    uint64_t record[WORDS];
    enum table_read found = table_read(bed->table, number, pin, record);
    assert_true(found != TABLE_ABSENT);
    return found == TABLE_FOUND ? record[0] : EXPIRED;
}

static void pins_of_one_horizon_are_one(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 1 << 20, 1);
    struct pin *first = tables_pin(bed.tables);
    struct pin *second = tables_pin(bed.tables);
    assert_ptr_equal(first, second);
    tables_unpin(first);
    set_all(&bed, 1, 5);
    assert_true(get(&bed, 1, second) == 0);
    struct pin *third = tables_pin(bed.tables);
    assert_ptr_not_equal(second, third);
    assert_true(get(&bed, 1, third) == 5);
    tables_unpin(second);
    tables_unpin(third);
    tables_unpin(NULL);
    bed_close(&bed);
}

/* All orders in which four pins can go. */
static void pins_go_in_any_order(void **state)
{
    (void)state;
    for (uint32_t order = 0; order < 256; order++) {
        struct bed bed;
        struct pin *pins[4];
        bed_open(&bed, 1 << 20, 8);
        for (uint32_t i = 0; i < 4; i++) {
            set_all(&bed, 8, 10 + i);
            pins[i] = tables_pin(bed.tables);
        }
        set_all(&bed, 8, 20);
        for (uint32_t turn = 0; turn < 4; turn++) {
            uint32_t going = order >> (turn * 2) & 3;
            if (pins[going]) {
                tables_unpin(pins[going]);
                pins[going] = NULL;
            }
            set_all(&bed, 4, 30 + turn);
            for (uint32_t i = 0; i < 4; i++)
                for (uint32_t number = 1; pins[i] && number <= 8; number++)
                    assert_true(get(&bed, number, pins[i]) == 10 + i);
        }
        for (uint32_t i = 0; i < 4; i++)
            tables_unpin(pins[i]);
        bed_close(&bed);
    }
}

static void the_oldest_pin_expires_first(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 40000, 100); /* one version of each record takes about 28,700 bytes, of half of them 12,300 */
    struct pin *old = tables_pin(bed.tables);
    set_all(&bed, 50, 1);
    struct pin *young = tables_pin(bed.tables);
    assert_false(pin_expired(old));
    set_all(&bed, 100, 2);
    assert_true(pin_expired(old));
    assert_false(pin_expired(young));
    for (uint32_t number = 1; number <= 100; number++) {
        assert_true(get(&bed, number, old) == EXPIRED);
        assert_true(get(&bed, number, young) == (number <= 50 ? 1 : 0));
    }
    uint32_t none;
    assert_int_equal(table_read(bed.table, 101, young, &none), TABLE_ABSENT);
    assert_int_equal(table_read(bed.table, 101, old, &none), TABLE_EXPIRED);
    tables_unpin(young);
    tables_unpin(old);
    bed_close(&bed);
}

static void without_memory_pins_expire_and_the_writer_goes_on(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 1 << 20, 100);
    struct pin *old = tables_pin(bed.tables);
    set_all(&bed, 100, 1);
    struct pin *young = tables_pin(bed.tables);
    bed.scarce.left = 0;
    assert_null(tables_pin(bed.tables));
    set_all(&bed, 100, 2); /* in the memory that the old one held */
    assert_true(pin_expired(old));
    assert_false(pin_expired(young));
    assert_true(get(&bed, 50, NULL) == 2);
    assert_true(get(&bed, 50, old) == EXPIRED);
    assert_true(get(&bed, 50, young) == 1);
    set_all(&bed, 100, 3);
    assert_true(pin_expired(young));
    assert_true(get(&bed, 50, NULL) == 3);
    assert_true(get(&bed, 50, young) == EXPIRED);
    bed.scarce.left = UINT64_MAX;
    struct pin *next = tables_pin(bed.tables);
    assert_ptr_not_equal(next, young);
    set_all(&bed, 100, 4);
    assert_true(get(&bed, 50, next) == 3);
    tables_unpin(old);
    tables_unpin(next);
    tables_unpin(young);
    bed_close(&bed);
}

/* What a pin kept comes back over several batches, and at once where memory is short. */
static void what_a_pin_kept_is_given_back_little_by_little(void **state)
{
    (void)state;
    const uint32_t records = 200000; /* of which a pin keeps 27 MB */
    for (int is_short = 0; is_short < 2; is_short++) {
        struct bed bed;
        bed_open(&bed, 1 << 20, records);
        uint64_t before = memory_held(&bed.scarce.memory);
        struct pin *pin = tables_hold(bed.tables);
        set_all(&bed, records, 1);
        assert_true(memory_held(&bed.scarce.memory) > before + (27 << 20));
        tables_unpin(pin);
        if (is_short)
            assert_true(pins_give_way(bed.tables));
        uint32_t batches = 0;
        for (uint64_t held; (held = memory_held(&bed.scarce.memory)) > before + (10 << 20); batches++) {
            set_all(&bed, 10, 2);
            assert_true(memory_held(&bed.scarce.memory) + (2 << 20) > held);
            assert_true(batches < 100);
        }
        assert_true(is_short ? batches == 0 : batches > 10);
        bed_close(&bed);
    }
}

/* A pin taken when a batch was half decided, and versions that lie between its horizon and what is in flight. */
static void a_pin_may_be_taken_at_any_moment(void **state)
{
    (void)state;
    for (uint32_t when = 0; when < 7; when++) {
        struct bed bed;
        struct pin *pin = NULL;
        bed_open(&bed, 1 << 20, 4);
        uint32_t step = 0;
        for (uint32_t batch = 1; batch <= 3; batch++) {
            assert_true(tables_begin(bed.tables));
            for (uint32_t half = 0; half < 2; half++) {
                set(&bed, 1 + half * 2, batch * 10);
                set(&bed, 2 + half * 2, batch * 10);
                if (step++ == when)
                    pin = tables_pin(bed.tables);
            }
            if (batch > 1)
                tables_install(bed.tables);
        }
        if (!pin)
            pin = tables_pin(bed.tables);
        uint64_t pinned = (pin_horizon(pin) - 1) * 10;
        for (uint32_t batch = 4; batch <= 8; batch++) {
            assert_true(tables_begin(bed.tables));
            for (uint32_t number = 1; number <= 4; number++)
                set(&bed, number, batch * 10);
            if (batch == 6) {
                tables_discard(bed.tables);
                continue;
            }
            tables_install(bed.tables);
            for (uint32_t number = 1; number <= 4; number++)
                assert_true(get(&bed, number, pin) == pinned);
        }
        assert_true(get(&bed, 1, NULL) == 80);
        tables_unpin(pin);
        bed_close(&bed);
    }
}

/* Who pins walks over versions that no pin can see until they are taken out of the chain, and may still be at one of them then. */
static void what_is_taken_out_stays_whole_until_the_horizon_moves(void **state)
{
    (void)state;
    for (int discards = 0; discards < 2; discards++) {
        struct bed bed;
        bed_open(&bed, 1 << 20, 100);
        struct pin *pin = tables_pin(bed.tables);
        set_all(&bed, 1, 10);
        assert_true(tables_begin(bed.tables));
        set(&bed, 1, 20);
        const _Atomic uint32_t *chain = &place_head(bed.table, place_of(bed.table, 1))->former;
        uint32_t met = atomic_load(chain);
        tables_install(bed.tables);
        assert_true(atomic_load(chain) != met);
        const struct former *former = undo_at(&bed.tables->undo, met);
        uint64_t ordinal = atomic_load(&former->ordinal);
        assert_true(tables_begin(bed.tables));
        for (uint32_t number = 2; number <= 100; number++)
            set(&bed, number, 30);
        assert_true(atomic_load(&former->ordinal) == ordinal && former->number == 1 && former->words[0] == 10);
        if (discards)
            tables_discard(bed.tables);
        else
            tables_install(bed.tables);
        set_all(&bed, 100, 40);
        assert_true(atomic_load(&former->ordinal) != ordinal); /* it is used again */
        assert_true(get(&bed, 1, pin) == 0 && get(&bed, 100, pin) == 0);
        tables_unpin(pin);
        bed_close(&bed);
    }
}

/* ---- with threads ---- */

#define ACCOUNTS  48u
#define BATCHES   4000u
#define TRANSFERS 6u
/* However long a reader rests with its pin, what so many batches save fits into what pins may keep. */
#define BATCHES_MOST 20000u
#define PIN_BYTES    (UINT64_C(1) << 28)

/* A record: word 0 is a balance, word 1 counts the changes, and the others repeat a mix of both. All balances add up to zero. */
struct stage_set {
    struct bed bed;
    atomic_bool done;
    _Atomic uint64_t whole;   /* consistent sums seen */
    _Atomic uint64_t expired; /* pins lost */
    _Atomic uint64_t images;  /* checkpoints made */
    bool pins_may_expire;
};

/* The writer goes on until the others saw something, however they are scheduled. */
static bool seen_enough(struct stage_set *set)
{
    if (set->pins_may_expire)
        return atomic_load(&set->expired) > 3000;
    return atomic_load(&set->whole) > 0 && atomic_load(&set->images) > 0;
}

static void seal(uint64_t *record)
{
    for (uint32_t i = 2; i < WORDS; i++)
        record[i] = record[0] * 3 + record[1] + i;
}

static void check_sealed(const uint64_t *record)
{
    for (uint32_t i = 2; i < WORDS; i++)
        CHECK_IN_THREAD(record[i] == (record[1] ? record[0] * 3 + record[1] + i : 0));
}

static void transfer(struct table *table, uint32_t number, uint64_t amount)
{
    uint64_t *record = table_edit(table, number);
    record[0] += amount;
    record[1]++;
    seal(record);
}

static void *write_transfers(void *arg)
{
    struct stage_set *set = arg;
    uint64_t seed = 99;
    for (uint32_t batch = 0; batch < BATCHES || !seen_enough(set); batch++) {
        if (batch >= BATCHES_MOST && !set->pins_may_expire) {
            sched_yield();
            continue;
        }
        if (!tables_begin(set->bed.tables)) {
            tables_install(set->bed.tables);
            continue;
        }
        for (uint32_t n = 0; n < TRANSFERS; n++) {
            uint64_t amount = random_next(&seed) % 1000;
            transfer(set->bed.table, 1 + random_below(&seed, ACCOUNTS), amount);
            transfer(set->bed.table, 1 + random_below(&seed, ACCOUNTS), 0 - amount);
        }
        if (batch % 97 == 0)
            tables_discard(set->bed.tables);
        else if (batch % 3)
            tables_install(set->bed.tables);
        if (batch % 64 == 0)
            sched_yield();
    }
    atomic_store(&set->done, true);
    return NULL;
}

static bool sum_pinned(struct stage_set *set, struct pin *pin)
{
    uint64_t sum = 0;
    for (uint32_t number = 1; number <= ACCOUNTS; number++) {
        uint64_t record[WORDS];
        enum table_read found = table_read(set->bed.table, number, pin, record);
        if (found == TABLE_EXPIRED)
            return false;
        CHECK_IN_THREAD(found == TABLE_FOUND);
        check_sealed(record);
        sum += record[0];
    }
    CHECK_IN_THREAD(sum == 0);
    return true;
}

static void *read_sums(void *arg)
{
    struct stage_set *set = arg;
    uint64_t horizon = 0;
    while (!atomic_load(&set->done)) {
        struct pin *pin = tables_pin(set->bed.tables);
        CHECK_IN_THREAD(pin);
        CHECK_IN_THREAD(pin_horizon(pin) >= horizon);
        horizon = pin_horizon(pin);
        for (uint32_t again = 0; again < 4; again++)
            atomic_fetch_add(sum_pinned(set, pin) ? &set->whole : &set->expired, 1);
        tables_unpin(pin);
    }
    return NULL;
}

static void *read_single(void *arg)
{
    struct stage_set *set = arg;
    uint64_t seed = 7;
    uint64_t changes[ACCOUNTS + 1] = {0};
    while (!atomic_load(&set->done)) {
        uint64_t record[WORDS];
        uint32_t number = 1 + random_below(&seed, ACCOUNTS);
        CHECK_IN_THREAD(table_read(set->bed.table, number, NULL, record) == TABLE_FOUND);
        check_sealed(record);
        CHECK_IN_THREAD(record[1] >= changes[number]);
        changes[number] = record[1];
    }
    return NULL;
}

/* Keeps a copy of the pages as a checkpoint does, and adds up what it holds. */
struct copy {
    unsigned char images[3][TABLE_PAGE_BYTES];
};

static int32_t take(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    (void)id, (void)error;
    struct copy *copy = arg;
    CHECK_IN_THREAD(page < 3);
    memcpy(copy->images[page], image, bytes);
    return TRADING_OK;
}

static void check_copy(struct stage_set *set, const struct copy *copy)
{
    uint32_t bytes = tables_page_bytes(set->bed.tables, 0);
    uint32_t per_page = bytes / (WORDS * 8);
    uint64_t sum = 0;
    for (uint32_t number = 0; number < 3 * per_page; number++) {
        uint64_t record[WORDS];
        memcpy(record, copy->images[number / per_page] + number % per_page * sizeof record, sizeof record);
        check_sealed(record);
        sum += record[0];
    }
    CHECK_IN_THREAD(sum == 0);
}

static void *checkpoint(void *arg)
{
    struct stage_set *set = arg;
    struct copy copy;
    memset(&copy, 0, sizeof copy);
    bool all = true;
    while (!atomic_load(&set->done)) {
        struct pin *pin = tables_pin(set->bed.tables);
        int32_t status = tables_pages(set->bed.tables, pin, all, take, &copy, NULL);
        CHECK_IN_THREAD(status == TRADING_OK || status == TRADING_E_VIEW_EXPIRED);
        all = status != TRADING_OK;
        if (status == TRADING_OK) {
            tables_saved(set->bed.tables, pin);
            check_copy(set, &copy);
            atomic_fetch_add(&set->images, 1);
        }
        tables_unpin(pin);
    }
    return NULL;
}

static void run_threads(uint64_t pin_bytes, bool pins_may_expire, struct stage_set *set)
{
    void *(*const roles[])(void *) = {write_transfers, read_sums, read_sums, read_single, checkpoint};
    enum { ROLES = sizeof roles / sizeof *roles };
    pthread_t threads[ROLES];
    memset(set, 0, sizeof *set);
    set->pins_may_expire = pins_may_expire;
    bed_open(&set->bed, pin_bytes, ACCOUNTS);
    for (uint32_t i = 0; i < ROLES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, roles[i], set), 0);
    for (uint32_t i = 0; i < ROLES; i++)
        pthread_join(threads[i], NULL);
    bed_close(&set->bed);
}

static void readers_see_whole_batches_beside_the_writer(void **state)
{
    (void)state;
    struct stage_set set;
    run_threads(PIN_BYTES, false, &set);
    assert_true(atomic_load(&set.expired) == 0);
}

static void readers_see_whole_batches_or_lose_their_pin(void **state)
{
    (void)state;
    struct stage_set set;
    run_threads(5000, true, &set);
}

/* ---- what is taken back ---- */

#define LONG_WORDS (TABLE_RECORD_BYTES / 8)

struct undecided {
    struct memory memory;
    struct tables *tables;
    struct table *table;
    atomic_bool done;
    _Atomic uint64_t reads;
};

static void *read_long(void *arg)
{
    struct undecided *undecided = arg;
    while (!atomic_load(&undecided->done)) {
        uint64_t record[LONG_WORDS];
        CHECK_IN_THREAD(table_read(undecided->table, 1, NULL, record) == TABLE_FOUND);
        for (uint32_t i = 0; i < LONG_WORDS; i++)
            CHECK_IN_THREAD(record[i] == 0);
        atomic_fetch_add(&undecided->reads, 1);
    }
    return NULL;
}

/* A record is changed and put back while it is being copied, with the same stamp before and after. */
static void readers_see_nothing_that_is_taken_back(void **state)
{
    (void)state;
    struct undecided undecided;
    pthread_t reader;
    uint32_t number;
    memset(&undecided, 0, sizeof undecided);
    memory_init(&undecided.memory);
    assert_int_equal(tables_open(&undecided.tables, &undecided.memory, 0, NULL), TRADING_OK);
    assert_int_equal(tables_add(undecided.tables, 0, TABLE_RECORD_BYTES, &undecided.table, NULL), TRADING_OK);
    assert_true(tables_begin(undecided.tables));
    table_append(undecided.table, &number);
    tables_install(undecided.tables);
    assert_int_equal(pthread_create(&reader, NULL, read_long, &undecided), 0);
    for (uint32_t turn = 0; turn < 200000 || atomic_load(&undecided.reads) < 20000; turn++) {
        assert_true(tables_begin(undecided.tables));
        uint64_t *record = table_edit(undecided.table, 1);
        record[turn % LONG_WORDS] = 1;
        tables_discard(undecided.tables);
    }
    atomic_store(&undecided.done, true);
    pthread_join(reader, NULL);
    tables_close(undecided.tables);
}

int pins_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_of_one_horizon_are_one),
        cmocka_unit_test(pins_go_in_any_order),
        cmocka_unit_test(the_oldest_pin_expires_first),
        cmocka_unit_test(without_memory_pins_expire_and_the_writer_goes_on),
        cmocka_unit_test(what_a_pin_kept_is_given_back_little_by_little),
        cmocka_unit_test(a_pin_may_be_taken_at_any_moment),
        cmocka_unit_test(what_is_taken_out_stays_whole_until_the_horizon_moves),
        cmocka_unit_test(readers_see_whole_batches_beside_the_writer),
        cmocka_unit_test(readers_see_whole_batches_or_lose_their_pin),
        cmocka_unit_test(readers_see_nothing_that_is_taken_back),
    };
    return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
