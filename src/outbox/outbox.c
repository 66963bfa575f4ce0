/* The outbox: a batch of events is read, made into records, and published with the mark behind it. A batch that failed is kept as it is,
 * and tried again, so that what was published is always what lies before the mark. */
#include "base/error.h"
#include "base/id.h"
#include "base/monotonic.h"
#include "engine/eras.h"
#include "engine/feed.h"

#include <inttypes.h>
#include <string.h>

#include <trading/outbox.h>

#define BATCH_MAX 65536u
/* The text of an id or a symbol. */
#define KEY_BYTES 32u

_Static_assert(KEY_BYTES >= TRADING_ID_TEXT && KEY_BYTES >= sizeof(trading_symbol), "a key is one of them");

struct trading_outbox {
    struct memory *memory;
    trading_bus *bus;
    trading_feed *feed;
    trading_outbox_options options;
    int64_t mark;     /* as the bus keeps it */
    int64_t marked;   /* when, by the monotonic clock */
    int64_t position; /* every event before it is published or left out */

    /* the batch at hand: events from the mark, or behind those that are left out, up to `end` */
    bool reading; /* there is one */
    bool encoded;
    bool unknown; /* the bus could not say whether it was published */
    int64_t end;
    trading_event *events;
    size_t event_count; /* of those to be published */
    trading_bus_record *records;
    size_t record_count;
    char (*keys)[KEY_BYTES];

    trading_error failure; /* of the last step */
    int64_t begun;         /* where it was opened */
    uint64_t published;
    uint64_t batches;
    uint64_t errors;
};

/* ---- opening and closing ---- */

static int32_t check_options(const trading_outbox_options *options, trading_error *error)
{
    if (!options || options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID,
                         "the options of an outbox are not initialised: use trading_outbox_options_init");
    if (!options->encode)
        return error_set(error, TRADING_E_INVALID, "an outbox needs a callback that makes records of events");
    if (options->batch == 0 || options->batch > BATCH_MAX || options->skip_mark == 0 || options->skip_time < 0 ||
        options->from < 0)
        return error_set(
            error, TRADING_E_INVALID,
            "an outbox publishes 1 to %u events at once, marks what it leaves out after 1 or more and a time from 0 on, and "
            "begins at a position from 0 on",
            BATCH_MAX);
    return TRADING_OK;
}

static bool has_room(trading_outbox *outbox)
{
    size_t batch = outbox->options.batch;
    outbox->events = memory_zeroed(outbox->memory, batch, sizeof *outbox->events);
    outbox->records = memory_zeroed(outbox->memory, batch, sizeof *outbox->records);
    outbox->keys = memory_zeroed(outbox->memory, batch, sizeof *outbox->keys);
    return outbox->events && outbox->records && outbox->keys;
}

static int32_t find_mark(const trading_outbox *outbox, int64_t *mark, trading_error *error)
{
    int32_t code = trading_bus_mark(outbox->bus, mark, error);
    if (code != TRADING_E_NOT_FOUND)
        return code;
    *mark = outbox->options.from;
    return TRADING_OK;
}

/* Without a mark, what is before the partition was split is left out: it was published by whoever published for the one that it was. */
static int32_t find_beginning(trading_outbox *outbox, trading_engine *engine, trading_error *error)
{
    trading_filter filter = TRADING_FILTER_INIT;
    filter.partition = outbox->options.partition;
    int32_t code = feed_partition(&engine, &filter, error);
    if (!code)
        code = find_mark(outbox, &outbox->mark, error);
    if (code)
        return code;
    int64_t end = engine_split_end(engine);
    bool leaves_out = outbox->mark == outbox->options.from && outbox->mark < end;
    outbox->begun = outbox->position = leaves_out ? end : outbox->mark;
    outbox->marked = monotonic_now();
    return TRADING_OK;
}

/* A feed of everything: kinds are chosen here, so that a step stays short however few are wanted. */
static int32_t open_feed(trading_outbox *outbox, trading_engine *engine, trading_error *error)
{
    trading_filter filter = TRADING_FILTER_INIT;
    filter.partition = outbox->options.partition;
    int32_t code = trading_feed_open(&outbox->feed, engine, outbox->position, &filter, NULL, error);
    if (code == TRADING_E_NOT_FOUND)
        return error_set(error, TRADING_E_DAMAGED,
                         "the outbox's mark stands at %" PRId64
                         ", beyond the journal's end: it is of another journal, or this one has lost its end",
                         outbox->mark);
    return code;
}

static int32_t set_up(trading_outbox *outbox, trading_engine *engine, trading_error *error)
{
    if (!has_room(outbox))
        return error_no_memory(error, "an outbox");
    int32_t code = find_beginning(outbox, engine, error);
    return code ? code : open_feed(outbox, engine, error);
}

int32_t trading_outbox_open(trading_outbox **outbox, trading_engine *engine, trading_bus *bus,
                            const trading_outbox_options *options, trading_error *error)
{
    if (!outbox)
        return error_set(error, TRADING_E_INVALID, "trading_outbox_open needs a place for the outbox");
    *outbox = NULL;
    int32_t code = engine_check(engine, error);
    if (!code && !bus)
        code = error_set(error, TRADING_E_INVALID, "an outbox needs a bus that was opened with the name of a writer");
    if (!code)
        code = check_options(options, error);
    if (code)
        return code;
    trading_outbox *made = memory_zeroed(&engine->memory, 1, sizeof *made);
    if (!made)
        return error_no_memory(error, "an outbox");
    made->memory = &engine->memory;
    made->bus = bus;
    made->options = *options;
    code = set_up(made, engine, error);
    if (code) {
        trading_outbox_close(made);
        return code;
    }
    *outbox = made;
    return error_clear(error);
}

void trading_outbox_close(trading_outbox *outbox)
{
    if (!outbox)
        return;
    size_t batch = outbox->options.batch;
    memory_release(outbox->memory, outbox->events, batch * sizeof *outbox->events);
    memory_release(outbox->memory, outbox->records, batch * sizeof *outbox->records);
    memory_release(outbox->memory, outbox->keys, batch * sizeof *outbox->keys);
    trading_feed *feed = outbox->feed;
    memory_release(outbox->memory, outbox, sizeof *outbox);
    trading_feed_close(feed); /* the engine may go with it */
}

/* ---- reading ---- */

static bool is_wanted(const trading_outbox *outbox, int32_t kind)
{
    const uint64_t *kinds = outbox->options.kinds;
    if (kinds[0] == 0 && kinds[1] == 0)
        return kind != TRADING_EVENT_CURSOR_ACKNOWLEDGED;
    return kinds[kind / 64] >> (kind % 64) & 1;
}

/* The next events: those that are wanted stay in the batch. */
static int32_t read_batch(trading_outbox *outbox, int64_t timeout, trading_error *error)
{
    size_t count;
    int32_t code = trading_feed_next(outbox->feed, outbox->events, outbox->options.batch, &count, timeout, error);
    if (code)
        return code;
    outbox->event_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(outbox, outbox->events[i].kind))
            continue;
        if (outbox->event_count < i)
            outbox->events[outbox->event_count] = outbox->events[i];
        outbox->event_count++;
    }
    outbox->end = trading_feed_position(outbox->feed);
    outbox->reading = true;
    outbox->encoded = outbox->unknown = false;
    return TRADING_OK;
}

/* Whether events that were left out, up to this position, are worth a mark of their own: when they are many, or it is time. */
static bool is_mark_due(const trading_outbox *outbox, int64_t position)
{
    return position > outbox->mark && (position - outbox->mark >= outbox->options.skip_mark ||
                                       monotonic_now() - outbox->marked >= outbox->options.skip_time);
}

/* The next events; or a batch of none, for the mark alone. */
static int32_t next_batch(trading_outbox *outbox, int64_t timeout, trading_error *error)
{
    int32_t code = read_batch(outbox, timeout, error);
    if (code != TRADING_E_TIMEOUT || !is_mark_due(outbox, outbox->position))
        return code;
    outbox->event_count = outbox->record_count = 0;
    outbox->end = outbox->position;
    outbox->reading = outbox->encoded = true;
    outbox->unknown = false;
    return TRADING_OK;
}

/* ---- encoding ---- */

static void choose_key(const trading_event *event, char *key)
{
    if (!id_is_zero(&event->account))
        trading_id_format(TRADING_ENTITY_ACCOUNT, &event->account, key);
    else if (event->symbol.text[0])
        memcpy(key, event->symbol.text, sizeof event->symbol.text);
    else
        memcpy(key, "-", 2);
}

static int32_t encode(trading_outbox *outbox, trading_error *error)
{
    size_t count = outbox->event_count;
    memset(outbox->records, 0, count * sizeof *outbox->records);
    for (size_t i = 0; i < count; i++) {
        choose_key(&outbox->events[i], outbox->keys[i]);
        outbox->records[i].partition = TRADING_BUS_BY_KEY;
        outbox->records[i].key = outbox->keys[i];
        outbox->records[i].key_size = strlen(outbox->keys[i]);
    }
    int32_t code =
        count ? outbox->options.encode(outbox->options.encode_context, outbox->events, count, outbox->records, error) : 0;
    if (code)
        return code;
    outbox->record_count = 0;
    for (size_t i = 0; i < count; i++)
        if (outbox->records[i].topic)
            outbox->records[outbox->record_count++] = outbox->records[i];
    outbox->encoded = true;
    return TRADING_OK;
}

/* ---- publishing ---- */

static int32_t fenced(const trading_outbox *outbox, int64_t mark, trading_error *error)
{
    return error_set(error, TRADING_E_FENCED,
                     "another outbox publishes under this writer's name: its mark is at %" PRId64 ", not between %" PRId64
                     " and %" PRId64,
                     mark, outbox->mark, outbox->end);
}

/* Whether the batch was published that the bus could not tell of: then its mark is there. */
static int32_t resolve(trading_outbox *outbox, trading_error *error)
{
    int64_t mark;
    int32_t code = find_mark(outbox, &mark, error);
    if (code)
        return code;
    outbox->unknown = false;
    if (mark == outbox->end)
        return TRADING_OK;
    return mark == outbox->mark ? TRADING_E_NOT_FOUND : fenced(outbox, mark, error);
}

/* A batch of nothing is no reason for a transaction, until its mark is due. */
static bool may_wait(const trading_outbox *outbox)
{
    return outbox->record_count == 0 && !is_mark_due(outbox, outbox->end);
}

static void take_as_published(trading_outbox *outbox)
{
    outbox->mark = outbox->end;
    outbox->marked = monotonic_now();
    outbox->published += outbox->record_count;
    outbox->batches++;
}

static int32_t publish(trading_outbox *outbox, trading_error *error)
{
    if (may_wait(outbox))
        return TRADING_OK;
    int32_t code = outbox->unknown ? resolve(outbox, error) : TRADING_E_NOT_FOUND;
    if (code == TRADING_E_NOT_FOUND)
        code = trading_bus_publish(outbox->bus, outbox->records, outbox->record_count, outbox->end, error);
    outbox->unknown = code == TRADING_E_OUTCOME_UNKNOWN || (code && outbox->unknown);
    if (!code)
        take_as_published(outbox);
    return code;
}

static int32_t step(trading_outbox *outbox, int64_t timeout, uint64_t *published, trading_error *error)
{
    int32_t code = outbox->reading ? TRADING_OK : next_batch(outbox, timeout, error);
    if (!code && !outbox->encoded)
        code = encode(outbox, error);
    if (!code)
        code = publish(outbox, error);
    if (code)
        return code;
    outbox->reading = false;
    outbox->position = outbox->end;
    *published = outbox->record_count;
    return TRADING_OK;
}

int32_t trading_outbox_step(trading_outbox *outbox, int64_t timeout, uint64_t *published, trading_error *error)
{
    uint64_t ignored;
    trading_error failure;
    if (!outbox)
        return error_set(error, TRADING_E_INVALID, "trading_outbox_step needs an outbox");
    published = published ? published : &ignored;
    *published = 0;
    if (outbox->failure.code != TRADING_E_FENCED) {
        error_clear(&failure);
        int32_t code = step(outbox, timeout, published, &failure);
        bool idle = code == TRADING_E_TIMEOUT && !outbox->reading;
        if (idle || code == TRADING_E_CLOSED) {
            error_clear(&outbox->failure);
            if (error)
                *error = failure;
            return code;
        }
        failure.code = code; /* a callback may have said nothing */
        outbox->failure = failure;
        outbox->errors += code != TRADING_OK;
    }
    if (error)
        *error = outbox->failure;
    return outbox->failure.code;
}

int32_t trading_outbox_get_info(const trading_outbox *outbox, trading_outbox_info *info, trading_error *error)
{
    if (!outbox || !info || info->size != sizeof *info)
        return error_set(error, TRADING_E_INVALID,
                         "trading_outbox_get_info needs an outbox, and an info that was set up by trading_outbox_info_init");
    info->state = outbox->failure.code;
    info->position = outbox->position;
    info->mark = outbox->mark;
    info->next_position = feed_end(outbox->feed);
    info->published = outbox->published;
    info->skipped = (uint64_t)(info->position - outbox->begun) - outbox->published;
    info->batches = outbox->batches;
    info->errors = outbox->errors;
    return error_clear(error);
}
