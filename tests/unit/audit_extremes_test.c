/* Commands that no customer would send: at the ends of every range, in any order. None may break an invariant, which would end the engine
 * for everybody. AUDIT_SEEDS says how many runs; 20 when it is not set. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#define PEOPLE     UINT64_C(5)
#define SHELVES    UINT64_C(2) /* portfolios of each */
#define PORTFOLIOS (PEOPLE * SHELVES)
#define KNOWN      64

struct adversary {
    struct fixture *fixture;
    uint64_t seed;
    trading_id accounts[PEOPLE];
    trading_id portfolios[PORTFOLIOS];
    trading_id orders[KNOWN]; /* the newest */
    uint64_t placed;
};

static uint64_t draw(struct adversary *adversary, uint64_t below)
{
    adversary->seed = adversary->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (adversary->seed >> 33) % below;
}

/* Amounts at which something overflows, rounds, or ends. */
static trading_decimal draw_amount(struct adversary *adversary)
{
    static const trading_decimal amounts[] = {1,
                                              2,
                                              3,
                                              499999,
                                              500000,
                                              999999,
                                              TRADING_DECIMAL_ONE,
                                              TRADING_DECIMAL_ONE + 1,
                                              7 * TRADING_DECIMAL_ONE,
                                              100 * TRADING_DECIMAL_ONE,
                                              INT64_C(3037000499),
                                              INT64_C(3037000500999999),
                                              INT64_MAX / 1000000 * 1000000,
                                              INT64_MAX / 2,
                                              INT64_MAX / 2 + 1,
                                              INT64_MAX - 2,
                                              INT64_MAX - 1,
                                              INT64_MAX,
                                              0,
                                              -1,
                                              INT64_MIN,
                                              INT64_MIN + 1};
    size_t count = sizeof amounts / sizeof *amounts;
    uint64_t some = draw(adversary, 8);
    if (some == 0)
        return amounts[draw(adversary, count)];
    if (some == 1)
        return (trading_decimal)draw(adversary, UINT64_C(1) << draw(adversary, 31)) + 1;
    return amounts[draw(adversary, some < 4 ? 10 : count - 4)];
}

static const trading_id *draw_order(struct adversary *adversary)
{
    return &adversary->orders[draw(adversary, adversary->placed && adversary->placed < KNOWN ? adversary->placed : KNOWN)];
}

union body {
    trading_cash cash;
    trading_accept_refund refund;
    trading_place_order order;
    trading_cancel_order cancel;
    trading_close_portfolio closing;
    trading_set_quote quote;
    trading_acknowledge cursor;
    trading_open_portfolio portfolio;
};

static size_t draw_trade(struct adversary *adversary, trading_command *command, union body *body)
{
    command->type = TRADING_COMMAND_PLACE_ORDER;
    command->account = (trading_id){{0}};
    body->order = audit_order_of(&adversary->portfolios[draw(adversary, PORTFOLIOS)], (unsigned)draw(adversary, 2),
                                 (int32_t)draw(adversary, 2) + 1, draw_amount(adversary),
                                 draw(adversary, 4) ? draw_amount(adversary) : 0);
    if (body->order.type == TRADING_ORDER_TYPE_LIMIT)
        body->order.time_in_force = (int32_t)draw(adversary, 4);
    if (body->order.side == TRADING_SIDE_SELL && draw(adversary, 3) == 0)
        body->order.lot = *draw_order(adversary);
    return sizeof body->order;
}

static size_t draw_market(struct adversary *adversary, trading_command *command, union body *body)
{
    command->account = (trading_id){{0}};
    if (draw(adversary, 10) == 0) {
        command->type = TRADING_COMMAND_END_SESSION;
        return 0;
    }
    command->type = TRADING_COMMAND_SET_QUOTE;
    body->quote = (trading_set_quote){.size = sizeof body->quote,
                                      .symbol = audit_symbol_of((unsigned)draw(adversary, 2)),
                                      .bid = draw(adversary, 3) ? draw_amount(adversary) : 0,
                                      .ask = draw(adversary, 3) ? draw_amount(adversary) : 0,
                                      .bid_size = draw_amount(adversary),
                                      .ask_size = draw_amount(adversary)};
    return sizeof body->quote;
}

static size_t draw_errand(struct adversary *adversary, trading_command *command, union body *body)
{
    switch (draw(adversary, 12)) {
    case 0:
    case 1:
        command->type = TRADING_COMMAND_CANCEL_ORDER;
        command->account = (trading_id){{0}};
        body->cancel = (trading_cancel_order){.size = sizeof body->cancel, .order = *draw_order(adversary)};
        return sizeof body->cancel;
    case 2:
        command->type = TRADING_COMMAND_ACCEPT_REFUND;
        body->refund = (trading_accept_refund){
            .size = sizeof body->refund, .amount = draw_amount(adversary), .order = *draw_order(adversary)};
        return sizeof body->refund;
    case 3:
        if (draw(adversary, 3))
            break;
        command->type = TRADING_COMMAND_FREEZE_ACCOUNT;
        return 0;
    case 4:
    case 5:
    case 6:
        command->type = TRADING_COMMAND_UNFREEZE_ACCOUNT;
        return 0;
    case 7:
        command->type = TRADING_COMMAND_CLOSE_ACCOUNT;
        return 0;
    case 8:
        if (draw(adversary, 8))
            break;
        command->type = TRADING_COMMAND_CLOSE_PORTFOLIO;
        command->account = (trading_id){{0}};
        body->closing = (trading_close_portfolio){.size = sizeof body->closing,
                                                  .portfolio = adversary->portfolios[draw(adversary, PORTFOLIOS)]};
        return sizeof body->closing;
    case 9:
        command->type = TRADING_COMMAND_ACKNOWLEDGE;
        command->account = (trading_id){{0}};
        body->cursor = (trading_acknowledge){.size = sizeof body->cursor, .name = {"c", 1}, .position = draw_amount(adversary)};
        return sizeof body->cursor;
    default:
        break;
    }
    command->type = TRADING_COMMAND_DEPOSIT + (int32_t)draw(adversary, 4);
    body->cash = (trading_cash){.size = sizeof body->cash, .amount = draw_amount(adversary)};
    return sizeof body->cash;
}

static void note(struct adversary *adversary, const trading_command *command, const trading_result *result)
{
    bool ended = command->type == TRADING_COMMAND_CLOSE_PORTFOLIO && result->status == TRADING_STATUS_ACCEPTED;
    for (size_t i = 0; ended && i < PORTFOLIOS; i++) {
        if (!memcmp(&adversary->portfolios[i], &result->portfolio, sizeof result->portfolio) && draw(adversary, 2)) {
            trading_open_portfolio body = TRADING_OPEN_PORTFOLIO_INIT;
            trading_command open = {.type = TRADING_COMMAND_OPEN_PORTFOLIO,
                                    .account = adversary->accounts[i / SHELVES],
                                    .body = &body,
                                    .body_size = sizeof body};
            trading_result opened = audit_ask(adversary->fixture, &open);
            if (opened.status == TRADING_STATUS_ACCEPTED)
                adversary->portfolios[i] = opened.portfolio;
        }
    }
    if (command->type == TRADING_COMMAND_PLACE_ORDER && result->status == TRADING_STATUS_ACCEPTED)
        adversary->orders[adversary->placed++ % KNOWN] = result->order;
}

static void attack(struct adversary *adversary)
{
    trading_command command = {.account = adversary->accounts[draw(adversary, PEOPLE)]};
    union body body;
    memset(&body, 0, sizeof body);
    uint64_t kind = draw(adversary, 10);
    command.body_size = kind < 5   ? draw_trade(adversary, &command, &body)
                        : kind < 7 ? draw_market(adversary, &command, &body)
                                   : draw_errand(adversary, &command, &body);
    command.body = command.body_size ? &body : NULL;
    trading_result result = audit_ask(adversary->fixture, &command);
    note(adversary, &command, &result);
}

static void attack_often(struct fixture *fixture, uint64_t seed, size_t commands)
{
    struct adversary *adversary = calloc(1, sizeof *adversary);
    *adversary = (struct adversary){.fixture = fixture, .seed = seed};
    audit_open_engine(fixture, TRADING_ENGINE_MANUAL);
    for (size_t i = 0; i < PEOPLE; i++) {
        trading_result opened = audit_open_account(fixture, i % 2 ? INT64_MAX / 10000 * 10000 : 0);
        adversary->accounts[i] = opened.account;
        adversary->portfolios[i * SHELVES] = opened.portfolio;
        trading_open_portfolio body = TRADING_OPEN_PORTFOLIO_INIT;
        adversary->portfolios[i * SHELVES + 1] =
            audit_execute(fixture, TRADING_COMMAND_OPEN_PORTFOLIO, &opened.account, &body, sizeof body).portfolio;
    }
    for (size_t i = 0; i < commands; i++)
        attack(adversary);
    audit_expect_sound(fixture);
    audit_close_engine(fixture, TRADING_CLOSE_ABANDON);
    free(adversary);
}

static void test_no_command_breaks_an_invariant(void **state)
{
    const char *seeds = getenv("AUDIT_SEEDS");
    uint64_t count = seeds ? strtoull(seeds, NULL, 10) : 20;
    for (uint64_t seed = 1; seed <= count; seed++)
        attack_often(*state, seed, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_command_breaks_an_invariant, audit_set_up, audit_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
