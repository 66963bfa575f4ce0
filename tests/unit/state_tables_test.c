/* What each function of the tables promises, one by one. */
#include "base/error.h"
#include "state/table.h"
#include "state_test.h"

#include <string.h>

struct bed {
    struct memory memory;
    struct tables *tables;
    struct table *table;
};

static void bed_open(struct bed *bed, uint32_t record_bytes)
{
    memory_init(&bed->memory);
    assert_int_equal(tables_open(&bed->tables, &bed->memory, 1 << 20, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 3, record_bytes, &bed->table, NULL), TRADING_OK);
}

static void bed_close(struct bed *bed)
{
    tables_close(bed->tables);
    assert_true(memory_held(&bed->memory) == 0);
}

static uint64_t value_of(const void *record)
{
    uint64_t value;
    memcpy(&value, record, sizeof value);
    return value;
}

static uint64_t installed_value(struct bed *bed, uint32_t number)
{
    uint64_t record[TABLE_RECORD_BYTES / 8];
    return table_read(bed->table, number, NULL, record) == TABLE_FOUND ? record[0] : UINT64_MAX;
}

static void append_value(struct bed *bed, uint64_t value)
{
    uint32_t number;
    uint64_t *record = table_append(bed->table, &number);
    assert_int_equal(number, table_count(bed->table));
    assert_true(value_of(record) == 0);
    *record = value;
}

static void edit_value(struct bed *bed, uint32_t number, uint64_t value)
{
    *(uint64_t *)table_edit(bed->table, number) = value;
}

static void tables_are_checked_when_added(void **state)
{
    (void)state;
    struct bed bed;
    struct table *other = NULL;
    trading_error error;
    bed_open(&bed, 16);
    assert_int_equal(tables_add(bed.tables, 3, 16, &other, &error), TRADING_E_INVALID);
    assert_int_equal(tables_add(bed.tables, TABLES_MAX, 16, &other, &error), TRADING_E_INVALID);
    assert_int_equal(tables_add(bed.tables, 4, 0, &other, &error), TRADING_E_INVALID);
    assert_int_equal(tables_add(bed.tables, 4, 12, &other, &error), TRADING_E_INVALID);
    assert_int_equal(tables_add(bed.tables, 4, TABLE_RECORD_BYTES + 8, &other, &error), TRADING_E_INVALID);
    assert_null(other);
    assert_int_equal(tables_add(bed.tables, 4, TABLE_RECORD_BYTES, &other, &error), TRADING_OK);
    assert_non_null(other);
    assert_true(tables_begin(bed.tables));
    assert_int_equal(tables_add(bed.tables, 5, 16, &other, &error), TRADING_E_INVALID);
    bed_close(&bed);
}

static void a_page_holds_as_many_records_as_fit(void **state)
{
    (void)state;
    static const uint32_t shapes[][2] = {{8, 511}, {16, 255}, {64, 63}, {120, 34}, {136, 30}, {504, 8}, {1024, 3}, {2040, 2}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct bed bed;
        uint32_t per_page = shapes[i][1];
        bed_open(&bed, shapes[i][0]);
        assert_int_equal(tables_record_bytes(bed.tables, 3), shapes[i][0]);
        assert_int_equal(tables_page_bytes(bed.tables, 3), shapes[i][0] * per_page);
        assert_int_equal(tables_pages_for(bed.tables, 3, 0), 0);
        assert_int_equal(tables_pages_for(bed.tables, 3, 1), 1);
        for (uint32_t page = 1; page <= UINT32_MAX / per_page; page += page < 100 ? 1 : page / 7) {
            assert_int_equal(tables_pages_for(bed.tables, 3, page * per_page - 1), page);
            assert_int_equal(tables_pages_for(bed.tables, 3, page * per_page), page + 1);
        }
        assert_int_equal(tables_page_bytes(bed.tables, 2), 0);
        assert_int_equal(tables_page_bytes(bed.tables, TABLES_MAX), 0);
        bed_close(&bed);
    }
}

/* Each has its own place, whatever their size: none overwrites another, over several levels. */
static void records_lie_apart(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {8, 64, 136, 2040};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bed bed;
        bed_open(&bed, sizes[i]);
        for (uint32_t number = 1; number <= 50000; number++) {
            if (number % 1000 == 1)
                assert_true(tables_begin(bed.tables));
            uint32_t appended;
            memset(table_append(bed.table, &appended), (int)(number % 251 + 1), sizes[i]);
            if (number % 1000 == 0)
                tables_install(bed.tables);
        }
        for (uint32_t number = 1; number <= 50000; number++) {
            unsigned char record[TABLE_RECORD_BYTES];
            unsigned char expected[TABLE_RECORD_BYTES];
            memset(expected, (int)(number % 251 + 1), sizes[i]);
            assert_int_equal(table_read(bed.table, number, NULL, record), TABLE_FOUND);
            assert_memory_equal(record, expected, sizes[i]);
            assert_memory_equal(table_get(bed.table, number), expected, sizes[i]);
        }
        bed_close(&bed);
    }
}

#define FAR 1048450u /* of two records a page, the first so many are in one span: (2^13 − 1) · 64 pages */

static void append_records(struct bed *bed, uint32_t count)
{
    uint32_t number;
    assert_true(tables_begin(bed->tables));
    for (uint32_t i = 0; i < count; i++)
        table_append(bed->table, &number);
}

/* Beyond the span that most tables keep within: the same, and the same again once it was discarded. */
static void records_far_from_the_first_are_like_them(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 2040);
    append_records(&bed, FAR);
    tables_install(bed.tables);
    for (uint32_t turn = 0; turn < 2; turn++) {
        append_records(&bed, 400);
        for (uint32_t number = FAR - 200; number <= FAR + 400; number++) {
            assert_true(value_of(table_get(bed.table, number)) == 0);
            edit_value(&bed, number, number);
        }
        for (uint32_t number = FAR - 200; number <= FAR + 400; number++)
            assert_true(value_of(table_get(bed.table, number)) == number);
        assert_true(value_of(table_get(bed.table, FAR + 401)) == 0);
        if (turn == 0)
            tables_discard(bed.tables);
        assert_int_equal(table_count(bed.table), turn == 0 ? FAR : FAR + 400);
    }
    assert_false(tables_failed(bed.tables));
    tables_install(bed.tables);
    for (uint32_t number = FAR - 200; number <= FAR + 400; number++)
        assert_true(installed_value(&bed, number) == number);
    edit_value(&bed, FAR + 401, 1);
    assert_true(tables_failed(bed.tables));
    tables_discard(bed.tables);
    bed_close(&bed);
}

static void readers_see_what_is_installed(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 24);
    assert_true(tables_begin(bed.tables));
    append_value(&bed, 10);
    assert_int_equal(table_installed(bed.table, NULL), 0);
    assert_true(installed_value(&bed, 1) == UINT64_MAX);
    assert_true(tables_begin(bed.tables));
    edit_value(&bed, 1, 11);
    append_value(&bed, 20);
    assert_true(value_of(table_get(bed.table, 1)) == 11);

    tables_install(bed.tables);
    assert_true(tables_horizon(bed.tables) == 1);
    assert_int_equal(table_installed(bed.table, NULL), 1);
    assert_true(installed_value(&bed, 1) == 10);
    assert_true(installed_value(&bed, 2) == UINT64_MAX);
    assert_true(value_of(table_get(bed.table, 1)) == 11);

    tables_install(bed.tables);
    assert_true(tables_horizon(bed.tables) == 2);
    assert_true(installed_value(&bed, 1) == 11);
    assert_true(installed_value(&bed, 2) == 20);
    tables_install(bed.tables);
    assert_true(tables_horizon(bed.tables) == 2);
    bed_close(&bed);
}

/* However many words it has. */
static void what_a_record_was_is_kept_whole(void **state)
{
    (void)state;
    for (uint32_t bytes = 8; bytes <= 120; bytes += 8) {
        struct bed bed;
        bed_open(&bed, bytes);
        unsigned char was[120];
        unsigned char found[120];
        for (uint32_t i = 0; i < bytes; i++)
            was[i] = (unsigned char)(i + 1);
        uint32_t number;
        assert_true(tables_begin(bed.tables));
        memcpy(table_append(bed.table, &number), was, bytes);
        tables_install(bed.tables);
        assert_true(tables_begin(bed.tables));
        memset(table_edit(bed.table, number), 0xff, bytes);
        assert_int_equal(table_read(bed.table, number, NULL, found), TABLE_FOUND);
        assert_memory_equal(found, was, bytes);
        tables_discard(bed.tables);
        assert_memory_equal(table_get(bed.table, number), was, bytes);
        bed_close(&bed);
    }
}

static void an_older_stage_keeps_its_own_version(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 8);
    for (uint64_t stage = 0; stage < TABLES_STAGES; stage++) {
        assert_true(tables_begin(bed.tables));
        if (stage == 0)
            append_value(&bed, 100);
        else
            edit_value(&bed, 1, 100 + stage);
        edit_value(&bed, 1, value_of(table_get(bed.table, 1)) + 1000);
        edit_value(&bed, 1, value_of(table_get(bed.table, 1)) - 1000);
        assert_true(tables_staged_bytes(bed.tables) < 100);
    }
    assert_false(tables_begin(bed.tables));
    for (uint64_t stage = 0; stage < TABLES_STAGES; stage++) {
        tables_install(bed.tables);
        assert_true(installed_value(&bed, 1) == 100 + stage);
        assert_true(value_of(table_get(bed.table, 1)) == 100 + TABLES_STAGES - 1);
    }
    assert_true(tables_staged_bytes(bed.tables) == 0);
    assert_true(tables_begin(bed.tables));
    bed_close(&bed);
}

static void discard_goes_back_to_what_is_installed(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 8);
    assert_true(tables_begin(bed.tables));
    append_value(&bed, 1);
    tables_install(bed.tables);
    assert_true(tables_begin(bed.tables));
    edit_value(&bed, 1, 2);
    append_value(&bed, 3);
    assert_true(tables_begin(bed.tables));
    edit_value(&bed, 1, 4);
    edit_value(&bed, 2, 5);
    append_value(&bed, 6);
    tables_discard(bed.tables);
    assert_int_equal(table_count(bed.table), 1);
    assert_true(value_of(table_get(bed.table, 1)) == 1);
    assert_true(value_of(table_get(bed.table, 2)) == 0);
    assert_true(tables_begin(bed.tables));
    append_value(&bed, 7);
    assert_true(value_of(table_get(bed.table, 2)) == 7);
    tables_install(bed.tables);
    assert_true(tables_horizon(bed.tables) == 2);
    assert_true(installed_value(&bed, 1) == 1);
    assert_true(installed_value(&bed, 2) == 7);
    bed_close(&bed);
}

/* It saves nothing, and what follows it is saved and put back as ever, whatever was saved before it. */
static void what_nobody_sees_is_not_saved(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 8);
    assert_true(tables_begin(bed.tables));
    append_value(&bed, 1);
    assert_false(tables_begin_unseen(bed.tables));
    tables_install(bed.tables);
    assert_true(tables_begin_unseen(bed.tables));
    edit_value(&bed, 1, 2);
    edit_value(&bed, 1, value_of(table_get(bed.table, 1)) + 1);
    append_value(&bed, 4);
    edit_value(&bed, 2, 5);
    assert_true(tables_staged_bytes(bed.tables) == 0);
    assert_int_equal(table_installed(bed.table, NULL), 1);
    tables_install(bed.tables);
    struct pin *pin = tables_pin(bed.tables);
    assert_true(tables_begin(bed.tables));
    edit_value(&bed, 1, 6);
    edit_value(&bed, 2, 7);
    assert_true(tables_staged_bytes(bed.tables) > 0);
    assert_true(installed_value(&bed, 1) == 3 && installed_value(&bed, 2) == 5);
    tables_discard(bed.tables);
    assert_true(value_of(table_get(bed.table, 1)) == 3 && value_of(table_get(bed.table, 2)) == 5);
    tables_unpin(pin);
    assert_false(tables_failed(bed.tables));
    bed_close(&bed);
}

/* What was edited stays so, and the tables are to be closed. */
static void what_nobody_sees_is_not_put_back(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 8);
    assert_true(tables_begin(bed.tables));
    append_value(&bed, 1);
    tables_install(bed.tables);
    assert_true(tables_begin_unseen(bed.tables));
    edit_value(&bed, 1, 2);
    append_value(&bed, 3);
    edit_value(&bed, 3, 4); /* there is none */
    assert_true(tables_failed(bed.tables));
    tables_discard(bed.tables);
    assert_false(tables_failed(bed.tables));
    assert_int_equal(table_count(bed.table), 1);
    assert_true(value_of(table_get(bed.table, 1)) == 2 && value_of(table_get(bed.table, 2)) == 0);
    edit_value(&bed, 1, 5); /* and without a stage nothing is edited, as ever */
    assert_true(tables_failed(bed.tables) && value_of(table_get(bed.table, 1)) == 2);
    bed_close(&bed);
}

/* What is appended counts as changed, though nobody saw it. */
static void what_nobody_sees_is_changed_all_the_same(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 8);
    assert_true(tables_begin(bed.tables));
    append_value(&bed, 1);
    tables_install(bed.tables);
    struct pin *pin = tables_pin(bed.tables);
    tables_saved(bed.tables, pin);
    tables_unpin(pin);
    assert_true(tables_begin_unseen(bed.tables));
    append_value(&bed, 2);
    tables_install(bed.tables);
    struct page_set set;
    pin = tables_pin(bed.tables);
    assert_true(tables_changed(bed.tables, pin, 1, &bed.memory, &set));
    assert_int_equal(set.count, 1);
    page_set_close(&set);
    tables_unpin(pin);
    bed_close(&bed);
}

static void records_that_do_not_exist_are_zero_and_cannot_be_edited(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 8);
    assert_true(value_of(table_get(bed.table, 0)) == 0);
    assert_true(value_of(table_get(bed.table, 1)) == 0);
    assert_true(value_of(table_get(bed.table, UINT32_MAX)) == 0);
    assert_true(installed_value(&bed, 0) == UINT64_MAX);
    assert_true(installed_value(&bed, UINT32_MAX) == UINT64_MAX);
    assert_true(tables_begin(bed.tables));
    append_value(&bed, 1);
    assert_false(tables_failed(bed.tables));
    edit_value(&bed, 0, 9);
    assert_true(tables_failed(bed.tables));
    tables_discard(bed.tables);
    assert_false(tables_failed(bed.tables));
    assert_true(tables_begin(bed.tables));
    edit_value(&bed, 1, 9);
    assert_true(tables_failed(bed.tables));
    tables_discard(bed.tables);
    uint32_t number = 77;
    table_append(bed.table, &number); /* without a stage */
    assert_int_equal(number, 0);
    assert_true(tables_failed(bed.tables));
    assert_true(value_of(table_get(bed.table, 0)) == 0);
    bed_close(&bed);
}

/* Every allocation fails once: the batch fails, is discarded, and is repeated with memory; nothing of the failure is left. */
static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    for (uint64_t granted = 0;; granted++) {
        struct scarce scarce;
        scarce_init(&scarce, granted);
        struct tables *tables;
        struct table *table;
        if (tables_open(&tables, &scarce.memory, 1 << 20, NULL))
            continue;
        if (tables_add(tables, 0, 2032, &table, NULL)) {
            tables_close(tables);
            assert_true(memory_held(&scarce.memory) == 0);
            continue;
        }
        bool failed = false;
        for (int attempt = 0; attempt < 2; attempt++) {
            assert_true(tables_begin(tables));
            for (uint32_t i = 1; i <= 200; i++) {
                uint32_t number;
                uint64_t *record = table_append(table, &number);
                *record = i;
            }
            for (uint32_t i = 1; i <= 200; i++)
                *(uint64_t *)table_edit(table, i) += 1;
            if (!tables_failed(tables))
                break;
            failed = true;
            tables_discard(tables);
            scarce.left = UINT64_MAX;
        }
        assert_int_equal(table_count(table), 200);
        scarce.left = 0;
        tables_install(tables);
        for (uint32_t i = 1; i <= 200; i++) {
            uint64_t record[2032 / 8];
            assert_int_equal(table_read(table, i, NULL, record), TABLE_FOUND);
            assert_true(record[0] == i + 1);
        }
        tables_close(tables);
        assert_true(memory_held(&scarce.memory) == 0);
        if (!failed)
            return;
    }
}

static void large_batches_give_their_memory_back(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 1016);
    assert_true(tables_begin(bed.tables));
    for (uint32_t i = 0; i < 30000; i++)
        append_value(&bed, i + 1);
    assert_true(tables_staged_bytes(bed.tables) == 0);
    tables_install(bed.tables);
    assert_true(tables_begin(bed.tables));
    for (uint32_t i = 1; i <= 30000; i++)
        edit_value(&bed, i, i + 1);
    assert_true(tables_staged_bytes(bed.tables) > UINT64_C(30000000));
    uint64_t before = memory_held(&bed.memory);
    tables_install(bed.tables);
    assert_true(memory_held(&bed.memory) < before - UINT64_C(20000000));
    for (uint32_t i = 1; i <= 30000; i++)
        assert_true(installed_value(&bed, i) == i + 1);
    for (uint32_t batch = 0; batch < 3; batch++) { /* what was given back is used again */
        assert_true(tables_begin(bed.tables));
        for (uint32_t i = 1; i <= 30000; i++)
            edit_value(&bed, i, 0);
        assert_false(tables_failed(bed.tables));
        assert_true(memory_held(&bed.memory) < before + 100000);
        tables_discard(bed.tables);
        assert_true(installed_value(&bed, 30000) == 30001);
    }
    bed_close(&bed);
}

/* ---- growing ---- */

#define PER_PAGE   2u /* of 2032 bytes */
#define PAGE_COSTS (UINT64_C(16) * PER_PAGE + TABLE_PAGE_BYTES)

/* Appends until so many pages are begun, number 0 having a place. */
static void grow_to(struct bed *bed, uint32_t pages)
{
    assert_true(tables_begin(bed->tables));
    while (table_count(bed->table) + 1 < pages * PER_PAGE)
        append_value(bed, table_count(bed->table) + 1);
    tables_install(bed->tables);
}

/* How many pages are noted, which begin as zeros where the table will come next. */
static uint32_t foreseen(struct bed *bed)
{
    struct tables_growth growth;
    tables_foresee(bed->tables, &growth);
    tables_grow_ahead(&growth);
    if (!growth.count)
        return 0;
    assert_int_equal(growth.count, 2);
    size_t pages = growth.spans[0].bytes / TABLE_PAGE_BYTES;
    assert_int_equal(growth.spans[0].bytes, pages * TABLE_PAGE_BYTES);
    assert_int_equal(growth.spans[1].bytes, pages * PER_PAGE * 16);
    for (size_t at = 0; at < growth.spans[0].bytes; at++)
        assert_int_equal(((const unsigned char *)growth.spans[0].from)[at], 0);
    return (uint32_t)pages;
}

static void a_large_table_notes_what_it_grows_into(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 2032);
    grow_to(&bed, 60);
    assert_int_equal(foreseen(&bed), 0); /* it is small */
    grow_to(&bed, 80);
    assert_int_equal(foreseen(&bed), 80 / 8);
    assert_int_equal(foreseen(&bed), 0);
    assert_true(tables_cached_bytes(bed.tables) == 90 * PAGE_COSTS);
    grow_to(&bed, 85);
    assert_int_equal(foreseen(&bed), 0); /* half of them is left */
    grow_to(&bed, 88);
    assert_int_equal(foreseen(&bed), 99 - 90);
    assert_true(tables_cached_bytes(bed.tables) == 99 * PAGE_COSTS);
    grow_to(&bed, 100);
    assert_true(tables_cached_bytes(bed.tables) == 100 * PAGE_COSTS);
    grow_to(&bed, 150); /* quicker than it is noted */
    assert_true(tables_cached_bytes(bed.tables) == 150 * PAGE_COSTS);
    grow_to(&bed, 189); /* where a level ends: of 64 and 128 pages */
    assert_int_equal(foreseen(&bed), 192 - 189);
    grow_to(&bed, 192);
    assert_int_equal(foreseen(&bed), 0);
    assert_true(tables_cached_bytes(bed.tables) == 192 * PAGE_COSTS);
    grow_to(&bed, 5000);
    assert_int_equal(foreseen(&bed), 256);
    bed_close(&bed);
}

static void pages_of_a_discarded_batch_are_counted_once(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 2032);
    grow_to(&bed, 100);
    assert_true(tables_begin(bed.tables));
    while (table_count(bed.table) + 1 < 106 * PER_PAGE)
        append_value(&bed, 1);
    tables_discard(bed.tables);
    assert_int_equal(foreseen(&bed), 112 - 106);
    grow_to(&bed, 112);
    assert_true(tables_cached_bytes(bed.tables) == 112 * PAGE_COSTS);
    bed_close(&bed);
}

/* ---- pages ---- */

static int32_t refuse(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    (void)id, (void)page, (void)image, (void)bytes;
    uint32_t *left = arg;
    return (*left)-- ? TRADING_OK : error_set(error, TRADING_E_NO_SPACE, "full");
}

static uint32_t count_pages(struct bed *bed, struct pin *pin, bool all)
{
    uint32_t left = UINT32_MAX;
    assert_int_equal(tables_pages(bed->tables, pin, all, refuse, &left, NULL), TRADING_OK);
    return UINT32_MAX - left;
}

static void pages_changed_since_the_last_save_are_handed_over(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 2032); /* two to a page */
    assert_true(tables_begin(bed.tables));
    for (uint32_t i = 1; i <= 9; i++)
        append_value(&bed, i);
    tables_install(bed.tables);
    struct pin *first = tables_pin(bed.tables);
    assert_int_equal(count_pages(&bed, first, false), 5);
    assert_int_equal(count_pages(&bed, first, true), 5);

    uint32_t left = 3;
    trading_error error;
    assert_int_equal(tables_pages(bed.tables, first, false, refuse, &left, &error), TRADING_E_NO_SPACE);
    assert_int_equal(error.code, TRADING_E_NO_SPACE);
    assert_int_equal(count_pages(&bed, first, false), 5); /* nothing was said to be saved */

    assert_true(tables_begin(bed.tables));
    edit_value(&bed, 1, 100);
    tables_install(bed.tables);
    tables_saved(bed.tables, first);
    assert_int_equal(count_pages(&bed, first, false), 0); /* the change came after the pin */
    struct pin *second = tables_pin(bed.tables);
    assert_int_equal(count_pages(&bed, second, false), 1);
    assert_int_equal(count_pages(&bed, second, true), 5);
    tables_saved(bed.tables, second);
    assert_int_equal(count_pages(&bed, second, false), 0);
    assert_int_equal(tables_pages(bed.tables, first, false, refuse, &left, &error), TRADING_E_INVALID);
    assert_int_equal(count_pages(&bed, first, true), 5);
    tables_unpin(second);
    tables_unpin(first);
    bed_close(&bed);
}

static void pages_put_back_are_checked(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 2032);
    uint64_t image[4064 / 8] = {0};
    trading_error error;
    image[254] = 1;
    assert_int_equal(tables_put_page(bed.tables, 2, 0, image, 4064, &error), TRADING_E_INVALID);
    assert_int_equal(tables_put_page(bed.tables, TABLES_MAX, 0, image, 4064, &error), TRADING_E_INVALID);
    assert_int_equal(tables_put_page(bed.tables, 3, 0, image, 4056, &error), TRADING_E_DAMAGED);
    assert_int_equal(tables_put_page(bed.tables, 3, UINT32_MAX, image, 4064, &error), TRADING_E_DAMAGED);
    assert_int_equal(tables_put_page(bed.tables, 3, 0, image, 4064, &error), TRADING_OK);
    assert_int_equal(tables_set_count(bed.tables, 3, 2, &error), TRADING_E_DAMAGED); /* needs page 1 */
    assert_int_equal(tables_set_count(bed.tables, 3, UINT32_MAX, &error), TRADING_E_DAMAGED);
    image[0] = 2;
    image[254] = 0;
    assert_int_equal(tables_put_page(bed.tables, 3, 1, image, 4064, &error), TRADING_OK);
    assert_int_equal(tables_set_count(bed.tables, 3, 1, &error), TRADING_OK);
    assert_int_equal(tables_set_count(bed.tables, 3, 2, &error), TRADING_OK);
    assert_true(installed_value(&bed, 1) == 1);
    assert_true(installed_value(&bed, 2) == 2);
    image[254] = 7; /* number 3 */
    assert_int_equal(tables_put_page(bed.tables, 3, 1, image, 4064, &error), TRADING_OK);
    assert_int_equal(tables_set_count(bed.tables, 3, 2, &error), TRADING_E_DAMAGED);
    assert_int_equal(tables_set_count(bed.tables, 3, 3, &error), TRADING_OK);
    image[0] = 7; /* number 0 */
    assert_int_equal(tables_put_page(bed.tables, 3, 0, image, 4064, &error), TRADING_OK);
    assert_int_equal(tables_set_count(bed.tables, 3, 3, &error), TRADING_E_DAMAGED);
    assert_true(tables_begin(bed.tables));
    assert_int_equal(tables_put_page(bed.tables, 3, 0, image, 4064, &error), TRADING_E_INVALID);
    assert_int_equal(tables_set_count(bed.tables, 3, 0, &error), TRADING_E_INVALID);
    bed_close(&bed);
}

static void only_an_install_moves_what_is_looked_at(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 16);
    uint64_t look = tables_look(bed.tables);
    assert_true(look != 0);
    tables_begin(bed.tables);
    append_value(&bed, 7);
    assert_true(tables_stood_still(bed.tables, look));
    tables_install(bed.tables);
    assert_false(tables_stood_still(bed.tables, look));
    look = tables_look(bed.tables);
    assert_true(look != 0);
    tables_begin(bed.tables);
    edit_value(&bed, 1, 8);
    tables_discard(bed.tables);
    assert_true(tables_stood_still(bed.tables, look));
    bed_close(&bed);
}

static void the_first_words_of_a_record_are_read_alone(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 24);
    tables_begin(bed.tables);
    uint32_t number;
    uint64_t *record = table_append(bed.table, &number);
    memcpy(record, (uint64_t[]){1, 2, 3}, 24);
    tables_install(bed.tables);
    struct pin *pin = tables_pin(bed.tables);
    tables_begin(bed.tables);
    memcpy(table_edit(bed.table, number), (uint64_t[]){4, 5, 6}, 24);
    tables_install(bed.tables);
    uint64_t words[3] = {0, 0, 9};
    assert_int_equal(table_read_first(bed.table, number, NULL, words, 16), TABLE_FOUND);
    assert_memory_equal(words, ((uint64_t[]){4, 5, 9}), 24);
    assert_int_equal(table_read_first(bed.table, number, pin, words, 16), TABLE_FOUND);
    assert_memory_equal(words, ((uint64_t[]){1, 2, 9}), 24);
    assert_int_equal(table_read_first(bed.table, number + 1, NULL, words, 16), TABLE_ABSENT);
    tables_unpin(pin);
    bed_close(&bed);
}

/* What never changes is there from the install on, also while a batch that was put back has changed what stands beside it. */
static void what_never_changes_is_read_without_its_stamp(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed, 24);
    tables_begin(bed.tables);
    uint32_t number;
    uint64_t *record = table_append(bed.table, &number);
    memcpy(record, (uint64_t[]){1, 2, 3}, 24);
    uint64_t words[3] = {7, 8, 9};
    assert_false(table_read_fixed(bed.table, number, 8, words, 16));
    tables_install(bed.tables);
    assert_true(table_read_fixed(bed.table, number, 8, words, 16));
    assert_memory_equal(words, ((uint64_t[]){2, 3, 9}), 24);
    tables_begin(bed.tables);
    *(uint64_t *)table_edit(bed.table, number) = 4;
    assert_true(table_read_fixed(bed.table, number, 8, words, 16));
    tables_discard(bed.tables);
    assert_true(table_read_fixed(bed.table, number, 8, words, 16));
    assert_memory_equal(words, ((uint64_t[]){2, 3, 9}), 24);
    assert_false(table_read_fixed(bed.table, 0, 0, words, 16));
    assert_false(table_read_fixed(bed.table, number + 1, 0, words, 16));
    bed_close(&bed);
}

int tables_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_checked_when_added),
        cmocka_unit_test(a_page_holds_as_many_records_as_fit),
        cmocka_unit_test(records_lie_apart),
        cmocka_unit_test(records_far_from_the_first_are_like_them),
        cmocka_unit_test(readers_see_what_is_installed),
        cmocka_unit_test(only_an_install_moves_what_is_looked_at),
        cmocka_unit_test(the_first_words_of_a_record_are_read_alone),
        cmocka_unit_test(what_never_changes_is_read_without_its_stamp),
        cmocka_unit_test(what_a_record_was_is_kept_whole),
        cmocka_unit_test(an_older_stage_keeps_its_own_version),
        cmocka_unit_test(discard_goes_back_to_what_is_installed),
        cmocka_unit_test(what_nobody_sees_is_not_saved),
        cmocka_unit_test(what_nobody_sees_is_not_put_back),
        cmocka_unit_test(what_nobody_sees_is_changed_all_the_same),
        cmocka_unit_test(records_that_do_not_exist_are_zero_and_cannot_be_edited),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(large_batches_give_their_memory_back),
        cmocka_unit_test(a_large_table_notes_what_it_grows_into),
        cmocka_unit_test(pages_of_a_discarded_batch_are_counted_once),
        cmocka_unit_test(pages_changed_since_the_last_save_are_handed_over),
        cmocka_unit_test(pages_put_back_are_checked),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
