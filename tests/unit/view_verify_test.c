/* Verify: a sound store is sound, and whatever is not as the journal says is found and named. */
#include "backends/memory/memory_store.h"
#include "engine/audit.h"
#include "engine/replay.h"
#include "view_test.h"

#include <stdlib.h>

#define SEED UINT64_C(5)

/* A store in memory that shows the journal otherwise than it was written. Of one test at a time. */
static struct {
    int64_t spoiled; /* position in the commit of which a bit is flipped; −1: none */
    int64_t missing; /* from the commit of this position on there is nothing; −1: all is there */
    bool check_fails;
} flaw;

struct flawed_walk {
    trading_store_visit visit;
    void *arg;
};

static int32_t show_flawed(void *arg, const trading_store_commit *commit)
{
    const struct flawed_walk *walk = arg;
    int64_t end = commit->first_position + commit->event_count;
    if (flaw.missing >= 0 && end > flaw.missing)
        return 1;
    if (flaw.spoiled < commit->first_position || flaw.spoiled >= end)
        return walk->visit(walk->arg, commit);
    trading_store_commit spoiled = *commit;
    uint8_t *copy = malloc(commit->size);
    memcpy(copy, commit->data, commit->size);
    copy[commit->size / 2] ^= 4;
    spoiled.data = copy;
    int32_t code = walk->visit(walk->arg, &spoiled);
    free(copy);
    return code;
}

static int32_t flawed_read(void *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                           trading_error *error)
{
    struct flawed_walk walk = {visit, arg};
    return memory_store_ops.read(store, partition, from, show_flawed, &walk, error);
}

static int32_t flawed_check(void *store, trading_error *error)
{
    (void)store;
    if (flaw.check_fails) {
        error->code = TRADING_E_DAMAGED;
        strcpy(error->message, "page 7 is not what was written");
    }
    return flaw.check_fails ? TRADING_E_DAMAGED : TRADING_OK;
}

struct proof {
    struct desk desk;
    trading_store_ops ops;
    trading_verification found;
    trading_error error;
};

/* Something rests on either side, and a lot is named. */
static void leave_orders(struct desk *desk)
{
    desk_quote(desk, "AAPL", UNITS(99), UNITS(100));
    trading_id lot = desk_buy(desk, &desk->ann, "AAPL", UNITS(2), 0);
    trading_place_order named = order_of(&desk->ann.portfolio, TRADING_SIDE_SELL, "AAPL", UNITS(1), UNITS(500));
    named.lot = lot;
    assert_int_equal(desk_place(desk, &named).status, TRADING_STATUS_ACCEPTED);
    desk_sell(desk, &desk->ann, "AAPL", UNITS(1), UNITS(500));
    desk_buy(desk, &desk->bob, "AAPL", UNITS(1), UNITS(3));
}

static int set_up(void **state)
{
    struct proof *proof = calloc(1, sizeof *proof);
    flaw.spoiled = flaw.missing = -1;
    flaw.check_fails = false;
    desk_open(&proof->desk, NULL);
    must(trading_engine_close(proof->desk.engine, TRADING_CLOSE_DRAIN, &proof->error), &proof->error);
    proof->ops = memory_store_ops;
    proof->ops.read = flawed_read;
    proof->ops.check = flawed_check;
    must(trading_store_register(proof->desk.host, "flawed", &proof->ops, &proof->error), &proof->error);
    desk_open_store(&proof->desk, NULL, "flawed:");
    uint64_t seed = SEED;
    desk_morning(&proof->desk);
    for (size_t i = 0; i < 120; i++)
        desk_random(&proof->desk, &seed);
    leave_orders(&proof->desk);
    *state = proof;
    return 0;
}

static int tear_down(void **state)
{
    struct proof *proof = *state;
    desk_close(&proof->desk);
    free(proof);
    return 0;
}

static void verify(struct proof *proof)
{
    trading_verification_init(&proof->found);
    must(trading_engine_verify(proof->desk.engine, &proof->found, NULL, NULL, &proof->error), &proof->error);
}

static void a_sound_store_is_sound(void **state)
{
    struct proof *proof = *state;
    verify(proof);
    assert_string_equal(proof->found.finding, "");
    assert_int_equal(proof->found.sound, 1);
    assert_int_equal(proof->found.bad_position, -1);
    assert_int_equal(proof->found.position, engine_durable(proof->desk.engine));
    assert_int_equal(proof->found.events, engine_durable(proof->desk.engine));
    assert_int_equal(proof->found.accounts, 2);
    assert_int_equal(proof->found.portfolios, 2);
    assert_int_equal(proof->found.currencies, 1);
    assert_int_equal(proof->found.instruments, 2);
    assert_true(proof->found.orders > 60);
    const struct mark_record *mark = domain_mark(&proof->desk.engine->domain);
    assert_int_equal(proof->found.commits, mark->commits);
    assert_memory_equal(proof->found.hash, proof->desk.engine->domain.digest, 32);
}

static void an_empty_store_is_sound(void **state)
{
    struct proof *proof = *state;
    must(trading_engine_close(proof->desk.engine, TRADING_CLOSE_DRAIN, &proof->error), &proof->error);
    desk_open_store(&proof->desk, NULL, "flawed:");
    verify(proof);
    assert_int_equal(proof->found.sound, 1);
    assert_int_equal(proof->found.position, 0);
}

static void verify_needs_its_arguments(void **state)
{
    struct proof *proof = *state;
    trading_verification found = {.size = 4};
    assert_int_equal(trading_engine_verify(proof->desk.engine, &found, NULL, NULL, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_engine_verify(proof->desk.engine, NULL, NULL, NULL, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_engine_verify(NULL, &proof->found, NULL, NULL, NULL), TRADING_E_INVALID);
}

static int32_t stop_half_way(void *context, int64_t done, int64_t total)
{
    int64_t *before = context;
    assert_true(done >= *before && done <= total);
    *before = done;
    return done > total / 2;
}

static void verify_can_be_stopped(void **state)
{
    struct proof *proof = *state;
    int64_t done = 0;
    trading_verification_init(&proof->found);
    assert_int_equal(trading_engine_verify(proof->desk.engine, &proof->found, stop_half_way, &done, NULL), TRADING_E_STOPPED);
    assert_true(done > 0);
}

/* ---- the journal ---- */

static void a_flipped_bit_is_found(void **state)
{
    struct proof *proof = *state;
    struct journal_copy copy = {0};
    int64_t end = engine_durable(proof->desk.engine);
    for (int64_t position = 0; position < end; position += 7) {
        flaw.spoiled = -1;
        must(journal_commit_at(&proof->desk.engine->journal, position, &copy, &proof->error), &proof->error);
        flaw.spoiled = position;
        verify(proof);
        assert_int_equal(proof->found.sound, 0);
        assert_int_equal(proof->found.bad_position, copy.commit.first_position);
        assert_int_equal(proof->found.position, copy.commit.first_position);
        assert_string_not_equal(proof->found.finding, "");
    }
    journal_copy_close(&copy);
}

static void a_journal_that_lost_its_end_is_found(void **state)
{
    struct proof *proof = *state;
    flaw.missing = engine_durable(proof->desk.engine) - 1;
    verify(proof);
    assert_int_equal(proof->found.sound, 0);
    assert_true(proof->found.bad_position > 0 && proof->found.bad_position <= flaw.missing);
    assert_non_null(strstr(proof->found.finding, "ends at position"));
}

static void what_the_store_finds_is_told(void **state)
{
    struct proof *proof = *state;
    flaw.check_fails = true;
    verify(proof);
    assert_int_equal(proof->found.sound, 0);
    assert_string_equal(proof->found.finding, "page 7 is not what was written");
}

/* A view of the past does not take a damaged journal for the truth either. */
static void a_view_of_the_past_needs_a_sound_journal(void **state)
{
    struct proof *proof = *state;
    trading_view *view;
    flaw.spoiled = engine_durable(proof->desk.engine) / 2;
    assert_int_equal(trading_view_open(&view, proof->desk.engine, engine_durable(proof->desk.engine) - 1, &proof->error),
                     TRADING_E_DAMAGED);
    assert_null(view);
    flaw.spoiled = -1;
    flaw.missing = engine_durable(proof->desk.engine) / 2;
    assert_int_equal(trading_view_open(&view, proof->desk.engine, engine_durable(proof->desk.engine) - 1, &proof->error),
                     TRADING_E_DAMAGED);
}

/* ---- the state that views show ---- */

static void a_changed_record_is_found(void **state)
{
    struct proof *proof = *state;
    struct domain *domain = &proof->desk.engine->domain;
    struct {
        struct table *table;
        const char *name;
        size_t at; /* of the byte that changes */
    } changes[] = {
        {domain->accounts.records, "'account' (A-", offsetof(struct account_record, balance)},
        {domain->accounts.ledgers, "'ledger'", offsetof(struct ledger_record, fee)},
        {domain->portfolios.records, "'portfolio' (P-", offsetof(struct portfolio_record, traded)},
        {domain->portfolios.lots, "'lot'", offsetof(struct lot_record, acquired)},
        {domain->orders.records, "'order' (ORD-", offsetof(struct order_record, refunded)},
        {domain->market.instruments, "'instrument' (AAPL)", offsetof(struct instrument_record, last_price)},
        {domain->market.exchange, "'exchange'", offsetof(struct exchange_record, free_entry)},
        {domain->mark, "'mark'", offsetof(struct mark_record, nonce)},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        for (int turn = 0; turn < 2; turn++) { /* there and back */
            tables_begin(domain->tables);
            uint8_t *record = table_edit(changes[i].table, 1);
            record[changes[i].at] ^= 1;
            tables_install(domain->tables);
            verify(proof);
            assert_int_equal(proof->found.sound, turn);
            if (turn == 0 && !strstr(proof->found.finding, changes[i].name))
                fail_msg("%s: %s", changes[i].name, proof->found.finding);
        }
    }
}

static void a_record_too_many_is_found(void **state)
{
    struct proof *proof = *state;
    struct domain *domain = &proof->desk.engine->domain;
    uint32_t number;
    tables_begin(domain->tables);
    table_append(domain->portfolios.lots, &number);
    tables_install(domain->tables);
    verify(proof);
    assert_int_equal(proof->found.sound, 0);
    assert_non_null(strstr(proof->found.finding, "'lot'"));
}

/* ---- the sums ---- */

/* A domain that the journal made, to break. */
static void rebuild(struct proof *proof, struct domain *domain)
{
    must(engine_past_domain(proof->desk.engine, domain, 0, false, &proof->error), &proof->error);
    must(replay_journal(domain, &proof->desk.engine->journal, INT64_MAX, NULL, NULL, NULL, NULL, &proof->error), &proof->error);
}

static const char *audit(struct proof *proof, const struct domain *domain)
{
    must(audit_domain(domain, &proof->desk.engine->memory, proof->found.finding, sizeof proof->found.finding, &proof->error),
         &proof->error);
    return proof->found.finding;
}

static uint32_t find_level(const struct domain *domain)
{
    for (uint32_t number = 1; number <= table_count(domain->market.levels); number++)
        if (level_get(&domain->market, number)->orders)
            return number;
    fail_msg("no order rests");
    return 0;
}

static uint32_t find_order(const struct domain *domain, int32_t side, bool resting)
{
    for (uint32_t number = table_count(domain->orders.records); number > 0; number--) {
        const struct order_record *order = order_get(&domain->orders, number);
        if (order->side == side && (order->entry != 0) == resting)
            return number;
    }
    fail_msg("no such order");
    return 0;
}

static uint32_t find_sold_lot(const struct domain *domain)
{
    for (uint32_t number = 1; number <= table_count(domain->portfolios.lots); number++)
        if (lot_get(&domain->portfolios, number)->quantity == 0)
            return number;
    fail_msg("no lot was sold out");
    return 0;
}

/* Adds one to a number of a record, and expects the audit to say `finding`. */
static void expect(struct proof *proof, struct domain *domain, struct table *table, uint32_t number, size_t at, size_t bytes,
                   const char *finding)
{
    assert_string_equal(audit(proof, domain), "");
    tables_begin(domain->tables);
    uint8_t *record = table_edit(table, number);
    uint64_t value = 0;
    memcpy(&value, record + at, bytes);
    value++;
    memcpy(record + at, &value, bytes);
    if (!*audit(proof, domain) || !strstr(proof->found.finding, finding))
        fail_msg("expected '%s', not '%s'", finding, proof->found.finding);
    tables_discard(domain->tables);
}

#define EXPECT(table, number, type, field, finding)                                                                            \
    expect(proof, &domain, table, number, offsetof(type, field), sizeof((type *)NULL)->field, finding)

static void cash_that_does_not_add_up_is_found(void **state)
{
    struct proof *proof = *state;
    struct domain domain;
    rebuild(proof, &domain);
    EXPECT(domain.accounts.records, 1, struct account_record, balance, "do not add up");
    EXPECT(domain.accounts.records, 2, struct account_record, held, "holds other funds");
    EXPECT(domain.accounts.records, 1, struct account_record, ledger, "no ledger");
    EXPECT(domain.accounts.ledgers, 1, struct ledger_record, customers.low, "do not add up");
    EXPECT(domain.accounts.ledgers, 1, struct ledger_record, clearing.low, "clearing");
    EXPECT(domain.accounts.ledgers, 1, struct ledger_record, house.low, "zero");
    EXPECT(domain.accounts.ledgers, 1, struct ledger_record, bank.high, "zero");
    EXPECT(domain.accounts.ledgers, 1, struct ledger_record, fee.low, "zero");
    uint32_t order = find_order(&domain, TRADING_SIDE_BUY, true);
    EXPECT(domain.orders.records, order, struct order_record, held, "holds other funds");
    order = find_order(&domain, TRADING_SIDE_BUY, false);
    EXPECT(domain.orders.records, order, struct order_record, held, "no open buy");
    domain_close(&domain);
}

static void shares_that_do_not_add_up_are_found(void **state)
{
    struct proof *proof = *state;
    struct domain domain;
    rebuild(proof, &domain);
    uint32_t lot = holding_get(&domain.portfolios, 1)->first_lot;
    EXPECT(domain.market.instruments, 1, struct instrument_record, house, "the shares of AAPL");
    EXPECT(domain.portfolios.holdings, 1, struct holding_record, quantity, "sum of its lots");
    EXPECT(domain.portfolios.holdings, 1, struct holding_record, cost_basis, "sum of its positions");
    EXPECT(domain.portfolios.holdings, 1, struct holding_record, realized, "sum of its positions");
    EXPECT(domain.portfolios.holdings, 1, struct holding_record, lot_reserved, "sum of its lots");
    EXPECT(domain.portfolios.holdings, 1, struct holding_record, reserved, "other shares reserved");
    EXPECT(domain.portfolios.lots, lot, struct lot_record, quantity, "sum of its lots");
    EXPECT(domain.portfolios.lots, lot, struct lot_record, cost, "sum of its lots");
    EXPECT(domain.portfolios.lots, lot, struct lot_record, holding, "not a lot of");
    EXPECT(domain.portfolios.lots, find_sold_lot(&domain), struct lot_record, quantity, "no position lists");
    EXPECT(domain.portfolios.records, 1, struct portfolio_record, cost_basis, "sum of its positions");
    EXPECT(domain.portfolios.records, 2, struct portfolio_record, realized, "sum of its positions");
    EXPECT(domain.portfolios.records, 1, struct portfolio_record, held, "sum of its positions");
    EXPECT(domain.portfolios.records, 1, struct portfolio_record, first_holding, "");
    EXPECT(domain.portfolios.owners, 1, struct owner_record, count, "not as many");
    EXPECT(domain.portfolios.owners, 2, struct owner_record, open, "not as many");
    domain_close(&domain);
}

static void books_that_are_not_of_their_orders_are_found(void **state)
{
    struct proof *proof = *state;
    struct domain domain;
    rebuild(proof, &domain);
    uint32_t level = find_level(&domain);
    uint32_t entry = level_get(&domain.market, level)->first;
    uint32_t sell = find_order(&domain, TRADING_SIDE_SELL, true);
    uint32_t portfolio = order_get(&domain.orders, sell)->portfolio;
    EXPECT(domain.market.levels, level, struct level_record, quantity, "sum of its entries");
    EXPECT(domain.market.levels, level, struct level_record, orders, "sum of its entries");
    EXPECT(domain.market.levels, level, struct level_record, price, "open there");
    EXPECT(domain.market.levels, level, struct level_record, book, "out of order");
    EXPECT(domain.market.instruments, 1, struct instrument_record, sides[0].vacant, "vacant");
    EXPECT(domain.market.instruments, 1, struct instrument_record, sides[1].latest, "vacant");
    EXPECT(domain.market.instruments, 1, struct instrument_record, sides[1].best, "");
    EXPECT(domain.market.entries, entry, struct entry_record, leaves, "open there");
    EXPECT(domain.market.entries, entry, struct entry_record, order, "open there");
    EXPECT(domain.orders.records, sell, struct order_record, filled, "other shares reserved");
    EXPECT(domain.orders.records, sell, struct order_record, limit, "open there");
    EXPECT(domain.orders.records, sell, struct order_record, holding, "never had");
    EXPECT(domain.orders.records, sell, struct order_record, bought, "did not buy");
    uint32_t filled = find_order(&domain, TRADING_SIDE_BUY, false);
    EXPECT(domain.orders.records, filled, struct order_record, bought, "did not buy");
    EXPECT(domain.orders.records, sell, struct order_record, instrument, "");
    EXPECT(domain.orders.desks, portfolio, struct desk_record, open, "not as many");
    EXPECT(domain.orders.desks, portfolio, struct desk_record, newest, "");
    EXPECT(domain.orders.session, 1, struct session_record, last_day, "day orders");
    domain_close(&domain);
}

int view_verify_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_store_is_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_store_is_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(verify_needs_its_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(verify_can_be_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flipped_bit_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_journal_that_lost_its_end_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_store_finds_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_view_of_the_past_needs_a_sound_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_record_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_too_many_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cash_that_does_not_add_up_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shares_that_do_not_add_up_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(books_that_are_not_of_their_orders_are_found, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
