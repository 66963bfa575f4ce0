/* Every _init function and its _INIT macro agree, byte for byte (no public struct has padding: see layout_test.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <trading.h>

#include <cmocka.h>

struct pair {
    const char *name;
    size_t bytes;
    const void *by_macro;
    void (*init)(void *);
};

#define PAIR(type, macro)                                                                                                      \
    static const trading_##type type##_by_macro = macro;                                                                       \
    static void init_##type(void *memory)                                                                                      \
    {                                                                                                                          \
        trading_##type##_init((trading_##type *)memory);                                                                       \
    }
#define SIZED_STRUCTS(X)                                                                                                       \
    X(open_account, TRADING_OPEN_ACCOUNT_INIT)                                                                                 \
    X(update_contact, TRADING_UPDATE_CONTACT_INIT)                                                                             \
    X(update_address, TRADING_UPDATE_ADDRESS_INIT)                                                                             \
    X(cash, TRADING_CASH_INIT)                                                                                                 \
    X(transfer, TRADING_TRANSFER_INIT)                                                                                         \
    X(accept_refund, TRADING_ACCEPT_REFUND_INIT)                                                                               \
    X(bind_alias, TRADING_BIND_ALIAS_INIT)                                                                                     \
    X(open_portfolio, TRADING_OPEN_PORTFOLIO_INIT)                                                                             \
    X(close_portfolio, TRADING_CLOSE_PORTFOLIO_INIT)                                                                           \
    X(place_order, TRADING_PLACE_ORDER_INIT)                                                                                   \
    X(cancel_order, TRADING_CANCEL_ORDER_INIT)                                                                                 \
    X(book_execution, TRADING_BOOK_EXECUTION_INIT)                                                                             \
    X(end_order, TRADING_END_ORDER_INIT)                                                                                       \
    X(set_quote, TRADING_SET_QUOTE_INIT)                                                                                       \
    X(acknowledge, TRADING_ACKNOWLEDGE_INIT)                                                                                   \
    X(bus_options, TRADING_BUS_OPTIONS_INIT)                                                                                   \
    X(host_options, TRADING_HOST_OPTIONS_INIT)                                                                                 \
    X(engine_options, TRADING_ENGINE_OPTIONS_INIT)                                                                             \
    X(account, TRADING_ACCOUNT_INIT)                                                                                           \
    X(profile, TRADING_PROFILE_INIT)                                                                                           \
    X(portfolio, TRADING_PORTFOLIO_INIT)                                                                                       \
    X(ledger, TRADING_LEDGER_INIT)                                                                                             \
    X(engine_info, TRADING_ENGINE_INFO_INIT)                                                                                   \
    X(copy_options, TRADING_COPY_OPTIONS_INIT)                                                                                 \
    X(copy, TRADING_COPY_INIT)                                                                                                 \
    X(verification, TRADING_VERIFICATION_INIT)                                                                                 \
    X(outbox_options, TRADING_OUTBOX_OPTIONS_INIT)                                                                             \
    X(outbox_info, TRADING_OUTBOX_INFO_INIT)                                                                                   \
    X(router_options, TRADING_ROUTER_OPTIONS_INIT)                                                                             \
    X(router_info, TRADING_ROUTER_INFO_INIT)                                                                                   \
    X(filter, TRADING_FILTER_INIT)                                                                                             \
    X(projection_options, TRADING_PROJECTION_OPTIONS_INIT)

SIZED_STRUCTS(PAIR)

#define ROW(type, macro) {#type, sizeof(trading_##type), &type##_by_macro, init_##type},
static const struct pair pairs[] = {SIZED_STRUCTS(ROW)};

static void test_macro_and_function_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        uint64_t memory[256];
        assert_true(pairs[i].bytes <= sizeof memory);
        memset(memory, 0xa5, sizeof memory);
        pairs[i].init(memory);
        if (memcmp(memory, pairs[i].by_macro, pairs[i].bytes) != 0)
            fail_msg("trading_%s_init and its macro differ", pairs[i].name);
        for (size_t k = pairs[i].bytes; k < sizeof memory; k++)
            assert_int_equal(((const uint8_t *)memory)[k], 0xa5);
    }
}

/* The size that every one announces is its own: the library goes by it. */
static void test_size_is_announced(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        uint32_t size = 0;
        memcpy(&size, pairs[i].by_macro, sizeof size);
        assert_int_equal(size, pairs[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_macro_and_function_agree),
        cmocka_unit_test(test_size_is_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
