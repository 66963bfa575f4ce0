/* The keys of past commands at opening: what is stored of them, and the rest from the journal: what the state's tail does not reach is
 * read for it without folding. */
#include "engine/recall.h"

#include "base/error.h"

#include <inttypes.h>

/* What follows the stored keys is read again at opening; more positions than this are worth storing at close. */
#define UNSTORED_MOST 65536

/* ---- leaving keys ---- */

void recollection_begin(struct recollection *recollection, trading_engine *engine)
{
    recollection->engine = engine;
    recollection->from = keys_stored(engine->keys).next_position;
    recollection->read = recollection->inserted = 0;
}

static bool insert_oldest(struct recollection *recollection)
{
    uint32_t oldest = recollection->inserted++ % RECOLLECTION_WAITING;
    return keys_insert(recollection->engine->keys, recollection->waiting[oldest].hash, recollection->waiting[oldest].position,
                       recollection->waiting[oldest].time);
}

bool recollection_take(void *arg, const struct cause *cause, int64_t position, trading_time time)
{
    struct recollection *recollection = arg;
    const trading_engine *engine = recollection->engine;
    if (cause->flags & (ENTRY_CONTINUED | ENTRY_MESSAGE) || position < recollection->from)
        return true;
    if (recollection->read - recollection->inserted == RECOLLECTION_WAITING && !insert_oldest(recollection))
        return false;
    uint64_t hash = engine_key_hash(engine, &cause->key, cause->account);
    keys_prefetch_insert(engine->keys, hash);
    uint32_t newest = recollection->read++ % RECOLLECTION_WAITING;
    recollection->waiting[newest].hash = hash;
    recollection->waiting[newest].position = position;
    recollection->waiting[newest].time = time;
    return true;
}

bool recollection_end(struct recollection *recollection)
{
    bool inserted = true;
    while (inserted && recollection->inserted != recollection->read)
        inserted = insert_oldest(recollection);
    return inserted;
}

/* ---- reading the journal for keys alone ---- */

struct recall {
    trading_engine *engine;
    int64_t to; /* beyond it they are not asked for */
    struct recollection recollection;
    /* When it is only looked whether an entry there has this key. */
    struct keys_stored wanted;
    bool found;
};

/* Reads an entry past its events: how many positions it takes. */
static uint32_t read_entry(struct reader *reader, int64_t position, struct cause *cause)
{
    uint32_t events;
    entry_read(reader, cause, &events);
    for (uint32_t i = 0; i < events && !reader->bad; i++) {
        struct event event;
        event_read(reader, position + i, &event);
    }
    entry_read_version(reader);
    return events;
}

static bool take_entry(struct recall *recall, const struct cause *cause, int64_t position, trading_time time)
{
    if (!recall->wanted.next_position)
        return recollection_take(&recall->recollection, cause, position, time);
    bool there = position == recall->wanted.next_position - 1 && !(cause->flags & (ENTRY_CONTINUED | ENTRY_MESSAGE)) &&
                 engine_key_hash(recall->engine, &cause->key, cause->account) == recall->wanted.hash;
    recall->found = recall->found || there;
    return true;
}

static int32_t take_commit(void *arg, const struct commit *commit, trading_error *error)
{
    struct recall *recall = arg;
    struct reader reader = {.at = commit->body, .end = commit->body + commit->body_size};
    int64_t position = commit->first_position;
    if (position >= recall->to)
        return JOURNAL_STOP;
    for (uint32_t i = 0; i < commit->entries; i++) {
        struct cause cause;
        uint32_t events = read_entry(&reader, position, &cause);
        if (reader.bad)
            return error_set(error, TRADING_E_DAMAGED, "the commit at position %" PRId64 " cannot be read",
                             commit->first_position);
        if (!take_entry(recall, &cause, position, commit->time))
            return error_no_memory(error, "the keys of past commands");
        position += events;
    }
    return recall->wanted.next_position ? JOURNAL_STOP : TRADING_OK;
}

/* The newest key that is stored must be where the journal has it: else the keys are another journal's, or the journal lost its end. */
static int32_t are_ours(trading_engine *engine, struct keys_stored stored, bool *ours, trading_error *error)
{
    struct recall recall = {.engine = engine, .to = INT64_MAX, .wanted = stored};
    *ours = true;
    if (!stored.next_position)
        return TRADING_OK;
    int32_t code = journal_walk(&engine->journal, stored.next_position - 1, take_commit, &recall, error);
    *ours = recall.found;
    return code == TRADING_E_NOT_FOUND ? error_clear(error) : code;
}

static void report(void *arg, const trading_error *error)
{
    const trading_engine *engine = arg;
    host_log(engine->host, TRADING_LOG_WARNING, "the stored keys of past commands: %s", error->message);
}

static int32_t open_stored(trading_engine *engine, bool fresh, trading_error *error)
{
    struct keys_options options = {.max_age = engine->options.key_age,
                                   .max_count = engine->options.key_count,
                                   .thread = !engine->manual,
                                   .fresh = fresh,
                                   .report = report,
                                   .report_arg = engine};
    const struct state_store *store = engine->state_store.ops ? &engine->state_store : NULL;
    return keys_open(&engine->keys, &engine->memory, store, &options, error);
}

/* Those that are stored, if they are this journal's; else none. */
static int32_t open_ours(trading_engine *engine, trading_error *error)
{
    bool ours;
    int32_t code = open_stored(engine, false, error);
    if (!code)
        code = are_ours(engine, keys_stored(engine->keys), &ours, error);
    if (code || ours)
        return code;
    host_log(engine->host, TRADING_LOG_WARNING,
             "the stored keys of past commands are not this journal's; they are made again from it");
    keys_close(engine->keys);
    engine->keys = NULL;
    return open_stored(engine, true, error);
}

/* Keys that are too old to be remembered need not be read, where many are: of an old journal of which nothing is stored, not from its start.
 * The state stands at `position`. */
static int32_t leave_out_the_old(trading_engine *engine, int64_t position, int64_t *from, trading_error *error)
{
    int64_t age = engine->options.key_age;
    int64_t young = 0;
    if (!age || position - *from <= UNSTORED_MOST)
        return TRADING_OK;
    int32_t code =
        journal_position_at_time(&engine->journal, position, domain_mark(&engine->domain)->time - age - 1, &young, error);
    *from = young > *from ? young : *from;
    return code;
}

static int32_t recall_before(trading_engine *engine, int64_t position, trading_error *error)
{
    struct recall recall = {.engine = engine, .to = position};
    recollection_begin(&recall.recollection, engine);
    int32_t code = leave_out_the_old(engine, position, &recall.recollection.from, error);
    if (code)
        return code;
    if (recall.recollection.from >= position)
        return error_clear(error);
    code = journal_walk(&engine->journal, recall.recollection.from, take_commit, &recall, error);
    bool kept = recollection_end(&recall.recollection);
    return code || kept ? code : error_no_memory(error, "the keys of past commands");
}

int32_t engine_open_keys(trading_engine *engine, int64_t position, trading_error *error)
{
    trading_store_head head;
    int32_t code = open_ours(engine, error);
    if (!code)
        code = engine->ops->head(engine->store, engine->partition, &head, error);
    if (code)
        return code;
    keys_durable(engine->keys, head.next_position); /* all that is in the journal is */
    return recall_before(engine, position, error);
}

void engine_settle_keys(trading_engine *engine)
{
    trading_error error;
    if (!engine->keys || engine_durable(engine) - keys_stored(engine->keys).next_position <= UNSTORED_MOST)
        return;
    if (keys_settle(engine->keys, &error))
        report(engine, &error);
}
