/* That the faulty store fails as its script says, and is a store like others when it says nothing. */
#include "../plain_host.h"
#include "backends/memory/memory_store.h"
#include "faulty_store.h"
#include "store_contract.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

static int32_t append(void *store, int64_t position, trading_store_head *head)
{
    trading_store_commit commit = {.first_position = position, .event_count = 1, .nonce = {{1}}, .data = "mine", .size = 4};
    trading_error error = {0};
    int32_t code = faulty_store_ops.append(store, 0, &commit, 1, head, &error);
    assert_int_equal(code, error.code);
    return code;
}

static int64_t position_of(void *store)
{
    trading_store_head head;
    assert_int_equal(faulty_store_ops.head(store, 0, &head, NULL), TRADING_OK);
    return head.next_position;
}

static void appends_fail_as_told(void **unused)
{
    (void)unused;
    struct faulty_plan plan;
    faulty_plan_init(&plan, &memory_store_ops, "");
    assert_true(faulty_plan_add(&plan, FAULTY_APPEND, 1, FAULT_REFUSED, TRADING_E_NO_SPACE));
    assert_true(faulty_plan_add(&plan, FAULTY_APPEND, 2, FAULT_UNKNOWN_LOST, 0));
    assert_true(faulty_plan_add(&plan, FAULTY_APPEND, 3, FAULT_UNKNOWN_DONE, 0));
    assert_true(faulty_plan_add(&plan, FAULTY_APPEND, 4, FAULT_OVERTAKEN, 0));
    void *store;
    trading_error error;
    assert_int_equal(faulty_store_open(&plan, &plain_host, &store, &error), TRADING_OK);
    trading_store_head head;
    assert_int_equal(append(store, 0, &head), TRADING_OK);
    assert_int_equal(append(store, 1, &head), TRADING_E_NO_SPACE);
    assert_int_equal(position_of(store), 1);
    assert_int_equal(append(store, 1, &head), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(position_of(store), 1);
    assert_int_equal(append(store, 1, &head), TRADING_E_OUTCOME_UNKNOWN);
    assert_int_equal(position_of(store), 2);
    assert_int_equal(append(store, 2, &head), TRADING_E_POSITION);
    assert_int_equal(head.next_position, 3);
    assert_int_equal(head.nonce.bytes[0], 0xee);
    assert_int_equal(append(store, 3, &head), TRADING_OK);
    assert_int_equal(plan.calls[FAULTY_APPEND], 6);
    faulty_store_ops.close(store);
}

static int32_t count(void *arg, const trading_store_commit *commit)
{
    (void)commit;
    ++*(int *)arg;
    return 0;
}

static void reads_are_cut_and_refused(void **unused)
{
    (void)unused;
    struct faulty_plan plan;
    faulty_plan_init(&plan, &memory_store_ops, "");
    faulty_plan_add(&plan, FAULTY_READ, 0, FAULT_CUT, TRADING_E_IO);
    faulty_plan_add(&plan, FAULTY_READ, 1, FAULT_REFUSED, TRADING_E_DAMAGED);
    faulty_plan_add(&plan, FAULTY_OPEN, 1, FAULT_REFUSED, TRADING_E_LOCKED);
    void *store;
    trading_error error;
    assert_int_equal(faulty_store_open(&plan, &plain_host, &store, &error), TRADING_OK);
    for (int64_t i = 0; i < 5; i++)
        assert_int_equal(append(store, i, NULL), TRADING_OK);
    int visited = 0;
    assert_int_equal(faulty_store_ops.read(store, 0, 0, count, &visited, &error), TRADING_E_IO);
    assert_int_equal(visited, 1);
    assert_int_equal(faulty_store_ops.read(store, 0, 0, count, &visited, &error), TRADING_E_DAMAGED);
    assert_int_equal(visited, 1);
    assert_int_equal(faulty_store_ops.read(store, 0, 0, count, &visited, &error), TRADING_OK);
    assert_int_equal(visited, 6);
    void *second;
    assert_int_equal(faulty_store_open(&plan, &plain_host, &second, &error), TRADING_E_LOCKED);
    faulty_store_ops.close(store);
}

static void is_a_store_like_others(void **unused)
{
    (void)unused;
    struct faulty_plan plan;
    faulty_plan_init(&plan, &memory_store_ops, "");
    char location[FAULTY_LOCATION];
    char prefix[FAULTY_LOCATION + 1];
    snprintf(prefix, sizeof prefix, "%s/", faulty_location(&plan, location));
    struct store_contract contract = {.ops = &faulty_store_ops, .location = prefix};
    assert_int_equal(store_contract_run(&contract), 0);
    contract.ops = &faulty_polled_store_ops;
    assert_int_equal(store_contract_run(&contract), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_fail_as_told),
        cmocka_unit_test(reads_are_cut_and_refused),
        cmocka_unit_test(is_a_store_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
