/* The keys of past commands at opening: what is stored of them, and the rest from the journal, which is read for it without folding. */
#include "base/error.h"
#include "engine/engine.h"

#include <inttypes.h>

/* What follows the stored keys is read again at opening; more positions than this are worth storing at close. */
#define UNSTORED_MOST 65536

struct recall {
    trading_engine *engine;
    int64_t from;
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
    trading_engine *engine = recall->engine;
    if (cause->flags & (ENTRY_CONTINUED | ENTRY_MESSAGE))
        return true;
    uint64_t hash = engine_key_hash(engine, cause);
    if (!recall->wanted.next_position)
        return engine_remember(engine, hash, position, time);
    recall->found = recall->found || (position == recall->wanted.next_position - 1 && hash == recall->wanted.hash);
    return true;
}

static int32_t take_commit(void *arg, const struct commit *commit, trading_error *error)
{
    struct recall *recall = arg;
    struct reader reader = {.at = commit->body, .end = commit->body + commit->body_size};
    int64_t position = commit->first_position;
    for (uint32_t i = 0; i < commit->entries; i++) {
        struct cause cause;
        uint32_t events = read_entry(&reader, position, &cause);
        if (reader.bad)
            return error_set(error, TRADING_E_DAMAGED, "the commit at position %" PRId64 " cannot be read",
                             commit->first_position);
        if (position >= recall->from && !take_entry(recall, &cause, position, commit->time))
            return error_no_memory(error, "the keys of past commands");
        position += events;
    }
    return recall->wanted.next_position ? JOURNAL_STOP : TRADING_OK;
}

/* The newest key that is stored must be where the journal has it: else the keys are another journal's, or the journal lost its end. */
static int32_t are_ours(trading_engine *engine, struct keys_stored stored, bool *ours, trading_error *error)
{
    struct recall recall = {.engine = engine, .wanted = stored};
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

int32_t engine_open_keys(trading_engine *engine, trading_error *error)
{
    bool ours;
    int32_t code = open_stored(engine, false, error);
    if (!code)
        code = are_ours(engine, keys_stored(engine->keys), &ours, error);
    if (!code && !ours) {
        host_log(engine->host, TRADING_LOG_WARNING,
                 "the stored keys of past commands are not this journal's; they are made again from it");
        keys_close(engine->keys);
        engine->keys = NULL;
        code = open_stored(engine, true, error);
    }
    if (code)
        return code;
    struct recall recall = {.engine = engine, .from = keys_stored(engine->keys).next_position};
    keys_durable(engine->keys, engine_durable(engine));
    return recall.from < engine_durable(engine) ? journal_walk(&engine->journal, recall.from, take_commit, &recall, error)
                                                : error_clear(error);
}

void engine_settle_keys(trading_engine *engine)
{
    trading_error error;
    if (!engine->keys || engine_durable(engine) - keys_stored(engine->keys).next_position <= UNSTORED_MOST)
        return;
    if (keys_settle(engine->keys, &error))
        report(engine, &error);
}
