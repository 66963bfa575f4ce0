/* A journal folded by who decodes it, and with threads that read and decode ahead: the same state, entries and errors, wherever it ends. */
#include "base/error.h"
#include "desk.h"
#include "engine/engine.h"
#include "engine/replay.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMMITS 400u
#define TEXTS   900u /* aliases, of which one commit has many: their text fills more than one batch's first room */
#define BATCH   3000u

/* The commits of an engine's journal, each framed anew, so that one may say something else. */
struct shelf {
    trading_store_commit commits[COMMITS];
    size_t count;
    struct memory memory;
    struct journal journal;
    uint8_t previous[COMMIT_DIGEST_BYTES];
    int64_t spoiled; /* position of the first event of the commit that is changed; −1: none */
    void (*spoil)(uint8_t *body, size_t size);
};

/* Boasts of so many events that reading ahead is worth threads. */
static int32_t shelf_head(void *store, uint32_t partition, trading_store_head *head, trading_error *error)
{
    (void)store;
    (void)partition;
    *head = (trading_store_head){.next_position = 1 << 20};
    return error_clear(error);
}

static int32_t shelf_read(void *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                          trading_error *error)
{
    const struct shelf *shelf = store;
    (void)partition;
    for (size_t i = 0; i < shelf->count; i++) {
        const trading_store_commit *commit = &shelf->commits[i];
        if (commit->first_position + commit->event_count > from && visit(arg, commit))
            break;
    }
    return error_clear(error);
}

static const trading_store_ops shelf_ops = {
    .size = sizeof shelf_ops, .abi = TRADING_PLUGIN_ABI, .head = shelf_head, .read = shelf_read};

static int32_t put_commit(void *arg, const struct commit *commit, trading_error *error)
{
    struct shelf *shelf = arg;
    struct commit_builder builder;
    struct commit header = *commit;
    (void)error;
    MUST(shelf->count < COMMITS);
    MUST(commit_builder_open(&builder, &shelf->memory, commit->body_size, 0, NULL) == TRADING_OK);
    uint8_t *body = builder.body.at;
    write_bytes(&builder.body, commit->body, commit->body_size);
    if (commit->first_position == shelf->spoiled)
        shelf->spoil(body, commit->body_size);
    memcpy(header.previous, shelf->previous, sizeof header.previous);
    trading_store_commit *stored = &shelf->commits[shelf->count++];
    MUST(commit_build(&builder, &header, stored, NULL) == TRADING_OK);
    memcpy(shelf->previous, header.digest, sizeof shelf->previous);
    void *bytes = malloc(stored->size);
    memcpy(bytes, stored->data, stored->size);
    stored->data = bytes;
    commit_builder_close(&builder);
    return TRADING_OK;
}

static void fill_shelf(struct shelf *shelf, const struct desk *desk, int64_t spoiled, void (*spoil)(uint8_t *body, size_t size))
{
    *shelf = (struct shelf){.spoiled = spoiled, .spoil = spoil};
    memory_init(&shelf->memory);
    shelf->journal = (struct journal){.ops = &shelf_ops, .store = shelf, .memory = &shelf->memory};
    MUST(journal_walk(&desk->engine->journal, 0, put_commit, shelf, NULL) == TRADING_OK);
}

static void clear_shelf(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        free((void *)shelf->commits[i].data);
    assert_int_equal(shelf->memory.bytes, 0);
}

/* ---- a journal with some of everything ---- */

static void execute_many(struct desk *desk, const struct client *client, int32_t type, const void *bodies, size_t body_size,
                         uint32_t count)
{
    static trading_command commands[BATCH];
    static trading_result results[BATCH];
    for (uint32_t i = 0; i < count; i++)
        commands[i] = (trading_command){
            .type = type, .account = client->account, .body = (const uint8_t *)bodies + i * body_size, .body_size = body_size};
    MUST(trading_engine_execute(desk->engine, commands, count, results, NULL) == TRADING_OK);
    for (uint32_t i = 0; i < count; i++)
        MUST(results[i].status == TRADING_STATUS_ACCEPTED);
}

/* In one commit: more than a batch. */
static void deposit_many(struct desk *desk, const struct client *client)
{
    static trading_cash bodies[BATCH];
    for (uint32_t i = 0; i < BATCH; i++) {
        bodies[i] = (trading_cash)TRADING_CASH_INIT;
        bodies[i].amount = TRADING_DECIMAL_ONE * (1 + i % 7);
    }
    execute_many(desk, client, TRADING_COMMAND_DEPOSIT, bodies, sizeof bodies[0], BATCH);
}

static void bind_many(struct desk *desk, const struct client *client)
{
    static trading_bind_alias bodies[TEXTS];
    static char spaces[TEXTS][24];
    static char names[TEXTS][40];
    for (uint32_t i = 0; i < TEXTS; i++) {
        bodies[i] = (trading_bind_alias)TRADING_BIND_ALIAS_INIT;
        bodies[i].space = (trading_text){.data = spaces[i], .length = (size_t)snprintf(spaces[i], sizeof spaces[i], "s%u", i)};
        bodies[i].name =
            (trading_text){.data = names[i], .length = (size_t)snprintf(names[i], sizeof names[i], "the name of number %u", i)};
    }
    execute_many(desk, client, TRADING_COMMAND_BIND_ALIAS, bodies, sizeof bodies[0], TEXTS);
}

static void acknowledge(struct desk *desk, const char *cursor, int64_t position)
{
    trading_feed *feed;
    MUST(trading_feed_open(&feed, desk->engine, 0, NULL, cursor, NULL) == TRADING_OK);
    MUST(trading_feed_acknowledge(feed, position, NULL) == TRADING_OK);
    trading_feed_close(feed);
}

static void open_desk(struct desk *desk)
{
    struct client clients[40];
    desk_open_memory(desk);
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
        clients[i] = desk_client(desk, 1000);
    deposit_many(desk, &clients[0]);
    desk_quote(desk, "AAPL", 99 * TRADING_DECIMAL_ONE, 100 * TRADING_DECIMAL_ONE);
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        desk_order(desk, &clients[i], "AAPL", TRADING_SIDE_BUY, 2, 0);
        desk_order(desk, &clients[i], "AAPL", i % 2 ? TRADING_SIDE_SELL : TRADING_SIDE_BUY, 1, 98 * TRADING_DECIMAL_ONE);
        desk_cash(desk, TRADING_COMMAND_WITHDRAW, &clients[i].account, TRADING_DECIMAL_ONE);
    }
    bind_many(desk, &clients[1]);
    acknowledge(desk, "a cursor of some length", 17);
    deposit_many(desk, &clients[2]);
    acknowledge(desk, "a cursor of some length", 19);
}

/* ---- folding it in either way ---- */

struct outcome_of {
    struct domain domain;
    int32_t code;
    trading_error error;
    uint64_t entries;
    uint64_t positions; /* where they stand, summed */
};

static bool count_entry(void *arg, const struct cause *cause, int64_t position, trading_time time)
{
    struct outcome_of *outcome = arg;
    (void)time;
    outcome->entries++;
    outcome->positions += (uint64_t)position + cause->key.bytes[3];
    return true;
}

struct patience {
    int64_t until;
};

static int32_t lose_patience(void *context, int64_t done, int64_t all)
{
    const struct patience *patience = context;
    (void)all;
    return done >= patience->until;
}

static void fold(const struct desk *desk, struct shelf *shelf, bool ahead, int64_t to, struct patience *patience,
                 struct outcome_of *outcome)
{
    *outcome = (struct outcome_of){0};
    shelf->journal.reads_ahead = ahead;
    MUST(engine_past_domain(desk->engine, &outcome->domain, 0, false, NULL) == TRADING_OK);
    outcome->code =
        replay_journal(&outcome->domain, &shelf->journal, to, count_entry, outcome, lose_patience, patience, &outcome->error);
    MUST(!domain_failed(&outcome->domain));
}

static void expect_same_table(const struct table *one, const struct table *other, uint32_t bytes)
{
    assert_int_equal(table_count(one), table_count(other));
    for (uint32_t number = 1; number <= table_count(one); number++)
        assert_memory_equal(table_get(one, number), table_get(other, number), bytes);
}

static void expect_same(const struct domain *one, const struct domain *other)
{
    assert_memory_equal(one->digest, other->digest, sizeof one->digest);
    expect_same_table(one->mark, other->mark, sizeof(struct mark_record));
    expect_same_table(one->accounts.records, other->accounts.records, sizeof(struct account_record));
    expect_same_table(one->accounts.ledgers, other->accounts.ledgers, sizeof(struct ledger_record));
    expect_same_table(one->accounts.aliases, other->accounts.aliases, sizeof(struct alias_record));
    expect_same_table(one->orders.records, other->orders.records, sizeof(struct order_record));
    expect_same_table(one->portfolios.lots, other->portfolios.lots, sizeof(struct lot_record));
    expect_same_table(one->cursors, other->cursors, sizeof(struct cursor_record));
}

/* Folds it both ways, and expects no difference but that entries may be told of that were not folded. */
static int64_t expect_alike(const struct desk *desk, struct shelf *shelf, int64_t to, int64_t until, int32_t code,
                            const char *said)
{
    struct outcome_of alone;
    struct outcome_of ahead;
    struct patience patience = {.until = until};
    fold(desk, shelf, false, to, &patience, &alone);
    fold(desk, shelf, true, to, &patience, &ahead);
    assert_int_equal(alone.code, code);
    assert_int_equal(ahead.code, code);
    if (code) {
        assert_string_equal(ahead.error.message, alone.error.message);
        if (!strstr(alone.error.message, said))
            fail_msg("expected '%s', not '%s'", said, alone.error.message);
        assert_true(ahead.entries >= alone.entries);
    } else {
        assert_int_equal(ahead.entries, alone.entries);
        assert_int_equal(ahead.positions, alone.positions);
    }
    expect_same(&ahead.domain, &alone.domain);
    int64_t reached = domain_mark(&ahead.domain)->next_position;
    domain_close(&alone.domain);
    domain_close(&ahead.domain);
    return reached;
}

static void both_ways_come_to_the_same(void **state)
{
    (void)state;
    struct desk desk;
    struct shelf shelf;
    struct outcome_of ahead;
    struct patience patience = {.until = INT64_MAX};
    open_desk(&desk);
    fill_shelf(&shelf, &desk, -1, NULL);
    int64_t end = desk_next_position(&desk);
    assert_int_equal(expect_alike(&desk, &shelf, INT64_MAX, INT64_MAX, TRADING_OK, NULL), end);
    fold(&desk, &shelf, true, INT64_MAX, &patience, &ahead); /* and to what was decided */
    memcpy(ahead.domain.digest, desk.engine->domain.digest, sizeof ahead.domain.digest);
    expect_same(&ahead.domain, &desk.engine->domain);
    domain_close(&ahead.domain);
    clear_shelf(&shelf);
    desk_close(&desk);
}

static uint64_t stamp_of(const struct table *table, uint32_t number)
{
    return place_head(table, place_of(table, number))->stamp;
}

/* What is folded before anybody looks saves nothing; what an engine that is open decides does. */
static void what_nobody_sees_is_folded_without_stamps(void **state)
{
    (void)state;
    struct desk desk;
    struct shelf shelf;
    struct outcome_of folded;
    struct patience patience = {.until = INT64_MAX};
    open_desk(&desk);
    fill_shelf(&shelf, &desk, -1, NULL);
    fold(&desk, &shelf, true, INT64_MAX, &patience, &folded);
    assert_true(folded.domain.unseen && stamp_of(folded.domain.accounts.records, 1) == 0);
    assert_true(!desk.engine->domain.unseen && stamp_of(desk.engine->domain.accounts.records, 1) != 0);
    domain_close(&folded.domain);
    clear_shelf(&shelf);
    desk_close(&desk);
}

static void it_ends_before_a_position_and_goes_on_from_there(void **state)
{
    (void)state;
    struct desk desk;
    struct shelf shelf;
    open_desk(&desk);
    fill_shelf(&shelf, &desk, -1, NULL);
    for (size_t i = 1; i < shelf.count; i += 23) {
        int64_t at = shelf.commits[i].first_position;
        assert_int_equal(expect_alike(&desk, &shelf, at, INT64_MAX, TRADING_OK, NULL), at);
        assert_int_equal(expect_alike(&desk, &shelf, INT64_MAX, at, TRADING_E_STOPPED, "stopped at position"), at);
        struct outcome_of outcome;
        struct patience patience = {.until = INT64_MAX};
        fold(&desk, &shelf, true, at, &patience, &outcome);
        outcome.domain.has_digest = i % 2 == 0; /* as of a snapshot, which does not know it */
        assert_int_equal(replay_journal(&outcome.domain, &shelf.journal, INT64_MAX, NULL, NULL, NULL, NULL, NULL), TRADING_OK);
        assert_int_equal(domain_mark(&outcome.domain)->next_position, desk_next_position(&desk));
        domain_close(&outcome.domain);
    }
    clear_shelf(&shelf);
    desk_close(&desk);
}

/* ---- damage that has the right digest ---- */

static void cut_last_event(uint8_t *body, size_t size)
{
    memset(body + size - 6, 0xff, 6);
}

/* The commit is of deposits alone: one of them becomes a withdrawal of what is not there. */
static void withdraw_instead(uint8_t *body, size_t size)
{
    struct reader reader = {.at = body, .end = body + size};
    struct cause cause;
    struct event event;
    uint32_t events;
    int64_t position = 1 << 20; /* no matter which */
    for (uint32_t i = 0; i < 1500; i++) {
        entry_read(&reader, &cause, &events);
        uint8_t *kind = body + (reader.at - body);
        event_read(&reader, position, &event);
        MUST(event.kind == TRADING_EVENT_FUNDS_DEPOSITED);
        *kind = TRADING_EVENT_FUNDS_WITHDRAWN;
        entry_read_version(&reader);
    }
}

static void fall_out_of_step(uint8_t *body, size_t size)
{
    struct reader reader = {.at = body, .end = body + size};
    struct cause cause;
    uint32_t events;
    entry_read(&reader, &cause, &events);
    body[reader.at - body + 1] ^= 4; /* another account */
}

/* The first entry takes as many bytes as before, but says that it applies a message, which a store of one partition never has. */
static void apply_a_message(uint8_t *body, size_t size)
{
    struct reader reader = {.at = body, .end = body + size};
    struct writer writer = {.at = body, .end = body + size};
    struct cause cause;
    struct entry_mark mark;
    uint32_t events;
    entry_read(&reader, &cause, &events);
    cause.flags |= ENTRY_MESSAGE;
    cause.actor = cause.key;
    cause.partition = 1;
    cause.position = INT64_C(1) << 42; /* of seven bytes */
    entry_begin(&writer, &cause, &mark);
    MUST(writer.at == reader.at && events == 1);
    mark.count[0] = 1;
    mark.count[1] = 0;
}

static void damage_ends_both_at_the_same_place(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(uint8_t *body, size_t size);
        const char *said;
    } cases[] = {
        {cut_last_event, "cannot be read"},
        {withdraw_instead, "more than its balance"},
        {fall_out_of_step, "does not follow"},
        {apply_a_message, "from no other partition"},
    };
    struct desk desk;
    struct shelf shelf;
    open_desk(&desk);
    fill_shelf(&shelf, &desk, -1, NULL);
    int64_t spoiled = 0;
    for (size_t i = 0; i < shelf.count; i++)
        if (shelf.commits[i].event_count == BATCH)
            spoiled = shelf.commits[i].first_position; /* the later of the two large ones */
    clear_shelf(&shelf);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fill_shelf(&shelf, &desk, spoiled, cases[i].spoil);
        assert_int_equal(expect_alike(&desk, &shelf, INT64_MAX, INT64_MAX, TRADING_E_DAMAGED, cases[i].said), spoiled);
        clear_shelf(&shelf);
    }
    desk_close(&desk);
}

/* ---- text ---- */

static void expect_inside(const struct event_batch *batch, const void *text, uint32_t size)
{
    const uint8_t *at = text;
    assert_true(size == 0 || (at >= batch->text && at + size <= batch->text + batch->text_bytes));
}

/* How much text the event has. */
static uint64_t expect_own_text(const struct event_batch *batch, const struct event *event)
{
    switch (event->kind) {
    case TRADING_EVENT_ACCOUNT_OPENED:
    case TRADING_EVENT_ALIAS_BOUND:
        expect_inside(batch, event->account.sealed, event->account.sealed_size);
        expect_inside(batch, event->account.alias_space, event->account.alias_space_size);
        expect_inside(batch, event->account.alias_name, event->account.alias_name_size);
        return event->account.sealed_size + event->account.alias_space_size + event->account.alias_name_size;
    case TRADING_EVENT_PORTFOLIO_OPENED:
        expect_inside(batch, event->portfolio.sealed, event->portfolio.sealed_size);
        return event->portfolio.sealed_size;
    case TRADING_EVENT_CURSOR_ACKNOWLEDGED:
        expect_inside(batch, event->cursor.name, event->cursor.name_size);
        return event->cursor.name_size;
    default:
        return 0;
    }
}

/* A batch may be folded when its commits are gone. */
static void text_lies_in_the_batch(void **state)
{
    (void)state;
    struct desk desk;
    struct shelf shelf;
    struct event_batch *batch;
    uint64_t events = 0;
    uint64_t bytes = 0;
    open_desk(&desk);
    fill_shelf(&shelf, &desk, -1, NULL);
    struct events_ahead *ahead = events_ahead_open(&shelf.journal, 0, INT64_MAX, NULL, NULL);
    assert_non_null(ahead);
    while ((batch = events_ahead_take(ahead)) != NULL) {
        for (uint32_t i = 0; i < batch->events; i++)
            bytes += expect_own_text(batch, &batch->steps[i].event);
        events += batch->events;
        events_ahead_release(ahead);
    }
    assert_int_equal(events_ahead_close(ahead, NULL), TRADING_OK);
    assert_int_equal(events, desk_next_position(&desk));
    assert_true(bytes > UINT64_C(10) * TEXTS);
    clear_shelf(&shelf);
    desk_close(&desk);
}

/* ---- memory ---- */

static void *page_at(const void *at)
{
    uintptr_t bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    return (void *)((uintptr_t)at / bytes * bytes);
}

static bool is_in_memory(const void *at)
{
    unsigned char found = 0;
    MUST(!mincore(page_at(at), 1, &found));
    return found & 1;
}

/* Before Linux 5.14 it cannot, and nothing happens. */
static bool system_can(const void *at)
{
    return !madvise(page_at(at), 1, MADV_POPULATE_WRITE);
}

/* Of the records' pages alone, where nobody looks at heads. */
static void the_thread_makes_memory_of_what_tables_grow_into(void **state)
{
    (void)state;
    struct desk desk;
    struct shelf shelf;
    struct tables *tables;
    struct table *table;
    uint32_t number;
    open_desk(&desk);
    fill_shelf(&shelf, &desk, -1, NULL);
    MUST(!tables_open(&tables, &shelf.memory, 0, NULL) && !tables_add(tables, 0, 8, &table, NULL));
    MUST(tables_begin_unseen(tables));
    for (uint32_t i = 0; i < 70 * TABLE_PAGE_BYTES / 8; i++)
        table_append(table, &number);
    struct events_ahead *ahead = events_ahead_open(&shelf.journal, 0, INT64_MAX, NULL, NULL);
    assert_non_null(ahead);
    while (events_ahead_take(ahead)) {
        events_ahead_grow(ahead, tables);
        events_ahead_release(ahead);
    }
    assert_int_equal(events_ahead_close(ahead, NULL), TRADING_OK);
    struct place next = place_of_page(table, page_of(table, number) + 4);
    assert_true(is_in_memory(place_record(table, next)) == system_can(&desk) && !is_in_memory(place_head(table, next)));
    tables_close(tables);
    clear_shelf(&shelf);
    desk_close(&desk);
}

static _Atomic int64_t allocations_left;

static void *allocate_rationed(void *context, size_t bytes)
{
    (void)context;
    return atomic_fetch_sub(&allocations_left, 1) > 0 ? malloc(bytes) : NULL;
}

static void release_rationed(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

/* Every allocation that fails ends it, with whole commits folded; with enough of them it comes to its end. */
static void without_memory_it_fails_alone(void **state)
{
    (void)state;
    struct desk desk;
    struct shelf shelf;
    int32_t code = TRADING_E_NO_MEMORY;
    open_desk(&desk);
    fill_shelf(&shelf, &desk, -1, NULL);
    uint32_t failed = 0;
    for (int64_t allocations = 0; code; allocations++, failed++) {
        struct outcome_of outcome;
        struct patience patience = {.until = INT64_MAX};
        struct memory rationed = {.allocate = allocate_rationed, .release = release_rationed};
        shelf.journal.memory = &rationed;
        atomic_store(&allocations_left, allocations);
        fold(&desk, &shelf, true, INT64_MAX, &patience, &outcome);
        code = outcome.code;
        assert_int_equal(code, outcome.error.code);
        assert_true(!code || code == TRADING_E_NO_MEMORY);
        assert_int_equal(rationed.bytes, 0);
        if (!code)
            assert_int_equal(domain_mark(&outcome.domain)->next_position, desk_next_position(&desk));
        domain_close(&outcome.domain);
    }
    assert_true(failed > 3);
    shelf.journal.memory = &shelf.memory;
    clear_shelf(&shelf);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_come_to_the_same),
        cmocka_unit_test(what_nobody_sees_is_folded_without_stamps),
        cmocka_unit_test(it_ends_before_a_position_and_goes_on_from_there),
        cmocka_unit_test(damage_ends_both_at_the_same_place),
        cmocka_unit_test(text_lies_in_the_batch),
        cmocka_unit_test(the_thread_makes_memory_of_what_tables_grow_into),
        cmocka_unit_test(without_memory_it_fails_alone),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
