/* What all calls on a view share: each sees one position, reads records there, and commits of the journal. */
#include "base/error.h"
#include "engine/view.h"

#include <inttypes.h>
#include <stddef.h>

/* ---- one call ---- */

void sight_refuse(const char *needs, trading_error *error)
{
    error_set(error, TRADING_E_INVALID, "the call needs a view, and %s", needs);
}

/* Without the journal's copy, which is set when it is taken. */
static void sight_set_up(struct sight *sight, trading_view *view, trading_error *error)
{
    sight->view = view;
    sight->engine = view->engine;
    sight->domain = view->domain;
    sight->pin = view->pin;
    sight->position = view->mark.next_position;
    sight->has_copy = false;
    sight->error = error;
}

int32_t sight_start(struct sight *sight, trading_view *view, trading_error *error)
{
    int32_t code = host_check(view->engine->host, error);
    if (code)
        return code;
    sight_set_up(sight, view, error);
    if (view->latest) {
        struct mark_record mark;
        code = view_pin(view->domain, &sight->pin, &mark, error);
        sight->position = code ? POSITION_NONE : mark.next_position;
    }
    return code ? code : error_clear(error);
}

int32_t sight_end(struct sight *sight, int32_t code)
{
    trading_view *view = sight->view;
    if (view->latest)
        tables_unpin(sight->pin);
    if (sight->has_copy) {
        pthread_mutex_lock(&view->spare_mutex);
        struct journal_copy before = view->spare;
        view->spare = sight->copy;
        pthread_mutex_unlock(&view->spare_mutex);
        journal_copy_close(&before); /* of a call on another thread */
    }
    return code;
}

/* ---- one entity ---- */

/* How often a reader looks again before it holds the horizon still. */
#define LOOKS 8u

_Static_assert(offsetof(struct mark_record, next_position) == 0, "the mark begins with the position");

/* Reads without holding anything. False when the horizon moved meanwhile: what was read is of no one moment. */
static bool try_single(struct sight *sight, sight_show show, const void *name, void *out, int32_t *code)
{
    const struct domain *domain = sight->domain;
    uint64_t look = tables_look(domain->tables);
    if (!look || table_read_first(domain->mark, 1, NULL, &sight->position, sizeof sight->position) != TABLE_FOUND)
        return false;
    *code = show(sight, name, out);
    return tables_stood_still(domain->tables, look);
}

static int32_t show_single(trading_view *view, sight_show show, const void *name, void *out, trading_error *error)
{
    struct sight sight;
    int32_t code = host_check(view->engine->host, error);
    if (code)
        return code;
    if (view->latest) {
        sight_set_up(&sight, view, error);
        for (uint32_t i = 0; i < LOOKS; i++)
            if (try_single(&sight, show, name, out, &code))
                return code ? code : error_clear(error);
    }
    code = sight_start(&sight, view, error);
    return code ? code : sight_end(&sight, show(&sight, name, out));
}

int32_t sight_single(trading_view *view, bool sound, const char *needs, sight_show show, const void *name, void *out,
                     trading_error *error)
{
    if (view && sound)
        return show_single(view, show, name, out, error);
    sight_refuse(needs, error);
    return TRADING_E_INVALID;
}

/* ---- reading records ---- */

int32_t sight_read(const struct sight *sight, const struct table *table, uint32_t number, void *record)
{
    enum table_read found = table_read(table, number, sight->pin, record);
    if (found == TABLE_EXPIRED)
        return view_expired(sight->error);
    if (found == TABLE_FOUND)
        return TRADING_OK;
    return error_set(sight->error, TRADING_E_DAMAGED, "the state leads to a record that is not there: %u; verify the store",
                     number);
}

int32_t sight_found(const struct sight *sight, enum table_read found, const char *what)
{
    if (found == TABLE_EXPIRED)
        return view_expired(sight->error);
    if (found == TABLE_FOUND)
        return TRADING_OK;
    return error_set(sight->error, TRADING_E_NOT_FOUND, "there is no such %s at position %" PRId64, what, sight->position);
}

int32_t sight_account(const struct sight *sight, const trading_id *id, uint32_t *number, struct account_record *account)
{
    enum table_read found = account_read(&sight->domain->accounts, id, sight->pin, number, account);
    return sight_found(sight, domain_is_stranger(sight->domain, id) ? TABLE_ABSENT : found, "account");
}

int32_t sight_portfolio(const struct sight *sight, const trading_id *id, uint32_t *number, struct portfolio_record *portfolio)
{
    enum table_read found = portfolio_read(&sight->domain->portfolios, id, sight->pin, number, portfolio);
    return sight_found(sight, domain_is_stranger(sight->domain, id) ? TABLE_ABSENT : found, "portfolio");
}

int32_t sight_order(const struct sight *sight, const trading_id *id, uint32_t *number, struct order_record *order)
{
    enum table_read found = order_read(&sight->domain->orders, id, sight->pin, number, order);
    bool gone = found == TABLE_FOUND && !order_is_guest(order) && domain_is_stranger(sight->domain, id);
    return sight_found(sight, gone ? TABLE_ABSENT : found, "order");
}

int32_t sight_bad_cursor(const struct sight *sight, uint64_t cursor)
{
    return error_set(sight->error, TRADING_E_INVALID,
                     "the cursor %" PRIu64 " is none of this list: begin with 0 and pass on what each call left", cursor);
}

/* ---- the journal ---- */

static void take_spare(struct sight *sight)
{
    trading_view *view = sight->view;
    pthread_mutex_lock(&view->spare_mutex);
    sight->copy = view->spare;
    view->spare = (struct journal_copy){0};
    pthread_mutex_unlock(&view->spare_mutex);
    sight->has_copy = true;
}

int32_t sight_commit_at(struct sight *sight, int64_t position, const struct commit **commit)
{
    if (!sight->has_copy)
        take_spare(sight);
    struct commit *held = &sight->copy.commit;
    *commit = held;
    if (held->events && held->first_position <= position && position < commit_end(held))
        return TRADING_OK;
    int32_t code = journal_commit_at(&sight->engine->journal, position, &sight->copy, sight->error);
    if (code)
        held->events = 0;
    return code;
}

int32_t sight_event_at(struct sight *sight, int64_t position, struct event *event)
{
    const struct commit *commit;
    int32_t code = sight_commit_at(sight, position, &commit);
    if (code)
        return code;
    struct event_reader events;
    struct cause cause;
    event_reader_begin(&events, commit);
    while (event_reader_next(&events, event, &cause)) {
        if (event->position == position)
            return TRADING_OK;
    }
    return event_reader_end(&events, sight->error);
}
