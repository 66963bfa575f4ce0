/* The inside of views. A view stands on the live state, held still by a pin, or on one of its own that was rebuilt from the journal; both
 * are read in the same way. A view of the latest takes a pin for each call, but reads a single entity without one, and without writing anything
 * that another thread reads: it looks whether the horizon stood still meanwhile. */
#ifndef ENGINE_VIEW_H
#define ENGINE_VIEW_H

#include "engine/engine.h"
#include "engine/events.h"

#include <trading/view.h>

struct trading_view {
    trading_engine *engine;
    const struct domain *domain; /* the engine's, or `past` */
    struct pin *pin;             /* what holds the engine's domain still; NULL: latest, or of the past */
    bool latest;
    struct mark_record mark; /* unless latest */
    struct domain past;      /* its tables are NULL unless the view is of the past */
    pthread_mutex_t spare_mutex;
    struct journal_copy spare; /* the commit that was read last, for the next call that takes it */
    trading_view **parts;      /* of an engine of several partitions: a view of each, the first this one; else NULL */
    trading_view *whole;       /* that has the parts; NULL: there are none */
};

/* The part that has what is asked for. */
static inline trading_view *view_of_partition(trading_view *view, uint32_t partition)
{
    return view->parts[partition % view->engine->partitions->count];
}

/* The view of that partition; NULL: the engine does not have it. */
static inline trading_view *view_at_partition(trading_view *view, uint32_t partition)
{
    if (view->parts)
        return partition < view->engine->partitions->count ? view->parts[partition] : NULL;
    return partition == view->engine->partition ? view : NULL;
}

static inline trading_view *view_of_id(trading_view *view, const trading_id *id)
{
    return view && view->parts && id ? view_of_partition(view, id_slot(id)) : view;
}

static inline trading_view *view_of_symbol(trading_view *view, const trading_symbol *symbol)
{
    return view && view->parts && symbol ? view_of_partition(view, symbol_slot(symbol)) : view;
}

/* One page of a list of one part. */
typedef int32_t (*view_page)(trading_view *view, uint64_t *cursor, void *out, size_t max, size_t *count, trading_error *error);

/* One page of a list over all parts, one after another: the cursor has the part in its upper 16 bits. */
int32_t view_walk(trading_view *view, view_page page, uint64_t *cursor, void *out, size_t max, size_t *count,
                  trading_error *error);

/* Holds the state still where it is, and says where that is. TRADING_E_VIEW_EXPIRED, TRADING_E_DAMAGED. */
int32_t view_pin(const struct domain *domain, struct pin **pin, struct mark_record *mark, trading_error *error);
int32_t view_expired(trading_error *error);

/* One call on a view: everything it reads is of one position. */
struct sight {
    trading_view *view;
    trading_engine *engine;
    const struct domain *domain;
    struct pin *pin;  /* NULL: the domain does not change, or that it did not is looked at afterwards */
    int64_t position; /* where the journal stands */
    struct journal_copy copy;
    bool has_copy; /* of the journal: given back to the view at the end */
    trading_error *error;
};

int32_t sight_start(struct sight *sight, trading_view *view, trading_error *error);
void sight_refuse(const char *needs, trading_error *error);

/* Begins a call. `sound`: the arguments are; else TRADING_E_INVALID, saying what the call needs. End it only when it began. */
static inline int32_t sight_begin(struct sight *sight, trading_view *view, bool sound, const char *needs, trading_error *error)
{
    if (view && sound)
        return sight_start(sight, view, error);
    sight_refuse(needs, error);
    return TRADING_E_INVALID;
}

/* Ends the call, which returns `code`. */
int32_t sight_end(struct sight *sight, int32_t code);

/* A whole call that shows one entity. `show` reads records alone, nothing of the journal, and fills `out` in only when it gives TRADING_OK; it
 * may be called several times. */
typedef int32_t (*sight_show)(const struct sight *sight, const void *name, void *out);
int32_t sight_single(trading_view *view, bool sound, const char *needs, sight_show show, const void *name, void *out,
                     trading_error *error);

/* Reads a record that is known to be there. TRADING_E_VIEW_EXPIRED, TRADING_E_DAMAGED. */
int32_t sight_read(const struct sight *sight, const struct table *table, uint32_t number, void *record);
/* What came of looking for a thing by its name: TRADING_E_NOT_FOUND, naming what there is none of; TRADING_E_VIEW_EXPIRED. */
int32_t sight_found(const struct sight *sight, enum table_read found, const char *what);
/* What the account, portfolio or order of that id is here. One that went to another partition when this one was split is none. */
int32_t sight_account(const struct sight *sight, const trading_id *id, uint32_t *number, struct account_record *account);
int32_t sight_portfolio(const struct sight *sight, const trading_id *id, uint32_t *number, struct portfolio_record *portfolio);
int32_t sight_order(const struct sight *sight, const trading_id *id, uint32_t *number, struct order_record *order);

/* A cursor that no call on this list gave. */
int32_t sight_bad_cursor(const struct sight *sight, uint64_t cursor);

/* The proven commit that holds the position, which is before the mark; valid until the next one is asked for. */
int32_t sight_commit_at(struct sight *sight, int64_t position, const struct commit **commit);
/* The event at the position; what it points to lies in that commit. */
int32_t sight_event_at(struct sight *sight, int64_t position, struct event *event);

/* The room that a caller gives for one page of a list. */
static inline bool page_is_sound(const uint64_t *cursor, const void *out, size_t max, const size_t *count)
{
    return cursor && out && max > 0 && count;
}

#endif
