/* The keys of past commands, while the journal is read: at opening, and again after a failed append. */
#ifndef ENGINE_RECALL_H
#define ENGINE_RECALL_H

#include "engine/engine.h"

/* Keys from being read to being left; until then the place of each is on its way into the cache. */
#define RECOLLECTION_WAITING 16u

struct recollection {
    trading_engine *engine;
    int64_t from;  /* what stands before it is stored */
    uint32_t read; /* how many keys; number n waits at n mod RECOLLECTION_WAITING */
    uint32_t inserted;
    struct {
        uint64_t hash;
        int64_t position;
        trading_time time;
    } waiting[RECOLLECTION_WAITING];
};

void recollection_begin(struct recollection *recollection, trading_engine *engine);

/* Takes an entry's key, if it has one: an event_entry (engine/events_ahead.h) of the recollection. */
bool recollection_take(void *recollection, const struct cause *cause, int64_t position, trading_time time);

/* Leaves what still waits: to be called however reading ended. False when there is no memory. */
bool recollection_end(struct recollection *recollection);

#endif
