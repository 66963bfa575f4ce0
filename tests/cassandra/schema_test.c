/* Making the schema of the Cassandra store beside another who makes the same, over a driver of servers that learn of a change late. */
#include "backends/cassandra/cassandra_store.h"
#include "planned_driver.h"
#include "plugin_store.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- the driver ---- */

enum { TABLE_THERE, VERSION, OTHER };

/* How far the other opener has come. */
static bool version_table_is_made;
/* What was made is not known everywhere: so many requests that build on it are refused, unless one waits until the servers agree. */
static int spreading;
static int refused;
/* What this one did. */
static int defined;
static bool is_versioned;
static int64_t version_there; /* 0: that of this plugin */

static int32_t refuse(struct driver_failure *failure)
{
    spreading--;
    refused++;
    if (failure)
        *failure = (struct driver_failure){.code = DRIVER_REFUSED, .message = "this server knows no such thing yet"};
    return DRIVER_REFUSED;
}

int32_t driver_define(struct driver *driver, const char *cql, struct driver_failure *failure)
{
    (void)driver;
    if (!strstr(cql, "CREATE KEYSPACE") && spreading)
        return refuse(failure);
    defined++;
    spreading = 2;
    is_versioned = is_versioned || strstr(cql, "INSERT INTO k.versions");
    return DRIVER_OK;
}

int32_t driver_agree(struct driver *driver, struct driver_failure *failure)
{
    (void)driver;
    (void)failure;
    spreading = 0;
    return DRIVER_OK;
}

int planned_kind(const char *cql)
{
    return strstr(cql, "system_schema") ? TABLE_THERE : strstr(cql, "SELECT version") ? VERSION : OTHER;
}

int32_t planned_answer(int kind, const struct driver_value *values, struct driver_rows *rows)
{
    (void)values;
    if (kind == OTHER)
        assert_true(is_versioned); /* nothing is written to a schema that is not whole */
    if (kind != TABLE_THERE && spreading)
        return refuse(NULL);
    if (kind == VERSION && version_there)
        rows->number = version_there;
    rows->is_told = kind == OTHER || (kind == VERSION && !is_versioned) || (kind == TABLE_THERE && !version_table_is_made);
    return DRIVER_OK;
}

/* ---- the tests ---- */

static int forget(void **state)
{
    (void)state;
    version_table_is_made = is_versioned = false;
    defined = spreading = refused = 0;
    version_there = 0;
    return 0;
}

static int32_t open_store(const char *location)
{
    trading_error error = {0};
    void *store;
    const trading_store_request request = {.size = sizeof request, .location = location, .durability = TRADING_DURABILITY_SYNC};
    int32_t code = cassandra_store_ops.open(&request, &plain_host, &store, &error);
    assert_int_equal(code, error.code);
    if (!code)
        cassandra_store_ops.close(store);
    return code;
}

static void test_each_statement_waits_until_the_servers_agree(void **state)
{
    (void)state;
    assert_int_equal(open_store("//fake/k?create=3"), TRADING_OK);
    assert_true(is_versioned);
    assert_int_equal(refused, 0);
    assert_int_equal(defined, 10); /* the keyspace, eight tables, and the version */
}

static void test_what_another_is_just_making_is_waited_for(void **state)
{
    (void)state;
    version_table_is_made = true;
    spreading = 3;
    assert_int_equal(open_store("//fake/k?create=3"), TRADING_OK);
    assert_int_equal(refused, 3);
    assert_int_equal(defined, 10);
    spreading = 3;
    assert_int_equal(open_store("//fake/k?create=3"), TRADING_OK);
    assert_int_equal(defined, 10); /* nothing is made again */
    spreading = 3;
    assert_int_equal(open_store("//fake/k"), TRADING_E_IO); /* who makes nothing is told at once */
    assert_int_equal(refused, 7);
    spreading = INT_MAX;
    assert_int_equal(open_store("//fake/k?create=3&resolve_timeout=50"), TRADING_E_IO);
}

static void test_who_may_not_make_it_is_refused(void **state)
{
    (void)state;
    assert_int_equal(open_store("//fake/k"), TRADING_E_NOT_FOUND);
    assert_int_equal(defined, 0);
}

static void test_a_newer_schema_is_left_alone(void **state)
{
    (void)state;
    version_table_is_made = is_versioned = true;
    version_there = 2;
    assert_int_equal(open_store("//fake/k?create=3"), TRADING_E_NEWER_FORMAT);
    assert_int_equal(open_store("//fake/k"), TRADING_E_NEWER_FORMAT);
    assert_int_equal(defined, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_statement_waits_until_the_servers_agree, forget),
        cmocka_unit_test_setup(test_what_another_is_just_making_is_waited_for, forget),
        cmocka_unit_test_setup(test_who_may_not_make_it_is_refused, forget),
        cmocka_unit_test_setup(test_a_newer_schema_is_left_alone, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
