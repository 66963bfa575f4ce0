#include "keys_test.h"

_Atomic uint64_t keys_bed_steps;
_Atomic uint64_t keys_bed_fail_at;

static int32_t step(trading_error *error)
{
    uint64_t fail_at = atomic_load(&keys_bed_fail_at);
    if (atomic_fetch_add(&keys_bed_steps, 1) + 1 < fail_at || !fail_at)
        return TRADING_OK;
    if (error) {
        *error = (trading_error){.code = TRADING_E_NO_SPACE};
        snprintf(error->message, sizeof error->message, "no space, for the test");
    }
    return TRADING_E_NO_SPACE;
}

static int32_t create(void *store, uint64_t number, void **blob, trading_error *error)
{
    int32_t code = step(error);
    return code ? code : memory_state_store_ops.blob_create(store, number, blob, error);
}

static int32_t append(void *blob, const void *bytes, size_t size, trading_error *error)
{
    int32_t code = step(error);
    return code ? code : memory_state_store_ops.blob_append(blob, bytes, size, error);
}

static int32_t seal(void *blob, trading_error *error)
{
    int32_t code = step(error);
    return code ? code : memory_state_store_ops.blob_seal(blob, error);
}

static int32_t drop(void *store, uint64_t number, trading_error *error)
{
    int32_t code = step(error);
    return code ? code : memory_state_store_ops.blob_drop(store, number, error);
}

void keys_bed_open(struct keys_bed *bed)
{
    *bed = (struct keys_bed){0};
    memory_init(&bed->memory);
    state_store_open(&bed->store);
    bed->ops = *bed->store.ops;
    bed->ops.blob_create = create;
    bed->ops.blob_append = append;
    bed->ops.blob_seal = seal;
    bed->ops.blob_drop = drop;
    bed->store.ops = &bed->ops;
    atomic_store(&keys_bed_fail_at, 0);
}

void keys_bed_close(struct keys_bed *bed)
{
    atomic_store(&keys_bed_fail_at, 0);
    bed->store.ops->close(bed->store.store);
    assert_true(memory_held(&bed->memory) == 0);
}

static void report(void *arg, const trading_error *error)
{
    struct keys_bed *bed = arg;
    bed->reports++;
    bed->reported = error->code;
    assert_true(error->message[0]);
}

struct keys_options keys_bed_options(struct keys_bed *bed)
{
    return (struct keys_options){.young = TEST_YOUNG, .report = report, .report_arg = bed};
}

struct keys *keys_bed_keys(struct keys_bed *bed, const struct keys_options *options)
{
    struct keys *keys;
    assert_int_equal(keys_open(&keys, &bed->memory, &bed->store, options, NULL), TRADING_OK);
    return keys;
}

struct blob_list {
    uint64_t *numbers;
    uint32_t count;
};

static int take_number(void *arg, uint64_t number)
{
    struct blob_list *list = arg;
    assert_true(list->count < KEY_RUNS_MAX);
    list->numbers[list->count++] = number;
    return 0;
}

uint32_t keys_bed_blobs(struct keys_bed *bed, uint64_t numbers[KEY_RUNS_MAX])
{
    struct blob_list list = {.numbers = numbers};
    assert_int_equal(bed->store.ops->blob_list(bed->store.store, take_number, &list, NULL), TRADING_OK);
    return list.count;
}

void keys_bed_replace(struct keys_bed *bed, uint64_t number, const uint8_t *bytes, size_t size)
{
    void *blob;
    assert_int_equal(memory_state_store_ops.blob_create(bed->store.store, number, &blob, NULL), TRADING_OK);
    assert_int_equal(memory_state_store_ops.blob_append(blob, bytes, size, NULL), TRADING_OK);
    assert_int_equal(memory_state_store_ops.blob_seal(blob, NULL), TRADING_OK);
}
