/* Secrets of the Cassandra store, over a driver that knows nothing else and leaves writes unanswered as it is told. */
#include "backends/cassandra/cassandra_store.h"
#include "planned_driver.h"
#include "plugin_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 100, AT_ONCE = 32 };

/* ---- the driver ---- */

enum { VERSION, PUT, ADD, GET, OTHER };

static trading_store_secret kept[MANY];
static size_t kept_count;
static int writes;
static int unanswered; /* the write that is not answered, from 1 on; 0: none */
static bool is_lost;   /* … and has no effect */

static trading_store_secret *find(const void *name)
{
    for (size_t i = 0; i < kept_count; i++)
        if (memcmp(&kept[i].name, name, sizeof kept[i].name) == 0)
            return &kept[i];
    return NULL;
}

static void keep(const struct driver_value *values)
{
    trading_store_secret *place = find(values[1].bytes);
    assert_true(place || kept_count < MANY);
    place = place ? place : &kept[kept_count++];
    memcpy(&place->name, values[1].bytes, sizeof place->name);
    memcpy(place->value, values[2].bytes, sizeof place->value);
}

static int32_t write_secret(int kind, const struct driver_value *values, struct driver_rows *rows)
{
    bool is_answered = ++writes != unanswered;
    rows->number = kind == PUT || !find(values[1].bytes);
    if (rows->number && (is_answered || !is_lost))
        keep(values);
    return is_answered ? DRIVER_OK : DRIVER_UNCERTAIN;
}

int32_t driver_define(struct driver *driver, const char *cql, struct driver_failure *failure)
{
    (void)driver;
    (void)cql;
    (void)failure;
    return DRIVER_REFUSED;
}

int32_t driver_agree(struct driver *driver, struct driver_failure *failure)
{
    (void)driver;
    (void)failure;
    return DRIVER_REFUSED;
}

int planned_kind(const char *cql)
{
    if (strstr(cql, "system_schema") || strstr(cql, "SELECT version"))
        return VERSION;
    if (strstr(cql, "INSERT INTO k.secrets"))
        return strstr(cql, "IF NOT EXISTS") ? ADD : PUT;
    return strstr(cql, "SELECT value FROM k.secrets") ? GET : OTHER;
}

static void get_secret(const struct driver_value *values, struct driver_rows *rows)
{
    const trading_store_secret *secret = find(values[1].bytes);
    rows->is_told = !secret;
    rows->bytes = secret ? secret->value : NULL;
    rows->size = sizeof secret->value;
}

int32_t planned_answer(int kind, const struct driver_value *values, struct driver_rows *rows)
{
    rows->is_told = kind == OTHER;
    if (kind == GET)
        get_secret(values, rows);
    return kind == PUT || kind == ADD ? write_secret(kind, values, rows) : DRIVER_OK;
}

/* ---- the tests ---- */

typedef int32_t (*write_many)(void *store, const trading_store_secret *secrets, size_t count, trading_error *error);

/* What a write of so many ends with, on a store of its own; nothing is left under way. */
static int32_t write_with(write_many write, uint8_t version, int unanswered_one, bool lost)
{
    static trading_store_secret secrets[MANY];
    trading_error error = {0};
    for (int i = 0; i < MANY; i++) {
        secrets[i] = (trading_store_secret){.name = {{(uint8_t)(i + 1)}}};
        memset(secrets[i].value, version, sizeof secrets[i].value);
    }
    writes = planned_most_under_way = 0;
    unanswered = unanswered_one;
    is_lost = lost;
    void *store = plugin_store_open(&cassandra_store_ops, "//fake/k");
    int32_t code = write(store, secrets, MANY, &error);
    assert_int_equal(code, error.code);
    assert_int_equal(planned_under_way, 0);
    assert_int_equal(planned_most_under_way, AT_ONCE);
    cassandra_store_ops.close(store);
    return code;
}

static int forget(void **state)
{
    (void)state;
    kept_count = 0;
    return 0;
}

static void test_many_are_put(void **state)
{
    (void)state;
    assert_int_equal(write_with(cassandra_store_ops.secret_put, 1, 0, false), TRADING_OK);
    assert_int_equal(kept_count, MANY);
    assert_int_equal(write_with(cassandra_store_ops.secret_put, 2, 0, false), TRADING_OK);
    assert_int_equal(kept[MANY - 1].value[0], 2);
    assert_int_equal(write_with(cassandra_store_ops.secret_put, 3, 7, true), TRADING_E_IO);
    assert_int_equal(kept[6].value[0], 2);
    assert_true(writes < MANY);
}

static void test_what_is_added_and_not_answered_is_looked_for(void **state)
{
    (void)state;
    assert_int_equal(write_with(cassandra_store_ops.secret_add, 1, 50, false), TRADING_OK);
    assert_int_equal(kept_count, MANY);
    assert_int_equal(write_with(cassandra_store_ops.secret_add, 1, 0, false), TRADING_OK); /* the same are as good */
    assert_int_equal(write_with(cassandra_store_ops.secret_add, 2, 0, false), TRADING_E_BUSY);
    assert_int_equal(write_with(cassandra_store_ops.secret_add, 2, 1, true), TRADING_E_BUSY);
    assert_int_equal(kept[0].value[0], 1);
}

static void test_what_is_added_and_lost_is_told(void **state)
{
    (void)state;
    assert_int_equal(write_with(cassandra_store_ops.secret_add, 1, 50, true), TRADING_E_IO);
    assert_true(writes < MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_many_are_put, forget),
        cmocka_unit_test_setup(test_what_is_added_and_not_answered_is_looked_for, forget),
        cmocka_unit_test_setup(test_what_is_added_and_lost_is_told, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
