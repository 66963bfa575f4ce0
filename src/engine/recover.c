/* From what is stored to the state: at opening, after a failed append, and for views of the past. */
#include "base/error.h"
#include "base/id.h"
#include "engine/recall.h"
#include "engine/replay.h"
#include "state/checkpoint.h"
#include "state/snapshot.h"

#include <inttypes.h>

static int32_t open_domain(trading_engine *engine, struct domain *domain, trading_error *error)
{
    int32_t code = domain_open(domain, &engine->memory, engine->options.view_bytes, error);
    domain->place = (struct partitioning){.partition = engine->partition, .partitions = engine->parts};
    domain->unseen = true;
    return code;
}

/* Folds what the journal has beyond the state, and leaves the keys of its commands, where they are kept. */
static int32_t replay_tail(trading_engine *engine, trading_error *error)
{
    struct recollection recollection;
    if (!engine->keys)
        return replay_journal(&engine->domain, &engine->journal, INT64_MAX, NULL, NULL, NULL, NULL, error);
    recollection_begin(&recollection, engine);
    int32_t code =
        replay_journal(&engine->domain, &engine->journal, INT64_MAX, recollection_take, &recollection, NULL, NULL, error);
    bool kept = recollection_end(&recollection);
    if (code) /* they may be of commands that were not folded */
        keys_discard(engine->keys, domain_mark(&engine->domain)->next_position);
    return code || kept ? code : error_no_memory(error, "the keys of past commands");
}

int32_t engine_catch_up(trading_engine *engine, trading_error *error)
{
    domain_discard(&engine->domain);
    if (engine->keys)
        keys_discard(engine->keys, domain_mark(&engine->domain)->next_position);
    engine->past.commit.events = 0;
    int32_t code = replay_tail(engine, error);
    int64_t position = domain_mark(&engine->domain)->next_position;
    trading_store_head head;
    if (!code)
        code = engine->ops->head(engine->store, engine->partition, &head, error);
    if (!code && head.next_position < position)
        code = error_set(error, TRADING_E_DAMAGED,
                         "the journal ends at position %" PRId64 ", but %" PRId64
                         " were durable: it lost commits, or was replaced",
                         head.next_position, position);
    atomic_store_explicit(&engine->durable, position, memory_order_release);
    if (engine->keys)
        keys_durable(engine->keys, position);
    return code;
}

/* ---- snapshots ---- */

/* The newest at or before *position, which becomes its own, also where the store finds it damaged; −1: there is none. */
static int32_t load_snapshot(trading_engine *engine, struct domain *domain, int64_t *position, trading_error *error)
{
    struct snapshot_place place = {.ops = engine->ops, .store = engine->store, .partition = engine->partition, .position = -1};
    uint32_t chunks;
    struct shape shape;
    int32_t code = engine->ops->snapshot_find(engine->store, engine->partition, *position, &place.position, &chunks, error);
    *position = place.position;
    if (!code)
        code = snapshot_load(domain->tables, &place, chunks, &shape, &engine->memory, error);
    if (!code && domain_mark(domain)->next_position != place.position)
        code = error_set(error, TRADING_E_DAMAGED, "the snapshot of position %" PRId64 " is of another", place.position);
    return code ? code : domain_index(domain, error);
}

/* ---- the checkpoint ---- */

/* The state files hold what the tables do not: they are emptied, and the tables lie in them. Where that cannot be, the tables are memory. */
static void back_empty(trading_engine *engine)
{
    trading_error error;
    if (!engine->state_store.ops || engine->read_only)
        return;
    int32_t code = checkpoint_forget(&engine->state_store, &error);
    if (!code)
        code = checkpoint_clear(&engine->state_store, &error);
    if (code)
        host_log(engine->host, TRADING_LOG_WARNING, "the state is kept in memory alone: %s", error.message);
    else
        tables_back(engine->domain.tables, &engine->state_store);
}

static int32_t start_empty(trading_engine *engine, trading_error *error)
{
    domain_close(&engine->domain);
    int32_t code = open_domain(engine, &engine->domain, error);
    if (!code) {
        back_empty(engine);
        code = domain_found(&engine->domain, error);
    }
    engine->checkpoint_is_ours = false;
    return code;
}

/* A checkpoint is believed when the journal has the very commit that it ends with. */
static int32_t check_against_journal(trading_engine *engine, trading_error *error)
{
    struct domain *domain = &engine->domain;
    const struct mark_record *mark = domain_mark(domain);
    domain->has_digest = mark->next_position == 0;
    if (domain->has_digest)
        return TRADING_OK;
    struct journal_copy copy = {0};
    int32_t code = journal_commit_at(&engine->journal, mark->next_position - 1, &copy, error);
    bool same = !code && copy.commit.first_position + copy.commit.events == mark->next_position &&
                id_equal(&copy.commit.nonce, &mark->nonce);
    memcpy(domain->digest, copy.commit.digest, sizeof domain->digest);
    domain->has_digest = same;
    journal_copy_close(&copy);
    if (code == TRADING_E_NOT_FOUND)
        code = error_set(error, TRADING_E_DAMAGED, "it stands at position %" PRId64 ", beyond the end of this journal",
                         mark->next_position);
    if (code == TRADING_OK && !same)
        code = error_set(error, TRADING_E_DAMAGED, "it stands at position %" PRId64 " of another journal", mark->next_position);
    return code;
}

static int32_t load_checkpoint(trading_engine *engine, trading_error *error)
{
    struct shape shape;
    if (!engine->state_store.ops)
        return error_set(error, TRADING_E_NOT_FOUND, "the store keeps no checkpoints");
    int32_t code =
        checkpoint_load(engine->domain.tables, &engine->state_store, !engine->read_only, &engine->memory, &shape, error);
    if (!code)
        code = check_against_journal(engine, error);
    if (!code && (engine->read_only || !domain_load_indexes(&engine->domain, &engine->state_store)))
        code = domain_index(&engine->domain, error);
    if (tables_damaged(engine->domain.tables))
        code = error_set(error, TRADING_E_DAMAGED, "a page of the state does not match its checksum");
    return code;
}

#define LOADS 10 /* of a checkpoint that its writer replaces meanwhile */

static int32_t open_checkpoint(trading_engine *engine, trading_error *error)
{
    int32_t code = TRADING_E_BUSY;
    for (uint32_t attempt = 0; code == TRADING_E_BUSY && attempt < LOADS; attempt++) {
        domain_close(&engine->domain);
        code = open_domain(engine, &engine->domain, error);
        if (!code)
            code = load_checkpoint(engine, error);
    }
    return code;
}

/* ---- without a checkpoint ---- */

/* Fills a domain from the newest snapshot at or before the position. One that is damaged is passed over for the one before it: an increment
 * for what it was made of. TRADING_E_NOT_FOUND when there is none; then, and after any failure, the domain is only to be closed. */
static int32_t load_sound(trading_engine *engine, struct domain *domain, int64_t position, trading_error *error)
{
    bool ours = domain == &engine->domain;
    for (;;) {
        int32_t code = open_domain(engine, domain, error);
        if (code)
            return code;
        if (ours)
            back_empty(engine);
        code = load_snapshot(engine, domain, &position, error);
        if (!code && ours)
            code = check_against_journal(engine, error);
        if (!code || code == TRADING_E_NO_MEMORY || position <= 0)
            return code;
        host_log(engine->host, TRADING_LOG_WARNING, "the snapshot at position %" PRId64 " is not used: %s", position,
                 error ? error->message : "damaged");
        domain_close(domain);
        position--;
    }
}

/* The newest snapshot that the store keeps is as good a beginning as a checkpoint, but that all of it is to be read, and written once to the
 * state store. Without one the journal is read from its start. */
static int32_t start_without(trading_engine *engine, trading_error *error)
{
    domain_close(&engine->domain);
    int32_t code = load_sound(engine, &engine->domain, INT64_MAX, error);
    engine->checkpoint_is_ours = false;
    if (!code || code == TRADING_E_NO_MEMORY)
        return code;
    if (code != TRADING_E_NOT_FOUND)
        host_log(engine->host, TRADING_LOG_WARNING, "no snapshot is used, the journal is read from its start: %s",
                 error ? error->message : "damaged");
    return start_empty(engine, error);
}

/* Where the newest snapshot stands; 0: there is none, or that is not known. */
static int64_t newest_snapshot(trading_engine *engine)
{
    int64_t position;
    uint32_t chunks;
    int64_t head = domain_mark(&engine->domain)->next_position;
    return engine->ops->snapshot_find(engine->store, engine->partition, head, &position, &chunks, NULL) ? 0 : position;
}

/* Folds the tail of the journal into what was loaded, after the keys of what comes before it. */
static int32_t follow(trading_engine *engine, trading_error *error)
{
    int64_t from = domain_mark(&engine->domain)->next_position;
    atomic_store(&engine->checkpoint_position, from);
    atomic_store(&engine->checkpoint_tried, from);
    atomic_store(&engine->cache_looked_at, from);
    int32_t code = engine->read_only ? TRADING_OK : engine_open_keys(engine, from, error);
    if (!code)
        code = engine_catch_up(engine, error);
    if (!code && !engine->read_only)
        atomic_store(&engine->snapshot_tried, newest_snapshot(engine));
    engine->replayed_events = (uint64_t)(domain_mark(&engine->domain)->next_position - from);
    return code;
}

static int32_t start_anew(trading_engine *engine, trading_error *error)
{
    host_log(engine->host, TRADING_LOG_WARNING, "the checkpoint is not used, the state is made anew: %s",
             error ? error->message : "damaged");
    keys_close(engine->keys);
    engine->keys = NULL;
    return start_without(engine, error);
}

int32_t engine_recover(trading_engine *engine, trading_error *error)
{
    engine->checkpoint_is_ours = true;
    int32_t code = open_checkpoint(engine, error);
    if (code == TRADING_E_NO_MEMORY)
        return code;
    if (code == TRADING_E_NOT_FOUND)
        code = start_without(engine, error);
    else if (code)
        code = start_anew(engine, error);
    if (code)
        return code;
    code = follow(engine, error);
    if (code && tables_damaged(engine->domain.tables)) { /* which shows when a page is first touched */
        code = start_anew(engine, error);
        if (!code)
            code = follow(engine, error);
    }
    engine->domain.unseen = false;
    return code;
}

/* ---- the past ---- */

int32_t engine_past_domain(trading_engine *engine, struct domain *domain, int64_t position, bool snapshots,
                           trading_error *error)
{
    int32_t code;
    if (snapshots) {
        code = load_sound(engine, domain, position, error);
        if (!code)
            return TRADING_OK;
        if (code != TRADING_E_NOT_FOUND)
            host_log(engine->host, TRADING_LOG_WARNING, "no snapshot before position %" PRId64 " is used: %s", position,
                     error ? error->message : "damaged");
        domain_close(domain);
    }
    code = open_domain(engine, domain, error);
    if (code)
        return code;
    code = domain_found(domain, error);
    if (code)
        domain_close(domain);
    return code;
}
