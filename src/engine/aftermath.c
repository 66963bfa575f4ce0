/* What becomes of a batch: it is durable, and shown and answered; or nobody can say so, and the journal is asked. */
#include "base/error.h"
#include "base/id.h"
#include "engine/engine.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#define RETRIES 3u

/* After each batch so many pages are looked at, whether their memory can be given back: a fraction of a millisecond at most. */
#define TRIMMED_PAGES 1024u

/* ---- it is durable ---- */

void engine_forget_secrets(struct batch *batch)
{
    sodium_memzero(batch->secrets, batch->secret_count * sizeof *batch->secrets);
    batch->secret_count = 0;
}

static void answer_slices(trading_engine *engine, struct batch *batch)
{
    engine->group = batch->slice_count;
    queue_answer(&engine->queue, batch->slices, batch->slice_count);
    batch->slice_count = 0;
}

static void fail_slices(trading_engine *engine, struct batch *batch, int32_t status, const trading_error *error)
{
    for (size_t i = 0; i < batch->slice_count; i++)
        queue_fail(&engine->queue, &batch->slices[i], status, error);
    batch->slice_count = 0;
}

void engine_fail_waiting(trading_engine *engine, const trading_error *error)
{
    queue_abandon(&engine->queue, error);
    engine_progress(engine);
}

static void count(trading_engine *engine, const struct batch *batch)
{
    atomic_fetch_add_explicit(&engine->commits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&engine->events, batch->header.events, memory_order_relaxed);
    atomic_fetch_add_explicit(&engine->journal_bytes, batch->stored.size, memory_order_relaxed);
}

static void install(trading_engine *engine)
{
    if (engine->partitions)
        pthread_rwlock_rdlock(&engine->partitions->cut);
    tables_install(engine->domain.tables);
    if (engine->partitions)
        pthread_rwlock_unlock(&engine->partitions->cut);
}

void engine_show(trading_engine *engine, const struct batch *batch)
{
    if (batch->outcome.code)
        return;
    install(engine);
    if (batch->next_position == batch->first_position)
        return;
    count(engine, batch);
    atomic_store_explicit(&engine->durable, batch->next_position, memory_order_release);
    keys_durable(engine->keys, batch->next_position);
}

/* Indexes take their part of the room that there is. */
static void trim(trading_engine *engine)
{
    uint64_t room = engine_cache_room(engine);
    uint64_t indexes = domain_index_bytes(&engine->domain);
    tables_set_room(engine->domain.tables, room > indexes ? room - indexes : 0);
    tables_trim(engine->domain.tables, TRIMMED_PAGES);
}

/* To the partitions of the same engine, or to whoever carries letters. */
static void deliver(trading_engine *engine, const struct message *message)
{
    if (engine->partitions)
        mail_put(&engine->partitions->at[message->to]->mail, message);
    else
        letters_send(&engine->letters, message);
}

static void send_messages(trading_engine *engine, const struct batch *batch)
{
    if (!batch->messages)
        return;
    struct message_reader messages;
    struct message message;
    message_reader_begin(&messages, &batch->header);
    while (message_reader_next(&messages, &message))
        deliver(engine, &message);
    for (uint32_t i = 0; engine->partitions && i < engine->partitions->count; i++)
        if (mail_waits(&engine->partitions->at[i]->mail))
            queue_wake(&engine->partitions->at[i]->queue);
}

/* What is shown is answered, and told to all who wait. */
static void succeed(trading_engine *engine, struct batch *batch)
{
    uint64_t commands = 0;
    for (size_t i = 0; i < batch->slice_count; i++)
        commands += batch->slices[i].count;
    atomic_fetch_add_explicit(&engine->commands, commands, memory_order_relaxed);
    answer_slices(engine, batch);
    trim(engine);
    if (engine->parts > 1)
        send_messages(engine, batch);
    engine_progress(engine);
    engine_wake_keeper(engine);
}

/* ---- nobody can say ---- */

/* Whether the journal, read again, holds what was in doubt: the very commit, which others may have followed. */
static int32_t learn(trading_engine *engine, const struct doubt *doubt, bool *happened, trading_error *error)
{
    *happened = false;
    if (doubt->next_position == doubt->first_position || domain_mark(&engine->domain)->next_position < doubt->next_position)
        return TRADING_OK;
    int32_t code = journal_commit_at(&engine->journal, doubt->first_position, &engine->past, error);
    if (code)
        engine->past.commit.events = 0;
    else
        *happened = id_equal(&engine->past.commit.nonce, &doubt->nonce);
    return code;
}

/* Brings the state up to what the journal really holds, and tells whether what was in doubt is in it. */
static int32_t read_again(trading_engine *engine, const struct doubt *doubt, bool *happened, trading_error *error)
{
    int32_t code = engine_catch_up(engine, error);
    return code ? code : learn(engine, doubt, happened, error);
}

/* Whether the journal, read again, has a commit that this engine did not write: of a partition that others may take over it is then theirs. */
static bool is_overtaken(const trading_engine *engine, const struct doubt *doubt, bool happened)
{
    int64_t own = happened ? doubt->next_position : doubt->first_position;
    return engine_has_one(engine) && domain_mark(&engine->domain)->next_position != own;
}

/* Nothing is appended any more; what waits is the successor's to decide. */
static void fence(trading_engine *engine, const struct doubt *doubt, trading_error *error)
{
    error_set(error, TRADING_E_FENCED,
              "another writer has appended to partition %u, at or behind position %" PRId64
              ": it is the other's now; what was not "
              "durable did not happen",
              engine->partition, doubt->first_position);
    engine_poison(engine, TRADING_E_FENCED, error->message);
}

/* ---- what was decided on a batch that failed ---- */

/* In order: what is in flight behind it, and what is open, or closed and not yet handed over. */
struct behind {
    struct batch *at[ENGINE_BATCHES];
    size_t count;
};

/* `open` may be NULL. Nothing is in flight any more, and no key that it made will be in use. */
static struct behind take_behind(trading_engine *engine, struct batch *open)
{
    struct behind behind;
    behind.count = appender_take_back(engine, behind.at);
    if (open)
        behind.at[behind.count++] = open;
    for (size_t i = 0; i < behind.count; i++)
        engine_forget_secrets(behind.at[i]);
    engine->deciding = NULL;
    return behind;
}

/* A submission of which the failed batch held the first part ends with it: what those from `first` on held of it goes with it. */
static void drop_shared_slices(const struct batch *failed, const struct behind *behind, size_t first)
{
    const struct submission *ends = failed->slice_count ? failed->slices[failed->slice_count - 1].submission : NULL;
    for (size_t i = first; i < behind->count; i++) {
        struct batch *batch = behind->at[i];
        if (batch->slice_count && batch->slices[0].submission == ends)
            memmove(batch->slices, batch->slices + 1, --batch->slice_count * sizeof *batch->slices);
    }
}

/* The last first, as each goes before what is there. */
static void return_behind(trading_engine *engine, const struct behind *behind)
{
    for (size_t i = behind->count; i-- > 0;) {
        queue_return(&engine->queue, behind->at[i]->slices, behind->at[i]->slice_count);
        behind->at[i]->slice_count = 0;
    }
}

static void fail_behind(trading_engine *engine, const struct behind *behind, const trading_error *error)
{
    for (size_t i = 0; i < behind->count; i++) {
        drop_shared_slices(behind->at[i], behind, i + 1);
        fail_slices(engine, behind->at[i], TRADING_STATUS_NONE, error);
    }
}

/* ---- what becomes of it all ---- */

/* Paused work that was in the failed batch comes before any command, so what waits fails with it. It goes on with the next command rather
 * than by itself, which would be without end while the store takes nothing. */
static void stall(trading_engine *engine, const trading_error *error)
{
    if (!process_has_work(&engine->domain))
        return;
    engine->stalled = true;
    engine_fail_waiting(engine, error);
}

/* What failed is the last of a sequence: what waits and what comes fails with it. */
static void end_sequence(trading_engine *engine, const trading_error *error)
{
    if (!(engine->options.flags & TRADING_ENGINE_FAIL_STOP))
        return;
    engine_poison(engine, error->code, error->message);
    engine_fail_waiting(engine, error);
}

static struct doubt doubt_of(const struct batch *batch)
{
    return (struct doubt){
        .first_position = batch->first_position, .next_position = batch->next_position, .nonce = batch->header.nonce};
}

/* Nobody can tell what became of the batch, for `why`: it is answered so, and what was decided on it waits. */
static void leave_unresolved(trading_engine *engine, struct batch *failed, const struct behind *behind,
                             const trading_error *why)
{
    trading_error unknown;
    error_set(&unknown, TRADING_E_OUTCOME_UNKNOWN, "whether the commit at position %" PRId64 " happened is not known: %.120s",
              failed->first_position, why->message);
    engine->unresolved = engine->stalled = true;
    engine->doubt = doubt_of(failed);
    drop_shared_slices(failed, behind, 0);
    return_behind(engine, behind);
    fail_slices(engine, failed, TRADING_STATUS_UNKNOWN, &unknown);
    end_sequence(engine, &unknown);
    engine_progress(engine);
}

/* What it received and what it sent in what is dropped is read again from the journals, by itself and by the others. */
static void lose_messages(trading_engine *engine)
{
    for (uint32_t i = 0; i < engine_part_count(engine); i++)
        mail_reread(&engine_part(engine, i)->mail);
}

/* The journal has the batch, or not, and then a commit of another writer. What was decided on it did not happen. */
static void yield_to_successor(trading_engine *engine, struct batch *failed, const struct behind *behind, bool done)
{
    trading_error fenced;
    fence(engine, &(struct doubt){.first_position = done ? failed->next_position : failed->first_position}, &fenced);
    if (!done)
        drop_shared_slices(failed, behind, 0);
    if (done)
        answer_slices(engine, failed);
    else
        fail_slices(engine, failed, TRADING_STATUS_NONE, &fenced);
    fail_behind(engine, behind, &fenced);
    engine_fail_waiting(engine, &fenced);
}

/* The batch is not surely durable, and what is behind it in flight, and `open`, which may be NULL, was decided on it. Everything that is not
 * durable is dropped, and what the journal really holds decides how it is answered. */
static void recover(trading_engine *engine, struct batch *failed, struct batch *open, bool again)
{
    trading_error error;
    const trading_error *outcome = &failed->outcome;
    host_log(engine->host, TRADING_LOG_WARNING, "a commit at position %" PRId64 " failed: %s", failed->first_position,
             outcome->message);
    const struct behind behind = take_behind(engine, open);
    bool done;
    const struct doubt doubt = doubt_of(failed);
    lose_messages(engine);
    if (read_again(engine, &doubt, &done, &error)) {
        leave_unresolved(engine, failed, &behind, &error);
        return;
    }
    if (is_overtaken(engine, &doubt, done)) {
        yield_to_successor(engine, failed, &behind, done);
        return;
    }
    bool retry = !done && again && (outcome->code == TRADING_E_OUTCOME_UNKNOWN || outcome->code == TRADING_E_POSITION);
    if (!done && !retry)
        drop_shared_slices(failed, &behind, 0);
    return_behind(engine, &behind);
    if (done) {
        answer_slices(engine, failed);
    } else if (retry) {
        queue_return(&engine->queue, failed->slices, failed->slice_count);
    } else {
        fail_slices(engine, failed, TRADING_STATUS_NONE, outcome);
        stall(engine, outcome);
        end_sequence(engine, outcome);
    }
    failed->slice_count = 0;
    engine_progress(engine);
}

/* ---- the end of a batch ---- */

bool engine_finish(trading_engine *engine, struct batch *batch, struct batch *open)
{
    if (batch->outcome.code == TRADING_OK) {
        engine->retries = 0;
        engine->stalled = false;
        succeed(engine, batch);
        engine_forget_secrets(batch);
        return true;
    }
    engine_forget_secrets(batch); /* the store may have them, and what is decided anew asks it */
    recover(engine, batch, open, engine->retries++ < RETRIES);
    return false;
}

/* Whether the journal goes on behind all that is durable here. Nothing is in flight. */
static bool has_successor(trading_engine *engine)
{
    trading_store_head head;
    return engine_has_one(engine) && engine->ops->head(engine->store, engine->partition, &head, NULL) == TRADING_OK &&
           head.next_position > engine_durable(engine);
}

void engine_fail_deciding(trading_engine *engine, struct batch *batch, const trading_error *error)
{
    batch->outcome = *error;
    engine_forget_secrets(batch);
    bool damaged = tables_damaged(engine->domain.tables);
    /* What others answer a successor makes no sense to who does not know of it yet. */
    if (!damaged && error->code == TRADING_E_POISONED && has_successor(engine)) {
        domain_discard(&engine->domain);
        yield_to_successor(engine, batch, &(struct behind){.count = 0}, false);
        return;
    }
    if (damaged || error->code == TRADING_E_POISONED) {
        engine_poison(engine, error->code, error->message);
        domain_discard(&engine->domain);
        fail_slices(engine, batch, TRADING_STATUS_NONE, error);
        engine_fail_waiting(engine, error);
        if (damaged)
            engine_write_checkpoint(engine, NULL); /* which is to give up the one that there is, behind a snapshot */
        return;
    }
    if (batch->slice_count == 0) /* nobody's command was even taken: whoever waits is told, rather than tried for ever */
        engine_fail_waiting(engine, error);
    recover(engine, batch, NULL, false);
}

bool engine_resolve(trading_engine *engine)
{
    trading_error error;
    bool happened;
    if (!engine->unresolved)
        return true;
    if (read_again(engine, &engine->doubt, &happened, &error)) {
        engine_fail_waiting(engine, &error);
        return false;
    }
    engine->unresolved = false;
    if (!is_overtaken(engine, &engine->doubt, happened))
        return true;
    fence(engine, &engine->doubt, &error);
    engine_fail_waiting(engine, &error);
    return false;
}
