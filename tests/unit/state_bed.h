/* What the tests of checkpoints share: two tables, and a state store that they are written to and loaded from. */
#ifndef STATE_BED_H
#define STATE_BED_H

#include "state/checkpoint.h"
#include "state_test.h"

#include <string.h>

struct bed {
    struct memory memory;
    struct tables *tables;
    struct table *small;
    struct table *large;
    struct state_store store;
};

static inline void open_tables(struct bed *bed)
{
    assert_int_equal(tables_open(&bed->tables, &bed->memory, 1 << 20, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 1, 504, &bed->small, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 31, 1016, &bed->large, NULL), TRADING_OK);
}

static inline void bed_open(struct bed *bed)
{
    memory_init(&bed->memory);
    open_tables(bed);
    state_store_open(&bed->store);
}

static inline void bed_close(struct bed *bed)
{
    tables_close(bed->tables);
    bed->store.ops->close(bed->store.store);
    assert_true(memory_held(&bed->memory) == 0);
}

static inline void append(struct bed *bed, struct table *table, uint32_t count, uint64_t value)
{
    assert_true(tables_begin(bed->tables));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;
        uint64_t *record = table_append(table, &number);
        record[0] = value + number;
    }
    tables_install(bed->tables);
}

static inline void edit(struct bed *bed, struct table *table, uint32_t number, uint64_t value)
{
    assert_true(tables_begin(bed->tables));
    *(uint64_t *)table_edit(table, number) = value;
    tables_install(bed->tables);
}

static inline uint64_t value_of(struct table *table, uint32_t number)
{
    uint64_t value;
    memcpy(&value, table_get(table, number), sizeof value);
    return value;
}

/* A checkpoint that lies in its log. */
static inline int32_t write_log(struct bed *bed, bool all, const char *meta)
{
    struct pin *pin = tables_hold(bed->tables);
    int32_t status = checkpoint_write(bed->tables, pin, all, &bed->store, &bed->memory, meta, strlen(meta), NULL);
    tables_unpin(pin);
    return status;
}

/* … and one that is home. */
static inline int32_t checkpoint(struct bed *bed, bool all, const char *meta)
{
    int32_t status = write_log(bed, all, meta);
    return status ? status : checkpoint_settle(bed->tables, &bed->store, &bed->memory, NULL);
}

/* Closes the tables and loads them from the store. */
static inline int32_t load(struct bed *bed, bool back, struct shape *shape)
{
    trading_error error = {0};
    tables_close(bed->tables);
    open_tables(bed);
    int32_t status = checkpoint_load(bed->tables, &bed->store, back, &bed->memory, shape, &error);
    assert_int_equal(status, error.code);
    return status;
}

static inline int32_t reload(struct bed *bed, struct shape *shape)
{
    return load(bed, true, shape);
}

#endif
