/* Events as they are handed out: read one after another from a proven commit, and told in the public layout, where ids and symbols stand
 * for the numbers of records. */
#ifndef ENGINE_EVENTS_H
#define ENGINE_EVENTS_H

#include "journal/commit.h"
#include "journal/entry.h"
#include "process/domain.h"

/* Reads the events of one commit, in order. The commit and its body must stay until the reader is done. */
struct event_reader {
    const struct commit *commit;
    struct reader reader;
    int64_t position;    /* of the next event */
    uint32_t entries;    /* that are not begun */
    uint32_t entry_left; /* events of the entry that is open */
};

void event_reader_begin(struct event_reader *events, const struct commit *commit);

/* The next event. What caused it is read into `cause` with the first of its entry, and is left there with the others. False at the end of
 * the commit, and where it cannot be read any further: ask event_reader_end. */
bool event_reader_next(struct event_reader *events, struct event *event, struct cause *cause);

/* TRADING_OK when all events of the commit were read; else TRADING_E_DAMAGED, naming the position. */
int32_t event_reader_end(const struct event_reader *events, trading_error *error);

/* Tells a durable event of `commit` in the public layout. Beside the writer, on any thread: what it looks up in the domain (ids, symbols,
 * owners and terms of orders) never changes once it is installed, and the event's position must be before the domain's mark as installed.
 * TRADING_E_DAMAGED when the event names a record that is not there. */
int32_t event_publish(const struct domain *domain, const struct commit *commit, const struct cause *cause,
                      const struct event *event, trading_event *out, trading_error *error);

#endif
