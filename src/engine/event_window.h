/* The events of a commit, read some way ahead of whoever uses them, so that the records which they name are in the cache by then. */
#ifndef ENGINE_EVENT_WINDOW_H
#define ENGINE_EVENT_WINDOW_H

#include "engine/events.h"

#define EVENT_WINDOW 32u /* events from reading to use; a power of two */

/* An event, and where in its entry it stands. */
struct event_step {
    struct event event;
    const struct cause *cause;
    bool opens;  /* it is the entry's first */
    bool closes; /* and its last */
};

/* Told of each event when it is read. */
typedef void (*event_coming)(void *arg, const struct event_step *step);

struct event_window {
    struct event_reader reader;
    event_coming coming;
    void *arg;
    uint32_t read; /* how many events; number n is steps[n mod EVENT_WINDOW] */
    uint32_t used;
    uint32_t entries; /* how many causes were read, kept likewise */
    struct event_step steps[EVENT_WINDOW];
    struct cause causes[EVENT_WINDOW];
};

/* The commit and its body must stay until the window is done. */
void event_window_begin(struct event_window *window, const struct commit *commit, event_coming coming, void *arg);

/* The next event, which is the caller's to change until the next call; NULL at the end of the commit, and where it cannot be read any further:
 * ask event_window_end. */
struct event_step *event_window_next(struct event_window *window);
int32_t event_window_end(const struct event_window *window, trading_error *error);

/* Calls the records that an event names into the cache, by table_prefetch or table_prefetch_fixed. */
void event_prefetch(const struct domain *domain, const struct event *event,
                    void (*prefetch)(const struct table *table, uint32_t number));

#endif
