/* Blocks of pages: what a table grows into is memory of large pages, which is given back as a whole, or by halves where memory is short, whatever
 * came in between; against a model of what each record holds, with a pin, with batches that are discarded, and with readers on another thread. */
#include "base/error.h"
#include "state_bed.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PER_PAGE   4u   /* of 1016 bytes */
#define FIRST      960u /* the first page that is in a block: before it come levels that are too small */
#define BLOCK      512u
#define MOST       (4000u * PER_PAGE) /* records: pages of two levels with blocks, and some of a third */
#define PAGE_COSTS (UINT64_C(4096) + PER_PAGE * UINT64_C(16))

/* Number 0 has a place. */
static uint32_t first_of(uint32_t page)
{
    return page * PER_PAGE;
}

/* Grows to the last record of the page, each record holding its number. */
static void grow_through(struct bed *bed, uint32_t page)
{
    append(bed, bed->large, first_of(page + 1) - 1 - table_count(bed->large), 0);
}

static uint64_t pages_cached(const struct bed *bed)
{
    assert_int_equal(tables_cached_bytes(bed->tables) % PAGE_COSTS, 0);
    return tables_cached_bytes(bed->tables) / PAGE_COSTS;
}

static void trim_all(struct bed *bed)
{
    tables_trim(bed->tables, UINT32_MAX);
}

static void open_backed(struct bed *bed)
{
    bed_open(bed);
    tables_back(bed->tables, &bed->store);
}

static void assert_holds(struct bed *bed, uint32_t from, uint32_t to, uint64_t more)
{
    for (uint32_t number = from; number < to; number++)
        assert_true(value_of(bed->large, number) == number + more);
}

static void a_block_counts_as_a_whole_from_its_first_page_on(void **state)
{
    (void)state;
    struct bed bed;
    open_backed(&bed);
    grow_through(&bed, FIRST - 1);
    assert_true(pages_cached(&bed) == FIRST);
    grow_through(&bed, FIRST);
    assert_true(pages_cached(&bed) == FIRST + BLOCK);
    grow_through(&bed, FIRST + BLOCK - 1);
    assert_true(pages_cached(&bed) == FIRST + BLOCK);
    bed_close(&bed);
}

/* As it is noted ahead, all of it at once, so that who grows does not wait. */
static void a_block_is_noted_before_it_is_grown_into(void **state)
{
    (void)state;
    struct bed bed;
    struct tables_growth growth;
    open_backed(&bed);
    grow_through(&bed, FIRST + BLOCK - 100);
    tables_foresee(bed.tables, &growth);
    assert_int_equal(growth.count, 2);
    assert_int_equal(growth.spans[0].bytes, BLOCK * 4096);
    assert_int_equal(growth.spans[1].bytes, BLOCK * PER_PAGE * 16);
    assert_int_equal((uintptr_t)growth.spans[0].from % MEMORY_LARGE_PAGE, 0);
    tables_grow_ahead(&growth);
    assert_true(pages_cached(&bed) == FIRST + 2 * BLOCK);
    tables_foresee(bed.tables, &growth);
    assert_int_equal(growth.count, 0);
    grow_through(&bed, FIRST + 2 * BLOCK - 1);
    assert_true(pages_cached(&bed) == FIRST + 2 * BLOCK);
    assert_true(growth.spans[0].from <= table_get(bed.large, first_of(FIRST + BLOCK)));
    assert_holds(&bed, 1, first_of(FIRST + 2 * BLOCK), 0);
    bed_close(&bed);
}

static void a_block_is_given_back_when_all_of_it_rests(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    open_backed(&bed);
    grow_through(&bed, FIRST + 2 * BLOCK - 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    edit(&bed, bed.large, first_of(FIRST + 100), 7);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == BLOCK); /* the one with that page, as a whole */
    edit(&bed, bed.large, first_of(FIRST + 101), 8);
    edit(&bed, bed.large, first_of(FIRST + BLOCK), 9);
    assert_true(pages_cached(&bed) == BLOCK + 1);
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 0);
    assert_true(value_of(bed.large, first_of(FIRST + 100)) == 7 && value_of(bed.large, first_of(FIRST + 101)) == 8);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(value_of(bed.large, first_of(FIRST + 100)) == 7 && value_of(bed.large, first_of(FIRST + BLOCK)) == 9);
    assert_holds(&bed, first_of(FIRST + 102), first_of(FIRST + BLOCK), 0);
    bed_close(&bed);
}

/* What has changed since stays, and is given back later like any page. */
static void half_a_block_is_given_back_where_memory_is_short(void **state)
{
    (void)state;
    struct bed bed;
    open_backed(&bed);
    grow_through(&bed, FIRST + 2 * BLOCK - 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    for (uint32_t page = FIRST; page < FIRST + BLOCK / 2; page++)
        edit(&bed, bed.large, first_of(page), first_of(page) + 1);
    for (uint32_t page = FIRST + BLOCK; page < FIRST + BLOCK + BLOCK / 2 + 1; page++)
        edit(&bed, bed.large, first_of(page), first_of(page) + 1);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 2 * BLOCK);
    tables_set_room(bed.tables,
                    2 * BLOCK * PAGE_COSTS); /* as many as there are: it is short, though nothing more was settled */
    trim_all(&bed);
    assert_true(pages_cached(&bed) == BLOCK / 2 + BLOCK);
    for (uint32_t page = FIRST; page < FIRST + 2 * BLOCK; page++) {
        bool edited = page < FIRST + BLOCK / 2 || (page >= FIRST + BLOCK && page < FIRST + BLOCK + BLOCK / 2 + 1);
        assert_true(value_of(bed.large, first_of(page)) == first_of(page) + edited);
        assert_true(value_of(bed.large, first_of(page) + 1) == first_of(page) + 1);
    }
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 0);
    bed_close(&bed);
}

static void a_block_that_is_not_full_is_given_back(void **state)
{
    (void)state;
    struct bed bed;
    open_backed(&bed);
    grow_through(&bed, FIRST + BLOCK / 4);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 0);
    grow_through(&bed, FIRST + BLOCK / 2);
    assert_true(pages_cached(&bed) == BLOCK / 4);
    assert_holds(&bed, 1, first_of(FIRST + BLOCK / 2), 0);
    bed_close(&bed);
}

/* One that only a discarded batch came to is given back, too, and then noted page by page, but nothing of the block before it. */
static void pages_of_a_mapped_block_are_noted_once(void **state)
{
    (void)state;
    struct bed bed;
    struct tables_growth growth;
    open_backed(&bed);
    grow_through(&bed, FIRST + BLOCK - 101);
    assert_true(tables_begin(bed.tables));
    for (uint32_t number = table_count(bed.large); number < first_of(FIRST + BLOCK + 10);)
        table_append(bed.large, &number);
    tables_discard(bed.tables);
    assert_true(pages_cached(&bed) == FIRST + 2 * BLOCK);
    edit(&bed, bed.large, 1, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    edit(&bed, bed.large, first_of(FIRST), first_of(FIRST));
    trim_all(&bed);
    assert_true(pages_cached(&bed) == BLOCK);
    tables_foresee(bed.tables, &growth);
    assert_int_equal(growth.count, 2);
    uint64_t noted = growth.spans[0].bytes / 4096;
    assert_true(noted > 0 && noted < 100);
    assert_true(pages_cached(&bed) == BLOCK + noted);
    grow_through(&bed, FIRST + BLOCK + 99);
    assert_true(pages_cached(&bed) == BLOCK + 100);
    assert_holds(&bed, 1, first_of(FIRST + BLOCK + 100), 0);
    bed_close(&bed);
}

static void put_through(struct bed *bed, uint32_t last)
{
    uint64_t image[1016 * PER_PAGE / 8];
    for (uint32_t page = 0; page <= last; page++) {
        memset(image, 0, sizeof image);
        for (uint32_t i = page ? 0 : 1; i < PER_PAGE; i++)
            image[(size_t)i * 1016 / 8] = first_of(page) + i;
        assert_int_equal(tables_put_page(bed->tables, 31, page, image, sizeof image, NULL), TRADING_OK);
    }
    assert_int_equal(tables_set_count(bed->tables, 31, first_of(last + 1) - 1, NULL), TRADING_OK);
}

/* What was put is in no file before all is written: it is copied when its block goes, though it does not count then. */
static void what_was_put_is_kept_where_memory_is_short(void **state)
{
    (void)state;
    struct bed bed;
    open_backed(&bed);
    put_through(&bed, FIRST + 200);
    assert_true(pages_cached(&bed) == BLOCK);
    tables_set_room(bed.tables, 0);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 0);
    assert_holds(&bed, 1, first_of(FIRST + 201), 0);
    grow_through(&bed, FIRST + 210);
    assert_true(pages_cached(&bed) == 10);
    bed_close(&bed);
}

static void what_was_put_goes_once_all_is_written(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    open_backed(&bed);
    put_through(&bed, FIRST + 2 * BLOCK - 1);
    edit(&bed, bed.large, first_of(FIRST), first_of(FIRST));
    assert_true(pages_cached(&bed) == 2 * BLOCK);
    tables_set_room(bed.tables, 0);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 2 * BLOCK);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 0);
    assert_holds(&bed, 1, first_of(FIRST + 2 * BLOCK), 0);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_holds(&bed, 1, first_of(FIRST + 2 * BLOCK), 0);
    bed_close(&bed);
}

/* Pages of a checkpoint are the file's until they change, and so is the rest of the block that they end in. */
static void what_is_loaded_is_mapped_and_what_comes_behind_it_is_not(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    open_backed(&bed);
    grow_through(&bed, FIRST + 10);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(pages_cached(&bed) == 0);
    grow_through(&bed, FIRST + 20);
    assert_true(pages_cached(&bed) == 10);
    grow_through(&bed, FIRST + BLOCK);
    assert_true(pages_cached(&bed) == BLOCK - 11 + BLOCK);
    assert_holds(&bed, 1, first_of(FIRST + BLOCK), 0);
    bed_close(&bed);
}

/* ---- what cannot be mapped ---- */

static bool maps;

static int32_t map_at_times(void *store, uint32_t file, uint64_t offset, size_t size, void **mapping, trading_error *error)
{
    if (!maps)
        return error_set(error, TRADING_E_IO, "not now");
    return memory_state_store_ops.file_map(store, file, offset, size, mapping, error);
}

static void a_block_that_cannot_be_mapped_stays(void **state)
{
    (void)state;
    struct bed bed;
    struct state_store_ops ops = memory_state_store_ops;
    ops.file_map = map_at_times;
    maps = true;
    bed_open(&bed);
    bed.store.ops = &ops;
    tables_back(bed.tables, &bed.store);
    grow_through(&bed, FIRST + BLOCK - 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    maps = false;
    trim_all(&bed);
    assert_true(pages_cached(&bed) == BLOCK);
    assert_holds(&bed, 1, first_of(FIRST + BLOCK), 0);
    maps = true;
    edit(&bed, bed.large, 1, 1);
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    trim_all(&bed);
    assert_true(pages_cached(&bed) == 0);
    bed_close(&bed);
}

/* Takes the place of the C library's, for all that this program links. */
void *refusing_mremap(void *from, size_t bytes, size_t wanted, int flags, ...) __asm__("mremap")
    __attribute__((visibility("default"), used));

static uint32_t refusals;

/* As a system without memory may: what was in the place is gone. */
void *refusing_mremap(void *from, size_t bytes, size_t wanted, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    void *onto = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
    va_end(list);
    if (!refusals || !onto)
        return (void *)syscall(SYS_mremap, from, bytes, wanted, flags, onto);
    refusals--;
    munmap(onto, wanted);
    errno = ENOMEM;
    return MAP_FAILED;
}

static void a_block_that_the_system_refuses_to_move_is_mapped_in_place(void **state)
{
    (void)state;
    struct bed bed;
    open_backed(&bed);
    grow_through(&bed, FIRST + BLOCK - 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    edit(&bed, bed.large, first_of(FIRST + 3), 33);
    tables_set_room(bed.tables, 0);
    refusals = 1;
    trim_all(&bed);
    assert_int_equal(refusals, 0);
    assert_true(pages_cached(&bed) == 1);
    assert_true(value_of(bed.large, first_of(FIRST + 3)) == 33);
    assert_holds(&bed, first_of(FIRST + 3) + 1, first_of(FIRST + BLOCK), 0);
    assert_holds(&bed, 1, first_of(FIRST + 3), 0);
    assert_false(tables_damaged(bed.tables));
    bed_close(&bed);
}

/* ---- a model ---- */

struct model {
    struct bed bed;
    uint64_t seed;
    uint64_t values[MOST + 1];
    uint32_t count;
    struct pin *pin;
    uint64_t pinned[MOST + 1];
    uint32_t pinned_count;
    uint64_t given_back; /* how often there was less memory after a trim, and how often pages of blocks stayed */
    uint64_t halves;
};

static void write_value(uint64_t *record, uint64_t value)
{
    for (uint32_t i = 0; i < 1016 / 8; i++)
        record[i] = value;
}

/* Near each other, or anywhere. */
static void change(struct model *model, bool keep)
{
    assert_true(tables_begin(model->bed.tables));
    uint32_t grown = model->count < MOST && random_below(&model->seed, 3) == 0 ? random_below(&model->seed, 600) : 0;
    uint32_t count = model->count;
    for (; grown && count < MOST; grown--) {
        uint32_t number;
        uint64_t value = random_next(&model->seed);
        write_value(table_append(model->bed.large, &number), value);
        assert_int_equal(number, ++count);
        if (keep)
            model->values[number] = value;
    }
    uint32_t base = count ? 1 + random_below(&model->seed, count) : 0;
    uint32_t spread = random_below(&model->seed, 2) ? 100 : MOST;
    for (uint32_t edits = count ? random_below(&model->seed, 40) : 0; edits; edits--) {
        uint32_t number = 1 + (base + random_below(&model->seed, spread)) % count;
        uint64_t value = random_next(&model->seed);
        write_value(table_edit(model->bed.large, number), value);
        if (keep)
            model->values[number] = value;
    }
    assert_false(tables_failed(model->bed.tables));
    if (keep) {
        model->count = count;
        tables_install(model->bed.tables);
    } else
        tables_discard(model->bed.tables);
}

static void check_record(const uint64_t *record, uint64_t value)
{
    for (uint32_t i = 0; i < 1016 / 8; i++)
        assert_true(record[i] == value);
}

static void check_all(struct model *model)
{
    uint64_t record[1016 / 8];
    assert_int_equal(table_count(model->bed.large), model->count);
    for (uint32_t number = 1; number <= model->count; number++)
        check_record(table_get(model->bed.large, number), model->values[number]);
    for (uint32_t number = 1; model->pin && number <= model->pinned_count; number++) {
        enum table_read read = table_read(model->bed.large, number, model->pin, record);
        if (read == TABLE_EXPIRED)
            break;
        assert_int_equal(read, TABLE_FOUND);
        check_record(record, model->pinned[number]);
    }
}

static void take_pin(struct model *model)
{
    tables_unpin(model->pin);
    model->pin = random_below(&model->seed, 2) ? tables_pin(model->bed.tables) : NULL;
    memcpy(model->pinned, model->values, sizeof model->values);
    model->pinned_count = model->count;
}

static void trim(struct model *model)
{
    uint64_t before = tables_cached_bytes(model->bed.tables);
    bool is_short = random_below(&model->seed, 2);
    tables_set_room(model->bed.tables, is_short ? 0 : UINT64_MAX);
    tables_trim(model->bed.tables, 1 + random_below(&model->seed, 3000));
    uint64_t after = tables_cached_bytes(model->bed.tables);
    assert_true(after <= before);
    model->given_back += before - after >= BLOCK / 2 * PAGE_COSTS;
    model->halves += before - after > 0 && (before - after) / PAGE_COSTS % BLOCK != 0;
}

static void reopen(struct model *model)
{
    struct shape shape;
    tables_unpin(model->pin);
    model->pin = NULL;
    assert_int_equal(checkpoint(&model->bed, false, ""), TRADING_OK);
    assert_int_equal(reload(&model->bed, &shape), TRADING_OK);
}

static void step(struct model *model)
{
    uint32_t what = random_below(&model->seed, 100);
    struct tables_growth growth;
    if (what < 50)
        change(model, true);
    else if (what < 60)
        change(model, false);
    else if (what < 70) {
        tables_foresee(model->bed.tables, &growth);
        tables_grow_ahead(&growth);
    } else if (what < 90)
        trim(model);
    else if (what < 96)
        assert_int_equal(checkpoint(&model->bed, false, ""), TRADING_OK);
    else if (what < 98)
        take_pin(model);
    else if (what == 98)
        check_all(model);
    else if (random_below(&model->seed, 4) == 0)
        reopen(model);
}

static void all_that_was_written_is_read(void **state)
{
    (void)state;
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->seed = 20261127;
    open_backed(&model->bed);
    assert_int_equal(checkpoint(&model->bed, true, ""), TRADING_OK);
    for (uint32_t i = 0; i < 3000; i++)
        step(model);
    check_all(model);
    assert_int_equal(model->count, MOST);
    assert_true(model->given_back > 10 && model->halves > 10);
    tables_unpin(model->pin);
    model->pin = NULL;
    assert_int_equal(checkpoint(&model->bed, false, ""), TRADING_OK);
    tables_set_room(model->bed.tables, 0);
    for (uint32_t i = 0; i < 2; i++)
        trim_all(&model->bed);
    assert_true(pages_cached(&model->bed) <= 256); /* what was noted ahead and not come to */
    check_all(model);
    bed_close(&model->bed);
    free(model);
}

int blocks_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_counts_as_a_whole_from_its_first_page_on),
        cmocka_unit_test(a_block_is_noted_before_it_is_grown_into),
        cmocka_unit_test(a_block_is_given_back_when_all_of_it_rests),
        cmocka_unit_test(half_a_block_is_given_back_where_memory_is_short),
        cmocka_unit_test(a_block_that_is_not_full_is_given_back),
        cmocka_unit_test(pages_of_a_mapped_block_are_noted_once),
        cmocka_unit_test(what_was_put_is_kept_where_memory_is_short),
        cmocka_unit_test(what_was_put_goes_once_all_is_written),
        cmocka_unit_test(what_is_loaded_is_mapped_and_what_comes_behind_it_is_not),
        cmocka_unit_test(a_block_that_cannot_be_mapped_stays),
        cmocka_unit_test(a_block_that_the_system_refuses_to_move_is_mapped_in_place),
        cmocka_unit_test(all_that_was_written_is_read),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}

/* ---- readers ---- */

#define TURNS 60u
#define READS 1000u

struct shared {
    struct bed bed;
    _Atomic bool done;
    _Atomic uint64_t reads;
};

/* Each record is whole and was once written: all its words are one value, which begins with its number. */
static void *read_blocks(void *arg)
{
    struct shared *shared = arg;
    uint64_t seed = 7;
    uint64_t record[1016 / 8];
    while (!atomic_load(&shared->done)) {
        uint32_t installed = table_installed(shared->bed.large, NULL);
        uint32_t number = 1 + random_below(&seed, installed);
        enum table_read read = table_read(shared->bed.large, number, NULL, record);
        for (uint32_t i = 0; i < 1016 / 8; i++)
            if (read != TABLE_FOUND || record[i] >> 32 != number || record[i] != record[0])
                abort();
        atomic_fetch_add(&shared->reads, 1);
    }
    return NULL;
}

static void edit_some(struct shared *shared, uint64_t *seed, uint64_t turn, uint32_t edits)
{
    assert_true(tables_begin(shared->bed.tables));
    for (; edits; edits--) {
        uint32_t number = 1 + random_below(seed, table_count(shared->bed.large));
        write_value(table_edit(shared->bed.large, number), (uint64_t)number << 32 | turn);
    }
    tables_install(shared->bed.tables);
}

/* The writer goes on until the reader saw something, however they are scheduled. */
static void readers_see_whole_records_while_blocks_come_and_go(void **state)
{
    (void)state;
    struct shared shared = {.reads = 0};
    pthread_t reader;
    uint64_t seed = 5;
    open_backed(&shared.bed);
    assert_true(tables_begin(shared.bed.tables));
    for (uint32_t i = 1; i < first_of(FIRST + 3 * BLOCK); i++) {
        uint32_t number;
        uint64_t *record = table_append(shared.bed.large, &number);
        write_value(record, (uint64_t)number << 32);
    }
    tables_install(shared.bed.tables);
    assert_int_equal(checkpoint(&shared.bed, true, ""), TRADING_OK);
    tables_set_room(shared.bed.tables, 0);
    assert_int_equal(pthread_create(&reader, NULL, read_blocks, &shared), 0);
    for (uint64_t turn = 1; turn <= TURNS || atomic_load(&shared.reads) < READS; turn++) {
        edit_some(&shared, &seed, turn, 300);
        tables_trim(shared.bed.tables, 700);
        if (turn % 10 == 0)
            assert_int_equal(checkpoint(&shared.bed, false, ""), TRADING_OK);
        sched_yield();
    }
    atomic_store(&shared.done, true);
    pthread_join(reader, NULL);
    bed_close(&shared.bed);
}

int blocks_readers_suite(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_see_whole_records_while_blocks_come_and_go)};
    return cmocka_run_group_tests_name("blocks, with readers", tests, NULL, NULL);
}
