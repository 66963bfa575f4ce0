/* The tables against a model that keeps every horizon as a whole copy: random batches, several in flight, or unseen, discards, pins that come
 * and go and expire, checkpoints that fail or succeed, snapshots beside them of what changed since the one before, and at the end the saved
 * pages in new tables. Once with pages that are taken one by one, and once with state files, whose pages give their memory back. */
#include "base/error.h"
#include "state/checkpoint.h"
#include "state_test.h"

#include <string.h>

#define TABLES  3u
#define RECORDS 300u
#define PINS    5u
#define STEPS   20000u

static const uint32_t sizes[TABLES] = {8, 504, 2032};

/* The state at one horizon: every word of a record is its value. */
struct world {
    uint32_t counts[TABLES];
    uint64_t values[TABLES][RECORDS + 1];
};

struct saved_page {
    bool present;
    unsigned char image[TABLE_PAGE_BYTES];
};

/* What snapshots have come to. */
struct kept {
    bool there;
    uint64_t horizon;
    struct world world;
    struct saved_page pages[TABLES][RECORDS];
};

struct model {
    struct memory memory;
    struct tables *tables;
    struct table *table[TABLES];
    uint64_t seed;
    struct world installed;
    struct world staged[TABLES_STAGES];
    uint32_t stages;
    struct pin *pins[PINS];
    struct world pinned[PINS];
    struct world saved;
    struct saved_page pages[TABLES][RECORDS];
    struct state_store store; /* ops NULL: the tables are memory */
    bool stored;              /* it holds a checkpoint */
    uint64_t unseen;
    uint64_t expired;
    uint64_t checkpoints;
    struct kept kept;
    uint64_t increments;
    uint64_t left_out; /* pages of them that had not changed */
    uint64_t grown;
};

static struct world *newest(struct model *model)
{
    return model->stages ? &model->staged[model->stages - 1] : &model->installed;
}

static void open_tables(struct memory *memory, struct tables **tables, struct table **table)
{
    assert_int_equal(tables_open(tables, memory, 150000, NULL), TRADING_OK);
    for (uint32_t id = 0; id < TABLES; id++)
        assert_int_equal(tables_add(*tables, id * 7, sizes[id], &table[id], NULL), TRADING_OK);
}

static void fill(void *record, uint32_t id, uint64_t value)
{
    for (size_t i = 0; i < sizes[id] / 8; i++)
        memcpy((unsigned char *)record + i * 8, &value, 8);
}

static void check(const void *record, uint32_t id, uint64_t value)
{
    for (size_t i = 0; i < sizes[id] / 8; i++)
        assert_memory_equal((const unsigned char *)record + i * 8, &value, 8);
}

/* Half of the time one of a few, so that records are changed again and again between pins. */
static uint32_t pick(struct model *model, uint32_t below)
{
    uint32_t few = below < 8 ? below : 8;
    return random_below(&model->seed, random_below(&model->seed, 2) ? few : below);
}

/* Sometimes, where it may be. */
static bool is_unseen(struct model *model)
{
    bool seen = model->stages;
    for (uint32_t i = 0; i < PINS; i++)
        seen = seen || model->pins[i];
    bool unseen = !seen && random_below(&model->seed, 2);
    model->unseen += unseen;
    return unseen;
}

static void write_batch(struct model *model, bool unseen)
{
    if (!(unseen ? tables_begin_unseen : tables_begin)(model->tables)) {
        assert_int_equal(model->stages, TABLES_STAGES);
        return;
    }
    assert_true(model->stages < TABLES_STAGES);
    model->staged[model->stages] = *newest(model);
    model->stages++;
    struct world *world = newest(model);
    for (uint32_t changes = random_below(&model->seed, 20); changes; changes--) {
        uint32_t id = random_below(&model->seed, TABLES);
        uint64_t value = random_next(&model->seed);
        bool append = random_below(&model->seed, 8) == 0 || world->counts[id] == 0;
        if (append && world->counts[id] < RECORDS) {
            uint32_t number;
            void *record = table_append(model->table[id], &number);
            check(record, id, 0);
            fill(record, id, value);
            assert_int_equal(number, ++world->counts[id]);
            world->values[id][number] = value;
        } else {
            uint32_t number = 1 + pick(model, world->counts[id]);
            void *record = table_edit(model->table[id], number);
            check(record, id, world->values[id][number]);
            fill(record, id, value);
            world->values[id][number] = value;
        }
    }
    assert_false(tables_failed(model->tables));
}

static void install(struct model *model)
{
    tables_install(model->tables);
    if (!model->stages)
        return;
    model->installed = model->staged[0];
    model->stages--;
    memmove(model->staged, model->staged + 1, model->stages * sizeof *model->staged);
}

static void pin_or_unpin(struct model *model)
{
    uint32_t i = random_below(&model->seed, PINS);
    if (model->pins[i]) {
        tables_unpin(model->pins[i]);
        model->pins[i] = NULL;
        return;
    }
    model->pins[i] = tables_pin(model->tables);
    assert_non_null(model->pins[i]);
    assert_true(pin_horizon(model->pins[i]) == tables_horizon(model->tables));
    model->pinned[i] = model->installed;
}

static void check_record(struct model *model, struct pin *pin, const struct world *world)
{
    uint64_t record[TABLE_RECORD_BYTES / 8];
    uint32_t id = random_below(&model->seed, TABLES);
    uint32_t number = pick(model, RECORDS + 1);
    enum table_read found = table_read(model->table[id], number, pin, record);
    if (found == TABLE_EXPIRED) {
        assert_true(pin && pin_expired(pin));
        model->expired++;
        return;
    }
    assert_int_equal(found, number && number <= world->counts[id] ? TABLE_FOUND : TABLE_ABSENT);
    assert_int_equal(table_installed(model->table[id], pin), world->counts[id]);
    if (found == TABLE_FOUND)
        check(record, id, world->values[id][number]);
}

static void check_some(struct model *model)
{
    for (uint32_t n = 0; n < 4; n++) {
        uint32_t id = random_below(&model->seed, TABLES);
        uint32_t number = pick(model, RECORDS + 1);
        bool exists = number && number <= newest(model)->counts[id];
        check(table_get(model->table[id], number), id, exists ? newest(model)->values[id][number] : 0);
        assert_int_equal(table_count(model->table[id]), newest(model)->counts[id]);
        check_record(model, NULL, &model->installed);
        uint32_t i = random_below(&model->seed, PINS);
        if (model->pins[i])
            check_record(model, model->pins[i], &model->pinned[i]);
    }
}

/* ---- checkpoints ---- */

struct taking {
    struct saved_page (*pages)[RECORDS];
    uint32_t left; /* pages until it fails */
};

static int32_t take(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    struct taking *taking = arg;
    if (!taking->left--)
        return error_set(error, TRADING_E_IO, "no more");
    assert_true(bytes <= TABLE_PAGE_BYTES);
    struct saved_page *saved = &taking->pages[id / 7][page];
    saved->present = true;
    memcpy(saved->image, image, bytes);
    return TRADING_OK;
}

static void checkpoint(struct model *model)
{
    uint32_t i = random_below(&model->seed, PINS);
    struct pin *pin = model->pins[i];
    if (!pin)
        return;
    struct taking taking = {model->pages, random_below(&model->seed, 4) ? UINT32_MAX : random_below(&model->seed, 10)};
    bool all = random_below(&model->seed, 10) == 0;
    trading_error error;
    int32_t status = tables_pages(model->tables, pin, all, take, &taking, &error);
    if (status == TRADING_E_VIEW_EXPIRED)
        assert_true(pin_expired(pin));
    if (status == TRADING_E_INVALID) {
        assert_false(all);
        return;
    }
    if (status == TRADING_OK) {
        tables_saved(model->tables, pin);
        model->saved = model->pinned[i];
        model->checkpoints++;
        return;
    }
    /* What a failed one left half done is replaced by the next whole one, as a transaction would undo it. */
    struct pin *present = tables_pin(model->tables);
    taking.left = UINT32_MAX;
    assert_int_equal(tables_pages(model->tables, present, true, take, &taking, NULL), TRADING_OK);
    tables_saved(model->tables, present);
    tables_unpin(present);
    model->saved = model->installed;
}

static void write_some(struct model *model)
{
    bool unseen = is_unseen(model);
    write_batch(model, unseen);
    if (unseen)
        install(model);
}

/* Into the state files, as of now, and sometimes without bringing the pages home. */
static void checkpoint_files(struct model *model)
{
    struct pin *pin = tables_hold(model->tables);
    assert_non_null(pin);
    struct world installed = model->installed;
    for (uint32_t more = random_below(&model->seed, 3); more; more--)
        install(model);
    bool all = !model->stored || random_below(&model->seed, 20) == 0;
    assert_int_equal(checkpoint_write(model->tables, pin, all, &model->store, &model->memory, NULL, 0, NULL), TRADING_OK);
    tables_unpin(pin);
    model->stored = true;
    model->saved = installed;
    model->checkpoints++;
    if (random_below(&model->seed, 4))
        assert_int_equal(checkpoint_settle(model->tables, &model->store, &model->memory, NULL), TRADING_OK);
}

static void check_stored(struct model *model, bool back)
{
    struct tables *tables;
    struct table *table[TABLES];
    struct shape shape;
    if (!model->stored)
        return;
    open_tables(&model->memory, &tables, table);
    assert_int_equal(checkpoint_load(tables, &model->store, back, &model->memory, &shape, NULL), TRADING_OK);
    for (uint32_t id = 0; id < TABLES; id++) {
        assert_int_equal(table_count(table[id]), model->saved.counts[id]);
        for (uint32_t number = 1; number <= model->saved.counts[id]; number++)
            check(table_get(table[id], number), id, model->saved.values[id][number]);
    }
    tables_close(tables);
}

/* Ends the tables and goes on with what is stored, as after a crash. */
static void reopen(struct model *model)
{
    struct shape shape;
    if (!model->stored)
        return;
    for (uint32_t i = 0; i < PINS; i++) {
        tables_unpin(model->pins[i]);
        model->pins[i] = NULL;
    }
    tables_close(model->tables);
    open_tables(&model->memory, &model->tables, model->table);
    assert_int_equal(checkpoint_load(model->tables, &model->store, true, &model->memory, &shape, NULL), TRADING_OK);
    model->installed = model->saved;
    model->stages = 0;
    model->kept.there = false;
}

static void step_files(struct model *model)
{
    uint32_t what = random_below(&model->seed, 200);
    if (what < 10)
        checkpoint_files(model);
    else if (what < 60)
        tables_trim(model->tables, 1 + random_below(&model->seed, 50));
    else if (what == 60)
        check_stored(model, false);
    else if (what == 61)
        reopen(model);
}

/* Puts the pages into new tables. */
static void check_pages(struct model *model, struct saved_page (*pages)[RECORDS], const struct world *world)
{
    struct tables *tables;
    struct table *table[TABLES];
    open_tables(&model->memory, &tables, table);
    for (uint32_t id = 0; id < TABLES; id++) {
        uint32_t count = world->counts[id];
        for (uint32_t page = 0; page < tables_pages_for(tables, id * 7, count); page++) {
            assert_true(pages[id][page].present);
            assert_int_equal(
                tables_put_page(tables, id * 7, page, pages[id][page].image, tables_page_bytes(tables, id * 7), NULL),
                TRADING_OK);
        }
        assert_int_equal(tables_set_count(tables, id * 7, count, NULL), TRADING_OK);
        for (uint32_t number = 1; number <= count; number++)
            check(table_get(table[id], number), id, world->values[id][number]);
    }
    tables_close(tables);
}

static void check_saved(struct model *model)
{
    if (model->store.ops)
        check_stored(model, true);
    else
        check_pages(model, model->pages, &model->saved);
}

/* ---- snapshots ---- */

static int32_t take_increment(struct model *model, struct pin *pin, struct taking *taking)
{
    struct page_set changed;
    assert_true(tables_changed(model->tables, pin, model->kept.horizon, &model->memory, &changed));
    int32_t status = tables_pages_of(model->tables, pin, &changed, take, taking, NULL);
    model->increments += status == TRADING_OK;
    model->left_out += changed.all - changed.count;
    page_set_close(&changed);
    return status;
}

static void snapshot(struct model *model)
{
    uint32_t i = random_below(&model->seed, PINS);
    struct pin *pin = model->pins[i];
    struct kept *kept = &model->kept;
    struct taking taking = {kept->pages, UINT32_MAX};
    if (!pin || (kept->there && pin_horizon(pin) < kept->horizon))
        return;
    int32_t status =
        kept->there ? take_increment(model, pin, &taking) : tables_pages(model->tables, pin, true, take, &taking, NULL);
    assert_true(status == TRADING_OK || (status == TRADING_E_VIEW_EXPIRED && pin_expired(pin)));
    kept->there = !status;
    if (status)
        return;
    kept->horizon = pin_horizon(pin);
    kept->world = model->pinned[i];
    check_pages(model, kept->pages, &kept->world);
}

static void grow_ahead(struct model *model)
{
    struct tables_growth growth;
    tables_foresee(model->tables, &growth);
    tables_grow_ahead(&growth);
    model->grown += growth.count;
}

static void step(struct model *model)
{
    uint32_t what = random_below(&model->seed, 100);
    if (what < 40)
        write_some(model);
    else if (what < 80)
        install(model);
    else if (what < 82) {
        tables_discard(model->tables);
        model->stages = 0;
    } else if (what < 90)
        pin_or_unpin(model);
    else if (what < 95 && model->store.ops)
        step_files(model);
    else if (what < 95)
        checkpoint(model);
    else if (what > 97)
        snapshot(model);
    check_some(model);
    if (what == 95)
        check_saved(model);
    if (what > 95)
        grow_ahead(model);
}

static void run(uint64_t seed, bool files)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->seed = seed;
    memory_init(&model->memory);
    open_tables(&model->memory, &model->tables, model->table);
    if (files) {
        state_store_open(&model->store);
        tables_back(model->tables, &model->store);
    }
    for (uint32_t i = 0; i < STEPS; i++)
        step(model);
    check_saved(model);
    assert_true(model->checkpoints > 30 && model->expired > 100 && model->grown);
    assert_true(model->increments > 30 && model->left_out > 100 && model->unseen > 20);
    for (uint32_t i = 0; i < PINS; i++)
        tables_unpin(model->pins[i]);
    tables_close(model->tables);
    if (files)
        model->store.ops->close(model->store.store);
    assert_true(memory_held(&model->memory) == 0);
    free(model);
}

static void tables_agree_with_the_model(void **state)
{
    (void)state;
    run(88172645463325252u, false);
    run(1, false);
    run(2, true);
    run(3, true);
}

int model_suite(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tables_agree_with_the_model)};
    return cmocka_run_group_tests_name("tables against a model", tests, NULL, NULL);
}
