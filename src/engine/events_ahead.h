/* The events of the journal, proven and decoded ahead of who folds them, in batches that stay in the second cache: what does not depend on
 * the state is done on threads of its own, one that reads and proves commits (journal/ahead.c) and one that decodes them. */
#ifndef ENGINE_EVENTS_AHEAD_H
#define ENGINE_EVENTS_AHEAD_H

#include "engine/event_window.h"
#include "journal/read.h"

#define BATCH_EVENTS  256u
#define BATCH_COMMITS 64u

/* Events of one commit that lie side by side in a batch. */
struct event_stretch {
    struct commit commit; /* without its body; where the stretch begins it */
    uint32_t events;
    bool begins; /* its first event is the commit's */
    bool ends;   /* its last is the commit's, of which all was read */
};

/* Events of several commits, or of a part of one. */
struct event_batch {
    uint32_t events;
    uint32_t entries;
    uint32_t stretches;
    _Alignas(64) struct event_step steps[BATCH_EVENTS]; /* the caller's to change until it is released */
    struct cause causes[BATCH_EVENTS];
    struct event_stretch stretch[BATCH_COMMITS];
    uint8_t *text; /* what the events point to */
    size_t text_bytes;
    size_t text_capacity;
};

/* Told of each entry that was decoded: the command and where its first event stands. False: there is no memory. */
typedef bool (*event_entry)(void *arg, const struct cause *cause, int64_t position, trading_time time);

struct events_ahead;

/* Begins to read what the journal has from `from` on, up to the end of the commit before `to`. `entry`, which may be NULL, is called on a
 * thread that is not the caller's, and no more once it is closed. NULL when there is no memory or no thread. */
struct events_ahead *events_ahead_open(const struct journal *journal, int64_t from, int64_t to, event_entry entry, void *arg);

/* The next batch, valid until it is released; NULL when there are no more: ask events_ahead_close. */
struct event_batch *events_ahead_take(struct events_ahead *ahead);
void events_ahead_release(struct events_ahead *ahead);

/* Has another thread make memory of what the caller's tables grow into, so that the caller does not wait for the system. */
void events_ahead_grow(struct events_ahead *ahead, struct tables *tables);

/* Ends it at any time. What it came to where it ended by itself: as journal_walk; TRADING_E_DAMAGED where an event cannot be read. */
int32_t events_ahead_close(struct events_ahead *ahead, trading_error *error);

#endif
