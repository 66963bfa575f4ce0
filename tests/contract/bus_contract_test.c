/* The bus contract over the bus within a process, and what is this bus's own. */
#include "bus_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *allocate(void *context, size_t bytes)
{
    atomic_fetch_add((_Atomic size_t *)context, bytes);
    return malloc(bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    if (memory)
        atomic_fetch_sub((_Atomic size_t *)context, bytes);
    free(memory);
}

static trading_host *open_host(_Atomic size_t *held)
{
    trading_host *host;
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.allocate = allocate;
    options.release = release;
    options.allocate_context = held;
    assert_int_equal(trading_host_open(&host, &options, NULL), TRADING_OK);
    return host;
}

static void test_contract(void **state)
{
    (void)state;
    _Atomic size_t held = 0;
    trading_host *host = open_host(&held);
    struct bus_contract contract = {.host = host, .uri = "memory:contract", .prefix = "", .patience = INT64_C(10000000000)};
    assert_int_equal(bus_contract_run(&contract), 0);
    assert_true(contract.passed > 20);
    assert_int_equal(trading_host_close(host, NULL), TRADING_OK);
    assert_int_equal(held, 0);
}

static void test_names_are_apart_and_so_are_hosts(void **state)
{
    (void)state;
    _Atomic size_t held = 0;
    trading_host *hosts[2] = {open_host(&held), open_host(&held)};
    trading_bus *buses[4];
    static const char *const uris[] = {"memory:one", "memory:one", "memory:two", "memory:one"};
    uint32_t count;
    for (int i = 0; i < 4; i++)
        assert_int_equal(trading_bus_open(&buses[i], hosts[i == 3], uris[i], NULL, NULL), TRADING_OK);
    assert_int_equal(trading_bus_topic(buses[0], "topic", 3, 0, NULL), TRADING_OK);
    assert_int_equal(trading_bus_partitions(buses[1], "topic", &count, NULL), TRADING_OK);
    assert_int_equal(count, 3);
    assert_int_equal(trading_bus_partitions(buses[2], "topic", &count, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_bus_partitions(buses[3], "topic", &count, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_host_close(hosts[0], NULL), TRADING_E_BUSY); /* buses are open */
    for (int i = 0; i < 4; i++)
        trading_bus_close(buses[i]);
    assert_int_equal(trading_bus_open(&buses[0], hosts[0], "memory:one", NULL, NULL), TRADING_OK); /* topics stay */
    assert_int_equal(trading_bus_partitions(buses[0], "topic", &count, NULL), TRADING_OK);
    trading_bus_close(buses[0]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(trading_host_close(hosts[i], NULL), TRADING_OK);
    assert_int_equal(held, 0);
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    _Atomic size_t held = 0;
    trading_host *host = open_host(&held);
    trading_bus *bus;
    trading_error error;
    assert_int_equal(trading_bus_open(&bus, host, "nothing", NULL, &error), TRADING_E_SYNTAX);
    assert_int_equal(trading_bus_open(&bus, host, "lmdb:/tmp", NULL, &error), TRADING_E_NOT_FOUND); /* a store, and no bus */
    assert_non_null(strstr(error.message, "no bus is registered for \"lmdb:\""));
    assert_int_equal(trading_bus_open(NULL, host, "memory:", NULL, &error), TRADING_E_INVALID);
    assert_int_equal(trading_bus_poll(NULL, NULL, 0, NULL, 0, &error), TRADING_E_INVALID);
    char uri[400] = "memory:";
    memset(uri + 7, 'x', 300);
    assert_int_equal(trading_bus_open(&bus, host, uri, NULL, &error), TRADING_E_SYNTAX);
    assert_int_equal(trading_host_close(host, NULL), TRADING_OK);
    assert_int_equal(held, 0);
}

/* What compaction takes away stays for who was handed it. */
static void test_compacted_while_held(void **state)
{
    (void)state;
    _Atomic size_t held = 0;
    trading_host *host = open_host(&held);
    trading_bus *bus;
    trading_bus_notice notice;
    size_t count;
    trading_bus_record record = {.topic = "t", .partition = 0, .key = "k", .key_size = 1, .value = "first", .value_size = 5};
    assert_int_equal(trading_bus_open(&bus, host, "memory:", NULL, NULL), TRADING_OK);
    assert_int_equal(trading_bus_topic(bus, "t", 1, TRADING_BUS_COMPACTED, NULL), TRADING_OK);
    assert_int_equal(trading_bus_follow(bus, "t", 0, 0, NULL), TRADING_OK);
    assert_int_equal(trading_bus_publish(bus, &record, 1, TRADING_BUS_NO_MARK, NULL), TRADING_OK);
    assert_int_equal(trading_bus_poll(bus, &notice, 1, &count, 0, NULL), TRADING_OK);
    record.value = "other";
    for (int i = 0; i < 3; i++)
        assert_int_equal(trading_bus_publish(bus, &record, 1, TRADING_BUS_NO_MARK, NULL), TRADING_OK);
    assert_memory_equal(notice.record.value, "first", 5);
    assert_int_equal(trading_bus_poll(bus, &notice, 1, &count, 0, NULL), TRADING_OK);
    assert_int_equal(notice.record.position, 3); /* those between are gone */
    trading_bus_close(bus);
    assert_int_equal(trading_host_close(host, NULL), TRADING_OK);
    assert_int_equal(held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_names_are_apart_and_so_are_hosts),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_compacted_while_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
