/* Opening and closing views: where they stand. */
#include "engine/view.h"

#include "base/error.h"
#include "engine/replay.h"

#include <inttypes.h>

/* ---- where a view stands ---- */

int32_t view_expired(trading_error *error)
{
    return error_set(error, TRADING_E_VIEW_EXPIRED,
                     "the view was held while more was written than view_bytes keeps of what was there before; open a new one");
}

static int32_t read_mark(const struct domain *domain, struct pin *pin, struct mark_record *mark, trading_error *error)
{
    enum table_read found = table_read(domain->mark, 1, pin, mark);
    if (found == TABLE_EXPIRED)
        return view_expired(error);
    return found == TABLE_FOUND ? TRADING_OK : error_set(error, TRADING_E_DAMAGED, "the state has no mark of its position");
}

int32_t view_pin(const struct domain *domain, struct pin **pin, struct mark_record *mark, trading_error *error)
{
    *pin = tables_pin(domain->tables);
    if (!*pin)
        return error_no_memory(error, "a view's hold on its position");
    int32_t code = read_mark(domain, *pin, mark, error);
    if (code) {
        tables_unpin(*pin);
        *pin = NULL;
    }
    return code;
}

static int32_t stand_now(trading_view *view, trading_error *error)
{
    view->domain = &view->engine->domain;
    return view_pin(view->domain, &view->pin, &view->mark, error);
}

static int32_t stand_in_past(trading_view *view, int64_t at, trading_error *error)
{
    trading_engine *engine = view->engine;
    tables_unpin(view->pin);
    view->pin = NULL;
    int32_t code = engine_past_domain(engine, &view->past, at, true, error);
    if (code)
        return code;
    view->domain = &view->past;
    code = replay_journal(&view->past, &engine->journal, at, NULL, NULL, NULL, NULL, error);
    if (code)
        return code;
    view->mark = *domain_mark(&view->past);
    if (view->mark.next_position >= at)
        return TRADING_OK;
    return error_set(error, TRADING_E_DAMAGED,
                     "the journal ends at position %" PRId64 ", and %" PRId64 " were durable; verify the store",
                     view->mark.next_position, at);
}

/* A view that stands now goes back to a position; */
static int32_t go_back_to(trading_view *view, int64_t at, trading_error *error)
{
    if (at == view->mark.next_position)
        return TRADING_OK;
    if (at > view->mark.next_position)
        return error_set(error, TRADING_E_NOT_FOUND, "the journal ends at position %" PRId64 ", before %" PRId64,
                         view->mark.next_position, at);
    return stand_in_past(view, at, error);
}

static int32_t stand_at(trading_view *view, int64_t at, trading_error *error)
{
    int32_t code = stand_now(view, error);
    return code ? code : go_back_to(view, at, error);
}

/* and to a time. */
static int32_t go_back(trading_view *view, trading_time at, trading_error *error)
{
    int64_t position;
    if (at >= view->mark.time)
        return TRADING_OK;
    int32_t code = journal_position_at_time(&view->engine->journal, view->mark.next_position, at, &position, error);
    return code ? code : stand_in_past(view, position, error);
}

static int32_t stand_at_time(trading_view *view, trading_time at, trading_error *error)
{
    int32_t code = stand_now(view, error);
    return code ? code : go_back(view, at, error);
}

static void stand_latest(trading_view *view)
{
    view->domain = &view->engine->domain;
    view->latest = true;
}

/* ---- opening and closing ---- */

static int32_t check(trading_engine *engine, trading_error *error)
{
    int32_t code = host_check(engine->host, error);
    if (!code && atomic_load(&engine->closing))
        code = error_set(error, TRADING_E_CLOSED, "the engine is being closed");
    return code;
}

/* NULL: `code` says why. Nothing is handed out yet. */
static trading_view *make(trading_view **view, trading_engine *engine, int32_t *code, trading_error *error)
{
    if (!view || !engine) {
        *code = error_set(error, TRADING_E_INVALID, "a view needs a place for its handle, and an engine");
        return NULL;
    }
    *view = NULL;
    engine_enter(engine);
    *code = check(engine, error);
    trading_view *made = *code ? NULL : memory_zeroed(&engine->memory, 1, sizeof *made);
    if (!made) {
        engine_leave(engine);
        *code = *code ? *code : error_no_memory(error, "a view");
        return NULL;
    }
    *view = made;
    made->engine = engine;
    pthread_mutex_init(&made->spare_mutex, NULL);
    return made;
}

static void unmake(trading_view *view)
{
    trading_engine *engine = view->engine;
    for (uint32_t i = 1; view->parts && i < engine->partitions->count; i++)
        if (view->parts[i])
            unmake(view->parts[i]);
    if (view->parts)
        memory_release(&engine->memory, view->parts, engine->partitions->count * sizeof(trading_view *));
    tables_unpin(view->pin);
    if (view->past.tables)
        domain_close(&view->past);
    journal_copy_close(&view->spare);
    pthread_mutex_destroy(&view->spare_mutex);
    memory_release(&engine->memory, view, sizeof *view);
    engine_leave(engine);
}

/* Hands the view out, unless it could not be put where it was to stand. */
static int32_t finish(trading_view *made, int32_t code, trading_view **view, trading_error *error)
{
    if (code) {
        unmake(made);
        *view = NULL;
        return code;
    }
    *view = made;
    return error_clear(error);
}

/* Where a view is to stand. */
struct stand {
    int64_t at;
    bool is_time;
    bool of_one;        /* `at` is a position of that partition */
    uint32_t partition; /* of the store */
};

static int32_t stand(trading_view *view, struct stand where, trading_error *error)
{
    if (where.is_time)
        return stand_at_time(view, where.at, error);
    if (where.at == TRADING_VIEW_LATEST) {
        stand_latest(view);
        return TRADING_OK;
    }
    return where.at == TRADING_VIEW_NOW ? stand_now(view, error) : stand_at(view, where.at, error);
}

static int32_t make_parts(trading_view *whole, trading_error *error)
{
    trading_engine *engine = whole->engine;
    uint32_t count = engine->partitions->count;
    int32_t code = TRADING_OK;
    whole->parts = memory_zeroed(&engine->memory, count, sizeof(trading_view *));
    if (!whole->parts)
        return error_no_memory(error, "a view");
    whole->parts[0] = whole->whole = whole;
    for (uint32_t i = 1; i < count && !code; i++) {
        trading_view *part = make(&whole->parts[i], engine->partitions->at[i], &code, error);
        if (part)
            part->whole = whole;
    }
    return code;
}

static int32_t check_stand(const trading_engine *engine, struct stand where, trading_error *error)
{
    bool parted = engine_is_parted(engine);
    bool there = parted ? where.partition < engine->partitions->count : where.partition == engine->partition;
    if (where.of_one && !there)
        return error_set(error, TRADING_E_INVALID, "the engine has no partition %u of its store's %u", where.partition,
                         engine->parts);
    if (parted && !where.of_one && !where.is_time && where.at >= 0)
        return error_set(error, TRADING_E_INVALID,
                         "each partition has positions of its own: say of which one %" PRId64
                         " is, or ask for TRADING_VIEW_NOW, _LATEST or a time",
                         where.at);
    return TRADING_OK;
}

/* Every partition at one moment, so that no message is seen applied that is not seen sent. It is held while nobody installs, and no longer: what
 * is in the past stays as it is. */
static int32_t stand_together(trading_view *whole, int64_t at, trading_error *error)
{
    struct partitions *partitions = whole->engine->partitions;
    int32_t code = make_parts(whole, error);
    pthread_rwlock_wrlock(&partitions->cut);
    for (uint32_t i = 0; i < partitions->count && !code && whole->parts[i]; i++)
        code = stand(whole->parts[i], (struct stand){.at = at}, error);
    pthread_rwlock_unlock(&partitions->cut);
    return code;
}

/* The one partition to its position, and the others to the time of the commit that it then ends with. */
static int32_t stand_parts(trading_view *whole, struct stand where, trading_error *error)
{
    bool back = where.is_time || where.of_one;
    int32_t code = stand_together(whole, back ? TRADING_VIEW_NOW : where.at, error);
    if (!code && where.of_one) {
        trading_view *one = whole->parts[where.partition];
        code = go_back_to(one, where.at, error);
        where.at = one->mark.time;
    }
    for (uint32_t i = 0; i < whole->engine->partitions->count && !code && back && whole->parts[i]; i++)
        if (!where.of_one || i != where.partition)
            code = go_back(whole->parts[i], where.at, error);
    return code;
}

static int32_t open_view(trading_view **view, trading_engine *engine, struct stand where, trading_error *error)
{
    int32_t code;
    trading_view *made = make(view, engine, &code, error);
    if (!made)
        return code;
    code = check_stand(engine, where, error);
    if (!code)
        code = engine_is_parted(engine) ? stand_parts(made, where, error) : stand(made, where, error);
    return finish(made, code, view, error);
}

int32_t trading_view_open(trading_view **view, trading_engine *engine, int64_t at, trading_error *error)
{
    if (at < TRADING_VIEW_LATEST)
        return error_set(error, TRADING_E_INVALID, "a view is of a position from 0, TRADING_VIEW_NOW or _LATEST, not %" PRId64,
                         at);
    return open_view(view, engine, (struct stand){.at = at}, error);
}

int32_t trading_view_open_at_position(trading_view **view, trading_engine *engine, uint32_t partition, int64_t at,
                                      trading_error *error)
{
    if (at < 0)
        return error_set(error, TRADING_E_INVALID, "a partition has positions from 0, not %" PRId64, at);
    return open_view(view, engine, (struct stand){.at = at, .of_one = true, .partition = partition}, error);
}

int32_t trading_view_open_at_time(trading_view **view, trading_engine *engine, trading_time at, trading_error *error)
{
    return open_view(view, engine, (struct stand){.at = at, .is_time = true}, error);
}

void trading_view_close(trading_view *view)
{
    if (view && host_check(view->engine->host, NULL) == TRADING_OK)
        unmake(view);
}

static struct mark_record mark_of(trading_view *view)
{
    struct mark_record mark = {.next_position = POSITION_NONE};
    if (!view || host_check(view->engine->host, NULL))
        return mark;
    if (view->latest)
        read_mark(view->domain, NULL, &mark, NULL);
    else
        mark = view->mark;
    return mark;
}

/* Of several partitions, how far they have come together. */
int64_t trading_view_position(trading_view *view)
{
    int64_t position = mark_of(view).next_position;
    for (uint32_t i = 1; view && view->parts && i < view->engine->partitions->count; i++)
        position += mark_of(view->parts[i]).next_position;
    return position;
}

int64_t trading_view_partition_position(trading_view *view, uint32_t partition)
{
    trading_view *part = view ? view_at_partition(view, partition) : NULL;
    return part ? mark_of(part).next_position : POSITION_NONE;
}

trading_time trading_view_time(trading_view *view)
{
    trading_time time = mark_of(view).time;
    for (uint32_t i = 1; view && view->parts && i < view->engine->partitions->count; i++) {
        trading_time other = mark_of(view->parts[i]).time;
        time = other > time ? other : time;
    }
    return time;
}

/* ---- all parts ---- */

#define PART_SHIFT 48u

int32_t view_walk(trading_view *view, view_page page, uint64_t *cursor, void *out, size_t max, size_t *count,
                  trading_error *error)
{
    if (!view || !view->parts || !cursor || !count)
        return page(view, cursor, out, max, count, error);
    uint64_t parts = view->engine->partitions->count;
    uint64_t part = *cursor >> PART_SHIFT;
    if (part >= parts)
        return error_set(error, TRADING_E_INVALID, "the cursor %" PRIu64 " is none of this list", *cursor);
    for (;;) {
        uint64_t inner = *cursor & ((UINT64_C(1) << PART_SHIFT) - 1);
        int32_t code = page(view->parts[part], &inner, out, max, count, error);
        *cursor = part << PART_SHIFT | inner;
        bool over = code == TRADING_E_NOT_FOUND || (!code && *count == 0);
        if (!over || part + 1 == parts)
            return code;
        *cursor = ++part << PART_SHIFT;
    }
}
