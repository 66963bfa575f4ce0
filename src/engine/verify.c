/* Proving a store from its journal alone: every commit read and folded anew into a state of its own, that state compared record for
 * record with the one that views show, and its sums taken anew. */
#include "engine/verify.h"

#include "base/error.h"
#include "engine/audit.h"
#include "engine/engine.h"
#include "engine/replay.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How often the state of a busy engine is held still anew, when it went on too far while it was compared. */
#define VERIFY_ATTEMPTS 16u

struct verify {
    trading_engine *engine;
    trading_verification *found;
    struct domain own; /* the state that the journal amounts to */
    trading_progress progress;
    void *context;
};

/* Something is wrong: the first is what is told. The walk ended well all the same. */
__attribute__((format(printf, 3, 4))) static int32_t find(struct verify *verify, int64_t bad_position, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verify->found->finding, sizeof verify->found->finding, format, arguments);
    va_end(arguments);
    verify->found->bad_position = bad_position;
    return TRADING_OK;
}

static bool is_sound(const struct verify *verify)
{
    return verify->found->finding[0] == 0;
}

/* ---- the journal ---- */

/* Folds the journal up to the position. Where it is damaged, the commit that would come next is the bad one. */
static int32_t walk(struct verify *verify, int64_t to, trading_error *error)
{
    trading_error failure = {0};
    int32_t code =
        replay_journal(&verify->own, &verify->engine->journal, to, NULL, NULL, verify->progress, verify->context, &failure);
    int64_t reached = domain_mark(&verify->own)->next_position;
    if (code == TRADING_E_DAMAGED)
        return find(verify, reached, "%s", failure.message);
    if (code && error)
        *error = failure;
    if (code)
        return code;
    if (reached < to)
        return find(verify, reached, "the journal ends at position %" PRId64 ", before position %" PRId64 " that views show",
                    reached, to);
    return TRADING_OK;
}

/* ---- the state ---- */

static const char *const table_names[] = {
    [TABLE_MARK] = "mark",
    [TABLE_ACCOUNTS] = "account",
    [TABLE_LEDGERS] = "ledger",
    [TABLE_PORTFOLIOS] = "portfolio",
    [TABLE_OWNERS] = "portfolios of account",
    [TABLE_HOLDINGS] = "position",
    [TABLE_LOTS] = "lot",
    [TABLE_ORDERS] = "order",
    [TABLE_DESKS] = "orders of portfolio",
    [TABLE_SESSION] = "session",
    [TABLE_INSTRUMENTS] = "instrument",
    [TABLE_LEVELS] = "price level",
    [TABLE_ENTRIES] = "book entry",
    [TABLE_EXCHANGE] = "exchange",
    [TABLE_CURSORS] = "cursor",
    [TABLE_ACCOUNT_DETAILS] = "account's details",
    [TABLE_RESTING] = "resting order",
    [TABLE_PEERS] = "messages of partition",
    [TABLE_ALIASES] = "alias",
    [TABLE_SPLITS] = "split",
};
#define TABLES (sizeof table_names / sizeof *table_names)

/* The tables in the order of their numbers. */
static void tables_of(const struct domain *domain, const struct table *tables[TABLES])
{
    const struct table *all[TABLES] = {
        [TABLE_MARK] = domain->mark,
        [TABLE_ACCOUNTS] = domain->accounts.records,
        [TABLE_LEDGERS] = domain->accounts.ledgers,
        [TABLE_PORTFOLIOS] = domain->portfolios.records,
        [TABLE_OWNERS] = domain->portfolios.owners,
        [TABLE_HOLDINGS] = domain->portfolios.holdings,
        [TABLE_LOTS] = domain->portfolios.lots,
        [TABLE_ORDERS] = domain->orders.records,
        [TABLE_DESKS] = domain->orders.desks,
        [TABLE_SESSION] = domain->orders.session,
        [TABLE_INSTRUMENTS] = domain->market.instruments,
        [TABLE_LEVELS] = domain->market.levels,
        [TABLE_ENTRIES] = domain->market.entries,
        [TABLE_EXCHANGE] = domain->market.exchange,
        [TABLE_CURSORS] = domain->cursors,
        [TABLE_ACCOUNT_DETAILS] = domain->accounts.details,
        [TABLE_RESTING] = domain->orders.resting,
        [TABLE_PEERS] = domain->peers,
        [TABLE_ALIASES] = domain->accounts.aliases,
        [TABLE_SPLITS] = domain->splits,
    };
    memcpy(tables, all, sizeof all);
}

/* Which entity a record is of, as the journal has it; empty for records that no id names. */
static void name_entity(const struct domain *own, uint32_t id, uint32_t number, char text[TRADING_ID_TEXT])
{
    text[0] = 0;
    if (id == TABLE_ACCOUNTS || id == TABLE_OWNERS || id == TABLE_ACCOUNT_DETAILS)
        trading_id_format(TRADING_ENTITY_ACCOUNT, &account_get(&own->accounts, number)->id, text);
    else if (id == TABLE_PORTFOLIOS || id == TABLE_DESKS)
        trading_id_format(TRADING_ENTITY_PORTFOLIO, &portfolio_get(&own->portfolios, number)->id, text);
    else if (id == TABLE_ORDERS)
        trading_id_format(TRADING_ENTITY_ORDER, &order_get(&own->orders, number)->id, text);
    else if (id == TABLE_INSTRUMENTS)
        snprintf(text, TRADING_ID_TEXT, "%.16s", instrument_get(&own->market, number)->symbol.text);
}

static int32_t compare_table(struct verify *verify, uint32_t id, const struct table *own, const struct table *live,
                             struct pin *pin)
{
    uint64_t mine[TABLE_RECORD_BYTES / sizeof(uint64_t)];
    uint64_t shown[TABLE_RECORD_BYTES / sizeof(uint64_t)];
    size_t bytes = tables_record_bytes(verify->own.tables, id);
    uint32_t count = table_installed(own, NULL);
    if (count != table_installed(live, pin))
        return find(verify, POSITION_NONE, "the state has %u records of the table '%s', the journal makes %u",
                    table_installed(live, pin), table_names[id], count);
    for (uint32_t number = 1; number <= count && is_sound(verify); number++) {
        table_read(own, number, NULL, mine);
        if (table_read(live, number, pin, shown) == TABLE_EXPIRED)
            return TRADING_E_VIEW_EXPIRED;
        if (memcmp(mine, shown, bytes) == 0)
            continue;
        char entity[TRADING_ID_TEXT];
        name_entity(&verify->own, id, number, entity);
        find(verify, POSITION_NONE, "the state shows another record %u of the table '%s' (%s) than the journal makes", number,
             table_names[id], entity);
    }
    return TRADING_OK;
}

static int32_t compare(struct verify *verify, struct pin *pin)
{
    const struct table *own[TABLES];
    const struct table *live[TABLES];
    tables_of(&verify->own, own);
    tables_of(&verify->engine->domain, live);
    int32_t code = TRADING_OK;
    for (uint32_t id = 0; id < TABLES && !code && is_sound(verify); id++)
        code = compare_table(verify, id, own[id], live[id], pin);
    return code;
}

/* Holds the live state still, brings the own one to the same position, and compares the two. TRADING_E_VIEW_EXPIRED: the engine went on
 * too far meanwhile. */
static int32_t catch_up_and_compare(struct verify *verify, trading_error *error)
{
    const struct domain *live = &verify->engine->domain;
    struct pin *pin = tables_pin(live->tables);
    if (!pin)
        return error_no_memory(error, "a hold on the state");
    struct mark_record mark;
    int32_t code = table_read(live->mark, 1, pin, &mark) == TABLE_FOUND ? TRADING_OK : TRADING_E_VIEW_EXPIRED;
    if (!code)
        code = walk(verify, mark.next_position, error);
    if (!code && is_sound(verify))
        code = compare(verify, pin);
    tables_unpin(pin);
    return code;
}

static int32_t check_state(struct verify *verify, trading_error *error)
{
    int32_t code = TRADING_E_VIEW_EXPIRED;
    for (uint32_t attempt = 0; attempt < VERIFY_ATTEMPTS && code == TRADING_E_VIEW_EXPIRED; attempt++)
        code = catch_up_and_compare(verify, error);
    if (code == TRADING_E_VIEW_EXPIRED)
        return error_set(error, code,
                         "the engine writes faster than its state can be compared: verify when it is less busy, or "
                         "open it with more view_bytes");
    return code;
}

/* ---- the whole ---- */

static int32_t check_store(struct verify *verify, trading_error *error)
{
    const trading_store_ops *ops = verify->engine->ops;
    trading_error failure = {0};
    int32_t code = ops->check ? ops->check(verify->engine->store, &failure) : TRADING_OK;
    if (code == TRADING_E_DAMAGED)
        return find(verify, POSITION_NONE, "%s", failure.message);
    if (code && error)
        *error = failure;
    return code;
}

static int32_t check_sums(struct verify *verify, trading_error *error)
{
    return audit_domain(&verify->own, &verify->engine->memory, verify->found->finding, sizeof verify->found->finding, error);
}

/* Sums over the partitions; the hash is that of the only one, or of the hashes of all. */
static void count(struct verify *verify)
{
    const struct domain *own = &verify->own;
    const struct mark_record *mark = domain_mark(own);
    trading_verification *found = verify->found;
    found->sound = is_sound(verify);
    found->position += mark->next_position;
    found->commits += mark->commits;
    found->events += (uint64_t)mark->next_position;
    const struct split_record *gone = table_get(own->splits, table_count(own->splits));
    found->accounts += table_count(own->accounts.records) - gone->accounts;
    found->portfolios += table_count(own->portfolios.records) - gone->portfolios;
    found->orders += table_count(own->orders.records) - gone->orders;
    found->currencies += table_count(own->accounts.ledgers);
    found->instruments += table_count(own->market.instruments);
    if (!verify->engine->partitions) {
        memcpy(found->hash, own->digest, sizeof found->hash);
        return;
    }
    uint8_t both[2][COMMIT_DIGEST_BYTES];
    memcpy(both[0], found->hash, sizeof both[0]);
    memcpy(both[1], own->digest, sizeof both[1]);
    crypto_generichash(found->hash, sizeof found->hash, both[0], sizeof both, NULL, 0);
}

static int32_t prove(struct verify *verify, trading_error *error)
{
    int32_t code = check_store(verify, error);
    if (!code && is_sound(verify))
        code = walk(verify, engine_durable(verify->engine), error);
    if (!code && is_sound(verify))
        code = check_state(verify, error);
    if (!code && is_sound(verify))
        code = check_sums(verify, error);
    return code;
}

/* ---- several partitions ---- */

/* How far a partition must be read for the others: behind the newest of its messages that any of them has applied. */
static int64_t least_position(const trading_engine *engine, const struct verify *verifies, uint32_t sender)
{
    int64_t least = 0;
    for (uint32_t i = 0; i < engine->partitions->count; i++) {
        int64_t received = domain_peer(&verifies[i].own, sender)->received;
        least = i != sender && received > least ? received : least;
    }
    return least;
}

/* Beside writers in other processes the partitions were read one after another, so that of a message the end may be there and not the
 * beginning: each is read on as far as the others have it, and no farther. What that brings may need more; but all of it was there before what it
 * is needed for, so there is an end however much is written meanwhile. */
static int32_t close_cut(trading_engine *engine, struct verify *verifies, trading_error *error)
{
    bool closed = false;
    while (!closed) {
        closed = true;
        for (uint32_t i = 0; i < engine->partitions->count; i++) {
            int64_t least = least_position(engine, verifies, i);
            if (domain_mark(&verifies[i].own)->next_position >= least)
                continue;
            closed = false;
            int32_t code = walk(&verifies[i], least, error);
            if (code || !is_sound(&verifies[i]))
                return code;
        }
    }
    return TRADING_OK;
}

/* All at one moment, which is after each was proved. */
static int32_t bring_to_one_moment(trading_engine *engine, struct verify *verifies, trading_error *error)
{
    int64_t ends[ENGINE_PARTITIONS_MAX] = {0};
    int32_t code = TRADING_OK;
    pthread_rwlock_wrlock(&engine->partitions->cut);
    for (uint32_t i = 0; i < engine->partitions->count; i++) {
        struct mark_record mark = {0};
        table_read(engine->partitions->at[i]->domain.mark, 1, NULL, &mark);
        ends[i] = mark.next_position;
    }
    pthread_rwlock_unlock(&engine->partitions->cut);
    for (uint32_t i = 0; i < engine->partitions->count && !code; i++)
        code = walk(&verifies[i], ends[i], error);
    return code || !is_sound(&verifies[0]) ? code : close_cut(engine, verifies, error);
}

static int32_t prove_between(trading_engine *engine, struct verify *verifies, trading_error *error)
{
    struct domain domains[ENGINE_PARTITIONS_MAX];
    struct journal journals[ENGINE_PARTITIONS_MAX];
    const char *finding = NULL;
    int32_t code = bring_to_one_moment(engine, verifies, error);
    if (code || !is_sound(&verifies[0]))
        return code;
    for (uint32_t i = 0; i < engine->partitions->count; i++) {
        domains[i] = verifies[i].own;
        journals[i] = engine->partitions->at[i]->journal;
    }
    struct parts parts = {.count = engine->partitions->count, .at = domains};
    code = verify_between(&parts, journals, &engine->memory, &finding, error);
    return code || !finding ? code : find(&verifies[0], POSITION_NONE, "%s", finding);
}

static int32_t prove_all(trading_engine *engine, struct verify *verifies, trading_error *error)
{
    uint32_t parts = engine_part_count(engine);
    int32_t code = TRADING_OK;
    for (uint32_t i = 0; i < parts && !code && is_sound(&verifies[0]); i++)
        code = prove(&verifies[i], error);
    if (!code && engine->partitions && is_sound(&verifies[0]))
        code = prove_between(engine, verifies, error);
    for (uint32_t i = 0; i < parts && !code; i++)
        count(&verifies[i]);
    return code;
}

static int32_t verify_all(trading_engine *engine, const struct verify *pattern, trading_error *error)
{
    uint32_t parts = engine_part_count(engine);
    int32_t code = TRADING_OK;
    uint32_t opened = 0;
    struct verify *verifies = memory_zeroed(&engine->memory, parts, sizeof *verifies);
    if (!verifies)
        return error_no_memory(error, "the proof of an engine");
    for (; opened < parts; opened++) {
        verifies[opened] = *pattern;
        verifies[opened].engine = engine_part(engine, opened);
        code = engine_past_domain(verifies[opened].engine, &verifies[opened].own, 0, false, error);
        if (code)
            break;
    }
    if (!code)
        code = prove_all(engine, verifies, error);
    while (opened)
        domain_close(&verifies[--opened].own);
    memory_release(&engine->memory, verifies, parts * sizeof *verifies);
    return code;
}

int32_t trading_engine_verify(trading_engine *engine, trading_verification *verification, trading_progress progress,
                              void *context, trading_error *error)
{
    if (!engine || !verification || verification->size != sizeof *verification)
        return error_set(error, TRADING_E_INVALID, "trading_engine_verify needs an engine and an initialised verification");
    int32_t code = host_check(engine->host, error);
    if (code)
        return code;
    *verification = (trading_verification){.size = sizeof *verification, .bad_position = POSITION_NONE};
    struct verify pattern = {.found = verification, .progress = progress, .context = context};
    engine_enter(engine);
    code = atomic_load(&engine->closing) ? error_set(error, TRADING_E_CLOSED, "the engine is being closed")
                                         : verify_all(engine, &pattern, error);
    engine_leave(engine);
    return code ? code : error_clear(error);
}
