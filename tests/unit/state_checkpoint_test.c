/* Checkpoints into a state store and back; each byte of one damaged in turn. */
#include "base/error.h"
#include "state/checkpoint.h"
#include "state_test.h"

#include <sodium.h>
#include <string.h>

struct bed {
    struct memory memory;
    struct tables *tables;
    struct table *small;
    struct table *large;
    struct state_store store;
};

static void open_tables(struct bed *bed)
{
    assert_int_equal(tables_open(&bed->tables, &bed->memory, 1 << 20, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 1, 504, &bed->small, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 31, 1016, &bed->large, NULL), TRADING_OK);
}

static void bed_open(struct bed *bed)
{
    memory_init(&bed->memory);
    open_tables(bed);
    state_store_open(&bed->store);
}

static void bed_close(struct bed *bed)
{
    tables_close(bed->tables);
    bed->store.ops->close(bed->store.store);
    assert_true(memory_held(&bed->memory) == 0);
}

static void append(struct bed *bed, struct table *table, uint32_t count, uint64_t value)
{
    assert_true(tables_begin(bed->tables));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;
        uint64_t *record = table_append(table, &number);
        record[0] = value + number;
    }
    tables_install(bed->tables);
}

static void edit(struct bed *bed, struct table *table, uint32_t number, uint64_t value)
{
    assert_true(tables_begin(bed->tables));
    *(uint64_t *)table_edit(table, number) = value;
    tables_install(bed->tables);
}

static uint64_t value_of(struct table *table, uint32_t number)
{
    uint64_t value;
    memcpy(&value, table_get(table, number), sizeof value);
    return value;
}

static int32_t checkpoint(struct bed *bed, bool all, const char *meta)
{
    struct pin *pin = tables_pin(bed->tables);
    int32_t status = checkpoint_write(bed->tables, pin, all, &bed->store, meta, strlen(meta), NULL, NULL, NULL);
    tables_unpin(pin);
    return status;
}

/* Closes the tables and loads them from the store. */
static int32_t reload(struct bed *bed, struct shape *shape)
{
    trading_error error = {0};
    tables_close(bed->tables);
    open_tables(bed);
    int32_t status = checkpoint_load(bed->tables, &bed->store, shape, &error);
    assert_int_equal(status, error.code);
    return status;
}

static void what_was_written_is_loaded(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    assert_int_equal(reload(&bed, &shape), TRADING_E_NOT_FOUND);
    append(&bed, bed.small, 20, 100);
    append(&bed, bed.large, 5, 200);
    assert_int_equal(checkpoint(&bed, true, "first"), TRADING_OK);
    append(&bed, bed.small, 20, 100);
    edit(&bed, bed.small, 3, 33);
    edit(&bed, bed.large, 5, 55);
    assert_int_equal(checkpoint(&bed, false, "second"), TRADING_OK);
    edit(&bed, bed.small, 4, 44); /* not in a checkpoint */

    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(shape.meta_size, 6);
    assert_memory_equal(shape.meta, "second", 6);
    assert_int_equal(table_count(bed.small), 40);
    assert_int_equal(table_count(bed.large), 5);
    for (uint32_t number = 1; number <= 40; number++)
        assert_true(value_of(bed.small, number) == (number == 3 ? 33 : 100 + number));
    for (uint32_t number = 1; number <= 5; number++)
        assert_true(value_of(bed.large, number) == (number == 5 ? 55 : 200 + number));

    edit(&bed, bed.small, 4, 45);
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(shape.meta_size, 0);
    assert_true(value_of(bed.small, 4) == 45);
    assert_true(value_of(bed.small, 3) == 33);
    bed_close(&bed);
}

static int count_page(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    (void)key, (void)key_size, (void)value;
    assert_true(value_size <= 4080); /* an overflow page of LMDB */
    ++*(uint32_t *)arg;
    return 0;
}

static uint32_t pages_stored(struct bed *bed)
{
    uint8_t space = STATE_PAGES;
    uint32_t count = 0;
    assert_int_equal(bed->store.ops->scan(bed->store.store, NULL, &space, 1, NULL, 0, count_page, &count, NULL), TRADING_OK);
    return count;
}

static int32_t refuse_page(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    (void)arg, (void)id, (void)page, (void)image, (void)bytes;
    return error_set(error, TRADING_E_STOPPED, "a page that is there already");
}

static void a_page_is_written_once(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    struct pin *pin = tables_pin(bed.tables);
    assert_int_equal(tables_pages(bed.tables, pin, false, refuse_page, NULL, NULL), TRADING_OK);
    tables_unpin(pin);
    bed_close(&bed);
}

static void all_takes_the_place_of_what_is_there(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 50, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(pages_stored(&bed), 7);
    tables_close(bed.tables);
    open_tables(&bed);
    append(&bed, bed.small, 10, 2);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(pages_stored(&bed), 2);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(table_count(bed.small), 10);
    bed_close(&bed);
}

/* ---- failures on the way ---- */

static int32_t refuse(void *arg, const struct state_store *store, void *write, trading_error *error)
{
    (void)arg, (void)store, (void)write;
    return error_set(error, TRADING_E_NO_SPACE, "full");
}

static int32_t add_row(void *arg, const struct state_store *store, void *write, trading_error *error)
{
    return store->ops->put(write, "\003row", 4, arg, 3, error);
}

static void take_row(void *arg, const void *value, size_t size)
{
    memcpy(arg, value, size);
}

static void a_failure_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, "good"), TRADING_OK);
    edit(&bed, bed.small, 1, 99);
    struct pin *pin = tables_pin(bed.tables);
    assert_int_equal(checkpoint_write(bed.tables, pin, false, &bed.store, "x", 1, refuse, NULL, &error), TRADING_E_NO_SPACE);
    assert_int_equal(error.code, TRADING_E_NO_SPACE);
    uint8_t meta[SHAPE_META_BYTES + 1] = {0};
    assert_int_equal(checkpoint_write(bed.tables, pin, true, &bed.store, meta, sizeof meta, NULL, NULL, &error),
                     TRADING_E_INVALID);
    tables_unpin(pin);
    struct bed other = bed;
    open_tables(&other);
    assert_int_equal(checkpoint_load(other.tables, &bed.store, &shape, &error), TRADING_OK);
    assert_memory_equal(shape.meta, "good", 4);
    assert_true(value_of(other.small, 1) == 2);
    tables_close(other.tables);

    char text[] = "abc";
    char row[3];
    pin = tables_pin(bed.tables);
    assert_int_equal(checkpoint_write(bed.tables, pin, false, &bed.store, meta, SHAPE_META_BYTES, add_row, text, &error),
                     TRADING_OK);
    tables_unpin(pin);
    assert_int_equal(bed.store.ops->get(bed.store.store, NULL, "\003row", 4, take_row, row, NULL), TRADING_OK);
    assert_memory_equal(row, "abc", 3);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_int_equal(shape.meta_size, SHAPE_META_BYTES);
    assert_true(value_of(bed.small, 1) == 99);
    bed_close(&bed);
}

static void other_tables_are_refused(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    static const uint32_t sets[][2] = {{504, 0}, {496, 1016}, {504, 1008}, {504, 1016}};
    for (size_t i = 0; i < 4; i++) {
        struct tables *tables;
        struct table *table;
        assert_int_equal(tables_open(&tables, &bed.memory, 0, NULL), TRADING_OK);
        assert_int_equal(tables_add(tables, 1, sets[i][0], &table, NULL), TRADING_OK);
        if (sets[i][1])
            assert_int_equal(tables_add(tables, 31, sets[i][1], &table, NULL), TRADING_OK);
        if (i == 3)
            assert_int_equal(tables_add(tables, 2, 8, &table, NULL), TRADING_OK);
        assert_int_equal(checkpoint_load(tables, &bed.store, &shape, &error), TRADING_E_UNSUPPORTED);
        tables_close(tables);
    }
    bed_close(&bed);
}

/* ---- damage ---- */

struct value {
    uint8_t key[16];
    size_t key_size;
    uint8_t bytes[4096];
    size_t size;
};

struct values {
    struct value value[8];
    size_t count;
};

static int take_value(void *arg, const void *key, size_t key_size, const void *bytes, size_t size)
{
    struct values *values = arg;
    struct value *value = &values->value[values->count++];
    assert_true(values->count <= 8 && key_size <= sizeof value->key && size <= sizeof value->bytes);
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
    struct shape shape;
    assert_int_equal(reload(bed, &shape), TRADING_E_DAMAGED);
}

static void damage_anywhere_is_found(void **state)
{
    (void)state;
    static struct values values;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 9, UINT64_C(0x1111111111111111));
    append(&bed, bed.large, 2, UINT64_C(0x2222222222222222));
    assert_int_equal(checkpoint(&bed, true, "what it stands for"), TRADING_OK);
    assert_int_equal(bed.store.ops->scan(bed.store.store, NULL, "", 0, NULL, 0, take_value, &values, NULL), TRADING_OK);
    assert_int_equal(values.count, 4);
    for (size_t i = 0; i < values.count; i++) {
        struct value *value = &values.value[i];
        for (size_t at = 0; at < value->size; at++) {
            value->bytes[at] ^= (uint8_t)(1u << at % 8);
            put_value(&bed, value, value->size);
            assert_refused(&bed);
            value->bytes[at] ^= (uint8_t)(1u << at % 8);
        }
        for (size_t size = 0; size<value->size; size += value->size - size> 40 ? 17 : 1) {
            put_value(&bed, value, size);
            assert_refused(&bed);
        }
        value->bytes[value->size] = 0;
        put_value(&bed, value, value->size + 1);
        assert_refused(&bed);
        put_value(&bed, value, value->size);
        assert_int_equal(reload(&bed, &shape), TRADING_OK);
    }
    bed_close(&bed);
}

static void pages_in_wrong_places_are_found(void **state)
{
    (void)state;
    static struct values values;
    struct bed bed;
    struct shape shape;
    void *write;
    memset(&values, 0, sizeof values);
    bed_open(&bed);
    append(&bed, bed.small, 20, UINT64_C(0x1111111111111111));
    append(&bed, bed.large, 2, UINT64_C(0x2222222222222222));
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    assert_int_equal(bed.store.ops->scan(bed.store.store, NULL, "\002", 1, NULL, 0, take_value, &values, NULL), TRADING_OK);
    assert_int_equal(values.count, 4);

    struct value swapped = values.value[1];
    memcpy(swapped.bytes, values.value[2].bytes, swapped.size);
    put_value(&bed, &swapped, swapped.size);
    assert_refused(&bed);
    put_value(&bed, &values.value[1], values.value[1].size);

    static const struct value strangers[] = {
        {.key = {STATE_PAGES, 1, 0, 0, 0, 3}, .key_size = 6},    {.key = {STATE_PAGES, 0, 0, 0, 0, 0}, .key_size = 6},
        {.key = {STATE_PAGES, 200, 0, 0, 0, 0}, .key_size = 6},  {.key = {STATE_PAGES, 1, 0, 0, 0}, .key_size = 5},
        {.key = {STATE_PAGES, 1, 0, 0, 0, 0, 0}, .key_size = 7}, {.key = {STATE_PAGES}, .key_size = 1},
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        struct value stranger = strangers[i];
        memcpy(stranger.bytes, values.value[1].bytes, values.value[1].size);
        put_value(&bed, &stranger, values.value[1].size);
        assert_refused(&bed);
        assert_int_equal(bed.store.ops->begin(bed.store.store, &write, NULL), TRADING_OK);
        assert_int_equal(bed.store.ops->remove(write, stranger.key, stranger.key_size, NULL), TRADING_OK);
        assert_int_equal(bed.store.ops->commit(write, false, NULL), TRADING_OK);
        assert_int_equal(reload(&bed, &shape), TRADING_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bed.store.ops->begin(bed.store.store, &write, NULL), TRADING_OK);
        assert_int_equal(bed.store.ops->remove(write, values.value[i].key, values.value[i].key_size, NULL), TRADING_OK);
        assert_int_equal(bed.store.ops->commit(write, false, NULL), TRADING_OK);
        assert_refused(&bed);
        put_value(&bed, &values.value[i], values.value[i].size);
    }
    bed_close(&bed);
}

/* ---- another process's view ---- */

static struct bed *written_to;
static struct state_store_ops racing_ops;

/* The writer commits a checkpoint between a reader's look at the meta and its look at the pages. */
static int32_t scan_later(void *store, void *write, const void *prefix, size_t prefix_size, const void *from, size_t from_size,
                          int (*take)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size),
                          void *arg, trading_error *error)
{
    struct bed *bed = written_to;
    written_to = NULL;
    if (bed) {
        edit(bed, bed->small, 2, 1000);
        assert_int_equal(checkpoint(bed, false, "second"), TRADING_OK);
    }
    return memory_state_store_ops.scan(store, write, prefix, prefix_size, from, from_size, take, arg, error);
}

static void a_checkpoint_that_is_replaced_meanwhile_is_read_again(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    bed_open(&bed);
    append(&bed, bed.small, 20, 1);
    assert_int_equal(checkpoint(&bed, true, "first"), TRADING_OK);
    racing_ops = memory_state_store_ops;
    racing_ops.scan = scan_later;
    written_to = &bed;
    struct bed reader = {.store = {&racing_ops, bed.store.store}};
    memory_init(&reader.memory);
    open_tables(&reader);
    assert_int_equal(checkpoint_load(reader.tables, &reader.store, &shape, &error), TRADING_E_BUSY);
    assert_int_equal(error.flags, TRADING_ERROR_RETRYABLE);
    assert_int_equal(reload(&reader, &shape), TRADING_OK);
    assert_memory_equal(shape.meta, "second", 6);
    assert_true(value_of(reader.small, 2) == 1000);
    tables_close(reader.tables);
    bed_close(&bed);
}

/* What a later library might have written: sound, but not for this one. */
static void other_formats_are_told_from_damage(void **state)
{
    (void)state;
    static struct values values;
    static const struct {
        size_t at;
        uint8_t byte;
        int32_t status;
    } changes[] = {{0, SHAPE_FORMAT + 1, TRADING_E_NEWER_FORMAT}, {0, 0, TRADING_E_UNSUPPORTED}, {1, 1, TRADING_E_UNSUPPORTED}};
    struct bed bed;
    struct shape shape;
    memset(&values, 0, sizeof values);
    bed_open(&bed);
    assert_int_equal(checkpoint(&bed, true, "m"), TRADING_OK);
    assert_int_equal(bed.store.ops->scan(bed.store.store, NULL, "\001", 1, NULL, 0, take_value, &values, NULL), TRADING_OK);
    assert_int_equal(values.count, 1);
    for (size_t i = 0; i < 3; i++) {
        struct value other = values.value[0];
        size_t summed = other.size - SHAPE_SUM_BYTES;
        other.bytes[changes[i].at] = changes[i].byte;
        crypto_generichash(other.bytes + summed, SHAPE_SUM_BYTES, other.bytes, summed, NULL, 0);
        put_value(&bed, &other, other.size);
        assert_int_equal(reload(&bed, &shape), changes[i].status);
    }
    bed_close(&bed);
}

int checkpoint_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_loaded),
        cmocka_unit_test(a_page_is_written_once),
        cmocka_unit_test(all_takes_the_place_of_what_is_there),
        cmocka_unit_test(a_failure_leaves_the_store_as_it_was),
        cmocka_unit_test(other_tables_are_refused),
        cmocka_unit_test(damage_anywhere_is_found),
        cmocka_unit_test(pages_in_wrong_places_are_found),
        cmocka_unit_test(other_formats_are_told_from_damage),
        cmocka_unit_test(a_checkpoint_that_is_replaced_meanwhile_is_read_again),
    };
    return cmocka_run_group_tests_name("checkpoints", tests, NULL, NULL);
}
