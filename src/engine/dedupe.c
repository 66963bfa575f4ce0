/* Whether a command was seen before: its key's hash gives places in the journal, and the entry that stands there decides. */
#include "base/error.h"
#include "base/id.h"
#include "engine/engine.h"

bool engine_remember(trading_engine *engine, uint64_t hash, int64_t position, trading_time time)
{
    return keys_insert(engine->keys, hash, position, time);
}

/* Some entries of one commit, where they lie. */
struct stretch {
    const uint8_t *body;
    const uint8_t *end;
    int64_t first_position;
};

/* An entry that was found: what it says, and what came of it. */
struct found {
    struct cause cause;
    struct outcome outcome;
    int64_t version;
};

/* The entry whose first event stands at `position`. */
static bool find_entry(const struct stretch *stretch, int64_t position, struct found *found)
{
    struct reader reader = {.at = stretch->body, .end = stretch->end};
    int64_t at = stretch->first_position;
    while (reader.at < reader.end && !reader.bad && at <= position) {
        uint32_t events;
        int64_t first = at;
        entry_read(&reader, &found->cause, &events);
        outcome_begin(&found->outcome, &found->cause);
        for (uint32_t i = 0; i < events && !reader.bad; i++) {
            struct event event;
            event_read(&reader, at++, &event);
            outcome_note(&found->outcome, &event);
        }
        found->version = entry_read_version(&reader);
        if (first == position && !reader.bad)
            return true;
    }
    return false;
}

static bool in_batch(const struct batch *batch, int64_t position, struct stretch *stretch)
{
    if (!batch || batch->entries == 0 || position < batch->first_position)
        return false;
    const struct commit_builder *builder = &batch->builder;
    *stretch = (struct stretch){
        .body = builder->buffer + COMMIT_HEADER_BYTES, .end = builder->body.at, .first_position = batch->first_position};
    return true;
}

/* The newest begins last, and a position behind the end of one is in the next. */
static bool in_flight(const struct appender *appender, int64_t position, struct stretch *stretch)
{
    for (size_t i = appender->count; i-- > 0;) {
        if (in_batch(appender->batches[i], position, stretch))
            return true;
    }
    return false;
}

static bool in_journal(trading_engine *engine, int64_t position, struct stretch *stretch, trading_error *error)
{
    const struct commit *commit = &engine->past.commit;
    bool cached = commit->events && position >= commit->first_position && position < commit->first_position + commit->events;
    if (!cached && journal_commit_at(&engine->journal, position, &engine->past, error)) {
        engine->past.commit.events = 0;
        return false;
    }
    *stretch = (struct stretch){
        .body = commit->body, .end = commit->body + commit->body_size, .first_position = commit->first_position};
    return true;
}

static enum known judge(const trading_engine *engine, const struct request *request, const struct found *found,
                        trading_result *result)
{
    if (found->cause.digest != request->cause.digest)
        return KNOWN_REUSED;
    outcome_result(&found->outcome, &engine->domain, request, result);
    result->status = TRADING_STATUS_DUPLICATE;
    result->version = found->version;
    return KNOWN_DUPLICATE;
}

/* Out of line, so that the way of a stranger is short. */
__attribute__((noinline)) static enum known look_closer(trading_engine *engine, const struct request *request, uint64_t hash,
                                                        int64_t position, struct keys_cursor *cursor, trading_result *result,
                                                        trading_error *error)
{
    uint32_t account = request->cause.account;
    for (; position >= 0; position = keys_next(engine->keys, hash, cursor)) {
        struct stretch stretch;
        struct found found;
        if (!in_batch(engine->deciding, position, &stretch) && !in_flight(&engine->appender, position, &stretch) &&
            !in_journal(engine, position, &stretch, error))
            return KNOWN_FAILED;
        bool same = find_entry(&stretch, position, &found) && found.cause.account == account &&
                    !(found.cause.flags & (ENTRY_CONTINUED | ENTRY_MESSAGE)) && id_equal(&found.cause.key, &request->cause.key);
        if (same)
            return judge(engine, request, &found, result);
    }
    if (position == KEYS_DAMAGED) {
        error_set(error, TRADING_E_DAMAGED, "stored command keys are damaged; open the engine again to have them made anew");
        return KNOWN_FAILED;
    }
    return KNOWN_NEW;
}

enum known engine_lookup(trading_engine *engine, const struct request *request, uint64_t hash, int64_t absent_before,
                         trading_result *result, trading_error *error)
{
    struct keys_cursor cursor = {.absent_before = absent_before};
    int64_t position = keys_next(engine->keys, hash, &cursor);
    return position == KEYS_NO_MORE ? KNOWN_NEW : look_closer(engine, request, hash, position, &cursor, result, error);
}
