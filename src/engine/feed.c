/* Feeds: a stretch of the journal is copied into the feed's own buffer, proven, and events are told out of it into the caller's array.
 * So no read of the store is open while the host works, and what a feed holds is bounded by the buffer and one commit; twice that while it has
 * far to go, as another thread reads the next stretch meanwhile. */
#include "engine/feed.h"

#include "base/error.h"
#include "base/id.h"
#include "base/monotonic.h"
#include "base/text.h"
#include "engine/eras.h"
#include "engine/event_window.h"
#include "engine/feed_stretch.h"
#include "engine/view.h"

#include <inttypes.h>

struct trading_feed {
    trading_engine *engine;
    uint64_t kinds[2]; /* a bit for each kind that is handed out */
    trading_id account;
    bool of_account;
    char cursor[CURSOR_NAME_BYTES + 1]; /* empty: none */
    uint32_t closings;                  /* of the engine, as far as the reader was told */
    int64_t position;
    int64_t split_end; /* before it, events may be told by another partition */

    /* the commit that holds the event before the position */
    bool has_digest;
    uint8_t digest[COMMIT_DIGEST_BYTES];

    struct feed_stretch stretch;
    size_t commit_at; /* the one that is read */
    bool reading;     /* it is begun */
    struct event_window window;
    struct feed_ahead *ahead; /* NULL: nobody reads ahead of it */
};

/* ---- opening and closing ---- */

static int32_t check_filter(const trading_filter *filter, trading_error *error)
{
    if (filter && filter->size != sizeof *filter)
        return error_set(error, TRADING_E_INVALID, "the filter of a feed is not initialised: use trading_filter_init");
    return TRADING_OK;
}

static void set_filter(trading_feed *feed, const trading_filter *filter)
{
    bool all = !filter || (filter->kinds[0] == 0 && filter->kinds[1] == 0);
    feed->kinds[0] = all ? UINT64_MAX : filter->kinds[0];
    feed->kinds[1] = all ? UINT64_MAX : filter->kinds[1];
    /* A reader that acknowledges all it sees would otherwise be woken by its own acknowledgements for ever. */
    if (all && feed->cursor[0])
        feed->kinds[1] &= ~(UINT64_C(1) << (TRADING_EVENT_CURSOR_ACKNOWLEDGED - 64));
    if (filter)
        feed->account = filter->account;
    feed->of_account = !id_is_zero(&feed->account);
}

static int32_t set_cursor(trading_feed *feed, const char *cursor, trading_error *error)
{
    if (!cursor)
        return TRADING_OK;
    size_t length = strnlen(cursor, CURSOR_NAME_BYTES + 1);
    if (length == 0 || length > CURSOR_NAME_BYTES || !text_is_printable(cursor, length))
        return error_set(error, TRADING_E_INVALID, "the name of a cursor is 1 to %u bytes of printable UTF-8",
                         CURSOR_NAME_BYTES);
    memcpy(feed->cursor, cursor, length);
    return TRADING_OK;
}

/* Where the cursor of that name stands for all to see. */
static enum table_read find_cursor(const struct domain *domain, struct pin *pin, const char *name, int64_t *position)
{
    uint32_t count = table_installed(domain->cursors, pin);
    for (uint32_t number = 1; number <= count; number++) {
        struct cursor_record cursor;
        enum table_read read = table_read(domain->cursors, number, pin, &cursor);
        if (read == TABLE_FOUND && strcmp(cursor.name, name) != 0)
            continue;
        if (read == TABLE_FOUND)
            *position = cursor.position;
        return read;
    }
    return TABLE_ABSENT;
}

static int64_t cursor_position(const trading_feed *feed)
{
    int64_t position = 0;
    find_cursor(&feed->engine->domain, NULL, feed->cursor, &position);
    return position;
}

static int32_t show_cursor(const struct sight *sight, const void *name, void *position)
{
    return sight_found(sight, find_cursor(sight->domain, sight->pin, name, position), "cursor");
}

int32_t trading_view_cursor(trading_view *view, const char *name, int64_t *position, trading_error *error)
{
    return sight_single(view, name && position, "a cursor's name, and a place for its position", show_cursor, name, position,
                        error);
}

int32_t trading_view_partition_cursor(trading_view *view, uint32_t partition, const char *name, int64_t *position,
                                      trading_error *error)
{
    if (view && !view_at_partition(view, partition))
        return error_set(error, TRADING_E_INVALID, "the view's engine has no partition %u", partition);
    return trading_view_cursor(view ? view_at_partition(view, partition) : NULL, name, position, error);
}

static int32_t set_position(trading_feed *feed, int64_t from, trading_error *error)
{
    if (from < TRADING_FEED_AT_CURSOR)
        return error_set(error, TRADING_E_INVALID, "a feed begins at a position from 0 on or at its cursor, not at %" PRId64,
                         from);
    if (from == TRADING_FEED_AT_CURSOR && !feed->cursor[0])
        return error_set(error, TRADING_E_INVALID, "a feed that begins at its cursor needs the cursor's name");
    if (feed->engine->read_only)
        engine_wait_beyond(feed->engine, INT64_MAX, 0); /* looks once for what the writer has appended */
    feed->position = from == TRADING_FEED_AT_CURSOR ? cursor_position(feed) : from;
    int64_t durable = engine_durable(feed->engine);
    if (feed->position > durable)
        return error_set(error, TRADING_E_NOT_FOUND,
                         "a feed cannot begin at position %" PRId64 ": the next position is %" PRId64, feed->position, durable);
    return TRADING_OK;
}

int32_t feed_partition(trading_engine **engine, const trading_filter *filter, trading_error *error)
{
    int32_t code = check_filter(filter, error);
    if (code)
        return code;
    uint32_t count = engine_part_count(*engine);
    uint32_t partition = filter ? filter->partition : 0;
    if (filter && !id_is_zero(&filter->account))
        partition = id_slot(&filter->account) % count;
    if (partition >= count)
        return error_set(error, TRADING_E_INVALID, "there is no partition %u: the engine has %u", partition, count);
    *engine = engine_part(*engine, partition);
    return TRADING_OK;
}

int32_t trading_feed_open(trading_feed **feed, trading_engine *engine, int64_t from, const trading_filter *filter,
                          const char *cursor, trading_error *error)
{
    if (!feed)
        return error_set(error, TRADING_E_INVALID, "trading_feed_open needs a place for the feed");
    *feed = NULL;
    int32_t code = engine_check(engine, error);
    if (!code)
        code = feed_partition(&engine, filter, error);
    if (code)
        return code;
    trading_feed *made = memory_zeroed(&engine->memory, 1, sizeof *made);
    if (!made)
        return error_no_memory(error, "a feed");
    made->engine = engine;
    made->closings = engine_closings(engine);
    code = set_cursor(made, cursor, error);
    if (!code)
        code = set_position(made, from, error);
    if (code) {
        memory_release(&engine->memory, made, sizeof *made);
        return code;
    }
    set_filter(made, filter);
    made->split_end = engine_split_end(engine);
    engine_enter(engine);
    *feed = made;
    return error_clear(error);
}

/* The engine has one such thread for all its feeds: who comes while another has it reads by itself. */
static void begin_ahead(trading_feed *feed)
{
    trading_engine *engine = feed->engine;
    if (feed->ahead || !engine->journal.reads_ahead || atomic_exchange(&engine->feed_ahead, true))
        return;
    feed->ahead = feed_ahead_open(&engine->journal);
    if (!feed->ahead)
        atomic_store(&engine->feed_ahead, false);
}

static void end_ahead(trading_feed *feed)
{
    if (!feed->ahead)
        return;
    feed_ahead_close(feed->ahead);
    feed->ahead = NULL;
    atomic_store(&feed->engine->feed_ahead, false);
}

void trading_feed_close(trading_feed *feed)
{
    if (!feed || host_check(feed->engine->host, NULL)) /* in a child it is the parent's, as is its thread */
        return;
    trading_engine *engine = feed->engine;
    end_ahead(feed);
    feed_stretch_close(&feed->stretch, &engine->memory);
    memory_release(&engine->memory, feed, sizeof *feed);
    engine_leave(engine);
}

/* ---- copying a stretch ---- */

static void drop_stretch(trading_feed *feed)
{
    feed_stretch_drop(&feed->stretch);
    feed->commit_at = 0;
    feed->reading = false;
}

/* Has the next one read meanwhile, while many events come after this. */
static void read_ahead(trading_feed *feed, int64_t durable)
{
    if (durable - feed_stretch_end(&feed->stretch) < JOURNAL_LONG) {
        end_ahead(feed);
        return;
    }
    begin_ahead(feed);
    if (feed->ahead)
        feed_ahead_ask(feed->ahead, &feed->stretch, durable);
}

static int32_t read_stretch(trading_feed *feed, int64_t durable, trading_error *error)
{
    int32_t code = TRADING_OK;
    drop_stretch(feed);
    if (!feed->ahead || !feed_ahead_take(feed->ahead, feed->position, &feed->stretch))
        code = feed_stretch_read(&feed->stretch, &feed->engine->journal, feed->position, durable,
                                 feed->has_digest ? feed->digest : NULL, error);
    if (code)
        end_ahead(feed);
    else
        read_ahead(feed, durable);
    return code;
}

/* ---- telling events out of it ---- */

static void keep_digest(trading_feed *feed)
{
    const struct commit *commit = &feed->stretch.commits[feed->commit_at];
    if (feed->position <= commit->first_position)
        return;
    memcpy(feed->digest, commit->digest, sizeof feed->digest);
    feed->has_digest = true;
}

static bool wants_kind(const trading_feed *feed, uint32_t kind)
{
    return kind < TRADING_EVENT_KINDS && feed->kinds[kind / 64] >> (kind % 64) & 1;
}

static bool is_wanted(const trading_feed *feed, const trading_event *event)
{
    if (feed->of_account && !id_equal(&event->account, &feed->account))
        return false;
    return event->position >= feed->split_end || engine_tells(feed->engine, event);
}

static void prepare(void *arg, const struct event_step *step)
{
    const trading_feed *feed = arg;
    if (wants_kind(feed, step->event.kind))
        event_prefetch(&feed->engine->domain, &step->event, table_prefetch_fixed);
}

/* Tells events of the commit at hand until it or the array ends. */
static int32_t tell_commit(trading_feed *feed, trading_event *events, size_t max, size_t *count, trading_error *error)
{
    const struct domain *domain = &feed->engine->domain;
    const struct commit *commit = &feed->stretch.commits[feed->commit_at];
    const struct event_step *step;
    while (*count < max && (step = event_window_next(&feed->window)) != NULL) {
        const struct event *event = &step->event;
        if (event->position < feed->position)
            continue; /* the feed was opened at a later event of the commit */
        if (wants_kind(feed, event->kind)) {
            trading_event *out = &events[*count];
            int32_t code = event_publish(domain, commit, step->cause, event, out, error);
            if (code)
                return code;
            if (is_wanted(feed, out))
                ++*count;
        }
        feed->position = event->position + 1;
    }
    keep_digest(feed);
    return TRADING_OK;
}

/* The same of the stretch. */
static int32_t tell_stretch(trading_feed *feed, trading_event *events, size_t max, size_t *count, trading_error *error)
{
    while (*count < max && feed->commit_at < feed->stretch.count) {
        const struct commit *commit = &feed->stretch.commits[feed->commit_at];
        if (!feed->reading)
            event_window_begin(&feed->window, commit, prepare, feed);
        feed->reading = true;
        int32_t code = tell_commit(feed, events, max, count, error);
        if (!code && feed->position < commit_end(commit) && *count == max)
            return TRADING_OK;
        if (!code)
            code = event_window_end(&feed->window, error);
        if (code) {
            drop_stretch(feed); /* the next call meets the same event again */
            return code;
        }
        feed->commit_at++;
        feed->reading = false;
    }
    return TRADING_OK;
}

/* All that is durable, as far as the array has room. */
static int32_t tell_durable(trading_feed *feed, trading_event *events, size_t max, size_t *count, trading_error *error)
{
    for (;;) {
        int32_t code = tell_stretch(feed, events, max, count, error);
        int64_t durable = engine_durable(feed->engine);
        if (code || *count == max || feed->position >= durable)
            return code;
        code = read_stretch(feed, durable, error);
        if (code)
            return code;
    }
}

/* ---- waiting ---- */

/* TRADING_OK when there is more. */
static int32_t await_more(trading_feed *feed, int64_t timeout, trading_error *error)
{
    trading_engine *engine = feed->engine;
    if (engine_wait_unless_closing(engine, feed->position, timeout, feed->closings))
        return TRADING_OK;
    uint32_t closings = engine_closings(engine);
    if (closings != feed->closings) {
        feed->closings = closings;
        return error_set(error, TRADING_E_CLOSED, "the engine is to be closed: close the feed, which it waits for");
    }
    int32_t code = engine_check(engine, error);
    return code ? code : error_set(error, TRADING_E_TIMEOUT, "there is no event at position %" PRId64 " yet", feed->position);
}

static int32_t next_events(trading_feed *feed, trading_event *events, size_t max, size_t *count, int64_t timeout,
                           trading_error *error)
{
    int64_t end = 0;
    if (timeout > 0 && __builtin_add_overflow(monotonic_now(), timeout, &end))
        end = INT64_MAX;
    for (;;) {
        int32_t code = tell_durable(feed, events, max, count, error);
        if (*count) /* a failure behind them comes with the next call */
            return error_clear(error);
        if (!code)
            code = await_more(feed, timeout, error);
        if (code)
            return code;
        if (timeout > 0) {
            timeout = end - monotonic_now();
            timeout = timeout < 0 ? 0 : timeout;
        }
    }
}

int32_t trading_feed_next(trading_feed *feed, trading_event *events, size_t max, size_t *count, int64_t timeout,
                          trading_error *error)
{
    if (!feed || !events || !count || max == 0)
        return error_set(error, TRADING_E_INVALID,
                         "trading_feed_next needs a feed, an array for events and a place for the count");
    *count = 0;
    int32_t code = engine_check(feed->engine, error);
    return code ? code : next_events(feed, events, max, count, timeout, error);
}

int64_t trading_feed_position(trading_feed *feed)
{
    return feed ? feed->position : -1;
}

void feed_seek(trading_feed *feed, int64_t position)
{
    drop_stretch(feed); /* and what was read ahead does not follow */
    feed->position = position;
    feed->has_digest = false;
}

const uint8_t *feed_digest(const trading_feed *feed)
{
    return feed->has_digest ? feed->digest : NULL;
}

int64_t feed_end(const trading_feed *feed)
{
    return engine_durable(feed->engine);
}

/* ---- the durable cursor ---- */

static int32_t refused(const trading_feed *feed, int64_t position, const trading_result *result, trading_error *error)
{
    if (result->reason == TRADING_REASON_BAD_POSITION)
        return error_set(error, TRADING_E_INVALID,
                         "the cursor \"%s\" stands at %" PRId64 " and cannot be moved to %" PRId64
                         ": it goes neither back nor beyond the next position",
                         feed->cursor, cursor_position(feed), position);
    return error_set(error, TRADING_E_INVALID, "the cursor \"%s\" cannot be moved to %" PRId64 ": %s", feed->cursor, position,
                     trading_reason_text(result->reason));
}

int32_t trading_feed_acknowledge(trading_feed *feed, int64_t position, trading_error *error)
{
    if (!feed || !feed->cursor[0])
        return error_set(error, TRADING_E_INVALID, "to acknowledge needs a feed that was opened with the name of a cursor");
    int32_t code = engine_check(feed->engine, error);
    if (code)
        return code;
    if (position == cursor_position(feed))
        return error_clear(error);
    trading_acknowledge body = TRADING_ACKNOWLEDGE_INIT;
    body.name = (trading_text){.data = feed->cursor, .length = strlen(feed->cursor)};
    body.position = position;
    trading_command command = {.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &body, .body_size = sizeof body};
    trading_result result;
    code = trading_engine_execute(feed->engine, &command, 1, &result, error);
    if (!code && result.status != TRADING_STATUS_ACCEPTED)
        code = refused(feed, position, &result, error);
    return code;
}
